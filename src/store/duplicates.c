/* Finding leads that may be one person: a pair of hash and lead for each mailbox and number,
 * sorted; what lies together with one hash is looked at again. */
#include "hayauma/store/duplicates.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/store/lead_alias.h"
#include "lead_priv.h"

enum { KEY_MAX = HY_ADDRESS_MAX + 2, PHONE_MAX = 32, PHONE_MIN = 8 };

const char *hy_duplicate_name(enum hy_duplicate_by by)
{
    return by == HY_DUPLICATE_MAILBOX ? "mailbox" : "phone";
}

/* ---- what is compared ---- */

static size_t mailbox_key(struct hy_str address, char out[KEY_MAX])
{
    size_t n = 0, at = address.n;
    while (at > 0 && address.p[at - 1] != '@')
        at--;
    if (at < 2 || address.n > HY_ADDRESS_MAX)
        return 0;
    struct hy_str domain = hy_str_slice(address, at, address.n);
    bool is_gmail =
        hy_str_ieq(domain, HY_STR("gmail.com")) || hy_str_ieq(domain, HY_STR("googlemail.com"));
    out[n++] = 'm';
    for (size_t i = 0; i + 1 < at && address.p[i] != '+'; i++)
        if (!is_gmail || address.p[i] != '.')
            out[n++] = hy_ascii_lower(address.p[i]);
    out[n++] = '@';
    if (is_gmail)
        domain = HY_STR("gmail.com");
    for (size_t i = 0; i < domain.n; i++)
        out[n++] = hy_ascii_lower(domain.p[i]);
    return n;
}

static size_t phone_key(struct hy_str text, char out[KEY_MAX])
{
    size_t n = 0;
    bool is_abroad = text.n && text.p[0] == '+';
    out[n++] = 'p';
    for (size_t i = 0; i < text.n && n < PHONE_MAX; i++)
        if (text.p[i] >= '0' && text.p[i] <= '9')
            out[n++] = text.p[i];
    if (is_abroad && n > 3 && out[1] == '8' && out[2] == '1') { /* Japan */
        out[1] = '0';
        memmove(out + 2, out + 3, n - 3);
        n--;
    }
    return n > PHONE_MIN ? n : 0;
}

struct finding {
    struct hy_txn *t;
    hy_attr_no phone;
    bool has_phone;
    struct hy_hash_key hash;
    struct pair {
        uint64_t hash;
        hy_lead_no lead;
    } * pairs;
    size_t n, cap;
};

/* The key of a lead by one thing, and what it is made from (a view); 0: it has none. */
static size_t key_of(const struct finding *f, const struct lead_record *r, enum hy_duplicate_by by,
                     char out[KEY_MAX], struct hy_str *ret_value)
{
    struct hy_str packed = r->attrs;
    struct hy_lead_attr a;
    if (by == HY_DUPLICATE_MAILBOX) {
        *ret_value = r->address;
        return mailbox_key(r->address, out);
    }
    while (f->has_phone && hy_lead_attr_next(&packed, &a) == 0) {
        if (a.no != f->phone)
            continue;
        *ret_value = a.value;
        return phone_key(a.value, out);
    }
    return 0;
}

/* ---- gathering ---- */

static int add(struct finding *f, struct hy_str key, hy_lead_no lead)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 4096;
        struct pair *more = realloc(f->pairs, cap * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        f->pairs = more;
        f->cap = cap;
    }
    f->pairs[f->n++] = (struct pair){hy_siphash(&f->hash, key.p, key.n), lead};
    return 0;
}

static int gather(struct finding *f)
{
    struct hy_cursor c;
    int err = hy_cursor_open(f->t, HY_TABLE_LEADS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        struct lead_record r;
        char key[KEY_MAX];
        struct hy_str value;
        if (c.key.n != 4 || hy_lead_record_read(c.value, &r) != 0)
            continue;
        for (int by = HY_DUPLICATE_MAILBOX; by <= HY_DUPLICATE_PHONE && !err; by++) {
            size_t n = key_of(f, &r, (enum hy_duplicate_by)by, key, &value);
            if (n)
                err = add(f, hy_str_make(key, n), hy_get_be32(c.key.p));
        }
        if (err)
            break;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int compare(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->lead < b->lead ? -1 : a->lead > b->lead;
}

/* ---- telling ---- */

/* Those of a run of one hash that really have the key of its first, and stand for themselves. */
static int tell(struct finding *f, const struct pair *run, size_t n, enum hy_duplicate_by by,
                int (*each)(void *ctx, const struct hy_duplicates *x), void *ctx)
{
    struct hy_duplicates x = {.by = by};
    char first[KEY_MAX], key[KEY_MAX];
    size_t first_n = 0;
    for (size_t i = 0; i < n && x.n < HY_DUPLICATES_MAX; i++) {
        struct lead_record r;
        struct hy_str value = {0};
        hy_lead_no kept = 0;
        if (hy_lead_record_get(f->t, run[i].lead, &r) != 0 ||
            hy_lead_kept(f->t, run[i].lead, &kept) != 0 || kept != run[i].lead)
            continue;
        size_t key_n = key_of(f, &r, by, key, &value);
        if (!key_n || hy_siphash(&f->hash, key, key_n) != run[i].hash)
            continue;
        if (x.n == 0) {
            memcpy(first, key, key_n);
            first_n = key_n;
            x.value = value;
        } else if (key_n != first_n || memcmp(first, key, key_n) != 0) {
            continue;
        }
        x.leads[x.n++] = run[i].lead;
    }
    return x.n > 1 ? each(ctx, &x) : 0;
}

int hy_duplicates_each(struct hy_txn *t, int (*each)(void *ctx, const struct hy_duplicates *x),
                       void *ctx)
{
    struct finding f = {.t = t, .hash = hy_lead_hash_key(t->env)};
    int err = hy_attr_find(t, HY_STR("phone"), &f.phone);
    f.has_phone = err == 0;
    err = err && err != HY_ENOTFOUND ? err : gather(&f);
    if (!err && f.n)
        qsort(f.pairs, f.n, sizeof *f.pairs, compare);
    for (size_t from = 0, to; from < f.n && !err; from = to) {
        for (to = from + 1; to < f.n && f.pairs[to].hash == f.pairs[from].hash; to++)
            ;
        for (int by = HY_DUPLICATE_MAILBOX; by <= HY_DUPLICATE_PHONE && to - from > 1 && !err; by++)
            err = tell(&f, f.pairs + from, to - from, (enum hy_duplicate_by)by, each, ctx);
    }
    free(f.pairs);
    return err;
}
