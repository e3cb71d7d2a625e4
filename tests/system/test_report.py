"""A campaign's report: the same figures in every form, equal to what was done; and nothing in it that runs."""
import csv
import html.parser
import http.server
import io
import json
import os
import random
import subprocess
import threading
from collections import Counter

from api_lab import Api, token
from lab import Skip, check, check_eq, wait_for
from test_api_tenants import TENANTS
from test_campaign import field, send, setup
from test_campaign import csv as lead_file

PERSON = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
ROBOT = "python-requests/2.31.0"
HOUR = 3600 * 1000
NAME = "=cmd|'/C calc'!A0 <script>alert(1)</script> 春"
PAGE = """<!doctype html><html><head><title>t</title><style>@import url(http://127.0.0.1:{port}/css);
body{{font-family:sans-serif;background:url(http://127.0.0.1:{port}/bg)}}</style>
<link rel="stylesheet" href="http://127.0.0.1:{port}/link"><script src="http://127.0.0.1:{port}/js"></script>
<meta http-equiv="refresh" content="0;url=http://127.0.0.1:{port}/refresh"></head>
<body onload="fetch('http://127.0.0.1:{port}/onload')"><p>Dear {{{{name}}}},</p>
<p><a href="https://shop.example/spring?a=1&amp;b=2">=HYPERLINK("x") &lt;Spring&gt; sale</a></p>
<p><a href="https://shop.example/?q=%22&quot;&gt;&lt;script&gt;alert(2)&lt;/script&gt;">
<img src="http://127.0.0.1:{port}/img" alt="The shop" width="300" height="80"></a></p>
<p>More at <a href="https://www.example.org/more">the site</a>.</p>
<iframe src="http://127.0.0.1:{port}/iframe"></iframe>
<script>document.title = 'owned'; alert(3)</script></body></html>
"""


class Canary:
    """A server that nobody should ask."""

    def __init__(self):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def browse(lab, path, *options):
    """(the page as the browser has it, what it said) of a real browser."""
    if not os.path.exists("/usr/bin/chromium"):
        raise Skip("there is no chromium")
    argv = ["/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", f"--user-data-dir={lab.path('chromium')}",
            "--enable-logging=stderr", "--v=0", "--virtual-time-budget=3000", "--timeout=60000", *options,
            "--dump-dom", "file://" + path]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    check_eq(done.returncode, 0, done.stderr)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


class Tables(html.parser.HTMLParser):
    """The tables of a page by their ids: rows of cells."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.rows, self.cell, self.heads, self.links = {}, None, None, 0, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "table":
            self.rows = self.tables.setdefault(attrs.get("id"), [])
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = ""
        elif tag in ("a", "link", "script", "img", "iframe", "form", "object", "embed"):
            self.links.append((tag, attrs))

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None:
            self.rows[-1].append(" ".join(self.cell.split()))
            self.cell = None
        elif tag == "table":
            self.rows = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


def number(text):
    return int(text.replace(",", ""))


def make_hits(delivered, start, seed=5):
    """What people and robots do with a mail: (kind, lead, link, at, agent), in the order of their time."""
    r = random.Random(seed)
    hits = []
    for lead in delivered:
        at = start + r.randrange(40 * HOUR)
        agent = ROBOT if r.random() < 0.2 else PERSON
        if r.random() < 0.6:
            hits += [("open", lead, 0, at + 20000 * i, agent) for i in range(r.choice([1, 1, 3]))]
        if r.random() < 0.4:
            links = [r.choice([1, 1, 1, 2, 3]) for _ in range(r.choice([1, 2]))]
            hits += [("click", lead, link, at + 5000 + 30000 * (i + 3), agent) for i, link in enumerate(links)]
    hits += [("unsubscribe", lead, 0, start + HOUR, "") for lead in delivered[:3]]
    hits += [("complaint", delivered[4], 0, start + 2 * HOUR, ""), ("reply", delivered[5], 0, start + 3 * HOUR, "")]
    return sorted(hits, key=lambda h: h[3])


def put_hits(lab, daemon, name, hits):
    lines = "".join(f"{kind}\t{name}\t{lead}\t{link}\t{at}\t{meta[0] if meta else ''}\t{agent}\n"
                    for kind, lead, link, at, agent, *meta in hits)
    lab.run(lab.binary("tests/system/hits_put"), lab.path("hayaumad.data"), input=lines)


def count(hits):
    """The figures that must come out of it."""
    who = {PERSON: "human", ROBOT: "machine", "": ""}
    n = Counter(f"{kind}s_{who[agent]}".rstrip("_") for kind, _, _, _, agent in hits)
    people = {kind: {h[1] for h in hits if h[0] == kind and h[4] == PERSON} for kind in ("open", "click")}
    links = {}
    for kind, lead, link, _, agent in hits:
        if kind == "click":
            x = links.setdefault(link, {"human": 0, "machine": 0, "people": set()})
            x[who[agent]] += 1
            if agent == PERSON:
                x["people"].add(lead)
    return n, people, links


SCORING = """groups: [{name: engagement}]
rules:
  - {name: reply, on: 'replied()', points: 5, group: engagement}
  - {name: unsubscribed, on: 'unsubscribed()', points: -20, group: engagement}
  - {name: complaint, on: 'complained()', points: -50, group: engagement}
