"""The floor: what nobody can go below on this machine. The signing primitive alone, with every
processor signing as in a campaign, and the blaster, which does nothing but write prebuilt messages."""
import dataclasses
import json
import os

MESSAGES = 60000  # of 10 KiB, in a measurement of MS
MS = 1500


@dataclasses.dataclass(frozen=True)
class Way:
    """How a bare sender meets its receivers: each way has a floor of its own."""

    name: str  # in results
    sink: tuple = ()
    blaster: tuple = ()
    connections: int = 64
    share: float = 1.0  # of the messages


PLAIN = Way("blaster")
TLS = Way("blaster_tls", ("--tls", "on"), ("--tls",))  # on connections that it keeps
# At 50 ms for each of four replies it takes so many connections to keep two processors signing.
SLOW = Way("blaster_slow", ("--delay", "all:50"), connections=1000, share=0.6)
FAR = Way("blaster_far", ("--rtt", "50"), connections=400, share=0.6)


def tune(lab):
    """Lets hayauma and its floor sign with the setting that 'hayauma tune' finds best on this
    processor, and the peers that use OpenSSL too: they find it in their environment."""
    report = json.loads(lab.run(lab.binary("src/cli/hayauma"), "tune", "--dry-run", "--json"))
    value = next(s["ia32cap"] for s in report["settings"] if s["setting"] == report["chosen"])
    if value and "OPENSSL_ia32cap" not in os.environ:
        os.environ["OPENSSL_ia32cap"] = value
    return report


def primitives(lab, ms):
    """{"rsa2048_us", "rsa2048_all_us", ...} in CPU microseconds; `ms`: for each."""
    return json.loads(lab.run(lab.binary("bench/floor"), str(ms)))


def blast(lab, sink, way, size, ms):
    """What a message of `size` bytes costs the blaster, and its receivers ("sink_us"), in CPU microseconds."""
    count = max(2000, int(MESSAGES * way.share) * ms // MS * 10240 // max(size, 10240))
    found = json.loads(lab.run(
        lab.binary("bench/blaster"), "--to", "127.0.1.1:25", "--span", "64", "--connections", str(way.connections),
        "--messages", str(count), "--size", str(size), *way.blaster))
    stats = sink.stats()
    return {**found, "sink_us": round(sum(stats["cpu_s"].values()) * 1e6 / stats["messages"], 2)}


def lower(a, b):
    """Of two measurements of one round the lower of each figure: what else the machine did meanwhile only adds."""
    out = {**b, **a}
    for k in a.keys() & b.keys():
        if isinstance(a[k], dict):
            out[k] = min(a[k], b[k], key=lambda f: f["cpu_us_per_message"]) if "cpu_us_per_message" in a[k] else lower(a[k], b[k])
        elif k.endswith("_us"):
            out[k] = min(a[k], b[k])
    return out


def signature(floor, campaign):
    """With one thread or with all processors signing at once, whichever is lower: with all of them, other guests of the
    machine can make it half as dear again."""
    rsa = min(floor["rsa2048_us"], floor.get("rsa2048_all_us", floor["rsa2048_us"]))
    return {"rsa": rsa, "ed25519": floor["ed25519_us"], None: 0.0}[campaign.signed]


def blaster(floor, campaign, size):
    """The bare sender of a campaign's way, at the size nearest to `size`."""
    found = floor.get(campaign.way.name) or floor["blaster"]  # not measured: the cheapest way
    return found[min(found, key=lambda s: abs(int(s) - size))]


def of(floor, campaign, size):
    """CPU microseconds a message of `size` bytes of a campaign costs at least."""
    return signature(floor, campaign) + blaster(floor, campaign, size)["cpu_us_per_message"]


def with_receivers(floor, campaign, size):
    """The same with what its receivers use, who share the processors; None when that was not measured."""
    sink = blaster(floor, campaign, size).get("sink_us")
    return of(floor, campaign, size) + sink if sink is not None else None
