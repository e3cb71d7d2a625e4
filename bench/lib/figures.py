"""Results as figures: medians and spread of the rounds, stages of a message, goals met or not."""
import dataclasses
import statistics

import floor
import sizes
from workloads import BY_NAME

SIGNING_PEER, PLAIN_PEER = ("B1", "postfix"), ("B2", "postfix")


@dataclasses.dataclass(frozen=True)
class Figure:
    """What the rounds found, each of them."""

    values: tuple
    apart: bool = False  # a ratio of figures that were not measured in the same round

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def low(self):
        return min(self.values)

    @property
    def high(self):
        return max(self.values)

    @property
    def rounds(self):
        return len(self.values)


def commits(results):
    """{workload: the commit of hayauma that it was measured with}"""
    return results.get("commits") or {w: results["versions"]["hayauma"] for what in ("runs", "limits") for w in results[what]}


def by_round(results, workload, system):
    """{round: result}. Results of before rounds had names are of the rounds 0, 1, 2 ..."""
    return {r.get("round", i): r for i, r in enumerate(results["runs"].get(workload, {}).get(system, []))}


def runs_of(results, workload, system):
    return list(by_round(results, workload, system).values())


def of(results, workload, system, key):
    """A figure of a system as measured, or None when it was not."""
    runs = runs_of(results, workload, system)
    return Figure(tuple(r[key] for r in runs)) if runs else None


def paired(a, b, take):
    """take(x, y) of what two of {round: result} have for the same round. Without a common round, of the
    run of each whose CPU is the median: the figure says so. None without results."""
    if not a or not b:
        return None
    same = tuple(take(a[k], b[k]) for k in a if k in b)
    return Figure(same) if same else Figure((take(median_run(a.values()), median_run(b.values())),), apart=True)


