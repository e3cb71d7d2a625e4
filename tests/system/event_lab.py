"""What the tests of events need: reading the files, the schema, and an endpoint that checks signatures by itself."""
import base64
import collections
import glob
import hashlib
import hmac
import json
import os
import re
import subprocess

from lab import LabError, check
from tls_lab import HttpsServer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
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


class Endpoint(HttpsServer):
    """Takes webhooks; `statuses` is what it answers next, then 200. `batches` has (id, events) of each request it
    took, `refused` of those it did not."""

    def __init__(self, lab, certificate, key, secrets):
        self.secrets, self.statuses, self.batches, self.refused, self.bad = secrets, [], [], [], []
        super().__init__(lab, certificate, key)

    def is_signed(self, headers, body):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        given = [s.removeprefix("v1,") for s in headers["webhook-signature"].split(" ")]
        want = [base64.b64encode(hmac.new(s, signed, hashlib.sha256).digest()).decode() for s in self.secrets]
        return given == want

    def answer(self, method, host, path, headers, body):
        if method != "POST" or headers["Content-Type"] != "application/json" or not self.is_signed(headers, body):
            self.bad.append((method, dict(headers)))
            return 401, "text/plain", "no"
        message = json.loads(body)
        status = self.statuses.pop(0) if self.statuses else 200
        taken = (headers["webhook-id"], message["data"])
        check(message["type"] == "events" and message["timestamp"].endswith("Z"), str(message)[:200])
        (self.batches if status // 100 == 2 else self.refused).append(taken)
        return status, "text/plain", ""

    def events(self):
        return [e for _, events in list(self.batches) for e in events]
