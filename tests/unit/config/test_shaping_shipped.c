#include "hayauma/shape/reply_rules.h"
#include "shaping_read.h"

#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

Test(shaping, the_shipped_rules_are_clean_and_their_default_is_the_built_in_one)
{
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    struct hy_shape_limits builtin;
    hy_shape_limits_init(&builtin);
    cr_assert_eq(load(HY_SOURCE_ROOT "/conf/shaping.yaml", &p, &set), 0);
    expect_problems(&p, "");
    const struct hy_shape_limits *f = &set->fallback;
    cr_expect_eq(memcmp(&f->retry, &builtin.retry, sizeof f->retry), 0);
    cr_expect_eq(memcmp(&f->timeouts, &builtin.timeouts, sizeof f->timeouts), 0);
    cr_expect(f->connections == builtin.connections && f->tls == builtin.tls &&
              f->messages_per_connection == builtin.messages_per_connection &&
              f->use_pipelining == builtin.use_pipelining &&
              f->use_chunking == builtin.use_chunking && f->message_rate.count == 0 &&
              f->connection_rate.count == 0 &&
              memcmp(&f->adaptive, &builtin.adaptive, sizeof f->adaptive) == 0);
    hy_shaping_free(set);
    hy_problems_free(&p);
}

Test(shaping, the_shipped_rules_find_the_big_sites)
{
    static const struct {
        const char *domain, *mx, *want;
    } sites[] = {
        {"gmail.com", "gmail-smtp-in.l.google.com", "gmail"},
        {"workspace.example", "aspmx.l.google.com", "gmail"},
        {"yahoo.com", "mta5.am0.yahoodns.net", "yahoo"},
        {"hotmail.com", "hotmail-com.olc.protection.outlook.com", "microsoft-consumer"},
        {"office.example", "office-example.mail.protection.outlook.com", "microsoft-365"},
        {"icloud.com", "mx01.mail.icloud.com", "icloud"},
        {"yahoo.co.jp", "mx1.mail.yahoo.co.jp", "yahoo-japan"},
        {"docomo.ne.jp", "mfsmax.docomo.ne.jp", "docomo"},
        {"ezweb.ne.jp", "lsean.ezweb.ne.jp", "au"},
        {"i.softbank.jp", "mx.i.softbank.jp", "softbank"},
        {"rakuten.jp", "mx.rakuten.jp", "rakuten"},
        {"comcast.net", "mx1h1.comcast.net", "comcast"},
        {"gmx.de", "mx00.emig.gmx.net", "gmx-webde"},
        {"orange.fr", "smtp-in.orange.fr", "orange"},
        {"qq.com", "mx1.qq.com", "qq"},
        {"163.com", "163mx01.mxmail.netease.com", "netease"},
        {"outlook.jp", "outlook-jp.olc.protection.outlook.com", "microsoft-consumer"},
        {"office.example", "office-example.a-v1.mx.microsoft", "microsoft-365"},
        {"me.com", "mx02.mail.icloud.com", "icloud"},
        {"ybb.ne.jp", "ybbmx1.mail.yahoo.co.jp", "yahoo-japan"},
        {"uqmobile.jp", "mx.uqmobile.jp", "au"},
        {"web.de", "mx-ha02.web.de", "gmx-webde"},
        {"mail.com", "mx00.mail.com", "gmx-webde"},
        {"office.example", "mxbiz1.qq.com", "qq"},
        {"office.example", "qiye163mx01.mxmail.netease.com", "netease"},
        {"office.example", "mx1-us1.ppe-hosted.com", "proofpoint"},
        {"office.example", "d1234.a.ess.barracudanetworks.com", "barracuda"},
        {"planet.nl", "mx.kpnmail.nl", "kpn"},
        {"netvigator.com", "mx1.netvigator.com", "netvigator"},
        {"gmail.example", "mx.notgoogle.com", NULL},
        {"office.example", "eu-smtp-inbound-1.mimecast.com", "mimecast"},
        {"office.example", "mx0a-00000000.pphosted.com", "proofpoint"},
        {"so-net.ne.jp", "mx.so-net.ne.jp", "so-net"},
        {"example.ocn.ne.jp", "mx.ocn.ad.jp", "ocn"},
        {"nifty.com", "mx.nifty.com", "nifty"},
        {"biglobe.ne.jp", "mx.biglobe.ne.jp", "biglobe"},
        {"example.org", "mx.example.org", NULL},
    };
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    cr_assert_eq(load(HY_SOURCE_ROOT "/conf/shaping.yaml", &p, &set), 0);
    for (size_t i = 0; i < COUNT(sites); i++) {
        struct hy_str mx = hy_str_of(sites[i].mx);
        const struct hy_shape_rule *r = hy_shape_find(set, hy_str_of(sites[i].domain), &mx, 1);
        cr_expect(sites[i].want ? r && strcmp(r->name, sites[i].want) == 0 : !r, "%s: got %s",
                  sites[i].domain, r ? r->name : "no rule");
    }
    hy_shaping_free(set);
    hy_problems_free(&p);
}

