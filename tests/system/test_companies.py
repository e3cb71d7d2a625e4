"""Companies: made by hand and by what leads say, joined by attribute, domain and import, renamed and merged."""
import csv
import subprocess
import threading

from lab import CommandError, Daemon, check, check_eq, wait_for
from test_campaign import setup
from test_scores import of, start, tell


def leads(lab, rows):
    """A file of (address, company) pairs."""
    return lab.write("leads.csv", "".join(f"{a},{c}\n" for a, c in [("email", "company"), *rows]))


def audited(daemon):
    good, text = daemon.audit()
    check(good, text)


def refused(daemon, *args):
    try:
        daemon.ctl(*args)
    except CommandError as e:
        return e.output
    raise AssertionError(f"{args} was taken")


def company_of(daemon, lead):
    return daemon.ctl("lead", "show", lead)["lead"]["attributes"].get("company")


def test_leads_join_a_company_by_hand_by_attribute_and_by_domain(lab):
    daemon, _, _ = setup(lab, key=False)
    daemon.ctl("lead", "create", "early@acme.test")
    made = daemon.ctl("company", "create", "Acme Inc.", "--domain", "acme.test", "--id", "crm:7", "industry=paper")
    check_eq((made["company"], made["leads"], made["attributes"]), (1, 1, {"industry": "paper"}))
    daemon.ctl("lead", "create", "late@mail.acme.test")
    daemon.ctl("lead", "create", "said@elsewhere.test", "company=ACME, inc")
    daemon.ctl("lead", "create", "free@gmail.com")
    check(daemon.ctl("company", "add", "ext:crm:7", "free@gmail.com")["changed"], "by hand")
    daemon.import_leads(leads(lab, [(f"user{i}@acme.test", "") for i in range(30)]))
    shown = daemon.ctl("company", "show", "acme inc", "--limit", "3")
    check_eq((shown["leads"], len(shown["members"])), (34, 3))
    check_eq({company_of(daemon, x) for x in ("said@elsewhere.test", "user3@acme.test", "free@gmail.com")},
             {"Acme Inc."})
    check("anybody" in refused(daemon, "company", "set", "1", "--domain", "gmail.com"), "free mail")
    check("that of company 1" in refused(daemon, "company", "create", "ACME Inc"), "made twice")
    daemon.ctl("company", "remove", "1", "free@gmail.com")
    check_eq(company_of(daemon, "free@gmail.com"), None)
    check("Acme Inc." in daemon.run("company", "show", "1").stdout, "for people")
    check_eq([c["company"] for c in daemon.ctl("company", "list", "ACME")["companies"]], [1])
    audited(daemon)


def test_a_renamed_merged_and_deleted_company_takes_its_leads_along(lab):
    daemon, _, _ = setup(lab, key=False)
    daemon.import_leads(leads(lab, [(f"user{i}@x.test", "株式会社アクメ" if i % 2 else "Other") for i in range(3000)]))
    check_eq(daemon.ctl("company", "show", "㈱アクメ")["leads"], 1500)
    daemon.ctl("company", "set", "㈱アクメ", "--name", "アクメ")
    check_eq((company_of(daemon, "user1@x.test"), daemon.ctl("company", "show", "(株)アクメ")["leads"]), ("アクメ", 1500))
    daemon.ctl("company", "merge", "Other", "アクメ")
    check_eq((company_of(daemon, "user1@x.test"), daemon.ctl("company", "show", "アクメ")["leads"]), ("Other", 3000))
    daemon.ctl("company", "delete", "Other")
    check_eq(company_of(daemon, "user1@x.test"), None)
    check("there is no company" in refused(daemon, "company", "show", "Other"), "it is gone")
    audited(daemon)


def test_a_kill_in_the_midst_of_renames_loses_nothing(lab):
    daemon, _, _ = setup(lab, key=False)
    daemon.import_leads(leads(lab, [(f"user{i}@x{i % 50}.test", "Acme") for i in range(50000)]))
    done = []

    def rename():
        try:
            for i in range(1000):
                daemon.ctl("company", "set", "1", "--name", ("Acme", "Beta")[i % 2])
                done.append(i)
        except CommandError:
            pass  # it was killed
    thread = threading.Thread(target=rename)
    thread.start()
    wait_for("some renames", lambda: len(done) > 2)
    daemon.kill()
    thread.join()
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    name = daemon.ctl("company", "show", "1")["name"]
    wait_for("the members to follow", lambda: company_of(daemon, "user49999@x49.test") == name and
             company_of(daemon, "user0@x0.test") == name)
    check_eq(daemon.ctl("company", "show", "Beta")["leads"], 50000)
    audited(daemon)


