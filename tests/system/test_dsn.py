"""What the senders of handed-in messages are told: reports by RFC 3464, once each, whatever happens."""
import email
import email.policy
import email.utils

import killed
from lab import check, check_eq, wait_for
from receiver import Receiver
from test_metrics import samples, value
from test_spool import FROM, SITE
from test_submission import CONTENT, client, setup as submission_setup

GONE = "kinako.test"
SENDER = f"sender@{SITE}"
QUICK = {"dsn.gather": "0s"}


def setup(lab, **kw):
    kw.setdefault("config", QUICK)
    extra = kw.pop("sink_args", ["--reply", f"domain={GONE},rcpt:550:5.1.1 No such user here"])
    daemon, sink, plain, _, _ = submission_setup(lab, trusted=True, sink_args=extra, capture_every=1, **kw)
    return daemon, sink, plain


def reports(sink):
    """The reports among the captured mail, parsed."""
    out = []
    for path in sink.captured():
        with open(path, "rb") as f:
            mail = email.message_from_binary_file(f, policy=email.policy.default)
        if mail.get_content_type() == "multipart/report":
            out.append(mail)
    return out


def one_report(sink, timeout=20):
    wait_for("a report", lambda: reports(sink), timeout, 0.1)
    found = reports(sink)
    check_eq(len(found), 1, "reports")
    return found[0]


def fields(report):
    """Those of the message, and of each recipient."""
    parts = list(report.iter_parts())
    check_eq(parts[1].get_content_type(), "message/delivery-status")
    first, *rest = parts[1].get_payload()
    return dict(first.items()), [dict(r.items()) for r in rest]


def test_a_refused_recipient_is_told_to_the_sender_in_words_and_fields(lab):
    daemon, sink, plain = setup(lab)
    with client(plain) as s:
        s.sendmail(SENDER, [f"a@{SITE}"], CONTENT, rcpt_options=["NOTIFY=FAILURE", "ORCPT=rfc822;A+2B1@example.com"])
        s.sendmail(SENDER, [f"gone@{GONE}"], CONTENT, mail_options=["RET=FULL", "ENVID=QQ+2B1"],
                   rcpt_options=["NOTIFY=FAILURE", "ORCPT=rfc822;Old+2BName@example.com"])
    report = one_report(sink)
    check_eq(report["To"].addresses[0].addr_spec, SENDER)
    check_eq(report["From"].addresses[0].addr_spec, "mailer-daemon@mx.news.hayauma.test")
    check_eq(report["Subject"], "Not delivered: Hi")
    check_eq(report["Auto-Submitted"], "auto-replied")
    check(report["DKIM-Signature"], "it is signed")
    parts = list(report.iter_parts())
    check("No such user here" in parts[0].get_content() and f"<gone@{GONE}>" in parts[0].get_content(), parts[0])
    message, (rcpt,) = fields(report)
    check_eq(message["Original-Envelope-Id"], "QQ+1")
    check_eq(message["Reporting-MTA"], "dns; mx.news.hayauma.test")
    check(message["Arrival-Date"], message)
    check_eq(rcpt["Original-Recipient"], "rfc822; Old+Name@example.com")
    check_eq(rcpt["Final-Recipient"], f"rfc822; gone@{GONE}")
    check_eq((rcpt["Action"], rcpt["Status"]), ("failed", "5.1.1"))
    check(rcpt["Diagnostic-Code"].startswith("smtp; 550 5.1.1 No such user here"), rcpt)
    check(rcpt["Remote-MTA"].startswith("dns; ") and rcpt["Last-Attempt-Date"], rcpt)
    check_eq(parts[2].get_content_type(), "message/rfc822")
    check_eq(parts[2].get_content().get_content(), "Hello\n.dot\n")
    record = [r for r in sink.record() if r[2] == SENDER and r[0] == "dot"]
    check_eq(len(record), 1, "one report")
    check_eq(daemon.ctl("audit")["ok"], True)
    check_eq(daemon.ctl("explain", SENDER)["messages"][0]["sender"], "", "the null sender")


def test_recipients_of_a_message_share_a_report_and_nobody_gets_one_that_must_not(lab):
    daemon, sink, plain = setup(lab, config={"dsn.gather": "3s"})
    many = [f"u{i}@{GONE}" for i in range(30)]
    with client(plain) as s:
        s.sendmail(SENDER, many + [f"good@{SITE}"], CONTENT, mail_options=["RET=HDRS"])
        s.sendmail(SENDER, [f"never@{GONE}"], CONTENT, rcpt_options=["NOTIFY=NEVER"])
        s.sendmail(SENDER, [f"success@{GONE}"], CONTENT, rcpt_options=["NOTIFY=SUCCESS"])
        s.sendmail("", [f"bounce@{GONE}"], CONTENT)
    report = one_report(sink)
    _, rcpts = fields(report)
    check_eq(sorted(r["Final-Recipient"][8:] for r in rcpts), sorted(many))
    check_eq(list(report.iter_parts())[2].get_content_type(), "text/rfc822-headers")
    bounced = lambda: sum(c["bounced"] for c in daemon.ctl("audit")["campaigns"])
    wait_for("all to be over", lambda: bounced() == 33, every=0.2)
    check_eq(len(reports(sink)), 1, "no report on NEVER, SUCCESS or a bounce")


