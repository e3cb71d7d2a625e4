#!/usr/bin/python3
"""Words and notices of servers and mailers, as their makers document them: what 'hayauma reply classify'
and 'hayauma bounce parse' make of each.

usage: test_documented.py HAYAUMA FOLDER

replies*.tsv: reason, "hard" or "-", the words. makes*.mbox: a notice of each make, with the expected reason in
X-Expected, or kind, reason and address where it is not a bounce about kuro@example.net. Nothing in these files comes from the corpora that figures are measured on.
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
    wrong = []
    for m, a in zip(mails, got):
        kind, reason, who = ([a["kind"] if a["is_bounce"] else "bounce"] + m["X-Expected"].split()
                             + ["kuro@example.net"] if " " not in m["X-Expected"] else m["X-Expected"].split())
        if (a["kind"], a["reason"], a["recipient"]) != (kind, reason, who):
            wrong.append((m["X-Make"], m["X-Expected"], a["kind"], a["recipient"], a["reason"]))
    return wrong


def main():
    program, folder = sys.argv[1:]
    lists = sorted(glob.glob(os.path.join(folder, "replies*.tsv")))
    assert len(lists) == 2, lists
    wrong = [w for path in lists for w in check_replies(program, path)]
    boxes = sorted(glob.glob(os.path.join(folder, "makes*.mbox")))
    assert len(boxes) == 2, boxes
    wrong += [w for path in boxes for w in check_makes(program, path)]
    for w in wrong:
        print("wrong:", w)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
