#!/usr/bin/python3
"""Runs the cases of one test module and prints TAP. usage: run.py MODULE [CASE ...]

A case is a function test_<sentence>(lab): it gets a lab of its own, raises to fail, and raises Skip
to be left out. HY_BUILD names the build directory.
"""
import importlib
import inspect
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, Skip  # noqa: E402


def cases_of(module):
    found = [(n, f) for n, f in inspect.getmembers(module, inspect.isfunction)
             if n.startswith("test_") and f.__module__ == module.__name__]
    return sorted(found, key=lambda c: c[1].__code__.co_firstlineno)


def run_case(case):
    """("ok" | "not ok", directive, note)"""
    try:
        with Lab(build=os.environ.get("HY_BUILD", "build")) as lab:
            case(lab)
    except Skip as why:
        return "ok", f" # SKIP {why}", ""
    except Exception:
        return "not ok", "", traceback.format_exc()
    return "ok", "", ""


def main():
    module = importlib.import_module(sys.argv[1])
    wanted = sys.argv[2:]
    cases = [c for c in cases_of(module) if not wanted or c[0] in wanted]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, (name, case) in enumerate(cases, 1):
        result, directive, note = run_case(case)
        failed += result != "ok"
        print(f"{result} {number} - {name[5:].replace('_', ' ')}{directive}", flush=True)
        for line in note.splitlines():
            print(f"# {line}", flush=True)
    return 1 if failed or not cases else 0


sys.exit(main())
