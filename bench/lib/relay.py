"""What hayauma and its peers have in common as relays: messages come in over SMTP from the blaster, whose CPU is kept
apart, are kept durably, signed, and delivered to the sink, all at once."""
import json
import time

from account import Spent, Watch
from lab import LabError, wait_for

ADDRESS = "127.0.2.1"  # where relays listen, at port 25; the sites of the world are 127.0.1.*


class Relay:
    """Who has `lab`, `group`, `name` and log()."""

    connections = 20  # of the blaster; more make no peer faster
    inject_options = ()  # further ones of the blaster

    def inject(self, messages, corpus):
        """Seconds and CPU of the injector, once every message is accepted."""
        argv = [self.lab.binary("bench/blaster"), "--to", f"{ADDRESS}:25", "--messages", str(messages), "--connections",
                str(self.connections), "--dir", corpus, *self.inject_options]
        try:
            return json.loads(self.lab.run(*argv, timeout=900))
        except LabError as e:
            raise LabError(f"{self.name}: {e}\n{self.log()}") from None

    def wait_sent(self, sink, goal):
        try:
            wait_for(f"{self.name} to deliver {goal} messages", lambda: sink.stats()["messages"] >= goal, timeout=300, every=0.1)
        except LabError as e:
            raise LabError(f"{e}; the sink has {sink.stats()['messages']}\n{self.log()}") from None

    def settle(self):
        """Until its own books are closed, too, where that can be asked; the rate does not count it, the CPU does."""

    def whole_path(self, sink, messages, corpus):
        """Accepting, keeping, signing and delivering them all at once, as a live relay does."""
        before, spent, start = sink.stats(), Spent(self.group), time.monotonic()
        with Watch(self.group) as memory:
            injector = self.inject(messages, corpus)
            accepted = time.monotonic() - start
            self.wait_sent(sink, before["messages"] + messages)
            seconds = time.monotonic() - start
            self.settle()
        result = self.figures(messages, seconds, spent, memory, accepted_s=round(accepted, 2),
                              injector_us=injector["cpu_us_per_message"])
        after = sink.stats()
        return {**result, "bytes_per_message": round((after["bytes"] - before["bytes"]) / messages),
                "connections": after["connections"]["max_open"],
                "connections_made": after["connections"]["total"] - before["connections"]["total"],
                "sink_us": round((sum(after["cpu_s"].values()) - sum(before["cpu_s"].values())) * 1e6 / messages, 2)}

    @staticmethod
    def figures(messages, seconds, spent, memory, **more):
        user, system = spent.seconds()
        return {"messages": messages, "seconds": round(seconds, 3), "messages_per_s": round(messages / seconds, 1),
                "cpu_us_per_message": round((user + system) * 1e6 / messages, 1),
                "user_us": round(user * 1e6 / messages, 1), "system_us": round(system * 1e6 / messages, 1),
                "memory_mib": round(memory.most, 1), **more}

    def log(self):
        raise NotImplementedError
