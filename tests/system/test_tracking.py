"""What browsers are answered, and what becomes of it: clicks, beacons, and tokens that are none."""
import collections
import email
import email.policy
import http.client
import os
import re
import socket
import ssl
import subprocess

import chromium
import event_lab
import killed
import test_metrics
import tls_lab
import track_lab
from lab import Skip, check, check_eq, wait_for
from test_campaign import csv
from test_disk_full import SmallDisk


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


def test_a_campaign_names_its_host_its_utm_and_our_own_sites_learn_who_comes(lab):
    daemon, sink, browser = track_lab.track_setup(lab, config={
        "tracking.hosts": [{"name": "t2.hayauma.test"}], "tracking.sites": ["*.site.example"]})
    browser.options += ["--resolve", f"t2.hayauma.test:{browser.port}:127.0.0.1"]
    base = f"http://t2.hayauma.test:{browser.port}/"
    extra = "utm: {source: news, medium: mail, campaign: 夏}\ntracking: {host: t2.hayauma.test}\n"
    mail = track_lab.mails(lab, daemon, sink, browser, people=1, extra=extra, base=base)[0]
    check_eq(browser.base in mail.html, False, "the other name")
    check(str(mail.message["List-Unsubscribe"]).startswith(f"<{base}u/"), mail.message["List-Unsubscribe"])
    utm = "utm_source=news&utm_medium=mail&utm_campaign=%E5%A4%8F"
    check_eq(browser.get(base + "c/" + mail.clicks[0]).fields["location"], f"https://shop.example/summer?x=1&y=2&{utm}#top")
    to_site = browser.get(base + "c/" + mail.clicks[2]).fields["location"]
    check(re.fullmatch(rf"https://www\.site\.example/page\?{utm}&hy=[\w-]{{20,40}}", to_site), to_site)
    found = track_lab.wait_activities(lab, 2)
    check("hy=" not in found[1]["url"], "the token of the visit is nobody else's business")
    path = track_lab.campaign(lab, "wrong", extra="tracking: {host: other.example}\n")
    done = daemon.run("campaign", "create", path)
    check(done.returncode == 1 and "tracking.hosts" in done.stderr, done.stderr)


def test_only_proxies_that_are_trusted_say_who_the_browser_is(lab):
    daemon, sink, browser = track_lab.track_setup(lab, config={"tracking.trusted_proxies": ["127.0.0.2"]})
    mail = track_lab.mails(lab, daemon, sink, browser, people=1)[0]
    said = ["-H", "X-Forwarded-For: 198.51.100.7, 192.0.2.9"]
    browser.get("c/" + mail.clicks[0], *said)
    browser.get("c/" + mail.clicks[0], "--interface", "127.0.0.2", *said)
    browser.head("c/" + mail.clicks[0])
    browser.get("o/" + mail.open, "-H", "Sec-Purpose: prefetch;prerender")
    found = track_lab.wait_activities(lab, 4)
    check_eq([e["ip"] for e in found[:2]], ["127.0.0.1", "192.0.2.9"])


def served(port, name):
    """Subject of the certificate that a client sees who asks for this name."""
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}"] + (["-servername", name] if name else ["-noservername"])
    done = subprocess.run(argv, input=b"", capture_output=True, timeout=30, check=False)
    return re.search(r"subject=.*?CN ?= ?([\w.-]+)", done.stdout.decode()).group(1)


