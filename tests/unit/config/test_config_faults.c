/* What is wrong with a configuration, or odd: each told with its place. */
#include <stdio.h>

#include "check.h"
#include "hayauma/config/config.h"
#include "hayauma/shape/reply_rules.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Every fault, in the order of the file, in the words a person reads. */
struct fault {
    const char *name, *in, *want;
};
static const struct fault bad[] = {
    {"unknown keys", "delivery:\n  max_conections: 5\n  colour: red\nstorre:\n  readers: 20\n",
     "c.yaml:2:3: error: unknown key 'max_conections' in 'delivery' (did you mean "
     "'max_connections'?)\n"
     "c.yaml:3:3: error: unknown key 'colour' in 'delivery'\n"
     "c.yaml:4:1: error: unknown key 'storre' (did you mean 'store'?)\n"},
    {"key of another section", "log:\n  workers: 3\n",
     "c.yaml:2:3: error: unknown key 'workers' in 'log' (it belongs to another section: "
     "'delivery.workers')\n"},
    {"a dotted key", "delivery.workers: 3\n",
     "c.yaml:1:1: error: unknown key 'delivery.workers'\n"},
    {"duplicates", "log:\n  level: info\n  level: debug\nlog:\n  target: stderr\n",
     "c.yaml:3:3: error: 'level' stands twice in this section (first in line 2): keep one\n"
     "c.yaml:4:1: error: 'log' stands twice in this section (first in line 1): keep one\n"},
    {"wrong types",
     "delivery:\n  max_connections: many\n  drain_timeout: 30\n  sources: 192.0.2.1\n"
     "  press_memory: [1]\nlog: info\ntracking:\n  links: maybe\n  beacon:\n",
     "c.yaml:2:20: error: delivery.max_connections: must be a whole number, not 'many'\n"
     "c.yaml:3:18: error: delivery.drain_timeout: must be a duration with its unit, such as 250ms, "
     "30s, 5m, 4h or 5d, not '30'\n"
     "c.yaml:4:12: error: delivery.sources: must be a list: lines that begin with '- '\n"
     "c.yaml:5:17: error: delivery.press_memory: must be a single value (size), not a list\n"
     "c.yaml:6:6: error: log: must be a section: lines of 'key: value'\n"
     "c.yaml:8:10: error: tracking.links: must be true or false, not 'maybe'\n"
     "c.yaml:9:10: error: tracking.beacon: has no value: write one, or take the line out\n"},
    {"out of range",
     "node:\n  id: 1024\ndelivery:\n  workers: 0\n  smtp_port: 65536\nstore:\n"
     "  commit_interval: 1us\n  log_retention: 1s\n  readers: 99999999999999999999\n",
     "c.yaml:2:7: error: node.id: '1024' is out of range: 0 to 1023\n"
     "c.yaml:4:12: error: delivery.workers: '0' is out of range: 1 to 64, or auto\n"
     "c.yaml:5:14: error: delivery.smtp_port: '65536' is out of range: 1 to 65535\n"
     "c.yaml:7:20: error: store.commit_interval: '1us' is out of range: 1ms to 10s\n"
     "c.yaml:8:18: error: store.log_retention: '1s' is out of range: 1h to 3650d, or forever\n"
     "c.yaml:9:12: error: store.readers: '99999999999999999999' is too large\n"},
    {"words", "delivery:\n  in_doubt: hodl\nlog:\n  level: loud\n",
     "c.yaml:2:13: error: delivery.in_doubt: unknown word 'hodl' (did you mean 'hold'? one of: "
     "resend, hold)\n"
     "c.yaml:4:10: error: log.level: must be one of: error, warning, notice, info, debug, not "
     "'loud'\n"},
    {"addresses",
     "dns:\n  servers: [127.0.0.1, \"[::1]:5353\", ns.example.jp, \"127.0.0.1:0\"]\n"
     "delivery:\n  sources:\n    - address: 192.0.2.1:25\n    - name: x\n    - address: 192.0.2.9\n"
     "    - address: 192.0.2.9\n      ehlo: a b\n",
     "c.yaml:2:38: error: dns.servers: must be a numeric address such as 192.0.2.1, 192.0.2.1:5353 "
     "or 2001:db8::1, not 'ns.example.jp'\n"
     "c.yaml:2:53: error: dns.servers: must be a numeric address such as 192.0.2.1, 192.0.2.1:5353 "
     "or 2001:db8::1, not '127.0.0.1:0'\n"
     "c.yaml:5:16: error: address: must be an address without a port, not '192.0.2.1:25'\n"
     "c.yaml:6:7: error: 'address' is missing\n"
     "c.yaml:8:7: error: name: '192.0.2.9' is the name of an earlier source\n"
     "c.yaml:8:16: error: address: is the address of an earlier source\n"
     "c.yaml:9:13: error: ehlo: must be a host name, not 'a b'\n"},
    {"sources",
     "delivery:\n  sources:\n    - {name: a, address: 192.0.2.1, address6: 192.0.2.2}\n"
     "    - {name: b, address: \"2001:db8::1\", address6: \"2001:db8::2\"}\n"
     "    - {name: c, address: 192.0.2.3, address6: \"2001:db8::2\", weight: 0}\n"
     "    - {name: d, address: 192.0.2.4, dkim: [esp.example]}\n",
     "c.yaml:3:47: error: address6: is an IPv4 address\n"
     "c.yaml:4:51: error: address6: address is an IPv6 address already\n"
     "c.yaml:5:47: error: address6: is the address of an earlier source\n"
     "c.yaml:5:70: error: weight: '0' is out of range: 1 to 1000\n"
     "c.yaml:6:43: error: dkim: 'esp.example' has no key of the installation under dkim.keys\n"},
    {"warm-up",
     "delivery:\n  sources:\n    - {name: a, address: 192.0.2.1, warmup: none}\n"
     "    - {name: b, address: 192.0.2.2, warmup: fast}\n  warmup_plans:\n"
     "    - {name: p, days: [5, zero]}\n    - {name: fast, days: [1]}\n    - {name: q, days: []}\n"
     "    - {name: r, days: [1], providers: {gmail: \"1, 0\"}}\n",
     "c.yaml:3:45: error: warmup: there is no plan 'none': careful, usual, fast, or one of "
     "delivery.warmup_plans\n"
     "c.yaml:3:45: error: warmup: needs warmup_start: when the plan begins\n"
     "c.yaml:4:45: error: warmup: needs warmup_start: when the plan begins\n"
     "c.yaml:6:14: warning: name: no source is warmed up by 'p'\n"
     "c.yaml:6:23: error: days: a day must be a number of messages from 1 on, not 'zero'\n"
     "c.yaml:7:14: error: name: 'fast' is a plan that comes with hayauma\n"
     "c.yaml:8:14: warning: name: no source is warmed up by 'q'\n"
     "c.yaml:8:23: error: days: says no day\n"
     "c.yaml:9:14: warning: name: no source is warmed up by 'r'\n"
     "c.yaml:9:39: error: providers: a day must be a number of messages from 1 on, not '0'\n"},
    {"tenants",
     "tenants:\n  - {name: a, number: 1, from_domains: [x.test, \"*.x.test\"], pool: z}\n"
     "  - {name: b, number: 1, from_domains: [\"*\", X.test], weight: 0}\n"
     "  - {name: a, number: 0, messages_per_hour: 20, messages_per_day: 10, from_domains: y.test}\n"
     "  - {name: A!, number: 5, contact: nobody, from_domain: y.test}\n"
     "  - {name: \"12\", number: 536870912, from_domains: [\"a b\"]}\n"
     "dkim:\n  keys:\n    - {domain: x.test, selector: s, file: /dev/null, tenant: c}\n",
     "c.yaml:2:68: error: pool: there is no pool or source 'z'\n"
     "c.yaml:3:23: error: number: 1 is the number of an earlier tenant, 'a'\n"
     "c.yaml:3:40: error: from_domains: 'x.test' belongs to an earlier tenant, 'a'\n"
     "c.yaml:3:63: error: weight: '0' is out of range: 1 to 100\n"
     "c.yaml:4:12: error: name: 'a' is the name of an earlier tenant\n"
     "c.yaml:4:23: error: number: 0 and the name default are the installation itself\n"
     "c.yaml:4:45: warning: messages_per_hour: is more than messages_per_day\n"
     "c.yaml:5:5: warning: from_domains: without any, nothing can be sent for it\n"
     "c.yaml:5:12: error: name: may hold a-z, 0-9, - and _, and is not a number\n"
     "c.yaml:5:36: error: contact: 'nobody' is no plain mail address\n"
     "c.yaml:5:44: error: unknown key 'from_domain' (did you mean 'from_domains'?)\n"
     "c.yaml:6:12: error: name: may hold a-z, 0-9, - and _, and is not a number\n"
     "c.yaml:6:26: error: number: '536870912' is out of range: 0 to 536870911\n"
     "c.yaml:6:26: error: number: 0 is the number of an earlier tenant, 'a'\n"
     "c.yaml:6:52: error: from_domains: must be a host name or *. and a host name, not 'a b'\n"
     "c.yaml:9:62: error: tenant: there is no tenant 'c'\n"},
    {"addresses that nothing can be sent from",
     "delivery:\n  sources:\n    - {name: a, address: 0.0.0.0}\n    - {name: b, address: "
     "224.0.0.1}\n"
     "    - {name: c, address: \"::ffff:192.0.2.1\"}\n    - {name: d, address: \"::\"}\n"
     "    - {name: e, address: 192.0.2.5, address6: \"ff02::1\"}\n"
     "    - {name: f, address: 255.255.255.255}\n    - {name: g, address: 192.0.2.5}\n"
     "    - {name: h, address: 241.0.0.1}\n",
     "c.yaml:3:26: error: address: stands for any address; name one address of a source\n"
     "c.yaml:4:26: error: address: is a multicast address; name one address of a source\n"
     "c.yaml:5:26: error: address: is an IPv4 address in IPv6's clothes: write it as IPv4; name "
     "one "
     "address of a source\n"
     "c.yaml:6:26: error: address: stands for any address; name one address of a source\n"
     "c.yaml:7:47: error: address6: is a multicast address; name one address of a source\n"
     "c.yaml:8:26: error: address: is the broadcast address; name one address of a source\n"
     "c.yaml:9:26: error: address: is the address of an earlier source\n"
     "c.yaml:10:26: error: address: is reserved and sends nothing; name one address of a source\n"},
    {"pools",
     "delivery:\n  sources:\n    - {name: a, address: 192.0.2.1}\n  pool: z\n  pools:\n"
     "    - {name: p, sources: {a: 2, c: 1}}\n    - {name: a, sources: {a: 0}}\n"
     "    - {name: p, sources: {}}\n    - {name: q}\n",
     "c.yaml:4:9: error: delivery.pool: there is no pool or source 'z'\n"
     "c.yaml:6:26: error: sources: there is no source 'c'\n"
     "c.yaml:7:14: error: name: 'a' is the name of a source\n"
     "c.yaml:7:26: error: sources: the weight of a must be 1 to 1000, not '0'\n"
     "c.yaml:8:14: error: name: 'p' is the name of an earlier pool\n"
     "c.yaml:8:26: error: sources: names no source\n"
     "c.yaml:9:7: error: 'sources' is missing\n"
     "c.yaml:9:7: error: sources: names no source\n"},
    {"the whole",
     "tracking:\n  base_url: t.example\n"
     "bounce:\n  prefix: B+\n  unsubscribe_mailto: nobody\ncontrol:\n"
     "  group: no-such-group-here\n",
     "c.yaml:2:13: error: tracking.base_url: must be a web address such as https://t.example.jp/, "
     "not 't.example'\n"
     "c.yaml:4:11: error: bounce.prefix: may hold a-z, 0-9, - and _ only\n"
     "c.yaml:5:23: error: bounce.unsubscribe_mailto: 'nobody' is no plain mail address\n"
     "c.yaml:7:10: error: control.group: there is no group 'no-such-group-here' on this system\n"},
    {"reports from where no key signs", "dsn:\n  from: reports@example.jp\nbounce:\n  prefix: B+\n",
     "c.yaml:2:9: warning: dsn.from: no key under dkim.keys signs for example.jp: many servers "
     "take "
     "no report from it\n"
     "c.yaml:4:11: error: bounce.prefix: may hold a-z, 0-9, - and _ only\n"},
    {"reports from no address", "dsn:\n  from: \"Reports <r@example.jp>\"\n",
     "c.yaml:2:9: error: dsn.from: 'Reports <r@example.jp>' is no plain mail address\n"},
    {"keys that are not there",
     "dkim:\n  keys:\n    - domain: example.jp\n      selector: a\n      file: /nonexistent/a.pem\n"
     "    - domain: EXAMPLE.jp\n      selector: A\n      file: /nonexistent/a.pem\n"
     "  headers: [\"X Y\"]\n",
     "c.yaml:5:13: error: file: '/nonexistent/a.pem' cannot be read: No such file or directory "
     "('hayauma dkim keygen' makes one)\n"
     "c.yaml:7:17: error: selector: a._domainkey.example.jp is used by an earlier key\n"
     "c.yaml:8:13: error: file: '/nonexistent/a.pem' cannot be read: No such file or directory "
     "('hayauma dkim keygen' makes one)\n"
     "c.yaml:9:12: error: dkim.headers: 'X Y' is no header field name\n"},
    {"aliases", "log: &a\n  level: info\ncontrol: *a\n",
     "c.yaml:1:6: error: anchors (&name) and aliases (*name) are not supported: write the value "
     "out; a text that begins with & or * needs quotes\n"},
    {"tags", "log: !!map {}\n",
     "c.yaml:1:6: error: tags (!name) are not supported: a text that begins with ! needs quotes\n"},
    {"two documents", "log: {}\n---\nlog: {}\n",
     "c.yaml:2:1: error: a second document begins here: the file must hold one\n"},
    {"tabs", "log:\n\tlevel: info\n",
     "c.yaml:2:1: error: found character that cannot start any token: indent with spaces, not with "
     "tabs, and quote texts that begin with @, ` or %\n"},
    {"not closed", "dns:\n  servers: [127.0.0.1\nlog: {}\n",
     "c.yaml:3:4: error: did not find expected ',' or ']'\n"},
    {"a list at the top", "- log\n",
     "c.yaml:1:1: error: must be a section: lines of 'key: value'\n"},
    {"keys that are no names", "[a]: b\n",
     "c.yaml:1:1: error: a name is expected here, not a list\n"},
    {"control characters", "bounce:\n  prefix: \"a\\nb\\e[2J\"\n",
     "c.yaml:2:11: error: bounce.prefix: must be one line without control characters\n"},
    {"terminal escapes in keys", "\"\\e[2J\": 1\n", "c.yaml:1:1: error: unknown key '?[2J'\n"},
    {"not UTF-8", "log:\n  level: \xff\n",
     "c.yaml: error: byte 14: not UTF-8 text: invalid leading UTF-8 octet\n"},
};

