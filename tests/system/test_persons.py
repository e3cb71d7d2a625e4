"""One person: what it agreed to, all that is known of it, and that nothing of it is left once it is erased."""
import json
import csv as csv_format
import os

import newsletter
from api_lab import Api, api_setup, token
from lab import CommandError, Daemon, SOURCE, check, check_eq, wait_for
from test_campaign import csv, field
from test_spool import SITE, letter

PERSON, OTHER = "natsume.soseki", "mori.ogai"
ADDRESS = f"{PERSON}@{SITE}"


def start(lab, **kw):
    """(daemon, sink, client of the installation); the receiving server puts mail off in words that hold the address."""
    secret = token(lab, "crm", "*", "--scopes", "leads:read,leads:write,messages:send,messages:read")
    daemon, sink, api = api_setup(lab, sink_args=["--reply", f"rcpt:450:4.2.1 <{ADDRESS}> later"], **kw)
    return daemon, sink, Api(api.port, secret)


def audited(daemon):
    good, text = daemon.audit()
    check(good, text)


def leave_tracks(lab, daemon, api):
    """Whatever the product notes of people, it notes of this one."""
    daemon.import_leads(csv(lab, [field(PERSON, SITE, "夏目 漱石"), field(OTHER, SITE)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name="spring"))
    daemon.ctl("campaign", "start", "spring")
    daemon.ctl("send", letter(lab), ADDRESS.upper().replace(SITE.upper(), SITE))
    daemon.ctl("send", letter(lab, "second.eml", headers=f"X-To: {ADDRESS}\n"), ADDRESS, f"{OTHER}@{SITE}")
    told = {"activities": [{"kind": "page-view", "email": ADDRESS, "url": f"https://example.jp/?u={PERSON}%40{SITE}"},
                           {"kind": "offline", "email": ADDRESS, "name": "seminar"},
                           {"kind": "order", "email": ADDRESS, "meta": {"order": f"of {PERSON}", "amount": 5, "items": [
                               {"product": "T", "name": f"for {ADDRESS}", "price": "5"}]}},
                           {"kind": "cart", "email": ADDRESS, "meta": {"cart": f"cart {PERSON}", "items": [
                               {"product": "T", "name": f"for {ADDRESS}", "price": 5}]}}]}
    answer = api.post("/v1/activities", told, headers={"Idempotency-Key": f"for {ADDRESS}"})
    check_eq(answer.status, 202, answer.text)
    answer = api.post(f"/v1/leads/{ADDRESS}/consents", {"purpose": "marketing", "how": "form", "ip": "203.0.113.7",
                                                        "agent": "Mozilla/5.0", "text": "お知らせを受け取ります。",
                                                        "version": "2026-04", "source": f"form of {ADDRESS}"})
    check_eq(answer.status, 201, answer.text)
    daemon.ctl("suppress", "add", ADDRESS, "--scope", "stream", "--stream", "transactional",
               "--source", f"asked by {ADDRESS}")
    daemon.ctl("suppress", "remove", ADDRESS)
    daemon.wait_campaign("spring", lambda c: c["deferred"] == 2)
    wait_for("the ready messages", lambda: "450" in daemon.run("explain", ADDRESS).stdout)


def traces(lab, word=PERSON, name="hayaumad"):
    """Files of the data directory in which a word stands, in any case of letters."""
    found, directory = [], lab.path(f"{name}.data")
    for folder, _, files in os.walk(directory):
        for file in files:
            with open(os.path.join(folder, file), "rb") as f:
                if word.encode() in f.read().lower():
                    found.append(os.path.relpath(os.path.join(folder, file), directory))
    return found


def test_an_erased_person_stands_in_no_file_of_the_data_directory(lab):
    daemon, _, api = start(lab)
    leave_tracks(lab, daemon, api)
    check("store/data.mdb" in traces(lab), "the test would see nothing")
    done = daemon.ctl("lead", "erase", ADDRESS, "--yes")
    check_eq((done["state"], done["left"]), ("erased", 0), done)
    check(done["cancelled"] >= 3 and done["messages"] == 2 and done["attempts"] >= 1, done)
    check_eq(traces(lab), [])
    check("store/data.mdb" in traces(lab, OTHER), "the other person is gone, too")
    audited(daemon)
    check_eq(api.get(f"/v1/leads/{ADDRESS}").status, 404)
    check_eq(api.get(f"/v1/leads/{done['lead']}/erasure").json["state"], "erased")
    audit = daemon.ctl("audit")
    spring = next(c for c in audit["campaigns"] if c["name"] == "spring")
    check_eq((spring["cancelled"], spring["queued"]), (1, 2), "the row stays, as a number")
    # an import does not bring it back to mail
    daemon.import_leads(csv(lab, [field(PERSON, SITE)], name="again.csv"), "again")
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name="autumn", lists="again"))
    daemon.ctl("campaign", "start", "autumn")
    check_eq(daemon.wait_campaign("autumn")["suppressed"], 1)
    audited(daemon)


