/* The rule language as a table: one row a key. A key gets its row with its effect, not before. */
#include "hayauma/config/config.h"
#include "shaping_priv.h"

#define SEC          1000000LL
#define MIN          (60 * SEC)
#define HOUR         (60 * MIN)
#define DAY          (24 * HOUR)

#define R(field)     offsetof(struct hy_shape_rule, field), sizeof(((struct hy_shape_rule *)0)->field)
#define NAMES(field) offsetof(struct hy_shape_rule, field), sizeof(struct hy_strings)
#define L(field)     R(limits.field)
#define A(field)     offsetof(struct hy_reply_rule, field), sizeof(((struct hy_reply_rule *)0)->field)

/* A list and its length stand in the rule as they do in struct hy_strings. */
#define IS_LIST(items, count)                                                                      \
    _Static_assert(offsetof(struct hy_shape_rule, count) -                                         \
                           offsetof(struct hy_shape_rule, items) ==                                \
                       offsetof(struct hy_strings, n),                                             \
                   #items " is no list")
IS_LIST(mx, n_mx);
IS_LIST(domains, n_domains);
IS_LIST(replies, n_replies);

enum { PATTERNS_MAX = 1000, COUNT_MAX = 1000000000 };

static const struct schema_name tls_names[] = {{"never", HY_TLS_NEVER},
                                               {"opportunistic", HY_TLS_OPPORTUNISTIC},
                                               {"required", HY_TLS_REQUIRED},
                                               {"verified", HY_TLS_VERIFIED},
                                               {0}};

static const struct schema_name action_names[] = {{"nothing", HY_REPLY_NOTHING},
                                                  {"slow", HY_REPLY_SLOW},
                                                  {"suspend", HY_REPLY_SUSPEND},
                                                  {"fail_over", HY_REPLY_FAIL_OVER},
                                                  {"defer", HY_REPLY_DEFER},
                                                  {"bounce", HY_REPLY_BOUNCE},
                                                  {0}};

static const struct schema_row reply_rows[] = {
    {"reply", SCHEMA_STRING, SCHEMA_REQUIRED, A(pattern), .max = HY_REPLY_PATTERN_MAX},
    {"do", SCHEMA_ENUM, SCHEMA_REQUIRED, A(action), .names = action_names},
    {"for", SCHEMA_DURATION, 0, A(for_us), 1 * SEC, 7 * DAY},
    {"to", SCHEMA_PERCENT, 0, A(keep_percent), 1, 99},
};

/* That the pattern is one, and that the action has what it needs and nothing else. */
static void check_reply(const struct schema_ctx *x, const struct yaml_node *node, void *item)
{
    struct hy_reply_rule *r = item;
    struct hy_reply_rules *probe;
    struct hy_diag diag = {""};
    r->file = x->src->file;
    r->line = node->line;
    if (!r->pattern[0])
        return; /* noted */
    if (hy_reply_rules_new(&probe) == HY_OK) {
        if (hy_reply_rules_add(probe, r, &diag) != HY_OK)
            schema_error_at(x, node, "reply", "'%s' %s", r->pattern, diag.text);
        hy_reply_rules_free(probe);
    }
    bool lasts = r->action == HY_REPLY_SUSPEND || r->action == HY_REPLY_FAIL_OVER;
    if (lasts && r->for_us == 0)
        schema_error_at(x, node, "do", "%s needs 'for': how long", hy_reply_action_name(r->action));
    if (!lasts && r->for_us)
        schema_error_at(x, node, "for",
                        "says nothing to '%s': only suspend and fail_over last for a time",
                        hy_reply_action_name(r->action));
    if (r->action != HY_REPLY_SLOW && r->keep_percent)
        schema_error_at(x, node, "to", "says nothing to '%s': only slow goes on at a share",
                        hy_reply_action_name(r->action));
    if (r->action == HY_REPLY_SLOW && r->keep_percent == 0)
        r->keep_percent = 50;
}

const struct schema shaping_reply_schema = {reply_rows, sizeof reply_rows / sizeof *reply_rows,
                                            sizeof(struct hy_reply_rule), check_reply};

static const struct schema_row rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, R(name), .max = 63},
    {"mx", SCHEMA_HOSTNAMES, SCHEMA_WILDCARD, NAMES(mx), .max = PATTERNS_MAX},
    {"domains", SCHEMA_HOSTNAMES, SCHEMA_WILDCARD, NAMES(domains), .max = PATTERNS_MAX},
    {"enabled", SCHEMA_BOOL, 0, R(is_enabled)},
    {"provider.connections", SCHEMA_INT, 0, L(provider.connections), 1, 100000,
     .zero = "unlimited"},
    {"provider.connection_rate", SCHEMA_RATE, 0, L(provider.connection_rate), .zero = "unlimited"},
    {"provider.message_rate", SCHEMA_RATE, 0, L(provider.message_rate), .zero = "unlimited"},
    {"provider.messages_per_day", SCHEMA_INT, 0, L(provider.messages_per_day), 1, COUNT_MAX,
     .zero = "unlimited"},
    /* those of the default block too */
    {"connections", SCHEMA_INT, 0, L(connections), 1, 10000},
    {"connection_rate", SCHEMA_RATE, 0, L(connection_rate), .zero = "unlimited"},
    {"messages_per_connection", SCHEMA_INT, 0, L(messages_per_connection), 1, 1000000,
     .zero = "unlimited"},
    {"recipients_per_message", SCHEMA_INT, 0, L(recipients_per_message), 1,
     HY_SHAPE_RECIPIENTS_MAX},
    {"message_rate", SCHEMA_RATE, 0, L(message_rate), .zero = "unlimited"},
    {"messages_per_day", SCHEMA_INT, 0, L(messages_per_day), 1, COUNT_MAX, .zero = "unlimited"},
    {"adaptive.enabled", SCHEMA_BOOL, 0, L(adaptive.enabled)},
    {"adaptive.start", SCHEMA_INT, 0, L(adaptive.start), 1, 10000},
    {"adaptive.floor", SCHEMA_INT, 0, L(adaptive.floor), 1, 10000},
    {"tls", SCHEMA_ENUM, 0, L(tls), .names = tls_names},
    {"mta_sts", SCHEMA_BOOL, 0, L(use_mta_sts)},
    {"dane", SCHEMA_BOOL, 0, L(use_dane)},
    {"pipelining", SCHEMA_BOOL, 0, L(use_pipelining)},
    {"chunking", SCHEMA_BOOL, 0, L(use_chunking)},
    {"retry.first", SCHEMA_DURATION, 0, L(retry.first_us), 1 * SEC, 1 * DAY},
    {"retry.longest", SCHEMA_DURATION, 0, L(retry.longest_us), 1 * SEC, 7 * DAY},
    {"retry.jitter", SCHEMA_PERCENT, 0, L(retry.jitter_percent), 0, 50},
    {"retry.expire", SCHEMA_DURATION, 0, L(retry.expire_us), 1 * SEC, 30 * DAY},
    {"timeouts.connect", SCHEMA_DURATION, 0, L(timeouts.connect_us), 1 * SEC, 10 * MIN},
    {"timeouts.banner", SCHEMA_DURATION, 0, L(timeouts.banner_us), 1 * SEC, 1 * HOUR},
    {"timeouts.ehlo", SCHEMA_DURATION, 0, L(timeouts.ehlo_us), 1 * SEC, 1 * HOUR},
    {"timeouts.tls", SCHEMA_DURATION, 0, L(timeouts.tls_us), 1 * SEC, 1 * HOUR},
    {"timeouts.mail", SCHEMA_DURATION, 0, L(timeouts.mail_us), 1 * SEC, 1 * HOUR},
    {"timeouts.rcpt", SCHEMA_DURATION, 0, L(timeouts.rcpt_us), 1 * SEC, 1 * HOUR},
    {"timeouts.data", SCHEMA_DURATION, 0, L(timeouts.data_us), 1 * SEC, 1 * HOUR},
    {"timeouts.block", SCHEMA_DURATION, 0, L(timeouts.block_us), 1 * SEC, 1 * HOUR},
    {"timeouts.dot", SCHEMA_DURATION, 0, L(timeouts.dot_us), 1 * SEC, 1 * HOUR},
    {"timeouts.quit", SCHEMA_DURATION, 0, L(timeouts.quit_us), 100000, 10 * MIN},
    {"timeouts.idle", SCHEMA_DURATION, 0, L(timeouts.idle_us), 0, 10 * MIN},
    {"on", SCHEMA_LIST, 0, NAMES(replies), .items = &shaping_reply_schema,
     .max = HY_REPLY_RULES_MAX},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

