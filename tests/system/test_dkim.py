"""Every mail that hayauma signs is accepted by python3-dkim, and no mail that was changed is; keys and
checks by hand."""
import glob
import json
import os
import re
import subprocess

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


def hayauma(lab, *args, config=None):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([lab.binary("src/cli/hayauma"), "dkim", *args], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "LC_ALL": "C", "HAYAUMA_CONFIG": config or lab.path("none")})
    return done.returncode, done.stdout, done.stderr


def test_keygen_makes_a_file_that_only_its_owner_reads_and_prints_the_record(lab):
    code, out, err = hayauma(lab, "keygen", "--domain", "example.jp", "--selector", "s1", "--dir", lab.dir)
    check_eq(code, 0, err)
    mode = os.stat(lab.path("example.jp.s1.pem")).st_mode
    check_eq(oct(mode & 0o7777), oct(0o600), "mode")
    check(out.startswith("s1._domainkey.example.jp. IN TXT ("), out)
    parts = re.findall(r'"([^"]*)"', out)
    check(len(parts) > 1 and all(len(p) <= 255 for p in parts), out)
    public = subprocess.run(["openssl", "pkey", "-in", lab.path("example.jp.s1.pem"), "-pubout"], capture_output=True,
                            text=True, check=True).stdout
    check_eq("".join(parts), "v=DKIM1; k=rsa; p=" + "".join(public.split("\n")[1:-2]), "the record")
    check("BEGIN" not in out + err, "the private key was printed")


def test_keygen_never_overwrites_and_refuses_what_is_too_short(lab):
    path = lab.write("taken.pem", "precious")
    refusals = {
        ("--out", path): 1,
        ("--dir", lab.path("no", "such", "folder")): 1,
        ("--dir", lab.dir, "--bits", "1024"): 2,
        ("--dir", lab.dir, "--bits", "2049"): 2,
        ("--out", lab.path("x"), "--type", "both"): 2,
        ("--dir", lab.dir, "--domain", "../../etc/x"): 1,
    }
    for args, want in refusals.items():
        code, out, err = hayauma(lab, "keygen", "--domain", "example.jp", "--selector", "s1", *args)
        check_eq((code, out), (want, ""), f"{args}: {err}")
        check(err, f"{args}: not a word why")
    with open(path, encoding="utf-8") as f:
        check_eq(f.read(), "precious", "the file that was there")
    check_eq(glob.glob(lab.path("*.pem")), [path], "what was left behind")


def test_keygen_says_how_a_missing_folder_is_made(lab):
    missing = lab.path("none", "here")
    code, out, err = hayauma(lab, "keygen", "--domain", "example.jp", "--selector", "s1", "--dir", missing)
    check_eq((code, out), (1, ""))
    check(f"install -d -m 700 {missing}" in err, err)


def test_keygen_makes_one_key_of_each_kind(lab):
    code, out, err = hayauma(lab, "keygen", "--domain", "example.jp", "--selector", "s1", "--dir", lab.dir, "--type",
                             "both", "--json")
    check_eq(code, 0, err)
    keys = json.loads(out)["keys"]
    check_eq([(k["type"], k["bits"], k["selector"]) for k in keys],
             [("rsa", 2048, "s1"), ("ed25519", 256, "s1-ed25519")], "keys")
    check(all(os.path.exists(k["file"]) for k in keys), out)


def test_keygen_puts_the_key_where_the_configuration_says(lab):
    os.mkdir(lab.path("keys"))
    config = lab.write("hayauma.yaml", "paths:\n  dkim_dir: keys\n")
    code, _, err = hayauma(lab, "keygen", "--domain", "example.jp", "--selector", "s1", config=config)
    check_eq(code, 0, err)
    check_eq(os.listdir(lab.path("keys")), ["example.jp.s1.pem"], "the folder")


def test_check_tells_good_mail_from_bad(lab):
    mails, _ = samples(lab)
    table = lab.path("dns.table")
    for name, mail in sorted(mails.items())[:6]:
        code, out, err = hayauma(lab, "check", "--dns-file", table, lab.path(name))
        check_eq(code, 0, f"{name}: {out}{err}")
        with open(lab.path("bad.eml"), "wb") as f:
            f.write(mail + b"more\r\n")
        code, out, err = hayauma(lab, "check", "--json", "--dns-file", table, lab.path("bad.eml"))
        check_eq(code, 1, f"{name}, changed: {out}{err}")
        report = json.loads(out)
        check_eq((report["result"], len(report["signatures"])), ("fail", SIGNATURES), out)


def test_check_fails_without_a_signature_or_a_message(lab):
    unsigned = lab.write("unsigned.eml", "From: a@b.example\n\nbody\n")
    for path, want in ((unsigned, "no DKIM signature"), (lab.path("nothing.eml"), "nothing.eml"),
                       (lab.write("empty.eml", ""), "no message")):
        code, out, err = hayauma(lab, "check", "--dns-file", unsigned, path)
        check_eq((code, out), (1, ""), err)
        check(want in err, f"{path}: {err}")
