"""Tenants: kept apart in what they may send as and who signs it, held to their quotas over restarts, and each with
its share of a lane."""
import datetime
import email
import email.policy
import re
import time

from api_lab import Api, api_setup, token
from lab import CommandError, Daemon, check, check_eq, wait_for
from test_brakes import campaign, finished, users, whose
from test_campaign import setup as campaign_setup
from test_spool import FROM, SITE, relay_audit
from test_submission import PASSWORD, client, refusal, setup  # noqa: F401 (PASSWORD: of all users)

LOGINS = (("app", "*"), ("shop", "*", "shop"), ("post", "post.test", "8"))


def tenants(**shop):
    return [{"name": "shop", "number": 7, "from_domains": ["shop.test", "*.shop.test"], **shop},
            {"name": "post", "number": 8, "from_domains": ["post.test"]}]


def start(lab, shop=None, config=None, **kw):
    """As in test_submission, with two tenants, one of which has a key."""
    own, _ = lab.dkim_key("shop.test", "t1")
    all_domains, _ = lab.dkim_key("test", "i1")  # the installation's: above the domains of both
    keys = [{"domain": "shop.test", "selector": "t1", "file": own, "tenant": "shop"},
            {"domain": "test", "selector": "i1", "file": all_domains}]
    return setup(lab, logins=LOGINS, world_keys=False,
                 config={"tenants": tenants(**(shop or {})), "dkim.keys": keys, **(config or {})}, **kw)


