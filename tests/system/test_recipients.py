"""Recipients of one ready message in one transaction: how many, what each of them is told, and what a server, a
connection or the daemon that ends in the middle does to them."""
import collections
import os
import re

import postfix
from lab import Skip, check, check_eq, wait_for
from test_attempt_log import lines
from test_sources import setting
from test_spool import SITE, letter, relay_audit, setup, wait_all



def shaping(lab, more, **kw):
    """Keys of the default block, over those of the lab."""
    with open(lab.shaping(expire="1h", **kw), encoding="utf-8") as f:
        text = f.read()
    for line in more:
        text = re.sub(rf"^  {line.split(':')[0]}: .*\n", "", text, flags=re.M) + f"  {line}\n"
    return lab.write("own.yaml", text)


def users(n, domain=SITE):
    return [f"user{i}@{domain}" for i in range(n)]


def balanced(daemon):
    ok, text = daemon.audit()
    check(ok, text)


def attempts_at(log, domain, n):
    """How many lines each recipient has, once there are `n`; a report to the sender is another's."""
    def at():
        return [x["recipient"] for x in lines(log) if x["domain"] == domain]
    wait_for("lines", lambda: len(at()) >= n)
    return collections.Counter(at())


def explained(daemon, address):
    return daemon.ctl("explain", address)["messages"][0]


def test_recipients_at_a_domain_share_transactions_as_large_as_the_rule_says(lab):
    daemon, sink, _ = setup(lab, config={"paths.shaping": shaping(lab, [])})
    to = users(230) + users(3, "kinako.test")  # more than a block of the store holds, and another domain of the site
    check_eq(daemon.ctl("send", letter(lab), *to)["recipients"], 233)
    wait_all(daemon, 233)
    check_eq(sorted(sink.delivered()), sorted(to), "each once")
    check_eq(sink.stats()["messages"], 5 + 1, "230 by 50, and one for each domain")
    shaping(lab, ["recipients_per_message: 7"])
    daemon.ctl("reload")
    daemon.ctl("send", letter(lab), *users(20))
    wait_all(daemon, 253)
    check_eq(sink.stats()["messages"], 6 + 3, "20 by 7")
    balanced(daemon)


def test_a_return_path_of_its_own_means_a_transaction_of_its_own(lab):
    daemon, sink, _ = setup(lab, config={"bounce.ready_messages": True})
    daemon.ctl("send", letter(lab), *users(12))
    wait_all(daemon, 12)
    check_eq(sink.stats()["messages"], 12)


def test_messages_for_a_connection_are_transactions(lab):
    rules = shaping(lab, ["recipients_per_message: 5", "messages_per_connection: 2"], connections=1)
    daemon, sink, _ = setup(lab, config={"paths.shaping": rules})
    daemon.ctl("send", letter(lab), *users(40))
    wait_all(daemon, 40)
    check_eq((sink.stats()["messages"], sink.stats()["connections"]["total"]), (8, 4))


def test_each_recipient_has_its_own_reply_line_and_retry(lab):
    log, seen = lab.path("attempts.log"), set()

    def judge(source, rcpt):
        if rcpt.startswith("gone"):
            return f"550 5.1.1 no {rcpt} here"
        if rcpt.startswith("busy") and rcpt not in seen:
            seen.add(rcpt)
            return "450 4.2.1 in use"
        return None

    to = [f"{who}{i}@big.test" for who in ("fine", "gone", "busy") for i in range(4)]
    with setting(lab, judge=judge, config={"log.attempts": log}) as (daemon, receiver, _):
        daemon.ctl("send", letter(lab), *to)
        wait_all(daemon, 12)
        audit = relay_audit(daemon)
        check_eq((audit["delivered"], audit["bounced"]), (8, 4))
        check_eq(sorted(len(m.rcpts) for m in receiver.mails)[-1], 4, "those who were taken first, together")
        check_eq(sorted(r for m in receiver.mails for r in m.rcpts), sorted(a for a in to if a[:4] != "gone"))
        for i in range(4):
            gone, busy = explained(daemon, f"gone{i}@big.test"), explained(daemon, f"busy{i}@big.test")
            check_eq((gone["state"], len(gone["attempts"])), ("bounced", 1))
            check(f"no gone{i}@big.test here" in gone["attempts"][0]["text"], str(gone))
            check_eq([a["code"] for a in busy["attempts"]], [450, 250], str(busy))
            check_eq([a["code"] for a in explained(daemon, f"fine{i}@big.test")["attempts"]], [250])
        balanced(daemon)
        check_eq(attempts_at(log, "big.test", 16), collections.Counter({a: 2 if a[:4] == "busy" else 1 for a in to}), "one an attempt")


