"""People by hand and over HTTP: made, changed, found, told of; with and without an address."""
import concurrent.futures
import json
import subprocess
from urllib.parse import quote

import newsletter
from api_lab import Api, api_setup, token
from lab import CommandError, Daemon, check, check_eq, wait_for
from test_campaign import csv, field, send, setup
from test_spool import SITE

SCOPES = ("--scopes", "leads:read,leads:write")


def start(lab, **kw):
    """(daemon, sink, client that may read and write leads)"""
    secret = token(lab, "crm", "*", *SCOPES)
    daemon, sink, api = api_setup(lab, **kw)
    return daemon, sink, Api(api.port, secret)


def refused(daemon, *args):
    try:
        daemon.ctl(*args)
    except CommandError as e:
        return e.output
    raise AssertionError(f"{args} was taken")


def path(which, more=""):
    return f"/v1/leads/{quote(which, safe='')}{more}"


def audited(daemon):
    good, text = daemon.audit()
    check(good, text)


def test_a_lead_is_made_changed_and_found_by_hand(lab):
    daemon, _, _ = setup(lab, key=False)
    daemon.ctl("list", "create", "news")
    daemon.ctl("attribute", "type", "age", "number")
    made = daemon.ctl("lead", "create", f"Taro@{SITE}", "name=太郎", "age=041", "--tag", "vip,fair", "--list", "news",
                      "--id", "ext:crm:7")
    check_eq((made["lead"], made["new"]), (1, True))
    check("is not a number" in refused(daemon, "lead", "set", "1", "age=old"), "a wrong value")
    check("already" in refused(daemon, "lead", "create", f"taro@{SITE}"), "made twice")
    check_eq(daemon.ctl("lead", "set", "ext:crm:7", "owner=hanako@example.jp")["changed"], ["attributes"])
    check_eq(daemon.ctl("lead", "untag", f"TARO@{SITE}", "fair")["changed"], ["tags"])
    lead = daemon.ctl("lead", "show", "1")["lead"]
    check_eq((lead["address"], lead["attributes"], lead["tags"], lead["lists"], lead["ids"]),
             (f"Taro@{SITE}", {"name": "太郎", "age": "41", "owner": "hanako@example.jp"}, ["vip"], ["news"],
              ["ext:crm:7"]))
    daemon.import_leads(csv(lab, [field(f"user{i}", SITE, prefecture="東京都" if i % 2 else "大阪府")
                                  for i in range(40)]))
    check_eq([x["lead"] for x in daemon.ctl("lead", "search", "ext:crm:7")["leads"]], [1])
    check_eq([x["lead"] for x in daemon.ctl("lead", "search", "--tag", "vip")["leads"]], [1])
    check_eq(len(daemon.ctl("lead", "search", "USER1")["leads"]), 11)
    found = daemon.ctl("lead", "search", "--list", "news", "--attribute", "prefecture=大阪府", "--limit", "7")
    check_eq((len(found["leads"]), found["more"]), (7, True))
    check_eq({a["name"]: a["type"] for a in daemon.ctl("attribute", "list")["attributes"]}["age"], "number")
    check("prefecture" in daemon.run("lead", "show", f"user3@{SITE}").stdout, "for people")
    audited(daemon)


def test_an_import_tags_names_its_source_and_refuses_values_of_another_type(lab):
    daemon, _, _ = setup(lab, key=False)
    daemon.ctl("attribute", "type", "points", "number")
    daemon.ctl("lead", "create", f"old@{SITE}", "source=web")
    rows = [f"old@{SITE},1", f"new@{SITE},02", f"bad@{SITE},many"]
    r = daemon.ctl("import", csv(lab, rows, header="email,points"), "--tag", "fair,vip", "--source", "fair 2026")
    check_eq((r["added"], r["updated"], r["rejected"], r["untagged"]), (1, 1, 1, 0))
    check_eq([(x["line"], x["column"], x["value"], x["reason"]) for x in r["rejects"]],
             [(4, "points", "many", "not a number such as -12.5")])
    old, new = (daemon.ctl("lead", "show", f"{who}@{SITE}")["lead"] for who in ("old", "new"))
    check_eq((old["attributes"], new["attributes"]),
             ({"source": "web", "points": "1"}, {"source": "fair 2026", "points": "2"}))
    check_eq((old["tags"], new["tags"], new["lists"]), (["fair", "vip"], ["fair", "vip"], []))
    check("tag" in refused(daemon, "import", csv(lab, rows, header="email,points"), "--tag", "a, b"), "a blank")
    audited(daemon)


