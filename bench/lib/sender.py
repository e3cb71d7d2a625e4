"""hayauma under test: a daemon with leads in it and a campaign sent to all of them, or one that relays; and what each
of its threads used for it."""
import os
import shutil
import statistics
import time

from account import Spent, Watch
from lab import LabError, SOURCE, TICK, tail, wait_for
import newsletter
from relay import ADDRESS, Relay


def message_source(lab, kib):
    """The folder of a newsletter that makes messages of about `kib` KiB: bench/b1, its articles repeated."""
    source = os.path.join(SOURCE, "bench", "b1")
    if kib == 10:
        return source
    target = lab.path(f"newsletter-{kib}")
    if not os.path.isdir(target):
        shutil.copytree(source, target)
        with open(os.path.join(target, "newsletter.html"), encoding="utf-8") as f:
            head, mark, tail = f.read().partition("<p>ご感想は ")
        article = next(line for line in head.splitlines() if line.startswith("<p>一日目は")) + "\n"
        # Japanese text is as long again in base64: a third more.
        more = article * int((kib - 10) * 1024 * 3 / 4 / len(article.encode()))
        with open(os.path.join(target, "newsletter.html"), "w", encoding="utf-8") as f:
            f.write(head + more + mark + tail)
    return target


def thread_kind(name):
    """'worker-1' and 'worker-0' are the same kind; what has no name of its own is the main thread."""
    return name.split("-")[0] if not name.startswith("hayaumad") else "main"


def threads(pid):
    """{kind: (user, system)} CPU seconds."""
    out = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii", errors="replace") as f:
            head, _, rest = f.read().rpartition(")")
        kind, fields = thread_kind(head.partition("(")[2]), rest.split()
        user, system = out.get(kind, (0.0, 0.0))
        out[kind] = (user + int(fields[11]) / TICK, system + int(fields[12]) / TICK)
    return out


def reuse_counters(daemon):
    """What the daemon has made and used again so far."""
    status = daemon.ctl("status")
    delivery, dns = status["delivery"], status["dns"]
    return {"connects": delivery["connects"], "joined": delivery["joined"], "handshakes": delivery["tls_handshakes"],
            "resumed": delivery["tls_resumed"], "lookups": dns["lookups"], "cache_hits": dns["cache_hits"], "questions": dns["questions"]}


def per_message(before, after, messages):
    """{kind: [user, system]} in us, of what threads() told."""
    return {k: [round((v[i] - before.get(k, (0, 0))[i]) * 1e6 / messages, 2) for i in (0, 1)] for k, v in after.items()}


def typical(seconds):
    """CPU us a message of [(messages, CPU seconds)], one for each second: the first as it was, with the rows that are made
    in it, all others at the cost of their median, since now and then other guests of the machine make one dearer."""
    first, rest = seconds[0], [s for s in seconds[1:] if s[0]]
    usual = statistics.median(cpu / n for n, cpu in rest) if rest else 0.0
    messages = sum(n for n, _ in seconds)
    return (first[1] + usual * (messages - first[0])) * 1e6 / messages


class Sender(Relay):
    """A daemon of its own store in a control group of its own; `key`: (selector, path) or None. `relays`: it takes mail
    where peers do."""

    count = 0

    def __init__(self, lab, groups, world, key, shaping, connections, relays=False):
        Sender.count += 1
        self.lab, self.name = lab, f"hayaumad-{Sender.count}"
        submission = {"submission.listen": [f"{ADDRESS}:25"], "submission.trusted": ["127.0.0.0/8"]}
        self.daemon = lab.daemon(world, name=self.name, keys=[(newsletter.SENDER, *key)] if key else [],
                                 config={"paths.shaping": shaping, "delivery.max_connections": connections,
                                         "log.level": "warning", **(submission if relays else {})})
        self.group = groups.group(self.name)
        self.group.take(self.daemon.pid)

    def import_leads(self, path):
        """Seconds it took."""
        start = time.monotonic()
        self.daemon.import_leads(path)
        return time.monotonic() - start

    def send(self, sink, name="b", source=None):
        """Figures of a campaign to everybody, to a sink that has nothing yet, once nobody is left but those who must wait."""
        daemon = self.daemon
        daemon.ctl("campaign", "create", newsletter.campaign_file(self.lab, name, source=source or message_source(self.lab, 10)))
        reuse = reuse_counters(daemon)
        by_thread, spent, start = threads(daemon.pid), Spent(self.group), time.monotonic()
        with Watch(self.group) as memory:
            daemon.ctl("campaign", "start", name)
            first, queued, c = None, None, daemon.campaign(name)
            looks = [(0.0, 0, 0.0)]
            while True:
                now = time.monotonic() - start
                over = c["queued_all"] and c["pending"] == c["deferred"]
                if over or now - looks[-1][0] >= 1.0:
                    looks.append((now, c["delivered"], sum(spent.seconds())))
                if first is None and sink.stats()["messages"]:
                    first = now
                if queued is None and c["queued_all"]:
                    queued = now
                if over:
                    break
                if now > 1800:
                    raise LabError(f"the campaign does not end: {c}")
                time.sleep(0.02 if first is None or queued is None else 0.2)
                c = daemon.campaign(name)
            user, system = spent.seconds()
            after = threads(daemon.pid)
            reuse = {k: v - reuse[k] for k, v in reuse_counters(daemon).items()}
            stats = sink.stats()
        sent, seconds = stats["messages"], (first or 0) + stats["first_to_last_s"]  # from the command to the last message
        if c["delivered"] != sent:
            raise LabError(f"the daemon counts {c['delivered']} delivered, the sink received {sent}")
        return {"rows": c["queued"], "messages": sent, "bounced": c["bounced"], "left": c["pending"],
                "seconds": round(seconds, 3), "messages_per_s": round(sent / seconds, 1),
                "cpu_us_per_message": round((user + system) * 1e6 / sent, 2), "typical_us": round(typical([(b[1] - a[1], b[2] - a[2]) for a, b in zip(looks, looks[1:])]), 2),
                "user_us": round(user * 1e6 / sent, 2),
                "system_us": round(system * 1e6 / sent, 2), "threads_us": per_message(by_thread, after, sent),
                "bytes_per_message": round(stats["bytes"] / max(1, stats["messages"])), "memory_mib": round(memory.most, 1),
                "first_message_s": round(first or 0, 3), "queued_s": round(queued, 3), "connections": stats["connections"]["max_open"],
                "connections_made": stats["connections"]["total"], "tls": stats["tls"], "reuse": reuse,
                "sink_us": round(sum(stats["cpu_s"].values()) * 1e6 / max(1, stats["messages"]), 2)}

    def whole_path(self, sink, messages, corpus):
        before = threads(self.daemon.pid)
        result = super().whole_path(sink, messages, corpus)
        return {**result, "threads_us": per_message(before, threads(self.daemon.pid), messages)}

    def settle(self):
        wait_for("everything handed in to be over", lambda: self.daemon.ctl("queue")["pending"] == 0, timeout=60, every=0.1)

    def log(self):
        return tail(self.daemon.log)

    def stop(self):
        self.daemon.stop()
        self.group.wait_empty()
        shutil.rmtree(self.lab.path(f"{self.name}.data"), ignore_errors=True)  # 10 million leads take their room