def mail(sender, subject="x", size=0):
    return f"From: <{sender}>\r\nTo: x@{SITE}\r\nSubject: {subject}\r\n\r\nHello\r\n{'x' * 70 * (size > 0)}\r\n" * 1 + \
        ("y" * 70 + "\r\n") * (size // 72)


def send(s, sender, *to, size=0, subject="x"):
    """The reply code of the refusal, 0 when it was taken."""
    return refusal(lambda: s.sendmail(sender, [f"{u}@{SITE}" for u in to], mail(sender, subject, size)))


def signers(path):
    with open(path, "rb") as f:
        text = f.read()
    subject = re.search(rb"\r\nSubject: (\S+)", text).group(1).decode()
    return subject, sorted(d.decode() for d in re.findall(rb"\bd=([a-z.]+);", text))


def show(daemon, name):
    return daemon.ctl("tenant", "show", name)


def test_nobody_sends_as_another_and_each_is_signed_by_its_own_keys(lab):
    daemon, sink, port, _, context = start(lab, capture_every=1)
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@post.test", "x"), 550, "as another tenant, although the user has *")
        check_eq(send(s, "a@example.net", "x"), 550, "as somebody outside")
        check_eq(send(s, "a@shop.test", "own", subject="own"), 0)
        check_eq(send(s, "a@eu.shop.test", "below", subject="below"), 0)
    with client(port, context, user="app") as s:
        check_eq(send(s, "a@shop.test", "x"), 550, "the installation as a tenant")
        check_eq(send(s, "a@deep.shop.test", "x"), 550)
        check_eq(send(s, "a@else.test", "mine", subject="mine"), 0)
    with client(port, context, user="post") as s:
        check_eq(send(s, "a@post.test", "plain", subject="plain"), 0)
    for args in (("--tenant", "post", "--from", "a@shop.test"), ("--tenant", "nobody"), ()):
        path = lab.write("letter.eml", mail("a@post.test").replace("\r\n", "\n"))
        try:
            daemon.ctl("send", *args, path, f"y@{SITE}")
        except CommandError as e:
            check("tenant" in e.output, e.output)
        else:
            check(False, f"taken: {args}")
    check_eq(daemon.ctl("send", "--tenant", "8", path, f"cli@{SITE}")["recipients"], 1)
    wait_for("all mail", lambda: len(sink.captured()) == 5)
    check_eq(sorted(signers(p) for p in sink.captured()),
             [("below", ["shop.test"]), ("mine", ["test"]), ("own", ["shop.test"]), ("plain", []), ("x", [])])
    found = daemon.ctl("explain", f"own@{SITE}")["messages"]
    check_eq([m["tenant"] for m in found], ["shop"])


def test_a_quota_is_kept_over_a_kill_and_changed_by_a_reload(lab):
    daemon, sink, port, _, context = start(lab, shop={"messages_per_day": 5})
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@shop.test", "a", "b", "c"), 0)
        check_eq(send(s, "a@shop.test", "d", "e", "f"), 452, "three and three are more than five")
        check_eq(send(s, "a@shop.test", "d", "e"), 452, "MAIL is not taken for now")
    with client(port, context, user="post") as s:
        check_eq(send(s, "a@post.test", "p", "q", "r", "s", "t", "u", "v"), 0, "another tenant")
    wait_for("mail", lambda: len(sink.delivered()) == 10)
    daemon.kill()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    quota = show(daemon, "shop")["quota"]
    check_eq((quota["day"]["used"], quota["day"]["limit"], quota["hour"]["limit"]), (3, 5, None))
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@shop.test", "d", "e"), 0, "what fits goes in")
        code, text = None, b""
        try:
            s.sendmail("a@shop.test", [f"g@{SITE}"], mail("a@shop.test"))
        except Exception as e:  # noqa: BLE001
            code, text = e.smtp_code, e.smtp_error
        check_eq(code, 452)
        check(text.startswith(b"4.7.1 The quota of 5 recipients a day is used up, try again at "), text)
    path = lab.write("letter.eml", mail("a@shop.test").replace("\r\n", "\n"))
    try:
        daemon.ctl("send", "--tenant", "shop", path, f"h@{SITE}")
        check(False, "taken by the command")
    except CommandError as e:
        check("quota of 5 recipients a day" in e.output, e.output)
    with open(daemon.config_path, encoding="utf-8") as f:
        text = f.read()
    with open(daemon.config_path, "w", encoding="utf-8") as f:
        f.write(text.replace('"messages_per_day": 5', '"messages_per_day": 6'))
    daemon.ctl("reload")
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@shop.test", "g"), 0, "by the new quota")
        check_eq(send(s, "a@shop.test", "h"), 452)
    wait_for("all", lambda: len(sink.delivered()) == 13)
    check_eq([r for r in sink.delivered() if r[0] in "dfgh" and "@" in r],
             [f"{u}@{SITE}" for u in "dg"], "what was refused did not leave")
    status = daemon.ctl("status")["submission"]
    check(status["refused_for"]["quota"] >= 1, status)
    wait_for("the settle of the last", lambda: show(daemon, "shop")["messages"]["delivered"] == 6)
    listed = {t["tenant"]: t for t in daemon.ctl("tenant", "list")["tenants"]}
    check_eq((listed["shop"]["accepted"]["messages"], listed["shop"]["messages"]["delivered"]), (3, 6))
    check_eq((listed["post"]["accepted"]["recipients"], listed["post"]["messages"]["queued"]), (7, 7))
    relay_audit(daemon)
    people = daemon.run("tenant", "show", "shop").stdout
    check("6 / 6" in people and "t1._domainkey.shop.test" in people, people)


def test_what_is_too_much_by_itself_is_refused_for_good_or_in_parts(lab):
    daemon, sink, port, _, context = start(lab, shop={"max_recipients": 3, "max_message_size": "20KiB",
                                                      "messages_per_hour": 100})
    with client(port, context, user="shop") as s:
        s.ehlo()
        check_eq(s.esmtp_features["size"], "20480", "said after the login")
        check_eq(send(s, "a@shop.test", "big", size=30000), 552)
        s.rset()
        check_eq(s.mail("a@shop.test")[0], 250)
        check_eq([s.rcpt(f"{u}@{SITE}")[0] for u in "abcd"], [250, 250, 250, 452], "RFC 5321 4.5.3.1.10")
        check_eq(s.data(mail("a@shop.test"))[0], 250)
    path = lab.write("letter.eml", mail("a@shop.test").replace("\r\n", "\n"))
    try:
        daemon.ctl("send", "--tenant", "shop", path, *[f"{u}@{SITE}" for u in "wxyz"])
        check(False, "taken by the command")
    except CommandError as e:
        check("3 recipients a message is less than this message" in e.output, e.output)
    wait_for("mail", lambda: len(sink.delivered()) == 3)


def test_the_queue_of_a_tenant_has_room_again_when_mail_has_left(lab):
    daemon, sink, port, _, context = start(lab, shop={"max_queued": 4})
    daemon.ctl("lane", "hold", "--site", f"*.{SITE}")
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@shop.test", "a", "b", "c"), 0)
        check_eq(send(s, "a@shop.test", "d", "e"), 452)
        check_eq(send(s, "a@shop.test", "d"), 0)
        check_eq(show(daemon, "shop")["quota"]["queued"], {"used": 4, "limit": 4})
        daemon.ctl("lane", "release", "1")
        wait_for("room", lambda: show(daemon, "shop")["quota"]["queued"]["used"] == 0)
        check_eq(send(s, "a@shop.test", "e", "f", "g", "h"), 0)
    wait_for("mail", lambda: len(sink.delivered()) == 8)


def test_an_hour_ends(lab):
    """The clock cannot be turned, but the answer says when it will be over."""
    now = datetime.datetime.now(datetime.timezone.utc)
    if now.minute == 59 and now.second > 30:
        time.sleep(61 - now.second)
    _, _, port, _, context = start(lab, shop={"messages_per_hour": 1})
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@shop.test", "a"), 0)
        s.ehlo()
        s.mail("a@shop.test")
        s.rcpt(f"b@{SITE}")
        code, text = s.data(mail("a@shop.test"))
    now = datetime.datetime.now(datetime.timezone.utc)
    ends = (now + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:00:00Z")
    check_eq((code, text.decode()), (452, f"4.7.1 The quota of 1 recipients an hour is used up, try again at {ends}"))


SHARES = [{"name": "heavy", "number": 1, "weight": 30, "from_domains": ["*"]},
          {"name": "light", "number": 2, "weight": 10, "from_domains": ["*"]},
          {"name": "late", "number": 3, "weight": 10, "from_domains": ["*"]}]


def test_tenants_share_a_limited_site_by_weight_whatever_they_have(lab):
    """Three quarters for the heavier one, although the lighter one has three campaigns; a third that comes late has
    its share from its first mail on."""
    daemon, sink, _ = campaign_setup(lab, key=False, sink_args=["--delay", "dot:3"], config={"tenants": SHARES},
                                     shaping=lab.shaping(connections=2))
    campaign(lab, daemon, "heavy", users("heavy", 3000), extra="tenant: heavy\n", start=False)
    campaign(lab, daemon, "late", users("late", 150), extra="tenant: late\n", start=False)
    for i, weight in enumerate((5, 10, 50)):
        campaign(lab, daemon, f"light{i}", users(f"light{i}-", 600), extra=f"tenant: light\nweight: {weight}\n",
                 start=False)
        daemon.ctl("campaign", "start", f"light{i}")
    daemon.ctl("campaign", "start", "heavy")
    wait_for("a third of it", lambda: daemon.campaign("heavy")["delivered"] > 1200)
    before = len(sink.delivered())
    daemon.ctl("campaign", "start", "late")
    check_eq(daemon.campaign("late")["tenant"], "late")
    daemon.wait_campaign("late")
    order = whose(sink, "heavy", "light", "late")
    both = order[order.index("heavy"):before]
    share = both[50:1050].count("heavy")
    check(680 <= share <= 820, f"{share} of 1000 are of the tenant that weighs three quarters")
    first = order.index("late")
    check(first - before < 400, f"its first mail came {first - before} behind its start")
    three = order[first:first + 500]
    check_eq(len(three), 500, "mails while three share")
    for name, want in (("heavy", 300), ("light", 100), ("late", 100)):
        check(abs(three.count(name) - want) <= 40, f"{name}: {three.count(name)} of 500, not about {want}")
    sums = {t["tenant"]: t for t in daemon.ctl("tenant", "list")["tenants"]}
    check_eq((sums["light"]["n_campaigns"], sums["light"]["campaigns"]["queued"]), (3, 1800))


def test_a_rate_holds_all_mail_of_a_tenant_and_nobody_elses(lab):
    rated = [{"name": "slow", "number": 1, "rate": "30/s", "from_domains": ["*"]}]
    daemon, sink, _ = campaign_setup(lab, key=False, config={"tenants": rated})
    began = time.monotonic()
    campaign(lab, daemon, "slow1", users("slow1-", 60), extra="tenant: slow\n")
    campaign(lab, daemon, "slow2", users("slow2-", 60), extra="tenant: slow\n")
    campaign(lab, daemon, "free", users("free", 300))
    listed = daemon.ctl("campaign", "list", "--tenant", "slow")["campaigns"]
    check_eq([c["name"] for c in listed], ["slow1", "slow2"], "campaigns of one tenant")
    check_eq(len(daemon.ctl("campaign", "list")["campaigns"]), 3, "campaigns of all")
    check("no tenant 'nobody'" in daemon.run("campaign", "list", "--tenant", "nobody").stderr, "a tenant that is not")
    for name in ("free", "slow1", "slow2"):
        finished(daemon, name)
    took = time.monotonic() - began
    check(took > (120 - 30) / 30, f"120 mails at 30/s went within {took:.1f} s")


def test_a_campaign_of_a_tenant_is_from_its_domains_only(lab):
    daemon, _, _ = campaign_setup(lab, key=False, config={"tenants": tenants()})
    for extra, word in (("tenant: shop\n", "may not send from news.hayauma.test"), ("tenant: nobody\n", "no tenant")):
        try:
            campaign(lab, daemon, "wrong", users("user", 1), extra=extra, start=False)
        except CommandError as e:
            check(word in e.output, e.output)
        else:
            check(False, f"taken: {extra}")


def test_figures_of_tenants_are_there_for_prometheus(lab):
    metrics = lab.free_port()
    daemon, sink, port, _, context = start(lab, config={"metrics.listen": f"127.0.0.1:{metrics}", "metrics.tenants": 1})
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@shop.test", "a", "b"), 0)
    wait_for("mail", lambda: len(sink.delivered()) == 2)
    text = lab.run("curl", "-s", f"http://127.0.0.1:{metrics}/metrics")
    for line in ('hayauma_tenant_messages_total{tenant="shop"} 1', 'hayauma_tenant_quota_used{tenant="shop",quota="day"} 2',
                 'hayauma_tenant_quota_used{tenant="shop",quota="hour"} 2'):
        check(line in text, text)
    check('tenant="post"' not in text, "more than metrics.tenants")


def test_the_api_is_held_to_the_same_quota(lab):
    config = {"tenants": tenants(messages_per_day=3)}
    secret = token(lab, "shop", "shop.test", "--tenant", "shop")
    daemon, sink, api = api_setup(lab, config=config)
    shop = Api(api.port, secret)
    body = {"from": "a@shop.test", "subject": "Hi", "text": "Hello\n"}
    never = shop.post("/v1/messages", {**body, "to": [f"{u}@{SITE}" for u in "abcd"]})
    check_eq((never.status, never.error(), never.headers["Retry-After"]), (422, "too_many_recipients", None))
    check_eq(shop.post("/v1/messages", {**body, "to": [f"a@{SITE}", f"b@{SITE}"]}).status, 202)
    refused = shop.post("/v1/messages", {**body, "to": [f"c@{SITE}", f"d@{SITE}"]})
    check_eq((refused.status, refused.error()), (429, "over_quota"))
    check("quota of 3 recipients a day is used up" in refused.json["error"]["message"], refused.text)
    wait = int(refused.headers["Retry-After"])
    check(23 * 3600 <= wait <= 25 * 3600, f"until these mails are a day old, not {wait} s")
    counted = daemon.ctl("status")["api"]
    check_eq((counted["over_quota"], counted["unauthorized"]), (1, 0), "a quota is no question of who one is")
    check_eq(shop.post("/v1/messages", {**body, "to": [f"c@{SITE}"]}).status, 202)
    check_eq(api.post("/v1/messages", {**body, "from": FROM, "to": [f"e@{SITE}", f"f@{SITE}"]}).status, 202, "another")
    check_eq(show(daemon, "shop")["quota"]["day"], {"used": 3, "limit": 3})
    wait_for("mail", lambda: len(sink.delivered()) == 5)


def test_a_contact_is_told_what_became_of_its_mail_once(lab):
    now = datetime.datetime.now()
    own, _ = lab.dkim_key("test", "i1")
    config = {"dkim.keys": [{"domain": "test", "selector": "i1", "file": own}], "dsn.from": "reports@mail.test",
              "bounce.ready_messages": False}

    def shop(hour, **more):
        return {"contact": f"ops@{SITE}", "report_hour": hour % 24, "installation_keys": True, **more}

    daemon, sink, port, _, context = setup(
        lab, logins=LOGINS, world_keys=False, capture_every=1,
        sink_args=["--reply", "domain=kinako.test,rcpt:550:5.1.1 no such user:100%"],
        config={**config, "tenants": tenants(**shop(now.hour + 2))})
    with client(port, context, user="shop") as s:
        check_eq(send(s, "a@shop.test", "a", "b"), 0)
        check_eq(refusal(lambda: s.sendmail("a@shop.test", ["dead@kinako.test"], mail("a@shop.test"))), 0)
    with client(port, context, user="post") as s:
        check_eq(send(s, "a@post.test", "p"), 0)
    wait_for("the settles", lambda: show(daemon, "shop")["messages"]["pending"] == 0 and len(sink.delivered()) >= 3)
    report = daemon.ctl("tenant", "report", "shop")
    check_eq((report["messages"], report["recipients"]["delivered"], report["bounced_for"].get("user-unknown")), (2, 2, 1),
             report)
    people = daemon.run("tenant", "report", "shop").stdout
    check("messages handed in" in people and "1  user-unknown (" in people, people)
    check_eq([r for r in sink.delivered() if r.startswith("ops@")], [], "not due yet")
    with open(daemon.config_path, encoding="utf-8") as f:
        text = f.read()
    with open(daemon.config_path, "w", encoding="utf-8") as f:
        f.write(text.replace(f'"report_hour": {(now.hour + 2) % 24}', f'"report_hour": {now.hour}, "language": "ja"'))
    daemon.ctl("reload")
    wait_for("the report", lambda: f"ops@{SITE}" in sink.delivered(), 60)
    found = []
    for path in sink.captured():
        with open(path, "rb") as f:
            m = email.message_from_binary_file(f, policy=email.policy.default)
            if m["To"] and "ops@" in m["To"]:
                found.append(m)
    check_eq(len(found), 1)
    check("shop のメール" in found[0]["Subject"] and "DKIM-Signature" in found[0], found[0]["Subject"])
    body = found[0].get_content()
    check("2  受け付けたメール" in body and "2  配達" in body and "1  user-unknown" in body, body)
    check_eq((found[0]["Auto-Submitted"], "reports@mail.test" in found[0]["From"]), ("auto-generated", True))
    daemon.kill()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    wait_for("its looks", lambda: daemon.ctl("status"))
    check_eq(daemon.ctl("tenant", "report", "shop")["messages"], 2, "the report itself is the installation's")
    time.sleep(1)
    check_eq(len([r for r in sink.delivered() if r.startswith("ops@")]), 1, "it is written once, also over a kill")
    relay_audit(daemon)
