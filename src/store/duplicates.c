/* Finding leads that may be one person: a pair of hash and lead for each mailbox and number,
 * sorted; what lies together with one hash is looked at again. So that memory is bounded, the leads
 * are gone through several times, each time for another share of the hashes; a share that is too
 * large all the same is parted. */
#include "hayauma/store/duplicates.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/store/lead_alias.h"
#include "lead_priv.h"

enum {
    KEY_MAX = HY_ADDRESS_MAX + 2,
    PHONE_MAX = 32,
    PHONE_MIN = 8,
    LOOK_EVERY = 4096, /* leads between two questions whether to go on */
    SHARES_MAX = 4096, /* a share of these that is too large is one key, as good as */
};

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

/* The hashes that are `rest` modulo `shares`. */
struct share {
    uint64_t shares, rest;
};

struct finding {
    struct hy_txn *t;
    const struct hy_duplicates_ask *ask;
    hy_attr_no phone;
    bool has_phone;
    struct hy_hash_key hash;
    struct share share;
    uint64_t seen, of; /* leads, in all goes */
    struct pair {
        uint64_t hash;
        hy_lead_no lead;
    } * pairs;
    size_t n, max;
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

/* HY_ELIMIT: the share is too large. */
static int add(struct finding *f, struct hy_str key, hy_lead_no lead)
{
    uint64_t hash = hy_siphash(&f->hash, key.p, key.n);
    if (hash % f->share.shares != f->share.rest)
        return 0;
    if (f->n == f->max) /* of one key more than a group shows are known */
        return f->share.shares < SHARES_MAX ? HY_ELIMIT : 0;
    f->pairs[f->n++] = (struct pair){hash, lead};
    return 0;
}

static int add_lead(struct finding *f, const struct hy_cursor *c)
{
    struct lead_record r;
    char key[KEY_MAX];
    struct hy_str value;
    int err = 0;
    if (c->key.n != 4 || hy_lead_record_read(c->value, &r) != 0)
        return 0;
    for (int by = HY_DUPLICATE_MAILBOX; by <= HY_DUPLICATE_PHONE && !err; by++) {
        size_t n = key_of(f, &r, (enum hy_duplicate_by)by, key, &value);
        if (n)
            err = add(f, hy_str_make(key, n), hy_get_be32(c->key.p));
    }
    return err;
}

static bool may_go_on(const struct finding *f)
{
    const struct hy_duplicates_ask *ask = f->ask;
    return !ask->go_on || ask->go_on(ask->ctx, f->seen < f->of ? f->seen : f->of, f->of);
}

static int gather(struct finding *f)
{
    struct hy_cursor c;
    int err = hy_cursor_open(f->t, HY_TABLE_LEADS, &c);
    f->n = 0;
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        if (f->seen++ % LOOK_EVERY == 0 && !may_go_on(f))
            err = HY_ECANCELED;
        if (!err)
            err = add_lead(f, &c);
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
static int tell(struct finding *f, const struct pair *run, size_t n, enum hy_duplicate_by by)
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
    return x.n > 1 ? f->ask->each(f->ask->ctx, &x) : 0;
}

static int tell_all(struct finding *f)
{
    int err = 0;
    if (f->n)
        qsort(f->pairs, f->n, sizeof *f->pairs, compare);
    for (size_t from = 0, to; from < f->n && !err; from = to) {
        for (to = from + 1; to < f->n && f->pairs[to].hash == f->pairs[from].hash; to++)
            ;
        for (int by = HY_DUPLICATE_MAILBOX; by <= HY_DUPLICATE_PHONE && to - from > 1 && !err; by++)
            err = tell(f, f->pairs + from, to - from, (enum hy_duplicate_by)by);
    }
    return err;
}

/* A share, or both halves of it. They are as many as bits in SHARES_MAX, one in the other. */
static int find(struct finding *f, struct share share, uint64_t leads)
{
    f->share = share;
    int err = gather(f);
    if (err != HY_ELIMIT)
        return err ? err : tell_all(f);
    f->of += 2 * leads;
    err = find(f, (struct share){2 * share.shares, share.rest}, leads);
    return err ? err : find(f, (struct share){2 * share.shares, share.rest + share.shares}, leads);
}

/* As many shares as are likely to have room each. */
static uint64_t shares_for(uint64_t pairs, size_t max)
{
    uint64_t n = 1;
    while (n < SHARES_MAX && pairs / n > max / 8 * 7)
        n *= 2;
    return n;
}

int hy_duplicates_each(struct hy_txn *t, const struct hy_duplicates_ask *ask)
{
    struct finding f = {.t = t, .ask = ask, .hash = hy_lead_hash_key(t->env)};
    uint64_t leads = 0;
    f.max = ask->pairs_max ? ask->pairs_max : HY_DUPLICATE_PAIRS;
    f.pairs = malloc(f.max * sizeof *f.pairs);
    int err = f.pairs ? hy_table_count(t, HY_TABLE_LEADS, &leads) : HY_ENOMEM;
    if (!err)
        err = hy_attr_find(t, HY_STR("phone"), &f.phone);
    f.has_phone = err == 0;
    uint64_t shares = shares_for(f.has_phone ? 2 * leads : leads, f.max);
    f.of = shares * leads;
    err = err == HY_ENOTFOUND ? 0 : err;
    for (uint64_t i = 0; i < shares && !err; i++)
        err = find(&f, (struct share){shares, i}, leads);
    free(f.pairs);
    return err;
}
