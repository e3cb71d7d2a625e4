"""What follows from activities: each takes effect once, whenever the daemon is killed; machines do not count."""
import collections
import http.client
import itertools
import random
import subprocess
import threading
import time

from api_lab import Api, api_setup, token
from lab import Daemon, check, check_eq, wait_for
from test_campaign import csv
from test_scores import write
from track_lab import Browser, activities, campaign as campaign_file, mails, track_setup, wait_activities

RULES = """
groups:
  - {name: engagement}
rules:
  - {name: order, on: 'ordered()', points: 3, group: engagement}
  - {name: click, on: 'clicked()', points: 1, group: engagement}
"""
PAGE = "<html><body>" + "".join(f'<a href="https://shop.example/{n}">{n}</a> ' for n in range(4)) + \
    '<a href="{{unsubscribe_url}}">leave</a> <a href="{{view_url}}">view</a></body></html>'
PEOPLE, ROUNDS, THREADS = 40, 6, 3
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def start(lab, **config):
    path = lab.path("scoring.yaml")
    write(path, RULES)
    own = token(lab, "crm", "*", "--scopes", "leads:read,leads:write")
    daemon, _, api = api_setup(lab, config={"scoring.rules": path, "reaction.hold": "1s", **config})
    api = Api(api.port, own)
    rows = [f"user{i:03}@example.jp" for i in range(PEOPLE)]
    daemon.import_leads(csv(lab, rows, header="email"))
    daemon.ctl("campaign", "create", campaign_file(lab))
    leads = {}
    for row in rows:
        leads[row] = api.get(f"/v1/leads/{row}").json["lead"]
    return daemon, api, leads


def score(daemon, who):
    return daemon.ctl("score", "explain", who)["score"]


class Shop:
    """Tells of orders, each under an id of its own, until it has been answered for."""

    def __init__(self, port, secret, leads, seed):
        self.api, self.rng, self.leads = Api(port, secret), random.Random(seed), list(leads)
        self.told = collections.Counter()
        self.seed, self.n, self.waiting = seed, 0, None
        self.ending = threading.Event()

    def batch(self):
        who = [self.rng.choice(self.leads) for _ in range(20)]
        self.n += 1
        return who, [{"kind": "order", "email": w, "id": f"o:{self.seed}:{self.n}:{i}", "meta": {"order": f"{self.n}-{i}"}}
                     for i, w in enumerate(who)]

    def run(self):
        while not self.ending.is_set():
            self.waiting = self.waiting or self.batch()
            try:
                answer = self.api.post("/v1/activities", {"activities": self.waiting[1]}, judge=False)
            except (http.client.HTTPException, OSError):
                self.api.close()
                time.sleep(0.05)
                continue
            if answer.status == 202:
                check_eq(answer.json["refused"], 0, answer.text)
                self.told.update(self.waiting[0])
                self.waiting = None


def hits(lab, leads, rng, human, minutes):
    """Into the store of a daemon that is dead: clicks of people, counted in `human`, and of filters, of three links at
    once; each in a minute of its own."""
    lines, now = [], int(time.time() * 1000)
    for _ in range(60):
        who = rng.choice(list(leads))
        links = [1] if rng.random() < 0.5 else [1, 2, 3]
        at = now - 60000 * next(minutes)
        if len(links) == 1:
            human[who] += 1
        for i, link in enumerate(links):
            lines.append("\t".join(["click", "summer", str(leads[who]), str(link), str(at + 300 * i), "", BROWSER]))
    subprocess.run([lab.binary("tests/system/hits_put"), lab.path("hayaumad.data")], input="\n".join(lines) + "\n", text=True, check=True)


def test_kill_9_at_any_moment_leaves_each_effect_exactly_once(lab):
    daemon, api, leads = start(lab)
    rng, human, minutes = random.Random(6), collections.Counter(), itertools.count(1)
    shops = [Shop(api.port, api.secret, leads, n) for n in range(THREADS)]
    threads = [threading.Thread(target=s.run) for s in shops]
    for t in threads:
        t.start()
    try:
        for n in range(ROUNDS):
            before = sum(s.told.total() for s in shops)
            wait_for("orders", lambda: sum(s.told.total() for s in shops) > before + 500, timeout=60)
            time.sleep(rng.random() * 0.3)
            daemon.kill()
            hits(lab, leads, rng, human, minutes)
            daemon = lab.add(Daemon(lab, f"again{n}", daemon.config_path, daemon.socket))
    finally:
        for s in shops:
            s.ending.set()
        for t in threads:
            t.join()
    for s in shops:  # what was not answered for may have been noted
        if s.waiting:
            s.ending.clear()
            s.api.close()
            answer = s.api.post("/v1/activities", {"activities": s.waiting[1]}, judge=False)
            check_eq(answer.status, 202, answer.text)
            s.told.update(s.waiting[0])
    orders = sum((s.told for s in shops), collections.Counter())
    want = {who: 3.0 * orders[who] + human[who] for who in leads}

    def got():
        return {who: score(daemon, who) for who in leads}
    try:
        wait_for("every effect", lambda: got() == want, timeout=60, every=0.5)
    finally:
        found = got()
        check_eq({w: (found[w], want[w]) for w in leads if found[w] != want[w]}, {}, "scores, as they are and should be")
    good, text = daemon.audit()
    check(good, text)
    check_eq(daemon.ctl("status")["reaction"]["skipped"], 0)


def test_who_clicked_is_told_with_the_event_and_when_it_changes(lab):
    daemon, sink, browser = track_setup(lab, config={"reaction.hold": "0"})
    first, second = mails(lab, daemon, sink, browser, page=PAGE)
    person = Browser(browser.port, options=["-A", BROWSER])
    check_eq(person.get(f"c/{first.clicks[0]}").status, 302)
    check_eq(browser.get(f"c/{second.clicks[0]}").status, 302)  # curl says what it is
    check_eq(person.head(f"o/{second.open}").status, 200)
    said = {(e["type"], e["lead"]): (e["verdict"], e.get("verdict_reason")) for e in wait_activities(lab, 3)}
    check_eq(sorted(said.values(), key=str), [("human", None), ("machine", "agent"), ("machine", "head")])
    wait_for("it to count", lambda: daemon.ctl("status")["reaction"]["counted"] == 1)
    time.sleep(2.1)  # a burst that does not reach back to it
    check_eq(person.get(f"c/{first.clicks[1]}", *(f"{person.base}c/{t}" for t in first.clicks[2:4])).status, 302)
    clicks = wait_activities(lab, 6)[3:]
    wait_for("the first of them to be judged anew",
             lambda: [e for e in activities(lab, ("verdict",)) if (e["of"], e["verdict_reason"]) == (clicks[0]["id"], "burst")])
    check_eq({e["verdict"] for e in clicks[1:]}, {"machine"})
    reaction = daemon.ctl("status")["reaction"]
    check_eq(reaction["counted"] - reaction["withdrawn"], 1)
    text = daemon.run("explain", first.to).stdout
    check("click by a person" in text and "click by a machine: several links at once" in text, text)
