/* Finding the domains that have rows which a person picked: by campaign and by spool, and, when a
 * site or a provider is named, after delivery was asked where each of them leads. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl_pick.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/spool.h"

struct finding {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct ctl_targets *targets;
};

static bool is_over(const struct finding *f)
{
    return hy_control_is_cancelled(f->call) || atomic_load(&f->d->alters_ending);
}

/* ---- rows ---- */

static int compare_targets(const void *x, const void *y)
{
    const struct ctl_target *a = x, *b = y;
    if (a->campaign != b->campaign)
        return a->campaign < b->campaign ? -1 : 1;
    return a->domain < b->domain ? -1 : a->domain > b->domain;
}

/* Rows of a spool come in the order of their arrival: a domain may stand there often. */
static void merge(struct ctl_targets *t)
{
    size_t kept = 0;
    if (t->n > 1)
        qsort(t->items, t->n, sizeof *t->items, compare_targets);
    for (size_t i = 0; i < t->n; i++) {
        if (kept && compare_targets(&t->items[kept - 1], &t->items[i]) == 0)
            t->items[kept - 1].rows += t->items[i].rows;
        else
            t->items[kept++] = t->items[i];
    }
    t->n = kept;
}

static int make_room(struct ctl_targets *t)
{
    merge(t);
    if (t->cap && t->n <= t->cap / 2)
        return HY_OK;
    if (t->n >= CTL_TARGETS_MAX)
        return HY_ELIMIT;
    size_t cap = t->cap ? 2 * t->cap : 256;
    struct ctl_target *more = realloc(t->items, cap * sizeof *more);
    if (!more)
        return HY_ENOMEM;
    t->items = more;
    t->cap = cap;
    return HY_OK;
}

static int add_row(void *ctx, const struct hy_queue_row *row)
{
    struct finding *f = ctx;
    struct ctl_targets *t = f->targets;
    struct ctl_target *last = t->n ? &t->items[t->n - 1] : NULL;
    t->rows++;
    if (last && last->domain == row->ref.domain && last->campaign == row->ref.campaign) {
        last->rows++;
        return HY_OK;
    }
    if (is_over(f))
        return HY_ECANCELED;
    int err = t->n == t->cap ? make_room(t) : HY_OK;
    if (err == HY_OK)
        t->items[t->n++] = (struct ctl_target){row->ref.campaign, row->ref.domain, 1};
    return err;
}

