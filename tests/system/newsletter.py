"""Sending the shipped newsletter: what quickstart, bench and tests share."""
import os
import shutil

from lab import SOURCE

SENDER = "news.hayauma.test"


def campaign_file(lab, name="newsletter", extra="", lists="news", source="conf/examples/newsletter"):
    """A copy of the shipped newsletter in the lab under another name; returns its path."""
    source, target = os.path.join(SOURCE, source), lab.path("newsletter")
    os.makedirs(target, exist_ok=True)
    for entry in os.listdir(source):
        shutil.copyfile(os.path.join(source, entry), os.path.join(target, entry))
    with open(os.path.join(source, "campaign.yaml"), encoding="utf-8") as f:
        text = f.read().replace("name: newsletter", f"name: {name}").replace("lists: [news]", f"lists: [{lists}]")
    path = os.path.join(target, f"{name}.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + extra)
    return path


def leads(lab, count, seed=None):
    """A CSV file of the deterministic generator."""
    path = lab.path(f"leads-{count}.csv")
    argv = [lab.binary("bench/leadgen"), "--rows", str(count), "--output", path]
    lab.run(*argv, *(["--seed", str(seed)] if seed else []))
    return path


def dkim_lookup(world):
    """python3-dkim's DNS, pointed at the lab's name server."""
    from dkim_verify import server_lookup
    return server_lookup(f"127.0.0.1:{world.dns_port}")
