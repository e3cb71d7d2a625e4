"""Shaping rules at work: limits of a provider over sites, sources and workers, limits of a day, patterns on replies."""
import collections
import os
import subprocess

import newsletter
from lab import check, check_accounts, check_eq, wait_for
from test_campaign import csv, field, setup

SITES = ["sakura-books.test", "momiji-coffee.test", "river-works.test", "kaede-shoten.test", "stone-foods.test",
         "hoshi-denki.test", "field-studio.test", "minato-print.test"]


def rules(lab, text, **kw):
    return lab.shaping(rules="rules:\n" + text, **kw)


def start(lab, daemon, rows, name="newsletter"):
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name))
    daemon.ctl("campaign", "start", name)


def lane(daemon, rule):
    """The lanes under a rule."""
    return [s for s in daemon.ctl("sites", "--limit", "1000")["sites"] if s["rule"] == rule]


def test_a_provider_never_has_more_connections_than_its_limit_over_all_sites_sources_and_workers(lab):
    shaping = rules(lab, """\
  - name: provider
    mx: ["*.test"]
    connections: 4
    messages_per_connection: 5
    provider:
      connections: 3
""")
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:5"], shaping=shaping, config={
        "delivery.workers": 2, "delivery.sources": [{"address": "127.0.0.1"}, {"address": "127.0.0.2"}]})
    rows = [field(f"user{i}", SITES[i % len(SITES)]) for i in range(640)]
    start(lab, daemon, rows)
    c = daemon.wait_campaign("newsletter")
    check_accounts(c)
    check_eq(c["delivered"], 640, "delivered")
    check_eq(sink.stats()["connections"]["max_open"], 3, "the most connections at once")
    counts = collections.Counter(a.split("@")[1] for a in sink.delivered())
    check_eq(sorted(counts), sorted(SITES), "every site had its turn")


def test_a_raised_limit_of_a_provider_is_used_after_a_reload(lab):
    text = """\
  - name: provider
    mx: ["*.test"]
    provider:
      connections: %d
"""
    shaping = rules(lab, text % 2)
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:40"], shaping=shaping, config={"delivery.workers": 2})
    start(lab, daemon, [field(f"user{i}", SITES[i % 4]) for i in range(4000)])
    wait_for("two connections", lambda: sink.stats()["connections"]["open"] == 2)
    rules(lab, text % 7)
    daemon.ctl("reload")
    wait_for("seven connections", lambda: sink.stats()["connections"]["open"] == 7)
    rules(lab, text % 3)
    daemon.ctl("reload")
    wait_for("three connections", lambda: sink.stats()["connections"]["open"] == 3)


def test_a_limit_of_a_day_holds_over_restarts_and_kills(lab):
    text = """\
  - name: capped
    domains: [sakura-books.test]
    messages_per_day: %d
"""
    shaping = rules(lab, text % 30, expire="10m")
    daemon, sink, world = setup(lab, shaping=shaping)
    start(lab, daemon, [field(f"user{i}", "sakura-books.test") for i in range(100)])
    wait_for("the first day's messages", lambda: len(sink.delivered()) >= 30 and is_full(daemon, "capped"))
    for stop in ("term", "kill"):
        if stop == "term":
            daemon.stop()
        else:
            daemon.kill()
        daemon = lab.daemon(world, name="hayaumad", keys=keys_of(lab), config={"paths.shaping": shaping})
        wait_for("the day to be full again", lambda: is_full(daemon, "capped"))
        check_eq(len(sink.delivered()), 30, f"messages after a restart ({stop})")
    rules(lab, text % 50, expire="10m")
    daemon.ctl("reload")
    wait_for("the rest of a larger day", lambda: len(sink.delivered()) >= 50 and is_full(daemon, "capped"))
    check_eq(len(sink.delivered()), 50, "messages of the larger day")


def is_full(daemon, rule):
    """Every lane under the rule waits for another day, with nothing on the wire."""
    lanes = lane(daemon, rule)
    return lanes and all(s["day_full_s"] > 0 and s["connections"] == 0 for s in lanes)


def keys_of(lab):
    return [(newsletter.SENDER, "test", lab.path("dkim", f"{newsletter.SENDER}.test.pem"))]


