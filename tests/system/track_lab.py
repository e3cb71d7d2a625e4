"""What the tests of tracking need: a daemon that answers browsers, a campaign whose mails hold links, and a browser of
few words (curl)."""
import email
import email.policy
import html
import json
import os
import re
import subprocess

import event_lab
from lab import LabError, check, check_eq, wait_for
from test_campaign import csv, setup

NAME = "t.news.hayauma.test"
HTML = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>t</title></head><body>
<p>{{name}} 様</p>
<a href="https://shop.example/summer?x=1&amp;y=2#top">夏</a>
<a href="https://shop.example/for/{{email}}?n={{name}}">yours</a>
<a href="https://www.site.example/page">site</a>
<a href="mailto:someone@shop.example">write</a>
<a href="{{unsubscribe_url}}">leave</a> <a href="{{view_url}}">view</a>
</body></html>
"""
CAMPAIGN = """name: {name}
lists: [{lists}]
from: {{name: Shop, address: news@news.hayauma.test}}
subject: Summer
html: page.html
{extra}"""


UNLIMITED = {f"tracking.hits_per_{who}": "unlimited" for who in ("token", "visitor", "lead", "address")}


def track_setup(lab, config=None, **kw):
    """(daemon, sink, Browser) of a daemon that answers browsers without TLS, and notes any number of hits; its events are
    in folder "events"."""
    port = lab.free_port()
    values = {"tracking.listen": [f"127.0.0.1:{port}"], "tracking.base_url": f"http://127.0.0.1:{port}/",
              "tracking.journal": "1MiB", **UNLIMITED,
              "events.files": [{"name": "all", "dir": event_lab.folder(lab)}], **(config or {})}
    daemon, sink, world = setup(lab, config=values, **kw)
    browser = Browser(port)
    browser.domain = next(d for d, x in world.domains.items() if x["kind"] == "plain")
    return daemon, sink, browser


def campaign(lab, name="summer", extra="", page=HTML, lists="news"):
    lab.write("page.html", page)
    return lab.write(f"{name}.yaml", CAMPAIGN.format(name=name, extra=extra, lists=lists))


class Mail:
    """The links of a mail that was delivered."""

    def __init__(self, path, base):
        with open(path, "rb") as f:
            self.message = email.message_from_bytes(f.read(), policy=email.policy.default)
        self.html = self.message.get_body(("html",)).get_content()
        self.text = self.message.get_body(("plain",)).get_content()
        self.to = self.message["To"].addresses[0].addr_spec
        tokens = {kind: re.findall(re.escape(base) + kind + r"/([\w-]+)", html.unescape(self.html)) for kind in "couv"}
        self.clicks, (self.open,), self.leave, self.view = tokens["c"], tokens["o"], tokens["u"][0], tokens["v"][0]


def mails(lab, daemon, sink, browser, people=2, base=None, **kw):
    """Sends a campaign to so many people; their mails, in the order of the addresses."""
    rows = [f"user{i:03}@{browser.domain},利用者{i}" for i in range(people)]
    daemon.import_leads(csv(lab, rows, header="email,name"))
    path = campaign(lab, **kw)
    name = kw.get("name", "summer")
    daemon.ctl("campaign", "create", path)
    daemon.ctl("campaign", "start", name)
    daemon.wait_campaign(name)
    found = [Mail(p, base or browser.base) for p in sink.captured()]
    return sorted(found, key=lambda m: m.to)


class Answer:
    def __init__(self, text):
        head, _, self.body = text.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields[name.lower()] = value.strip()

    def text(self):
        return self.body.decode()


class Browser:
    """curl: a request a process, without a redirect being followed."""

    def __init__(self, port, scheme="http", host="127.0.0.1", options=()):
        self.port, self.base, self.options = port, f"{scheme}://{host}:{port}/", list(options)

    def get(self, path, *options):
        url = path if "://" in path else self.base + path
        argv = ["curl", "-sS", "-i", "--max-time", "30", *self.options, *options, url]
        done = subprocess.run(argv, capture_output=True, check=False)
        if done.returncode:
            raise LabError(f"{argv}: {done.stderr.decode()}")
        return Answer(done.stdout)

    def head(self, path, *options):
        return self.get(path, "-I", *options)

    def post(self, path, body, *options):
        return self.get(path, "--data", body, *options)


def activities(lab, kinds=("open", "click"), folder="events"):
    return [e for e in event_lab.read(lab.path(folder)) if e["type"] in kinds]


def wait_activities(lab, n, kinds=("open", "click")):
    wait_for(f"{n} of {kinds}", lambda: len(activities(lab, kinds)) >= n)
    found = activities(lab, kinds)
    check_eq(len(found), n, f"{kinds}: {json.dumps(found)[:2000]}")
    return found
