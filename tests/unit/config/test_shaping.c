#include "check.h"
#include "hayauma/config/shaping.h"
#include "hayauma/shape/reply_rules.h"

#include <unistd.h>

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
     "s.yaml:3:11: error: name: rule 'a' names neither mx nor domains: it would never apply\n",
     HY_EINVAL},
    {"contradictions",
     "default:\n  retry: {first: 1h, longest: 5m, expire: 10m}\n"
     "rules:\n  - name: a\n    mx: a.example\n    messages_per_connection: 1\n"
     "    message_rate: 10/s\n    connection_rate: 60/m\n    retry: {longest: 2h, expire: 1d}\n",
     "s.yaml:2:31: error: retry.longest: is shorter than retry.first (s.yaml:2)\n"
     "s.yaml:2:43: error: retry.expire: is no longer than retry.first (s.yaml:2): nothing would "
     "ever be tried again\n"
     "s.yaml:7:19: warning: message_rate: can never be reached: the new connections of "
     "connection_rate carry fewer (s.yaml:8)\n",
     HY_EINVAL},
    {"dead rules",
     "rules:\n  - {name: a, mx: [\"*.example.com\"], domains: [x.example]}\n"
     "  - {name: b, mx: [mx.example.com, mx.example.net]}\n"
     "  - {name: c, mx: [\"*.mx.example.com\"], domains: [x.example]}\n"
     "  - {name: a, domains: [example.com]}\n",
     "s.yaml:3:19: warning: mx: 'mx.example.com' counts only for sites that have other hosts of "
     "the list, too: rule 'a' (s.yaml:2) comes first and matches it\n"
     "s.yaml:4:12: error: name: rule 'c' can never apply: earlier rules match all of it\n"
     "s.yaml:4:19: warning: mx: '*.mx.example.com' has no effect: rule 'a' (s.yaml:2) comes first "
     "and "
     "matches it\n"
     "s.yaml:4:50: warning: domains: 'x.example' has no effect: rule 'a' (s.yaml:2) comes first "
     "and "
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
    {"limits of a provider that its sites cannot use",
     "default: {connections: 50}\nrules:\n"
     "  - name: a\n    mx: a.example\n    provider: {connections: 10, message_rate: 5/s}\n"
     "    message_rate: 20/s\n    messages_per_day: 9000000\n    connections: 20\n"
     "  - name: b\n    mx: b.example\n    recipients_per_message: 20\n"
     "    provider:\n      connections: 10\n      messages_per_day: 10\n    messages_per_day: 11\n"
     "    connection_rate: 61/m\n    message_rate: 1/s\n"
     "  - {name: c, mx: c.example, provider: {connection_rate: 60/m}, connection_rate: 2/s}\n",
     "s.yaml:6:19: warning: message_rate: can never be reached: all sites of the provider together "
     "get less (s.yaml:5)\n"
     "s.yaml:7:23: warning: messages_per_day: can never be reached: message_rate makes less in a "
     "day (s.yaml:6)\n"
     "s.yaml:8:18: warning: connections: can never be reached: all sites of the provider together "
     "get less (s.yaml:5)\n"
     "s.yaml:15:23: warning: messages_per_day: can never be reached: all sites of the provider "
     "together get less (s.yaml:14)\n"
     "s.yaml:17:19: warning: message_rate: uses a day up in less than five minutes, and then "
     "nothing "
     "goes: messages_per_day (s.yaml:15); a lower rate spreads it\n"
     "s.yaml:18:82: warning: connection_rate: can never be reached: all sites of the provider "
     "together get less (s.yaml:18)\n",
     0},
    {"hosts of two rules: some sites have some of each",
     "rules:\n  - {name: a, mx: [\"*.a.example\"]}\n  - {name: b, mx: [\"*.b.example\"]}\n"
     "  - {name: both, mx: [\"*.a.example\", mx.b.example]}\n"
     "  - {name: again, mx: [mx.a.example, mx.b.example]}\n",
     "s.yaml:4:22: warning: mx: '*.a.example' counts only for sites that have other hosts of the "
     "list, too: rule 'a' (s.yaml:2) comes first and matches it\n"
     "s.yaml:4:22: warning: mx: 'mx.b.example' counts only for sites that have other hosts of the "
     "list, too: rule 'b' (s.yaml:3) comes first and matches it\n"
     "s.yaml:5:12: error: name: rule 'again' can never apply: earlier rules match all of it\n"
     "s.yaml:5:23: warning: mx: 'mx.a.example' has no effect: rule 'a' (s.yaml:2) comes first and "
     "matches it\n"
     "s.yaml:5:23: warning: mx: 'mx.b.example' has no effect: rule 'b' (s.yaml:3) comes first and "
     "matches it\n",
     HY_EINVAL},
    {"names that match nothing, or what the same list matches",
     "rules:\n  - name: a\n    mx: [192.0.2.1, \"*.b.example\", mx.b.example, mx.b.example]\n",
     "s.yaml:3:9: error: mx: '192.0.2.1' can never match: it is an address, and names are matched\n"
     "s.yaml:3:9: warning: mx: 'mx.b.example' has no effect: '*.b.example' in the same list "
     "matches "
     "it\n"
     "s.yaml:3:9: warning: mx: 'mx.b.example' has no effect: '*.b.example' in the same list "
     "matches "
     "it\n",
     HY_EINVAL},
    {"patterns",
     "default:\n  on:\n    - {reply: \"[\", do: bounce}\n    - {reply: \".*\", do: bounce}\n"
     "    - {reply: busy, do: suspend}\n    - {reply: busy, do: slow, for: 1h}\n"
     "    - {reply: ok, do: bounce, to: 50%}\n    - {do: explode}\n"
     "    - {reply: late, do: suspend, for: 4d}\n    - {reply: x, do: suspend, for: 8d}\n",
     "s.yaml:3:15: error: reply: '[' is no regular expression: missing terminating ] for character "
     "class (at character 2)\n"
     "s.yaml:4:15: error: reply: '.*' matches every reply, even an empty one\n"
     "s.yaml:5:25: error: do: suspend needs 'for': how long\n"
     "s.yaml:6:0: warning: on: 'busy' is never reached: it stands in line 5 already\n"
     "s.yaml:6:36: error: for: says nothing to 'slow': only suspend and fail_over last for a time\n"
     "s.yaml:7:35: error: to: says nothing to 'bounce': only slow goes on at a share\n"
     "s.yaml:8:7: error: 'reply' is missing\n"
     "s.yaml:8:12: error: do: must be one of: nothing, slow, suspend, fail_over, defer, bounce, "
     "not "
     "'explode'\n"
     "s.yaml:9:0: warning: on: 'late' suspends for longer than retry.expire: messages that wait "
     "for "
     "it are given up\n"
     "s.yaml:10:22: error: do: suspend needs 'for': how long\n"
     "s.yaml:10:36: error: for: '8d' is out of range: 1s to 1w\n",
     HY_EINVAL},
    {"patterns that act on everything, and those that say what they mean",
     "default:\n  on:\n    - {reply: '^4', do: bounce}\n    - {reply: '^5\\d\\d', do: suspend, "
     "for: 1h}\n"
     "    - {reply: '^5', do: defer}\n    - {reply: '^[4]', do: slow}\n"
     "    - {reply: '\\s', do: suspend, for: 1h}\n    - {reply: '.', do: bounce}\n"
     "rules:\n  - name: harmless\n    mx: a.example\n    on:\n"
     "      - {reply: '^421 ', do: suspend, for: 1h}\n      - {reply: '^5', do: bounce}\n"
     "      - {reply: '^45', do: defer}\n      - {reply: '.', do: nothing}\n",
     "s.yaml:3:0: error: on: '^4' gives mail up at every temporary refusal, whatever it says: "
     "write "
     "the words that it is for\n"
     "s.yaml:4:0: warning: on: '^5\\d\\d' stops all mail at every 5xx reply, also at one "
     "mailbox's: write the words that it is for\n"
     "s.yaml:5:0: warning: on: '^5' tries mail again at every 5xx reply, also where nobody has the "
     "address: write the words that it is for\n"
     "s.yaml:6:0: warning: on: '^[4]' slows all mail at every 4xx reply, also at one mailbox's: "
     "write the words that it is for\n"
     "s.yaml:7:0: error: on: '\\s' stops all mail at every 4xx reply, also at one mailbox's: write "
     "the words that it is for\n"
     "s.yaml:8:0: error: on: '.' gives mail up at every temporary refusal, whatever it says: write "
     "the words that it is for\n",
     HY_EINVAL},
    {"patterns that never act, and those that might",
     "default:\n  on:\n    - {reply: '^250 ', do: bounce}\n    - {reply: '^4\\.7', do: slow}\n"
     "    - {reply: 'busy', do: slow}\n    - {reply: 'server busy', do: bounce}\n"
     "    - {reply: '^421 .*busy', do: bounce}\n    - {reply: 'bus[yi]', do: bounce}\n"
     "    - {reply: '^(250|450) late', do: bounce}\n",
     "s.yaml:3:0: warning: on: '^250 ' can never match: replies are looked at as '450 4.2.1 text', "
     "from 400 to 599 and with a space behind the number\n"
     "s.yaml:4:0: warning: on: '^4\\.7' can never match: replies are looked at as '450 4.2.1 "
     "text', "
     "from 400 to 599 and with a space behind the number\n"
     "s.yaml:6:0: warning: on: 'server busy' is never reached: 'busy' in line 5 comes first and is "
     "found in all that it matches\n"
     "s.yaml:7:0: warning: on: '^421 .*busy' is never reached: 'busy' in line 5 comes first and is "
     "found in all that it matches\n",
     0},
    {"a first retry that comes too late",
     "rules:\n  - {name: a, mx: a.example, retry: {first: 1h, longest: 1h, expire: 1h}}\n"
     "  - {name: b, mx: b.example, retry: {first: 1h, longest: 1h, expire: 61m}}\n",
     "s.yaml:2:70: error: retry.expire: is no longer than retry.first (s.yaml:2): nothing would "
     "ever be tried again\n",
     HY_EINVAL},
    {"a longest wait that never comes",
     "default: {retry: {longest: 4d}}\n"
     "rules:\n  - {name: a, mx: a.example, retry: {longest: 2h, expire: 1h}}\n"
     "  - {name: b, mx: b.example, retry: {longest: 1h, expire: 1h}}\n"
     "  - {name: c, mx: c.example, retry: {expire: 1h}}\n",
     "s.yaml:1:28: warning: retry.longest: can never be reached: messages are given up before "
     "(built in)\n"
     "s.yaml:3:47: warning: retry.longest: can never be reached: messages are given up before "
     "(s.yaml:3)\n",
     0},
    {"time-outs that are no use",
     "rules:\n  - name: a\n    mx: a.example\n    retry: {first: 1m, longest: 1m, expire: 9m}\n"
     "    timeouts:\n      connect: 10m\n      dot: 10s\n"
     "  - name: b\n    mx: b.example\n    retry: {first: 1m, longest: 1m, expire: 11m}\n"
     "    timeouts:\n      connect: 10m\n      dot: 1m\n",
     "s.yaml:6:16: warning: timeouts.connect: is longer than retry.expire (s.yaml:4): one slow "
     "server takes all the time that a message has\n"
     "s.yaml:7:12: warning: timeouts.dot: a server that is slower to answer has taken the message, "
     "and gets it again: RFC 5321 asks for 10m\n",
     0},
    {"a window that cannot be",
     "rules:\n  - name: a\n    mx: a.example\n    connections: 2\n    adaptive: {start: 3}\n"
     "  - name: b\n    mx: b.example\n    adaptive: {enabled: false, floor: 2}\n"
     "  - name: c\n    mx: c.example\n    adaptive: {start: 2, floor: 3}\n"
     "  - {name: d, mx: d.example, connections: 2}\n"
     "  - {name: e, mx: e.example, connections: 3, adaptive: {start: 3, floor: 3}}\n",
     "s.yaml:5:23: warning: adaptive.start: can never be reached: there are never so many "
     "(s.yaml:4)\n"
     "s.yaml:8:39: warning: adaptive.floor: has no effect: adaptive.enabled is false (s.yaml:8)\n"
     "s.yaml:11:23: warning: adaptive.start: has no effect: a lane keeps more by adaptive.floor "
     "(s.yaml:11)\n",
     0},
    {"what TLS asks for where there is none",
     "rules:\n  - {name: a, mx: a.example, tls: never, dane: true}\n"
     "  - {name: b, mx: b.example, tls: never, dane: false}\n"
     "  - {name: c, mx: c.example, tls: never}\n",
     "s.yaml:2:48: warning: dane: has no effect: tls is never (s.yaml:2)\n", 0},
    {"a day and a rate",
     "rules:\n  - name: a\n    mx: a.example\n    messages_per_day: 1000\n    message_rate: 100/s\n"
     "  - name: b\n    mx: b.example\n    messages_per_day: 1000\n    message_rate: 5000/h\n"
     "  - name: c\n    mx: c.example\n    messages_per_day: 1000\n    message_rate: 500/h\n"
     "  - name: d\n    mx: d.example\n    messages_per_day: 1000\n"
     "    provider: {messages_per_day: 90000, message_rate: 1/s}\n",
     "s.yaml:5:19: warning: message_rate: uses a day up in less than five minutes, and then "
     "nothing "
     "goes: messages_per_day (s.yaml:4); a lower rate spreads it\n"
     "s.yaml:9:19: warning: message_rate: can never be reached: messages_per_day is less than one "
     "period of it (s.yaml:8)\n"
     "s.yaml:17:34: warning: provider.messages_per_day: can never be reached: message_rate makes "
     "less in a day (s.yaml:17)\n",
     0},
    {"rules that are no list", "rules: {a: b}\n",
     "s.yaml:1:8: error: rules: must be a list: lines that begin with '- '\n", HY_EINVAL},
};

