"""The feeder: who is opened, who waits, and that nobody is forgotten or mailed twice."""
import newsletter
from lab import check, check_accounts, check_eq, wait_for

OPEN = 16  # places for open domains
SLOW_RULE = """\
rules:
  - name: slow
    mx: ["mx.slow.many.test"]
    message_rate: 2/h
"""
ZONE = """\
mx.slow.many.test. A 127.0.1.1
*.slow.many.test. MX 10 mx.slow.many.test.
mx.late.many.test. A 127.0.1.2
*.late.many.test. MX 10 mx.late.many.test.
mx.good.many.test. A 127.0.1.3
*.good.many.test. MX 10 mx.good.many.test.
*.own.many.test. A 127.0.1.4
"""


def setup(lab, addresses, sink_args=(), rules="", expire="1h"):
    world = lab.world(zone_lines=ZONE)
    lab.nsd(world)
    sink = lab.sink(world, rules=False, record=True, extra=sink_args)
    daemon = lab.daemon(world, config={"paths.shaping": lab.shaping(rules=rules, expire=expire),
                                       "delivery.open_domains": OPEN})
    daemon.import_leads(lab.write("leads.csv", "email\r\n" + "".join(f"{a}\r\n" for a in addresses)))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    return daemon, sink


def delivery(daemon):
    return daemon.ctl("status")["delivery"]


def of(site, domains, rows=1):
    """Addresses of so many domains of a site."""
    return [f"user{i}@d{d}.{site}.many.test" for d in range(domains) for i in range(rows)]


