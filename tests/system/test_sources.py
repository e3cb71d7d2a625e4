"""Sources and pools: which address a message leaves from, with which name, and what happens when one is out."""
import contextlib
import json
import os
import re
import subprocess
import threading
import time

import newsletter
from lab import CommandError, check, check_accounts, check_eq, wait_for
from receiver import Receiver
from test_campaign import csv, field
from test_metrics import samples, value

A, B, C = "127.0.0.11", "127.0.0.12", "127.0.0.13"
ZONE = """\
big MX 10 mx.big
mx.big A 127.0.0.200
six MX 10 mx.six
mx.six AAAA ::1
"""
SOURCES = [{"name": "a", "address": A, "ehlo": "out-a.news.hayauma.test", "weight": 3},
           {"name": "b", "address": B, "ehlo": "out-b.news.hayauma.test"}]


@contextlib.contextmanager
def setting(lab, sources=tuple(SOURCES), addresses=("127.0.0.200",), shaping=None, config=None, keys=(), zone="", **kw):
    """(daemon, receiver, world); the receiver ends with the block."""
    world = lab.world(zone_lines=ZONE + zone, smtp_port=lab.free_port())
    lab.nsd(world)
    receiver = Receiver(world.smtp_port, addresses, **kw)
    try:
        values = {"paths.shaping": shaping or lab.shaping(tls="never"), "delivery.sources": list(sources),
                  "delivery.workers": 2, **(config or {})}
        yield lab.daemon(world, keys=keys, config=values), receiver, world
    finally:
        receiver.close()


def start(lab, daemon, rows, name="newsletter", extra=""):
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, extra))
    daemon.ctl("campaign", "start", name)


def send(lab, daemon, rows, **kw):
    start(lab, daemon, rows, **kw)
    c = daemon.wait_campaign(kw.get("name", "newsletter"))
    check_accounts(c)
    balanced, text = daemon.audit()
    check(balanced, text)
    return c


def rows_of(n, domain="big.test"):
    return [field(f"user{i}", domain) for i in range(n)]


def test_mail_is_spread_by_the_weights_each_source_with_its_own_name(lab):
    with setting(lab) as (daemon, receiver, _):
        c = send(lab, daemon, rows_of(800))
        check_eq(c["delivered"], 800, "delivered")
        n = receiver.by_source()
        check(540 <= n[A] <= 660 and n[A] + n[B] == 800, f"three to one: {n}")
        names = {(m.source, m.ehlo) for m in receiver.mails}
        check_eq(names, {(A, "out-a.news.hayauma.test"), (B, "out-b.news.hayauma.test")}, "EHLO names")


def test_ready_messages_are_spread_like_those_of_campaigns(lab):
    letter = lab.write("letter", "From: app@news.hayauma.test\n\nHello\n")
    with setting(lab) as (daemon, receiver, _):
        for i in range(60):
            daemon.ctl("send", letter, f"user{i}@big.test")
        wait_for("all", lambda: len(receiver.mails) == 60, timeout=30)
        n = receiver.by_source()
        check(n[B] >= 3 and n[A] > n[B], f"three to one, roughly: {n}")


def test_a_ready_message_is_signed_by_the_domains_of_the_source_that_each_recipient_gets(lab):
    domains = {A: "a.esp.test", B: "b.esp.test"}
    keys = [(d, "s1", lab.dkim_key(d, "s1")[0]) for d in ("news.hayauma.test", *domains.values())]
    sources = [{**s, "weight": 1, "dkim": [domains[s["address"]]]} for s in SOURCES]
    letter = lab.write("letter", "From: app@news.hayauma.test\n\nHello\n")
    with setting(lab, sources, keys=keys, config={"delivery.press_threads": 1}) as (daemon, receiver, _):
        for k in range(3):  # blocks of its recipients are dealt out, one by one
            daemon.ctl("send", letter, *[f"user{k}-{i}@big.test" for i in range(300)])
        wait_for("all", lambda: sum(len(m.rcpts) for m in receiver.mails) == 900, timeout=30)
        check(set(receiver.by_source()) == {A, B}, f"both send: {receiver.by_source()}")
        for m in receiver.mails:
            signers = re.findall(rb"^DKIM-Signature:.*?\bd=([^;\s]+)", m.data, re.M | re.S)
            check_eq(sorted(s.decode() for s in signers), sorted(["news.hayauma.test", domains[m.source]]), f"{m.source} {m.rcpts[0]}")
        explained = daemon.run("explain", "user0-0@big.test").stdout
        check(re.search(r" from [ab]\b", explained), f"the source of an attempt: {explained}")


