"""Companies: made by hand and by what leads say, joined by attribute, domain and import, renamed and merged."""
import threading

from lab import CommandError, check, check_eq, wait_for
from test_campaign import setup


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
