"""bench/run: the page of results says what results.json says, ratios are of the same round, an interrupted run can
go on, and a tiny run measures."""
import ast
import glob
import json
import os
import subprocess
import sys
import types

from lab import LabError, SOURCE, Skip, check, check_eq

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


def results_of(rounds):
    """Results with rounds [(round, messages a second of hayauma, of Postfix)] of B1."""
    def run(name, rate):
        return {"round": name, "messages_per_s": rate, "cpu_us_per_message": 1e6 / rate, "memory_mib": 20.0, "bytes_per_message": 10000}
    return {"runs": {"B1": {"hayauma": [run(n, a) for n, a, _ in rounds if a], "postfix": [run(n, b) for n, _, b in rounds if b]}},
            "limits": {}}


def test_ratios_are_taken_within_a_round_and_show_how_far_rounds_are_apart(lab):
    import figures
    import page
    from words import WORDS
    ratio = figures.times_rate(results_of([("a.1", 100.0, 10.0), ("a.2", 300.0, None), ("a.3", 80.0, 20.0)]), "B1", "hayauma", "B1", "postfix")
    check_eq(ratio.values, (10.0, 4.0), "of the rounds that both have")
    check_eq(page.spread(ratio, WORDS["en"], "x"), "4.00 x - 10.0 x", "spread")
    once = results_of([("a.1", 100.0, 10.0)])
    check_eq(page.spread(figures.times_rate(once, "B1", "hayauma", "B1", "postfix"), WORDS["en"]), "once", "one round")
    check("one round" in page.rounds_text(once, WORDS["en"]) and "B1" in page.rounds_text(once, WORDS["en"]), "the page names it")
    apart = results_of([("a.1", 100.0, None), ("b.1", None, 20.0)])
    check_eq(page.spread(figures.times_rate(apart, "B1", "hayauma", "B1", "postfix"), WORDS["en"]), "of different runs", "two runs")


def test_a_goal_that_was_not_measured_says_so(lab):
    import figures
    import page
    from words import WORDS
    results = results_of([("a.1", 100.0, 10.0)])
    rows = page.goal_rows(results, WORDS["en"])
    check_eq(len(rows), len(figures.goals(stored())), "as many goals, whatever was measured")
    check_eq([r[3] for r in rows if r[:2] == ["B1", "rate over Postfix + OpenDKIM"]], ["10.0 x"], "one that was")
    check_eq([r[3:] for r in rows if r[0] == "B4"], [["not measured", "", ""]], "one that was not")


def test_the_lower_of_two_floors_of_a_round_counts(lab):
    import floor
    import suite
    import workloads
    b1, b3 = workloads.BY_NAME["B1"], workloads.BY_NAME["B3"]
    first = {"rsa2048_us": 250.0, "rsa2048_all_us": 240.0, "ed25519_us": 40.0, "threads": 2,
             "blaster": {"10240": {"cpu_us_per_message": 9.0, "sink_us": 10.0}}, "blaster_slow": {"10240": {"cpu_us_per_message": 30.0, "sink_us": 40.0}}}
    again = {"rsa2048_us": 240.0, "rsa2048_all_us": 330.0, "ed25519_us": 38.0, "threads": 2,
             "blaster": {"10240": {"cpu_us_per_message": 7.0, "sink_us": 8.0}}}
    both = floor.lower(first, again)
    check_eq([floor.of(both, c, 10000) for c in (b1, b3)], [247.0, 270.0], "signature and bare sender, each the lower")
    check_eq([floor.with_receivers(both, c, 10000) for c in (b1, b3)], [255.0, 310.0], "and their receivers")
    entries = [{"workload": "floor", "system": s, "round": 1, "result": r, "neighbours": {}} for s, r in (("floor", first), ("again", again))]
    run = {"messages_per_s": 1.0, "cpu_us_per_message": 260.0, "bytes_per_message": 10000}
    entries.append({"workload": "B1", "system": "hayauma", "round": 1, "result": run, "neighbours": {}})
    found = suite.results(types.SimpleNamespace(head={"run": "r"}, entries=entries))
    import figures
    check_eq(figures.floor_us(found, "B1").values, (247.0,), "of the results")


def test_a_second_that_others_spoilt_is_not_the_cost_of_a_message(lab):
    import sender
    check_eq(round(sender.typical([(1000, 0.5), (5000, 1.4), (5000, 1.5), (5000, 2.5)])), round((0.5 + 15000 * 1.5 / 5000) * 1e6 / 16000), "three")
    check_eq(sender.typical([(1000, 0.3)]), 300.0, "a short run is its first second")


