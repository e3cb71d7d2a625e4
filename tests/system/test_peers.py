"""Mail taken by software that is not ours: a real Postfix with STARTTLS, and Postfix's smtp-sink."""
import os
import re
import shutil

import dkim_verify
import newsletter
import postfix
from lab import Skip, check, check_accounts, check_eq, wait_for
from test_campaign import SELECTOR, csv, field, setup

ZONE = "postfix.test. MX 10 mx.postfix.test.\nmx.postfix.test. A 127.0.2.1"


def sent(lab, daemon, count, domain="postfix.test"):
    daemon.import_leads(csv(lab, [field(f"user{i}", domain, name=f"佐藤{i}") for i in range(count)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    c = daemon.wait_campaign("newsletter", timeout=60)
    check_accounts(c)
    check_eq(c["delivered"], count)
    return c


def test_a_real_postfix_takes_the_mail_over_tls_and_its_signatures_verify(lab):
    why = postfix.available()
    if why:
        raise Skip(why)
    daemon, _, world = setup(lab, zone=ZONE)
    cert, key = postfix.self_signed(lab, "mx.postfix.test")
    server = postfix.receiver(lab, "postfix", f"127.0.2.1:{world.smtp_port}", {
        "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": cert, "smtpd_tls_key_file": key,
        "smtpd_tls_received_header": "yes", "virtual_mailbox_domains": "static:all"})
    sent(lab, daemon, 50)
    lookup = newsletter.dkim_lookup(world)
    recipients = set()
    for path in postfix.wait_received(server, 50):
        with open(path, "rb") as f:
            raw = f.read()
        text = raw.decode("ascii")
        recipients.add(re.search(r"^X-Original-To: (\S+)", text, re.M).group(1))
        check("using TLSv1.3" in text, f"{path} came without TLS:\n{text[:600]}")
        # Postfix writes its trace fields on top and LF line ends into the mailbox; a signature holds.
        faults = [f for *_, f in dkim_verify.verify(raw.replace(b"\n", b"\r\n"), lookup)]
        check_eq(faults, [None], path)
    check_eq(len(recipients), 50, "recipients")
    check("reject" not in server.log() and "warning" not in server.log(), server.log())


def test_opendkim_accepts_what_hayauma_signs(lab):
    why = postfix.available() or (None if shutil.which("opendkim", path=postfix.SBIN) else "opendkim is not installed")
    if why:
        raise Skip(why)
    daemon, _, world = setup(lab, zone=ZONE)
    milter_port = lab.free_port()
    with open(lab.path("world.extra"), encoding="utf-8") as f:
        record = "".join(re.findall(r'"([^"]*)"', f.read().split("\n\n")[0].split(ZONE)[0]))
    keys = lab.write("opendkim.keys", f"{SELECTOR}._domainkey.{newsletter.SENDER} {record}\n")
    conf = lab.write("opendkim.conf", f"Syslog no\nUserID opendkim\nSocket inet:{milter_port}@127.0.0.1\nMode v\n"
                     f"AlwaysAddARHeader yes\nTestDNSData {keys}\nInternalHosts 192.0.2.1\nAuthservID check.test\n")
    milter = lab.spawn("opendkim", ["/usr/sbin/opendkim", "-f", "-x", conf])
    server = postfix.receiver(lab, "postfix", f"127.0.2.1:{world.smtp_port}",
                              {"smtpd_milters": f"inet:127.0.0.1:{milter_port}", "milter_default_action": "tempfail"})
    wait_for("the milter", lambda: milter.alive() and postfix.connects("127.0.0.1", milter_port))
    sent(lab, daemon, 5)
    for path in postfix.wait_received(server, 5):
        with open(path, encoding="ascii") as f:
            text = f.read().replace("\n\t", " ")
        result = re.search(r"^Authentication-Results: check\.test;(.*)$", text, re.M)
        check(result and "dkim=pass" in result.group(1), f"{path}:\n{text[:900]}\n{milter.output()}")


def test_postfix_smtp_sink_takes_everything(lab):
    binary = "/usr/sbin/smtp-sink"
    if not os.access(binary, os.X_OK):
        raise Skip("Postfix is not installed (tools/deps test)")
    daemon, _, world = setup(lab, zone=ZONE)
    dump = lab.path("dump")
    os.makedirs(dump, mode=0o777)
    os.chmod(dump, 0o777)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    server = lab.spawn("smtp-sink", [binary, *user, "-c", "-d", dump + "/%M.", f"127.0.2.1:{world.smtp_port}", "100"])
    server.expect_failure = True  # it knows no other end than a signal
    wait_for("smtp-sink", lambda: postfix.connects("127.0.2.1", world.smtp_port))
    sent(lab, daemon, 200)
    texts = []
    for name in os.listdir(dump):
        with open(os.path.join(dump, name), encoding="ascii") as f:
            texts.append(f.read())
    recipients = re.findall(r"^X-Rcpt-Args: <([^>]*)>", "".join(texts), re.M)
    check_eq((len(recipients), len(set(recipients))), (200, 200), "recipients")
