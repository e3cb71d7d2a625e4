"""What browsers are answered, and what becomes of it: clicks, beacons, and tokens that are none."""
import track_lab
from lab import check_eq


def test_a_click_goes_to_the_link_and_an_open_gets_its_picture(lab):
    daemon, sink, browser = track_lab.track_setup(lab)
    mail = track_lab.mails(lab, daemon, sink, browser)[1]
    check_eq(len(mail.clicks), 3, mail.html)
    a = browser.get("c/" + mail.clicks[0], "-A", "Mozilla/5.0 (X11; Linux x86_64)")
    check_eq((a.status, a.fields["location"]), (302, "https://shop.example/summer?x=1&y=2#top"))
    check_eq(a.fields["cache-control"], "no-store, private")
    a = browser.get("c/" + mail.clicks[1])
    check_eq(a.fields["location"], f"https://shop.example/for/{mail.to}?n=".replace("@", "%40") + "%E5%88%A9%E7%94%A8%E8%80%851")
    a = browser.get("o/" + mail.open)
    check_eq((a.status, a.fields["content-type"], a.body[:6], len(a.body)), (200, "image/gif", b"GIF89a", 42))
    found = [(e["type"], e["recipient"], e.get("link"), e["ip"]) for e in track_lab.wait_activities(lab, 3)]
    check_eq(found, [("click", mail.to, 1, "127.0.0.1"), ("click", mail.to, 2, "127.0.0.1"),
                     ("open", mail.to, None, "127.0.0.1")])
