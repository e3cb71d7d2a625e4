"""The show behind tools/quickstart: name server, sinks, daemon, import, campaign, report."""
import argparse
import glob
import json
import os
import re
import shutil
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from lab import Lab, LabError, cpu_seconds, memory_kib  # noqa: E402
import newsletter  # noqa: E402

SELECTOR = "quick"
CAMPAIGN = "newsletter"
SITES_SHOWN = 6
STATES = ("delivered", "bounced", "expired", "suppressed", "cancelled", "pending")


def say(text=""):
    print(text, flush=True)


class Progress:
    """Redraws itself on a terminal, else prints a line every two seconds."""

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.lines = 0
        self.last = 0.0
        self.done = -1
        self.rate_from = (time.monotonic(), None)
        self.rate = 0.0

    def update_rate(self, done):
        now = time.monotonic()
        then, before = self.rate_from
        if before is None:
            self.rate_from = (now, done)
        elif now - then >= 1:
            self.rate = (done - before) / (now - then)
            self.rate_from = (now, done)

    def show(self, c, sites, force=False):
        done = c["queued"] - c["pending"]
        self.update_rate(done)
        now = time.monotonic()
        patience = 0.2 if self.tty else 2 if done != self.done else 20
        if not force and now - self.last < patience:
            return
        self.last, self.done = now, done
        share = done / c["queued"] if c["queued"] else 0
        eta = f"{c['pending'] / self.rate:.0f} s left" if self.rate > 1 else "..."
        head = (f"[{'#' * int(share * 30):<30}] {share:4.0%}  {done:,} of {c['queued']:,}  {self.rate:,.0f}/s  {eta}  "
                f"deferred {c['deferred']:,}")
        if not self.tty:
            top = ", ".join(f"{short(s['site'])} {s['delivered']:,}" for s in sites[:3])
            say(f"  {head}  {top}")
            return
        rows = [head] + [f"   {short(s['site']):<32} {s['delivered']:>8,} delivered {s['connections']:>4} open  "
                         f"{s['rate']:>6,.0f}/s" for s in sites[:SITES_SHOWN]]
        if self.lines:
            sys.stdout.write(f"\x1b[{self.lines}A")
        sys.stdout.write("".join(f"\x1b[2K{r}\n" for r in rows))
        sys.stdout.flush()
        self.lines = len(rows)


def short(site):
    """"(mx1|mx2).kinako.test" as "kinako.test", for a narrow column."""
    return re.sub(r"^(\([^)]*\)|mx\d*)\.", "", site)[:32]


def busiest(daemon):
    sites = daemon.ctl("sites", "--limit", "1000")["sites"]
    return sorted(sites, key=lambda s: -(s["delivered"] + s["bounced"] + s["deferred"]))


def ensure_key(lab):
    """(key, the record's zone line): made once and kept."""
    key, record = lab.path("dkim", f"{newsletter.SENDER}.{SELECTOR}.pem"), lab.path("dkim", "record.zone")
    if not (os.path.exists(key) and os.path.exists(record)):
        key, text = lab.keygen(newsletter.SENDER, SELECTOR)
        lab.write("dkim/record.zone", text)
        say(f"made a DKIM key: {os.path.relpath(key)}")
    with open(record, encoding="utf-8") as f:
        return key, f.read()


def ensure_leads(lab, count):
    path = lab.path(f"leads-{count}.csv")
    if not os.path.exists(path):
        newsletter.leads(lab, count)
    return path


def import_leads(daemon, path):
    start = time.monotonic()
    got = daemon.import_leads(path)
    seconds = time.monotonic() - start
    say(f"imported {os.path.basename(path)} in {seconds:.1f} s: " +
        ", ".join(f"{got[k]:,} {k}" for k in ("rows", "added", "updated", "unchanged", "duplicates", "rejected")))
    for reject in (got.get("rejects") or [])[:3]:
        say(f"  for instance line {reject.get('line')}: {reject.get('reason')}")


def send(lab, daemon, sink):
    """Sends what is not sent yet; the figures of this run, or None when there was nothing to do."""
    known = daemon.campaigns().get(CAMPAIGN)
    if known and known["state"] == "done":
        say("the campaign is done already: nobody is mailed twice")
        return None
    if not known:
        daemon.ctl("campaign", "create", newsletter.campaign_file(lab, CAMPAIGN, "expire: 60s\n"))
    before, cpu, start = sink.stats()["messages"], cpu_seconds(daemon.pid), time.monotonic()
    if not known or known["state"] in ("draft", "scheduled"):
        daemon.ctl("campaign", "start", CAMPAIGN)
    elif known["state"] == "paused":
        daemon.ctl("campaign", "resume", CAMPAIGN)
    progress = Progress()
    memory, bulk = 0, None

    def watch(c):
        nonlocal memory, bulk
        memory = max(memory, memory_kib(daemon.pid))
        done = c["queued"] - c["pending"]
        if bulk is None and c["queued_all"] and done >= 0.99 * c["queued"]:
            bulk = (done, time.monotonic() - start)
        progress.show(c, busiest(daemon), force=c["state"] == "done")
    say("sending; the last few wait for a retry or their end: some domains greylist, one has a broken name server")
    daemon.wait_campaign(CAMPAIGN, timeout=900, every=0.1, watch=watch)
    messages = sink.stats()["messages"] - before
    done, seconds = bulk or (messages, time.monotonic() - start)
    return {"messages": messages, "seconds": round(time.monotonic() - start, 1),
            "messages_per_s": round(done / seconds), "bulk_seconds": round(seconds, 1),
            "cpu_us_per_message": round((cpu_seconds(daemon.pid) - cpu) * 1e6 / max(messages, 1)),
            "anonymous_mib": round(memory / 1024), "sites": busiest(daemon)}


