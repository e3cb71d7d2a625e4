/* A campaign by domain and reason: its rows, and what came back. */
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/model/activity.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign_report.h"
#include "hayauma/store/lead.h"
#include "report.h"

/* What came back, by kind. */
struct returns {
    uint64_t n[HY_ACTIVITY_KINDS];
    uint64_t opens[HY_TALLY_WHO], clicks[HY_TALLY_WHO];
    uint64_t hard, late_bounces[HY_BOUNCE_REASONS];
};

struct row {
    struct hy_domain_report r;
    struct returns back;
    uint64_t queued;
};

struct gathering {
    size_t max; /* domains told by themselves: those with the most rows */
    struct row *rows;
    size_t n;
    uint64_t n_domains;
    struct row sum;
};

/* ---- gathering ---- */

static void add(struct hy_domain_report *to, const struct hy_domain_report *from)
{
    for (int i = 0; i < HY_RCPT_STATES; i++)
        to->by_state[i] += from->by_state[i];
    for (int i = 0; i < HY_BOUNCE_REASONS; i++) {
        to->refusals[i] += from->refusals[i];
        to->deferrals[i] += from->deferrals[i];
    }
    to->attempts += from->attempts;
    to->tried += from->tried;
    to->forgotten += from->forgotten;
}

static uint64_t rows_of(const struct hy_domain_report *r)
{
    uint64_t n = 0;
    for (int i = 0; i < HY_RCPT_STATES; i++)
        n += r->by_state[i];
    return n;
}

/* Keeps the largest: rows[0] is the least of a heap. */
static void sift_down(struct gathering *g, size_t at)
{
    for (;;) {
        size_t least = at, left = 2 * at + 1;
        for (size_t k = left; k < left + 2 && k < g->n; k++)
            if (g->rows[k].queued < g->rows[least].queued)
                least = k;
        if (least == at)
            return;
        struct row swap = g->rows[at];
        g->rows[at] = g->rows[least];
        g->rows[least] = swap;
        at = least;
    }
}

static void keep(struct gathering *g, const struct hy_domain_report *r)
{
    struct row row = {.r = *r, .queued = rows_of(r)};
    add(&g->sum.r, r);
    g->sum.queued += row.queued;
    g->n_domains++;
    if (g->n < g->max) {
        g->rows[g->n++] = row;
        if (g->n == g->max)
            for (size_t i = g->n / 2 + 1; i-- > 0;)
                sift_down(g, i);
    } else if (g->n && row.queued > g->rows[0].queued) {
        g->rows[0] = row;
        sift_down(g, 0);
    }
}

static int by_domain(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->r.domain < y->r.domain ? -1 : x->r.domain > y->r.domain;
}

static int by_size(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->queued > y->queued ? -1 : x->queued < y->queued ? 1 : by_domain(a, b);
}

static void count(struct returns *back, const struct hy_activity_count *n)
{
    if ((size_t)n->kind >= HY_ACTIVITY_KINDS)
        return;
    back->n[n->kind] += n->n;
    if (n->kind == HY_ACTIVITY_OPEN)
        back->opens[hy_tally_who(n->flags)] += n->n;
    if (n->kind == HY_ACTIVITY_CLICK)
        back->clicks[hy_tally_who(n->flags)] += n->n;
    if (n->kind != HY_ACTIVITY_LATE_BOUNCE)
        return;
    back->late_bounces[n->reason < HY_BOUNCE_REASONS ? n->reason : 0] += n->n;
    if (n->flags & HY_ACTIVITY_HARD)
        back->hard += n->n;
}

static int on_count(void *ctx, const struct hy_activity_count *n)
{
    struct gathering *g = ctx;
    const struct row wanted = {.r.domain = n->domain};
    struct row *row =
        n->domain && g->n ? bsearch(&wanted, g->rows, g->n, sizeof *g->rows, by_domain) : NULL;
    count(&g->sum.back, n);
    if (row)
        count(&row->back, n);
    return 0;
}

