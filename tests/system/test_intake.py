"""Mail that comes back, from real servers and by hand: each 250 is noted exactly once, and acts at once."""
import collections
import email
import json
import os
import re
import smtplib
import socket
import subprocess
import time

import killed
import newsletter
import postfix
from event_lab import folder, read, wait_read
from lab import Skip, check, check_eq, wait_for
from test_campaign import csv, field, setup as campaign_setup
from test_submission import certificate, refusal

RETURN = "bounce.news.hayauma.test"
SITE = "asagao-mail.test"
ZONE = ("postfix.test. MX 10 mx.postfix.test.\nmx.postfix.test. A 127.0.2.1\n"
        "piped.test. MX 10 mx.piped.test.\nmx.piped.test. A 127.0.2.2")


def setup(lab, config=None, **kw):
    """(daemon, sink, world, intake's port)"""
    port = lab.free_port()
    values = {"intake.listen": [f"127.0.0.1:{port}"], "intake.complaints": [f"fbl@{RETURN}"],
              "intake.replies": [f"reply@{RETURN}"], "bounce.unsubscribe_mailto": f"off@{RETURN}", **(config or {})}
    return *campaign_setup(lab, config=values, **kw), port


def sent(lab, daemon, sink, count=3, domain=SITE, name="newsletter"):
    """Sends a campaign; recipient -> (return path, the message as it was delivered)."""
    daemon.import_leads(csv(lab, [field(f"{name}{i}", domain) for i in range(count)], name=f"{name}.csv"))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name))
    daemon.ctl("campaign", "start", name)
    daemon.wait_campaign(name)
    if sink is None:
        return {}
    wait_for("captured mail", lambda: len(sink.captured()) >= count)
    out = {}
    for path in sink.captured():
        with open(path.replace(".eml", ".env"), encoding="utf-8") as f:
            envelope = dict(line.rstrip("\n").split(" ", 1) for line in f)
        with open(path, encoding="ascii", errors="surrogateescape") as f:
            out[envelope["RCPT"].strip("<>")] = (envelope["FROM"].strip("<>"), f.read())
    return out


def bounce(address, original, words="550 5.1.1 User unknown", status="5.1.1", tag=""):
    header = original.split("\n\n", 1)[0].replace("\r", "")
    return (f"From: MAILER-DAEMON@mx.example\nTo: sender\nSubject: Undelivered Mail Returned to Sender\n"
            f"Message-ID: <{tag or address}@mx.example>\nMIME-Version: 1.0\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
            "Content-Type: text/plain\n\nI could not deliver it.\n\n--b\nContent-Type: message/delivery-status\n\n"
            f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {address}\nAction: failed\nStatus: {status}\n"
            f"Diagnostic-Code: smtp; {words}\n\n--b\nContent-Type: text/rfc822-headers\n\n{header}\n\n--b--\n")


def complaint(original):
    """As providers send it: who complains is blacked out."""
    header = re.sub(r"(?m)^To: .*$", "To: redacted", original.split("\n\n", 1)[0].replace("\r", ""))
    return ("From: staff@isp.example\nTo: fbl\nSubject: FW: Hello\nMessage-ID: <f1@isp.example>\nMIME-Version: 1.0\n"
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
            "This is an email abuse report.\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
            "User-Agent: Isp/1.0\nVersion: 1\nOriginal-Rcpt-To: redacted@isp.example\n\n--b\nContent-Type: message/rfc822\n\n"
            f"{header}\n\nbody\n\n--b--\n")


def deliver(port, to, mail, sender=""):
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
        s.sendmail(sender, [to], mail)


def noted(daemon, address):
    return [(n["kind"], n["hard"], n["reason"]) for n in daemon.ctl("explain", address)["noted"]]


def bring(lab, daemon, *args, text=b"", socket_path=None):
    return subprocess.run([lab.binary("src/cli/hayauma"), "--socket", socket_path or daemon.socket, "intake", *args],
                          input=text, capture_output=True, timeout=60, check=False)


