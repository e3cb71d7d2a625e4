"""Every mail that hayauma signs is accepted by python3-dkim, and no mail that was changed is."""
import glob
import os

import dkim_verify
from lab import Skip, check, check_eq

SIGNATURES = 4  # of each sample: two domains with two keys each


def samples(lab):
    """({name: mail}, the lookup of their keys)"""
    if dkim_verify.dkim is None:
        raise Skip("python3-dkim is not installed")
    lab.run(lab.binary("tests/system/dkim_samples"), lab.dir)
    mails = {}
    for path in glob.glob(lab.path("*.eml")):
        with open(path, "rb") as f:
            mails[os.path.basename(path)] = f.read()
    check(len(mails) >= 40, f"only {len(mails)} samples")
    return mails, dkim_verify.table_lookup(lab.path("dns.table"))


def test_python3_dkim_accepts_every_signature_in_every_canonical_form(lab):
    mails, lookup = samples(lab)
    for name, mail in mails.items():
        results = dkim_verify.verify(mail, lookup)
        check_eq(len(results), SIGNATURES, name)
        check_eq([r for r in results if r[3]], [], name)


def test_python3_dkim_refuses_every_mail_that_was_changed(lab):
    changes = {
        "Subject": lambda m: m.replace(b"Subject: ", b"Subject: x", 1),
        "second From": lambda m: b"From: evil@example.jp\r\n" + m,
        "body": lambda m: m + b"more\r\n",
    }
    mails, lookup = samples(lab)
    for name, mail in mails.items():
        for what, change in changes.items():
            accepted = [r for r in dkim_verify.verify(change(mail), lookup) if not r[3]]
            check_eq(accepted, [], f"{name}, {what}")
