"""TLS reports (RFC 8460): made of what was counted, sent where the domain wants them, once."""
import datetime
import email
import email.policy
import gzip
import json
import os
import types

import dkim_verify
from lab import CommandError, Skip, check, check_eq, tail, wait_for
from tls_lab import Dns, Pki, ReportServer

SENDER = "news.plain.test"
REPORTER = f"tls-reports@{SENDER}"
HOST = "mx.news.hayauma.test"


def day(back):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=back)).date().isoformat()


class World:
    """A name server with TLSRPT records, an HTTPS server for reports, a sink for mail, and a store with counts of a
    day that is over for each domain."""

    def __init__(self, lab, records, days_ago=1, secure=""):
        self.lab, self.pki = lab, Pki(lab)
        self.server = ReportServer(lab, *self.pki.issue("reports", "reports.plain.test"))
        self.key, self.key_record = lab.dkim_key(SENDER, "s1")
        lines = ["reports A 127.0.0.1", "inside A 10.1.2.3", "postbox MX 10 mx", "mx A 127.0.0.1"]
        lines += [f'_smtp._tls.{domain} TXT "{text}"' for domain, text in records.items()] + [self.key_record]
        text = "\n".join(lines).replace("{port}", str(self.server.port))
        self.smtp_port = lab.free_port()
        self.dns = Dns(lab, "@ A 127.0.0.1\n" + secure.replace("{port}", str(self.smtp_port)), text)
        self.sink = lab.sink(record=True, capture_every=1, extra=["--listen", f"127.0.0.1:{self.smtp_port}"])
        data = lab.path("hayaumad.data")
        os.makedirs(data, mode=0o700, exist_ok=True)
        lab.run(lab.binary("tests/system/tally_put"), data, str(days_ago), "5", "2",
                *[f"{x}.plain.test" for x in records])

    def daemon(self, config=None):
        place = types.SimpleNamespace(dns_port=self.dns.port, smtp_port=self.smtp_port)
        return self.lab.daemon(place, keys=[(SENDER, "s1", self.key)],
                               config={"paths.shaping": self.lab.shaping(expire="60s"), "tls.ca_file": self.pki.ca,
                                       "tls.report_from": REPORTER, "tls.report_spread": "0s", **(config or {})})


def results(d, domain, *extra):
    sent = d.run("tls", "report", "--domain", f"{domain}.plain.test", "--send", "--json", *extra)
    check(sent.returncode == 0, f"{domain}: {sent.stdout}{sent.stderr}")
    answer = json.loads(sent.stdout)
    return [(t["way"], t["result"], t["text"]) for t in answer["targets"]], answer


def test_reports_leave_by_https_once_a_day(lab):
    w = World(lab, {"good": "v=TLSRPTv1; rua=https://reports.plain.test:{port}/good",
                    "later": "v=TLSRPTv1; rua=https://reports.plain.test:{port}/later",
                    "two": "v=TLSRPTv1; rua=https://reports.plain.test:{port}/two-a,"
                           "https://reports.plain.test:{port}/two-b",
                    "bad": "v=TLSRPTv1; rua=", "other": "spf=none"})
    w.server.status.update({"/later": 503, "/two-b": 500})
    try:
        d = w.daemon()
        wait_for("the walk has asked for all", lambda: len(w.server.got) >= 2 and len(w.server.refused) >= 2, 30.0)
        check_eq(sorted(path for _, path, _, _ in w.server.got), ["/good", "/two-a"])
        _, _, kind, report = next(x for x in w.server.got if x[1] == "/good")
        check_eq(kind, "application/tlsrpt+gzip")
        check_eq(report["organization-name"], HOST)
        check_eq(report["contact-info"], REPORTER)
        check_eq(report["report-id"], f"{day(1)}_good.plain.test@{HOST}")
        check_eq(report["date-range"], {"start-datetime": f"{day(1)}T00:00:00Z",
                                        "end-datetime": f"{day(1)}T23:59:59Z"})
        first = report["policies"][0]
        check_eq(first["policy"]["policy-type"], "sts")
        check_eq(first["policy"]["mx-host"], ["mx.example.test"])
        check_eq(first["summary"], {"total-successful-session-count": 5, "total-failure-session-count": 2})
        check_eq(first["failure-details"][0]["result-type"], "certificate-expired")

        # By hand: what is missing goes, what arrived does not go again.
        check_eq(results(d, "two", "--dry-run")[0], [("https", "had it", ""), ("https", "would be sent", "")])
        w.server.status.clear()
        check_eq(results(d, "two")[0], [("https", "had it", ""), ("https", "sent", "HTTP status 201")])
        check_eq(results(d, "later")[0], [("https", "sent", "HTTP status 201")])
        for x in ("good", "later"):
            check_eq([r for _, r, _ in results(d, x)[0]], ["had it"], x)
        check_eq(results(d, "bad")[1]["targets"], [])
        check("malformed" in results(d, "bad", "--dry-run")[1]["text"], "why there is no report")
        check("asks for no reports" in results(d, "other")[1]["text"], "why there is no report")
        check_eq(len(w.server.got), 4)
        refused = d.run("tls", "report", "--domain", "good.plain.test", "--send", "--date", day(0))
        check(refused.returncode != 0 and "not over" in refused.stderr, f"{refused}")

        # After a restart there is nothing left to do.
        d.stop()
        check("told 1, to be tried again 2, not wanted by 2" in tail(d.log, 20000), "the log sums up")
        d = w.daemon()
        d.run("tls", "report", "--domain", "good.plain.test", "--send")
        check_eq(len(w.server.got), 4, "nothing twice")
        check_eq(w.sink.delivered(), [], "and nothing by mail")
    finally:
        w.server.stop()


