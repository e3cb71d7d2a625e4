"""Campaigns end to end: leads in, signed mail out to servers found through DNS, everybody accounted for."""
import collections
import email
import email.policy
import time

import dkim_verify
import newsletter
from lab import CommandError, check, check_accounts, check_eq, wait_for

SELECTOR = "test"


def csv(lab, rows, name="leads.csv", header="email,name,prefecture,points"):
    return lab.write(name, "\r\n".join([header, *rows]) + "\r\n")


def field(local, domain, name="山田 太郎", prefecture="東京都", points="120"):
    return f"{local}@{domain},{name},{prefecture},{points}"


def setup(lab, sink_args=(), key=True, shaping=None, config=None, zone="", zones=None, rules=True):
    """(daemon, sink, world) with a record of every dot and the first thousand messages stored."""
    keys, record = [], ""
    if key:
        path, record = lab.dkim_key(newsletter.SENDER, SELECTOR)
        keys = [(newsletter.SENDER, SELECTOR, path)]
    world = lab.world(zone_lines=record + "\n" + zone, zones=zones)
    lab.nsd(world)
    sink = lab.sink(world, rules=rules, record=True, capture_every=1, capture_limit=1000, extra=sink_args)
    daemon = lab.daemon(world, keys=keys, config={"paths.shaping": shaping or lab.shaping(), **(config or {})})
    return daemon, sink, world


def send(lab, daemon, rows, name="newsletter", extra="", timeout=60.0):
    """Imports, creates, starts, waits; the campaign at its end."""
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, extra))
    daemon.ctl("campaign", "start", name)
    c = daemon.wait_campaign(name, timeout=timeout)
    check_accounts(c)
    balanced, text = daemon.audit()
    check(balanced, text)
    return c


def attempts(daemon, address):
    """(state, attempts) of the one message to an address."""
    messages = daemon.ctl("explain", address)["messages"]
    check_eq(len(messages), 1, f"messages to {address}")
    return messages[0]["state"], messages[0]["attempts"]


