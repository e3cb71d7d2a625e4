"""Measures hayauma, its floor and its peers on this machine, in one run, and writes docs/benchmarks.md.
bench/run starts it."""
import argparse
import dataclasses
import datetime
import json
import os
import shlex
import shutil
import sys
import traceback

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(SOURCE, "bench", "lib"), os.path.join(SOURCE, "tests", "system")]
from lab import Lab, LabError  # noqa: E402
import figures  # noqa: E402
import floor  # noqa: E402
import machine  # noqa: E402
import page  # noqa: E402
import place  # noqa: E402
from roots import Root  # noqa: E402
import suite  # noqa: E402
from words import WORDS  # noqa: E402
import workloads  # noqa: E402


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures hayauma, its floor and its peers on this machine, in one run, and writes docs/benchmarks.md.",
        epilog="As root, or through sudo: it makes a network and processes of its own. About 20 minutes on two cores;\n"
        "guides: docs/guides/benchmarks.md, docs/guides/benchmarks.ja.md")
    parser.add_argument("workload", nargs="*", help="B1 B2 ... (all); see --list")
    parser.add_argument("--list", action="store_true", help="name the workloads")
    parser.add_argument("--quick", action="store_true", help="a small run of a few minutes; its page goes to run/bench")
    parser.add_argument("--smoke", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help="how often each system runs; medians count (3)")
    parser.add_argument("--leads", type=int, help="recipients of a campaign (100000)")
    parser.add_argument("--no-peers", action="store_true", help="hayauma and the floor alone")
    parser.add_argument("--build", default="build-release", help="the release build to measure (build-release, made if needed)")
    parser.add_argument("--work", default=os.path.join(SOURCE, "run", "bench"), help=argparse.SUPPRESS)
    parser.add_argument("--json", help="write the results to this file too")
    parser.add_argument("--add", action="store_true", help="put what is measured in its place in docs/benchmarks, where the rest stays")
    parser.add_argument("--render", action="store_true", help="write the page again from docs/benchmarks/results.json")
    parser.add_argument("--clean", action="store_true", help="remove what earlier runs kept (run/bench)")
    return parser.parse_args()


def plan_of(args):
    plan = suite.SMOKE if args.smoke else suite.QUICK if args.quick else suite.FULL
    changes = {k: v for k, v in (("rounds", args.rounds), ("leads", args.leads)) if v}
    return dataclasses.replace(plan, **changes)


def make_roots(args):
    """The roots of the peers: all that needs the network."""
    roots = {}
    if not args.no_peers:
        for peer in workloads.PEERS:
            roots[peer.name] = Root(os.path.join(args.work, "peers"), peer.name, peer.packages, say)
    return roots


def measure(args, plan, names, roots, groups):
    """Everything that must be alone on this machine's loopback."""
    lab_dir = os.path.join(args.work, "lab")
    shutil.rmtree(lab_dir, ignore_errors=True)
    with Lab(build=args.build, root=lab_dir) as lab:
        tuning = floor.tune(lab)
        bench = workloads.Bench(lab, groups, roots, plan.leads, os.path.join(args.work, "big"))
        results = suite.measure(bench, plan, names)
    shutil.rmtree(lab_dir, ignore_errors=True)
    results["tuning"] = tuning
    results["plan"] = dataclasses.asdict(plan)
    results["machine"] = machine.facts(args.work)
    results["versions"] = {"hayauma": machine.source_version(SOURCE), **{k: v for r in roots.values() for k, v in r.versions.items()}}
    results["commands"] = [" ".join(shlex.quote(a) for a in ["bench/run", *sys.argv[1:]])]
    results["date"] = datetime.date.today().isoformat()
    results["complete"] = not args.workload and not args.quick and not args.no_peers and not results["failed"]
    results["quick"] = args.quick or args.smoke
    save(results, os.path.join(args.work, "results.json"))
    return 0


def save(results, path):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1)
        f.write("\n")


def added(results, path):
    """The stored results with what was measured now in place of what they say of it; they must be of the
    same programs on the same machine."""
    if not os.path.exists(path):
        return results
    old = load(path)
    for what in ("machine", "versions"):
        ours = {k: v for k, v in results[what].items() if k in old[what]}
        if any(old[what][k] != v for k, v in ours.items()):
            raise LabError(f"{path} is of another {what}: {old[what]}")
    for what in ("runs", "limits"):
        old[what].update(results[what])
    measured = {n["workload"] for n in results["neighbours"]} - {"floor"}
    old["neighbours"] = [n for n in old["neighbours"] if n["workload"] not in measured] + results["neighbours"]
    old["versions"].update(results["versions"])
    old["commands"] += results["commands"]
    old["date"] = results["date"]
    return old


def render(results, folder):
    """The page, its plots and results.json below `folder`."""
    import plots
    pictures = plots.draw(results, os.path.join(folder, "benchmarks"))
    save(results, os.path.join(folder, "benchmarks", "results.json"))
    page.write(results, pictures, folder)
    say(f"written: {os.path.relpath(folder, SOURCE)}/benchmarks.md")


def hand_over(folder):
    """What root wrote below docs/ belongs to whom the source belongs."""
    owner = os.stat(SOURCE)
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            if os.geteuid() == 0 and os.stat(os.path.join(where, name)).st_uid == 0:
                os.chown(os.path.join(where, name), owner.st_uid, owner.st_gid)


def render_docs(results):
    render(results, os.path.join(SOURCE, "docs"))
    hand_over(os.path.join(SOURCE, "docs"))
    for lang, name in (("en", "README.md"), ("ja", "README.ja.md")):
        path = os.path.join(SOURCE, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(page.with_table(text, results, lang))


def print_goals(results):
    for row in figures.goals(results):
        name, what, measured, unit, relation, goal = row
        print(f"{name:<4} {WORDS['en']['what'][what]:<48} {page.figure(measured, unit):>12}   goal {relation} {goal:,g} {unit}"
              f"{'' if figures.met(row) else '   NOT MET'}")


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def main():
    args = arguments()
    if args.list:
        for name in suite.check_names([]):
            print(f"{name:<12}{WORDS['en']['names'][name].partition(': ')[2]}")
        return 0
    if args.render:
        render_docs(load(os.path.join(SOURCE, "docs", "benchmarks", "results.json")))
        return 0
    names = suite.check_names(args.workload)
    if os.geteuid() != 0:
        raise LabError("it must be root who measures: bench/run asks sudo")
    if args.clean:
        shutil.rmtree(args.work, ignore_errors=True)
        return 0
    os.makedirs(args.work, exist_ok=True)
    plan, roots = plan_of(args), make_roots(args)

    def work(groups):
        try:
            return measure(args, plan, names, roots, groups)
        except LabError as e:
            say(f"bench/run: {e}")
        except Exception:
            traceback.print_exc()
        return 1
    code = place.alone(work, os.path.join(args.work, "cgroup"))
    if code == place.CANNOT:
        say("bench/run: this machine does not let root make a network of its own (a container?)")
    if code != 0:
        return code
    results = load(os.path.join(args.work, "results.json"))
    if args.json:
        save(results, args.json)
    print_goals(results)
    for why in results["failed"]:
        say(f"failed: {why}")
    if not args.smoke:
        render(results, args.work)
    if args.add and not args.quick and not args.smoke:
        render_docs(added(results, os.path.join(SOURCE, "docs", "benchmarks", "results.json")))
    elif results["complete"] and not args.smoke:
        render_docs(results)
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as e:
        say(f"bench/run: {e}")
        sys.exit(1)
