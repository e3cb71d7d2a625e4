/* Erasing one person: the job, its record, and what is asked about it later.
 *
 * Key: lead be32. Value: version u8, step u8, by length u8, 0; le64: started, finished, pos x 2,
 * transaction that deleted last, page, bytes zeroed, cancelled, attempts, activities, messages,
 * masked; who asked. */
#include "erase.h"

#include <stdlib.h>

#include "env_priv.h"
#include "hayauma/base/list.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/spool.h"
#include "hayauma/store/suppress.h"
#include "lead_priv.h"

enum { VERSION = 1, HEAD = 4 + 12 * 8, RECORD_MAX = HEAD + HY_ERASE_BY_MAX };
/* Numbers of steps: the records are deleted, and wait for a pass over the file (pos: the lead whose
 * pass it is, once it has begun); all are done. */
enum { ERASE_DELETED = 7, ERASE_OVER = 10 };
enum { RIDERS_MAX = 10000 }; /* that join one pass; others wait for the next */

/* ---- the record ---- */

static struct hy_str key_of(hy_lead_no lead, uint8_t key[4])
{
    hy_put_be32(key, lead);
    return hy_str_make(key, 4);
}

static int record_read(struct hy_str v, struct erase_record *ret)
{
    uint64_t n[12];
    int err = hy_value_check(v, VERSION);
    if (err)
        return err;
    if (v.n < HEAD || v.n != HEAD + (size_t)(uint8_t)v.p[2] || (uint8_t)v.p[2] > HY_ERASE_BY_MAX)
        return HY_ECORRUPT;
    for (unsigned i = 0; i < 12; i++)
        n[i] = hy_get_le64(v.p + 4 + 8 * i);
    *ret = (struct erase_record){
        .step = (uint8_t)v.p[1],
        .by_n = (uint8_t)v.p[2],
        .started = (hy_wall_ms)n[0],
        .finished = (hy_wall_ms)n[1],
        .pos = {n[2], n[3]},
        .scrub = {.behind = n[4], .page = n[5], .zeroed = n[6]},
        .cancelled = n[7],
        .attempts = n[8],
        .activities = n[9],
        .messages = n[10],
        .masked = n[11],
    };
    memcpy(ret->by, v.p + HEAD, ret->by_n);
    return 0;
}

static int record_get(struct hy_txn *t, hy_lead_no lead, struct erase_record *ret)
{
    uint8_t key[4];
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_ERASURES, key_of(lead, key), &v);
    if (!err)
        err = record_read(v, ret);
    return err == HY_ENOTFOUND ? err : err ? hy_txn_fail(t, err) : 0;
}

static int record_put(struct hy_txn *t, hy_lead_no lead, const struct erase_record *r)
{
    uint8_t key[4], b[RECORD_MAX] = {VERSION, r->step, r->by_n};
    const uint64_t n[12] = {
        (uint64_t)r->started, (uint64_t)r->finished, r->pos[0],       r->pos[1],
        r->scrub.behind,      r->scrub.page,         r->scrub.zeroed, r->cancelled,
        r->attempts,          r->activities,         r->messages,     r->masked};
    for (unsigned i = 0; i < 12; i++)
        hy_put_le64(b + 4 + 8 * i, n[i]);
    memcpy(b + HEAD, r->by, r->by_n);
    t->env->erased = HY_ERASED_SOME;
    return hy_put(t, HY_TABLE_ERASURES, key_of(lead, key), hy_str_make(b, HEAD + r->by_n),
                  HY_PUT_SET);
}

/* ---- the steps ---- */

static int files(struct erasing *e)
{
    for (size_t i = 0; i < e->n_parts && e->j->contacts; i++)
        hy_contacts_forget(e->j->contacts, e->parts[i]);
    return 0;
}

/* ---- one pass over the file for all who wait for it ---- */

/* Calls `each` for the records that wait for a pass: `of`: for that of this lead, which they have
 * joined; 0: for none yet. It may put the record. */