def test_every_lead_gets_one_signed_personal_message(lab):
    daemon, sink, world = setup(lab)
    good = [d for d, x in world.domains.items() if x["kind"] in ("plain", "giant", "hosted", "on-giant", "implicit", "idn")]
    rows = [field(f"user{i}", good[i % len(good)], name=f"利用者{i}", points=str(i)) for i in range(400)]
    c = send(lab, daemon, rows)
    want = sorted(r.split(",")[0] for r in rows)
    check_eq(sorted(sink.delivered()), want, "each address once")
    check_eq((c["queued"], c["delivered"], c["state"]), (400, 400, "done"))
    check_eq(sink.stats()["bare_lf"], 0, "line ends")
    senders, ids, personal = set(), set(), 0
    lookup = newsletter.dkim_lookup(world)
    for path in sink.captured():
        with open(path, "rb") as f:
            raw = f.read()
        with open(path[:-3] + "env", encoding="utf-8") as f:
            envelope = dict(line.rstrip("\n").split(" ", 1) for line in f)
        m = email.message_from_bytes(raw, policy=email.policy.default)
        number = envelope["RCPT"].split("@")[0][4:]
        check_eq(m["To"].addresses[0].addr_spec, envelope["RCPT"], "To")
        check_eq(str(m["Subject"]), f"利用者{number}様へ 初夏の特集「街道をゆく」と新着の品".replace(" ", "　"), "Subject")
        check_eq(m["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click", "RFC 8058")
        html, text = m.get_body(("html",)).get_content(), m.get_body(("plain",)).get_content()
        check(f"利用者{number} 様" in html and f"利用者{number} 様" in text, f"the name of {envelope['RCPT']}")
        check("{{" not in html + text, "an unrendered variable")
        check_eq(html.count('href="https://t.news.hayauma.test/'), 14, "twelve tracked links, view and unsubscribe")
        images = [p for p in m.walk() if p.get_content_type() == "image/png"]
        check_eq([p["Content-ID"] for p in images], ["<station@hayauma>"], "the inline image")
        faults = [fault for *_, fault in dkim_verify.verify(raw, lookup)]
        check_eq(faults, [None], f"python3-dkim on {path}")
        senders.add(envelope["FROM"])
        ids.add(m["Message-ID"])
        personal += 1
    check_eq((len(senders), len(ids), personal), (400, 400, 400), "return paths, message ids, messages")


def test_each_kind_of_unreachable_domain_ends_as_it_should(lab):
    daemon, sink, world = setup(lab, shaping=lab.shaping(expire="6s"))
    kinds = ("null-mx", "nxdomain", "no-host", "servfail", "dead-mx")
    address = {k: f"someone@{world.of_kind(k)[0]}" for k in kinds}
    c = send(lab, daemon, [field(*a.split("@")) for a in address.values()])
    got = {k: attempts(daemon, a) for k, a in address.items()}
    check_eq({k: state for k, (state, _) in got.items()},
             {"null-mx": "bounced", "nxdomain": "bounced", "no-host": "bounced", "servfail": "expired",
              "dead-mx": "delivered"})
    last = {k: tries[-1] for k, (_, tries) in got.items()}
    check_eq(last["null-mx"]["enhanced"], "5.1.10", "RFC 7505")
    check_eq(last["nxdomain"]["enhanced"], "5.1.2", "bad destination system")
    check(last["no-host"]["enhanced"].startswith("5."), last["no-host"])
    check_eq(last["nxdomain"]["phase"], "dns")
    servfail = [a["enhanced"] for a in got["servfail"][1] if a["outcome"] == "deferred"]
    check(servfail and set(servfail) == {"4.4.3"}, f"SERVFAIL defers: {got['servfail']}")
    check_eq(last["dead-mx"]["mx_host"].rstrip("."), "mx1.deadfirst.test", "the second MX took it")
    check_eq(sink.delivered(), [address["dead-mx"]])
    check_eq(c["pending"], 0)


def test_refusals_are_told_apart_and_kept_word_for_word(lab):
    daemon, sink, world = setup(lab, sink_args=[
        "--reply", "domain=kinako.test,rcpt:550:5.7.1 we do not like you:100%",
        "--reply", "domain=northmail.test,dot:554:5.6.0 spam: really"])
    strict = world.of_kind("strict")[0]
    rows = [field(f"user{i}", strict) for i in range(60)] + [field("a", "kinako.test"), field("b", "northmail.test")]
    c = send(lab, daemon, rows)
    refused = sink.stats()["domains"][strict]["refused"]
    check(0 < refused < 60, f"the sink refused {refused} of 60 users")
    check_eq((c["bounced"], c["delivered"]), (refused + 2, 60 - refused))
    state, tries = attempts(daemon, "a@kinako.test")
    check_eq((state, len(tries), tries[0]["code"], tries[0]["enhanced"], tries[0]["phase"]),
             ("bounced", 1, 550, "5.7.1", "rcpt"))
    check("we do not like you" in tries[0]["text"] and tries[0]["from_server"], tries[0])
    state, tries = attempts(daemon, "b@northmail.test")
    check_eq((state, tries[0]["code"], tries[0]["phase"]), ("bounced", 554, "dot"))
    check("spam: really" in tries[0]["text"], tries[0])


def test_greylisted_recipients_are_tried_again_and_delivered_once(lab):
    daemon, sink, world = setup(lab)
    grey = world.of_kind("grey")[0]
    c = send(lab, daemon, [field(f"user{i}", grey) for i in range(30)])
    check_eq((c["delivered"], c["queued"]), (30, 30))
    check_eq(collections.Counter(sink.delivered()).most_common(1)[0][1], 1, "copies")
    _, tries = attempts(daemon, "user7@" + grey)
    check_eq((tries[0]["outcome"], tries[0]["code"], tries[0]["enhanced"]), ("deferred", 450, "4.7.1"))
    check("Greylisted" in tries[0]["text"], tries[0])
    check_eq(tries[-1]["outcome"], "delivered")


def test_starttls_is_used_where_offered_and_sessions_are_resumed(lab):
    daemon, sink, _ = setup(lab, sink_args=["--tls", "on", "--max-messages", "5"])
    c = send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(200)])
    check_eq(c["delivered"], 200)
    tls = sink.stats()["tls"]
    connections = sink.stats()["connections"]["total"]
    check_eq((tls["failed"], tls["injected"]), (0, 0))
    check(tls["started"] >= 0.95 * connections, f"{tls['started']} of {connections} connections used TLS")
    check(tls["resumed"] > 0, f"no session was resumed: {tls}")
    _, tries = attempts(daemon, "user9@asagao-mail.test")
    check_eq(tries[-1]["tls"], "TLSv1.3")


