"""delivery.in_doubt: hold. Whoever may have the message already is not sent it again, but waits for a
decision."""
import time

from faults import Rig, users
from lab import check, check_accounts, check_eq

DOMAINS = ("asagao-mail.test", "kinako.test")
HELD = 8


def held_rig(lab):
    rig = Rig(lab, connections=4, sink_args=["--delay", "dot:600000"],
              config={"delivery.in_doubt": "hold", "delivery.drain_timeout": "1s"})
    want = rig.campaign(users(60, *DOMAINS))
    rig.wait_dots(HELD, timeout=10)
    time.sleep(0.3)
    return rig, want, set(rig.dots())


def check_held(rig, want, at_sink):
    rig.sink.stop()
    rig.open_sink()
    rig.start()
    c = rig.daemon.wait_campaign("newsletter", lambda c: c["delivered"] == want - HELD)
    check_accounts(c)
    check_eq((c["held"], c["pending"], c["resent_in_doubt"]), (HELD, HELD, 0), "held, pending, sent again")
    check(c["state"] != "done", "a campaign with rows to decide on is not done")
    time.sleep(1)
    dots = rig.dots()
    check_eq((len(dots), max(dots.values())), (want, 1), "everybody has one copy")
    for address in at_sink:
        message = rig.life(address)
        check_eq(message["state"], "held", address)
        check("waits for a decision" in message["next"], message)
        check(message["attempts"][-1]["in_doubt"], message)
    shown = rig.daemon.run("explain", sorted(at_sink)[0]).stdout
    check("held" in shown and "in doubt" in shown and "waits for a decision" in shown, shown)
    rig.judge(want)


def test_a_kill_between_dot_and_reply_holds_those_and_nobody_else(lab):
    rig, want, at_sink = held_rig(lab)
    rig.kill()
    check_held(rig, want, at_sink)
    check_eq(rig.in_doubt, HELD, "in doubt, as recovery saw it")


def test_a_stop_that_cuts_off_replies_holds_those_and_a_kill_later_changes_nothing(lab):
    rig, want, at_sink = held_rig(lab)
    check_eq(rig.daemon.stop(), 0, "exit code")
    check_held(rig, want, at_sink)
    rig.kill()
    check_held(rig, want, at_sink)
    rig.daemon.call("campaign.cancel", campaign="newsletter")
    c = rig.daemon.wait_campaign("newsletter", lambda c: c["pending"] == 0)
    check_eq((c["cancelled"], c["delivered"]), (HELD, want - HELD), "cancelling decides")
    rig.judge(want)
