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


def measure(lab, sink, sizes, messages=60000):
    """{"rsa2048_us", "rsa2048_all_us", ..., "blaster": {bytes: {...}}} in CPU microseconds."""
    out = json.loads(lab.run(lab.binary("bench/floor"), "700"))
    out.setdefault("rsa2048_all_us", out["rsa2048_us"])
    out["blaster"] = {}
    for size in sizes:
        count = max(2000, messages * 10240 // max(size, 10240))
        out["blaster"][str(size)] = json.loads(lab.run(
            lab.binary("bench/blaster"), "--to", "127.0.1.1:25", "--span", "64", "--connections", "64",
            "--messages", str(count), "--size", str(size)))
    return out


def of(floor, signed, size):
    """CPU microseconds a message of `size` bytes costs at least."""
    sign = {"rsa": floor["rsa2048_all_us"], "ed25519": floor["ed25519_us"], None: 0.0}[signed]
    nearest = min(floor["blaster"], key=lambda s: abs(int(s) - size))
    return sign + floor["blaster"][nearest]["cpu_us_per_message"]
