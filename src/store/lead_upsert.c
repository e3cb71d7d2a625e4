/* Many leads into the store at once, in the order that touches the fewest pages.
 *
 *   1. by hash of address: rows of one address are joined, and each address is looked for in the
 *      index, whose buckets are visited in key order;
 *   2. by domain: new leads get ascending numbers, so their records are appended, and the members
 *      that a list gains in a domain are one ascending run;
 *   3. by hash again: the new addresses enter the index, one write a bucket;
 *   4. rows whose address is a further one of a lead of another address, one by one. */
#include "company_choice.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/label.h"
#include "hayauma/store/lead_change.h"

#include <stdlib.h>

struct upsert {
    struct hy_txn *t;
    struct hy_lead_batch *b;
    struct batch_scratch *s;
    const struct hy_lead_upsert *how;
    struct hy_lead_upsert_result result;
    hy_lead_no first_new, next_lead;
    hy_attr_no source; /* attribute, when `how` names a source */
    uint64_t joined;
    size_t n_changed; /* of s->changed: leads that were there before */
    struct company_choice company;
    hy_company_no by_domain; /* of the domain that is being stored; 0: none */
    bool has_company_domains;
    bool has_further; /* some lead has further addresses */
};

static struct batch_view view(const struct upsert *u, uint32_t item)
{
    return hy_lead_batch_view(u->b, &u->b->rows[u->s->items[item].row]);
}

