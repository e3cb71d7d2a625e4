"""Results as figures: medians and spread of the rounds, stages of a message, goals met or not."""
import statistics

import floor
import sizes
from workloads import BY_NAME

SIGNING_PEER, PLAIN_PEER = ("B1", "postfix"), ("B2", "postfix")


def median_run(runs):
    """The run whose CPU a message is the median."""
    return sorted(runs, key=lambda r: r["cpu_us_per_message"])[(len(runs) - 1) // 2]


def value(results, workload, system, key):
    """The median over the rounds, or None when it was not measured."""
    runs = results["runs"].get(workload, {}).get(system)
    return statistics.median(r[key] for r in runs) if runs else None


def spread(results, workload, system, key):
    """(smallest, largest) of the rounds."""
    all_of = [r[key] for r in results["runs"][workload][system]]
    return min(all_of), max(all_of)


def floors(results, workload):
    """The floor as measured in each round of a workload."""
    return results["runs"].get(workload, {}).get("floor", [])


def floor_us(results, workload):
    """The floor of a workload: the median over the rounds."""
    runs = results["runs"].get(workload, {}).get("hayauma")
    if not runs:
        return None
    return statistics.median(floor.of(f, BY_NAME[workload], r["bytes_per_message"])
                             for f, r in zip(floors(results, workload), runs))


def times_floor(results, workload):
    """CPU a message over the floor of the same round: the median over the rounds."""
    runs = results["runs"].get(workload, {}).get("hayauma")
    if not runs:
        return None
    return statistics.median(r["cpu_us_per_message"] / floor.of(f, BY_NAME[workload], r["bytes_per_message"])
                             for f, r in zip(floors(results, workload), runs))


def times_rate(results, workload, system, of_workload, of_system):
    """Rate over the rate of another in the same round: the median over the rounds."""
    a = results["runs"].get(workload, {}).get(system)
    b = results["runs"].get(of_workload, {}).get(of_system)
    if not a or not b:
        return None
    return statistics.median(x["messages_per_s"] / y["messages_per_s"] for x, y in zip(a, b))


def parts(run):
    """{"press", "worker user", "worker system", "writer", "feeder", "other"} in us a message."""
    t = {k: list(v) for k, v in run["threads_us"].items()}
    press, worker = t.pop("press", [0, 0]), t.pop("worker", [0, 0])
    writer, feeder = t.pop("writer", [0, 0]), t.pop("feeder", [0, 0])
    return {"press": sum(press), "sockets_user": worker[0], "sockets_system": worker[1], "store": sum(writer),
            "feeder": sum(feeder), "other": sum(sum(v) for v in t.values())}


def stages(results, workload):
    """[(stage, us a message)] of hayauma. Threads say most of it. What the press threads do is divided by
    what they need when nothing is signed (B2): that is rendering; hashing is SHA-256 of a message as
    measured with the floor; the signature is the rest."""
    runs = results["runs"].get(workload, {}).get("hayauma")
    plain = results["runs"].get("B2", {}).get("hayauma")
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
    return max(limits(results, step, name), default=None)


def by_size(results):
    return sizes.rows(results["limits"].get("sizes", []))


def flatness(results):
    """The dearest campaign's cost a message over the cheapest's, from 10,000 recipients on."""
    costs = [s["cpu_us"] for s in by_size(results) if s["size"] >= 10000]
    return max(costs) / min(costs) if len(costs) > 1 else None


def goals(results):
    """[(id, what, figure, unit, "<=" or ">=", goal)]; only what was measured."""
    v = lambda w, k: value(results, w, "hayauma", k)  # noqa: E731
    b1, b4 = v("B1", "cpu_us_per_message"), v("B4", "cpu_us_per_message")
    b3 = times_rate(results, "B3", "hayauma", "B1", "hayauma")
    rows = [
        ("B1", "cpu_floor", times_floor(results, "B1"), "x", "<=", 1.15),
        ("B1", "rate_postfix_dkim", times_rate(results, "B1", "hayauma", *SIGNING_PEER), "x", ">=", 9),
        ("B2", "cpu", v("B2", "cpu_us_per_message"), "us", "<=", 45),
        ("B2", "rate_postfix", times_rate(results, "B2", "hayauma", *PLAIN_PEER), "x", ">=", 30),
        ("B2", "cpu_ed25519", v("B2-ed25519", "cpu_us_per_message"), "us", "<=", 110),
        ("B3", "rate_b1", b3, "x", ">=", 0.9),
        ("B3-far", "rate_b1_far", times_rate(results, "B3-far", "hayauma", "B1", "hayauma"), "x", ">=", 0.9),
        ("B4", "cpu_over_b1", b4 - b1 if b1 and b4 else None, "us", "<=", 10),
        ("B5", "memory", most(results, "B5", "memory at most"), "MiB", "<=", 256),
        ("B5", "memory_tls", most(results, "B5-tls", "memory at most"), "MiB", "<=", 256),
        ("B6", "rows_per_s", most(results, "B6", "rows a second"), "/s", ">=", 500000),
        ("B6", "memory", most(results, "B6", "memory at most"), "MiB", "<=", 256),
        ("B6", "memory_domains", most(results, "B6-domains", "memory at most"), "MiB", "<=", 256),
        ("B6", "restart", most(results, "B6", "restart until the next delivery"), "s", "<=", 3),
        ("B6", "flat", flatness(results), "x", "<=", 1.25),
        ("B10", "per_hour", (v("B10", "messages_per_s") or 0) * 3600 / 1e6 or None, "M/h", ">=", 2.7),
    ]
    return [r for r in rows if r[2] is not None]


def met(row):
    _, _, figure, _, relation, goal = row
    return figure <= goal if relation == "<=" else figure >= goal
