"""Step 'api' of bench/limits: how many messages a second the HTTP API takes, each durable before its answer. Once while the
receivers are silent, so that taking is all there is to do; once while all that is taken is signed and delivered."""
import json
import os
import time

from lab import cpu_seconds, wait_for
from limits_figures import Memory, Threads
import newsletter

CONNECTIONS = 64
SITE = "asagao-mail.test"


def token(lab):
    path = lab.path("tokens")
    secret = lab.run(lab.binary("src/cli/hayauma"), "token", "create", "--file", path, "bench", newsletter.SENDER).strip()
    os.chmod(path, 0o600)
    return path, secret


def body_file(lab):
    text = "A message that somebody waits for, and that is long enough to be one.\n" * 30
    return lab.write("body.json", json.dumps({"from": f"App <app@{newsletter.SENDER}>", "to": [f"you@{SITE}"], "subject": "Your order",
                                              "text": text}))


def take(lab, world, start_daemon, messages, name, what, silent, figures):
    sink = lab.sink(world, name=f"sink-{name}", rules=False, extra=["--reply", "connect:stall"] if silent else [])
    port, (tokens, secret) = lab.free_port(), token(lab)
    daemon = start_daemon(lab, world, lab.shaping(connections=50, tls="never", expire="1h"),
                          **{"api.listen": [f"127.0.0.1:{port}"], "api.tokens": tokens})
    cpu, threads, begin = cpu_seconds(daemon.pid), Threads(daemon.pid), time.monotonic()
    with Memory(daemon.pid) as memory:
        found = json.loads(lab.run(
            lab.binary("bench/poster"), "--to", f"127.0.0.1:{port}", "--path", "/v1/messages", "--body", body_file(lab), "--token", secret,
            "--requests", str(messages), "--connections", str(CONNECTIONS), timeout=600))
        used, by_thread = cpu_seconds(daemon.pid) - cpu, threads.since()
        if not silent:
            wait_for("all to be delivered", lambda: sink.stats()["messages"] >= messages, timeout=300, every=0.1)
            used, took = cpu_seconds(daemon.pid) - cpu, time.monotonic() - begin
    figures.add(f"{what}: {messages:,} requests over {CONNECTIONS} connections, messages taken a second", found["requests_per_s"], "/s",
                above=10000.0 if silent else None)
    if not silent:
        figures.add("  messages delivered a second, from the first request to the last message", messages / took, "/s")
    figures.add("  CPU of the daemon", used / messages * 1e6, "us/msg")
    for thread in ("web", "writer") if silent else ():
        figures.add(f"    {thread}", by_thread.get(thread, (0.0, 0))[0] / messages * 1e6, "us/msg")
    figures.add("  CPU of the injector", found["cpu_us_per_request"], "us/msg")
    figures.add("  memory at most", memory.most, "MiB", 256.0)
    daemon.stop()
    sink.stop()


def api(lab, start_daemon, args, figures):
    world = lab.world()
    lab.nsd(world)
    take(lab, world, start_daemon, args.requests, "silent", "receivers are silent", True, figures)
    take(lab, world, start_daemon, args.requests, "live", "signed and delivered meanwhile", False, figures)