def test_consents_and_orders_of_a_timeline_say_what_became_of_them_in_the_language_of_the_person(lab):
    daemon, _, _ = setup(lab)
    taro = f"taro@{SITE}"
    daemon.ctl("lead", "create", taro)
    daemon.ctl("lead", "consent", taro, "--give", "marketing", "--how", "paper")
    daemon.ctl("lead", "consent", taro, "--withdraw", "marketing", "--how", "phone")
    for status in ("placed", "cancelled"):
        daemon.ctl("activity", "add", taro, "order", "--meta",
                   json.dumps({"order": "A-1", "amount": 12300, "currency": "JPY", "status": status}))
    told = [(m["kind"], m["state"], m.get("order"), m.get("amount"), m.get("currency"))
            for m in daemon.ctl("lead", "show", taro)["timeline"]]
    check_eq(told, [("consent", "given", None, None, None), ("consent", "withdrawn", None, None, None),
                    ("order", "placed", "A-1", 12300, "JPY"), ("order", "cancelled", "A-1", 12300, "JPY")])
    text = daemon.run("lead", "show", taro, lang="ja_JP.UTF-8").stdout
    for words in ("同意の撤回", "注文の取り消し", "A-1  12,300 JPY"):
        check(words in text, text)


def test_a_row_that_is_refused_is_told_in_the_language_of_the_person(lab):
    daemon, _, _ = setup(lab)
    bad = lab.write("bad.csv", "email,name\nno-at,A\nb@\n")
    told = daemon.run("import", bad, "--list", "news", lang="ja_JP.UTF-8").stderr
    for words in ("2 行目, email: アドレスに @ がありません: no-at", "3 行目: 欄が 1 個で、見出しは 2 個です"):
        check(words in told, told)


def test_a_file_with_ids_finds_its_leads_by_them_and_says_which_to_merge(lab):
    daemon, _, _ = setup(lab)
    daemon.ctl("list", "create", "news")
    daemon.import_leads(lab.write("plain.csv", f"email,name\ntaro@{SITE},Taro\nhana@{SITE},Hana\n"))
    crm = lab.write("crm.csv", f"CRM,メール,氏名,LINE\n1,taro@{SITE},太郎,U1\n2,,次郎,\n1,hana@{SITE},誰,\n")
    options = ("--map", "CRM=ext:crm,LINE=line:")
    told = daemon.run("import", crm, "--list", "news", *options, lang="ja_JP.UTF-8").stderr
    check("4 行目" in told and "統合してください" in told, told)
    check_eq([daemon.ctl("lead", "show", who)["lead"]["address"] for who in ("ext:crm:1", "line:U1")],
             [f"taro@{SITE}"] * 2)
    check_eq(daemon.ctl("lead", "show", "ext:crm:2")["lead"].get("address"), None)
    check_eq(daemon.ctl("lead", "show", f"hana@{SITE}")["lead"]["attributes"]["name"], "Hana")
    again = daemon.import_leads(crm, "news", *options)
    check_eq([again[k] for k in ("added", "updated", "unchanged", "rejected")], [0, 0, 2, 1])
    moved = lab.write("moved.csv", f"ext:crm,email\n1,taro2@{SITE}\n2,jiro@{SITE}\n")
    first = daemon.run("import", moved, "--list", "news", lang="ja_JP.UTF-8")
    check("1 件のリードは別のアドレスを持つため" in first.stdout, first.stdout)
    check_eq(daemon.ctl("lead", "show", "ext:crm:2")["lead"]["address"], f"jiro@{SITE}")
    check_eq(daemon.ctl("lead", "show", "ext:crm:1")["lead"]["address"], f"taro@{SITE}")
    daemon.import_leads(moved, "news", "--move-addresses")
    check_eq(daemon.ctl("lead", "show", f"taro2@{SITE}")["lead"]["ids"], [f"taro@{SITE}", "ext:crm:1", "line:U1"])
    audited(daemon)


