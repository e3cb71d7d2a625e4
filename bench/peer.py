"""The peer: Postfix with OpenDKIM, tuned as well as we know how, on the same world and sink."""
import os
import pwd
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "system"))
import postfix  # noqa: E402
from lab import LabError, cpu_seconds, wait_for  # noqa: E402


def transport(world):
    """Each domain straight to its first MX: Postfix need not ask the name server, in its favour."""
    address = dict(re.findall(r"^mx1\.(\S+)\. A (\S+)$", world.zone(), re.M))
    lines = []
    for name, d in world.domains.items():
        if d["kind"] not in ("null-mx", "nxdomain", "servfail", "no-host"):
            if d["kind"] == "implicit":
                site = re.search(rf"^{re.escape(name)}\. A (\S+)$", world.zone(), re.M).group(1)
            else:
                site = address[d["site"]]
            lines.append(f"{name} smtp:[{site}]:{world.smtp_port}\n")
    return "".join(lines)


def opendkim(lab, port, domain, key):
    """The signing milter. The key is loaded from a file it may read."""
    user = pwd.getpwnam("opendkim")
    copy = lab.path("opendkim", "key.pem")
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(key, "rb") as src, open(os.open(copy, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as dst:
        dst.write(src.read())
    os.chown(copy, user.pw_uid, user.pw_gid)
    conf = lab.write("opendkim.conf", f"""\
Syslog no
UserID opendkim
Socket inet:{port}@127.0.0.1
Mode s
Domain {domain}
Selector bench
KeyFile {copy}
Canonicalization relaxed/relaxed
OversignHeaders From
InternalHosts 127.0.0.0/8
RequireSafeKeys no
""")
    p = lab.spawn("opendkim", ["/usr/sbin/opendkim", "-f", "-x", conf])
    p.wait_ready("listening", lambda: postfix.connects("127.0.0.1", port))
    return p


class Peer:
    """Relays what the blaster gives it to the world's sites, signed when there is a key."""

    def __init__(self, lab, world, key=None, domain="news.hayauma.test"):
        self.lab, self.world = lab, world
        self.port = lab.free_port()
        name = "postfix-signed" if key else "postfix-plain"
        milter_port = lab.free_port() if key else None
        self.milter = opendkim(lab, milter_port, domain, key) if key else None
        table = lab.write(f"{name}.transport", transport(world))
        settings = {
            "transport_maps": f"texthash:{table}",
            # Tuned: what limits it by default and is not durability.
            "default_process_limit": "100", "in_flow_delay": "0", "qmgr_message_active_limit": "100000",
            "qmgr_message_recipient_limit": "100000", "initial_destination_concurrency": "20",
            "default_destination_concurrency_limit": "50", "smtp_connection_cache_on_demand": "yes",
            "smtp_tls_security_level": "none", "smtp_host_lookup": "native", "minimal_backoff_time": "2s",
            "queue_run_delay": "2s", "lmtp_tls_security_level": "none", "relay_domains": "",
        }
        if key:
            settings["smtpd_milters"] = f"inet:127.0.0.1:{milter_port}"
        self.postfix = postfix.Postfix(lab, name, f"127.0.0.1:{self.port}", settings)

    def cpu(self):
        milter = cpu_seconds(self.milter.pid, children=True) if self.milter else 0
        return self.postfix.cpu() + milter

    def blast(self, sink, messages, size, connections=20):
        """{"messages_per_s", "cpu_us_per_message", ...} of accepting, keeping and delivering them all."""
        before, cpu, start = sink.stats()["messages"], self.cpu(), time.monotonic()
        memory = 0
        injector = self.lab.spawn("injector", [
            self.lab.binary("bench/blaster"), "--to", f"127.0.0.1:{self.port}", "--messages", str(messages), "--size",
            str(size), "--connections", str(connections)])
        while injector.alive():
            time.sleep(0.5)
            memory = max(memory, self.postfix.memory_kib())
        if injector.popen.returncode != 0:
            raise LabError(f"injection failed: {injector.output()}\n{self.postfix.log()}")

        def arrived():
            return sink.stats()["messages"] - before >= messages
        wait_for("the last message of the peer", arrived, timeout=600, every=0.1)
        seconds = time.monotonic() - start
        return {"messages": messages, "seconds": round(seconds, 3), "messages_per_s": round(messages / seconds, 1),
                "cpu_us_per_message": round((self.cpu() - cpu) * 1e6 / messages, 1), "memory_mib": round(memory / 1024)}

    def stop(self):
        self.postfix.process.stop()
        if self.milter:
            self.milter.stop()
