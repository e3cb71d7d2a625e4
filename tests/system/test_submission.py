"""Other applications hand messages in by SMTP: who may, what is refused, and that a 250 holds."""
import base64
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading

import killed
from lab import check, check_eq, wait_for
from test_metrics import samples, value
from test_spool import FROM, SITE, relay_audit, setup as spool_setup, wait_all

PASSWORD = "correct horse"
CONTENT = f"From: App <{FROM}>\r\nTo: x@{SITE}\r\nSubject: Hi\r\n\r\nHello\r\n.dot\r\n"


def certificate(lab):
    cert, key = lab.path("cert.pem"), lab.path("key.pem")
    lab.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    return cert, key


USERS = (("app", "news.hayauma.test"), ("other", "*.example.net"))


def login_line(lab, *login):
    return subprocess.run([lab.binary("src/cli/hayauma"), "password", *login], input=PASSWORD + "\n",
                          capture_output=True, text=True, check=True).stdout


def setup(lab, trusted=False, config=None, logins=USERS, **kw):
    """(daemon, sink, port of STARTTLS, port of TLS, client context)"""
    cert, key = certificate(lab)
    path = lab.write("users", "".join(login_line(lab, *login) for login in logins))
    os.chmod(path, 0o600)
    plain, tls = lab.free_port(), lab.free_port()
    values = {"submission.listen": [f"127.0.0.1:{plain}"], "submission.listen_tls": [f"127.0.0.1:{tls}"],
              "submission.certificate": cert, "submission.private_key": key, "submission.users": path,
              "submission.trusted": ["127.0.0.0/8"] if trusted else [], **(config or {})}
    daemon, sink, _ = spool_setup(lab, config=values, **kw)
    return daemon, sink, plain, tls, ssl.create_default_context(cafile=cert)


def client(port, context=None, user="app", password=PASSWORD):
    s = smtplib.SMTP("localhost" if context else "127.0.0.1", port, timeout=20)
    if context:
        s.starttls(context=context)
        s.login(user, password)
    return s


def refusal(action):
    """The reply code of what smtplib raises."""
    try:
        action()
    except smtplib.SMTPRecipientsRefused as e:
        return next(iter(e.recipients.values()))[0]
    except smtplib.SMTPResponseException as e:
        return e.smtp_code
    return 0


