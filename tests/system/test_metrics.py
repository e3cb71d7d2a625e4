"""Metrics and health over HTTP, read by the parsers that will read them."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess

import newsletter
from lab import SOURCE, Skip, check, check_eq, wait_for
from test_campaign import csv, field, setup


def parsers():
    try:
        from prometheus_client import parser
        from prometheus_client.openmetrics import parser as strict
    except ImportError:
        raise Skip("python3-prometheus-client is not installed") from None
    return parser, strict


def get(port, path="/metrics", accept=None):
    """(status, content type, body)"""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        c.request("GET", path, headers={"Accept": accept} if accept else {})
        r = c.getresponse()
        return r.status, r.getheader("Content-Type"), r.read().decode()
    finally:
        c.close()


def samples(port):
    """{(name, ((label, value), ...)): number}"""
    parser, _ = parsers()
    return {(s.name, tuple(sorted(s.labels.items()))): s.value
            for family in parser.text_string_to_metric_families(get(port)[2]) for s in family.samples}


def value(found, name, **labels):
    return found[(name, tuple(sorted(labels.items())))]


def watched(lab, **kw):
    """(daemon, sink, port of the metrics)"""
    port = lab.free_port()
    kw["config"] = {"metrics.listen": f"127.0.0.1:{port}", **kw.get("config", {})}
    daemon, sink, _ = setup(lab, **kw)
    return daemon, sink, port


def send(lab, daemon, rows):
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")


def documented():
    with open(os.path.join(SOURCE, "docs", "metrics.md"), encoding="utf-8") as f:
        return dict(re.findall(r"^\| `(hayauma_\w+)` \| (\w+) \|", f.read(), re.M))


def test_the_document_is_what_the_table_says(lab):
    with open(os.path.join(SOURCE, "docs", "metrics.md"), encoding="utf-8") as f:
        have = f.read()
    check_eq(lab.run(lab.binary("src/cli/hayauma"), "metrics-doc"), have, "run tools/gen-metrics-docs")


def test_every_documented_metric_is_there_and_no_other(lab):
    parser, _ = parsers()
    _, _, port = watched(lab, config={"submission.listen": [f"127.0.0.1:{lab.free_port()}"],
                                      "submission.trusted": ["127.0.0.0/8"],
                                      "api.listen": [f"127.0.0.1:{lab.free_port()}"], "api.tokens": "",
                                      "tracking.listen": [f"127.0.0.1:{lab.free_port()}"],
                                      "tracking.journal": "1MiB",
                                      "intake.listen": [f"127.0.0.1:{lab.free_port()}"],
                                      "tenants": [{"name": "shop", "number": 1, "from_domains": ["shop.test"]}],
                                      "events.files": [{"name": "all", "dir": lab.path("events")}]})
    families = {f.name + ("_total" if f.type == "counter" else ""): f.type
                for f in parser.text_string_to_metric_families(get(port)[2])}
    check_eq(families, documented(), "families of /metrics and of docs/metrics.md")


def test_prometheus_itself_finds_no_fault_and_open_metrics_is_what_it_says(lab):
    _, strict = parsers()
    _, _, port = watched(lab)
    status, kind, text = get(port)
    check_eq((status, kind.split(";")[0]), (200, "text/plain"))
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30,
                              check=False)
        check_eq((done.returncode, done.stderr), (0, ""), "promtool check metrics")
    _, kind, text = get(port, accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    check(kind.startswith("application/openmetrics-text"), kind)
    check(len(list(strict.text_string_to_metric_families(text))) > 50, "families of OpenMetrics")


def test_what_is_sent_is_counted_once(lab):
    daemon, sink, port = watched(lab)
    send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(300)] +
         [field(f"x{i}", "no-such-domain.test") for i in range(20)])
    c = daemon.wait_campaign("newsletter", timeout=60)
    check_eq((c["delivered"], c["bounced"]), (300, 20))
    m = samples(port)
    check_eq(value(m, "hayauma_recipients_total", state="delivered"), 300)
    check_eq(value(m, "hayauma_recipients_total", state="bounced"), 20)
    check_eq(value(m, "hayauma_attempts_total", provider="default", outcome="delivered", reply="2xx"), 300)
    check_eq(value(m, "hayauma_attempts_total", provider="none", outcome="bounced", reply="dns"), 20)
    check_eq(value(m, "hayauma_phase_seconds_count", phase="reply"), 300)
    check_eq(value(m, "hayauma_phase_seconds_count", phase="message"), 300)
    check_eq(value(m, "hayauma_delivery_delay_seconds_count"), 300)
    check_eq(value(m, "hayauma_provider_message_seconds_count", provider="default"), 300)
    total = sink.stats()["connections"]["total"]
    for phase in ("connect", "banner", "ready"):
        check_eq(value(m, "hayauma_phase_seconds_count", phase=phase), total, phase)
    check_eq(value(m, "hayauma_connects_total"), total)
    check_eq(value(m, "hayauma_campaigns", state="done"), 1)
    check_eq(value(m, "hayauma_queue_recipients", state="fresh"), 0)
    check_eq(value(m, "hayauma_signed_total"), 300)
    check(value(m, "hayauma_commit_seconds_count") > 0, "commits")


def test_what_is_under_way_is_shown_by_site_and_campaign(lab):
    daemon, sink, port = watched(lab, sink_args=["--delay", "dot:300"], shaping=lab.shaping(connections=3),
                                 config={"metrics.sites": 1, "metrics.campaigns": 1})
    send(lab, daemon, [field(f"user{i}", d) for d in ("asagao-mail.test", "kinako.test") for i in range(400)])
    wait_for("messages", lambda: sink.stats()["messages"] > 12)
    m = samples(port)
    sites = {dict(k[1])["site"]: v for k, v in m.items() if k[0] == "hayauma_site_connections"}
    check_eq(len(sites), 2, "one site of its own, and the rest")
    check("other" in sites and sum(sites.values()) == value(m, "hayauma_connections"), str(sites))
    check(value(m, "hayauma_campaign_recipients", campaign="newsletter", state="fresh") > 500, "still fresh")
    check_eq(value(m, "hayauma_campaigns", state="running"), 1)
    check(value(m, "hayauma_messages_in_hand") > 0 and value(m, "hayauma_inflight_slots") > 0, "in hand")


def test_what_is_held_back_and_by_whom_is_shown(lab):
    """A brake, a person, an order, and ready messages that wait behind it."""
    daemon, sink, port = watched(lab, key=False, config={"campaign.pause_sample": 100},
                                 sink_args=["--reply", "rcpt:550:5.1.1 no such user:100%"])
    send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(400)])
    daemon.wait_campaign("newsletter", done=lambda c: c["state"] == "paused" and c["brake"] == "bounces")
    m = samples(port)
    by = {dict(k[1])["by"]: v for k, v in m.items() if k[0] == "hayauma_campaigns_paused"}
    check_eq({k: v for k, v in by.items() if v}, {"bounces": 1})
    check_eq(sum(by.values()), value(m, "hayauma_campaigns", state="paused"))
    daemon.ctl("lane", "hold", "--provider", "default")
    daemon.ctl("send", lab.write("letter.eml", "From: a@hayauma.test\r\nSubject: hi\r\n\r\nhello\r\n"),
               "one@kinako.test", "two@kinako.test")
    wait_for("the held lane", lambda: value(samples(port), "hayauma_lanes_held") > 0)
    m = samples(port)
    check_eq(value(m, "hayauma_message_recipients", priority="transactional", state="fresh"), 2)
    check_eq(value(m, "hayauma_queue_recipients", state="deferred"), 0, "of campaigns")
    wait_for("its age", lambda: value(samples(port), "hayauma_message_oldest_seconds", priority="transactional") > 0)
    daemon.ctl("lane", "slow", "--provider", "default", "--factor", "2")
    wait_for("slowed, too", lambda: value(samples(port), "hayauma_lanes_slowed") > 0)
    for order in daemon.ctl("lane", "list")["orders"]:
        daemon.ctl("lane", "release", str(order["no"]))
    wait_for("nothing waits", lambda: value(samples(port), "hayauma_message_oldest_seconds", priority="transactional") == 0)
    check_eq(value(samples(port), "hayauma_lanes_held"), 0)


def test_health_follows_the_daemon(lab):
    daemon, _, port = watched(lab)
    check_eq(get(port, "/healthz")[::2], (200, "ok\n"))
    check_eq(get(port, "/readyz")[::2], (200, "ok\n"))
    check_eq(get(port, "/nothing")[0], 404)
    daemon.stop()
    with socket.socket() as s:
        check(s.connect_ex(("127.0.0.1", port)) != 0, "somebody still listens")


def test_a_reload_moves_where_metrics_are_and_is_counted(lab):
    daemon, _, port = watched(lab)
    other = lab.free_port()

    def change(old, new):
        with open(daemon.config_path, encoding="utf-8") as f:
            text = f.read()
        with open(daemon.config_path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
    change(f"127.0.0.1:{port}", f"127.0.0.1:{other}")
    daemon.ctl("reload")
    m = samples(other)
    check_eq(value(m, "hayauma_config_reloads_total", result="ok"), 1)
    with socket.socket() as s:
        check(s.connect_ex(("127.0.0.1", port)) != 0, "the old place still answers")
    change(f"127.0.0.1:{other}", "nowhere")
    check_eq(daemon.run("reload").returncode, 1)
    check_eq(value(samples(other), "hayauma_config_reloads_total", result="failed"), 1)


def test_a_taken_port_is_a_warning_and_mail_goes_out(lab):
    with socket.socket() as s:
        port = lab.free_port()
        s.bind(("127.0.0.1", port))
        s.listen()
        daemon, _, _ = setup(lab, config={"metrics.listen": f"127.0.0.1:{port}"})
        check(f"cannot listen on 127.0.0.1:{port}" in daemon.output(), daemon.output())
        send(lab, daemon, [field("user1", "asagao-mail.test")])
        check_eq(daemon.wait_campaign("newsletter")["delivered"], 1)


def test_strangers_who_hold_connections_keep_nobody_from_reading(lab):
    _, _, port = watched(lab)
    held = []
    try:
        for _ in range(20):
            s = socket.create_connection(("127.0.0.1", port))
            s.send(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
            held.append(s)
        check_eq(get(port, "/healthz")[0], 200)
    finally:
        for s in held:
            s.close()


def test_an_open_address_is_warned_about(lab):
    daemon, _, _ = watched(lab)
    path = lab.write("open.yaml", "metrics:\n  listen: 0.0.0.0:9095\npaths:\n  shaping: \"\"\n")
    done = subprocess.run(daemon.command("config", "check", path, "--json"), capture_output=True, text=True, check=False)
    problems = json.loads(done.stdout)["problems"]
    check(any("other machines" in p["text"] and p["warning"] for p in problems), str(problems))


def names_in(text):
    """Metric names of expressions, as in docs/metrics.md: without what a histogram adds."""
    known = documented()
    return {n if n in known else re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(r"\bhayauma_\w+", text)}


def test_the_dashboard_and_the_alerts_use_metrics_that_exist(lab):
    with open(os.path.join(SOURCE, "conf", "grafana", "hayauma.json"), encoding="utf-8") as f:
        board = json.load(f)
    targets = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
    check(len(targets) > 40, "targets of the dashboard")
    with open(os.path.join(SOURCE, "conf", "grafana", "alerts.yaml"), encoding="utf-8") as f:
        alerts = f.read()
    queries = [a["expr"] for a in board["annotations"]["list"]]
    unknown = names_in("\n".join(targets + queries) + alerts) - set(documented())
    check_eq(unknown, set(), "names that docs/metrics.md does not have")
    ids = [p["id"] for p in board["panels"]]
    check_eq(len(ids), len(set(ids)), "ids of panels")


def test_prometheus_takes_every_expression_of_the_dashboard_and_the_alerts(lab):
    if not shutil.which("promtool"):
        raise Skip("promtool is not installed")
    with open(os.path.join(SOURCE, "conf", "grafana", "hayauma.json"), encoding="utf-8") as f:
        board = json.load(f)
    rules = [{"record": f"panel:{p['id']}:{t['refId']}",
              "expr": t["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")}
             for p in board["panels"] for t in p.get("targets", [])]
    path = lab.write("panels.yaml", json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    for name in (path, os.path.join(SOURCE, "conf", "grafana", "alerts.yaml")):
        done = subprocess.run(["promtool", "check", "rules", name], capture_output=True, text=True, timeout=60,
                              check=False)
        check_eq(done.returncode, 0, done.stdout + done.stderr)
