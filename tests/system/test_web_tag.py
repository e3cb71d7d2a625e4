"""The web tag: what it tells in a real browser, what the server takes and refuses, and how a visitor becomes a lead."""
import http.server
import json
import threading

import chromium
import track_lab
from api_lab import Api, token
from lab import check, check_eq, wait_for

SITE = "www.site.example"
AGENT = ("-A", chromium.AGENT)
TYPE = ("-H", "Content-Type: text/plain;charset=UTF-8")
PAGES = {
    "/": """<h1>home</h1><a id=file href="/files/Price%20list.pdf">list</a> <a id=plain href="#top">top</a>
            <form id=ask action="/thanks" onsubmit="event.preventDefault()"><input name=name value=Taro>
            <input name=mail type=email value="taro@example.jp"></form>
            <form id=sign data-hayauma-identify data-hayauma-form=newsletter onsubmit="event.preventDefault()">
            <input name=mail type=email value="Taro@Example.jp"></form>""",
    "/price/list": "<h1>prices</h1>",
    "/marked": "<h1 data-hayauma-key='the offer'>offer</h1>",
    "/long": "<div style='height:5000px'>long</div>",
    "/video": "<video id=v data-hayauma-video=tour muted src='/clip.webm'></video>",
}


class Site:
    """The operator's web site, with the tag on every page and a strict policy for scripts."""

    def __init__(self, lab, base, attributes=""):
        site = self
        self.attributes, self.base, self.clip = attributes, base, b""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                if path == "/clip.webm":
                    return self.answer(site.clip, "video/webm")
                body = f"""<!DOCTYPE html><html><head><meta charset=utf-8><title>Page {path}</title>
                    <link rel=icon href=data:,><script async src="{site.base}t.js" {site.attributes}></script></head>
                    <body>{PAGES.get(path, '<p>another</p>')}</body></html>"""
                return self.answer(body.encode(), "text/html; charset=utf-8", site.policy())

            def answer(self, body, kind, policy=None):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if policy:
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.origin = f"http://{SITE}:{self.server.server_port}"

    def policy(self):
        host = self.base.rstrip("/")
        return f"default-src 'self'; img-src data:; script-src {host}; script-src-attr 'unsafe-inline'; " \
               f"style-src 'unsafe-inline'; connect-src {host}"

    def url(self, path="/"):
        return self.origin + path

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def start(lab, config=None, **kw):
    """(daemon, sink, curl, client of the API)"""
    port = lab.free_port()
    secret = token(lab, "crm", "*", "--scopes", "leads:read,leads:write")
    values = {"tracking.sites": [SITE], "api.listen": [f"127.0.0.1:{port}"], "api.tokens": lab.path("tokens"),
              "web_tag.key_pages": {"pricing": "/price* /plans"}, **(config or {})}
    daemon, sink, browser = track_lab.track_setup(lab, config=values, **kw)
    return daemon, sink, browser, Api(port, secret)


def of(api, who):
    answer = api.get(f"/v1/activities?{who}&limit=1000")
    return answer.json["activities"] if answer.status == 200 else []


def say(daemon, *words):
    """What a command that reads the configuration prints."""
    done = daemon.run("--config", daemon.config_path, *words)
    check_eq(done.returncode, 0, done.stderr)
    return done.stdout


def noted(lab):
    """How many activities of the site there are, of whomever."""
    kinds = ("page-view", "key-page", "download", "video", "form-post", "scroll", "identify", "custom")
    wait_for("events", lambda: track_lab.activities(lab, kinds))
    return len(track_lab.activities(lab, kinds))


def batch(*events, visitor="7ff0000000001", token_text=None):
    return json.dumps({"v": 1, "i": visitor, "t": token_text, "e": list(events)})


def page(path="/", **more):
    return {"k": "page", "u": f"https://{SITE}{path}", **more}


def tell(browser, body, *options, origin=f"https://{SITE}"):
    return browser.post("e", body, *AGENT, *TYPE, "-H", f"Origin: {origin}", *options)


# ---- the server ----


