"""OpenSMTPD, signed by its filter-dkimsign."""
from peers import ADDRESS, HOSTNAME, Peer, SENDER, read_key

FILTER = "/usr/libexec/opensmtpd/filter-dkimsign -d {} -s {} -c relaxed/relaxed -k /etc/mail/dkim/key.pem"


class OpenSMTPD(Peer):
    name = "opensmtpd"
    title = {True: "OpenSMTPD + filter-dkimsign", False: "OpenSMTPD"}
    packages = ("opensmtpd", "opensmtpd-filter-dkimsign")
    about = {True: 230, False: 230}
    drain_messages = 4000
    inject_options = ("--one-by-one",)  # it has no PIPELINING

    def start(self, held):
        r = self.root
        r.clean("var/spool/smtpd")
        r.folder("var/spool/smtpd", "root", 0o711)
        for part, user, group, mode in (
                ("corrupt", "opensmtpq", "root", 0o700), ("incoming", "opensmtpq", "root", 0o700),
                ("offline", "root", "opensmtpq", 0o770), ("purge", "opensmtpq", "root", 0o700),
                ("queue", "opensmtpq", "root", 0o700), ("temporary", "opensmtpq", "root", 0o700)):
            r.folder(f"var/spool/smtpd/{part}", user, mode, group)
        r.folder("var/lib/opensmtpd/empty")
        r.own("usr/sbin/smtpctl", "root", "opensmtpq", 0o2555)  # as the package's script would
        define, use = "", ""
        if self.key:
            r.folder("etc/mail/dkim", "_dkimsign", 0o770)
            r.write("etc/mail/dkim/key.pem", read_key(self.key), 0o600, "_dkimsign")
            define = f'filter "dkimsign" proc-exec "{FILTER.format(SENDER, self.selector)}" user _dkimsign group _dkimsign'
            use = 'filter "dkimsign"'
        r.write("etc/smtpd.conf", self.configuration("smtpd.conf", HOSTNAME=HOSTNAME, ADDRESS=ADDRESS, DEFINE=define, USE=use))
        self.spawn("smtpd", "/usr/sbin/smtpd", "-d", *(["-P", "mta"] if held else []))

    def release(self):
        self.root.run("smtpctl", "resume", "mta")