def test_each_host_has_its_certificate_and_a_new_one_without_a_break(lab):
    pki = tls_lab.Pki(lab)
    first, second = pki.issue("one", "t1.hayauma.test"), pki.issue("two", "t2.hayauma.test")
    port = lab.free_port()
    hosts = [{"name": f"t{i}.hayauma.test", "certificate": c, "private_key": k} for i, (c, k) in enumerate((first, second), 1)]
    daemon, sink, browser = track_lab.track_setup(lab, config={
        "tracking.listen_tls": [f"127.0.0.1:{port}"], "tracking.hosts": hosts,
        "tracking.base_url": f"https://t1.hayauma.test:{port}/"})
    browser.options += ["--cacert", pki.ca, "--resolve", f"t1.hayauma.test:{port}:127.0.0.1"]
    base = f"https://t1.hayauma.test:{port}/"
    mail = track_lab.mails(lab, daemon, sink, browser, people=1, base=base)[0]
    check_eq(mail.message["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
    check_eq(browser.get(base + "c/" + mail.clicks[0]).status, 302)
    check_eq([served(port, n) for n in ("t1.hayauma.test", "t2.hayauma.test", "x.example", "")],
             ["t1.hayauma.test", "t2.hayauma.test", "t1.hayauma.test", "t1.hayauma.test"])
    context = ssl.create_default_context(cafile=pki.ca)
    kept = http.client.HTTPSConnection("t1.hayauma.test", port, context=context, timeout=30)
    kept.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="t1.hayauma.test")
    for name, fresh in (("renewed", "t9.hayauma.test"), (None, None)):
        if name:
            for old, new in zip(first, pki.issue(name, fresh)):
                os.replace(new, old)
            daemon.ctl("reload")
        kept.request("GET", "/o/" + mail.open)
        answer = kept.getresponse()
        check_eq((answer.status, len(answer.read())), (200, 42), "a connection from before the reload")
    kept.close()
    check_eq([served(port, n) for n in ("t1.hayauma.test", "t2.hayauma.test")], ["t9.hayauma.test", "t2.hayauma.test"])
    with open(first[1], "w", encoding="utf-8") as f:
        f.write("no key")
    done = daemon.run("reload")
    check(done.returncode == 1 and "tracking.hosts" in done.stderr, done.stderr)
    check_eq(served(port, "t1.hayauma.test"), "t9.hayauma.test", "what is broken is not taken")


def test_a_kill_loses_no_hit_that_was_answered_and_counts_none_twice(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    mail = track_lab.mails(lab, daemon, sink, browser, people=1)[0]

    def client(tags, taken):
        connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)
        for i, tag in enumerate(tags):
            path = f"/o/{mail.open}" if i % 2 else f"/c/{mail.clicks[i % 3]}"
            try:
                connection.request("GET", path, headers={"User-Agent": tag})
                answer = connection.getresponse()
                answer.read()
            except http.client.HTTPException as why:
                raise OSError("it was killed") from why
            check(answer.status in (200, 302), answer.status)
            taken(tag)
    daemon, taken = killed.under_load(lab, daemon, client, workers=3, enough=1500)
    wait_for("the journal to be empty", lambda: daemon.ctl("status")["tracking"]["waiting"] == 0)
    event_lab.wait_read(daemon)
    noted = collections.Counter(e["user_agent"] for e in event_lab.once(track_lab.activities(lab)))
    check_eq([t for t in taken if noted[t] != 1], [], "answered hits that are not noted once")
    check_eq([t for t, n in noted.items() if n != 1], [], "hits that are noted more than once")
    check_eq(daemon.ctl("status")["tracking"]["lost"], 0)
    balanced, text = daemon.audit()
    check(balanced, text)


def test_links_lead_on_while_the_disk_is_full_and_what_waits_is_stored_later(lab):
    with SmallDisk(lab, 64) as disk:
        daemon, sink, browser = track_lab.track_setup(lab, config={
            "paths.data_dir": os.path.join(disk.path, "data"), "store.min_free": "2MiB", "delivery.in_flight_max": 1024})
        one, two = track_lab.mails(lab, daemon, sink, browser, people=2)
        disk.fill()
        wait_for("the store to be out of room", lambda: daemon.ctl("status")["store"]["state"] != "ready")
        for _ in range(30):
            check_eq(browser.get("c/" + one.clicks[0]).status, 302)
        tracking = daemon.ctl("status")["tracking"]
        check_eq((tracking["lost"], tracking["waiting"]), (0, 30))
        connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)
        for _ in range(8000):  # more than a journal of 1 MiB holds
            connection.request("GET", "/o/" + two.open, headers={"User-Agent": "x" * 200})
            check_eq(len(connection.getresponse().read()), 42)
        tracking = daemon.ctl("status")["tracking"]
        check(tracking["lost"] > 0 and tracking["lost"] + tracking["hits"] == 8030, tracking)
        disk.empty()
        wait_for("all to be stored", lambda: daemon.ctl("status")["tracking"]["waiting"] == 0, timeout=30)
        check_eq(daemon.ctl("status")["tracking"]["stored"], tracking["hits"])
        track_lab.wait_activities(lab, tracking["hits"])
        balanced, text = daemon.audit()
        check(balanced, text)


def test_requests_in_a_loop_are_answered_and_noted_up_to_a_limit(lab):
    figures = lab.free_port()
    daemon, sink, browser = track_lab.track_setup(lab, config={
        "metrics.listen": f"127.0.0.1:{figures}", "tracking.hits_per_token": 5, "tracking.hits_per_lead": 12})
    one, two = track_lab.mails(lab, daemon, sink, browser, people=2)
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)

    def ask(path, want, times=20):
        for _ in range(times):
            connection.request("GET", path, headers={"User-Agent": "x"})
            answer = connection.getresponse()
            answer.read()
            check_eq(answer.status, want)
    ask("/c/" + one.clicks[0], 302)  # 5 of this link
    ask("/c/" + one.clicks[2], 302)  # 5 of that one
    ask("/o/" + one.open, 200)       # 2: the person's share is used up
    ask("/o/" + two.open, 200, 3)    # another person has all of theirs
    found = collections.Counter((e["recipient"], e["type"]) for e in track_lab.wait_activities(lab, 15))
    check_eq(found, {(one.to, "click"): 10, (one.to, "open"): 2, (two.to, "open"): 3})
    tracking = daemon.ctl("status")["tracking"]
    check_eq((tracking["hits"], tracking["limited"], tracking["lost"]), (15, 48, 0))
    page = test_metrics.get(figures)[2]
    check_eq(re.findall(r'^hayauma_tracking_limited_total[{]by="(\w+)"[}] (\d+)', page, re.M),
             [("address", "0"), ("token", "45"), ("visitor", "0"), ("lead", "3")])


