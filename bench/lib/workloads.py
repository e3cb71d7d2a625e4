"""The workloads: what each of them is, and how one run of a system through one of them goes."""
import dataclasses

import floor
import peer_exim
import peer_opensmtpd
import peer_postfix
from lab import LabError
import newsletter
from sender import Sender, message_source
import signatures

PEERS = (peer_postfix.Postfix, peer_opensmtpd.OpenSMTPD, peer_exim.Exim)
TITLES = {"hayauma": {True: "hayauma", False: "hayauma"}, **{p.name: p.title for p in PEERS}}


@dataclasses.dataclass(frozen=True)
class Campaign:
    """A campaign of hayauma's; and, with peers, the same messages through each of them."""

    name: str
    about_rate: int  # of hayauma on two cores; only for the time left
    signed: str | None  # "rsa", "ed25519", or not
    kib: int = 10
    share: float = 1.0  # of the leads of a run
    per_site: int = 20  # connections
    way: floor.Way = floor.PLAIN  # to its receivers
    tls: str = "never"  # in the shaping rules
    adaptive: bool = True  # whether the window of a site looks for its limit, or the rule's is known to be good
    peers: tuple = ()
    drain: bool = False  # and the peers empty a queue that they accepted before
    relayed: bool = False  # handed in over SMTP, as to the peers, not rendered from leads


# A giant gets a quarter of all mail; at 50 ms a reply it takes hundreds of connections to keep pace.
CAMPAIGNS = [
    Campaign("B1", 5500, "rsa", peers=PEERS),
    Campaign("B2", 30000, None, peers=PEERS, drain=True),
    Campaign("B2-ed25519", 17000, "ed25519"),
    # Slow: one reply after the other. The fastest peer that signs shows what 50 ms mean to it.
    Campaign("B3", 4000, "rsa", per_site=400, adaptive=False, way=floor.SLOW, peers=(peer_postfix.Postfix,)),
    Campaign("B3-far", 5000, "rsa", per_site=400, adaptive=False, way=floor.FAR),  # distant: replies travel together
    Campaign("B4", 5000, "rsa", tls="opportunistic", way=floor.TLS),
    Campaign("B7", 4500, "rsa", relayed=True, peers=(peer_postfix.Postfix,)),
    Campaign("B10", 4000, "rsa", kib=100, share=0.2),
]
LOOKED_AT = 100  # messages of each system, as they come in
BY_NAME = {c.name: c for c in CAMPAIGNS}


