"""What hayauma is measured against: the life of a peer, and how much it is given to do.

A peer is a mail server in a root of its own (roots.py) with the configuration of bench/peers/NAME,
where every setting says why it is there. It gets the messages as every relay does (relay.py), keeps
them durably as it always does, finds the receiving servers through the same nsd, signs when it is to, and
delivers to the same sink."""
import os
import time

from account import Spent, Watch
from lab import SOURCE, wait_for
import newsletter
from relay import ADDRESS, Relay

HOSTNAME = "peer.news.hayauma.test"


class Peer(Relay):
    """One instance, fresh queue. What differs between peers: `start`, `hold`, `release`."""

    name = None  # of bench/peers/NAME
    title = {True: None, False: None}  # signed or not
    packages = ()
    about = {True: None, False: None}  # messages a second on two cores, signed or not: how many it is first given
    drain_messages = None  # that fill the queue which it is to empty

    def __init__(self, lab, groups, root, key=None, held=False):
        """`key`: (selector, path)"""
        self.lab, self.root, self.processes = lab, root, []
        self.selector, self.key = key or (None, None)
        self.group = groups.group(self.name)
        self.start(held)
        wait_for(f"{self.name} to greet", lambda: greets(ADDRESS), timeout=20)

    def configuration(self, name, **values):
        """A file of bench/peers/NAME with its @VALUES@ filled in."""
        with open(os.path.join(SOURCE, "bench", "peers", self.name, name), encoding="utf-8") as f:
            text = f.read()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        return text

    def spawn(self, name, *argv, **kw):
        p = self.lab.spawn(f"{self.name}-{name}", self.group.wrap(self.root.inside(*argv)),
                           env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}, **kw)
        self.processes.append(p)
        return p

    def drain(self, sink, messages, corpus):
        """Delivering a queue that was accepted before; the peer was started `held`."""
        self.inject(messages, corpus)
        before, spent, start = sink.stats()["messages"], Spent(self.group), time.monotonic()
        with Watch(self.group) as memory:
            self.release()
            self.wait_sent(sink, before + messages)
        return self.figures(messages, time.monotonic() - start, spent, memory)

    def stop(self):
        for p in reversed(self.processes):
            p.stop()
        self.group.wait_empty()

    def start(self, held):
        raise NotImplementedError

    def release(self):
        raise NotImplementedError

    def log(self):
        return "".join(p.output()[-3000:] for p in self.processes)


def greets(address):
    import socket
    try:
        with socket.create_connection((address, 25), 2) as s:
            s.settimeout(5)
            return s.recv(200).startswith(b"220")
    except OSError:
        return False


def read_key(path):
    with open(path, encoding="ascii") as f:
        return f.read()


SENDER = newsletter.SENDER
