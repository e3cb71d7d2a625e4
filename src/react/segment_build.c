/* The building of segments: find, store, catch up. */
#include "hayauma/react/segment_build.h"

#include <roaring/roaring.h>

#include "hayauma/base/list.h"
#include "hayauma/react/segment_edit.h"
#include "segments_priv.h"

enum { TOUCHED_AT_ONCE = 64 };

/* ---- storing ---- */

/* The moments of one second after the other. */
static int store_due(struct hy_txn *t, struct hy_segment_building *b)
{
    hy_lead_no leads[1024];
    int err = HY_OK;
    while (b->due < b->found.n_due && !err) {
        uint64_t first = b->found.due[b->due];
        size_t n = 0, at = b->due;
        for (; at < b->found.n_due && b->found.due[at] >> 32 == first >> 32 &&
               n < sizeof leads / sizeof *leads;
             at++)
            leads[n++] = (hy_lead_no)b->found.due[at];
        err = hy_segment_due_put(t, b->no, (uint32_t)(first >> 32), leads, n);
        if (!err)
            b->due = at;
        if (!err && hy_txn_should_yield(t))
            err = HY_EMORE;
    }
    return err;
}

/* Looks at those to whom something happened since the snapshot. */
static int catch_up(struct hy_txn *t, struct hy_segments *s, hy_segment_no no)
{
    struct hy_lead_set touched = hy_segment_touched(no);
    hy_lead_no leads[TOUCHED_AT_ONCE];
    size_t n;
    for (;;) {
        int err = hy_lead_set_next(t, touched, 0, leads, TOUCHED_AT_ONCE, &n);
        for (size_t i = 0; i < n && !err; i++)
            err = hy_segments_settle(t, s, no, leads[i]);
        if (!err)
            err = hy_lead_set_remove_many(t, touched, leads, n);
        if (err || n < TOUCHED_AT_ONCE)
            return err;
        if (hy_txn_should_yield(t))
            return HY_EMORE;
    }
}

/* Companies whose points fade are looked at when they pass what the segment asks for. */
static int arm_companies(struct hy_txn *t, struct hy_segments *s, struct hy_segment_building *b)
{
    hy_company_no no = b->company;
    int err = segments_follow(t, s);
    if (err || !(s->plan.uses & PLAN_COMPANY))
        return err;
    while (!err && (err = hy_company_scored_next(t, no, &no)) == HY_OK) {
        err = segments_arm(t, s, no, b->at);
        b->company = no;
        if (!err && hy_txn_should_yield(t))
            return HY_EMORE;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int hy_segment_build_store(struct hy_txn *t, struct hy_segments *s, struct hy_segment_building *b)
{
    struct hy_segment seg;
    int err = hy_segment_read(t, b->no, &seg);
    if (!err && (seg.state != HY_SEGMENT_BUILDING || seg.version != b->version))
        return HY_OK; /* deleted, or changed meanwhile: another building comes */
    if (!err)
        err = hy_lead_set_store(t, hy_segment_set_of(b->no), b->found.leads, &b->block);
    if (!err)
        err = store_due(t, b);
    if (!err)
        err = arm_companies(t, s, b);
    if (!err)
        err = catch_up(t, s, b->no);
    if (!err)
        err = hy_segment_read(t, b->no, &seg);
    if (err)
        return err == HY_ENOTFOUND ? HY_OK : err;
    seg.state = HY_SEGMENT_READY;
    return hy_segment_save(t, &seg);
}

/* ---- by the writer ---- */

struct request {
    struct hy_write_req req; /* first */
    struct hy_segments *segments;
    struct hy_segment_building b, reached; /* as the last slice that was applied left it */
    struct hy_str broken;                  /* why; empty: it is found */
};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct request *q = hy_container_of(r, struct request, req);
    q->reached = q->b; /* apply may be called again for the same */
    return hy_segment_build_store(t, q->segments, &q->reached);
}

static void slice(struct hy_write_req *r)
{
    struct request *q = hy_container_of(r, struct request, req);
    q->b = q->reached;
}

static int break_it(struct hy_write_req *r, struct hy_txn *t)
{
    struct request *q = hy_container_of(r, struct request, req);
    struct hy_segment s;
    int err = hy_segment_read(t, q->b.no, &s);
    if (err == HY_ENOTFOUND || (!err && s.version != q->b.version))
        return HY_OK;
    if (err)
        return err;
    s.state = HY_SEGMENT_BROKEN;
    s.note = hy_str_slice(q->broken, 0, HY_SEGMENTS_NOTE_MAX);
    return hy_segment_save(t, &s);
}

/* ---- which, and who is in it ---- */

/* Whether it names one that is still being built. */
static bool waits(const struct segment_plan *p, size_t place)
{
    for (size_t i = 0; i < place; i++)
        for (size_t k = 0; k < p->segments[i].n_dependents; k++)
            if (p->segments[i].dependents[k] == place &&
                p->segments[i].state == HY_SEGMENT_BUILDING)
                return true;
    return false;
}

static int find_next(struct hy_txn *t, struct hy_segment *ret)
{
    struct segment_plan p;
    int err = segment_plan_read(t, &p);
    if (err)
        return err;
    size_t i = 0;
    while (i < p.n && (p.segments[i].state != HY_SEGMENT_BUILDING || waits(&p, i)))
        i++;
    err = i < p.n ? hy_segment_read(t, p.segments[i].no, ret) : HY_ENOTFOUND;
    segment_plan_free(&p);
    return err;
}

static int find_members(struct hy_txn *t, const struct hy_segment_build *b,
                        const struct hy_segment *s, hy_wall_ms now, struct hy_segment_found *ret,
                        struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    const struct hy_segment_node *tree;
    const struct hy_segment_search o = {.facts = b->facts,
                                        .now = now,
                                        .wants_due = true,
                                        .is_cancelled = b->is_cancelled,
                                        .ctx = b->ctx};
    int err = hy_segment_check(t, s->name, s->text, &arena, &tree, diag);
    if (!err)
        err = hy_segment_find_all(t, tree, &o, ret, diag);
    hy_arena_free(&arena);
    return err;
}

static bool is_its_fault(int err)
{
    return err == HY_EPARSE || err == HY_EINVAL || err == HY_ELIMIT;
}

int hy_segment_build_next(const struct hy_segment_build *b, hy_segment_no *ret_no)
{
    struct request q = {.req = {.class = HY_WRITE_ADMIN,
                                .when = HY_WRITE_NOW,
                                .on_full = HY_WRITE_FULL_WAIT,
                                .apply = apply,
                                .slice = slice}};
    struct hy_diag diag = {0};
    struct hy_segment s;
    struct hy_txn t;
    int err = hy_txn_read(b->env, &t);
    if (err)
        return err;
    err = find_next(&t, &s);
    if (!err) {
        *ret_no = q.b.no = s.no;
        q.b.version = s.version;
        q.b.at = hy_clock_wall_ms();
        err = find_members(&t, b, &s, q.b.at, &q.b.found, &diag);
    } else if (err == HY_ENOTFOUND) {
        hy_txn_end(&t);
        return err;
    }
    hy_txn_end(&t);
    if (!err)
        err = hy_segments_new(&b->facts, b->meter, &q.segments);
    if (is_its_fault(err)) {
        q.broken = hy_str_of(diag.text[0] ? diag.text : hy_err_text(err));
        q.req.apply = break_it;
        q.req.slice = NULL;
        err = HY_OK;
    }
    if (!err)
        err = hy_writer_run(b->writer, &q.req);
    hy_segments_free(q.segments);
    hy_segment_found_free(&q.b.found);
    return err;
}
