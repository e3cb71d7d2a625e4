"""Events out: files of JSON lines with each line exactly once, and signed webhooks that never hold up mail."""
import json
import os
import random
import sys
import time

from event_lab import ENDS, KEY, check_ends, check_schema, endpoint, files, folder, kinds, read, schema, secret_file, wait_read
from faults import Rig, leads
from lab import SOURCE, check, check_eq, wait_for
from test_campaign import field, send
from test_metrics import samples, value
from test_spool import letter, relay_audit, setup, wait_all


def suppress(lab, daemon, addresses):
    daemon.ctl("suppress", "import", lab.write("off.csv", "address\r\n" + "\r\n".join(addresses) + "\r\n"))


def test_every_outcome_is_a_line_that_keeps_to_the_schema(lab):
    out = folder(lab)
    daemon, sink, _ = setup(lab, config={"events.files": [{"name": "all", "dir": out, "compress": 0}]},
                            sink_args=["--reply", "rcpt:451:4.7.1 later:20%"])
    rows = [field(f"user{i}", "asagao-mail.test") for i in range(60)] + [field("x", "no-such-domain.test")]
    c = send(lab, daemon, rows)
    daemon.ctl("send", letter(lab), "taro@asagao-mail.test", "hanako@asagao-mail.test")
    wait_all(daemon, 2)
    relay = daemon.ctl("audit")["campaigns"][-1]
    want = c["attempts"] + relay["attempts"] + 1
    wait_for(f"{want} lines", lambda: len(read(out)) >= want)
    daemon.stop()
    events, rules = read(out), schema()
    check_eq(len(events), want)
    for e in events:
        check_schema(e, rules)
    ids = [e["id"] for e in events]
    check_eq(ids, sorted(set(ids)), "ids ascend and each is there once")
    n = kinds(events)
    check_eq((n["delivered"], n["bounced"], n["accepted"]), (62, 1, 1))
    bounced = next(e for e in events if e["type"] == "bounced")
    check_eq((bounced["recipient"], bounced["reason"], bounced["hard"], bounced["campaign_name"], bounced["tenant"]),
             ("x@no-such-domain.test", "domain-error", True, "newsletter", "default"))
    deferred = next(e for e in events if e["type"] == "deferred")
    check(deferred["diagnostic"].endswith("later") and deferred["next_attempt"] > deferred["time"], str(deferred))
    accepted = next(e for e in events if e["type"] == "accepted")
    check_eq((accepted["recipients"], accepted["submitted_by"].split(" ")[0]), (2, "uid"), str(accepted))
    mine = [e for e in events if e.get("message") == accepted["message"] and e["type"] == "delivered"]
    check_eq(sorted(e["recipient"] for e in mine), ["hanako@asagao-mail.test", "taro@asagao-mail.test"])
    check(all(e["message_id"] == accepted["message_id"] for e in mine), str(mine))


def test_files_are_rotated_compressed_and_deleted_in_their_time(lab):
    out = folder(lab)
    entry = {"name": "all", "dir": out, "rotate_every": "1s", "types": ["delivered"], "keep_size": "1MiB"}
    daemon, _, _ = setup(lab, config={"events.files": [entry]})
    for i in range(3):
        daemon.ctl("send", letter(lab), f"user{i}@asagao-mail.test")
        wait_for(f"file {i + 1}", lambda: len(files(out, ".zst")) == i + 1)
    check_eq([e["recipient"] for e in read(out)], [f"user{i}@asagao-mail.test" for i in range(3)])
    check_eq(kinds(read(out)), {"delivered": 3})
    check_eq(files(out, ".tmp"), [])
    check(all(os.stat(p).st_mode & 0o777 == 0o640 for p in files(out)), "modes")


def test_kill_9_in_the_middle_leaves_each_line_exactly_once(lab):
    out, dice = folder(lab), random.Random(5)
    entry = {"name": "all", "dir": out, "rotate_size": "64KiB", "compress": 1}
    rig = Rig(lab, connections=8, sink_args=["--delay", "dot:2-10"], rules=False,
              config={"events.files": [entry], "delivery.in_doubt": "resend"})
    want = rig.campaign(leads(lab, rig.world, 4000, without=("servfail",)))
    for _ in range(12):
        time.sleep(dice.uniform(0.1, 0.4))
        rig.kill()
        rig.start()
    c = rig.daemon.wait_campaign("newsletter", timeout=150, every=0.3)
    wait_for("all lines", lambda: len(read(out)) >= c["attempts"], timeout=30)
    rig.daemon.stop()
    events = read(out)
    ids = [e["id"] for e in events]
    check_eq(len(ids), len(set(ids)), "lines that are there twice")
    check_eq(ids, sorted(ids), "their order")
    n = kinds(events)
    check_eq(n["delivered"], c["delivered"], "delivered")
    check_eq(n["bounced"], c["bounced"], "bounced")
    check(len(files(out, ".zst")) >= 5, f"{files(out)}: too few files to show anything")
    check(c["queued"] == want, str(c))