static int each_waiting(struct erasing *e, hy_lead_no of,
                        int (*each)(struct erasing *e, hy_lead_no lead, struct erase_record *r))
{
    struct hy_cursor c;
    struct erase_record r;
    int err = hy_cursor_open(e->t, HY_TABLE_ERASURES, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (unsigned n = 0; !err && n < RIDERS_MAX; err = err ? err : hy_cursor_next(&c)) {
        err = c.key.n == 4 ? record_read(c.value, &r) : HY_ECORRUPT;
        hy_lead_no lead = err ? 0 : hy_get_be32(c.key.p);
        if (err || lead == e->lead || r.step != ERASE_DELETED || r.pos[0] != of)
            continue;
        err = each(e, lead, &r);
        n++;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int join(struct erasing *e, hy_lead_no lead, struct erase_record *r)
{
    r->pos[0] = e->lead;
    return record_put(e->t, lead, r);
}

static int arrive(struct erasing *e, hy_lead_no lead, struct erase_record *r)
{
    r->step = ERASE_OVER;
    r->pos[0] = 0;
    r->finished = e->t->now;
    return record_put(e->t, lead, r);
}

static int scrub_begin(struct erasing *e)
{
    hy_scrub_begin(e->t, &e->r.scrub);
    return each_waiting(e, 0, join);
}

static int scrub_buffers(struct erasing *e)
{
    return hy_scrub_buffers(e->t);
}

/* Two commits lie between what was deleted last and here: the job makes them itself. An older
 * snapshot may be read for minutes: that is told, before anything was written. */
static int scrub_file(struct erasing *e)
{
    enum { COMMITS = 2 };
    int err = hy_scrub_slice(e->t, &e->r.scrub);
    if (!err)
        err = each_waiting(e, e->lead, arrive);
    if (err == HY_EBUSY && (e->has_written || e->r.pos[0] < COMMITS)) {
        e->r.pos[0]++;
        err = HY_EMORE;
    }
    return err;
}

static int (*const steps[])(struct erasing *e) = {
    hy_erase_suppress, hy_erase_rows, hy_erase_spool, hy_erase_activities, hy_erase_words, files,
    hy_erase_lead,     scrub_begin,   scrub_buffers,  scrub_file,
};
_Static_assert(sizeof steps / sizeof *steps == ERASE_OVER, "each step has its number");

int hy_erase_note(struct erasing *e, hy_lead_no part)
{
    struct erase_record r = {
        .step = ERASE_OVER, .started = e->r.started, .finished = e->t->now, .by_n = e->r.by_n};
    memcpy(r.by, e->r.by, e->r.by_n);
    return record_put(e->t, part, &r);
}

void hy_erase_names_free(struct hy_erase_names *names)
{
    if (names->address)
        explicit_bzero(names->address, names->cap * sizeof *names->address);
    free(names->address);
    *names = (struct hy_erase_names){.n = 0};
}

/* Twice the room; what was in the old one is wiped. */
static int grow(struct hy_erase_names *names)
{
    struct hy_erase_names more = {.n = names->n, .cap = names->cap ? 2 * names->cap : 8};
    more.address = calloc(more.cap, sizeof *more.address);
    if (!more.address)
        return HY_ENOMEM;
    if (names->n)
        memcpy(more.address, names->address, names->n * sizeof *names->address);
    hy_erase_names_free(names);
    *names = more;
    return 0;
}

int hy_erase_names_add(struct hy_erase_names *names, struct hy_str address)
{
    if (address.n == 0 || address.n > HY_ADDRESS_MAX)
        return 0;
    for (size_t i = 0; i < names->n; i++)
        if (hy_str_eq(address, hy_str_of(names->address[i])))
            return 0;
    int err = names->n == names->cap ? grow(names) : 0;
    if (err)
        return err;
    memcpy(names->address[names->n], address.p, address.n);
    names->address[names->n++][address.n] = '\0';
    return 0;
}

static int add_identity(void *ctx, const struct hy_identity *i)
{
    return i->kind == HY_IDENTITY_ADDRESS ? hy_erase_names_add(ctx, i->value) : 0;
}

static int names_of(struct hy_txn *t, const hy_lead_no *parts, size_t n, struct hy_erase_names *ret)
{
    struct hy_erase_names names = {.n = 0};
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        struct lead_record lead;
        err = hy_lead_record_get(t, parts[i], &lead);
        if (!err)
            err = hy_erase_names_add(&names, lead.address);
        if (!err)
            err = hy_identity_each(t, parts[i], add_identity, &names);
        if (err == HY_ENOTFOUND && i > 0) /* its record went already */
            err = 0;
    }
    if (err)
        hy_erase_names_free(&names);
    else
        *ret = names;
    return err;
}

int hy_erase_names(struct hy_txn *t, hy_lead_no lead, struct hy_erase_names *ret)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    size_t n = 0;
    int err = hy_lead_parts(t, lead, parts, &n);
    return err ? err : names_of(t, parts, n, ret);
}

int hy_erase_left(struct hy_txn *t, const struct hy_erase_names *names, uint64_t *ret_n)
{
    uint64_t sum = 0;
    int err = 0;
    for (size_t i = 0; i < names->n && !err; i++) {
        uint64_t n = 0;
        err = hy_scrub_find(t, hy_str_of(names->address[i]), &n);
        sum += n;
    }
    if (!err)
        *ret_n = sum;
    return err;
}

/* Reads or makes the record, and who it is about. */
static int begin(struct erasing *e)
{
    struct hy_erase_job *j = e->j;
    int err = record_get(e->t, e->lead, &e->r);
    bool is_new = err == HY_ENOTFOUND;
    if (err && !is_new)
        return err;
    err = hy_lead_parts(e->t, e->lead, e->parts, &e->n_parts);
    if (!err)
        err = names_of(e->t, e->parts, e->n_parts, &e->names);
    if (err == HY_ENOTFOUND && !is_new) {
        e->n_parts = 0;
        return 0;
    }
    if (err || !is_new)
        return err;
    atomic_fetch_add(&e->t->env->shared.erasures_begun, 1);
    struct hy_str by = hy_str_slice(j->by, 0, HY_ERASE_BY_MAX);
    e->r = (struct erase_record){.started = e->t->now, .by_n = (uint8_t)by.n};
    if (by.n)
        memcpy(e->r.by, by.p, by.n);
    return 0;
}

/* The step before which a job leaves a lead: one for all that are open deletes the records of each
 * before it begins a pass over the file. */
static unsigned end_of(const struct erasing *e)
{
    if (e->j->only_begins)
        return 1;
    return !e->j->lead && e->r.step < ERASE_DELETED ? ERASE_DELETED : ERASE_OVER;
}

static int go_on(struct erasing *e)
{
    struct hy_write_req *req = &e->j->req;
    const unsigned end = end_of(e);
    int err = 0;
    while (!err && e->r.step < end) {
        req->is_first = steps[e->r.step] == scrub_buffers && e->t->writes > 0;
        if (req->is_first) /* what a transaction has written is in buffers that it keeps */
            break;
        err = steps[e->r.step](e);
        if (err && err != HY_EMORE)
            return err;
        if (!err) {
            e->r.step++;
            e->r.pos[0] = e->r.pos[1] = 0;
        }
        e->has_written = true;
        if (hy_txn_should_yield(e->t))
            break;
    }
    if (e->r.step >= ERASE_OVER)
        e->r.finished = e->t->now;
    err = record_put(e->t, e->lead, &e->r);
    return err ? err : e->r.step >= end ? 0 : HY_EMORE;
}

static int one(struct hy_erase_job *j, struct hy_txn *t, hy_lead_no lead)
{
    struct erasing e = {.t = t, .j = j, .lead = lead, .has_written = t->writes > 0};
    int err = begin(&e);
    if (!err && e.r.step < ERASE_OVER)
        err = go_on(&e);
    hy_erase_names_free(&e.names);
    return err;
}

/* Whose turn it is: records to be deleted, then a pass that has begun, then one to begin. */
static int next_open(struct hy_txn *t, hy_lead_no *ret)
{
    struct hy_cursor c;
    struct erase_record r;
    hy_lead_no passing = 0, waiting = 0, found = 0;
    int err = hy_cursor_open(t, HY_TABLE_ERASURES, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err && !found; err = err ? err : hy_cursor_next(&c)) {
        err = c.key.n == 4 ? record_read(c.value, &r) : HY_ECORRUPT;
        if (err || r.step >= ERASE_OVER)
            continue;
        hy_lead_no lead = hy_get_be32(c.key.p);
        hy_lead_no *which = r.step < ERASE_DELETED   ? &found
                            : r.step > ERASE_DELETED ? &passing
                                                     : &waiting;
        *which = *which ? *which : lead;
    }
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND)
        return hy_txn_fail(t, err);
    *ret = found ? found : passing ? passing : waiting;
    return *ret ? 0 : HY_ENOTFOUND;
}

