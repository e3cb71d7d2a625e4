#!/usr/bin/python3
"""Words and notices of servers and mailers, as their makers document them: what 'hayauma reply classify'
and 'hayauma bounce parse' make of each.

usage: test_documented.py HAYAUMA FOLDER

replies*.tsv: reason, "hard" or "-", the words. makes.mbox: a notice of each make about kuro@example.net, with
the expected reason in X-Expected. Nothing in these files comes from the corpora that figures are measured on.
"""
import glob
import json
import mailbox
import os
import subprocess
import sys


def answers(program, args, text=b""):
    run = subprocess.run([program, *args], input=text, capture_output=True, check=True)
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


def check_replies(program, path):
    with open(path, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    got = answers(program, ["reply", "classify"], "".join(r[2] + "\n" for r in rows).encode())
    assert len(got) == len(rows) > 0, (len(got), len(rows))
    return [(want, words, a["reason"], a["hard"]) for (want, hard, words), a in zip(rows, got)
            if a["reason"] != want or a["hard"] != (hard == "hard")]


def check_makes(program, path):
    mails = list(mailbox.mbox(path))
    got = answers(program, ["bounce", "parse", path])
    assert len(got) == len(mails) > 30, (len(got), len(mails))
    return [(m["X-Make"], m["X-Expected"], a["kind"], a["recipient"], a["reason"]) for m, a in zip(mails, got)
            if not a["is_bounce"] or a["recipient"] != "kuro@example.net" or a["reason"] != m["X-Expected"]]


def main():
    program, folder = sys.argv[1:]
    lists = sorted(glob.glob(os.path.join(folder, "replies*.tsv")))
    assert len(lists) == 2, lists
    wrong = [w for path in lists for w in check_replies(program, path)]
    wrong += check_makes(program, os.path.join(folder, "makes.mbox"))
    for w in wrong:
        print("wrong:", w)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
