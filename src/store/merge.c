/* Merging leads, and taking them apart. What a merge did to either lead is kept beside the alias:
 * version u8; then four lists, each a varint of how many: attributes that the kept lead got (number
 * varint; value: length varint, bytes), labels (kind u8, number varint; 1 when it got it, 0 when it
 * had it), lists (number varint, likewise), identities (kind u8; value). */
#include "hayauma/store/merge.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/buf.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/company.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/label.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/list.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/score.h"
#include "lead_alias.h"
#include "lead_priv.h"
#include "record.h"

enum { NOTE_VERSION = 1, NOTE_MAX = 1 << 20 };

/* ---- notes ---- */

static void put_varint(struct hy_buf *b, uint64_t v)
{
    uint8_t room[10];
    hy_buf_add(b, room, hy_varint_put(room, v));
}

static void put_text(struct hy_buf *b, struct hy_str s)
{
    put_varint(b, s.n);
    hy_buf_add_str(b, s);
}

/* A list of the note while it is made. */
struct part_note {
    uint32_t n;
    struct hy_buf items;
};

static void put_part(struct hy_buf *note, struct part_note *p)
{
    put_varint(note, p->n);
    hy_buf_add_str(note, hy_buf_str(&p->items));
    if (p->items.err && !note->err)
        note->err = p->items.err;
    hy_buf_free(&p->items);
}

struct merging {
    struct hy_txn *t;
    hy_lead_no kept, part;
    hy_domain_no kept_domain, part_domain;
    struct part_note attributes, labels, lists, identities;
    struct hy_merged did;
};

/* ---- attributes ---- */

struct attributes {
    struct hy_buf copy; /* of the record: views die when another is written */
    struct lead_record r;
    struct hy_lead_attr a[HY_ATTR_MAX];
    size_t n;
};

static int attributes_read(struct hy_txn *t, hy_lead_no lead, struct attributes *ret)
{
    uint8_t key[4];
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_LEADS, lead_key(lead, key), &v);
    if (err)
        return err;
    ret->copy = HY_BUF_INIT(HY_ATTR_MAX * (size_t)HY_ATTR_VALUE_MAX + 65536);
    ret->n = 0;
    hy_buf_add_str(&ret->copy, v);
    err = ret->copy.err ? ret->copy.err : hy_lead_record_read(hy_buf_str(&ret->copy), &ret->r);
    struct hy_str packed = ret->r.attrs;
    while (!err && packed.n) {
        if (ret->n == HY_ATTR_MAX)
            return HY_ECORRUPT;
        err = hy_lead_attr_next(&packed, &ret->a[ret->n]);
        ret->n += !err;
    }
    return err;
}

/* Puts `value` under `no` (empty: takes it away), keeping the order. */
static int attributes_set(struct attributes *x, hy_attr_no no, struct hy_str value)
{
    size_t at = 0;
    while (at < x->n && x->a[at].no < no)
        at++;
    bool is_there = at < x->n && x->a[at].no == no;
    if (value.n == 0 && is_there)
        memmove(&x->a[at], &x->a[at + 1], (--x->n - at) * sizeof *x->a);
    if (value.n == 0)
        return 0;
    if (!is_there && x->n == HY_ATTR_MAX)
        return HY_ELIMIT;
    if (!is_there)
        memmove(&x->a[at + 1], &x->a[at], (x->n++ - at) * sizeof *x->a);
    x->a[at] = (struct hy_lead_attr){no, value};
    return 0;
}

static struct hy_str attributes_get(const struct attributes *x, hy_attr_no no)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->a[i].no == no)
            return x->a[i].value;
    return HY_STR("");
}

static int merge_attributes(struct merging *m)
{
    struct attributes *both = calloc(2, sizeof *both);
    struct attributes *kept = both, *part = both + 1;
    int err = both ? attributes_read(m->t, m->kept, kept) : HY_ENOMEM;
    if (!err)
        err = attributes_read(m->t, m->part, part);
    for (size_t i = 0; !err && i < part->n; i++) {
        if (attributes_get(kept, part->a[i].no).n)
            continue;
        err = attributes_set(kept, part->a[i].no, part->a[i].value);
        put_varint(&m->attributes.items, part->a[i].no);
        put_text(&m->attributes.items, part->a[i].value);
        m->attributes.n++;
    }
    if (!err && m->attributes.n)
        err = hy_lead_record_put(m->t, m->kept, &kept->r, kept->a, kept->n, HY_PUT_SET);
    if (both) {
        hy_buf_free(&kept->copy);
        hy_buf_free(&part->copy);
    }
    free(both);
    m->did.attributes = m->attributes.n;
    return err;
}

