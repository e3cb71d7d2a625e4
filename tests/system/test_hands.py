"""The operator's hands: holding and slowing lanes, and the log of what was done."""
import os
import signal
import time

import newsletter
from lab import check, check_accounts, check_eq, wait_for
from test_campaign import csv, field, setup

HELD, FREE = "asagao-mail.test", "kinako.test"


def start(lab, daemon, rows):
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")


def to(sink, domain):
    return sum(1 for rcpt in sink.delivered() if rcpt.endswith("@" + domain))


def still(read, seconds=1.0):
    """Whether nothing is added for a while."""
    before = read()
    time.sleep(seconds)
    return read() == before


def test_a_held_domain_waits_while_others_go_and_goes_when_released(lab):
    daemon, sink, _ = setup(lab)
    order = daemon.ctl("lane", "hold", "--domain", HELD)
    check_eq((order["order"], order["scope"], order["name"], order["until"]), ("hold", "domain", HELD, None))
    start(lab, daemon, [field(f"user{i}", d) for d in (HELD, FREE) for i in range(300)])
    wait_for("the other domain", lambda: to(sink, FREE) == 300)
    check_eq(to(sink, HELD), 0, "mail to a held domain")
    check_eq(len(daemon.ctl("lane", "list")["orders"]), 1)
    daemon.ctl("lane", "release", str(order["no"]))
    c = daemon.wait_campaign("newsletter", timeout=60)
    check_eq((c["delivered"], to(sink, HELD)), (600, 300))
    check_accounts(c)
    acts = [(a["act"], a.get("name")) for a in daemon.ctl("acts")["acts"]]
    check_eq(acts, [("lane.release", HELD), ("campaign.start", None), ("campaign.create", None), ("import", None),
                    ("lane.hold", HELD)], "the newest first")


def test_a_hold_in_the_middle_stops_a_provider_and_outlives_a_restart(lab):
    daemon, sink, world = setup(lab, sink_args=["--delay", "dot:20"], shaping=lab.shaping(connections=4))
    start(lab, daemon, [field(f"user{i}", HELD) for i in range(2000)])
    wait_for("messages", lambda: sink.stats()["messages"] > 50)
    daemon.ctl("lane", "hold", "--provider", "default")
    wait_for("stillness", lambda: still(lambda: sink.stats()["messages"]))
    check(any(s["held"] for s in daemon.ctl("sites")["sites"]), "the site says that it is held")
    sent = sink.stats()["messages"]
    check(sent < 2000, "it was over before it was held")
    daemon.stop()
    daemon = lab.daemon(world, config={"paths.shaping": lab.shaping(connections=4)}, name="hayaumad")
    check_eq([o["name"] for o in daemon.ctl("lane", "list")["orders"]], ["default"])
    wait_for("stillness after the restart", lambda: still(lambda: sink.stats()["messages"]))
    check_eq(sink.stats()["messages"], sent, "nothing went out while held")
    daemon.ctl("lane", "release", "1")
    wait_for("it goes on", lambda: sink.stats()["messages"] > sent + 100)


def test_a_hold_ends_by_itself_and_a_stop_does_not_wait_for_what_is_held(lab):
    daemon, sink, _ = setup(lab)
    daemon.ctl("lane", "hold", "--site", f"*.{HELD}", "--for", "2s")
    daemon.ctl("lane", "hold", "--domain", FREE)
    start(lab, daemon, [field(f"user{i}", d) for d in (HELD, FREE) for i in range(50)])
    wait_for("its end", lambda: to(sink, HELD) == 50)
    check("lane.expired" in [a["act"] for a in daemon.ctl("acts")["acts"]], "the end is an act too")
    daemon.ctl("campaign", "pause", "newsletter")
    daemon.ctl("campaign", "resume", "newsletter")
    check_eq(to(sink, FREE), 0, "mail to the held domain")
    daemon.stop(timeout=10)


def sent_in(sink, seconds):
    """Messages a second, over some seconds."""
    before, since = sink.stats()["messages"], time.monotonic()
    time.sleep(seconds)
    return (sink.stats()["messages"] - before) / (time.monotonic() - since)