def test_an_account_is_what_its_people_did_bought_and_are_worth(lab):
    daemon, api = start(lab)
    daemon.ctl("company", "create", "Acme Inc.", "--domain", "acme.test")
    daemon.ctl("company", "create", "Quiet", "--domain", "quiet.test")
    daemon.ctl("lead", "create", "silent@acme.test")
    daemon.ctl("lead", "create", "nobody@quiet.test")
    for i in range(60):
        tell(api, of("key-page", "taro@acme.test", name=f"page {i}"))
    tell(api, of("offline", "jiro@acme.test", name="Expo 2026"), of("offline", "other@beta.test", name="Expo 2026"),
         of("key-page", "other@beta.test", name="pricing"))
    for who, order, amount, currency in (("taro", "A-1", 5000, "JPY"), ("jiro", "A-2", "250.5", "JPY"), ("jiro", "A-3", 7, "EUR")):
        tell(api, of("order", f"{who}@acme.test", meta={"order": order, "amount": amount, "currency": currency}))
    tell(api, of("order", "taro@acme.test", meta={"order": "A-4", "amount": 99, "currency": "JPY", "status": "cancelled"}))
    daemon.ctl("lead", "create", "member@beta.test", "company=Beta")
    daemon.ctl("company", "add", "Beta", "other@beta.test")

    shown = daemon.ctl("company", "show", "Acme Inc.")
    check_eq({m["address"]: (m["score"], m["last"] and m["last"]["kind"]) for m in shown["members"]},
             {"taro@acme.test": (0.0, "order"), "jiro@acme.test": (10.0, "order"), "silent@acme.test": (0.0, None)})
    check_eq((len(shown["timeline"]), shown["older"], shown["left_out"]), (50, True, 0))
    check_eq([(a["kind"], a["email"]) for a in shown["timeline"][:5]],
             [("order", "taro@acme.test"), ("order", "jiro@acme.test"), ("order", "jiro@acme.test"), ("order", "taro@acme.test"),
              ("offline", "jiro@acme.test")])
    check_eq((shown["customers"], shown["orders"], sorted((v["currency"], v["orders"], v["amount"]) for v in shown["values"])),
             (2, 3, [("EUR", 1, 7), ("JPY", 2, 5250.5)]))
    text = daemon.run("company", "show", "Acme Inc.").stdout
    check("5250.5" in text and "Expo 2026" in text and "page 59" in text, text)

    hot = daemon.ctl("company", "hot")
    check_eq([(c["name"], c["score"], c["leads"], [(m["email"], m["score"], [r["rule"] for r in m["reasons"]]) for m in c["reasons"]])
              for c in hot["companies"]],
             [("Beta", 13.0, 2, [("other@beta.test", 13.0, ["seminar", "key page"])]),
              ("Acme Inc.", 10.0, 3, [("jiro@acme.test", 10.0, ["seminar"])])])
    check_eq((hot["scored"], [c["name"] for c in daemon.ctl("company", "hot", "--limit", "1")["companies"]]), (2, ["Beta"]))
    check("other@beta.test 13" in daemon.run("company", "hot").stdout, "for people")
    audited(daemon)


def test_companies_are_kept_over_http(lab):
    daemon, api = start(lab)
    daemon.ctl("lead", "create", "taro@acme.test")
    daemon.ctl("lead", "create", "jiro@else.test")
    made = api.post("/v1/companies", {"name": "Acme Inc.", "domains": ["acme.test"], "attributes": {"size": "500"}})
    check_eq((made.status, made.json["name"], made.json["leads"], made.json["attributes"]), (201, "Acme Inc.", 1, {"size": "500"}))
    no = made.json["company"]
    check_eq(api.post("/v1/companies", {"name": "ACME, inc"}).status, 409)
    wrong = api.post("/v1/companies", {"name": "Beta", "domain": "beta.test"})
    check_eq((wrong.status, wrong.json["error"]["field"]), (422, "domain"))
    check_eq(api.call("PUT", f"/v1/companies/{no}/leads/jiro@else.test").json["leads"], 2)
    tell(api, of("offline", "jiro@else.test", name="Expo 2026"))
    account = api.get("/v1/companies/acme.test/account").json
    check_eq(([m["address"] for m in account["members"]], [a["kind"] for a in account["timeline"]]),
             (["taro@acme.test", "jiro@else.test"], ["offline"]))
    page = api.get(f"/v1/companies/{no}/leads?limit=1").json
    check_eq([m["address"] for m in api.get(f"/v1/companies/{no}/leads?limit=1&after={page['after']}").json["leads"]], ["jiro@else.test"])
    wait_for("points", lambda: [c["name"] for c in api.get("/v1/companies/hot").json["companies"]] == ["Acme Inc."])
    check_eq(api.call("PATCH", f"/v1/companies/{no}", {"name": "Acme Holdings"}).json["aliases"], ["Acme Inc."])
    check_eq(company_of(daemon, "taro@acme.test"), "Acme Holdings")
    check_eq([c["company"] for c in api.get("/v1/companies?text=holdings").json["companies"]], [no])
    check_eq(api.delete(f"/v1/companies/{no}/leads/jiro@else.test").json["leads"], 1)
    other = api.post("/v1/companies", {"name": "Gamma"}).json["company"]
    for query, status in (("into=", 422), ("into=50%", 400), ("Into=Gamma", 422)):
        wrong = api.delete(f"/v1/companies/{no}?{query}")
        check_eq((query, wrong.status, wrong.json["error"]["field"]), (query, status, "into"))
    check_eq(api.get("/v1/companies?text=%01").json["error"]["field"], "text")
    check_eq(api.delete(f"/v1/companies/{no}?into=Gamma").status, 204)
    check_eq((api.get(f"/v1/companies/{other}").json["leads"], company_of(daemon, "taro@acme.test")), (1, "Gamma"))
    check_eq(api.get("/v1/companies/999").status, 404)
    audited(daemon)