def test_a_bounce_a_complaint_an_unsubscription_and_an_answer_find_their_leads_and_act(lab):
    daemon, sink, _, port = setup(lab)
    mails = sent(lab, daemon, sink, 4)
    (a, b, c, d) = sorted(mails)
    deliver(port, mails[a][0], bounce(a, mails[a][1]))
    deliver(port, f"fbl@{RETURN}", complaint(mails[b][1]), "staff@isp.example")
    wish = email.message_from_string(mails[c][1])["List-Unsubscribe"]
    subject = re.search(r"mailto:off@[^?]*\?subject=([^>]*)", wish.replace("\r\n ", "")).group(1).replace("%20", " ")
    deliver(port, f"off@{RETURN}", f"From: {c}\nTo: off@{RETURN}\nSubject: {subject}\n\n", c)
    message_id = email.message_from_string(mails[d][1])["Message-ID"]
    deliver(port, f"reply@{RETURN}", f"From: {d}\nTo: reply@{RETURN}\nSubject: Re: hi\nIn-Reply-To: {message_id}\n\nThanks\n", d)
    check_eq(noted(daemon, a), [("late-bounce", True, "user-unknown")])
    check_eq(noted(daemon, b), [("complaint", False, "")])
    check_eq(noted(daemon, c), [("unsubscribe", False, "")])
    check_eq(noted(daemon, d), [("reply", False, "")])
    told = daemon.run("explain", a).stdout
    check("late-bounce (for good) [user-unknown]: 550 5.1.1 User unknown" in told, told)
    status = daemon.ctl("status")["intake"]
    check_eq((status["bounce"], status["complaint"], status["unsubscribe"], status["suppressed"]), (1, 1, 1, 3), str(status))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "second"))
    daemon.ctl("campaign", "start", "second")
    check_eq((daemon.wait_campaign("second")["delivered"], daemon.campaign("second")["suppressed"]), (1, 3), "the next campaign")
    balanced, text = daemon.audit()
    check(balanced, text)


def test_nothing_else_is_taken_and_forged_tokens_are_refused(lab):
    daemon, sink, _, port = setup(lab)
    (a, (path, mail)), *_ = sorted(sent(lab, daemon, sink, 1).items())
    local = path.split("@")[0]
    forged = local[:-1] + ("a" if local[-1] != "a" else "b")
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
        s.ehlo()
        check(not s.has_extn("auth") and not s.has_extn("starttls"), "there is no password and no certificate")
        s.mail("")
        for to in (f"{forged}@{RETURN}", f"{local}@elsewhere.test", f"postmaster@{RETURN}", "someone@example.org", a):
            check_eq(s.rcpt(to)[0], 550, to)
        check_eq(s.rcpt(path.upper())[0], 250, "tokens are read in any case")
    # A forged token within an accepted mail names nobody, and an address alone proves nothing.
    deliver(port, f"fbl@{RETURN}", complaint(mail.replace(local, forged).replace("Message-ID", "X-Was")
                                             .replace("List-Unsubscribe", "X-Gone").replace("redacted", a)))
    deliver(port, f"fbl@{RETURN}", bounce(a, "X: y\n\n", tag="unproven"))
    check_eq(daemon.ctl("status")["intake"]["suppressed"], 0)
    check("hard" not in str(daemon.ctl("explain", a)["lead"]["status"]), "the lead")


def test_starttls_is_offered_and_a_huge_or_strange_mail_does_no_harm(lab):
    cert, key = certificate(lab)
    daemon, sink, _, port = setup(lab, config={"intake.certificate": cert, "intake.private_key": key,
                                               "intake.max_message_size": "2MiB"})
    (a, (path, mail)), *_ = sorted(sent(lab, daemon, sink, 1).items())
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
        s.starttls()
        s.sendmail("", [path], bounce(a, mail, "452 4.2.2 Over quota", "4.2.2", "tls"))
        check_eq(refusal(lambda: s.sendmail("", [path], "x" * 60 + "\r\n" + ("y" * 70 + "\r\n") * 40000)), 552, "too large")
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(5000))
    for strange in ("", "\n", "\x01\x02" * 500, "From: x\n" * 5000, nested, "Content-Type: message/rfc822\n\n" * 3000,
                    "Subject: " + "=?utf-8?B?" + "A" * 60000 + "?=\n\nhi"):
        deliver(port, path, "X: 1\n" + strange)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(os.urandom(20000))
        s.recv(4096)
    check(daemon.alive(), daemon.output())
    check_eq(noted(daemon, a)[0], ("late-bounce", False, "mailbox-full"))
    check_eq(daemon.ctl("status")["intake"]["failed"], 0)


