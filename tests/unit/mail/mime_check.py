#!/usr/bin/env python3
"""Reads rendered messages with Python's email package: an independent opinion on our MIME."""
import email
import email.policy
import pathlib
import re
import subprocess
import sys
import tempfile

NAME = '山田 "太郎" <x@y>'
NOTE_HTML = "a&amp;b\nBcc: c\n.\n--=_hy 漢字"
PNG = b"\x89PNG\r\n\x1a\n not really, but bytes: \0\x01\xff"
PDF_NAME = "ご案内 (2026年度版) とても長い名前のファイルなので折り返しが必要になります.pdf"
URL = re.compile(r"https://t\.example\.jp/([cou])/[A-Za-z0-9_-]{20,40}")

failures = 0


def check(what, got, want):
    global failures
    if got != want:
        failures += 1
        print(f"FAIL {what}\n  got  {got!r}\n  want {want!r}")


def shape(part):
    """multipart/related(text/html,image/png)"""
    kind = part.get_content_type()
    if part.is_multipart():
        kind += "(" + ",".join(shape(p) for p in part.iter_parts()) + ")"
    return kind


def text_of(part):
    return part.get_content().replace("\r\n", "\n")


def check_header(name, m):
    circled = "(1)" if name.startswith("iso-2022-jp") else "①"
    check(name + " from", m["from"].addresses[0].display_name, "早馬ニュース編集部")
    check(name + " from address", m["from"].addresses[0].addr_spec, "news@example.jp")
    check(name + " to", [(a.display_name, a.addr_spec) for a in m["to"].addresses],
          [(NAME + "様", "taro@example.com")])
    check(name + " subject", m["subject"],
          NAME + "様へ、十一月のとても長いお知らせをお送りします a&b Bcc: c . --=_hy 漢字")
    check(name + " bcc", m["bcc"], None)
    check(name + " defects", [d for p in m.walk() for d in p.defects], [])
    check(name + " date", m["date"].datetime.isoformat(), "2026-11-22T11:27:00+09:00")
    return circled


def check_text(name, m, circled):
    part = m.get_body(("plain",))
    got = URL.sub(r"URL-\1", text_of(part)).rstrip("\n")
    if name == "html-only":
        want = (f"{NAME}様 {NOTE_HTML.replace('&amp;', '&')}\n\n商品① <URL-c> .dot 一つtwo & <three>")
        got = re.sub(r"\s+", " ", got)
        want = re.sub(r"\s+", " ", want)
    else:
        want = f"{NAME}様\n.\nFrom here: URL-c {circled}\n- 一つ\n- two & <three>"
    check(name + " text", got, want)


def check_html(name, m, circled):
    part = m.get_body(("html",))
    name_html = NAME.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    got = URL.sub(r"URL-\1", text_of(part))
    want = (f'<html><body><p>{name_html}様  {NOTE_HTML}</p>\n<a href="URL-c">商品{circled}</a>\t'
            '<img src="cid:logo@hayauma">\n.dot\n<b>一つ</b><b>two &amp; &lt;three&gt;</b>\n'
            '<img src="URL-o" width="1" height="1" alt="" style="border:0;width:1px;height:1px">'
            "</body></html>")
    check(name + " html", got, want)
    image = [p for p in m.walk() if p.get_content_type() == "image/png"]
    check(name + " images", len(image), 1)
    check(name + " image", image[0].get_content(), PNG)
    check(name + " image name", image[0].get_filename(), "ロゴ.png")
    check(name + " cid", image[0]["content-id"], "<logo@hayauma>")


def check_wire(name, data):
    """RFC 5322 2.1.1 and RFC 2045: line ends and lengths, before any parser."""
    lines = data.split(b"\r\n")
    check(name + " bare CR or LF", any(b"\r" in l or b"\n" in l for l in lines), False)
    check(name + " long lines", [l for l in lines if len(l) > 998], [])
    head = data.split(b"\r\n\r\n")[0].split(b"\r\n")
    check(name + " header lines", [l for l in head if len(l) > 78], [])


def check_sample(path):
    name = path.stem
    data = path.read_bytes()
    check_wire(name, data)
    m = email.message_from_bytes(data, policy=email.policy.default)
    circled = check_header(name, m)
    both = "multipart/related(multipart/alternative(text/plain,text/html),image/png)"
    want = {"text-only": "text/plain",
            "attachments": f"multipart/mixed({both},application/pdf,application/octet-stream)"}
    check(name + " shape", shape(m), want.get(name, both))
    check_text(name, m, circled)
    if name != "text-only":
        check_html(name, m, circled)
    if name.startswith("iso-2022-jp"):
        for kind in "plain", "html":
            check(name + " charset", m.get_body((kind,)).get_content_charset(), "iso-2022-jp")
    if name == "attachments":
        files = list(m.iter_attachments())
        check(name + " names", [f.get_filename() for f in files], [PDF_NAME, "plain.txt"])
        check(name + " bytes", [f.get_content() for f in files],
              [b"%PDF-1.7 made up", b"line\r\n.\r\nend"])


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        samples = sorted(pathlib.Path(folder).glob("*.eml"))
        check("samples", len(samples), 9)
        for path in samples:
            check_sample(path)
    print(f"{len(samples)} messages, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