def test_a_slowed_lane_sends_a_share_of_what_it_did_and_says_who_ordered_it(lab):
    """Of one connection too, with no rate in the rule. What the machine is busy with changes both alike, so
    that only the ratio counts."""
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:20"], shaping=lab.shaping(connections=1))
    start(lab, daemon, [field(f"user{i}", HELD) for i in range(4000)])
    wait_for("messages", lambda: sink.stats()["messages"] > 100)
    before = sent_in(sink, 3)
    no = daemon.ctl("lane", "slow", "--provider", "default", "--factor", "5")["no"]
    wait_for("the order", lambda: daemon.ctl("sites")["sites"][0]["order"])
    after = sent_in(sink, 4)
    check(before / 10 < after < before / 2.5, f"{before:.1f} messages/s before, {after:.1f} after")
    order = daemon.ctl("sites")["sites"][0]["order"]
    check_eq((order["no"], order["order"], order["factor"], order["user"] is not None), (no, "slow", 5, True))
    check(before / 10 < order["rate"] < before / 2.5, f"{order} after {before:.1f}")
    check_eq([o["no"] for o in daemon.ctl("site", HELD)["orders"]], [no])
    lane = daemon.ctl("lane", "show", HELD)["lanes"][0]
    check(0 < lane["window_rate"] <= lane["order"]["rate"] * 1.01, f"the pace that is shown: {lane}")
    by = f"by order {no} of {order['user']}"
    sent = set(sink.delivered())
    waits = [f"user{i}@{HELD}" for i in range(4000) if f"user{i}@{HELD}" not in sent][-1]
    for args in (["lane", "show", HELD], ["site", HELD], ["explain", waits]):
        text = daemon.run(*args).stdout
        check("slowed to 1/5" in text and by in text, f"{args}: {text}")
    check(f"[1/5: {no}]" in daemon.run("sites").stdout, daemon.run("sites").stdout)
    daemon.ctl("lane", "release", str(no))
    check(sent_in(sink, 3) > before / 2, "it goes on as before")


def test_a_slowed_provider_has_a_share_of_its_limits_over_all_lanes(lab):
    """The limits of a whole provider bind its lanes here, not their own: two sites, one rule."""
    rules = f"""
rules:
  - name: both
    domains: [{HELD}, {FREE}]
    provider: {{message_rate: 40/s}}
"""
    daemon, sink, _ = setup(lab, shaping=lab.shaping(connections=4, rules=rules))
    start(lab, daemon, [field(f"user{i}", d) for i in range(2000) for d in (HELD, FREE)])
    wait_for("messages", lambda: sink.stats()["messages"] > 80)
    before = sent_in(sink, 3)
    daemon.ctl("lane", "slow", "--provider", "both", "--factor", "5")
    wait_for("the order", lambda: all(s["order"] for s in daemon.ctl("sites")["sites"]))
    after = sent_in(sink, 4)
    check(before / 10 < after < before / 2.5, f"{before:.1f} messages/s before, {after:.1f} after")
    limits = {x.split()[0]: x for x in daemon.run("site", HELD).stdout.splitlines() if x.strip()}
    check("1/5" in limits["provider.message_rate"] and "1/5" not in limits["provider.connections"],
          limits["provider.message_rate"])


