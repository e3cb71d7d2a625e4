/* Visits from networks of companies. Keys of the table of companies: 'v', 'n', name as it is
 * compared; 'v', 'd', domain. Value: version, then le64 ids of activities, the newest first. */
#include "hayauma/store/company_visit.h"

#include <jansson.h>

#include "company_priv.h"

enum { VALUE_MAX = 1 + 8 * HY_COMPANY_VISITS_MAX };

/* The key of a name or (`part` 'd') a domain as somebody writes it. HY_EPARSE. */
static int key_of(char part, struct hy_str text, struct hy_key *k)
{
    char room[HY_COMPANY_KEY_MAX], domain[HY_DOMAIN_MAX + 1];
    struct hy_str folded = {room, 0};
    int err = part == 'n' ? hy_company_fold(text, room, &folded.n)
                          : hy_company_domain_read(text, domain, &folded);
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("v"));
    hy_key_bytes(k, hy_str_make(&part, 1));
    if (!err)
        hy_key_bytes(k, folded);
    return err;
}

static int read(struct hy_txn *t, const struct hy_key *k, struct hy_str *ret_ids)
{
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_COMPANIES, hy_key_str(k), &v);
    if (!err)
        err = hy_value_check(v, COMPANY_VERSION);
    if (!err && (v.n > VALUE_MAX || v.n % 8 != 1))
        err = HY_ECORRUPT;
    if (!err)
        *ret_ids = hy_str_slice(v, 1, v.n);
    return err;
}

/* ---- noting ---- */

static int keep(struct hy_txn *t, char part, const json_t *text, hy_id id)
{
    char value[VALUE_MAX] = {COMPANY_VERSION};
    struct hy_key k;
    struct hy_str ids = HY_STR("");
    if (!json_is_string(text) ||
        key_of(part, hy_str_make(json_string_value(text), json_string_length(text)), &k) != 0)
        return 0;
    int err = read(t, &k, &ids);
    if (err && err != HY_ENOTFOUND)
        return err;
    hy_put_le64(value + 1, id);
    ids = hy_str_slice(ids, 0, VALUE_MAX - 9 < ids.n ? VALUE_MAX - 9 : ids.n);
    if (ids.n)
        memcpy(value + 9, ids.p, ids.n);
    return hy_put(t, HY_TABLE_COMPANIES, hy_key_str(&k), hy_str_make(value, 9 + ids.n), HY_PUT_SET);
}

int hy_company_visit_note(struct hy_txn *t, const struct hy_activity *a)
{
    if (a->lead || !a->visitor || a->kind == HY_ACTIVITY_IDENTIFY ||
        !memmem(a->meta.p ? a->meta.p : "", a->meta.n, "\"company", 8)) /* as nearly all */
        return 0;
    json_t *meta = json_loadb(a->meta.p, a->meta.n, 0, NULL);
    int err = keep(t, 'n', json_object_get(meta, "company"), a->id);
    if (!err)
        err = keep(t, 'd', json_object_get(meta, "company_domain"), a->id);
    json_decref(meta);
    return err;
}

/* ---- reading ---- */

struct newest {
    hy_id *ids; /* descending */
    size_t n;
};

static void add(struct newest *to, hy_id id)
{
    size_t at = to->n;
    while (at && to->ids[at - 1] < id)
        at--;
    if ((at && to->ids[at - 1] == id) || at == HY_COMPANY_VISITS_MAX)
        return;
    if (to->n == HY_COMPANY_VISITS_MAX)
        to->n--;
    memmove(to->ids + at + 1, to->ids + at, (to->n++ - at) * sizeof id);
    to->ids[at] = id;
}

static int add_all(struct hy_txn *t, char part, struct hy_str text, struct newest *to)
{
    struct hy_key k;
    struct hy_str ids;
    int err = key_of(part, text, &k) == 0 ? read(t, &k, &ids) : HY_ENOTFOUND;
    for (size_t i = 0; !err && i < ids.n; i += 8)
        add(to, hy_get_le64(ids.p + i));
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_visits(struct hy_txn *t, const struct hy_company_record *c,
                      hy_id ret[HY_COMPANY_VISITS_MAX], size_t *ret_n)
{
    struct newest found = {.ids = ret};
    int err = add_all(t, 'n', c->name, &found);
    for (size_t i = 0; i < c->n_aliases && !err; i++)
        err = add_all(t, 'n', c->aliases[i], &found);
    for (size_t i = 0; i < c->n_domains && !err; i++)
        err = add_all(t, 'd', c->domains[i], &found);
    if (!err)
        *ret_n = found.n;
    return err;
}