def test_a_mail_is_looked_at_again_and_again_and_no_more_than_that(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    one, two = track_lab.mails(lab, daemon, sink, browser, people=2)
    for mail, name in ((one, "利用者0"), (two, "利用者1"), (one, "利用者0")):
        a = browser.get("v/" + mail.view)
        check_eq((a.status, f"<p>{name} 様</p>" in a.text()), (200, True))
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)
    found = []
    for _ in range(80):  # more than two minutes' worth, should one begin in between
        connection.request("GET", "/v/" + one.view)
        answer = connection.getresponse()
        found.append((answer.status, answer.getheader("Retry-After")))
        answer.read()
    check_eq(set(found), {(200, None), (429, "60")})
    check_eq(browser.get("v/" + two.view).status, 200)


def test_the_page_is_used_in_a_browser_on_a_phone_in_both_languages(lab):
    if not chromium.binary():
        raise Skip("chromium is not installed: tools/deps test")
    daemon, sink, browser = track_lab.track_setup(lab)
    mail = track_lab.mails(lab, daemon, sink, browser, people=1)[0]
    daemon.import_leads(csv(lab, [mail.to], header="email"), "<b>offers</b> & more, of a name that is long enough to be cut")
    page = browser.base + "u/" + mail.leave
    with chromium.Chromium(lab) as program:
        for language, title in (("ja,en;q=0.5", "メールの受信設定"), ("en", "Your mail from us")):
            tab = program.tab(headers={"Accept-Language": language})
            tab.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
            tab.open(page)
            check_eq(tab.run("document.querySelector('h1').textContent"), title)
            check_eq(tab.run("document.documentElement.scrollWidth"), 360, "nothing is wider than the phone")
            check_eq(tab.run("document.querySelectorAll('b, script, img').length"), 0, "names are text")
            check(tab.run("[...document.querySelectorAll('button')].every(b => b.offsetHeight >= 40)"), "buttons for fingers")
        tab.run("document.querySelectorAll('input[type=checkbox]')[1].click()")
        tab.run("document.querySelector('button[value=save]').click()")
        tab.wait("document.body && document.body.textContent.includes('Saved.')")
        check_eq(tab.run("[...document.querySelectorAll('input[type=checkbox]')].map(b => b.checked)"), [True, False])
        tab.run("document.querySelector('button[value=leave]').click()")
        tab.wait("document.body && document.body.textContent.includes('You are unsubscribed.')")
        check_eq(len(daemon.ctl("suppress", "list")["entries"]), 2, "all mail, and the list")
        tab.run("document.querySelector('button[value=return]').click()")
        tab.wait("document.body && document.body.textContent.includes('You are subscribed again.')")
        check_eq(tab.complaints(), [], "what the browser complains of")


def test_a_double_opt_in_is_confirmed_by_a_button_and_by_no_filter(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    address = f"taro@{browser.domain}"
    daemon.import_leads(csv(lab, [f"{address},ja"], header="email,language"), "all")
    daemon.ctl("list", "create", "news", "--opt-in", "double")
    daemon.ctl("lead", "join", "news", address)
    wait_for("the mail that asks", lambda: sink.captured())
    with open(sink.captured()[0], "rb") as f:
        text = email.message_from_bytes(f.read(), policy=email.policy.default).get_body(("plain",)).get_content()
    url = re.search(r"http://\S+/l/[\w-]+", text).group(0)
    ja = ["-H", "Accept-Language: ja"]
    for _ in range(2):
        check("登録の確認" in browser.get(url, *ja).text(), "the question")
    check_eq(daemon.ctl("list", "show", "news")["list"]["members"], 0, "who only looked")
    for _ in range(2):  # twice is once
        check("登録が完了しました" in browser.post(url, "action=join", *ja).text(), "the answer")
    check_eq(daemon.ctl("list", "show", "news")["list"]["members"], 1)
    check("You are subscribed" in browser.get(url).text(), "who comes back later")
    daemon.ctl("lead", "leave", "news", address)
    check_eq(browser.get(url).status, 404, "it is used")
    joined = track_lab.wait_activities(lab, 1, ("list-joined",))[0]
    check(joined["recipient"] == address and joined["ip"] == "127.0.0.1", joined)
