"""The page of results, docs/benchmarks.md and .ja.md, and the small table in README.md and .ja.md: a
function of results.json, so that a test can hold them against it."""
import os
import re
import statistics

import figures
import floor
from words import WORDS
from words_limits import limit_name
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
    return {"x": f"{v:.2f} x" if v < 10 else f"{v:,.1f} x", "M/h": f"{v:,.1f} M/h"}.get(unit, f"{n(v)} {unit}".replace(" /s", "/s").strip())


def spread(found, w, unit=""):
    """How far the rounds are apart; and when there is nothing to be apart from."""
    if found.apart:
        return w["apart"]
    return f"{figure(found.low, unit)} - {figure(found.high, unit)}" if found.rounds > 1 else w["once"]


def goal_rows(results, w):
    rows = []
    for row in figures.goals(results):
        name, what, found, unit, relation, goal = row
        sign = {"<=": "≤", ">=": "≥"}[relation]
        wanted = f"{sign} {goal:,g}{' ' if unit != '/s' else ''}{unit}"
        if found is None:
            rows.append([name, w["what"][what], wanted, w["unmeasured"], "", ""])
            continue
        verdict = w["met"] if figures.met(row) else w["missed"]
        agree = figures.rounds_met(row) if figures.met(row) else found.rounds - figures.rounds_met(row)
        if agree < found.rounds:
            verdict += w["of_rounds"].format(agree=agree, all=found.rounds)
        bound = figures.ceiling(results, name, "B1") if what == "rate_b1" else None
        if bound and not figures.met(row):
            verdict += w["bound"].format(times=figure(bound.median, "x"))
        rows.append([name, w["what"][what], wanted, figure(found.median, unit), spread(found, w), verdict])
    return rows


def system_rows(results, w, workload):
    """[name, rate, spread, CPU, spread, memory, hayauma's rate over it, spread]"""
    rows, signed = [], BY_NAME[workload].signed
    least = figures.floor_us(results, workload)
    if least:
        rows.append([w["floor_row"].format(what=("RSA-2048 + " if signed else "") + "blaster"), "", "", n(least.median), spread(least, w), "", "", ""])
    for s in SYSTEMS:
        rate, cpu, memory = (figures.of(results, workload, s, k) for k in ("messages_per_s", "cpu_us_per_message", "memory_mib"))
        if not rate:
            continue
        times = figures.times_rate(results, workload, "hayauma", workload, s) if s != "hayauma" else None
        name = f"{TITLES[s][bool(signed)]}, {w['signed'] if signed else w['plain']}"
        rows.append([f"**{name}**" if s == "hayauma" else name, n(rate.median), spread(rate, w), n(cpu.median), spread(cpu, w), n(memory.median)]
                    + ([f"{n(times.median)} x", spread(times, w)] if times else ["", ""]))
    return rows


def sent_rows(results, w):
    """What every system sent in B1: the receivers looked at it."""
    rows = []
    for s in SYSTEMS:
        runs = [r for r in figures.runs_of(results, "B1", s) if r.get("signature")]
        if runs:
            sig = runs[-1]["signature"]
            rows.append([TITLES[s][True], n(runs[-1]["bytes_per_message"]), f"{sig['algorithm']}, {sig['canonicalization']}",
                         f"{len(sig['fields'])}: {', '.join(sig['fields'])}"])
    return rows


def stage_rows(results, w):
    rows = []
    for name in ("B1", "B2-ed25519", "B2"):
        found = figures.stages(results, name)
        if not found:
            continue
        by = dict(found)
        least = figures.floor_us(results, name).median
        total = sum(by.values())
        rows.append([w["names"][name]] + [n(by.get(s)) for s in ("render", "hash", "sign", "sockets_user", "sockets_system", "store", "feeder",
                                                                "other")] + [n(total), n(least), f"{total / least:.2f} x"])
    return rows


def variant_rows(results, w):
    rows = []
    for name in ("B1", "B3", "B3-far", "B4", "B10"):
        for s in SYSTEMS:
            runs = figures.runs_of(results, name, s)
            if not runs or (name == "B1" and s != "hayauma"):
                continue
            r, rate, cpu = figures.median_run(runs), figures.of(results, name, s, "messages_per_s"), figures.of(results, name, s, "cpu_us_per_message")
            ours = s == "hayauma"
            least, times = (figures.floor_us(results, name), figures.times_floor(results, name)) if ours else (None, None)
            tls = f"{r['tls']['started']:,}, {r['tls']['resumed']:,}" if ours and r["tls"]["started"] else ""
            rows.append([w["names"][name] + ("" if ours else f": {TITLES[s][bool(BY_NAME[name].signed)]}"), n(rate.median), spread(rate, w),
                         n(cpu.median), spread(cpu, w), n(least.median) if least else "", f"{times.median:.2f} x" if times else "",
                         spread(times, w) if times else "", f"{r['connections']:,}", f"{r['connections_made']:,}", tls])
    return rows


