#include "check.h"
#include "hayauma/config/shaping.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *name, *in, *want;
    int err;
} cases[] = {
    {"unknown keys", "defaults: {}\ndefault:\n  conections: 3\n  mx: [a.b]\n",
     "s.yaml:1:1: error: unknown key 'defaults' (did you mean 'default'?)\n"
     "s.yaml:3:3: error: unknown key 'conections' (did you mean 'connections'?)\n"
     "s.yaml:4:3: error: unknown key 'mx'\n",
     HY_EINVAL},
    {"rules without names or places", "rules:\n  - connections: 3\n  - name: a\n",
     "s.yaml:2:5: error: 'name' is missing\n"
     "s.yaml:2:5: error: name: rule '' names neither mx nor domains: it would never apply\n"
     "s.yaml:3:11: error: name: rule 'a' names neither mx nor domains: it would never apply\n",
     HY_EINVAL},
    {"contradictions",
     "default:\n  retry: {first: 1h, longest: 5m, expire: 10m}\n"
     "rules:\n  - name: a\n    mx: a.example\n    messages_per_connection: 1\n"
     "    message_rate: 10/s\n    connection_rate: 60/m\n    retry: {longest: 2h, expire: 1d}\n",
     "s.yaml:2:31: error: retry.longest: is shorter than retry.first\n"
     "s.yaml:2:43: error: retry.expire: is shorter than retry.first: nothing would ever be tried "
     "again\n"
     "s.yaml:7:19: warning: message_rate: can never be reached: each message needs a connection, "
     "and connection_rate allows fewer\n",
     HY_EINVAL},
    {"dead rules",
     "rules:\n  - {name: a, mx: [\"*.example.com\"], domains: [x.example]}\n"
     "  - {name: b, mx: [mx.example.com, mx.example.net]}\n"
     "  - {name: c, mx: [\"*.mx.example.com\"], domains: [x.example]}\n"
     "  - {name: a, domains: [example.com]}\n",
     "s.yaml:3:19: warning: mx: 'mx.example.com' has no effect: rule 'a' (line 2) comes first and "
     "matches it\n"
     "s.yaml:4:12: error: name: rule 'c' can never apply: earlier rules match all of it\n"
     "s.yaml:4:19: warning: mx: '*.mx.example.com' has no effect: rule 'a' (line 2) comes first "
     "and "
     "matches it\n"
     "s.yaml:4:50: warning: domains: 'x.example' has no effect: rule 'a' (line 2) comes first and "
     "matches it\n"
     "s.yaml:5:12: error: name: there is a rule 'a' in line 2 already\n",
     HY_EINVAL},
    {"bad values",
     "rules:\n  - {name: a, mx: \"*\", connections: 0, message_rate: 5, tls: maybe}\nx: 1\n",
     "s.yaml:2:19: error: mx: must be a host name or *. and a host name, not '*'\n"
     "s.yaml:2:37: error: connections: '0' is out of range: 1 to 10000\n"
     "s.yaml:2:54: error: message_rate: must be a rate such as 100/s, 5000/h or 10/5m, not '5'\n"
     "s.yaml:2:62: error: tls: must be one of: never, opportunistic, required, verified, not "
     "'maybe'\n"
     "s.yaml:3:1: error: unknown key 'x'\n",
     HY_EINVAL},
    {"rules that are no list", "rules: {a: b}\n",
     "s.yaml:1:8: error: rules: must be a list: lines that begin with '- '\n", HY_EINVAL},
};

Test(shaping, every_fault_is_told_with_its_place)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_problems p = {0};
        struct hy_shape_rules *set = NULL;
        cr_expect_eq(hy_shaping_parse("s.yaml", hy_str_of(cases[i].in), &p, &set), cases[i].err,
                     "%s", cases[i].name);
        expect_problems(&p, cases[i].want);
        hy_problems_free(&p);
        hy_shaping_free(set);
    }
}

Test(shaping, a_rule_stands_on_the_default_block_and_that_on_the_built_in_limits)
{
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    struct hy_shape_limits builtin;
    hy_shape_limits_init(&builtin);
    cr_assert_eq(hy_shaping_parse("s.yaml",
                                  HY_STR("rules:\n  - name: a\n    mx: [MX.Example.JP]\n"
                                         "    messages_per_connection: unlimited\n"
                                         "    retry: {first: 1m}\n    message_rate: 10/5m\n"
                                         "default:\n  connections: 7\n"
                                         "  messages_per_connection: 9\n"),
                                  &p, &set),
                 0);
    expect_problems(&p, "");
    cr_expect_eq(set->fallback.connections, 7u);
    cr_expect_eq(set->fallback.retry.first_us, builtin.retry.first_us);
    cr_assert_eq(set->n_rules, 1u);
    const struct hy_shape_rule *r = &set->rules[0];
    cr_expect_eq(r->limits.connections, 7u);
    cr_expect_eq(r->limits.messages_per_connection, 0u);
    cr_expect_eq(r->limits.retry.first_us, 60000000);
    cr_expect_eq(r->limits.retry.longest_us, builtin.retry.longest_us);
    cr_expect(r->limits.message_rate.count == 10 && r->limits.message_rate.period_us == 300000000);
    cr_expect_eq(r->limits.recipients_per_message, 1u);
    cr_expect_str_eq(r->mx[0], "mx.example.jp");
    cr_expect_str_eq(r->file, "s.yaml");
    cr_expect_eq(r->line, 2u);
    hy_shaping_free(set);
    hy_problems_free(&p);
}

Test(shaping, the_shipped_rules_are_clean_and_their_default_is_the_built_in_one)
{
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    struct hy_shape_limits builtin;
    hy_shape_limits_init(&builtin);
    cr_assert_eq(hy_shaping_load(HY_SOURCE_ROOT "/conf/shaping.yaml", &p, &set), 0);
    expect_problems(&p, "");
    const struct hy_shape_limits *f = &set->fallback;
    cr_expect_eq(memcmp(&f->retry, &builtin.retry, sizeof f->retry), 0);
    cr_expect_eq(memcmp(&f->timeouts, &builtin.timeouts, sizeof f->timeouts), 0);
    cr_expect(f->connections == builtin.connections && f->tls == builtin.tls &&
              f->messages_per_connection == builtin.messages_per_connection &&
              f->use_pipelining == builtin.use_pipelining &&
              f->use_chunking == builtin.use_chunking && f->message_rate.count == 0 &&
              f->connection_rate.count == 0);
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
        {"example.org", "mx.example.org", NULL},
    };
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    cr_assert_eq(hy_shaping_load(HY_SOURCE_ROOT "/conf/shaping.yaml", &p, &set), 0);
    for (size_t i = 0; i < COUNT(sites); i++) {
        struct hy_str mx = hy_str_of(sites[i].mx);
        const struct hy_shape_rule *r = hy_shape_find(set, hy_str_of(sites[i].domain), &mx, 1);
        cr_expect(sites[i].want ? r && strcmp(r->name, sites[i].want) == 0 : !r, "%s: got %s",
                  sites[i].domain, r ? r->name : "no rule");
    }
    hy_shaping_free(set);
    hy_problems_free(&p);
}
