"""One campaign through everything that crosses threads: import, start, reload, reports, pause, resume, an
audit and a backup meanwhile, a stop with mail on the wire. tools/check runs it under ThreadSanitizer too,
which ends the daemon at the first report and so fails the case."""
import collections

import newsletter
from lab import check, check_accounts, check_eq, wait_for
from test_campaign import attempts, csv, field, setup

LEADS = 3000


def test_a_campaign_that_is_reloaded_paused_resumed_and_stopped_reaches_everybody_once(lab):
    shaping = lab.shaping(connections=6, expire="10m")
    config = {"delivery.workers": 2, "delivery.press_threads": 2}
    daemon, sink, world = setup(lab, sink_args=["--delay", "dot:30", "--tls", "on"], shaping=shaping, config=config)
    names = [d for d, x in world.domains.items() if x["kind"] in ("plain", "giant", "hosted", "grey", "busy", "dead-mx")]
    rows = [field(f"user{i}", names[i % len(names)]) for i in range(LEADS)]
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")

    def sent_more_than(n):
        wait_for(f"{n} messages", lambda: sink.stats()["messages"] > n, timeout=60)
    sent_more_than(100)
    lab.shaping(connections=10, tls="never", expire="10m")
    daemon.ctl("reload")
    daemon.ctl("sites")
    daemon.ctl("campaign", "pause", "newsletter")
    daemon.ctl("campaign", "resume", "newsletter")
    sent_more_than(600)
    daemon.ctl("campaign", "pause", "newsletter")
    daemon.ctl("explain", rows[0].split(",")[0])
    daemon.ctl("backup", lab.path("backup"))
    check(daemon.audit()[0], "the books of a paused campaign")
    daemon.ctl("campaign", "resume", "newsletter")
    sent_more_than(1200)
    check_eq(daemon.stop(), 0, "a stop with mail on the wire")
    check("ThreadSanitizer" not in daemon.output(), daemon.output())
    daemon = lab.daemon(world, config={"paths.shaping": shaping, **config})
    c = daemon.wait_campaign("newsletter", timeout=120)
    check_accounts(c)
    check_eq((c["delivered"], c["pending"]), (LEADS, 0))
    got, want = collections.Counter(sink.delivered()), {r.split(",")[0]: 1 for r in rows}
    wrong = {a: (got[a], attempts(daemon, a)) for a in got.keys() | want.keys() if got[a] != want.get(a)}
    check(not wrong, f"each address once: {wrong}")
    check(daemon.audit()[0], "the books at the end")
    check_eq(daemon.stop(), 0, "a stop with nothing to do")
    check("ThreadSanitizer" not in daemon.output(), daemon.output())
