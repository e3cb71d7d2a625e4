"""The plots of the page: SVG, the same bytes for the same results, readable on a light and on a dark page."""
import os
import statistics

import matplotlib
matplotlib.use("svg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402

import figures  # noqa: E402
import floor  # noqa: E402
from workloads import TITLES  # noqa: E402

# Middle tones: 3:1 or better against white and against GitHub's dark background.
INK = "#7d8590"
ACCENT, PEER = "#d64536", "#8b949e"
STAGES = {"render": "#c98500", "hash": "#8f7ee7", "sign": "#d64536", "sockets_user": "#3987e5", "sockets_system": "#1f6fc0",
          "store": "#2f9e6e", "feeder": "#c2578f", "other": "#8b949e", "blaster": "#56b4c4"}

matplotlib.rcParams.update({
    "svg.hashsalt": "hayauma", "svg.fonttype": "none", "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans", "sans-serif"],
    "font.size": 11, "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": False, "figure.constrained_layout.use": True,
})


def save(fig, folder, name):
    fig.savefig(os.path.join(folder, f"{name}.svg"), transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(fig)
    return f"{name}.svg"


def number(v):
    return f"{v:,.0f}" if v >= 100 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def throughput(results, folder):
    """Bars: messages a second, signed and unsigned, hayauma and peers."""
    groups = []
    for workload, title in (("B1", "signed, RSA-2048"), ("B2", "unsigned")):
        systems = [s for s in ("hayauma", "postfix", "opensmtpd", "exim") if results["runs"].get(workload, {}).get(s)]
        if systems:
            groups.append((workload, title, systems))
    if not groups:
        return None
    fig, axes = plt.subplots(1, len(groups), figsize=(9, 2.6), squeeze=False)
    for ax, (workload, title, systems) in zip(axes[0], groups):
        signed = workload == "B1"
        found = [figures.of(results, workload, s, "messages_per_s") for s in systems]
        rates = [f.median for f in found]
        bars = ax.barh([TITLES[s][signed] for s in systems], rates, color=[ACCENT if s == "hayauma" else PEER for s in systems],
                       height=0.62, xerr=[[f.median - f.low for f in found], [f.high - f.median for f in found]],
                       error_kw={"ecolor": INK, "elinewidth": 1.5, "capsize": 3})
        for bar, rate, high, system in zip(bars, rates, found, systems):
            times = f"  (1/{rates[0] / rate:,.0f})" if system != "hayauma" and systems[0] == "hayauma" else ""
            ax.text(max(bar.get_width(), high.high) + max(rates) * 0.02, bar.get_y() + bar.get_height() / 2, number(rate) + times, va="center")
        ax.set_xlim(0, max(rates) * 1.22)
        ax.invert_yaxis()
        ax.set_title(f"messages a second, {title}", loc="left", fontsize=11)
        ax.xaxis.set_visible(False)
        ax.spines["bottom"].set_visible(False)
        ax.tick_params(axis="y", length=0)
    return save(fig, folder, "throughput")


STAGE_NAMES = {"render": "render", "hash": "hash", "sign": "sign", "sockets_user": "sockets, user", "sockets_system": "sockets, kernel",
               "store": "store", "feeder": "feeder", "other": "other", "blaster": "blaster"}


def floor_parts(results, workload):
    """[("sign", us), ("blaster", us)] of the floor."""
    signing = statistics.median(floor.signature(f, figures.BY_NAME[workload]) for f in figures.floors(results, workload))
    return [("sign", signing), ("blaster", figures.floor_us(results, workload).median - signing)]


def stacked(ax, row, name, parts, whole):
    left = 0.0
    for stage, us in parts:
        if us <= 0:
            continue
        ax.barh(name, us, left=left, color=STAGES[stage], height=0.72)
        if us > whole * 0.05:
            ax.text(left + us / 2, row, number(us), ha="center", va="center", color="white", fontsize=9)
        left += us
    ax.text(left + whole * 0.01, row, number(left), va="center")


def stages(results, folder):
    """Stacked bars: CPU a message by stage, with the floor below."""
    drawn = [(w, t, figures.stages(results, w)) for w, t in (("B1", "RSA-2048"), ("B2-ed25519", "Ed25519"), ("B2", "unsigned"))]
    drawn = [d for d in drawn if d[2]]
    if not drawn:
        return None
    fig, axes = plt.subplots(len(drawn), 1, figsize=(9, 1.3 * len(drawn) + 0.7), squeeze=False, constrained_layout=False)
    fig.subplots_adjust(left=0.09, right=0.98, top=0.93, bottom=0.5 / (1.3 * len(drawn) + 0.7), hspace=0.55)
    used = set()
    for ax, (workload, title, ours) in zip(axes[:, 0], drawn):
        whole = max(sum(v for _, v in ours), figures.floor_us(results, workload).median)
        for row, (name, parts) in enumerate((("hayauma", ours), ("floor", floor_parts(results, workload)))):
            stacked(ax, row, name, parts, whole)
            used |= {stage for stage, us in parts if us > 0}
        ax.set_xlim(0, whole * 1.1)
        ax.invert_yaxis()
        ax.set_title(f"CPU us a message, {title}", loc="left", fontsize=11)
        ax.xaxis.set_visible(False)
        ax.spines["bottom"].set_visible(False)
        ax.tick_params(axis="y", length=0)
    handles = [matplotlib.patches.Patch(color=STAGES[s], label=STAGE_NAMES[s]) for s in STAGES if s in used]
    fig.legend(handles=handles, loc="lower center", ncol=len(handles), frameon=False, fontsize=9, handlelength=0.9,
               handletextpad=0.4, columnspacing=1.0)
    return save(fig, folder, "stages")


def power(v, _):
    return f"{int(v):,}"


def by_size(results, folder, key, name, title, goal=None, note=None):
    rows = figures.by_size(results)
    if not rows:
        return None
    fig, ax = plt.subplots(figsize=(9, 3))
    x, y = [r["size"] for r in rows], [r[key] for r in rows]
    ax.plot(x, y, color=ACCENT, marker="o", linewidth=2)
    top = max(y + [goal or 0]) * 1.25
    for a, b in zip(x, y):
        below = goal and 0.8 * goal < b < goal  # else the label would lie on the line of the goal
        ax.annotate(number(b), (a, b), textcoords="offset points", xytext=(0, -16 if below else 8), ha="center", color=ACCENT)
    if goal:
        ax.axhline(goal, color=INK, linewidth=1, linestyle=(0, (4, 4)))
        ax.annotate(f"goal: at most {goal}", (x[0], goal), textcoords="offset points", xytext=(0, 4), color=INK)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(power))
    ax.set_xticks(x)
    ax.minorticks_off()
    ax.set_ylim(0, top)
    ax.set_xlabel("recipients of the campaign" + (f"\n{note}" if note else ""))
    ax.set_title(title, loc="left", fontsize=11)
    return save(fig, folder, name)


