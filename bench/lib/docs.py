"""Results into docs/: the page, its plots, results.json, and the small tables in README.md and .ja.md."""
import json
import os

import figures
from lab import SOURCE
import page
from texts import tr

DOCS = os.path.join(SOURCE, "docs")
STORED = os.path.join(DOCS, "benchmarks", "results.json")


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def save(results, path):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1)
        f.write("\n")


def added(results, path=STORED):
    """The stored results with what was measured now in place of what they say of it. They must be of the same machine,
    system and peers: others are dropped. Those of another commit of hayauma stay, and the page names it."""
    if not os.path.exists(path):
        return results
    old = load(path)
    for what in ("machine", "versions"):
        ours = {k: v for k, v in results[what].items() if k in old[what] and k != "hayauma"}
        if any(old[what][k] != v for k, v in ours.items()):
            print(tr("the stored results are of other programs or another machine: only what was measured now is on the page"), flush=True)
            return results
    old["commits"] = {**figures.commits(old), **figures.commits(results)}
    for what in ("runs", "limits"):
        old[what].update(results[what])
    measured = {n["workload"] for n in results["neighbours"]} - {"floor"}
    old["neighbours"] = [n for n in old["neighbours"] if n["workload"] not in measured] + results["neighbours"]
    old["versions"].update(results["versions"])
    old["commands"] += [c for c in results["commands"] if c not in old["commands"]]
    old["date"] = results["date"]
    return old


def render(results, folder):
    """The page, its plots and results.json below `folder`."""
    import plots
    pictures = plots.draw(results, os.path.join(folder, "benchmarks"))
    save(results, os.path.join(folder, "benchmarks", "results.json"))
    page.write(results, pictures, folder)
    print(tr("written: %s") % (os.path.relpath(folder, SOURCE) + "/benchmarks.md"), flush=True)


def hand_over(folder):
    """What root wrote there belongs to whom the source belongs."""
    owner = os.stat(SOURCE)
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            if os.geteuid() == 0 and os.stat(os.path.join(where, name)).st_uid == 0:
                os.chown(os.path.join(where, name), owner.st_uid, owner.st_gid)


def render_docs(results):
    render(results, DOCS)
    hand_over(DOCS)
    for lang, name in (("en", "README.md"), ("ja", "README.ja.md")):
        path = os.path.join(SOURCE, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(page.with_table(text, results, lang))
