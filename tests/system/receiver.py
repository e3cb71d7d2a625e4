"""A small SMTP server that knows whom it talks to: which address a message came from, what that one greeted with, and
what each of them is told. bench/sink is the fast one; this one is for tests of sources."""
import collections
import socket
import socketserver
import threading

Mail = collections.namedtuple("Mail", "source ehlo rcpts data")


class Receiver:
    """Listens on `addresses`; `judge(source, rcpt)` gives the reply to RCPT, `refuse(source)` one to MAIL; None: 250.
    EHLO offers `offers`, too. With `hangs_up` every connection ends behind its first message, whatever else has
    come."""

    def __init__(self, port, addresses=("127.0.0.200",), judge=None, refuse=None, offers=(), hangs_up=False):
        self.judge, self.refuse, self.offers, self.commands = judge, refuse, offers, []
        self.hangs_up = hangs_up
        self.mails, self.tries, self.connections = [], [], collections.Counter()
        self.lock = threading.Lock()
        self.servers = [self.listen(address, port) for address in addresses]

    def listen(self, address, port):
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    receiver.serve(self.client_address[0], self.rfile, self.wfile)
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        server = Server((address, port), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def serve(self, source, lines, out):
        ehlo, rcpts, is_begun = "", [], False
        with self.lock:
            self.connections[source] += 1
        out.write(b"220 receiver\r\n")
        for line in lines:
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            verb = text[:4].upper()
            reply = "250 2.0.0 yes"
            with self.lock:
                self.commands.append(text)
            if verb == "EHLO":
                ehlo = text[5:]
                reply = "\r\n".join(f"250-{o}" for o in ("receiver", "PIPELINING", *self.offers)) + "\r\n250 8BITMIME"
            elif verb == "MAIL":
                rcpts = []
                reply = self.refuse and self.refuse(source) or reply
                is_begun = reply.startswith("250")
            elif verb == "RCPT" and is_begun:
                whom = text[9:].split(">")[0]
                with self.lock:
                    self.tries.append((source, whom))
                    reply = self.judge and self.judge(source, whom) or reply
                rcpts += [whom] if reply.startswith("250") else []
            elif verb in ("RCPT", "DATA") and not rcpts:
                reply = "503 5.5.1 not now"
            elif verb == "DATA":
                out.write(b"354 go on\r\n")
                data = []
                for part in lines:
                    if part == b".\r\n":
                        break
                    data.append(part)
                with self.lock:
                    self.mails.append(Mail(source, ehlo, tuple(rcpts), b"".join(data)))
            elif verb == "QUIT":
                out.write(b"221 bye\r\n")
                return
            out.write(reply.encode() + b"\r\n")
            if verb == "DATA" and rcpts and self.hangs_up:
                return

    def by_source(self):
        with self.lock:
            return collections.Counter(m.source for m in self.mails)

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
