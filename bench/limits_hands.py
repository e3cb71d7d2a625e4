"""Step 'hands' of bench/limits: how long the operator's commands take to change the rows of a campaign to a million, while
another campaign is being sent, and what that one, and `hayauma status`, notice of it."""
import time

from lab import LabError
from limits_big import Pulse
import newsletter

PROVIDER, ADDRESS = "provider.many.test", "127.0.1.250"  # a second for each message, so that the rows stay


def leads_file(lab, rows):
    path = lab.path("provider.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("email,name\r\n")
        f.writelines(f"user{i}@{PROVIDER},user {i}\r\n" for i in range(rows))
    return path


class Other:
    """The campaign beside it: messages a second since the last look."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.at, self.sent = time.monotonic(), daemon.campaign("other")["delivered"]

    def rate(self):
        now, c = time.monotonic(), self.daemon.campaign("other")
        rate = (c["delivered"] - self.sent) / (now - self.at)
        self.at, self.sent = now, c["delivered"]
        if c["pending"] == 0:
            raise LabError(f"the other campaign is over: {c}")
        return rate


def start(daemon, lab, name):
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, lists=name))
    daemon.ctl("campaign", "start", name)


def hands(lab, start_daemon, args, figures):
    world = lab.world(zone_lines=f"mx.{PROVIDER}. A {ADDRESS}\n{PROVIDER}. MX 10 mx.{PROVIDER}.")
    lab.nsd(world)
    lab.sink(world, rules=False, extra=["--listen", f"{ADDRESS}:{world.smtp_port}", "--delay", f"addr={ADDRESS},dot:1000",
                                        "--delay", "dot:200"])
    daemon = start_daemon(lab, world, lab.shaping(connections=2, tls="never", expire="3d"))
    daemon.import_leads(leads_file(lab, args.rows), "many")
    daemon.import_leads(newsletter.leads(lab, 200000), "other")
    start(daemon, lab, "other")
    start(daemon, lab, "many")
    daemon.wait_campaign("many", lambda c: c["queued_all"], every=0.05)
    other = Other(daemon)
    time.sleep(3)
    figures.add("the other campaign, before", other.rate(), "/s")
    to = ("--domain", PROVIDER)
    for what, command in (
            ("move, of fresh rows, dry run", ("move", *to, "--in", "2h", "--dry-run")), ("move, of fresh rows", ("move", *to, "--in", "2h", "--yes")),
            ("retry", ("retry", *to, "--yes")), ("move, of rows that are due", ("move", *to, "--in", "2h", "--yes")),
            ("purge", ("purge", *to, "--yes"))):
        with Pulse(daemon) as pulse:
            begin = time.monotonic()
            done = daemon.ctl("queue", *command)
            took = time.monotonic() - begin
        time.sleep(2)  # so that the rate is one of more than a moment
        figures.add(f"{what}: {done['rows'] if '--dry-run' in command else done['changed']:,} rows", took, "s", 5.0)
        figures.add("  the other campaign, a second", other.rate(), "/s")
        figures.add("  status meanwhile, at most", max(pulse.took, default=0.0), "ms", 100.0)
    balanced, text = daemon.audit()
    if not balanced:
        raise LabError(f"the books do not balance:\n{text}")
