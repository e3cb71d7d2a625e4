"""The sink and the make-believe internet behave as their scripts say: every other test stands on it."""
import os
import smtplib
import socket
import ssl
import time

from lab import check, check_eq, wait_for

MESSAGE = "From: a@b.test\r\nTo: c@d.test\r\nMessage-ID: <{}@b.test>\r\n\r\n.dot at the start\r\nbody\r\n"


def attempt(address, port, rcpt, message_id="m1"):
    """(code, text) of the first refusal, else of the reply to the message."""
    with smtplib.SMTP(address, port, timeout=10) as s:
        s.ehlo("test")
        s.mail("a@b.test")
        code, text = s.rcpt(rcpt)
        if code != 250:
            return code, text.decode()
        code, text = s.data(MESSAGE.format(message_id))
        return code, text.decode()


def test_it_records_the_dot_and_the_reply_of_every_message_and_stores_what_came(lab):
    port = lab.free_port()
    sink = lab.sink(record=True, capture_every=1, extra=["--listen", f"127.0.1.1:{port}"])
    check_eq(attempt("127.0.1.1", port, "c@d.test", "first")[0], 250)
    check_eq(attempt("127.0.1.1", port, '"x>y"@d.test', "second")[0], 250)
    check_eq(sink.record(), [("dot", 250, "c@d.test", "<first@b.test>"), ("sent", 250, "c@d.test", "<first@b.test>"),
                             ("dot", 250, '"x>y"@d.test', "<second@b.test>"),
                             ("sent", 250, '"x>y"@d.test', "<second@b.test>")])
    with open(sink.captured()[0], "rb") as f:
        check_eq(f.read().decode(), MESSAGE.format("first"), "the stored message, without stuffed dots")
    stats = sink.stats()
    check_eq(stats["messages"], 2)
    check_eq(stats["domains"], {"d.test": {"rcpt": 2, "refused": 0, "messages": 2}})


def test_it_stamps_when_messages_to_certain_recipients_came(lab):
    port, path = lab.free_port(), lab.path("stamps")
    lab.sink(extra=["--listen", f"127.0.1.1:{port}", "--stamp", f"wait-:{path}"])
    before = time.monotonic()
    for rcpt in ("a@d.test", "wait-1@d.test", "nowait-1@d.test", "WAIT-2@d.test"):
        check_eq(attempt("127.0.1.1", port, rcpt)[0], 250)
    wait_for("the stamps", lambda: os.path.exists(path) and open(path, encoding="ascii").read().count("\n") == 2)
    with open(path, encoding="ascii") as f:
        found = [line.split() for line in f]
    check_eq([rcpt for _, rcpt in found], ["wait-1@d.test", "WAIT-2@d.test"])
    times = [int(us) / 1e6 for us, _ in found]
    check(before <= times[0] <= times[1] <= time.monotonic(), f"{times} are not of the monotonic clock")


def test_scripted_replies_come_by_domain_and_by_share(lab):
    port = lab.free_port()
    sink = lab.sink(extra=["--listen", f"127.0.1.1:{port}",
                           "--reply", "domain=half.test,rcpt:550:5.1.1 nobody: really:50%u",
                           "--reply", "domain=later.test,dot:451:4.3.0 later",
                           "--reply", "domain=gone.test,data:close"])
    got = [attempt("127.0.1.1", port, f"user{i}@half.test")[0] for i in range(100)]
    again = [attempt("127.0.1.1", port, f"user{i}@half.test")[0] for i in range(100)]
    check_eq(got, again, "a share of users is the same users again")
    check(30 <= got.count(550) <= 70, f"{got.count(550)} of 100 refused where half was asked for")
    check_eq(attempt("127.0.1.1", port, "x@half2.test")[0], 250, "another domain")
    check_eq(attempt("127.0.1.1", port, "x@later.test"), (451, "4.3.0 later"))
    try:
        attempt("127.0.1.1", port, "x@gone.test")
        check(False, "the connection should have been closed at DATA")
    except smtplib.SMTPServerDisconnected:
        pass
    check_eq(sink.stats()["domains"]["half.test"]["refused"], got.count(550) * 2)