def test_a_report_by_mail_is_not_held_back_by_the_tls_that_it_may_tell_of(lab):
    """RFC 8689: TLS-Required: No. The sink has no TLS, and DANE demands it."""
    w = World(lab, {"told": "v=TLSRPTv1; rua=mailto:tls@sec.test"},
              secure="@ MX 10 mx\nmx A 127.0.0.1\n_{port}._tcp.mx TLSA 3 1 1 " + "ab" * 32)
    try:
        d = w.daemon(config={"dns.validation_probe": "sec.test"})
        wait_for("the report", lambda: w.sink.delivered() == ["tls@sec.test"], 30.0)
        check("dane" in str(d.ctl("tls", "policy", "sec.test")["hosts"]), "DANE counts for others")
        d.ctl("send", lab.write("letter.eml", f"From: App <app@{SENDER}>\n\nHello\n"), "other@sec.test")
        first = wait_for("an attempt", lambda: [a for m in d.ctl("explain", "other@sec.test")["messages"]
                                                for a in m["attempts"]], 30.0)[0]
        check_eq((first["outcome"], "TLS" in first["text"]), ("deferred", True), f"what others send is held back: {first}")
        good, text = d.audit()
        check(good and "tls-optional" in text, text)
    finally:
        w.server.stop()


def test_reports_go_by_mail_signed_and_in_the_form_of_the_rfc(lab):
    if dkim_verify.dkim is None:
        raise Skip("python3-dkim is not installed")
    w = World(lab, {"mailed": "v=TLSRPTv1; rua=mailto:tls@postbox.plain.test",
                    "both": "v=TLSRPTv1; rua=https://reports.plain.test:{port}/both,mailto:both@postbox.plain.test"})
    w.server.status["/both"] = 503
    try:
        d = w.daemon(config={"tls.report_organization": "早馬"})
        wait_for("both mails", lambda: len(w.sink.captured()) >= 2, 30.0)
        wait_for("the refused POST", lambda: w.server.refused, 30.0)
        check_eq(sorted(w.sink.delivered()), ["both@postbox.plain.test", "tls@postbox.plain.test"])
        lookup = dkim_verify.server_lookup(f"127.0.0.1:{w.dns.port}")
        for path in w.sink.captured():
            with open(path, "rb") as f:
                raw = f.read()
            check_eq([fault for *_, fault in dkim_verify.verify(raw, lookup)], [None], f"python3-dkim on {path}")
            m = email.message_from_bytes(raw, policy=email.policy.default)
            domain = m["TLS-Report-Domain"]
            report_id = f"{day(1)}_{domain}@{HOST}"
            check_eq(m["TLS-Report-Submitter"], HOST)
            check_eq(m["Subject"], f"Report Domain: {domain} Submitter: {HOST} Report-ID: <{report_id}>")
            check_eq(str(m["From"]), f"早馬 <{REPORTER}>")
            check_eq((m.get_content_type(), m.get_param("report-type")), ("multipart/report", "tlsrpt"))
            check_eq((m["Message-ID"], m["Auto-Submitted"], m["TLS-Required"]), (f"<{report_id}>", "auto-generated", "No"))
            text, packed = m.iter_parts()
            check(domain in text.get_content(), "what it is about")
            check_eq(packed.get_content_type(), "application/tlsrpt+gzip")
            begin = int(datetime.datetime.fromisoformat(f"{day(1)}T00:00:00+00:00").timestamp())
            check_eq(packed.get_filename(), f"{HOST}!{domain}!{begin}!{begin + 86399}!001.json.gz")
            report = json.loads(gzip.decompress(packed.get_content()))
            check_eq(report["report-id"], report_id)
            check_eq(report["policies"][0]["summary"]["total-failure-session-count"], 2)
        w.server.status.clear()
        check_eq([(way, r) for way, r, _ in results(d, "both")[0]], [("https", "sent"), ("mail", "had it")])
        check_eq([(way, r) for way, r, _ in results(d, "mailed")[0]], [("mail", "had it")])
        found = d.ctl("explain", "tls@postbox.plain.test")["messages"]
        check_eq([m["state"] for m in found], ["delivered"], f"{found}")
        balanced, words = d.audit()
        check(balanced, words)
        d.stop()
        d = w.daemon()
        check_eq([(way, r) for way, r, _ in results(d, "mailed")[0]], [("mail", "had it")])
        check_eq(len(w.sink.captured()), 2, "nothing twice")
    finally:
        w.server.stop()


