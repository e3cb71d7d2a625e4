"""What applications tell of leads over HTTP: noted once, each by itself, and read back."""
import concurrent.futures
import datetime

from api_lab import Api, api_setup, token
from lab import Daemon, check, check_eq

TENANTS = [{"name": "shop", "number": 5, "from_domains": ["shop.test"]}]


def start(lab):
    """(daemon, client that may tell and ask)"""
    own = token(lab, "crm", "*", "--scopes", "leads:read,leads:write")
    daemon, _, api = api_setup(lab, config={"tenants": TENANTS})
    return daemon, Api(api.port, own)


def tell(api, *activities, create=False, headers=None):
    answer = api.post("/v1/activities", {"activities": list(activities), "create": create}, headers=headers)
    check_eq(answer.status, 202, answer.text)
    return answer.json


def card(name, **more):
    return {"kind": "offline", "email": f"{name}@example.jp", "name": "Expo 2026", **more}


def test_what_is_told_is_noted_and_read_back(lab):
    daemon, api = start(lab)
    told = tell(api, card("taro", at="2026-11-01T10:00:00+09:00", meta={"booth": "B-7"}, id="expo:1"),
                {"kind": "order", "email": "taro@example.jp", "meta": {"order": "A-17", "amount": 5000}}, create=True)
    check_eq((told["noted"], told["refused"]), (2, 0))
    first, second = told["results"]
    check_eq((first["created"], "created" in second, first["lead"]), (True, False, second["lead"]))
    page = api.get("/v1/activities?email=taro@example.jp").json
    check_eq(page["next"], None)
    check_eq([a["kind"] for a in page["activities"]], ["order", "offline"], "the newest first")
    seen = page["activities"][1]
    check_eq((seen["name"], seen["at"], seen["meta"], seen["id"], seen["source"], seen["activity"]),
             ("Expo 2026", "2026-11-01T01:00:00.000Z", {"booth": "B-7"}, "expo:1", "api crm", first["activity"]))
    check_eq([a["kind"] for a in api.get(f"/v1/activities?lead={first['lead']}&kind=order&kind=cart").json["activities"]],
             ["order"])
    check_eq(len(api.get("/v1/activities?email=taro@example.jp&since=2026-11-02T00:00:00Z").json["activities"]), 1)
    one = api.get("/v1/activities?email=taro@example.jp&limit=1").json
    two = api.get(f"/v1/activities?email=taro@example.jp&limit=1&after={one['next']}").json
    check_eq([a["kind"] for a in one["activities"] + two["activities"]], ["order", "offline"])
    check_eq(api.get("/v1/activities?email=nobody@example.jp").status, 404)
    check_eq(api.get("/v1/activities").error(), "missing_field")
    check_eq(api.get("/v1/activities?email=taro@example.jp&kind=dance").error(), "unknown_kind")
    good, text = daemon.audit()
    check(good, text)


def test_what_is_wrong_with_one_keeps_out_that_one(lab):
    _, api = start(lab)
    ahead = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=20)).isoformat()
    told = tell(api, card("taro"), {**card("hana"), "kind": "dance"}, card("jiro", at=ahead), card("bad at"),
                {"kind": "offline", "lead": 999, "name": "x"}, "nothing", create=True)
    check_eq([r["status"] for r in told["results"]], ["noted"] + ["refused"] * 5)
    check_eq([(r["error"]["code"], r["error"].get("field")) for r in told["results"][1:]],
             [("unknown_kind", "kind"), ("in_future", "at"), ("invalid_value", "email"), ("lead_not_found", "lead"),
              ("invalid_type", None)])
    check_eq([r["status"] for r in tell(api, card("new"))["results"]], ["refused"], "nobody is made unasked")
    for body, code in (({}, "invalid_value"), ({"activities": []}, "invalid_value"), ({"activities": [card("a")] * 1001}, "invalid_value"),
                       ({"activities": [card("a")], "more": 1}, "unknown_field"), (b"{", "invalid_json"), (b"[]", "invalid_value")):
        answer = api.post("/v1/activities", body, headers={"Content-Type": "application/json"})
        check(answer.status in (400, 422), answer.text)
        check_eq(answer.error(), code, answer.text)


