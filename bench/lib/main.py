"""Measures hayauma, its floor and its peers on this machine, in one run, and writes docs/benchmarks.md.
bench/run starts it."""
import argparse
import dataclasses
import datetime
import os
import shlex
import shutil
import sys
import time
import traceback

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(SOURCE, "bench", "lib"), os.path.join(SOURCE, "tests", "system")]
from lab import Lab, LabError  # noqa: E402
import docs  # noqa: E402
import figures  # noqa: E402
import floor  # noqa: E402
from journal import Journal  # noqa: E402
import machine  # noqa: E402
import page  # noqa: E402
import place  # noqa: E402
from roots import Root  # noqa: E402
import suite  # noqa: E402
from texts import LANGUAGE, tr  # noqa: E402
from words import WORDS  # noqa: E402
import workloads  # noqa: E402


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run", formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False,
        description=tr("Measures hayauma, its floor and its peers on this machine, in one run, and writes docs/benchmarks.md."),
        epilog=tr("As root, or through sudo: it makes a network and processes of its own. About 35 minutes on two cores;\n"
                  "guides: docs/guides/benchmarks.md, docs/guides/benchmarks.ja.md"))
    parser.add_argument("workload", nargs="*", help=tr("B1 B2 ... (all); see --list"))
    parser.add_argument("-h", "--help", action="help", help=tr("show this help"))
    parser.add_argument("--list", action="store_true", help=tr("name the workloads"))
    parser.add_argument("--quick", action="store_true", help=tr("a look at everything in less than two minutes; its page goes to run/bench"))
    parser.add_argument("--smoke", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help=tr("how often each system runs; medians count (3)"))
    parser.add_argument("--leads", type=int, help=tr("recipients of a campaign (100000)"))
    parser.add_argument("--no-peers", action="store_true", help=tr("hayauma and the floor alone"))
    parser.add_argument("--minutes", type=float, help=tr("begin nothing that would take longer than so many minutes in all"))
    parser.add_argument("--resume", action="store_true", help=tr("go on where the last run was interrupted, with what it was asked for"))
    parser.add_argument("--build", default="build-release", help=tr("the release build to measure (build-release, made if needed)"))
    parser.add_argument("--work", default=os.path.join(SOURCE, "run", "bench"), help=argparse.SUPPRESS)
    parser.add_argument("--json", help=tr("write the results to this file too"))
    parser.add_argument("--add", action="store_true", help=tr("put what is measured in its place in docs/benchmarks, where the rest stays"))
    parser.add_argument("--render", action="store_true", help=tr("write the page again from docs/benchmarks/results.json"))
    parser.add_argument("--clean", action="store_true", help=tr("remove what earlier runs kept (run/bench)"))
    return parser.parse_args()


def plan_of(args):
    plan = suite.SMOKE if args.smoke else suite.QUICK if args.quick else suite.FULL
    changes = {k: v for k, v in (("rounds", args.rounds), ("leads", args.leads)) if v}
    return dataclasses.asdict(dataclasses.replace(plan, **changes))


def asked(args):
    """What a journal says of a run: all that --resume goes by."""
    return {"run": datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S"),
            "names": suite.check_names(args.workload), "all": not args.workload, "plan": plan_of(args),
            "peers": not args.no_peers, "small": args.quick or args.smoke, "smoke": args.smoke,
            "commands": [" ".join(shlex.quote(a) for a in ["bench/run", *sys.argv[1:]])]}


def make_roots(args, head):
    """The roots of the peers: all that needs the network."""
    if not head["peers"]:
        return {}
    return {p.name: Root(os.path.join(args.work, "peers"), p.name, p.packages, say) for p in workloads.PEERS}


