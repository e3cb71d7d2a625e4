"""What hayauma is measured against: the life of a peer, and how much it is given to do.

A peer is a mail server in a root of its own (roots.py) with the configuration of bench/peers/NAME,
where every setting says why it is there. It gets the messages over SMTP from the blaster, whose CPU
does not count, keeps them durably as it always does, finds the receiving servers through the same
nsd, signs when it is to, and delivers to the same sink."""
import json
import os
import time

from account import Spent, Watch
from lab import LabError, SOURCE, wait_for
import newsletter

ADDRESS = "127.0.2.1"  # where peers listen; the sites of the world are 127.0.1.*
HOSTNAME = "peer.news.hayauma.test"


class Peer:
    """One instance, fresh queue. What differs between peers: `start`, `hold`, `release`."""

    name = None  # of bench/peers/NAME
    title = {True: None, False: None}  # signed or not
    packages = ()
    inject_options = ()  # of the blaster
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

    def spawn(self, name, *argv):
        p = self.lab.spawn(f"{self.name}-{name}", self.group.wrap(self.root.inside(*argv)),
                           env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        self.processes.append(p)
        return p

    def inject(self, messages, corpus):
        """Seconds and CPU of the injector, once every message is accepted."""
        argv = [self.lab.binary("bench/blaster"), "--to", f"{ADDRESS}:25", "--messages", str(messages), "--connections", "20",
                "--dir", corpus, *self.inject_options]
        try:
            return json.loads(self.lab.run(*argv, timeout=900))
        except LabError as e:
            raise LabError(f"{self.name}: {e}\n{self.log()}") from None

    def wait_sent(self, sink, goal):
        try:
            wait_for(f"{self.name} to deliver {goal} messages", lambda: sink.stats()["messages"] >= goal, timeout=300, every=0.1)
        except LabError as e:
            raise LabError(f"{e}; the sink has {sink.stats()['messages']}\n{self.log()}") from None

    def whole_path(self, sink, messages, corpus):
        """Accepting, keeping, signing and delivering them all at once, as a live relay does."""
        before, spent, start = sink.stats(), Spent(self.group), time.monotonic()
        with Watch(self.group) as memory:
            injector = self.inject(messages, corpus)
            accepted = time.monotonic() - start
            self.wait_sent(sink, before["messages"] + messages)
        result = self.figures(messages, time.monotonic() - start, spent, memory, accepted_s=round(accepted, 2),
                              injector_us=injector["cpu_us_per_message"])
        after = sink.stats()
        return {**result, "bytes_per_message": round((after["bytes"] - before["bytes"]) / messages),
                "connections": after["connections"]["max_open"],
                "connections_made": after["connections"]["total"] - before["connections"]["total"]}

    def drain(self, sink, messages, corpus):
        """Delivering a queue that was accepted before; the peer was started `held`."""
        self.inject(messages, corpus)
        before, spent, start = sink.stats()["messages"], Spent(self.group), time.monotonic()
        with Watch(self.group) as memory:
            self.release()
            self.wait_sent(sink, before + messages)
        return self.figures(messages, time.monotonic() - start, spent, memory)

    @staticmethod
    def figures(messages, seconds, spent, memory, **more):
        user, system = spent.seconds()
        return {"messages": messages, "seconds": round(seconds, 3), "messages_per_s": round(messages / seconds, 1),
                "cpu_us_per_message": round((user + system) * 1e6 / messages, 1),
                "user_us": round(user * 1e6 / messages, 1), "system_us": round(system * 1e6 / messages, 1),
                "memory_mib": round(memory.most, 1), **more}

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