def test_a_file_of_companies_is_taken_once_and_what_is_exported_is_read_again(lab):
    daemon, _, _ = setup(lab, key=False)
    daemon.import_leads(leads(lab, [("a@acme.test", ""), ("b@mail.acme.test", ""), ("c@other.test", "Other")]))
    daemon.ctl("attribute", "type", "people", "number")
    file = lab.path("companies.csv")
    with open(file, "w", encoding="cp932") as f:
        f.write("会社名,別名,ドメイン,取引先ID,people,Memo\n"
                "㈱アクメ,アクメ電機;Acme,acme.test,7,500,=紙\n"
                "Other,,gmail.com,8,1,\n"
                "Third,,acme.test,9,2,\n"
                "Fourth,,,10,many,\n"
                "other,,other.test,11,30,x\n")
    names = ("rows", "companies", "added", "changed", "same", "rejected")
    take = ("company", "import", file, "--system", "crm", "--map", "Memo=note")
    dry = daemon.ctl(*take, "--dry-run")
    check_eq(tuple(dry[n] for n in names), (5, 3, 2, 1, 0, 2))
    check_eq([c["name"] for c in daemon.ctl("company", "list")["companies"]], ["Other"])
    report = lab.path("bad.csv")
    done = daemon.ctl(*take, "--rejects", report)
    check_eq(tuple(done[n] for n in names), (5, 2, 1, 1, 0, 3))
    check_eq([(r["line"], r["column"], r["value"]) for r in done["rejects"]],
             [(3, "ドメイン", "gmail.com"), (4, "ドメイン", "acme.test"), (5, "people", "many")])
    with open(report, encoding="utf-8-sig") as f:
        check_eq(len(f.read().splitlines()), 4)
    check_eq({company_of(daemon, x) for x in ("a@acme.test", "b@mail.acme.test")}, {"㈱アクメ"})
    shown = daemon.ctl("company", "show", "ext:crm:7")
    check_eq((shown["name"], shown["leads"], shown["attributes"]), ("㈱アクメ", 2, {"people": "500", "note": "=紙"}))
    check_eq((daemon.ctl("company", "show", "other.test")["name"], daemon.ctl("company", "show", "ext:crm:11")["attributes"]),
             ("other", {"people": "30", "note": "x"}))
    again = daemon.ctl(*take)
    check_eq(tuple(again[n] for n in names), (5, 2, 0, 0, 2, 3))
    out = lab.path("out.csv")
    check_eq(daemon.ctl("company", "export", "--output", out)["rows"], 2)
    with open(out, encoding="utf-8-sig", newline="") as f:
        rows = {r["name"]: r for r in csv.DictReader(f)}
    check_eq((rows["㈱アクメ"]["aliases"], rows["㈱アクメ"]["ids"], rows["㈱アクメ"]["attribute:note"]), ("アクメ電機;Acme", "crm:7", "'=紙"))
    back = daemon.ctl("company", "import", out)
    check_eq(tuple(back[n] for n in names), (2, 2, 0, 0, 2, 0))
    renamed = lab.write("renamed.csv", "name,ids\nAcme Holdings,crm:7\n")
    check_eq(daemon.ctl("company", "import", renamed)["changed"], 1)
    check_eq({company_of(daemon, x) for x in ("a@acme.test", "b@mail.acme.test")}, {"Acme Holdings"})
    for words, why in (((lab.write("none.csv", "a,b\n1,2\n"),), "names of companies"), ((file, "--map", "none=name"), "none")):
        check(why in refused(daemon, "company", "import", *words), "why not")
    audited(daemon)


def test_an_import_of_companies_that_is_killed_is_finished_by_reading_the_file_again(lab):
    daemon, _, _ = setup(lab, key=False)
    n = 30000
    file = lab.path("many.csv")
    with open(file, "w", encoding="utf-8") as f:
        f.write("name,domains,size\n")
        f.writelines(f"Company {i},c{i}.test,{i}\n" for i in range(n))
    daemon.ctl("lead", "create", "last@c29999.test")
    run = subprocess.Popen(daemon.command("company", "import", file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("some companies to be in", lambda: daemon.ctl("company", "list", "--limit", "1")["companies"], timeout=60)
    daemon.kill()
    run.wait()
    again = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    done = again.ctl("company", "import", file)
    check_eq((done["companies"], done["rejected"], done["changed"]), (n, 0, 0))
    check(done["same"] > 0 and done["same"] + done["added"] == n, done)
    check_eq(company_of(again, "last@c29999.test"), "Company 29999")
    audited(again)