def test_a_webhook_gets_signed_batches_and_refused_ones_again_under_the_same_id(lab):
    server, entry = endpoint(lab, keys=(KEY, b"another-key-of-some-length"))
    try:
        daemon, _, _ = setup(lab, config={"events.webhooks": [{**entry, "batch": 7}]})
        server.statuses = [500, 503, 302]
        send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(40)])
        wait_for("all events", lambda: kinds(server.events())["delivered"] == 40, timeout=30)
        check_eq(server.bad, [], "signatures that are wrong")
        events = server.events()
        rules = schema()
        for e in events:
            check_schema(e, rules)
        check_eq(len({e["id"] for e in events}), len(events), "events that came twice")
        check_eq({i for i, _ in server.refused}, {server.batches[0][0]}, "the first batch, three times refused")
        check_eq(server.refused[0][1], server.batches[0][1], "what was sent again")
        check(all(len(b) <= 7 for _, b in server.batches), "a batch that is too large")
        check("0123456789abcdef" not in daemon.output() and "another-key" not in daemon.output(), "a key was logged")
    finally:
        server.stop()


def test_a_dead_endpoint_holds_nothing_up_and_gets_all_when_it_is_back(lab):
    server, entry = endpoint(lab)
    port, server_port = lab.free_port(), server.port
    out = folder(lab)
    try:
        dead = {**entry, "name": "dead", "url": f"https://localhost:{port}/hook"}
        daemon, sink, _ = setup(lab, config={"events.webhooks": [entry, dead],
                                             "events.files": [{"name": "all", "dir": out}]})
        send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(300)])
        check_eq(len(sink.delivered()), 300, "mail goes on")
        wait_for("the living one", lambda: len(server.events()) == 300, timeout=30)
        wait_for("the file", lambda: len(read(out)) == 300)
        check("webhook dead fails" in daemon.output(), daemon.output())
        daemon.kill()
        daemon = lab.add(type(daemon)(lab, "hayaumad", daemon.config_path, daemon.socket))
        server.batches.clear()
        with open(daemon.config_path, encoding="utf-8") as f:
            text = f.read()
        with open(daemon.config_path, "w", encoding="utf-8") as f:
            f.write(text.replace(f":{port}/", f":{server_port}/"))
        daemon.ctl("reload")
        wait_for("the backlog", lambda: len(server.events()) == 300, timeout=30)
        check_eq(len(read(out)), 300, "a restart wrote lines twice")
    finally:
        server.stop()


def test_private_addresses_are_refused_unless_they_are_allowed(lab):
    server, entry = endpoint(lab)
    try:
        daemon, _, _ = setup(lab, config={"events.webhooks": [{**entry, "allow_private": False}]})
        daemon.ctl("send", letter(lab), "taro@asagao-mail.test")
        wait_for("the refusal", lambda: "the address is not allowed" in daemon.output())
        check_eq((server.batches, server.bad), ([], []))
    finally:
        server.stop()


def test_mistakes_in_the_configuration_are_told_with_their_place(lab):
    daemon, _, _ = setup(lab)
    with open(daemon.config_path, encoding="utf-8") as f:
        before = f.read()
    secret = secret_file(lab)
    cases = [
        ("files: [{name: a, dir: /tmp, types: [opened]}]", "there is no event 'opened'"),
        ("files: [{name: a, dir: /tmp, tenants: [nobody]}]", "there is no tenant 'nobody'"),
        ("files: [{name: a, dir: /tmp}, {name: a, dir: /tmp}]", "'a' is the name of an earlier destination"),
        (f"files: [{{name: a, dir: {secret}}}]", "is not a folder"),
        (f"webhooks: [{{name: b, url: \"http://h.example/\", secret_file: {secret}}}]", "must begin with https://"),
        (f"webhooks: [{{name: b, url: \"https://u@h.example/\", secret_file: {secret}}}]", "without a user"),
        ("webhooks: [{name: b, url: \"https://h.example/\", secret_file: /nonexistent}]", "cannot be read"),
    ]
    for text, want in cases:
        with open(daemon.config_path, "w", encoding="utf-8") as f:
            f.write(before + f"events:\n  {text}\n")
        answer = daemon.run("reload")
        check(answer.returncode == 1 and want in answer.stdout + answer.stderr, f"{text}: {answer}")
    os.chmod(secret, 0o644)
    with open(daemon.config_path, "w", encoding="utf-8") as f:
        f.write(before + f"events:\n  webhooks: [{{name: b, url: \"https://h.example/\", secret_file: {secret}}}]\n")
    answer = daemon.run("reload")
    check(answer.returncode == 1 and "can be read by everybody" in answer.stdout + answer.stderr, str(answer))