def plain_response(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def test_python_sends_by_starttls_and_by_tls_and_both_arrive_signed(lab):
    daemon, sink, plain, tls, context = setup(lab, capture_every=1)
    with client(plain, context) as s:
        check_eq(s.sendmail(FROM, [f"a@{SITE}", f"b@{SITE}"], CONTENT), {})
        s.sendmail(FROM, [f"c@{SITE}"], CONTENT, mail_options=["RET=HDRS", "ENVID=x1"], rcpt_options=["NOTIFY=NEVER"])
    with smtplib.SMTP_SSL("localhost", tls, context=context, timeout=20) as s:
        s.login("app", PASSWORD)
        s.sendmail(FROM, [f"d@{SITE}"], CONTENT)
    wait_all(daemon, 4)
    check_eq(sorted(sink.delivered()), [f"{u}@{SITE}" for u in "abcd"])
    wait_for("captured mail", lambda: len(sink.captured()) == 3)  # a and b share one
    for path in sink.captured():
        with open(path, "rb") as f:
            mail = f.read()
        check(b"\r\n\tby mx.news.hayauma.test (hayauma) with ESMTPSA id " in mail, mail)
        check(mail.startswith(b"DKIM-Signature:") or b"\r\nDKIM-Signature:" in mail, mail)
        check(mail.endswith(b"\r\n\r\nHello\r\n.dot\r\n"), mail[-40:])
    status = daemon.ctl("status")["submission"]
    check_eq((status["messages"], status["recipients"], status["logins"], status["refused"]), (3, 4, 2, 0))


def test_nobody_gets_in_without_tls_and_password_and_nobody_is_somebody_else(lab):
    daemon, sink, plain, _, context = setup(lab)
    with client(plain) as s:
        check_eq(refusal(lambda: s.sendmail(FROM, [f"a@{SITE}"], CONTENT)), 530, "without TLS")
        s.ehlo()
        check(not s.has_extn("auth"), "AUTH is offered in the clear")
        check_eq(s.docmd("AUTH", "PLAIN AGEAYg==")[0], 538)
    with client(plain) as s:
        s.starttls(context=ssl._create_unverified_context())
        check_eq(refusal(lambda: s.sendmail(FROM, [f"a@{SITE}"], CONTENT)), 530, "without a password")
        s.ehlo()
        for user, password in (("app", "wrong"), ("nobody", PASSWORD)):
            check_eq(s.docmd("AUTH", "PLAIN " + plain_response(user, password))[0], 535, user)
    with client(plain, context, user="other") as s:
        check_eq(refusal(lambda: s.sendmail("x@sub.example.net", [f"a@{SITE}"], CONTENT)), 550, "a From of another")
        mine = CONTENT.replace(FROM, "x@sub.example.net")
        check_eq(refusal(lambda: s.sendmail(FROM, [f"a@{SITE}"], mine)), 550, "a sender of another")
        s.sendmail("x@sub.example.net", [f"mine@{SITE}"], mine)
    wait_all(daemon, 1)
    check_eq(sink.delivered(), [f"mine@{SITE}"])
    check("correct" not in daemon.output(), "a password was logged")


def test_what_is_taken_and_refused_is_counted_for_prometheus(lab):
    metrics = lab.free_port()
    daemon, _, plain, _, context = setup(lab, config={"metrics.listen": f"127.0.0.1:{metrics}", "dkim.required": True})
    with client(plain, context) as s:
        s.sendmail(FROM, [f"a@{SITE}", f"b@{SITE}"], CONTENT)
        check_eq(refusal(lambda: s.sendmail(FROM, [f"a@{SITE}"], CONTENT.replace(FROM, "x@example.net"))), 550, "sender")
        received = "Received: from x by mx.news.hayauma.test; Thu, 1 Jan 2026 00:00:00 +0000\r\n" * 120
        check_eq(refusal(lambda: s.sendmail(FROM, [f"a@{SITE}"], received + CONTENT)), 554, "loop")
    with client(plain, context, user="other") as s:
        mine = CONTENT.replace(FROM, "x@sub.example.net")
        check_eq(refusal(lambda: s.sendmail("x@sub.example.net", [f"a@{SITE}"], mine)), 550, "unsigned")
    with client(plain) as s:
        s.starttls(context=context)
        s.ehlo()
        check_eq(s.docmd("AUTH", "PLAIN " + plain_response("app", "wrong"))[0], 535)
        got = samples(metrics)
        check_eq(value(got, "hayauma_submission_connections"), 1)
    prefix = "hayauma_submission_"
    counts = [value(got, prefix + n) for n in ("connects_total", "messages_total", "recipients_total", "turned_away_total")]
    check_eq(counts, [3, 1, 2, 0], "connects, messages, recipients, turned away")
    check_eq([value(got, prefix + "logins_total", result=r) for r in ("ok", "failed")], [2, 1], "logins")
    refused = {r: value(got, prefix + "refused_total", reason=r)
               for r in ("content", "loop", "sender", "unsigned", "busy", "disk", "closing")}
    check_eq({r: n for r, n in refused.items() if n}, {"loop": 1, "sender": 1, "unsigned": 1}, "refused")
    status = daemon.ctl("status")["submission"]
    check_eq((status["refused"], status["refused_for"]["loop"]), (3, 1))


def test_too_many_failures_are_not_looked_at_any_more(lab):
    daemon, _, plain, _, context = setup(lab)
    codes = []
    for _ in range(9):
        s = client(plain)
        s.starttls(context=context)
        s.ehlo()
        codes += [s.docmd("AUTH", "PLAIN " + plain_response("app", "bad"))[0] for _ in range(3)]
        s.close()
    check_eq(codes[:20], [535] * 20, "so many are looked at")
    check_eq(set(codes[20:]), {454}, "then no more")
    check(daemon.ctl("status")["submission"]["login_failures"] >= 24, "counted")


def test_bare_line_ends_and_injected_commands_are_refused_on_the_wire(lab):
    _, sink, plain, _, _ = setup(lab, trusted=True)

    def talk(*pieces):
        with socket.create_connection(("127.0.0.1", plain), timeout=20) as s:
            s.recv(4096)
            for p in pieces:
                s.sendall(p)
                out = s.recv(4096)
            return out
    begin = (b"EHLO a\r\n", f"MAIL FROM:<{FROM}>\r\n".encode(), f"RCPT TO:<a@{SITE}>\r\n".encode(), b"DATA\r\n")
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r"):
        smuggled = CONTENT.encode() + b"x" + end + f"MAIL FROM:<{FROM}>\r\nRCPT TO:<evil@{SITE}>\r\n".encode() + \
            b"DATA\r\n" + CONTENT.encode() + b"\r\n.\r\n"
        check(talk(*begin, smuggled).startswith(b"554 "), end)
    check(talk(b"EHLO a\nNOOP\r\n").startswith(b"521 "), "a bare LF in a command")
    check(talk(b"EHLO a\r\n", b"STARTTLS\r\nMAIL FROM:<x@y.test>\r\n").startswith(b"554 "), "commands behind STARTTLS")
    check_eq(sink.delivered(), [])


def test_who_sends_on_after_the_last_refusal_still_reads_it(lab):
    _, _, plain, _, context = setup(lab)
    for is_tls in (False, True):
        with socket.create_connection(("127.0.0.1", plain), timeout=20) as raw:
            s = raw
            if is_tls:
                s.recv(4096)
                s.sendall(b"EHLO a\r\n")
                s.recv(4096)
                s.sendall(b"STARTTLS\r\n")
                s.recv(4096)
                s = context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
            s.sendall(b"FOO\r\n" * 20 + b"x" * 300000)  # more than is read before the end
            got = b""
            while more := s.recv(65536):
                got += more
            check(got.endswith(b"421 4.7.0 Too many errors, goodbye\r\n"), (is_tls, got[-80:]))


def test_limits_are_told_and_kept(lab):
    daemon, _, plain, _, _ = setup(lab, trusted=True, config={
        "delivery.max_message_size": "64KiB", "submission.max_recipients": 3, "submission.max_connections": 4})
    with client(plain) as s:
        s.ehlo()
        check_eq(s.esmtp_features["size"], "65536")
        check_eq(refusal(lambda: s.sendmail(FROM, [f"a@{SITE}"], CONTENT + "x" * 70000)), 552)
        many = [f"{i}@{SITE}" for i in range(5)]
        refused = s.sendmail(FROM, many, CONTENT)
        check_eq({c[0] for c in refused.values()}, {452})
        check_eq(len(refused), 2)
    others = [client(plain) for _ in range(4)]
    with socket.create_connection(("127.0.0.1", plain), timeout=20) as s:
        check(s.recv(4096).startswith(b"421 4.7.0 Too many connections"), "the fifth")
    for o in others:
        o.close()
    wait_all(daemon, 3)


def test_curl_and_swaks_hand_in_what_arrives(lab):
    daemon, sink, plain, _, _ = setup(lab)
    letter = lab.write("letter", CONTENT.replace("\r\n", "\n"))
    done = subprocess.run(["curl", "-sS", "--ssl-reqd", "--cacert", lab.path("cert.pem"), "--user", f"app:{PASSWORD}",
                           "--url", f"smtp://localhost:{plain}", "--mail-from", FROM, "--mail-rcpt", f"curl@{SITE}",
                           "--crlf", "--upload-file", letter], capture_output=True, text=True, check=False)
    check_eq(done.returncode, 0, done.stderr)
    n = 1
    if shutil.which("swaks"):
        done = subprocess.run(["swaks", "--server", "localhost", "--port", str(plain), "--tls", "--auth", "LOGIN",
                               "--auth-user", "app", "--auth-password", PASSWORD, "--from", FROM,
                               "--to", f"swaks@{SITE}"], capture_output=True, text=True, check=False)
        check_eq(done.returncode, 0, done.stdout + done.stderr)
        n += 1
    wait_all(daemon, n)
    check_eq(sorted(sink.delivered()), [f"curl@{SITE}", f"swaks@{SITE}"][:n])


def test_reload_takes_new_users_and_a_bad_file_changes_nothing(lab):
    daemon, _, plain, _, context = setup(lab)
    users = lab.path("users")
    with open(users, encoding="utf-8") as f:
        good = f.read()
    lab.write("users", good + "broken\n")
    done = daemon.run("reload")
    check_eq(done.returncode, 1, "a broken line")
    check("users:3" in done.stdout + done.stderr, done.stdout + done.stderr)
    with client(plain, context):
        pass
    lab.write("users", "".join(line for line in good.splitlines(True) if not line.startswith("app")))
    daemon.ctl("reload")
    with client(plain) as s:
        s.starttls(context=context)
        s.ehlo()
        check_eq(s.docmd("AUTH", "PLAIN " + plain_response("app", PASSWORD))[0], 535, "a user that is gone")


def test_kill_9_under_load_keeps_every_250(lab):
    daemon, sink, plain, _, _ = setup(lab, trusted=True, sink_args=["--delay", "dot:5"])

    def load(tags, taken):
        with client(plain) as s:
            for tag in tags:
                s.sendmail(FROM, [f"{tag}@{SITE}"], CONTENT)
                taken(tag)
    daemon, tags = killed.under_load(lab, daemon, load)
    stored = [f"{tag}@{SITE}" for tag in tags]
    wait_for("all to be over", lambda: relay_audit(daemon)["pending"] == 0, timeout=60, every=0.2)
    got, r = sink.delivered(), relay_audit(daemon)
    check_eq(set(stored) - set(got), set(), "answered with 250 and never delivered")
    check(len(got) - len(set(got)) <= r["resent_in_doubt"], f"{len(got)} deliveries, {len(set(got))} recipients, {r}")
    check_eq(r["delivered"], len(set(got)), "accounted for")


def test_a_stop_in_the_middle_of_a_session_says_421_and_loses_nothing(lab):
    daemon, _, plain, _, _ = setup(lab, trusted=True)
    s = client(plain)
    s.sendmail(FROM, [f"a@{SITE}"], CONTENT)
    stopping = threading.Thread(target=daemon.stop)
    stopping.start()
    line = s.sock.makefile("rb").readline()
    check(line.startswith(b"421 4.3.2"), line)
    stopping.join()


def test_proxies_say_who_the_client_is(lab):
    daemon, sink, plain, tls, context = setup(lab, config={"submission.proxies": ["127.0.0.0/8"],
                                                           "submission.trusted": ["192.0.2.0/24"]})

    def connect(port, header):
        s = socket.create_connection(("127.0.0.1", port), timeout=20)
        for piece in header:
            s.sendall(piece)
        return s
    with connect(plain, [b"PROXY TCP4 192.0", b".2.7 127.0.0.1 5 587\r\n"]) as s:
        for line, want in ((None, b"220 "), (b"EHLO a", b"250"), (f"MAIL FROM:<{FROM}>".encode(), b"250 "),
                           (f"RCPT TO:<a@{SITE}>".encode(), b"250 "), (b"DATA", b"354 "),
                           (CONTENT.encode() + b".", b"250 "), (b"QUIT", b"221 ")):
            if line:
                s.sendall(line + b"\r\n")
            got = s.recv(4096)
            check(got.startswith(want), (line, got))
    wait_all(daemon, 1)
    check_eq(daemon.ctl("explain", f"a@{SITE}")["messages"][0]["who"], "192.0.2.7")
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([198, 51, 100, 1, 127, 0, 0, 1, 0, 9, 2, 75])
    with connect(tls, [v2]) as raw, context.wrap_socket(raw, server_hostname="localhost") as s:
        check(s.recv(4096).startswith(b"220 "), "TLS behind a header")
        s.sendall(b"EHLO a\r\n")
        check(b"250-REQUIRETLS\r\n" in s.recv(4096), "offered over TLS")
    for header in (b"EHLO a\r\n", b"PROXY TCP4 a b c d\r\n"):
        with connect(plain, [header]) as s:
            try:
                check_eq(s.recv(4096), b"", f"{header} is no header")
            except ConnectionResetError:
                pass  # what it sent was never read


def test_what_requires_tls_does_not_leave_without(lab):
    daemon, sink, plain, _, context = setup(lab, config={"dsn.gather": "0s"})
    with client(plain, context) as s:
        s.sendmail(FROM, [f"a@{SITE}"], CONTENT, mail_options=["REQUIRETLS"])
        s.sendmail(FROM, [f"b@{SITE}"], CONTENT)
    wait_for("both to be over", lambda: relay_audit(daemon)["bounced"] == 1 and relay_audit(daemon)["delivered"] >= 1)
    attempt = daemon.ctl("explain", f"a@{SITE}")["messages"][0]["attempts"][-1]
    check_eq(attempt["enhanced"], "5.7.10", attempt)
    with client(plain) as s:
        s.ehlo()
        check_eq(s.docmd("MAIL", f"FROM:<{FROM}> REQUIRETLS")[0], 530, "without TLS nothing is taken")
