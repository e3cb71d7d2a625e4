"""Webhooks against a server of our own that checks each signature by itself: at least once over kill -9, and what each kind
of refusal does."""
import random
import time

import newsletter
from api_lab import api_setup
from event_lab import (KEY, Endpoint, check_ends, check_schema, endpoint, folder, kinds, once, read, schema,
                       secret_file)
from faults import Rig, leads
from lab import check, check_eq, wait_for
from test_campaign import field, send
from test_spool import letter, setup, wait_all
from tls_lab import Pki

SITE = "asagao-mail.test"


def hooked(lab, server_args=None, **entry):
    """(the endpoint's server, daemon, sink)"""
    server, hook = endpoint(lab, **(server_args or {}))
    daemon, sink, _ = setup(lab, config={"events.webhooks": [{**hook, **entry}]})
    return server, daemon, sink


def states(daemon):
    return {e["name"]: e for e in daemon.ctl("events", "endpoints")["endpoints"]}


def state(daemon):
    return states(daemon)["crm"]


def mail(lab, daemon, *names):
    for n in names:
        daemon.ctl("send", letter(lab), f"{n}@{SITE}")


def test_kill_9_amid_deliveries_loses_no_event_and_ids_tell_what_came_twice(lab):
    server, entry = endpoint(lab, batch=20)
    server.hold = 0.02  # so that most kills meet a request on its way
    dice = random.Random(11)
    rig = Rig(lab, connections=8, sink_args=["--delay", "dot:2-10"], rules=False,
              config={"events.webhooks": [entry], "delivery.in_doubt": "resend"})
    want = rig.campaign(leads(lab, rig.world, 3000, without=("servfail",)))
    for _ in range(10):
        time.sleep(dice.uniform(0.2, 0.5))
        rig.kill()
        rig.start()
    c = rig.daemon.wait_campaign("newsletter", timeout=150, every=0.3)
    server.hold = 0.0
    wait_for("all events", lambda: len(once(server.events())) >= c["attempts"], timeout=60)
    rig.judge(want)
    events = server.events()
    check_eq(server.bad, [], "signatures that are wrong")
    check_eq(len(once(events)), c["attempts"], "events, without those that came again")
    check_ends(once(events), c)
    ids = [e["id"] for e in events]
    again = len(ids) - len(set(ids))
    print(f"# 10 kills, {len(server.batches)} batches: {again} of {len(ids)} events came twice, none was lost", flush=True)
    check(again > 0, "no kill fell between a batch and its note: the test shows nothing")
    server.stop()


def test_retry_after_is_kept_and_what_is_sent_again_has_a_stamp_of_its_own(lab):
    server, daemon, _ = hooked(lab)
    server.statuses = [(429, 3), (503, 2)]
    mail(lab, daemon, "taro")
    wait_for("both events", lambda: len(server.events()) == 2, timeout=30)
    pauses = [b - a for a, b in zip(server.at, server.at[1:])]
    check(pauses[0] >= 2.9 and pauses[1] >= 1.9, f"tried again after {pauses}")
    check_eq(len({i for i, _ in server.refused}), 1, "ids of the batch")
    check(server.stamps[2] >= server.stamps[0] + 4, f"the stamps of the tries: {server.stamps}")
    check(all(abs(time.time() - s) < 300 for s in server.stamps), f"they are of now: {server.stamps}")
    check_eq(server.bad, [])
    check_eq(state(daemon)["state"], "ok")
    server.stop()


def test_410_disables_with_a_loud_note_and_a_resume_goes_on_where_it_stood(lab):
    server, daemon, _ = hooked(lab)
    server.statuses = [410]
    mail(lab, daemon, "taro")
    wait_for("the end", lambda: state(daemon)["state"] == "disabled")
    check("error events: webhook crm is disabled: it answered 410: it is gone" in daemon.output(), daemon.output())
    check("hayauma events resume crm" in daemon.output() and "tried again" not in daemon.output(), daemon.output())
    check_eq(state(daemon)["why"], "the endpoint answered 410")
    tries = len(server.at)
    mail(lab, daemon, "hanako")
    wait_all(daemon, 2)
    time.sleep(1)
    check_eq((len(server.at), server.events()), (tries, []), "what was sent to one that is gone")
    daemon.kill()
    daemon = lab.add(type(daemon)(lab, "again", daemon.config_path, daemon.socket))
    check_eq(state(daemon)["state"], "disabled", "after kill -9")
    daemon.ctl("events", "resume", "crm")
    wait_for("all four", lambda: len(server.events()) == 4)
    check_eq(kinds(server.events()), {"accepted": 2, "delivered": 2})
    server.stop()


def test_413_halves_the_batch_until_it_is_taken(lab):
    server, daemon, _ = hooked(lab, batch=16, batch_wait="1s")
    server.largest = 5
    send(lab, daemon, [field(f"user{i}", SITE) for i in range(40)])
    wait_for("all events", lambda: len(server.events()) == 40, timeout=60)
    sizes = [len(b) for _, b in server.refused]
    check(sizes and sizes[0] > 5, f"no batch was too large: {sizes}")
    check(all(len(b) <= 5 for _, b in server.batches), "taken")
    check_eq(len({e["id"] for e in server.events()}), 40, "each once")
    server.stop()