def test_an_operator_sees_pauses_resumes_replays_and_tails(lab):
    server, entry = endpoint(lab)
    port = lab.free_port()
    try:
        daemon, _, _ = setup(lab, config={"events.webhooks": [entry], "metrics.listen": f"127.0.0.1:{port}"})
        daemon.ctl("events", "pause", "crm")
        sent = daemon.ctl("send", letter(lab), "taro@asagao-mail.test")
        wait_all(daemon, 1)
        told = daemon.ctl("events", "endpoints")["endpoints"]
        check_eq([(e["name"], e["kind"], e["state"], e["unread"], e["sent"]) for e in told],
                 [("crm", "webhook", "paused", 2, 0)])
        check_eq(server.batches, [])
        daemon.ctl("events", "resume", "crm")
        wait_for("both events", lambda: len(server.events()) == 2)
        wait_for("its state", lambda: daemon.ctl("events", "endpoints")["endpoints"][0]["state"] == "ok")
        daemon.ctl("events", "replay", "crm", "--from", "1h")
        wait_for("both once more", lambda: len(server.events()) == 4)
        check_eq(len({e["id"] for e in server.events()}), 2, "ids of what was replayed")
        lines = daemon.run("events", "tail", "--json").stdout.splitlines()
        check_eq([json.loads(line)["type"] for line in lines], ["accepted", "delivered"])
        check_eq(json.loads(lines[0])["message"], sent["id"])
        text = daemon.run("events", "tail", "--type", "delivered").stdout
        check("delivered" in text and "taro@asagao-mail.test" in text and text.count("\n") == 1, text)
        check("crm" in daemon.run("events", "endpoints").stdout, "for people")
        answer = daemon.run("events", "pause", "nobody")
        check(answer.returncode == 1 and "no destination of events is named 'nobody'" in answer.stderr, str(answer))
        check("events.replay" in str(daemon.ctl("acts")), "what was done is not among the acts")
        found = samples(port)
        check_eq(value(found, "hayauma_events_sent_total", destination="crm"), 4)
        check_eq(value(found, "hayauma_events_state", destination="crm", state="ok"), 1)
        check_eq(value(found, "hayauma_events_lag_seconds", destination="crm"), 0)
    finally:
        server.stop()


def test_the_report_of_a_campaign_has_reasons_domains_and_what_came_back(lab):
    daemon, sink, _ = setup(lab, sink_args=["--reply", "rcpt:550:5.1.1 no such user:30%"])
    rows = [field(f"user{i}", "asagao-mail.test") for i in range(50)] + [field("x", "no-such-domain.test")]
    c = send(lab, daemon, rows)
    r = daemon.ctl("campaign", "report", "newsletter")
    for key in ("queued", "delivered", "bounced", "attempts"):
        check_eq(r[key], c[key], key)
    check_eq(r["bounce_reasons"], {"user-unknown": c["bounced"] - 1, "domain-error": 1})
    check_eq([(d["domain"], d["queued"]) for d in r["domains"]], [("asagao-mail.test", 50), ("no-such-domain.test", 1)])
    check_eq(r["domains"][1]["bounce_reasons"], {"domain-error": 1})
    check_eq((r["complaints"], r["late_bounces"], r["n_domains"]), (0, 0, 2))
    text = daemon.run("campaign", "report", "newsletter").stdout
    check("user-unknown" in text and "asagao-mail.test" in text, text)
    table = daemon.run("campaign", "report", "newsletter", "--csv").stdout.splitlines()
    head, total = (line.split(",") for line in table[:2])
    check_eq((len(table), total[0], total[head.index("delivered")], total[head.index("bounced:domain-error")]),
             (4, '"*"', str(c["delivered"]), "1"))
    check_eq(len(daemon.ctl("campaign", "report", "newsletter", "--domains", "1")["domains"]), 1)