def test_an_erasure_goes_on_after_kill_minus_nine(lab):
    daemon, _, api = start(lab)
    leave_tracks(lab, daemon, api)
    number = api.get(f"/v1/leads/{ADDRESS}").json["lead"]
    answer = api.post(f"/v1/leads/{ADDRESS}/erase", {})
    check_eq((answer.status, answer.json), (202, {"lead": number, "state": "erasing"}))
    daemon.kill()
    api.close()
    again = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    wait_for("the rest of the erasure", lambda: api.get(f"/v1/leads/{number}/erasure").json["state"] == "erased", 60)
    check_eq(traces(lab), [])
    audited(again)


def test_a_file_of_people_is_erased_together_over_a_kill(lab):
    daemon, _, api = start(lab)
    people = [f"person{i}@breach.test" for i in range(200)]
    daemon.import_leads(lab.write("people.csv", "email\n" + "\n".join([*people, "kept@stays.test"]) + "\n"))
    check("store/data.mdb" in traces(lab, "@breach.test"), "the test would see nothing")
    path = lab.write("requests.txt", "\n".join(people[:150]) + "\n\nnobody@breach.test\n")
    done = daemon.ctl("lead", "erase", "--file", path, "--yes")
    check_eq((done["erased"], done["unknown"]), (150, 1), done)
    check_eq(done["unknown_lines"], [{"line": 152, "text": "nobody@breach.test"}])
    check_eq(traces(lab, "person7@breach.test"), [])
    numbers = [api.post(f"/v1/leads/{p}/erase", {}).json["lead"] for p in people[150:]]
    daemon.kill()
    api.close()
    again = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    wait_for("all of them", lambda: all(api.get(f"/v1/leads/{n}/erasure").json["state"] == "erased" for n in numbers), 60)
    check_eq(traces(lab, "@breach.test"), [])
    check("store/data.mdb" in traces(lab, "kept@stays.test"), "another person is gone, too")
    audited(again)


def test_all_that_is_known_of_a_person_is_told(lab):
    daemon, _, api = start(lab)
    leave_tracks(lab, daemon, api)
    path = lab.path("person.json")
    daemon.run("lead", "export", ADDRESS, "--output", path)
    with open(path, encoding="utf-8") as f:
        person = json.load(f)
    check_eq(person["parts"][0]["attributes"]["name"], "夏目 漱石")
    check_eq([c["text"] for c in person["consents"]], ["お知らせを受け取ります。"])
    check_eq((person["consents"][0]["ip"], person["consents"][0]["version"]), ("203.0.113.7", "2026-04"))
    check_eq([m["name"] for m in person["mails"]], ["spring"])
    check(any(ADDRESS in a["text"] for a in person["mails"][0]["attempts"]), person["mails"])
    check(any("Hi there" in (m["content"] or "") for m in person["messages"]), person["messages"])
    check({"page-view", "offline", "consent"} <= {a["kind"] for a in person["activities"]}, person["activities"])
    check_eq(api.get(f"/v1/leads/{ADDRESS}/export").json["parts"], person["parts"])
    page = daemon.run("lead", "export", ADDRESS, "--html").stdout
    check("夏目 漱石" in page and "<script" not in page and page.startswith("<!doctype html>"), page[:400])


