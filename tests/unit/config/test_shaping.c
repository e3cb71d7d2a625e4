#include "hayauma/shape/reply_rules.h"
#include "shaping_read.h"

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
