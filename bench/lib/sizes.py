"""What a message costs and how much memory is used by campaigns of 1,000 to 10,000,000 recipients, and
the limits of bench/limits (B5, B6). Unsigned, since signing would hide the rest."""
import json
import os
import statistics
import subprocess
import sys

from lab import LabError, SOURCE
import newsletter
from workloads import BY_NAME

WHOLE = 300000  # campaigns up to this size are sent to the end
WINDOW_S = 15.0  # larger ones for as long as this after all their rows are made


def measure(bench, size):
    """A campaign of `size` recipients: the cost of making its rows and of sending, memory."""
    sink = bench.new_sink()
    h = bench.sender(BY_NAME["B2"])
    leads = newsletter.leads(bench.lab, size)
    import_s = h.import_leads(leads)
    if size > WHOLE:
        os.unlink(leads)
        result = window(h, sink)
    else:
        runs = [whole(h, sink, i) for i in range(5 if size <= 10000 else 1)]
        result = {k: statistics.median(r[k] for r in runs) for k in runs[0]}
    h.stop()
    sink.stop()
    return {"size": size, "import_rows_per_s": round(size / import_s), **result}


def whole(h, sink, number):
    r = h.send(sink, name=f"size-{number}")
    return {"cpu_us_per_message": r["cpu_us_per_message"], "memory_mib": r["memory_mib"], "first_message_s": r["first_message_s"],
            "rows_s": round(r["queued_all"]["s"], 3), "messages": r["messages"]}


def window(h, sink):
    """Rows are made while mail is sent; then only mail is sent. The cost of sending is taken from then,
    that of making rows is the rest of the time before, a row."""
    marks = {}

    def until(c, now, queued):
        if queued and "from" not in marks:
            marks["from"] = (now, sum(h.group.cpu()), c["delivered"])
        if queued and now > marks["from"][0] + WINDOW_S:
            marks["to"] = (now, sum(h.group.cpu()), c["delivered"])
            return True
        return False
    r = h.send(sink, name="size", until=until)
    if "to" not in marks:
        raise LabError("the campaign ended before it was measured")
    sending = (marks["to"][1] - marks["from"][1]) * 1e6 / (marks["to"][2] - marks["from"][2])
    q = r["queued_all"]
    making = max(0.0, q["cpu_s"] * 1e6 - q["delivered"] * sending) / r["rows"]
    return {"cpu_us_per_message": round(sending + making, 2), "memory_mib": r["memory_mib"],
            "first_message_s": r["first_message_s"], "rows_s": round(q["s"], 3), "messages": r["messages"],
            "sending_us": round(sending, 2), "making_us": round(making, 3)}


def limits(bench, step, *options):
    """The figures of a step of bench/limits."""
    out = bench.lab.path(f"limits-{step}.json")
    argv = [sys.executable, "-B", os.path.join(SOURCE, "bench", "limits"), step, "--build", bench.lab.build, "--json", out, *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=1800,
                          env={**os.environ, "TMPDIR": bench.lab.dir})
    if not os.path.exists(out):
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    with open(out, encoding="utf-8") as f:
        return json.load(f)[0]["figures"]