def verify_one(sink, world):
    """Has python3-dkim check a received message against the record the name server gives."""
    import dkim_verify
    captured = sink.captured() or sorted(glob.glob(os.path.join(sink.capture_dir, "*.eml")))
    if not captured:
        return "no message was kept"
    with open(captured[-1], "rb") as f:
        message = f.read()
    results = dkim_verify.verify(message, newsletter.dkim_lookup(world))
    text = "; ".join(f"{alg} d={d} s={s}: {'good' if fault is None else fault}" for d, s, alg, fault in results)
    if not results or any(fault for *_, fault in results):
        raise LabError(f"python3-dkim does not accept {captured[-1]}: {text or 'no signature'}")
    return f"{os.path.relpath(captured[-1])}: {text}"


def print_sites(sites):
    """The largest, and those that did not take everything, with their last words."""
    refusing = [s for s in sites[SITES_SHOWN:] if s["bounced"] or s["deferred"]]
    for title, some in (("largest sites", sites[:SITES_SHOWN]), ("sites that refused or put off", refusing[:SITES_SHOWN])):
        if some:
            say(title)
        for s in some:
            say(f"  {short(s['site']):<26}{s['delivered']:>8,} delivered {s['bounced']:>5,} bounced {s['deferred']:>5,} put off"
                f"   {s['last_reply'][:50]}")


def report(daemon, sink, world, figures):
    c = daemon.campaign(CAMPAIGN)
    say()
    say(f"campaign {CAMPAIGN}: {c['queued']:,} recipients")
    for state in STATES:
        say(f"  {state:<12}{c[state]:>10,}")
    print_sites(figures["sites"] if figures else busiest(daemon))
    if figures:
        say(f"rate          {figures['messages_per_s']:,} messages/s: 99 % of them in {figures['bulk_seconds']} s")
        say(f"CPU           {figures['cpu_us_per_message']} us per message in hayaumad, its memory at most "
            f"{figures['anonymous_mib']} MiB")
    say(f"DKIM          {verify_one(sink, world)} (python3-dkim)")
    page = os.path.join(os.path.dirname(daemon.config_path), "report.html")
    if daemon.run("campaign", "report", CAMPAIGN, "--html", page).returncode == 0:
        say(f"report        {os.path.relpath(page)}: open it in a browser")
    balanced, text = daemon.audit()
    say("audit         " + ("the books balance" if balanced else text))
    return balanced


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--leads", type=int, default=100000)
    parser.add_argument("--dir", default=os.path.join(ROOT, "run", "quickstart"))
    parser.add_argument("--fresh", action="store_true")
    args = parser.parse_args()
    if args.fresh and os.path.isdir(args.dir):
        shutil.rmtree(args.dir)
    start = time.monotonic()
    with Lab(build=args.build, root=args.dir) as lab:
        key, record = ensure_key(lab)
        world = lab.world(zone_lines=record)
        lab.nsd(world)
        sink = lab.sink(world, capture_every=max(1, args.leads // 20), capture_limit=20)
        say(f"name server on 127.0.0.1:{world.dns_port}, {len(world.domains)} domains; receiving servers on port "
            f"{world.smtp_port} of 127.0.1.*")
        daemon = lab.daemon(world, keys=[(newsletter.SENDER, SELECTOR, key)], config={
            "paths.shaping": lab.shaping(connections=20, expire="60s"), "control.mode": "0600"})
        say(f"hayaumad runs (process {daemon.pid}); its directory is {os.path.relpath(lab.dir)}")
        import_leads(daemon, ensure_leads(lab, args.leads))
        figures = send(lab, daemon, sink)
        kept = lab.path("figures.json")
        if figures:
            with open(kept, "w", encoding="utf-8") as f:
                json.dump(figures, f)
        elif os.path.exists(kept):
            with open(kept, encoding="utf-8") as f:
                figures = json.load(f)
        balanced = report(daemon, sink, world, figures)
    say(f"all stopped; {time.monotonic() - start:.0f} s in all")
    return 0 if balanced else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (LabError, KeyboardInterrupt) as e:
        print(f"quickstart: {e or 'interrupted'}", file=sys.stderr)
        sys.exit(1)