Test(config_faults, every_fault_is_told_with_its_place_and_what_to_do)
{
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct hy_problems p = {0};
        struct hy_config *c = NULL;
        cr_expect_eq(hy_config_parse("c.yaml", hy_str_of(bad[i].in), &p, &c), HY_EINVAL, "%s",
                     bad[i].name);
        cr_expect_null(c);
        expect_problems(&p, bad[i].want);
        hy_problems_free(&p);
    }
}

/* What is taken, and warned of. */
static const struct fault odd[] = {
    {"warm-up that does not grow, is not used, or is over",
     "delivery:\n  sources:\n    - {name: a, address: 192.0.2.1, warmup: p,\n"
     "       warmup_start: \"2001-12-01T09:00:00+09:00\"}\n"
     "    - {name: b, address: 192.0.2.2, warmup: p, warmup_start: \"2101-12-01T09:00:00Z\"}\n"
     "  warmup_plans:\n    - {name: p, days: [5, 9, 8, 7]}\n"
     "    - {name: q, days: [5, 5], providers: {gmail: \"3, 1\"}}\n",
     "c.yaml:4:22: warning: warmup_start: the 4 days of 'p' are over since then: a source that has "
     "not sent yet counts as warm. Take 'warmup' out, or let it begin anew\n"
     "c.yaml:7:23: warning: days: day 3 allows 8 messages, less than the 9 of the day before\n"
     "c.yaml:8:14: warning: name: no source is warmed up by 'q'\n"
     "c.yaml:8:42: warning: providers: day 2 allows 1 messages, less than the 3 of the day "
     "before\n"},
};

