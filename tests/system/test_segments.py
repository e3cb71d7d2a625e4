"""Segments in a running daemon: made by hand, kept up to date by what leads do, alive after a kill."""

import json
import threading

import newsletter
from api_lab import Api, api_setup, token
from lab import CommandError, Daemon, check, check_eq, wait_for
from test_campaign import csv, field, setup
from test_spool import SITE


def refused(daemon, *args):
    try:
        daemon.ctl(*args)
    except CommandError as e:
        return e.output
    raise AssertionError(f"{args} was taken")


def start(lab, leads=200):
    daemon, sink, _ = setup(lab, key=False)
    daemon.import_leads(csv(lab, [field(f"user{i}", SITE, prefecture="東京都" if i % 2 else "大阪府")
                                  for i in range(leads)]))
    return daemon, sink


def ready(daemon, name, count=None):
    """Waits until a segment is ready (with so many leads)."""
    def look():
        s = daemon.ctl("segment", "show", name)
        return s if s["state"] == "ready" and count in (None, s["count"]) else None
    return wait_for(f"the segment {name} with {count} leads", look)


def test_a_segment_is_made_followed_and_deleted_by_hand(lab):
    daemon, _ = start(lab)
    asked = daemon.ctl("segment", "count", 'prefecture = "東京都"', "--sample", "5")
    check_eq((asked["count"], asked["of"], len(asked["sample"])), (100, 200, 5))
    check_eq(len({lead["lead"] for lead in asked["sample"]}), 5)
    slip = daemon.run("segment", "count", 'prefectrue = "東京都"')
    check('no lead has an attribute "prefectrue" (did you mean "prefecture"?)' in slip.stderr, slip.stderr)
    made = daemon.ctl("segment", "create", "tokyo", 'prefecture = "東京都"', "--announce")
    check_eq((made["name"], made["announce"]), ("tokyo", True))
    ready(daemon, "tokyo", 100)
    daemon.ctl("segment", "create", "best", 'segment("tokyo") and tag("vip")')
    ready(daemon, "best", 0)
    daemon.ctl("lead", "tag", f"user1@{SITE}", "vip")
    daemon.ctl("lead", "tag", f"user2@{SITE}", "vip")
    ready(daemon, "best", 1)
    daemon.ctl("lead", "set", f"user2@{SITE}", "prefecture=東京都")
    ready(daemon, "tokyo", 101)
    ready(daemon, "best", 2)
    told = [m for m in daemon.ctl("lead", "show", f"user2@{SITE}")["timeline"] if m["kind"] == "segment-entered"]
    check_eq(len(told), 1)
    daemon.ctl("lead", "untag", f"user1@{SITE}", "vip")
    ready(daemon, "best", 1)
    check_eq([x["address"] for x in daemon.ctl("segment", "members", "best")["leads"]], [f"user2@{SITE}"])
    check("would contain itself" in refused(daemon, "segment", "change", "tokyo", 'segment("best")'), "a circle")
    check("there is no segment" in refused(daemon, "segment", "create", "x", 'segment("nobody")'), "no such segment")
    check("there is no list" in refused(daemon, "segment", "count", 'list("nobody")'), "no such list")
    check('"best" names it' in refused(daemon, "segment", "delete", "tokyo"), "in use")
    daemon.ctl("segment", "change", "tokyo", 'prefecture = "大阪府"')
    ready(daemon, "tokyo", 99)
    ready(daemon, "best", 0)
    daemon.ctl("segment", "delete", "best")
    daemon.ctl("segment", "delete", "tokyo")
    check_eq(daemon.ctl("segment", "list")["segments"], [])
    good, text = daemon.audit()
    check(good, text)


def test_time_moves_leads_out_of_a_segment_and_a_kill_loses_nothing(lab):
    daemon, _ = start(lab, 50)
    daemon.ctl("segment", "create", "new", "created within 8s")
    daemon.ctl("segment", "create", "tagged", 'tag("a") or created older than 1h')
    daemon.ctl("lead", "create", f"fresh@{SITE}", "--tag", "a")
    ready(daemon, "tagged", 1)
    daemon.kill()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    ready(daemon, "tagged", 1)
    ready(daemon, "new", 0)
    path = lab.path("out.csv")
    daemon.run("segment", "export", "tagged", "--output", path)
    check_eq(len(open(path, encoding="utf-8").read().splitlines()), 2)
    check("1 leads" in daemon.run("segment", "show", "tagged").stdout.replace("1 lead,", "1 leads,"), "for people")
    check("tagged" in daemon.run("segment", "list").stdout, "for people")
    check("1 of 51" in daemon.run("segment", "sample", 'tag("a")').stdout, "for people")


