"""Step 'segments' of bench/limits (B9): ten million leads with two attributes and a click each; how long it takes to find who
is in a segment, what 100 segments add to an activity, and how long finding one lead takes."""
import json
import shutil

GOAL_S, GOAL_MS = 5.0, 1.0
KINDS = (("attributes", "two attributes"), ("activities", "clicks of a link within 30 days"),
         ("both", "an attribute and clicks, twice"))


def segments(lab, args, figures):
    data = args.segment_store or lab.path("segments.data")
    found = json.loads(lab.run(lab.binary("bench/segment_cost"), data, str(args.big_rows), timeout=3600))
    n = found["leads"]
    figures.add("leads with two attributes and a click each", n, "")
    if found["made"]:
        figures.add("  made one by one, a second", found["made"] / found["made_s"], "/s")
    figures.add("  store", found["store_bytes"] / n, "B/lead")
    for kind, what in KINDS:
        figures.add(f"who is in a segment from scratch, one thread: {what}", found[kind]["s"], "s", GOAL_S)
        figures.add("  leads a second", n / found[kind]["s"], "/s")
    figures.add(f"an activity of a lead at random with {found['segments']} segments that look at it", found["with_segments_us"] / 1000, "ms", GOAL_MS)
    figures.add("  without segments", found["activity_us"] / 1000, "ms")
    looked = json.loads(lab.run(lab.binary("bench/lead_cost"), data, timeout=3600))
    for kind, what in (("number", "number"), ("address", "address"), ("id", "id of another system")):
        figures.add(f"finding and reading one by its {what}: 99 of 100 within", looked[kind]["p99_us"], "us")
        figures.add("  half", looked[kind]["p50_us"], "us")
    if not args.segment_store:
        shutil.rmtree(data, ignore_errors=True)