def test_japanese_messages_are_answered_in_japanese(lab):
    _, sink, plain = setup(lab)
    letter = (f"From: App <{FROM}>\r\nSubject: =?utf-8?B?44GU5rOo5paH44Gu44GK55+l44KJ44Gb?=\r\n\r\nx\r\n")
    with client(plain) as s:
        s.sendmail(SENDER, [f"gone@{GONE}"], letter)
    report = one_report(sink)
    check_eq(report["Subject"], "配信できませんでした: ご注文のお知らせ")
    text = list(report.iter_parts())[0].get_content()
    check("配信できませんでした" in text and "could not be delivered" in text, text)


def test_a_delay_and_then_the_end_are_told(lab):
    metrics = lab.free_port()
    _, sink, plain = setup(lab, expire="12s", config={**QUICK, "dsn.delay": "2s", "metrics.listen": f"127.0.0.1:{metrics}"},
                           sink_args=["--reply", f"domain={GONE},rcpt:451:4.3.0 Come back later"])
    with client(plain) as s:
        s.sendmail(SENDER, [f"a@{GONE}"], CONTENT, rcpt_options=["NOTIFY=DELAY,FAILURE"])
        s.sendmail(SENDER, [f"silent@{GONE}"], CONTENT, rcpt_options=["NOTIFY=SUCCESS"])
    wait_for("two reports", lambda: len(reports(sink)) >= 2, 150, 0.2)
    (_, (delayed,)), (_, (failed,)) = (fields(r) for r in reports(sink))
    check_eq((delayed["Action"], delayed["Status"], failed["Action"]), ("delayed", "4.3.0", "failed"))
    check_eq(failed["Status"], "4.4.7", "its time is over")
    check("Come back later" in failed["Diagnostic-Code"], failed)
    until = email.utils.parsedate_to_datetime(delayed["Will-Retry-Until"])
    (first, _), _ = (fields(r) for r in reports(sink))
    lasts = (until - email.utils.parsedate_to_datetime(first["Arrival-Date"])).total_seconds()
    check(12 <= lasts <= 60, f"it is given up {lasts} s after it came, by a rule of 12 s")
    check("Will-Retry-Until" not in failed, failed)
    got = samples(metrics)
    check_eq([value(got, "hayauma_dsn_reports_total", result=r) for r in ("sent", "given_up")], [2, 0])
    check_eq(value(got, "hayauma_dsn_pending"), 0)


def test_wishes_are_passed_on_to_servers_that_know_dsn_and_relaying_is_told_for_others(lab):
    zone = "knows MX 10 mx.knows\nmx.knows A 127.0.0.201\n"
    _, sink, plain = setup(lab, zone_lines=zone)
    receiver = Receiver(sink_port(lab), ["127.0.0.201"], offers=["DSN"])
    try:
        with client(plain) as s:
            s.sendmail(SENDER, ["a@knows.test"], CONTENT, mail_options=["RET=HDRS", "ENVID=e1"],
                       rcpt_options=["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;x@example.com"])
            s.sendmail(SENDER, ["b@knows.test"], CONTENT)
            s.sendmail(SENDER, [f"c@{SITE}"], CONTENT, rcpt_options=["NOTIFY=SUCCESS"])
        report = one_report(sink)
        _, (rcpt,) = fields(report)
        check_eq((rcpt["Action"], rcpt["Final-Recipient"]), ("relayed", f"rfc822; c@{SITE}"))
        wait_for("both at the other", lambda: len(receiver.mails) == 2)
        lines = sorted(line for line in receiver.commands if line[:4] in ("MAIL", "RCPT"))
        check(any(f"MAIL FROM:<{SENDER}>" in x and x.endswith(" RET=HDRS ENVID=e1") for x in lines), lines)
        check("RCPT TO:<a@knows.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@example.com" in lines, lines)
        check("RCPT TO:<b@knows.test>" in lines, lines)
        check_eq(len(reports(sink)), 1, "the other server tells of its own")
    finally:
        receiver.close()


def sink_port(lab):
    with open(lab.path("hayaumad.yaml"), encoding="utf-8") as f:
        return int(next(line.split(":")[1] for line in f if "smtp_port" in line))


def test_kill_9_loses_no_report_and_makes_none_twice(lab):
    daemon, sink, plain = setup(lab, config={"dsn.gather": "1s"}, capture_limit=5000)

    def load(tags, taken):
        with client(plain) as s:
            for tag in tags:
                s.sendmail(SENDER, [f"{tag}@{GONE}"], CONTENT)
                taken(tag)
    daemon, tags = killed.under_load(lab, daemon, load, workers=4, enough=100,
                                     ready=lambda round_: round_ == 0 or len(reports(sink)) > 10)
    stored = [f"{tag}@{GONE}" for tag in tags]

    def told():
        return [r["Final-Recipient"][8:] for m in reports(sink) for r in fields(m)[1]]

    def settled():
        a = daemon.ctl("audit")
        check(a["ok"], a["problems"])
        return sum(c["pending"] for c in a["campaigns"]) == 0 and set(stored) <= set(told())
    wait_for("every report", settled, timeout=120, every=0.5)
    reported = told()
    again = sum(c["resent_in_doubt"] for c in daemon.ctl("audit")["campaigns"])
    check(len(reported) - len(set(reported)) <= again, f"{len(reported)} told, {len(set(reported))} of them once")