class Bench:
    """What every run of a workload shares: the lab, the world, the keys, the messages peers get."""

    def __init__(self, lab, groups, roots, leads, cache, connections=4000):
        self.lab, self.groups, self.roots, self.leads, self.connections = lab, groups, roots, leads, connections
        self.cache = cache  # where bench/limits keeps its large store
        self.keys, records = {None: None}, []  # (selector, path)
        for kind in ("rsa", "ed25519"):
            path, record = lab.dkim_key(newsletter.SENDER, kind, kind)
            self.keys[kind] = kind, path
            records.append(record)
        self.world = lab.world(zone_lines="\n".join(records), dns_port=53, smtp_port=25)
        self.nsd = lab.nsd(self.world)
        for root in roots.values():
            root.mount("127.0.0.1")
        self.sinks, self.corpus = 0, None
        self.rates = {}  # of peers, by workload, as measured last

    def new_sink(self, options=(), **kw):
        self.sinks += 1
        return self.lab.sink(self.world, name=f"sink-{self.sinks}", rules=False, extra=options, **kw)

    def sender(self, campaign):
        shaping = self.lab.shaping(connections=campaign.per_site, tls=campaign.tls, expire="1h", adaptive=campaign.adaptive)
        return Sender(self.lab, self.groups, self.world, self.keys[campaign.signed], shaping, self.connections, campaign.relayed)

    def messages(self, count=500):
        """A folder of personal messages, unsigned, as hayauma sent them: what the peers are given."""
        if not self.corpus:
            sink = self.new_sink(capture_every=1, capture_limit=count)
            h = self.sender(BY_NAME["B2"])
            h.import_leads(newsletter.leads(self.lab, count * 11 // 10))
            h.send(sink)
            h.stop()
            sink.stop()
            self.corpus = sink.capture_dir
        return self.corpus

    def sweep(self):
        """Ends what a run that failed has left, so that the next finds its ports free."""
        for p in reversed(self.lab.processes):
            if p.alive() and p is not self.nsd:
                p.expect_failure = True
                try:
                    p.stop(timeout=10.0)
                except LabError:
                    continue  # it was killed

    # -- one run each ----------------------------------------------------------------------------

    def run_floor(self, wanted, ms):
        """`wanted`: {(way, bytes)}"""
        result = floor.primitives(self.lab, ms)
        for way, size in sorted(wanted, key=lambda w: (w[0].name, w[1])):
            sink = self.new_sink(way.sink)
            result.setdefault(way.name, {})[str(size)] = floor.blast(self.lab, sink, way, size, ms)
            sink.stop()
        return result

    def run_hayauma(self, campaign):
        if campaign.relayed:
            return self.run_relay(campaign)
        sink = self.new_sink(campaign.way.sink, capture_every=1, capture_limit=LOOKED_AT)
        h = self.sender(campaign)
        took = h.import_leads(newsletter.leads(self.lab, max(1000, int(self.leads * campaign.share))))
        result = h.send(sink, source=message_source(self.lab, campaign.kib))
        result["import_rows_per_s"] = round(result["rows"] / took)
        result["signature"] = self.look("hayauma", sink, campaign)
        h.stop()
        sink.stop()
        return result

    def run_relay(self, campaign):
        """hayauma as a relay: given what the peers are given, in the same way; the first hundred are looked at."""
        corpus, messages = self.messages(), max(1000, int(self.leads * campaign.share))
        sink = self.new_sink(campaign.way.sink, capture_every=1, capture_limit=LOOKED_AT)
        h = self.sender(campaign)
        h.whole_path(sink, LOOKED_AT, corpus)
        signature = self.look("hayauma", sink, campaign)
        result = h.whole_path(sink, messages, corpus)
        h.stop()
        sink.stop()
        return {**result, "signature": signature}

    def run_peer(self, peer, campaign, seconds):
        """Accepts and delivers, at once, as many messages as it can in about `seconds`, by its rate of the round
        before; the first hundred are looked at, not measured."""
        corpus, known = self.messages(), (campaign.name, peer.name)
        messages = max(50, round(self.rates.get(known, peer.about[bool(campaign.signed)]) * seconds))
        sink = self.new_sink(campaign.way.sink, capture_every=1, capture_limit=LOOKED_AT)
        p = peer(self.lab, self.groups, self.roots[peer.name], self.keys[campaign.signed])
        p.whole_path(sink, LOOKED_AT, corpus)
        signature = self.look(p.name, sink, campaign)
        result = p.whole_path(sink, messages, corpus)
        self.rates[known] = result["messages_per_s"]
        p.stop()
        sink.stop()
        return {**result, "signature": signature}

    def run_drain(self, peer, share):
        """Delivers a queue that it accepted before, unsigned."""
        corpus, sink = self.messages(), self.new_sink()
        p = peer(self.lab, self.groups, self.roots[peer.name], None, held=True)
        result = p.drain(sink, max(50, round(peer.drain_messages * share)), corpus)
        p.stop()
        sink.stop()
        return result

    def look(self, name, sink, campaign):
        """What the first messages of a system are signed with; None in a workload without signatures."""
        if not campaign.signed:
            return None
        mails = []
        for path in sink.captured():
            with open(path, "rb") as f:
                mails.append(f.read())
        return signatures.look(name, mails, newsletter.dkim_lookup(self.world))
