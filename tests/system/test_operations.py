"""Running the daemon: reload, backup and restore, restart, bad configuration."""
import json
import os
import shutil
import signal
import subprocess

import newsletter
from lab import Daemon, check, check_accounts, check_eq, wait_for
from test_campaign import csv, field, setup


def edit(daemon, old, new):
    with open(daemon.config_path, encoding="utf-8") as f:
        text = f.read()
    check(old in text, f"{old} is not in the configuration")
    with open(daemon.config_path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


def test_reload_applies_a_changed_file_without_dropping_a_connection(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:30"], shaping=lab.shaping(connections=4))
    daemon.import_leads(csv(lab, [field(f"user{i}", "asagao-mail.test") for i in range(3000)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("messages", lambda: sink.stats()["messages"] > 20)
    before = sink.stats()["connections"]
    check_eq(before["open"], 4, "connections under the first rules")
    lab.shaping(connections=12)
    daemon.ctl("reload")
    wait_for("twelve connections", lambda: sink.stats()["connections"]["open"] == 12)
    after = sink.stats()["connections"]
    check_eq((after["total"], after["aborted"]), (12, 0), "the four old ones live on")
    lab.shaping(connections=16)
    daemon.signal(signal.SIGHUP)
    wait_for("sixteen connections after SIGHUP", lambda: sink.stats()["connections"]["open"] == 16)


def test_a_bad_file_changes_nothing_and_every_error_has_its_place(lab):
    daemon, _, _ = setup(lab)
    with open(daemon.config_path, encoding="utf-8") as f:
        good = f.read()
    edit(daemon, "delivery:\n", "delivery:\n  no_such_key: 1\n  max_connections: many\n")
    done = daemon.run("reload")
    check_eq(done.returncode, 1, "reload of a bad file")
    checked = subprocess.run(daemon.command("config", "check", daemon.config_path), capture_output=True, text=True,
                             check=False)
    lines = good.split("delivery:\n")[0].count("\n") + 1
    for text in (done.stdout + done.stderr, checked.stdout + checked.stderr):
        check(f"{daemon.config_path}:{lines + 1}:" in text and "no_such_key" in text, text)
        check(f"{daemon.config_path}:{lines + 2}:" in text, text)
    check_eq(checked.returncode, 1, "config check")
    daemon.signal(signal.SIGHUP)
    wait_for("the complaint in the log", lambda: "no_such_key" in daemon.output())
    daemon.ctl("status")


def test_the_daemon_refuses_to_start_on_a_bad_file(lab):
    world = lab.world()
    path = lab.daemon_config(world, config={"delivery.workers": "lots"})
    done = subprocess.run([lab.binary("src/daemon/hayaumad"), "--config", path], capture_output=True, text=True,
                          timeout=20, check=False)
    check_eq(done.returncode, 78, "EX_CONFIG")
    check("delivery.workers" in done.stderr and f"{path}:" in done.stderr, done.stderr)


def test_a_second_daemon_on_the_same_store_is_refused(lab):
    daemon, _, _ = setup(lab)
    done = subprocess.run([lab.binary("src/daemon/hayaumad"), "--config", daemon.config_path], capture_output=True,
                          text=True, timeout=20, check=False)
    check(done.returncode not in (0, -6, -11), f"exit {done.returncode}: {done.stderr}")
    daemon.ctl("status")


def test_a_backup_taken_while_sending_restores_to_a_balanced_store(lab):
    daemon, sink, world = setup(lab, sink_args=["--delay", "dot:20"], shaping=lab.shaping(connections=8))
    daemon.import_leads(csv(lab, [field(f"user{i}", "kinako.test") for i in range(1500)]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("messages", lambda: sink.stats()["messages"] > 200)
    copy = lab.path("backup")
    daemon.ctl("backup", copy)
    at_copy = daemon.campaign("newsletter")["delivered"]
    check(at_copy < 1500, "the backup came after the campaign")
    check_eq(daemon.wait_campaign("newsletter", timeout=60)["delivered"], 1500)
    daemon.stop()
    data = lab.path("hayaumad.data")
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    in_copy = json.loads(daemon.run("audit", "--data-dir", copy, "--json").stdout)["campaigns"][0]
    check(100 < in_copy["delivered"] <= at_copy, f"{in_copy['delivered']} were delivered when the copy was taken")
    daemon = lab.daemon(world, config={"paths.shaping": lab.shaping(connections=8)})
    check_accounts(daemon.campaign("newsletter"))
    balanced, text = daemon.audit()
    check(balanced, text)
    c = daemon.wait_campaign("newsletter", timeout=60)
    check_eq((c["delivered"], c["pending"]), (1500, 0), "the restored store goes on")


def test_what_is_printed_with_json_is_json_and_exit_codes_are_as_documented(lab):
    daemon, _, _ = setup(lab)
    for args in (("status",), ("campaign", "list"), ("list", "show"), ("sites",), ("queue",), ("audit",)):
        done = daemon.run(*args, "--json")
        check_eq(done.returncode, 0, f"{args}: {done.stderr}")
        json.loads(done.stdout)
    check_eq(daemon.run("no-such-command").returncode, 2, "wrong usage")
    check_eq(daemon.run("campaign", "show", "nothing").returncode, 1, "no such campaign")
    daemon.stop()
    check_eq(daemon.run("status").returncode, 3, "no daemon")


def test_the_shipped_configuration_is_accepted_as_it_is(lab):
    for name in ("hayauma.yaml",):
        path = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "conf", name)
        done = subprocess.run([lab.binary("src/cli/hayauma"), "config", "check", path], capture_output=True, text=True,
                              check=False)
        check_eq(done.returncode, 0, done.stdout + done.stderr)


def test_what_waits_for_a_restart_is_told_until_it_is_undone(lab):
    daemon, _, _ = setup(lab)
    check_eq(daemon.ctl("reload")["needs_restart"], "", "nothing has changed")
    edit(daemon, "node:\n", "node:\n  id: 5\n")
    for _ in range(2):
        check_eq(daemon.ctl("reload")["needs_restart"], "node.id", "changed and not in use yet")
    edit(daemon, "  id: 5\n", "")
    check_eq(daemon.ctl("reload")["needs_restart"], "", "as it was at the start")


def test_the_folder_of_the_socket_is_made_and_a_failed_start_promises_nothing(lab):
    world = lab.world()
    path = lab.daemon_config(world, config={"control.socket": lab.path("folder", "control.sock")})
    daemon = lab.add(Daemon(lab, "in-folder", path, lab.path("folder", "control.sock")))
    check(oct(os.stat(lab.path("folder")).st_mode & 0o777) == "0o755", "others may reach the socket")
    check_eq(daemon.stop(), 0, "the end")
    path = lab.daemon_config(world, name="lost", config={"control.socket": lab.path("no", "folder", "control.sock")})
    done = subprocess.run([lab.binary("src/daemon/hayaumad"), "--config", path], capture_output=True, text=True,
                          timeout=20, check=False)
    check_eq(done.returncode, 74, done.stderr)
    check("control.socket" in done.stderr and "ending" not in done.stderr, done.stderr)


def test_a_start_that_has_passed_is_refused_and_a_sender_without_a_key_is_named(lab):
    daemon, _, _ = setup(lab)
    daemon.import_leads(csv(lab, [field("user", "asagao-mail.test")]))
    past = daemon.run("campaign", "create", newsletter.campaign_file(lab, "past", "start_at: 2020-01-01T00:00:00Z\n"))
    check_eq(past.returncode, 1, past.stdout)
    check("2020-01-01" in past.stderr and "past" not in daemon.campaigns(), past.stderr)
    later = daemon.run("campaign", "create", newsletter.campaign_file(lab, "later", "start_at: 2099-01-01T00:00:00Z\n"))
    check_eq(later.returncode, 0, later.stderr)
    check("2099" in later.stdout and "campaign start" not in later.stdout and "DKIM" not in later.stderr,
          later.stdout + later.stderr)
    path = newsletter.campaign_file(lab, "bare")
    with open(path, encoding="utf-8") as f:
        text = f.read().replace("address: news@news.hayauma.test", "address: news@nokey.test")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    done = daemon.run("campaign", "create", path, "--check")
    check_eq(done.returncode, 0, done.stderr)
    check("no DKIM key signs for nokey.test" in done.stderr, done.stderr)


def test_explain_finds_a_message_by_its_return_path(lab):
    daemon, sink, _ = setup(lab)
    daemon.import_leads(csv(lab, [field("user", "asagao-mail.test")]))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab), "--start")
    daemon.wait_campaign("newsletter")
    with open(sink.captured()[0].replace(".eml", ".env"), encoding="utf-8") as f:
        sender = f.readline().split()[1]
    check_eq(daemon.ctl("explain", sender)["lead"]["address"], "user@asagao-mail.test", sender)
    shown = daemon.run("explain", "user@asagao-mail.test").stdout
    check("2.0.0 2.0.0" not in shown and "250 2.0.0" in shown, shown)


def test_a_file_of_another_kind_is_refused_in_words(lab):
    daemon, _, _ = setup(lab)
    path = lab.path("utf-32.csv")
    with open(path, "wb") as f:
        f.write("email,name\nuser@asagao-mail.test,x\n".encode("utf-32"))
    done = daemon.run("import", path, "--list", "news")
    check_eq(done.returncode, 1, done.stdout)
    check("makes no sense" not in done.stderr and "go on with" not in done.stderr, done.stderr)