def test_the_script_is_small_and_kept_for_a_while(lab):
    _, _, browser, _ = start(lab)
    a = browser.get("t.js")
    check_eq((a.status, a.fields["content-type"]), (200, "text/javascript; charset=utf-8"))
    check(len(a.body) < 5000, len(a.body))
    check("max-age=3600" in a.fields["cache-control"], a.fields)
    again = browser.get("t.js", "-H", f"If-None-Match: {a.fields['etag']}")
    check_eq((again.status, again.body), (304, b""))
    check("content-length" not in again.fields, again.fields)
    check(b"http" not in a.body.replace(b"https:", b""), "no address of anybody's stands in it")


def test_a_batch_is_noted_for_its_visitor(lab):
    daemon, _, browser, api = start(lab)
    a = tell(browser, batch(page("/price/list", n="Prices", r="https://search.example/", a=5000),
                            {"k": "scroll", "u": f"https://{SITE}/", "p": 50}, {"k": "dance", "u": f"https://{SITE}/"}))
    check_eq((a.status, a.fields["access-control-allow-origin"]), (204, f"https://{SITE}"))
    found = wait_for("activities", lambda: len(s := of(api, "visitor=7ff0000000001")) == 3 and s)
    check_eq([(x["kind"], x.get("name"), x.get("number")) for x in reversed(found)],
             [("page-view", "Prices", None), ("key-page", "pricing", None), ("scroll", None, 50)])
    view = found[2]
    check_eq((view["url"], view["meta"], view["agent"]),
             (f"https://{SITE}/price/list", {"referrer": "https://search.example/"}, chromium.AGENT))
    daemon.kill()


def test_a_visitor_in_a_loop_is_answered_and_noted_up_to_a_limit(lab):
    daemon, _, browser, api = start(lab, config={"tracking.hits_per_visitor": 40})
    for visitor, times in (("7ff0000000001", 3), ("7ff0000000002", 1)):
        for _ in range(times):
            check_eq(tell(browser, batch(*[page(f"/{i}") for i in range(30)], visitor=visitor)).status, 204)
    wait_for("all to be stored", lambda: (t := daemon.ctl("status")["tracking"])["stored"] == 70 and t["limited"] == 50)
    check_eq([len(of(api, f"visitor=7ff000000000{n}")) for n in (1, 2)], [40, 30])


def test_nothing_is_noted_of_those_who_ask_not_to_be_tracked_of_robots_and_of_strangers(lab):
    _, _, browser, api = start(lab)
    for field in ("Sec-GPC: 1", "DNT: 1"):
        check_eq(tell(browser, batch(page()), "-H", field).status, 204)
    robot = browser.post("e", batch(page()), *TYPE, "-A", "Googlebot/2.1 (+http://www.google.com/bot.html)",
                         "-H", f"Origin: https://{SITE}")
    check_eq(robot.status, 204)
    for origin in ("https://evil.example", f"https://{SITE}.evil.example", f"https://evil.example/{SITE}", "null", ""):
        check_eq(tell(browser, batch(page()), origin=origin).status, 403, origin)
    check_eq(browser.post("e", batch(page()), *AGENT, *TYPE).status, 403, "no page at all")
    for body in ("", "x", "{}", '{"v":1,"e":7}'):
        check_eq(tell(browser, body).status, 400, body)
    check_eq(tell(browser, '{"v":1,"e":[],"x":"' + "x" * 20000 + '"}').status, 413)
    check_eq(tell(browser, batch(page(), visitor="nonsense")).status, 204, "nobody's: it is forgotten")
    check_eq(browser.get("e", *AGENT).status, 405)
    asked = browser.get("e", "-X", "OPTIONS", "-H", f"Origin: https://{SITE}", "-H", "Access-Control-Request-Method: POST")
    check_eq((asked.status, asked.fields["access-control-allow-methods"]), (204, "POST"))
    check_eq(tell(browser, batch(page())).status, 204)
    wait_for("the last one", lambda: of(api, "visitor=7ff0000000001"))
    check_eq(noted(lab), 1)


