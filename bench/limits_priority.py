"""Step 'priority' of bench/limits: how long mail of other applications, handed in over SMTP, is on its way to the
receiver's final dot, alone and while a campaign to a million is being sent through the same lanes: to servers that
take all, and to a provider that takes few connections. The receivers say when the dot came."""
import os
import random
import socket
import threading
import time

from lab import LabError, wait_for
import newsletter

PREFIX = "stamp-"
SENDERS = 4  # applications, each with one connection
PER_SECOND = 25  # messages of all of them, as they come: exponential pauses
PROVIDER = "provider.many.test"
LIMIT = "connections=20 latency=0.1"  # so 200 messages a second at best; more connections meet 421
CURVE = 100  # points


def content(number):
    text = "A message that somebody waits for.\r\n" * 50
    return (f"From: App <app@{newsletter.SENDER}>\r\nTo: you@example.test\r\nSubject: Your order {number}\r\n\r\n{text}.\r\n").encode()


class Application(threading.Thread):
    """Hands messages in over one connection; `sent`: {recipient: when it began to}."""

    def __init__(self, port, domains, seconds, seed):
        super().__init__()
        self.port, self.domains, self.seconds, self.seed, self.sent, self.failed = port, domains, seconds, seed, {}, None

    def run(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=30) as s:
                self.talk(s, s.makefile("rb"))
        except (OSError, LabError) as e:
            self.failed = e

    @staticmethod
    def expect(replies, *codes):
        for code in codes:
            line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            if line[:3] != code:
                raise LabError(f"submission: {line!r} where {code!r} was due")

    def talk(self, s, replies):
        dice, end = random.Random(self.seed), time.monotonic() + self.seconds
        names, weights = zip(*self.domains)
        self.expect(replies, b"220")
        s.sendall(b"EHLO app.test\r\n")
        self.expect(replies, b"250")
        due = time.monotonic()
        for i in range(1 << 30):
            due += dice.expovariate(PER_SECOND / SENDERS)
            if due > end:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            to = f"{PREFIX}{self.seed}-{i}@{dice.choices(names, weights)[0]}"
            self.sent[to] = time.monotonic()
            s.sendall(f"MAIL FROM:<app@{newsletter.SENDER}>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode())
            self.expect(replies, b"250", b"250", b"354")
            s.sendall(content(i))
            self.expect(replies, b"250")


def stamps(path):
    """{recipient: when its message was there}"""
    out = {}
    if os.path.exists(path):
        with open(path, encoding="ascii") as f:
            for line in f:
                us, _, rcpt = line.rstrip("\n").partition(" ")
                out[rcpt] = int(us) / 1e6
    return out


def delays(port, domains, seconds, path):
    """Milliseconds, in order, of what applications hand in for so long."""
    applications = [Application(port, domains, seconds, seed) for seed in range(SENDERS)]
    for a in applications:
        a.start()
    for a in applications:
        a.join()
    sent = {}
    for a in applications:
        if a.failed:
            raise LabError(f"an application: {a.failed}")
        sent.update(a.sent)
    wait_for("all of it to be there", lambda: sent.keys() <= stamps(path).keys(), timeout=120, every=0.2)
    there = stamps(path)
    return sorted((there[to] - began) * 1000 for to, began in sent.items())


def tell(figures, found, what):
    at = lambda share: found[min(len(found) - 1, int(len(found) * share))]  # noqa: E731
    curve = [round(at(i / CURVE), 3) for i in range(CURVE)] + [round(found[-1], 3)]
    figures.add(f"{what}: half of {len(found):,} messages were there within", at(0.5), "ms", curve=curve)
    figures.add("  99 of 100", at(0.99), "ms", 1000.0)
    figures.add("  all", found[-1], "ms")


def blast(lab, world, start_daemon, sink_options, path, domains, seconds, name, figures, what, alone=None):
    """A campaign to everybody in `path`, and the applications' mail to `domains` beside it; before it, too, when `alone`
    says what to call that."""
    stamped, port = lab.path(f"{name}.stamps"), lab.free_port()
    sink = lab.sink(world, name=f"sink-{name}", rules=False, extra=["--stamp", f"{PREFIX}:{stamped}", *sink_options])
    shaping = lab.shaping(connections=50, tls="never", expire="1h")
    daemon = start_daemon(lab, world, shaping, **{"submission.listen": [f"127.0.0.1:{port}"], "submission.trusted": ["127.0.0.0/8"]})
    daemon.import_leads(path, name)
    if alone:
        tell(figures, delays(port, domains, seconds, stamped), alone)
        os.unlink(stamped)
        sink.stop()
        sink = lab.sink(world, name=f"sink-{name}-again", rules=False, extra=["--stamp", f"{PREFIX}:{stamped}", *sink_options])
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, lists=name))
    daemon.ctl("campaign", "start", name)
    daemon.wait_campaign(name, lambda c: c["delivered"] > 0, every=0.02)
    time.sleep(2)  # as it is in the middle, not at its start
    before, begin = daemon.campaign(name), time.monotonic()
    found = delays(port, domains, seconds, stamped)
    after, took = daemon.campaign(name), time.monotonic() - begin
    if after["pending"] == 0:
        raise LabError(f"the campaign was over before the messages were: {after}")
    tell(figures, found, what.format(rows=f"{after['queued']:,}"))
    figures.add("  messages of the campaign meanwhile, a second", (after["delivered"] - before["delivered"]) / took, "/s")
    daemon.ctl("campaign", "cancel", name)
    daemon.stop()
    sink.stop()


def priority(lab, start_daemon, args, figures):
    zone = f"mx.{PROVIDER}. A 127.0.1.250\n{PROVIDER}. MX 10 mx.{PROVIDER}."
    world = lab.world(zone_lines=zone)
    lab.nsd(world)
    takes = [(n, d["weight"]) for n, d in world.domains.items() if d["kind"] in ("plain", "giant", "hosted", "on-giant")]
    blast(lab, world, start_daemon, (), newsletter.leads(lab, args.rows), takes, args.priority_s, "all", figures,
          "while a campaign to {rows} is sent", alone="nothing else to send")
    path = lab.path("provider.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("email,name\r\n")
        f.writelines(f"user{i}@{PROVIDER},user {i}\r\n" for i in range(args.rows))
    blast(lab, world, start_daemon, ("--listen", f"127.0.1.250:{world.smtp_port}", "--provider", LIMIT), path, [(PROVIDER, 1)],
          args.priority_s, "provider", figures, "while a campaign to {rows} is sent to one provider that takes 20 connections")
