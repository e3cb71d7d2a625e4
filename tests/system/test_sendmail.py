"""The sendmail command: called as programs call it, with and without a daemon, and by people with bad intentions."""
import email
import email.policy
import os
import stat
import subprocess
import threading

from lab import check, check_eq, wait_for
from test_spool import FROM, SITE, relay_audit, setup as spool_setup

HOST = "mx.news.hayauma.test"
QUICK = {"dsn.gather": "0s"}


def setup(lab, **kw):
    drop = lab.path("maildrop")
    daemon, sink, _ = spool_setup(lab, config={"submission.maildrop": drop, **QUICK, **kw.pop("config", {})},
                                  capture_every=1, **kw)
    os.chmod(lab.dir, 0o755)
    for name in ("sendmail", "mailq", "newaliases"):
        os.symlink(lab.binary("src/cli/hayauma"), lab.path(name))
    return daemon, sink, drop


def sendmail(lab, daemon, *args, text="", name="sendmail", **kw):
    return subprocess.run([lab.path(name), *args], input=text.encode(), capture_output=True, check=False, timeout=60,
                          env={**os.environ, "HAYAUMA_CONFIG": daemon.config_path}, **kw)


def good(done):
    check_eq(done.returncode, 0, done.stderr.decode())


def captured(sink, n):
    wait_for(f"{n} mails", lambda: len(sink.captured()) >= n, 30, 0.05)
    out = []
    for path in sink.captured():
        with open(path, "rb") as f:
            out.append(f.read())
    return out


def test_programs_call_it_as_they_always_did(lab):
    daemon, sink, drop = setup(lab)
    check_eq(stat.S_IMODE(os.stat(drop).st_mode), 0o3733, "everybody may put, nobody may look")
    php = f"To: a@{SITE}, B <b@{SITE}>\nCc: c@{SITE}\nBcc: hidden@{SITE}\nSubject: php\nFrom: {FROM}\n\nHi\n.\nthere\n"
    good(sendmail(lab, daemon, "-t", "-i", text=php))
    wait_for("all four", lambda: len(sink.delivered()) == 4)
    check_eq(sorted(sink.delivered()), sorted(f"{u}@{SITE}" for u in ("a", "b", "c", "hidden")))
    mail = captured(sink, 1)[0]  # one transaction
    check(b"hidden" not in mail and b"\r\nHi\r\n.\r\nthere\r\n" in mail, mail)
    cron = f"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@h> x\n\noutput\n"
    good(sendmail(lab, daemon, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "-f", FROM, f"cron@{SITE}", text=cron))
    mail = captured(sink, 2)[1]
    check(f"From: Cron Daemon <root@{HOST}>".encode() in mail, mail)
    good(sendmail(lab, daemon, "-F", "早馬", "-f", FROM, "--", f"bare@{SITE}", text="only words\n.\nnot sent\n"))
    mail = captured(sink, 3)[2]
    check(mail.endswith(b"\r\n\r\nonly words\r\n") and b"From: =?UTF-8?" in mail and FROM.encode() in mail, mail)
    found = daemon.ctl("explain", f"bare@{SITE}")["messages"][0]
    check_eq(found["sender"], FROM)
    check_eq(os.listdir(drop), [], "nothing is left")


def test_wishes_for_reports_go_along(lab):
    daemon, sink, _ = setup(lab, sink_args=["--reply", "domain=kinako.test,rcpt:550:5.1.1 gone"])
    good(sendmail(lab, daemon, "-N", "failure,delay", "-R", "hdrs", "-V", "id+1", "-f", f"s@{SITE}", "x@kinako.test",
                  text=f"From: {FROM}\nSubject: s\n\nx\n"))
    report = captured(sink, 1)[0]
    check(b"Original-Envelope-Id: id+1\r\n" in report and b"Final-Recipient: rfc822; x@kinako.test" in report, report)


def test_what_is_wrong_has_the_exit_code_of_sysexits(lab):
    daemon, sink, drop = setup(lab)
    letter = f"From: {FROM}\n\nx\n"
    cases = [(64, ["-Z"], letter), (64, ["-t"], letter), (64, [], letter), (64, ["-N", "often", "a@b.test"], letter),
             (65, ["a b@x y"], letter), (65, [f"a@{SITE}"], "x\0y\n"), (65, ["-f", "<a@b> c", f"a@{SITE}"], letter)]
    for code, args, text in cases:
        done = sendmail(lab, daemon, *args, text=text)
        check_eq(done.returncode, code, f"{args}: {done.stderr}")
        check(done.stderr.startswith(b"sendmail: "), done.stderr)
    os.rename(drop, drop + ".away")
    check_eq(sendmail(lab, daemon, f"a@{SITE}", text=letter).returncode, 74, "no maildrop")
    os.rename(drop + ".away", drop)
    for name, args in (("newaliases", []), ("sendmail", ["-bi"]), ("sendmail", ["-q"])):
        good(sendmail(lab, daemon, *args, name=name))
    done = sendmail(lab, daemon, name="mailq")
    good(done)
    check(done.stdout, "the queue")
    check_eq(sink.delivered(), [])