def test_the_token_of_a_mail_makes_a_visitor_the_lead_with_its_history(lab):
    daemon, sink, browser, api = start(lab)
    mail = track_lab.mails(lab, daemon, sink, browser)[1]
    tell(browser, batch(page("/before")))
    wait_for("the visit", lambda: of(api, "visitor=7ff0000000001"))
    check_eq(of(api, f"email={mail.to}"), [])
    went = browser.get("c/" + mail.clicks[2])
    check(went.fields["location"].startswith("https://www.site.example/page?hy="), went.fields)
    shown = went.fields["location"].partition("hy=")[2]
    tell(browser, batch(page("/after"), token_text=shown))
    found = wait_for("the lead's", lambda: len(s := of(api, f"email={mail.to}")) == 4 and s)
    check_eq([(x["kind"], x.get("url", "").rpartition("/")[2], x.get("number")) for x in reversed(found)],
             [("page-view", "before", None), ("click", "page", 3), ("identify", "after", 1), ("page-view", "after", None)])
    check(all(x["campaign"] for x in found[:2]), found)
    tell(browser, batch(page("/later")))
    wait_for("without the token", lambda: len(of(api, f"email={mail.to}")) == 5)
    other = track_lab.Mail(sink.captured()[0], browser.base)
    check_eq(tell(browser, batch(page(), token_text=shown[:-3] + "AAA")).status, 204, "a forged one proves nothing")
    check(other.to, other)
    good, text = daemon.audit()
    check(good, text)


def test_a_typed_address_is_a_claim_and_gives_nobody_anything(lab):
    daemon, _, browser, api = start(lab)
    daemon.import_leads(track_lab.csv(lab, [f"taro@{browser.domain},Taro"], header="email,name"))
    claim = {"k": "identify", "n": f"taro@{browser.domain}", "u": f"https://{SITE}/"}
    tell(browser, batch(page(), claim))
    found = wait_for("both", lambda: len(s := of(api, "visitor=7ff0000000001")) == 2 and s)
    check_eq([(x["kind"], x.get("email"), x.get("lead")) for x in found],
             [("identify", f"taro@{browser.domain}", None), ("page-view", None, None)])
    check_eq(of(api, f"email=taro@{browser.domain}"), [])


def test_the_company_of_an_address_is_noted_but_no_provider(lab):
    table = lab.write("companies.csv", "network,company,domain,isp\n203.0.113.0/24,Acme,acme.example\n"
                                       "203.0.113.128/25,Some Lines,,yes\n2001:db8::/32,六社\n")
    _, _, browser, api = start(lab, config={"web_tag.companies": table, "tracking.trusted_proxies": ["127.0.0.1"]})
    want = {"203.0.113.7": {"company": "Acme", "company_domain": "acme.example"}, "203.0.113.200": None,
            "2001:db8::5": {"company": "六社"}, "198.51.100.1": None}
    for i, ip in enumerate(want):
        tell(browser, batch(page(), visitor=f"7ff000000000{i}"), "-H", f"X-Forwarded-For: {ip}")
    for i, ip in enumerate(want):
        found = wait_for(ip, lambda i=i: of(api, f"visitor=7ff000000000{i}"))
        check_eq(found[0].get("meta"), want[ip], ip)


