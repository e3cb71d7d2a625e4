"""Tenants at the HTTP API: whatever one guesses of another's, it is answered like what is not there."""
import email
import email.policy
from datetime import datetime, timedelta, timezone

import newsletter
from api_lab import Api, api_setup, token
from lab import Daemon, check, check_eq, wait_for
from test_api_suppressions import path
from test_campaign import csv, field
from test_spool import SITE

TENANTS = [{"name": "shop", "number": 5, "from_domains": ["shop.test", "news.hayauma.test"]},
           {"name": "club", "number": 6, "from_domains": ["club.test"]},
           {"name": "house", "number": 7, "from_domains": ["house.test"], "shared_suppression": True}]
LIST = "/v1/suppressions"


def start(lab, **kw):
    """(daemon, sink, clients by the name of their tenant)"""
    names = [None, "shop", "club", "house"]
    secrets = [token(lab, f"{t or 'own'}-app", "*", "--scopes", "admin", *(("--tenant", t) if t else ()))
               for t in names]
    daemon, sink, api = api_setup(lab, config={"tenants": TENANTS}, **kw)
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


def test_templates_are_a_tenants_own_and_a_message_keeps_its_text(lab):
    daemon, sink, apis = start(lab, capture_every=1)
    shop, club = apis["shop"], apis["club"]
    first = {"subject": "{{name}}様 {{order.no}}", "text": "{{name}}: {{order.no}} {{shop}}\n"}
    made = shop.call("PUT", "/v1/templates/order", first)
    check_eq((made.status, made.json["version"], made.json["by"]), (201, 1, "api shop-app"))
    check_eq(shop.call("PUT", "/v1/templates/order", first).json["version"], 1, "the same again is no version")
    wrong = shop.call("PUT", "/v1/templates/order", {"text": "one\n{{#if}}\n"})
    check_eq((wrong.status, wrong.error()), (422, "invalid_template"))
    check("text:2:" in wrong.json["error"]["message"], wrong.text)
    check_eq(shop.call("PUT", "/v1/templates/order", {**first, "text": "Second {{order.no}}\n"}).json["version"], 2)
    for other in ("club", "house", "own"):
        for method in ("GET", "DELETE"):
            same_answer(apis[other].call(method, "/v1/templates/order"), apis[other].call(method, "/v1/templates/none"),
                        f"{method} of {other}")
        check_eq(apis[other].get("/v1/templates").json, {"templates": [], "next": None})

    def send(api, domain, template, want=202, **more):
        answer = api.post("/v1/messages", {"from": f"app@{domain}", "recipients": [
            {"email": f"taro@{SITE}", "name": "太郎", "variables": {"order": {"no": 7}}}], "template": template,
            "variables": {"shop": "店"}, **more})
        check_eq(answer.status, want, answer.text)
        return answer.json

    same = [send(club, "club.test", {"name": name}, 422)["error"] for name in ("order", "none")]
    check_eq([(e["code"], e["field"], e["message"]) for e in same],
             [("template_not_found", "template.name", same[0]["message"])] * 2, "another's, and none")
    check_eq(send(shop, "shop.test", {"name": "order", "version": 3}, 422)["error"]["field"], "template.version")
    check_eq(send(shop, "shop.test", {"name": "order", "text": "x"}, 422)["error"]["code"], "conflicting_fields")
    soon = (datetime.now(timezone.utc) + timedelta(seconds=4)).isoformat()
    check_eq(send(shop, "shop.test", {"name": "order", "version": 1}, send_at=soon)["template"],
             {"name": "order", "version": 1})
    check_eq(send(shop, "shop.test", {"name": "order"})["template"]["version"], 2)
    listed = shop.get("/v1/templates?limit=1").json
    check_eq([t["name"] for t in listed["templates"]], ["order"])
    check_eq(shop.get("/v1/templates/order?version=1").json["text"], first["text"])
    check_eq(shop.delete("/v1/templates/order").status, 204)
    check_eq(shop.get("/v1/templates/order").status, 404)
    wait_for("two mails", lambda: len(sink.delivered()) == 2)
    texts = set()
    for path_ in sink.captured():
        with open(path_, "rb") as f:
            m = email.message_from_binary_file(f, policy=email.policy.default)
            texts.add((m["Subject"], m.get_content().strip()))
    check_eq(texts, {("太郎様 7", "太郎: 7 店"), ("太郎様 7", "Second 7")}, "what was taken stays as it was")
    good, text = daemon.audit()
    check(good, text)


def test_templates_by_the_command_are_there_for_calls_and_over_a_restart(lab):
    daemon, sink, apis = start(lab)
    text, html = lab.write("t.txt", "Hello {{name}}\n"), lab.write("t.html", "<p>Hello {{name}}</p>\n")
    put = daemon.ctl("template", "put", "hello", "--tenant", "club", "--subject", "Hi", "--text", text, "--html", html)
    check_eq((put["version"], put["did"]), (1, "made"))
    check_eq(daemon.ctl("template", "put", "hello", "--subject", "Hi", "--html", html)["version"], 1, "the installation's")
    seen = apis["club"].get("/v1/templates/hello").json
    check_eq((seen["subject"], seen["text"], seen["html"]), ("Hi", "Hello {{name}}\n", "<p>Hello {{name}}</p>\n"))
    seen = apis["own"].get("/v1/templates/hello").json
    check_eq((seen["text"], seen["html"]), ("", "<p>Hello {{name}}</p>\n"))
    daemon.kill()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    for a in apis.values():
        a.close()
    check_eq([t["name"] for t in daemon.ctl("template", "list", "--tenant", "club")["templates"]], ["hello"])
    check_eq(daemon.ctl("template", "show", "hello", "--tenant", "club")["text"], "Hello {{name}}\n")
    bad = lab.write("bad.txt", "{{#each}}")
    for args in (("put", "hello", "--text", bad), ("put", "no good name", "--text", text), ("show", "none"),
                 ("show", "hello", "--version", "9"), ("delete", "hello", "--tenant", "shop"), ("put", "hello")):
        check(daemon.run("template", *args).returncode != 0, args)
    check_eq(daemon.ctl("template", "show", "hello")["version"], 1, "what was wrong changed nothing")
    people = daemon.run("template", "show", "hello", "--tenant", "club").stdout
    check("-- html --\n<p>Hello {{name}}</p>" in people, people)
    daemon.ctl("template", "delete", "hello", "--tenant", "club")
    check_eq(apis["club"].get("/v1/templates/hello").status, 404)
    wait_for("the act", lambda: any(a["act"] == "template.delete" for a in daemon.ctl("acts")["acts"]))