def test_one_that_does_not_answer_in_time_gets_the_same_batch_again(lab):
    server, daemon, _ = hooked(lab, timeout="1s")
    server.hold = 4.0
    mail(lab, daemon, "taro")
    wait_for("the failure", lambda: state(daemon)["state"] == "failing")
    check_eq(state(daemon)["sent"], 0)
    server.hold = 0.0
    wait_for("the batch in time", lambda: state(daemon)["state"] == "ok", timeout=30)
    wait_for("both events", lambda: len(once(server.events())) == 2)
    server.stop()


def test_redirects_are_not_followed(lab):
    server, daemon, _ = hooked(lab)
    server.statuses = [302, 307, 308]
    mail(lab, daemon, "taro")
    wait_for("both events", lambda: len(server.events()) == 2, timeout=30)
    check_eq((server.paths, len(server.refused)), ({"/hook"}, 3), "where requests went")
    server.stop()


def test_certificates_of_strangers_of_another_name_and_old_ones_are_refused(lab):
    pki, secret = Pki(lab), secret_file(lab)
    cases = {"stranger": ("localhost", 30, "/etc/ssl/certs/ca-certificates.crt"), "elsewhere": ("elsewhere.example", 30, pki.ca),
             "old": ("localhost", -1, pki.ca)}
    servers = {name: Endpoint(lab, *pki.issue(name, host, days=days), [KEY]) for name, (host, days, _) in cases.items()}
    hooks = [{"name": name, "url": f"https://localhost:{servers[name].port}/", "secret_file": secret, "ca_file": ca,
              "allow_private": True, "batch_wait": "50ms"} for name, (_, _, ca) in cases.items()]
    daemon, _, _ = setup(lab, config={"events.webhooks": hooks})
    mail(lab, daemon, "taro")
    for name, server in servers.items():
        wait_for(f"the refusal of {name}", lambda n=name: states(daemon)[n]["state"] == "failing", timeout=30)
        why = states(daemon)[name]["why"].lower()
        check("certificate" in why or "ssl" in why, f"{name}: {why}")
        check_eq((server.batches, server.bad), ([], []), name)
        server.stop()


def test_a_key_is_changed_without_a_signature_that_the_receiver_cannot_check(lab):
    old, new = KEY, b"the key that comes after the old one"
    server, daemon, _ = hooked(lab)
    mail(lab, daemon, "one")
    wait_for("the old key", lambda: len(server.events()) == 2)
    for keys, name, n in (((old, new), "two", 4), ((new,), "three", 6)):
        secret_file(lab, keys=keys)
        server.secrets = list(keys)
        daemon.ctl("reload")
        mail(lab, daemon, name)
        wait_for(f"{len(keys)} signatures", lambda n=n: len(server.events()) == n)
    check_eq(server.bad, [], "signatures that are wrong")
    server.stop()


def test_tags_and_metadata_come_back_as_they_were_handed_in(lab):
    """By the API, with what each recipient has of its own; in every event of the message, by webhook and in files."""
    server, hook = endpoint(lab)
    out = folder(lab)
    daemon, _, api = api_setup(lab, config={"events.webhooks": [hook], "events.files": [{"name": "all", "dir": out}]},
                               sink_args=["--reply", "rcpt:550:5.1.1 no:50%"])
    tags = ["請求書", "a\"b\\c", "x" * 60]
    metadata = {"order": "A-1001", "nested": {"list": [1, -2.5, None, True, {"é": "💌"}]}, "line": "a\r\nb\u2028c",
                "big": 9007199254740993, "id": "not an event's"}
    body = {"from": f"App <app@{newsletter.SENDER}>", "subject": "Hi", "text": "Hello\n", "tags": tags, "metadata": metadata}
    each = api.post("/v1/messages", {**body, "recipients": [
        {"email": f"u{i}@{SITE}", "metadata": {"order": f"A-{i}", "no": i}} for i in range(6)]})
    check_eq(each.status, 202, each.text)
    plain = api.post("/v1/messages", {k: v for k, v in body.items() if k not in ("tags", "metadata")} | {"to": [f"none@{SITE}"]})
    check_eq(plain.status, 202, plain.text)
    wait_for("two events a message by webhook", lambda: len(server.events()) == 14, timeout=30)
    wait_for("and in the file", lambda: len(read(out)) == 14)
    daemon.stop()
    rules = schema()
    for events in (server.events(), read(out)):
        of = {}
        for e in events:
            check_schema(e, rules)
            of.setdefault(e["message"], []).append(e)
        for m in of.values():
            check_eq(m[0]["type"], "accepted")
            who = m[1]["recipient"].split("@")[0]
            own = {} if who == "none" else {"tags": tags, "metadata": {**metadata, "order": f"A-{who[1:]}", "no": int(who[1:])}}
            for e in m:
                check_eq({k: e[k] for k in ("tags", "metadata") if k in e}, own, f"{e['type']} to {who}")
        check_eq(len(of), 7)
    check_eq(server.bad, [])
    server.stop()
