"""Products of shops: from files and by hand; what orders take from them."""
import csv
import subprocess

from api_lab import Api, api_setup, token
from lab import Daemon, check, check_eq, wait_for

NAMES = ("rows", "products", "added", "changed", "same", "left_out", "rejected")


def counts(done, *names):
    return tuple(done[n] for n in names)


def test_a_file_of_products_is_taken_once_and_bad_lines_are_told(lab):
    daemon, _, _ = api_setup(lab)
    file = lab.path("products.csv")
    with open(file, "w", encoding="cp932") as f:
        f.write("商品ID,商品名,商品コード,販売価格,在庫数\n"
                "1,茶,T-1,\"1,500円\",12\n"
                "2,碗,C-1,五百,3\n"
                "3,=盆,B-1,500,売り切れ\n"
                "4,箸,,500,1\n")
    tried = daemon.ctl("product", "import", file, "--currency", "JPY", "--dry-run")
    check_eq(counts(tried, "rows", "products", "rejected"), (4, 2, 2))
    check_eq(daemon.ctl("product", "list")["products"], [])
    done = daemon.ctl("product", "import", file, "--currency", "JPY")
    check_eq(counts(done, *NAMES), (4, 2, 2, 0, 0, 0, 2))
    check_eq([(r["line"], r["column"], r["value"]) for r in done["rejects"]],
             [(3, "販売価格", "五百"), (5, "商品コード", "")])
    check_eq(counts(daemon.ctl("product", "import", file, "--currency", "JPY"), *NAMES), (4, 2, 0, 0, 2, 0, 2))
    shown = daemon.ctl("product", "show", "T-1")
    check_eq(counts(shown, "name", "price", "currency", "stock"), ("茶", 1500, "JPY", "12"))
    out = lab.path("out.csv")
    daemon.ctl("product", "export", "--output", out)
    with open(out, encoding="utf-8-sig", newline="") as f:
        rows = list(csv.DictReader(f))
    check_eq([(r["sku"], r["name"], r["stock"]) for r in rows], [("B-1", "'=盆", "out"), ("T-1", "茶", "12")])
    check_eq(counts(daemon.ctl("product", "import", out), "same", "changed", "rejected"), (2, 0, 0))
    for words, why in (((lab.write("none.csv", "a,b\n1,2\n"),), "SKU"), ((file, "--currency", "YENS"), "YENS"),
                       ((file, "--map", "商品名=what"), "what")):
        refused = daemon.run("product", "import", *words)
        check(refused.returncode != 0 and why in refused.stderr, refused.stderr)


def test_sizes_of_one_thing_in_a_shopify_file_have_its_name(lab):
    daemon, _, _ = api_setup(lab)
    file = lab.write("shopify.csv", "Handle,Title,Type,Variant SKU,Variant Inventory Qty,Variant Price,Image Src\n"
                     "shirt,Shirt,clothes,S-S,3,20.50,https://shop.example/s.png\n"
                     "shirt,,,S-M,-1,20.50,\n"
                     "shirt,,,,,,https://shop.example/back.png\n"
                     "hat,Hat,,H-1,0,10,javascript:x\n")
    check_eq(counts(daemon.ctl("product", "import", file, "--currency", "USD"), *NAMES), (4, 2, 2, 0, 0, 1, 1))
    shown = daemon.ctl("product", "show", "S-M")
    check_eq(counts(shown, "name", "category", "price", "stock"), ("Shirt", "clothes", 20.5, "out"))