def test_an_import_by_id_that_is_killed_is_finished_by_reading_the_file_again(lab):
    daemon, _, _ = setup(lab)
    n = 5000
    rows = ["ext:crm,email,name\n"] + [f"{i},{f'u{i}@{SITE}' if i % 3 else ''},N{i}\n" for i in range(n)]
    run = subprocess.Popen(daemon.command("import", "-", "--list", "news"), stdin=subprocess.PIPE, text=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run.stdin.write("".join(rows[:3001]))
    run.stdin.flush()  # and the file goes on
    wait_for("some leads to be in", lambda: daemon.ctl("lead", "search", "ext:crm:100")["leads"], timeout=60)
    daemon.kill()
    run.stdin.close()
    run.wait()
    again = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    done = again.import_leads(lab.write("crm.csv", "".join(rows)))
    check_eq((done["rejected"], done["updated"], done["added"] + done["unchanged"]), (0, 0, n))
    check(done["unchanged"] >= 500, "a batch was in: %d" % done["unchanged"])
    check_eq(again.ctl("list", "show", "news")["list"]["members"], n)
    audited(again)


def test_the_timeline_of_a_lead_holds_its_mail_and_its_lists(lab):
    daemon, _, _ = setup(lab)
    daemon.ctl("list", "create", "club")
    send(lab, daemon, [field("taro", SITE), field("hanako", SITE)])
    daemon.ctl("lead", "join", "club", f"taro@{SITE}")
    daemon.ctl("lead", "leave", "club", f"taro@{SITE}")
    seen = daemon.ctl("lead", "show", f"taro@{SITE}")
    check_eq([(m["kind"], m.get("state"), m.get("name"), m.get("text", "")[:4]) for m in seen["timeline"]],
             [("mail", "delivered", "newsletter", seen["timeline"][0]["text"][:4]),
              ("list-joined", None, None, "club"), ("list-left", None, None, "club")])
    ids = [m["id"] for m in seen["timeline"]]
    check_eq(ids, sorted(ids))
    last = daemon.ctl("lead", "show", f"taro@{SITE}", "--limit", "1")
    check_eq(([m["id"] for m in last["timeline"]], last["before"]), (ids[2:], ids[2]))
    rest = daemon.ctl("lead", "show", f"taro@{SITE}", "--limit", "2", "--before", last["before"])
    check_eq(([m["id"] for m in rest["timeline"]], rest["before"]), (ids[:2], None))
    check("newsletter" in daemon.run("lead", "show", f"taro@{SITE}").stdout, "for people")
    daemon.ctl("lead", "merge", f"hanako@{SITE}", f"taro@{SITE}")
    both = daemon.ctl("lead", "show", f"taro@{SITE}")
    check_eq((both["lead"]["address"], [m["kind"] for m in both["timeline"]].count("mail")), (f"hanako@{SITE}", 2))
    check_eq([x["address"] for x in daemon.ctl("lead", "search", "--list", "news")["leads"]], [f"hanako@{SITE}"])
    audited(daemon)


def test_a_lead_without_an_address_gets_no_mail_and_holds_nothing_up(lab):
    daemon, sink, _ = setup(lab)
    daemon.ctl("list", "create", "news")
    daemon.ctl("lead", "create", "ext:crm:1", "name=nobody", "--list", "news")
    c = send(lab, daemon, [field("taro", SITE)])
    check_eq((c["queued"], sink.delivered()), (1, [f"taro@{SITE}"]))
    check_eq([x["address"] for x in daemon.ctl("list", "show", "news")["leads"]], ["", f"taro@{SITE}"])
    out = lab.path("news.csv")
    daemon.ctl("list", "export", "news", "--output", out)
    with open(out, encoding="utf-8") as f:
        lines = f.read().splitlines()
    check_eq(len(lines), 3, lines)
    check(lines[1].startswith(",active,nobody"), lines)
    check_eq(daemon.ctl("lead", "set", "ext:crm:1", "--address", f"found@{SITE}")["changed"], ["ids"])
    check_eq(daemon.ctl("lead", "show", f"found@{SITE}")["lead"]["lists"], ["news"])
    audited(daemon)


def test_mail_for_an_address_that_moved_to_another_domain_is_not_sent_to_the_old_one(lab):
    daemon, sink, _ = setup(lab)
    daemon.import_leads(csv(lab, [field("taro", SITE), field("hanako", SITE)]))
    order = daemon.ctl("lane", "hold", "--domain", SITE)["no"]
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "moved"))
    daemon.ctl("campaign", "start", "moved")
    wait_for("rows", lambda: daemon.campaign("moved")["queued"] == 2)
    daemon.ctl("lead", "set", f"taro@{SITE}", "--address", "taro@elsewhere.test")
    daemon.ctl("lane", "release", str(order))
    c = daemon.wait_campaign("moved")
    check_eq((c["delivered"], c["suppressed"], sink.delivered()), (1, 1, [f"hanako@{SITE}"]))
    check_eq(sorted(x["address"] for x in daemon.ctl("list", "show", "news")["leads"]),
             [f"hanako@{SITE}", "taro@elsewhere.test"])
    seen = daemon.ctl("lead", "show", "taro@elsewhere.test")
    check_eq(([m["state"] for m in seen["timeline"]], seen["lead"]["ids"]), (["suppressed"], [f"taro@{SITE}"]))
    check_eq(daemon.ctl("lead", "show", f"taro@{SITE}")["lead"]["address"], "taro@elsewhere.test")
    audited(daemon)


