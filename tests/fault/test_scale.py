"""Faults in the middle of the long jobs: kill -9 and a full disk while rows are made, very many rows that become due at the
same second with a kill among them, a cancel in the middle of all that. docs/decisions/0087 has what the same
did with ten million rows."""
import os
import shutil

from faults import Rig, csv
from lab import check, check_accounts, check_eq, tail, wait_for
from test_disk_full import SmallDisk, rig_on, store_state

ZONE = "".join(f"mx.h{h}.many.test. A 127.0.1.{1 + h}\n*.h{h}.many.test. MX 10 mx.h{h}.many.test.\n" for h in range(8))
NAME = "newsletter"


def addresses(count):
    """Two in each of many domains, on eight sites."""
    return [f"user{i}@d{i // 2}.h{i // 2 % 8}.many.test" for i in range(count)]


def take_all(rig):
    """A sink in its place that takes everything."""
    rig.sink.stop()
    rig.open_sink()


def compact(rig, data):
    """The store without free pages inside, so that what comes in needs the disk."""
    copy = rig.lab.path("copy")
    rig.daemon.ctl("backup", copy)
    check_eq(rig.daemon.stop(), 0, "exit code")
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    rig.start()


def test_kills_while_rows_are_made_and_while_they_leave_lose_nobody(lab):
    with SmallDisk(lab, 96) as disk:
        rig = rig_on(lab, disk, min_free="1MiB", zone=ZONE, key=False, sink_args=["--delay", "dot:1000"])
        want, seen = 80000, 0  # their rows take some 3.7 MB; both lives on the small disk together get 2.6 MB
        rig.daemon.import_leads(csv(lab, addresses(want)))
        rig.create(NAME)
        compact(rig, os.path.join(disk.path, "data"))
        disk.leave((1 << 20) + (256 << 10))
        rig.daemon.call("campaign.start", campaign=NAME)
        for n in range(2):
            wait_for("the store to say that space is short", lambda: store_state(rig) != "ready", 60)
            c = rig.daemon.campaign(NAME)
            check(not c["queued_all"], f"life {n} was to end while rows are made: {c}")
            check(c["queued"] >= seen, f"{seen} rows were there, {c['queued']} are")
            seen = c["queued"]
            rig.kill()
            if n == 0:
                disk.leave((1 << 20) + (256 << 10))
            rig.start()
        short = seen
        disk.empty()
        for _ in range(4):  # wherever the rest is
            wait_for("some more rows", lambda: rig.daemon.campaign(NAME)["queued"] > seen or rig.daemon.campaign(NAME)["queued_all"], 60, 0.001)
            rig.kill()
            rig.start()
            c = rig.daemon.campaign(NAME)
            check_accounts(c)
            check(c["queued"] >= seen, f"{seen} rows were there, {c['queued']} are")
            seen = c["queued"]
        rig.daemon.wait_campaign(NAME, lambda c: c["queued_all"])
        for _ in range(4):  # the sink takes a second for each, so that they last
            before = len(rig.dots())
            wait_for("some more mail", lambda b=before: len(rig.dots()) > b + 200, 120)
            check(len(rig.dots()) < want, "everybody has it: no kill falls into the sending")
            rig.kill()
            rig.start()
        take_all(rig)
        rig.daemon.wait_campaign(NAME, timeout=200, every=0.5)
        c, doubled = rig.judge(want)
        check_eq((c["delivered"], len(rig.dots())), (want, want), "delivered")
        print(f"# {short} rows of {want} on the small disk; {c['resent_in_doubt']} in doubt, {len(doubled)} came twice", flush=True)


def test_a_disk_that_fills_while_rows_are_made_keeps_them_and_goes_on_when_there_is_room(lab):
    with SmallDisk(lab, 96) as disk:
        rig = rig_on(lab, disk, min_free="1MiB", zone=ZONE, key=False, sink_args=["--delay", "dot:1000"], connections=2)
        want = 60000  # their rows take some 2.8 MB: they do not fit, however fast they are made
        rig.daemon.import_leads(csv(lab, addresses(want)))
        rig.create(NAME)
        compact(rig, os.path.join(disk.path, "data"))
        disk.fill(leave_bytes=(1 << 20) + (256 << 10))
        rig.daemon.call("campaign.start", campaign=NAME)
        wait_for("the store to say that space is short", lambda: store_state(rig) != "ready", 60)
        disk.fill(leave_bytes=512 << 10)
        c = rig.daemon.campaign(NAME)
        check(not c["queued_all"], f"the disk was to fill while rows are made: {c}")
        check("no new mail is taken" in tail(rig.daemon.log), tail(rig.daemon.log))
        check_accounts(c)
        rig.kill()
        rig.start()
        check(rig.daemon.campaign(NAME)["queued"] >= c["queued"], "rows are lost")
        balanced, text = rig.daemon.audit()
        check(balanced, text)
        disk.empty()
        rig.daemon.wait_campaign(NAME, lambda c: c["queued_all"])
        take_all(rig)
        rig.daemon.wait_campaign(NAME, timeout=200, every=0.5)
        c, _ = rig.judge(want)
        check_eq(c["delivered"], want, "delivered")


def deferred_rig(lab, want):
    """Everybody is told to come again, however often they come, until the sink is another one."""
    rig = Rig(lab, zone=ZONE, key=False, sink_args=["--greylist", "*:86400"])
    rig.campaign(addresses(want))
    rig.daemon.wait_campaign(NAME, lambda c: c["queued_all"] and c["deferred"] == want)
    return rig


def test_rows_that_are_due_at_the_same_second_survive_kills(lab):
    want = 20000
    rig = deferred_rig(lab, want)
    take_all(rig)
    for n in (want // 20, want // 4):
        wait_for(f"{n} messages", lambda n=n: rig.daemon.campaign(NAME)["delivered"] >= n, 90, 0.01)
        rig.kill()
        rig.start()
    rig.daemon.wait_campaign(NAME, timeout=200, every=0.5)
    c, _ = rig.judge(want)
    check_eq(c["delivered"], want, "delivered")


def test_a_cancel_while_rows_are_made_or_due_stops_all_and_the_books_balance(lab):
    want = 20000
    rig = deferred_rig(lab, want)
    rig.create("second")
    rig.daemon.call("campaign.start", campaign="second")
    wait_for("some rows", lambda: rig.daemon.campaign("second")["queued"] > 0, 60, 0.001)
    for name in ("second", NAME):
        rig.daemon.call("campaign.cancel", campaign=name)
    rig.kill()  # wherever the sweeps are
    take_all(rig)
    rig.start()
    for name in ("second", NAME):
        c = rig.daemon.wait_campaign(name, lambda c: c["pending"] == 0 and c["state"] == "cancelled")
        check_accounts(c)
        check_eq((c["cancelled"], c["delivered"]), (c["queued"], 0), f"{name}: cancelled, delivered")
    balanced, text = rig.daemon.audit()
    check(balanced, text)
    check_eq(rig.daemon.stop(), 0, "exit code")
    check_eq(len(rig.dots()), 0, "messages after the cancel")
