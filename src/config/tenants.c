/* Tenants of hayauma.yaml: the keys of one, their look-ups, and what names them elsewhere. */
#include <stdlib.h>

#include "config_schema.h"
#include "hayauma/shape/brakes.h"

#define TENANT(field) SCHEMA_FIELD(struct hy_tenant, field)
#define GIB           (1LL << 30)

static const struct schema_name reports[] = {{"never", HY_TENANT_REPORT_NEVER},
                                             {"daily", HY_TENANT_REPORT_DAILY},
                                             {"weekly", HY_TENANT_REPORT_WEEKLY},
                                             {NULL, 0}};
static const struct schema_name languages[] = {
    {"en", HY_TENANT_EN}, {"ja", HY_TENANT_JA}, {NULL, 0}};

static const struct schema_row rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, TENANT(name), .max = HY_TENANT_NAME_MAX,
     .doc = "What users, campaigns, commands and figures call it: a-z, 0-9, - and _."},
    {"number", SCHEMA_INT, SCHEMA_REQUIRED, TENANT(number), 0, HY_TENANT_NUMBER_MAX,
     .doc =
         "What the database knows it by: it stays with it for ever, also under another name, and "
         "is given to nobody else. 0 is the installation itself, named default."},
    {"from_domains", SCHEMA_HOSTNAMES, SCHEMA_WILDCARD | SCHEMA_ANY, TENANT(domains),
     .max = HY_TENANT_DOMAINS_MAX,
     .doc =
         "Domains that From and the sender may have: example.net, *.example.net (those below "
         "it), or \"*\" (any that no other tenant names). What it names nobody else may use, the "
         "installation included.",
     .example = "[shop.example, \"*.shop.example\"]"},
    {"messages_per_hour", SCHEMA_INT, 0, TENANT(quota.per_hour), 1, 1000000000, .zero = "unlimited",
     .def = "unlimited",
     .doc = "So many may be handed in in a clock hour; a message to three recipients counts as "
            "three. More are asked to come later (452)."},
    {"messages_per_day", SCHEMA_INT, 0, TENANT(quota.per_day), 1, 1000000000, .zero = "unlimited",
     .def = "unlimited", .doc = "The same in any 24 hours."},
    {"max_recipients", SCHEMA_INT, 0, TENANT(quota.rcpts), 1, 10000, .zero = "unlimited",
     .def = "unlimited", .doc = "Of one message, below what the installation takes."},
    {"max_queued", SCHEMA_INT, 0, TENANT(quota.queued), 1, 1000000000, .zero = "unlimited",
     .def = "unlimited",
     .doc = "Recipients that wait at the same time to be sent to; more messages are asked to come "
            "later (452). Campaigns do not count."},
    {"max_message_size", SCHEMA_SIZE, 0, TENANT(quota.size_bytes), 1024, 1 * GIB,
     .zero = "unlimited", .def = "unlimited",
     .doc = "Of one message, below what the installation takes."},
    {"rate", SCHEMA_RATE, 0, TENANT(rate), .zero = "unlimited", .def = "unlimited",
     .doc = "All its mail together leaves no faster, campaigns too, as in 50/s or 10000/1h."},
    {"weight", SCHEMA_INT, 0, TENANT(weight), 1, HY_WEIGHT_MAX, "10",
     .doc = "Its share of each lane beside other tenants that have mail for it; its campaigns "
            "divide that by their own weights."},
    {"pool", SCHEMA_STRING, 0, TENANT(pool), .max = 63,
     .doc = "Pool of sources, or source, of its mail that names none. \"\" = delivery.pool."},
    {"installation_keys", SCHEMA_BOOL, 0, TENANT(has_installation_keys), .def = "false",
     .doc = "Keys under dkim.keys that name no tenant may sign its mail, where it has none of its "
            "own for the domain."},
    {"shared_suppression", SCHEMA_BOOL, 0, TENANT(shares_suppression), .def = "false",
     .doc = "Addresses that bounce or complain about its mail are left out by all, and those of "
            "the installation by it. false = its list is its own."},
    {"contact", SCHEMA_STRING, 0, TENANT(contact), .max = 254,
     .doc = "Mail address of those who answer for it: reports on its mail go there. \"\" = none."},
    {"report", SCHEMA_ENUM, 0, TENANT(report), .names = reports, .def = "daily",
     .doc = "How often the contact is told what became of the tenant's mail: never, daily, or "
            "weekly on Mondays. From dsn.from, for which a key must sign."},
    {"report_hour", SCHEMA_INT, 0, TENANT(report_hour), 0, 23, "7",
     .doc = "Hour of the day, by the machine's clock."},
    {"language", SCHEMA_ENUM, 0, TENANT(language), .names = languages, .def = "en",
     .doc = "Of reports: en or ja."},
};
const struct schema tenant_schema = {rows, sizeof rows / sizeof rows[0], sizeof(struct hy_tenant),
                                     NULL};

