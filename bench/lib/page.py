"""The page of results, docs/benchmarks.md and .ja.md, and the small table in README.md and .ja.md: a
function of results.json, so that a test can hold them against it."""
import os
import re

import figures
from words import WORDS
from workloads import BY_NAME, TITLES

SYSTEMS = ("hayauma", "postfix", "opensmtpd", "exim")
MARKS = ("<!-- bench/run begin -->\n", "<!-- bench/run end -->\n")


def table(head, rows):
    lines = [head, ["---"] * len(head)] + rows
    return "".join("| " + " | ".join(str(c) for c in r) + " |\n" for r in lines) + "\n"


def n(v, digits=None):
    if v is None:
        return ""
    if digits is None:
        digits = 0 if abs(v) >= 100 else 1 if abs(v) >= 10 else 2
    return f"{v:,.{digits}f}"


def figure(v, unit):
    return {"x": f"{v:.2f} x" if v < 10 else f"{v:,.1f} x", "M/h": f"{v:,.1f} M/h"}.get(unit, f"{n(v)} {unit}".replace(" /s", "/s"))


def goal_rows(results, w):
    rows = []
    for row in figures.goals(results):
        name, what, measured, unit, relation, goal = row
        sign = {"<=": "≤", ">=": "≥"}[relation]
        rows.append([name, w["what"][what], f"{sign} {goal:,g}{' ' if unit != '/s' else ''}{unit}", figure(measured, unit),
                     w["met"] if figures.met(row) else w["missed"]])
    return rows


def system_rows(results, w, workload):
    rows, signed = [], BY_NAME[workload].signed
    runs = results["runs"].get(workload, {})
    floor = figures.floor_us(results, workload)
    if floor:
        rows.append([w["floor_row"].format(what=("RSA-2048 + " if signed else "") + "blaster"), "", "", n(floor), "", ""])
    for s in SYSTEMS:
        if s not in runs:
            continue
        v = {k: figures.value(results, workload, s, k) for k in ("messages_per_s", "cpu_us_per_message", "memory_mib")}
        low, high = figures.spread(results, workload, s, "messages_per_s")
        times = figures.times_rate(results, workload, "hayauma", workload, s) if s != "hayauma" else None
        name = f"{TITLES[s][bool(signed)]}, {w['signed'] if signed else w['plain']}"
        rows.append([f"**{name}**" if s == "hayauma" else name, n(v["messages_per_s"]), f"{n(low)} - {n(high)}",
                     n(v["cpu_us_per_message"]), n(v["memory_mib"]), f"{n(times)} x" if times else ""])
    return rows


def stage_rows(results, w):
    rows = []
    for name in ("B1", "B2-ed25519", "B2"):
        found = figures.stages(results, name)
        if not found:
            continue
        by = dict(found)
        floor = figures.floor_us(results, name)
        total = sum(by.values())
        rows.append([w["names"][name]] + [n(by.get(s)) for s in ("render", "hash", "sign", "sockets_user", "sockets_system", "store", "feeder",
                                                                "other")] + [n(total), n(floor), f"{total / floor:.2f} x"])
    return rows


def variant_rows(results, w):
    rows = []
    for name in ("B1", "B3", "B3-far", "B4", "B10"):
        runs = results["runs"].get(name, {}).get("hayauma")
        if not runs:
            continue
        r = figures.median_run(runs)
        tls = f"{r['tls']['started']:,}, {r['tls']['resumed']:,}" if r["tls"]["started"] else ""
        rows.append([w["names"][name], n(figures.value(results, name, "hayauma", "messages_per_s")),
                     n(figures.value(results, name, "hayauma", "cpu_us_per_message")), n(figures.floor_us(results, name)),
                     f"{figures.times_floor(results, name):.2f} x", f"{r['connections']:,}", f"{r['connections_made']:,}", tls])
    return rows


def drain_rows(results, w):
    found = results["runs"].get("B2-drain", {})
    return [[TITLES[s][False], n(figures.value(results, "B2-drain", s, "messages_per_s")),
             n(figures.value(results, "B2-drain", s, "cpu_us_per_message"))] for s in SYSTEMS if s in found]