Test(config_faults, what_is_odd_but_can_be_is_warned_of_with_its_place)
{
    for (size_t i = 0; i < COUNT(odd); i++) {
        struct hy_problems p = {0};
        struct hy_config *c = NULL;
        cr_expect_eq(hy_config_parse("c.yaml", hy_str_of(odd[i].in), &p, &c), 0, "%s", odd[i].name);
        expect_problems(&p, odd[i].want);
        hy_config_unref(c);
        hy_problems_free(&p);
    }
}

Test(config_faults, more_days_than_a_year_has_are_refused)
{
    struct hy_buf text = HY_BUF_INIT(65536);
    hy_buf_printf(&text, "delivery:\n  sources:\n    - {name: a, address: 192.0.2.1, warmup: p,\n"
                         "       warmup_start: \"2101-12-01T09:00:00Z\"}\n"
                         "  warmup_plans:\n    - {name: p, days: [1], providers: {gmail: \"1");
    for (int i = 1; i < HY_WARMUP_DAYS_MAX + 1; i++)
        hy_buf_printf(&text, ", %d", i + 1);
    hy_buf_printf(&text, "\"}}\n");
    struct hy_problems p = {0};
    struct hy_config *c = NULL;
    cr_expect_eq(hy_config_parse("c.yaml", hy_buf_str(&text), &p, &c), HY_EINVAL);
    expect_problems(&p, "c.yaml:6:39: error: providers: gmail has more than 365 days\n");
    hy_problems_free(&p);
    hy_buf_free(&text);
}

