"""What the fault tests share: a daemon that is killed and started again on the same store, asked
over its socket directly (a command that answers in a millisecond, not in a process's start), and
the judgement at the end: what the sink saw against what the books say."""
import collections
import json
import os
import signal
import socket

import newsletter
from lab import Daemon, LabError, check, check_accounts, check_eq, wait_for

DAY_LONG = "600s"  # `expire` of campaigns that nobody is to give up


class FaultDaemon(Daemon):
    """A Daemon that is asked without a process for each question."""

    def answers(self):
        try:
            self.status = self.call("status")
        except (OSError, ValueError):
            return False
        return True

    def call(self, command, **args):
        """The result of a control command; OSError or ValueError when the daemon ends meanwhile."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.socket)
            s.sendall(json.dumps({"v": 1, "command": command, "args": args}).encode() + b"\n")
            with s.makefile(encoding="utf-8") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if "ok" in answer:
                        if not answer["ok"]:
                            raise LabError(f"{command}: {answer['error']}")
                        return answer["result"]
        raise ValueError(f"{command}: no answer")

    def campaign(self, name):
        return self.call("campaign.show", campaign=name)


class Rig:
    """Name server, sink and a daemon whose next life has the same store."""

    def __init__(self, lab, sink_args=(), connections=20, expire=DAY_LONG, config=None, rules=True, key=True,
                 zone=""):
        self.lab, self.keys, record = lab, [], ""
        if key:
            path, record = lab.dkim_key(newsletter.SENDER, "test")
            self.keys = [(newsletter.SENDER, "test", path)]
        self.world = lab.world(zone_lines=record + "\n" + zone)
        self.nsd = lab.nsd(self.world)
        self.rules = rules
        self.open_sink(*sink_args)
        self.config = {"paths.shaping": lab.shaping(connections=connections, expire=expire), **(config or {})}
        self.in_doubt = self.lives = 0
        self.daemon = None
        self.start()

    def open_sink(self, *args):
        """The sink, or after its stop another of other manners at its place; the record goes on."""
        self.sink = self.lab.sink(self.world, rules=self.rules, record=True, extra=args)

    def start(self, answering=True):
        """A new life; `answering`: wait for it, and add up what its recovery found."""
        path = self.lab.daemon_config(self.world, "hayaumad", self.keys, self.config)
        kind = FaultDaemon if answering else Newborn
        self.daemon = self.lab.add(kind(self.lab, "hayaumad", path, self.lab.path("hayaumad.sock")))
        self.lives += 1
        if answering:
            self.in_doubt += self.daemon.status["recovery"]["in_doubt"]
        return self.daemon

    def kill(self):
        """kill -9. A daemon that had died by itself before is a failure of its own."""
        check(self.daemon.alive(), f"the daemon had ended by itself: {self.daemon.popen.returncode}")
        self.daemon.kill()
        check_eq(self.daemon.popen.returncode, -signal.SIGKILL, "how the daemon ended")

    def campaign(self, rows, name="newsletter"):
        """Imports a CSV file or rows and starts a campaign to them; how many there are."""
        path = rows if isinstance(rows, str) else csv(self.lab, rows)
        added = self.daemon.import_leads(path)["added"]
        self.create(name)
        self.daemon.call("campaign.start", campaign=name)
        return added

    def create(self, name):
        self.daemon.ctl("campaign", "create", newsletter.campaign_file(self.lab, name))

    def dots(self):
        """Accepted final dots so far, {address: copies}."""
        return collections.Counter(self.sink.delivered())

    def wait_dots(self, n, timeout=60.0):
        wait_for(f"{n} messages at the sink", lambda: self.sink.stats()["messages"] >= n, timeout, 0.01)

    def judge(self, queued, name="newsletter"):
        """The end: everybody accounted for, nobody lost, nobody twice but those in doubt.
        Returns (campaign, doubled addresses)."""
        c = self.daemon.campaign(name)
        check_accounts(c)
        check_eq(c["queued"], queued, "everybody on the list has a row")
        balanced, text = self.daemon.audit()
        check(balanced, text)
        dots = self.dots()
        doubled = sorted(a for a, n in dots.items() if n > 1)
        extra = sum(n - 1 for n in dots.values())
        doubts = c["resent_in_doubt"]
        if self.config.get("delivery.in_doubt") != "hold":
            check(self.in_doubt <= doubts, f"recoveries told of {self.in_doubt} in doubt, the ledger of {doubts}")
        check(extra <= doubts, f"{extra} copies too many with {doubts} in doubt: {doubled[:10]}")
        check(len(dots) >= c["delivered"], f"{c['delivered'] - len(dots)} rows are delivered that the sink never saw")
        for address in doubled:
            message = self.life(address)
            in_doubt = sum(a["in_doubt"] for a in message["attempts"])
            check(dots[address] - 1 <= in_doubt, f"{address} got {dots[address]} copies: {message}")
        return c, doubled

    def life(self, address):
        """The one message to an address, as explain tells it."""
        messages = self.daemon.call("explain", what=unquoted(address))["messages"]
        check_eq(len(messages), 1, f"messages to {address}")
        return messages[0]


class Newborn(FaultDaemon):
    """Not waited for: to be killed while it boots."""

    def wait_ready(self, what, condition, timeout=20.0):
        pass


def unquoted(address):
    """An address as leads have it: the quotes that the wire wants are not part of it."""
    local, at, domain = address.rpartition("@")
    return (local[1:-1] if local.startswith('"') else local) + at + domain


def csv(lab, rows, name="leads.csv"):
    return lab.write(name, "email,name\r\n" + "".join(f"{r},山田 太郎\r\n" for r in rows))


def users(count, *domains):
    """`count` addresses, spread over the domains in turn."""
    return [f"user{i}@{domains[i % len(domains)]}" for i in range(count)]


def leads(lab, world, count, without=(), seed=7):
    """A CSV file of `count` good leads in the world's domains, but those of some kinds."""
    weights = lab.write("weights.tsv", "".join(f"{name} {d['weight']}\n" for name, d in world.domains.items()
                                               if d["kind"] not in without))
    path = lab.path(f"leads-{count}.csv")
    lab.run(lab.binary("bench/leadgen"), "--rows", str(count), "--bad", "0", "--seed", str(seed), "--domains", weights,
            "--output", path)
    return path


def seed_of_run(default):
    """HY_FAULT_SEED, to look at one failure again."""
    return int(os.environ.get("HY_FAULT_SEED", default))
