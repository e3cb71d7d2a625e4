"""What holds a campaign back: speed, hours, caps, too many bounces, missed schedules; and who goes first."""
import datetime
import time

import newsletter
from lab import CommandError, Daemon, check, check_accounts, check_eq, wait_for
from test_campaign import csv, field, setup

DOMAIN = "asagao-mail.test"


def campaign(lab, daemon, name, rows, extra="", start=True, header="email,name,prefecture,points"):
    """A campaign to a list of its own."""
    daemon.import_leads(csv(lab, rows, name=f"{name}.csv", header=header), name)
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, extra, lists=name))
    if start:
        daemon.ctl("campaign", "start", name)


def users(prefix, count, domain=DOMAIN):
    return [field(f"{prefix}{i}", domain) for i in range(count)]


def whose(sink, *prefixes):
    """The prefix of each delivered address, in order."""
    return [next(p for p in prefixes if r.startswith(p)) for r in sink.delivered()]


def finished(daemon, name, timeout=60.0):
    c = daemon.wait_campaign(name, timeout=timeout)
    check_accounts(c)
    balanced, text = daemon.audit()
    check(balanced, text)
    return c


def test_a_campaign_goes_no_faster_than_its_speed_while_another_does(lab):
    daemon, sink, world = setup(lab, key=False, config={"delivery.workers": 2})
    domains = [d for d, x in world.domains.items() if x["kind"] in ("plain", "giant")]
    check(len(domains) > 50, "many lanes share the speed")
    slow = [field(f"slow{i}", domains[i % len(domains)]) for i in range(150)]
    began = time.monotonic()
    campaign(lab, daemon, "slow", slow, extra="speed: 30/s\n")
    campaign(lab, daemon, "fast", [field(f"fast{i}", domains[i % len(domains)]) for i in range(1500)])
    finished(daemon, "fast")
    check(daemon.campaign("slow")["pending"] > 0, "the slow campaign was as fast")
    finished(daemon, "slow")
    took = time.monotonic() - began
    check(took > (150 - 30) / 30, f"150 mails at 30/s went within {took:.1f} s")
    check_eq(sorted(r for r in sink.delivered() if r.startswith("slow")), sorted(r.split(",")[0] for r in slow))


def test_lanes_that_are_held_do_not_stop_the_line_for_the_speed(lab):
    daemon, sink, world = setup(lab, key=False, config={"delivery.workers": 1})
    domains = [d for d, x in world.domains.items() if x["kind"] == "plain"][:60]
    rows = [field(f"user{i}", d) for d in domains for i in range(2)]
    campaign(lab, daemon, "slow", rows, extra="speed: 2/s\n")
    wait_for("messages", lambda: sink.stats()["messages"] > 1)
    wait_for("what a lane waits for",
             lambda: daemon.ctl("lane", "show", domains[59])["lanes"][0]["waits_for"] == "speed")
    for d in domains[:52]:
        daemon.ctl("lane", "hold", "--site", f"*.{d}")
    free = set(domains[52:])
    wait_for("all that is not held",
             lambda: sum(r.split("@")[1] in free for r in sink.delivered()) == 2 * len(free), timeout=40)
    check(daemon.campaign("slow")["pending"] > 0, "nothing was held")


def test_transactional_mail_overtakes_a_blast_in_its_lane(lab):
    daemon, sink, _ = setup(lab, key=False, sink_args=["--delay", "dot:20"], shaping=lab.shaping(connections=2))
    campaign(lab, daemon, "bulk", users("bulk", 4000))
    wait_for("the blast", lambda: sink.stats()["messages"] > 100)
    campaign(lab, daemon, "trigger", users("trigger", 20), extra="priority: transactional\n")
    finished(daemon, "trigger")
    check(daemon.campaign("bulk")["pending"] > 2000, "the blast was over before")
    order = whose(sink, "bulk", "trigger")
    first, last = order.index("trigger"), len(order) - 1 - order[::-1].index("trigger")
    check(last - first < 3 * 20, f"{last - first - 19} bulk mails between 20 transactional ones")
    daemon.ctl("campaign", "cancel", "bulk")
    daemon.wait_campaign("bulk", done=lambda c: c["pending"] == 0)


def test_campaigns_share_a_lane_by_their_weights(lab):
    daemon, sink, _ = setup(lab, key=False, sink_args=["--delay", "dot:3"], shaping=lab.shaping(connections=2))
    campaign(lab, daemon, "heavy", users("heavy", 1500), extra="weight: 30\n", start=False)
    campaign(lab, daemon, "light", users("light", 1500), extra="weight: 10\n", start=False)
    for name in ("light", "heavy"):
        daemon.ctl("campaign", "start", name)
    for name in ("light", "heavy"):
        finished(daemon, name)
    order = whose(sink, "heavy", "light")
    both = order[order.index("heavy"):]
    share = both[50:1050].count("heavy")
    check(650 <= share <= 850, f"{share} of 1000 are of the campaign that weighs three quarters")


def clock(moment):
    return moment.strftime("%H:%M")


