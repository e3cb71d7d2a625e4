"""The suppression list: what bounces now stops mail that was queued before, by hand, by file, over kill -9."""
import csv as csv_format
import os
import signal
import subprocess
import time

import newsletter
from lab import Daemon, check, check_eq, wait_for
from test_campaign import csv, field, setup
from test_spool import SITE, letter, relay_audit, setup as spool_setup, wait_all

DEAD, FULL = "dead", "full"


def sound(daemon):
    good, text = daemon.audit()
    check(good, text)


def entries(daemon, address):
    return [(e["reason"], e["scope"]) for e in daemon.ctl("suppress", "show", address)["entries"]]


def start(lab, daemon, name, extra="", lists="news"):
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name=name, extra=extra, lists=lists))
    daemon.ctl("campaign", "start", name)


def test_a_bounce_now_stops_a_mail_that_was_queued_an_hour_ago(lab):
    daemon, sink, world = spool_setup(lab, sink_args=["--reply", "rcpt:450:4.2.0 later"], expire="3d")
    with open(lab.shaping(expire="3d"), encoding="utf-8") as f:
        text = f.read()
    lab.write("shaping.yaml", text.replace("first: 1s", "first: 1h").replace("longest: 4s", "longest: 2h"))
    daemon.ctl("reload")
    daemon.import_leads(csv(lab, [field(DEAD, SITE)]))
    start(lab, daemon, "later")
    daemon.wait_campaign("later", lambda c: c["deferred"] == 1)
    sink.stop()
    sink = lab.sink(world, name="second", rules=False, record=True,
                    extra=["--reply", f"rcpt:550:5.1.1 <{DEAD}@{SITE}> No such user here"])
    daemon.ctl("send", letter(lab), f"{DEAD}@{SITE}")
    wait_for("the bounce", lambda: relay_audit(daemon)["bounced"] == 1)
    check_eq(entries(daemon, f"{DEAD}@{SITE}"), [("hard-bounce", "tenant")])
    daemon.ctl("queue", "retry", "--domain", SITE, "--yes")  # an hour later
    check_eq(daemon.wait_campaign("later")["suppressed"], 1, "the row that waited")
    # rows made now are suppressed at once, and so is a ready message
    start(lab, daemon, "now")
    check_eq(daemon.wait_campaign("now")["suppressed"], 1)
    daemon.ctl("send", letter(lab), f"{DEAD}@{SITE}")
    wait_for("the ready message", lambda: relay_audit(daemon)["suppressed"] == 1)
    said = daemon.run("explain", f"{DEAD}@{SITE}").stdout
    check("suppressed since" in said and "hard-bounce" in said and "No such user here" in said, said)
    sound(daemon)


def test_a_deferred_mail_is_stopped_by_hand(lab):
    daemon, sink, _ = spool_setup(lab, sink_args=["--reply", "rcpt:450:4.2.0 later"])
    daemon.ctl("send", letter(lab), f"{DEAD}@{SITE}", f"fine@{SITE}")
    wait_for("both deferred", lambda: relay_audit(daemon)["deferred"] == 2)
    daemon.ctl("suppress", "add", f"{DEAD}@{SITE}", "--reason", "complaint")
    wait_for("the one to be suppressed", lambda: relay_audit(daemon)["suppressed"] == 1, 30)
    check_eq(relay_audit(daemon)["deferred"], 1, "the other goes on")
    sound(daemon)


def test_scopes_streams_and_lists_reach_as_far_as_they_say(lab):
    daemon, sink, _ = setup(lab)
    who = ["all", "stream", "left", "bounced", "free"]
    daemon.import_leads(csv(lab, [field(w, SITE) for w in who]))
    daemon.import_leads(csv(lab, [field("left", SITE)]), "shop")
    daemon.ctl("suppress", "add", f"all@{SITE}")
    daemon.ctl("suppress", "add", f"stream@{SITE}", "--stream", "marketing", "--reason", "unsubscribe")
    daemon.ctl("suppress", "add", f"left@{SITE}", "--list", "news", "--reason", "unsubscribe")
    daemon.ctl("suppress", "add", f"bounced@{SITE}", "--tenant", "default", "--reason", "hard-bounce")
    start(lab, daemon, "bulk")
    check_eq((daemon.wait_campaign("bulk")["delivered"], daemon.campaign("bulk")["suppressed"]), (1, 4))
    start(lab, daemon, "both", lists="news, shop")
    check_eq(daemon.wait_campaign("both")["delivered"], 2, "the other list still has it")
    start(lab, daemon, "order", extra="\npriority: transactional\n")
    check_eq(daemon.wait_campaign("order")["delivered"], 3, "stream, left and free")
    daemon.ctl("suppress", "add", f"@{SITE}", "--expires", "1h")
    start(lab, daemon, "domain", extra="\npriority: transactional\n")
    check_eq(daemon.wait_campaign("domain")["suppressed"], 5)
    statuses = {r["address"]: r["status"] for r in daemon.ctl("list", "show", "news")["leads"]}
    check_eq(statuses[f"bounced@{SITE}"], "dead")
    daemon.ctl("suppress", "remove", f"@{SITE}")
    check_eq(daemon.run("suppress", "remove", f"@{SITE}").returncode, 1, "there is none any more")
    acts = [h["act"] for h in daemon.ctl("suppress", "show", f"@{SITE}")["history"]]
    check_eq(acts, ["added", "removed"])
    check(any(a["act"] == "suppress.add" for a in daemon.ctl("acts")["acts"]), "the acts")
    sound(daemon)


