"""Step 'leads' of bench/limits: how long finding one of very many leads takes, by number, address and id of another system;
in the process that has the store, and over HTTP with all that a lead has in the answer."""
import http.client
import json
import os
import random
import shutil
import time

import big
from limits_figures import Memory

HTTP_LOOKS = 3000  # of each kind


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def token(lab):
    path = lab.path("tokens")
    secret = lab.run(lab.binary("src/cli/hayauma"), "token", "create", "--file", path, "bench", "*", "--scopes", "leads:read").strip()
    os.chmod(path, 0o600)
    return path, secret


def ask(port, secret, paths):
    """Milliseconds of each request over one connection; the last answer."""
    connection, fields = http.client.HTTPConnection("127.0.0.1", port, timeout=30), {"Authorization": f"Bearer {secret}"}
    times, answer = [], None
    for path in paths:
        begin = time.monotonic()
        connection.request("GET", path, headers=fields)
        response = connection.getresponse()
        answer = response.read()
        times.append((time.monotonic() - begin) * 1000)
        if response.status != 200:
            raise SystemExit(f"GET {path}: {response.status} {answer[:300]}")
    connection.close()
    return times, json.loads(answer)


def leads(lab, start, lab_class, args, figures):
    source, _ = big.cached(lab_class, start, args)
    data = big.copy_into(lab, source)
    found = json.loads(lab.run(lab.binary("bench/lead_cost"), data, timeout=3600))
    n = found["leads"]
    figures.add("leads in the store, with their lists and attributes", n, "")
    figures.add("  store", found["store_bytes"] / n, "B/lead")
    figures.add("an id of another system for each: ids a second", n / found["ids_s"], "/s")
    figures.add("  store", found["ids_bytes"] / n, "B/lead")
    for kind, what in (("number", "number"), ("address", "address"), ("id", "id of another system")):
        figures.add(f"finding and reading one by its {what}: 99 of 100 within", found[kind]["p99_us"], "us")
        figures.add("  half", found[kind]["p50_us"], "us")
    world, port, (tokens, secret) = big.world(lab), lab.free_port(), token(lab)
    daemon = start(lab, world, lab.shaping(), **{"paths.data_dir": data, "api.listen": [f"127.0.0.1:{port}"], "api.tokens": tokens})
    draw = random.Random(7)
    some = [draw.randrange(1, n + 1) for _ in range(HTTP_LOOKS)]
    with Memory(daemon.pid) as memory:
        _, one = ask(port, secret, ["/v1/leads/1"])
        assert one["ids"] == ["ext:crm:00000001"], one
        for what, paths in (("number", [f"/v1/leads/{i}" for i in some]),
                            ("id of another system", [f"/v1/leads/ext:crm:{i:08}" for i in some])):
            times, _ = ask(port, secret, paths)
            figures.add(f"GET /v1/leads/... by its {what}: 99 of 100 within", percentile(times, 0.99), "ms")
            figures.add("  half", percentile(times, 0.5), "ms")
        addresses = []
        for i in some[:HTTP_LOOKS // 10]:
            addresses.append(ask(port, secret, [f"/v1/leads/{i}"])[1]["address"])
        times, _ = ask(port, secret, [f"/v1/leads/{a.replace('@', '%40')}" for a in addresses * 10])
        figures.add("GET /v1/leads/... by its address: 99 of 100 within", percentile(times, 0.99), "ms")
        figures.add("  half", percentile(times, 0.5), "ms")
    figures.add("  memory of the daemon at most", memory.most, "MiB", 256.0)
    daemon.stop()
    shutil.rmtree(data, ignore_errors=True)
