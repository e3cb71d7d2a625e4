"""POST /v1/messages: every way to hand messages in, what is refused and where, once is once, later, and back."""
import base64
import concurrent.futures
import email
import email.policy
import http.client
import json
import os
import re
import subprocess
import time

from api_lab import Api, api_setup, token
from lab import SOURCE, Daemon, check, check_eq, wait_for
from test_spool import FROM, SITE, relay_audit, wait_all

PLAIN = {"from": f"App <{FROM}>", "to": [f"taro@{SITE}"], "subject": "Hi", "text": "Hello\n.dot\n"}


def mails(sink, n):
    wait_for(f"{n} mails", lambda: len(sink.captured()) >= n)
    found = []
    for path in sink.captured():
        with open(path, "rb") as f:
            found.append(email.message_from_binary_file(f, policy=email.policy.default))
    return found


def send(api, body, want=202, **kw):
    answer = api.post("/v1/messages", body, **kw)
    check_eq(answer.status, want, answer.text[:500])
    return answer.json


def test_one_message_with_everything(lab):
    daemon, sink, api = api_setup(lab, capture_every=1)
    body = {"from": {"email": FROM, "name": "早馬商店"}, "to": [{"email": f"taro@{SITE}", "name": "山田 太郎"}],
            "cc": f"Hanako <hanako@{SITE}>", "bcc": [f"secret@{SITE}"], "reply_to": "help@example.jp",
            "subject": "ご注文 A-1001 ありがとうございます", "html": "<p>ありがとう <img src='cid:logo'></p>",
            "headers": {"X-Order": "A-1001\r\nBcc: evil@example.org"},
            "attachments": [{"filename": "請求書.pdf", "content_type": "application/pdf",
                             "content": base64.b64encode(b"%PDF-1.4\n" * 100).decode()},
                            {"filename": "logo.png", "content_type": "image/png", "content_id": "logo",
                             "content": base64.b64encode(b"PNG").decode()}],
            "tags": ["order"], "metadata": {"order": "A-1001"}}
    sent = send(api, body)
    check_eq((sent["accepted"], sent["rejected"]), (3, []))
    wait_all(daemon, 3)
    mail = mails(sink, 1)[0]  # one transaction
    check_eq(str(mail["From"]), f"早馬商店 <{FROM}>")
    check_eq(str(mail["To"]), f"山田 太郎 <taro@{SITE}>")
    check_eq(str(mail["Cc"]), f"Hanako <hanako@{SITE}>")
    check_eq((mail["Bcc"], mail["Reply-To"], mail["Message-ID"]),
             (None, "help@example.jp", sent["messages"][0]["message_id"]))
    check_eq(mail["Subject"], "ご注文 A-1001 ありがとうございます")
    check_eq(mail["X-Order"], "A-1001 Bcc: evil@example.org", "a line end in a value is a space")
    check_eq([p.get_content_type() for p in mail.walk()],
             ["multipart/mixed", "multipart/related", "multipart/alternative", "text/plain", "text/html", "image/png",
              "application/pdf"])
    files = list(mail.iter_attachments())
    check_eq([(f.get_filename(), f.get_content()) for f in files], [("請求書.pdf", b"%PDF-1.4\n" * 100)])
    check("ありがとう" in mail.get_body(("plain",)).get_content(), "text made from the HTML")
    check("DKIM-Signature" in mail, "it is signed")
    status = api.get(f"/v1/messages/{sent['messages'][0]['id']}").json
    check_eq({r["state"] for r in status["recipients"]}, {"delivered"})
    check_eq((status["tags"], status["metadata"]), (["order"], {"order": "A-1001"}))
    check_eq(status["recipients"][0]["reply_code"], 250)


def test_a_message_of_its_own_for_each_recipient(lab):
    daemon, sink, api = api_setup(lab, capture_every=1)
    sent = send(api, {"from": FROM, "recipients": [
        {"email": f"taro@{SITE}", "name": "太郎", "variables": {"order": {"no": 1}, "items": ["a", "b"]}},
        {"email": "not an address"},
        {"email": f"hanako@{SITE}", "variables": {"name": "花子", "order": {"no": 2}, "shop": "own"}}],
        "template": {"subject": "{{name}}様 {{order.no}}",
                     "text": "{{name}}: {{#items}}[{{.}}]{{/items}} {{shop}}{{nobody}}\n"},
        "variables": {"shop": "全員"}})
    check_eq(sent["accepted"], 2)
    check_eq([(r["field"], r["code"]) for r in sent["rejected"]], [("recipients[1].email", "invalid_address")])
    wait_all(daemon, 2)
    by_subject = {m["Subject"]: m for m in mails(sink, 2)}
    check_eq(set(by_subject), {"太郎様 1", "花子様 2"})
    check_eq(by_subject["太郎様 1"].get_content().strip(), "太郎: [a][b] 全員")
    check_eq(by_subject["花子様 2"].get_content().strip(), "花子:  own")
    check_eq(str(by_subject["太郎様 1"]["To"]), f"太郎 <taro@{SITE}>")
    check_eq(len({m["Message-ID"] for m in by_subject.values()}), 2)
    # without a template nothing in the text is one
    send(api, {"from": FROM, "recipients": [f"jiro@{SITE}"], "subject": "{{name}}", "text": "{{no}}\n"})
    check_eq([m["Subject"] for m in mails(sink, 3)][-1], "{{name}}")


