"""The lab: the name server, sinks, Postfix and hayaumad that tests, bench and quickstart start on
loopback in a directory of their own, and the certainty that all of it stops.

    with Lab(build="build") as lab:
        world = lab.world()
        lab.nsd(world)
        sink = lab.sink(world)
        daemon = lab.daemon(world)
        daemon.ctl("status")

Every process is a child that the kernel ends with this one; close() raises if one had to be killed
or, when it should not, ended with an error.
"""
import base64
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICK = os.sysconf("SC_CLK_TCK")


class LabError(Exception):
    """Something the lab needs did not start, answer or stop."""


class Skip(Exception):
    """This machine cannot run the case."""


def check(value, what):
    """An assertion that says what it wanted."""
    if not value:
        raise AssertionError(what)


def check_eq(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def wait_for(what, condition, timeout=10.0, every=0.02):
    """The first true value of condition(); LabError when the time is up."""
    until = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise LabError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(every)


def tail(path, lines=30):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as e:
        return str(e)


def cpu_seconds(pid, children=False):
    """User and system CPU of a process with all its threads, exactly; with the children it has reaped, in ticks."""
    if not children:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return sum(int(x) for x in fields[11:15]) / TICK


def machine_cpu():
    """(all, idle) CPU seconds of all processors since boot."""
    with open("/proc/stat", encoding="ascii") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]  # user nice system idle iowait irq softirq steal
    return sum(ticks) / TICK, (ticks[3] + ticks[4]) / TICK


def memory_kib(pid, field="RssAnon"):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return int(re.search(rf"^{field}:\s+(\d+) kB", f.read(), re.M).group(1))


def descendants(pid):
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                    parents.setdefault(int(f.read().rpartition(")")[2].split()[1]), []).append(int(entry))
            except OSError:
                continue  # it has ended meanwhile
    found, todo = [], [pid]
    while todo:
        kids = parents.get(todo.pop(), [])
        found += kids
        todo += kids
    return found


class Process:
    """A child with its log; `stop` ends it and tells how it went."""

    def __init__(self, lab, name, argv, env=None, cwd=None, stop_signal=signal.SIGTERM):
        self.name, self.argv, self.stop_signal = name, argv, stop_signal
        # A build with UBSan ends at the first fault: one that only prints would pass unseen.
        os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        self.log = lab.path(f"{name}.log")
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                argv, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd or lab.dir,
                env={**os.environ, **(env or {})}, start_new_session=True,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        self.pid = self.popen.pid
        self.expect_failure = False
        self.stopped = False  # by us, while it ran

    def alive(self):
        return self.popen.poll() is None

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_ready(self, what, condition, timeout=20.0):
        def ready():
            if not self.alive():
                raise LabError(f"{self.name} ended with {self.popen.returncode}:\n{tail(self.log)}")
            return condition()
        try:
            return wait_for(f"{self.name}: {what}", ready, timeout)
        except LabError as e:
            raise LabError(f"{e}\n{tail(self.log)}") from None

    def signal(self, number):
        self.stopped = self.stopped or number == self.stop_signal
        self.popen.send_signal(number)

    def kill(self):
        """As a crash: SIGKILL, no farewell."""
        self.expect_failure = True
        self.popen.kill()
        self.popen.wait()

    def stop(self, timeout=60.0):
        """Returns the exit code; LabError when it does not end by itself."""
        if self.alive():
            self.stopped = True
            self.popen.send_signal(self.stop_signal)
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.popen.wait()
                raise LabError(f"{self.name} did not stop within {timeout:g} s\n{tail(self.log)}") from None
        return self.popen.returncode


class World:
    """The recipient domains, their name server's zone, and where their sites listen."""

    def __init__(self, directory, dns_port, smtp_port):
        self.dir, self.dns_port, self.smtp_port = directory, dns_port, smtp_port
        self.domains = {}
        with open(os.path.join(directory, "domains.tsv"), encoding="utf-8") as f:
            for line in f:
                if not line.startswith("#"):
                    name, _, kind, weight, total, site = line.rstrip("\n").split("\t")
                    self.domains[name] = {"kind": kind, "weight": int(weight), "of": int(total), "site": site}

    def of_kind(self, kind):
        return [name for name, d in self.domains.items() if d["kind"] == kind]

    def zone(self):
        with open(os.path.join(self.dir, "test.zone"), encoding="utf-8") as f:
            return f.read()