def test_a_campaign_names_a_pool_or_a_source(lab):
    sources = SOURCES + [{"name": "c", "address": C}]
    config = {"delivery.pools": [{"name": "two", "sources": {"b": 1, "c": 9}}], "delivery.pool": "b"}
    with setting(lab, sources, config=config) as (daemon, receiver, _):
        send(lab, daemon, rows_of(60), name="by-default")
        check_eq(dict(receiver.by_source()), {B: 60}, "the pool of those that name none")
        send(lab, daemon, rows_of(60), name="by-source", extra="pool: a\n")
        check_eq(receiver.by_source()[A], 60, "a source")
        receiver.mails.clear()
        send(lab, daemon, rows_of(400), name="by-pool", extra="pool: two\n")
        n = receiver.by_source()
        check(n[B] + n[C] == 400 and 330 <= n[C] <= 390, f"one to nine: {n}")
        try:
            daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "lost", "pool: nowhere\n"))
        except CommandError as e:
            check("there is no pool or source 'nowhere'" in e.output, e.output)
        else:
            raise AssertionError("a campaign with a pool that is not there was taken")


def test_a_lead_that_is_greylisted_is_tried_again_from_the_same_source(lab):
    seen = set()

    def judge(source, rcpt):
        if (source, rcpt) in seen:
            return None
        seen.add((source, rcpt))
        return "450 4.7.1 greylisted, come again"

    with setting(lab, judge=judge) as (daemon, receiver, _):
        c = send(lab, daemon, rows_of(200))
        check_eq(c["delivered"], 200, "delivered")
        check_eq(len(receiver.tries), 400, "two tries each: nobody was a stranger twice")


def test_hosts_that_have_only_ipv6_get_mail_from_a_source_that_has_it(lab):
    sources = [SOURCES[0], {"name": "b", "address": B, "address6": "::1", "ehlo": "six.news.hayauma.test"}]
    with setting(lab, sources, addresses=("127.0.0.200", "::1")) as (daemon, receiver, _):
        c = send(lab, daemon, rows_of(60, "six.test") + [field("x", "big.test")], name="all")
        check_eq(c["delivered"], 61, "delivered")
        check_eq(receiver.by_source()["::1"], 60, "by IPv6")
        check_eq({m.ehlo for m in receiver.mails if m.source == "::1"}, {"six.news.hayauma.test"}, "its name")
        start(lab, daemon, rows_of(1, "six.test"), name="none", extra="pool: a\n")
        text = wait_for("the reason", lambda: [a["text"] for i in (0, 1)
                                               for m in daemon.ctl("explain", f"user{i}@six.test")["messages"]
                                               for a in m["attempts"] if "IPv6" in a["text"]])
        check_eq(text[0], "the site has IPv6 addresses only, and source a has none", "the reason")


def test_an_address_that_is_not_on_this_machine_costs_no_message_anything(lab):
    sources = [{"name": "lost", "address": "192.0.2.77", "weight": 9}, SOURCES[1]]
    with setting(lab, sources) as (daemon, receiver, _):
        c = send(lab, daemon, rows_of(300))
        check_eq((c["delivered"], c["deferred"]), (300, 0), "nothing is charged to the messages")
        check_eq(dict(receiver.by_source()), {B: 300}, "the other source has taken over")
        check_eq(len(receiver.tries), 300, "one try each")
        check(daemon.output().count("source lost: its address 192.0.2.77 is not on this machine") == 1, daemon.output())


def test_a_source_that_a_reload_takes_away_leaves_its_mail_to_the_others(lab):
    stalls = "421 4.3.2 not now"
    with setting(lab, refuse=lambda source: stalls if source == A else None) as (daemon, receiver, world):
        start(lab, daemon, rows_of(400))
        wait_for("b to have sent some", lambda: receiver.by_source()[B] > 20)
        lab.daemon_config(world, config={"paths.shaping": lab.path("shaping.yaml"), "delivery.sources": SOURCES[1:],
                                         "delivery.workers": 2})
        daemon.ctl("reload")
        c = daemon.wait_campaign("newsletter")
        check_eq(c["delivered"], 400, "delivered")
        check_eq(dict(receiver.by_source()), {B: 400}, "all by the one that is left")