def test_leads_over_http(lab):
    daemon, _, api = start(lab)
    daemon.ctl("list", "create", "news")
    daemon.ctl("attribute", "type", "birthday", "date")
    new = {"address": f"Taro@{SITE}", "ids": ["ext:crm:7"], "tags": ["vip"], "lists": ["news"],
           "attributes": {"name": "太郎", "age": 41, "ratio": 0.25, "member": True, "birthday": "1985/4/2"}}
    a = api.post("/v1/leads", new)
    check_eq((a.status, a.json), (201, {"lead": 1, "new": True, "changed": ["attributes", "tags", "lists", "ids"],
                                        "pending": 0}))
    check_eq(api.post("/v1/leads", new).json, {"lead": 1, "new": False, "changed": [], "pending": 0})
    got = api.get(path("ext:crm:7")).json
    check_eq(got["attributes"], {"name": "太郎", "age": "41", "ratio": "0.25", "member": "true",
                                 "birthday": "1985-04-02"})
    check_eq(api.get(path(f"taro@{SITE}")).json, got)
    check_eq(api.call("PATCH", path("1"), {"attributes": {"age": None}, "remove_tags": ["vip"]}).json["changed"],
             ["attributes", "tags"])
    check_eq((api.call("PUT", path("1", "/lists/news")).json["changed"],
              api.delete(path("1", "/lists/news")).json["changed"]), ([], ["lists"]))
    check_eq([m["kind"] for m in api.get(path("1", "/timeline")).json["timeline"]], ["list-joined", "list-left"])
    page = api.get(path("1", "/timeline?limit=1")).json
    check_eq([m["kind"] for m in api.get(path("1", f"/timeline?before={page['before']}")).json["timeline"]],
             ["list-joined"])
    for method, where, body, status, code in [
            ("GET", path("2"), None, 404, "not_found"),
            ("GET", path("somebody"), None, 422, "invalid_value"),
            ("POST", "/v1/leads", {"address": "taro@"}, 422, "invalid_value"),
            ("POST", "/v1/leads", {"address": f"b@{SITE}", "attributes": {"birthday": "soon"}}, 422, "invalid_value"),
            ("POST", "/v1/leads", {"address": f"b@{SITE}", "lists": ["none"]}, 404, "not_found"),
            ("POST", "/v1/leads", {"address": f"b@{SITE}", "tag": ["x"]}, 422, "invalid_value"),
            ("POST", "/v1/leads", {"address": f"taro@{SITE}", "mode": "new"}, 409, "conflict"),
            ("PATCH", path(f"b@{SITE}"), {"tags": ["x"]}, 404, "not_found"),
            ("PATCH", path("1"), {"lead": 1}, 422, "invalid_value"),
            ("GET", path("1", "/timeline?limit=0"), None, 422, "invalid_value"),
            ("GET", "/v1/leads?tag=unheard", None, 404, "not_found")]:
        answer = api.call(method, where, body)
        check_eq((answer.status, answer.error()), (status, code), f"{method} {where} {body}: {answer.text}")
    check_eq(api.post("/v1/leads", {"address": f"b@{SITE}", "attributes": {"x": [1]}}).json["error"]["field"],
             "attributes.x")
    tenant = Api(api.port, token(lab, "other", "*", "--scopes", "messages:send"))
    check_eq(tenant.get("/v1/leads").status, 401, "its token is not loaded")
    daemon.ctl("reload")
    check_eq(tenant.get("/v1/leads").status, 403)
    audited(daemon)