struct checking {
    const struct schema_ctx *x;
    const struct yaml_node *list;
    struct hy_config *c;
};

static void on_clash(void *ctx, enum hy_tenants_clash kind, size_t first, size_t second,
                     const char *domain)
{
    const struct checking *k = ctx;
    const struct yaml_node *n = k->list->entries[second].value;
    const struct hy_tenant *a = &k->c->tenants.items[first];
    if (kind == HY_TENANTS_SAME_NUMBER)
        schema_error_at(k->x, n, "number", "%u is the number of an earlier tenant, '%s'", a->number,
                        a->name);
    else if (kind == HY_TENANTS_SAME_NAME)
        schema_error_at(k->x, n, "name", "'%s' is the name of an earlier tenant", a->name);
    else
        schema_error_at(k->x, n, "from_domains", "'%s' belongs to an earlier tenant, '%s'", domain,
                        a->name);
}

static bool is_name(const char *s)
{
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '_'))
            return false;
    return true;
}

static void check_tenant(const struct checking *k, const struct yaml_node *n,
                         const struct hy_tenant *t)
{
    bool is_default = strcmp(t->name, HY_TENANT_DEFAULT) == 0;
    bool is_number = t->name[0] && strspn(t->name, "0123456789") == strlen(t->name);
    if (!is_name(t->name) || is_number)
        schema_error_at(k->x, n, "name", "may hold a-z, 0-9, - and _, and is not a number");
    else if (t->name[0] && is_default != (t->number == 0))
        schema_error_at(k->x, n, "number", "0 and the name %s are the installation itself",
                        HY_TENANT_DEFAULT);
    if (t->pool[0] && !hy_config_has_pool(k->c, hy_str_of(t->pool)))
        schema_error_at(k->x, n, "pool", "there is no pool or source '%s'", t->pool);
    if (t->contact[0] && !config_is_plain_address(t->contact))
        schema_error_at(k->x, n, "contact", "'%s' is no plain mail address", t->contact);
    if (t->quota.per_hour && t->quota.per_day && t->quota.per_hour > t->quota.per_day)
        schema_warn_at(k->x, n, "messages_per_hour", "is more than messages_per_day");
    if (t->domains.n == 0 && t->number)
        schema_warn_at(k->x, n, "from_domains", "without any, nothing can be sent for it");
}

/* Domains that could not be read are noted and gone. */
static void drop_missing(struct hy_tenant *t)
{
    const char **items = (const char **)(uintptr_t)t->domains.items;
    size_t n = 0;
    for (size_t i = 0; i < t->domains.n; i++)
        if (items[i])
            items[n++] = items[i];
    t->domains.n = n;
}

static void check_keys(const struct schema_ctx *x, const struct yaml_node *root,
                       const struct hy_config *c)
{
    const struct yaml_node *list = yaml_find(root, "dkim.keys");
    for (size_t i = 0; i < c->dkim.keys.n && is_list_of(list, c->dkim.keys.n); i++) {
        const char *name = c->dkim.keys.items[i].tenant;
        if (name[0] && !hy_tenant_by_name(&c->tenants, hy_str_of(name)))
            schema_error_at(x, list->entries[i].value, "tenant", "there is no tenant '%s'", name);
    }
}

int tenants_finish(const struct schema_ctx *x, const struct yaml_node *root, struct hy_config *c)
{
    struct checking k = {x, yaml_find(root, "tenants"), c};
    struct hy_tenant *items = (struct hy_tenant *)(uintptr_t)c->tenants.items;
    if (!is_list_of(k.list, c->tenants.n))
        c->tenants.n = 0;
    for (size_t i = 0; i < c->tenants.n; i++) {
        drop_missing(&items[i]);
        check_tenant(&k, k.list->entries[i].value, &items[i]);
    }
    int err = hy_tenants_index(&c->tenants, x->arena, on_clash, &k);
    if (err != HY_OK && err != HY_EEXIST) /* what clashes is noted */
        return err;
    check_keys(x, root, c);
    return HY_OK;
}
