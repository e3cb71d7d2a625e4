"""Ending in order under load: who is on the wire gets the reply first, nobody gets it twice, the next
life goes on; and what happens when the replies never come."""
import signal
import time

from faults import Rig, users
from lab import check, check_eq, wait_for

DOMAINS = ("asagao-mail.test", "kinako.test", "northmail.test")


def end(daemon, timeout):
    """SIGTERM; how long it took to end, which it must do with 0."""
    began = time.monotonic()
    check_eq(daemon.stop(timeout), 0, "exit code of a graceful stop")
    return time.monotonic() - began


def test_six_graceful_stops_under_load_double_and_lose_nobody(lab):
    rig = Rig(lab, connections=10, sink_args=["--delay", "mail:1-5", "--delay", "dot:10-60"],
              config={"delivery.drain_timeout": "30s"})
    want, took = rig.campaign(users(4000, *DOMAINS)), []
    for n in range(1, 7):
        rig.wait_dots(n * 500)
        took.append(end(rig.daemon, timeout=60))
        rig.start()
        check_eq(rig.daemon.status["recovery"]["seen"], 0, "messages left on the wire by an end in order")
    check(rig.daemon.campaign("newsletter")["pending"] > 0, "the campaign was over before the last stop")
    check(max(took) < 30, f"replies came within 60 ms, the stops took {took}")
    rig.daemon.wait_campaign("newsletter")
    c, doubled = rig.judge(want)
    check_eq((c["delivered"], c["resent_in_doubt"], doubled), (want, 0, []), "each exactly once")


def silent(rig, messages):
    """A campaign that has `messages` at the sink, accepted, their replies far off."""
    want = rig.campaign(users(200, *DOMAINS))
    rig.wait_dots(messages, timeout=60)
    time.sleep(0.3)
    check_eq(rig.sink.stats()["messages"], messages, "one message a connection")
    return want


def go_on(rig, want, in_doubt):
    """The next life, with a sink that answers, delivers everybody; those in doubt twice."""
    rig.sink.stop()
    rig.open_sink()
    rig.start()
    rig.daemon.wait_campaign("newsletter")
    c, doubled = rig.judge(want)
    check_eq((c["delivered"], c["resent_in_doubt"], len(doubled)), (want, in_doubt, in_doubt),
             "delivered, in doubt, doubled")


def test_a_stop_ends_at_its_limit_when_replies_never_come_and_counts_who_is_in_doubt(lab):
    rig = Rig(lab, connections=4, sink_args=["--delay", "dot:600000"], config={"delivery.drain_timeout": "2s"})
    want = silent(rig, 12)
    took = end(rig.daemon, timeout=60)  # the replies come after ten minutes
    check(took > 1.9, f"the stop with a limit of 2 s took {took:.1f} s")
    check("12 messages had no reply to their final dot" in rig.daemon.output(), rig.daemon.output())
    go_on(rig, want, in_doubt=12)
    check_eq(rig.in_doubt, 0, "an end in order leaves nothing to recovery")


def test_a_second_sigterm_ends_at_once_and_the_in_flight_table_knows_who_is_in_doubt(lab):
    rig = Rig(lab, connections=4, sink_args=["--delay", "dot:600000"], config={"delivery.drain_timeout": "60s"})
    want = silent(rig, 12)
    rig.daemon.signal(signal.SIGTERM)
    time.sleep(0.5)
    check(rig.daemon.alive(), "the first SIGTERM did not wait for the replies")
    began = time.monotonic()
    rig.daemon.signal(signal.SIGTERM)
    wait_for("the end", lambda: not rig.daemon.alive(), 60, 0.01)
    check(time.monotonic() - began < 30, "the second SIGTERM waited")
    check_eq(rig.daemon.popen.returncode, 0, "exit code after the second SIGTERM")
    go_on(rig, want, in_doubt=12)
    check_eq(rig.in_doubt, 12, "in doubt, as recovery saw it")
