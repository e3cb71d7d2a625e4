"""What was measured on, and which versions of what."""
import os
import platform
import re
import subprocess


def output(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def file_system(path):
    best = ("", "?")
    with open("/proc/mounts", encoding="utf-8") as f:
        for line in f:
            _, point, kind = line.split()[:3]
            if path.startswith(point.rstrip("/") + "/") and len(point) > len(best[0]):
                best = (point, kind)
    return best[1]


def facts(folder):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        info = f.read()
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = int(re.search(r"MemTotal:\s+(\d+)", f.read()).group(1)) / 1024 / 1024
    lscpu = output("lscpu")
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.M)
    threads = re.search(r"^Thread\(s\) per core:\s*(\d+)", lscpu, re.M)
    family = re.search(r"^cpu family\s*:\s*(.*)$", info, re.M)
    number = re.search(r"^model\s*:\s*(.*)$", info, re.M)
    with open("/etc/os-release", encoding="utf-8") as f:
        system = re.search(r'^PRETTY_NAME="(.*)"$', f.read(), re.M).group(1)
    return {"cpu": model.group(1) if model else platform.machine(),
            "family": f"family {family.group(1)}, model {number.group(1)}" if family and number else "",
            "processors": os.cpu_count(), "threads_per_core": int(threads.group(1)) if threads else 1,
            "virtual": "hypervisor" in info, "memory_gib": round(memory), "kernel": platform.release(), "system": system,
            "disk": file_system(os.path.realpath(folder)), "openssl": output("openssl", "version").partition(" (")[0]}


def source_version(source):
    """The commit that last changed what is measured, and whether that was changed since."""
    git = ("git", "-c", f"safe.directory={source}", "-C", source)
    paths = ("--", "src", "include", "bench/sink", "bench/blaster.c", "bench/floor.c", "bench/peers")
    commit = output(*git, "log", "-1", "--format=%h", "--abbrev=12", *paths)
    if not commit:
        return "unknown"
    return commit + (" and changes" if output(*git, "status", "--porcelain", *paths) else "")