Test(config_faults, providers_that_no_rule_has_are_told_with_their_place)
{
    static const char text[] =
        "delivery:\n  sources:\n    - {name: a, address: 192.0.2.1, warmup: p,\n"
        "       warmup_start: \"2101-12-01T09:00:00Z\"}\n  warmup_plans:\n"
        "    - {name: p, days: [1], providers: {gmail: \"1\", default: \"2\", gmial: \"3\"}}\n";
    const struct hy_shape_rule rule = {.name = "gmail"}, base = {.name = "default"};
    struct hy_shape_rules rules = {.base = &base, .rules = &rule, .n_rules = 1};
    struct hy_problems p = {0};
    struct hy_config *c = NULL;
    cr_assert_eq(hy_config_parse("c.yaml", hy_str_of(text), &p, &c), 0);
    hy_config_check_rules(c, &rules, &p);
    expect_problems(&p,
                    "c.yaml:6:39: warning: providers: there is no shaping rule 'gmial' (did you "
                    "mean 'gmail'?): its days are not used\n");
    hy_config_unref(c);
    hy_problems_free(&p);
}

/* Two sources; whether mail of a rule that fails over has another one to go by. */
Test(config_faults, mail_that_no_other_source_can_take_is_told_of)
{
    static const char pools[] = "delivery:\n  sources: [{name: a, address: 192.0.2.1}, {name: b, "
                                "address: 192.0.2.2}]\n";
    static const struct {
        const char *sources, *rest;
        bool is_told;
    } cases[] = {
        {"", "", true},
        {pools, "", false},
        {pools, "  pools: [{name: p, sources: {a: 1}}]\n", false},
        {pools, "  pool: p\n  pools: [{name: p, sources: {a: 1}}]\n", true},
        {pools, "  pool: a\n", true},
        {pools, "  pool: a\n  pools: [{name: p, sources: {a: 1, b: 1}}]\n", false},
    };
    const struct hy_reply_rule away = {"blocked", HY_REPLY_FAIL_OVER, 1000000, 0, "s.yaml", 7};
    const struct hy_shape_rule base = {.name = "default"};
    const struct hy_shape_rule rule = {.name = "big", .replies = &away, .n_replies = 1};
    const struct hy_shape_rules rules = {.base = &base, .rules = &rule, .n_rules = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s", cases[i].sources, cases[i].rest);
        struct hy_problems p = {0};
        struct hy_config *c = NULL;
        cr_assert_eq(hy_config_parse("c.yaml", hy_str_of(text), &p, &c), 0, "%s", text);
        hy_config_check_rules(c, &rules, &p);
        expect_problems(&p,
                        cases[i].is_told
                            ? "s.yaml:7:0: warning: on: 'blocked' leaves mail to other sources, "
                              "but no pool has a second one: it waits, as with suspend\n"
                            : "");
        hy_config_unref(c);
        hy_problems_free(&p);
    }
}

Test(config_faults, presets_behind_what_lies_on_them_are_told_of)
{
    static const char text[] = "paths:\n  shaping: [/dev/null, presets]\n"
                               "  bounces: [presets, /dev/null, /dev/null]\n";
    struct hy_problems p = {0};
    struct hy_config *c = NULL;
    cr_assert_eq(hy_config_parse("c.yaml", hy_str_of(text), &p, &c), 0);
    expect_problems(&p, "c.yaml:2:12: warning: paths.shaping: 'presets' go before what '/dev/null' "
                        "says: name them first\n"
                        "c.yaml:3:12: warning: paths.bounces: '/dev/null' is named twice: once is "
                        "enough\n");
    hy_config_unref(c);
    hy_problems_free(&p);
}
