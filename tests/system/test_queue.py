"""The operator's hands on the queue: rows are listed, tried now, put off, taken out, while mail goes on."""
import threading
import time

import newsletter
from lab import CommandError, check, check_accounts, check_eq, wait_for
from test_campaign import csv, field, setup
from test_hands import still, to

SLOW, OTHER = "asagao-mail.test", "kinako.test"


def start(lab, daemon, rows, extra=""):
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, extra=extra))
    daemon.ctl("campaign", "start", "newsletter")


def hourly(lab):
    """Rules under which what is deferred stays so for the length of a test."""
    with open(lab.shaping(connections=8, expire="3d"), encoding="utf-8") as f:
        text = f.read()
    return lab.write("hourly.yaml", text.replace("first: 1s", "first: 1h").replace("longest: 4s", "longest: 2h"))


def balanced(daemon):
    good, text = daemon.audit()
    check(good, text)


def last_act(daemon, name):
    acts = [a for a in daemon.ctl("acts")["acts"] if a["act"] == name]
    check(acts, f"no act {name}")
    return acts[0]


def test_rows_are_taken_out_while_their_campaign_is_sent_and_their_life_says_why(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:20"], shaping=lab.shaping(connections=4))
    start(lab, daemon, [field(f"user{i}", d) for d in (SLOW, OTHER) for i in range(1500)])
    wait_for("messages to both", lambda: to(sink, SLOW) > 20 and to(sink, OTHER) > 20)
    look = daemon.ctl("queue", "purge", "--domain", SLOW, "--dry-run")
    check_eq((look["dry_run"], look["changed"], look["domains"]), (True, 0, 1))
    check_eq([t["domain"] for t in look["top"]], [SLOW])
    done = daemon.ctl("queue", "purge", "--domain", SLOW, "--reason", "wrong price", "--yes")
    check(0 < done["changed"] <= look["rows"], f"{done['changed']} of {look['rows']}")
    c = daemon.wait_campaign("newsletter", timeout=90)
    check_accounts(c)
    balanced(daemon)
    check_eq(to(sink, OTHER), 1500, "the other domain")
    delivered = sink.delivered()
    check_eq(len(delivered), len(set(delivered)), "nobody got two")
    # What was on the wire when it was taken out may have been delivered all the same.
    check(c["cancelled"] <= done["changed"] <= c["cancelled"] + 8, f"{c['cancelled']} cancelled, {done}")
    check_eq(to(sink, SLOW) + c["cancelled"], 1500)
    act = last_act(daemon, "queue.purge")
    check_eq((act["domain"], act["rows"], act["complete"], act["reason"]), (SLOW, done["changed"], True, "wrong price"))
    gone = next(f"user{i}@{SLOW}" for i in range(1500) if f"user{i}@{SLOW}" not in delivered)
    message = daemon.ctl("explain", gone)["messages"][0]
    check_eq(message["state"], "cancelled")
    check("wrong price" in message["attempts"][-1]["text"], str(message["attempts"]))


def test_what_is_on_the_wire_while_rows_are_bounced_by_hand_counts_as_delivered(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:2000"], shaping=lab.shaping(connections=4))
    start(lab, daemon, [field(f"user{i}", SLOW) for i in range(100)])
    wait_for("messages on the wire", lambda: to(sink, SLOW) > 0)
    daemon.ctl("queue", "purge", "--domain", SLOW, "--bounce", "--yes")
    c = daemon.wait_campaign("newsletter", timeout=60)
    wait_for("stillness", lambda: still(lambda: to(sink, SLOW)), timeout=30)
    wait_for("the last outcome", lambda: daemon.campaign("newsletter")["delivered"] == to(sink, SLOW), timeout=30)
    c = daemon.campaign("newsletter")
    check_accounts(c)
    check_eq((c["delivered"] + c["bounced"], c["attempts"]), (100, to(sink, SLOW)))
    for address in sink.delivered():
        message = daemon.ctl("explain", address)["messages"][0]
        check_eq(message["state"], "delivered", address)
    balanced(daemon)


def test_deferred_rows_are_tried_at_once_when_asked(lab):
    daemon, sink, _ = setup(lab, sink_args=["--greylist", "*"], shaping=hourly(lab))
    start(lab, daemon, [field(f"user{i}", d) for d in (SLOW, OTHER) for i in range(200)])
    wait_for("all to be deferred", lambda: daemon.campaign("newsletter")["deferred"] == 400, timeout=60)
    rows = daemon.ctl("queue", "list", "--code", "45x", "--domain", SLOW, "--limit", "5")
    check_eq((len(rows["rows"]), rows["total"]), (5, 200))
    check_eq({(r["state"], r["code"], r["attempts"]) for r in rows["rows"]}, {("deferred", 450, 1)})
    check_eq(daemon.ctl("queue", "list", "--code", "421")["total"], 0)
    check_eq(daemon.ctl("queue", "list", "--reply", "^450 ")["total"], 400)
    check_eq(daemon.ctl("queue", "list", "--provider", "gmail")["total"], 0)
    check_eq(daemon.ctl("queue", "list", "--provider", "default", "--site", f"*.{SLOW}")["total"], 200)
    one = f"user7@{OTHER}"
    check_eq([r["recipient"] for r in daemon.ctl("queue", "list", "--recipient", one)["rows"]], [one])
    time.sleep(1.1)  # the sink takes nobody within a second of the first attempt
    check_eq(daemon.ctl("queue", "retry", "--recipient", one)["changed"], 1)
    # settled, not only taken by the sink: a row on its way would be among those that --all means
    wait_for("that one", lambda: daemon.campaign("newsletter")["delivered"] == 1, timeout=60)
    check_eq(sink.delivered(), [one])
    done = daemon.ctl("queue", "retry", "--all", "--yes")
    check_eq(done["changed"], 399)
    c = daemon.wait_campaign("newsletter", timeout=30)
    check_eq((c["delivered"], c["attempts"]), (400, 800))
    balanced(daemon)
    check_eq(last_act(daemon, "queue.retry")["rows"], 399)


def test_rows_are_put_off_in_the_middle_and_go_when_they_are_called_back(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:20"], shaping=lab.shaping(connections=4, expire="3d"))
    start(lab, daemon, [field(f"user{i}", SLOW) for i in range(1000)])
    wait_for("messages", lambda: to(sink, SLOW) > 20)
    moved = daemon.ctl("queue", "move", "--site", f"*.{SLOW}", "--in", "2h", "--yes")
    check(moved["changed"] > 500, str(moved))
    wait_for("stillness", lambda: still(lambda: to(sink, SLOW)))
    c = daemon.campaign("newsletter")
    check_eq((c["state"], c["fresh"]), ("running", 0))
    check(c["deferred"] > 500, str(c))
    check(daemon.ctl("queue", "retry", "--domain", SLOW)["changed"] == c["deferred"], "all of them are called back")
    c = daemon.wait_campaign("newsletter", timeout=60)
    check_eq((c["delivered"], len(set(sink.delivered()))), (1000, 1000))
    check_eq(len(sink.delivered()), 1000, "nobody got two")
    balanced(daemon)


def test_kill_in_the_middle_of_a_purge_loses_nothing_and_the_act_says_how_far_it_came(lab):
    daemon, _, world = setup(lab, shaping=lab.shaping(connections=1), sink_args=["--delay", "dot:500"])
    start(lab, daemon, [field(f"u{i}", SLOW) for i in range(150000)])
    wait_for("rows", lambda: daemon.campaign("newsletter")["queued"] == 150000, timeout=60)

    def purge():
        try:
            daemon.ctl("queue", "purge", "--all", "--yes")
        except CommandError:
            pass  # the daemon is killed meanwhile

    purging = threading.Thread(target=purge)
    purging.start()
    wait_for("the first of them", lambda: daemon.campaign("newsletter")["cancelled"] > 0, every=0.001)
    daemon.kill()
    purging.join()
    daemon = lab.daemon(world, config={"paths.shaping": lab.shaping(connections=1)}, name="hayaumad")
    c = daemon.campaign("newsletter")
    check_accounts(c)
    balanced(daemon)
    act = last_act(daemon, "queue.purge")
    # What was on the wire when it was taken out may have been delivered all the same.
    check(c["cancelled"] <= act["rows"] <= c["cancelled"] + 8, f"{c['cancelled']} cancelled, {act}")
    check_eq(act["complete"], act["rows"] >= 149990)
    daemon.ctl("queue", "purge", "--all", "--yes")
    wait_for("its end", lambda: daemon.campaign("newsletter")["state"] == "done", timeout=30)
    check_accounts(daemon.campaign("newsletter"))
    balanced(daemon)


def test_what_makes_no_sense_is_refused_with_the_reason(lab):
    daemon, _, _ = setup(lab)
    for args, code, why in ((["purge"], 2, "which rows"), (["purge", "--all"], 2, "say --yes"),
                            (["move", "--all"], 2, "say when"),
                            (["move", "--all", "--in", "30s"], 2, "say when"),
                            (["retry", "--state", "sent"], 1, "is no state"), (["list", "--code", "4"], 1, "no reply code"),
                            (["list", "--reply", "("], 1, "regular expression"),
                            (["list", "--domain", "nobody.test"], 1, "no lead and no ready message is at"),
                            (["list", "--recipient", "a@b.test", "--domain", "b.test"], 1, "one domain"),
                            (["list", "--older-than", "soon"], 2, "takes a time"),
                            (["purge", "--campaign", "none", "--yes"], 1, "no campaign")):
        done = daemon.run("queue", *args)
        check_eq((done.returncode, why in done.stderr), (code, True), f"{args}: {done.stderr}")
    check_eq(daemon.ctl("queue", "purge", "--all", "--yes")["changed"], 0)
    check_eq(daemon.ctl("acts")["acts"], [], "what changed nothing is no act")
