"""Postfix, signed by OpenDKIM."""
import os
import signal

from lab import tail, wait_for
from peers import ADDRESS, HOSTNAME, Peer, SENDER, read_key


class Postfix(Peer):
    name = "postfix"
    title = {True: "Postfix + OpenDKIM", False: "Postfix"}
    packages = ("postfix", "opendkim")
    about = {True: 350, False: 580}
    drain_messages = 6000

    def start(self, held):
        r = self.root
        for part in ("var/spool/postfix", "var/lib/postfix", "run/opendkim", "var/log/postfix"):
            r.clean(part)
        r.folder("var/spool/postfix")
        r.folder("var/lib/postfix", "postfix")
        r.folder("var/log/postfix")
        milter = ""
        if self.key:
            milter = "unix:/run/opendkim/opendkim.sock"
            self.start_opendkim()
        r.write("etc/postfix/main.cf", self.configuration(
            "main.cf", HOSTNAME=HOSTNAME, ADDRESS=ADDRESS, MILTERS=milter, DISABLED="qmgr.unix" if held else ""))
        r.write("etc/postfix/master.cf", self.configuration("master.cf", ADDRESS=ADDRESS))
        r.run("postfix", "check")
        self.spawn("master", "/usr/lib/postfix/sbin/master", "-d")

    def start_opendkim(self):
        r = self.root
        r.folder("run/opendkim", "opendkim")
        r.folder("etc/dkimkeys", "opendkim", 0o700)
        r.write("etc/dkimkeys/key.pem", read_key(self.key), 0o600, "opendkim")
        r.write("etc/opendkim.conf", self.configuration("opendkim.conf", DOMAIN=SENDER, SELECTOR=self.selector))
        # It would look for a request to end every few seconds only, and has nothing to lose.
        p = self.spawn("opendkim", "/usr/sbin/opendkim", "-f", "-x", "/etc/opendkim.conf", stop_signal=signal.SIGKILL)
        socket = os.path.join(r.path, "run/opendkim/opendkim.sock")
        p.wait_ready("listening", lambda: os.path.exists(socket))
        # postfix-users would be in its group on a Debian machine; here the socket is open to all.
        wait_for("the socket's mode", lambda: os.chmod(socket, 0o777) is None)

    def release(self):
        self.root.write("etc/postfix/main.cf", self.configuration(
            "main.cf", HOSTNAME=HOSTNAME, ADDRESS=ADDRESS, MILTERS="", DISABLED=""))
        self.processes[-1].signal(signal.SIGHUP)

    def log(self):
        return super().log() + tail(os.path.join(self.root.path, "var/log/postfix/maillog"), 30)