static int parse(const char *text, struct hy_problems *p, struct hy_shape_rules **ret)
{
    struct hy_shaping_layer layer = {"s.yaml", hy_str_of(text)};
    return hy_shaping_parse(&layer, 1, p, ret);
}

static int load(const char *path, struct hy_problems *p, struct hy_shape_rules **ret)
{
    return hy_shaping_load(&path, 1, p, ret);
}

Test(shaping, every_fault_is_told_with_its_place)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_problems p = {0};
        struct hy_shape_rules *set = NULL;
        cr_expect_eq(parse(cases[i].in, &p, &set), cases[i].err, "%s", cases[i].name);
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
    cr_assert_eq(parse("rules:\n  - name: a\n    mx: [MX.Example.JP]\n"
                       "    messages_per_connection: unlimited\n"
                       "    retry: {first: 1m}\n    message_rate: 10/5m\n"
                       "default:\n  connections: 7\n"
                       "  messages_per_connection: 9\n",
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
    cr_expect_eq(r->limits.recipients_per_message, 50u);
    cr_expect_str_eq(r->mx[0], "mx.example.jp");
    cr_expect_str_eq(r->file, "s.yaml");
    cr_expect_eq(r->line, 2u);
    hy_shaping_free(set);
    hy_problems_free(&p);
}

/* ---- several files ---- */

static const char presets[] = "default:\n"
                              "  connections: 20\n"
                              "  adaptive: {start: 5}\n"
                              "  dane: true\n"
                              "  on:\n"
                              "    - {reply: everywhere, do: slow}\n"
                              "rules:\n"
                              "  - name: big\n"
                              "    mx: [\"*.big.example\"]\n"
                              "    connections: 10\n"
                              "    messages_per_connection: 100\n"
                              "    retry: {first: 15m}\n"
                              "    on:\n"
                              "      - {reply: too fast, do: slow}\n"
                              "  - {name: other, domains: [other.example]}\n"
                              "  - {name: gone, domains: [gone.example]}\n";
static const char own[] = "default: {tls: required}\n"
                          "rules:\n"
                          "  - {name: mine, mx: [mx7.big.example], connections: 2}\n"
                          "  - name: big\n"
                          "    connections: 4\n"
                          "    retry:\n"
                          "      longest: 1h\n"
                          "    on:\n"
                          "      - {reply: too fast, do: suspend, for: 1h}\n"
                          "  - {name: gone, enabled: false}\n";

static struct hy_shape_rules *read_two(const char *first, const char *second, const char *want)
{
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    struct hy_shaping_layer layers[] = {{"presets.yaml", hy_str_of(first)},
                                        {"own.yaml", hy_str_of(second)}};
    int err = hy_shaping_parse(layers, 2, &p, &set);
    expect_problems(&p, want);
    cr_expect_eq(err, p.n_errors ? HY_EINVAL : 0);
    hy_problems_free(&p);
    return set;
}

Test(shaping, an_operators_file_lies_on_top_rule_by_rule_and_key_by_key)
{
    struct hy_shape_rules *set = read_two(presets, own, "");
    cr_assert_not_null(set);
    cr_assert_eq(set->n_rules, 3u, "the one that is off is gone: %zu", set->n_rules);
    const struct hy_shape_rule *mine = &set->rules[0], *big = &set->rules[1];
    cr_expect_str_eq(mine->name, "mine", "an operator's own rules come first");
    cr_expect_str_eq(big->name, "big");
    cr_expect_str_eq(set->rules[2].name, "other");
    cr_expect_eq(big->limits.connections, 4u);
    cr_expect_eq(big->limits.messages_per_connection, 100u);
    cr_expect_eq(big->limits.retry.first_us, 900000000);
    cr_expect_eq(big->limits.retry.longest_us, 3600000000);
    cr_expect_eq(big->limits.tls, HY_TLS_REQUIRED);
    cr_expect_eq(big->n_mx, 1u);
    cr_assert_eq(big->n_replies, 1u, "the same pattern is replaced");
    struct hy_outcome o = {.code = 421, .from_server = true, .text = HY_STR("4.7.0 Too fast!")};
    const struct hy_reply_rule *r = hy_reply_rules_match(big->on, &o);
    cr_assert_not_null(r);
    cr_expect(r->action == HY_REPLY_SUSPEND && strcmp(r->file, "own.yaml") == 0 && r->line == 9);
    o.text = HY_STR("everywhere");
    cr_expect_null(hy_reply_rules_match(big->on, &o));
    r = hy_reply_rules_match(set->base->on, &o);
    cr_expect(r && r->action == HY_REPLY_SLOW && r->keep_percent == 50);
    hy_shaping_free(set);
}

struct seen {
    char text[8192];
};

static void note_value(void *ctx, const char *key, const char *value,
                       const struct hy_shape_origin *origin)
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    snprintf(s->text + n, sizeof s->text - n, "%s=%s@%s:%u ", key, value, origin->file,
             origin->line);
}

