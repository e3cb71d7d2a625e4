"""The attempt log: one line for each attempt, whatever servers say and however slow the disk is."""
import collections
import json
import os
import signal

from lab import check, check_eq, wait_for
from test_campaign import field, send, setup
from test_metrics import samples, value


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def test_every_attempt_has_one_line_that_agrees_with_the_store(lab):
    path = lab.path("attempts.log")
    rows = [field(f"user{i}", "asagao-mail.test") for i in range(150)] + [field("x", "no-such-domain.test")]
    daemon, sink, _ = setup(lab, config={"log.attempts": path}, sink_args=["--reply", "rcpt:451:4.7.1 slow \"down\":20%"])
    c = send(lab, daemon, rows)
    daemon.stop()
    found = lines(path)
    check_eq(len(found), c["attempts"], "lines and attempts")
    outcomes = collections.Counter(x["outcome"] for x in found)
    check_eq((outcomes["delivered"], outcomes["bounced"]), (c["delivered"], c["bounced"]))
    check_eq(os.stat(path).st_mode & 0o777, 0o640, "mode of the file")
    by_recipient = collections.defaultdict(list)
    for x in found:
        check_eq(x["event"], "attempt")
        check(x["time"].endswith("Z") and x["campaign"] == c["id"], str(x))
        if x["outcome"] == "delivered":
            check_eq((x["code"], x["state"], x["sent"], x["from_server"]), (250, "delivered", True, True), str(x))
            check(x["size"] > 500 and x["mx_ip"].startswith("127.") and x["message_id"].startswith("<"), str(x))
        by_recipient[x.get("recipient", "")].append(x["attempt"])
    for recipient, numbers in by_recipient.items():
        if recipient:
            check_eq(numbers, list(range(1, len(numbers) + 1)), f"attempts at {recipient} in order")
    bounced = [x for x in found if x["outcome"] == "bounced"]
    check_eq([(x["domain"], x["provider"], x["phase"], x["reason"]) for x in bounced],
             [("no-such-domain.test", "none", "dns", "domain-error")])
    check(all("reason" not in x for x in found if x["outcome"] == "delivered"), "a delivered one has no reason")
    deferred = [x for x in found if x["outcome"] == "deferred"]
    check(deferred and all(x["text"].endswith('slow "down"') and "due" in x and x["reason"] == "rejected-policy"
                           for x in deferred), str(deferred[:1]))


def test_the_message_id_of_a_line_leads_to_the_message(lab):
    path = lab.path("attempts.log")
    daemon, _, _ = setup(lab, config={"log.attempts": path})
    send(lab, daemon, [field("user1", "asagao-mail.test")])
    wait_for("the line", lambda: os.path.getsize(path))
    line = lines(path)[0]
    told = daemon.ctl("explain", line["message_id"])
    check_eq(told["lead"]["address"], "user1@asagao-mail.test")
    check_eq(told["messages"][0]["state"], "delivered")


def test_a_reload_opens_the_file_anew_even_with_a_bad_configuration(lab):
    path = lab.path("attempts.log")
    daemon, _, _ = setup(lab, config={"log.attempts": path})
    os.rename(path, path + ".1")
    daemon.signal(signal.SIGHUP)
    wait_for("a new file", lambda: os.path.exists(path))
    send(lab, daemon, [field("user1", "asagao-mail.test")])
    wait_for("the line in the new file", lambda: os.path.getsize(path))
    check_eq(os.path.getsize(path + ".1"), 0, "the old file")
    os.rename(path, path + ".2")
    with open(daemon.config_path, "a", encoding="utf-8") as f:
        f.write("nonsense:\n  x: 1\n")
    check_eq(daemon.run("reload").returncode, 1)
    check(os.path.exists(path), "a bad configuration kept the log from being rotated")


def test_it_can_be_turned_on_and_off_while_the_daemon_runs(lab):
    path = lab.path("attempts.log")
    daemon, _, _ = setup(lab)

    def change(old, new):
        with open(daemon.config_path, encoding="utf-8") as f:
            text = f.read()
        with open(daemon.config_path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        daemon.ctl("reload")
    send(lab, daemon, [field("user1", "asagao-mail.test")], name="one")
    check(not os.path.exists(path), "it is off by default")
    change("control:\n", f'log:\n  attempts: "{path}"\ncontrol:\n')
    send(lab, daemon, [field("user1", "asagao-mail.test")], name="two")
    wait_for("the line", lambda: len(lines(path)) == 1)
    change(f'attempts: "{path}"', "attempts: off")
    send(lab, daemon, [field("user1", "asagao-mail.test")], name="three")
    check_eq(len(lines(path)), 1, "lines after it was turned off")


def test_a_pipe_that_nobody_reads_slows_nothing_and_what_is_dropped_is_counted(lab):
    path, port = lab.path("pipe"), lab.free_port()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        daemon, _, _ = setup(lab, config={"log.attempts": path, "metrics.listen": f"127.0.0.1:{port}"})
        send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(2000)])
        check_eq(daemon.ctl("status")["delivery"]["delivered"], 2000)
        os.set_blocking(reader, True)
        got = b""
        while got.count(b"\n") < 2000:
            got += os.read(reader, 1 << 20)
        check(all(json.loads(x)["event"] == "attempt" for x in got.decode().splitlines()), "lines of JSON")
        m = samples(port)
        check_eq(value(m, "hayauma_attempt_log_dropped_total"), 0, "the ring had room for these")
    finally:
        os.close(reader)
