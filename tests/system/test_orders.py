"""Orders of shops: from files, by number; what a person bought."""
import csv as csv_format
import random
import subprocess

from api_lab import Api, api_setup, token
from lab import Daemon, check, check_eq, wait_for
from test_persons import corpus

HEAD = "order,email,at,status,amount,sku,quantity,price\n"


def start(lab, **kw):
    secret = token(lab, "crm", "*", "--scopes", "leads:read,leads:write")
    daemon, _, api = api_setup(lab, **kw)
    return daemon, Api(api.port, secret)


def audited(daemon):
    good, text = daemon.audit()
    check(good, text)


def counts(done, *names):
    return tuple(done[n] for n in names)


def activities(api, who):
    return [(a["kind"], a["at"][:10], a["meta"].get("status")) for a in api.get(f"/v1/activities?email={who}").json["activities"]]


def test_a_file_of_orders_is_taken_once_and_a_later_one_corrects(lab):
    daemon, api = start(lab)
    first = lab.path("orders.csv")
    with open(first, "w", encoding="cp932") as f:
        f.write("注文番号,注文日時,対応状況,メールアドレス,商品コード,商品名,単価,個数,支払合計\n"
                "A-1,2026/11/01 9:00,新規受付,taro@example.jp,T-1,茶,500,2,\"1,500円\"\n"
                "A-1,2026/11/01 9:00,新規受付,taro@example.jp,C-1,碗,500,1,\"1,500円\"\n"
                "A-2,2026/11/02 9:00,発送済み,taro@example.jp,T-1,茶,500,1,500円\n"
                "A-3,2026/11/02 9:00,発送済み,no address,T-1,茶,500,1,500円\n"
                "A-4,2026/11/02 9:00,発送済み,hana@example.jp,T-1,茶,五百,1,500円\n"
                "A-4,2026/11/02 9:00,発送済み,hana@example.jp,C-1,碗,500,1,500円\n"
                "A-5,2026/11/02 9:00,購入処理中,hana@example.jp,C-1,碗,500,1,500円\n")
    options = ["--currency", "JPY", "--time-zone", "Asia/Tokyo"]
    names = ("rows", "orders", "added", "changed", "same", "left_out", "rejected", "leads")
    tried = daemon.ctl("order", "import", first, *options, "--create", "--dry-run")
    check_eq(counts(tried, "rows", "orders", "rejected"), (7, 2, 3))
    check_eq(api.get("/v1/activities?email=taro@example.jp").status, 404, "nothing was made")
    rejects = lab.path("bad.csv")
    done = daemon.ctl("order", "import", first, *options, "--create", "--rejects", rejects)
    check_eq(counts(done, *names), (7, 2, 2, 0, 0, 1, 3, 1))
    with open(rejects, encoding="utf-8", newline="") as f:
        check_eq([(r["line"], r["field"], r["value"]) for r in csv_format.DictReader(f)],
                 [("5", "メールアドレス", "no address"), ("6", "単価", "五百"), ("7", "", "A-4")])
    again = daemon.ctl("order", "import", first, *options, "--create")
    check_eq(counts(again, *names), (7, 2, 0, 0, 2, 1, 3, 0))
    check_eq(activities(api, "taro@example.jp"),
             [("order", "2026-11-02", "placed"), ("order", "2026-11-01", "placed")])

    # A-1 for less, A-2 cancelled, a new one of a person who is not there
    later = lab.write("later.csv", HEAD +
                      "A-1,taro@example.jp,2026-11-01T09:00:00+09:00,paid,1000,T-1,2,500\n"
                      "A-2,taro@example.jp,2026-11-02T09:00:00+09:00,cancelled,500,T-1,1,500\n"
                      "A-6,nobody@example.jp,2026-11-03T09:00:00+09:00,paid,500,T-1,1,500\n")
    done = daemon.ctl("order", "import", later, *options)
    check_eq(counts(done, *names), (3, 2, 0, 2, 0, 0, 1, 0))
    check_eq([(r["line"], r["column"], r["value"]) for r in done["rejects"]], [(4, "email", "nobody@example.jp")])
    shown = daemon.ctl("order", "show", "taro@example.jp")
    check_eq([(o["order"], o["status"], o["amount"], o["placed"]) for o in shown["orders"]],
             [("A-1", "placed", 1000, "2026-11-01T00:00:00.000Z"), ("A-2", "cancelled", 500, "2026-11-02T00:00:00.000Z")])
    check_eq(sorted(a[2] for a in activities(api, "taro@example.jp")), ["cancelled", "changed", "placed", "placed"])
    # the first file is the older: it does not place again what was cancelled
    done = daemon.ctl("order", "import", first, *options)
    check_eq(counts(done, "changed", "same"), (1, 1))
    check_eq([o["status"] for o in daemon.ctl("order", "show", "taro@example.jp")["orders"]], ["placed", "cancelled"])
    audited(daemon)


