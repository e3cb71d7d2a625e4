"""Steps of bench/limits on a store with ten million leads: see big.py for what is in it."""
import os
import shutil
import statistics
import threading
import time

import big
import newsletter
from lab import Lab, LabError, cpu_seconds, wait_for
from limits_figures import Memory, Threads

SMALL = 10000  # messages that are measured of a size at least


class Pulse:
    """How long `hayauma status` takes, asked all the time while the block runs, in ms."""

    def __init__(self, daemon):
        self.daemon, self.took, self.over = daemon, [], threading.Event()
        self.thread = threading.Thread(target=self.beat)

    def beat(self):
        while not self.over.wait(0.02):
            begin = time.monotonic()
            self.daemon.ctl("status")
            self.took.append((time.monotonic() - begin) * 1000)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def start(lab, world, shaping, **config):
    """Without keys: signing would hide what scale costs."""
    return lab.daemon(world, config={"paths.shaping": shaping, "log.level": "notice", **config})


class Rig:
    """World, sink and daemon on a copy of the cached store."""

    def __init__(self, lab, args, sink_options=(), connections=20):
        source, self.imports = big.cached(Lab, start, args)
        self.lab, self.config = lab, {"paths.data_dir": big.copy_into(lab, source)}
        self.world = big.world(lab)
        self.sink = lab.sink(self.world, rules=False, extra=list(sink_options))
        self.shaping = lab.shaping(connections=connections, tls="never", expire="1h")
        self.start()

    def start(self):
        self.daemon = start(self.lab, self.world, self.shaping, **self.config)

    def create(self, name, size):
        self.daemon.ctl("campaign", "create", newsletter.campaign_file(self.lab, name, lists=big.list_name(size)))

    def restart(self, how):
        """(seconds until it had ended, seconds from then until the next delivery)"""
        begin = time.monotonic()
        getattr(self.daemon, how)()
        ended, before = time.monotonic(), self.sink.stats()["messages"]
        self.start()
        wait_for("the next delivery", lambda: self.sink.stats()["messages"] > before, 60, every=0.005)
        return ended - begin, time.monotonic() - ended

    def close(self):
        self.daemon.stop()
        shutil.rmtree(self.config["paths.data_dir"], ignore_errors=True)


def timed(call):
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


# ---- steps ----

def imports(lab, args, figures):
    """What making the store took, list by list. Measured when it was made."""
    _, made = big.cached(Lab, start, args)
    for size, i in made.items():
        figures.add(f"import of {size:,} leads in {size // big.LEADS_A_DOMAIN:,} domains", i["s"], "s")
        figures.add("  rows a second", i["rows"] / i["s"], "rows/s")
        figures.add("  CPU of the daemon", i["cpu_us"], "us/row")
        figures.add("  memory at most", i["memory_mib"], "MiB", 256.0)
        figures.add("  store", i["bytes"], "B/lead")


