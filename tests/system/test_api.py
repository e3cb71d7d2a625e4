"""The HTTP API's server: who may come, what is refused, TLS, proxies, reload, and its own description."""
import json
import os
import socket
import ssl
import subprocess

from api_lab import Api, api_setup, token
from lab import SOURCE, check, check_eq, wait_for
from test_submission import certificate


def test_who_may_come_and_what_is_there(lab):
    daemon, _, api = api_setup(lab, config={"api.access_log": lab.path("access.log")})
    me = api.get("/v1/token").json
    check_eq((me["name"], me["scopes"], me["domains"], me["tenant"]),
             ("app", ["messages:send", "messages:read"], ["news.hayauma.test"], "default"))
    nobody = Api(api.port)
    check_eq((nobody.get("/v1/openapi.json").status, nobody.get("/v1/token").error()), (200, "no_token"))
    check_eq(nobody.get("/v1/token").headers["WWW-Authenticate"], 'Bearer realm="hayauma"')
    check_eq(Api(api.port, api.secret[:-1] + "x").get("/v1/token").error(), "invalid_token")
    check_eq(api.get("/v1/nothing").status, 404)
    wrong = api.call("DELETE", "/v1/token")
    check_eq((wrong.status, wrong.error(), wrong.headers["Allow"]), (405, "method_not_allowed", "GET"))
    check_eq(api.get("/v1/token", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"], "mine-1")
    check(api.get("/v1/token", headers={"X-Request-Id": "<no>"}).headers["X-Request-Id"] != "<no>", "a bad id")
    check_eq(api.call("HEAD", "/v1/token").text, b"")
    status = daemon.ctl("status")["api"]
    check(status["requests"] >= 9 and status["unauthorized"] == 3, status)
    with open(lab.path("access.log"), encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    check_eq({line["status"] for line in lines}, {200, 401, 404, 405})
    check_eq([line["error"] for line in lines if line["status"] == 405], ["method_not_allowed"])
    check(any(line.get("token") == me["id"] for line in lines), lines)
    with open(lab.path("access.log"), encoding="utf-8") as f:
        check(api.secret.rsplit("_", 1)[1] not in f.read(), "secrets are not logged")


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(lab):
    _, _, api = api_setup(lab)
    seen = set()
    for i in range(25):
        thief = Api(api.port, f"{api.secret[:-2]}{i:02}")
        seen.add(thief.get("/v1/token").status)
        thief.close()
    check_eq(seen, {401, 429})
    check_eq(api.get("/v1/token").status, 200)
    refused = Api(api.port, f"{api.secret[:-2]}99").get("/v1/token")
    check(500 < int(refused.headers["Retry-After"]) <= 601, "until ten minutes after the first are over")


def test_clients_that_drip_hold_only_their_own_share_of_connections(lab):
    daemon, _, api = api_setup(lab, config={"api.connections_per_address": 8})
    dripping = []
    for i in range(8):
        s = socket.create_connection(("127.0.0.1", api.port), source_address=("127.0.0.9", 0))
        s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        dripping.append(s)
    # each has arrived when the server has counted it
    wait_for("them", lambda: daemon.ctl("status")["api"]["connections_now"] >= 8)
    with socket.create_connection(("127.0.0.1", api.port), source_address=("127.0.0.9", 0)) as s:
        check(s.recv(1000).startswith(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: "), "the ninth")
    for i in range(50):
        check_eq(api.get("/v1/token").status, 200, "everybody else is served")
        for s in dripping:
            s.sendall(b"x")
    for s in dripping:
        s.settimeout(60)
        got = s.recv(100)
        check(got.startswith(b"HTTP/1.1 408 "), got)
        s.close()
    status = daemon.ctl("status")["api"]
    check_eq((status["turned_away_by_address"], status["turned_away"]), (1, 0))


def test_scopes_and_reload(lab):
    daemon, _, api = api_setup(lab)
    second = Api(api.port, token(lab, "second"))
    check_eq(second.get("/v1/token").status, 401, "before the reload")
    daemon.ctl("reload")
    me = second.get("/v1/token")
    check_eq(me.status, 200)
    file = ("--file", lab.path("tokens"))
    check_eq(daemon.run("token", "revoke", me.json["id"], *file).returncode, 0)
    check_eq([t["name"] for t in daemon.ctl("token", "list", *file)["tokens"]], ["app"])
    daemon.ctl("reload")
    check_eq(second.get("/v1/token").status, 401, "a connection that was open already")
    check_eq(api.get("/v1/token").status, 200)


def test_tls_with_certificates_that_change(lab):
    cert, key = certificate(lab)
    port = lab.free_port()
    daemon, _, api = api_setup(lab, config={"api.listen_tls": [f"127.0.0.1:{port}"], "api.certificate": cert,
                                            "api.private_key": key})
    over_tls = Api(port, api.secret, ssl.create_default_context(cafile=cert))
    check_eq(over_tls.get("/v1/token").status, 200)
    before = ssl.get_server_certificate(("127.0.0.1", port))
    certificate(lab)
    daemon.ctl("reload")
    check(ssl.get_server_certificate(("127.0.0.1", port)) != before, "the new certificate is shown")
    check_eq(over_tls.get("/v1/token").status, 200, "the old connection goes on")


def test_a_proxy_that_is_trusted_tells_who_the_client_is(lab):
    log = lab.path("access.log")
    _, _, api = api_setup(lab, config={"api.trusted_proxies": ["127.0.0.1"], "api.access_log": log})
    api.get("/v1/token", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7, 127.0.0.1"}, judge=False)

    def client():
        with open(log, encoding="utf-8") as f:
            return [json.loads(line)["client"] for line in f]
    wait_for("the line", lambda: os.path.exists(log) and client())
    check_eq(client()[0], "192.0.2.7", "what stands before the last address that is not a proxy's is hearsay")


def test_listening_in_the_open_without_tls_is_refused(lab):
    token(lab)
    config = lab.write("open.yaml", f"paths: {{data_dir: {lab.path('x')}, run_dir: {lab.path('x')}}}\n"
                                    f"api: {{listen: ['0.0.0.0:8025'], tokens: {lab.path('tokens')}}}\n")
    done = subprocess.run([lab.binary("src/daemon/hayaumad"), "--check", "--config", config], capture_output=True,
                          text=True, check=False)
    check(done.returncode != 0 and "api.listen: 0.0.0.0:8025 is not on this machine" in done.stderr, done)


def test_what_is_not_http_is_told_so(lab):
    _, _, api = api_setup(lab)
    for text, status in ((b"GET / HTTP/1.1\r\n\r\n", 400), (b"nonsense\r\n\r\n", 400),
                         (b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"
                          b"\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nA: " + b"b" * 20000, 431)):
        with socket.create_connection(("127.0.0.1", api.port), timeout=20) as s:
            s.sendall(text)
            got = b""
            while piece := s.recv(65536):
                got += piece
        check(got.startswith(f"HTTP/1.1 {status} ".encode()), got[:100])
        json.loads(got.split(b"\r\n\r\n", 1)[1])["error"]["code"]


def test_a_query_that_is_badly_escaped_is_refused_on_every_route(lab):
    daemon, _, api = api_setup(lab)
    api = Api(api.port, token(lab, "all", "*", "--scopes", "leads:read"))
    daemon.ctl("reload")
    check_eq(api.get("/v1/leads?text=%E5%B1%B1+x").status, 200)
    for path in ("/v1/leads", "/v1/segments", "/v1/products", "/v1/companies", "/v1/carts"):
        for query, field in (("limit=1%zz", "limit"), ("after=%", "after"), ("x=%2", "x"), ("x=%00", "x"), ("%zz=1", None),
                             ("ok=1&limit=%g1", "limit")):
            answer = api.get(f"{path}?{query}")
            check_eq((path, query, answer.status, answer.error(), answer.json["error"].get("field")),
                     (path, query, 400, "invalid_query", field))


def test_every_route_is_described_and_the_other_way_round(lab):
    _, _, api = api_setup(lab)
    document = api.load_document()
    check_eq(document["openapi"], "3.1.0")
    with open(os.path.join(SOURCE, "src/web/openapi.json"), "rb") as f:
        check_eq(json.load(f), document)
    for path, operations in document["paths"].items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answer = Api(api.port).call(method, path.replace("{id}", "0"), judge=False)
            known = answer.status not in (404, 405)
            check_eq(known, method.lower() in operations, f"{method} {path}: {answer.status}")
