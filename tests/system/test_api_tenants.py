"""Tenants at the HTTP API: whatever one guesses of another's, it is answered like what is not there."""
from datetime import datetime, timedelta, timezone

import newsletter
from api_lab import Api, api_setup, token
from lab import check, check_eq, wait_for
from test_api_suppressions import path
from test_campaign import csv, field
from test_spool import SITE

TENANTS = [{"name": "shop", "number": 5, "from_domains": ["shop.test", "news.hayauma.test"]},
           {"name": "club", "number": 6, "from_domains": ["club.test"]},
           {"name": "house", "number": 7, "from_domains": ["house.test"], "shared_suppression": True}]
LIST = "/v1/suppressions"


def start(lab):
    """(daemon, sink, clients by the name of their tenant)"""
    names = [None, "shop", "club", "house"]
    secrets = [token(lab, f"{t or 'own'}-app", "*", "--scopes", "admin", *(("--tenant", t) if t else ()))
               for t in names]
    daemon, sink, api = api_setup(lab, config={"tenants": TENANTS})
    return daemon, sink, {t or "own": Api(api.port, secret) for t, secret in zip(names, secrets)}


def mail(domain, *to, **more):
    return {"from": f"app@{domain}", "to": [f"{u}@{SITE}" for u in to], "subject": "Hi", "text": "Hello\n", **more}


def same_answer(one, other, what):
    """But for what names the request itself."""
    for a in (one, other):
        a.json["error"].pop("request_id")
    check_eq((one.status, one.json), (other.status, other.json), what)


def test_a_message_is_looked_at_and_taken_back_by_its_own_tenant_only(lab):
    daemon, sink, apis = start(lab)
    later = {"send_at": (datetime.now(timezone.utc) + timedelta(days=2)).isoformat()}
    sent = apis["shop"].post("/v1/messages", mail("shop.test", "secret", **later)).json["messages"][0]["id"]
    nothing = "0" * 13
    for other in ("club", "house", "own"):
        for method in ("GET", "DELETE"):
            same_answer(apis[other].call(method, f"/v1/messages/{sent}"),
                        apis[other].call(method, f"/v1/messages/{nothing}"), f"{method} of {other}")
    check_eq(apis["shop"].get(f"/v1/messages/{sent}").json["recipients"][0]["state"], "scheduled")
    check_eq(apis["shop"].delete(f"/v1/messages/{sent}").json["cancelled"], 1)
    for name, domain in (("shop", "club.test"), ("club", "shop.test"), ("house", "shop.test"), ("own", "club.test")):
        refused = apis[name].post("/v1/messages", mail(domain, "a"))
        check_eq((refused.status, refused.error()), (403, "from_not_allowed"), f"{name} as {domain}")


def test_a_key_that_another_tenant_used_is_new(lab):
    daemon, sink, apis = start(lab)
    key = {"Idempotency-Key": "order-1"}
    first = apis["shop"].post("/v1/messages", mail("shop.test", "a"), headers=key).json
    second = apis["club"].post("/v1/messages", mail("club.test", "b"), headers=key)
    check_eq((second.status, second.headers["Idempotent-Replay"]), (202, None))
    check(first["messages"][0]["id"] != second.json["messages"][0]["id"], "an answer of another tenant")
    wait_for("two mails", lambda: len(sink.delivered()) == 2)
    check_eq(sorted(sink.delivered()), [f"a@{SITE}", f"b@{SITE}"])


def test_suppressions_are_the_tenants_own_or_those_it_shares(lab):
    daemon, sink, apis = start(lab)
    check_eq(apis["shop"].post(LIST, {"address": f"a@{SITE}"}).status, 200)
    check_eq(apis["own"].post(LIST, {"address": f"b@{SITE}", "reason": "complaint"}).status, 200)
    check_eq(apis["own"].post(LIST, {"address": f"c@{SITE}", "scope": "all"}).status, 200)

    def addresses(name):
        return sorted(e["address"] for e in apis[name].get(LIST).json["entries"])

    check_eq({name: addresses(name) for name in apis},
             {"own": [f"b@{SITE}", f"c@{SITE}"], "shop": [f"a@{SITE}"], "club": [], "house": [f"b@{SITE}"]})
    for name in ("shop", "club", "house"):
        refused = apis[name].post(LIST, {"address": f"d@{SITE}", "scope": "all"})
        check_eq((refused.status, refused.json["error"]["field"]), (403, "scope"), name)
        check_eq(apis[name].delete(path(f"c@{SITE}")).status, 404, f"{name}: what is for everybody is not its own")
        check_eq(apis[name].get(path(f"c@{SITE}")).json["entries"], [], name)
    same_answer(apis["club"].delete(path(f"a@{SITE}")), apis["club"].delete(path(f"z@{SITE}")), "another's, and nobody's")
    # who shares the installation's list is asked there, also before a message is taken
    told = apis["house"].post("/v1/messages", mail("house.test", "b", "d")).json
    check_eq([(r["email"], r["code"], r["message"]) for r in told["rejected"]], [(f"b@{SITE}", "suppressed", "complaint")])
    check_eq(apis["club"].post("/v1/messages", mail("club.test", "b")).json["rejected"], [], "another's list")
    wait_for("two mails", lambda: len(sink.delivered()) == 2)
    check_eq(sorted(sink.delivered()), [f"b@{SITE}", f"d@{SITE}"])
    check_eq(apis["house"].delete(path(f"b@{SITE}")).status, 204, "it is shared both ways")
    check_eq(addresses("own"), [f"c@{SITE}"])


def test_a_list_of_leads_is_there_for_whose_campaigns_go_to_it(lab):
    daemon, _, apis = start(lab)
    daemon.import_leads(csv(lab, [field("a", SITE)]), "customers")
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "own", "tenant: shop\n", lists="customers"))
    for name, list_, want in (("shop", "customers", 200), ("own", "customers", 200), ("club", "customers", 422),
                              ("house", "customers", 422), ("club", "nothing", 422), ("own", "nothing", 422)):
        added = apis[name].post(LIST, {"address": f"{name}@{SITE}", "list": list_, "reason": "unsubscribe"})
        check_eq(added.status, want, f"{name} names {list_}")
        check_eq(apis[name].get(f"{LIST}?list={list_}").status, want, f"{name} asks for {list_}")
        check_eq(apis[name].delete(path(f"z@{SITE}") + f"?list={list_}").status, 404 if want == 200 else 422)
    for method, where, body in (("POST", LIST, "body"), ("GET", f"{LIST}?list=", None)):
        answers = [apis["club"].call(method, where if body else where + l,
                                     {"address": f"a@{SITE}", "list": l} if body else None)
                   for l in ("customers", "costumers")]
        for a, name in zip(answers, ("customers", "costumers")):
            a.json["error"]["message"] = a.json["error"]["message"].replace(name, "NAME")
        same_answer(*answers, "a list of another tenant, and none")
    good, text = daemon.audit()
    check(good, text)
