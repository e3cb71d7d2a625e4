"""A store with ten million leads in half a million domains, made once and kept in a cache, and the
make-believe internet that takes their mail: what the steps of bench/limits about scale share.

The list of 10^e leads (e = 3 to 7) has 10^e / 20 domains of its own: one giant with a tenth of the leads, a
hundredth of the domains with four tenths, the others with about ten leads each. So a campaign to one list
differs from a campaign to another in its size only. The domains are hosted by 64 sites; the giants share
one more.
"""
import json
import os
import shutil
import time

from lab import cpu_seconds
from limits_figures import Memory

HOSTS = 64
LEADS_A_DOMAIN = 20
VERSION = 1  # of what is cached


def sizes(rows):
    """[10^3, 10^4, ...] up to `rows`."""
    out = []
    size = 1000
    while size <= rows:
        out.append(size)
        size *= 10
    return out


def list_name(size):
    return f"of-{size}"


def zone_lines():
    names = [f"h{h}" for h in range(HOSTS)] + ["g"]
    return "\n".join(f"mx.{n}.many.test. A 127.0.1.{1 + i}\n*.{n}.many.test. MX 10 mx.{n}.many.test."
                     for i, n in enumerate(names))


def world(lab):
    w = lab.world(zone_lines=zone_lines())
    lab.nsd(w)
    return w


def domains_file(lab, size):
    """Lines "domain weight" for bench/leadgen."""
    n = size // LEADS_A_DOMAIN
    middle = max(1, n // 100)
    weights = [size // 10] + [size * 4 // 10 // middle] * middle + [LEADS_A_DOMAIN // 2] * (n - 1 - middle)
    tag = f"e{len(str(size)) - 1}"
    names = [f"giant-{tag}.g.many.test"] + [f"d{i}.{tag}.h{i % HOSTS}.many.test" for i in range(1, n)]
    return lab.write(f"domains-{size}.txt", "".join(f"{d} {w}\n" for d, w in zip(names, weights)))


def generate(lab, size):
    path = lab.path(f"leads-{size}.csv")
    lab.run(lab.binary("bench/leadgen"), "--rows", str(size), "--seed", str(size), "--bad", "0", "--domains",
            domains_file(lab, size), "--output", path, timeout=600)
    return path


def store_bytes(data_dir):
    """Bytes on the disk, not the length of the file."""
    return os.stat(os.path.join(data_dir, "store", "data.mdb")).st_blocks * 512


def measure_import(daemon, data_dir, path, size):
    """What it took, with the progress that the command tells while it runs."""
    before, begin, cpu = store_bytes(data_dir), time.monotonic(), cpu_seconds(daemon.pid)
    with Memory(daemon.pid) as memory:
        result = daemon.ctl("import", path, "--list", list_name(size), timeout=3600)
    took = time.monotonic() - begin
    return {"rows": result["rows"], "s": took, "cpu_us": (cpu_seconds(daemon.pid) - cpu) / result["rows"] * 1e6,
            "memory_mib": memory.most, "bytes": (store_bytes(data_dir) - before) / result["rows"]}


def make(lab, start_daemon, rows, target):
    """Imports every list into a store of its own and keeps that as `target`."""
    w = world(lab)
    data_dir = lab.path("big.data")
    daemon = start_daemon(lab, w, lab.shaping(), **{"paths.data_dir": data_dir})
    imports = {}
    for size in sizes(rows):
        path = generate(lab, size)
        imports[size] = measure_import(daemon, data_dir, path, size)
        os.unlink(path)
    daemon.stop()
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(data_dir, target + ".new")
    with open(os.path.join(target + ".new", "imports.json"), "w", encoding="utf-8") as f:
        json.dump(imports, f)
    os.rename(target + ".new", target)


def cached(lab_class, start_daemon, args):
    """The directory of the store with args.big_rows leads and what its import took; made when missing."""
    target = os.path.join(os.path.abspath(args.cache), f"big-{args.big_rows}-v{VERSION}")
    if not os.path.isdir(target):
        print(f"  making {target} ...", flush=True)
        with lab_class(build=args.build) as lab:
            make(lab, start_daemon, args.big_rows, target)
    with open(os.path.join(target, "imports.json"), encoding="utf-8") as f:
        return target, {int(k): v for k, v in json.load(f).items()}


def copy_into(lab, source, name="big.data"):
    """A copy of the cached store in the lab, sparse as it is."""
    target = lab.path(name)
    lab.run("cp", "-a", "--sparse=always", "--reflink=auto", source, target, timeout=600)
    os.unlink(os.path.join(target, "imports.json"))
    return target
