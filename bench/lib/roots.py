"""A peer's private root: Debian packages and all they need, unpacked into a folder and run under
chroot. Nothing is installed: no package script runs, and the machine's own mail server, its queue and
its package database stay as they are. Needs root."""
import glob
import os
import subprocess

from lab import LabError

# Who the packages' scripts would have made; the numbers mean something in the root only.
USERS = [("root", 0, "/root"), ("daemon", 1, "/usr/sbin"), ("nobody", 65534, "/nonexistent"), ("postfix", 801, "/"),
         ("opendkim", 802, "/run/opendkim"), ("Debian-exim", 803, "/var/spool/exim4"), ("opensmtpd", 804, "/var/lib/opensmtpd/empty"),
         ("opensmtpq", 805, "/var/lib/opensmtpd/empty"), ("_dkimsign", 806, "/nonexistent")]
GROUPS = [("root", 0), ("daemon", 1), ("mail", 8), ("tty", 5), ("shadow", 42), ("nogroup", 65534), ("postdrop", 811)]
# What every Debian has and packages do not name: the shell and the tools their scripts call.
ESSENTIAL = ["libc6", "libc-bin", "dash", "coreutils", "sed", "grep", "findutils", "mawk", "diffutils"]
DEVICES = ["null", "zero", "urandom", "random"]
MERGED = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]


def run(*argv, **kw):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **kw)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def apt(cache, archives, *argv):
    """apt-get as for a machine that has nothing yet, so that it names every package of the closure. The
    mirrors, keys and lists are the machine's own. It does not name what is in `archives` already."""
    empty = os.path.join(cache, "status")
    with open(empty, "w", encoding="ascii"):
        pass
    archives = os.path.join(cache, archives)
    os.makedirs(os.path.join(archives, "partial"), exist_ok=True)
    return run("apt-get", "-qq", "-y", "-o", f"Dir::State::Status={empty}", "-o", f"Dir::Cache::archives={archives}",
               "-o", "APT::Install-Recommends=false", "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true", *argv,
               env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})


def base(root):
    """What every root has before packages come: one /usr, users, devices to be bound."""
    for d in MERGED:
        os.makedirs(os.path.join(root, "usr", d), exist_ok=True)
        os.symlink(f"usr/{d}", os.path.join(root, d))
    for d in ("dev", "etc", "proc", "run", "tmp", "var/spool", "var/lib", "var/log"):
        os.makedirs(os.path.join(root, d), exist_ok=True)
    os.symlink("/run", os.path.join(root, "var/run"))
    os.chmod(os.path.join(root, "tmp"), 0o1777)
    for name in DEVICES:
        with open(os.path.join(root, "dev", name), "w", encoding="ascii"):
            pass
    files = {
        "passwd": "".join(f"{n}:x:{i}:{i}::{home}:/usr/sbin/nologin\n" for n, i, home in USERS),
        "group": "".join(f"{n}:x:{i}:\n" for n, i in GROUPS + [(n, i) for n, i, _ in USERS if i > 800]),
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
        "services": "domain 53/tcp\ndomain 53/udp\nsmtp 25/tcp mail\nsubmission 587/tcp\nsubmissions 465/tcp\n",
        "mailname": "peer.news.hayauma.test\n", "hostname": "peer.news.hayauma.test\n",
    }
    for name, text in files.items():
        with open(os.path.join(root, "etc", name), "w", encoding="ascii") as f:
            f.write(text)


def unpack(root, cache, uris):
    for line in uris.splitlines():
        name = line.split()[1]
        deb = os.path.join(cache, "archives", name)
        tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        try:
            run("tar", "-x", "-p", "--keep-directory-symlink", "-C", root, "--exclude=./usr/share/doc", "--exclude=./usr/share/man",
                "--exclude=./usr/share/locale", stdin=tar.stdout)
        finally:
            tar.stdout.close()
            if tar.wait() != 0:
                raise LabError(f"cannot unpack {deb}")


class Root:
    """bench-peers/NAME; made once, used by later runs as long as the packages have the same versions."""

    def __init__(self, folder, name, packages, say):
        self.name, self.path = name, os.path.join(folder, name)
        cache = os.path.join(folder, "cache")
        os.makedirs(cache, exist_ok=True)
        wanted = [*ESSENTIAL, *packages]
        uris = apt(cache, "none", "install", "--print-uris", *wanted)
        stamp = os.path.join(self.path, "packages")
        if not (os.path.exists(stamp) and open(stamp, encoding="ascii").read() == uris):
            say(f"{name}: {' '.join(packages)} into {self.path}")
            run("rm", "-rf", "--one-file-system", self.path)
            os.makedirs(self.path)
            os.chmod(self.path, 0o755)
            apt(cache, "archives", "install", "--download-only", *wanted)
            base(self.path)
            # The dynamic linker and the directory tree come first: tar must find usr/ merged.
            unpack(self.path, cache, uris)
            run("ldconfig", "-r", self.path)
            with open(stamp, "w", encoding="ascii") as f:
                f.write(uris)
        self.versions = {}
        for p in packages:
            line = next(u.split()[1] for u in uris.splitlines() if u.split()[1].startswith(f"{p}_"))
            self.versions[p] = line.split("_")[1].replace("%3a", ":").replace("%7e", "~").replace("%2b", "+")

    def mount(self, nameserver):
        """Devices and the name server, bound in this process's own mount namespace: gone with it."""
        for name in DEVICES:
            run("mount", "--bind", f"/dev/{name}", os.path.join(self.path, "dev", name))
        run("mount", "-t", "proc", "proc", os.path.join(self.path, "proc"))
        self.write("etc/resolv.conf", f"nameserver {nameserver}\noptions timeout:5\n")

    def inside(self, *argv):
        """The command that runs argv in the root."""
        return ["chroot", self.path, *argv]

    def run(self, *argv):
        return run(*self.inside(*argv), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})

    def write(self, name, text, mode=0o644, owner=None):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        if owner:
            self.own(name, owner)
        return "/" + name

    def own(self, name, user, group=None, mode=None):
        ids = {n: i for n, i, _ in USERS} | dict(GROUPS)
        path = os.path.join(self.path, name)
        os.chown(path, ids[user], ids[group or user], follow_symlinks=False)
        if mode is not None:
            os.chmod(path, mode)

    def folder(self, name, user="root", mode=0o755, group=None):
        os.makedirs(os.path.join(self.path, name), exist_ok=True)
        self.own(name, user, group, mode)
        return "/" + name

    def clean(self, name):
        for path in glob.glob(os.path.join(self.path, name)):
            run("rm", "-rf", "--one-file-system", path)
