"""Ready messages: handed in by `hayauma send`, stored once, signed, delivered, explained, survived."""
import json
import os
import subprocess

import dkim_verify
from lab import check, check_eq, wait_for
from newsletter import dkim_lookup

FROM = "app@news.hayauma.test"
SITE = "asagao-mail.test"


def setup(lab, sink_args=(), rules=False, config=None, expire="1h", world_keys=True, zone_lines="", **sink):
    keys, records = (), ""
    if world_keys:
        path, record = lab.dkim_key("news.hayauma.test", "s1")
        keys, records = [("news.hayauma.test", "s1", path)], record + "\n"
    world = lab.world(zone_lines=records + zone_lines)
    lab.nsd(world)
    s = lab.sink(world, rules=rules, record=True, extra=sink_args, **sink)
    daemon = lab.daemon(world, keys=keys, config={"paths.shaping": lab.shaping(expire=expire), **(config or {})})
    return daemon, s, world


def letter(lab, name="letter.eml", subject="Hello", body="Hi there\n.\n..dots\n", headers=""):
    return lab.write(name, f"From: App <{FROM}>\nTo: someone@{SITE}\nSubject: {subject}\n"
                           f"Bcc: secret@example.org\n{headers}\n{body}")


def relay_audit(daemon):
    a = daemon.ctl("audit")
    check(a["ok"], a["problems"])
    return next(c for c in a["campaigns"] if c["name"].startswith("relay"))


def wait_all(daemon, n, timeout=30):
    wait_for(f"{n} recipients to be over", lambda: relay_audit(daemon)["pending"] == 0 and
             relay_audit(daemon)["queued"] == n, timeout, 0.1)


def test_a_message_is_signed_delivered_explained_and_its_content_freed(lab):
    daemon, sink, world = setup(lab, capture_every=1)
    sent = daemon.ctl("send", letter(lab), f"taro@{SITE}", f"hanako@{SITE}", f"taro@{SITE}")
    check_eq(sent["recipients"], 2)
    wait_for("both", lambda: len(sink.delivered()) == 2)
    check_eq(sorted(sink.delivered()), [f"hanako@{SITE}", f"taro@{SITE}"])
    wait_all(daemon, 2)
    wait_for("captured mail", lambda: len(sink.captured()) == 1)  # both in one transaction
    with open(sink.captured()[0], "rb") as f:
        mail = f.read()
    check(b"Bcc" not in mail and b"secret" not in mail, mail)
    check(b"\r\nReceived: from localhost (local)\r\n\tby mx.news.hayauma.test (hayauma)" in mail, mail)
    check(b"\r\nDate: " in mail and b"\r\nMessage-ID: <" in mail, mail)
    check(mail.endswith(b"\r\n\r\nHi there\r\n.\r\n..dots\r\n"), mail[-60:])
    if dkim_verify.dkim is not None:
        results = dkim_verify.verify(mail, dkim_lookup(world))
        check_eq([(len(results), r[3]) for r in results], [(1, None)], "the signature")
    for what in (sent["id"], sent["message_id"], f"taro@{SITE}"):
        found = daemon.ctl("explain", what)["messages"]
        check_eq({m["state"] for m in found}, {"delivered"}, what)
        check_eq(found[0]["message_id"], sent["message_id"])
        check_eq(found[0]["sender"], FROM)
        check_eq(found[0]["attempts"][0]["code"], 250)
    check("delivered" in daemon.run("explain", f"taro@{SITE}").stdout, "for people")
    japanese = subprocess.run(daemon.command("explain", f"taro@{SITE}"), capture_output=True, text=True, check=True,
                              env={**os.environ, "LC_ALL": "ja_JP.UTF-8"}).stdout
    check("完了しており、これ以上送信しません" in japanese and "final" not in japanese, japanese)
    check("opportunistic" not in japanese, japanese)


def test_more_recipients_than_a_screen_holds_are_taken(lab):
    daemon, sink, _ = setup(lab)
    check_eq(daemon.ctl("send", letter(lab), *[f"user{i}@{SITE}" for i in range(100)])["recipients"], 100)
    wait_for("all", lambda: len(sink.delivered()) == 100)


