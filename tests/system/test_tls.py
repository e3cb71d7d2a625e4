"""TLS policy on outgoing mail: MTA-STS and DANE against real name servers, a validating resolver, an HTTPS server and
receiving servers with good, bad and no certificates."""
import time
import types

import newsletter
from lab import check, check_eq, tail, wait_for
from test_attempt_log import lines
from tls_lab import Dns, Pki, PolicyServer, ZONE, policy


def sinks(lab, kinds):
    """{"good": (certificate, key) or None}: a sink each, on an address of its own; {name: (address, sink)}, port."""
    port, out = lab.free_port(), {}
    for i, (name, pair) in enumerate(kinds.items()):
        address = f"127.0.4.{i + 1}"
        extra = ["--listen", f"{address}:{port}"]
        extra += ["--tls", "on", "--tls-cert", pair[0], "--tls-key", pair[1]] if pair else []
        out[name] = (address, lab.sink(name=f"sink-{name}", record=True, extra=extra))
    return out, port


def daemon(lab, dns, port, pki, sts_port=443, config=None):
    world = types.SimpleNamespace(dns_port=dns.port, smtp_port=port)
    return lab.daemon(world, config={"paths.shaping": lab.shaping(expire="60s"), "dns.validation_probe": ZONE,
                                     "tls.ca_file": pki.ca, "tls.mta_sts_port": sts_port, **(config or {})})


def send(lab, d, domains, name="newsletter"):
    """One message to each domain; {domain: its first attempt}, once each has been tried."""
    rows = [f"user@{x},someone,x,1" for x in domains]
    d.import_leads(lab.write(f"{name}.csv", "\r\n".join(["email,name,prefecture,points", *rows]) + "\r\n"), name)
    d.ctl("campaign", "create", newsletter.campaign_file(lab, name, lists=name))
    d.ctl("campaign", "start", name)
    tried = {}

    def look():
        for x in domains:
            for m in d.ctl("explain", f"user@{x}")["messages"]:
                if m["name"] == name and m["attempts"]:
                    tried[x] = m["attempts"][0]
        return len(tried) == len(domains)
    wait_for(f"an attempt for each of {len(domains)} domains (have {sorted(tried)})", look, 60.0)
    d.run("campaign", "cancel", name)  # refused when it is done already
    return tried


def expect(tried, domain, outcome, tls_policy=None, tls_check=None, text=None, tls=True):
    a = tried[domain]
    check_eq(a["outcome"], outcome, f"{domain}: {a}")
    if tls_policy is not None:
        check_eq(a["tls_policy"], tls_policy, f"{domain}: {a}")
    if tls_check is not None:
        check_eq(a["tls_check"], tls_check, f"{domain}: {a}")
    if text:
        check(text in a["text"], f"{domain}: '{text}' in {a}")
    if outcome == "delivered":
        check_eq(a["tls"] != "", tls, f"{domain}: encrypted: {a}")


def failures(d, domain):
    """{result type: sessions} of today's report."""
    report = d.ctl("tls", "report", "--domain", domain)
    out = {}
    for p in report["policies"]:
        for f in p.get("failure-details", []):
            out[f["result-type"]] = out.get(f["result-type"], 0) + f["failed-session-count"]
    return out, report


STS = {  # domain: (MX host, what the policy server says)
    "good": ("mx-good", policy("enforce", "mx-good.plain.test")),
    "wildcard": ("mx-good", policy("enforce", "*.plain.test")),
    "othername": ("mx-other", policy("enforce", "mx-other.plain.test")),
    "expired": ("mx-expired", policy("enforce", "mx-expired.plain.test")),
    "stripped": ("mx-bare", policy("enforce", "mx-bare.plain.test")),
    "unnamed": ("mx-good", policy("enforce", "mx.elsewhere.test")),
    "testing": ("mx-expired", policy("testing", "mx-expired.plain.test")),
    "testbare": ("mx-bare", policy("testing", "mx-bare.plain.test")),
    "none": ("mx-expired", policy("none")),
    "redirect": ("mx-expired", (302, "text/plain", "")),
    "html": ("mx-expired", (200, "text/html", policy("enforce", "mx-good.plain.test")[2])),
    "nopolicy": ("mx-other", None),
}