def test_a_campaign_whose_pool_a_reload_takes_away_waits_and_says_so(lab):
    pool = {"delivery.pools": [{"name": "news", "sources": {"a": 1, "b": 1}}]}
    gate = threading.Event()
    with setting(lab, config=pool, refuse=lambda source: gate.wait(60) and None) as (daemon, receiver, world):
        def reload(values):
            lab.daemon_config(world, config={"paths.shaping": lab.path("shaping.yaml"), "delivery.sources": SOURCES,
                                             "delivery.workers": 2, **values})
            daemon.ctl("reload")

        start(lab, daemon, rows_of(400), extra="pool: news\n")
        wait_for("mail to be on its way", lambda: receiver.connections[A] or receiver.connections[B])
        check_eq(daemon.ctl("campaign", "show", "newsletter")["pool_missing"], False, "before")
        reload({})
        said = "waits: its pool news stands in hayauma.yaml no more"
        wait_for("a warning", lambda: said in daemon.output())
        gate.set()
        c = daemon.ctl("campaign", "show", "newsletter")
        check_eq((c["state"], c["pool"], c["pool_missing"]), ("running", "news", True), "the campaign")
        text = daemon.run("campaign", "show", "newsletter").stdout
        check("stands in hayauma.yaml no more: nothing is sent until it does" in text, text)
        reload(pool)
        c = daemon.wait_campaign("newsletter")
        check_eq(c["delivered"], 400, "delivered")
        check_eq((daemon.output().count(said), daemon.output().count("goes on: its pool news is back")), (1, 1),
                 daemon.output())


def test_config_check_names_the_check_of_sources(lab):
    for values, named in (({"delivery": {"sources": SOURCES}}, True), ({}, False)):
        path = lab.write("check.yaml", json.dumps({**values, "paths": {"shaping": ""}}))
        for lang, ok in (("C", "is fine"), ("ja_JP.UTF-8", "")):
            p = subprocess.run([lab.binary("src/cli/hayauma"), "config", "check", path], capture_output=True, text=True,
                               check=False, env={**os.environ, "LC_ALL": lang})
            check_eq((p.returncode, "'hayauma source check'" in p.stdout), (0, named), p.stdout + p.stderr)
            check(ok in p.stdout, p.stdout)


def blocks_a(source, rcpt):
    return f"554 5.7.1 blocked: {source} is on our list" if source == A else None


def picky(lab):
    return lab.shaping(tls="never", rules="""\
rules:
  - name: picky
    domains: [big.test]
    on:
      - {reply: 'is on our list', do: fail_over, for: 10m}
""")


def test_a_reply_that_speaks_of_the_source_moves_its_mail_to_another(lab):
    with setting(lab, shaping=picky(lab), judge=blocks_a) as (daemon, receiver, _):
        c = send(lab, daemon, rows_of(400))
        check_eq((c["delivered"], c["bounced"]), (400, 0), "nothing is given up for what the source is")
        check_eq(dict(receiver.by_source()), {B: 400}, "by the other source")
        refused = sum(1 for source, _ in receiver.tries if source == A)
        check(0 < refused <= 50, f"the first refusals moved the rest: {refused}")
        check("mx.big.test from a: left to other sources by shaping.yaml:" in daemon.output(), daemon.output())


def warming(lab, start_days_ago=0.5, **plan):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - start_days_ago * 86400))
    return {"delivery.warmup_plans": [{"name": "test", "days": [10, 20, 40], **plan}],
            "delivery.sources": [{**SOURCES[0], "warmup": "test", "warmup_start": at}, SOURCES[1]]}


def test_a_source_that_is_warmed_up_sends_its_day_and_leaves_the_rest_to_the_others(lab):
    config = warming(lab)
    with setting(lab, config=config) as (daemon, receiver, world):
        c = send(lab, daemon, rows_of(300))
        check_eq((c["delivered"], c["deferred"]), (300, 0), "nobody is deferred for it")
        check_eq(dict(receiver.by_source()), {A: 10, B: 290}, "the first day of the plan")
        daemon.stop()
        values = {"paths.shaping": lab.path("shaping.yaml"), "delivery.workers": 2, **config}
        daemon = lab.daemon(world, config=values)
        send(lab, daemon, rows_of(100), name="again")
        check_eq(receiver.by_source()[A], 10, "the day is kept over a restart")


