/* What a person's order to ready messages costs: finding the rows, putting them off, having them
 * tried now, taking them out; one recipient a message, so that each has a block of its own. The
 * longest slice is what other writes may wait for. Usage: ready_cost [MESSAGES [DOMAINS [DIR]]]. */
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hayauma/store/pick.h"
#include "hayauma/store/spool.h"

enum { BLOCKS = 16384, A_BATCH = 2000 };

struct world {
    uint32_t messages, domains;
    struct hy_env *env;
    struct hy_writer *writer;
    hy_id spool;
};

static void must(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "%s: %s\n", what, hy_err_name(err));
    exit(1);
}

/* ---- making them ---- */

struct fill {
    struct hy_write_req req;
    struct world *w;
    uint32_t from, to;
};

static int apply_fill(struct hy_write_req *r, struct hy_txn *t)
{
    static const char content[] = "From: a@example.net\r\nSubject: x\r\n\r\nHello\r\n";
    struct fill *f = (struct fill *)r; /* it is the first member */
    for (uint32_t i = f->from; i < f->to; i++) {
        char to[64];
        snprintf(to, sizeof to, "user%u@d%u.example", i, i % f->w->domains);
        struct hy_spool_rcpt rcpt = {.address = hy_str_of(to)};
        struct hy_spool_message m = {.received = hy_clock_wall_ms(),
                                     .sender = HY_STR("bounce@example.net"),
                                     .from_domain = HY_STR("example.net"),
                                     .header_bytes = sizeof content - 8,
                                     .content = HY_STR(content),
                                     .rcpts = &rcpt,
                                     .n_rcpts = 1};
        int err = hy_spool_put(t, &m);
        if (err)
            return err;
        f->w->spool = m.spool;
    }
    return 0;
}

static void fill(struct world *w)
{
    for (uint32_t at = 0; at < w->messages; at += A_BATCH) {
        uint32_t to = at + A_BATCH < w->messages ? at + A_BATCH : w->messages;
        struct fill f = {
            .req = {.class = HY_WRITE_INTAKE, .apply = apply_fill}, .w = w, .from = at, .to = to};
        must(hy_writer_run(w->writer, &f.req), "fill");
    }
}

/* ---- orders ---- */

static int count_row(void *ctx, const struct hy_queue_row *row)
{
    (void)row;
    ++*(uint64_t *)ctx;
    return 0;
}

static void look(struct world *w, const struct hy_pick *pick)
{
    struct hy_txn t;
    uint64_t rows = 0;
    hy_us began = hy_clock_us();
    must(hy_txn_read(w->env, &t), "read");
    must(hy_pick_rows(&t, w->spool, 0, pick, count_row, &rows), "pick");
    hy_txn_end(&t);
    printf("%-12s %9" PRIu64 " rows  %8.3f s\n", "look", rows,
           (double)(hy_clock_us() - began) / 1e6);
}

struct altering {
    struct hy_alter_job job;
    sem_t over;
    hy_us sliced, longest;
};

static char *act(struct hy_alter_job *j, const struct hy_alter_place *done, bool is_over)
{
    (void)j;
    (void)done;
    return strdup(is_over ? "{\"complete\":true}" : "{}");
}

static void on_progress(struct hy_alter_job *j)
{
    struct altering *a = (struct altering *)j;
    hy_us now = hy_clock_us();
    a->longest = now - a->sliced > a->longest ? now - a->sliced : a->longest;
    a->sliced = now;
}

static void on_done(struct hy_alter_job *j, int err)
{
    must(err, "alter");
    sem_post(&((struct altering *)j)->over);
}

static void order(struct world *w, enum hy_alter what, unsigned states)
{
    static uint32_t blocks[BLOCKS];
    hy_domain_no *domains = calloc(w->domains, sizeof *domains);
    struct hy_pick pick = {.states = states};
    uint32_t at = 0;
    uint64_t rows = 0;
    hy_us began = hy_clock_us(), longest = 0;
    for (uint32_t i = 0; i < w->domains; i++)
        domains[i] = i + 1;
    for (;;) {
        struct hy_txn t;
        size_t n = 0;
        must(hy_txn_read(w->env, &t), "read");
        int err = hy_pick_blocks(&t, w->spool, &pick, domains, w->domains, &at, blocks, BLOCKS, &n);
        hy_txn_end(&t);
        if (err == HY_ENOTFOUND)
            break;
        must(err, "pick");
        struct altering a = {.sliced = hy_clock_us()};
        hy_alter_job_init(&a.job, w->spool, what);
        a.job.pick = &pick;
        a.job.places = blocks;
        a.job.n_places = n;
        a.job.due_s = (uint32_t)(hy_clock_wall_ms() / 1000) + 7200;
        a.job.reason = HY_STR("taken out by an operator");
        a.job.act = act;
        a.job.progress = on_progress;
        a.job.done = on_done;
        sem_init(&a.over, 0, 0);
        must(hy_writer_submit(w->writer, &a.job.req), "submit");
        sem_wait(&a.over);
        sem_destroy(&a.over);
        rows += a.job.at.rows;
        longest = a.longest > longest ? a.longest : longest;
    }
    free(domains);
    printf("%-12s %9" PRIu64 " rows  %8.3f s  longest slice %3.0f ms\n", hy_alter_name(what), rows,
           (double)(hy_clock_us() - began) / 1e6, (double)longest / 1e3);
}

int main(int argc, char **argv)
{
    struct world w = {.messages = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000,
                      .domains = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000};
    char room[] = "/tmp/ready_cost.XXXXXX", command[320];
    const char *dir = argc > 3 ? argv[3] : mkdtemp(room);
    struct hy_env_options o = {.data_dir = dir};
    struct hy_diag diag = {""};
    const unsigned waiting = 1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED;
    if (!dir || w.messages == 0 || w.domains == 0) {
        fprintf(stderr, "usage: ready_cost [MESSAGES [DOMAINS [DIR]]]\n");
        return 1;
    }
    must(hy_env_open(&o, &w.env, &diag), "open");
    must(hy_writer_start(w.env, &(struct hy_writer_options){0}, &w.writer), "writer");
    fill(&w);
    look(&w, &(struct hy_pick){.states = waiting});
    look(&w, &(struct hy_pick){.states = waiting, .sender = "@example.net"});
    order(&w, HY_ALTER_POSTPONE, waiting);
    order(&w, HY_ALTER_RETRY, 1u << HY_RCPT_DEFERRED);
    order(&w, HY_ALTER_CANCEL, waiting);
    hy_writer_stop(w.writer);
    hy_env_close(w.env);
    snprintf(command, sizeof command, "rm -rf '%.256s'", dir);
    return argc > 3 ? 0 : system(command) != 0;
}