def test_greylisting_refuses_the_first_attempt_of_each_recipient(lab):
    port = lab.free_port()
    lab.sink(extra=["--listen", f"127.0.1.1:{port}", "--greylist", "grey.test:0.3"])
    check_eq(attempt("127.0.1.1", port, "a@grey.test")[0], 450)
    check_eq(attempt("127.0.1.1", port, "a@grey.test")[0], 450, "too early")
    time.sleep(0.35)
    check_eq(attempt("127.0.1.1", port, "a@grey.test")[0], 250)
    check_eq(attempt("127.0.1.1", port, "b@grey.test")[0], 450, "another recipient")


def test_delays_hold_each_reply_and_rtt_each_batch(lab):
    ports = lab.free_port(), lab.free_port()
    lab.sink(name="slow", extra=["--listen", f"127.0.1.1:{ports[0]}", "--delay", "rcpt:100", "--delay", "connect:50"])
    lab.sink(name="far", extra=["--listen", f"127.0.1.1:{ports[1]}", "--rtt", "100"])
    pipelined = b"EHLO t\r\nMAIL FROM:<a@b.test>\r\n" + b"RCPT TO:<c@d.test>\r\n" * 3 + b"QUIT\r\n"
    took = []
    for port in ports:
        start = time.monotonic()
        with socket.create_connection(("127.0.1.1", port), 10) as s:
            s.sendall(pipelined)
            got = b""
            while chunk := s.recv(65536):
                got += chunk
        took.append(time.monotonic() - start)
        check(b"\r\n221 " in got and got.count(b"250 2.1.5") == 3, got)
    check(0.34 <= took[0] < 0.9, f"three delayed replies and a delayed banner took {took[0]:.3f} s")
    check(0.1 <= took[1] < 0.5, f"one batch behind the banner took {took[1]:.3f} s")


def test_the_limit_of_connections_gives_421(lab):
    port = lab.free_port()
    sink = lab.sink(extra=["--listen", f"127.0.1.1:{port}", "--max-conns", "2", "--max-messages", "1"])
    first, second = smtplib.SMTP("127.0.1.1", port), smtplib.SMTP("127.0.1.1", port)
    try:
        smtplib.SMTP("127.0.1.1", port)
        check(False, "the third connection was let in")
    except smtplib.SMTPConnectError as e:
        check_eq(e.smtp_code, 421)
    first.ehlo("t")
    first.sendmail("a@b.test", ["c@d.test"], MESSAGE.format("1"))
    check_eq(first.docmd("MAIL FROM:<a@b.test>")[0], 421, "a second message on the connection")
    second.quit()
    wait_for("both to be gone", lambda: sink.stats()["connections"]["open"] == 0)
    check_eq(sink.stats()["connections"]["refused"], 1)


def tls_session(port, context, old=None):
    """A TLS connection that said NOOP, by which time the tickets of TLS 1.3 have come."""
    with socket.create_connection(("127.0.1.1", port), 10) as s:
        s.recv(1000)
        s.sendall(b"STARTTLS\r\n")
        s.recv(1000)
        with context.wrap_socket(s, session=old.session if old else None) as tls:
            tls.sendall(b"NOOP\r\n")
            check(tls.recv(1000).startswith(b"250"), "NOOP inside TLS")
            return Session(tls.session, tls.session_reused)


class Session:
    def __init__(self, session, session_reused):
        self.session, self.session_reused = session, session_reused


def test_starttls_works_resumes_and_breaks_to_order(lab):
    ports = [lab.free_port() for _ in range(3)]
    sink = lab.sink(extra=["--listen", f"127.0.1.1:{ports[0]}", "--tls", "on"])
    lab.sink(name="garbage", extra=["--listen", f"127.0.1.1:{ports[1]}", "--tls", "garbage"])
    lab.sink(name="old", extra=["--listen", f"127.0.1.1:{ports[2]}", "--tls", "on", "--tls-version", "1.2"])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    versions = []
    for port in (ports[0], ports[2]):
        with smtplib.SMTP("127.0.1.1", port, timeout=10) as s:
            s.starttls(context=context)
            versions.append(s.sock.version())
            check("starttls" not in (s.ehlo("t")[1].decode().lower()), "STARTTLS offered inside TLS")
            s.sendmail("a@b.test", ["c@d.test"], MESSAGE.format("tls"))
    check_eq(versions, ["TLSv1.3", "TLSv1.2"])
    with smtplib.SMTP("127.0.1.1", ports[1], timeout=10) as s:
        try:
            s.starttls(context=context)
            check(False, "a handshake with garbage succeeded")
        except (ssl.SSLError, smtplib.SMTPException, OSError):
            s.close()
    session = tls_session(ports[0], context)
    check(tls_session(ports[0], context, session).session_reused, "the session was not taken up again")
    tls = sink.stats()["tls"]
    check_eq((tls["started"], tls["resumed"], tls["failed"]), (3, 1, 0))