def test_what_is_told_twice_is_noted_once(lab):
    daemon, api = start(lab)
    key = {"Idempotency-Key": "import-1"}
    first = tell(api, card("taro", id="expo:1"), card("taro"), create=True, headers=key)
    again = tell(api, card("taro", id="expo:1"), card("taro"), create=True, headers=key)
    check_eq(again, first, "the same call has the same answer")

    def race(_):
        return Api(api.port, api.secret).post("/v1/activities", {"activities": [card("jiro")] * 300, "create": True},
                                              headers={"Idempotency-Key": "race"})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(8)))
    check({a.status for a in answers} <= {202, 409}, [a.status for a in answers])
    check_eq(len({a.text for a in answers if a.status == 202}), 1)
    check_eq(len(api.get("/v1/activities?email=jiro@example.jp&limit=1000").json["activities"]), 300)
    lone = tell(api, card("taro", id="expo:1"), card("taro", id="expo:2"))
    check_eq([r["status"] for r in lone["results"]], ["duplicate", "noted"])
    check_eq(lone["results"][0]["activity"], first["results"][0]["activity"])
    daemon.kill()
    lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    api.close()
    check_eq(tell(api, card("taro", id="expo:1"))["duplicates"], 1, "also across a crash")
    check_eq(len(api.get("/v1/activities?email=taro@example.jp").json["activities"]), 3)
    check_eq(api.post("/v1/activities", {"activities": [card("x")]}, headers=key).error(), "idempotency_key_reused")
    same = {"activities": [card("taro", id="expo:1"), card("taro")], "create": True}
    check_eq(api.post("/v1/activities", same, headers=key).status, 202)
    check_eq(api.post("/v1/orders", same, headers=key).error(), "idempotency_key_reused", "the same body for another thing")


def test_a_visitor_that_an_application_identifies_brings_its_history(lab):
    _, api = start(lab)
    visitor = "7ff0000000001"
    page = {"kind": "page-view", "visitor": visitor, "url": "https://www.example.jp/price"}
    told = tell(api, page, page)
    check("lead" not in told["results"][0], told)
    told = tell(api, {"kind": "identify", "visitor": visitor, "email": "taro@example.jp"}, create=True)
    lead = told["results"][0]["lead"]
    seen = api.get(f"/v1/activities?lead={lead}").json["activities"]
    check_eq([(a["kind"], a.get("number")) for a in seen], [("identify", 2), ("page-view", None), ("page-view", None)])
    check_eq(tell(api, page)["results"][0]["lead"], lead, "from now on it is known")
    check_eq(len(api.get(f"/v1/activities?visitor={visitor}").json["activities"]), 4)


def test_a_tenant_and_a_token_without_the_scope_are_turned_away(lab):
    daemon, api = start(lab)
    shop = Api(api.port, token(lab, "shop-app", "*", "--scopes", "admin", "--tenant", "shop"))
    reader = Api(api.port, token(lab, "reader", "*", "--scopes", "leads:read"))
    daemon.ctl("reload")
    check_eq(shop.post("/v1/activities", {"activities": [card("a")]}).error(), "not_permitted")
    check_eq(shop.get("/v1/activities?lead=1").error(), "not_permitted")
    check_eq(reader.post("/v1/activities", {"activities": [card("a")]}).error(), "missing_scope")
    check_eq(Api(api.port).post("/v1/activities", {"activities": [card("a")]}).status, 401)


def test_a_thousand_at_once_are_noted(lab):
    _, api = start(lab)
    told = tell(api, *[card(f"p{i}", meta={"text": "x" * 300}) for i in range(1000)], create=True)
    check_eq((told["noted"], len({r["lead"] for r in told["results"]})), (1000, 1000))