static int slice(struct hy_write_req *req, struct hy_txn *t)
{
    struct hy_erase_job *j = hy_container_of(req, struct hy_erase_job, req);
    hy_lead_no lead = j->lead;
    int err = 0;
    if (lead)
        return one(j, t, lead);
    do {
        err = next_open(t, &lead);
        if (!err)
            err = one(j, t, lead);
    } while (!err && !hy_txn_should_yield(t));
    return err == HY_ENOTFOUND ? 0 : err ? err : HY_EMORE;
}

void hy_erase_job_init(struct hy_erase_job *j, hy_lead_no lead, struct hy_str by)
{
    *j = (struct hy_erase_job){
        .req = {.class = HY_WRITE_ADMIN,
                .when = HY_WRITE_NOW,
                .on_full = HY_WRITE_FULL_WAIT,
                .apply = slice},
        .lead = lead,
        .by = by,
    };
}

/* ---- what is known of it ---- */

int hy_erasure_get(struct hy_txn *t, hy_lead_no lead, struct hy_erasure *ret)
{
    uint8_t key[4];
    struct erase_record r;
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_ERASURES, key_of(lead, key), &v);
    if (err)
        return err;
    err = record_read(v, &r);
    if (err)
        return hy_txn_fail(t, err);
    *ret = (struct hy_erasure){
        .lead = lead,
        .started = r.started,
        .finished = r.finished,
        .cancelled = r.cancelled,
        .attempts = r.attempts,
        .activities = r.activities,
        .messages = r.messages,
        .masked = r.masked,
        .zeroed = r.scrub.zeroed,
        .by = hy_str_slice(v, HEAD, v.n),
    };
    return 0;
}