def test_companies_that_came_are_listed(lab):
    table = lab.write("companies.csv", "203.0.113.0/24,=Acme,acme.example\n192.0.2.0/24,Some Lines,,yes\n2001:db8::/32,六社\n")
    daemon, sink, browser, api = start(lab, config={"web_tag.companies": table, "tracking.trusted_proxies": ["127.0.0.1"]})
    mail = track_lab.mails(lab, daemon, sink, browser, people=1)[0]
    proof = browser.get("c/" + mail.clicks[2]).fields["location"].partition("hy=")[2]

    def come(ip, visitor, *pages, token_text=None):
        body = batch(*[page(p) for p in pages], visitor=visitor, token_text=token_text)
        check_eq(tell(browser, body, "-H", f"X-Forwarded-For: {ip}").status, 204)
    come("2001:db8::5", "7ff0000000009", "/")
    come("203.0.113.7", "7ff0000000001", "/", "/price/a")
    come("203.0.113.8", "7ff0000000002", "/", token_text=proof)
    come("192.0.2.1", "7ff0000000003", "/")
    wait_for("all", lambda: daemon.ctl("status")["tracking"]["stored"] == 7)
    found = wait_for("visitors", lambda: api.get("/v1/web/visitors").json)
    lead = api.get(f"/v1/leads?email={mail.to}").json["leads"][0]["lead"]
    check_eq((found["found"], found["complete"]), (2, True))
    told = [{k: v for k, v in c.items() if k not in ("first", "last")} for c in found["companies"]]
    check_eq(told, [{"company": "=Acme", "domain": "acme.example", "pages": 3, "visits": 2, "visitors": 2, "known": 1,
                     "leads": [{"lead": lead, "email": mail.to}]},
                    {"company": "六社", "pages": 1, "visits": 1, "visitors": 1, "known": 0, "leads": []}])
    check(all(c["first"] <= c["last"] for c in found["companies"]), found)
    check_eq(daemon.ctl("web", "visitors"), found)
    daemon.ctl("company", "create", "ACME, Inc", "--domain", "acme.example")  # after they came
    account = daemon.ctl("company", "show", "acme.example")
    check_eq([(v["kind"], v["url"], v["visitor"]) for v in account["visits"]],
             [(kind, page(p)["u"], "7ff0000000001") for kind, p in (("key-page", "/price/a"), ("page-view", "/price/a"), ("page-view", "/"))])
    check_eq(api.get("/v1/companies/acme.example/account").json["visits"], account["visits"])
    check("7ff0000000001" in say(daemon, "company", "show", "acme.example"), "for people")
    daemon.ctl("company", "create", "六社")
    check_eq([v["visitor"] for v in daemon.ctl("company", "show", "六社")["visits"]], ["7ff0000000009"])
    lines = say(daemon, "web", "visitors", "--csv").splitlines()
    check_eq(lines[0], "company,domain,pages,visits,visitors,first,last,known_leads,leads")
    check(lines[1].startswith("'=Acme,acme.example,3,2,2,20") and lines[1].endswith(f"Z,1,{mail.to}"), lines)
    check(say(daemon, "web", "visitors").splitlines()[1].startswith("=Acme "), "a table")
    check_eq(api.get("/v1/web/visitors?limit=1").json["companies"], found["companies"][:1])
    check_eq(api.get("/v1/web/visitors?since=2999-01-01T00:00:00Z").json, {"companies": [], "found": 0, "complete": True})
    check_eq([api.get(f"/v1/web/visitors?{q}").status for q in ("since=soon", "limit=0", "limit=1001")], [422, 422, 422])


def test_an_open_through_a_relay_of_apple_is_no_persons(lab):
    rows = "192.0.2.0/28,US,US-CA,Cupertino,\n198.51.100.7/32,JP,JP-13,Tokyo,\n2001:db8:7::/45,JP,JP-13,Tokyo,\n"
    daemon, sink, browser, _ = start(lab, config={
        "tracking.privacy_relays": lab.write("egress-ip-ranges.csv", rows), "tracking.trusted_proxies": ["127.0.0.1"]})
    mail = track_lab.mails(lab, daemon, sink, browser, people=1)[0]

    def ask(path, ip):
        browser.get(path, *AGENT, "-H", f"X-Forwarded-For: {ip}")
    for ip in ("192.0.2.9", "192.0.2.99", "2001:db8:7::1"):
        ask("o/" + mail.open, ip)
    ask("c/" + mail.clicks[0], "198.51.100.7")  # with Private Relay people click from there
    found = {e["ip"]: (e["type"], e.get("verdict_reason") == "privacy") for e in track_lab.wait_activities(lab, 4)}
    check_eq(found, {"192.0.2.9": ("open", True), "2001:db8:7::1": ("open", True), "192.0.2.99": ("open", False),
                     "198.51.100.7": ("click", False)})
    lab.write("egress-ip-ranges.csv", rows + "broken,US\n")
    done = daemon.run("reload")
    check(done.returncode != 0 and "tracking.privacy_relays" in done.stdout + done.stderr and ":4:" in
          done.stdout + done.stderr, done.stdout + done.stderr)