def test_an_open_cart_moves_its_lead_until_an_order_closes_it(lab):
    daemon, _ = start(lab, 20)
    words = {"left": "cart.changed older than 3s and cart.value >= 5000", "customers": "orders.count >= 1 and orders.total >= 5000",
             "never": "orders.count = 0 and cart.changed is not set"}
    for name, text in words.items():
        daemon.ctl("segment", "create", name, text)
    ready(daemon, "never", 20)

    def tell(kind, lead, **meta):
        daemon.ctl("activity", "add", f"{lead}@{SITE}", kind, "--meta", json.dumps(meta))
    tell("cart", "user1", cart="c-1", amount=5000, currency="JPY")
    tell("cart", "user2", cart="c-2", amount=4999, currency="JPY")
    ready(daemon, "never", 18)
    ready(daemon, "left", 1)  # by the wheel of time alone
    check_eq(daemon.ctl("segment", "count", words["left"])["count"], 1)
    tell("order", "user1", order="A-1", cart="c-1", amount=5000, currency="JPY")
    ready(daemon, "left", 0)
    ready(daemon, "customers", 1)
    daemon.kill()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    tell("order", "user1", order="A-1", status="refunded")
    ready(daemon, "customers", 0)
    check_eq(daemon.ctl("segment", "count", words["never"])["count"], 19)
    check("did you mean 'cart.value'" in refused(daemon, "segment", "count", "cart.vlaue > 1"), "the name that was meant")


def test_a_change_of_a_company_moves_its_leads_through_a_kill(lab):
    daemon, _, _ = setup(lab, key=False)
    rows = [f"user{i}@{SITE},{'Cats' if i % 2 else 'Dogs'}" for i in range(3000)]
    daemon.import_leads(csv(lab, rows, "firms.csv", "email,company"), "firms")
    words = {"it": 'company.industry = "IT"', "cats": 'company.name = "Big Cats"', "ours": 'company.domain = "cats.example"',
             "none": "company.name is not set"}
    for name, text in words.items():
        daemon.ctl("segment", "create", name, text)
    for name, count in (("it", 0), ("cats", 0), ("ours", 0), ("none", 0)):
        ready(daemon, name, count)
    daemon.ctl("company", "set", "Cats", "industry=IT")
    daemon.kill()  # with its leads before, in the middle or behind it
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    ready(daemon, "it", 1500)
    daemon.ctl("company", "set", "Cats", "--name", "Big Cats", "--domain", "cats.example")
    ready(daemon, "cats", 1500)
    ready(daemon, "ours", 1500)
    daemon.ctl("company", "merge", "Big Cats", "Dogs")
    for name in ("it", "cats", "ours"):
        ready(daemon, name, 3000)
    daemon.ctl("lead", "set", f"user1@{SITE}", "company=")
    ready(daemon, "it", 2999)
    daemon.ctl("company", "delete", "Big Cats")
    for name in ("it", "cats", "ours"):
        ready(daemon, name, 0)
    ready(daemon, "none", 3000)
    check_eq(daemon.ctl("segment", "count", words["none"])["count"], 3000)
    good, text = daemon.audit()
    check(good, text)


def test_a_campaign_goes_to_the_members_of_its_lists_who_are_in_a_segment(lab):
    daemon, sink = start(lab)
    daemon.import_leads(csv(lab, [field("elsewhere", SITE, prefecture="東京都")], "other.csv"), "other")
    path = newsletter.campaign_file(lab, extra="\nsegment: tokyo\nexclude: seen\n")
    check("there is no segment 'tokyo'" in refused(daemon, "campaign", "create", path), "no such segment")
    daemon.ctl("segment", "create", "tokyo", 'prefecture = "東京都"')
    daemon.ctl("segment", "create", "seen", 'tag("seen")')
    for i in (1, 2, 3):
        daemon.ctl("lead", "tag", f"user{i}@{SITE}", "seen")
    ready(daemon, "tokyo", 101)
    ready(daemon, "seen", 3)
    daemon.ctl("campaign", "create", path)
    daemon.ctl("campaign", "start", "newsletter")
    daemon.wait_campaign("newsletter")
    check_eq(sorted(sink.delivered()), sorted(f"user{i}@{SITE}" for i in range(5, 200, 2)))
    daemon.ctl("segment", "delete", "seen")
    path = newsletter.campaign_file(lab, "second", extra="\nsegment: tokyo\n")
    daemon.ctl("campaign", "create", path)
    daemon.ctl("segment", "delete", "tokyo")
    check("there is no segment 'tokyo'" in refused(daemon, "campaign", "start", "second"), "it is gone")
    good, text = daemon.audit()
    check(good, text)


