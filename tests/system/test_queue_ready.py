"""The operator's hands on ready messages: listed, tried now, put off, taken out, decided upon after a kill."""
import subprocess
import threading
import time

from lab import CommandError, check, check_eq, wait_for
from test_queue import balanced, hourly, last_act
from test_spool import FROM, SITE, letter, relay_audit, setup

OTHER = "kinako.test"


def send(daemon, path, *to, sender=None):
    return daemon.ctl("send", *(["--from", sender] if sender else []), path, *to)


def deferred(lab, n=20):
    """Messages to two domains that wait for an hour since they were greylisted."""
    daemon, sink, _ = setup(lab, sink_args=["--greylist", "*"], config={"paths.shaping": hourly(lab)})
    path = letter(lab)
    sent = [send(daemon, path, f"user{i}@{SITE}", f"user{i}@{OTHER}") for i in range(n)]
    wait_for("all to be deferred", lambda: relay_audit(daemon)["deferred"] == 2 * n, timeout=60)
    time.sleep(1.1)  # the sink takes nobody within a second of the first attempt
    return daemon, sink, sent


def test_ready_messages_are_listed_and_tried_now_by_what_is_known_of_them(lab):
    daemon, sink, sent = deferred(lab)
    rows = daemon.ctl("queue", "list", "--limit", "1000")
    check_eq((rows["total"], len(rows["rows"]), rows["domains"]), (40, 40, 2))
    check_eq({(r["ready"], r["campaign"], r["state"], r["code"], r["sender"]) for r in rows["rows"]},
             {(True, None, "deferred", 450, FROM)})
    for args, want in ((["--domain", SITE], 20), (["--recipient", f"user3@{OTHER}"], 1), (["--message", sent[5]["id"]], 2),
                       (["--sender", FROM], 40), (["--sender", "@" + FROM.split("@")[1]], 40), (["--sender", "<>"], 0),
                       (["--code", "45x"], 40), (["--code", "421"], 0), (["--state", "fresh"], 0), (["--ready"], 40),
                       (["--site", f"*.{SITE}"], 20), (["--provider", "default"], 40), (["--provider", "gmail"], 0),
                       (["--older-than", "1h"], 0), (["--reply", "^450 "], 40), (["--tenant", "0"], 40),
                       (["--tenant", "7"], 0)):
        got = daemon.ctl("queue", "list", "--limit", "1", *args)
        check_eq((got["total"], len(got["rows"])), (want, min(want, 1)), str(args))
    check("no tenant 'nobody'" in daemon.run("queue", "list", "--tenant", "nobody").stderr, "a tenant that is not there")
    text = daemon.run("queue", "list").stdout
    check("(ready messages)" in text and f"user3@{OTHER}" in text, text)
    look = daemon.ctl("queue", "retry", "--domain", SITE, "--dry-run")
    check_eq((look["rows"], look["ready"], look["campaigns"], look["changed"]), (20, 20, 0, 0))
    check_eq(daemon.ctl("queue", "retry", "--recipient", f"user7@{OTHER}")["changed"], 1)
    wait_for("that one", lambda: sink.delivered() == [f"user7@{OTHER}"], timeout=30)
    check_eq(daemon.ctl("queue", "retry", "--all", "--yes")["changed"], 39)
    wait_for("all", lambda: len(sink.delivered()) == 40, timeout=30)
    act = last_act(daemon, "queue.retry")
    check_eq((act["ready"], act["tenant"], act["rows"], act["domains"], act["complete"]),
             ("transactional", 0, 39, 2, True))
    balanced(daemon)


def test_ready_messages_are_put_off_and_taken_out_while_others_are_sent(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:100"],
                            config={"paths.shaping": lab.shaping(connections=1, expire="3d")})
    path = letter(lab)
    send(daemon, path, *[f"user{i}@{SITE}" for i in range(300)])
    wait_for("some", lambda: len(sink.delivered()) > 2)
    moved = daemon.ctl("queue", "move", "--ready", "--in", "2h", "--yes")
    check(moved["changed"] > 200, str(moved))
    send(daemon, path, f"later@{OTHER}")
    wait_for("what came later", lambda: f"later@{OTHER}" in sink.delivered())
    before = len(sink.delivered())
    done = daemon.ctl("queue", "purge", "--domain", SITE, "--reason", "sent by mistake", "--yes")
    check_eq(done["changed"], relay_audit(daemon)["cancelled"])
    check(done["changed"] >= 301 - before - 2, f"{done}, {before} delivered before")
    wait_for("the end", lambda: relay_audit(daemon)["pending"] == 0)
    r = relay_audit(daemon)
    check_eq(r["delivered"] + r["cancelled"], 301)
    check_eq(len(sink.delivered()), r["delivered"])
    gone = next(f"user{i}@{SITE}" for i in range(300) if f"user{i}@{SITE}" not in sink.delivered())
    message = daemon.ctl("explain", gone)["messages"][0]
    check_eq(message["state"], "cancelled")
    check("sent by mistake" in message["attempts"][-1]["text"], str(message["attempts"]))
    check(daemon.run("queue", "list").stdout.strip() != "", "it says that nothing waits")
    balanced(daemon)


def test_what_is_held_in_doubt_after_a_kill_is_sent_again_or_dropped_by_a_person(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:3000"],
                            config={"delivery.in_doubt": "hold", "paths.shaping": lab.shaping(connections=2)})
    path = letter(lab)
    sent = [send(daemon, path, f"user{i}@{SITE}") for i in range(2)]
    wait_for("both behind the dot", lambda: len(sink.delivered()) == 2, timeout=20)
    daemon.kill()
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    wait_for("both held", lambda: relay_audit(daemon)["held"] == 2)
    check_eq(daemon.ctl("queue", "retry", "--all", "--yes")["changed"], 0, "what is held is not sent again unasked")
    one = daemon.ctl("queue", "retry", "--state", "held", "--message", sent[0]["id"], "--yes")
    check_eq(one["changed"], 1)
    check_eq(daemon.ctl("queue", "purge", "--state", "held", "--ready", "--yes")["changed"], 1)
    wait_for("the end", lambda: relay_audit(daemon)["pending"] == 0, timeout=30)
    r = relay_audit(daemon)
    check_eq((r["delivered"], r["cancelled"], len(sink.delivered())), (1, 1, 3))
    balanced(daemon)


def test_kill_in_the_middle_of_a_purge_of_ready_messages_loses_nothing(lab):
    daemon, _, _ = setup(lab, sink_args=["--delay", "dot:2000"],
                         config={"paths.shaping": lab.shaping(connections=1)})
    path = letter(lab)
    for n in range(5):
        send(daemon, path, *[f"u{n}x{i}@d{i % 500}.{SITE}" for i in range(7000)])

    def purge():
        try:
            daemon.ctl("queue", "purge", "--ready", "--yes")
        except (CommandError, subprocess.SubprocessError):
            pass  # the daemon is killed meanwhile

    purging = threading.Thread(target=purge)
    purging.start()
    wait_for("the first of them", lambda: daemon.ctl("acts")["acts"], every=0.001)
    daemon.kill()
    purging.join()
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    r = relay_audit(daemon)
    act = last_act(daemon, "queue.purge")
    # What was on the wire when it was taken out may have been delivered all the same.
    check(r["cancelled"] <= act["rows"] <= r["cancelled"] + 8, f"{r}, {act}")
    daemon.ctl("queue", "purge", "--ready", "--yes")
    wait_for("the end", lambda: relay_audit(daemon)["pending"] == 0, timeout=30)
    balanced(daemon)
