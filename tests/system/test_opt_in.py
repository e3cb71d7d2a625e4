"""Double opt-in: who is put on a list is asked by mail, and is a member once they pressed the button."""
import email
import email.policy
import re

import track_lab
from lab import check, check_eq, wait_for
from test_leads import audited

FROM = "news@news.hayauma.test"


def asked(sink, browser, n):
    """Mails that asked, by address: (message, token); `n` of them at last."""
    def found():
        mails = {}
        for path in sink.captured():
            with open(path, "rb") as f:
                m = email.message_from_bytes(f.read(), policy=email.policy.default)
            body = m.get_body(("plain",)).get_content() + (m.get_body(("html",)) or m).get_content()
            token = re.search(re.escape(browser.base) + r"l/([\w-]+)", body)
            if token:
                mails.setdefault(m["To"].addresses[0].addr_spec, []).append((m, token[1]))
        return mails
    wait_for(f"{n} mails that ask", lambda: sum(map(len, found().values())) == n)
    return found()


def test_who_confirms_is_a_member_and_gets_mail(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    daemon.ctl("list", "create", "news", "--opt-in", "double", "--from", FROM)
    one, two = (f"{who}@{browser.domain}" for who in ("taro", "hanako"))
    check_eq(daemon.ctl("lead", "create", one, "name=太郎", "language=ja", "--list", "news")["pending"], 1)
    daemon.ctl("lead", "create", two, "name=Hanako", "--list", "news")
    daemon.ctl("lead", "join", "news", one)  # asked twice, mailed once
    mails = asked(sink, browser, 2)
    (japanese, token), = mails[one]
    (english, _), = mails[two]
    check("登録の確認: news" == str(japanese["Subject"]), japanese["Subject"])
    check_eq((str(english["Subject"]), english["From"].addresses[0].addr_spec, english["Auto-Submitted"]),
             ("Please confirm: news", FROM, "auto-generated"))
    check("DKIM-Signature" in english, "not signed")
    check_eq(daemon.ctl("lead", "show", one)["lead"]["pending"], ["news"])
    for _ in range(2):  # filters look at links
        page = browser.get("l/" + token)
        check_eq(page.status, 200)
        check("<form method=\"post\"" in page.text(), page.text())
    check_eq(daemon.ctl("list", "show", "news")["list"]["members"], 0, "who only looked")
    check_eq(browser.post("l/" + token, "action=join").status, 200)
    check_eq(browser.post("l/" + token, "action=join").status, 200, "pressed twice")
    seen = daemon.ctl("lead", "show", one)
    check_eq((seen["lead"]["lists"], seen["lead"]["pending"]), (["news"], []))
    joined = [m for m in seen["timeline"] if m["kind"] == "list-joined"]
    check_eq(len(joined), 1)
    check_eq((joined[0]["meta"]["opt_in"], joined[0]["meta"]["token"], joined[0]["ip"]), ("double", token, "127.0.0.1"))
    forged = ("a" if token[0] != "a" else "b") + token[1:]
    check_eq(browser.post("l/" + forged, "action=join").status, 404)
    daemon.ctl("campaign", "create", track_lab.campaign(lab))
    daemon.ctl("campaign", "start", "summer")
    check_eq(daemon.wait_campaign("summer")["delivered"], 1, "members only")
    audited(daemon)


def test_a_list_whose_mail_cannot_go_says_what_is_missing(lab):
    daemon, _, browser = track_lab.track_setup(lab)
    def made(name, sender):
        return daemon.ctl("list", "create", name, "--opt-in", "double", "--from", sender)["warnings"]
    check_eq(made("news", FROM), [])
    (no_key,) = made("other", "news@unsigned.example")
    check("unsigned.example" in no_key and "dkim keygen" in no_key, no_key)
    check_eq(daemon.ctl("list", "create", "plain")["warnings"], [])
    told = daemon.run("list", "create", "third", "--opt-in", "double", "--from", "a@unsigned.example", lang="ja_JP.UTF-8")
    check_eq(told.returncode, 0)
    check("警告: unsigned.example に署名する DKIM 鍵がない" in told.stderr, told.stderr)


def test_a_template_asks_in_the_words_of_the_list_and_a_mail_that_cannot_go_waits(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    lab.write("ask.html", "<p>{{name}} 様</p><p><a href=\"{{confirm_url}}\">{{list}}</a></p>")
    address = f"taro@{browser.domain}"
    daemon.ctl("list", "create", "news", "--opt-in", "double", "--from", FROM, "--template", "ask")
    daemon.ctl("lead", "create", address, "name=<b>太郎", "--list", "news")
    wait_for("a complaint", lambda: "there is no template 'ask'" in daemon.output())
    other = f"hanako@{browser.domain}"
    daemon.ctl("list", "create", "other", "--opt-in", "double", "--from", FROM)
    daemon.ctl("lead", "create", other, "--list", "other")
    check_eq(list(asked(sink, browser, 1)), [other], "one that waits holds up no other")
    check_eq(daemon.ctl("lead", "show", address)["lead"]["pending"], ["news"])
    daemon.ctl("template", "put", "ask", "--subject", "{{name}}様 ご確認ください", "--html", lab.path("ask.html"))
    daemon.stop()  # its mark is in the store
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    mails = asked(sink, browser, 2)
    (m, token), = mails[address]
    check_eq(str(m["Subject"]), "<b>太郎様 ご確認ください")
    check("&lt;b&gt;太郎 様" in m.get_body(("html",)).get_content(), m.get_body(("html",)).get_content())
    check_eq(browser.post("l/" + token, "action=join").status, 200)
    audited(daemon)
