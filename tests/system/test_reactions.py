"""What follows from activities: each takes effect once, whenever the daemon is killed; machines do not count."""
import collections
import ctypes
import http.client
import itertools
import os
import platform
import random
import signal
import subprocess
import threading
import time

from api_lab import Api, api_setup, token
from lab import LIBC, Daemon, Skip, check, check_eq, wait_for
from test_campaign import csv
from test_disk_full import SmallDisk
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


def scored(lab, **config):
    """Configuration of a daemon that scores, and counts at once."""
    path = lab.path("scoring.yaml")
    write(path, RULES)
    return {"scoring.rules": path, "reaction.hold": "0", **config}


def start(lab, **config):
    own = token(lab, "crm", "*", "--scopes", "leads:read,leads:write")
    daemon, _, api = api_setup(lab, config=scored(lab, **{"reaction.hold": "1s", **config}))
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


def test_hits_and_mail_while_the_disk_is_full_all_count_once_when_there_is_room(lab):
    with SmallDisk(lab, 64) as disk:
        daemon, sink, browser = track_setup(lab, config=scored(lab, **{
            "paths.data_dir": os.path.join(disk.path, "data"), "store.min_free": "2MiB", "delivery.in_flight_max": 1024}))
        first, second = mails(lab, daemon, sink, browser, page=PAGE)
        person = Browser(browser.port, options=["-A", BROWSER])
        daemon.ctl("campaign", "create", campaign_file(lab, "autumn", page=PAGE))
        sink.signal(signal.SIGSTOP)  # the mail is under way for as long as the disk is full
        try:
            daemon.ctl("campaign", "start", "autumn")
            wait_for("its rows", lambda: daemon.ctl("campaign", "show", "autumn")["queued_all"])
            disk.fill()
            wait_for("the store to be out of room", lambda: daemon.ctl("status")["store"]["state"] != "ready")
            check_eq(person.get(f"c/{first.clicks[0]}").status, 302)
            check_eq(person.get(f"c/{second.clicks[0]}").status, 302)
            for _ in range(30):
                check_eq(browser.get("o/" + first.open).fields["content-type"], "image/gif")
            tracking = daemon.ctl("status")["tracking"]
            check_eq((tracking["lost"], tracking["waiting"], activities(lab)), (0, 32, []))
            check_eq(daemon.ctl("campaign", "show", "autumn")["delivered"], 0)
            disk.empty()
        finally:
            sink.signal(signal.SIGCONT)
        daemon.kill()  # whether they are in the store by now or not
        daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
        wait_for("both to count", lambda: score(daemon, first.to) == score(daemon, second.to) == 1)
        check_eq(len(wait_activities(lab, 32)), 32)
        daemon.wait_campaign("autumn")
        check_eq(daemon.ctl("campaign", "show", "autumn")["delivered"], 2)
        balanced, text = daemon.audit()
        check(balanced, text)
        check_eq(daemon.ctl("status")["reaction"]["skipped"], 0)


class HeldThread:
    """One thread of a process that stands still where it waits for work, with no lock of others; they go on."""
    SEIZE, INTERRUPT, DETACH, WAIT_ALL = 0x4206, 0x4207, 17, 0x40000000
    FUTEX = {"x86_64": "202", "aarch64": "98"}

    def __init__(self, pid, name):
        if platform.machine() not in self.FUTEX:
            raise Skip("what a thread waits for is not known on this machine")
        self.task = next(t for t in (f"/proc/{pid}/task/{n}" for n in os.listdir(f"/proc/{pid}/task"))
                         if self.read(t, "comm") == name)
        self.tid = int(os.path.basename(self.task))

    @staticmethod
    def read(task, what):
        with open(os.path.join(task, what), encoding="ascii") as f:
            return f.read().strip()

    def trace(self, request):
        LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        LIBC.ptrace.restype = ctypes.c_long
        if LIBC.ptrace(request, self.tid, None, None):
            raise Skip(f"a thread cannot be held here: {os.strerror(ctypes.get_errno())}")

    def hold(self):
        """Whether it waits; held if so."""
        self.trace(self.SEIZE)
        self.trace(self.INTERRUPT)
        os.waitpid(self.tid, self.WAIT_ALL)
        if self.read(self.task, "syscall").split()[0] == self.FUTEX[platform.machine()]:
            return True
        self.trace(self.DETACH)
        return False

    def __enter__(self):
        wait_for("the thread to wait for work", self.hold)
        return self

    def __exit__(self, *_):
        self.trace(self.DETACH)


def test_a_reaction_that_stands_still_holds_up_no_browser_and_no_mail(lab):
    daemon, sink, browser = track_setup(lab, config=scored(lab))
    first, second = mails(lab, daemon, sink, browser, page=PAGE)
    person = Browser(browser.port, options=["-A", BROWSER])
    daemon.ctl("campaign", "create", campaign_file(lab, "autumn", page=PAGE))
    wait_for("what came so far to take effect", lambda: daemon.ctl("status")["reaction"]["lag_us"] == 0)
    with HeldThread(daemon.pid, "react"):
        before = daemon.ctl("status")["reaction"]["applied"]
        check_eq(person.get(f"c/{first.clicks[0]}").status, 302)
        check_eq(person.get(f"c/{second.clicks[0]}").status, 302)
        connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=60)
        for _ in range(5000):
            connection.request("GET", "/o/" + first.open)
            check_eq(len(connection.getresponse().read()), 42)
        daemon.ctl("campaign", "start", "autumn")
        daemon.wait_campaign("autumn")
        wait_for("all hits in the store", lambda: daemon.ctl("status")["tracking"]["stored"] == 5002)
        status = daemon.ctl("status")
        check_eq((status["reaction"]["applied"], status["tracking"]["lost"]), (before, 0))
        check_eq(score(daemon, first.to), 0)
    wait_for("both to count", lambda: score(daemon, first.to) == score(daemon, second.to) == 1)
    check_eq(daemon.ctl("status")["reaction"]["skipped"], 0)