def open_journal(args):
    """(journal, roots of the peers)"""
    path = os.path.join(args.work, "journal")
    old = Journal.read(path) if args.resume else None
    if args.resume and not old:
        raise LabError(tr("there is no run to go on with"))
    head = old.head if old else asked(args)
    roots = make_roots(args, head)
    here = {"machine": machine.facts(args.work),
            "versions": {"hayauma": machine.source_version(SOURCE), **{k: v for r in roots.values() for k, v in r.versions.items()}}}
    if old:
        old.check(here)
        old.rewrite()
        return old, roots
    return Journal.begin(path, {**head, **here}), roots


def measure(args, journal, roots, groups, until):
    """Everything that must be alone on this machine's loopback; writes results.json in the folder of the run."""
    lab_dir, plan = os.path.join(args.work, "lab"), suite.Plan(**journal.head["plan"])
    shutil.rmtree(lab_dir, ignore_errors=True)
    with Lab(build=args.build, root=lab_dir) as lab:
        tuning = floor.tune(lab)
        bench = workloads.Bench(lab, groups, roots, plan.leads, os.path.join(args.work, "big"))
        why = suite.measure(bench, plan, journal.head["names"], journal, until)
    shutil.rmtree(lab_dir, ignore_errors=True)
    head = journal.head
    docs.save({**suite.results(journal), "failed": why, "tuning": tuning, "plan": head["plan"], "machine": head["machine"],
               "versions": head["versions"], "commands": head["commands"], "date": datetime.date.today().isoformat(),
               "complete": head["all"] and head["peers"] and not head["small"] and not why, "quick": head["small"]},
              os.path.join(args.work, "results.json"))
    return 0


def print_goals(results):
    w = WORDS[LANGUAGE]
    for row in figures.goals(results):
        name, what, found, unit, relation, goal = row
        if found is None:
            continue
        spread = page.spread(found, w)
        print(f"{name:<6} {w['what'][what]}: {page.figure(found.median, unit)} ({spread}); {tr('goal')} {relation} {goal:,g} {unit}"
              f"{'' if figures.met(row) else '   ' + tr('NOT MET')}")
    left = dict.fromkeys(r[0] for r in figures.goals(results) if r[2] is None)
    if left:
        print(tr("not measured, or not all of it: %s") % ", ".join(left))


def finish(args, journal):
    """The pages of what was measured; the exit code."""
    results = docs.load(os.path.join(args.work, "results.json"))
    if args.json:
        docs.save(results, args.json)
    print_goals(results)
    if not journal.head["smoke"]:
        docs.render(results, args.work)
    if args.add and not journal.head["small"]:
        docs.render_docs(docs.added(results))
    elif results["complete"]:
        docs.render_docs(results)
    for why in results["failed"]:
        say(tr("not whole: %s") % why)
    if results["failed"]:
        say(tr("what is measured so far is kept: bench/run --resume goes on"))
    return 1 if results["failed"] else 0


def main():
    until = time.monotonic()
    args = arguments()
    if args.list:
        for name in suite.check_names([]):
            print(f"{name:<12}{WORDS[LANGUAGE]['names'][name].partition(': ')[2]}")
        return 0
    if args.render:
        docs.render_docs(docs.load(docs.STORED))
        return 0
    if os.geteuid() != 0:
        raise LabError(tr("it must be root who measures: bench/run asks sudo"))
    if args.clean:
        shutil.rmtree(args.work, ignore_errors=True)
        return 0
    os.makedirs(args.work, exist_ok=True)
    journal, roots = open_journal(args)
    until = until + 60 * args.minutes if args.minutes else None

    def work(groups):
        try:
            return measure(args, journal, roots, groups, until)
        except LabError as e:
            say(f"bench/run: {e}")
        except Exception:
            traceback.print_exc()
        return 1
    code = place.alone(work, os.path.join(args.work, "cgroup"))
    if code == place.CANNOT:
        say("bench/run: " + tr("this machine does not let root make a network of its own (a container?)"))
    return code or finish(args, journal)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as e:
        say(f"bench/run: {e}")
        sys.exit(1)
