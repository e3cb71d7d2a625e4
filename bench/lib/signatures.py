"""What messages are signed with, as their receivers see it: every one must be, and signatures must be good."""
import random

import dkim
from dkim.util import parse_tag_value
from dkim_verify import verify
from lab import LabError

SAMPLE = 3  # that are verified


def fields(names):
    """["from", "from", "to"] as ["from (2)", "to"], in order."""
    out = {}
    for n in names:
        out[n.lower()] = out.get(n.lower(), 0) + 1
    return [f"{n} ({k})" if k > 1 else n for n, k in out.items()]


def tags(mail):
    """The tags of its first signature: {"a": "rsa-sha256", ...}."""
    value = next(v for n, v in dkim.DKIM(mail).headers if n.lower() == b"dkim-signature")
    return {k.decode(): v.decode() for k, v in parse_tag_value(value).items()}


def look(name, mails, lookup):
    """{"algorithm", "canonicalization", "fields"} of the signatures of a system; LabError when a message has none or one of
    the sample is not good."""
    unsigned = [m for m in mails if b"\ndkim-signature:" not in b"\n" + m.partition(b"\r\n\r\n")[0].lower()]
    if unsigned or not mails:
        raise LabError(f"{name}: {len(unsigned)} of {len(mails)} messages came unsigned")
    for mail in random.Random(1).sample(mails, SAMPLE):
        faults = [r for r in verify(mail, lookup) if r[3]]
        if faults:
            raise LabError(f"{name}: a signature is not good: {faults}")
    t = tags(mails[0])
    return {"algorithm": t["a"], "canonicalization": t.get("c", "simple/simple"), "fields": fields("".join(t["h"].split()).split(":"))}
