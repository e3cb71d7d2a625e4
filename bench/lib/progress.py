"""Says on stderr what runs, what came of it, and how long the rest will take."""
import sys
import time

from texts import tr


def clock(seconds):
    return tr("%d s") % seconds if seconds < 90 else tr("%d min") % round(seconds / 60)


class Progress:
    """`left` jobs of `count` are to be done."""

    def __init__(self, left, count):
        self.todo, self.at, self.before, self.count = sum(j.about_s for j in left), 0, count - len(left), count
        self.done, self.took = 0.0, 0.0

    def speed(self):
        """Of this machine: seconds that pass for each that was expected."""
        return self.took / self.done if self.took > 20 else 1.0

    def expected(self, job):
        return job.about_s * self.speed()

    def begin(self, job):
        self.at += 1
        which = tr("round %d") % job.round if job.round else tr("once")
        line = f"[{self.before + self.at:>2}/{self.count}] {job.workload:<10} {job.system:<10} {which}, "
        line += tr("about %s left") % clock((self.todo - self.done) * self.speed())
        print(f"{line:<66} ... ", end="", file=sys.stderr, flush=True)
        self.start, self.about = time.monotonic(), job.about_s

    def took_now(self):
        seconds = time.monotonic() - self.start
        self.took += seconds
        self.done += self.about
        return seconds

    def failed(self):
        self.took_now()
        print(tr("FAILED"), file=sys.stderr, flush=True)

    def interrupted(self):
        print(file=sys.stderr, flush=True)

    def end(self, job, result):
        seconds = self.took_now()
        said = tr("done")
        if isinstance(result, dict) and "messages_per_s" in result:
            said = tr("%s messages/s, %s us each") % (f"{result['messages_per_s']:,.0f}", f"{result['cpu_us_per_message']:,.0f}")
        print(f"{said} ({clock(seconds)})", file=sys.stderr, flush=True)