def test_every_recipient_has_exactly_one_end_over_kill_9_whatever_ended_it(lab):
    """Suppressed when the rows were made and when they were sent, cancelled before and after an attempt, expired,
    delivered, bounced: in a campaign and in mail of an application, the daemon killed in the middle and in the cancel."""
    out, dice = folder(lab), random.Random(8)
    rig = Rig(lab, connections=4, rules=False, expire="3s", key=False,
              sink_args=["--delay", "dot:5-20", "--reply", "rcpt:451:4.7.1 later:20%", "--reply", "rcpt:550:5.1.1 no:10%"],
              config={"events.files": [{"name": "all", "dir": out, "compress": 0}], "delivery.in_doubt": "resend"})
    people = [f"user{i}@asagao-mail.test" for i in range(3000)]
    rig.daemon.import_leads(lab.write("people.csv", "email\r\n" + "\r\n".join(people) + "\r\n"))
    suppress(lab, rig.daemon, people[::20])
    rig.create("newsletter")
    rig.daemon.call("campaign.start", campaign="newsletter")
    wait_for("all rows", lambda: rig.daemon.campaign("newsletter")["queued_all"])
    suppress(lab, rig.daemon, people[7::20])  # queued by now
    rig.daemon.ctl("suppress", "add", "app0@asagao-mail.test", "--reason", "complaint")
    relayed = rig.daemon.ctl("send", letter(lab), *(f"app{i}@asagao-mail.test" for i in range(60)))
    check_eq(relayed["recipients"], 60)
    for _ in range(6):
        time.sleep(dice.uniform(0.2, 0.5))
        rig.kill()
        rig.start()
    check(rig.daemon.campaign("newsletter")["pending"] > 200, "the campaign was over before it was cancelled")
    rig.daemon.call("campaign.cancel", campaign="newsletter")
    rig.kill()
    rig.start()
    c = rig.daemon.wait_campaign("newsletter", lambda c: c["pending"] == 0, timeout=60)
    wait_for("the relay", lambda: relay_audit(rig.daemon)["pending"] == 0, timeout=60)
    wait_for("what was on the wire when it was cancelled", lambda: rig.daemon.ctl("status")["delivery"]["in_flight"] == 0)
    wait_read(rig.daemon)
    c, relay = rig.daemon.campaign("newsletter"), relay_audit(rig.daemon)
    check(all(c[k] + relay[k] > 0 for k in ENDS), f"not all kinds of ends: {c} {relay}")
    rig.daemon.stop()
    events, rules = read(out), schema()
    for e in events:
        check_schema(e, rules)
    ids = [e["id"] for e in events]
    check_eq(ids, sorted(set(ids)), "each id once, in order")
    check_ends([e for e in events if e.get("campaign_name") == "newsletter"], c, "the campaign")
    check_ends([e for e in events if e.get("message") == relayed["id"]], relay, "the relay")
    check_eq(relay["suppressed"], 1, "one recipient of the relay is suppressed")
    why = {e["diagnostic"] for e in events if e["type"] in ("suppressed", "cancelled")}
    check("the campaign was cancelled" in why and any(w.startswith("suppressed:") for w in why) and
          any(w.startswith("the ") and w.endswith(("unsubscribed", "dead")) for w in why), str(why))


def test_what_a_person_decides_about_mail_in_doubt_is_an_event(lab):
    out = folder(lab)
    rig = Rig(lab, connections=4, sink_args=["--delay", "dot:600000"], rules=False, key=False,
              config={"events.files": [{"name": "all", "dir": out, "compress": 0}], "delivery.in_doubt": "hold"})
    want = rig.campaign([f"user{i}@asagao-mail.test" for i in range(40)])
    rig.wait_dots(4)
    rig.kill()
    rig.sink.stop()
    rig.open_sink()
    rig.start()
    c = rig.daemon.wait_campaign("newsletter", lambda c: c["held"] == c["pending"] > 0)
    held = c["held"]
    wait_for("all lines", lambda: len(read(out)) == want)
    check_eq(kinds(read(out)), {"held": held, "delivered": want - held})
    rig.daemon.call("campaign.cancel", campaign="newsletter")
    wait_for("their ends", lambda: kinds(read(out))["cancelled"] == held)
    check_ends(read(out), rig.daemon.campaign("newsletter"))


def test_a_tiny_run_of_the_measurement_finds_each_event_once(lab):
    out = lab.path("figures.json")
    lab.run(sys.executable, "-B", os.path.join(SOURCE, "bench", "events"), "--build", lab.build, "--mails", "200", "--rounds", "1",
            "--backlog", "700", "--json", out, timeout=240)
    with open(out, encoding="utf-8") as f:
        figures = {row["name"]: row["value"] for row in json.load(f)["figures"]}
    check(figures["  unread before those"] >= 700, str(figures))
    check(figures["events that were unread, and those of campaigns after them"] >= 1300, str(figures))