def test_what_cannot_be_sent_is_refused_at_the_door(lab):
    daemon, sink, _ = setup(lab, config={"dkim.required": True})
    good = letter(lab)
    cases = {
        "no From": (lab.write("a", "Subject: x\n\nx\n"), f"a@{SITE}"),
        "no key": (lab.write("b", "From: a@example.org\n\nx\n"), f"a@{SITE}"),
        "no address": (good, "nobody"),
        "a long line": (lab.write("c", f"From: {FROM}\n\n{'x' * 999}\n"), f"a@{SITE}"),
    }
    for what, (path, to) in cases.items():
        done = daemon.run("send", path, to)
        check_eq(done.returncode, 1, what)
        check(done.stderr, what)
    check_eq(daemon.run("send", lab.path("none"), f"a@{SITE}").returncode, 1)
    check_eq(sink.delivered(), [])
    piped = subprocess.run(daemon.command("send", "-", f"piped@{SITE}"), input=open(good, "rb").read(), check=False,
                           stdout=subprocess.DEVNULL)
    check_eq(piped.returncode, 0)
    wait_for("what came through a pipe", lambda: sink.delivered() == [f"piped@{SITE}"])


def test_deferred_and_refused_recipients_end_by_their_own_replies(lab):
    daemon, sink, _ = setup(lab, rules=False, sink_args=["--greylist", "*:1", "--reply",
                                                        "domain=kinako.test,rcpt:550:5.1.1 No such user"])
    daemon.ctl("send", letter(lab), f"taro@{SITE}", "gone@kinako.test")
    wait_all(daemon, 2)
    r = relay_audit(daemon)
    check_eq((r["delivered"], r["bounced"]), (1, 1), r)
    taro, gone = (daemon.ctl("explain", a)["messages"][0] for a in (f"taro@{SITE}", "gone@kinako.test"))
    check(len(taro["attempts"]) >= 2 and taro["attempts"][0]["code"] == 450, taro)
    check_eq((gone["state"], gone["attempts"][-1]["enhanced"]), ("bounced", "5.1.1"))


def test_queue_shows_what_waits_and_a_restart_goes_on(lab):
    daemon, sink, _ = setup(lab, sink_args=["--reply", "mail:451:4.3.0 later"])
    for i in range(20):
        daemon.ctl("send", letter(lab, subject=f"n{i}"), f"user{i}@{SITE}")
    wait_for("all tried", lambda: daemon.ctl("queue")["pending"] == 20)
    rows = daemon.ctl("queue")["rows"]
    check_eq([(r["domain"], r["relay"]) for r in rows], [(SITE, True)])
    check_eq(sink.delivered(), [])
    daemon.stop()
    sink.stop()
    lab_sink = lab.sink(name="sink2", record=True, extra=sink_listen(sink))
    again = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    wait_for("all twenty", lambda: len(lab_sink.delivered()) == 20, timeout=30)
    check_eq(sorted(lab_sink.delivered()), sorted(f"user{i}@{SITE}" for i in range(20)))
    wait_all(again, 20)


def sink_listen(sink):
    """The options that say where a sink listens."""
    i = sink.argv.index("--config")
    return sink.argv[i:i + 2]


def test_kill_9_while_messages_come_and_go_loses_nothing_and_repeats_only_what_was_in_doubt(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:20"])
    path = letter(lab)
    stored = []
    for round_ in range(3):
        running = [subprocess.Popen(daemon.command("send", path, *[f"r{round_}w{w}n{n}@{SITE}" for n in range(10)],
                                                   "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                   for w in range(8)]
        for w, p in enumerate(running):
            out, _ = p.communicate(timeout=60)
            if p.returncode == 0:
                check_eq(json.loads(out)["recipients"], 10)
                stored += [f"r{round_}w{w}n{n}@{SITE}" for n in range(10)]
        daemon.kill()
        daemon = lab.add(type(daemon)(lab, f"again{round_}", daemon.config_path, daemon.socket))
    check_eq(len(stored), 240)
    wait_all(daemon, 240, timeout=60)
    got = sink.delivered()
    check_eq(set(stored) - set(got), set(), "stored and never delivered")
    r = relay_audit(daemon)
    check(len(got) - len(set(got)) <= r["resent_in_doubt"], f"{len(got)} deliveries, {r}")