"""


def blast(lab, canary, n=120, name=NAME, extra=""):
    """(daemon, delivered leads) of a campaign that has been sent."""
    daemon, _, world = setup(lab, sink_args=["--reply", "rcpt:550:5.1.1 no such user:10%"],
                             config={"scoring.rules": lab.write("scoring.yaml", SCORING)})
    domain = next(d for d, x in world.domains.items() if x["kind"] == "plain")
    rows = [field(f"user{i:03}", domain) for i in range(n)] + [field("x", "no-such-domain.test")]
    daemon.import_leads(lead_file(lab, rows))
    lab.write("page.html", PAGE.format(port=canary.port))
    lab.write("c.yaml", f"name: {json.dumps(name)}\nlists: [news]\nfrom: {{name: Shop, address: news@news.hayauma.test}}\n"
                        f"subject: '=1+1 <img src=x onerror=alert(4)> {{{{name}}}}'\nhtml: page.html\n{extra}")
    daemon.ctl("campaign", "create", lab.path("c.yaml"))
    daemon.ctl("campaign", "start", name)
    c = daemon.wait_campaign(name)
    out = daemon.ctl("campaign", "report", name)
    check_eq((out["sent"], out["delivered"]), (c["delivered"] + c["bounced"], c["delivered"]))
    reached = [i + 1 for i in range(n)
               if daemon.ctl("explain", f"user{i:03}@{domain}")["messages"][0]["state"] == "delivered"]
    check_eq(len(reached), c["delivered"])
    return daemon, reached


def start_of(daemon, name):
    """A moment behind the last delivery, at which an hour begins."""
    import datetime
    text = daemon.ctl("campaign", "report", name)["last_attempt"]
    return (int(datetime.datetime.fromisoformat(text).timestamp() * 1000) // HOUR + 1) * HOUR


def again(lab, daemon, name, hits):
    """The daemon, behind having been told of the hits and having judged them."""
    daemon.stop()
    put_hits(lab, daemon, name, hits)
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    judged = sum(h[0] in ("open", "click") for h in hits)

    def is_judged():
        r = daemon.ctl("campaign", "report", name)
        return r["opens_unknown"] + r["clicks_unknown"] == 0 and r["opens"] + r["clicks"] == judged
    wait_for("every hit judged", is_judged, 30)
    return daemon


def test_the_figures_of_every_form_are_those_of_what_was_done(lab):
    canary = Canary()
    try:
        daemon, reached = blast(lab, canary)
        hits = make_hits(reached, start_of(daemon, NAME))
        daemon = again(lab, daemon, NAME, hits)
        n, people, links = count(hits)
        want = {"points": 5.0 - 3 * 20 - 50, "mean": (5.0 - 3 * 20 - 50) / 5, "leads": 5, "entries": 5}
        wait_for("points", lambda: daemon.ctl("campaign", "report", NAME)["score"] == want, 20)
        r = daemon.ctl("campaign", "report", NAME)
        for key in ("opens_human", "opens_machine", "clicks_human", "clicks_machine", "unsubscribes", "complaints"):
            check_eq(r[key], n[key], key)
        check_eq((r["people"]["opened"], r["people"]["clicked"]), (len(people["open"]), len(people["click"])))
        check_eq((r["people"]["unsubscribed"], r["people"]["complained"], r["people"]["replied"]), (3, 1, 1))
        check_eq([(x["link"], x["people"], x["clicks_human"], x["clicks_machine"]) for x in r["links"] if not x["in_text"]],
                 [(k, len(x["people"]), x["human"], x["machine"]) for k, x in sorted(links.items())])
        check_eq(r["links"][0]["url"], "https://shop.example/spring?a=1&b=2")
        check_eq([x["text"] for x in r["links"] if not x["in_text"]], ['=HYPERLINK("x") <Spring> sale', "The shop", "the site"])
        for key in ("delivered", "opens_human", "opens_machine", "clicks_human", "clicks_machine", "unsubscribes"):
            check_eq(sum(d[key] for d in r["days"]) + r["outside"][key], r[key], f"{key} by day")
            check_eq(sum(d[key] for d in r["hours"]), r[key], f"{key} by hour")
        check_eq(sum(r["delivery"]["delivered"]), r["delivered"])
        check_eq(sum(r["delivery"]["failed"]), r["bounced"])
        check_csv(daemon, r)
        check_text(daemon, r)
        check_page(lab, daemon, r, canary)
        balanced, text = daemon.audit()
        check(balanced, text)
    finally:
        canary.stop()


def table(daemon, name, *options):
    done = daemon.run("campaign", "report", NAME, "--csv", "--table", name, *options)
    check_eq(done.returncode, 0, done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def check_csv(daemon, r):
    overview = {row["figure"]: row for row in table(daemon, "overview")}
    for key in ("sent", "delivered", "bounced", "opens_human", "clicks_machine", "unsubscribes"):
        check_eq(int(overview[key]["count"]), r[key], key)
    check_eq(int(overview["opened"]["count"]), r["people"]["opened"])
    check_eq(overview["opened"]["percent"], f'{100 * r["people"]["opened"] / r["delivered"]:.2f}')
    rows = table(daemon, "links")
    check_eq([(int(x["link"]), int(x["people"]), int(x["clicks_human"])) for x in rows],
             [(x["link"], x["people"], x["clicks_human"]) for x in r["links"]])
    check_eq(rows[0]["text"], '\'=HYPERLINK("x") <Spring> sale', "no formula")
    for name in ("hours", "days"):
        check_eq(sum(int(x["clicks_human"]) for x in table(daemon, name)), r["clicks_human"], name)
    check_eq({x["reason"]: int(x["count"]) for x in table(daemon, "reasons") if x["what"] == "bounced"},
             r["bounce_reasons"])
    check_eq(int(table(daemon, "domains")[0]["delivered"]), r["delivered"])
    check_eq(table(daemon, "goals"), [])
    done = daemon.run("campaign", "report", NAME, "--csv", "--table", "links", "--bom")
    check(done.stdout.startswith("\ufefflink,"), done.stdout[:20])
    check_eq(daemon.run("campaign", "report", NAME, "--bom").returncode, 2)


def check_text(daemon, r):
    text = daemon.run("campaign", "report", NAME).stdout
    check("\x1b" not in text, repr(text))
    lines = [line.split() for line in text.splitlines()]
    check(["people", "who", "opened", str(r["people"]["opened"]), f'{100 * r["people"]["opened"] / r["delivered"]:.2f}',
           "%", "of", "delivered"] in lines, text)
    check(any(line[-1:] == ["https://www.example.org/more"] for line in lines), text)


def check_page(lab, daemon, r, canary):
    path = lab.path("report.html")
    check_eq(daemon.run("campaign", "report", NAME, "--html", path).returncode, 0)
    dom, said = browse(lab, path)
    check_eq(said, [], "nothing is said on the console")
    check_eq(canary.asked, [], "nothing is asked for")
    page = Tables(dom)
    check_eq({tag for tag, _ in page.links}, {"iframe"}, "elements that lead away")
    frame = next(attrs for tag, attrs in page.links if tag == "iframe")
    check_eq(frame["sandbox"], "")
    mail = Tables(frame["srcdoc"])
    check_eq([(tag, attrs.get("data-hy-link"), attrs.get("href")) for tag, attrs in mail.links if tag != "img"],
             [("a", "1", None), ("a", "2", None), ("a", "3", None)])
    check("‹name›" in frame["srcdoc"] and "山田" not in frame["srcdoc"], "nobody's name is in it")
    check("alert(1)" in dom and "<script" not in dom, "what is hostile is text")
    figures = {row[0]: row[1] for row in page.tables["figures"]}
    check_eq((number(figures["people who opened"]), number(figures["clicks by machines"])),
             (r["people"]["opened"], r["clicks_machine"]))
    check_eq([(number(row[0]), number(row[2]), number(row[5])) for row in page.tables["links"][1:]],
             [(x["link"], x["people"], x["clicks_machine"]) for x in r["links"]])
    check_eq(sum(number(row[6]) for row in page.tables["hours"][1:]), r["clicks_human"])
    check_eq(sum(number(row[2]) for row in page.tables["bounces"]), r["bounced"])
    lab.write("leaky.html", f'<img src="http://127.0.0.1:{canary.port}/seen">')
    browse(lab, lab.path("leaky.html"))
    check_eq(canary.asked, ["/seen"], "the browser would ask")


GOALS = """goals:
  - {name: big order, activity: "ordered(amount >= 3000)"}
  - {name: '=any order', activity: "ordered()", within: 2h}
  - {name: thanks, activity: 'visited(url: "*/thanks*")', within: 30d, after: delivery}