def listed(api, who):
    return [(a["kind"], a.get("name"), a["at"]) for a in api.get(f"/v1/activities?{who}").json["activities"]]


def test_a_file_is_noted_row_by_row_and_once(lab):
    daemon, api = start(lab)
    text = ("メールアドレス,会社,meta.seats\n"
            "taro@example.jp,六社,2\n"
            "no address,六社,1\n"
            "hana@example.jp\n"
            "jiro@example.jp,=cmd|x,1\n")
    seminar = lab.path("seminar.csv")
    with open(seminar, "w", encoding="cp932") as f:
        f.write(text)
    options = ["--kind", "offline", "--name", "Expo 2026", "--at", "2026-11-01T10:00:00+09:00"]
    rejects = lab.path("bad.csv")
    tried = daemon.ctl("activity", "import", seminar, *options, "--create", "--dry-run")
    check_eq((tried["rows"], tried["noted"], tried["rejected"]), (4, 2, 2))
    check_eq(api.get("/v1/activities?email=taro@example.jp").status, 404, "nothing was made")
    done = daemon.ctl("activity", "import", seminar, *options, "--create", "--rejects", rejects)
    check_eq((done["rows"], done["noted"], done["leads"], done["rejected"]), (4, 2, 2, 2))
    check_eq([(r["line"], r["column"], r["value"]) for r in done["rejects"]],
             [(3, "メールアドレス", "no address"), (4, "", "hana@example.jp")])
    with open(rejects, encoding="utf-8") as f:
        check_eq(len(f.readlines()), 3, "the head, and each refused row")
    check_eq(listed(api, "email=taro@example.jp"), [("offline", "Expo 2026", "2026-11-01T01:00:00.000Z")])
    check_eq(api.get("/v1/activities?email=taro@example.jp").json["activities"][0]["meta"], {"会社": "六社", "seats": 2})
    again = daemon.ctl("activity", "import", seminar, *options)
    check_eq((again["noted"], again["duplicates"], again["rejected"]), (0, 2, 2), "a file is noted once")
    other = lab.write("other.csv", "email\nnobody@example.jp\n")
    bad = daemon.run("activity", "import", other, *options)
    check_eq(bad.returncode, 1, "all rows were refused")
    check("there is no such lead" in bad.stderr and "nobody@example.jp" in bad.stderr, bad.stderr)
    for words, why in (((other, "--kind", "dance"), "kind"), ((other, "--at", "tomorrow"), "at:"),
                       ((lab.write("none.csv", "a,b\n1,2\n"), *options), "whose are these rows")):
        refused = daemon.run("activity", "import", *words)
        check(refused.returncode != 0 and why in refused.stderr, refused.stderr)
    good, said = daemon.audit()
    check(good, said)


def test_one_is_noted_by_hand(lab):
    daemon, api = start(lab)
    daemon.ctl("lead", "create", "taro@example.jp", "--id", "ext:shop:4711")
    added = daemon.ctl("activity", "add", "ext:shop:4711", "order", "--id", "A-17", "--at", "2026-11-01T10:00:00+09:00",
                       "--meta", '{"order": "A-17", "items": [{"product": "x", "price": 5}]}')
    again = daemon.ctl("activity", "add", "taro@example.jp", "order", "--id", "A-17")
    check_eq((again["activity"], added["duplicate"], again["duplicate"]), (added["activity"], False, True))
    daemon.ctl("activity", "add", "taro@example.jp", "sales", "won")
    check_eq([a[:2] for a in listed(api, "email=taro@example.jp")], [("sales", "won"), ("order", None)])
    for words, why in ((("nobody@example.jp", "sales", "won"), "there is no lead"), (("taro@example.jp", "sales"), "name"),
                       (("taro@example.jp", "dance"), "kind"), (("taro@example.jp", "order", "--meta", "[]"), "JSON")):
        refused = daemon.run("activity", "add", *words)
        check(refused.returncode != 0 and why in refused.stderr, refused.stderr)
    good, said = daemon.audit()
    check(good, said)