Test(shaping, every_value_knows_where_it_stands)
{
    struct hy_shape_rules *set = read_two(presets, own, "");
    static const struct {
        size_t rule;
        const char *want;
    } values[] = {
        {1, "connections=4@own.yaml:5 "},
        {1, "messages_per_connection=100@presets.yaml:11 "},
        {1, "retry.first=15m@presets.yaml:12 "},
        {1, "retry.longest=1h@own.yaml:7 "},
        {1, "retry.expire=3d@:0 "},
        {1, "tls=required@own.yaml:1 "},
        {1, "provider.connections=unlimited@:0 "},
        {2, "connections=20@presets.yaml:2 "},
        {9, "connections=20@presets.yaml:2 "},
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        struct seen s = {""};
        hy_shaping_each(set, values[i].rule == 9 ? NULL : &set->rules[values[i].rule], note_value,
                        &s);
        cr_expect(strstr(s.text, values[i].want), "%s is not in %s", values[i].want, s.text);
        cr_expect_null(strstr(s.text, " enabled="));
        if (values[i].rule == 9)
            cr_expect_null(strstr(s.text, "provider"));
    }
    hy_shaping_free(set);
}

Test(shaping, what_is_written_out_reads_back_as_the_same_rules)
{
    struct hy_shape_rules *set = read_two(presets, own, ""), *again = NULL;
    struct hy_buf first = HY_BUF_INIT(1 << 20), second = HY_BUF_INIT(1 << 20);
    struct hy_problems p = {0};
    hy_shaping_dump(set, &first);
    cr_expect(strstr(hy_buf_cstr(&first), "    connections: 4 # own.yaml:5\n"), "%s", first.data);
    cr_expect(strstr(first.data, "  retry:\n    first: 5m # built in\n"));
    cr_expect(strstr(first.data, "    retry:\n      first: 15m # presets.yaml:12\n"
                                 "      longest: 1h # own.yaml:7\n"));
    cr_assert_eq(parse(hy_buf_cstr(&first), &p, &again), 0);
    expect_problems(&p, "");
    cr_assert_eq(again->n_rules, set->n_rules);
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct hy_shape_rule *a = &set->rules[i], *b = &again->rules[i];
        cr_expect_str_eq(a->name, b->name);
        cr_expect_eq(memcmp(&a->limits, &b->limits, sizeof a->limits), 0, "%s", a->name);
        cr_expect(a->n_mx == b->n_mx && a->n_domains == b->n_domains &&
                  a->n_replies == b->n_replies);
        for (size_t k = 0; k < a->n_replies; k++)
            cr_expect(strcmp(a->replies[k].pattern, b->replies[k].pattern) == 0 &&
                      a->replies[k].action == b->replies[k].action &&
                      a->replies[k].for_us == b->replies[k].for_us);
    }
    hy_shaping_dump(again, &second);
    hy_buf_free(&first);
    hy_buf_free(&second);
    hy_shaping_free(set);
    hy_shaping_free(again);
    hy_problems_free(&p);
}