def way_rows(results, w):
    """What the ways to the receivers cost a message in CPU: of a sender that only writes and signs, and of hayauma."""
    rows = []
    for name in ("B1", "B3", "B3-far"):
        found = figures.floors_of_way(results, name)
        ours = figures.of(results, name, "hayauma", "cpu_us_per_message")
        if not found or not ours:
            continue
        bare = [floor.blaster(f, BY_NAME[name], 10240) for f in found]
        mid = lambda values: n(statistics.median(values))  # noqa: E731
        keeps, rate = figures.ceiling(results, name, "B1"), figures.times_rate(results, name, "hayauma", "B1", "hayauma")
        rows.append([w["names"][name], mid(floor.signature(f, BY_NAME[name]) for f in found), mid(b["cpu_us_per_message"] for b in bare),
                     mid(b["sink_us"] for b in bare), figure(keeps.median, "x"), n(ours.median),
                     n(figures.of(results, name, "hayauma", "sink_us").median), figure(rate.median, "x")])
    return rows


def relay_rows(results, w):
    """B7: what system_rows say, and what the injector used."""
    rows = system_rows(results, w, "B7")
    for r, s in zip([r for r in rows if r[1]], [s for s in SYSTEMS if figures.of(results, "B7", s, "messages_per_s")]):
        r.append(n(figures.of(results, "B7", s, "injector_us").median))
    return [r + [""] * (9 - len(r)) for r in rows]


def reuse_rows(results, w):
    """From the daemon's own counters; runs of before they were kept have none."""
    rows = []
    for name in ("B1", "B3", "B3-far", "B4"):
        runs = figures.runs_of(results, name, "hayauma")
        r = figures.median_run(runs) if runs else {}
        if "reuse" in r:
            u, sent = r["reuse"], r["messages"]
            rows.append([w["names"][name], n(sent / max(1, u["connects"])), f"{100 * u['joined'] / sent:.0f} %",
                         f"{u['handshakes']:,}, {u['resumed']:,}" if u["handshakes"] else "",
                         f"{u['lookups']:,}", f"{u['cache_hits']:,}", f"{u['questions']:,}"])
    return rows


def drain_rows(results, w):
    rows = []
    for s in SYSTEMS:
        rate, cpu = (figures.of(results, "B2-drain", s, k) for k in ("messages_per_s", "cpu_us_per_message"))
        if rate:
            rows.append([TITLES[s][False], n(rate.median), n(cpu.median)])
    return rows


def rounds_text(results, w):
    """How often each workload was measured, for the head of the page; who has one round is named plainly."""
    by = {}
    for name in BY_NAME:
        count = len(figures.runs_of(results, name, "hayauma"))
        if count:
            by.setdefault(count, []).append(name)
    text = [w["rounds_of"].format(n=k, names=", ".join(v)) for k, v in sorted(by.items(), reverse=True) if k > 1]
    once = by.get(1, [])
    if once:
        text.append(w["one_round_of"].format(names=", ".join(once)))
    if results["limits"]:
        text.append(w["limits_once"])
    return " ".join(text)


def build_text(results):
    """The commit of hayauma that was measured; of several, what with each."""
    by = {}
    for workload, commit in figures.commits(results).items():
        by.setdefault(commit, []).append(workload)
    return "<br>".join(f"{c}: {', '.join(names)}" for c, names in by.items()) if len(by) > 1 else results["versions"]["hayauma"]


def machine_rows(results, w):
    m, v = results["machine"], results["versions"]
    rows = [[w["cpu"], f"{m['cpu']}{' (' + m['family'] + ')' if m['family'] else ''}; "
             + w["cores"].format(n=m["processors"], t=m["threads_per_core"]) + (f"; {w['virtual']}" if m["virtual"] else "")],
            [w["memory_of"], f"{m['memory_gib']} GiB"], [w["disk"], m["disk"]], [w["system"], m["system"]], [w["kernel"], m["kernel"]],
            ["OpenSSL", m["openssl"].removeprefix("OpenSSL ")], [w["build"], build_text(results)]]
    rows += [[k, x] for k, x in v.items() if k != "hayauma"]
    return rows + [[w["command"], "<br>".join(f"`{c}`" for c in results["commands"])], [w["date"], results["date"]]]