int hy_erasure_next_open(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret)
{
    uint8_t key[4];
    struct hy_cursor c;
    struct erase_record r = {.step = ERASE_OVER};
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_ERASURES, &c);
    if (!err)
        err = hy_cursor_seek(&c, key_of(after + 1, key));
    for (; !err; err = hy_cursor_next(&c)) {
        err = c.key.n == 4 ? record_read(c.value, &r) : HY_ECORRUPT;
        if (err || r.step < ERASE_OVER)
            break;
    }
    if (!err)
        *ret = hy_get_be32(c.key.p);
    hy_cursor_close(&c);
    return err;
}

uint32_t hy_erasures_begun(const struct hy_env *env)
{
    return atomic_load(&env->shared.erasures_begun);
}

/* ---- who writes later ---- */

/* Whether anybody was ever erased here. */
static bool has_erased(struct hy_txn *t)
{
    uint64_t n = 0;
    if (t->env->erased == HY_ERASED_UNKNOWN && hy_table_count(t, HY_TABLE_ERASURES, &n) == 0)
        t->env->erased = n ? HY_ERASED_SOME : HY_ERASED_NONE;
    return t->env->erased == HY_ERASED_SOME;
}

static bool is_erased(struct hy_txn *t, hy_lead_no lead)
{
    uint8_t key[4];
    struct hy_str v;
    return lead && hy_get(t, HY_TABLE_ERASURES, key_of(lead, key), &v) == 0;
}

static int is_erased_entry(void *ctx, const struct hy_suppress_entry *e)
{
    (void)ctx;
    return e->key.reason == HY_SUPPRESS_ERASED;
}

/* Nothing else is known of an address that was erased, but that it was. */
static bool is_erased_address(struct hy_txn *t, struct hy_str address)
{
    struct hy_suppress_id id;
    return address.n && hy_suppress_may_have(t->env, address) &&
           hy_suppress_id_of(t->env, address, &id) == 0 &&
           hy_suppress_each(t, id, is_erased_entry, NULL) == 1;
}

void hy_erase_hush(struct hy_txn *t, struct hy_attempt *a)
{
    struct hy_spool_rcpt r;
    hy_id message;
    if (!has_erased(t))
        return;
    bool is_gone = hy_id_is_spool(a->ref.campaign) ? hy_spool_rcpt(t, &a->ref, &r, &message) == 0 &&
                                                         hy_erase_is_masked(r.address)
                                                   : is_erased(t, a->ref.lead);
    if (!is_gone)
        return;
    a->outcome.text = HY_STR("");
    a->effect = HY_EFFECT_NONE;
}

void hy_erase_strip(struct hy_txn *t, struct hy_activity *a)
{
    static const uint8_t none[16];
    if (!has_erased(t) || !(a->lead ? is_erased(t, a->lead) : is_erased_address(t, a->address)))
        return;
    a->lead = 0;
    a->message = 0;
    a->visitor = 0;
    memcpy(a->ip, none, sizeof none);
    a->address = a->source = a->text = a->agent = a->url = a->meta = a->ref = HY_STR("");
}