Test(shaping, what_contradicts_itself_over_two_files_names_both_places)
{
    static const struct {
        const char *name, *own, *want;
    } two[] = {
        {"a limit above that of the provider",
         "rules:\n  - name: big\n    provider:\n      connections: 5\n",
         "own.yaml:4:20: warning: provider.connections: so low, connections (presets.yaml:10) can "
         "never be reached: all sites of the provider together get less\n"},
        {"a retry plan", "default:\n  retry:\n    longest: 10m\n",
         "own.yaml:3:14: error: retry.longest: is shorter than retry.first (presets.yaml:12)\n"},
        {"a rule that takes all of another one is a warning: an upgrade may bring it",
         "rules:\n  - {name: a, domains: [other.example]}\n",
         "presets.yaml:15:12: warning: name: rule 'other' can never apply: earlier rules match all "
         "of it\n"
         "presets.yaml:15:28: warning: domains: 'other.example' has no effect: rule 'a' "
         "(own.yaml:2) "
         "comes first and matches it\n"},
        {"a rule that is no more, and one that is spelt otherwise",
         "rules:\n  - {name: bigg, connections: 2}\n  - {name: former, connections: 2}\n"
         "  - {name: past, enabled: false}\n",
         "own.yaml:2:12: warning: name: has no effect: earlier files have no rule 'bigg' (did you "
         "mean 'big'?), and it names neither mx nor domains\n"
         "own.yaml:3:12: warning: name: has no effect: earlier files have no rule 'former' (any "
         "more), and it names neither mx nor domains\n"
         "own.yaml:4:12: warning: name: no file has a rule 'past' to take out\n"},
        {"what somebody lowers makes nothing useless that the presets say besides",
         "default: {connections: 3, tls: never}\nrules:\n  - {name: big, connections: 3}\n", ""},
        {"patterns of one's own go before those of the presets",
         "rules:\n  - name: big\n    on:\n      - {reply: fast, do: slow}\n", ""},
        {"a rule twice in one file", "rules:\n  - {name: big}\n  - {name: big}\n",
         "own.yaml:3:12: error: name: there is a rule 'big' in line 2 already\n"},
        {"what is no rule in one file does not hide the other's mistakes", "rules: [1]\nx: 1\n",
         "own.yaml:1:9: error: must be a section: lines of 'key: value'\n"
         "own.yaml:2:1: error: unknown key 'x'\n"},
    };
    for (size_t i = 0; i < COUNT(two); i++) {
        struct hy_shape_rules *set = read_two(presets, two[i].own, two[i].want);
        hy_shaping_free(set);
    }
}

