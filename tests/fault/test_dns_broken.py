"""The name server goes away in the middle of a campaign: recipients wait (4.4.3), nobody bounces, and
all of them come back when it does."""
import os
import random
import signal
import socket
import threading

from faults import Rig, users
from lab import check, check_eq

NAME = "newsletter"
QUICK_DNS = {"dns.timeout": "300ms", "dns.tries": 2, "delivery.open_domains": 16}


def rig_of_many_domains(lab, per_domain):
    rig = Rig(lab, connections=2, sink_args=["--delay", "dot:20"], config=QUICK_DNS)
    plain = rig.world.of_kind("plain")[:80]
    return rig, rig.campaign(users(per_domain * len(plain), *plain))


def wait_deferred(rig, least=50):
    """Some wait for the name server; returns the campaign."""
    c = rig.daemon.wait_campaign(NAME, lambda c: c["deferred"] >= least, timeout=30)
    check_eq((c["bounced"], c["expired"]), (0, 0), "given up for want of a name server")
    return c


def check_all_delivered(rig, want):
    rig.daemon.wait_campaign(NAME, timeout=60)
    c, doubled = rig.judge(want)
    check_eq((c["delivered"], doubled), (want, []), "each exactly once")


def reasons(rig, addresses):
    """The enhanced codes of what was put off, among these messages."""
    return {a["enhanced"] for address in addresses for a in rig.life(address)["attempts"] if a["outcome"] == "deferred"}


def test_a_name_server_that_hangs_in_the_middle_defers_and_all_come_back(lab):
    rig, want = rig_of_many_domains(lab, 10)
    rig.wait_dots(100)
    os.killpg(rig.nsd.pid, signal.SIGSTOP)
    try:
        wait_deferred(rig)
    finally:
        os.killpg(rig.nsd.pid, signal.SIGCONT)
    check_all_delivered(rig, want)
    check_eq(reasons(rig, set(rig.dots())), {"4.4.3"}, "why it was put off")


def test_a_name_server_that_died_defers_and_all_come_back(lab):
    rig, want = rig_of_many_domains(lab, 10)
    rig.wait_dots(100)
    rig.nsd.stop()
    wait_deferred(rig)
    rig.lab.nsd(rig.world)
    check_all_delivered(rig, want)


class Babbler(threading.Thread):
    """A name server that answers nonsense: noise, and the query's id followed by noise, by a header
    that promises records which are not there, or by the query cut short."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.settimeout(0.1)
        self.dice, self.over, self.answers = random.Random(7), threading.Event(), 0

    def nonsense(self, query):
        kind = self.answers % 4
        noise = self.dice.randbytes(self.dice.randrange(600))
        if kind == 0:
            return noise
        if kind == 1:
            return query[:2] + noise
        if kind == 2:
            return query[:2] + b"\x84\x00\x00\x01\xff\xff\xff\xff\xff\xff" + query[12:]
        return query[:2] + b"\x84\x00" + query[4:-self.dice.randrange(1, 8)]

    def run(self):
        while not self.over.is_set():
            try:
                query, peer = self.socket.recvfrom(1024)
                self.socket.sendto(self.nonsense(query), peer)
                self.answers += 1
            except OSError:
                continue
        self.socket.close()

    def stop(self):
        self.over.set()
        self.join()


def test_a_name_server_that_babbles_defers_and_all_come_back(lab):
    rig, want = rig_of_many_domains(lab, 10)
    rig.wait_dots(100)
    rig.nsd.stop()
    babbler = Babbler(rig.world.dns_port)
    babbler.start()
    try:
        wait_deferred(rig, least=200)
        check(babbler.answers > 20, f"{babbler.answers} nonsense answers")
    finally:
        babbler.stop()
    rig.lab.nsd(rig.world)
    check_all_delivered(rig, want)
    check(rig.daemon.alive(), "the daemon died of it")
