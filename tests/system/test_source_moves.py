"""Mail that waits moves from source to source: by a person's order, by a hold, since an address came back, or since
the receiver gave it back."""
import collections
import contextlib
import shutil
import subprocess
import time

from lab import Skip, check, check_accounts, check_eq, wait_for
from test_metrics import samples, value
from test_sources import A, B, SOURCES, rows_of, setting, start, warming

POOLS = {"delivery.pools": [{"name": "main", "sources": {"a": 1}}, {"name": "spare", "sources": {"b": 1}}],
         "delivery.pool": "main"}


def slowly(seconds=0.02):
    """A judge that takes its time with every recipient."""
    def judge(_source, _rcpt):
        time.sleep(seconds)
    return judge


def balanced(daemon):
    good, text = daemon.audit()
    check(good, text)


def test_what_waits_for_a_provider_goes_by_another_pool_until_the_order_is_over(lab):
    with setting(lab, config=POOLS, judge=slowly(), shaping=lab.shaping(tls="never", connections=2)) as (daemon, receiver, _):
        start(lab, daemon, rows_of(900))
        wait_for("some by the pool of the campaign", lambda: receiver.by_source()[A] > 20)
        look = daemon.ctl("queue", "move", "--provider", "default", "--pool", "spare", "--dry-run")
        check(look["rows"] > 500 and daemon.ctl("lane", "list")["orders"] == [], str(look))
        order = daemon.ctl("queue", "move", "--provider", "default", "--pool", "spare", "--yes")
        check_eq((order["order"], order["scope"], order["name"], order["pool"]), ("route", "provider", "default", "spare"))
        wait_for("the other source", lambda: receiver.by_source()[B] > 20)
        moved = receiver.by_source()[A]
        wait_for("more of it", lambda: receiver.by_source()[B] > 150, timeout=30)
        check(receiver.by_source()[A] <= moved + 4, f"{receiver.by_source()}, {moved} when it was moved")
        check("by spare" in daemon.run("lane", "list").stdout, daemon.run("lane", "list").stdout)
        daemon.ctl("lane", "release", str(order["no"]))
        wait_for("the pool of the campaign again", lambda: receiver.by_source()[A] > moved + 100, timeout=30)
        c = daemon.wait_campaign("newsletter")
        check_accounts(c)
        check_eq((c["delivered"], len({m.rcpts for m in receiver.mails}), len(receiver.mails)), (900, 900, 900))
        balanced(daemon)
        acts = [(a["act"], a.get("pool")) for a in daemon.ctl("acts")["acts"]]
        check(("lane.route", "spare") in acts and ("lane.release", "spare") in acts, str(acts))


def test_a_campaign_alone_is_moved_to_a_source_and_the_order_outlives_a_restart(lab):
    with setting(lab, config=POOLS, judge=slowly(), shaping=lab.shaping(tls="never", connections=2)) as (daemon, receiver, world):
        daemon.ctl("lane", "hold", "--provider", "default")
        start(lab, daemon, rows_of(100), name="one")
        start(lab, daemon, rows_of(100), name="two")
        daemon.ctl("queue", "move", "--campaign", "one", "--pool", "b", "--for", "1h", "--yes")
        daemon.stop()
        daemon = lab.daemon(world, config={"paths.shaping": lab.path("shaping.yaml"), "delivery.sources": SOURCES,
                                           "delivery.workers": 2, **POOLS})
        check_eq([o["order"] for o in daemon.ctl("lane", "list")["orders"]], ["hold", "route"])
        daemon.ctl("lane", "release", "1")
        check_eq([daemon.wait_campaign(name)["delivered"] for name in ("one", "two")], [100, 100])
        check_eq(dict(receiver.by_source()), {A: 100, B: 100}, "each campaign by its own pool")


def test_a_move_to_a_pool_that_makes_no_sense_is_refused(lab):
    with setting(lab, config=POOLS) as (daemon, _, _):
        for args, code, why in ((["--all", "--pool", "nowhere"], 1, "no pool or source 'nowhere'"),
                                (["--pool", "spare"], 2, "say which rows"),
                                (["--all", "--pool", "spare", "--state", "held"], 2, "other filters"),
                                (["--all", "--pool", "spare", "--in", "2h"], 2, "other filters"),
                                (["--domain", "a.test", "--site", "b", "--pool", "spare"], 1, "name one of"),
                                (["--all", "--at", "yesterday"], 2, "say when")):
            done = daemon.run("queue", "move", *args, "--yes")
            check_eq((done.returncode, why in done.stderr), (code, True), f"{args}: {done.stderr}")
        check_eq(daemon.ctl("lane", "list")["orders"], [])


