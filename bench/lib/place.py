"""Where a run takes place: a network of its own that has nothing but loopback, so that name servers
and mail servers can have their true ports and nothing leaves the machine; mounts of its own; and
processes of its own, which the kernel ends with the run, however that ends."""
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

from account import Groups

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8913, 0x8914, 0x8916, 1
TEST_NET = "192.0.2.1"
PR_SET_PDEATHSIG = 1
CANNOT = 77
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LIBC = ctypes.CDLL(None, use_errno=True)


def system(what, result):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def loopback_up():
    """127.0.0.1 and one address that does not look like loopback, without which some resolvers (AI_ADDRCONFIG)
    believe that there is no IPv4."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags = struct.unpack("16sH", fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))[:18])[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
        address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(TEST_NET))
        fcntl.ioctl(s, SIOCSIFADDR, struct.pack("16s16s", b"lo:1", address))


def interrupt(_number, _frame):
    """KeyboardInterrupt, once: a request to end comes to all processes of a run, and is passed on too."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def forked(work):
    """The exit code of work() in a child, to which requests to end are passed on."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # The first process of a namespace gets no signal that it has no handler for.
            for number in ENDINGS:
                signal.signal(number, interrupt)
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            code = work()
        except KeyboardInterrupt:
            print("bench: interrupted", file=sys.stderr)
        except OSError as e:
            print(f"bench: {e}", file=sys.stderr)
            code = CANNOT if isinstance(e, PermissionError) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    def pass_on(_number, _frame):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    old = {n: signal.signal(n, pass_on) for n in ENDINGS}
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def alone(work, mount_point):
    """work(groups) in a place of its own; its exit code, CANNOT where even root may not have one."""
    def outside():
        system("a network of its own", LIBC.unshare(CLONE_NEWNS | CLONE_NEWNET))
        system("mounts of its own", LIBC.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
        loopback_up()
        groups = Groups(mount_point)
        try:
            system("processes of its own", LIBC.unshare(CLONE_NEWPID))
            return forked(lambda: inside(groups))
        finally:
            groups.close()

    def inside(groups):
        system("/proc", LIBC.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(0), None))
        groups.enter()
        return work(groups)
    return forked(outside)