def test_smtp_on_standard_input_gives_its_250_when_the_file_is_there(lab):
    daemon, sink, drop = setup(lab)
    daemon.stop()
    talk = (f"EHLO me\r\nMAIL FROM:<{FROM}>\r\nRCPT TO:<a@{SITE}>\r\nRCPT TO:<b@{SITE}>\r\nDATA\r\n"
            f"From: {FROM}\r\n\r\n..x\r\n.\r\nQUIT\r\n")
    done = sendmail(lab, daemon, "-bs", text=talk)
    good(done)
    check(b"\r\n250 2.0.0 Stored\r\n221 " in done.stdout, done.stdout)
    check_eq(len(os.listdir(drop)), 1)
    cut = sendmail(lab, daemon, "-bs", text=talk.split("\r\n.\r\n")[0])
    check_eq(len(os.listdir(drop)), 1, cut.stdout)
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    wait_for("both", lambda: len(sink.delivered()) == 2)
    check(captured(sink, 1)[0].endswith(b"\r\n\r\n.x\r\n"), "dots")


def test_without_a_daemon_mail_waits_and_is_sent_exactly_once_over_kills(lab):
    daemon, sink, drop = setup(lab)
    sent, lock, stop = [], threading.Lock(), threading.Event()

    def load(worker):
        i = 0
        while not stop.is_set():
            to = f"w{worker}n{i}@{SITE}"
            i += 1
            if sendmail(lab, daemon, "-i", "-f", FROM, to, text=f"From: {FROM}\n\nx\n").returncode == 0:
                with lock:
                    sent.append(to)
    threads = [threading.Thread(target=load, args=(w,)) for w in range(3)]
    for t in threads:
        t.start()
    now = daemon
    for round_ in range(4):
        before = len(sent)
        wait_for("some to be sent", lambda: len(sent) >= before + 20, timeout=60)
        now.kill()
        before = len(sent)
        wait_for("some to wait", lambda: len(sent) >= before + 5, timeout=60)
        now = lab.add(type(now)(lab, f"again{round_}", now.config_path, now.socket))
    stop.set()
    for t in threads:
        t.join()
    wait_for("the maildrop to be empty", lambda: not os.listdir(drop), timeout=60, every=0.1)
    wait_for("all to be over", lambda: relay_audit(now)["pending"] == 0, timeout=60, every=0.2)
    r, got = relay_audit(now), sink.delivered()
    check_eq(set(sent), set(got))
    check_eq(r["queued"], len(sent), "each is in the store once")
    check(len(got) - len(set(got)) <= r["resent_in_doubt"], f"{len(got)} deliveries of {len(set(got))}, {r}")


def test_nobody_reads_others_mail_or_sends_files_that_are_not_his(lab):
    daemon, sink, drop = setup(lab)
    if os.geteuid() == 0:
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        os.chmod(daemon.config_path, 0o644)
        done = sendmail(lab, daemon, "-f", FROM, f"nobody@{SITE}", text=f"From: {FROM}\n\nx\n", **user)
        good(done)
        wait_for("it", lambda: sink.delivered() == [f"nobody@{SITE}"])
        check(subprocess.run(["ls", drop], capture_output=True, check=False, **user).returncode != 0, "it can be listed")
    secret = lab.write("secret", f"hayauma-drop 1\nfrom \nto 0 - thief@{SITE}\nsize {len(FROM) + 9}\n\nFrom: {FROM}\n\nx")
    name = "m" + "a" * 25
    os.symlink(secret, f"{drop}/{name}b")
    os.link(secret, f"{drop}/{name}c")
    os.mkfifo(f"{drop}/{name}d")
    with open(f"{drop}/.{name}e", "w", encoding="utf-8") as f:
        f.write("hayauma-drop 1\nfrom \nto 0 - x\nsize 99\n\nshort")
    os.rename(f"{drop}/.{name}e", f"{drop}/{name}e")
    wait_for("all to be set aside", lambda: sorted(os.listdir(drop)) == [f"bad-{name}{c}" for c in "bcde"], 60)
    check("thief" not in "".join(sink.delivered()), "a file that was not left there was sent")


