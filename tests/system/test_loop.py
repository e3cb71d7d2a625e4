"""The loop closes: a mail is sent, a person follows its link, a machine follows all of them; what they did becomes
points, moves them into a segment, stands in the report, and decides who gets the next mail."""
import time

import track_lab
from api_lab import Api, token
from lab import Daemon, check, check_eq, wait_for

RULES = """
groups: [{name: engagement}]
rules:
  - {name: click, on: 'clicked(campaign: "summer")', points: 1, group: engagement}
  - {name: key page, on: 'reached(name: "pricing")', points: 3, group: engagement}
  - {name: seminar, on: 'attended()', points: 10, group: engagement}
thresholds: [{name: hot, from: 14, until: 10}]
"""
HOLD_S = 4
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"


def start(lab):
    """(daemon, sink, browser, client of the API)"""
    rules = lab.write("scoring.yaml", RULES)
    own = token(lab, "crm", "*", "--scopes", "leads:read,leads:write")
    port = lab.free_port()
    daemon, sink, browser = track_lab.track_setup(lab, config={
        "scoring.rules": rules, "reaction.hold": f"{HOLD_S}s", "api.listen": [f"127.0.0.1:{port}"],
        "api.tokens": lab.path("tokens")})
    return daemon, sink, browser, Api(port, own)


def score(daemon, who):
    return daemon.ctl("score", "explain", who)["score"]


def segment(daemon, name):
    return {lead["address"] for lead in daemon.ctl("segment", "members", name)["leads"]}


def verdicts(lab, who):
    return {e["link"]: e["verdict"] for e in track_lab.activities(lab, ("click",)) if e["recipient"] == who}


def test_what_people_do_with_a_mail_decides_who_gets_the_next(lab):
    daemon, sink, browser, api = start(lab)
    daemon.ctl("segment", "create", "hot", 'score >= 14 and clicked(campaign: "summer", within 30d)')
    person, machine, nobody = track_lab.mails(lab, daemon, sink, browser, people=3)
    browser.get("c/" + person.clicks[0], "-A", PHONE)
    for token_ in machine.clicks:  # a filter looks at all links at once, and calls itself a browser
        browser.get("c/" + token_, "-A", PHONE)
    answer = api.post("/v1/activities", {"activities": [
        {"kind": kind, "email": mail.to, "name": name} for mail in (person, machine)
        for kind, name in (("key-page", "pricing"), ("offline", "Expo 2026"))]})
    check_eq((answer.status, answer.json["refused"]), (202, 0), answer.text)
    wait_for("what is not held", lambda: score(daemon, person.to) >= 13 and score(daemon, machine.to) >= 13)
    wait_for("the click, behind its hold", lambda: score(daemon, person.to) == 14)
    wait_for("the person in the segment", lambda: segment(daemon, "hot") == {person.to})
    wait_for("all verdicts", lambda: len(verdicts(lab, machine.to)) == 3 and set(verdicts(lab, machine.to).values()) == {"machine"})
    time.sleep(HOLD_S + 1)  # nor does it count later
    check_eq((score(daemon, machine.to), score(daemon, nobody.to)), (13, 0))
    check_eq([h["email"] for h in daemon.ctl("score", "hot")["leads"]], [person.to])
    report = daemon.ctl("campaign", "report", "summer")
    check_eq((report["people"]["clicked"], report["clicks_human"], report["clicks_machine"]), (1, 1, 3), report)

    daemon.kill()  # nothing of it is lost, nor counted twice
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    check_eq((score(daemon, person.to), score(daemon, machine.to)), (14, 13))
    check_eq(segment(daemon, "hot"), {person.to})
    path = track_lab.campaign(lab, name="offer", extra="segment: hot\n")
    daemon.ctl("campaign", "create", path)
    daemon.ctl("campaign", "start", "offer")
    check_eq(daemon.wait_campaign("offer")["delivered"], 1, "only who is hot")
    balanced, text = daemon.audit()
    check(balanced, text)