def test_a_hold_of_a_source_gives_what_waits_there_to_the_others(lab):
    with setting(lab, judge=slowly(), shaping=lab.shaping(tls="never", connections=2)) as (daemon, receiver, _):
        start(lab, daemon, rows_of(800))
        wait_for("both at work", lambda: receiver.by_source()[A] > 20 and receiver.by_source()[B] > 20)
        daemon.ctl("lane", "hold", "--domain", "big.test", "--source", "a")
        held = receiver.by_source()[A]
        c = daemon.wait_campaign("newsletter")
        check_eq(c["delivered"], 800)
        # What was ready may still go.
        check(receiver.by_source()[A] <= held + 64, f"{receiver.by_source()}, {held} at the hold")
        check_eq(len({m.rcpts for m in receiver.mails}), 800)
        balanced(daemon)


def attempts_of(daemon, n):
    """Attempts of all n users by source, as `explain` tells them."""
    out = collections.Counter()
    for i in range(n):
        for m in daemon.ctl("explain", f"user{i}@big.test")["messages"]:
            out.update(a["source"] for a in m["attempts"])
    return out


def test_messages_that_come_back_untouched_give_their_places_of_the_day_back(lab):
    port = lab.free_port()
    config = {"metrics.listen": f"127.0.0.1:{port}", **warming(lab)}
    with setting(lab, config=config, hangs_up=True, shaping=lab.shaping(tls="never", connections=2)) as (daemon, receiver, _):
        start(lab, daemon, rows_of(200))
        c = daemon.wait_campaign("newsletter", timeout=60)
        check_accounts(c)
        check_eq((c["delivered"], c["attempts"]), (200, 200), "what came back is no attempt")
        check(value(samples(port), "hayauma_returned_total") > 0, "nothing came back")
        check_eq(receiver.by_source()[A], 10, "each place of the day carried a message")
        balanced(daemon)


def test_a_server_that_says_421_at_mail_ends_and_every_attempt_has_one_place_of_the_day(lab):
    said = []

    def refuse(source):
        if source == A and len(said) < 12:
            said.append(source)
            return "421 4.3.2 not now"
        return None

    with setting(lab, config=warming(lab), refuse=refuse) as (daemon, receiver, _):
        start(lab, daemon, rows_of(200))
        c = daemon.wait_campaign("newsletter", timeout=60)
        check_accounts(c)
        check_eq(c["delivered"], 200)
        warm = next(w for s in daemon.ctl("source", "list")["sources"] for w in s["warmup"])
        check(said and warm["sent"] <= 10, f"{len(said)} {warm}")
        check_eq(attempts_of(daemon, 200)["a"], warm["sent"])
        balanced(daemon)


@contextlib.contextmanager
def removable(ip):
    """Gives this machine an address for a while: yields functions that put it there and take it away."""
    def change(verb):
        done = subprocess.run(["ip", "addr", verb, f"{ip}/32", "dev", "lo"], capture_output=True, check=False)
        return done.returncode == 0
    if not shutil.which("ip") or not change("add"):
        raise Skip("addresses cannot be added here")
    try:
        yield lambda: change("add"), lambda: change("del")
    finally:
        change("del")


def test_an_address_that_vanishes_leaves_its_mail_to_the_others_and_comes_back(lab):
    ip = "192.0.2.78"
    sources = [{"name": "comes", "address": ip, "weight": 9}, SOURCES[1]]
    with removable(ip) as (add, remove), \
            setting(lab, sources, judge=slowly(), shaping=lab.shaping(tls="never", connections=2)) as (daemon, receiver, _):
        start(lab, daemon, rows_of(1500))
        wait_for("mail from both", lambda: receiver.by_source()[ip] > 20 and receiver.by_source()[B] > 2)
        check(remove(), "it could not be taken away")

        def state():
            return next(s for s in daemon.ctl("source", "list")["sources"] if s["source"] == "comes")
        wait_for("it to be missed", lambda: state()["missing"] == [ip], timeout=60)
        before = receiver.by_source()
        wait_for("the other to go on", lambda: receiver.by_source()[B] > before[B] + 100, timeout=30)
        check(add(), "it could not be put back")
        wait_for("it to be found again", lambda: state()["addresses"] == [ip], timeout=40)
        wait_for("mail from it again", lambda: receiver.by_source()[ip] > before[ip] + 50, timeout=40)
        c = daemon.wait_campaign("newsletter")
        check_accounts(c)
        check_eq((c["delivered"], len({m.rcpts for m in receiver.mails})), (1500, 1500))
        balanced(daemon)