def test_a_block_is_a_complaint_to_the_warm_up_whatever_a_rule_makes_of_it(lab):
    with setting(lab, shaping=picky(lab), judge=blocks_a, config=warming(lab)) as (daemon, receiver, _):
        c = send(lab, daemon, rows_of(300))
        check_eq((c["delivered"], c["bounced"]), (300, 0), "the other source sends all")
        refused = sum(1 for source, _ in receiver.tries if source == A)
        warm = {w["provider"]: w for s in daemon.ctl("source", "list")["sources"] for w in s["warmup"]}
        check(refused > 0, "a was tried")
        check_eq((warm["picky"]["good"], warm["picky"]["complaints"]), (0, refused), "each block counts")


def test_a_source_that_is_held_for_a_domain_or_a_site_leaves_its_mail_to_the_others(lab):
    for scope, name in (("--domain", "big.test"), ("--site", "mx.big.test")):
        with setting(lab) as (daemon, receiver, _):
            daemon.ctl("lane", "hold", scope, name, "--source", "a")
            c = send(lab, daemon, rows_of(200), name=scope[2:])
            check_eq(c["delivered"], 200, f"{scope}: nothing waits")
            check_eq(dict(receiver.by_source()), {B: 200}, f"{scope}: by the other")
            daemon.stop()


def test_a_plan_may_have_what_is_too_much_wait(lab):
    config = warming(lab, start_days_ago=1.5, overflow=False, providers={"default": "7, 9, 11"})
    with setting(lab, config=config) as (daemon, receiver, _):
        start(lab, daemon, rows_of(200))
        want = wait_for("what may go to have gone", lambda: receiver.by_source()[A] == 9 and receiver.by_source()[B] > 30
                        and all(s["connections"] == 0 for s in daemon.ctl("sites")["sites"]) and receiver.by_source())
        check(want[B] < 190, f"a's mail waits for a: {want}")
        sites = {s["source"]: s for s in daemon.ctl("sites")["sites"]}
        check(sites["a"]["day_full_s"] > 0 and sites["b"]["day_full_s"] == 0, f"{sites}")
        lanes = {s["source"]: s["warmup"] for s in daemon.ctl("site", "big.test")["lanes"]}
        check_eq([lanes["a"][k] for k in ("provider", "day", "days", "sent", "limit", "waits")],
                 ["default", 2, 3, 9, 9, True], "the warm-up of a")
        check_eq(lanes["b"], None, "b has no plan")
        text = daemon.run("site", "big.test").stdout
        check("warm-up, day 2 of 3: 9 of 9 in 24 hours, the rest waits" in text, text)
        late = next(u for u in (f"user{i}@big.test" for i in range(200)) if u not in {m.rcpts[0] for m in receiver.mails})
        told = daemon.run("explain", late).stdout
        check("from a waits for: the day is full" in told and "warm-up, day 2 of 3: 9 of 9" in told, told)


def test_source_check_says_what_receivers_will_find(lab):
    sources = [{"name": "good", "address": A, "ehlo": "out-a.test"}, {"name": "other", "address": B, "ehlo": "out-b.test"},
               {"name": "oneway", "address": C, "ehlo": "out-c.test"}, {"name": "bare", "address": "127.0.0.14"},
               {"name": "six", "address": "127.0.0.15", "address6": "::1", "ehlo": "out-6.test"},
               {"name": "away", "address": "192.0.2.77", "ehlo": "out-a.test"}]
    zones = {"0.0.127.in-addr.arpa": "11 PTR out-a.test.\n12 PTR host-b.test.\n13 PTR out-c.test.\n15 PTR Out-6.test.",
             "ip6.arpa": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR out-6.test.",
             "2.0.192.in-addr.arpa": "1 PTR x.test."}
    world = lab.world(zones=zones, zone_lines="out-a A 127.0.0.11\nhost-b A 127.0.0.12\nout-c A 127.0.0.99\n"
                      "out-6 A 127.0.0.15\nout-6 AAAA ::1\n")
    lab.nsd(world)
    config = lab.daemon_config(world, config={"delivery.sources": sources})
    argv = [lab.binary("src/cli/hayauma"), "--config", config, "source", "check"]
    p = subprocess.run(argv + ["--json"], capture_output=True, text=True, check=False)
    check_eq(p.returncode, 1, p.stdout + p.stderr)
    found = [(c["source"], c["address"], c["good"], c["text"]) for c in json.loads(p.stdout)["checks"]]
    check_eq(found, [
        ("good", A, True, "out-a.test, there and back"),
        ("other", B, False, "its PTR record says host-b.test, but EHLO says out-b.test: make them one"),
        ("oneway", C, False, "its PTR record says out-c.test, and that name does not have this address"),
        ("bare", "127.0.0.14", False, "it has no PTR record: many receivers refuse its mail. Whoever assigned the "
         "address can set one"),
        ("six", "127.0.0.15", True, "out-6.test, there and back"),
        ("six", "::1", True, "out-6.test, there and back"),
        ("away", "192.0.2.77", False, "this address is not on this machine: nothing can be sent from it"),
        ("away", "192.0.2.77", False, "it has no PTR record: many receivers refuse its mail. Whoever assigned the "
         "address can set one")], "what was found")
    p = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "ja_JP.UTF-8"})
    check("往復とも一致" in p.stdout and "この機械にない" in p.stdout, p.stdout)


