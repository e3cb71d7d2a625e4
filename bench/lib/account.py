"""What a system under test uses: each gets a control group of its own, so that every process it ever
starts counts, also those whose parents did not wait for them (Exim ignores SIGCHLD while it receives).

The groups are made below this process's own group in a cgroup2 file system mounted for the run
(place.py gives it a mount namespace of its own)."""
import os
import subprocess
import threading
import time

from lab import LabError, machine_cpu, memory_kib


def anonymous_kib(pid):
    """A process's part of the anonymous pages it has: those that it shares with n - 1 others as 1/n."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1])
    raise ValueError("no anonymous memory is told")


def own_group():
    with open("/proc/self/cgroup", encoding="ascii") as f:
        for line in f:
            number, _, path = line.rstrip("\n").split(":", 2)
            if number == "0":
                return path.strip("/")
    raise LabError("this kernel has no control groups of version 2")


def cpu_of(path):
    with open(os.path.join(path, "cpu.stat"), encoding="ascii") as f:
        stat = dict(line.split() for line in f)
    return int(stat["user_usec"]) / 1e6, int(stat["system_usec"]) / 1e6


class Groups:
    """All groups of a run, to be made before the run gets a process namespace; close() removes them."""

    def __init__(self, mount_point):
        os.makedirs(mount_point, exist_ok=True)
        done = subprocess.run(["mount", "-t", "cgroup2", "none", mount_point], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"control groups: {done.stderr}")
        self.top = os.path.join(mount_point, own_group(), f"hayauma-bench-{os.getpid()}")
        os.mkdir(self.top)
        self.count = 0

    def enter(self):
        """This process and what it starts (sinks, name server, injector) count to the run too."""
        self.group("bench").take(0)

    def cpu(self):
        """CPU seconds of the whole run."""
        return sum(cpu_of(self.top))

    def group(self, name):
        self.count += 1
        return Group(os.path.join(self.top, f"{self.count}-{name}"))

    def close(self):
        for name in os.listdir(self.top):
            if os.path.isdir(os.path.join(self.top, name)):
                os.rmdir(os.path.join(self.top, name))
        os.rmdir(self.top)


class Group:
    def __init__(self, path):
        self.path = path
        os.mkdir(path)

    def wrap(self, argv):
        """The command that runs argv in the group."""
        return ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', os.path.join(self.path, "cgroup.procs"), *argv]

    def take(self, pid):
        """Moves a process that runs already, with its threads."""
        with open(os.path.join(self.path, "cgroup.procs"), "w", encoding="ascii") as f:
            f.write(str(pid))

    def cpu(self):
        """(user, system) CPU seconds of everything that ever ran in it."""
        return cpu_of(self.path)

    def pids(self):
        with open(os.path.join(self.path, "cgroup.procs"), encoding="ascii") as f:
            return [int(line) for line in f]

    def memory_mib(self):
        """Anonymous memory of the processes of this moment; a page that several share counts once in all."""
        total, pids = 0, self.pids()
        of = anonymous_kib if len(pids) > 1 else memory_kib  # one shares with nobody, and is told at less cost
        for pid in pids:
            try:
                total += of(pid)
            except (OSError, ValueError, AttributeError):
                continue  # ended meanwhile
        return total / 1024

    def wait_empty(self, timeout=10.0):
        until = time.monotonic() + timeout
        while self.pids():
            if time.monotonic() > until:
                raise LabError(f"{os.path.basename(self.path)}: processes do not end: {self.pids()}")
            time.sleep(0.02)


class Watch:
    """The most memory of a group while the block runs, in MiB, looked at every `every` seconds."""

    def __init__(self, group, every=0.2):
        self.group, self.every, self.most, self.over = group, every, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while True:
            self.most = max(self.most, self.group.memory_mib())
            if self.over.wait(self.every):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Spent:
    """CPU seconds of a group since it was made."""

    def __init__(self, group):
        self.group, self.user, self.system = group, *group.cpu()

    def seconds(self):
        user, system = self.group.cpu()
        return user - self.user, system - self.system


class Neighbours:
    """Shares of the machine's processors since it was made: idle, and used by what is not of this run."""

    def __init__(self, groups):
        self.groups, self.start = groups, (machine_cpu(), groups.cpu())

    def shares(self):
        (total, idle), ours = machine_cpu(), self.groups.cpu()
        (total0, idle0), ours0 = self.start
        whole = max(total - total0, 0.01)
        others = whole - (idle - idle0) - (ours - ours0)
        return {"idle": round((idle - idle0) / whole, 3), "others": round(max(0.0, others / whole), 3)}