def test_mta_sts_is_obeyed_and_remembered(lab):
    pki = Pki(lab)
    receivers, port = sinks(lab, {"good": pki.issue("good", "mx-good.plain.test"),
                                  "other": pki.issue("other", "elsewhere.test"),
                                  "expired": pki.issue("expired", "mx-expired.plain.test", days=-1), "bare": None})
    server = PolicyServer(lab, *pki.issue("policy", *[f"mta-sts.{x}.plain.test" for x in STS]))
    try:
        lines = [f"mx-{name} A {address}" for name, (address, _) in receivers.items()]
        for x, (mx, served) in STS.items():
            lines.append(f"{x} MX 10 {mx}")
            if served:
                lines += [f'_mta-sts.{x} TXT "v=STSv1; id=1;"', f"mta-sts.{x} A 127.0.0.1"]
                server.policies[f"mta-sts.{x}.plain.test"] = served
        dns = Dns(lab, "@ A 127.0.0.1", "\n".join(lines))
        d = daemon(lab, dns, port, pki, server.port)
        tried = send(lab, d, [f"{x}.plain.test" for x in STS])
        expect(tried, "good.plain.test", "delivered", "mta-sts enforce", "verified")
        check_eq(tried["good.plain.test"]["tls_name"], "mx-good.plain.test")
        expect(tried, "wildcard.plain.test", "delivered", "mta-sts enforce", "verified")
        expect(tried, "othername.plain.test", "deferred", text="ostname mismatch")
        expect(tried, "expired.plain.test", "deferred", text="expired")
        expect(tried, "stripped.plain.test", "deferred", text="does not offer STARTTLS")
        expect(tried, "unnamed.plain.test", "deferred", text="names none of its MX hosts")
        expect(tried, "testing.plain.test", "delivered", "mta-sts testing", "certificate not valid now")
        expect(tried, "testbare.plain.test", "delivered", "mta-sts testing", tls=False)
        for x in ("none", "redirect", "html", "nopolicy"):
            expect(tried, f"{x}.plain.test", "delivered", "opportunistic", "")
        check_eq(receivers["bare"][1].delivered(), ["user@testbare.plain.test"], "what came in the clear")
        check(all(path == "/.well-known/mta-sts.txt" for _, path in server.fetches), f"{server.fetches}")

        shown = d.ctl("tls", "policy", "testing.plain.test")
        check_eq((shown["mta_sts"]["mode"], shown["mta_sts"]["id"]), ("testing", "1"))
        check_eq([h["demand"] for h in shown["hosts"]], ["mta-sts testing"])
        check_eq(d.ctl("tls", "policy", "redirect.plain.test")["mta_sts"]["fault"], "sts-policy-fetch-error")
        check("MTA-STS" in d.run("tls", "policy", "good.plain.test").stdout, "the text for people")

        # A restart, and the policy server is gone: what was learned still counts, for both kinds.
        server.stop()
        d.stop()
        d = daemon(lab, dns, port, pki, server.port)
        tried = send(lab, d, ["good.plain.test", "othername.plain.test"], "again")
        expect(tried, "good.plain.test", "delivered", "mta-sts enforce", "verified")
        expect(tried, "othername.plain.test", "deferred", text="ostname mismatch")
        for domain, kind in (("othername", "certificate-host-mismatch"), ("expired", "certificate-expired"),
                             ("stripped", "starttls-not-supported"), ("testing", "certificate-expired"),
                             ("unnamed", "validation-failure"), ("redirect", "sts-policy-fetch-error"),
                             ("html", "sts-policy-invalid")):
            got, report = failures(d, f"{domain}.plain.test")
            check(got.get(kind, 0) >= 1, f"{domain}: {kind} in {report}")
        _, report = failures(d, "good.plain.test")
        first = report["policies"][0]
        check_eq(first["policy"]["policy-type"], "sts")
        check_eq(first["policy"]["mx-host"], ["mx-good.plain.test"])
        check("mode: enforce" in first["policy"]["policy-string"], f"{first}")
        check(first["summary"]["total-successful-session-count"] >= 1, f"{first}")
    finally:
        server.stop() if server.thread.is_alive() else None


def test_what_is_demanded_of_tls_does_not_multiply_the_limits_of_a_site(lab):
    """Three domains on one MX host, three demands, three lanes: one connection in all, which they have in turn, and one
    message rate. A fourth, whose policy the host does not meet, keeps nobody else waiting."""
    pki = Pki(lab)
    receivers, port = sinks(lab, {"one": pki.issue("one", "mx-one.plain.test")})
    policies = {"enforce": policy("enforce", "mx-one.plain.test"), "testing": policy("testing", "mx-one.plain.test"),
                "broken": policy("enforce", "mx.elsewhere.test")}
    names = [*policies, "none"]
    server = PolicyServer(lab, *pki.issue("policy", *[f"mta-sts.{x}.plain.test" for x in policies]))
    try:
        lines = [f"mx-one A {receivers['one'][0]}"] + [f"{x} MX 10 mx-one" for x in names]
        for x, served in policies.items():
            lines += [f'_mta-sts.{x} TXT "v=STSv1; id=1;"', f"mta-sts.{x} A 127.0.0.1"]
            server.policies[f"mta-sts.{x}.plain.test"] = served
        dns = Dns(lab, "@ A 127.0.0.1", "\n".join(lines))
        rules = "rules:\n  - name: one\n    mx: [mx-one.plain.test]\n    connections: 1\n    message_rate: 40/s\n"
        d = daemon(lab, dns, port, pki, server.port,
                   config={"paths.shaping": [lab.shaping(expire="60s"), lab.write("one.yaml", rules)]})
        rows = [f"user{i}@{x}.plain.test,someone,x,1" for i in range(80) for x in names]
        d.import_leads(lab.write("many.csv", "\r\n".join(["email,name,prefecture,points", *rows]) + "\r\n"), "many")
        d.ctl("campaign", "create", newsletter.campaign_file(lab, "many", lists="many"))
        sink, began = receivers["one"][1], time.monotonic()
        d.ctl("campaign", "start", "many")
        wait_for("three of four", lambda: len(sink.delivered()) == 240, 90.0)
        took = time.monotonic() - began
        check(took > 240 / 40 * 0.7, f"240 messages at 40/s in {took:.1f} s")
        check_eq(sink.stats()["connections"]["max_open"], 1, "connections at once")
        lanes = [x for x in d.ctl("sites")["sites"] if x["delivered"]]
        check_eq([x["delivered"] for x in lanes], [80, 80, 80], "a lane each")
        check_eq(sum(r.endswith("@broken.plain.test") for r in sink.delivered()), 0)
    finally:
        server.stop()