def test_lines_of_an_order_that_stand_apart_are_refused(lab):
    daemon, _ = start(lab)
    line = "{},taro@example.jp,2026-11-01,paid,1000,{},1,500\n"
    file = lab.write("apart.csv", HEAD + line.format(1, "T") + line.format(2, "T") + line.format(1, "C"))
    done = daemon.ctl("order", "import", file, "--create")
    check_eq([(r["line"], r["value"]) for r in done["rejects"]], [(4, "1")])
    check("stand apart" in done["rejects"][0]["reason"], done)
    check_eq(counts(done, "added", "changed"), (2, 0))
    for words, why in (((lab.write("none.csv", "a,b\n1,2\n"),), "order number"), ((file, "--time-zone", "Mars"), "Mars"),
                       ((file, "--status", "paid=lost"), "lost"), ((file, "--currency", "YENS"), "YENS"),
                       ((file, "--map", "sku=what"), "what")):
        refused = daemon.run("order", "import", *words)
        check(refused.returncode != 0 and why in refused.stderr, refused.stderr)


def test_an_import_that_is_killed_is_finished_by_reading_the_file_again(lab):
    daemon, api = start(lab)
    n = 30000
    file = lab.path("many.csv")
    with open(file, "w", encoding="utf-8") as f:
        f.write(HEAD)
        for i in range(n):
            for sku in ("T-1", "C-1"):
                f.write(f"N{i},p{i % 5000}@example.jp,2026-11-01T09:00:00Z,paid,1000,{sku},1,500\n")
    run = subprocess.Popen(daemon.command("order", "import", file, "--create"), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    wait_for("some orders to be in", lambda: api.get("/v1/activities?email=p3000@example.jp").status == 200, timeout=60)
    daemon.kill()
    run.wait()
    api.close()
    again = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    done = again.ctl("order", "import", file, "--create")
    check_eq(counts(done, "orders", "rejected", "changed"), (n, 0, 0))
    check(0 < done["same"] < n, "some of it was in: %d" % done["same"])
    report = again.ctl("order", "report")
    check_eq(counts(report, "customers", "orders", "amount"), (5000, n, 1000 * n))
    audited(again)


def test_a_report_is_of_a_list_a_segment_or_a_tag_and_of_a_time(lab):
    daemon, api = start(lab)
    file = lab.write("orders.csv", "order,email,at,status,sku,item name,category,quantity,price\n"
                     "1,a@example.jp,2026-10-01T00:00:00Z,paid,T,Tea,drinks,2,500\n"
                     "1,a@example.jp,2026-10-01T00:00:00Z,paid,C,Cup,ware,1,\"1,000\"\n"
                     "2,a@example.jp,2026-11-01T00:00:00Z,paid,T,Tea,drinks,1,500\n"
                     "3,b@example.jp,2026-11-02T00:00:00Z,paid,T,Tea,drinks,10,500\n"
                     "4,c@example.jp,2026-11-02T00:00:00Z,paid,C,Cup,ware,1,1000.50\n"
                     "5,c@example.jp,2026-11-03T00:00:00Z,cancelled,C,Cup,ware,9,1000\n")
    daemon.ctl("order", "import", file, "--create", "--currency", "JPY")
    whole = daemon.ctl("order", "report")
    names = ("members", "customers", "orders", "repeat_customers", "amount", "median_value")
    check_eq(counts(whole, *names), (None, 3, 4, 1, 8500.5, 2500))
    check_eq([(p["name"], p["label"], p["quantity"], p["amount"]) for p in whole["products"]],
             [("T", "Tea", 13, 6500), ("C", "Cup", 2, 2000.5)])
    check_eq([(p["name"], p["items"], p["amount"]) for p in whole["categories"]], [("drinks", 3, 6500), ("ware", 2, 2000.5)])
    check_eq((whole["average_order"], sum(map(sum, whole["recency_by_frequency"]))), (8500.5 / 4, 3))
    check_eq(counts(daemon.ctl("order", "report", "--from", "2026-11-02T00:00:00Z", "--to", "2026-11-03T00:00:00Z"), *names),
             (None, 2, 2, 0, 6000.5, 3000.25))

    daemon.ctl("lead", "set", "a@example.jp", "plan=gold")
    daemon.ctl("lead", "tag", "b@example.jp", "vip")
    daemon.import_leads(lab.write("list.csv", "email\nc@example.jp\nd@example.jp\n"), "club")
    daemon.ctl("segment", "create", "gold", 'plan = "gold"')
    wait_for("the segment", lambda: daemon.ctl("segment", "show", "gold")["state"] == "ready")
    for words, want in ((("--segment", "gold"), (1, 1, 2, 1, 2500, 2500)), (("--tag", "vip"), (1, 1, 1, 0, 5000, 5000)),
                        (("--list", "club"), (2, 1, 1, 0, 1000.5, 1000.5))):
        check_eq(counts(daemon.ctl("order", "report", *words), *names), want, words)
    text = daemon.run("order", "report", "--list", "club").stdout
    check("Leads looked at: 2." in text and "Cup" in text, text)
    rows = list(csv_format.reader(daemon.run("order", "report", "--csv").stdout.splitlines()))
    check_eq([r for r in rows if r[0] == "product"], [["product", "T", "Tea", "13", "6500"], ["product", "C", "Cup", "2", "2000.500"]])
    check_eq(len([r for r in rows if r[0] == "rfm"]), 25)
    for words in (("--segment", "none"), ("--tag", "none"), ("--list", "none"), ("--list", "club", "--tag", "vip"),
                  ("--from", "soon"), ("--currency", "YENS")):
        check(daemon.run("order", "report", *words).returncode != 0, words)

    told = api.get("/v1/orders/report").json
    check_eq({**told, "repeat_rate": round(told["repeat_rate"], 6)}, {**whole, "repeat_rate": round(whole["repeat_rate"], 6)})
    check_eq(api.get("/v1/orders/report?segment=gold&from=2026-10-15T00:00:00Z&currency=jpy").json,
             daemon.ctl("order", "report", "--segment", "gold", "--from", "2026-10-15T00:00:00Z", "--currency", "JPY"))
    check_eq(counts(api.get("/v1/orders/report?list=club").json, *names), (2, 1, 1, 0, 1000.5, 1000.5))
    for query, status, code, field in (("segment=none", 404, "not_found", "segment"), ("tag=none", 404, "not_found", "tag"),
                                       ("list=none", 404, "not_found", "list"), ("list=club&tag=vip", 422, "invalid_value", "tag"),
                                       ("to=soon", 422, "invalid_value", "to"), ("currency=YENS", 422, "invalid_value", "currency")):
        answer = api.get("/v1/orders/report?" + query)
        check_eq((answer.status, answer.json["error"]["code"], answer.json["error"]["field"]), (status, code, field), query)
    daemon.ctl("segment", "delete", "gold")
    check_eq(api.get("/v1/orders/report?segment=gold").status, 404)


def test_carts_are_listed_until_an_order_closes_them(lab):
    daemon, api = start(lab)

    def tell(kind, email, at, **meta):
        done = api.post("/v1/activities", {"create": True, "activities": [{"kind": kind, "email": email, "at": at, "meta": meta}]})
        check_eq((done.status, done.json["noted"]), (202, 1), done.text)
    items = [{"product": "T", "name": "茶", "quantity": 2, "price": "500.50"}]
    tell("cart", "taro@example.jp", "2026-11-01T00:00:00Z", cart="t-1", currency="JPY", items=items)
    tell("cart", "hana@example.jp", "2026-11-02T00:00:00Z", cart="h-1", amount=7)
    listed = daemon.ctl("cart", "list", "--older", "60")["carts"]
    check_eq([(c["cart"], c["status"], c["amount"], len(c["items"])) for c in listed], [("t-1", "open", 1001, 1), ("h-1", "open", 7, 0)])
    check_eq([c["cart"] for c in daemon.ctl("cart", "list", "--limit", "1")["carts"]], ["t-1"])
    tell("order", "taro@example.jp", "2026-11-03T00:00:00Z", order="A-1", cart="t-1")
    check_eq([c["cart"] for c in daemon.ctl("cart", "list")["carts"]], ["h-1"])
    shown = daemon.ctl("cart", "show", "taro@example.jp")["carts"]
    check_eq([(c["cart"], c["status"], c["order"], c["items"][0]["name"]) for c in shown], [("t-1", "ordered", "A-1", "茶")])
    check("t-1" in daemon.run("cart", "show", "taro@example.jp").stdout, "for people")
    person = api.get("/v1/leads/taro@example.jp/export").json
    check_eq([(c["cart"], c["items"][0]["price"]) for c in person["carts"]], [("t-1", "500.5")])
    check(daemon.run("cart", "show", "nobody@example.jp").returncode != 0, "nobody's")
    audited(daemon)


def test_a_file_of_real_orders_gives_the_sums_it_has(lab):
    orders = corpus()
    if orders is None:
        return
    daemon, _ = start(lab)
    random.Random(7).shuffle(orders)
    file = lab.path("cdnow.csv")
    with open(file, "w", encoding="utf-8") as out:
        out.write("no,customer_id,date,amount\n")
        for i, o in enumerate(orders):
            out.write(f"{i},{o['customer_id']},{o['date']},{o['amount']}\n")
    done = daemon.ctl("order", "import", file, "--map", "no=order", "--system", "cdnow", "--create", "--currency", "USD")
    check_eq(counts(done, "orders", "added", "rejected"), (len(orders), len(orders), 0))
    report = daemon.ctl("order", "report")
    milli = sum(round(float(o["amount"]) * 1000) for o in orders)
    check_eq((report["customers"], report["orders"], round(report["amount"] * 1000)),
             (len({o["customer_id"] for o in orders}), len(orders), milli))


def test_shops_tell_of_orders_and_carts_over_http(lab):
    reader = token(lab, "reader", "*", "--scopes", "leads:read")
    daemon, api = start(lab)
    item = {"product": "T-1", "name": "茶", "category": "tea", "quantity": 2, "price": "500.50"}
    cart = {"cart": "c-1", "email": "taro@example.jp", "amount": 1001, "currency": "JPY", "items": [item]}
    told = api.post("/v1/carts", {"create": True, "carts": [cart, {"cart": "c-2", "email": "taro@example.jp", "statsu": "open"}]})
    check_eq((told.status, told.json["noted"], told.json["refused"]), (202, 1, 1))
    check_eq(told.json["results"][1]["error"]["field"], "statsu")
    check_eq(api.get("/v1/carts/c-1").json["status"], "open")
    check_eq([c["cart"] for c in api.get("/v1/carts?older=0").json["carts"]], ["c-1"])
    check_eq(api.get("/v1/carts?older=3600").json["carts"], [])

    order = {"order": "A-17", "cart": "c-1", "email": "taro@example.jp", "amount": 1001, "currency": "jpy", "items": [item]}
    for expected in ({"noted": 1, "duplicates": 0}, {"noted": 0, "duplicates": 1}):
        told = api.post("/v1/orders", {"orders": [order]})
        check_eq({k: told.json[k] for k in expected}, expected)
    got = api.get("/v1/orders/A-17").json
    check_eq((got["order"], got["status"], got["amount"], got["currency"], got["items"][0]["price"]),
             ("A-17", "placed", 1001, "JPY", 500.5))
    check_eq((api.get("/v1/carts/c-1").json["status"], api.get("/v1/carts/c-1").json["order"]), ("ordered", "A-17"))
    check_eq([c["status"] for c in api.get("/v1/carts?email=taro@example.jp").json["carts"]], ["ordered"])

    daemon.kill()
    api.close()
    daemon = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    told = api.post("/v1/orders", {"orders": [{"order": "A-17", "email": "taro@example.jp", "status": "cancelled"},
                                              {"order": "A-18", "email": "nobody@example.jp", "amount": 5},
                                              {"order": "A-19", "email": "taro@example.jp", "amount": -1}]},
                    headers={"Idempotency-Key": "k1"})
    check_eq([r["status"] for r in told.json["results"]], ["noted", "refused", "refused"])
    check_eq([r["error"]["field"] for r in told.json["results"][1:]], ["email", "amount"])
    customer = api.get("/v1/orders?email=taro@example.jp").json
    check_eq((customer["placed"], customer["cancelled"], [o["status"] for o in customer["orders"]]), (0, 1, ["cancelled"]))
    check_eq(api.get("/v1/orders/A-18").status, 404)
    check_eq(api.get("/v1/orders?email=nobody@example.jp").status, 404)
    other = Api(api.port, reader)
    check_eq(other.post("/v1/orders", {"orders": [order]}).status, 403)
    audited(daemon)