class Sink(Process):
    """bench/sink; stats() is its JSON at this moment."""

    def __init__(self, lab, name, argv):
        self.stats_path = lab.path(f"{name}.json")
        self.record_path = lab.path(f"{name}.record")
        self.capture_dir = lab.path(f"{name}.mail")
        super().__init__(lab, name, argv + ["--stats", self.stats_path])
        self.wait_ready("listening", lambda: "ready" in self.output())

    def stats(self):
        if self.alive():
            if os.path.exists(self.stats_path):
                os.unlink(self.stats_path)
            self.signal(signal.SIGUSR1)
            wait_for("the sink's statistics", lambda: os.path.exists(self.stats_path))
        with open(self.stats_path, encoding="utf-8") as f:
            return json.load(f)

    def record(self):
        """[(event, code, recipient, message id)]: "dot" is a delivery, "sent" its reply."""
        out = []
        with open(self.record_path, encoding="utf-8", errors="surrogateescape") as f:
            for line in f:
                event, code, rest = line.rstrip("\n").split(" ", 2)
                rcpt, message_id = rest.rsplit(" ", 1)
                out.append((event, int(code), rcpt, message_id))
        return out

    def delivered(self):
        return [rcpt for event, code, rcpt, _ in self.record() if event == "dot" and 200 <= code < 300]

    def captured(self):
        """Paths of the stored messages, in order."""
        if not os.path.isdir(self.capture_dir):
            return []
        return [os.path.join(self.capture_dir, n) for n in sorted(os.listdir(self.capture_dir)) if n.endswith(".eml")]


class CommandError(LabError):
    def __init__(self, argv, code, output):
        super().__init__(f"{' '.join(argv)}: exit {code}\n{output}")
        self.code, self.output = code, output