def test_consents_are_a_proof(lab):
    daemon, _, api = start(lab)
    daemon.import_leads(csv(lab, [field(PERSON, SITE)]))
    words = lab.write("words.txt", "I agree to <b>mail</b>.\n")
    daemon.ctl("lead", "consent", ADDRESS, "--give", "marketing", "--how", "paper", "--source", "=binder 7",
               "--text-file", words, "--at", "2026-04-01T09:00:00Z")
    daemon.ctl("lead", "consent", ADDRESS, "--withdraw", "marketing", "--how", "phone")
    got = daemon.ctl("lead", "consent", ADDRESS)
    check_eq([(c["what"], c["how"]) for c in got["consents"]], [("given", "paper"), ("withdrawn", "phone")])
    check_eq([(p["purpose"], p["what"]) for p in got["purposes"]], [("marketing", "withdrawn")])
    check_eq(got["consents"][0]["at"], "2026-04-01T09:00:00.000Z")
    check_eq(api.get(f"/v1/leads/{ADDRESS}/consents").json, got)
    page = daemon.run("lead", "consent", ADDRESS, "--html").stdout
    check("&lt;b&gt;mail&lt;/b&gt;" in page and "<b>mail" not in page, page)
    table = daemon.run("lead", "consents").stdout
    check("'=binder 7" in table and table.count("marketing") == 2, table)
    for args in (["--give", "x", "--how", "magic"], ["--give", "x", "--list", "nowhere"], ["--give", "x", "--at", "once"]):
        try:
            daemon.ctl("lead", "consent", ADDRESS, *args)
        except CommandError:
            continue
        raise AssertionError(f"{args} was taken")
    for body, code in (({}, "invalid_value"), ({"purpose": "x", "ip": "nowhere"}, "invalid_value"),
                       ({"purpose": "x", "colour": "red"}, "unknown_field"), ({"purpose": 7}, "invalid_value")):
        answer = api.post(f"/v1/leads/{ADDRESS}/consents", body)
        check_eq((answer.status, answer.error()), (422, code), body)
    check_eq(api.post("/v1/leads/999/consents", {"purpose": "x"}).status, 404)


def test_leads_are_merged_over_http(lab):
    reader = token(lab, "reader", "*", "--scopes", "leads:read")
    daemon, _, api = start(lab)
    daemon.import_leads(csv(lab, [field(f"{OTHER}+x", SITE, "森 鴎外"), field(OTHER, SITE, "森 林太郎")]))
    plus, own = f"{OTHER}+x@{SITE}", f"{OTHER}@{SITE}"
    found = api.get("/v1/leads/duplicates?limit=5").json["duplicates"]
    check_eq([(d["by"], sorted(l["address"] for l in d["leads"])) for d in found], [("mailbox", [plus, own])])
    kept, part = (api.get(f"/v1/leads/{a.replace('+', '%2B')}").json["lead"] for a in (own, plus))
    for other, answer in (({"other": own}, (422, "invalid_value")), ({"other": 99}, (404, "not_found")), ({}, (422, "invalid_value")),
                          ({"other": -1}, (422, "invalid_value")), ({"other": part, "more": 1}, (422, "invalid_value"))):
        got = api.post(f"/v1/leads/{kept}/merge", other)
        check_eq((got.status, got.error()), answer, other)
    did = api.post(f"/v1/leads/{own}/merge", {"other": plus}).json
    check_eq((did["kept"], did["part"]), (kept, part))
    check_eq(api.post(f"/v1/leads/{kept}/merge", {"other": part}).error(), "invalid_value", "it is a part already")
    check_eq(api.get("/v1/leads/duplicates").json["duplicates"], [])
    wrong = api.post(f"/v1/leads/{own}/unmerge", None)
    check_eq(wrong.status, 404)
    check(wrong.json["error"]["message"].endswith(f"by its number: {part}"), wrong.text)
    did = api.post(f"/v1/leads/{plus.replace('+', '%2B')}/unmerge", None).json
    check_eq((did["kept"], did["part"]), (kept, part), "by the address that it had")
    check_eq(api.post(f"/v1/leads/{kept}/unmerge", None).status, 404)
    check_eq(Api(api.port, reader).post(f"/v1/leads/{kept}/merge", {"other": part}).status, 403)
    audited(daemon)