def test_segments_are_made_and_asked_for_over_http(lab):
    daemon, _, api = api_setup(lab)
    admin = Api(api.port, token(lab, "crm", "*", "--scopes", "leads:read,leads:write"))
    reader = Api(api.port, token(lab, "view", "*", "--scopes", "leads:read"))
    daemon.ctl("reload")
    daemon.import_leads(csv(lab, [field(f"user{i}", SITE, prefecture="東京都" if i % 2 else "大阪府")
                                  for i in range(50)]))
    check_eq((api.get("/v1/segments").error(), reader.call("PUT", "/v1/segments/x", {"expression": 'tag("x")'}).error()),
             ("missing_scope", "missing_scope"))
    made = admin.call("POST", "/v1/segments", {"name": "tokyo", "expression": 'prefecture = "東京都"', "announce": True})
    check_eq((made.status, made.json["announce"], made.json["by"]), (201, True, "api crm"))
    check_eq(admin.call("POST", "/v1/segments", {"name": "tokyo", "expression": 'tag("x")'}).error(), "conflict")
    ready(daemon, "tokyo", 25)
    tree = reader.get("/v1/segments/tokyo").json["tree"]
    put = admin.call("PUT", "/v1/segments/same%20tree", {"tree": tree})
    check_eq((put.status, put.json["expression"], put.json["announce"]), (201, 'prefecture = "東京都"', False))
    ready(daemon, "same tree", 25)
    check_eq(admin.call("PUT", "/v1/segments/same%20tree", {"announce": True}).status, 200)
    check_eq(admin.call("PUT", "/v1/segments/nobody", {"announce": True}).error(), "not_found")

    first = reader.get("/v1/segments?limit=1").json
    check_eq([s["name"] for s in first["segments"]], ["tokyo"])
    rest = reader.get(f"/v1/segments?after={first['next']}").json
    check_eq(([s["name"] for s in rest["segments"]], rest["next"]), (["same tree"], None))
    seen, after = [], 0
    while after is not None:
        page = reader.get(f"/v1/segments/tokyo/leads?limit=10&after={after}").json
        seen += [lead["lead"] for lead in page["leads"]]
        after = page["next"]
    check_eq((len(seen), len(set(seen))), (25, 25))
    some = reader.get("/v1/segments/tokyo/sample?limit=5").json
    check_eq((some["count"], len(some["sample"])), (25, 5))
    check(seen[0] == some["sample"][0]["lead"] and some["sample"][4]["lead"] > seen[15], "from all over")

    counted = reader.call("POST", "/v1/segments/count", {"expression": 'segment("tokyo") and not tag("x")', "sample": 3}).json
    check_eq((counted["count"], counted["of"], len(counted["sample"])), (25, 50, 3))
    check_eq(reader.call("POST", "/v1/segments/count", {"tree": counted["tree"]}).json["count"], 25)
    check_eq((counted["unknown"], made.json["unknown"]), ([{"what": "tag", "name": "x", "near": None}], []))
    slip = reader.call("POST", "/v1/segments/count", {"expression": 'prefectur = "東京都"'}).json
    check_eq((slip["count"], slip["unknown"]), (0, [{"what": "attribute", "name": "prefectur", "near": "prefecture"}]))

    wrong = admin.call("POST", "/v1/segments", {"name": "bad", "expression": "score >=\n and clikced(within 30d)"})
    check_eq((wrong.status, wrong.error(), wrong.json["error"]["field"]), (422, "invalid_segment", "expression"))
    check_eq([(f["line"], f["column"]) for f in wrong.json["error"]["faults"]], [(2, 2), (2, 6)])
    check("did you mean 'clicked'" in wrong.json["error"]["faults"][1]["message"], wrong.json)
    for body, code in (({"name": "bad"}, "missing_field"), ({"expression": 'tag("x")'}, "missing_field"),
                       ({"name": "bad", "expression": 'tag("x")', "tree": tree}, "conflicting_fields"),
                       ({"name": "bad", "expression": 7}, "invalid_type"), ({"name": "bad", "tree": []}, "invalid_type"),
                       ({"name": "bad", "what": 1}, "unknown_field"),
                       ({"name": "bad", "tree": {"tag": 5}}, "invalid_segment"),
                       ({"name": "bad", "expression": 'segment("nobody")'}, "invalid_segment"),
                       ({"name": "b" * 101, "expression": 'tag("x")'}, "invalid_segment")):
        check_eq((body, admin.call("POST", "/v1/segments", body).error()), (body, code))
    check_eq(reader.get("/v1/segments/tokyo/leads?limit=0").error(), "invalid_value")
    check_eq(reader.get("/v1/segments/nobody/leads").error(), "not_found")
    check_eq([admin.call("POST", "/v1/segments", {"name": n, "expression": 'tag("x")'}).error() for n in ("count", "a/b")],
             ["invalid_value"] * 2)
    admin.call("PUT", "/v1/segments/counted", {"expression": 'segment("tokyo")'})
    check_eq(admin.call("DELETE", "/v1/segments/tokyo").error(), "in_use")
    check_eq(admin.call("DELETE", "/v1/segments/counted").status, 204)
    check_eq(admin.call("DELETE", "/v1/segments/tokyo").status, 204)
    check_eq(reader.get("/v1/segments/tokyo").error(), "not_found")
    good, text = daemon.audit()
    check(good, text)


