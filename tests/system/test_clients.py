"""Clients that others wrote hand mail in: GNU SASL with SCRAM, Postfix as a relay, nodemailer."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import smtplib
import ssl
import subprocess

import postfix
from lab import Skip, check, check_eq, wait_for
from test_spool import FROM, SITE, wait_all
from test_submission import CONTENT, PASSWORD, client, login_line, setup

SCRAM = (("--scram", "app", "news.hayauma.test"),)


def gsasl(lab, port, mechanism, *options, user="app", password=PASSWORD, versions="+VERS-ALL"):
    """Whether it was let in."""
    if not shutil.which("gsasl"):
        raise Skip("gsasl is not installed (tools/deps test)")
    done = subprocess.run(
        ["gsasl", "--smtp", f"--connect=localhost:{port}", "--starttls", *options,
         f"--mechanism={mechanism}", f"--x509-ca-file={lab.path('cert.pem')}", f"--priority=NORMAL:-VERS-ALL:{versions}",
         f"--authentication-id={user}", "--authorization-id=", f"--password={password}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    check("Unable to connect" not in done.stderr and "handshake" not in done.stderr, done.stderr)
    return done.returncode == 0


def challenge(port, context, user, mechanism="SCRAM-SHA-256"):
    """What the server answers to the first message of a client: its attributes, or its refusal's code."""
    with smtplib.SMTP("localhost", port, timeout=20) as s:
        s.starttls(context=context)
        s.ehlo()
        first = base64.b64encode(f"n,,n={user},r=abc".encode()).decode()
        code, text = s.docmd("AUTH", f"{mechanism} {first}")
        if code == 334:
            s.docmd("*")
        return dict(a.split("=", 1) for a in base64.b64decode(text).decode().split(",")) if code == 334 else code


