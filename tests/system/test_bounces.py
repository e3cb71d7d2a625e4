"""The commands that read what comes back: without a daemon, a configuration, or a place to stand."""
import json
import os
import shutil
import subprocess

from lab import check, check_eq

SEEDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fuzz/corpus/bounce")
KEYS = ["file", "is_bounce", "kind", "recipient", "action", "reply_code", "status", "reason", "hard", "suppress",
        "diagnostic", "reporting_mta", "original_message_id", "feedback_type"]


def run(lab, *args, text="", code=0):
    """Its lines, from an empty folder, with no configuration at all."""
    place = lab.path("nowhere")
    os.makedirs(place, exist_ok=True)
    done = subprocess.run([lab.binary("src/cli/hayauma"), "--config", os.path.join(place, "none.yaml"), *args],
                          input=text.encode(), capture_output=True, cwd=place, timeout=60, check=False)
    check_eq(done.returncode, code, done.stderr.decode())
    return done.stdout.decode().splitlines(), done.stderr.decode()


def test_every_recipient_is_one_line_with_all_keys(lab):
    mail = os.path.join(SEEDS, "dsn.eml")
    out, _ = run(lab, "bounce", "parse", mail)
    found = [json.loads(line) for line in out]
    check_eq([list(f) for f in found], [KEYS])
    f = found[0]
    check_eq((f["file"], f["kind"], f["is_bounce"], f["recipient"]), (mail, "bounce", True, "hanako@mail.example"))
    check_eq((f["reply_code"], f["status"], f["reason"], f["hard"], f["suppress"]), (550, "5.1.1", "user-unknown", True, True))
    check_eq((f["reporting_mta"], f["original_message_id"], f["feedback_type"]), ("mx.example", "abc@sender.example", None))


def test_files_folders_mboxes_and_standard_input_are_read(lab):
    folder = lab.path("mail")
    shutil.copytree(SEEDS, folder)
    with open(os.path.join(SEEDS, "dsn.eml"), encoding="utf-8") as f:
        mail = f.read()
    lab.write("box", "".join(f"From x@y.example Thu Apr 29 23:34:45 2015\n{mail}\n" for _ in range(3)))
    out, _ = run(lab, "bounce", "parse", folder, lab.path("box"), "-", text=mail)
    files = [json.loads(line)["file"] for line in out]
    seeds = ("arf.eml", "dsn.eml", "pmdf.eml", "qmail.txt", "ses.txt", "wide_letters.eml")
    check_eq(files[:len(seeds)], [os.path.join(folder, n) for n in seeds])
    check_eq(files[len(seeds):], [lab.path("box")] * 3 + ["-"])


def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_read(lab):
    out, err = run(lab, "bounce", "parse", lab.path("missing"), os.path.join(SEEDS, "arf.eml"), code=1)
    check("missing" in err, err)
    f = json.loads(out[0])
    check_eq((f["kind"], f["feedback_type"], f["recipient"], f["suppress"]), ("complaint", "abuse", None, True))


def test_folders_with_pipes_and_links_in_circles_are_read_once(lab):
    folder = lab.path("odd")
    shutil.copytree(SEEDS, folder)
    os.mkfifo(os.path.join(folder, "pipe"))
    os.symlink(".", os.path.join(folder, "circle"))
    os.symlink("nowhere", os.path.join(folder, "gone"))
    os.symlink("dsn.eml", os.path.join(folder, "zz-again"))
    out, _ = run(lab, "bounce", "parse", folder)
    names = sorted({os.path.basename(json.loads(line)["file"]) for line in out})
    check_eq(names, sorted(os.listdir(SEEDS)) + ["zz-again"])


def test_files_as_editors_and_other_systems_save_them(lab):
    with open(os.path.join(SEEDS, "dsn.eml"), "rb") as f:
        mail = f.read()
    plain, marked = lab.path("plain.eml"), lab.path("marked.eml")
    for path, content in ((plain, mail), (marked, b"\xef\xbb\xbf" + mail.replace(b"\n", b"\r\n"))):
        with open(path, "wb") as f:
            f.write(content)
    out, _ = run(lab, "bounce", "parse", plain, marked)
    check_eq(*[{**json.loads(line), "file": ""} for line in out])
    out, _ = run(lab, "reply", "classify", text="\ufeff550 5.1.1 User unknown\r\n\0\0550 5.1.1 User unknown\0\n" + "x" * 300000)
    check_eq([json.loads(line)["hard"] for line in out], [True, True, False])
    with open(lab.path("noise"), "wb") as f:
        f.write(bytes(range(256)) * 4096)
    out, _ = run(lab, "bounce", "parse", lab.path("noise"), "/dev/null")
    check_eq([json.loads(line)["is_bounce"] for line in out], [False, False])


def test_an_answer_tells_which_rule_gave_it(lab):
    out, _ = run(lab, "reply", "classify", "--explain", text="550 5.1.1 <kuro@x.example> User unknown\n521 5.2.2 xyzzy\n")
    found = [json.loads(line) for line in out]
    check("bounces.yaml:" in found[0]["rule"], found[0])
    check_eq([f["seen"] for f in found], ["550 5.1.1 <@> User unknown", "521 5.2.2 xyzzy"])
    check_eq((found[1]["rule"], found[1]["reason"]), (None, "mailbox-full"))
    out, _ = run(lab, "bounce", "parse", "--explain", os.path.join(SEEDS, "dsn.eml"))
    check_eq(list(json.loads(out[0])), KEYS + ["rule", "seen"])


def test_replies_are_classified_line_by_line(lab):
    replies = ["550 5.1.1 User unknown", "452 4.2.2 Mailbox full", "250 2.0.0 Ok", "", "\x1b[2J"]
    out, _ = run(lab, "reply", "classify", text="\n".join(replies) + "\n")
    found = [json.loads(line) for line in out]
    check_eq([list(f) for f in found], [["reply_code", "status", "reason", "hard", "retry", "suppress"]] * len(replies))
    check_eq([(f["reply_code"], f["reason"], f["hard"], f["retry"]) for f in found],
             [(550, "user-unknown", True, False), (452, "mailbox-full", False, True), (250, "delivered", False, False),
              (None, "undefined", False, False), (None, "undefined", False, False)])


def test_rules_of_ones_own_are_asked_first(lab):
    rules = lab.write("own.yaml", "rules:\n  - {reason: blocked, provider: x, match: 'user unknown'}\n")
    out, _ = run(lab, "reply", "classify", "--rules", rules, text="550 5.1.1 User unknown\n")
    check_eq(json.loads(out[0])["reason"], "blocked")
    out, _ = run(lab, "bounce", "rules", "check", rules)
    check_eq(out, ["1 rules are fine."])
    bad = lab.write("bad.yaml", "rules:\n  - reason: user-unknwon\n    match: x\n")
    _, err = run(lab, "bounce", "rules", "check", bad, code=1)
    check(f"{bad}:2:" in err and "user-unknown" in err, err)