def test_a_real_postfix_that_takes_ten_at_once_is_found_to(lab):
    why = postfix.available()
    if why:
        raise Skip(why)
    daemon, _, world = setup(lab, zone_lines="postfix.test. MX 10 mx.postfix.test.\nmx.postfix.test. A 127.0.2.1",
                             config={"paths.shaping": shaping(lab, [], tls="never", connections=1)})
    server = postfix.receiver(lab, "postfix", f"127.0.2.1:{world.smtp_port}", {
        "smtpd_recipient_limit": "10", "virtual_transport": "discard:silent",
        "smtpd_recipient_restrictions": f"check_recipient_access inline:{{{{user3@postfix.test = REJECT no such user}}}}, permit"})
    to = users(60, "postfix.test")
    daemon.ctl("send", letter(lab), *to)
    wait_all(daemon, 60)
    audit = relay_audit(daemon)
    check_eq((audit["delivered"], audit["bounced"], audit["attempts"]), (59, 1, 60), "nobody was put off")
    check_eq(daemon.ctl("lane", "show", "postfix.test")["lanes"][0]["recipients_per_message"], 10)
    check("10 recipients a message" in daemon.run("lane", "show", "postfix.test").stdout, "for people")
    refused = explained(daemon, "user3@postfix.test")
    check_eq((refused["state"], refused["attempts"][0]["code"]), ("bounced", 554))
    with open(server.queue + "/maillog", encoding="utf-8") as f:
        log = f.read()
    counts = [int(n) for n in re.findall(r"qmgr.*nrcpt=(\d+)", log)]
    check_eq((sum(counts), max(counts)), (59, 10), f"recipients of each: {counts}")
    check(len(counts) <= 7, f"{len(counts)} messages")
    balanced(daemon)


def test_smtp_sink_gets_all_in_few_messages(lab):
    binary = "/usr/sbin/smtp-sink"
    if not os.access(binary, os.X_OK):
        raise Skip("Postfix is not installed (tools/deps test)")
    daemon, _, world = setup(lab, zone_lines="postfix.test. MX 10 mx.postfix.test.\nmx.postfix.test. A 127.0.2.1")
    dump = lab.path("dump")
    os.makedirs(dump, mode=0o777)
    os.chmod(dump, 0o777)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    server = lab.spawn("smtp-sink", [binary, *user, "-c", "-d", dump + "/%M.", f"127.0.2.1:{world.smtp_port}", "100"])
    server.expect_failure = True  # it knows no other end than a signal
    wait_for("smtp-sink", lambda: postfix.connects("127.0.2.1", world.smtp_port))
    to = users(120, "postfix.test")
    daemon.ctl("send", letter(lab), *to)
    wait_all(daemon, 120)
    texts = []
    for name in os.listdir(dump):
        with open(os.path.join(dump, name), encoding="ascii") as f:
            texts.append(f.read())
    check_eq(sorted(len(re.findall(r"^X-Rcpt-Args: ", t, re.M)) for t in texts), [20, 50, 50])
    check_eq(sorted(re.findall(r"^X-Rcpt-Args: <([^>]*)>", "".join(texts), re.M)), sorted(to))


