"""What a source asks of TLS, and how it shows who it is: against a real Postfix."""
import email
import os
import subprocess

import newsletter
import postfix
from lab import CommandError, Skip, check, check_eq, wait_for
from test_campaign import csv, field
from tls_lab import Pki

A, B = "127.0.0.11", "127.0.0.12"
ZONE = "postfix.test. MX 10 mx.postfix.test.\nmx.postfix.test. A 127.0.2.1"
DOMAIN = "postfix.test"


def rig(lab, sources, settings):
    """(daemon, Postfix, world)"""
    why = postfix.available()
    if why:
        raise Skip(why)
    world = lab.world(zone_lines=ZONE)
    lab.nsd(world)
    cert, key = postfix.self_signed(lab, "mx.postfix.test")
    server = postfix.receiver(lab, "postfix", f"127.0.2.1:{world.smtp_port}", {
        "smtpd_tls_cert_file": cert, "smtpd_tls_key_file": key, "smtpd_tls_security_level": "may",
        "smtpd_tls_received_header": "yes", **settings})
    daemon = lab.daemon(world, config={"paths.shaping": lab.shaping(), "delivery.sources": sources})
    return daemon, server, world


def send(lab, daemon, n):
    daemon.import_leads(csv(lab, [field(f"user{i}", DOMAIN) for i in range(n)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")


def headers(server, n):
    """The Received field that Postfix wrote, of each message."""
    out = []
    for path in postfix.wait_received(server, n):
        with open(path, "rb") as f:
            out.append(" ".join(email.message_from_binary_file(f).get_all("Received")[0].split()))
    return out


def private(path):
    os.chmod(path, 0o600)
    return path


def test_a_source_shows_its_certificate_to_a_postfix_that_asks_and_others_show_none(lab):
    pki = Pki(lab)
    cert, key = pki.issue("out-a", "out-a.news.hayauma.test")
    sources = [{"name": "a", "address": A, "tls_certificate": cert, "tls_key": private(key), "tls": "required"},
               {"name": "b", "address": B}]
    daemon, server, world = rig(lab, sources, {"smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": pki.ca})
    send(lab, daemon, 40)
    lines = headers(server, 40)
    of_a, of_b = ([h for h in lines if f"[{ip}]" in h] for ip in (A, B))
    check(len(of_a) > 5 and len(of_b) > 5 and len(of_a) + len(of_b) == 40, f"{len(of_a)} {len(of_b)}")
    for h in of_a:
        check('Client CN "out-a.news.hayauma.test", Issuer "Lab CA" (verified OK)' in h, h)
    for h in of_b:
        check("No client certificate requested" not in h and "Client did not present a certificate" in h, h)
    both = lab.write("both.pem", open(cert, encoding="utf-8").read() + open(key, encoding="utf-8").read())
    os.chmod(both, 0o644)
    for values, why in (({"tls_certificate": both}, "can be read by everybody"),
                        ({"tls_certificate": cert, "tls_key": private(pki.issue("b", "b.test")[1])},
                         "does not belong to the certificate"),
                        ({"tls_certificate": lab.path("none"), "tls_key": key}, "cannot be read")):
        lab.daemon_config(world, config={"paths.shaping": lab.path("shaping.yaml"),
                                         "delivery.sources": [{"name": "a", "address": A, **values}]})
        try:
            daemon.ctl("reload")
        except CommandError as e:
            check(why in e.output and "source a" in e.output, e.output)
        else:
            raise AssertionError(f"{values} was taken")


def test_a_source_that_wants_the_newest_tls_leaves_older_servers_to_others(lab):
    sources = [{"name": "a", "address": A, "tls": "required", "tls_version": "1.3"}, {"name": "b", "address": B}]
    daemon, server, _ = rig(lab, sources, {"smtpd_tls_protocols": "TLSv1.2", "smtpd_tls_mandatory_protocols": "TLSv1.2"})
    send(lab, daemon, 40)
    wait_for("those of b", lambda: len(postfix.received(server)) > 5)
    attempts = wait_for("a to have said why not", lambda: [
        a for i in range(40) for m in daemon.ctl("explain", f"user{i}@{DOMAIN}")["messages"] for a in m["attempts"]
        if a["source"] == "a"])
    check_eq({a["outcome"] for a in attempts}, {"deferred"}, str(attempts[0]))
    check("TLS" in attempts[0]["text"], str(attempts[0]))
    for h in headers(server, 5):
        check(f"[{B}]" in h and "using TLSv1.2" in h, h)


def config_check(lab, path):
    return subprocess.run([lab.binary("src/cli/hayauma"), "config", "check", path], capture_output=True, text=True,
                          check=False).stderr


def test_config_check_tells_what_a_source_says_of_tls_in_vain(lab):
    path = lab.write("odd.yaml", "delivery:\n  sources:\n    - {name: a, address: 192.0.2.1, tls_key: /k}\n"
                                 "    - {name: b, address: 192.0.2.2, tls_version: \"1.3\"}\n")
    done = config_check(lab, path)
    check("odd.yaml:3:46: error: tls_key: needs tls_certificate" in done, done)
    check("odd.yaml:4:50: warning: tls_version: servers without that version get mail in the clear" in done, done)
