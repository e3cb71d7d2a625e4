/* source check: whether each source's addresses are on this machine, and whether DNS agrees with
 * the name that it greets with: receivers look at that first. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/config.h"
#include "hayauma/dns/reverse.h"
#include "retell.h"

enum { DNS_TIMEOUT_MS = 3000, DNS_TRIES = 2, NAMES_MAX = 16, TEXT_MAX = 512 };

struct checking {
    struct cli *c;
    struct hy_txt_settings dns;
    json_t *list;
    size_t faults;
};

static void put_line(struct cli *c, const char *source, const char *address, const char *state,
                     const char *text)
{
    struct hy_buf line = HY_BUF_INIT(65536);
    cli_put_cell(&line, hy_str_of(source), 16, true);
    hy_buf_printf(&line, " %-24s %s %s\n", address, state, text);
    fwrite(line.data, 1, line.len, c->out);
    hy_buf_free(&line);
}

/* One line of the report. */
static void say(struct checking *k, const char *source, const char *address, bool is_good,
                const char *text)
{
    k->faults += !is_good;
    if (k->c->json)
        json_array_append_new(k->list, json_pack("{s:s,s:s,s:b,s:s}", "source", source, "address",
                                                 address, "good", is_good, "text", text));
    else
        put_line(k->c, source, address, is_good ? _(k->c, "good ") : _(k->c, "FAULT"), text);
}

static bool is_here(const struct hy_sockaddr *a)
{
    int fd = socket(hy_sockaddr_family(a), SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool here = fd >= 0 && bind(fd, &a->sa, hy_sockaddr_len(a)) == 0;
    if (fd >= 0)
        close(fd);
    return here;
}

/* The names of the address: one must be the EHLO name, and lead back. */
static void check_names(struct checking *k, const struct hy_config_source *s, const char *ip,
                        const struct hy_sockaddr *a, struct hy_str names)
{
    char text[TEXT_MAX];
    struct hy_str one, first = {0};
    bool is_greeted = false, leads_back = false;
    for (int i = 0; i < NAMES_MAX && hy_str_split(&names, '\n', &one); i++) {
        if (one.n == 0)
            continue;
        first = first.n ? first : one;
        is_greeted |= hy_str_eq(one, hy_str_of(s->ehlo));
    }
    const char *name = is_greeted ? s->ehlo : NULL;
    char other[256];
    if (!name) {
        snprintf(other, sizeof other, "%.*s", HY_STR_ARG(first));
        name = other;
    }
    int err = hy_name_has_address(&k->dns, name, a, &leads_back);
    if (err) {
        snprintf(text, sizeof text, _(k->c, "no DNS server answers for %.200s"), name);
        say(k, s->name, ip, false, text);
    } else if (!leads_back) {
        snprintf(text, sizeof text,
                 _(k->c, "its PTR record says %.200s, and that name does not have this address"),
                 name);
        say(k, s->name, ip, false, text);
    } else if (!is_greeted) {
        snprintf(text, sizeof text,
                 _(k->c, "its PTR record says %.200s, but EHLO says %.200s: make them one"), name,
                 s->ehlo);
        say(k, s->name, ip, false, text);
    } else {
        snprintf(text, sizeof text, _(k->c, "%.200s, there and back"), name);
        say(k, s->name, ip, true, text);
    }
}

static void check_address(struct checking *k, const struct hy_config_source *s,
                          const struct hy_sockaddr *a)
{
    char ip[HY_SOCKADDR_TEXT_MAX];
    if (hy_sockaddr_family(a) == AF_UNSPEC)
        return;
    (void)hy_sockaddr_format_ip(a, ip);
    if (s->proxy.kind == HY_PROXY_NONE && !is_here(a))
        say(k, s->name, ip, false,
            _(k->c, "this address is not on this machine: nothing can be sent from it"));
    struct hy_buf names = HY_BUF_INIT(16 * 1024);
    int err = hy_ptr_lookup(&k->dns, a, &names);
    if (err == HY_OK && names.len)
        check_names(k, s, ip, a, hy_buf_str(&names));
    else if (err == HY_OK || err == HY_ENOTFOUND)
        say(k, s->name, ip, false,
            _(k->c, "it has no PTR record: many receivers refuse its mail. Whoever assigned the "
                    "address can set one"));
    else
        say(k, s->name, ip, false, _(k->c, "no DNS server answers for its PTR record"));
    hy_buf_free(&names);
}

static int run(struct cli *c)
{
    struct hy_problems problems = {0};
    struct hy_config *config = NULL;
    int err = hy_config_load(cli_config_path(c), &problems, &config);
    if (err)
        cli_print_problems(c, &problems);
    hy_problems_free(&problems);
    if (err)
        return cli_fail(c, err, cli_config_path(c),
                        _(c, "name the configuration with --config; 'hayauma config check' tells "
                             "all that is wrong with it"));
    struct checking k = {
        .c = c,
        .dns = {config->dns.servers.items, config->dns.servers.n, DNS_TIMEOUT_MS, DNS_TRIES},
        .list = json_array()};
    bool any = false;
    for (size_t i = 0; i < config->delivery.sources.n; i++) {
        const struct hy_config_source *s = &config->delivery.sources.items[i];
        any |= hy_sockaddr_family(&s->bind) != AF_UNSPEC;
        check_address(&k, s, &s->bind);
        check_address(&k, s, &s->bind6);
    }
    if (c->json)
        (void)cli_print_json(c, json_pack("{s:b,s:o}", "good", k.faults == 0, "checks", k.list));
    else if (!any)
        fprintf(c->out, "%s",
                _(c, "No source has an address: the system chooses, and what it "
                     "chooses cannot be checked here.\n"));
    if (!c->json)
        json_decref(k.list);
    hy_config_unref(config);
    return k.faults ? CLI_FAILED : CLI_OK;
}

const struct cli_command cmd_source_check = {
    .name = "source check",
    .args = "",
    .summary =
        {"check the sending addresses: on this machine, and known to DNS by their EHLO names",
         "送信元アドレスを調べる: この機械にあるか、DNS が EHLO の名前と一致するか"},
    .about =
        {"Receivers look up the name of the address that speaks to them (PTR), whether that\n"
         "name has the address again, and many whether EHLO says the same. Reads the\n"
         "configuration and asks its DNS servers; the daemon need not run. Exit code 1 when\n"
         "something is wrong.",
         "受信側は接続元アドレスの名前 (PTR) を引き、その名前が同じアドレスに戻るか、EHLO "
         "の名前と\n"
         "一致するかを見ます。設定を読み、その DNS サーバーに尋ねます。デーモンが動いている必要は\n"
         "ありません。誤りがあれば終了コード 1 です。"},
    .examples = "hayauma source check",
    .run = run,
};
