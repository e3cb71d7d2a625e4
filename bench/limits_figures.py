"""Figures with their goals, and the memory of a process over time."""
import threading

from lab import memory_kib

MIB = 1024.0


class Figures:
    """What was measured, with its goals."""

    def __init__(self, step, command):
        self.step, self.command, self.rows = step, command, []

    def add(self, name, value, unit, below=None, above=None):
        ok = (below is None or value < below) and (above is None or value >= above)
        self.rows.append({"name": name, "value": value, "unit": unit, "goal_below": below, "goal_above": above,
                          "ok": ok})
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
