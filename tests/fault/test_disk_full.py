"""The disk fills up: what comes in is refused with words, outcomes wait, nothing is lost, and all goes
on by itself when there is space again. The store is on a small file system that only this process
and its children see."""
import ctypes
import os
import subprocess
import time

from faults import Rig, leads, users
from lab import LIBC, Skip, check, check_accounts, check_eq, tail, wait_for

CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_REMOUNT = 0x00020000, 0x4000, 0x40000, 32
NAME = "newsletter"


class SmallDisk:
    """A tmpfs that ends with our processes."""

    def __init__(self, lab, mib):
        self.path, self.ballast = lab.path("disk"), lab.path("disk", "ballast")
        os.makedirs(self.path, exist_ok=True)
        if LIBC.unshare(CLONE_NEWNS) or LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None):
            raise Skip(f"no mount namespace of our own: {os.strerror(ctypes.get_errno())}")
        self.mount(mib, 0)

    def mount(self, mib, flags):
        if LIBC.mount(b"tmpfs", self.path.encode(), b"tmpfs", flags, f"size={mib}m".encode()):
            raise Skip(f"tmpfs cannot be mounted: {os.strerror(ctypes.get_errno())}")

    def grow(self, mib):
        self.mount(mib, MS_REMOUNT)

    def free_bytes(self):
        fs = os.statvfs(self.path)
        return fs.f_bavail * fs.f_frsize

    def fill(self, leave_bytes=0):
        """A file that takes all space but so much, again each time it is called."""
        with open(self.ballast, "ab") as f:
            try:
                while (n := self.free_bytes() - leave_bytes) > 0:
                    f.write(bytes(min(n, 1 << 20)))
                    f.flush()
            except OSError:
                pass
            os.truncate(self.ballast, os.stat(self.ballast).st_size // 4096 * 4096)

    def leave(self, free_bytes):
        """So much room, no more and no less."""
        short = free_bytes - self.free_bytes()
        if short > 0:
            os.truncate(self.ballast, max(0, os.stat(self.ballast).st_size - short))
        self.fill(leave_bytes=free_bytes)

    def empty(self):
        os.unlink(self.ballast)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Lazily, since the daemon still ends on it; the last one out takes it away.
        subprocess.run(["umount", "-l", self.path], check=False)


def rig_on(lab, disk, min_free="4MiB", **more):
    return Rig(lab, config={"paths.data_dir": os.path.join(disk.path, "data"), "delivery.in_flight_max": 2048,
                            "store.min_free": min_free}, **more)


def store_state(rig):
    return rig.daemon.call("status")["store"]["state"]


def listed(rig):
    """How many leads the list has, counted one by one."""
    out = rig.lab.path("exported.csv")
    done = rig.daemon.run("list", "export", "news", "--output", out)
    check_eq(done.returncode, 0, done.stderr)
    with open(out, encoding="utf-8") as f:
        return sum(1 for _ in f) - 1


def test_an_import_that_fills_the_disk_says_where_to_go_on_and_keeps_what_it_said_is_in(lab):
    with SmallDisk(lab, 32) as disk:
        rig = rig_on(lab, disk, key=False)
        path = leads(lab, rig.world, 200000)
        done = rig.daemon.run("import", path, "--list", "news")
        text = done.stdout + done.stderr
        check_eq(done.returncode, 1, text)
        check("disk" in text and "--from-line" in text, text)
        line = int(text.split("--from-line", 1)[1].split()[0])
        check(1000 < line < 200000, text)
        check(store_state(rig) in ("low", "full"), f"the store is {store_state(rig)}")
        got = listed(rig)
        check(got >= line - 2, f"{got} leads are in; it said that those before line {line} are")
        check_eq(rig.daemon.run("import", path, "--list", "news").returncode, 1, "another import")
        rig.kill()
        rig.start()
        check_eq(listed(rig), got, "leads after kill -9")
        disk.grow(256)
        wait_for("the store is ready again", lambda: store_state(rig) == "ready")
        rig.daemon.ctl("import", path, "--list", "news", "--from-line", str(line))
        check_eq(listed(rig), 200000, "leads in the end")
        balanced, text = rig.daemon.audit()
        check(balanced, text)


def start_and_fill(lab, disk):
    """A campaign that runs when the disk gets full to the last block; (rig, recipients)."""
    rig = rig_on(lab, disk, connections=5, sink_args=["--delay", "dot:5-20"])
    want = rig.campaign(users(6000, "asagao-mail.test", "kinako.test", "northmail.test"))
    rig.wait_dots(200)
    for _ in range(200):
        disk.fill()
        if store_state(rig) == "full":
            break
        time.sleep(0.05)
    check_eq(store_state(rig), "full", tail(rig.daemon.log))
    return rig, want


def check_refused(rig):
    """Intake on a full disk: refused, with words."""
    more = rig.lab.write("more.csv", "email\r\nmore@kinako.test\r\n")
    for args in (("import", more, "--list", "news"), ("campaign", "create", rig.lab.path("newsletter", "second.yaml"))):
        done = rig.daemon.run(*args)
        text = done.stdout + done.stderr
        check_eq(done.returncode, 1, f"{args}: {text}")
        check("disk" in text and "full" in text, f"{args}: {text}")


def test_a_campaign_waits_out_a_full_disk_and_goes_on_by_itself(lab):
    with SmallDisk(lab, 48) as disk:
        rig, want = start_and_fill(lab, disk)
        with open(lab.path("newsletter", "newsletter.yaml"), encoding="utf-8") as f:
            lab.write(os.path.join("newsletter", "second.yaml"), f.read().replace(f"name: {NAME}", "name: second"))
        check_refused(rig)
        before = rig.daemon.campaign(NAME)
        check_accounts(before)
        time.sleep(1)
        at_sink = len(rig.dots())
        check(at_sink < want, "everything was out before the disk was full")
        balanced, text = rig.daemon.audit()
        check(balanced, text)
        disk.empty()
        wait_for("the store is ready again", lambda: store_state(rig) == "ready")
        rig.daemon.wait_campaign(NAME)
        c, doubled = rig.judge(want)
        check_eq((c["delivered"], c["resent_in_doubt"], doubled), (want, 0, []), "each exactly once")
        rig.daemon.import_leads(lab.path("more.csv"))
        check_eq(rig.daemon.stop(), 0, "exit code")


def test_a_kill_on_a_full_disk_loses_no_outcome(lab):
    with SmallDisk(lab, 48) as disk:
        rig, want = start_and_fill(lab, disk)
        time.sleep(0.5)
        rig.kill()
        rig.start(answering=False)
        try:
            wait_for("an answer or an end", lambda: rig.daemon.answers() or not rig.daemon.alive(), 20)
        finally:
            rig.daemon.expect_failure = True
        if not rig.daemon.alive():
            check_eq(rig.daemon.popen.returncode, 74, tail(rig.daemon.log))
            check("disk" in tail(rig.daemon.log, 5), tail(rig.daemon.log))
            disk.empty()
            rig.start()
        else:
            disk.empty()
            rig.in_doubt += rig.daemon.status["recovery"]["in_doubt"]
        rig.daemon.wait_campaign(NAME)
        c, _ = rig.judge(want)
        check_eq(c["delivered"], want, "delivered")
