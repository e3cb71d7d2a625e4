/* What counting for reports costs each open and click, and a store whose report can be asked for: a
 * campaign of LEADS recipients, all of them delivered but for every fiftieth, opened by four in ten
 * and clicked by one in ten. Usage: report_cost DIR [LEADS]; bench/report asks for the report. At
 * most BYTES_A_LEAD of disk a lead: the store is full beyond that. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/bounce/reason.h"
#include "hayauma/config/campaign_file.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/settle.h"

enum { BYTES_A_LEAD = 2000, BYTES_AT_LEAST = 256 << 20, LEADS_MAX = 10000000 };
enum { DOMAINS = 2000, LINKS = 20, A_COMMIT = 1000, HOUR_MS = 3600 * 1000 };

struct world {
    uint32_t leads;
    struct hy_env *env;
    hy_id campaign;
    hy_id *hits;
    size_t n_hits;
    struct hy_rng rng;
};

static void must(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "report_cost: %s: %s\n", what, hy_err_name(err));
    exit(1);
}

static uint32_t size_of(const struct world *w, hy_domain_no d)
{
    uint32_t giant = w->leads / 3;
    return d == 1 ? giant : (w->leads - giant) / (DOMAINS - 1);
}

static int next(void *ctx, struct hy_txn *t, struct hy_audience_pos pos, hy_domain_no *ret_domain,
                struct hy_audience_lead *ret, size_t max, size_t *ret_n)
{
    const struct world *w = ctx;
    hy_domain_no d = pos.domain ? pos.domain : 1;
    uint32_t at = pos.domain && pos.lead ? (pos.lead - pos.domain) / DOMAINS + 1 : 0;
    size_t n = 0;
    (void)t;
    if (at >= size_of(w, d)) {
        d++;
        at = 0;
    }
    if (d > DOMAINS)
        return HY_ENOTFOUND;
    for (; n < max && at < size_of(w, d); n++)
        ret[n] = (struct hy_audience_lead){++at * DOMAINS + d - DOMAINS, HY_LEAD_ACTIVE};
    *ret_domain = d;
    *ret_n = n;
    return HY_OK;
}

static void make_campaign(struct world *w)
{
    struct hy_campaign c = {.name = HY_STR("million"), .lists = {1}, .n_lists = 1};
    struct hy_buf html = HY_BUF_INIT(1 << 20), bytes = HY_BUF_INIT(1 << 20);
    const struct hy_str list = HY_STR("news");
    const struct hy_bundle_goal goal = {HY_STR("order"), HY_STR("ordered(amount >= 3000)"),
                                        7LL * 86400 * 1000000, HY_GOAL_AFTER_CLICK};
    struct hy_txn t;
    for (int i = 1; i <= LINKS; i++)
        hy_buf_printf(&html, "<p><a href=\"https://shop.example/%d\">Offer %d</a></p>", i, i);
    const struct hy_bundle b = {.name = c.name,
                                .lists = &list,
                                .n_lists = 1,
                                .from_address = HY_STR("news@news.example"),
                                .subject = HY_STR("Offers"),
                                .html = hy_buf_str(&html),
                                .track_links = HY_UNSET,
                                .beacon = HY_UNSET,
                                .weight = 10,
                                .goals = &goal,
                                .n_goals = 1};
    must(hy_bundle_encode(&b, &bytes), "bundle");
    must(hy_txn_write(w->env, &t), "write");
    must(hy_campaign_create(&t, &c, hy_buf_str(&bytes)), "campaign");
    must(hy_campaign_move(&t, c.id, HY_CAMPAIGN_QUEUEING), "campaign");
    must(hy_txn_commit(&t), "commit");
    w->campaign = c.id;
    hy_buf_free(&html);
    hy_buf_free(&bytes);
}

static void enqueue(struct world *w)
{
    struct hy_writer *writer;
    struct hy_enqueue_job job;
    must(hy_writer_start(w->env, &(struct hy_writer_options){0}, &writer), "writer");
    must(hy_enqueue_job_init(&job, w->campaign, (struct hy_audience){next, w}), "enqueue");
    must(hy_writer_run(writer, &job.req), "enqueue");
    hy_enqueue_job_free(&job);
    hy_writer_stop(writer);
}

static void settle(struct hy_txn *t, const struct hy_rcpt_ref *ref, bool is_bad)
{
    struct hy_settle s;
    hy_settle_init(&s);
    s.attempt =
        (struct hy_attempt){.ref = *ref,
                            .state = is_bad ? HY_RCPT_BOUNCED : HY_RCPT_DELIVERED,
                            .mx_host = HY_STR("mx1.example.com"),
                            .source = HY_STR("default"),
                            .outcome = {.kind = is_bad ? HY_OUTCOME_BOUNCED : HY_OUTCOME_DELIVERED,
                                        .code = is_bad ? 550 : 250,
                                        .reason = is_bad ? HY_BOUNCE_USER_UNKNOWN : 0,
                                        .from_server = true}};
    must(hy_settle_apply(t, &s), "settle");
}

static void deliver(struct world *w)
{
    struct hy_queue_row rows[256];
    struct hy_queue_pos pos;
    struct hy_txn read, t;
    hy_domain_no d = 0;
    uint32_t hint, n = 0;
    size_t got;
    must(hy_txn_read(w->env, &read), "read");
    must(hy_txn_write(w->env, &t), "write");
    while (hy_queue_next_domain(&read, w->campaign, d, &d, &pos, &hint) == 0)
        while (hy_queue_read_fresh(&read, w->campaign, d, &pos, rows, 256, &got) == 0)
            for (size_t i = 0; i < got; i++) {
                settle(&t, &rows[i].ref, ++n % 50 == 0);
                if (n % (10 * A_COMMIT) == 0) {
                    hy_txn_park(&read); /* what it keeps could not be used again */
                    must(hy_txn_commit(&t), "commit");
                    must(hy_txn_renew(&read), "read");
                    must(hy_txn_write(w->env, &t), "write");
                }
            }
    must(hy_txn_commit(&t), "commit");
    hy_txn_end(&read);
}