def test_domains_of_a_throttled_site_keep_no_place_from_others(lab):
    slow, good = of("slow", 5 * OPEN), of("good", 5 * OPEN, 3)
    daemon, sink = setup(lab, slow + good, rules=SLOW_RULE)
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("everybody at the good site", lambda: set(good) <= set(sink.delivered()), timeout=60, every=0.2)
    left = len(set(slow) - set(sink.delivered()))
    check(left > 4 * OPEN, f"the throttled site has got {len(slow) - left}")
    wait_for("half of the places to be free", lambda: delivery(daemon)["domains_open"] <= OPEN // 2)
    parked = delivery(daemon)["domains_parked"]
    check(parked > 3 * OPEN, f"{parked} parked")


def test_sites_that_are_held_keep_no_place_from_others(lab):
    """A provider of as many sites as domains, held while they have all places, and others behind them."""
    own, good = of("own", 10 * OPEN), of("good", 5 * OPEN, 3)
    daemon, sink = setup(lab, own + good, sink_args=["--delay", "addr=127.0.1.4,dot:1000"],
                         rules="rules:\n  - name: good\n    mx: [mx.good.many.test]\n")
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("all places taken", lambda: delivery(daemon)["domains_open"] >= OPEN)
    no = daemon.ctl("lane", "hold", "--provider", "default")["no"]
    wait_for("everybody else", lambda: set(good) <= set(sink.delivered()), timeout=60, every=0.2)
    left = len(set(own) - set(sink.delivered()))
    check(left > 5 * OPEN, f"{len(own) - left} were sent to held sites")
    check(delivery(daemon)["domains_open"] <= 2 * OPEN, "held ones are as many as there are places")
    check(any(s["held"] for s in daemon.ctl("sites")["sites"]), "a lane shows that it is held")
    daemon.ctl("lane", "release", str(no))
    c = daemon.wait_campaign("newsletter", timeout=120)
    check_accounts(c)
    check_eq(sorted(sink.delivered()), sorted(own + good), "each once")
    balanced, text = daemon.audit()
    check(balanced, text)


def test_domains_that_wait_for_their_lane_survive_pauses_and_are_mailed_once(lab):
    """Pauses forget who is parked; the walk that follows finds them again."""
    late = of("late", 10 * OPEN, 2)
    daemon, sink = setup(lab, late, sink_args=["--delay", "addr=127.0.1.2,dot:20"])
    daemon.ctl("campaign", "start", "newsletter")
    for n in (20, 60, 150):
        wait_for(f"{n} messages", lambda: daemon.campaign("newsletter")["delivered"] >= n, timeout=60)
        daemon.ctl("campaign", "pause", "newsletter")
        daemon.ctl("campaign", "resume", "newsletter")
    c = daemon.wait_campaign("newsletter", timeout=60)
    check_accounts(c)
    check_eq(c["delivered"], len(late))
    check_eq(sorted(sink.delivered()), sorted(late), "each once")
    balanced, text = daemon.audit()
    check(balanced, text)


def test_many_deferred_rows_and_fresh_ones_share_the_places(lab):
    late, good = of("late", 8 * OPEN, 2), of("good", 8 * OPEN, 4)
    daemon, sink = setup(lab, late + good, sink_args=["--greylist", "*:1"])
    daemon.ctl("campaign", "start", "newsletter")
    c = daemon.wait_campaign("newsletter", timeout=90)
    check_accounts(c)
    check_eq(c["delivered"], len(late) + len(good))
    check_eq(sorted(sink.delivered()), sorted(late + good), "each once")
    check(c["attempts"] >= 2 * c["delivered"], f"{c['attempts']} attempts: the greylist deferred each")
    wait_for("all places to be free", lambda: delivery(daemon)["domains_open"] == 0)
    balanced, text = daemon.audit()
    check(balanced, text)


def test_transactional_mail_that_is_due_waits_for_no_bulk_that_was_due_before(lab):
    """Bulk has all its places, with slow servers, and far more of it is due."""
    bulk, urgent = of("own", 20 * OPEN), of("good", 5)
    daemon, sink = setup(lab, bulk, sink_args=["--greylist", "*:1", "--delay", "addr=127.0.1.4,dot:1000"])
    daemon.ctl("campaign", "start", "newsletter")
    wait_for("the greylist to defer each", lambda: daemon.campaign("newsletter")["attempts"] >= len(bulk), timeout=60)
    daemon.import_leads(lab.write("urgent.csv", "email\r\n" + "".join(f"{a}\r\n" for a in urgent)), "urgent")
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "urgent", "priority: transactional\n", lists="urgent"))
    daemon.ctl("campaign", "start", "urgent")
    c = daemon.wait_campaign("urgent", timeout=90)
    check(c["attempts"] >= 2 * len(urgent), f"{c['attempts']} attempts: the greylist deferred each")
    behind = len(bulk) - daemon.campaign("newsletter")["delivered"]
    check(behind > len(bulk) // 2, f"only {behind} bulk mails were left behind the transactional ones")
    daemon.ctl("campaign", "cancel", "newsletter")


def test_sites_that_wait_for_the_press_open_no_connection_before_it_has_a_message(lab):
    """Hundreds of sites with a server of their own, a key that takes its time, and connections that are soon idle: what
    is opened too early is closed unused and opened again."""
    world = lab.world(zone_lines=ZONE)
    lab.nsd(world)
    sink = lab.sink(world, rules=False)
    key = lab.path("slow.pem")
    lab.run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096", "-out", key)
    shaping = lab.write("shaping.yaml", "default:\n  timeouts:\n    idle: 50ms\n")
    daemon = lab.daemon(world, keys=[(newsletter.SENDER, "slow", key)], config={"paths.shaping": shaping})
    addresses = of("own", 800)
    daemon.import_leads(lab.write("leads.csv", "email\r\n" + "".join(f"{a}\r\n" for a in addresses)))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    check_eq(daemon.wait_campaign("newsletter")["delivered"], len(addresses), "delivered")
    made = sink.stats()["connections"]["total"]
    check(made < 1.5 * len(addresses), f"{made} connections for {len(addresses)} messages")


def test_a_giant_is_not_left_over_at_the_end(lab):
    """Half of all mail is for one domain, the rest for sixty; signing takes its time, and so do the servers."""
    world = lab.world(zone_lines=ZONE)
    lab.nsd(world)
    sink = lab.sink(world, rules=False, record=True, extra=("--delay", "all:20"))
    key = lab.path("slow.pem")
    lab.run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096", "-out", key)
    daemon = lab.daemon(world, keys=[(newsletter.SENDER, "slow", key)],
                        config={"paths.shaping": lab.shaping(connections=100, adaptive=False)})
    addresses = of("own", 60, rows=50) + of("good", 1, rows=3000)
    daemon.import_leads(lab.write("leads.csv", "email\r\n" + "".join(f"{a}\r\n" for a in addresses)))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")
    check_eq(daemon.wait_campaign("newsletter")["delivered"], len(addresses), "delivered")
    first = sink.delivered()[:len(addresses) // 2]
    giant = sum(".good." in a for a in first)
    check(giant > len(first) // 4, f"{giant} of the first {len(first)} messages were for the domain that half of them are for")