"""


def order(lead, at, no, amount, currency="JPY", status="placed"):
    return ("order", lead, 0, at, "", json.dumps({"order": no, "amount": amount, "currency": currency, "status": status}))


def test_goals_are_what_people_did_in_time_behind_a_click(lab):
    canary = Canary()
    try:
        daemon, reached = blast(lab, canary, n=30, name="goals", extra=GOALS)
        at, (a, b, c, d, e, *_) = start_of(daemon, "goals"), reached
        hits = [("click", a, 1, at, PERSON), ("click", b, 1, at + 100000, PERSON), ("click", c, 1, at + 200000, ROBOT),
                ("click", d, 1, at + 300000, PERSON),
                order(a, at + 60000, "A-1", 5000), order(a, at + 3 * HOUR, "A-2", 2000), order(a, at + 80000, "A-3", 1000, "USD"),
                order(b, at + 24 * HOUR, "B-1", 3000), order(b, at - 1000, "B-0", 9000),
                order(c, at + 400000, "C-1", 9999),  # a machine's click sells nothing
                order(d, at + 400000, "D-1", 7000), order(d, at + 500000, "D-1", 7000, status="cancelled"),
                order(e, at + 400000, "E-1", 4000)]  # nobody clicked
        daemon = again(lab, daemon, "goals", sorted(hits, key=lambda h: h[3]))
        goals = daemon.ctl("campaign", "report", "goals")["goals"]
        got = [(g["goal"], g["people"], g["conversions"], g["currency"], g["revenue"], g["within"], g["after"]) for g in goals]
        check_eq(got, [("big order", 2, 2, "JPY", 8000.0, "7d", "click"),
                       ("=any order", 1, 2, "USD", 1000.0, "2h", "click"),
                       ("=any order", 1, 2, "JPY", 5000.0, "2h", "click"),
                       ("thanks", 0, 0, "", 0.0, "30d", "delivery")])
        rows = list(csv.DictReader(io.StringIO(daemon.run("campaign", "report", "goals", "--csv", "--table", "goals").stdout)))
        check_eq([(r["goal"], r["revenue"]) for r in rows][:2], [("big order", "8000.00"), ("'=any order", "1000.00")])
        check("big order" in daemon.run("campaign", "report", "goals").stdout, "text")
    finally:
        canary.stop()


def test_a_goal_that_is_no_single_activity_is_refused_with_its_place(lab):
    for activity in ("score >= 50", "ordered(within 7d)", "count(ordered) >= 2", "ordered("):
        lab.write("page.html", "<p>x</p>")
        path = lab.write("bad.yaml", "name: x\nlists: [news]\nfrom: {address: a@news.hayauma.test}\nsubject: s\n"
                                     f"html: page.html\ngoals:\n  - {{name: g, activity: '{activity}'}}\n")
        done = subprocess.run([lab.binary("src/cli/hayauma"), "--socket", lab.path("none.sock"), "campaign", "create", path],
                              capture_output=True, text=True, check=False)
        check(done.returncode != 0 and "bad.yaml:7:" in done.stderr, f"{activity}: {done.stderr}")


def test_the_api_gives_the_report_to_those_whose_campaign_it_is(lab):
    port, secret = lab.free_port(), token(lab)
    other = token(lab, "other", "*", "--scopes", "admin", "--tenant", "club")
    blind = token(lab, "blind", "*", "--scopes", "suppressions:read")
    daemon, _, world = setup(lab, config={"api.listen": [f"127.0.0.1:{port}"], "api.tokens": lab.path("tokens"),
                                          "tenants": [t for t in TENANTS if t["name"] == "club"]})
    domain = next(d for d, x in world.domains.items() if x["kind"] == "plain")
    send(lab, daemon, [field(f"user{i}", domain) for i in range(5)])
    api = Api(port, secret)
    told = api.get("/v1/campaigns/newsletter/report")
    check_eq((told.status, told.json["delivered"], len(told.json["domains"])), (200, 5, 1))
    same = daemon.ctl("campaign", "report", "newsletter")
    for r in (told.json, same):
        r.pop("made")
    check_eq(told.json, same)
    by_id = api.get(f"/v1/campaigns/{same['id']}/report?domains=0").json
    check_eq((by_id["name"], by_id["domains"]), ("newsletter", []))
    check_eq(api.get("/v1/campaigns/none/report").status, 404)
    check_eq(api.get("/v1/campaigns/newsletter/report?domains=x").status, 422)
    for key, status in ((other, 404), (blind, 403), (None, 401)):
        client = Api(port, key)
        check_eq(client.get("/v1/campaigns/newsletter/report").status, status)
        client.close()
    api.close()
