"""The large things (B5, B6, cost by size): steps of bench/limits, each a process of its own in the place
of the run."""
import json
import os
import re
import subprocess
import sys

from lab import LabError, SOURCE


def limits(bench, step, cache, *options):
    """The figures of a step of bench/limits: [{"name", "value", "unit", "goal_below", "goal_above", "ok"}]."""
    out = bench.lab.path(f"limits-{step}.json")
    argv = [sys.executable, "-B", os.path.join(SOURCE, "bench", "limits"), step, "--build", bench.lab.build, "--json", out,
            "--cache", cache, *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=1800,
                          env={**os.environ, "TMPDIR": bench.lab.dir})
    if not os.path.exists(out):
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    with open(out, encoding="utf-8") as f:
        return json.load(f)[0]["figures"]


def rows(found):
    """What the step 'sizes' measured, a row for each size: {"size", "cpu_us", "memory_mib", ...}."""
    names = {"CPU of the daemon": "cpu_us", "messages a second": "messages_per_s", "memory at most": "memory_mib",
             "page faults": "faults"}
    out = []
    for f in found:
        begin = re.match(r"([\d,]+) recipients: until the rows are made", f["name"])
        if begin:
            out.append({"size": int(begin.group(1).replace(",", "")), "rows_s": f["value"]})
        elif out and f["name"].strip() in names:
            out[-1][names[f["name"].strip()]] = f["value"]
    return out