def test_it_takes_a_message_byte_by_byte_and_in_chunks(lab):
    port = lab.free_port()
    sink = lab.sink(capture_every=1, extra=["--listen", f"127.0.1.1:{port}"])
    body = b"..one\r\n.\r\r\nx\r\n.\n..\r\n"  # nothing of this ends it; no line starts after a bare LF
    text = (b"EHLO t\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n" + body + b".\r\nMAIL FROM:<a@b.test>\r\n"
            b"RCPT TO:<c@d.test>\r\nBDAT 6\r\nhello\nBDAT 0 LAST\r\nQUIT\r\n")
    with socket.create_connection(("127.0.1.1", port), 10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(text)):
            s.send(text[i:i + 1])
        got = b""
        while chunk := s.recv(65536):
            got += chunk
    check_eq(got.count(b"250 2.0.0 ok: accepted"), 2, got)
    messages = [open(p, "rb").read() for p in sink.captured()]
    check_eq(messages, [b".one\r\n\r\r\nx\r\n\n..\r\n", b"hello\n"])
    check_eq(sink.stats()["bare_lf"], 1)


def test_the_name_server_gives_every_kind_of_domain_its_answer(lab):
    world = lab.world(zone_lines='k._domainkey.news.hayauma.test. TXT "v=DKIM1; p=x"')
    lab.nsd(world)

    def dig(name, kind):
        out = lab.run("dig", "-p", str(world.dns_port), "@127.0.0.1", "+noall", "+comments", "+answer", name, kind)
        status = out.split("status: ")[1].split(",")[0]
        return status, [line.split(None, 4)[4] for line in out.splitlines() if line and not line.startswith(";")]
    check_eq(len(world.domains), 200)
    check_eq(dig(world.of_kind("null-mx")[0], "MX"), ("NOERROR", ["0 ."]))
    check_eq(dig(world.of_kind("nxdomain")[0], "MX"), ("NXDOMAIN", []))
    check_eq(dig(world.of_kind("servfail")[0], "MX"), ("SERVFAIL", []))
    check_eq(dig(world.of_kind("no-host")[0], "MX"), ("NOERROR", []))
    check_eq(len(dig(world.of_kind("giant")[0], "MX")[1]), 4)
    check_eq(len(dig(world.of_kind("implicit")[0], "A")[1]), 1)
    check_eq(dig("k._domainkey.news.hayauma.test", "TXT")[1], ['"v=DKIM1; p=x"'])


def test_the_blaster_and_the_floor_measure(lab):
    world = lab.world()
    sink = lab.sink(world, rules=False)
    out = lab.run(lab.binary("bench/blaster"), "--to", f"127.0.1.1:{world.smtp_port}", "--span", "8", "--messages",
                  "2000", "--connections", "16")
    check('"messages":2000' in out, out)
    stats = sink.stats()
    check_eq((stats["messages"], stats["bare_lf"], stats["connections"]["total"]), (2000, 0, 16))
    check(stats["domains"]["asagao-mail.test"]["messages"] > 300, "the giant gets its share")
    check("rsa2048_us" in lab.run(lab.binary("bench/floor"), "50"), "floor")


def test_the_blaster_keeps_its_connections_under_tls(lab):
    world = lab.world()
    sink = lab.sink(world, rules=False, extra=["--tls", "on"])
    out = lab.run(lab.binary("bench/blaster"), "--to", f"127.0.1.1:{world.smtp_port}", "--span", "8", "--messages",
                  "500", "--connections", "8", "--size", "60000", "--tls")
    check('"messages":500' in out, out)
    stats = sink.stats()
    check_eq((stats["messages"], stats["bare_lf"], stats["connections"]["total"]), (500, 0, 8))
    check_eq((stats["tls"]["started"], stats["tls"]["failed"]), (8, 0))