class Daemon(Process):
    """hayaumad with a configuration of its own, and the hayauma command that talks to it."""

    def __init__(self, lab, name, config_path, socket_path, env=None):
        self.lab, self.config_path, self.socket = lab, config_path, socket_path
        super().__init__(lab, name, [lab.binary("src/daemon/hayaumad"), "--config", config_path], env=env)
        self.wait_ready("answering", self.answers)

    def answers(self):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(self.socket)
        except OSError:
            return False
        finally:
            s.close()
        return subprocess.run(self.command("status"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0

    def command(self, *args):
        return [self.lab.binary("src/cli/hayauma"), "--socket", self.socket, *args]

    def run(self, *args, timeout=300.0, lang="C"):
        """The finished process of a command, whatever its exit code."""
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=timeout, check=False,
                              cwd=self.lab.dir, env={**os.environ, "LC_ALL": lang})

    def ctl(self, *args, timeout=300.0):
        """The result of a command with --json; CommandError when it fails."""
        done = self.run(*args, "--json", timeout=timeout)
        if done.returncode != 0:
            raise CommandError(args, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None


    # -- what most tests do --------------------------------------------------------------------

    def import_leads(self, path, name="news", *options):
        return self.ctl("import", path, "--list", name, *options)

    def campaign(self, name):
        return self.ctl("campaign", "show", name)

    def campaigns(self):
        return {c["name"]: c for c in self.ctl("campaign", "list")["campaigns"]}

    def wait_campaign(self, name, done=lambda c: c["state"] == "done", timeout=120.0, every=0.1, watch=None):
        """The campaign once done(campaign) holds; watch(campaign) sees each look at it."""
        last = {}

        def look():
            last.update(self.campaign(name))
            if watch:
                watch(last)
            return last if done(last) else None
        try:
            return wait_for(f"campaign {name}", look, timeout, every)
        except LabError as e:
            raise LabError(f"{e}\n{json.dumps(last)}\n{tail(self.log)}") from None

    def audit(self):
        """(whether the books balance, what the audit says)"""
        done = self.run("audit")
        return done.returncode == 0, done.stdout + done.stderr


STATES = ("delivered", "bounced", "expired", "suppressed", "cancelled")


def check_accounts(campaign):
    """D14 on what `campaign show` says."""
    total = sum(campaign[s] for s in STATES) + campaign["pending"]
    check_eq(total, campaign["queued"], f"accounts of {campaign}")


# Retries within a test's patience.
QUICK_SHAPING = """\
default:
  connections: {connections}
  messages_per_connection: unlimited
  adaptive:
    enabled: {adaptive}
  tls: {tls}
  retry:
    first: 1s
    longest: 4s
    jitter: 10%
    expire: {expire}
  timeouts:
    connect: 5s
    dot: 30s
    idle: 2s
"""


class Lab:
    def __init__(self, build="build", root=None, keep=False):
        self.build = os.path.join(SOURCE, build) if not os.path.isabs(build) else build
        self.keep = keep or bool(os.environ.get("HY_LAB_KEEP"))
        self.temporary = root is None
        self.dir = tempfile.mkdtemp(prefix="hayauma-lab.") if root is None else os.path.abspath(root)
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o755)  # Postfix and OpenDKIM drop root
        self.processes = []
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans of our children come to us, so none can hide
        self.lock = threading.Lock()
        self.ports = set()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        failed = kind is not None
        try:
            self.close()
        except LabError as problems:
            if not failed:
                raise
            value.add_note(f"and then: {problems}")
        finally:
            if self.temporary and not self.keep:
                shutil.rmtree(self.dir, ignore_errors=True)

    # -- pieces ------------------------------------------------------------------------------

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def binary(self, name):
        """A program of the build; those of bench/ from HY_BENCH_BUILD when it is set, since what is under
        test, not what surrounds it, is to run under ThreadSanitizer."""
        bench = os.environ.get("HY_BENCH_BUILD")
        path = os.path.join(SOURCE, bench if bench and name.startswith("bench/") else self.build, name)
        if not os.access(path, os.X_OK):
            raise LabError(f"{path} is not built: ninja -C {self.build}")
        return path

    def run(self, *argv, timeout=120.0, **kw):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False, **kw)
        if done.returncode != 0:
            raise CommandError(argv, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def add(self, process):
        with self.lock:
            self.processes.append(process)
        return process

    def spawn(self, name, argv, **kw):
        return self.add(Process(self, name, argv, **kw))

    def free_port(self):
        """Free on every loopback address, TCP and UDP, and below the ports of outgoing connections."""
        for _ in range(1000):
            port = random.randrange(20000, 32000)
            if port in self.ports:
                continue
            try:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as s:
                        s.bind(("0.0.0.0", port))
            except OSError:
                continue
            self.ports.add(port)
            return port
        raise LabError("no free port")

    # -- what runs ---------------------------------------------------------------------------

    def world(self, zone_lines="", zones=None, dns_port=None, smtp_port=None):
        """`zone_lines` go into the zone test.; `zones` are further ones: {"docomo.ne.jp": "@ MX ..."}."""
        world_dir = self.path("world")
        dns_port, smtp_port = dns_port or self.free_port(), smtp_port or self.free_port()
        extra = self.write("world.extra", zone_lines + "\n")
        self.run(self.binary("bench/world"), "--dir", world_dir, "--dns-port", str(dns_port), "--smtp-port",
                 str(smtp_port), "--append", extra)
        for name, lines in (zones or {}).items():
            self.write(f"world/{name}.zone", f"$ORIGIN {name}.\n$TTL 300\n@ SOA ns.test. x. 1 1 1 1 1\n@ NS ns.test.\n"
                       f"{lines}\n")
            with open(os.path.join(world_dir, "nsd.conf"), "a", encoding="utf-8") as f:
                f.write(f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n')
        return World(world_dir, dns_port, smtp_port)

    def nsd(self, world):
        nsd = shutil.which("nsd", path="/usr/sbin:/usr/bin:/sbin")
        if not nsd:
            raise LabError("nsd is not installed: tools/deps quickstart")
        p = self.spawn("nsd", [nsd, "-d", "-c", os.path.join(world.dir, "nsd.conf")])
        p.wait_ready("answering", lambda: dns_answers(world.dns_port))
        return p

    def sink(self, world=None, name="sink", rules=True, record=False, capture_every=0, capture_limit=100, extra=()):
        argv = [self.binary("bench/sink")]
        if world:
            argv += ["--config", os.path.join(world.dir, "sink.listen")]
            if rules:
                argv += ["--config", os.path.join(world.dir, "sink.rules")]
        if record:
            argv += ["--record", self.path(f"{name}.record")]
        if capture_every:
            argv += ["--capture", self.path(f"{name}.mail"), "--capture-every", str(capture_every),
                     "--capture-limit", str(capture_limit)]
        return self.add(Sink(self, name, argv + list(extra)))

    def keygen(self, domain, selector, kind="rsa"):
        """(path of the private key, the zone line of its record), both by hayauma itself."""
        directory = self.path("dkim")
        os.makedirs(directory, mode=0o700, exist_ok=True)
        record = self.run(self.binary("src/cli/hayauma"), "dkim", "keygen", "--domain", domain, "--selector", selector,
                          "--type", kind, "--dir", directory)
        return os.path.join(directory, f"{domain}.{selector}.pem"), record

    def dkim_key(self, domain, selector, kind="rsa"):
        """(path of the private key, the zone line of its record), made by OpenSSL: a second opinion on
        what hayauma reads and on what it would have printed."""
        path = self.path("dkim", f"{domain}.{selector}.pem")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        algorithm = ["ED25519"] if kind == "ed25519" else ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        self.run("openssl", "genpkey", "-algorithm", *algorithm, "-out", path)
        os.chmod(path, 0o600)
        der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], capture_output=True,
                             check=True).stdout
        public = base64.b64encode(der[12:] if kind == "ed25519" else der).decode()  # RFC 8463: the bare 32 bytes
        text = f"v=DKIM1; k={kind}; p={public}"
        parts = " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))
        return path, f"{selector}._domainkey.{domain}. TXT ( {parts} )"

    def daemon(self, world, name="hayaumad", keys=(), config=None, env=None):
        """`keys`: (domain, selector, path); `config`: {"delivery.workers": 2, ...} over the lab's own."""
        return self.add(Daemon(self, name, self.daemon_config(world, name, keys, config),
                               self.path(f"{name}.sock"), env))

    def shaping(self, connections=20, tls="opportunistic", expire="20s", rules="", adaptive=True):
        """A shaping file whose retries a test can wait for."""
        return self.write("shaping.yaml", QUICK_SHAPING.format(connections=connections, tls=tls, expire=expire,
                                                               adaptive=str(adaptive).lower()) + rules)

    def daemon_config(self, world, name="hayaumad", keys=(), config=None):
        values = {
            "node.hostname": "mx.news.hayauma.test",
            "paths.data_dir": self.path(f"{name}.data"), "paths.run_dir": self.path(f"{name}.run"),
            "paths.dkim_dir": self.path("dkim"), "paths.shaping": "", "metrics.listen": "",
            "store.min_free": "16MiB", "crypto.tune": "off",
            "dns.servers": [f"127.0.0.1:{world.dns_port}"], "dns.allow_local": True,
            "delivery.smtp_port": world.smtp_port,
            "tracking.base_url": "https://t.news.hayauma.test/",
            "bounce.domain": "bounce.news.hayauma.test",
            "control.socket": self.path(f"{name}.sock"),
        }
        if keys:
            values["dkim.keys"] = [{"domain": d, "selector": s, "file": p} for d, s, p in keys]
        values.update(config or {})
        for key in ("paths.data_dir", "paths.run_dir"):
            os.makedirs(values[key], mode=0o700, exist_ok=True)
        return self.write(f"{name}.yaml", to_yaml(values))

    def close(self):
        """Stops everything, the last started first; LabError lists all that was not as it should be."""
        problems = []
        with self.lock:
            todo, self.processes = self.processes[::-1], []
        for p in todo:
            gone = not p.alive() and not p.stopped
            try:
                code = p.stop()
            except LabError as e:
                problems.append(str(e))
                continue
            if code != 0 and not p.expect_failure and not (p.stopped and code == -p.stop_signal):
                problems.append(f"{p.name} ended with {code}\n{tail(p.log)}")
            elif gone and not p.expect_failure and isinstance(p, Daemon):
                problems.append(f"{p.name} ended by itself\n{tail(p.log)}")
        problems += leftovers()
        if problems:
            raise LabError("\n".join(problems))


def leftovers(patience=5.0):
    """Reaps what our stopped children left behind; kills and names what does not end."""
    until = time.monotonic() + patience
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return []
        left = descendants(os.getpid())
        if not left or time.monotonic() > until:
            break
        time.sleep(0.02)
    names = []
    for pid in left:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                names.append(f"left behind: {pid} {f.read().replace(bytes(1), b' ').decode(errors='replace')}")
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    return names


def to_yaml(values):
    """Dotted keys as nested YAML; scalars and lists as JSON, which YAML reads."""
    sections, whole = {}, ""
    for key, value in values.items():
        section, _, name = key.partition(".")
        if name:
            sections.setdefault(section, []).append(f"  {name}: {json.dumps(value)}\n")
        else:
            whole += f"{section}: {json.dumps(value)}\n"
    return "".join(f"{s}:\n{''.join(lines)}" for s, lines in sections.items()) + whole


def dns_answers(port):
    """Whether a server there answers a query for the zone's SOA."""
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04test\x00\x00\x06\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        try:
            s.connect(("127.0.0.1", port))
            s.send(query)
            return s.recv(512)[:2] == b"\x12\x34"
        except OSError:
            return False
