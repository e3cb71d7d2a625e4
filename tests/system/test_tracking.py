"""What browsers are answered, and what becomes of it: clicks, beacons, and tokens that are none."""
import re

import track_lab
from lab import check, check_eq, wait_for
from test_campaign import csv


def test_a_click_goes_to_the_link_and_an_open_gets_its_picture(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    mail = track_lab.mails(lab, daemon, sink, browser)[1]
    check_eq(len(mail.clicks), 3, mail.html)
    a = browser.get("c/" + mail.clicks[0], "-A", "Mozilla/5.0 (X11; Linux x86_64)")
    check_eq((a.status, a.fields["location"]), (302, "https://shop.example/summer?x=1&y=2#top"))
    check_eq(a.fields["cache-control"], "no-store, private")
    a = browser.get("c/" + mail.clicks[1])
    check_eq(a.fields["location"], f"https://shop.example/for/{mail.to}?n=".replace("@", "%40") + "%E5%88%A9%E7%94%A8%E8%80%851")
    a = browser.get("o/" + mail.open)
    check_eq((a.status, a.fields["content-type"], a.body[:6], len(a.body)), (200, "image/gif", b"GIF89a", 42))
    found = [(e["type"], e["recipient"], e.get("link"), e["ip"]) for e in track_lab.wait_activities(lab, 3)]
    check_eq(found, [("click", mail.to, 1, "127.0.0.1"), ("click", mail.to, 2, "127.0.0.1"),
                     ("open", mail.to, None, "127.0.0.1")])


def test_a_mail_service_unsubscribes_with_one_click(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    one, two, three = track_lab.mails(lab, daemon, sink, browser, people=3)
    a = browser.get("u/" + one.leave)
    check_eq(a.status, 200)
    check("<form method=\"post\">" in a.text() and one.to not in a.text(), a.text())
    check_eq(browser.head("u/" + one.leave).status, 200)
    check_eq(daemon.ctl("suppress", "list")["entries"], [], "who only looked")
    for body in ("List-Unsubscribe=One-Click", "List-Unsubscribe=One-Click"):  # a service that asks twice
        a = browser.post("u/" + one.leave, body, "-A", "Gmail-Unsubscribe")
        check_eq((a.status, a.text()), (200, "Unsubscribed.\n"))
    a = browser.get("u/" + two.leave, "-F", "List-Unsubscribe=One-Click")  # as multipart/form-data
    check_eq(a.status, 200, a.text())
    check_eq(browser.post("u/" + three.leave, "x=1").status, 200, "what is no wish changes nothing")
    entries = daemon.ctl("suppress", "list")["entries"]
    check_eq(sorted((e["address"], e["scope"], e["reason"]) for e in entries),
             [(one.to, "stream", "unsubscribe"), (two.to, "stream", "unsubscribe")])
    found = track_lab.wait_activities(lab, 2, ("unsubscribe",))
    check_eq([(e["recipient"], e["campaign_name"], e["user_agent"][:5]) for e in found],
             [(one.to, "summer", "Gmail"), (two.to, "summer", "curl/")])
    track_lab.mails(lab, daemon, sink, browser, people=3, name="autumn")
    check_eq(daemon.campaign("autumn")["delivered"], 1, "who is left")


def test_a_person_chooses_lists_and_language_and_comes_back(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    mail = track_lab.mails(lab, daemon, sink, browser, people=1)[0]
    daemon.import_leads(csv(lab, [mail.to], header="email"), "offers")
    page = browser.get("u/" + mail.leave).text()
    boxes = re.findall(r'name="list" value="(\d+)" checked>(\w+)', page)
    check_eq([name for _, name in boxes], ["news", "offers"])
    (news, _), (offers, _) = boxes
    a = browser.post("u/" + mail.leave, f"shown={news}&shown={offers}&list={offers}&language=ja&action=save")
    check("保存しました" in a.text() and 'lang="ja"' in a.text(), a.text())
    check_eq(re.findall(r'name="list" value="(\d+)" checked', a.text()), [offers])
    check_eq(daemon.ctl("list", "show", "news")["list"]["members"], 0)
    a = browser.post("u/" + mail.leave, "action=leave")
    check("配信を停止しました" in a.text(), a.text())
    a = browser.post("u/" + mail.leave, "action=return")
    check("配信を再開しました" in a.text(), a.text())
    a = browser.post("u/" + mail.leave, f"shown={news}&list={news}&shown={offers}&list={offers}&language=en&action=save")
    check("Saved." in a.text(), a.text())
    check_eq(daemon.ctl("list", "show", "news")["list"]["members"], 1)
    check_eq(daemon.ctl("suppress", "list")["entries"], [])
    kinds = ("unsubscribe", "resubscribe", "list-left", "list-joined")
    wait_for("all to be told", lambda: len(track_lab.activities(lab, kinds)) >= 6)
    check_eq([e["type"] for e in track_lab.activities(lab, kinds)],
             ["list-left", "unsubscribe", "unsubscribe", "resubscribe", "list-joined", "resubscribe"])
    strange = browser.post("u/" + mail.leave, "shown=77&list=77&action=save")
    check_eq(strange.status, 200, "a list that is none")
    balanced, text = daemon.audit()
    check(balanced, text)


def test_tokens_that_are_none_get_a_polite_page_in_two_languages(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    mail = track_lab.mails(lab, daemon, sink, browser, people=1)[0]
    forged = ("A" if mail.leave[0] != "A" else "B") + mail.leave[1:]
    for path in ("u/" + forged, "c/" + forged, "l/" + forged, "c/" + mail.leave, "u/" + mail.clicks[0], "nothing", ""):
        a = browser.get(path)
        check_eq((a.status, a.fields["content-type"]), (404, "text/html; charset=utf-8"), path)
        check("There is nothing here" in a.text(), a.text())
    check("ページが見つかりません" in browser.get("u/x", "-H", "Accept-Language: ja,en;q=0.5").text(), "in Japanese")
    check_eq(browser.get("o/" + forged).body[:3], b"GIF", "a picture helps more than none")
    check_eq(browser.get("robots.txt").text(), "User-agent: *\nDisallow: /\n")
    check_eq(browser.get("favicon.ico").status, 204)
    check_eq(browser.post("c/" + mail.clicks[0], "x").status, 405)
    statuses = [browser.get("c/x").status for _ in range(80)]
    check_eq((statuses[0], statuses[-1]), (404, 429), "who guesses is told to wait")
    check_eq(browser.get("c/" + mail.clicks[0]).status, 302, "and does not harm his neighbours")
    a = browser.get("v/" + mail.view)
    check("利用者0 様" in a.text() and "script-src" not in a.text(), a.text())
    check("sandbox" in a.fields["content-security-policy"], a.fields)
