"""A client of the HTTP API, and answers held against its OpenAPI document."""
import http.client
import json
import os
import re
import subprocess

import jsonschema

from lab import check, check_eq
from test_spool import setup as spool_setup


def token(lab, name="app", domains="news.hayauma.test", *options, file=None):
    """A new token in the file of tokens."""
    path = file or lab.path("tokens")
    done = subprocess.run([lab.binary("src/cli/hayauma"), "token", "create", "--file", path, name, domains, *options],
                          capture_output=True, text=True, check=True)
    os.chmod(path, 0o600)
    return done.stdout.strip()


def api_setup(lab, config=None, **kw):
    """(daemon, sink, client with a token that may send and read)"""
    port = lab.free_port()
    secret = token(lab)
    values = {"api.listen": [f"127.0.0.1:{port}"], "api.tokens": lab.path("tokens"), **(config or {})}
    daemon, sink, world = spool_setup(lab, config=values, **kw)
    return daemon, sink, Api(port, secret)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read()
        self.json = json.loads(self.text) if self.text else None

    def error(self):
        return self.json["error"]["code"]


class Api:
    """Keeps a connection; each answer is held against the document of the API."""

    def __init__(self, port, secret=None, context=None, document=None):
        self.port, self.secret, self.context = port, secret, context
        self.connection = None
        self.document = document

    def connect(self):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=self.context) \
                if self.context else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return self.connection

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def call(self, method, path, body=None, headers=None, judge=True):
        fields = dict(headers or {})
        if self.secret:
            fields.setdefault("Authorization", f"Bearer {self.secret}")
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, path, body, fields)
            answer = Answer(connection.getresponse())
        except (http.client.HTTPException, OSError):
            self.close()
            raise
        if judge and method != "HEAD":
            self.judge(method, path.split("?")[0], answer)
        return answer

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body, **kw):
        return self.call("POST", path, body, **kw)

    def delete(self, path, **kw):
        return self.call("DELETE", path, **kw)

    def load_document(self):
        if self.document is None:
            other = Api(self.port, context=self.context)
            self.document = other.get("/v1/openapi.json", judge=False).json
            other.close()
        return self.document

    def operation(self, method, path):
        for pattern, operations in self.load_document()["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) and method.lower() in operations:
                return operations[method.lower()]
        return None

    def judge(self, method, path, answer):
        """The status is one of the document's, and the body is what it says."""
        operation = self.operation(method, path)
        if operation is None:
            check(answer.status in (400, 403, 404, 405, 413, 501, 503), f"{method} {path}: {answer.status}")
            schema = {"$ref": "#/components/schemas/Error"}
        else:
            told = operation["responses"].get(str(answer.status)) or operation["responses"].get("default")
            check(told, f"{method} {path}: the document knows no answer {answer.status}: {answer.text[:300]}")
            if "$ref" in told:
                told = self.document["components"]["responses"][told["$ref"].rsplit("/", 1)[1]]
            if "content" not in told:
                check_eq(answer.text, b"", f"{method} {path} {answer.status}")
                return
            schema = told["content"]["application/json"]["schema"]
        check_eq(answer.headers["Content-Type"], "application/json")
        resolver = jsonschema.RefResolver("", self.document)
        jsonschema.Draft202012Validator(schema, resolver=resolver).validate(answer.json)
        if answer.status >= 400:
            check("X-Request-Id" not in answer.headers or
                  answer.headers["X-Request-Id"] == answer.json["error"]["request_id"], answer.json)
