"""Pause, resume and cancel under load: obeyed within a second, lasting over kill -9, nobody lost or
doubled."""
import time

from faults import Rig, users
from lab import check, check_eq

DOMAINS = ("asagao-mail.test", "kinako.test", "northmail.test", "hikari-net.test")
NAME = "newsletter"


def busy_rig(lab, count):
    rig = Rig(lab, connections=10, sink_args=["--delay", "mail:1-10", "--delay", "dot:10-60"])
    return rig, rig.campaign(users(count, *DOMAINS))


def messages(rig):
    return rig.sink.stats()["messages"]


def order(rig, what):
    rig.daemon.call(f"campaign.{what}", campaign=NAME)


def check_quiet(rig, what):
    """No message is taken later than a second after the answer."""
    time.sleep(1)
    then = messages(rig)
    time.sleep(0.7)
    check_eq(messages(rig), then, f"messages a second after {what}")
    return then


def test_eight_pauses_and_resumes_under_load_each_take_effect_within_a_second(lab):
    rig, want = busy_rig(lab, 6000)
    done = 0
    for _ in range(8):
        rig.wait_dots(done + 300)
        order(rig, "pause")
        done = check_quiet(rig, "pause")
        c = rig.daemon.campaign(NAME)
        check_eq((c["state"], c["delivered"]), ("paused", done), "the books are level while it rests")
        order(rig, "resume")
    check(done < want, "the campaign was over before the last pause")
    rig.daemon.wait_campaign(NAME)
    c, doubled = rig.judge(want)
    check_eq((c["delivered"], c["resent_in_doubt"], doubled), (want, 0, []), "each exactly once")


def test_pauses_and_resumes_without_a_breath_between_them_lose_and_double_nobody(lab):
    rig, want = busy_rig(lab, 3000)
    for n in range(60):
        order(rig, "pause")
        if n % 3 == 0:
            time.sleep(0.03)
        order(rig, "resume")
        if n % 3 == 1:
            time.sleep(0.03)
    rig.daemon.wait_campaign(NAME)
    c, doubled = rig.judge(want)
    check_eq((c["delivered"], c["resent_in_doubt"], doubled), (want, 0, []), "each exactly once")


def test_cancel_takes_effect_within_a_second_and_all_the_rest_is_cancelled(lab):
    rig, want = busy_rig(lab, 5000)
    rig.wait_dots(500)
    order(rig, "cancel")
    done = check_quiet(rig, "cancel")
    c = rig.daemon.wait_campaign(NAME, lambda c: c["pending"] == 0)
    check_eq((c["state"], c["delivered"], c["cancelled"]), ("cancelled", done, want - done), "all the rest")
    c, doubled = rig.judge(want)
    check_eq(doubled, [], "doubled")


def test_what_was_ordered_lasts_over_a_kill_right_after_the_answer(lab):
    rig, want = busy_rig(lab, 5000)
    rig.wait_dots(300)
    order(rig, "pause")
    rig.kill()
    before = len(rig.dots())
    rig.start()
    check_eq(rig.daemon.campaign(NAME)["state"], "paused")
    time.sleep(1)
    check_eq(len(rig.dots()), before, "addresses reached after the kill of a paused campaign")
    order(rig, "resume")
    rig.kill()
    rig.start()
    check_eq(rig.daemon.campaign(NAME)["state"], "running")
    rig.wait_dots(messages(rig) + 300)
    order(rig, "cancel")
    rig.kill()
    before = len(rig.dots())
    rig.start()
    c = rig.daemon.wait_campaign(NAME, lambda c: c["pending"] == 0)
    time.sleep(1)
    check_eq((c["state"], len(rig.dots())), ("cancelled", before), "state, addresses reached after the kill")
    c, _ = rig.judge(want)
    check_eq(c["delivered"] + c["cancelled"], want, "delivered and cancelled")
    # In doubt when it was killed and cancelled since: at the sink, but not delivered in the books.
    check(before - c["delivered"] <= rig.in_doubt, f"{before} reached, {c['delivered']} delivered, {rig.in_doubt} in doubt")