def test_counts_wait_for_each_other_and_hold_up_nobody_else(lab):
    daemon, _, api = api_setup(lab)
    secret = token(lab, "crm", "*", "--scopes", "leads:read")
    daemon.ctl("reload")
    daemon.import_leads(newsletter.leads(lab, 20000))
    answers = []

    def count():
        client = Api(api.port, secret)
        answers.append(client.call("POST", "/v1/segments/count", {"expression": 'name contains "1"'}).status)
        client.close()
    threads = [threading.Thread(target=count) for _ in range(30)]
    for t in threads:
        t.start()
    other = Api(api.port, secret)
    check_eq({other.get("/v1/leads/1").status for _ in range(20)}, {200})
    for t in threads:
        t.join()
    check_eq((len(answers), set(answers) <= {200, 503}, answers.count(200) >= 16), (30, True, True))
    check_eq(api.get("/v1/token").status, 200)


def test_a_campaign_goes_to_a_segment_alone_through_a_kill(lab):
    """Made over HTTP, filled by activities, mailed without a list; what becomes of it meanwhile changes nothing."""
    daemon, sink, api = api_setup(lab, world_keys=False, sink_args=["--delay", "dot:20"])
    admin = Api(api.port, token(lab, "crm", "*", "--scopes", "leads:read,leads:write"))
    daemon.ctl("reload")
    daemon.import_leads(csv(lab, [field(f"user{i}", SITE) for i in range(300)]))
    made = [{"address": f"api{i}@{SITE}", "attributes": {"name": "x"}} for i in range(60)]
    check_eq(admin.call("POST", "/v1/leads/batch", {"leads": made}).json["failed"], 0)
    admin.call("POST", "/v1/leads", {"ids": ["ext:crm:1"]})
    daemon.ctl("suppress", "add", f"api7@{SITE}")
    check_eq(admin.call("PUT", "/v1/segments/shown", {"expression": 'did(name: "demo")'}).status, 201)
    ready(daemon, "shown", 0)
    who = [f"user{i}@{SITE}" for i in range(0, 300, 2)] + [f"api{i}@{SITE}" for i in range(60)]
    told = [{"kind": "custom", "name": "demo", "email": a} for a in who] + [{"kind": "custom", "name": "demo", "external_id": "crm:1"}]
    check_eq(admin.call("POST", "/v1/activities", {"activities": told}).json["refused"], 0)
    ready(daemon, "shown", len(who) + 1)

    path = newsletter.campaign_file(lab, "alone", lists="", extra="\nsegment: shown\n")
    said = daemon.run("campaign", "create", path).stdout
    check("segment 'shown' alone, 211 leads now" in said, said)
    daemon.ctl("campaign", "start", "alone")
    wait_for("some of it", lambda: len(sink.delivered()) >= 10)
    daemon.kill()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    daemon.ctl("segment", "change", "shown", 'did(name: "nothing")')
    daemon.ctl("segment", "delete", "shown")
    c = daemon.wait_campaign("alone", timeout=120)
    check_eq((c["queued"], c["suppressed"], c["delivered"] + c["held"]), (210, 1, 209), c)
    check_eq(sorted(set(sink.delivered())), sorted(set(who) - {f"api7@{SITE}"}))
    shown = daemon.ctl("campaign", "show", "alone")
    check_eq((shown["lists"], shown["segment"]["state"]), ([], "missing"))
    check("there is no such segment" in daemon.run("campaign", "show", "alone").stdout, "for people")
    good, text = daemon.audit()
    check(good, text)


def test_a_campaign_to_nobody_and_one_to_who_waits(lab):
    daemon, sink = start(lab, 20)
    nobody = newsletter.campaign_file(lab, "nobody", lists="")
    check("unless 'segment' says who gets it" in refused(daemon, "campaign", "create", nobody), "neither list nor segment")
    daemon.ctl("segment", "create", "all", 'email is set')
    ready(daemon, "all", 20)
    daemon.ctl("list", "create", "club", "--opt-in", "double", "--from", "news@news.hayauma.test")
    daemon.ctl("lead", "join", "club", f"user3@{SITE}")
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "everybody", lists="", extra="\nsegment: all\n"))
    daemon.ctl("campaign", "start", "everybody")
    c = daemon.wait_campaign("everybody")
    check_eq((c["queued"], c["delivered"]), (19, 19), "all but who waits for a confirmation")
    check(set(sink.delivered()) >= {f"user{i}@{SITE}" for i in range(20) if i != 3}, "all of them")