def test_a_provider_has_one_day_for_all_its_sites(lab):
    shaping = rules(lab, """\
  - name: provider
    mx: ["*.test"]
    provider: {messages_per_day: 25}
""", expire="10m")
    daemon, sink, _ = setup(lab, shaping=shaping, config={"delivery.workers": 2})
    start(lab, daemon, [field(f"user{i}", SITES[i % len(SITES)]) for i in range(200)])
    wait_for("every lane to wait for the next day", lambda: len(sink.delivered()) >= 25 and is_full(daemon, "provider"))
    check_eq(len(sink.delivered()), 25, "messages of all sites together")


def test_domains_on_the_same_hosts_keep_to_their_own_rules(lab):
    """However the answers are ordered, and whichever is resolved first."""
    zone = "\n".join(f"{d}.test. MX {p} {h}" for d in ("one", "two") for p, h in (
        (10, "mx1.asagao-mail"), (10, "mx2.asagao-mail"))[::1 if d == "one" else -1])
    shaping = rules(lab, """\
  - {name: strict, domains: [two.test], connections: 1}
  - {name: wide, mx: ["*.asagao-mail.test"], connections: 6}
""")
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:30"], shaping=shaping, zone=zone)
    start(lab, daemon, [field(f"user{i}", ("one.test", "two.test")[i % 2]) for i in range(400)])
    wait_for("both lanes", lambda: len(lane(daemon, "strict")) == 1 and len(lane(daemon, "wide")) == 1)
    wait_for("all their connections", lambda: sink.stats()["connections"]["open"] == 7)
    check_eq([lane(daemon, r)[0]["connections"] for r in ("strict", "wide")], [1, 6], "connections by rule")
    check_accounts(daemon.wait_campaign("newsletter"))
    check_eq(sink.stats()["connections"]["max_open"], 7, "connections")


def test_words_of_a_reply_suspend_bounce_and_defer(lab):
    shaping = rules(lab, """\
  - name: patterns
    mx: ["*.test"]
    on:
      - {reply: '^421 .*\\[TSS04\\]', do: suspend, for: 1h}
      - {reply: 'mailbox is full', do: bounce}
      - {reply: '^550 .*come back', do: defer}
""", expire="10m")
    daemon, sink, _ = setup(lab, shaping=shaping, sink_args=[
        "--reply", "domain=sakura-books.test,rcpt:421:4.7.0 [TSS04] Messages deferred due to complaints",
        "--reply", "domain=momiji-coffee.test,rcpt:452:4.2.2 The mailbox is full",
        "--reply", "domain=river-works.test,rcpt:550:5.7.1 Policy, come back later"])
    start(lab, daemon, [field("a", d) for d in SITES[:3]])
    wait_for("each to be tried", lambda: all(attempt(daemon, d) for d in SITES[1:3]))
    check_eq(attempt(daemon, "momiji-coffee.test")["state"], "bounced", "452 with the words of a bounce")
    check_eq(attempt(daemon, "river-works.test")["state"], "deferred", "550 with the words of a deferral")
    wait_for("the suspension", lambda: any(s["suspended_s"] > 3000 and "sakura" in s["site"] for s in lane(daemon, "patterns")))


def attempt(daemon, domain):
    """The first attempt to a@domain, or None."""
    made = [a for m in daemon.ctl("explain", f"a@{domain}")["messages"] for a in m["attempts"]]
    return made[0] if made else None


def limit(site, key):
    """(value, file:line) of one limit."""
    found = [(x["value"], x["at"]) for x in site["limits"] if x["key"] == key]
    check_eq(len(found), 1, f"limit {key}")
    return found[0]