static int compare_items(const void *x, const void *y)
{
    const struct batch_item *a = x, *b = y;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static int compare_order(const void *x, const void *y)
{
    const struct batch_order *a = x, *b = y;
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->lead != b->lead)
        return a->lead < b->lead ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

/* Hangs item `i` on the head with the same key among the items before it that share its hash. */
static bool join_twin(struct upsert *u, uint32_t i)
{
    struct batch_item *items = u->s->items;
    struct hy_str key = view(u, i).key;
    for (uint32_t h = i; h > 0 && items[h - 1].hash == items[i].hash; h--) {
        uint32_t tail = h - 1;
        if (items[tail].is_twin || !hy_str_eq(view(u, tail).key, key))
            continue;
        while (items[tail].next_twin != UINT32_MAX)
            tail = items[tail].next_twin;
        items[tail].next_twin = i;
        items[i].is_twin = true;
        return true;
    }
    return false;
}

/* The lead that has it as a further address. */
static int find_further(struct upsert *u, uint32_t item)
{
    const struct hy_identity i = {HY_IDENTITY_ADDRESS, view(u, item).address};
    struct batch_item *it = &u->s->items[item];
    int err = u->has_further ? hy_identity_find(u->t, &i, &it->lead) : HY_ENOTFOUND;
    it->is_further = err == 0;
    it->is_new = err == HY_ENOTFOUND;
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Step 1. Returns the number of heads through *ret_n. */
static int find_leads(struct upsert *u, size_t *ret_n)
{
    struct batch_item *items = u->s->items;
    size_t n = u->b->n_rows, heads = 0;
    for (size_t i = 0; i < n; i++)
        items[i] = (struct batch_item){
            .hash = u->b->rows[i].hash, .row = (uint32_t)i, .next_twin = UINT32_MAX};
    qsort(items, n, sizeof *items, compare_items);
    for (uint32_t i = 0; i < n; i++) {
        if (join_twin(u, i)) {
            u->result.duplicates++;
            continue;
        }
        int err = hy_lead_index_find(u->t, items[i].hash, view(u, i).key, &items[i].lead);
        if (err == HY_ENOTFOUND)
            err = find_further(u, i);
        if (err)
            return err;
        if (items[i].is_further)
            continue;
        u->s->order[heads++] = (struct batch_order){
            .domain = u->b->rows[items[i].row].domain,
            .lead = items[i].is_new ? UINT32_MAX : items[i].lead,
            .item = i,
        };
    }
    qsort(u->s->order, heads, sizeof *u->s->order, compare_order);
    *ret_n = heads;
    return 0;
}

/* ---- attributes ---- */

/* A row's attributes by number. Two columns with one attribute: the later one counts. */
static void read_row(const struct upsert *u, uint32_t item, struct attr_set *out)
{
    struct batch_view v = view(u, item);
    out->n = 0;
    for (size_t i = 0; i < v.n_attrs; i++) {
        struct hy_lead_batch_attr a = hy_lead_batch_attr_next(&v.attrs);
        struct hy_lead_attr attr = {u->s->attr_of_column[a.column], a.value};
        size_t at = out->n;
        while (at > 0 && out->a[at - 1].no > attr.no)
            at--;
        if (at > 0 && out->a[at - 1].no == attr.no) {
            out->a[at - 1] = attr;
            continue;
        }
        memmove(out->a + at + 1, out->a + at, (out->n - at) * sizeof *out->a);
        out->a[at] = attr;
        out->n++;
    }
}

/* `base` with what `given` brings, to `out`. Returns whether that differs from `base`. */
static bool merge(const struct attr_set *base, const struct attr_set *given, enum hy_lead_merge how,
                  struct attr_set *out)
{
    bool changed = false;
    size_t i = 0, j = 0, n = 0;
    while (i < base->n || j < given->n) {
        if (j == given->n || (i < base->n && base->a[i].no < given->a[j].no)) {
            out->a[n++] = base->a[i++];
        } else if (i == base->n || base->a[i].no > given->a[j].no) {
            out->a[n++] = given->a[j++];
            changed = true;
        } else {
            bool replace =
                how == HY_LEAD_MERGE_OVERWRITE && !hy_str_eq(base->a[i].value, given->a[j].value);
            out->a[n++] = replace ? given->a[j] : base->a[i];
            changed = changed || replace;
            i++;
            j++;
        }
    }
    out->n = n;
    return changed;
}

/* The rows of a head and its twins as one set; sets[1] is free again afterwards. */
static struct attr_set *join_rows(struct upsert *u, uint32_t head)
{
    struct attr_set *all = &u->s->sets[0], *row = &u->s->sets[1], *out = &u->s->sets[2];
    read_row(u, head, all);
    if (u->how->merge == HY_LEAD_MERGE_KEEP)
        return all;
    for (uint32_t i = u->s->items[head].next_twin; i != UINT32_MAX; i = u->s->items[i].next_twin) {
        read_row(u, i, row);
        (void)merge(all, row, u->how->merge, out);
        struct attr_set *swap = all;
        all = out;
        out = swap;
    }
    return all;
}

/* ---- records ---- */

/* Where a new lead comes from, unless its row says so. */
static void add_source(const struct upsert *u, struct attr_set *s)
{
    size_t at = 0;
    while (at < s->n && s->a[at].no < u->source)
        at++;
    if (s->n == HY_ATTR_MAX || (at < s->n && s->a[at].no == u->source))
        return;
    memmove(s->a + at + 1, s->a + at, (s->n - at) * sizeof *s->a);
    s->a[at] = (struct hy_lead_attr){u->source, u->how->source};
    s->n++;
}

static int put_lead(struct upsert *u, hy_lead_no no, const struct lead_record *r,
                    const struct attr_set *attrs, enum hy_put_mode mode)
{
    return hy_lead_record_put(u->t, no, r, attrs->a, attrs->n, mode);
}

static int add_lead(struct upsert *u, uint32_t item, hy_domain_no domain)
{
    if (u->next_lead == UINT32_MAX)
        return HY_ELIMIT;
    struct lead_record r = {
        .domain = domain,
        .created = u->how->created,
        .address = view(u, item).address,
    };
    hy_lead_no no = u->next_lead++;
    u->s->items[item].lead = no;
    u->result.added++;
    struct attr_set *attrs = join_rows(u, item);
    if (u->how->source.n)
        add_source(u, attrs);
    int err = hy_company_choose(u->t, &u->company, NULL, attrs, u->by_domain);
    if (!err)
        err = put_lead(u, no, &r, attrs, HY_PUT_APPEND);
    return err ? err : hy_company_chosen(u->t, &u->company, no);
}

static int update_lead(struct upsert *u, uint32_t item)
{
    hy_lead_no no = u->s->items[item].lead;
    struct attr_set *out = &u->s->sets[1], *base = &u->s->sets[3];
    struct hy_str value;
    struct lead_record r;
    uint8_t key[4];
    bool is_own = u->how->own_from && no >= u->how->own_from;
    if (u->how->merge == HY_LEAD_MERGE_KEEP) {
        *(is_own ? &u->result.duplicates : &u->result.unchanged) += 1;
        return 0;
    }
    int err = hy_get(u->t, HY_TABLE_LEADS, lead_key(no, key), &value);
    if (err)
        return err == HY_ENOTFOUND ? HY_ECORRUPT : err;
    hy_buf_reset(&u->b->record); /* views of the stored value die when room for the new is made */
    hy_buf_add_str(&u->b->record, value);
    err = u->b->record.err ? u->b->record.err : hy_lead_record_read(hy_buf_str(&u->b->record), &r);
    base->n = 0;
    while (err == 0 && r.attrs.n) {
        if (base->n == HY_ATTR_MAX)
            return HY_ECORRUPT;
        err = hy_lead_attr_next(&r.attrs, &base->a[base->n++]);
    }
    if (err)
        return err;
    struct attr_set *row = join_rows(u, item);
    err = hy_company_choice_spell(u->t, &u->company, row);
    if (err)
        return err;
    bool changed = merge(base, row, u->how->merge, out);
    *(is_own ? &u->result.duplicates : changed ? &u->result.updated : &u->result.unchanged) += 1;
    if (!changed)
        return 0;
    u->s->items[item].is_changed = true;
    err = hy_company_choose(u->t, &u->company, base, out, 0);
    if (!err)
        err = put_lead(u, no, &r, out, HY_PUT_SET);
    return err ? err : hy_company_chosen(u->t, &u->company, no);
}

/* Tags of the import, on a lead that has its number. */
static int put_tags(struct upsert *u, uint32_t item)
{
    int err = 0;
    for (size_t i = 0; i < u->how->n_tags && !err; i++) {
        bool changed = false;
        err = hy_lead_label(u->t, u->s->items[item].lead, HY_LABEL_TAG, u->how->tags[i], &changed);
        if (err == HY_ELIMIT) { /* that one has a thousand: the others shall not lack theirs */
            u->result.untagged++;
            err = 0;
        }
        u->s->items[item].is_changed |= changed;
    }
    return err;
}

static void note_changed(struct upsert *u, uint32_t item, bool joined)
{
    const struct batch_item *it = &u->s->items[item];
    if (!it->is_new && (it->is_changed || joined))
        u->s->changed[u->n_changed++] = it->lead;
}

/* Step 2: the heads [from, to), all of one domain. */
static int store_domain(struct upsert *u, size_t from, size_t to)
{
    hy_domain_no domain = 0;
    size_t n = 0;
    uint64_t joined = 0;
    struct hy_str name = view(u, u->s->order[from].item).domain;
    int err = hy_domain_intern(u->t, name, &domain);
    u->by_domain = 0;
    if (!err && u->has_company_domains)
        err = hy_company_of_domain(u->t, name, &u->by_domain);
    if (err == HY_ENOTFOUND)
        err = 0;
    for (size_t i = from; i < to && err == 0; i++) {
        uint32_t item = u->s->order[i].item;
        err = u->s->items[item].is_new ? add_lead(u, item, domain) : update_lead(u, item);
        u->s->leads[n++] = u->s->items[item].lead;
    }
    if (!err && u->how->list)
        err = hy_list_join(u->t, u->how->list, domain, u->s->leads, n, &joined);
    u->joined += joined;
    for (size_t i = from; i < to && err == 0; i++) {
        err = put_tags(u, u->s->order[i].item);
        note_changed(u, u->s->order[i].item, joined > 0);
    }
    return err;
}

static int store_leads(struct upsert *u, size_t heads)
{
    const struct batch_order *o = u->s->order;
    for (size_t from = 0, to; from < heads; from = to) {
        struct hy_str name = view(u, o[from].item).domain;
        for (to = from + 1; to < heads && o[to].domain == o[from].domain &&
                            hy_str_eq(view(u, o[to].item).domain, name);
             to++)
            ;
        int err = store_domain(u, from, to);
        if (err)
            return err;
    }
    return 0;
}

/* Step 3. */
static int store_index(struct upsert *u)
{
    size_t n = 0;
    for (size_t i = 0; i < u->b->n_rows; i++) {
        const struct batch_item *it = &u->s->items[i];
        if (it->is_new && !it->is_twin)
            u->s->entries[n++] = (struct index_entry){it->hash, it->lead};
    }
    return hy_lead_index_add(u->t, u->s->entries, n);
}

/* Step 4. */
static int store_further(struct upsert *u)
{
    int err = 0;
    for (uint32_t i = 0; i < u->b->n_rows && u->has_further && !err; i++) {
        const struct batch_item *it = &u->s->items[i];
        struct lead_record r;
        uint64_t joined = 0;
        if (!it->is_further)
            continue;
        err = update_lead(u, i);
        if (!err)
            err = hy_lead_record_get(u->t, it->lead, &r);
        if (!err && u->how->list)
            err = hy_list_join(u->t, u->how->list, r.domain, &it->lead, 1, &joined);
        if (!err)
            err = put_tags(u, i);
        u->joined += joined;
        note_changed(u, i, joined > 0);
    }
    return err;
}

static int compare_leads(const void *x, const void *y)
{
    const hy_lead_no *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

/* One record of the new leads, and one of those that were there. */
static int note_changes(struct upsert *u)
{
    hy_lead_no *leads = u->s->changed;
    uint8_t what = HY_LEAD_ATTRIBUTES;
    size_t n = 0;
    if (u->how->list)
        what |= HY_LEAD_LISTS;
    if (u->how->n_tags)
        what |= HY_LEAD_TAGS;
    qsort(leads, u->n_changed, sizeof *leads, compare_leads);
    for (size_t i = 0; i < u->n_changed; i++) /* two rows may be of one lead */
        if (n == 0 || leads[i] != leads[n - 1])
            leads[n++] = leads[i];
    int err = hy_lead_changed(u->t, what, leads, n);
    for (n = 0; u->first_new + n < u->next_lead; n++)
        leads[n] = u->first_new + (hy_lead_no)n;
    return err ? err : hy_lead_changed(u->t, what | HY_LEAD_CREATED, leads, n);
}

static int prepare(struct upsert *u)
{
    int err = 0;
    for (size_t i = 0; i < u->b->n_columns && err == 0; i++)
        err = hy_attr_intern(u->t, u->b->columns[i], &u->s->attr_of_column[i]);
    if (!err && u->how->source.n)
        err = hy_attr_intern(u->t, HY_STR("source"), &u->source);
    if (!err)
        err = hy_company_choice_begin(u->t, &u->company);
    if (!err)
        err = hy_company_any_domain(u->t, &u->has_company_domains);
    if (!err)
        err = hy_identity_any(u->t, HY_IDENTITY_ADDRESS, &u->has_further);
    if (!err)
        err = hy_lead_next_no(u->t, &u->next_lead);
    u->first_new = u->next_lead;
    return err;
}

int hy_lead_upsert(struct hy_txn *t, struct hy_lead_batch *b, const struct hy_lead_upsert *how,
                   struct hy_lead_upsert_result *ret)
{
    struct upsert u = {.t = t, .b = b, .s = b->scratch, .how = how};
    size_t heads = 0;
    int err = prepare(&u);
    if (err == 0)
        err = find_leads(&u, &heads);
    if (err == 0)
        err = store_leads(&u, heads);
    if (err == 0)
        err = store_index(&u);
    if (err == 0)
        err = store_further(&u);
    if (err == 0)
        err = note_changes(&u);
    if (err == 0 && how->list)
        err = hy_list_count(t, how->list, (int64_t)u.joined);
    if (err)
        return hy_txn_fail(t, err);
    u.result.joined = u.joined;
    *ret = u.result;
    return 0;
}