def test_a_real_postfix_bounces_back_to_us_and_another_pipes_to_the_command(lab):
    why = postfix.available()
    if why:
        raise Skip(why)
    daemon, _, world, port = setup(lab, zone=ZONE, config={"control.mode": "0666", "control.group": "nogroup"})
    for d in (lab.path(), lab.path("hayaumad.run")):
        os.chmod(d, 0o755)
    command = f"{lab.binary('src/cli/hayauma')} --socket {daemon.socket} intake --recipient ${{recipient}} -"

    def bouncing(name, address, way):
        """Takes everything, finds nobody, and sends its bounces this way."""
        return postfix.Postfix(lab, name, f"{address}:{world.smtp_port}", {
            "smtpd_recipient_restrictions": "permit", "default_transport": "nobody:", "relay_transport": "nobody:",
            "transport_maps": f"inline:{{ {{{RETURN} = {way}}} }}"},
            extra="nobody unix - n n - - pipe user=nobody argv=/bin/sh -c {exit 67}\n"
                  f"hypipe unix - n n - - pipe user=nobody argv={command}\n")
    server = bouncing("postfix", "127.0.2.1", f"smtp:[127.0.0.1]:{port}")
    sent(lab, daemon, None, 3, "postfix.test")
    wait_for("bounces by SMTP", lambda: daemon.ctl("status")["intake"]["bounce"] == 3, 30)
    for i in range(3):
        check_eq(noted(daemon, f"newsletter{i}@postfix.test"), [("late-bounce", True, "user-unknown")], server.log())
        got = daemon.ctl("explain", f"newsletter{i}@postfix.test")["noted"][0]
        check_eq((got["source"], got["details"]["status"]), ("postfix.test", "5.1.1"))
    wait_for("an empty queue", server.queue_empty, 20)
    server = bouncing("piped", "127.0.2.2", "hypipe:")
    sent(lab, daemon, None, 2, "piped.test", name="piped")
    wait_for("bounces by the pipe", lambda: daemon.ctl("status")["intake"]["bounce"] == 5, 30)
    check_eq(noted(daemon, "piped1@piped.test"), [("late-bounce", True, "user-unknown")], server.log())
    wait_for("an empty queue", server.queue_empty, 20)
    check(server.log().count("relay=hypipe") == 2 and "status=deferred" not in server.log(), server.log())


def test_files_mboxes_and_maildirs_are_brought_once_and_a_stopped_daemon_is_no_loss(lab):
    daemon, sink, _, _ = setup(lab)
    mails = sent(lab, daemon, sink, 4)
    (a, b, c, d) = sorted(mails)
    one = lab.write("one.eml", bounce(a, mails[a][1]))
    box = lab.write("box", "".join(f"From MAILER Thu Apr 29 23:34:45 2015\n{bounce(x, mails[x][1])}\n" for x in (a, b, c)))
    for folder in ("cur", "new", "tmp"):
        os.makedirs(lab.path("Maildir", folder))
    lab.write("Maildir/new/1", bounce(d, mails[d][1]))
    lab.write("Maildir/tmp/2", "half of a mail that is being written")
    r = bring(lab, daemon, "--json", one, box, lab.path("Maildir"))
    check_eq(r.returncode, 0, r.stderr)
    total = json.loads(r.stdout)
    check_eq((total["mails"], total["known"], total["kinds"]["bounce"], total["suppressed"]), (5, 1, 4, 4), r.stdout)
    r = bring(lab, daemon, box, lab.path("Maildir"))
    check(r.returncode == 0 and b"4 mails; 4 were known" in r.stdout, r)
    check_eq([noted(daemon, x) for x in (a, b, c, d)], [[("late-bounce", True, "user-unknown")]] * 4, "each counts once")
    r = bring(lab, daemon, "-", text=bounce(a, mails[a][1], "550 5.2.1 disabled", "5.2.1", "again").encode())
    check_eq((r.returncode, r.stdout), (0, b""), "a pipe says nothing when all is well")
    check_eq(noted(daemon, a)[1][2], "suspended")
    r = bring(lab, daemon, lab.path("missing"))
    check_eq(r.returncode, 66, r.stderr)
    daemon.stop()
    r = bring(lab, daemon, "-", text=b"From: x\n\nhi\n")
    check_eq(r.returncode, 75, r.stderr)
    check(b"hayaumad" in r.stderr, r.stderr)


def test_what_is_believed_suppresses_without_a_token(lab):
    daemon, _, _, _ = setup(lab)
    daemon.import_leads(csv(lab, [field("old", SITE)]))
    mail = bounce(f"old@{SITE}", "Message-ID: <x@elsewhere.example>\n\n").encode()
    check_eq(bring(lab, daemon, "-", text=mail).returncode, 0)
    check_eq((noted(daemon, f"old@{SITE}"), daemon.ctl("status")["intake"]["suppressed"]),
             ([("late-bounce", True, "user-unknown")], 0))
    check_eq(bring(lab, daemon, "--believe", "-", text=mail.replace(b"elsewhere", b"otherwise")).returncode, 0)
    check_eq(daemon.ctl("status")["intake"]["suppressed"], 1)