def test_two_leads_that_are_one_person_get_one_mail(lab):
    daemon, sink, api = start(lab)
    daemon.import_leads(csv(lab, [field(f"{OTHER}+x", SITE, "森 鴎外"), field(OTHER, SITE, "森 林太郎")]))
    found = daemon.ctl("lead", "duplicates")["duplicates"]
    check_eq([(d["by"], sorted(l["address"] for l in d["leads"])) for d in found],
             [("mailbox", [f"{OTHER}+x@{SITE}", f"{OTHER}@{SITE}"])])
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name="spring"))
    daemon.ctl("campaign", "start", "spring")
    daemon.wait_campaign("spring", lambda c: c["attempts"] >= 2 and c["deferred"] == 2)
    first, second = (l["lead"] for l in sorted(found[0]["leads"], key=lambda l: l["address"]))
    did = daemon.ctl("lead", "merge", f"{OTHER}@{SITE}", str(first))
    check_eq((did["kept"], did["part"]), (second, first))
    check_eq(api.get(f"/v1/leads/{OTHER}%2Bx@{SITE}").json["lead"], second, "its address leads to the person")
    daemon.wait_campaign("spring", lambda c: c["suppressed"] == 1 and c["deferred"] == 1)  # at the next try
    check_eq(daemon.ctl("lead", "duplicates")["duplicates"], [])
    daemon.ctl("lead", "unmerge", str(first))
    check_eq(api.get(f"/v1/leads/{OTHER}%2Bx@{SITE}").json["lead"], first)
    for args in (("merge", "1", "1"), ("merge", "1", "99"), ("unmerge", str(first))):
        try:
            daemon.ctl("lead", *args)
        except CommandError:
            continue
        raise AssertionError(f"{args} was taken")
    audited(daemon)
    daemon.ctl("lead", "merge", str(first), str(second))
    daemon.ctl("lead", "erase", str(second), "--yes")
    check_eq(traces(lab, OTHER), [])
    audited(daemon)


def corpus():
    """The orders of 10,000 customers over a year and a half (CDNOW), or None."""
    root = os.environ.get("HY_CORPORA") or os.path.join(os.path.dirname(SOURCE), "shared", "corpora")
    path = os.path.join(root, "scoring", "cdnow-orders.csv")
    if not os.path.exists(path):
        print(f"# {path} is not here: skipped")
        return None
    with open(path, encoding="utf-8") as f:
        return list(csv_format.DictReader(f))


def test_repeat_rate_and_quintiles_are_those_of_the_orders(lab):
    rows = corpus()
    if rows is None:
        return
    daemon, _, api = start(lab)
    rows = [r for r in rows if int(r["customer_id"]) <= 600]
    told, want = [], {}
    for i, r in enumerate(rows):
        who, day = r["customer_id"], r["date"]
        at = f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00Z"
        meta = {"order": f"cd-{i}", "amount": float(r["amount"]), "currency": "USD"}
        told.append({"kind": "order", "id": f"cd-{i}", "email": f"c{who}@{SITE}", "at": at, "meta": meta})
        orders = want.setdefault(who, [])
        if i % 50 == 7:  # refunded some days later
            told.append({"kind": "order", "id": f"cd-{i}-refund", "email": f"c{who}@{SITE}",
                         "meta": {"order": f"cd-{i}", "status": "refunded"}})
        else:
            orders.append((day, float(r["amount"])))
    for at in range(0, len(told), 1000):
        answer = api.post("/v1/activities", {"create": True, "activities": told[at:at + 1000]})
        check_eq((answer.status, answer.json["refused"]), (202, 0), answer.text[:300])
    customers = [v for v in want.values() if v]
    got = daemon.ctl("order", "report")
    check_eq((got["currency"], got["customers"], got["orders"]),
             ("USD", len(customers), sum(len(v) for v in customers)))
    check_eq(got["repeat_customers"], sum(len(v) > 1 for v in customers))
    check(abs(got["amount"] - sum(a for v in customers for _, a in v)) < 0.01, got["amount"])
    n = len(customers)
    for name, values in (("frequency", sorted(len(v) for v in customers)),
                         ("monetary", sorted(round(sum(a for _, a in v), 3) for v in customers))):
        check_eq([round(x, 3) for x in got["cuts"][name]], [values[n * k // 5] for k in range(1, 5)], name)
    check_eq(sum(map(sum, got["recency_by_frequency"])), n)
    best = max(want, key=lambda w: sum(a for _, a in want[w]))
    one = daemon.ctl("order", "show", f"c{best}@{SITE}")
    check(abs(one["values"][0]["amount"] - sum(a for _, a in want[best])) < 0.01, one["values"])