Test(shaping, a_site_of_unlike_hosts_gets_no_providers_rule_in_any_order)
{
    static const struct {
        const char *hosts[3], *want;
    } sites[] = {
        {{"example-com.mail.protection.outlook.com", "mx-biz.mail.am0.yahoodns.net"}, NULL},
        {{"mx-biz.mail.am0.yahoodns.net", "example-com.mail.protection.outlook.com"}, NULL},
        {{"aspmx.l.google.com", "alt1.aspmx.l.google.com", "backup.example.com"}, NULL},
        {{"backup.example.com", "alt1.aspmx.l.google.com", "aspmx.l.google.com"}, NULL},
        {{"mx00.gmx.net", "mx-ha02.web.de"}, "gmx-webde"},
        {{"aspmx2.googlemail.com", "aspmx.l.google.com"}, "gmail"},
        {{"google.com"}, NULL}, /* a name below it is meant */
        {{"aspmx.l.google.com.example.com"}, NULL},
    };
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    cr_assert_eq(load(HY_SOURCE_ROOT "/conf/shaping.yaml", &p, &set), 0);
    for (size_t i = 0; i < COUNT(sites); i++) {
        struct hy_str hosts[3];
        size_t n = 0;
        for (; n < 3 && sites[i].hosts[n]; n++)
            hosts[n] = hy_str_of(sites[i].hosts[n]);
        const struct hy_shape_rule *r = hy_shape_find(set, HY_STR("a.example"), hosts, n);
        cr_expect(sites[i].want ? r && strcmp(r->name, sites[i].want) == 0 : !r, "%s: got %s",
                  sites[i].hosts[0], r ? r->name : "no rule");
    }
    hy_shaping_free(set);
    hy_problems_free(&p);
}

/* "provider, kind, value, connections, messages per connection, source" of the rules that many
 * senders use: a preset that calls its numbers those of the community has them. */
static void compare_community(const struct hy_shape_rules *set, struct hy_str line, size_t *io_n)
{
    static const char *const ours[] = {"gmail", "microsoft-consumer", "microsoft-365"};
    struct hy_str cell[5], host = {0};
    char name[300];
    for (size_t i = 0; i < COUNT(cell); i++)
        if (!hy_str_split(&line, '\t', &cell[i]))
            return;
    bool is_mx = hy_str_eq(cell[1], HY_STR("MXSuffix"));
    size_t n = cell[2].n && cell[2].p[cell[2].n - 1] == '.' ? cell[2].n - 1 : cell[2].n;
    snprintf(name, sizeof name, "%s%.*s", is_mx ? "mx" : "", (int)n, cell[2].p);
    host = hy_str_of(name);
    const struct hy_shape_rule *r =
        hy_shape_find(set, is_mx ? HY_STR("a.example") : host, &host, is_mx);
    cr_expect(r || !is_mx, "no preset for %s", name);
    bool is_ours = !r;
    for (size_t i = 0; r && i < COUNT(ours); i++)
        is_ours |= strcmp(r->name, ours[i]) == 0;
    if (is_ours)
        return;
    uint64_t connections = r->limits.connections, messages = r->limits.messages_per_connection;
    if (cell[3].n)
        cr_expect(!hy_str_to_u64(cell[3], 10000, &connections) &&
                      connections == r->limits.connections,
                  "%s: connections %u", name, r->limits.connections);
    if (cell[4].n)
        cr_expect(!hy_str_to_u64(cell[4], 1000000, &messages) &&
                      messages == r->limits.messages_per_connection,
                  "%s: messages %u", name, r->limits.messages_per_connection);
    ++*io_n;
}

