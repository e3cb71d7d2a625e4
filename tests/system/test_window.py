"""The window of a lane against a provider that reacts (bench/sink --provider), and connections shared among lanes."""
import newsletter
from lab import check, check_eq, wait_for
from test_campaign import csv, field, send, setup


def begin(lab, daemon, rows):
    daemon.import_leads(csv(lab, rows))
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab))
    daemon.ctl("campaign", "start", "newsletter")


def lane(daemon):
    return daemon.ctl("sites")["sites"][0]


def test_a_limit_of_connections_is_found_and_no_message_is_deferred_for_it(lab):
    daemon, sink, _ = setup(lab, sink_args=["--provider", "connections=4 latency=0.05"], shaping=lab.shaping(connections=20))
    begin(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(1000)])
    wait_for("half of it", lambda: sink.stats()["messages"] >= 500, 60)
    check_eq(lane(daemon)["window"], 4, "connections the window allows")
    c = daemon.wait_campaign("newsletter", timeout=120)
    check_eq((c["delivered"], lane(daemon)["deferred"]), (1000, 0))
    refused = sink.stats()["connections"]["refused"]
    check(0 < refused <= 20, f"{refused} connections refused: it knocked, and did not go on knocking")


def test_a_limit_of_messages_on_a_connection_costs_no_attempt(lab):
    daemon, _, _ = setup(lab, sink_args=["--provider", "messages=10 latency=0.01"], shaping=lab.shaping(connections=5))
    c = send(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(500)])
    check_eq((c["delivered"], lane(daemon)["deferred"]), (500, 0))


def test_a_limit_of_pace_is_found_with_few_deferrals(lab):
    daemon, sink, _ = setup(lab, sink_args=["--provider", "rate=50/1 latency=0.02"],
                            shaping=lab.shaping(connections=20, expire="10m"))
    begin(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(1500)])
    wait_for("most of it", lambda: sink.stats()["messages"] >= 1200, 120)
    deferred = lane(daemon)["deferred"]
    check(0 < deferred < 200, f"{deferred} deferrals, of some 1200 messages at a fourth of the speed it would have")


def test_lanes_take_turns_when_there_are_fewer_connections_than_lanes(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "dot:50"], shaping=lab.shaping(connections=5),
                            config={"delivery.max_connections": 1})
    domains = ("asagao-mail.test", "kinako.test", "northmail.test")
    begin(lab, daemon, [field(f"user{i}", d) for i in range(300) for d in domains])

    def all_have_some():
        got = [a.split("@")[1] for a in sink.delivered()]
        return all(0 < got.count(d) for d in domains)
    wait_for("mail to each of three sites", all_have_some, 60)
    got = [a.split("@")[1] for a in sink.delivered()]
    check(all(got.count(d) < 300 for d in domains), f"one was done before the others began: {[got.count(d) for d in domains]}")


def test_many_connections_of_one_lane_are_given_back_to_others(lab):
    daemon, sink, _ = setup(lab, sink_args=["--delay", "domain=asagao-mail.test,dot:300"], shaping=lab.shaping(connections=8),
                            config={"delivery.max_connections": 8})
    begin(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(2000)])
    wait_for("all connections to be used", lambda: sink.stats()["connections"]["open"] >= 4, 30)
    daemon.import_leads(csv(lab, [field(f"late{i}", "kinako.test") for i in range(20)], "late.csv"), "late")
    daemon.ctl("campaign", "create", newsletter.campaign_file(lab, "late", lists="late"))
    daemon.ctl("campaign", "start", "late")
    c = daemon.wait_campaign("late", timeout=60)
    check_eq(c["delivered"], 20)
    check_eq(daemon.ctl("campaign", "show", "newsletter")["state"], "running", "the busy lane has not ended first")


def test_what_was_learned_outlives_a_restart(lab):
    shaping = lab.shaping(connections=20)
    daemon, sink, world = setup(lab, sink_args=["--provider", "connections=4 latency=0.05"], shaping=shaping)
    begin(lab, daemon, [field(f"user{i}", "asagao-mail.test") for i in range(3000)])
    wait_for("some of it", lambda: sink.stats()["messages"] >= 600, 60)
    check_eq(lane(daemon)["window"], 4)
    daemon.stop()
    refused, sent = sink.stats()["connections"]["refused"], sink.stats()["messages"]
    daemon = lab.daemon(world, config={"paths.shaping": shaping})
    wait_for("more of it", lambda: sink.stats()["messages"] >= sent + 400, 60)
    check_eq(lane(daemon)["window"], 4, "connections the window allows")
    again = sink.stats()["connections"]["refused"] - refused
    check(again <= 2, f"{again} connections were refused although the limit was known")
