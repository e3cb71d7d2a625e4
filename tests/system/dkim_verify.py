"""Verifies every DKIM signature of mails with python3-dkim, which shares no code with hayauma.

    dkim_verify.py --dns-file TABLE FILE ...       records from a file
    dkim_verify.py --dns-server HOST:PORT FILE ... records from a DNS server

TABLE has lines of name, tab, text. Prints a line for each signature; exit 0 when every mail has at
least one and all are good, 1 when not, 77 when python3-dkim is not installed.
"""
import argparse
import sys

try:
    import dkim
except ImportError:
    dkim = None


def table_lookup(path):
    """A dnsfunc of dkimpy that reads the table."""
    records = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            name, _, text = line.rstrip("\n").partition("\t")
            records[name.lower().rstrip(".")] = text.encode()

    def lookup(name, timeout=5):
        return records.get(name.decode().lower().rstrip("."))

    return lookup


def server_lookup(address):
    """A dnsfunc of dkimpy that asks one DNS server."""
    import dns.exception
    import dns.resolver

    host, _, port = address.rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [host.strip("[]")]
    resolver.port = int(port)

    def lookup(name, timeout=5):
        try:
            answer = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        return b"".join(answer[0].strings)

    return lookup


def verify(message, lookup):
    """[(domain, selector, algorithm, fault or None)], one for each signature of the mail (bytes)."""
    results = []
    count = sum(1 for name, _ in dkim.DKIM(message).headers if name.lower() == b"dkim-signature")
    for i in range(count):
        d = dkim.DKIM(message, minkey=1024)
        fault = None
        try:
            if not d.verify(idx=i, dnsfunc=lookup):
                fault = "the signature is wrong"
        except dkim.DKIMException as e:
            fault = str(e)
        fields = d.signature_fields or {}
        results.append((d.domain.decode() if d.domain else "?", fields.get(b"s", b"?").decode(),
                        fields.get(b"a", b"?").decode(), fault))
    return results


def main():
    parser = argparse.ArgumentParser(description="Verify the DKIM signatures of mails.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dns-file")
    source.add_argument("--dns-server")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    if dkim is None:
        print("python3-dkim is not installed")
        return 77
    lookup = table_lookup(args.dns_file) if args.dns_file else server_lookup(args.dns_server)
    failed = False
    for path in args.files:
        with open(path, "rb") as f:
            results = verify(f.read(), lookup)
        if not results:
            print(f"{path}: no signature")
            failed = True
        for domain, selector, algorithm, fault in results:
            print(f"{path}: {algorithm} {selector}._domainkey.{domain}: {fault or 'pass'}")
            failed |= fault is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
