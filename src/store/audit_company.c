/* The audit of companies: what leads to each, and its members from both sides. */
#include <inttypes.h>

#include "audit_priv.h"
#include "company_score.h"

/* Of a sum that was added to and taken from many times. */
#define ROUNDED 1e-6

struct checking {
    struct audit *a;
    struct hy_txn *t;
    uint64_t members, counted; /* by lead; by the sets */
};

static bool has_key(struct checking *x, const uint8_t *key, size_t n)
{
    struct hy_str value;
    return hy_get(x->t, HY_TABLE_COMPANIES, hy_str_make(key, n), &value) == 0;
}

/* Whether members are still on their way from it. */
static bool is_moving(struct checking *x, hy_company_no no)
{
    uint8_t key[6] = {COMPANY_WORK, COMPANY_WORK_MOVE};
    hy_put_be32(key + 2, no);
    return has_key(x, key, sizeof key);
}

static void check_member(struct checking *x, hy_lead_no lead, struct hy_str value)
{
    struct hy_company_record c = {.no = 0};
    struct hy_str name = {0};
    hy_company_no no = 0;
    bool has = false;
    x->members++;
    if (hy_name_number(value, &no) != 0 || hy_company_read_lead(x->t, lead, &name) != 0) {
        hy_audit_problem(x->a, "lead %" PRIu32 " belongs to a company, but cannot be read", lead);
        return;
    }
    if (hy_lead_set_has(x->t, hy_company_members(no), lead, &has) != 0 || !has)
        hy_audit_problem(x->a,
                         "lead %" PRIu32 " belongs to company %" PRIu32
                         ", which does not have it among its members",
                         lead, no);
    if (is_moving(x, no))
        return;
    if (hy_company_read(x->t, no, &c) != 0)
        hy_audit_problem(
            x->a, "lead %" PRIu32 " belongs to company %" PRIu32 ", which is not there", lead, no);
    else if (!hy_str_eq(c.name, name))
        hy_audit_problem(x->a, "lead %" PRIu32 " of company %" PRIu32 " says it is of another",
                         lead, no);
}

static bool has_text(const struct hy_str *a, size_t n, struct hy_str text)
{
    for (size_t i = 0; i < n; i++)
        if (hy_str_eq(a[i], text))
            return true;
    return false;
}

