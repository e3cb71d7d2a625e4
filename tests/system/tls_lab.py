"""What the tests of TLS policy need: certificates, a signed zone (nsd) behind a validating resolver (unbound), and
an HTTPS server for MTA-STS policies. All of it on loopback."""
import gzip
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading

from lab import Skip

ZONE = "sec.test"


def need(*programs):
    for p in programs:
        if not shutil.which(p, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            raise Skip(f"{p} is not installed: tools/deps test")


class Pki:
    """A CA and certificates of it, by openssl."""

    def __init__(self, lab):
        self.lab = lab
        self.dir = lab.path("pki")
        os.makedirs(self.dir, exist_ok=True)
        self.ca = os.path.join(self.dir, "ca.pem")
        self.ca_key = os.path.join(self.dir, "ca.key")
        lab.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "30", "-subj", "/CN=Lab CA", "-keyout", self.ca_key, "-out", self.ca)

    def issue(self, name, *hosts, days=30):
        """(certificate, key); a negative number of days: it has expired."""
        base = os.path.join(self.dir, name)
        with open(base + ".ext", "w", encoding="utf-8") as f:
            f.write("subjectAltName=" + ",".join(f"DNS:{h}" for h in hosts) + "\n")
        self.lab.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     f"/CN={hosts[0]}", "-keyout", base + ".key", "-out", base + ".csr")
        if days > 0:
            self.lab.run("openssl", "x509", "-req", "-in", base + ".csr", "-CA", self.ca, "-CAkey", self.ca_key,
                         "-CAcreateserial", "-days", str(days), "-extfile", base + ".ext", "-out", base + ".pem")
        else:
            self.expired(base)
        return base + ".pem", base + ".key"

    def expired(self, base):
        """x509 -req makes none that is over: the ca command does."""
        work = base + ".ca"
        os.makedirs(work, exist_ok=True)
        with open(os.path.join(work, "index.txt"), "w", encoding="utf-8"):
            pass
        with open(os.path.join(work, "conf"), "w", encoding="utf-8") as f:
            f.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={work}/index.txt\nnew_certs_dir={work}\nrand_serial=yes\n"
                    "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
        self.lab.run("openssl", "ca", "-batch", "-config", os.path.join(work, "conf"), "-cert", self.ca, "-keyfile",
                     self.ca_key, "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extfile",
                     base + ".ext", "-in", base + ".csr", "-out", base + ".pem", "-notext")

    def tlsa(self, certificate):
        """The data of a "3 1 1" record."""
        key = self.lab.run("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.encode(), check=True,
                             stdout=subprocess.PIPE).stdout
        digest = subprocess.run(["openssl", "dgst", "-sha256", "-hex"], input=der, check=True, stdout=subprocess.PIPE)
        return "3 1 1 " + digest.stdout.decode().split()[-1]


