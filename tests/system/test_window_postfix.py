"""The window of a lane against a real Postfix that limits its clients (anvil): the limits are found, and mail is not
held back for them."""
import postfix
from lab import Skip, check, check_eq, wait_for
from test_campaign import csv, field
from test_window import begin, lane

ZONE = "postfix.test. MX 10 mx.postfix.test.\nmx.postfix.test. A 127.0.2.1"


def setup(lab, settings, connections=20):
    """(daemon, the Postfix): whom it serves is limited like anybody else."""
    why = postfix.available()
    if why:
        raise Skip(why)
    world = lab.world(zone_lines=ZONE)
    lab.nsd(world)
    server = postfix.receiver(lab, "postfix", f"127.0.2.1:{world.smtp_port}",
                              {"smtpd_client_event_limit_exceptions": "", "virtual_transport": "discard:silent",
                               "in_flow_delay": "0", **settings})
    daemon = lab.daemon(world, config={"paths.shaping": lab.shaping(connections=connections, tls="never", expire="10m")})
    return daemon, server


def refusals(server, words):
    with open(server.queue + "/maillog", encoding="utf-8") as f:
        return sum(words in line for line in f)


def test_a_limit_of_connections_costs_no_message_an_attempt(lab):
    daemon, server = setup(lab, {"smtpd_client_connection_count_limit": "4"})
    begin(lab, daemon, [field(f"user{i}", "postfix.test") for i in range(1500)])
    c = daemon.wait_campaign("newsletter", timeout=150)
    check_eq((c["delivered"], c["deferred"], lane(daemon)["deferred"]), (1500, 0, 0))
    check_eq(lane(daemon)["window"], 4, "connections the window allows")
    refused = refusals(server, "Connection concurrency limit exceeded")
    check(0 < refused <= 20, f"{refused} connections refused: it knocked, and did not go on knocking")


def test_a_limit_of_messages_is_found_with_few_deferrals(lab):
    """Postfix counts in fixed spans: here 60 messages in each two seconds, and 450 for all above."""
    daemon, server = setup(lab, {"anvil_rate_time_unit": "2s", "smtpd_client_message_rate_limit": "60"})
    begin(lab, daemon, [field(f"user{i}", "postfix.test") for i in range(1500)])
    seen = wait_for("most of it", lambda: [x for x in daemon.ctl("sites")["sites"] if x["delivered"] >= 1200], 150)
    deferred = seen[0]["deferred"]
    check(0 < deferred < 240, f"{deferred} deferrals of 1200 messages: at full speed there would be thousands")
    check(refusals(server, "Message delivery request rate limit exceeded") >= deferred, "they are Postfix' own")
