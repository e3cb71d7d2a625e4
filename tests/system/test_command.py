"""The hayauma command as a person meets it: on a terminal, in a pipe, in Japanese, as a stranger."""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import newsletter
from lab import Skip, check, check_eq, wait_for
from test_campaign import csv, field, setup

NOBODY, GROUP = 65534, "games"


def sending(lab, count, sink_args=(), connections=4):
    daemon, sink, _ = setup(lab, sink_args=list(sink_args), shaping=lab.shaping(connections=connections))
    daemon.import_leads(csv(lab, [field(f"user{i}", "asagao-mail.test") for i in range(count)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    return daemon, sink


def on_a_terminal(argv, seconds=60.0, env=None, until=None):
    """(what the terminal got, exit code); `until` is a text after which Ctrl-C is pressed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", **(env or {})))
    shown, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if until and until in shown:
            os.write(fd, b"\x03")
            until = None
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return shown.decode(errors="replace"), os.waitstatus_to_exitcode(status)


def test_watch_draws_in_place_on_a_terminal_and_ends_with_the_report(lab):
    daemon, _ = sending(lab, 600, ["--delay", "dot:20"])
    daemon.ctl("campaign", "start", "newsletter")
    shown, code = on_a_terminal(daemon.command("campaign", "watch", "newsletter", "--interval", "0.2"))
    check_eq(code, 0, shown)
    check(re.search(r"\x1b\[\d+A", shown), "the picture is drawn over the last one")
    check(shown.startswith("\x1b[?25l") and "\x1b[?25h" in shown, "the cursor is hidden and comes back")
    check("600 of 600" in shown and "100.0 %" in shown, shown)
    check(").asagao-mail.test" in shown and "250 2.0.0" in shown, "the site and its reply")
    check("queued" in shown.split("\x1b[?25h")[1], "the report")


def test_watch_in_a_pipe_is_plain_lines_and_json_is_one_object_a_line(lab):
    daemon, _ = sending(lab, 300, ["--delay", "dot:20"])
    daemon.ctl("campaign", "start", "newsletter")
    done = daemon.run("campaign", "watch", "newsletter", "--interval", "0.2", timeout=60)
    check_eq(done.returncode, 0, done.stderr)
    check("\x1b" not in done.stdout, "no escape sequences in a pipe")
    check(re.search(r"^running: [\d.]+ %, \d+ of 300, ", done.stdout, re.M), done.stdout)
    done = daemon.run("campaign", "watch", "newsletter", "--json", timeout=60)
    for line in done.stdout.splitlines():
        check_eq(json.loads(line)["campaign"]["name"], "newsletter", line)


def test_ctrl_c_leaves_the_watching_and_not_the_campaign(lab):
    daemon, _ = sending(lab, 400, ["--delay", "dot:50"])
    daemon.ctl("campaign", "start", "newsletter")
    shown, code = on_a_terminal(daemon.command("campaign", "watch", "newsletter", "--interval", "0.2"),
                                until=b"of 400")
    check_eq(code, 0, shown)
    check(shown.endswith("\x1b[?25h"), "the cursor comes back, no report of what has not ended")
    check_eq(daemon.wait_campaign("newsletter", timeout=60)["delivered"], 400)


def test_start_wait_tells_by_its_exit_code_whether_all_was_sent(lab):
    daemon, sink = sending(lab, 400, ["--delay", "dot:20"])
    done = daemon.run("campaign", "start", "newsletter", "--wait", timeout=60)
    check_eq(done.returncode, 0, done.stderr)
    check("400" in done.stdout, done.stdout)
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "second"))
    waiting = subprocess.Popen(daemon.command("campaign", "start", "second", "--wait"), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    wait_for("the second one sends", lambda: sink.stats()["messages"] > 450)
    daemon.ctl("campaign", "cancel", "second", "--yes")
    check_eq(waiting.wait(30), 1, "a cancelled campaign")


def test_words_are_japanese_where_the_locale_is_and_colours_stay_away_when_asked(lab):
    daemon, _ = sending(lab, 1)
    done = subprocess.run(daemon.command("campaign", "show", "newsletter"), capture_output=True, text=True, check=False,
                          env=dict(os.environ, LC_ALL="ja_JP.UTF-8"))
    check("下書き" in done.stdout, done.stdout)
    done = subprocess.run(daemon.command("campaign", "start", "--help"), capture_output=True, text=True, check=False,
                          env=dict(os.environ, LC_ALL="ja_JP.UTF-8"))
    check(done.stdout.startswith("使い方: hayauma campaign start NAME"), done.stdout)
    shown, _ = on_a_terminal(daemon.command("list", "show"))
    check("\x1b[1m" in shown, "bold heads on a terminal")
    shown, _ = on_a_terminal(daemon.command("list", "show"), env={"NO_COLOR": "1"})
    check("\x1b" not in shown, "NO_COLOR")


def test_strangers_are_refused_and_members_of_the_group_are_not(lab):
    if os.geteuid() != 0:
        raise Skip("only root can be somebody else")
    daemon, _, _ = setup(lab, config={"control.mode": "0666", "control.group": GROUP})
    command = lab.path("hayauma")
    shutil.copyfile(lab.binary("src/cli/hayauma"), command)
    os.chmod(command, 0o755)

    def status_as(**who):
        return subprocess.run([command, "--socket", daemon.socket, "status"], capture_output=True, text=True,
                              check=False, cwd="/", **who)
    done = status_as(user=NOBODY, group=NOBODY, extra_groups=[])
    check_eq(done.returncode, 4, "a stranger")
    check("control.group" in done.stderr, done.stderr)
    check_eq(status_as(user=NOBODY, group=GROUP, extra_groups=[]).returncode, 0, "by the first group")
    check_eq(status_as(user=NOBODY, group=NOBODY, extra_groups=[GROUP]).returncode, 0, "by another group")


def test_an_import_that_is_interrupted_stops_and_keeps_what_is_in(lab):
    daemon, _, _ = setup(lab)
    read, write = os.pipe()
    importing = subprocess.Popen(daemon.command("import", "-", "--list", "news"), stdin=read,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(read)
    os.write(write, b"email\n" + b"".join(b"u%d@asagao-mail.test\n" % i for i in range(2000)))

    def members():
        lists = daemon.ctl("list", "show")["lists"]
        return lists[0]["members"] if lists else 0
    time.sleep(0.5)
    importing.send_signal(signal.SIGINT)
    importing.wait(10)
    check(importing.returncode != 0, "interrupted")
    before = members()
    os.close(write)
    daemon.ctl("status")
    check(before <= 2000, str(before))
    done = daemon.run("import", csv(lab, [field(f"u{i}", "asagao-mail.test") for i in range(2000)]), "--list", "news")
    check_eq(done.returncode, 0, done.stderr)
    check_eq(members(), 2000, "a second import brings in the rest, and nobody twice")


def test_a_campaign_file_with_mistakes_says_each_with_its_place(lab):
    daemon, _ = sending(lab, 1)
    path = lab.write("bad.yaml", "name: x\nlists: [news]\nfrom: {address: a@news.hayauma.test}\nsubjekt: s\n"
                     "subject: \"{{#open}}\"\ntext: body.txt\n")
    lab.write("body.txt", "Hello {{name\n")
    done = daemon.run("campaign", "create", path)
    check_eq(done.returncode, 1)
    check(f"{path}:4:1: error: unknown key 'subjekt' (did you mean 'subject'?)" in done.stderr, done.stderr)
    with open(path, encoding="utf-8") as f:
        text = f.read().replace("subjekt: s\n", "").replace("{{#open}}", "Hi")
    lab.write("bad.yaml", text)
    done = daemon.run("campaign", "create", path, "--check")
    check_eq(done.returncode, 1)
    check("body.txt:1:" in done.stderr, done.stderr)


def test_status_is_told_in_japanese_to_its_last_word(lab):
    daemon, _ = sending(lab, 1)
    told = subprocess.run(daemon.command("status"), capture_output=True, text=True, check=True, env=dict(os.environ, LC_ALL="ja_JP.UTF-8"))
    labels = [line.split("  ")[0].strip() if not line.startswith("  ") else line[2:].split("  ")[0].strip() for line in told.stdout.splitlines()]
    check(len(labels) > 60, told.stdout)
    english = [label for label in labels if label.isascii() and label not in ("PID", "API", "DNS", "OpenSSL")]
    check_eq(english, [], "labels without a word in Japanese")