def test_soft_bounces_add_up_and_a_delivery_ends_the_count(lab):
    config = {"suppression.soft_bounces": 2, "suppression.soft_span": 0, "suppression.soft_expire": "1d"}
    daemon, sink, _ = spool_setup(lab, config=config, sink_args=["--reply", "rcpt:552:5.2.2 mailbox full"])
    address = f"{FULL}@{SITE}"
    daemon.ctl("send", letter(lab), address)
    wait_all(daemon, 1)
    check_eq([s["count"] for s in daemon.ctl("suppress", "show", address)["soft_bounces"]], [1])
    daemon.ctl("send", letter(lab), address)
    wait_all(daemon, 2)
    shown = daemon.ctl("suppress", "show", address)
    check_eq([(e["reason"], e["expires"] is not None) for e in shown["entries"]], [("soft-bounces", True)])
    check_eq(shown["soft_bounces"], [])
    sound(daemon)


def test_an_entry_that_ends_is_swept_and_mail_goes_again(lab):
    daemon, sink, _ = spool_setup(lab)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    daemon.ctl("suppress", "add", f"a@{SITE}", "--expires", until)
    daemon.ctl("send", letter(lab), f"a@{SITE}")
    wait_all(daemon, 1)
    check_eq(relay_audit(daemon)["suppressed"], 1)
    time.sleep(4)
    daemon.ctl("send", letter(lab), f"a@{SITE}")
    wait_for("delivery", lambda: sink.delivered() == [f"a@{SITE}"])
    sound(daemon)


def export(daemon, path):
    daemon.ctl("suppress", "export", "--output", path)
    with open(path, encoding="utf-8", newline="") as f:
        return sorted(tuple(sorted(r.items())) for r in csv_format.DictReader(f))


def test_what_is_exported_is_read_back_and_formulas_stay_text(lab):
    daemon, _, _ = spool_setup(lab)
    daemon.ctl("suppress", "add", f"plain@{SITE}", "--reason", "complaint", "--source", "=cmd|' /C calc'!A0")
    daemon.ctl("suppress", "add", "@wide.example", "--expires", "30d")
    daemon.ctl("suppress", "add", f"gone@{SITE}", "--hashed", "--reason", "erased")
    first = export(daemon, lab.path("first.csv"))
    check_eq(len(first), 3)
    with open(lab.path("first.csv"), encoding="utf-8") as f:
        text = f.read()
    check("'=cmd" in text and "'@wide.example" in text and "gone@" not in text, text)
    daemon.ctl("suppress", "remove", f"plain@{SITE}", "@wide.example")
    got = daemon.ctl("suppress", "import", lab.path("first.csv"))
    check_eq((got["rows"], got["added"], got["same"], got["rejected"]), (3, 2, 1, 0), "back")
    check_eq(export(daemon, lab.path("second.csv")), first, "the round trip")
    sound(daemon)


def test_bad_rows_are_told_by_line_and_the_rest_goes_in(lab):
    daemon, _, _ = spool_setup(lab)
    path = lab.write("some.csv", "address,reason,list\nok@a.test,complaint,\nbroken,,\nok2@a.test,whatever,\n"
                     "ok3@a.test,unsubscribe,nolist\nok4@a.test,,\n")
    done = daemon.ctl("suppress", "import", path, "--dry-run")
    check_eq((done["added"], done["rejected"]), (2, 3), "dry run")
    check_eq(daemon.ctl("suppress", "list")["total"], 0)
    done = daemon.ctl("suppress", "import", path, "--rejects", lab.path("bad.csv"), "--reason", "manual")
    check_eq((done["rows"], done["added"], done["rejected"]), (5, 2, 3))
    check_eq([(r["line"], r["column"]) for r in done["rejects"]], [(3, "address"), (4, "reason"), (5, "list")])
    with open(lab.path("bad.csv"), encoding="utf-8") as f:
        check_eq(len(f.readlines()), 4, "report")
    check_eq(entries(daemon, "ok4@a.test"), [("manual", "all")])


def big_file(lab, n):
    path = lab.path("big.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("email,reason\n")
        for i in range(n):
            f.write(f"user{i}@d{i % 9973}.example,hard-bounce\n")
    return path


def test_a_long_import_is_killed_and_simply_repeated(lab):
    n = int(os.environ.get("HY_SUPPRESS_ROWS", "200000"))
    daemon, _, world = spool_setup(lab)
    path = big_file(lab, n)
    running = subprocess.Popen(daemon.command("suppress", "import", path), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    wait_for("the first rows", lambda: daemon.ctl("suppress", "list", "--limit", "1")["total"] > 0, 60)
    daemon.kill()
    running.wait(timeout=30)
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    partial = daemon.ctl("suppress", "list", "--limit", "1")["total"]
    check(0 < partial <= n, f"{partial} of {n}")
    sound(daemon)
    got = daemon.ctl("suppress", "import", path)
    check_eq((got["rows"], got["added"] + got["same"], got["rejected"]), (n, n, 0))
    check_eq(daemon.ctl("suppress", "list", "--limit", "1")["counts"]["hard-bounce"], n)
    check_eq(entries(daemon, f"user{n - 1}@d{(n - 1) % 9973}.example"), [("hard-bounce", "all")])
    daemon.signal(signal.SIGTERM)
    wait_for("the end", lambda: not daemon.alive(), 60)
    last = lab.add(Daemon(lab, "last", daemon.config_path, daemon.socket))
    check_eq(last.ctl("suppress", "list", "--limit", "1")["total"], n, "after a restart")
    check_eq(entries(last, "user7@d7.example"), [("hard-bounce", "all")])
