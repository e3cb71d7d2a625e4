/* dkim check: verifies the signatures of a message with libopendkim. */
#include <errno.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/config.h"
#include "hayauma/dns/txt.h"
#include "hayauma/mail/dkim_check.h"
#include "read.h"

enum {
    DNS_TIMEOUT_MS = 3000,
    DNS_TRIES = 3,
    TABLE_MAX = 16 << 20,
    SERVERS_MAX = 16,
};

/* Where keys come from: a table in memory, or servers. */
struct source {
    struct hy_buf table;
    bool from_table;
    struct hy_txt_settings dns;
    struct hy_sockaddr servers[SERVERS_MAX];
};

/* Lines of name, white space, text; the text may be in quotes, and in several. */
static int find_in_table(struct hy_str table, struct hy_str name, struct hy_buf *out)
{
    struct hy_str line;
    while (hy_str_split(&table, '\n', &line)) {
        size_t end = 0;
        line = hy_str_trim(line);
        while (end < line.n && line.p[end] != ' ' && line.p[end] != '\t')
            end++;
        struct hy_str of = hy_str_slice(line, 0, end);
        if (of.n && of.p[of.n - 1] == '.')
            of.n--;
        if (!hy_str_ieq(of, name))
            continue;
        struct hy_str text = hy_str_trim(hy_str_slice(line, end, line.n)), piece;
        if (text.n == 0 || text.p[0] != '"') {
            hy_buf_add_str(out, text);
            return out->err;
        }
        for (int i = 0; hy_str_split(&text, '"', &piece); i++)
            if (i % 2)
                hy_buf_add_str(out, piece);
        return out->err;
    }
    return HY_ENOTFOUND;
}

static int look_up(void *ctx, const char *name, struct hy_buf *out)
{
    const struct source *s = ctx;
    if (s->from_table)
        return find_in_table(hy_buf_str(&s->table), hy_str_of(name), out);
    int err = hy_txt_lookup(&s->dns, name, out);
    return err == HY_ENOTFOUND || err == HY_OK ? err : HY_ETIMEOUT;
}

/* The servers of the configuration, if it has any: the same as the daemon's. */
static void use_config_servers(const struct cli *c, struct source *s)
{
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    if (hy_config_load(cli_config_path(c), &p, &config) == HY_OK) {
        for (size_t i = 0; i < config->dns.servers.n && i < SERVERS_MAX; i++)
            s->servers[s->dns.n_servers++] = config->dns.servers.items[i];
    }
    hy_config_unref(config);
    hy_problems_free(&p);
}

static int open_source(struct cli *c, struct source *s)
{
    const char *file = cli_option(c, "dns-file"), *server = cli_option(c, "dns-server");
    s->dns = (struct hy_txt_settings){s->servers, 0, DNS_TIMEOUT_MS, DNS_TRIES};
    s->from_table = file != NULL;
    if (file && cli_read_all(file, TABLE_MAX, &s->table) != HY_OK)
        return cli_fail(c, HY_EIO, file, strerror(errno));
    if (file)
        return CLI_OK;
    if (!server) {
        use_config_servers(c, s);
        return CLI_OK;
    }
    if (hy_sockaddr_parse(hy_str_of(server), 53, &s->servers[0]) != HY_OK)
        return cli_fail(c, HY_EINVAL, server, _(c, "give it as ADDRESS or ADDRESS:PORT"));
    s->dns.n_servers = 1;
    return CLI_OK;
}

static json_t *report_json(const struct hy_dkim_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct hy_dkim_check_signature *s = &r->signatures[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:i,s:s}", "result",
                                              hy_dkim_result_name(s->result), "domain", s->domain,
                                              "selector", s->selector, "algorithm", s->algorithm,
                                              "bits", (int)s->key_bits, "reason", s->reason));
    }
    return json_pack("{s:s,s:o}", "result", hy_dkim_result_name(r->result), "signatures", list);
}

static const char *bits_text(unsigned bits, char out[16])
{
    if (bits == 0)
        return "-";
    snprintf(out, 16, "%u", bits);
    return out;
}

static void print_report(struct cli *c, const struct hy_dkim_report *r)
{
    static const char *const heads[] = {"RESULT", "DOMAIN", "SELECTOR", "ALGORITHM", "BITS", "WHY"};
    struct cli_table t;
    cli_table_init(&t, heads, "llllrl");
    for (size_t i = 0; i < r->n; i++) {
        const struct hy_dkim_check_signature *s = &r->signatures[i];
        char bits[16];
        cli_table_add(&t, hy_dkim_result_name(s->result));
        cli_table_add(&t, s->domain);
        cli_table_add(&t, s->selector);
        cli_table_add(&t, s->algorithm);
        cli_table_add(&t, bits_text(s->key_bits, bits));
        cli_table_add(&t, s->reason);
    }
    cli_table_print(&t, c, 0);
}

/* Good only when there is a signature and none is bad. */
static int verdict(const struct hy_dkim_report *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->signatures[i].result != HY_DKIM_PASS)
            return CLI_FAILED;
    return r->n ? CLI_OK : CLI_FAILED;
}

static int check(struct cli *c, struct source *s, struct hy_str message)
{
    struct hy_dkim_report r;
    int err = hy_dkim_check(message, hy_clock_wall_ms(), look_up, s, &r);
    if (err)
        return cli_fail(c, err, err == HY_EPARSE ? _(c, "this is no message") : NULL, NULL);
    if (c->json)
        (void)cli_print_json(c, report_json(&r));
    else if (r.n)
        print_report(c, &r);
    else
        fprintf(c->err, "%s", _(c, "The message has no DKIM signature.\n"));
    return verdict(&r);
}

static int run(struct cli *c)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf message = {0};
    struct source s = {.table = {0}};
    int code = open_source(c, &s);
    if (code == CLI_OK) {
        int err = cli_read_all(c->args[0], HY_DKIM_CHECK_MESSAGE_MAX, &message);
        code = err == HY_EIO ? cli_fail(c, err, c->args[0], strerror(errno))
               : err         ? cli_fail(c, err, c->args[0], NULL)
                             : check(c, &s, hy_buf_str(&message));
    }
    hy_buf_free(&s.table);
    return code;
}

static const struct cli_option options[] = {
    {"dns-file",
     "TABLE",
     CLI_FILE,
     NULL,
     {"take records from a file: lines of name, white space, text",
      "DNS の代わりにファイルを使う: 各行に名前、空白、内容"}},
    {"dns-server",
     "ADDRESS",
     CLI_TEXT,
     NULL,
     {"ask this server (default: dns.servers, or the system's)",
      "このサーバーに尋ねる (既定: dns.servers、またはシステムのもの)"}},
    {0}};
const struct cli_command cmd_dkim_check = {
    .name = "dkim check",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"verify the DKIM signatures of a message", "メールの DKIM 署名を検証する"},
    .about =
        {"The judge is libopendkim, which shares no code with the signer. FILE is a whole\n"
         "message; - reads standard input. Exit code 0 when it has a signature and all are\n"
         "good, otherwise 1.",
         "署名側とコードを共有しない libopendkim が判定します。FILE はメール全体で、- は標準入力\n"
         "です。署名があり、すべて正しければ終了コード 0、そうでなければ 1 です。"},
    .examples = "hayauma dkim check received.eml\n"
                "hayauma dkim check --dns-server 127.0.0.1:5353 received.eml",
    .options = options,
    .run = run,
};