def test_a_surge_of_complaints_and_one_of_late_bounces_pause_a_campaign_with_the_reason(lab):
    daemon, sink, _, port = setup(lab, config={"campaign.complaint_sample": 100, "campaign.pause_on_complaints": "5%",
                                               "campaign.pause_sample": 50})
    daemon.import_leads(csv(lab, [field(f"user{i}", SITE) for i in range(400)]))

    def begin(name, words):
        before = len(sink.captured())
        daemon.ctl("campaign", "create", newsletter.campaign_file(lab, name, extra="speed: 10/s\n"))
        daemon.ctl("campaign", "start", name)
        wait_for("some deliveries", lambda: len(sink.captured()) >= before + 10, 30)
        for i, path in enumerate(sink.captured()[before:before + 10]):
            with open(path, encoding="ascii", errors="surrogateescape") as f:
                deliver(port, f"fbl@{RETURN}", words(f.read()).replace("Message-ID: <", f"Message-ID: <{name}{i}", 1))
        c = daemon.wait_campaign(name, done=lambda c: c["state"] == "paused", timeout=30)
        check(c["delivered"] < 300, c)
        return c["note"]
    note = begin("unloved", complaint)
    check(note.startswith("6 people complained about the last ") and "pause_on_complaints" in note, note)
    note = begin("late", lambda mail: bounce("x@y.example", mail))
    check(note.startswith("6 of the last ") and "bounced (pause_on_bounces)" in note, note)