static bool has_name(const struct hy_company_record *c, struct hy_str key)
{
    char folded[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    for (size_t i = 0; i <= c->n_aliases; i++)
        if (hy_company_fold(i ? c->aliases[i - 1] : c->name, folded, &n) == 0 &&
            hy_str_eq(hy_str_make(folded, n), key))
            return true;
    return false;
}

/* A name, a domain, an id. */
static void check_way(struct checking *x, char part, struct hy_str text, struct hy_str value)
{
    struct hy_company_record c;
    hy_company_no no = 0;
    bool is_good = hy_name_number(value, &no) == 0 && hy_company_read(x->t, no, &c) == 0;
    if (is_good)
        is_good = part == COMPANY_NAME     ? has_name(&c, text)
                  : part == COMPANY_DOMAIN ? has_text(c.domains, c.n_domains, text)
                                           : has_text(c.ids, c.n_ids, text);
    if (!is_good)
        hy_audit_problem(x->a, "\"%.*s\" leads to company %" PRIu32 ", which does not have it",
                         HY_STR_ARG(text), no);
}

static void check_record(struct checking *x, hy_company_no no)
{
    struct hy_company_record c;
    hy_company_no found = 0;
    if (hy_company_read(x->t, no, &c) != 0) {
        hy_audit_problem(x->a, "company %" PRIu32 " cannot be read", no);
        return;
    }
    for (size_t i = 0; i <= c.n_aliases; i++)
        if (hy_company_find(x->t, i ? c.aliases[i - 1] : c.name, &found) != 0 || found != no)
            hy_audit_problem(x->a, "company %" PRIu32 " is not found by one of its names", no);
    for (size_t i = 0; i < c.n_domains; i++)
        if (hy_company_get_key(x->t, COMPANY_DOMAIN, c.domains[i], &found) != 0 || found != no)
            hy_audit_problem(x->a, "company %" PRIu32 " is not found by one of its domains", no);
    for (size_t i = 0; i < c.n_ids; i++)
        if (hy_company_get_key(x->t, COMPANY_ID, c.ids[i], &found) != 0 || found != no)
            hy_audit_problem(x->a, "company %" PRIu32 " is not found by one of its ids", no);
}

/* ---- points ---- */

/* Whether it is the same but for what adding and taking rounds. */
static bool is_same_sum(struct score_record *kept, const struct score_sum *s)
{
    struct score_sum *k = hy_score_record_sum(kept, s->group, s->sum.half_life_s);
    if (!k || k->n != s->n)
        return false;
    hy_wall_ms at = k->sum.at > s->sum.at ? k->sum.at : s->sum.at;
    double is = hy_score_sum_at(&k->sum, at), counted = hy_score_sum_at(&s->sum, at);
    double off = is > counted ? is - counted : counted - is;
    return off <= 0.01 + ROUNDED * (counted < 0 ? -counted : counted);
}

static void check_sums(struct checking *x, hy_company_no no)
{
    static const uint8_t counting[] = {COMPANY_WORK, COMPANY_WORK_SCORES};
    struct score_record kept, counted;
    if (is_moving(x, no) || has_key(x, counting, sizeof counting))
        return;
    int err = hy_company_sums_get(x->t, no, &kept);
    if (!err)
        err = hy_company_sums_count(x->t, no, &counted);
    if (err) {
        hy_audit_problem(x->a, "the points of company %" PRIu32 " cannot be read", no);
        return;
    }
    if (counted.n_sums == SCORE_SUMS_MAX) /* there may be some that have no room */
        return;
    bool is_good = kept.n_sums == counted.n_sums;
    for (size_t i = 0; i < counted.n_sums && is_good; i++)
        is_good = is_same_sum(&kept, &counted.sums[i]);
    if (!is_good)
        hy_audit_problem(x->a, "the points of company %" PRIu32 " are not those of its leads", no);
}

static void check_scored(struct checking *x, hy_company_no no)
{
    struct hy_company_record c;
    if (no && !is_moving(x, no) && hy_company_read(x->t, no, &c) != 0)
        hy_audit_problem(x->a, "company %" PRIu32 " has points, but is not there", no);
}

static void check_row(struct checking *x, struct hy_str key, struct hy_str value)
{
    char part = key.p[0];
    uint32_t no = key.n == 5 ? hy_get_be32(key.p + 1) : 0;
    switch (part) {
    case COMPANY_LEAD:
        check_member(x, no, value);
        break;
    case COMPANY_RECORD:
        if (no) {
            check_record(x, no);
            check_sums(x, no);
        }
        break;
    case COMPANY_SUMS:
        check_scored(x, no);
        break;
    case COMPANY_NAME:
    case COMPANY_DOMAIN:
    case COMPANY_ID:
        check_way(x, part, hy_str_slice(key, 1, key.n), value);
        break;
    default:
        break;
    }
}

/* All that are in a set have an entry when as many are there. */
static int count_sets(struct checking *x)
{
    struct hy_lead_set s = {.kind = HY_LEAD_SET_COMPANY};
    int err;
    while ((err = hy_lead_set_following(x->t, s, &s)) == 0 && s.kind == HY_LEAD_SET_COMPANY) {
        uint64_t n = 0;
        err = hy_lead_set_count(x->t, s, &n);
        if (err)
            return err;
        x->counted += n;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_audit_companies(struct audit *a)
{
    struct checking x = {.a = a, .t = &a->t};
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_first(&c);
    while (!err) {
        check_row(&x, c.key, c.value);
        err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    err = err == HY_ENOTFOUND ? count_sets(&x) : err;
    if (!err && x.members != x.counted)
        hy_audit_problem(a, "%" PRIu64 " leads belong to companies, which have %" PRIu64 " members",
                         x.members, x.counted);
    return err;
}
