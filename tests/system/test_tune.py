"""Tuning OpenSSL: the daemon executes itself anew with what 'hayauma tune' found, and says so."""
import json
import os
import platform

from lab import check, check_eq

SETTINGS = ("default", "no-adx", "no-adx-bmi2", "no-ifma", "no-ifma-adx")


def start(lab, world, name, env=None):
    return lab.daemon(world, name=name, config={"crypto.tune": "auto"}, env=env)


def data_dir(lab, name):
    path = lab.path(f"{name}.data")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def tune_file(lab, name):
    return os.path.join(lab.path(f"{name}.data"), "crypto.tune")


def read_tune(lab, name):
    with open(tune_file(lab, name), encoding="utf-8") as f:
        return json.load(f)


def measured_here(lab, name):
    """What 'hayauma tune' says, with its file in the folder of a daemon that is not there yet."""
    return json.loads(lab.run(lab.binary("src/cli/hayauma"), "tune", "--quick", "--dir", data_dir(lab, name), "--json"))


def write_tune(lab, name, **changes):
    values = {**read_tune(lab, name), **changes}
    with open(tune_file(lab, name), "w", encoding="utf-8") as f:
        json.dump(values, f)


def environment(pid):
    with open(f"/proc/{pid}/environ", "rb") as f:
        return dict(v.split(b"=", 1) for v in f.read().split(b"\0") if b"=" in v)


def can_choose():
    return platform.machine() == "x86_64"


def test_tune_measures_verifies_and_keeps_its_choice(lab):
    report = measured_here(lab, "t")
    names = [s["setting"] for s in report["settings"]]
    check_eq(names[0], "default", "the first setting")
    check(set(names) <= set(SETTINGS) and len(set(names)) == len(names), f"the settings: {names}")
    check(report["chosen"] in names, f"what was chosen: {report['chosen']}")
    check(all(s["verified"] for s in report["settings"]), f"every setting signs rightly: {report}")
    kept = read_tune(lab, "t")
    check_eq((kept["setting"], kept["cpu"], kept["openssl"]), (report["chosen"], report["cpu"], report["openssl"]),
             "the file")
    before = os.stat(tune_file(lab, "t")).st_mtime_ns
    lab.run(lab.binary("src/cli/hayauma"), "tune", "--quick", "--dry-run", "--dir", lab.path("t.data"))
    check_eq(os.stat(tune_file(lab, "t")).st_mtime_ns, before, "the file after --dry-run")


def test_the_daemon_runs_with_the_setting_of_the_file_under_the_same_process_id(lab):
    report = measured_here(lab, "a")
    others = [s for s in report["settings"] if s["setting"] != "default"]
    if not can_choose() or not others:
        print("# nothing to choose on this processor")
        return
    write_tune(lab, "a", setting=others[0]["setting"], ia32cap="anything: only the name counts")
    daemon = start(lab, lab.world(), "a")
    status = daemon.ctl("status")
    check_eq((status["pid"], status["crypto"]["setting"], status["crypto"]["set_by"]),
             (daemon.pid, others[0]["setting"], "hayauma tune"), "status")
    check_eq(environment(daemon.pid)[b"OPENSSL_ia32cap"].decode(), others[0]["ia32cap"], "what libcrypto read")
    check(status["crypto"]["signatures_per_s"] > 0, "its rate is told")


def start_measuring(lab, world):
    """Starts a daemon that has to measure, and stops it. True when it did; otherwise it has said that a start may not
    wait for a machine as busy as this one is now."""
    before = open(tune_file(lab, "b"), "rb").read() if os.path.exists(tune_file(lab, "b")) else b""
    daemon = start(lab, world, "b")
    status, log = daemon.ctl("status")["crypto"], daemon.output()
    daemon.stop()
    after = open(tune_file(lab, "b"), "rb").read() if os.path.exists(tune_file(lab, "b")) else b""
    if after == before:
        check("too busy to measure" in log, log)
        check_eq((status["setting"], status["set_by"]), ("default", "nobody"), "what it runs with")
        print("# too busy: the default is kept")
        return False
    check_eq(status["set_by"], "hayauma tune", "who set it")
    return True


def test_the_first_start_measures_and_another_processor_is_measured_anew(lab):
    world = lab.world()
    here = measured_here(lab, "here")["cpu"]
    if not can_choose():
        return
    if start_measuring(lab, world):
        check_eq(read_tune(lab, "b")["cpu"], here, "the processor in the file")
    else:
        measured_here(lab, "b")
    write_tune(lab, "b", cpu="Another CPU (000000)", setting="default", measured_ms=1)
    if start_measuring(lab, world):
        again = read_tune(lab, "b")
        check_eq(again["cpu"], here, "the processor in the file")
        check(again["measured_ms"] > 1000, "it was measured anew")
    with open(tune_file(lab, "b"), "w", encoding="utf-8") as f:
        f.write('{"cpu": "torn')
    if start_measuring(lab, world):
        check_eq(read_tune(lab, "b")["cpu"], here, "a damaged file is made anew")


def test_what_the_operator_sets_wins_and_off_leaves_openssl_as_it_is(lab):
    world = lab.world()
    daemon = start(lab, world, "c", env={**os.environ, "OPENSSL_ia32cap": ":~0x80000"})
    status = daemon.ctl("status")["crypto"]
    check_eq((status["setting"], status["set_by"]), (":~0x80000", "environment"), "by the operator")
    check(not os.path.exists(tune_file(lab, "c")), "nothing was measured")
    off = lab.daemon(world, name="d", config={"crypto.tune": "off"})
    status = off.ctl("status")["crypto"]
    check_eq((status["setting"], status["set_by"]), ("default", "nobody"), "off")
    check(not os.path.exists(tune_file(lab, "d")), "nothing was measured")


def test_dkim_cost_tells_time_and_strength_of_each_kind(lab):
    keys = {k["key"]: k for k in json.loads(lab.run(lab.binary("src/cli/hayauma"), "dkim", "cost", "--json"))["keys"]}
    check_eq(sorted(keys), ["ed25519", "rsa-2048", "rsa-3072", "rsa-3072 --primes 3", "rsa-4096"], "the kinds")
    check(keys["rsa-2048"]["signature_us"] < keys["rsa-4096"]["signature_us"], "a longer key takes longer")
    check_eq([keys[k]["strength_bits"] for k in ("rsa-2048", "rsa-3072", "ed25519")], [112, 128, 128], "strength")
    check(keys["rsa-2048"]["record_bytes"] > 400 > keys["ed25519"]["record_bytes"], "bytes in the DNS")
    text = lab.run(lab.binary("src/cli/hayauma"), "dkim", "cost", env={**os.environ, "LC_ALL": "ja_JP.UTF-8"})
    check("強度" in text and "rsa-2048" in text, text)
