"""bench/run: the page of results says what results.json says, and a tiny run measures."""
import json
import os
import subprocess
import sys

from lab import SOURCE, Skip, check, check_eq

sys.path.insert(0, os.path.join(SOURCE, "bench", "lib"))
RESULTS = os.path.join(SOURCE, "docs", "benchmarks", "results.json")


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as f:
        return f.read()


def stored():
    if not os.path.exists(RESULTS):
        raise Skip("no results are stored")
    return json.loads(read("docs", "benchmarks", "results.json"))


def test_the_pages_say_what_the_results_say(lab):
    import page
    results = stored()
    pictures = {n[:-4]: n for n in os.listdir(os.path.dirname(RESULTS)) if n.endswith(".svg")}
    for lang, name in (("en", "benchmarks.md"), ("ja", "benchmarks.ja.md")):
        check(read("docs", name) == page.page(results, pictures, lang), f"docs/{name} is not of results.json: bench/run --render")


def test_the_readme_shows_the_same_figures(lab):
    import page
    results = stored()
    for lang, name in (("en", "README.md"), ("ja", "README.ja.md")):
        text = read(name)
        check(page.MARKS[0] in text, f"{name} has a place for the table")
        check(page.with_table(text, results, lang) == text, f"{name} is not of results.json: bench/run --render")


def test_a_tiny_run_measures_hayauma_and_its_floor(lab):
    if os.geteuid() != 0:
        raise Skip("bench/run needs root")
    out = lab.path("results.json")
    done = subprocess.run([os.path.join(SOURCE, "bench", "run"), "--smoke", "--no-peers", "B1", "B2", "sizes", "--build", lab.build,
                           "--work", lab.path("work"), "--json", out], capture_output=True, text=True, timeout=240, check=False)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    check_eq(done.returncode, 0, done.stdout + done.stderr)
    with open(out, encoding="utf-8") as f:
        results = json.load(f)
    for workload in ("B1", "B2"):
        run = results["runs"][workload]["hayauma"][0]
        check(run["messages"] > 1000, f"{workload}: {run['messages']} messages")
        check(run["cpu_us_per_message"] > 0, f"{workload} used no CPU")
        threads = sum(sum(v) for v in run["threads_us"].values())
        check(threads > 0, f"{workload}: the threads used nothing")
        check(results["runs"][workload]["floor"][0]["rsa2048_us"] > 0, "the floor was measured")
    import figures
    check_eq([s["size"] for s in figures.by_size(results)], [1000], "sizes")
    check(all(g[2] > 0 for g in figures.goals(results)), f"goals: {figures.goals(results)}")