def test_connections_and_answers_of_dns_are_used_again_and_envelopes_ride_along(lab):
    daemon, sink, _ = setup(lab, sink_args=["--tls", "on"], key=False, shaping=lab.shaping(connections=2))
    c = send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(2000)])
    check_eq(c["delivered"], 2000)
    status, seen = daemon.ctl("status"), sink.stats()
    delivery, dns = status["delivery"], status["dns"]
    check_eq(seen["connections"]["total"], delivery["connects"], "connections, as both count them")
    check_eq(seen["tls"]["started"], delivery["tls_handshakes"], "handshakes, as both count them")
    check(delivery["connects"] <= 10, f"{delivery['connects']} connections for 2,000 messages")
    check_eq(delivery["tls_handshakes"], delivery["connects"], "one handshake a connection")
    check(delivery["submitted"] >= 2000, delivery)
    check(delivery["messages_per_connection"] >= 200, delivery["messages_per_connection"])
    check(delivery["joined"] >= 200, f"{delivery['joined']} of 2,000 envelopes left with the content before")
    # MX, addresses, what DANE and MTA-STS say, and the probe whether the resolver validates: once, not for each message.
    check(dns["questions"] <= 20, f"{dns} for one domain and 2,000 messages")


def test_broken_starttls_does_not_keep_mail_from_going_in_clear(lab):
    daemon, sink, _ = setup(lab, sink_args=["--tls", "garbage"])
    c = send(lab, daemon, [field(f"user{i}", "kinako.test") for i in range(20)])
    check_eq((c["delivered"], len(sink.delivered())), (20, 20))


def test_a_server_that_closes_and_says_421_gets_everything_in_the_end(lab):
    daemon, sink, _ = setup(lab, sink_args=[
        "--max-messages", "3", "--reply", "mail:421:4.3.2 restarting:1%", "--reply", "data:close:3%"],
        shaping=lab.shaping(expire="10m"))
    rows = [field(f"user{i}", d) for i in range(200) for d in ("asagao-mail.test", "kinako.test")]
    c = send(lab, daemon, rows, timeout=100)
    check_eq(c["delivered"], 400)
    check_eq(sorted(sink.delivered()), sorted(r.split(",")[0] for r in rows), "each once")


def test_pause_resume_and_cancel_take_effect_at_once_and_lose_nobody(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:40"], shaping=lab.shaping(connections=5))
    rows = [field(f"user{i}", "asagao-mail.test") for i in range(3000)]
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("the first messages", lambda: sink.stats()["messages"] > 50)
    daemon.ctl("campaign", "pause", "newsletter")
    time.sleep(1)
    at_pause = sink.stats()["messages"]
    time.sleep(1)
    check_eq(sink.stats()["messages"], at_pause, "messages a second after pause")
    c = daemon.campaign("newsletter")
    check_eq(c["state"], "paused")
    check_accounts(c)
    check(c["pending"] > 0, "nothing was left to pause")
    daemon.ctl("campaign", "resume", "newsletter")
    wait_for("messages after resume", lambda: sink.stats()["messages"] > at_pause + 50)
    daemon.ctl("campaign", "cancel", "newsletter", "--yes")
    time.sleep(1)
    at_cancel = sink.stats()["messages"]
    c = daemon.wait_campaign("newsletter", lambda c: c["pending"] == 0, timeout=30)
    time.sleep(1)
    check_eq(sink.stats()["messages"], at_cancel, "messages a second after cancel")
    c = daemon.campaign("newsletter")
    check_accounts(c)
    check_eq((c["state"], c["delivered"], c["delivered"] + c["cancelled"]), ("cancelled", at_cancel, 3000))
    copies = collections.Counter(sink.delivered()).most_common(1)[0]
    check_eq(copies[1], 1, f"copies of {copies[0]}")
    balanced, text = daemon.audit()
    check(balanced, text)


def test_pausing_again_while_the_first_run_is_on_the_wire_doubles_nobody(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:3000"], shaping=lab.shaping(connections=40))
    rows = [field(f"user{i}", "asagao-mail.test") for i in range(200)]
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("the first connections", lambda: sink.stats()["connections"]["open"] >= 20)
    for _ in range(3):
        daemon.ctl("campaign", "pause", "newsletter")
        daemon.ctl("campaign", "resume", "newsletter")
        time.sleep(0.3)
    c = daemon.wait_campaign("newsletter", timeout=90)
    check_eq(c["delivered"], len(rows))
    check_eq(sorted(sink.delivered()), sorted(r.split(",")[0] for r in rows), "each once")


def test_an_address_on_two_lists_gets_one_copy(lab):
    daemon, sink, _ = setup(lab)
    daemon.import_leads(csv(lab, [field("both", "kinako.test"), field("first", "kinako.test")], "a.csv"), "first")
    daemon.import_leads(csv(lab, [field("both", "KINAKO.test"), field("second", "kinako.test")], "b.csv"), "second")
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, lists="first, second"))
    daemon.ctl("campaign", "start", "newsletter")
    daemon.wait_campaign("newsletter")
    check_eq(sorted(sink.delivered()), ["both@kinako.test", "first@kinako.test", "second@kinako.test"])