def queue(lab, args, figures):
    """A campaign to all of them at a sink that takes a second for each message, so that the rows stay."""
    rig = Rig(lab, args, sink_options=["--delay", "dot:1000"], connections=2)
    rig.create("big", args.big_rows)
    with Memory(rig.daemon.pid) as memory, Pulse(rig.daemon) as pulse:
        begin, threads = time.monotonic(), Threads(rig.daemon.pid)
        rig.daemon.ctl("campaign", "start", "big")
        c = rig.daemon.wait_campaign("big", lambda c: c["queued_all"], every=0.02, timeout=300)
        took, (cpu, faults) = time.monotonic() - begin, threads.since()["writer"]
    figures.add(f"campaign start until all {c['queued']:,} rows are made", took, "s")
    figures.add("  rows a second", c["queued"] / took, "rows/s", above=500000.0 if args.big_rows >= 10**7 else None)
    figures.add("  CPU of the writer", cpu / c["queued"] * 1e6, "us/row")
    figures.add("  page faults of the writer", faults / c["queued"], "/row")
    figures.add("  memory at most", memory.most, "MiB", 256.0)
    figures.add("  status meanwhile, at most", max(pulse.took, default=0.0), "ms", 100.0)
    with Pulse(rig.daemon) as pulse:
        figures.add("hayauma queue", timed(lambda: rig.daemon.ctl("queue")), "s")
    figures.add("  status meanwhile, at most", max(pulse.took, default=0.0), "ms", 100.0)
    for how, name in (("kill", "kill -9"), ("stop", "SIGTERM")):
        ended, first = rig.restart(how)
        figures.add(f"{name} until it has ended", ended, "s")
        figures.add("  restart until the next delivery", first, "s", 3.0)
    for what in ("pause", "resume", "cancel"):
        figures.add(f"campaign {what}", timed(lambda w=what: rig.daemon.ctl("campaign", w, "big")), "s", 1.0)
    begin = time.monotonic()
    rig.daemon.wait_campaign("big", lambda c: c["pending"] == 0, timeout=200)
    figures.add("  until every row is cancelled", time.monotonic() - begin, "s")
    figures.add("hayauma backup", timed(lambda: rig.daemon.ctl("backup", lab.path("copy"), timeout=600)), "s")
    shutil.rmtree(lab.path("copy"), ignore_errors=True)
    begin = time.monotonic()
    balanced, text = rig.daemon.audit()
    figures.add("hayauma audit", time.monotonic() - begin, "s")
    if not balanced:
        raise LabError(f"the books do not balance:\n{text}")
    rig.close()


def one_campaign(rig, name, size, messages):
    """Sends a campaign to the list of that size until `messages` of it are out, once its rows are made; all of it, from
    its start, when it has not more. (messages, CPU seconds, threads' CPU and faults, seconds, seconds until rows were made)"""
    pid = rig.daemon.pid
    rig.create(name, size)
    begin, cpu, threads = time.monotonic(), cpu_seconds(pid), Threads(pid)
    rig.daemon.ctl("campaign", "start", name)
    c = rig.daemon.wait_campaign(name, lambda c: c["queued_all"], every=0.02, timeout=120)
    queued, before = time.monotonic() - begin, 0
    if c["pending"] > messages:
        begin, cpu, threads, before = time.monotonic(), cpu_seconds(pid), Threads(pid), c["delivered"]
    c = rig.daemon.wait_campaign(name, lambda c: c["state"] == "done" or c["delivered"] >= before + messages, every=0.02)
    cpu, used, took = cpu_seconds(pid) - cpu, threads.since(), time.monotonic() - begin
    if c["state"] != "done":
        rig.daemon.ctl("campaign", "cancel", name)
        rig.daemon.wait_campaign(name, lambda c: c["pending"] == 0, timeout=200)
    return c["delivered"] - before, cpu, used, took, queued


def one_size(rig, size, messages, figures):
    """What a message of a campaign of that size costs. Of a small one several are sent, one after the other, so that there
    are as many messages to measure as of the larger ones."""
    with Memory(rig.daemon.pid) as memory:
        runs = [one_campaign(rig, f"of-{size}-{i}", size, messages) for i in range(max(1, min(messages, SMALL) // size))]
    n, cpu, took = (sum(r[i] for r in runs) for i in (0, 1, 3))
    figures.add(f"{size:,} recipients: until the rows are made, while sending", statistics.median(r[4] for r in runs), "s")
    figures.add("  CPU of the daemon", cpu / n * 1e6, "us/msg")
    for thread in ("worker", "press", "writer", "feeder"):
        figures.add(f"    {thread}", sum(r[2].get(thread, (0.0, 0))[0] for r in runs) / n * 1e6, "us/msg")
    figures.add("  page faults", sum(faults for r in runs for _, faults in r[2].values()) / n, "/msg")
    figures.add("  messages a second", n / took, "/s")
    figures.add("  memory at most", memory.most, "MiB", 256.0)
    return cpu / n * 1e6


def sizes(lab, args, figures):
    """The same message out of campaigns of 10^3 to 10^7 recipients, unsigned, to a sink that takes all."""
    rig = Rig(lab, args)
    costs = {size: one_size(rig, size, args.messages, figures) for size in big.sizes(args.big_rows)}
    if len(costs) > 1:
        figures.add("dearest size over the cheapest", max(costs.values()) / min(costs.values()), "x", 1.25)
    rig.close()
