"""What a run has measured so far: a line of JSON for each run of a system, on the disk before the next begins,
so that a run that was interrupted, however, goes on where it stopped."""
import json
import os

from lab import LabError
from texts import tr


class Journal:
    """The first line says what was asked for and where; each further one what came of one job."""

    def __init__(self, path, head, entries=()):
        self.path, self.head, self.entries = path, head, list(entries)

    @classmethod
    def begin(cls, path, head):
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.dumps(head) + "\n")
        return cls(path, head)

    @classmethod
    def read(cls, path):
        """What an earlier run has left; None when there is nothing. A line that a power cut tore off is dropped."""
        if not os.path.exists(path):
            return None
        lines = []
        with open(path, "rb") as f:
            for line in f:
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    break
        return cls(path, lines[0], lines[1:]) if lines else None

    def check(self, now):
        """LabError when it is of another machine or of other programs than those of `now`."""
        for what in ("machine", "versions"):
            other = [k for k in now[what] if self.head[what].get(k) != now[what][k]]
            if other:
                raise LabError(tr("%s is of other programs or another machine (%s): begin anew, without --resume") % (self.path, ", ".join(other)))

    def rewrite(self):
        """Makes the file what was read of it, without a torn line."""
        with open(self.path, "w", encoding="utf-8") as f:
            for line in (self.head, *self.entries):
                f.write(json.dumps(line) + "\n")

    def add(self, entry):
        self.entries.append(entry)
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(entry) + "\n")
            f.flush()
            os.fsync(f.fileno())

    def has(self, workload, system, number):
        return any((e["workload"], e["system"], e["round"]) == (workload, system, number) for e in self.entries)