def test_finished_messages(lab):
    daemon, sink, api = api_setup(lab, capture_every=1)
    raw = f"From: App <{FROM}>\nTo: x@{SITE}\nSubject: =?utf-8?B?5pep6aas?=\nBcc: secret@example.org\n\nHi\n.\n"
    send(api, {"raw": raw, "to": [f"a@{SITE}"]})
    send(api, {"raw_base64": base64.b64encode(raw.encode()).decode(), "recipients": [f"b@{SITE}", f"c@{SITE}"]})
    answer = api.post(f"/v1/messages?to=d@{SITE}&to=e%40{SITE}&tag=one&priority=bulk", raw.encode(),
                      headers={"Content-Type": "message/rfc822; charset=utf-8"})
    check_eq((answer.status, answer.json["accepted"]), (202, 2))
    wait_for("five", lambda: len(sink.delivered()) == 5)
    for mail in mails(sink, 3):
        check_eq((mail["Subject"], mail["Bcc"]), ("早馬", None))
        check("with HTTP id" in mail["Received"], mail["Received"])
    status = api.get(f"/v1/messages/{answer.json['messages'][0]['id']}").json
    check_eq((status["tags"], status["priority"]), (["one"], "bulk"))


def test_mistakes_are_told_with_their_place(lab):
    _, _, api = api_setup(lab)
    good = dict(PLAIN)
    cases = [
        (b"{", 400, "invalid_json", None),
        (b"[]", 400, "invalid_json", None),
        (b'{"from":1,"from":2}', 400, "invalid_json", None),
        ({}, 422, "missing_field", "from"),
        ({**good, "frm": 1}, 422, "unknown_field", "frm"),
        ({**good, "from": 1}, 422, "invalid_type", "from"),
        ({**good, "from": "x"}, 422, "invalid_address", "from"),
        ({**good, "from": "x@elsewhere.example"}, 403, "from_not_allowed", "from"),
        ({**good, "return_path": "x@elsewhere.example"}, 403, "from_not_allowed", "return_path"),
        ({**good, "to": []}, 422, "missing_field", "to"),
        ({**good, "to": [{"emil": "a@b.jp"}]}, 422, "unknown_field", "to[0].emil"),
        ({**good, "to": [f"a@{SITE}", {"name": "x"}]}, 422, "missing_field", "to[1].email"),
        ({**good, "to": ["a@b@c"]}, 422, "invalid_address", "to[0]"),
        ({**good, "to": [{"email": "a@\r\nb.jp"}]}, 422, "invalid_address", "to[0].email"),
        ({**good, "to": ["a@b.jp"] * 10001}, 422, "too_many_recipients", None),
        ({**good, "text": 1}, 422, "invalid_type", "text"),
        ({"from": FROM, "to": "a@b.jp", "subject": "x"}, 422, "missing_field", "text"),
        ({**good, "headers": {"From": "x"}}, 422, "invalid_message", None),
        ({**good, "headers": {"X Y": "x"}}, 422, "invalid_message", None),
        ({**good, "headers": {"X": 1}}, 422, "invalid_type", "headers.X"),
        ({**good, "attachments": [{"content": "%%%"}]}, 422, "invalid_base64", "attachments[0].content"),
        ({**good, "attachments": [{"filename": "x"}]}, 422, "missing_field", "attachments[0].content"),
        ({**good, "attachments": [{"content": "", "content_type": "a\r\nb: c"}]}, 422, "invalid_message", None),
        ({**good, "send_at": "tomorrow"}, 422, "invalid_value", "send_at"),
        ({**good, "send_at": "2999-01-01T00:00:00Z"}, 422, "invalid_value", "send_at"),
        ({**good, "priority": "now"}, 422, "invalid_value", "priority"),
        ({**good, "tags": ["x" * 65]}, 422, "invalid_value", "tags[0]"),
        ({**good, "metadata": {"x": "y" * 70000}}, 422, "too_large", "metadata"),
        ({**good, "raw": "x"}, 422, "conflicting_fields", None),
        ({**good, "variables": {}}, 422, "conflicting_fields", "variables"),
        ({"raw": "no header", "to": "a@b.jp"}, 422, "invalid_message", "raw"),
        ({"raw": "From: x@elsewhere.example\n\n", "to": "a@b.jp"}, 403, "from_not_allowed", "raw"),
        ({"from": FROM, "recipients": ["a@b.jp"], "template": {"subject": "{{#x}}", "text": "x"}}, 422,
         "invalid_template", "template"),
    ]
    for body, status, code, field in cases:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = api.post("/v1/messages", text, headers={"Content-Type": "application/json"})
        got = (answer.status, answer.error(), answer.json["error"].get("field"))
        check(got[:2] == (status, code) and (field is None or got[2] == field), f"{text[:200]}: {answer.text}")
    check_eq(api.post("/v1/messages", b"x", headers={"Content-Type": "text/plain"}).error(), "unsupported_media_type")
    check_eq(api.get("/v1/messages/nonsense").status, 404)
    reader = Api(api.port, None)
    check_eq(reader.post("/v1/messages", PLAIN).status, 401)


