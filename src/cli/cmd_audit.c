/* audit: the equation of every campaign, counted anew from the rows. */
#include "cli.h"
#include "commands.h"

static void print_problems(struct cli *c, const json_t *r)
{
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(r, "problems"), i, p)
        fprintf(c->err, "%s\n", json_is_string(p) ? json_string_value(p) : cli_str(p, "text"));
}

static int show(struct cli *c, json_t *r)
{
    static const char *const heads[] = {"QUEUED",  "DELIVERED",  "BOUNCED",
                                        "EXPIRED", "SUPPRESSED", "CANCELLED",
                                        "PENDING", "",           "CAMPAIGN"};
    static const char *const keys[] = {"queued",     "delivered", "bounced", "expired",
                                       "suppressed", "cancelled", "pending"};
    struct cli_table t;
    const json_t *o;
    size_t i;
    bool ok = json_is_true(json_object_get(r, "ok"));
    if (c->json) {
        (void)cli_print_json(c, r);
        return ok ? CLI_OK : CLI_FAILED;
    }
    cli_table_init(&t, heads, "rrrrrrrll");
    json_array_foreach(json_object_get(r, "campaigns"), i, o)
    {
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            cli_table_add_n(&t, cli_int(o, keys[k]));
        cli_table_add(&t, json_is_true(json_object_get(o, "ok")) ? "=" : "≠");
        cli_table_add(&t, cli_str(o, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    print_problems(c, r);
    if (ok)
        fprintf(c->out, "%s", _(c, "Every recipient is accounted for.\n"));
    else
        fprintf(c->err, "%s", _(c, "The books do not balance.\n"));
    json_decref(r);
    return ok ? CLI_OK : CLI_FAILED;
}

static int run(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "audit", NULL, NULL, &r);
    return code ? code : show(c, r);
}

const struct cli_command cmd_audit = {
    .name = "audit",
    .args = "",
    .summary = {"prove that every recipient is accounted for",
                "すべての宛先の帳尻が合うことを確かめる"},
    .about = {"Walks the store, counts every row anew and compares with the ledgers:\n"
              "queued = delivered + bounced + expired + suppressed + cancelled + pending.\n"
              "Reads the store by itself when the daemon does not run. Exit code 1 on a mismatch.",
              "保存領域をすべて数え直し、台帳と突き合わせます:\n"
              "queued = 配達 + 不達 + 期限切れ + 抑止 + 取消 + 未完。\n"
              "デーモンが動いていなければ直接読みます。不一致があれば 1 で終わります。"},
    .examples = "hayauma audit\nhayauma audit --json | jq .ok",
    .run = run,
};
