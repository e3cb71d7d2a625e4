"""Exim; it signs by itself."""
import os

from lab import tail
from peers import ADDRESS, HOSTNAME, Peer, SENDER, read_key


class Exim(Peer):
    name = "exim"
    title = {True: "Exim, its own DKIM", False: "Exim"}
    packages = ("exim4-daemon-light",)
    about = {True: 210, False: 270}
    drain_messages = 2500

    def start(self, held):
        r = self.root
        for part in ("var/spool/exim4", "var/log/exim4"):
            r.clean(part)
            r.folder(part, "Debian-exim", 0o750)
        r.folder("etc/exim4")
        signing = ""
        if self.key:
            r.write("etc/exim4/key.pem", read_key(self.key), 0o600, "Debian-exim")
            signing = self.configuration("dkim.conf", DOMAIN=SENDER, SELECTOR=self.selector)
        r.write("etc/exim4/exim4.conf", self.configuration("exim4.conf", HOSTNAME=HOSTNAME, ADDRESS=ADDRESS, DKIM=signing))
        self.spawn("daemon", "/usr/sbin/exim4", "-bdf", *([] if held else ["-q1s"]))

    def release(self):
        self.processes.pop().stop()
        self.spawn("daemon-again", "/usr/sbin/exim4", "-bdf", "-q1s")

    def log(self):
        return super().log() + tail(os.path.join(self.root.path, "var/log/exim4/mainlog"), 30)