def test_a_call_with_a_key_is_done_once(lab):
    daemon, sink, api = api_setup(lab)
    key = {"Idempotency-Key": "order-1001"}
    first = api.post("/v1/messages", PLAIN, headers=key)
    again = api.post("/v1/messages", PLAIN, headers=key)
    check_eq((first.status, again.status, again.json), (202, 202, first.json))
    check_eq((first.headers["Idempotent-Replay"], again.headers["Idempotent-Replay"]), (None, "true"))
    other = api.post("/v1/messages", {**PLAIN, "text": "other\n"}, headers=key)
    check_eq((other.status, other.error()), (422, "idempotency_key_reused"))
    check_eq(api.post("/v1/messages", {**PLAIN, "to": ["x"]}, headers={"Idempotency-Key": "bad"}).status, 422)
    check_eq(api.post("/v1/messages", PLAIN, headers={"Idempotency-Key": "bad"}).status, 202, "refusals are not kept")
    wait_for("both", lambda: len(sink.delivered()) == 2)

    def race(_):
        return Api(api.port, api.secret, document=api.document).post("/v1/messages", PLAIN,
                                                                     headers={"Idempotency-Key": "race"})
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(race, range(48)))
    check({a.status for a in answers} <= {202, 409}, [a.status for a in answers])
    check_eq(len({a.json["messages"][0]["id"] for a in answers if a.status == 202}), 1)
    check_eq(api.post("/v1/messages", PLAIN, headers={"Idempotency-Key": "race"}).headers["Idempotent-Replay"], "true")
    wait_all(daemon, 3)
    daemon.stop()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    api.close()
    check_eq(api.post("/v1/messages", PLAIN, headers=key).json, first.json, "over a restart")
    wait_all(daemon, 3)


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def test_later_and_taken_back(lab):
    daemon, sink, api = api_setup(lab)
    far = send(api, {**PLAIN, "to": [f"a@{SITE}", f"b@{SITE}"], "send_at": at(3600)})
    soon = send(api, {**PLAIN, "send_at": at(3)})
    past = send(api, {**PLAIN, "to": [f"past@{SITE}"], "send_at": at(-3600)})
    check("send_at" in far and "send_at" not in past, (far, past))
    status = api.get(f"/v1/messages/{far['messages'][0]['id']}").json
    check_eq({r["state"] for r in status["recipients"]}, {"scheduled"})
    wait_for("those that are due", lambda: sorted(sink.delivered()) == [f"past@{SITE}", f"taro@{SITE}"], 20)
    done = api.delete(f"/v1/messages/{far['messages'][0]['id']}")
    check_eq((done.status, done.json["cancelled"]), (200, 2))
    check_eq({r["state"] for r in api.get(f"/v1/messages/{far['messages'][0]['id']}").json["recipients"]},
             {"cancelled"})
    check_eq(api.delete(f"/v1/messages/{far['messages'][0]['id']}").error(), "too_late")
    check_eq(api.delete(f"/v1/messages/{soon['messages'][0]['id']}").error(), "too_late")
    check_eq(api.delete("/v1/messages/0000000000000").status, 404)
    wait_for("all over", lambda: relay_audit(daemon)["pending"] == 0)
    check_eq(relay_audit(daemon)["cancelled"], 2)