def test_old_carrier_addresses_are_quoted_on_the_wire_and_bad_rows_reported(lab):
    daemon, sink, _ = setup(lab, zones={"docomo.ne.jp": "@ MX 10 mx1.kinako.test."})
    got = daemon.import_leads(csv(lab, ["a..b@docomo.ne.jp,花子,,", "c.@docomo.ne.jp,次郎,,", "not an address,x,,",
                                        "fine@日本語.test,三郎,,", "a..b@kinako.test,四郎,,"]))
    check_eq((got["rows"], got["added"], got["rejected"]), (5, 3, 2))
    check_eq([r["line"] for r in got["rejects"]], [4, 6], "lines of the bad rows: others than carriers never had such")
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    daemon.wait_campaign("newsletter")
    check_eq(sorted(sink.delivered()), ['"a..b"@docomo.ne.jp', '"c."@docomo.ne.jp', "fine@xn--wgv71a119e.test"])


def test_a_graceful_stop_under_load_doubles_nobody_and_the_next_start_goes_on(lab):
    daemon, sink, world = setup(lab, sink_args=["--delay", "dot:20-60"], shaping=lab.shaping(connections=10))
    rows = [field(f"user{i}", d) for i in range(800) for d in ("asagao-mail.test", "kinako.test", "northmail.test")]
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    for more in (200, 700):
        wait_for(f"{more} messages", lambda: sink.stats()["messages"] >= more)
        check_eq(daemon.stop(), 0, "exit code of a graceful stop")
        daemon = lab.daemon(world, keys=[(newsletter.SENDER, SELECTOR, lab.path("dkim", f"{newsletter.SENDER}.{SELECTOR}.pem"))],
                            config={"paths.shaping": lab.shaping(connections=10)})
    c = daemon.wait_campaign("newsletter", timeout=90)
    check_accounts(c)
    check_eq((c["delivered"], c["resent_in_doubt"]), (len(rows), 0))
    check_eq(sorted(sink.delivered()), sorted(r.split(",")[0] for r in rows), "each exactly once")


def test_a_thousand_slow_connections_at_once(lab):
    daemon, sink, world = setup(lab, sink_args=["--delay", "dot:5000"], shaping=lab.shaping(connections=20),
                                config={"delivery.max_connections": 1000})
    c = send(lab, daemon, [field(f"user{i}", d) for i in range(12) for d in world.of_kind("plain")], timeout=90)
    check_eq(c["delivered"], 12 * len(world.of_kind("plain")))
    most = sink.stats()["connections"]["max_open"]
    check(900 <= most <= 1000, f"{most} connections at most, of 1000 allowed")


def test_a_site_that_is_slow_from_the_first_message_on_gets_all_its_connections(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:600000"], shaping=lab.shaping(connections=8),
                            config={"delivery.drain_timeout": "1s"})
    daemon.import_leads(csv(lab, [field(f"user{i}", "asagao-mail.test") for i in range(100)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("a message on each of eight connections, no reply to any", lambda: sink.stats()["messages"] == 8, 5)


def test_an_unknown_list_and_a_second_campaign_of_the_name_are_refused_with_words(lab):
    daemon, _, _ = setup(lab, key=False)
    for args, words in ((("campaign", "create", newsletter.campaign_file(lab)), "no list"),
                        (("campaign", "start", "nothing"), "no campaign")):
        try:
            daemon.ctl(*args)
            check(False, f"{args} was accepted")
        except CommandError as e:
            check(words in e.output and e.code == 1, f"{args}: exit {e.code}, {e.output}")


def test_explain_shows_the_newest_of_more_than_a_thousand_campaigns(lab):
    daemon, _, world = setup(lab)
    daemon.import_leads(csv(lab, [field("user1", "asagao-mail.test")]))
    daemon.stop()
    lab.run(lab.binary("tests/system/campaigns_put"), lab.path("hayaumad.data"), "1005")
    daemon = lab.daemon(world, config={"paths.shaping": lab.shaping()})
    told = daemon.ctl("explain", "user1@asagao-mail.test")["messages"]
    check_eq([m["name"] for m in told], [f"c{i:05}" for i in range(5, 1005)], "the last thousand, in their order")
    daemon.ctl("campaign", "cancel", "c00004")
    daemon.ctl("campaign", "cancel", "c01004")
    message = daemon.ctl("explain", "user1@asagao-mail.test")["messages"][-1]
    check_eq((message["name"], message["campaign_state"]), ("c01004", "cancelled"))
