"""The workloads: what each of them is, and how one run of a system through one of them goes."""
import dataclasses
import random

import floor
import peer_exim
import peer_opensmtpd
import peer_postfix
from dkim_verify import verify
from lab import LabError
import newsletter
from sender import SELECTOR, Sender, message_source

PEERS = (peer_postfix.Postfix, peer_opensmtpd.OpenSMTPD, peer_exim.Exim)
TITLES = {"hayauma": {True: "hayauma", False: "hayauma"}, **{p.name: p.title for p in PEERS}}


@dataclasses.dataclass(frozen=True)
class Campaign:
    """A campaign of hayauma's; and, with peers, the same messages through each of them."""

    name: str
    signed: str | None  # "rsa", "ed25519", or not
    kib: int = 10
    share: float = 1.0  # of the leads of a run
    per_site: int = 20  # connections
    tls: str = "never"  # in the shaping rules
    adaptive: bool = True  # whether the window of a site looks for its limit, or the rule's is known to be good
    sink: tuple = ()  # further options of the sink
    peers: tuple = ()
    drain: bool = False  # and the peers empty a queue that they accepted before


# A giant gets a quarter of all mail; at 50 ms a reply it takes hundreds of connections to keep pace.
CAMPAIGNS = [
    Campaign("B1", "rsa", peers=PEERS),
    Campaign("B2", None, peers=PEERS, drain=True),
    Campaign("B2-ed25519", "ed25519"),
    Campaign("B3", "rsa", per_site=400, adaptive=False, sink=("--delay", "all:50")),  # slow: one reply after the other
    Campaign("B3-far", "rsa", per_site=400, adaptive=False, sink=("--rtt", "50")),  # distant: replies travel together
    Campaign("B4", "rsa", tls="opportunistic", sink=("--tls", "on")),
    Campaign("B10", "rsa", kib=100, share=0.2),
]
BY_NAME = {c.name: c for c in CAMPAIGNS}


class Bench:
    """What every run of a workload shares: the lab, the world, the keys, the messages peers get."""

    def __init__(self, lab, groups, roots, leads, cache, connections=4000):
        self.lab, self.groups, self.roots, self.leads, self.connections = lab, groups, roots, leads, connections
        self.cache = cache  # where bench/limits keeps its large store
        self.keys, records = {None: None}, []
        for kind in ("rsa", "ed25519"):
            self.keys[kind], record = lab.dkim_key(newsletter.SENDER, SELECTOR if kind == "rsa" else kind, kind)
            records.append(record)
        self.world = lab.world(zone_lines="\n".join(records), dns_port=53, smtp_port=25)
        self.nsd = lab.nsd(self.world)
        for root in roots.values():
            root.mount("127.0.0.1")
        self.sinks, self.corpus = 0, None

    def new_sink(self, options=(), **kw):
        self.sinks += 1
        return self.lab.sink(self.world, name=f"sink-{self.sinks}", rules=False, extra=options, **kw)

    def sender(self, campaign):
        shaping = self.lab.shaping(connections=campaign.per_site, tls=campaign.tls, expire="1h", adaptive=campaign.adaptive)
        return Sender(self.lab, self.groups, self.world, self.keys[campaign.signed], shaping, self.connections)

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

    def run_floor(self, sizes, tls_sizes):
        sink = self.new_sink(("--tls", "on") if tls_sizes else ())
        result = floor.measure(self.lab, sink, sizes, tls_sizes)
        sink.stop()
        return result

    def run_hayauma(self, campaign):
        sink = self.new_sink(campaign.sink)
        h = self.sender(campaign)
        took = h.import_leads(newsletter.leads(self.lab, max(1000, int(self.leads * campaign.share))))
        result = h.send(sink, source=message_source(self.lab, campaign.kib))
        result["import_rows_per_s"] = round(result["rows"] / took)
        h.stop()
        sink.stop()
        return result

    def run_peer(self, peer, campaign, messages, warm=100):
        """Accepts and delivers `messages` at once; the first `warm` are looked at, not measured."""
        corpus = self.messages()
        sink = self.new_sink(campaign.sink, capture_every=1, capture_limit=warm)
        p = peer(self.lab, self.groups, self.roots[peer.name], self.keys[campaign.signed])
        p.whole_path(sink, warm, corpus)
        self.check(p, sink, campaign)
        result = p.whole_path(sink, messages, corpus)
        p.stop()
        sink.stop()
        return result

    def run_drain(self, peer, messages):
        """Delivers a queue that it accepted before, unsigned."""
        corpus, sink = self.messages(), self.new_sink()
        p = peer(self.lab, self.groups, self.roots[peer.name], None, held=True)
        result = p.drain(sink, messages, corpus)
        p.stop()
        sink.stop()
        return result

    def check(self, p, sink, campaign):
        """Every message that came is signed when it should be, and a few signatures are good."""
        mails = []
        for path in sink.captured():
            with open(path, "rb") as f:
                mails.append(f.read())
        if not campaign.signed:
            return
        unsigned = [m for m in mails if b"\ndkim-signature:" not in b"\n" + m.partition(b"\r\n\r\n")[0].lower()]
        if unsigned or not mails:
            raise LabError(f"{p.name}: {len(unsigned)} of {len(mails)} messages came unsigned")
        lookup = newsletter.dkim_lookup(self.world)
        for mail in random.Random(1).sample(mails, 3):
            faults = [r for r in verify(mail, lookup) if r[3]]
            if faults:
                raise LabError(f"{p.name}: a signature is not good: {faults}")

