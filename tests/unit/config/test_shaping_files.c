#include "hayauma/shape/reply_rules.h"
#include "shaping_read.h"

#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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
