"""Step 'fair' of bench/limits: when each of very many domains had its first delivery attempt, in a campaign to them
alone and in one that a giant, slow, silent and dead servers share. Those stand first in the list, so that whoever
lets them hold the others shows it. The receivers say when a domain had its first recipient."""
import os
import time

from lab import LabError, wait_for
import newsletter

HOSTS = 56  # sites of the domains that answer
SLOW = [f"127.0.1.{101 + i}" for i in range(4)]  # a second for each reply
SILENT, DEAD = "127.0.1.105", "127.0.9.9"  # takes connections and says nothing; nobody listens
GIANT_SHARE = 10  # percent of all recipients
CURVE = 100  # points


def zone_lines():
    sites = [(f"h{h}", f"127.0.1.{1 + h}") for h in range(HOSTS)] + [("g", "127.0.1.106"), ("silent", SILENT), ("dead", DEAD)]
    sites += [(f"s{i}", a) for i, a in enumerate(SLOW)]
    lines = [f"mx.{n}.many.test. A {a}\n*.{n}.many.test. MX 10 mx.{n}.many.test." for n, a in sites]
    return "\n".join(lines + [f"*.o{h}.many.test. A 127.0.1.{1 + h}" for h in range(HOSTS)])


def domains(count):
    """(those that answer, those that are slow, those that are silent or dead): 93, 5 and 2 of a hundred; one of a
    hundred has a server of its own."""
    good, slow, gone = [], [], []
    for i in range(count):
        k, h = i % 100, i % HOSTS
        if k < 2:
            gone.append(f"a{i}.{('silent', 'dead')[k]}.many.test")
        elif k < 7:
            slow.append(f"b{i}.s{i % len(SLOW)}.many.test")
        else:
            good.append(f"d{i}.{'o' if k == 7 else 'h'}{h}.many.test")
    return good, slow, gone


def leads_file(lab, name, good, others=(), giant=0):
    path = lab.path(f"{name}.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("email,name\r\n")
        f.writelines(f"user{i}@a-giant.g.many.test,user {i}\r\n" for i in range(giant))
        f.writelines(f"user@{d},user\r\n" for d in (*others, *good))
    return path


class Firsts:
    """Reads what the sink writes: {domain: seconds since `begin`} of those whose names begin so."""

    def __init__(self, path, begin):
        self.path, self.begin, self.at, self.rest, self.seen = path, begin, 0, b"", {}

    def look(self):
        if os.path.exists(self.path):
            with open(self.path, "rb") as f:
                f.seek(self.at)
                data = f.read()
            self.at += len(data)
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                us, _, name = line.partition(b" ")
                self.seen.setdefault(name.decode(), int(us) / 1e6 - self.begin)
        return self

    def of(self, letter):
        return sorted(s for name, s in self.seen.items() if name.startswith(letter))


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def run(lab, start_daemon, world, name, path, count):
    """A campaign to a list, until all of the `count` good domains had their first attempt: (Firsts, status, campaign)"""
    first = lab.path(f"{name}.first")
    sink = lab.sink(world, name=f"sink-{name}", rules=False, extra=[
        "--first", first, "--domains", str(1 << 20), "--reply", f"addr={SILENT},connect:stall",
        *(x for a in SLOW for x in ("--delay", f"addr={a},all:1000"))])
    daemon = start_daemon(lab, world, lab.shaping(connections=20, tls="never", expire="1h"))
    daemon.import_leads(path, name)
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, lists=name))
    firsts = Firsts(first, time.monotonic())
    daemon.ctl("campaign", "start", name)
    try:
        wait_for("the first attempts", lambda: len(firsts.look().of("d")) == count, timeout=600, every=0.5)
    except LabError as e:
        raise LabError(f"{e}: {len(firsts.of('d'))} of {count} domains; {daemon.campaign(name)}") from None
    status, campaign = daemon.ctl("status")["delivery"], daemon.campaign(name)
    if campaign["state"] != "done":
        daemon.ctl("campaign", "cancel", name)
    daemon.stop()
    sink.stop()
    return firsts, status, campaign


def tell(figures, ordered, what):
    curve = [round(percentile(ordered, i / CURVE), 3) for i in range(CURVE)] + [round(ordered[-1], 3)]
    figures.add(f"{what}: half of {len(ordered):,} domains had their first attempt within", percentile(ordered, 0.5), "s", curve=curve)
    figures.add("  99 of 100", percentile(ordered, 0.99), "s")
    figures.add("  all", ordered[-1], "s")
    return percentile(ordered, 0.99)


def fair(lab, start_daemon, args, figures):
    world = lab.world(zone_lines=zone_lines())
    lab.nsd(world)
    good, slow, gone = domains(args.domains)
    giant = (len(good) + len(slow) + len(gone)) * GIANT_SHARE // (100 - GIANT_SHARE)
    alone, status, _ = run(lab, start_daemon, world, "alone", leads_file(lab, "alone", good), len(good))
    by_themselves = tell(figures, alone.of("d"), "by themselves")
    figures.add("  lookups a second", status["lookups"] / alone.of("d")[-1], "/s")
    mixed, status, c = run(lab, start_daemon, world, "mixed", leads_file(lab, "mixed", good, (*gone, *slow), giant), len(good))
    among = tell(figures, mixed.of("d"), f"behind a giant of {giant:,}, {len(slow):,} slow, {len(gone):,} silent or dead ones")
    figures.add("  99 of 100, over that by themselves", among / by_themselves, "x", 1.5)
    figures.add("  all messages delivered by then", c["delivered"] / c["queued"] * 100, "%")
    late = mixed.of("b")
    if late:
        figures.add("  slow ones that had their first attempt by then", len(late) / len(slow) * 100, "%")
    figures.add("  connections at most", status["connections_most"], "")
