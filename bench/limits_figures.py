"""Figures with their goals, the memory of a process over time, what its threads and the machine did."""
import os
import threading

from lab import TICK, machine_cpu, memory_kib

MIB = 1024.0


class Figures:
    """What was measured, with its goals."""

    def __init__(self, step, command):
        self.step, self.command, self.rows = step, command, []

    def add(self, name, value, unit, below=None, above=None, curve=None):
        """`curve`: what a plot of it needs, a list of numbers."""
        ok = (below is None or value < below) and (above is None or value >= above)
        self.rows.append({"name": name, "value": value, "unit": unit, "goal_below": below, "goal_above": above,
                          "ok": ok, **({"curve": curve} if curve else {})})
        goal = f"goal < {below:g}" if below is not None else f"goal >= {above:g}" if above is not None else ""
        verdict = "" if not goal else ": ok" if ok else ": MISSED"
        print(f"  {name:<58} {value:>12,.{0 if value >= 100 else 2}f} {unit:<7} {goal}{verdict}", flush=True)

    def as_json(self):
        return {"step": self.step, "command": self.command, "figures": self.rows}


class Memory:
    """The most anonymous memory of a process while the block runs, in MiB."""

    def __init__(self, pid):
        self.pid, self.most, self.over = pid, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.over.wait(0.02):
            try:
                self.most = max(self.most, memory_kib(self.pid) / MIB)
            except (OSError, AttributeError):
                return  # it has ended

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Threads:
    """CPU seconds of each thread of a process since the object was made, by thread name."""

    def __init__(self, pid):
        self.pid = pid
        self.before = self.read()

    def read(self):
        out, tick = {}, os.sysconf("SC_CLK_TCK")
        for tid in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{tid}/stat", encoding="ascii", errors="replace") as f:
                    text = f.read()
            except OSError:
                continue  # it has ended
            name, fields = text[text.index("(") + 1:text.rindex(")")], text.rpartition(")")[2].split()
            name = name.rstrip("0123456789-") or name
            cpu, faults = out.get(name, (0.0, 0))
            out[name] = (cpu + (int(fields[11]) + int(fields[12])) / tick, faults + int(fields[7]) + int(fields[9]))
        return out

    def since(self):
        now = self.read()
        return {n: tuple(a - b for a, b in zip(v, self.before.get(n, (0.0, 0)))) for n, v in now.items()}


class Idle:
    """The share of the machine's processors that had nothing to do since the object was made."""

    def __init__(self):
        self.before = machine_cpu()

    def percent(self):
        (total, idle), (total0, idle0) = machine_cpu(), self.before
        return 100 * (idle - idle0) / max(1 / TICK, total - total0)