def test_an_order_takes_from_its_products_what_it_does_not_say(lab):
    daemon, _, _ = api_setup(lab)
    made = daemon.ctl("product", "set", "T-1", "--name", "Kettle", "--category", "kitchen", "--price", "5000")
    check_eq(counts(made, "new", "name", "price"), (True, "Kettle", 5000))
    file = lab.write("orders.csv", "order,email,at,sku,quantity,price\nA-1,taro@example.jp,2026-11-01,T-1,1,5000\n")
    check_eq(daemon.ctl("order", "import", file, "--create")["added"], 1)
    changed = daemon.ctl("product", "set", "T-1", "--name", "Kettle II", "--category", "")
    check_eq(counts(changed, "new", "name", "category", "price"), (False, "Kettle II", "", 5000))
    check_eq(counts(daemon.ctl("order", "import", file), "changed", "same"), (0, 1))
    item = daemon.ctl("order", "show", "taro@example.jp")["orders"][0]["items"][0]
    check_eq(counts(item, "name", "category"), ("Kettle", "kitchen"))
    check_eq([p["sku"] for p in daemon.ctl("product", "list", "kettle ii")["products"]], ["T-1"])
    check_eq(daemon.ctl("product", "list", "teapot")["products"], [])
    for words, why in ((("set", "X", "--url", "ftp://a.example"), "url"), (("show", "X"), "no product"),
                       (("delete", "X"), "no product")):
        refused = daemon.run("product", *words)
        check(refused.returncode != 0 and why in refused.stderr, refused.stderr)
    daemon.ctl("product", "delete", "T-1")
    check_eq(daemon.ctl("product", "list")["products"], [])


def test_an_import_that_is_killed_is_finished_by_reading_the_file_again(lab):
    daemon, _, api = api_setup(lab)
    n = 100000
    file = lab.path("many.csv")
    with open(file, "w", encoding="utf-8") as f:
        f.write("sku,name,price\n")
        f.writelines(f"N{i:06},thing {i},{i}\n" for i in range(n))
    run = subprocess.Popen(daemon.command("product", "import", file), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    wait_for("some products to be in", lambda: daemon.ctl("product", "list", "--limit", "1")["products"], timeout=60)
    daemon.kill()
    run.wait()
    api.close()
    again = lab.add(Daemon(lab, "again", daemon.config_path, daemon.socket))
    done = again.ctl("product", "import", file)
    check_eq(counts(done, "products", "rejected", "changed"), (n, 0, 0))
    check(done["same"] > 0 and done["same"] + done["added"] == n, done)
    good, text = again.audit()
    check(good, text)


def test_products_are_told_over_http(lab):
    secret, reader = (token(lab, name, "*", "--scopes", scopes) for name, scopes in
                      (("shop", "leads:read,leads:write"), ("reader", "leads:read")))
    daemon, _, api = api_setup(lab)
    api = Api(api.port, secret)
    told = api.post("/v1/products", {"products": [{"sku": "T-1", "name": "茶", "category": "tea", "price": 500.5, "currency": "JPY", "stock": 12},
                                                  {"sku": "C-1", "price": "five"}, {"name": "no number"}, {"sku": "X-1", "colour": "red"}]}).json
    check_eq(counts(told, "added", "refused"), (1, 3))
    check_eq([r["error"]["field"] for r in told["results"][1:]], ["price", "sku", "colour"])
    check_eq(counts(api.get("/v1/products/T-1").json, "name", "price", "stock"), ("茶", 500.5, "12"))
    check_eq(api.post("/v1/products", {"products": [{"sku": "T-1", "stock": "12"}]}).json["same"], 1)
    put = api.call("PUT", "/v1/products/T-1", {"stock": "out", "category": None})
    check_eq((put.status, *counts(put.json, "name", "stock", "category")), (200, "茶", "out", ""))
    check_eq(api.call("PUT", "/v1/products/C-1", {"name": "碗"}).status, 201)
    check_eq(api.call("PUT", "/v1/products/C-1", {"url": "javascript:alert(1)"}).json["error"]["field"], "url")
    many = [{"sku": f"M-{i:04}", "name": f"thing {i}"} for i in range(1000)]
    check_eq(api.post("/v1/products", {"products": many}).json["added"], 1000)
    page = api.get("/v1/products?text=thing&limit=500").json
    check_eq([len(page["products"]), len(api.get(f"/v1/products?text=thing&limit=500&after={page['after']}").json["products"])], [500, 500])
    api.post("/v1/orders", {"create": True, "orders": [{"order": "A-1", "email": "a@example.jp", "amount": 5, "currency": "JPY",
                                                        "items": [{"product": "C-1", "quantity": 1}]}]})
    check_eq(api.get("/v1/orders/A-1").json["items"][0]["name"], "碗")
    check_eq([api.delete("/v1/products/C-1").status, api.delete("/v1/products/C-1").status, api.get("/v1/products/C-1").status], [204, 404, 404])
    check_eq(Api(api.port, reader).post("/v1/products", {"products": many[:1]}).status, 403)