def test_complaints_count_from_the_resume_of_a_person_on_and_over_stops_that_nobody_made(lab):
    daemon, sink, _, port = setup(lab, config={"campaign.pause_on_complaints": "never", "campaign.complaint_sample": 100})
    daemon.import_leads(csv(lab, [field(f"user{i}", SITE) for i in range(1000)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, extra="speed: 10/s\npause_on_complaints: 5%\n"))
    daemon.ctl("campaign", "start", "newsletter")
    complained = 0

    def complain(paths):
        nonlocal complained
        for path in paths:
            with open(path, encoding="ascii", errors="surrogateescape") as f:
                deliver(port, f"fbl@{RETURN}", complaint(f.read()).replace("Message-ID: <", f"Message-ID: <{complained}", 1))
            complained += 1
        wait_for("the notes", lambda: daemon.ctl("status")["intake"]["activities"] == complained)
        return daemon.campaign("newsletter")["state"]

    wait_for("mails of the first run", lambda: daemon.campaign("newsletter")["delivered"] >= 20, 30)
    daemon.ctl("campaign", "pause", "newsletter")
    wait_for("the end of what was on the wire", lambda: sink.stats()["connections"]["open"] == 0, 20)
    old = sorted(sink.captured())
    daemon.ctl("campaign", "resume", "newsletter")
    wait_for("mails of the second run", lambda: daemon.campaign("newsletter")["delivered"] >= len(old) + 20, 30)
    check_eq(complain(old[:12]), "running", "complaints about the run that somebody looked at")
    new = [p for p in sorted(sink.captured()) if p not in old]
    check_eq(complain(new[:5]), "running", "five of a hundred are not too many")
    daemon.ctl("queue", "purge", "--recipient", f"user999@{SITE}", "--yes")  # the campaign holds still for it
    complain(new[5:6])
    c = daemon.wait_campaign("newsletter", done=lambda c: c["state"] == "paused", timeout=30)
    check(c["note"].startswith("6 people complained about the last "), c["note"])


def test_a_ready_message_that_comes_back_later_is_reported_to_its_sender_once(lab):
    daemon, sink, _, port = setup(lab, config={"bounce.ready_messages": True, "dsn.gather": "1s"})
    letter = lab.write("letter.eml", f"From: App <app@{newsletter.SENDER}>\nSubject: Hi\n\nHello\n")
    sent_ = daemon.ctl("send", letter, "--from", f"app@{SITE}", f"taro@{SITE}")
    wait_for("the letter", lambda: len(sink.captured()) == 1)
    with open(sink.captured()[0].replace(".eml", ".env"), encoding="utf-8") as f:
        path = f.readline().split(" ", 1)[1].strip().strip("<>")
    check(path.endswith("@" + RETURN), path)
    with open(sink.captured()[0], encoding="ascii") as f:
        mail = f.read()
    wait_for("its end", lambda: daemon.ctl("explain", sent_["id"])["messages"][0]["state"] == "delivered")
    for tag in ("one", "two"):
        deliver(port, path, bounce("taro@elsewhere.example", mail, tag=tag))
    wait_for("the report", lambda: f"app@{SITE}" in sink.delivered(), 30)
    message = daemon.ctl("explain", sent_["id"])["messages"][0]
    check_eq([(n["kind"], n["hard"]) for n in message["noted"]], [("late-bounce", True)] * 2)
    check_eq((message["state"], message["attempts"][-1]["outcome"]), ("delivered", "bounced"), "delivered, then bounced")
    wait_for("the captured report", lambda: len(sink.captured()) == 2)
    with open(sink.captured()[1], encoding="ascii") as f:
        report = f.read()
    check("Action: failed" in report and f"taro@{SITE}" in report and "5.1.1" in report, report)
    check_eq(sink.delivered().count(f"app@{SITE}"), 1, "one report")


def test_kill_9_under_load_notes_every_250_exactly_once(lab):
    daemon, sink, _, port = setup(lab)
    (a, (path, mail)), *_ = sorted(sent(lab, daemon, sink, 1).items())

    def load(tags, taken):
        for tag in tags:
            with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
                s.sendmail("", [path], bounce(a, mail, f"452 4.2.2 Over quota {tag}", "4.2.2", tag))
            taken(tag)
    daemon, stored = killed.under_load(lab, daemon, load, enough=30)
    got = re.findall(r"Over quota (r\dw\dn\d+)", str([n["text"] for n in daemon.ctl("explain", a)["noted"]]))
    check_eq(len(got), len(set(got)), "noted twice")
    check_eq(set(stored[-150:]) - set(got), set(), "answered with 250 and not noted")
    balanced, text = daemon.audit()
    check(balanced, text)


def test_kill_9_under_load_leaves_each_effect_of_a_bounce_exactly_once(lab):
    """A bounce that was read is an activity, a suppression, an event, and the end of mail that was queued before: none of
    them missing, none twice, though servers bring every bounce again, whose 250 was lost or not."""
    out = folder(lab)
    daemon, sink, _, port = setup(lab, config={"events.files": [{"name": "all", "dir": out}]})
    mails = sent(lab, daemon, sink, 150)
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "queued", extra="speed: 1/s\n"))
    daemon.ctl("campaign", "start", "queued")
    daemon.ctl("campaign", "pause", "queued")
    late = [a for a in mails if a not in sink.delivered()[150:]]  # whom the pause still kept from the second mail
    check(len(late) > 100, f"the pause came too late: {len(late)}")
    todo = collections.deque(sorted(late))

    def bring_some(_, taken):
        while todo:
            address = todo.popleft()
            time.sleep(0.02)  # so that each round meets some
            try:
                deliver(port, mails[address][0], bounce(address, mails[address][1]))
            except (smtplib.SMTPException, OSError):
                todo.append(address)
                raise
            taken(address)
    daemon, answered = killed.under_load(lab, daemon, bring_some, workers=4, enough=len(late) // 5)
    bring_some((), answered.append)
    check_eq(sorted(set(answered)), sorted(late), "bounces answered with 250")
    for address in late[::3]:  # once more: its server never heard the 250
        deliver(port, mails[address][0], bounce(address, mails[address][1]))
    daemon.ctl("campaign", "resume", "queued")
    c = daemon.wait_campaign("queued")
    check_eq((c["suppressed"], c["delivered"]), (len(late), 150 - len(late)), "mail that was queued before")
    for address in late:
        check_eq(noted(daemon, address), [("late-bounce", True, "user-unknown")], address)
        told = daemon.ctl("suppress", "show", address)
        check_eq(([e["reason"] for e in told["entries"]], [h["act"] for h in told["history"]]), (["hard-bounce"], ["added"]), address)
    balanced, text = daemon.audit()
    check(balanced, text)
    wait_read(daemon)
    daemon.stop()
    events = read(out)
    check_eq(sorted(e["recipient"] for e in events if e["type"] == "late-bounce"), sorted(late), "events of bounces")
    check_eq(sorted(e["recipient"] for e in events if e["type"] == "suppressed"), sorted(late), "events of queued mail")
    check_eq(len({e["id"] for e in events}), len(events), "ids")
