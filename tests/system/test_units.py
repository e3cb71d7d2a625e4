"""The service files: systemd takes them, and the unit is as locked up as it says; the manual pages say
what the programs say."""
import os
import re
import shutil
import subprocess

from lab import SOURCE, Skip, check, check_eq

EXPOSURE_MAX = 20  # tenths of systemd's scale, where a unit without any protection has 96


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def source(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def unit(lab):
    """The unit as it would be installed, with programs that are there."""
    text = source("systemd/hayaumad.service.in")
    check("@sbindir@/hayaumad" in text and "@bindir@/hayauma" in text, "the unit names its programs")
    text = text.replace("@sbindir@/hayaumad", "/bin/true").replace("@bindir@/hayauma", "/bin/true")
    return lab.write("hayaumad.service", text)


def analyze(*args):
    done = subprocess.run(["systemd-analyze", "--no-pager", *args], capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def settings(path):
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            key, eq, value = line.strip().partition("=")
            if eq and not line.startswith("#"):
                found.setdefault(key, []).append(value)
    return found


def test_systemd_finds_no_fault_in_the_unit(lab):
    need("systemd-analyze")
    check_eq(analyze("verify", "--man=no", unit(lab)), (0, ""), "systemd-analyze verify")


def test_systemd_would_find_a_fault(lab):
    need("systemd-analyze")
    path = unit(lab)
    with open(path, "a", encoding="utf-8") as f:
        f.write("\n[Service]\nProtectSystm=strict\nCapabilityBoundingSet=CAP_NET_BIND\n")
    check("ProtectSystm" in analyze("verify", "--man=no", path)[1], "a misspelt key was not noticed")


def test_the_unit_exposes_little(lab):
    need("systemd-analyze")
    code, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit(lab))
    check_eq(code, 0, said)


def test_the_unit_has_no_right_but_low_ports_and_is_watched(lab):
    found = settings(unit(lab))
    for key, want in {
            "Type": ["notify"], "User": ["hayauma"], "NoNewPrivileges": ["yes"],
            "CapabilityBoundingSet": ["CAP_NET_BIND_SERVICE"], "AmbientCapabilities": ["CAP_NET_BIND_SERVICE"],
    }.items():
        check_eq(found.get(key), want, key)
    check(found.get("WatchdogSec"), "no watchdog")


def test_the_user_and_its_folders_are_made(lab):
    need("systemd-sysusers")
    need("systemd-tmpfiles")
    root = lab.path("root")
    lab.write("root/usr/lib/sysusers.d/hayauma.conf", source("systemd/hayauma.sysusers"))
    lab.write("root/usr/lib/tmpfiles.d/hayauma.conf",
              source("systemd/hayauma.tmpfiles.in").replace("@datadir@", "/usr/share"))
    for name in ("hayauma.yaml", "shaping.yaml", "shaping.local.yaml", "bounces.yaml"):
        lab.write(f"root/usr/share/hayauma/{name}", source(f"conf/{name}"))
    lab.write("root/etc/hayauma/shaping.yaml", "# changed by a person\n")
    lab.write("root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    lab.write("root/etc/group", "root:x:0:\n")
    lab.run("systemd-sysusers", f"--root={root}")
    with open(os.path.join(root, "etc/passwd"), encoding="utf-8") as f:
        users = dict(line.split(":", 1) for line in f)
    check("hayauma" in users, "no user")
    if os.geteuid() != 0:
        raise Skip("only root may give a folder away")
    lab.run("systemd-tmpfiles", f"--root={root}", "--create")
    keys = os.stat(os.path.join(root, "etc/hayauma/dkim"))
    check_eq(oct(keys.st_mode & 0o7777), oct(0o700), "mode of the folder of keys")
    check_eq(keys.st_uid, int(users["hayauma"].split(":")[1]), "owner of the folder of keys")
    with open(os.path.join(root, "etc/hayauma/hayauma.yaml"), encoding="utf-8") as f:
        check_eq(f.read(), source("conf/hayauma.yaml"), "the first configuration")
    with open(os.path.join(root, "etc/hayauma/shaping.yaml"), encoding="utf-8") as f:
        check_eq(f.read(), "# changed by a person\n", "a configuration that is there")


def test_the_manual_page_of_the_command_is_its_table(lab):
    want = lab.run(lab.binary("src/cli/hayauma"), "man")
    check(want in source("docs/man/hayauma.1"), "run tools/gen-cli-docs")


def test_the_manual_page_of_the_daemon_has_its_options_and_exit_codes(lab):
    said = lab.run(lab.binary("src/daemon/hayaumad"), "--help")
    page = source("docs/man/hayaumad.8").replace("\\-", "-")
    options = set(re.findall(r"--[a-z]+", said))
    check(len(options) >= 3, said)
    check_eq({o for o in options if o not in page}, set(), "options that are missing")
    codes = set(re.findall(r"(?:^|[ ;])(\d+) ", said.partition("Exit status:")[2]))
    check(len(codes) >= 3, said)
    check_eq({c for c in codes if f"\n.B {c}\n" not in page}, set(), "exit codes that are missing")


def test_the_manual_pages_are_free_of_faults(lab):
    need("groff")
    for name in ("hayauma.1", "hayaumad.8", "hayauma.yaml.5"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", os.path.join(SOURCE, "docs/man", name)],
                              capture_output=True, text=True, timeout=60, check=False)
        check_eq((done.returncode, done.stderr), (0, ""), name)
