"""kill -9 at random moments of a campaign: nobody is lost, nobody gets it twice but those whose
message was between its final dot and the reply."""
import random
import time

from faults import Rig, leads, seed_of_run
from lab import check, check_eq

RECIPIENTS, KILLS, BOOT_KILLS = 20000, 60, 8


def test_sixty_kills_during_a_campaign_of_20000_lose_nobody(lab):
    seed = seed_of_run(20260)
    dice = random.Random(seed)
    # The sink answers late, so that the campaign outlives all kills and much is on the wire at each.
    rig = Rig(lab, connections=8, sink_args=["--delay", "mail:3-10", "--delay", "dot:5-40"])
    want = rig.campaign(leads(lab, rig.world, RECIPIENTS, without=("servfail",)))
    check_eq(want, RECIPIENTS, "leads")
    for n in range(KILLS):
        time.sleep(dice.uniform(0.05, 0.25))
        rig.kill()
        if n % (KILLS // BOOT_KILLS) == 0:  # the next life ends somewhere in its boot
            rig.start(answering=False)
            time.sleep(dice.uniform(0, 0.3))
            rig.kill()
        rig.start()
    c = rig.daemon.campaign("newsletter")
    check(c["pending"] > 0, f"the campaign was over before the kills were: {c}")
    left = c["pending"]
    rig.daemon.wait_campaign("newsletter", timeout=150, every=0.5)
    c, doubled = rig.judge(want)
    check_eq(c["pending"] + c["expired"] + c["cancelled"], 0, "rows without an answer")
    check_eq(len(rig.dots()), c["delivered"], "addresses that got a message")
    print(f"# seed {seed}: {KILLS} kills and {BOOT_KILLS} more while booting, {left} of {want} pending after the last; "
          f"{c['delivered']} delivered, {c['bounced']} bounced; {c['resent_in_doubt']} between dot and reply and sent "
          f"again, {len(doubled)} of them got it twice; 0 lost", flush=True)
    check(c["resent_in_doubt"] > 0, "no kill fell between a dot and its reply: the test shows nothing")
    check_eq(rig.daemon.stop(), 0, "exit code of the graceful stop")
