"""The order of things: which runs there are, in rounds that let a busy minute of the machine meet all
systems, and what comes of them."""
import dataclasses
import shutil
import sys
import time
from collections.abc import Callable

from account import Neighbours
from lab import LabError
import sizes
from workloads import CAMPAIGNS, PEERS

KIB = 1024


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    leads: int
    peer_messages: dict  # by name
    drain_messages: dict
    connections: int  # B5
    rows: int  # B6, sizes
    domains: int  # B6


FULL = Plan(3, 100000, {"postfix": 4000, "opensmtpd": 3000, "exim": 2000}, {"postfix": 5000, "opensmtpd": 2000, "exim": 2000},
            10000, 10000000, 500000)
QUICK = Plan(1, 20000, {"postfix": 1000, "opensmtpd": 1500, "exim": 400}, {}, 2000, 100000, 20000)
SMOKE = Plan(1, 1500, {"postfix": 50, "opensmtpd": 50, "exim": 50}, {}, 50, 1000, 100)

# Workloads that are not campaigns measured in rounds.
ONCE = ("B5", "B6", "sizes")
LATER = {"B7": "the durable relay comes with a later release"}


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of one system through one workload."""

    workload: str
    system: str
    about_s: float  # on two cores; only for the time left
    run: Callable


class Progress:
    """Says on stderr what runs, what came of it, and how long the rest will take."""

    def __init__(self, jobs):
        self.todo, self.at, self.count = sum(j.about_s for j in jobs), 0, len(jobs)
        self.done, self.took = 0.0, 0.0

    def begin(self, job, number):
        self.at += 1
        speed = self.took / self.done if self.took > 20 else 1.0
        left = (self.todo - self.done) * speed
        print(f"[{self.at:>2}/{self.count}] {job.workload:<10} {job.system:<18} round {number + 1}, "
              f"about {clock(left)} left ... ", end="", file=sys.stderr, flush=True)
        self.start = time.monotonic()

    def end(self, job, result):
        self.took += time.monotonic() - self.start
        self.done += job.about_s
        if isinstance(result, dict) and "messages_per_s" in result:
            print(f"{result['messages_per_s']:,.0f}/s, {result['cpu_us_per_message']:,.0f} us", file=sys.stderr, flush=True)
        elif result:
            print("done", file=sys.stderr, flush=True)


def clock(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def round_jobs(bench, plan, names):
    """What every round runs, in order."""
    chosen = [c for c in CAMPAIGNS if c.name in names]
    if not chosen:
        return []
    sizes_of = lambda tls: sorted({c.kib * KIB for c in chosen if (c.tls != "never") == tls})  # noqa: E731
    jobs = [Job("floor", "floor", 4, lambda: bench.run_floor(sizes_of(False), sizes_of(True)))]
    for c in chosen:
        rate = {"rsa": 3500, "ed25519": 9000, None: 18000}[c.signed]
        jobs.append(Job(c.name, "hayauma", plan.leads * c.share / rate + 4, lambda c=c: bench.run_hayauma(c)))
        for p in c.peers:
            if p.name in bench.roots:
                n = plan.peer_messages[p.name]
                rate = {"postfix": 320, "opensmtpd": 180, "exim": 180}[p.name] * (1 if c.signed else 1.5)
                jobs.append(Job(c.name, p.name, n / rate + 3,
                                lambda c=c, p=p, n=n: bench.run_peer(p, c, n)))
    return jobs


def once_jobs(bench, plan, names):
    """What is measured once: how the peers empty a queue, and the large things."""
    jobs = []
    for c in CAMPAIGNS:
        for p in c.peers if c.drain and c.name in names else ():
            n = plan.drain_messages.get(p.name)
            if n and p.name in bench.roots:
                jobs.append(Job(f"{c.name}-drain", p.name, n / 200 + 4, lambda p=p, n=n: bench.run_drain(p, n)))
    wide, big = ("--connections", str(plan.connections)), ("--big-rows", str(plan.rows))
    many = ("--domains", str(plan.domains), "--domains-s", "30")
    for workload, name, step, about, options in (
            ("B5", "B5", "connections", 70, wide), ("B5", "B5-tls", "tls-connections", 80, wide),
            ("B6", "B6-import", "import", 10 + plan.rows / 80000, big), ("B6", "B6", "queue", 10 + plan.rows / 120000, big),
            ("B6", "B6-domains", "domains", 40 + plan.domains / 8000, many),
            ("sizes", "sizes", "sizes", 15 + plan.rows / 120000, big)):
        if workload in names:
            jobs.append(Job(name, "hayauma", about, lambda s=step, o=options: sizes.limits(bench, s, bench.cache, *o)))
    return jobs


def add_round(runs, results):
    """Puts the results of a whole round to those of its workloads, each with the floor of the round."""
    floor = next((r for job, r in results if job.workload == "floor"), None)
    for job, result in results:
        if result and job.workload != "floor":
            found = runs.setdefault(job.workload, {})
            found.setdefault(job.system, []).append(result)
            if job.system == "hayauma":
                found.setdefault("floor", []).append(floor)


def measure(bench, plan, names):
    """{"runs": {workload: {system or "floor": [result of each round]}}, "limits": {step: figures},
    "failed": [why], "neighbours": what else the machine did meanwhile}"""
    def one(job, number):
        progress.begin(job, number)
        neighbours = Neighbours(bench.groups)
        try:
            result = job.run()
        except LabError as e:  # one that fails does not take the others with it; the run is not whole then
            print("FAILED", file=sys.stderr, flush=True)
            failed.append(f"{job.workload} {job.system}: {e}")
            bench.sweep()
            return None
        machine.append({"workload": job.workload, "system": job.system, **neighbours.shares()})
        progress.end(job, result)
        return result

    machine, failed = [], []
    if "B6" in names:
        shutil.rmtree(bench.cache, ignore_errors=True)  # what importing costs is measured again
    rounds, once = round_jobs(bench, plan, names), once_jobs(bench, plan, names)
    progress = Progress(rounds * plan.rounds + once)
    out = {"runs": {}, "limits": {}}
    try:
        for number in range(plan.rounds):
            add_round(out["runs"], [(job, one(job, number)) for job in rounds])
        for job in once:
            result = one(job, 0)
            if result and job.workload.endswith("-drain"):
                out["runs"].setdefault(job.workload, {})[job.system] = [result]
            elif result:
                out["limits"][job.workload] = result
    except KeyboardInterrupt:  # what is whole by then counts
        failed.append("the rest: interrupted")
    out["failed"] = failed
    out["neighbours"] = machine
    return out


def check_names(names):
    known = [c.name for c in CAMPAIGNS] + list(ONCE)
    for n in names:
        if n in LATER:
            raise LabError(f"{n}: {LATER[n]}")
        if n not in known:
            raise LabError(f"no workload {n}; there are {', '.join(known)}")
    return names or known
