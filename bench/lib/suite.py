"""The order of things: which runs there are, in rounds that let a busy minute of the machine meet all
systems, and what comes of them."""
import dataclasses
import functools
import shutil
import time
from collections.abc import Callable

from account import Neighbours
import floor
from lab import LabError
from progress import Progress
import sizes
from texts import tr
from workloads import CAMPAIGNS

KIB = 1024


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    leads: int
    peer_s: float  # that a peer is to work: its messages follow from its rate
    drain: float  # share of the messages that fill a queue which a peer is to empty
    floor_ms: int  # for each primitive, twice a round
    connections: int  # B5
    answer_s: int  # that its servers take
    rows: int  # B6, sizes
    messages: int  # of each of the sizes
    domains: int  # B6
    domains_s: int  # of sending to them
    settle_s: int  # of watching memory


FULL = Plan(3, 100000, 10.0, 1.0, floor.MS, 10000, 20, 10000000, 40000, 500000, 30, 10)
QUICK = Plan(1, 5000, 0.2, 0.02, 100, 1000, 3, 10000, 4000, 2000, 2, 1)
SMOKE = Plan(1, 1500, 0.3, 0.05, 100, 50, 3, 1000, 1000, 100, 2, 1)

# Workloads that are not campaigns measured in rounds.
ONCE = ("B5", "B6", "B9", "priority", "sizes")


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of one system through one workload."""

    round: int  # 0 for what is measured once
    workload: str
    system: str
    about_s: float  # on two cores; only for the time left
    run: Callable

    @property
    def key(self):
        return self.workload, self.system, self.round


def round_jobs(bench, plan, names, number):
    """What every round runs, in order."""
    chosen = [c for c in CAMPAIGNS if c.name in names]
    if not chosen:
        return []
    wanted = {(c.way, c.kib * KIB) for c in chosen} | {(floor.PLAIN, 10 * KIB)}
    often = {w for w in wanted if w[0] in (floor.PLAIN, floor.TLS)}

    def look(name, ways):
        about = plan.floor_ms * (3 + sum(4 if way in (floor.SLOW, floor.FAR) else 0.5 for way, _ in ways)) / 1000 + 1
        return Job(number, "floor", name, about, lambda: bench.run_floor(ways, plan.floor_ms))
    jobs = [look("floor", wanted)]
    for c in chosen:
        jobs.append(Job(number, c.name, "hayauma", plan.leads * c.share / c.about_rate + 3, lambda c=c: bench.run_hayauma(c)))
        if c is chosen[0]:
            jobs.append(look("again", often))  # so that the first workload lies between the two
        jobs += [Job(number, c.name, p.name, plan.peer_s + 4, lambda c=c, p=p: bench.run_peer(p, c, plan.peer_s))
                 for p in c.peers if p.name in bench.roots]
    return jobs


def once_jobs(bench, plan, names):
    """What is measured once: how the peers empty a queue, and the large things, the longest last."""
    jobs = [Job(0, f"{c.name}-drain", p.name, 25 * plan.drain + 4, lambda p=p: bench.run_drain(p, plan.drain))
            for c in CAMPAIGNS if c.drain and c.name in names for p in c.peers if p.name in bench.roots]
    wide = ("--connections", str(plan.connections), "--answer", str(plan.answer_s))
    big = ("--big-rows", str(plan.rows), "--settle", str(plan.settle_s), "--messages", str(plan.messages))
    lasting = min(10**6, max(plan.rows, 8000 * (plan.domains_s + 4)))  # a campaign that is not over meanwhile
    soon = ("--rows", str(lasting), "--priority-s", str(plan.domains_s))
    many = ("--domains", str(plan.domains), "--domains-s", str(plan.domains_s))
    for workload, name, step, about, options in (
            ("B5", "B5", "connections", 10 + 3 * plan.answer_s, wide), ("B5", "B5-tls", "tls-connections", 15 + 3 * plan.answer_s, wide),
            ("B6", "B6-domains", "domains", 5 + plan.domains_s + plan.domains / 20000, many),
            ("B6", "B6-fair", "fair", 5 + plan.domains / 7000, many),
            ("B7", "B7-api", "api", 5 + plan.leads / 2000, ("--requests", str(plan.leads))),
            ("priority", "priority", "priority", 30 + 3 * plan.domains_s + plan.rows / 2e5, soon),
            ("B6", "B6-import", "import", 5 + plan.rows / 45000, big), ("B6", "B6-leads", "leads", 15 + plan.rows / 300000, big),
            ("B9", "B9", "segments", 15 + plan.rows / 30000, ("--big-rows", str(plan.rows))),
            ("B6", "B6", "queue", 10 + plan.rows / 120000, big),
            ("sizes", "sizes", "sizes", 10 + plan.rows / 120000, big)):
        if workload in names:
            jobs.append(Job(0, name, "hayauma", about, lambda s=step, o=options: sizes.limits(bench, s, bench.cache, *o)))
    return jobs


def order(bench, plan, names):
    """Every job of a run."""
    jobs = []
    for number in range(1, plan.rounds + 1):
        jobs += round_jobs(bench, plan, names, number)
    return jobs + once_jobs(bench, plan, names)


def measure(bench, plan, names, journal, until=None):
    """Runs what the journal has not yet, and writes it there; what would go on beyond `until` (time.monotonic())
    is not begun. Returns [why the run is not whole]."""
    jobs = order(bench, plan, names)
    left = [j for j in jobs if not journal.has(*j.key)]
    if "B6" in names and not journal.has("B6-import", "hayauma", 0):
        shutil.rmtree(bench.cache, ignore_errors=True)  # what importing costs is measured again
    progress, why = Progress(left, len(jobs)), []
    try:
        for job in left:
            if until is not None and time.monotonic() + progress.expected(job) > until:
                why.append(tr("the rest, %d of %d runs: the time is up") % (len(left) - progress.at, len(jobs)))
                break
            progress.begin(job)
            neighbours = Neighbours(bench.groups)
            try:
                result = job.run()
            except LabError as e:  # one that fails does not take the others with it; the run is not whole then
                progress.failed()
                why.append(f"{job.workload} {job.system}: {e}")
                bench.sweep()
                continue
            progress.end(job, result)
            journal.add({"workload": job.workload, "system": job.system, "round": job.round, "result": result, "neighbours": neighbours.shares()})
    except KeyboardInterrupt:  # what the journal has by then counts
        progress.interrupted()
        why.append(tr("the rest: interrupted"))
    return why


def results(journal):
    """{"runs": {workload: {system or "floor": [result of each round]}}, "limits": {step: figures}, "neighbours": what else
    the machine did meanwhile} of what a journal has. Rounds have the run's name in theirs, so that those of several
    runs can be told apart. A round of a workload counts when all systems have been through it."""
    out, run, entries = {"runs": {}, "limits": {}}, journal.head["run"], journal.entries

    def systems(workload, number=None):
        return {e["system"] for e in entries if e["workload"] == workload and number in (None, e["round"])}

    floors = {n: functools.reduce(floor.lower, [e["result"] for e in entries if (e["workload"], e["round"]) == ("floor", n)])
              for n in {e["round"] for e in entries if e["workload"] == "floor"}}
    for e in entries:
        workload, number = e["workload"], e["round"]
        if isinstance(e["result"], list):
            out["limits"][workload] = e["result"]
        elif number and number not in floors:
            continue  # its floor failed, as the run said: there is nothing to hold the round against
        elif workload != "floor" and systems(workload, number) == systems(workload):
            found, name = out["runs"].setdefault(workload, {}), f"{run}.{number}"
            found.setdefault(e["system"], []).append({**e["result"], "round": name})
            if e["system"] == "hayauma":
                found.setdefault("floor", []).append({**floors[number], "round": name})
    out["neighbours"] = [{"workload": e["workload"], "system": e["system"], **e["neighbours"]} for e in entries]
    return out


def check_names(names):
    known = [c.name for c in CAMPAIGNS] + list(ONCE)
    for n in names:
        if n not in known:
            raise LabError(tr("no workload %s; there are %s") % (n, ", ".join(known)))
    return names or known