Test(shaping, files_and_folders_are_read_in_order)
{
    char dir[] = "/tmp/hy-shaping-XXXXXX", path[128];
    static const struct {
        const char *name, *text;
    } files[] = {{"10.yaml", "default: {connections: 10}\n"},
                 {"20.yaml", "default: {connections: 20}\n"},
                 {"30.yaml.bak", "no yaml at all: [\n"},
                 {".40.yaml", "default: {connections: 40}\n"}};
    cr_assert_not_null(mkdtemp(dir));
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
        FILE *f = fopen(path, "w");
        cr_assert_not_null(f);
        fputs(files[i].text, f);
        fclose(f);
    }
    struct hy_problems p = {0};
    struct hy_shape_rules *set = NULL;
    cr_assert_eq(load(dir, &p, &set), 0);
    expect_problems(&p, "");
    cr_expect_eq(set->fallback.connections, 20u);
    hy_shaping_free(set);
    set = NULL;
    const char *both[] = {dir, HY_SOURCE_ROOT "/conf/shaping.yaml", "/no/such/file"};
    cr_expect_eq(hy_shaping_load(both, 3, &p, &set), HY_EINVAL);
    expect_problems(&p, "/no/such/file: error: cannot be opened: No such file or directory\n");
    hy_problems_free(&p);
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
        unlink(path);
    }
    rmdir(dir);
}

/* ---- the shipped file ---- */

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