def test_hours_open_and_shut_a_campaign(lab):
    daemon, sink, _ = setup(lab, key=False, sink_args=["--delay", "dot:50"], shaping=lab.shaping(connections=2))
    now = datetime.datetime.now(datetime.timezone.utc)
    if now.second > 50:
        time.sleep(61 - now.second)
        now = datetime.datetime.now(datetime.timezone.utc)
    turn, hour = now + datetime.timedelta(minutes=1), datetime.timedelta(hours=1)
    campaign(lab, daemon, "shuts", users("shuts", 6000),
             extra=f'hours: "{clock(now - hour)}-{clock(turn)}"\ntime_zone: UTC\nspeed: 20/s\n')
    campaign(lab, daemon, "opens", users("opens", 20),
             extra=f'hours: "{clock(turn)}-{clock(turn + hour)}"\ntime_zone: UTC\n')
    wait_for("mail of the open campaign", lambda: sink.stats()["messages"] > 10)
    check("opens" not in whose(sink, "shuts", "opens"), "mail before its hours")
    check_eq(daemon.campaign("opens")["pending"], 20)
    finished(daemon, "opens", timeout=90)
    check_eq(datetime.datetime.now(datetime.timezone.utc).minute, turn.minute, "minute in which the hours began")
    wait_for("the end of what was on the wire", lambda: sink.stats()["connections"]["open"] == 0, 20)
    gone = whose(sink, "shuts", "opens").count("shuts")
    time.sleep(2)
    check_eq(whose(sink, "shuts", "opens").count("shuts"), gone, "mail after its hours")
    c = daemon.campaign("shuts")
    check_accounts(c)
    check_eq((c["state"], c["delivered"], c["pending"]), ("running", gone, 6000 - gone))


def test_hours_by_lead_wait_for_the_morning_of_each(lab):
    daemon, sink, _ = setup(lab, key=False)
    now = datetime.datetime.now(datetime.timezone.utc)
    begin = now - datetime.timedelta(hours=2)
    rows = [field("here", DOMAIN) + ",", field("same", DOMAIN) + ",UTC", field("nonsense", DOMAIN) + ",../../etc/passwd",
            field("far", DOMAIN) + ",Etc/GMT+6", field("tokyo", DOMAIN) + ",Asia/Tokyo"]
    campaign(lab, daemon, "worldwide", rows, header="email,name,prefecture,points,time_zone",
             extra=f'hours: "{clock(begin)}-{clock(begin + datetime.timedelta(hours=4))}"\n'
                   "time_zone: UTC\nhours_by_lead: true\n")
    daemon.wait_campaign("worldwide", done=lambda c: c["delivered"] == 3 and c["deferred"] == 2)
    check_eq(sorted(sink.delivered()), [f"{n}@{DOMAIN}" for n in ("here", "nonsense", "same")])
    for name, offset in (("far", -6), ("tokyo", 9)):
        message = daemon.ctl("explain", f"{name}@{DOMAIN}")["messages"][0]
        due = datetime.datetime.fromisoformat(message["due"].replace("Z", "+00:00"))
        local = due + datetime.timedelta(hours=offset)
        minutes = (local.hour * 60 + local.minute - begin.hour * 60 - begin.minute) % 1440
        check(due > now and 0 <= minutes <= 16, f"{name} is due at {local} of its day, which begins at {clock(begin)}")
        check("hours" in message["attempts"][-1]["text"], message)
    balanced, text = daemon.audit()
    check(balanced, text)


def test_no_lead_gets_more_mail_than_the_cap_even_from_campaigns_at_once(lab):
    daemon, sink, _ = setup(lab, key=False, config={"campaign.frequency_cap": "2/24h"},
                            sink_args=["--reply", "rcpt:450:4.2.0 later:20%"])
    rows = users("user", 200)
    for name in ("one", "two", "three"):
        campaign(lab, daemon, name, rows, start=False)
    for name in ("one", "two", "three"):
        daemon.ctl("campaign", "start", name)
    done = [finished(daemon, name) for name in ("one", "two", "three")]
    per_lead = [sink.delivered().count(r.split(",")[0]) for r in rows]
    check_eq((min(per_lead), max(per_lead)), (2, 2), "mails to each lead")
    check_eq((sum(c["delivered"] for c in done), sum(c["suppressed"] for c in done)), (400, 200))
    suppressed = [m for m in daemon.ctl("explain", f"user7@{DOMAIN}")["messages"] if m["state"] == "suppressed"]
    check("had enough mail: 2 within 24 hours" in suppressed[0]["attempts"][-1]["text"], suppressed)
    campaign(lab, daemon, "reset", rows[:5], extra="priority: transactional\n")
    campaign(lab, daemon, "recall", rows[:5], extra="ignore_frequency_cap: true\n")
    check_eq([finished(daemon, n)["delivered"] for n in ("reset", "recall")], [5, 5])
    daemon.kill()
    daemon = lab.add(Daemon(lab, "hayaumad", daemon.config_path, daemon.socket))
    campaign(lab, daemon, "four", rows)
    check_eq(finished(daemon, "four")["suppressed"], 200, "the cap is remembered over kill -9")