def test_what_is_refused_is_kept_and_its_sender_is_told_once(lab):
    sender = f"clerk@{SITE}"
    daemon, sink, drop = setup(lab, config={"dkim.required": True, "tenants": [
        {"name": "default", "number": 0, "from_domains": ["*"], "max_message_size": "64KiB"}]})
    unsigned = f"From: x@example.net\nTo: a@{SITE}\nSubject: \u793a\nMessage-ID: <1@example.net>\n\nsecret words\n"
    good(sendmail(lab, daemon, "-f", sender, "-V", "env1", f"a@{SITE}", f"b@{SITE}", text=unsigned))
    good(sendmail(lab, daemon, "-f", sender, f"c@{SITE}", text=f"From: {FROM}\nTo: c@{SITE}\n\n" + 2000 * ("x" * 70 + "\n")))
    good(sendmail(lab, daemon, "-f", sender, "-N", "never", f"d@{SITE}", text=unsigned))
    wait_for("two reports", lambda: sink.delivered() == [sender, sender])
    wait_for("all to be set aside", lambda: len(os.listdir(drop)) == 3 and all(n.startswith("bad-m") for n in os.listdir(drop)))
    one, other = sorted((email.message_from_bytes(m, policy=email.policy.default) for m in captured(sink, 2)),
                        key=lambda m: len(m.as_string().split("Final-Recipient")), reverse=True)
    check_eq((one.get_content_type(), one["To"], one["In-Reply-To"]), ("multipart/report", sender, "<1@example.net>"))
    first, a, b = (dict(part.items()) for part in list(one.iter_parts())[1].get_payload())
    check_eq(first["Original-Envelope-Id"], "env1")
    check_eq((a["Final-Recipient"], b["Final-Recipient"], a["Action"]), (f"rfc822; a@{SITE}", f"rfc822; b@{SITE}", "failed"))
    check("no DKIM key signs for example.net" in a["Diagnostic-Code"], a)
    check("secret words" not in one.as_string(), "the body of what cannot be sent comes back")
    check_eq(dict(list(other.iter_parts())[1].get_payload()[1].items())["Status"], "5.3.4", "too large")
    log = daemon.output()
    check_eq([log.count(words) for words in ("its sender is told", "nobody can be told")], [2, 1], log)
    daemon.stop()
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    good(sendmail(lab, daemon, "-f", FROM, f"last@{SITE}", text=f"From: {FROM}\n\nx\n"))
    wait_for("the next", lambda: f"last@{SITE}" in sink.delivered())
    check_eq(sink.delivered(), [sender, sender, f"last@{SITE}"], "nobody is told again")


def test_the_quota_of_the_installation_holds_for_the_maildrop_and_what_is_over_it_waits(lab):
    def quota(n):
        return [{"name": "default", "number": 0, "from_domains": ["*"], "messages_per_hour": n, "max_recipients": 2}]
    daemon, sink, drop = setup(lab, config={"tenants": quota(3)})
    for i in range(5):
        good(sendmail(lab, daemon, "-f", FROM, f"n{i}@{SITE}", text=f"From: {FROM}\n\nx\n"))
    wait_for("what is allowed", lambda: len(sink.delivered()) == 3)
    wait_for("the log", lambda: daemon.output().count(" wait: ") == 1)
    check_eq(len(os.listdir(drop)), 2, "the others wait where they are")
    with open(daemon.config_path, encoding="utf-8") as f:
        text = f.read()
    lab.write(os.path.basename(daemon.config_path), text.replace('"messages_per_hour": 3', '"messages_per_hour": 100'))
    daemon.ctl("reload")
    good(sendmail(lab, daemon, "-f", f"x@{SITE}", f"1@{SITE}", f"2@{SITE}", f"3@{SITE}", text=f"From: {FROM}\n\nx\n"))
    wait_for("all of them, and a report on too many", lambda: len(sink.delivered()) == 6, 60)
    check_eq(sorted(sink.delivered()), sorted([*(f"n{i}@{SITE}" for i in range(5)), f"x@{SITE}"]))
    check_eq(daemon.output().count(" wait: "), 1, "it is said once")


def test_a_file_over_the_quota_does_not_hold_up_smaller_ones(lab):
    daemon, sink, drop = setup(lab, config={"tenants": [{"name": "default", "number": 0, "from_domains": ["*"],
                                                          "messages_per_hour": 40}]})
    for i in range(40):  # more than are taken at once
        good(sendmail(lab, daemon, "-f", FROM, *[f"{i}a{k}@{SITE}" for k in range(30)], text=f"From: {FROM}\n\nx\n"))
    good(sendmail(lab, daemon, "-f", FROM, f"small@{SITE}", text=f"From: {FROM}\n\nx\n"))
    wait_for("one large and the small one", lambda: len(sink.delivered()) == 31, 60)
    check(f"small@{SITE}" in sink.delivered(), "the small one waits")
    check_eq(len(os.listdir(drop)), 39, "the others wait where they are")


def test_git_sends_its_patches(lab):
    if not os.path.exists("/usr/lib/git-core/git-send-email"):
        return
    daemon, sink, _ = setup(lab)
    patch = lab.write("0001.patch", f"From 1 Mon Sep 17 00:00:00 2001\nFrom: A <{FROM}>\nDate: Mon, 1 Jan 2024 00:00:00"
                                    " +0000\nSubject: [PATCH] x\n\nbody\n---\n x | 1 +\n")
    done = subprocess.run(["git", "send-email", f"--sendmail-cmd={lab.path('sendmail')} -i", f"--from={FROM}",
                           f"--to=list@{SITE}", "--confirm=never", "--quiet", patch], capture_output=True, check=False,
                          cwd=lab.dir, env={**os.environ, "HAYAUMA_CONFIG": daemon.config_path, "HOME": lab.dir,
                                            **{f"GIT_{who}_{what}": FROM for who in ("AUTHOR", "COMMITTER")
                                               for what in ("NAME", "EMAIL")}})
    check_eq(done.returncode, 0, done.stderr.decode())
    wait_for("it", lambda: sink.delivered() == [f"list@{SITE}"])