def test_source_list_shows_addresses_and_warmth(lab):
    config = warming(lab)
    config["delivery.sources"].append({"name": "lost", "address": "192.0.2.77"})
    with setting(lab, config=config) as (daemon, receiver, _):
        send(lab, daemon, rows_of(300))
        sources = {s["source"]: s for s in daemon.ctl("source", "list")["sources"]}
        check_eq((sources["a"]["addresses"], sources["a"]["plan"]), ([A], "test"), "a")
        check_eq((sources["lost"]["addresses"], sources["lost"]["missing"]), ([], ["192.0.2.77"]), "the lost one")
        warm = sources["a"]["warmup"]
        check_eq([(w["provider"], w["day"], w["days"], w["limit"], w["sent"], w["good"]) for w in warm],
                 [("default", 1, 3, 10, 10, 10)], "its warm-up")
        text = daemon.run("source", "list").stdout
        check("out: its address is not on this machine" in text and "1 / 3" in text, text)


def test_metrics_tell_of_each_source_and_its_warm_up(lab):
    config = warming(lab)
    port = lab.free_port()
    config["metrics.listen"] = f"127.0.0.1:{port}"
    config["delivery.sources"].append({"name": "lost", "address": "192.0.2.77"})
    gate = threading.Event()

    def hold(source):
        if source == B:
            gate.wait(60)

    with setting(lab, config=config, refuse=hold) as (daemon, receiver, _):
        start(lab, daemon, rows_of(300))

        def open_now():
            m = samples(port)
            return {s: value(m, "hayauma_source_connections", source=s) for s in ("a", "b", "lost")}

        wait_for("b to be connected", lambda: open_now()["b"] > 0)
        gate.set()
        daemon.wait_campaign("newsletter")
        wait_for("connections to end", lambda: open_now() == {"a": 0, "b": 0, "lost": 0})
        m = samples(port)
        for source, state in (("a", "up"), ("b", "up"), ("lost", "missing")):
            check_eq({s: value(m, "hayauma_source_state", source=source, state=s)
                      for s in ("up", "partly", "missing", "no_proxy")},
                     {s: float(s == state) for s in ("up", "partly", "missing", "no_proxy")}, source)
        sent = {s: value(m, "hayauma_source_attempts_total", source=s, outcome="delivered") for s in ("a", "b", "lost")}
        check_eq(sent, {"a": 10, "b": 290, "lost": 0}, "delivered")
        warm = {n: value(m, f"hayauma_warmup_{n}", source="a", provider="default")
                for n in ("day", "limit", "sent", "complaints")}
        check_eq(warm, {"day": 1, "limit": 10, "sent": 10, "complaints": 0}, "the warm-up of a")
        check_eq({dict(k[1])["source"] for k in m if k[0].startswith("hayauma_warmup_")}, {"a"}, "sources with a plan")


def test_a_source_may_ask_for_tls_where_the_rule_does_not(lab):
    sources = [{**SOURCES[0], "tls": "required"}, SOURCES[1]]
    with setting(lab, sources) as (daemon, receiver, _):  # the receiver has no STARTTLS
        start(lab, daemon, rows_of(100))
        wait_for("b to have sent its part", lambda: receiver.by_source()[B] > 10)
        wait_for("a to have said why not", lambda: [a for i in range(100)
                                                    for m in daemon.ctl("explain", f"user{i}@big.test")["messages"]
                                                    for a in m["attempts"] if a["source"] == "a" and "TLS" in a["text"]])
        check_eq(receiver.by_source()[A], 0, "in the clear from the one that must not")
