"""Sources whose mail leaves through a proxy: SOCKS5 (microsocks, dante) and the PROXY protocol (haproxy)."""
import os
import shutil
import socket
import time

from lab import Skip, check, check_eq, tail, wait_for
from postfix import connects
from test_campaign import attempts, field
from test_sources import A, rows_of, send, setting, start

IP_TRANSPARENT = 19  # linux/in.h; the socket module has no name for it
SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
OUT = "127.0.6.1"  # what receivers see


def program(name):
    path = shutil.which(name, path=SBIN)
    if not path:
        raise Skip(f"{name} is not installed: tools/deps test")
    return path


def microsocks(lab, port, *args):
    p = lab.spawn("microsocks", [program("microsocks"), "-i", "127.0.0.1", "-p", str(port), "-b", OUT, *args])
    p.wait_ready("listening", lambda: connects("127.0.0.1", port))
    return p


def dante(lab, port):
    conf = lab.write("danted.conf", f"""logoutput: {lab.path("danted.log")}
internal: 127.0.0.1 port = {port}
external: {OUT}
clientmethod: none
socksmethod: none
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
""")
    p = lab.spawn("danted", [program("danted"), "-f", conf, "-p", lab.path("danted.pid")])
    p.wait_ready("listening", lambda: connects("127.0.0.1", port))


def haproxy(lab, port):
    with socket.socket() as s:
        try:
            s.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        except PermissionError:
            raise Skip("haproxy needs CAP_NET_ADMIN to send from the address it is told") from None
    conf = lab.write("haproxy.cfg", f"""global
  maxconn 200
defaults
  mode tcp
  timeout connect 2s
  timeout client 30s
  timeout server 30s
listen out
  bind 127.0.0.1:{port} accept-proxy
  source 0.0.0.0 usesrc clientip
  server world 0.0.0.0:0
""")
    p = lab.spawn("haproxy", [program("haproxy"), "-db", "-f", conf])
    p.wait_ready("listening", lambda: connects("127.0.0.1", port))


def secret(lab, text):
    path = lab.write("password", text + "\n")
    os.chmod(path, 0o600)
    return path


def through(kind, port, **kw):
    return {"name": "out", "address": OUT, "ehlo": "out.news.hayauma.test", "proxy": f"{kind}://127.0.0.1:{port}", **kw}


def test_socks5_with_a_user_carries_mail(lab):
    port = lab.free_port()
    microsocks(lab, port, "-u", "hayauma", "-P", "s3cret")
    source = through("socks5", port, proxy_user="hayauma", proxy_password_file=secret(lab, "s3cret"))
    with setting(lab, [source]) as (daemon, receiver, _):
        check_eq(send(lab, daemon, rows_of(200))["delivered"], 200, "delivered")
        check_eq(dict(receiver.by_source()), {OUT: 200}, "what the receiver sees")
        daemon.stop()
        check("s3cret" not in tail(daemon.log, 100000), "no password in the log")


def test_dante_carries_mail_and_says_when_a_server_refuses(lab):
    port = lab.free_port()
    dante(lab, port)
    with setting(lab, [through("socks5", port)], zone="closed MX 10 mx.closed\nmx.closed A 127.0.0.99\n") as \
            (daemon, receiver, _):
        start(lab, daemon, rows_of(50) + [field("nobody", "closed.test")])
        wait_for("those that can be delivered", lambda: receiver.by_source()[OUT] == 50, 30)
        wait_for("an attempt at the closed server", lambda: attempts(daemon, "nobody@closed.test")[1], 30)
        first = attempts(daemon, "nobody@closed.test")[1][0]
        check_eq(first["outcome"], "deferred", f"{first}")
        check("the proxy says: connection refused" in first["text"], f"{first}")


def test_the_proxy_protocol_says_which_address_to_use(lab):
    port = lab.free_port()
    haproxy(lab, port)
    sources = [through("proxy-v2", port), {**through("proxy-v1", port), "name": "out1", "address": "127.0.6.2"}]
    with setting(lab, sources) as (daemon, receiver, _):
        check_eq(send(lab, daemon, rows_of(200))["delivered"], 200, "delivered")
        n = receiver.by_source()
        check(n[OUT] and n["127.0.6.2"] and sum(n.values()) == 200, f"both addresses: {n}")


def test_a_proxy_that_is_down_is_not_held_against_messages(lab):
    port = lab.free_port()
    with setting(lab, [through("socks5", port)]) as (daemon, receiver, _):
        start(lab, daemon, rows_of(20))
        wait_for("its fault is told", lambda: "does not do its part" in tail(daemon.log, 20000), 30)
        time.sleep(1)  # an attempt would be seen by now
        check_eq(attempts(daemon, "user1@big.test")[1], [], "attempts")
        microsocks(lab, port)
        c = daemon.wait_campaign("newsletter", timeout=60)
        check_eq((c["delivered"], c["deferred"]), (20, 0), f"{c}")
        check_eq(dict(receiver.by_source()), {OUT: 20}, "what the receiver sees")
        daemon.stop()
        check("its proxy is back" in tail(daemon.log, 20000), "the log says so")


def test_mail_of_a_proxy_with_a_wrong_password_goes_by_others(lab):
    port = lab.free_port()
    microsocks(lab, port, "-u", "hayauma", "-P", "s3cret")
    source = through("socks5", port, proxy_user="hayauma", proxy_password_file=secret(lab, "wrong"))
    with setting(lab, [source, {"name": "a", "address": A}]) as (daemon, receiver, _):
        c = send(lab, daemon, rows_of(60))
        check_eq((c["delivered"], dict(receiver.by_source())), (60, {A: 60}))
        check("does not take the user and the password" in tail(daemon.log, 20000), "the log says why")