def dane_zone(pki, receivers, certificates):
    lines = ["@ A 127.0.0.1"]
    good, wrong = pki.tlsa(certificates["good"][0]), pki.tlsa(certificates["other"][0])
    port = receivers["port"]

    def domain(name, sink, records):
        lines.append(f"{name} MX 10 mx-{name}")
        lines.append(f"mx-{name} A {receivers[sink][0]}")
        lines.extend(f"_{port}._tcp.mx-{name} TLSA {r}" for r in records)
    domain("match", "good", [good])
    domain("rollover", "good", [wrong, good])
    domain("mismatch", "good", [wrong])
    domain("unusable", "good", ["1 1 1 " + good.split()[-1]])
    domain("stripped", "bare", [good])
    domain("anybare", "bare", ["0 0 1 " + good.split()[-1]])
    domain("bogus", "good", [good])
    domain("nothing", "good", [])
    lines.append("alias MX 10 mx-alias\nmx-alias CNAME mx-match")
    return "\n".join(lines)


DANE = ["match", "rollover", "mismatch", "unusable", "stripped", "anybare", "bogus", "nothing", "alias"]


def dane(lab, validates):
    pki = Pki(lab)
    certificates = {"good": pki.issue("good", "a-name-that-does-not-count.test"), "other": pki.issue("other", "x.test")}
    receivers, port = sinks(lab, {"good": certificates["good"], "bare": None})
    receivers["port"] = port
    zone = dane_zone(pki, receivers, certificates)
    insecure = f"insecure MX 10 mx-mismatch.{ZONE}."
    dns = Dns(lab, zone, insecure, broken_names=[f"_{port}._tcp.mx-bogus.{ZONE}"], validates=validates)
    d = daemon(lab, dns, port, pki, config={"log.attempts": lab.path("attempts.log")})
    return d, send(lab, d, [f"{x}.{ZONE}" for x in DANE] + ["insecure.plain.test"]), receivers


def test_dane_is_obeyed_where_the_resolver_validates(lab):
    d, tried, receivers = dane(lab, validates=True)
    for x in ("match", "rollover", "alias"):
        expect(tried, f"{x}.{ZONE}", "delivered", "dane", "verified")
    check_eq(tried[f"alias.{ZONE}"]["tls_name"], f"mx-match.{ZONE}", "the name that the CNAME leads to")
    expect(tried, f"mismatch.{ZONE}", "deferred", text="DANE does not take the certificate")
    expect(tried, f"unusable.{ZONE}", "delivered", "dane (tls only)", "")
    expect(tried, f"stripped.{ZONE}", "deferred", text="does not offer STARTTLS")
    expect(tried, f"anybare.{ZONE}", "deferred", text="does not offer STARTTLS")
    expect(tried, f"bogus.{ZONE}", "deferred", text="TLSA records")
    expect(tried, f"nothing.{ZONE}", "delivered", "opportunistic", "")
    expect(tried, "insecure.plain.test", "delivered", "opportunistic", "")
    check_eq(receivers["bare"][1].delivered(), [], "what came in the clear")
    shown = d.ctl("tls", "policy", f"match.{ZONE}")
    check_eq((shown["dane"], shown["dnssec"], shown["hosts"][0]["demand"]), (True, True, "dane"))
    check_eq(len(shown["hosts"][0]["tlsa"]), 1)
    d.stop()
    check("DANE is on" in tail(d.log, 10000), "the log says so")
    logged = {x["domain"]: x for x in lines(lab.path("attempts.log")) if x["attempt"] == 1}
    for name, a in tried.items():
        for key in ("tls_policy", "tls_check"):
            check_eq(logged[name].get(key, ""), a[key], f"{name}: {key} in the attempt log and in the store's")


def test_dane_is_off_where_the_resolver_does_not_validate(lab):
    d, tried, _ = dane(lab, validates=False)
    for x in DANE:
        expect(tried, f"{x}.{ZONE}", "delivered", "opportunistic", "", tls=x not in ("stripped", "anybare"))
    shown = d.ctl("tls", "policy", f"mismatch.{ZONE}")
    check_eq((shown["dane"], shown["hosts"][0]["demand"]), (False, "none"))
    check("does not validate" in shown["dane_off"], f"{shown}")
    d.stop()
    check("DANE is off" in tail(d.log, 10000), "the log says so")