def test_visitors_are_told_what_is_sent(lab):
    table = lab.write("companies.csv", "203.0.113.0/24,Acme,acme.example\n198.51.100.0/24,OCN\n")
    told = {"web_tag.notice": True, "web_tag.purposes": {"to plan fairs": "展示会の企画"},
            "web_tag.recipients": {"Acme (pages; statistics)": "アクメ社 (閲覧、統計)"},
            "web_tag.operator": "早馬 <商店>", "web_tag.contact": "privacy@example.jp",
            "web_tag.companies": table}
    daemon, _, browser, _ = start(lab, config=told)
    page = browser.get("notice", "-H", "Accept-Language: ja")
    check_eq((page.status, page.fields["content-type"]), (200, "text/html; charset=utf-8"))
    for words in ("利用者情報の外部送信について", "送信先", "早馬 &lt;商店&gt;", "privacy@example.jp", "395 日間", "会社・団体名"):
        check(words in page.text(), f"{words}: {page.text()}")
    check("What is sent" in browser.get("notice?lang=en").text(), "in English, too")
    check("展示会の企画" in page.text() and "アクメ社 (閲覧、統計)" in page.text(), page.text())
    html = say(daemon, "web", "notice", "--html", "--lang", "ja")
    check(html in page.text(), "the command prints the same")
    snippet = say(daemon, "web", "snippet")
    check_eq(snippet, f'<script async src="{browser.base}t.js"></script>\n')
    found = say(daemon, "web", "company", "203.0.113.9", "198.51.100.1", "192.0.2.1").splitlines()
    check_eq(found, ["203.0.113.9  Acme (acme.example)", "198.51.100.1  OCN  a provider: left out", "192.0.2.1  -"])


def test_a_configuration_that_is_not_there_is_said_with_what_to_do(lab):
    daemon, _, _, _ = start(lab)
    for words in (("snippet",), ("notice",), ("company", "192.0.2.1")):
        done = daemon.run("--config", lab.path("none.yaml"), "web", *words)
        check_eq((done.returncode, done.stdout), (1, ""), done.stderr)
        check("none.yaml: error: cannot be opened" in done.stderr and "--config FILE" in done.stderr, done.stderr)
        check("input/output" not in done.stderr, done.stderr)


def test_without_sites_and_a_notice_there_is_no_tag(lab):
    _, _, browser, _ = start(lab, config={"tracking.sites": []})
    for path in ("t.js", "notice"):
        check_eq(browser.get(path).status, 404, path)
    check_eq(tell(browser, batch(page())).status, 403)


# ---- a real browser ----


def needs_chromium(test):
    def run(lab):
        if chromium.binary() is None:
            print("# skipped: there is no chromium")
            return
        test(lab)
    run.__name__ = test.__name__
    return run


def cookie(tab):
    return dict(p.split("=", 1) for p in tab.run("document.cookie").split("; ") if p).get("hy")


def kinds(found):
    return [(x["kind"], x.get("name"), x.get("number")) for x in reversed(found)]


@needs_chromium
def test_a_browser_tells_pages_files_forms_and_how_far_they_were_read(lab):
    _, _, browser, api = start(lab)
    site = Site(lab, browser.base)
    with chromium.Chromium(lab, hosts=(SITE,)) as c:
        tab = c.tab()
        tab.open(site.url("/"))
        tab.wait("typeof hayauma == 'function' && !!document.cookie")
        who = "visitor=" + cookie(tab)[:13]
        check_eq(tab.run("hayauma('visitor')"), cookie(tab)[:13])
        tab.run("document.querySelector('#file').addEventListener('click', e => e.preventDefault()); "
                "document.querySelector('#file').click(); document.querySelector('#plain').click()")
        tab.run("document.querySelector('#ask').requestSubmit()")
        tab.run("hayauma('event', 'demo', {seats: 5})")
        tab.open(site.url("/long"))
        tab.wait("typeof hayauma == 'function'")
        for y in (1200, 5000):
            tab.run(f"window.scrollTo(0, {y}); new Promise(r => requestAnimationFrame(() => setTimeout(r, 100)))")
        tab.open(site.url("/marked"))
        found = wait_for("activities", lambda: len(s := of(api, who)) >= 11 and s, 30)
        got = kinds(found)
        check_eq(got[:4], [("page-view", "Page /", None), ("download", "Price list.pdf", None), ("form-post", "ask", None),
                           ("custom", "demo", None)])
        check_eq(got[4:], [("page-view", "Page /long", None)] + [("scroll", None, p) for p in (25, 50, 75, 100)] +
                 [("page-view", "Page /marked", None), ("key-page", "the offer", None)])
        form = [x for x in found if x["kind"] == "form-post"][0]
        check_eq(form["meta"], {"fields": ["name", "mail"]}, "names, and nothing that was typed")
        check("aro" not in json.dumps(found), "nothing that was typed")
        check_eq([x for x in found if x["kind"] == "custom"][0]["meta"], {"seats": 5})
        check_eq(tab.complaints(), [], "the console stays silent under a strict policy")
        elsewhere = [u for u in tab.requests() if not u.startswith((site.origin, browser.base, "data:", "about:"))]
        check_eq(elsewhere, [], "nobody else is asked for anything")
    site.close()


