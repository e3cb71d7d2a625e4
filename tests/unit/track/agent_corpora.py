#!/usr/bin/python3
"""How many robots 'hayauma ua classify' catches among labelled user agents, and how many people it flags.

usage: agent_corpora.py HAYAUMA [--wrong]

Ends with 1 when fewer than 96 of 100 robots are caught or more than 1 of 100 people is flagged, with 77
(skipped) when the table is not there. --wrong lists what was not right.
"""
import collections
import csv
import os
import subprocess
import sys


def main():
    path = os.path.join(os.environ.get("HY_CORPORA", "../shared/corpora"), "bot-ua/ua-labels.tsv")
    if not os.path.exists(path):
        print(f"no {path}: skipped")
        sys.exit(77)
    with open(path, encoding="utf-8", newline="\n") as f:
        rows = [r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE) if r["conflict"] == "0"]
    agents = "".join(r["user_agent"] + "\n" for r in rows)
    kinds = subprocess.run([sys.argv[1], "ua", "classify"], input=agents, capture_output=True, text=True,
                           check=True).stdout.split()
    assert len(kinds) == len(rows) > 1000, (len(kinds), len(rows))
    n = collections.Counter((r["label"], kind == "human") for r, kind in zip(rows, kinds))
    caught = 100 * n["bot", False] / (n["bot", False] + n["bot", True])
    flagged = 100 * n["human", False] / (n["human", False] + n["human", True])
    print(f"robots caught {caught:.2f} % (goal 96), people flagged {flagged:.2f} % (goal at most 1)")
    for r, kind in zip(rows, kinds):
        if "--wrong" in sys.argv and (r["label"] == "human") != (kind == "human"):
            print(r["label"], kind, r["user_agent"], sep="\t")
    sys.exit(0 if caught >= 96 and flagged <= 1 else 1)


main()