def limit_rows(results, w, lang):
    rows = []
    for step in ("B5", "B5-tls", "B6-import", "B6-leads", "B6", "B6-domains", "B6-fair", "B7-api", "priority", "B9"):
        found = results["limits"].get(step, [])
        if found:
            rows.append([f"**{w['names'][step]}**", "", ""])
        for f in found:
            below, above = f["goal_below"], f["goal_above"]
            goal = f"< {below:,g} {f['unit']}: " if below is not None else f"≥ {above:,g} {f['unit']}: " if above is not None else ""
            goal += (w["met"] if f["ok"] else w["missed"]) if goal else ""
            rows.append([limit_name(f["name"].replace("|", "\\|").strip(), lang), f"{n(f['value'])} {f['unit']}".strip(), goal])
    return rows


def page(results, plots, lang):
    """The whole page; `plots` are those that were drawn: {name: file}."""
    w = WORDS[lang]

    def image(name):
        return f"![{name}](benchmarks/{plots[name]})\n\n" if name in plots else ""

    out = [f"# {w['title']}\n\n{w['other']}\n\n{w['intro']}\n\n{w['trust']}\n\n"]
    others = [100 * x["others"] for x in results["neighbours"]] or [0.0]
    out.append(w["neighbours"].format(others=sum(others) / len(others), most=max(others)) + "\n\n")
    out.append(rounds_text(results, w) + "\n\n")
    if results["quick"]:
        out.append(w["small"] + "\n\n")
    out.append(f"## {w['goals']}\n\n" + table(w["goal_head"], goal_rows(results, w)) + w["later"] + "\n\n")
    rows = system_rows(results, w, "B1") + system_rows(results, w, "B2")
    if rows:
        out.append(f"## {w['throughput']}\n\n{w['throughput_text']}\n\n" + image("throughput") + table(w["system_head"], rows))
    if sent_rows(results, w):
        out.append(f"{w['sent']}\n\n" + table(w["sent_head"], sent_rows(results, w)))
    if drain_rows(results, w):
        out.append(f"{w['drain']}:\n\n" + table(w["drain_head"], drain_rows(results, w)))
    if relay_rows(results, w):
        out.append(f"## {w['relay']}\n\n{w['relay_text']}\n\n" + table(w["relay_head"], relay_rows(results, w)))
    if stage_rows(results, w):
        f = next(figures.floors(results, c)[0] for c in BY_NAME if figures.floors(results, c))
        out.append(f"## {w['stages']}\n\n{w['stages_text']} " + w["floor_text"].format(
            one=f["rsa2048_us"], all=f["rsa2048_all_us"], ed=f["ed25519_us"], n=results["machine"]["processors"]) + "\n\n"
            + image("stages") + table(w["stage_head"], stage_rows(results, w)))
    if variant_rows(results, w):
        out.append(f"## {w['variants']}\n\n" + table(w["variant_head"], variant_rows(results, w)))
    if way_rows(results, w):
        out.append(f"{w['ways_text']}\n\n" + table(w["ways_head"], way_rows(results, w)))
    if reuse_rows(results, w):
        out.append(f"## {w['reuse']}\n\n{w['reuse_text']}\n\n" + table(w["reuse_head"], reuse_rows(results, w)))
    if figures.by_size(results):
        rows = [[f"{s['size']:,}", n(s["cpu_us"]), n(s["messages_per_s"]), n(s["memory_mib"]), n(s["rows_s"])] for s in figures.by_size(results)]
        out.append(f"## {w['cost']}\n\n{w['cost_text']}\n\n" + image("cost") + table(w["cost_head"], rows) + image("memory"))
    if "firsts" in plots:
        out.append(f"## {w['firsts']}\n\n{w['firsts_text']}\n\n" + image("firsts"))
    if "priority" in plots:
        out.append(f"## {w['priority']}\n\n{w['priority_text']}\n\n" + image("priority"))
    if limit_rows(results, w, lang):
        out.append(f"## {w['limits']}\n\n" + table(w["limit_head"], limit_rows(results, w, lang)))
    out.append(f"## {w['machine']}\n\n" + table(["", ""], machine_rows(results, w)))
    return "".join(out).rstrip("\n") + "\n"


def readme_table(results, lang):
    w, rows = WORDS[lang], []
    for workload in ("B1", "B2"):
        for r in system_rows(results, w, workload):
            rows.append([r[0], r[1], r[3], r[5]])
    return table(w["readme_head"], rows)


def with_table(text, results, lang):
    """A README with the table between its marks replaced."""
    begin, end = MARKS
    return re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + readme_table(results, lang) + end, text, flags=re.S)


def write(results, plots, folder):
    for lang, w in WORDS.items():
        with open(os.path.join(folder, w["file"]), "w", encoding="utf-8") as f:
            f.write(page(results, plots, lang))