def test_a_certificate_of_another_and_a_redirect_get_nothing(lab):
    w = World(lab, {"elsewhere": "v=TLSRPTv1; rua=https://elsewhere.plain.test:{port}/x",
                    "moved": "v=TLSRPTv1; rua=https://reports.plain.test:{port}/moved",
                    "bare": "v=TLSRPTv1; rua=https://127.0.0.1:{port}/x",
                    "nohost": "v=TLSRPTv1; rua=https://nowhere.plain.test:{port}/x"}, days_ago=4)
    w.server.status["/moved"] = 302
    try:
        d = w.daemon()  # which by itself does not go back that far
        for name, result, words in (("elsewhere", "failed", ""), ("moved", "failed", "302"),
                                    ("bare", "refused", "names no host"), ("nohost", "failed", "no address")):
            sent = d.run("tls", "report", "--domain", f"{name}.plain.test", "--send", "--date", day(4))
            check_eq(sent.returncode, 1, f"{name}: {sent}")
            check(f": {result}" in sent.stdout and words in sent.stdout, f"{name}: {sent.stdout}")
        check_eq(w.server.got, [])
    finally:
        w.server.stop()


def fails(d, domain, words):
    sent = d.run("tls", "report", "--domain", f"{domain}.plain.test", "--send", "--date", day(4))
    check_eq(sent.returncode, 1, f"{domain}: {sent}")
    check(": failed" in sent.stdout and words in sent.stdout, f"{domain}: {sent.stdout}")


def test_nothing_is_posted_behind_our_own_walls(lab):
    w = World(lab, {"here": "v=TLSRPTv1; rua=https://reports.plain.test:{port}/here",
                    "inside": "v=TLSRPTv1; rua=https://inside.plain.test:{port}/inside"}, days_ago=4)
    try:
        d = w.daemon(config={"dns.allow_local": False})
        for domain in ("here", "inside"):
            fails(d, domain, "no address that can be used")
        check_eq((w.server.got, w.server.refused), ([], []))
    finally:
        w.server.stop()


def test_nothing_is_posted_that_could_not_be_remembered(lab):
    w = World(lab, {"good": "v=TLSRPTv1; rua=https://reports.plain.test:{port}/good"}, days_ago=4)
    try:
        d = w.daemon(config={"store.min_free": "64TiB"})
        fails(d, "good", "store.min_free")
        check_eq((w.server.got, w.server.refused), ([], []))
    finally:
        w.server.stop()


def test_without_a_key_the_address_is_refused(lab):
    path = lab.daemon_config(types.SimpleNamespace(dns_port=1, smtp_port=1), config={"tls.report_from": REPORTER})
    try:
        lab.run(lab.binary("src/cli/hayauma"), "config", "check", path)
        raise AssertionError("it was taken")
    except CommandError as e:
        check("tls.report_from" in str(e) and "must be signed" in str(e), f"{e}")