@needs_chromium
def test_a_browser_tells_pages_that_are_one_application(lab):
    _, _, browser, api = start(lab)
    site = Site(lab, browser.base)
    with chromium.Chromium(lab, hosts=(SITE,)) as c:
        tab = c.tab()
        tab.open(site.url("/"))
        tab.wait("typeof hayauma == 'function' && !!document.cookie")
        who = "visitor=" + cookie(tab)[:13]
        for step in ("history.pushState({}, '', '/plans')", "history.replaceState({}, '', '/plans?page=2')",
                     "history.back()", "location.hash = 'part'"):
            tab.run(step + "; new Promise(r => setTimeout(r, 300))")
        tab.run("history.pushState({}, '', '/last'); new Promise(r => setTimeout(r, 300))")
        found = wait_for("views", lambda: len(s := of(api, who)) >= 7 and s, 30)
        pages = [x["url"][len(site.origin):] for x in reversed(found) if x["kind"] == "page-view"]
        check_eq(pages, ["/", "/plans", "/plans?page=2", "/", "/last"])
        check_eq([x["name"] for x in found if x["kind"] == "key-page"], ["pricing", "pricing"])
        check_eq(tab.complaints(), [])
    site.close()


@needs_chromium
def test_a_browser_that_asks_not_to_be_tracked_stores_and_sends_nothing(lab):
    _, _, browser, api = start(lab)
    site = Site(lab, browser.base)
    ways = (({"do_not_track": True}, {}),
            ({}, {"before": "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"}),
            ({}, {"before": "localStorage.setItem('hy_no', '1')"}))
    for i, (profile, tab_options) in enumerate(ways):
        with chromium.Chromium(lab, name=f"chromium{i}", hosts=(SITE,), **profile) as c:
            tab = c.tab(**tab_options)
            tab.open(site.url("/?hy=" + "A" * 30 + "&x=1"))
            tab.wait("typeof hayauma == 'function'")
            tab.run("document.querySelector('#sign').requestSubmit(); hayauma('event', 'demo'); hayauma('identify', {email: 'a@b.jp'})")
            check_eq(tab.run("hayauma('visitor')"), "")
            tab.run("new Promise(r => setTimeout(r, 1500))")
            tab.open(site.url("/long"))
            check_eq((tab.run("document.cookie"), tab.run("sessionStorage.length")), ("", 0))
            check_eq([u for u in tab.requests() if u.startswith(browser.base + "e")], [], str(i))
            check_eq(tab.complaints(), [])
    tell(browser, batch(page()))
    wait_for("one that may be told", lambda: of(api, "visitor=7ff0000000001"))
    check_eq(noted(lab), 1)
    site.close()