static hy_lead_no anybody(struct world *w)
{
    hy_domain_no d = (hy_domain_no)(1 + hy_rng_below(&w->rng, DOMAINS));
    if (hy_rng_below(&w->rng, 3) == 0)
        d = 1;
    return (hy_lead_no)(hy_rng_below(&w->rng, size_of(w, d)) * DOMAINS + d);
}

/* ---- hits ---- */

static void note(struct world *w, hy_id campaign, size_t n, const char *what)
{
    int64_t before = hy_clock_thread_cpu_us();
    struct hy_txn t;
    hy_wall_ms now = hy_clock_wall_ms();
    for (size_t at = 0; at < n; at += A_COMMIT) {
        must(hy_txn_write(w->env, &t), "write");
        for (size_t i = at; i < n && i < at + A_COMMIT; i++) {
            bool is_click = i % 5 == 0;
            struct hy_activity a = {
                .kind = is_click ? HY_ACTIVITY_CLICK : HY_ACTIVITY_OPEN,
                .campaign = campaign,
                .lead = anybody(w),
                .domain = 1,
                .at = now + (hy_wall_ms)hy_rng_below(&w->rng, 36u * HOUR_MS),
                .link = is_click ? 1 + (uint32_t)hy_rng_below(&w->rng, LINKS) : 0,
                .agent = HY_STR("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36")};
            must(hy_activity_put(&t, &a), "activity");
            if (campaign)
                w->hits[w->n_hits++] = a.id;
        }
        must(hy_txn_commit(&t), "commit");
    }
    printf("%-52s %9zu %8.2f us CPU\n", what, n,
           (double)(hy_clock_thread_cpu_us() - before) / (double)n);
}

static void judge(struct world *w, uint8_t flags, unsigned every, const char *what)
{
    int64_t before = hy_clock_thread_cpu_us();
    struct hy_txn t;
    size_t n = 0;
    must(hy_txn_write(w->env, &t), "write");
    for (size_t i = 0; i < w->n_hits; i += every) {
        must(hy_activity_judge(&t, w->hits[i], flags, 0), "judge");
        if (++n % A_COMMIT == 0) {
            must(hy_txn_commit(&t), "commit");
            must(hy_txn_write(w->env, &t), "write");
        }
    }
    must(hy_txn_commit(&t), "commit");
    printf("%-52s %9zu %8.2f us CPU\n", what, n,
           (double)(hy_clock_thread_cpu_us() - before) / (double)n);
}

int main(int argc, char **argv)
{
    struct world w = {.leads = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000};
    struct hy_diag diag = {""};
    if (argc < 2 || w.leads < 10000 || w.leads > LEADS_MAX)
        return 64;
    const struct hy_env_options o = {
        .data_dir = argv[1], .map_bytes = BYTES_AT_LEAST + (uint64_t)BYTES_A_LEAD * w.leads};
    must(hy_env_open(&o, &w.env, &diag), diag.text);
    hy_rng_seed(&w.rng, 1);
    w.hits = calloc(w.leads / 2 + A_COMMIT, sizeof *w.hits);
    if (!w.hits)
        must(HY_ENOMEM, "hits");
    make_campaign(&w);
    enqueue(&w);
    deliver(&w);
    note(&w, 0, w.leads / 10, "open or click of no campaign noted, 1000 a commit");
    note(&w, w.campaign, w.leads / 2, "the same of a campaign");
    note(&w, 0, w.leads / 10, "of no campaign again, the log being that long");
    judge(&w, HY_ACTIVITY_HUMAN, 1, "judged: a person");
    judge(&w, HY_ACTIVITY_MACHINE, 7, "judged anew: every seventh a machine");
    free(w.hits);
    hy_env_close(w.env);
    return 0;
}