const struct schema shaping_rule_schema = {rows, N_ROWS, sizeof(struct hy_shape_rule), NULL};
const struct schema shaping_default_schema = {rows + SHAPING_SELECTORS, N_ROWS - SHAPING_SELECTORS,
                                              sizeof(struct hy_shape_rule), NULL};

size_t shaping_row(const char *path)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].path, path) == 0)
            return i;
    return SIZE_MAX;
}

const struct hy_shape_origin *shaping_origin(const struct hy_shape_rule *r, const char *path)
{
    static const struct hy_shape_origin nowhere = {.file = ""};
    size_t i = shaping_row(path);
    return r->origins && i != SIZE_MAX ? &r->origins[i] : &nowhere;
}

bool shaping_is_own(const struct hy_shape_rules *set, const struct hy_shape_rule *r,
                    const char *path)
{
    const struct hy_shape_origin *o = shaping_origin(r, path),
                                 *base = shaping_origin(set->base, path);
    return r == set->base || o->layer != base->layer || o->line != base->line ||
           o->column != base->column;
}

static void put_keys(const struct schema *s, const char *what, struct hy_buf *out)
{
    for (size_t i = 0; i < s->n_rows; i++)
        hy_buf_printf(out, "%s %s\n", what, s->rows[i].path);
}

void hy_shaping_keys(struct hy_buf *out)
{
    put_keys(&shaping_default_schema, "default", out);
    put_keys(&shaping_rule_schema, "rule", out);
    put_keys(&shaping_reply_schema, "on", out);
}