static int find_in_campaigns(struct finding *f, struct hy_txn *t, const struct ctl_pick *p)
{
    struct hy_campaign c;
    hy_id after = 0;
    int err;
    while ((err = hy_campaign_next(t, after, &c)) == HY_OK) {
        after = c.id;
        if (!ctl_pick_campaign(p, &c))
            continue;
        f->targets->queueing += c.state == HY_CAMPAIGN_QUEUEING;
        err = hy_pick_rows(t, c.id, p->domain ? p->domain : p->lead_domain, &p->pick, add_row, f);
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int find_in_spools(struct finding *f, struct hy_txn *t, const struct ctl_pick *p)
{
    hy_id spool = 0;
    int err;
    while ((err = hy_spool_next(t, spool, &spool)) == HY_OK) {
        if (p->has_tenant && hy_spool_tenant(spool) != p->tenant)
            continue;
        err = hy_pick_rows(t, spool, p->domain, &p->pick, add_row, f);
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int find_rows(struct finding *f, const struct ctl_pick *p)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(f->d->env, &t);
    if (err == HY_OK && !p->no_campaigns)
        err = find_in_campaigns(f, &t, p);
    if (err == HY_OK && !p->no_ready)
        err = find_in_spools(f, &t, p);
    hy_txn_end(&t);
    merge(f->targets);
    return err;
}

/* ---- sites of domains: asked of delivery, so many at a time ---- */

enum { ASKED_AT_ONCE = 128, NAMES_AT_ONCE = 256 };
enum answer { NO, YES, UNKNOWN };

struct question {
    struct asking *of;
    size_t at; /* which domain */
    struct question *next_free;
};
struct asking {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned open;
    const struct ctl_pick *pick;
    hy_domain_no *domains; /* ascending, each once */
    uint8_t *answers;      /* of enum answer */
    size_t n;
    struct question *free, questions[ASKED_AT_ONCE];
    char names[NAMES_AT_ONCE][HY_DOMAIN_MAX + 1];
};

static void note(struct question *q, enum answer answer)
{
    struct asking *a = q->of;
    pthread_mutex_lock(&a->lock);
    a->answers[q->at] = (uint8_t)answer;
    q->next_free = a->free;
    a->free = q;
    a->open--;
    pthread_cond_signal(&a->answered);
    pthread_mutex_unlock(&a->lock);
}

/* The feeder's thread, or a worker's. */
static void on_site(void *ctx, const struct hy_site_report *r)
{
    struct question *q = ctx;
    const struct ctl_pick *p = q->of->pick;
    bool is_known = r->mx && r->mx->status != HY_MX_TEMPFAIL;
    bool is_it = is_known && hy_deliver_site_is(r, p->site, p->provider);
    note(q, is_it ? YES : is_known ? NO : UNKNOWN);
}

/* One that is free, as soon as there is one. */
static struct question *take(struct asking *a, size_t at)
{
    pthread_mutex_lock(&a->lock);
    while (!a->free)
        pthread_cond_wait(&a->answered, &a->lock);
    struct question *q = a->free;
    a->free = q->next_free;
    a->open++;
    pthread_mutex_unlock(&a->lock);
    q->at = at;
    return q;
}

/* Waits for all answers: each comes, also when delivery ends. */
static void wait_for_all(struct asking *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->open)
        pthread_cond_wait(&a->answered, &a->lock);
    pthread_mutex_unlock(&a->lock);
}

static int read_names(struct hy_daemon *d, struct asking *a, size_t from, size_t n)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(d->env, &t);
    for (size_t i = 0; err == HY_OK && i < n; i++) {
        struct hy_str name;
        err = hy_domain_name(&t, a->domains[from + i], &name);
        if (err == HY_OK)
            snprintf(a->names[i], sizeof a->names[i], "%.*s", HY_STR_ARG(name));
    }
    hy_txn_end(&t);
    return err;
}

static int ask_all(struct finding *f, struct asking *a)
{
    int err = HY_OK;
    for (size_t i = 0; i < a->n && err == HY_OK; i++) {
        if (i % NAMES_AT_ONCE == 0) {
            size_t left = a->n - i;
            err = read_names(f->d, a, i, left < NAMES_AT_ONCE ? left : NAMES_AT_ONCE);
            if (err == HY_OK && is_over(f))
                err = HY_ECANCELED;
            if (err != HY_OK)
                break;
            hy_control_progress(f->call, json_pack("{s:s,s:I,s:I}", "doing", "sites", "domains",
                                                   (json_int_t)i, "of", (json_int_t)a->n));
        }
        struct question *q = take(a, i);
        if (hy_deliver_site(f->d->deliver, a->names[i % NAMES_AT_ONCE], on_site, q) != HY_OK)
            note(q, UNKNOWN);
    }
    wait_for_all(a);
    return err;
}

static int compare_domains(const void *a, const void *b)
{
    hy_domain_no x = *(const hy_domain_no *)a, y = *(const hy_domain_no *)b;
    return x < y ? -1 : x > y;
}

static struct asking *asking_new(const struct ctl_targets *t, const struct ctl_pick *p)
{
    struct asking *a = calloc(1, sizeof *a);
    hy_domain_no *domains = a ? malloc((t->n + 1) * sizeof *domains) : NULL;
    uint8_t *answers = domains ? calloc(t->n + 1, 1) : NULL;
    if (!answers) {
        free(domains);
        free(a);
        return NULL;
    }
    a->pick = p;
    a->domains = domains;
    a->answers = answers;
    for (size_t i = 0; i < t->n; i++)
        domains[i] = t->items[i].domain;
    if (t->n > 1)
        qsort(domains, t->n, sizeof *domains, compare_domains);
    for (size_t i = 0; i < t->n; i++)
        if (a->n == 0 || domains[a->n - 1] != domains[i])
            domains[a->n++] = domains[i];
    for (size_t i = 0; i < ASKED_AT_ONCE; i++) {
        a->questions[i] = (struct question){.of = a, .next_free = a->free};
        a->free = &a->questions[i];
    }
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->answered, NULL);
    return a;
}

static void asking_free(struct asking *a)
{
    pthread_cond_destroy(&a->answered);
    pthread_mutex_destroy(&a->lock);
    free(a->domains);
    free(a->answers);
    free(a);
}

/* Keeps those of the site or provider that is picked. */
static int keep_sites(struct finding *f, const struct ctl_pick *p)
{
    struct ctl_targets *t = f->targets;
    struct asking *a = asking_new(t, p);
    size_t kept = 0;
    if (!a)
        return HY_ENOMEM;
    int err = ask_all(f, a);
    t->rows = 0;
    for (size_t i = 0; i < a->n; i++)
        t->unknown += a->answers[i] == UNKNOWN;
    for (size_t i = 0; i < t->n; i++) {
        const hy_domain_no *at =
            bsearch(&t->items[i].domain, a->domains, a->n, sizeof *at, compare_domains);
        if (a->answers[at - a->domains] != YES)
            continue;
        t->rows += t->items[i].rows;
        t->items[kept++] = t->items[i];
    }
    t->n = kept;
    asking_free(a);
    return err;
}

int ctl_targets_find(struct hy_daemon *d, struct hy_control_call *call, const struct ctl_pick *p,
                     struct ctl_targets *ret, struct hy_diag *diag)
{
    struct finding f = {d, call, ret};
    *ret = (struct ctl_targets){0};
    int err = find_rows(&f, p);
    if (err == HY_OK && (p->site[0] || p->provider[0]))
        err = keep_sites(&f, p);
    if (err == HY_ELIMIT)
        return hy_fail(diag, err, "rows at more than %d domains: say more closely which",
                       CTL_TARGETS_MAX);
    return err == HY_OK ? err : hy_fail(diag, err, "%s", hy_err_text(err));
}

void ctl_targets_free(struct ctl_targets *t)
{
    free(t->items);
    *t = (struct ctl_targets){0};
}