def test_a_connection_that_ends_in_the_middle_is_told_to_each_and_nobody_is_lost(lab):
    daemon, sink, _ = setup(lab, sink_args=["--reply", "until=2,dot:close:50%", "--reply", "until=2,rcpt:reset:3%"])
    for i in range(6):
        daemon.ctl("send", letter(lab), *[f"m{i}n{n}@{SITE}" for n in range(40)])
    wait_all(daemon, 240, timeout=60)
    audit = relay_audit(daemon)
    check_eq((audit["delivered"], audit["queued"]), (240, 240))
    check_eq(len(set(sink.delivered())), 240)
    balanced(daemon)


def test_a_kill_between_dot_and_reply_holds_those_whom_the_server_took_and_nobody_else(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:600000", "--reply", "rcpt:550:5.1.1 No such user:30%u"],
                            config={"delivery.in_doubt": "hold"})
    daemon.ctl("send", letter(lab), *users(40))
    wait_for("the dot", lambda: sink.delivered(), timeout=20)
    at_sink = set(sink.delivered())
    wait_for("those refused", lambda: relay_audit(daemon)["bounced"] == 40 - len(at_sink))
    check(5 < len(at_sink) < 40, f"{len(at_sink)} were taken")
    daemon.kill()
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    wait_for("those in doubt to be held", lambda: relay_audit(daemon)["held"] == len(at_sink))
    audit = relay_audit(daemon)
    check_eq((audit["bounced"], audit["pending"]), (40 - len(at_sink), len(at_sink)))
    check_eq({explained(daemon, a)["state"] for a in at_sink}, {"held"})
    check_eq(daemon.ctl("queue", "purge", "--state", "held", "--ready", "--yes")["changed"], len(at_sink))
    balanced(daemon)


def test_kill_9_under_load_loses_nobody_and_repeats_only_what_was_in_doubt(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:30", "--reply", "until=6,rcpt:451:4.3.0 later:5%"])
    stored = []
    for round_ in range(3):
        for m in range(8):
            to = [f"r{round_}m{m}n{n}@{SITE}" for n in range(60)]
            check_eq(daemon.ctl("send", letter(lab), *to)["recipients"], 60)
            stored += to
        daemon.kill()
        daemon = lab.add(type(daemon)(lab, f"again{round_}", daemon.config_path, daemon.socket))
    wait_all(daemon, len(stored), timeout=60)
    got = sink.delivered()
    check_eq(set(got), set(stored))
    audit = relay_audit(daemon)
    check(len(got) - len(stored) <= audit["resent_in_doubt"], f"{len(got)} deliveries, {audit}")
    balanced(daemon)


def test_a_day_that_becomes_full_sends_what_it_has_room_for(lab):
    rules = shaping(lab, ["messages_per_day: 25"])
    daemon, sink, _ = setup(lab, config={"paths.shaping": rules})
    daemon.ctl("send", letter(lab), *users(60))
    wait_for("a day's mail", lambda: len(sink.delivered()) == 25, timeout=20)
    wait_for("the lane to be full", lambda: daemon.ctl("lane", "show", SITE)["lanes"][0]["waits_for"] == "day")
    wait_for("the books", lambda: relay_audit(daemon)["pending"] == 35)
    check_eq(len(sink.delivered()), 25, "recipients count, not transactions")
    shaping(lab, [])
    daemon.ctl("reload")
    wait_all(daemon, 60)
    check_eq(sorted(sink.delivered()), sorted(users(60)))
    balanced(daemon)


def test_few_slots_in_the_in_flight_table_make_smaller_transactions(lab):
    """The least table there may be, shared out to so many workers that each has fewer slots than a rule recipients."""
    daemon, sink, _ = setup(lab, config={"delivery.in_flight_max": 1024, "delivery.workers": 32})
    daemon.ctl("send", letter(lab), *users(100))
    wait_all(daemon, 100)
    check_eq(sorted(sink.delivered()), sorted(users(100)))
    check(sink.stats()["messages"] > 2, "not 50 and 50")
    balanced(daemon)