class Dns:
    """nsd with the signed zone sec.test and the plain zone plain.test; unbound in front of it, with or without the
    trust anchor."""

    def __init__(self, lab, secure_lines, plain_lines="", broken_names=(), validates=True):
        need("nsd", "unbound", "ldns-signzone", "ldns-keygen")
        self.lab = lab
        self.dir = lab.path("dns")
        os.makedirs(self.dir, exist_ok=True)
        self.auth_port, self.port = lab.free_port(), lab.free_port()
        self.zone("plain.test", plain_lines)
        signed = self.sign(secure_lines, broken_names)
        conf = lab.write("dns/nsd.conf", f"""server:
  ip-address: 127.0.0.1@{self.auth_port}
  username: ""
  chroot: ""
  zonesdir: "{self.dir}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "{self.dir}/zone.list"
  logfile: "{self.dir}/nsd.log"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "{ZONE}"
  zonefile: "{signed}"
zone:
  name: "plain.test"
  zonefile: "plain.test.zone"
""")
        nsd = lab.spawn("nsd", [shutil.which("nsd", path="/usr/sbin:/usr/bin"), "-d", "-c", conf])
        nsd.wait_ready("answering", lambda: self.answers(self.auth_port))
        self.unbound(validates)

    def zone(self, name, lines):
        return self.lab.write(f"dns/{name}.zone", f"$ORIGIN {name}.\n$TTL 60\n@ SOA ns x 1 3600 600 86400 5\n@ NS ns\n"
                              f"ns A 127.0.0.1\n{lines}\n")

    def sign(self, lines, broken_names):
        plain = self.zone(ZONE, lines)
        key = self.lab.run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ZONE, cwd=self.dir).strip()
        with open(os.path.join(self.dir, key + ".key"), encoding="utf-8") as f:
            self.anchor = f.read().strip()
        self.lab.run("ldns-signzone", "-n", "-f", f"{self.dir}/signed.zone", plain, key, cwd=self.dir)
        path = f"{self.dir}/signed.zone"
        with open(path, encoding="utf-8") as f:
            text = f.read().splitlines()
        out = []
        for line in text:  # a record that was changed after it was signed is bogus
            fields = line.split()
            if len(fields) > 4 and fields[0].rstrip(".") in broken_names and fields[3] == "TLSA":
                line = line[:-4] + ("0000" if line[-4:] != "0000" else "1111")
            out.append(line)
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(out) + "\n")
        return "signed.zone"

    def unbound(self, validates):
        anchor = f'  trust-anchor: "{self.anchor}"\n' if validates else ""
        modules = "validator iterator" if validates else "iterator"
        conf = self.lab.write("dns/unbound.conf", f"""server:
  interface: 127.0.0.1
  port: {self.port}
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  directory: "{self.dir}"
  pidfile: ""
  do-not-query-localhost: no
  module-config: "{modules}"
  local-zone: "test." nodefault
  domain-insecure: "plain.test"
{anchor}remote-control:
  control-enable: no
stub-zone:
  name: "{ZONE}"
  stub-addr: 127.0.0.1@{self.auth_port}
stub-zone:
  name: "plain.test"
  stub-addr: 127.0.0.1@{self.auth_port}
""")
        p = self.lab.spawn("unbound", [shutil.which("unbound", path="/usr/sbin:/usr/bin"), "-d", "-p", "-c", conf])
        p.wait_ready("answering", lambda: self.answers(self.port))

    @staticmethod
    def answers(port):
        """Whether the SOA of sec.test comes."""
        name = b"".join(bytes([len(x)]) + x.encode() for x in ZONE.split(".")) + b"\0"
        query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x06\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            try:
                s.connect(("127.0.0.1", port))
                s.send(query)
                answer = s.recv(4096)
                return answer[:2] == b"\x12\x34" and answer[3] & 15 == 0
            except OSError:
                return False


class HttpsServer:
    """An HTTPS server on loopback; a subclass has `answer(method, host, path, headers, body)`, which gives
    (status, type, text), or (status, type, text, {more headers})."""

    def __init__(self, lab, certificate, key):
        self.port = lab.free_port()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def serve(self):
                host = self.headers.get("Host", "").split(":")[0]
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, kind, text, *more = outer.answer(self.command, host, self.path, self.headers, body)
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in (more[0] if more else {}).items():
                    self.send_header(name, value)
                if status == 302:
                    self.send_header("Location", f"https://{host}:{outer.port}/other")
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = serve

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.handle_error = lambda *_: None  # a client that was killed is no news
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class PolicyServer(HttpsServer):
    """Serves MTA-STS policies by host: set `policies["mta-sts.DOMAIN"] = (status, type, text)`."""

    def __init__(self, lab, certificate, key):
        self.policies = {}
        self.fetches = []
        super().__init__(lab, certificate, key)

    def answer(self, method, host, path, headers, body):
        self.fetches.append((host, path))
        return self.policies.get(host, (404, "text/plain", "nothing here"))


class ReportServer(HttpsServer):
    """Takes TLS reports: `got` has (host, path, type, the report) of each that was answered with 2xx; `status[path]` is
    what a path answers instead of 201."""

    def __init__(self, lab, certificate, key):
        self.got, self.refused, self.status = [], [], {}
        super().__init__(lab, certificate, key)

    def answer(self, method, host, path, headers, body):
        status = self.status.get(path, 201)
        report = json.loads(gzip.decompress(body))
        (self.got if status // 100 == 2 else self.refused).append((host, path, headers.get("Content-Type"), report))
        return status, "text/plain", ""


def policy(mode, *hosts, age=86400):
    mx = "".join(f"mx: {h}\r\n" for h in hosts)
    return 200, "text/plain", f"version: STSv1\r\nmode: {mode}\r\n{mx}max_age: {age}\r\n"