def test_gnu_sasl_proves_its_password_with_and_without_the_tls_session(lab):
    daemon, _, plain, _, context = setup(lab, logins=SCRAM)
    with client(plain, context) as s:
        check_eq(s.esmtp_features["auth"].split(), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"])
    for versions, what in (("+VERS-TLS1.3", "tls-exporter"), ("+VERS-TLS1.2", "tls-unique")):
        check(gsasl(lab, plain, "SCRAM-SHA-256-PLUS", versions=versions), what)
    check(gsasl(lab, plain, "SCRAM-SHA-256", "--no-cb"), "without binding")
    check(not gsasl(lab, plain, "SCRAM-SHA-256"), "it could have bound: somebody took PLUS out of the offer")
    check(not gsasl(lab, plain, "SCRAM-SHA-256", "--no-cb", password="wrong"), "a wrong password")
    check(not gsasl(lab, plain, "SCRAM-SHA-256-PLUS", user="nobody"), "an unknown user")
    for mechanism in ("PLAIN", "LOGIN"):
        check(gsasl(lab, plain, mechanism, "--no-cb"), mechanism + " by the same line of the file")
        check(not gsasl(lab, plain, mechanism, "--no-cb", password="wrong"), mechanism)
    status = daemon.ctl("status")["submission"]
    check_eq((status["logins"], status["login_failures"]), (6, 4))


def test_names_that_are_not_there_are_answered_like_others_over_a_restart(lab):
    daemon, _, plain, _, context = setup(lab, logins=SCRAM)
    known, nobody = challenge(plain, context, "app"), challenge(plain, context, "nobody")
    check(known["r"] != nobody["r"] and known["r"].startswith("abc") and len(known["r"]) == len(nobody["r"]), "nonces")
    check_eq((nobody["i"], len(nobody["s"])), (known["i"], len(known["s"])), "iterations and salt")
    check(known["s"] != nobody["s"] != challenge(plain, context, "somebody")["s"], "each has a salt of its own")
    daemon.stop()
    lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    for user, was in (("app", known), ("nobody", nobody)):
        check_eq(challenge(plain, context, user)["s"], was["s"], user)


def test_scram_is_offered_when_every_user_has_a_verifier(lab):
    daemon, _, plain, _, context = setup(lab, logins=(*SCRAM, ("other", "example.net")))
    with client(plain, context, user="other") as s:
        check_eq(s.esmtp_features["auth"].split(), ["PLAIN", "LOGIN"])
    with client(plain, context, user="app"):
        pass
    check_eq(challenge(plain, context, "app"), 504)
    done = daemon.run("reload")
    check("1 of 2 are" in done.stdout + done.stderr, done.stdout + done.stderr)
    lab.write("users", login_line(lab, *SCRAM[0]))
    daemon.ctl("reload")
    check_eq(challenge(plain, context, "app")["i"], "65536")


def test_failures_of_scram_count_like_those_of_plain(lab):
    daemon, _, plain, _, context = setup(lab, logins=SCRAM)
    codes = []
    for _ in range(11):
        with smtplib.SMTP("localhost", plain, timeout=20) as s:
            s.starttls(context=context)
            s.ehlo()
            for _ in range(2):
                _, text = s.docmd("AUTH", "SCRAM-SHA-256 " + base64.b64encode(b"n,,n=app,r=abc").decode())
                nonce = base64.b64decode(text).decode().split(",")[0]
                final = f"c=biws,{nonce},p={base64.b64encode(bytes(32)).decode()}"
                codes.append(s.docmd(base64.b64encode(final.encode()).decode())[0])
    check_eq(codes, [535] * 20 + [454] * 2)
    check_eq(daemon.ctl("status")["submission"]["login_failures"], 22)


def prove(port, context, data, kind="tls-server-end-point"):
    """The last code of an exchange whose proof is bound to `data`; the server's own proof is checked."""
    def encode(b):
        return base64.b64encode(b).decode()

    def mac(key, text):
        return hmac.digest(key, text.encode(), "sha256")
    with smtplib.SMTP("localhost", port, timeout=20) as s:
        s.starttls(context=context)
        s.ehlo()
        head = f"p={kind},,"
        code, text = s.docmd("AUTH", "SCRAM-SHA-256-PLUS " + encode(f"{head}n=app,r=abc".encode()))
        check_eq(code, 334, text)
        first = base64.b64decode(text).decode()
        told = dict(a.split("=", 1) for a in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), base64.b64decode(told["s"]), int(told["i"]))
        key = mac(salted, "Client Key")
        final = f"c={encode(head.encode() + data)},r={told['r']}"
        signed = f"n=app,r=abc,{first},{final}"
        proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), signed)))
        code, text = s.docmd(encode(f"{final},p={encode(proof)}".encode()))
        if code == 334:
            check_eq(base64.b64decode(text).decode(), "v=" + encode(mac(mac(salted, "Server Key"), signed)), "the server's proof")
            code, text = s.docmd("")
        return code


def test_a_proof_is_bound_to_the_certificate_that_the_client_saw(lab):
    _, _, plain, _, context = setup(lab, logins=SCRAM)
    with open(lab.path("cert.pem"), encoding="ascii") as f:
        seen = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).digest()
    check_eq(prove(plain, context, seen), 235, "the certificate that is there")
    check_eq(prove(plain, context, bytes(32)), 535, "another certificate")


def relay(lab, port, mechanism):
    """A Postfix that hands all it gets to us, by TLS with our certificate and a password."""
    why = postfix.available()
    if why:
        raise Skip(why)
    listen = f"127.0.0.1:{lab.free_port()}"
    secrets = lab.write("sasl_passwd", f"[localhost]:{port} app:{PASSWORD}\n")
    os.chmod(lab.path("cert.pem"), 0o644)
    p = postfix.Postfix(lab, "relay", listen, {
        "relayhost": f"[localhost]:{port}", "smtp_tls_security_level": "secure", "smtp_tls_CAfile": lab.path("cert.pem"),
        "smtp_tls_secure_cert_match": "localhost", "smtp_sasl_auth_enable": "yes", "smtp_sasl_tls_security_options": "noanonymous",
        "smtp_sasl_password_maps": f"texthash:{secrets}", "smtp_sasl_mechanism_filter": mechanism,
        "smtp_host_lookup": "native", "disable_dns_lookups": "yes", "lmtp_dns_support_level": "disabled"})
    return p, listen


