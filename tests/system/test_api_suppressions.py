"""The suppression list over HTTP: each tenant sees and changes its own, and mail is stopped by it."""
from urllib.parse import quote

from api_lab import Api, api_setup, token
from lab import check, check_eq
from test_spool import SITE, letter, relay_audit, wait_all

SCOPES = ("--scopes", "admin")
TENANTS = [{"name": "shop", "number": 5, "from_domains": ["shop.test"]},
           {"name": "club", "number": 6, "from_domains": ["club.test"]}]


def start(lab):
    """(daemon, sink, clients of the installation, of shop and of club)"""
    own, shop, club = (token(lab, name, "*", *SCOPES, *tenant) for name, tenant in
                       (("own", ()), ("shop-app", ("--tenant", "shop")), ("club-app", ("--tenant", "club"))))
    daemon, sink, api = api_setup(lab, config={"tenants": TENANTS})
    return daemon, sink, Api(api.port, own), Api(api.port, shop), Api(api.port, club)


def path(address):
    return f"/v1/suppressions/{quote(address, safe='')}"


def test_each_tenant_has_its_own_list(lab):
    daemon, _, own, shop, club = start(lab)
    check_eq(shop.post("/v1/suppressions", {"address": f"Taro@{SITE}", "reason": "complaint", "source": "by phone"})
             .json, {"added": 1, "changed": 0, "same": 0})
    check_eq(shop.post("/v1/suppressions", {"addresses": [f"taro@{SITE}"], "reason": "complaint"}).json["same"], 1)
    entry = shop.get(path(f"taro@{SITE}")).json["entries"][0]
    check_eq((entry["address"], entry["scope"], entry["tenant"], entry["reason"], entry["by"]),
             (f"Taro@{SITE}", "tenant", "shop", "complaint", "api shop-app"))
    for other in (club, own):
        check_eq(other.get(path(f"taro@{SITE}")).json["entries"], [], "it is another's")
        check_eq(other.get("/v1/suppressions").json, {"entries": [], "next": None})
        check_eq(other.delete(path(f"taro@{SITE}")).status, 404)
    refused = club.post("/v1/suppressions", {"address": f"a@{SITE}", "scope": "all"})
    check_eq((refused.status, refused.json["error"]["field"]), (403, "scope"))
    check_eq(own.post("/v1/suppressions", {"address": f"@{SITE}", "scope": "all", "expires": "30d"}).status, 200)
    seen = club.get(path(f"a@{SITE}")).json
    check_eq((seen["entries"], seen["suppressed"]), ([], {"marketing": True, "transactional": True}))
    check_eq(shop.delete(path(f"taro@{SITE}") + "?reason=unsubscribe").status, 404)
    check_eq(shop.delete(path(f"taro@{SITE}") + "?reason=complaint").status, 204)
    check_eq([h["act"] for h in daemon.ctl("suppress", "show", f"taro@{SITE}")["history"]], ["added", "removed"])
    good, text = daemon.audit()
    check(good, text)


def test_pages_have_each_entry_once(lab):
    _, _, own, shop, _ = start(lab)
    names = [f"user{i}@{SITE}" for i in range(250)]
    check_eq(shop.post("/v1/suppressions", {"addresses": names, "reason": "unsubscribe"}).json["added"], 250)
    check_eq(own.post("/v1/suppressions", {"addresses": names[:100]}).json["added"], 100)
    got, after = [], ""
    while after is not None:
        page = shop.get(f"/v1/suppressions?limit=60&reason=unsubscribe{'&after=' + after if after else ''}").json
        got += [e["address"] for e in page["entries"]]
        after = page["next"]
    check_eq(sorted(got), sorted(names))
    check_eq(shop.get("/v1/suppressions?reason=complaint").json["entries"], [])


def test_what_is_wrong_is_told_by_its_field(lab):
    _, _, own, _, _ = start(lab)
    for body, field in (({"address": "no address"}, "address"), ({"addresses": [f"a@{SITE}", 7]}, "addresses[1]"),
                        ({}, "addresses"), ({"address": f"a@{SITE}", "reason": "whim"}, "reason"),
                        ({"address": f"a@{SITE}", "expires": "yesterday"}, "expires"),
                        ({"address": f"a@{SITE}", "list": "nolist"}, "list"),
                        ({"address": f"a@{SITE}", "stream": "river"}, "stream"),
                        ({"address": f"a@{SITE}", "hashed": 1}, "hashed"),
                        ({"address": f"a@{SITE}", "colour": "red"}, "colour")):
        answer = own.post("/v1/suppressions", body)
        check_eq((answer.status, answer.json["error"].get("field")), (422, field), str(body))
    check_eq(own.get("/v1/suppressions?limit=0").json["error"]["field"], "limit")
    check_eq(own.get("/v1/suppressions?after=zz").json["error"]["field"], "after")
    check_eq(own.get("/v1/suppressions").json["entries"], [], "nothing was stored")


def test_a_suppressed_address_gets_no_ready_message(lab):
    daemon, sink, own, _, _ = start(lab)
    own.post("/v1/suppressions", {"address": f"stop@{SITE}", "reason": "hard-bounce"})
    daemon.ctl("send", letter(lab), f"stop@{SITE}", f"go@{SITE}")
    wait_all(daemon, 2)
    check_eq((relay_audit(daemon)["suppressed"], sink.delivered()), (1, [f"go@{SITE}"]))


def test_a_list_of_many_is_read_in_pages_that_look_at_so_many_and_no_more(lab):
    daemon, _, _, shop, club = start(lab)
    path_ = lab.write("many.csv", "address,scope,tenant,reason\n" + "".join(
        f"user{i}@d{i % 500}.test,tenant,club,unsubscribe\n" for i in range(60000)))
    check_eq(daemon.ctl("suppress", "import", path_)["added"], 60000)
    check_eq(shop.post("/v1/suppressions", {"addresses": [f"s{i}@{SITE}" for i in range(5)]}).json["added"], 5)
    got, pages, after = [], 0, ""
    while after is not None:
        page = shop.get(f"/v1/suppressions{'?after=' + after if after else ''}").json
        got += [e["address"] for e in page["entries"]]
        after, pages = page["next"], pages + 1
        check(pages < 20, "it goes on and on")
    check_eq(sorted(got), [f"s{i}@{SITE}" for i in range(5)], "each once, and nobody else's")
    check(pages > 1, "a page looked at all of it")
    check_eq(len(club.get("/v1/suppressions?limit=1000").json["entries"]), 1000)