def test_site_tells_hosts_rule_and_where_every_limit_stands(lab):
    zone = "backup.test. MX 20 mx2.kinako\nbackup.test. MX 10 mx1.asagao-mail"
    presets = rules(lab, """\
  - name: asagao
    mx: ["*.asagao-mail.test"]
    connections: 3
    on:
      - {reply: 'too fast', do: slow}
""")
    lines = open(presets, encoding="utf-8").read().split("\n")
    own = lab.write("own.yaml", """\
rules:
  - name: asagao
    connections: 2
  - {name: one, domains: [kinako.test]}
  - {name: late, domains: [kinako.test, other.test]}
  - {name: hosts, mx: ["*.kinako.test"]}
""")
    daemon, _, _ = setup(lab, zone=zone, shaping=[presets, own])
    site = daemon.ctl("site", "Someone@ASAGAO-mail.test")
    check_eq((site["domain"], site["status"], site["rule"], site["by"]), ("asagao-mail.test", "ok", "asagao", "mx"))
    check_eq(site["rule_at"], f"{presets}:{lines.index('  - name: asagao') + 1}", "the rule's place")
    check_eq(limit(site, "connections"), ("2", f"{own}:3"), "an operator's limit")
    check_eq(limit(site, "tls"), ("opportunistic", f"{presets}:{lines.index('  tls: opportunistic') + 1}"), "a default")
    check_eq(limit(site, "chunking"), ("false", ""), "what is built in")
    check_eq([(p["reply"], p["do"], p["to_percent"]) for p in site["patterns"]], [("too fast", "slow", 50)])
    check_eq(sorted(h["name"] for h in site["hosts"]), [f"mx{i}.asagao-mail.test" for i in range(1, 5)], "hosts")
    check(all(h["addresses"][0].startswith("127.0.1.") for h in site["hosts"]), site["hosts"])
    check_eq(site["key"], ",".join(f"mx{i}.asagao-mail.test" for i in range(1, 5)), "what the site is known by")
    check_eq(site["lanes"], [], "nothing is sent yet")
    mixed = daemon.ctl("site", "backup.test")
    check_eq([(h["preference"], h["name"]) for h in mixed["hosts"]],
             [(10, "mx1.asagao-mail.test"), (20, "mx2.kinako.test")], "by preference")
    check_eq(mixed["rule"], "", "a stray backup host draws no foreign rule in")
    asagao_at = f"{presets}:{lines.index('  - name: asagao') + 1}"
    check_eq(mixed["passed_over"], [{"rule": "hosts", "at": f"{own}:6", "matches": "some hosts",
                                     "other_host": "mx1.asagao-mail.test"},
                                    {"rule": "asagao", "at": asagao_at, "matches": "some hosts",
                                     "other_host": "mx2.kinako.test"}], "and that is told")
    check("asagao" in daemon.run("site", "backup.test").stdout, "for people, too")
    both = daemon.ctl("site", "kinako.test")["passed_over"]
    check_eq([(p["rule"], p["matches"]) for p in both], [("late", "domain"), ("hosts", "mx")], "rules that come too late")
    check_eq((daemon.ctl("site", "kinako.test")["rule"], daemon.ctl("site", "kinako.test")["by"]), ("one", "domain"))
    check_eq(daemon.ctl("site", "no-such-domain.test")["status"], "nxdomain")
    done = daemon.run("site", "not a domain")
    check(done.returncode == 1 and "is no domain" in done.stderr, done.stderr)
    text = daemon.run("site", "asagao-mail.test").stdout
    check(f"{own}:3" in text and "mx1.asagao-mail.test" in text and "built in" in text, text)
    daemon.stop()
    done = daemon.run("site", "asagao-mail.test", "--config", daemon.config_path)
    check(done.returncode == 0 and f"{own}:3" in done.stdout and "does not run" in done.stderr, done.stdout + done.stderr)


def test_an_operators_changes_survive_presets_that_change(lab):
    """An upgrade brings other numbers, a preset of another name, and takes one away."""
    old = rules(lab, """\
  - {name: asagao, mx: ["*.asagao-mail.test"], connections: 3}
  - {name: kinako, domains: [kinako.test], connections: 3}
  - {name: gone, domains: [gone.test]}
""")
    own = lab.write("own.yaml", "rules:\n  - {name: asagao, connections: 2}\n  - {name: kinako, connections: 1}\n"
                                "  - {name: gone, enabled: false}\n")
    daemon, _, world = setup(lab, shaping=[old, own])
    check_eq(limit(daemon.ctl("site", "kinako.test"), "connections"), ("1", f"{own}:3"), "before")
    presets = rules(lab, """\
  - {name: asagao, mx: ["*.asagao-mail.test"], connections: 9, messages_per_connection: 5}
  - {name: kinako-mail, domains: [kinako.test], connections: 3}
""")
    check_eq(presets, old, "the same file")

    def upgraded():
        site = daemon.ctl("site", "asagao-mail.test")
        check_eq(limit(site, "connections"), ("2", f"{own}:2"), "what was changed stays")
        check_eq(limit(site, "messages_per_connection")[0], "5", "the rest is the new one's")
        check_eq(daemon.ctl("site", "kinako.test")["rule"], "kinako-mail", "the renamed one")

    problems = daemon.ctl("reload")["problems"]
    upgraded()
    said = ("earlier files have no rule 'kinako' (any more)", "no file has a rule 'gone' to take out")
    check(all(any(text in p["text"] for p in problems) for text in said), problems)
    done = daemon.run("config", "check", daemon.config_path)
    check(done.returncode == 0 and all(text in done.stderr for text in said), done.stdout + done.stderr)
    daemon.stop()
    daemon = lab.daemon(world, name="hayaumad", keys=keys_of(lab), config={"paths.shaping": [old, own]})
    upgraded()
    check(all(text in daemon.output() for text in said), daemon.output())