/* What is still as merging made it goes. */
static int unmerge_attributes(struct merging *m, struct hy_rec_in *in)
{
    struct attributes *kept = calloc(1, sizeof *kept);
    uint64_t n = rec_get_varint(in, HY_ATTR_MAX);
    int err = kept ? attributes_read(m->t, m->kept, kept) : HY_ENOMEM;
    for (uint64_t i = 0; i < n && !err; i++) {
        hy_attr_no no = (hy_attr_no)rec_get_varint(in, HY_ATTR_MAX - 1);
        struct hy_str value = rec_get_str(in, HY_ATTR_VALUE_MAX);
        if (in->bad)
            err = HY_ECORRUPT;
        else if (hy_str_eq(attributes_get(kept, no), value)) {
            err = attributes_set(kept, no, HY_STR(""));
            m->did.attributes++;
        }
    }
    if (!err && m->did.attributes)
        err = hy_lead_record_put(m->t, m->kept, &kept->r, kept->a, kept->n, HY_PUT_SET);
    if (kept)
        hy_buf_free(&kept->copy);
    free(kept);
    return err;
}

/* ---- labels ---- */

struct labels {
    struct {
        enum hy_label_kind kind;
        hy_label_no no;
    } a[HY_LEAD_LABELS_MAX];
    size_t n;
};

static int add_label(void *ctx, const struct hy_label *l)
{
    struct labels *x = ctx;
    if (x->n == HY_LEAD_LABELS_MAX)
        return HY_ECORRUPT;
    x->a[x->n].kind = l->kind;
    x->a[x->n++].no = l->no;
    return 0;
}

static int merge_labels(struct merging *m)
{
    struct labels x = {.n = 0};
    int err = hy_lead_labels(m->t, m->part, add_label, &x);
    for (size_t i = 0; i < x.n && !err; i++) {
        bool got = false, lost;
        err = hy_lead_label(m->t, m->kept, x.a[i].kind, x.a[i].no, &got);
        if (!err)
            err = hy_lead_unlabel(m->t, m->part, x.a[i].kind, x.a[i].no, &lost);
        hy_buf_add_c(&m->labels.items, (char)x.a[i].kind);
        put_varint(&m->labels.items, x.a[i].no);
        put_varint(&m->labels.items, got);
        m->labels.n++;
        m->did.labels += got;
    }
    return err;
}

static int unmerge_labels(struct merging *m, struct hy_rec_in *in)
{
    uint64_t n = rec_get_varint(in, HY_LEAD_LABELS_MAX);
    int err = 0;
    for (uint64_t i = 0; i < n && !err && !in->bad; i++) {
        enum hy_label_kind kind = (enum hy_label_kind)rec_get_u8(in);
        hy_label_no no = (hy_label_no)rec_get_varint(in, UINT32_MAX);
        bool got = rec_get_varint(in, 1), changed = false;
        err = hy_lead_label(m->t, m->part, kind, no, &changed);
        if (!err && got)
            err = hy_lead_unlabel(m->t, m->kept, kind, no, &changed);
        m->did.labels += got && changed;
    }
    return err;
}

/* ---- lists ---- */