def test_ten_thousand_recipients_in_a_call(lab):
    daemon, sink, api = api_setup(lab)
    body = {"from": FROM, "recipients": [{"email": f"u{i}@{SITE}", "variables": {"no": i}} for i in range(10000)],
            "template": {"subject": "No. {{no}}", "text": "You are {{no}}.\n"}, "priority": "bulk",
            "send_at": at(3600)}
    sent = send(api, body)
    check_eq((sent["accepted"], len(sent["messages"])), (10000, 10000))
    check_eq(relay_audit(daemon)["queued"], 10000)
    check_eq(api.get(f"/v1/messages/{sent['messages'][9999]['id']}").json["recipients"][0]["email"], f"u9999@{SITE}")


def test_the_examples_of_the_document_work(lab):
    daemon, _, api = api_setup(lab)
    api.secret = token(lab, "examples", "*")
    daemon.ctl("reload")
    examples = api.load_document()["paths"]["/v1/messages"]["post"]["requestBody"]["content"]["application/json"][
        "examples"]
    check(len(examples) >= 4, examples.keys())
    for name, example in examples.items():
        answer = api.post("/v1/messages", example["value"])
        check(answer.status == 202, f"{name}: {answer.text}")
        check_eq(answer.json["rejected"], [], name)


def test_killed_under_load_each_call_is_done_once(lab):
    daemon, _, api = api_setup(lab)
    api.load_document()
    when, answered, sent = at(3600), {}, []

    def client(n):
        mine = Api(api.port, api.secret, document=api.document)
        for i in range(100000):
            key = f"{n}-{i}"
            sent.append(key)
            try:
                answer = mine.post("/v1/messages", {**PLAIN, "to": [f"u{key}@{SITE}"], "send_at": when},
                                   headers={"Idempotency-Key": key})
            except (OSError, http.client.HTTPException):
                return
            check_eq(answer.status, 202)
            answered[key] = answer.json
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(client, n) for n in range(8)]
        wait_for("calls to be answered", lambda: len(answered) > 150)
        daemon.kill()
        for job in jobs:
            job.result()
    check(len(sent) > len(answered), "some had no answer")
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    api.close()
    for key in sent:
        again = api.post("/v1/messages", {**PLAIN, "to": [f"u{key}@{SITE}"], "send_at": when},
                         headers={"Idempotency-Key": key})
        check_eq(again.status, 202)
        if key in answered:
            check_eq((again.json, again.headers["Idempotent-Replay"]), (answered[key], "true"), key)
    check_eq(relay_audit(daemon)["queued"], len(sent), "each call is there once")


def guide_commands(name):
    """The curl commands of a guide, as they would be pasted."""
    with open(os.path.join(SOURCE, "docs/guides", name), encoding="utf-8") as f:
        blocks = re.findall(r"^```\n(curl.*?)^```", f.read(), re.M | re.S)
    return [c for b in blocks for c in re.split(r"(?m)^(?=(?:curl|jq) )", b) if c.strip()]


def test_the_commands_of_the_guides_work_as_pasted(lab):
    with open(os.path.join(SOURCE, "conf/scoring.yaml"), encoding="utf-8") as f:
        rules = lab.write("scoring.yaml", f.read())
    daemon, _, api = api_setup(lab, config={"scoring.rules": rules})
    secret = token(lab, "guide", "*", "--scopes", "messages:send,messages:read,templates:write,leads:read,leads:write")
    admin = token(lab, "chief", "*", "--scopes", "admin")
    daemon.ctl("reload")
    daemon.import_leads(lab.write("leads.csv", "email\n" + "".join(f"user{i}@example.jp\n" for i in range(20))))
    version = Api(api.port, admin).get("/v1/scores/rules").json["version"]
    lab.write("letter.eml", "From: shop@example.jp\nTo: taro@example.net\nSubject: Hi\n\nHello\n")
    later = Api(api.port, secret).post("/v1/messages", {"from": "shop@example.jp", "to": "taro@example.net",
                                                        "subject": "Hi", "text": "Hi", "send_at": at(3600)}).json
    daemon.ctl("segment", "create", "regulars", "orders.count >= 2")
    wait_for("the segment", lambda: daemon.ctl("segment", "show", "regulars")["state"] == "ready")
    english, japanese = guide_commands("api.md"), guide_commands("api.ja.md")
    check_eq(english, japanese, "both languages have the same commands")
    check(len(english) >= 6, english)
    for command in english:
        local = command.replace("127.0.0.1:8025", f"127.0.0.1:{api.port}").replace("/ID", f"/{later['messages'][0]['id']}")
        local = re.sub(r'version: "\w+"', f'version: "{version}"', local)
        done = subprocess.run(["bash", "-ec", local], capture_output=True, text=True, check=False, cwd=lab.dir,
                              env={**os.environ, "TOKEN": secret, "ADMIN": admin})
        check(done.returncode == 0 and "error" not in json.loads(done.stdout), f"{command}{done.stdout}{done.stderr}")