Test(shaping, the_shipped_numbers_of_the_community_are_those_of_the_community)
{
    char path[4096], line[4096];
    const char *root = getenv("HY_CORPORA");
    if (root)
        snprintf(path, sizeof path, "%s/mx-rollup/providers.tsv", root);
    else
        snprintf(path, sizeof path, HY_SOURCE_ROOT "/../shared/corpora/mx-rollup/providers.tsv");
    FILE *f = fopen(path, "re");
    if (!f)
        cr_skip_test("no corpus at %s", path);
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    size_t n = 0;
    cr_assert_eq(load(HY_SOURCE_ROOT "/conf/shaping.yaml", &p, &set), 0);
    while (fgets(line, sizeof line, f))
        compare_community(set, hy_str_of(line), &n);
    fclose(f);
    cr_expect_geq(n, 14u, "compared: %zu", n);
    hy_shaping_free(set);
    hy_problems_free(&p);
}

Test(shaping, the_shipped_patterns_know_the_words_of_the_big_sites)
{
    static const struct {
        const char *domain;
        uint16_t code;
        const char *text;
        enum hy_reply_action want;
        int64_t minutes;
    } replies[] = {
        {"yahoo.com", 421,
         "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints",
         HY_REPLY_SUSPEND, 120},
        {"yahoo.com", 421, "[IPTS05] Messages from 192.0.2.1", HY_REPLY_SUSPEND, 240},
        {"yahoo.co.jp", 553, "Mail from 192.0.2.1 not allowed - VS98-IP0 deferred",
         HY_REPLY_SUSPEND, 60},
        {"gmail.com", 421, "4.7.28 Gmail has detected an unusual rate of mail", HY_REPLY_SLOW, 0},
        {"outlook.com", 421, "RP-001 The mail server IP has exceeded the rate limit", HY_REPLY_SLOW,
         0},
        {"qq.com", 550, "Ip frequency limited. http://service.mail.qq.com", HY_REPLY_SUSPEND, 60},
        {"163.com", 421, "HL:ICC 192.0.2.1", HY_REPLY_SLOW, 0},
        {"orange.fr", 421, "mwinf5c Trop de connexions, veuillez verifier", HY_REPLY_SLOW, 0},
        {"example.org", 421, "4.7.0 Too many concurrent SMTP connections", HY_REPLY_SLOW, 0},
        {"example.org", 421, "4.3.2 Too many connections", HY_REPLY_SLOW, 0},
        {"example.org", 554, "5.7.1 blocked using zen.spamhaus.org", HY_REPLY_SUSPEND, 60},
        {"example.org", 550, "5.1.1 no such user", HY_REPLY_NOTHING, -1},
    };
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    cr_assert_eq(load(HY_SOURCE_ROOT "/conf/shaping.yaml", &p, &set), 0);
    for (size_t i = 0; i < COUNT(replies); i++) {
        const struct hy_shape_rule *rule =
            hy_shape_find(set, hy_str_of(replies[i].domain), NULL, 0);
        struct hy_outcome o = {
            .code = replies[i].code, .from_server = true, .text = hy_str_of(replies[i].text)};
        const struct hy_reply_rule *r = hy_reply_rules_match(rule ? rule->on : NULL, &o);
        if (!r)
            r = hy_reply_rules_match(set->base->on, &o);
        if (replies[i].minutes < 0)
            cr_expect_null(r, "%s: line %u", replies[i].text, r ? r->line : 0);
        else
            cr_expect(r && r->action == replies[i].want &&
                          r->for_us == replies[i].minutes * 60000000,
                      "%s: %s", replies[i].text, r ? hy_reply_action_name(r->action) : "nothing");
    }
    hy_shaping_free(set);
    hy_problems_free(&p);
}

Test(shaping, the_manual_has_every_key)
{
    static char page[65536];
    FILE *f = fopen(HY_SOURCE_ROOT "/docs/man/hayauma-shaping.5", "r");
    cr_assert_not_null(f);
    page[fread(page, 1, sizeof page - 1, f)] = '\0';
    fclose(f);
    struct hy_buf keys = HY_BUF_INIT(65536);
    hy_shaping_keys(&keys);
    struct hy_str rest = hy_buf_str(&keys), line;
    while (hy_str_split(&rest, '\n', &line) && line.n) {
        struct hy_str key =
            hy_str_slice(line, hy_str_find(line, ' ', 0) + 1, line.n); /* behind the section */
        char alone[128], first[128], further[128];
        snprintf(alone, sizeof alone, ".B %.*s\n", HY_STR_ARG(key));
        snprintf(first, sizeof first, ".BR %.*s \"", HY_STR_ARG(key));
        snprintf(further, sizeof further, "\", \" %.*s", HY_STR_ARG(key));
        cr_expect(strstr(page, alone) || strstr(page, first) || strstr(page, further), "%.*s",
                  HY_STR_ARG(key));
    }
    hy_buf_free(&keys);
}
