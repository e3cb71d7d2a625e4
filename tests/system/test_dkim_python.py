"""Every mail that hayauma signs is accepted by python3-dkim, and no mail that was changed is.

    test_dkim_python.py PATH/TO/dkim_samples
"""
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dkim_verify  # noqa: E402  (the folder must be on the path first)

SIGNATURES = 4  # of each sample: two domains with two keys each


def changed(mail):
    """The mail with one signed thing changed, in a few ways."""
    yield "Subject", mail.replace(b"Subject: ", b"Subject: x", 1)
    yield "From", b"From: evil@example.jp\r\n" + mail
    yield "body", mail + b"more\r\n"


def main():
    if dkim_verify.dkim is None:
        print("skipped: python3-dkim is not installed")
        return 77
    signatures = refused = 0
    problems = []
    with tempfile.TemporaryDirectory() as where:
        subprocess.run([sys.argv[1], where], check=True)
        lookup = dkim_verify.table_lookup(os.path.join(where, "dns.table"))
        for path in sorted(glob.glob(os.path.join(where, "*.eml"))):
            name = os.path.basename(path)
            with open(path, "rb") as f:
                mail = f.read()
            results = dkim_verify.verify(mail, lookup)
            if len(results) != SIGNATURES:
                problems.append(f"{name}: {len(results)} signatures, want {SIGNATURES}")
            for _, selector, algorithm, fault in results:
                signatures += 1
                if fault:
                    problems.append(f"{name}: {selector} ({algorithm}): {fault}")
            for what, other in changed(mail):
                for _, selector, _, fault in dkim_verify.verify(other, lookup):
                    refused += 1
                    if not fault:
                        problems.append(f"{name}: {selector} accepts a changed {what}")
    print("\n".join(problems))
    print(f"{signatures} signatures verified, {refused} of changed mails refused, {len(problems)} problems")
    return 1 if problems or signatures < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
