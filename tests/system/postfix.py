"""A Postfix of our own: private configuration, queue and ports, never the machine's. Needs root,
because Postfix does."""
import glob
import os
import pwd
import shutil
import socket
import subprocess

from lab import LabError, Process, cpu_seconds, descendants, memory_kib, tail, wait_for

SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
DAEMONS = "/usr/lib/postfix/sbin"

MASTER = """\
{listen} inet n - n - {smtpd} smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - {smtp} smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def available():
    """None, or why there can be no Postfix."""
    if os.geteuid() != 0:
        return "Postfix must be started by root"
    if not shutil.which("postfix", path=SBIN) or not os.path.exists(DAEMONS + "/master"):
        return "Postfix is not installed (tools/deps test)"
    return None


class Postfix:
    """`settings` are main.cf parameters over the common ones; `listen` is ADDR:PORT; `extra` are lines of master.cf."""

    def __init__(self, lab, name, listen, settings, smtpd="-", smtp="-", extra=""):
        why = available()
        if why:
            raise LabError(why)
        self.lab, self.name = lab, name
        self.etc, self.queue = lab.path(name, "etc"), lab.path(name, "queue")
        self.data, self.mail = lab.path(name, "data"), lab.path(name, "mail")
        for d in (self.etc, self.queue, self.data, self.mail):
            os.makedirs(d, exist_ok=True)
            os.chmod(d, 0o755)
        os.chmod(lab.path(name), 0o755)
        user = pwd.getpwnam("postfix")
        os.chown(self.data, user.pw_uid, user.pw_gid)
        main = {
            "compatibility_level": "3.6", "queue_directory": self.queue, "data_directory": self.data,
            "maillog_file": self.queue + "/maillog", "maillog_file_prefixes": self.queue,
            "daemon_directory": DAEMONS, "command_directory": "/usr/sbin", "mail_owner": "postfix",
            "setgid_group": "postdrop", "myhostname": f"{name}.test", "mydestination": "", "alias_maps": "",
            "alias_database": "", "local_recipient_maps": "", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject", "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_peername_lookup": "no", "smtpd_client_connection_count_limit": "0", "biff": "no",
            "smtputf8_enable": "yes", "smtputf8_autodetect_classes": "all", "message_size_limit": "52428800",
            **settings,
        }
        with open(self.etc + "/main.cf", "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {v}\n" for k, v in main.items())
        with open(self.etc + "/master.cf", "w", encoding="utf-8") as f:
            f.write(MASTER.format(listen=listen, smtpd=smtpd, smtp=smtp) + extra)
        for path in glob.glob("/etc/postfix/dynamicmaps.cf*") + ["/etc/postfix/postfix-files"]:
            if os.path.isfile(path):
                shutil.copy(path, self.etc)
        subprocess.run(["postfix", "-c", self.etc, "check"], capture_output=True, check=False, env={"PATH": SBIN})
        self.process = lab.add(Process(lab, name, [DAEMONS + "/master", "-c", self.etc, "-d"],
                                       env={"MAIL_CONFIG": self.etc, "PATH": SBIN}))
        host, port = listen.rsplit(":", 1)
        try:
            self.process.wait_ready("listening", lambda: greets(host, int(port)))
        except LabError as e:
            raise LabError(f"{e}\n{self.log()}") from None

    def log(self):
        return tail(self.queue + "/maillog", 40)

    def cpu(self):
        """CPU seconds of the master, its living children and those it has reaped."""
        total = cpu_seconds(self.process.pid, children=True)
        for pid in descendants(self.process.pid):
            try:
                total += cpu_seconds(pid)
            except OSError:
                continue  # reaped meanwhile: in the master's account at the next look
        return total

    def memory_kib(self):
        pids = [self.process.pid] + descendants(self.process.pid)
        total = 0
        for pid in pids:
            try:
                total += memory_kib(pid)
            except (OSError, AttributeError):
                continue
        return total

    def queue_empty(self):
        return not any(files for d in ("incoming", "active", "deferred", "maildrop")
                       for _, _, files in os.walk(os.path.join(self.queue, d)))

    def flush(self):
        subprocess.run(["postqueue", "-c", self.etc, "-f"], check=False, env={"PATH": SBIN})


def connects(host, port):
    with socket.socket() as s:
        return s.connect_ex((host, port)) == 0


def greets(host, port):
    try:
        with socket.create_connection((host, port), 2) as s:
            s.settimeout(5)
            return s.recv(200).startswith(b"220")
    except OSError:
        return False


def receiver(lab, name, listen, settings=None):
    """Takes mail for every domain into mail/all, a maildir."""
    user = pwd.getpwnam("nobody")
    p = Postfix(lab, name, listen, {
        "virtual_mailbox_domains": "static:all", "virtual_mailbox_maps": "static:all/",
        "virtual_mailbox_limit": "0", "virtual_mailbox_base": lab.path(name, "mail"), "virtual_minimum_uid": "1",
        "virtual_uid_maps": f"static:{user.pw_uid}", "virtual_gid_maps": f"static:{user.pw_gid}",
        "smtpd_recipient_restrictions": "permit", **(settings or {})})
    os.chown(p.mail, user.pw_uid, user.pw_gid)
    return p


def received(postfix):
    """Paths of the messages a receiver has, in order of arrival."""
    box = os.path.join(postfix.mail, "all", "new")
    if not os.path.isdir(box):
        return []
    paths = [os.path.join(box, n) for n in os.listdir(box)]
    return sorted(paths, key=os.path.getmtime)


def wait_received(postfix, count, timeout=30.0):
    try:
        return wait_for(f"{count} messages in the mailbox", lambda: len(received(postfix)) >= count and received(postfix),
                        timeout)
    except LabError as e:
        raise LabError(f"{e}\n{postfix.log()}") from None


def self_signed(lab, name):
    """(certificate, key) for STARTTLS."""
    cert, key = lab.path(f"{name}.crt"), lab.path(f"{name}.key")
    lab.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", key, "-out", cert)
    return cert, key