def test_config_check_refuses_what_would_destroy_mail(lab):
    config = lab.write("check.yaml", f"paths:\n  shaping: [{rules(lab, CRUEL)}]\n")
    for lang, words in (("C", ("gives mail up at every temporary refusal", "can never match")),
                        ("ja_JP.UTF-8", ("メールを破棄します", "一致しません"))):
        done = subprocess.run([lab.binary("src/cli/hayauma"), "config", "check", config], capture_output=True, text=True,
                              check=False, env={**os.environ, "LC_ALL": lang})
        check(done.returncode == 1 and all(w in done.stderr for w in words), done.stdout + done.stderr)


CRUEL = """\
  - name: cruel
    mx: ["*.test"]
    on:
      - {reply: '^250 ', do: slow}
      - {reply: '.', do: bounce}
"""


def test_site_tells_what_holds_a_lane_back(lab):
    shaping = rules(lab, """\
  - name: patterns
    mx: ["*.test"]
    on:
      - {reply: 'TSS04', do: suspend, for: 1h}
""", expire="10m")
    daemon, _, _ = setup(lab, shaping=shaping, sink_args=[
        "--reply", "domain=sakura-books.test,rcpt:421:4.7.0 [TSS04] Messages deferred due to complaints"])
    start(lab, daemon, [field("a", "sakura-books.test")])
    wait_for("the suspension", lambda: any(s["suspended_s"] > 3000 for s in daemon.ctl("site", "sakura-books.test")["lanes"]))
    lanes = daemon.ctl("site", "sakura-books.test")["lanes"]
    check_eq(len(lanes), 1, "lanes")
    check("TSS04" in lanes[0]["why"] and "shaping.yaml:" in lanes[0]["why"], lanes[0]["why"])
    check("window_rate" in lanes[0] and "messages_per_connection" in lanes[0], lanes[0])
    text = daemon.run("site", "sakura-books.test").stdout
    check("TSS04" in text and "FOUND" in text, text)


def test_mail_of_a_campaign_expires_on_time_while_its_lane_is_suspended(lab):
    shaping = rules(lab, """\
  - name: patterns
    mx: ["*.test"]
    on:
      - {reply: 'TSS04', do: suspend, for: 1h}
""", expire="2h")
    daemon, _, _ = setup(lab, shaping=shaping, sink_args=["--reply", "rcpt:421:4.7.0 [TSS04] not today"])
    for name, extra in (("ends", "expire: 1m\n"), ("stays", "")):
        daemon.import_leads(csv(lab, [field(f"{name}{i}", "sakura-books.test") for i in range(3000)], name=f"{name}.csv"), name)
        daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, extra, lists=name))
        daemon.ctl("campaign", "start", name)
    wait_for("the suspension", lambda: any(x["suspended_s"] > 3000 for x in lane(daemon, "patterns")), 30)
    c = daemon.wait_campaign("ends", timeout=150)
    check_accounts(c)
    check_eq((c["expired"], c["delivered"]), (3000, 0), "whether tried or not")
    check(all(x["suspended_s"] > 3000 for x in lane(daemon, "patterns")), "still suspended")
    c = daemon.campaign("stays")
    check_eq((c["pending"], c["expired"]), (3000, 0), "another campaign in the same lane")
    balanced, text = daemon.audit()
    check(balanced, text)