@needs_chromium
def test_a_browser_without_cookies_is_known_by_the_link_of_the_mail(lab):
    daemon, sink, browser, api = start(lab)
    mail = track_lab.mails(lab, daemon, sink, browser)[0]
    shown = browser.get("c/" + mail.clicks[2]).fields["location"].partition("hy=")[2]
    site = Site(lab, browser.base, "data-cookieless")
    with chromium.Chromium(lab, hosts=(SITE,)) as c:
        tab = c.tab()
        tab.open(site.url(f"/price/list?a=1&hy={shown}&b=2#part"))
        tab.wait("location.search == '?a=1&b=2'")
        check_eq(tab.run("location.hash"), "#part", "the rest of the address stays")
        check_eq(tab.run("document.cookie"), "")
        tab.open(site.url("/second"))
        found = wait_for("both", lambda: len(s := [x for x in of(api, f"email={mail.to}") if x["kind"] == "page-view"]) == 2 and s, 30)
        check_eq([x["url"][len(site.origin):] for x in reversed(found)], ["/price/list?a=1&b=2", "/second"])
        check(all("hy=" not in x["url"] for x in found), "the token is nowhere")
        check_eq(tab.complaints(), [])
        fresh = c.tab()
        fresh.open(site.url("/"))
        fresh.wait("!!sessionStorage.hy")
        check_eq(fresh.run("sessionStorage.hyt || ''"), "", "another tab is another session")
    site.close()


@needs_chromium
def test_the_next_person_at_a_browser_is_another_visitor(lab):
    daemon, sink, browser, api = start(lab)
    first, second = track_lab.mails(lab, daemon, sink, browser)
    tokens = [browser.get("c/" + m.clicks[2]).fields["location"].partition("hy=")[2] for m in (first, second)]
    site = Site(lab, browser.base)
    with chromium.Chromium(lab, hosts=(SITE,)) as c:
        tab, ids = c.tab(), []
        for shown in (tokens[0], tokens[0], tokens[1]):
            tab.open(site.url(f"/?hy={shown}"))
            tab.wait("!location.search && !!document.cookie")
            ids.append(cookie(tab)[:13])
        check_eq((ids[0] == ids[1], ids[1] == ids[2]), (True, False))
        tab.open(site.url("/own"))
        wait_for("hers", lambda: any(x["url"].endswith("/own") for x in of(api, f"email={second.to}") if "url" in x), 30)
        check(not any(x.get("url", "").endswith("/own") for x in of(api, f"email={first.to}")), "not his")
        claimed = []
        for mail in ("a@example.jp", "A@example.jp", "b@example.jp"):
            tab.run(f"hayauma('identify', {{email: '{mail}'}})")
            claimed.append(cookie(tab)[:13])
        check_eq((claimed[0] == claimed[1], claimed[1] == claimed[2]), (True, False))
        tab.run("hayauma('reset')")
        check(tab.run("hayauma('visitor')") not in ids + claimed, "who logs out leaves nothing")
    site.close()


@needs_chromium
def test_a_form_that_is_marked_and_a_video_are_told(lab):
    _, _, browser, api = start(lab)
    site = Site(lab, browser.base)
    with chromium.Chromium(lab, hosts=(SITE,)) as c:
        tab = c.tab()
        tab.open(site.url("/"))
        tab.wait("typeof hayauma == 'function' && !!document.cookie")
        who = "visitor=" + cookie(tab)[:13]
        tab.run("document.querySelector('#sign').requestSubmit()")
        found = wait_for("the claim", lambda: len(s := of(api, who)) >= 3 and s, 30)
        check_eq(kinds(found), [("page-view", "Page /", None), ("form-post", "newsletter", None), ("identify", "form", None)])
        check_eq(found[0]["email"], "taro@example.jp")
        tab.open(site.url("/video"))
        tab.wait("typeof hayauma == 'function'")
        tab.run("""var v = document.querySelector('#v');
            Object.defineProperty(v, 'duration', {value: 10}); Object.defineProperty(v, 'currentTime', {value: 1, writable: true});
            v.dispatchEvent(new Event('play')); v.currentTime = 6; v.dispatchEvent(new Event('timeupdate'));
            v.dispatchEvent(new Event('timeupdate')); v.dispatchEvent(new Event('ended')); v.dispatchEvent(new Event('ended'))""")
        found = wait_for("the video", lambda: len(s := [x for x in of(api, who) if x["kind"] == "video"]) >= 3 and s, 30)
        check_eq(kinds(found), [("video", "tour", None), ("video", "tour", 50), ("video", "tour", 100)])
    site.close()