def curves(results, folder, step, colors, unit, title, scale="linear"):
    """Shares by time, of the figures of a step that have a curve."""
    found = [f for f in results["limits"].get(step, []) if f.get("curve")]
    if not found:
        return None
    fig, ax = plt.subplots(figsize=(9, 3))
    for f, color in zip(found, colors):
        name = f["name"].partition(":")[0]
        ax.plot(f["curve"], [100 * i / (len(f["curve"]) - 1) for i in range(len(f["curve"]))], color=color, linewidth=2, label=name)
    ax.set_ylim(0, 103)
    ax.set_xscale(scale)
    if scale == "linear":
        ax.set_xlim(0, None)
    ax.set_xlabel(unit)
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.22), ncol=1)  # below: curves may be anywhere
    return save(fig, folder, {"B6-fair": "firsts"}.get(step, step))


def draw(results, folder):
    """Writes every plot the results are enough for; {name: file name}."""
    os.makedirs(folder, exist_ok=True)
    others = []
    for s in ("postfix", "opensmtpd", "exim"):
        runs = results["runs"].get("B2", {}).get(s)
        if runs:
            memory = number(figures.of(results, "B2", s, "memory_mib").median)
            others.append(f"{TITLES[s][False]} {memory} with {runs[0]['messages']:,}")
    out = {
        "throughput": throughput(results, folder), "stages": stages(results, folder),
        "memory": by_size(results, folder, "memory_mib", "memory", "hayauma's anonymous memory at most, MiB", 256,
                          "peers: " + ", ".join(others) + " messages" if others else None),
        "cost": by_size(results, folder, "cpu_us", "cost", "CPU us a message, unsigned"),
        # how many of many domains had their first attempt by when: alone, and among those that could hold them up
        "firsts": curves(results, folder, "B6-fair", (PEER, ACCENT), "seconds since the start of the campaign",
                         "domains that had their first attempt, %"),
        "priority": curves(results, folder, "priority", (PEER, ACCENT, STAGES["sockets_user"]),
                           "milliseconds from handing in to the receiver's final dot", "messages that were there, %", "log"),
    }
    return {k: v for k, v in out.items() if v}
