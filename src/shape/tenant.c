/* Tenants looked up: by number, by name, by domain. */
#include "hayauma/shape/tenant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hayauma/shape/brakes.h"

static const char *const any_domain[] = {"*"};

static const struct hy_tenant installation = {
    .number = 0,
    .name = HY_TENANT_DEFAULT,
    .domains = {any_domain, 1},
    .weight = HY_WEIGHT_NORMAL,
    .pool = "",
    .has_installation_keys = true,
    .shares_suppression = true,
    .contact = "",
};

/* ---- order ---- */

/* Bytes compared as ASCII letters without their case. */
static int compare(struct hy_str a, struct hy_str b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        int x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];
        x += x >= 'A' && x <= 'Z' ? 32 : 0;
        y += y >= 'A' && y <= 'Z' ? 32 : 0;
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static int by_number(const void *a, const void *b, void *arg)
{
    const struct hy_tenant *all = arg;
    uint32_t x = all[*(const uint32_t *)a].number, y = all[*(const uint32_t *)b].number;
    return x != y ? (x < y ? -1 : 1) : *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static int by_name(const void *a, const void *b, void *arg)
{
    const struct hy_tenant *all = arg;
    int c = compare(hy_str_of(all[*(const uint32_t *)a].name),
                    hy_str_of(all[*(const uint32_t *)b].name));
    return c ? c : *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static int compare_rule(const struct hy_tenant_rule *a, struct hy_str domain, bool is_below)
{
    int c = compare(a->domain, domain);
    return c ? c : (int)a->is_below - (int)is_below;
}

static int by_domain(const void *a, const void *b)
{
    const struct hy_tenant_rule *x = a, *y = b;
    int c = compare_rule(x, y->domain, y->is_below);
    return c ? c : x->tenant < y->tenant ? -1 : 1;
}

/* ---- the index ---- */

struct making {
    struct hy_tenants *t;
    hy_tenants_clash_fn *clash;
    void *ctx;
    int err;
};

static void tell(struct making *m, enum hy_tenants_clash kind, uint32_t first, uint32_t second,
                 const char *domain)
{
    m->clash(m->ctx, kind, first, second, domain);
    m->err = HY_EEXIST;
}

static void check_names(struct making *m)
{
    const struct hy_tenants *t = m->t;
    for (size_t i = 1; i < t->n; i++) {
        uint32_t a = t->by_number[i - 1], b = t->by_number[i];
        if (t->items[a].number == t->items[b].number)
            tell(m, HY_TENANTS_SAME_NUMBER, a, b, "");
        a = t->by_name[i - 1];
        b = t->by_name[i];
        if (t->items[a].name[0] && strcmp(t->items[a].name, t->items[b].name) == 0)
            tell(m, HY_TENANTS_SAME_NAME, a, b, "");
    }
}

static void check_rules(struct making *m)
{
    const struct hy_tenants *t = m->t;
    for (size_t i = 1; i < t->n_rules; i++) {
        const struct hy_tenant_rule *a = &t->rules[i - 1], *b = &t->rules[i];
        if (a->tenant != b->tenant && compare_rule(a, b->domain, b->is_below) == 0)
            tell(m, HY_TENANTS_SAME_DOMAIN, a->tenant, b->tenant, b->domain.p);
    }
}

static size_t fill_rules(const struct hy_tenants *t, struct hy_tenant_rule *out)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->items[i].domains.n; k++) {
            struct hy_str d = hy_str_of(t->items[i].domains.items[k]);
            bool is_below = hy_str_starts(d, HY_STR("*."));
            if (hy_str_eq(d, HY_STR("*")))
                continue;
            if (out)
                out[n] = (struct hy_tenant_rule){hy_str_slice(d, is_below ? 2 : 0, d.n), is_below,
                                                 (uint32_t)i};
            n++;
        }
    return n;
}

int hy_tenants_index(struct hy_tenants *t, struct hy_arena *arena, hy_tenants_clash_fn *clash,
                     void *ctx)
{
    size_t n_rules = fill_rules(t, NULL);
    uint32_t *numbers = hy_arena_alloc(arena, (t->n + 1) * sizeof *numbers);
    uint32_t *names = hy_arena_alloc(arena, (t->n + 1) * sizeof *names);
    struct hy_tenant_rule *rules = hy_arena_alloc(arena, (n_rules + 1) * sizeof *rules);
    struct making m = {.t = t, .clash = clash, .ctx = ctx};
    if (!numbers || !names || !rules)
        return HY_ENOMEM;
    for (size_t i = 0; i < t->n; i++)
        numbers[i] = names[i] = (uint32_t)i;
    fill_rules(t, rules);
    if (t->n > 1) {
        qsort_r(numbers, t->n, sizeof *numbers, by_number, (void *)(uintptr_t)t->items);
        qsort_r(names, t->n, sizeof *names, by_name, (void *)(uintptr_t)t->items);
    }
    if (n_rules > 1)
        qsort(rules, n_rules, sizeof *rules, by_domain);
    t->by_number = numbers;
    t->by_name = names;
    t->rules = rules;
    t->n_rules = n_rules;
    t->installation = &installation;
    if (t->n && t->items[numbers[0]].number == 0)
        t->installation = &t->items[numbers[0]];
    check_names(&m);
    check_rules(&m);
    return m.err;
}

