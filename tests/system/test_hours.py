"""Campaigns outside their hours: what is said of them, and several spans a day."""
import datetime
import subprocess
import zoneinfo

from lab import Daemon, check, check_eq, wait_for
from test_brakes import campaign, clock, users
from test_campaign import setup
from test_metrics import parsers, samples, value, watched

ZONE = "Asia/Kolkata"  # half an hour off, and its clock never changes
SECOND, MINUTE, HOUR = (datetime.timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours"))


def here():
    """Now, by the clock of ZONE."""
    return datetime.datetime.now(zoneinfo.ZoneInfo(ZONE))


def hours(begin, end):
    return f'hours: "{clock(begin)}-{clock(end)}"\ntime_zone: {ZONE}\n'


def first_line(daemon, *args):
    """What a command that goes on says first."""
    watching = subprocess.Popen(daemon.command(*args), stdout=subprocess.PIPE, text=True)
    try:
        return watching.stdout.readline()
    finally:
        watching.kill()
        watching.wait()


def waits(daemon, name):
    return wait_for("what it waits for", lambda: daemon.campaign(name)["waits"])


def test_a_campaign_outside_its_hours_says_until_when_everywhere(lab):
    parsers()
    daemon, sink, port = watched(lab, key=False)
    opens = (here() + 2 * HOUR).replace(second=0, microsecond=0)
    campaign(lab, daemon, "asleep", users("user", 20), extra=hours(opens, opens + 3 * HOUR))
    found = waits(daemon, "asleep")
    check_eq((found["for"], found["time_zone"], found["until_local"]), ("hours", ZONE, opens.isoformat()))
    check_eq(datetime.datetime.fromisoformat(found["until"].replace("Z", "+00:00")), opens)
    daemon.wait_campaign("asleep", done=lambda c: c["queued_all"])
    want = f"outside its hours until {opens.strftime('%a %Y-%m-%d %H:%M')} {ZONE}"
    for command in (["campaign", "show", "asleep"], ["campaign", "list"], ["queue"], ["explain", "user7@asagao-mail.test"]):
        text = daemon.run(*command).stdout
        check(want in text, f"{command}: {text}")
    check(first_line(daemon, "campaign", "watch", "asleep").startswith(want), "campaign watch")
    check_eq(daemon.ctl("queue")["rows"][0]["waits"], found)
    message = daemon.ctl("explain", "user7@asagao-mail.test")["messages"][0]
    check_eq((message["next"], message["waits"]), ("waits for the hours of the campaign", found))

    campaign(lab, daemon, "awake", users("other", 5))
    daemon.wait_campaign("awake")
    m = samples(port)
    check_eq((value(m, "hayauma_queue_recipients", state="fresh"), value(m, "hayauma_queue_open_recipients")), (20, 0),
             "nothing stands still")
    check_eq(value(m, "hayauma_campaigns_waiting", **{"for": "hours"}), 1)

    daemon.ctl("campaign", "pause", "asleep")
    check_eq((waits(daemon, "asleep")["for"], daemon.campaign("asleep")["waits"]["until"]), ("resume", None))
    check("until somebody resumes it" in daemon.run("explain", "user7@asagao-mail.test").stdout, "explain of a pause")
    daemon.ctl("campaign", "resume", "asleep")
    wait_for("the hours", lambda: daemon.campaign("asleep")["waits"] == found)
    daemon.kill()
    daemon = lab.add(Daemon(lab, "hayaumad", daemon.config_path, daemon.socket))
    check_eq(waits(daemon, "asleep"), found, "after a restart")
    check_eq(whose_mail(sink), {"other"})


def whose_mail(sink):
    return {r.rstrip("0123456789") for r in (a.split("@")[0] for a in sink.delivered())}


def is_open(moment, spans, closed):
    at = moment.hour * 60 + moment.minute
    return moment.date() not in closed and any((at - b) % 1440 < (e - b) % 1440 for b, e in spans)


def opening(spans, closed):
    """The first minute from now on in which mail may go, found by trying them all."""
    moment = here().replace(second=0, microsecond=0)
    while not is_open(moment, spans, closed):
        moment += MINUTE
    return moment


def test_spans_of_a_day_and_closed_dates_say_when_it_goes_on(lab):
    daemon, sink, _ = setup(lab, key=False)
    a, b = here() + 2 * HOUR, here() + 5 * HOUR
    spans = [(clock(a), clock(a + HOUR)), (clock(b), clock(b + HOUR))]
    minutes = [tuple(int(t[:2]) * 60 + int(t[3:]) for t in span) for span in spans]
    text = ",".join("-".join(s) for s in spans)
    written = ", ".join(f"{b}-{e}" for b, e in spans)
    closed = a.date()  # the first span begins on it; the second one, or none of today, on the next
    campaign(lab, daemon, "spans", users("user", 5), extra=f"time_zone: {ZONE}\nhours:\n  mon-sun: [{written}]\n")
    campaign(lab, daemon, "holiday", users("other", 5),
             extra=f"time_zone: {ZONE}\nhours: {text}\nclosed: [{closed}, 2040-01-01..2040-01-07]\n")
    for name, dates in (("spans", []), ("holiday", [closed])):
        check_eq(waits(daemon, name)["until_local"], opening(minutes, dates).isoformat(), name)
    check_eq(daemon.campaign("holiday")["hours"],
             {"spans": text, "closed": f"{closed}, 2040-01-01..2040-01-07", "time_zone": ZONE, "by_lead": False})
    shown = daemon.run("campaign", "show", "holiday").stdout
    check(f"{text} {ZONE}" in shown and f"{closed}, 2040-01-01..2040-01-07" in shown, shown)
    check_eq(sink.delivered(), [])


def test_a_closed_date_of_the_configuration_stops_all_but_those_that_say_otherwise(lab):
    days = [(here() + n * 24 * HOUR).date() for n in range(3)]  # midnight may come while this runs
    daemon, sink, _ = setup(lab, key=False, config={"campaign.closed": [f"{days[0]}..{days[2]}"],
                                                    "campaign.time_zone": ZONE})
    campaign(lab, daemon, "closed", users("closed", 5))
    campaign(lab, daemon, "anyway", users("anyway", 5), extra="closed: []\n")
    campaign(lab, daemon, "reset", users("reset", 5), extra="priority: transactional\n")
    for name in ("anyway", "reset"):
        daemon.wait_campaign(name)
    check_eq(waits(daemon, "closed")["until_local"][:16], f"{days[2] + datetime.timedelta(days=1)}T00:00")
    check_eq(whose_mail(sink), {"anyway", "reset"})
    with open(daemon.config_path, encoding="utf-8") as f:
        text = f.read()
    with open(daemon.config_path, "w", encoding="utf-8") as f:
        f.write(text.replace(f"{days[0]}..{days[2]}", "2001-01-01"))
    daemon.ctl("reload")
    daemon.wait_campaign("closed")
    check_eq(whose_mail(sink), {"anyway", "reset", "closed"}, "a reload counts for those that wait")


def test_what_waited_for_its_hours_is_let_go_slowly_unless_it_says_otherwise(lab):
    daemon, sink, _ = setup(lab, key=False, config={"campaign.release_spread": "2m"})
    opens = (here() + 80 * SECOND).replace(second=0, microsecond=0)
    campaign(lab, daemon, "slowly", users("slowly", 1800), extra=hours(opens, opens + HOUR))
    campaign(lab, daemon, "atonce", users("atonce", 100), extra=hours(opens, opens + HOUR) + "release_spread: none\n")
    check_eq([waits(daemon, name)["for"] for name in ("slowly", "atonce")], ["hours"] * 2)
    daemon.wait_campaign("atonce", timeout=150)
    delivered = daemon.campaign("slowly")["delivered"]
    passed = (here() - opens).total_seconds()
    check(delivered <= 1800 / 50 + 1 + 1800 / 120 * passed, f"{delivered} of 1800 within {passed} of 120 seconds")
    daemon.ctl("campaign", "pause", "slowly")
    daemon.ctl("campaign", "resume", "slowly")  # within the release: it goes on slowly
    later = daemon.campaign("slowly")["delivered"]
    wait_for("more of them", lambda: daemon.campaign("slowly")["delivered"] > later + 30, 60)
    check(daemon.campaign("slowly")["pending"] > 0, "all at once after a resume")
    daemon.ctl("campaign", "cancel", "slowly")
    daemon.wait_campaign("slowly", done=lambda c: c["pending"] == 0)