def test_postfix_relays_through_us_with_starttls_and_a_password(lab):
    daemon, sink, plain, _, _ = setup(lab, logins=SCRAM, capture_every=1)
    p, listen = relay(lab, plain, "SCRAM-SHA-256")
    many = [f"{i}@{SITE}" for i in range(5)]
    with smtplib.SMTP(*listen.split(":"), timeout=20) as s:
        s.sendmail(FROM, many, CONTENT, mail_options=["RET=HDRS", "ENVID=from-postfix"])
        s.sendmail(FROM, [f"utf8@{SITE}"], CONTENT.replace("Hello", "こんにちは").encode(), mail_options=["BODY=8BITMIME"])
    wait_for("both to be ours", lambda: daemon.ctl("status")["submission"]["messages"] == 2)
    wait_all(daemon, 6)
    check_eq(sorted(sink.delivered()), sorted([*many, f"utf8@{SITE}"]))
    wait_for("Postfix to be done", p.queue_empty)
    check("status=sent (250 2.0.0 Stored as " in p.log(), p.log())
    check_eq(daemon.ctl("status")["submission"]["logins"] > 0, True, "it logged in")
    for path in sink.captured():
        with open(path, "rb") as f:
            check(b"with ESMTPSA id " in f.read(), "by a password over TLS")


def test_postfix_hears_why_we_take_nothing_for_another_domain(lab):
    _, sink, plain, _, _ = setup(lab)
    p, listen = relay(lab, plain, "PLAIN, LOGIN")
    with smtplib.SMTP(*listen.split(":"), timeout=20) as s:
        s.sendmail("x@example.org", [f"a@{SITE}"], CONTENT.replace(FROM, "x@example.org"))
    wait_for("the refusal", lambda: "550 5.7.1 You may not send for this domain" in p.log())
    check_eq(sink.delivered(), [])


NODEMAILER = """
const [port, tls, ca] = process.argv.slice(2);
const transport = require('nodemailer').createTransport({
  host: 'localhost', port: Number(port), secure: tls === 'tls', requireTLS: true, pool: true, maxConnections: 3,
  auth: {user: 'app', pass: '%s'}, tls: {ca: require('fs').readFileSync(ca)},
});
const mail = i => transport.sendMail({
  from: {name: '\\u5c71\\u7530', address: '%s'}, to: `n${i}@%s`, bcc: `b${i}@%s`, subject: '\\u4ef6\\u540d ' + i,
  text: '.\\n\\u672c\\u6587\\n', html: '<p>\\u672c\\u6587</p>', attachments: [{filename: 'a.bin', content: Buffer.alloc(100000, 255)}],
  dsn: {id: 'node-' + i, return: 'headers', notify: 'never', recipient: 'x@%s'},
});
Promise.all([...Array(8).keys()].map(mail)).then(
  all => { console.log(JSON.stringify(all.map(x => x.response))); transport.close(); },
  error => { console.error(error); process.exit(1); });
"""


def test_nodemailer_sends_over_both_ports(lab):
    node = shutil.which("node") or shutil.which("nodejs")
    env = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}
    if not node or subprocess.run([node, "-e", "require('nodemailer')"], env=env, capture_output=True, check=False).returncode:
        raise Skip("nodemailer is not installed (tools/deps test)")
    daemon, sink, plain, tls, _ = setup(lab, capture_every=1)
    script = lab.write("send.js", NODEMAILER % (PASSWORD, FROM, SITE, SITE, SITE))
    for i, (port, how) in enumerate(((plain, "starttls"), (tls, "tls"))):
        done = subprocess.run([node, script, str(port), how, lab.path("cert.pem")], env=env, capture_output=True, text=True,
                              check=False, timeout=120)
        check_eq(done.returncode, 0, done.stdout + done.stderr)
        replies = json.loads(done.stdout)
        check(len(replies) == 8 and all(r.startswith("250 2.0.0 Stored as ") for r in replies), replies)
        wait_all(daemon, 16 * (i + 1))
    check_eq(len(sink.delivered()), 32)
    for path in sink.captured():
        with open(path, "rb") as f:
            check(b"\r\nBcc:" not in f.read(), "Bcc is gone")
