"""kill -9 while clients hand mail in: what was answered for must be there afterwards."""
import smtplib
import threading

from lab import wait_for

ROUNDS = 3


def under_load(lab, daemon, client, workers=6, enough=150, ready=lambda round_: True):
    """Kills the daemon in each round, when `enough` mails were taken and `ready`, and starts it again.

    client(tags, taken): hands in a mail for each of the tags and says taken(tag) when it was answered for; an error
    of its connection ends it. The last daemon, and the tags that were taken, in order."""
    taken = []

    def run(worker, round_):
        try:
            client((f"r{round_}w{worker}n{i}" for i in range(10000)), taken.append)
        except (smtplib.SMTPException, OSError):
            pass  # it was killed
    for round_ in range(ROUNDS):
        threads = [threading.Thread(target=run, args=(w, round_)) for w in range(workers)]
        before = len(taken)
        for t in threads:
            t.start()
        wait_for("some to be taken", lambda: len(taken) >= before + enough, timeout=60)
        wait_for("the time to kill it", lambda: ready(round_), timeout=60)
        daemon.kill()
        for t in threads:
            t.join()
        daemon = lab.add(type(daemon)(lab, f"again{round_}", daemon.config_path, daemon.socket))
    return daemon, taken