def median_run(runs):
    """The run whose CPU a message is the median."""
    return sorted(runs, key=lambda r: r.get("cpu_us_per_message", 0.0))[(len(runs) - 1) // 2]


def floors(results, workload):
    """The floor as measured in each round of a workload."""
    return runs_of(results, workload, "floor")


def floors_of_way(results, workload):
    """The floors of all rounds that measured the bare sender and its receivers in a workload's way."""
    way, rounds = BY_NAME[workload].way.name, {}
    for name in BY_NAME:
        rounds.update(by_round(results, name, "floor"))
    return [f for f in rounds.values() if "sink_us" in next(iter(f.get(way, {"": {}}).values()))]


def with_floor(results, workload, take):
    """take(floor of a message in us, result of hayauma) in each round."""
    return paired(by_round(results, workload, "floor"), by_round(results, workload, "hayauma"),
                  lambda f, r: take(floor.of(f, BY_NAME[workload], r["bytes_per_message"]), r))


def floor_us(results, workload):
    return with_floor(results, workload, lambda us, _: us)


def ceiling(results, workload, than):
    """The part of its own rate in another workload that the floor itself keeps in this one where senders and receivers
    share all processors: what bounds it is their CPU a message, signature and receivers included. None when what the
    receivers use was not measured."""
    def whole(f, of):
        return floor.with_receivers(f, BY_NAME[of], 10240)
    found = [whole(f, than) / whole(f, workload) for f in floors_of_way(results, workload) if whole(f, than)]
    return Figure(tuple(found)) if found else None


def times_floor(results, workload):
    """CPU a message over the floor of the same round: the floor is the median of its batches, so that of a message is taken
    by the median second of the run, where that is known."""
    return with_floor(results, workload, lambda us, r: r.get("typical_us", r["cpu_us_per_message"]) / us)


def times_rate(results, workload, system, of_workload, of_system):
    """Rate over the rate of another in the same round."""
    return paired(by_round(results, workload, system), by_round(results, of_workload, of_system),
                  lambda a, b: a["messages_per_s"] / b["messages_per_s"])


def cpu_more(results, workload, than):
    """CPU a message beyond that of another workload in the same round."""
    return paired(by_round(results, workload, "hayauma"), by_round(results, than, "hayauma"),
                  lambda a, b: a["cpu_us_per_message"] - b["cpu_us_per_message"])


def parts(run):
    """{"press", "worker user", "worker system", "writer", "feeder", "other"} in us a message."""
    t = {k: list(v) for k, v in run["threads_us"].items()}
    press, worker = t.pop("press", [0, 0]), t.pop("worker", [0, 0])
    writer, feeder = t.pop("writer", [0, 0]), t.pop("feeder", [0, 0])
    return {"press": sum(press), "sockets_user": worker[0], "sockets_system": worker[1], "store": sum(writer),
            "feeder": sum(feeder), "other": sum(sum(v) for v in t.values())}


def stages(results, workload):
    """[(stage, us a message)] of the run of hayauma whose CPU is the median. Threads say most of it. What the
    press threads do is divided by what they need when nothing is signed (B2): that is rendering; hashing is
    SHA-256 of a message as measured with the floor; the signature is the rest."""
    runs, plain = runs_of(results, workload, "hayauma"), runs_of(results, "B2", "hayauma")
    if not runs:
        return None
    run = median_run(runs)
    p = parts(run)
    if BY_NAME[workload].signed and plain and BY_NAME[workload].kib == 10:
        render = min(parts(median_run(plain))["press"], p["press"])
        hashing = min(statistics.median(f["sha256_10k_us"] for f in floors(results, workload)) * run["bytes_per_message"] / 10240,
                      p["press"] - render)
        pressed = [("render", render), ("hash", hashing), ("sign", p["press"] - render - hashing)]
    elif not BY_NAME[workload].signed:
        pressed = [("render", p["press"])]
    else:
        return None
    return pressed + [(k, p[k]) for k in ("sockets_user", "sockets_system", "store", "feeder", "other")]


def limits(results, step, name):
    """The values of the figures of a step of bench/limits whose names begin so."""
    return [f["value"] for f in results["limits"].get(step, []) if f["name"].strip().startswith(name)]


def most(results, step, name):
    found = limits(results, step, name)
    return Figure((max(found),)) if found else None


def by_size(results):
    return sizes.rows(results["limits"].get("sizes", []))


def flatness(results):
    """The dearest size's cost a message over the cheapest one's."""
    costs = [s["cpu_us"] for s in by_size(results)]
    return Figure((max(costs) / min(costs),)) if len(costs) > 1 else None


def per_hour(figure):
    return Figure(tuple(v * 3600 / 1e6 for v in figure.values)) if figure else None


def goals(results):
    """[(id, what, Figure or None when it was not measured, unit, "<=" or ">=", goal)]"""
    return [
        ("B1", "cpu_floor", times_floor(results, "B1"), "x", "<=", 1.15),
        ("B1", "rate_postfix_dkim", times_rate(results, "B1", "hayauma", *SIGNING_PEER), "x", ">=", 9),
        ("B2", "cpu", of(results, "B2", "hayauma", "cpu_us_per_message"), "us", "<=", 45),
        ("B2", "rate_postfix", times_rate(results, "B2", "hayauma", *PLAIN_PEER), "x", ">=", 30),
        ("B2", "cpu_ed25519", of(results, "B2-ed25519", "hayauma", "cpu_us_per_message"), "us", "<=", 110),
        ("B3", "rate_b1", times_rate(results, "B3", "hayauma", "B1", "hayauma"), "x", ">=", 0.9),
        ("B3-far", "rate_b1_far", times_rate(results, "B3-far", "hayauma", "B1", "hayauma"), "x", ">=", 0.9),
        ("B4", "cpu_over_b1", cpu_more(results, "B4", "B1"), "us", "<=", 10),
        ("B5", "memory", most(results, "B5", "memory at most"), "MiB", "<=", 256),
        ("B5", "memory_tls", most(results, "B5-tls", "memory at most"), "MiB", "<=", 256),
        ("B6", "rows_per_s", most(results, "B6", "rows a second"), "/s", ">=", 500000),
        ("B6", "memory", most(results, "B6", "memory at most"), "MiB", "<=", 256),
        ("B6", "memory_domains", most(results, "B6-domains", "memory at most"), "MiB", "<=", 256),
        ("B6", "restart", most(results, "B6", "restart until the next delivery"), "s", "<=", 3),
        ("B6", "flat", flatness(results), "x", "<=", 1.25),
        ("B7", "relay_postfix", times_rate(results, "B7", "hayauma", "B7", "postfix"), "x", ">=", 7),
        ("B7", "api", most(results, "B7-api", "receivers are silent"), "/s", ">=", 10000),
        ("priority", "soon", most(results, "priority", "99 of 100"), "ms", "<=", 1000),
        ("B9", "scratch", most(results, "B9", "who is in a segment from scratch"), "s", "<=", 5),
        ("B9", "segments_100", most(results, "B9", "an activity of a lead at random with"), "ms", "<=", 1),
        ("B10", "per_hour", per_hour(of(results, "B10", "hayauma", "messages_per_s")), "M/h", ">=", 2.7),
    ]


def reaches(value, row):
    return value <= row[5] if row[4] == "<=" else value >= row[5]


def met(row):
    """By the median."""
    return reaches(row[2].median, row)


def rounds_met(row):
    """How many rounds say so."""
    return sum(reaches(v, row) for v in row[2].values)
