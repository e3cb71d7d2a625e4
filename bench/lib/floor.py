"""The floor: what nobody can go below on this machine. The signing primitive alone, with every
processor signing as in a campaign, and the blaster, which does nothing but write prebuilt messages."""
import json
import os


def tune(lab):
    """Lets hayauma and its floor sign with the setting that 'hayauma tune' finds best on this
    processor, and the peers that use OpenSSL too: they find it in their environment."""
    report = json.loads(lab.run(lab.binary("src/cli/hayauma"), "tune", "--dry-run", "--json"))
    value = next(s["ia32cap"] for s in report["settings"] if s["setting"] == report["chosen"])
    if value and "OPENSSL_ia32cap" not in os.environ:
        os.environ["OPENSSL_ia32cap"] = value
    return report


def measure(lab, sink, sizes, tls_sizes=(), ms=700):
    """{"rsa2048_us", "rsa2048_all_us", ..., "blaster": {bytes: {...}}, "blaster_tls": {...}} in CPU microseconds. The sink
    offers STARTTLS, which only the latter takes, on connections that it keeps. `ms`: for each primitive."""
    out = json.loads(lab.run(lab.binary("bench/floor"), str(ms)))
    messages = 60000 * ms // 700
    out.setdefault("rsa2048_all_us", out["rsa2048_us"])
    for kind, options, kind_sizes in (("blaster", (), sizes), ("blaster_tls", ("--tls",), tls_sizes)):
        out[kind] = {}
        for size in kind_sizes:
            count = max(2000, messages * 10240 // max(size, 10240))
            out[kind][str(size)] = json.loads(lab.run(
                lab.binary("bench/blaster"), "--to", "127.0.1.1:25", "--span", "64", "--connections", "64",
                "--messages", str(count), "--size", str(size), *options))
    return out


def of(floor, campaign, size):
    """CPU microseconds a message of `size` bytes of a campaign costs at least."""
    sign = {"rsa": floor["rsa2048_all_us"], "ed25519": floor["ed25519_us"], None: 0.0}[campaign.signed]
    blaster = floor["blaster" if campaign.tls == "never" else "blaster_tls"]
    nearest = min(blaster, key=lambda s: abs(int(s) - size))
    return sign + blaster[nearest]["cpu_us_per_message"]