/* ---- looking up ---- */

const struct hy_tenant *hy_tenant_by_number(const struct hy_tenants *t, uint32_t number)
{
    if (number == 0)
        return t->installation ? t->installation : &installation;
    for (size_t low = 0, high = t->n; low < high;) {
        size_t mid = low + (high - low) / 2;
        const struct hy_tenant *x = &t->items[t->by_number[mid]];
        if (x->number == number)
            return x;
        if (x->number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct hy_tenant *hy_tenant_by_name(const struct hy_tenants *t, struct hy_str name)
{
    if (hy_str_ieq(name, HY_STR(HY_TENANT_DEFAULT)))
        return hy_tenant_by_number(t, 0);
    for (size_t low = 0, high = t->n; low < high;) {
        size_t mid = low + (high - low) / 2;
        const struct hy_tenant *x = &t->items[t->by_name[mid]];
        int c = compare(hy_str_of(x->name), name);
        if (c == 0)
            return x;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct hy_tenant *hy_tenant_find(const struct hy_tenants *t, struct hy_str text)
{
    uint64_t number;
    const struct hy_tenant *x = hy_tenant_by_name(t, text);
    if (!x && hy_str_to_u64(text, HY_TENANT_NUMBER_MAX, &number) == HY_OK)
        x = hy_tenant_by_number(t, (uint32_t)number);
    return x;
}

static const struct hy_tenant *rule_of(const struct hy_tenants *t, struct hy_str domain,
                                       bool is_below)
{
    for (size_t low = 0, high = t->n_rules; low < high;) {
        size_t mid = low + (high - low) / 2;
        int c = compare_rule(&t->rules[mid], domain, is_below);
        if (c == 0)
            return &t->items[t->rules[mid].tenant];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct hy_tenant *hy_tenant_owner(const struct hy_tenants *t, struct hy_str domain)
{
    if (t->n_rules == 0)
        return NULL;
    const struct hy_tenant *x = rule_of(t, domain, false);
    for (size_t dot; !x && (dot = hy_str_find(domain, '.', 0)) != SIZE_MAX;) {
        domain = hy_str_slice(domain, dot + 1, domain.n);
        x = rule_of(t, domain, true);
    }
    return x;
}

static bool has_any(const struct hy_tenant *x)
{
    for (size_t i = 0; i < x->domains.n; i++)
        if (strcmp(x->domains.items[i], "*") == 0)
            return true;
    return false;
}

bool hy_tenant_may_use(const struct hy_tenants *t, const struct hy_tenant *tenant,
                       struct hy_str domain)
{
    const struct hy_tenant *owner = hy_tenant_owner(t, domain);
    return owner ? owner->number == tenant->number : has_any(tenant);
}

/* ---- quotas ---- */

bool hy_quota_fits(const struct hy_tenant_quota *q, uint32_t n_rcpts, uint64_t size_bytes,
                   struct hy_quota_verdict *ret)
{
    const struct {
        enum hy_quota_kind kind;
        uint64_t n, limit;
    } checks[] = {
        {HY_QUOTA_SIZE, size_bytes, q->size_bytes}, {HY_QUOTA_RCPTS, n_rcpts, q->rcpts},
        {HY_QUOTA_HOUR, n_rcpts, q->per_hour},      {HY_QUOTA_DAY, n_rcpts, q->per_day},
        {HY_QUOTA_QUEUED, n_rcpts, q->queued},
    };
    *ret = (struct hy_quota_verdict){0};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i].limit && checks[i].n > checks[i].limit) {
            *ret = (struct hy_quota_verdict){
                .kind = checks[i].kind, .is_for_ever = true, .limit = checks[i].limit};
            return false;
        }
    return true;
}

const char *hy_quota_text(const struct hy_quota_verdict *v, char out[HY_QUOTA_TEXT_MAX])
{
    static const char *const what[] = {
        [HY_QUOTA_NONE] = "",
        [HY_QUOTA_HOUR] = " recipients an hour",
        [HY_QUOTA_DAY] = " recipients a day",
        [HY_QUOTA_QUEUED] = " recipients waiting",
        [HY_QUOTA_RCPTS] = " recipients a message",
        [HY_QUOTA_SIZE] = " bytes a message",
    };
    char time[32], then[64] = "is used up, try again when mail has left";
    if (v->is_for_ever)
        snprintf(then, sizeof then, "is less than this message");
    else if (v->until)
        snprintf(then, sizeof then, "is used up, try again at %.19sZ",
                 hy_wall_format(v->until, time)); /* less the milliseconds */
    snprintf(out, HY_QUOTA_TEXT_MAX, "The quota of %" PRIu64 "%s %s", v->limit, what[v->kind],
             then);
    return out;
}