def test_a_slow_lane_has_fewer_connections(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:100"], shaping=lab.shaping(connections=8))
    daemon.ctl("lane", "slow", "--provider", "default", "--factor", "4")
    start(lab, daemon, [field(f"user{i}", HELD) for i in range(1000)])
    wait_for("two connections", lambda: sink.stats()["connections"]["open"] == 2)
    check_eq(daemon.ctl("sites")["sites"][0]["window"], 2)
    daemon.ctl("lane", "release", "1")
    wait_for("eight connections", lambda: sink.stats()["connections"]["open"] == 8)


def test_every_act_that_changes_something_or_takes_data_out_is_logged_with_who(lab):
    daemon, _, _ = setup(lab)
    daemon.import_leads(csv(lab, [field("user1", FREE)]))
    campaign = daemon.ctl("campaign", "create", newsletter.campaign_file(lab))["id"]
    daemon.ctl("reload")
    daemon.signal(signal.SIGHUP)
    daemon.ctl("backup", lab.path("copy"))
    for export in (["list", "export", "news"], ["suppress", "export"]):
        check_eq(daemon.run(*export).returncode, 0, str(export))
    daemon.ctl("import", "--dry-run", csv(lab, [field("user2", FREE)]))
    want = ["backup", "campaign.create", "import", "list.export", "reload", "reload", "suppress.export"]
    wait_for("all of them", lambda: len(daemon.ctl("acts")["acts"]) >= len(want))
    acts = daemon.ctl("acts")["acts"]
    check_eq(sorted(a["act"] for a in acts), want, "and no other")
    check_eq({a["uid"] for a in acts}, {os.getuid()})
    by = {a["act"]: a for a in acts}
    check_eq((by["campaign.create"]["campaign"], by["backup"]["path"], by["list.export"]["rows"], by["import"]["list"]),
             (campaign, lab.path("copy"), 1, "news"))
    check_eq(sorted(a.get("by", "") for a in acts if a["act"] == "reload"), ["", "SIGHUP"])


USAGE = ("name one of", "how slow", "can only be held")


def test_what_makes_no_sense_is_refused_with_the_reason(lab):
    daemon, _, _ = setup(lab)
    for args, why in ((["hold"], "name one of"), (["slow", "--provider", "x"], "how slow"),
                      (["slow", "--domain", "x.test", "--factor", "2"], "can only be held"),
                      (["hold", "--provider", "gmial"], "no shaping rule 'gmial'"),
                      (["hold", "--provider", "default", "--source", "nosuch"], "no source 'nosuch'"),
                      (["hold", "--domain", "x y\x1b[31m"], "is no domain"), (["hold", "--site", "a b"], "no name of a site"),
                      (["release", "7"], "no order 7"), (["hold", "--domain", "a", "--site", "b"], "name one of")):
        done = daemon.run("lane", *args)
        check_eq(done.returncode, 2 if why in USAGE else 1, str(args))
        check(why in done.stderr, f"{args}: {done.stderr}")
    check_eq(daemon.run("lane", "hold", "--domain", "x.test", "--for", "soon").returncode, 2)
    check_eq(daemon.ctl("acts")["acts"], [], "what was refused is no act")
    for args, said in ((["queue"], "Nothing waits."), (["queue", "list"], "Nothing waits."),
                       (["queue", "list", "--state", "held"], "Nothing like that waits."),
                       (["sites"], "Nothing is being sent now.")):
        check_eq(daemon.run(*args).stdout, said + "\n", str(args))
    daemon.stop()
    done = daemon.run("lane", "hold")
    check_eq((done.returncode, "name one of" in done.stderr), (2, True), "what is wrong is said without the daemon")


def test_lane_show_tells_one_site_in_full_by_its_domain_and_by_its_name(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:50"], shaping=lab.shaping(connections=2))
    start(lab, daemon, [field(f"user{i}", HELD) for i in range(500)])
    wait_for("replies", lambda: sink.stats()["messages"] > 10)
    shown = daemon.ctl("lane", "show", HELD)
    lane = shown["lanes"][0]
    check_eq((shown["orders"], lane["source"], lane["connections"], lane["ceiling"], lane["waits_for"]),
             ([], "default", 2, 2, ""))
    check(lane["waiting"] > 100 and lane["on_wire"] > 0, lane)
    check_eq([(r["code"], r["enhanced"][:1]) for r in lane["replies"]], [(250, "2")])
    limit = next(x for x in shown["limits"] if x["key"] == "connections")
    check("shaping.yaml:" in limit["at"], limit)
    daemon.ctl("lane", "hold", "--site", shown["site"], "--for", "1h")
    wait_for("the hold", lambda: daemon.ctl("lane", "show", shown["site"])["lanes"][0]["waits_for"] == "order")
    by_name = daemon.ctl("lane", "show", shown["site"])
    check_eq((by_name["site"], [o["order"] for o in by_name["orders"]]), (shown["site"], ["hold"]))
    check_eq(daemon.ctl("lane", "show", HELD, "--source", "none")["lanes"], [])
    done = daemon.run("lane", "show", HELD)
    check("held by an order" in done.stdout and "250 2." in done.stdout and "hold site" in done.stdout, done.stdout)
    done = daemon.run("lane", "show", "*.nowhere.example")
    check_eq(done.returncode, 1)
    check("nothing is being sent" in done.stderr, done.stderr)


def test_an_order_for_a_site_where_nothing_goes_is_taken_and_says_so(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:50"], shaping=lab.shaping(connections=2))
    start(lab, daemon, [field(f"user{i}", HELD) for i in range(500)])
    wait_for("a site", lambda: daemon.ctl("sites")["sites"])
    site = daemon.ctl("sites")["sites"][0]["site"]
    none = daemon.ctl("lane", "slow", "--site", "mx.nosuch.test", "--factor", "2")
    check_eq(none["at_work"], False)
    check_eq(daemon.ctl("lane", "slow", "--site", site, "--factor", "2")["at_work"], True)
    said = daemon.run("lane", "hold", "--site", "*.nosuch.test").stdout
    check("is in force" in said and "No such site is at work" in said, said)
    check("at_work" not in daemon.ctl("lane", "slow", "--provider", "default", "--factor", "2"), "only sites are looked for")


def test_top_shows_one_look_off_a_terminal(lab):
    daemon, _, _ = setup(lab, sink_args=["--delay", "dot:50"], shaping=lab.shaping(connections=2))
    start(lab, daemon, [field(f"user{i}", HELD) for i in range(500)])
    wait_for("a site", lambda: daemon.ctl("sites")["sites"])
    done = daemon.run("top", "--once", "--interval", "0.3")
    check_eq((done.returncode, done.stderr), (0, ""))
    check("newsletter" in done.stdout and HELD in done.stdout and "\033" not in done.stdout, done.stdout)
    look = daemon.ctl("top", "--interval", "0.3")
    check_eq([c["name"] for c in look["campaigns"]], ["newsletter"])
    check_eq(look["counters"]["connections"], 2)
    check("250" in look["sites"][0]["last_reply"], str(look["sites"]))