static int merge_lists(struct merging *m)
{
    struct hy_list_view l = {.no = 0};
    int err;
    while ((err = hy_list_next(m->t, l.no, &l)) == 0) {
        uint64_t joined = 0;
        bool is_in = false;
        err = hy_list_has(m->t, l.no, m->part_domain, m->part, &is_in);
        if (!err && is_in)
            err = hy_list_drop(m->t, l.no, m->part_domain, m->part);
        if (!err && is_in)
            err = hy_list_add(m->t, l.no, m->kept_domain, &m->kept, 1, &joined);
        if (err)
            return err;
        if (!is_in)
            continue;
        put_varint(&m->lists.items, l.no);
        put_varint(&m->lists.items, joined);
        m->lists.n++;
        m->did.lists += joined > 0;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int unmerge_lists(struct merging *m, struct hy_rec_in *in)
{
    uint64_t n = rec_get_varint(in, UINT32_MAX);
    int err = 0;
    for (uint64_t i = 0; i < n && !err && !in->bad; i++) {
        hy_list_no no = (hy_list_no)rec_get_varint(in, UINT32_MAX);
        bool joined = rec_get_varint(in, 1);
        uint64_t again = 0;
        err = hy_list_add(m->t, no, m->part_domain, &m->part, 1, &again);
        if (!err && joined)
            err = hy_list_drop(m->t, no, m->kept_domain, m->kept);
        m->did.lists += !err && joined;
        if (err == HY_ENOTFOUND) /* the kept one left it since */
            err = 0;
    }
    return err;
}

/* ---- identities ---- */

static int add_identity(void *ctx, const struct hy_identity *i)
{
    struct merging *m = ctx;
    hy_buf_add_c(&m->identities.items, (char)i->kind);
    put_text(&m->identities.items, i->value);
    m->identities.n++;
    return m->identities.items.err;
}

/* The entry of the address itself; the record keeps it, for mail that is on its way. */
static int address_entry(struct hy_txn *t, hy_lead_no lead, struct hy_str address, bool is_put)
{
    char key[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    struct hy_hash_key k = hy_lead_hash_key(t->env);
    if (address.n == 0)
        return 0;
    if (hy_address_wire_key(address, key, &n) != 0)
        return HY_ECORRUPT;
    struct index_entry e = {hy_lead_hash(&k, hy_str_make(key, n)), lead};
    return is_put ? hy_lead_index_add(t, &e, 1) : hy_lead_index_drop(t, e.hash, lead);
}

static int copy_address(struct hy_txn *t, hy_lead_no lead, char room[HY_ADDRESS_MAX],
                        struct hy_str *ret)
{
    struct lead_record r;
    int err = hy_lead_record_get(t, lead, &r);
    if (err)
        return err;
    memcpy(room, r.address.p, r.address.n);
    *ret = hy_str_make(room, r.address.n);
    return 0;
}

static int merge_identities(struct merging *m)
{
    char room[HY_ADDRESS_MAX];
    struct hy_identity own = {.kind = HY_IDENTITY_ADDRESS};
    int err = hy_identity_each(m->t, m->part, add_identity, m);
    if (!err)
        err = hy_identity_move(m->t, m->part, m->kept);
    if (!err)
        err = copy_address(m->t, m->part, room, &own.value);
    if (!err)
        err = address_entry(m->t, m->part, own.value, false);
    if (!err && own.value.n)
        err = hy_identity_put(m->t, &own, m->kept);
    m->did.identities = m->identities.n + (own.value.n > 0);
    return err;
}

/* Those that the kept one still has go back. */
static int give_back(struct merging *m, const struct hy_identity *i, bool is_own_address)
{
    hy_lead_no has = 0;
    int err = hy_identity_find(m->t, i, &has);
    if (err || has != m->kept)
        return err == HY_ENOTFOUND ? 0 : err;
    err = hy_identity_del(m->t, i);
    if (!err && !is_own_address)
        err = hy_identity_put(m->t, i, m->part);
    m->did.identities += !err;
    return err;
}

static int unmerge_identities(struct merging *m, struct hy_rec_in *in)
{
    char room[HY_ADDRESS_MAX];
    struct hy_identity own = {.kind = HY_IDENTITY_ADDRESS};
    uint64_t n = rec_get_varint(in, HY_IDENTITIES_MAX + HY_IDENTITY_VISITORS_MAX);
    int err = 0;
    for (uint64_t i = 0; i < n && !err && !in->bad; i++) {
        struct hy_identity x = {.kind = (enum hy_identity_kind)rec_get_u8(in)};
        x.value = rec_get_str(in, HY_IDENTITY_MAX);
        if (!in->bad)
            err = give_back(m, &x, false);
    }
    if (!err)
        err = copy_address(m->t, m->part, room, &own.value);
    if (!err && own.value.n)
        err = give_back(m, &own, true);
    return err ? err : address_entry(m->t, m->part, own.value, true);
}

/* ---- merging ---- */

static int note_it(struct merging *m, struct hy_str by, const char *what)
{
    hy_lead_no both[2] = {m->kept < m->part ? m->kept : m->part,
                          m->kept < m->part ? m->part : m->kept};
    char meta[100];
    snprintf(meta, sizeof meta, "{\"part\":%lu}", (unsigned long)m->part);
    struct hy_activity a = {.kind = HY_ACTIVITY_MERGED,
                            .lead = m->kept,
                            .source = by,
                            .text = hy_str_of(what),
                            .meta = hy_str_of(meta)};
    int err = hy_activity_put(m->t, &a);
    return err ? err
               : hy_lead_changed(m->t,
                                 HY_LEAD_MERGED | HY_LEAD_ATTRIBUTES | HY_LEAD_TAGS |
                                     HY_LEAD_GROUPS | HY_LEAD_LISTS | HY_LEAD_ADDRESSES,
                                 both, 2);
}

static int domains(struct merging *m)
{
    struct lead_record r;
    int err = hy_lead_record_get(m->t, m->kept, &r);
    if (err)
        return err;
    m->kept_domain = r.domain;
    err = hy_lead_record_get(m->t, m->part, &r);
    m->part_domain = err ? 0 : r.domain;
    return err;
}

/* As their attributes and the alias say. */
static int companies(struct merging *m)
{
    bool changed;
    int err = hy_company_sync(m->t, m->kept, &changed);
    return err ? err : hy_company_sync(m->t, m->part, &changed);
}

static int merge_all(struct merging *m)
{
    struct hy_buf note = HY_BUF_INIT(NOTE_MAX);
    struct part_note *const notes[] = {&m->attributes, &m->labels, &m->lists, &m->identities};
    for (size_t i = 0; i < 4; i++)
        *notes[i] = (struct part_note){.items = HY_BUF_INIT(NOTE_MAX)};
    int err = merge_attributes(m);
    if (!err)
        err = merge_labels(m);
    if (!err)
        err = merge_lists(m);
    if (!err)
        err = merge_identities(m);
    hy_buf_add_c(&note, NOTE_VERSION);
    for (size_t i = 0; i < 4; i++)
        put_part(&note, notes[i]);
    if (!err)
        err = note.err;
    if (!err)
        err = hy_lead_alias_put(m->t, m->part, m->kept, hy_buf_str(&note));
    if (!err)
        err = companies(m);
    if (!err)
        err = hy_scores_join(m->t, m->part, m->kept);
    hy_buf_free(&note);
    return err;
}

static int count_label(void *ctx, const struct hy_label *l)
{
    (void)l;
    ++*(size_t *)ctx;
    return 0;
}

/* Ids and labels of both; labels that both have are few beside what may be. */
static int have_room(struct hy_txn *t, hy_lead_no kept, hy_lead_no part, struct hy_diag *diag)
{
    size_t ids = 0, more = 0, labels = 0;
    int err = hy_identity_count(t, kept, &ids);
    if (!err)
        err = hy_identity_count(t, part, &more);
    if (!err && ids + more + 1 > HY_IDENTITIES_MAX)
        return hy_fail(diag, HY_ELIMIT, "together they have more than %d ids", HY_IDENTITIES_MAX);
    if (!err)
        err = hy_lead_labels(t, kept, count_label, &labels);
    if (!err)
        err = hy_lead_labels(t, part, count_label, &labels);
    if (!err && labels > HY_LEAD_LABELS_MAX)
        return hy_fail(diag, HY_ELIMIT, "together they have more than %d tags and groups",
                       HY_LEAD_LABELS_MAX);
    return err;
}

/* What can be seen before anything is written. */
static int may_merge(struct hy_txn *t, hy_lead_no kept, hy_lead_no part, struct hy_diag *diag)
{
    struct lead_record r;
    hy_lead_no parts[HY_LEAD_PARTS_MAX], top = 0;
    size_t n = 0, more = 0;
    int err = hy_lead_record_get(t, kept, &r);
    if (!err)
        err = hy_lead_record_get(t, part, &r);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no such lead");
    if (!err)
        err = hy_lead_kept(t, part, &top);
    if (!err && top != part)
        return hy_fail(diag, HY_EINVAL, "lead %u is a part of lead %u already", part, top);
    if (!err)
        err = hy_lead_kept(t, kept, &top);
    if (!err && (top == part || top != kept))
        return hy_fail(diag, HY_EINVAL,
                       top == part ? "both are the same lead"
                                   : "the lead to be kept is a part of another");
    if (!err)
        err = hy_lead_parts(t, kept, parts, &n);
    if (!err)
        err = hy_lead_parts(t, part, parts, &more);
    if (!err && n + more > HY_LEAD_PARTS_MAX)
        return hy_fail(diag, HY_ELIMIT, "a person has at most %d parts", HY_LEAD_PARTS_MAX);
    return err ? err : have_room(t, kept, part, diag);
}

int hy_lead_merge(struct hy_txn *t, hy_lead_no kept, hy_lead_no part, struct hy_str by,
                  struct hy_merged *ret, struct hy_diag *diag)
{
    struct merging m = {.t = t, .kept = kept, .part = part, .did = {.kept = kept, .part = part}};
    int err = may_merge(t, kept, part, diag);
    if (err)
        return err;
    err = domains(&m);
    if (!err)
        err = merge_all(&m);
    if (!err)
        err = note_it(&m, by, "merged");
    if (err)
        return hy_txn_fail(t, err);
    *ret = m.did;
    return 0;
}

int hy_lead_unmerge(struct hy_txn *t, hy_lead_no part, struct hy_str by, struct hy_merged *ret,
                    struct hy_diag *diag)
{
    struct merging m = {.t = t, .part = part};
    struct hy_buf copy = HY_BUF_INIT(NOTE_MAX);
    struct hy_str note;
    int err = hy_lead_alias_get(t, part, &m.kept, &note);
    if (err)
        return err == HY_ENOTFOUND ? hy_fail(diag, err, "lead %u is no part of another", part)
                                   : err;
    m.did = (struct hy_merged){.kept = m.kept, .part = part};
    hy_buf_add_str(&copy, note);
    err = copy.err;
    struct hy_rec_in in = rec_in(hy_buf_str(&copy));
    if (!err && rec_get_u8(&in) != NOTE_VERSION)
        err = HY_EVERSION;
    if (!err)
        err = domains(&m);
    if (!err)
        err = hy_lead_alias_del(t, part);
    if (!err)
        err = unmerge_attributes(&m, &in);
    if (!err)
        err = unmerge_labels(&m, &in);
    if (!err)
        err = unmerge_lists(&m, &in);
    if (!err)
        err = unmerge_identities(&m, &in);
    if (!err)
        err = companies(&m);
    if (!err && (in.bad || in.n))
        err = HY_ECORRUPT;
    hy_buf_free(&copy);
    if (!err)
        err = note_it(&m, by, "taken apart");
    if (err)
        return hy_txn_fail(t, err);
    *ret = m.did;
    return 0;
}

/* ---- mail ---- */

static int row_of(struct hy_txn *t, hy_id campaign, hy_lead_no lead, struct hy_queue_row *ret)
{
    struct lead_record r;
    int err = hy_lead_record_get(t, lead, &r);
    return err ? err : hy_queue_find(t, campaign, r.domain, lead, ret);
}

int hy_merge_may_mail(struct hy_txn *t, hy_id campaign, hy_lead_no lead, hy_lead_no *ret_instead)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX], kept = 0;
    size_t n = 0;
    uint64_t merged = 0;
    bool is_before = true;
    int err = hy_table_count(t, HY_TABLE_LEAD_ALIASES, &merged);
    if (err || merged == 0)
        return err;
    err = hy_lead_kept(t, lead, &kept);
    if (!err)
        err = hy_lead_parts(t, kept, parts, &n);
    for (size_t i = 0; i < n && !err; i++) {
        struct hy_queue_row row;
        if (parts[i] == lead) {
            is_before = false;
            continue;
        }
        err = row_of(t, campaign, parts[i], &row);
        if (!err && (row.state == HY_RCPT_DELIVERED || row.state == HY_RCPT_SUPPRESSED ||
                     (is_before && !hy_rcpt_is_final(row.state)))) {
            *ret_instead = parts[i];
            return HY_EEXIST;
        }
        if (err == HY_ENOTFOUND)
            err = 0;
    }
    return err;
}