static int gather(struct gathering *g, const struct report *rep, struct report_times *times)
{
    const struct hy_report_ends ends = {report_times_ended, times};
    struct hy_domain_report r = {.domain = 0};
    int err;
    while ((err = hy_campaign_report_next(rep->t, rep->c.id, r.domain, &ends, &r)) == HY_OK) {
        keep(g, &r);
        if (report_is_over(rep))
            return HY_ECANCELED;
        if (rep->wish->progress && g->n_domains % 1000 == 0)
            rep->wish->progress(rep->wish->ctx, "domains", g->n_domains);
    }
    if (err != HY_ENOTFOUND)
        return err;
    if (g->n)
        qsort(g->rows, g->n, sizeof *g->rows, by_domain);
    err = hy_activity_counts(rep->t, rep->c.id, on_count, g);
    if (g->n)
        qsort(g->rows, g->n, sizeof *g->rows, by_size);
    return err;
}

/* ---- telling ---- */

static json_t *reasons_json(const uint64_t n[HY_BOUNCE_REASONS])
{
    json_t *o = json_object();
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        if (n[i])
            ctl_set_count(o, hy_bounce_reason_name((enum hy_bounce_reason)i), n[i]);
    return o;
}

static uint64_t sum_of(const uint64_t n[HY_BOUNCE_REASONS])
{
    uint64_t sum = 0;
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        sum += n[i];
    return sum;
}

/* "opens_human" ... */
static void put_who(json_t *o, const char *what, const uint64_t n[HY_TALLY_WHO])
{
    static const char *const names[HY_TALLY_WHO] = {"human", "machine", "unknown"};
    char key[32];
    for (unsigned i = 0; i < HY_TALLY_WHO; i++) {
        snprintf(key, sizeof key, "%s_%s", what, names[i]);
        ctl_set_count(o, key, n[i]);
    }
}

static void put_row(json_t *o, const struct row *row)
{
    static const struct {
        const char *name;
        enum hy_activity_kind kind;
    } returns[] = {{"complaints", HY_ACTIVITY_COMPLAINT}, {"unsubscribes", HY_ACTIVITY_UNSUBSCRIBE},
                   {"replies", HY_ACTIVITY_REPLY},        {"auto_replies", HY_ACTIVITY_AUTO_REPLY},
                   {"opens", HY_ACTIVITY_OPEN},           {"clicks", HY_ACTIVITY_CLICK}};
    ctl_set_count(o, "queued", row->queued);
    ctl_set_count(o, "sent", row->r.tried);
    for (int i = 0; i < HY_RCPT_STATES; i++)
        ctl_set_count(o, hy_rcpt_state_name((enum hy_rcpt_state)i), row->r.by_state[i]);
    ctl_set_count(o, "attempts", row->r.attempts);
    ctl_set_count(o, "deferrals", sum_of(row->r.deferrals));
    ctl_set_count(o, "late_bounces", row->back.n[HY_ACTIVITY_LATE_BOUNCE]);
    ctl_set_count(o, "late_bounces_hard", row->back.hard);
    for (size_t i = 0; i < sizeof returns / sizeof *returns; i++)
        ctl_set_count(o, returns[i].name, row->back.n[returns[i].kind]);
    put_who(o, "opens", row->back.opens);
    put_who(o, "clicks", row->back.clicks);
    json_object_set_new(o, "bounce_reasons", reasons_json(row->r.refusals));
    json_object_set_new(o, "deferral_reasons", reasons_json(row->r.deferrals));
    json_object_set_new(o, "late_bounce_reasons", reasons_json(row->back.late_bounces));
    ctl_set_count(o, "forgotten", row->r.forgotten);
}

static void put_domains(struct report *r, const struct gathering *g)
{
    json_t *domains = json_array();
    put_row(r->o, &g->sum);
    ctl_set_count(r->o, "n_domains", g->n_domains);
    for (size_t i = 0; i < g->n; i++) {
        json_t *row = json_object();
        struct hy_str name;
        if (hy_domain_name(r->t, g->rows[i].r.domain, &name) == HY_OK)
            json_object_set_new(row, "domain", ctl_text_json(name));
        put_row(row, &g->rows[i]);
        json_array_append_new(domains, row);
    }
    json_object_set_new(r->o, "domains", domains);
}

int report_domains_put(struct report *r, struct report_times *times)
{
    struct gathering g = {.max = r->wish->domains};
    g.rows = calloc(g.max + 1, sizeof *g.rows);
    int err = g.rows ? gather(&g, r, times) : HY_ENOMEM;
    if (err == HY_OK)
        put_domains(r, &g);
    free(g.rows);
    return err;
}