def machine_rows(results, w):
    m, v = results["machine"], results["versions"]
    rows = [[w["cpu"], f"{m['cpu']}{' (' + m['family'] + ')' if m['family'] else ''}; "
             + w["cores"].format(n=m["processors"], t=m["threads_per_core"]) + (f"; {w['virtual']}" if m["virtual"] else "")],
            [w["memory_of"], f"{m['memory_gib']} GiB"], [w["disk"], m["disk"]], [w["system"], m["system"]], [w["kernel"], m["kernel"]],
            ["OpenSSL", m["openssl"].removeprefix("OpenSSL ")], [w["build"], v["hayauma"]]]
    rows += [[k, x] for k, x in v.items() if k != "hayauma"]
    rounds = sorted({len(r["hayauma"]) for r in results["runs"].values() if "hayauma" in r})
    return rows + [[w["command"], "<br>".join(f"`{c}`" for c in results["commands"])],
                   [w["rounds"], ", ".join(str(r) for r in rounds)], [w["date"], results["date"]]]


def limit_rows(results, w):
    rows = []
    for step in ("B5", "B5-tls", "B6-import", "B6", "B6-domains"):
        found = results["limits"].get(step, [])
        if found:
            rows.append([f"**{w['names'][step]}**", "", ""])
        for f in found:
            below, above = f["goal_below"], f["goal_above"]
            goal = f"< {below:,g} {f['unit']}: " if below is not None else f"≥ {above:,g} {f['unit']}: " if above is not None else ""
            goal += (w["met"] if f["ok"] else w["missed"]) if goal else ""
            rows.append([f["name"].replace("|", "\\|").strip(), f"{n(f['value'])} {f['unit']}".strip(), goal])
    return rows


def page(results, plots, lang):
    """The whole page; `plots` are those that were drawn: {name: file}."""
    w = WORDS[lang]

    def image(name):
        return f"![{name}](benchmarks/{plots[name]})\n\n" if name in plots else ""

    out = [f"# {w['title']}\n\n{w['other']}\n\n{w['intro']}\n\n{w['trust']}\n\n"]
    others = [100 * x["others"] for x in results["neighbours"]]
    out.append(w["neighbours"].format(others=sum(others) / len(others), most=max(others)) + "\n\n")
    if results["quick"]:
        out.append(w["small"] + "\n\n")
    out.append(f"## {w['goals']}\n\n" + table(w["goal_head"], goal_rows(results, w)) + w["later"] + "\n\n")
    rows = system_rows(results, w, "B1") + system_rows(results, w, "B2")
    if rows:
        out.append(f"## {w['throughput']}\n\n{w['throughput_text']}\n\n" + image("throughput") + table(w["system_head"], rows))
    if drain_rows(results, w):
        out.append(f"{w['drain']}:\n\n" + table(w["drain_head"], drain_rows(results, w)))
    if stage_rows(results, w):
        f = next(figures.floors(results, c)[0] for c in BY_NAME if figures.floors(results, c))
        out.append(f"## {w['stages']}\n\n{w['stages_text']} " + w["floor_text"].format(
            one=f["rsa2048_us"], all=f["rsa2048_all_us"], ed=f["ed25519_us"], n=results["machine"]["processors"]) + "\n\n"
            + image("stages") + table(w["stage_head"], stage_rows(results, w)))
    if variant_rows(results, w):
        out.append(f"## {w['variants']}\n\n" + table(w["variant_head"], variant_rows(results, w)))
    if figures.by_size(results):
        rows = [[f"{s['size']:,}", n(s["cpu_us"]), n(s["messages_per_s"]), n(s["memory_mib"]), n(s["rows_s"])] for s in figures.by_size(results)]
        out.append(f"## {w['cost']}\n\n{w['cost_text']}\n\n" + image("cost") + table(w["cost_head"], rows) + image("memory"))
    if limit_rows(results, w):
        out.append(f"## {w['limits']}\n\n" + table(w["limit_head"], limit_rows(results, w)))
    out.append(f"## {w['machine']}\n\n" + table(["", ""], machine_rows(results, w)))
    return "".join(out).rstrip("\n") + "\n"


def readme_table(results, lang):
    w, rows = WORDS[lang], []
    for workload in ("B1", "B2"):
        for r in system_rows(results, w, workload):
            rows.append([r[0], r[1], r[3], r[4]])
    return table(w["readme_head"], rows)


def with_table(text, results, lang):
    """A README with the table between its marks replaced."""
    begin, end = MARKS
    return re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + readme_table(results, lang) + end, text, flags=re.S)


def write(results, plots, folder):
    for lang, w in WORDS.items():
        with open(os.path.join(folder, w["file"]), "w", encoding="utf-8") as f:
            f.write(page(results, plots, lang))
