"""What the tests of events need: reading the files, the schema, the ends of recipients, and an endpoint that checks
signatures by itself."""
import base64
import collections
import glob
import hashlib
import hmac
import json
import os
import re
import subprocess
import time

from lab import LabError, check, check_eq, wait_for
from tls_lab import HttpsServer, Pki

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEY = b"0123456789abcdef0123456789abcdef"
ENDS = ("delivered", "bounced", "expired", "suppressed", "cancelled")
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def schema():
    with open(os.path.join(ROOT, "docs", "events.schema.json"), encoding="utf-8") as f:
        return json.load(f)


def check_schema(event, rules):
    """Every rule that docs/events.schema.json uses; and no member that it does not name."""
    for name in rules["required"]:
        check(name in event, f"{name} is missing in {event}")
    for name, value in event.items():
        rule = rules["properties"].get(name)
        check(rule, f"the schema does not know {name}: {event}")
        if "type" in rule:
            check(type(value) is TYPES[rule["type"]], f"{name} is no {rule['type']}: {value}")
        if "const" in rule:
            check(value == rule["const"], f"{name}: {value}")
        if "enum" in rule:
            check(value in rule["enum"], f"{name}: {value}")
        if "pattern" in rule:
            check(re.search(rule["pattern"], value), f"{name}: {value}")


def files(directory, end=""):
    return sorted(p for p in glob.glob(os.path.join(directory, "*")) if p.endswith(end))


def read(directory):
    """All events of a folder: of complete files and of the one that grows; again when one gets its name meanwhile."""
    for _ in range(100):
        try:
            before = files(directory)
            events = read_files(before)
            if files(directory) == before:
                return events
        except FileNotFoundError:
            pass
    raise LabError(f"{directory} never holds still")


def read_files(paths):
    events = []
    for path in paths:
        if path.endswith(".tmp") or path.removesuffix(".part") + ".zst" in paths:
            continue
        if path.endswith(".zst"):
            text = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
        else:
            with open(path, "rb") as f:
                text = f.read()
        lines = text.split(b"\n")
        check(lines[-1] == b"" or path.endswith(".part"), f"{path} ends in the middle of a line")
        events += [json.loads(line) for line in lines[:-1]]
    return events


def kinds(events):
    return collections.Counter(e["type"] for e in events)


def once(events):
    """The events without those that came again: by their ids, as a receiver does it."""
    return list({e["id"]: e for e in events}.values())


def check_ends(events, figures, what=""):
    """Each recipient has one end, or was given up while on the wire and then had another; the last ones, added up, are
    the figures of the campaign (or of the relay)."""
    ends = {}
    for e in events:
        if e["type"] in ENDS:
            ends.setdefault(e["recipient"], []).append(e["type"])
    for address, types in ends.items():
        check(len(types) == 1 or (len(types) == 2 and types[0] == "cancelled" != types[1]), f"{what} {address}: {types}")
    n = collections.Counter(types[-1] for types in ends.values())
    check_eq({k: n[k] for k in ENDS}, {k: figures[k] for k in ENDS}, what)


def wait_read(daemon):
    """Until every destination has all that happened."""
    wait_for("all to be read", lambda: all(e["unread"] == 0 for e in daemon.ctl("events", "endpoints")["endpoints"]), timeout=60)


def folder(lab, name="events"):
    path = lab.path(name)
    os.makedirs(path, exist_ok=True)
    return path


def secret_file(lab, name="crm.secret", keys=(KEY,)):
    path = lab.write(name, "".join(f"whsec_{base64.b64encode(k).decode()}\n" for k in keys))
    os.chmod(path, 0o600)
    return path


def endpoint(lab, keys=(KEY,), name="localhost", **more):
    """(server, what a webhook's entry has); the server has a certificate of this name."""
    pki = Pki(lab)
    server = Endpoint(lab, *pki.issue("hook", name), list(keys))
    return server, {"name": "crm", "url": f"https://localhost:{server.port}/hook", "secret_file":
                    secret_file(lab, keys=keys), "ca_file": pki.ca, "allow_private": True, "batch_wait": "50ms",
                    "retry_max": "1s", **more}


class Endpoint(HttpsServer):
    """Takes webhooks; `statuses` is what it answers next, then 200: a status, or (status, seconds of Retry-After).
    `batches` has (id, events) of each request it took, `refused` of those it did not, `at` when each
    came, `paths` where to; `largest` events are taken in a request, others get a 413; `hold` seconds pass before it answers."""

    def __init__(self, lab, certificate, key, secrets):
        self.secrets, self.statuses, self.batches, self.refused, self.bad = secrets, [], [], [], []
        self.stamps, self.paths, self.at, self.largest, self.hold = [], set(), [], None, 0.0
        super().__init__(lab, certificate, key)

    def is_signed(self, headers, body):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        given = [s.removeprefix("v1,") for s in headers["webhook-signature"].split(" ")]
        want = [base64.b64encode(hmac.new(s, signed, hashlib.sha256).digest()).decode() for s in self.secrets]
        return given == want

    def status_for(self, events):
        if self.largest and len(events) > self.largest:
            return 413, None
        status = self.statuses.pop(0) if self.statuses else 200
        return status if isinstance(status, tuple) else (status, None)

    def answer(self, method, host, path, headers, body):
        self.paths.add(path)
        if method != "POST" or headers["Content-Type"] != "application/json" or not self.is_signed(headers, body):
            self.bad.append((method, dict(headers)))
            return 401, "text/plain", "no"
        message = json.loads(body)
        check(message["type"] == "events" and message["timestamp"].endswith("Z"), str(message)[:200])
        self.at.append(time.monotonic())
        self.stamps.append(int(headers["webhook-timestamp"]))
        time.sleep(self.hold)
        status, retry_after = self.status_for(message["data"])
        (self.batches if status // 100 == 2 else self.refused).append((headers["webhook-id"], message["data"]))
        return status, "text/plain", "", {"Retry-After": str(retry_after)} if retry_after else {}

    def events(self):
        return [e for _, events in list(self.batches) for e in events]