def test_results_of_another_commit_stay_on_the_page_which_names_it(lab):
    import docs
    import page
    old = {"runs": {"B1": {}, "B3": {}}, "limits": {}, "machine": {"cpu": "x"}, "versions": {"hayauma": "1", "exim": "4"}, "neighbours": [],
           "commands": ["a"], "date": "d"}
    path = lab.write("stored.json", json.dumps(old))
    new = {**old, "runs": {"B3": {"hayauma": []}}, "versions": {"hayauma": "2"}, "commands": ["b"]}
    both = docs.added(new, path)
    check_eq(both["commits"], {"B1": "1", "B3": "2"}, "each of its own")
    check_eq(page.build_text(both), "1: B1<br>2: B3", "as the page says")
    other = docs.added({**new, "versions": {"hayauma": "2", "exim": "5"}}, path)
    check_eq(set(other["runs"]), {"B3"}, "another peer is another run")


def test_an_interrupted_run_goes_on_with_what_it_has(lab):
    import journal
    import suite
    path = lab.path("journal")
    head = {"run": "r", "machine": {"cpu": "x"}, "versions": {"hayauma": "1"}}
    j = journal.Journal.begin(path, head)
    for system, workload, number in (("floor", "floor", 1), ("hayauma", "B1", 1), ("postfix", "B1", 1), ("floor", "floor", 2),
                                     ("hayauma", "B1", 2)):
        j.add({"workload": workload, "system": system, "round": number, "result": {"messages_per_s": 1.0}, "neighbours": {"others": 0.0}})
    with open(path, "a", encoding="utf-8") as f:
        f.write('{"workload": "B1", "syst')
    again = journal.Journal.read(path)
    check_eq(len(again.entries), 5, "lines that are whole")
    check(again.has("B1", "hayauma", 2) and not again.has("B1", "postfix", 2), "what is done")
    check_eq([r["round"] for r in suite.results(again)["runs"]["B1"]["hayauma"]], ["r.1"], "a round that was cut short does not count")
    again.rewrite()
    again.add({"workload": "B1", "system": "postfix", "round": 2, "result": {"messages_per_s": 2.0}, "neighbours": {"others": 0.0}})
    found = suite.results(journal.Journal.read(path))["runs"]["B1"]
    check_eq([[r["round"] for r in found[s]] for s in ("hayauma", "postfix", "floor")], [["r.1", "r.2"]] * 3, "once it is whole, it does")
    without = [e for e in again.entries if (e["workload"], e["round"]) != ("floor", 1)]
    found = suite.results(types.SimpleNamespace(head=head, entries=without))["runs"]["B1"]
    check_eq([[r["round"] for r in found[s]] for s in ("hayauma", "postfix", "floor")], [["r.2"]] * 3, "nor does one whose floor failed")
    again.check({"machine": {"cpu": "x"}, "versions": {"hayauma": "1"}})
    try:
        again.check({"machine": {"cpu": "x"}, "versions": {"hayauma": "2"}})
    except LabError as e:
        check("hayauma" in str(e), str(e))
    else:
        check(False, "another program must not go on with it")


def test_what_bench_run_says_is_there_in_japanese_too(lab):
    import texts
    from words import WORDS
    from words_limits import limit_name
    check_eq([texts.language({"LANG": "en_US.UTF-8", "LC_ALL": "ja_JP.UTF-8"}), texts.language({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "C"}),
              texts.language({})], ["ja", "en", "en"], "the locale")
    for path in glob.glob(os.path.join(SOURCE, "bench", "lib", "*.py")):
        with open(path, encoding="utf-8") as f:
            tree = ast.parse(f.read())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "tr" and isinstance(call.args[0], ast.Constant):
                check(call.args[0].value in texts.JAPANESE, f"{os.path.basename(path)}: no Japanese for {call.args[0].value!r}")
    check_eq(set(WORDS["en"]), set(WORDS["ja"]), "the words of the page")
    limits = stored()["limits"]
    for step in set(limits) - {"sizes"}:  # which has a table of its own
        for f in limits[step]:
            name = f["name"].strip()
            check(limit_name(name, "ja") != name or " " not in name or name.startswith(("hayauma ", "campaign ")), f"no Japanese for {name!r}")


def test_a_tiny_run_measures_hayauma_and_its_floor(lab):
    if os.geteuid() != 0:
        raise Skip("bench/run needs root")
    out = lab.path("results.json")
    done = subprocess.run([os.path.join(SOURCE, "bench", "run"), "--smoke", "--no-peers", "B1", "B2", "B7", "sizes", "--build", lab.build,
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
    check(all(g[2].median > 0 for g in figures.goals(results) if g[2]), f"goals: {figures.goals(results)}")
    check(figures.times_floor(results, "B1"), "the floor of B1")
    relay = results["runs"]["B7"]["hayauma"][0]
    check_eq((relay["messages"], relay["signature"]["algorithm"]), (1500, "rsa-sha256"), "what was relayed")
    check(relay["injector_us"] > 0 and "receive" in relay["threads_us"], f"who used what: {relay}")