def test_a_batch_is_done_once_and_each_item_alone(lab):
    daemon, _, api = start(lab)
    batch = {"leads": [{"address": f"u{i}@{SITE}", "tags": ["batch"], "attributes": {"n": i}} for i in range(998)] +
                      [{"address": "wrong"}, {"address": f"u0@{SITE}", "nonsense": 1}]}
    key = {"Idempotency-Key": "one"}
    a = api.post("/v1/leads/batch", batch, headers=key)
    check_eq((a.status, a.json["failed"], len(a.json["results"])), (200, 2, 1000))
    check_eq([r["lead"] for r in a.json["results"][:998]], list(range(1, 999)))
    check_eq([r["error"]["code"] for r in a.json["results"][998:]], ["invalid_value", "invalid_value"])
    again = api.post("/v1/leads/batch", batch, headers=key)
    check_eq((again.text, again.headers["Idempotent-Replay"]), (a.text, "true"))
    check_eq(api.post("/v1/leads/batch", {"leads": [{"address": f"x@{SITE}"}]}, headers=key).error(),
             "idempotency_key_reused")
    check_eq(api.post("/v1/leads/batch", {"leads": [{}] * 1001}).error(), "too_many")

    def race(_):
        return Api(api.port, api.secret).post("/v1/leads/batch", {"leads": [{"address": f"r{i}@{SITE}"} for i in range(500)]},
                                              headers={"Idempotency-Key": "race"})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(8)))
    check({a.status for a in answers} <= {200, 409}, [a.status for a in answers])
    done = {a.text for a in answers if a.status == 200}
    check_eq(len(done), 1, "all that were answered have the answer of the one that did it")
    check(all(r["new"] for a in answers if a.status == 200 for r in a.json["results"]), "made once")
    got, after = [], ""
    while after is not None:
        page = api.get(f"/v1/leads?tag=batch&limit=300{'&after=' + after if after else ''}").json
        got += [x["lead"] for x in page["leads"]]
        after = page["next"]
    check_eq(got, list(range(1, 999)))
    check_eq([x["lead"] for x in api.get(f"/v1/leads?address=U99&attribute=n&value=99").json["leads"]], [100])
    audited(daemon)