def test_a_surge_of_bounces_pauses_a_campaign_with_its_reason(lab):
    daemon, sink, _ = setup(lab, key=False, config={"campaign.pause_sample": 100},
                            shaping=lab.shaping(connections=2),
                            sink_args=["--reply", "domain=kinako.test,rcpt:550:5.1.1 no such user:100%", "--delay", "dot:5"])
    campaign(lab, daemon, "old-list", users("good", 300) + users("gone", 3000, "kinako.test"))
    c = daemon.wait_campaign("old-list", done=lambda c: c["state"] == "paused")
    check("bounced (pause_on_bounces)" in c["note"], c["note"])
    check("why" in daemon.run("campaign", "show", "old-list").stdout, "the reason for people")
    check(c["bounced"] < 300, f"{c['bounced']} bounced before the brake")
    daemon.ctl("campaign", "resume", "old-list")
    c = daemon.wait_campaign("old-list", done=lambda c: c["state"] == "paused")
    check(c["note"], "paused again for the same reason")
    campaign(lab, daemon, "stubborn", users("lost", 300, "kinako.test"), extra="pause_on_bounces: never\n")
    check_eq(finished(daemon, "stubborn")["bounced"], 300)


def requires_keys(daemon, before, reload=True):
    with open(daemon.config_path, "w", encoding="utf-8") as f:
        f.write(before + "\ndkim:\n  required: true\n")
    if reload:
        daemon.ctl("reload")


def test_a_campaign_that_cannot_be_sent_any_more_is_paused_with_the_reason_and_not_resumed(lab):
    daemon, sink, _ = setup(lab, key=False, shaping=lab.shaping(connections=1), sink_args=["--delay", "dot:20"])
    campaign(lab, daemon, "unsigned", users("user", 500))
    wait_for("the first mail", sink.delivered)
    with open(daemon.config_path, encoding="utf-8") as f:
        before = f.read()
    requires_keys(daemon, before, reload=False)
    daemon.stop()
    daemon = lab.add(Daemon(lab, "hayaumad", daemon.config_path, daemon.socket))
    c = daemon.wait_campaign("unsigned", done=lambda c: c["state"] == "paused" and c["note"])
    check("cannot be sent: no DKIM key signs for" in c["note"], c["note"])
    refused = daemon.run("campaign", "resume", "unsigned")
    check(refused.returncode == 1 and "no DKIM key signs for" in refused.stderr, refused.stdout + refused.stderr)
    check_eq(daemon.campaign("unsigned")["state"], "paused")
    with open(daemon.config_path, "w", encoding="utf-8") as f:
        f.write(before)
    daemon.ctl("reload")
    daemon.ctl("campaign", "resume", "unsigned")
    c = finished(daemon, "unsigned")
    check_eq((c["delivered"], c["note"]), (500, ""))


def test_start_and_resume_are_refused_in_the_same_words(lab):
    daemon, sink, _ = setup(lab, key=False, shaping=lab.shaping(connections=1), sink_args=["--delay", "dot:20"])
    campaign(lab, daemon, "begun", users("user", 500))
    campaign(lab, daemon, "not-begun", users("other", 5), start=False)
    wait_for("the first mail", sink.delivered)
    daemon.ctl("campaign", "pause", "begun")
    with open(daemon.config_path, encoding="utf-8") as f:
        requires_keys(daemon, f.read())
    words = {daemon.run("campaign", *command).stderr
             for command in (["start", "not-begun"], ["resume", "begun"], ["resume", "not-begun"])}
    check(len(words) == 1 and "no DKIM key signs for" in words.pop(), "one refusal, thrice")


def test_a_schedule_that_was_missed_is_held_for_a_person(lab):
    daemon, sink, _ = setup(lab, key=False, config={"campaign.stale_after": "10s"})
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    campaign(lab, daemon, "morning", users("user", 10), start=False,
             extra=f"start_at: {soon.strftime('%Y-%m-%dT%H:%M:%SZ')}\n")
    daemon.stop()
    time.sleep(14)
    daemon = lab.add(Daemon(lab, "hayaumad", daemon.config_path, daemon.socket))
    c = daemon.wait_campaign("morning", done=lambda c: c["state"] == "paused")
    check("was missed" in c["note"], c)
    check_eq(sink.delivered(), [])
    daemon.ctl("campaign", "resume", "morning")
    c = finished(daemon, "morning")
    check_eq((c["delivered"], c["note"]), (10, ""))


def test_brakes_that_contradict_each_other_are_refused(lab):
    daemon, _, _ = setup(lab, key=False)
    for extra, word in (("priority: transactional\nhours: 09:00-20:00\n", "hours"), ("hours: 9-20\n", "09:00-20:00"),
                        ("time_zone: Asia/Edo\n", "Asia/Edo"), ("weight: 0\n", "1 to 100"), ("speed: fast\n", "speed")):
        try:
            campaign(lab, daemon, "wrong", users("user", 1), extra=extra, start=False)
        except CommandError as e:
            check(word in e.output and "wrong.yaml:" in e.output, e.output)
        else:
            check(False, f"taken: {extra}")
