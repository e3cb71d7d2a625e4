/* lead.erase_file: all people whom the lines of a file name, one to a line. Each is begun, so that
 * nothing more is sent to anybody; erasures_tick does the rest for all of them together, also after
 * a kill, and here it is waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl_common.h"
#include "erasures.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead_alias.h"

enum {
    LINE_MAX_BYTES = 1024,
    PEOPLE_MAX = 1000000,
    TOLD_MAX = 100, /* lines that name nobody and are told */
    LOOK_US = 200000,
};

struct many {
    struct ctl_task *k;
    struct hy_diag *diag;
    hy_lead_no *leads;
    size_t n, cap, erased;
    unsigned line, unknown;
    json_t *told;
};

static bool is_over(const struct many *m)
{
    return ctl_task_is_cancelled(m->k) || atomic_load(&m->k->d->alters_ending);
}

static void progress(const struct many *m, size_t of)
{
    hy_control_progress(
        m->k->call, json_pack("{s:I,s:I}", "leads", (json_int_t)m->erased, "of", (json_int_t)of));
}

/* ---- beginning ---- */

static int note_unknown(struct many *m, struct hy_str text)
{
    if (m->unknown++ < TOLD_MAX)
        json_array_append_new(
            m->told, json_pack("{s:i,s:o}", "line", (int)m->line, "text", ctl_text_json(text)));
    return HY_OK;
}

static int keep(struct many *m, hy_lead_no lead)
{
    if (m->n == PEOPLE_MAX)
        return hy_fail(m->diag, HY_ELIMIT, "line %u: a file names at most %d people", m->line,
                       PEOPLE_MAX);
    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 1024;
        hy_lead_no *more = realloc(m->leads, cap * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        m->leads = more;
        m->cap = cap;
    }
    m->leads[m->n++] = lead;
    return HY_OK;
}

static int begin_one(struct many *m, struct hy_str text)
{
    struct hy_erase_job job;
    struct hy_diag why = {""};
    struct hy_txn t = {0};
    hy_lead_no lead = 0;
    int err = hy_txn_read(m->k->d->env, &t);
    if (!err)
        err = hy_lead_resolve(&t, text, &lead, &why);
    if (!err)
        err = hy_lead_kept(&t, lead, &lead);
    hy_txn_end(&t);
    if (err == HY_ENOTFOUND || err == HY_EINVAL || err == HY_EPARSE)
        return note_unknown(m, text);
    if (err)
        return err;
    hy_erase_job_init(&job, lead, hy_str_of(m->k->user));
    job.only_begins = true;
    err = hy_writer_run(m->k->d->writer, &job.req);
    return err == HY_ENOTFOUND ? note_unknown(m, text) : err ? err : keep(m, lead);
}

static int begin_all(struct many *m, FILE *f)
{
    char line[LINE_MAX_BYTES + 2];
    int err = HY_OK;
    while (!err && fgets(line, sizeof line, f)) {
        struct hy_str text = hy_str_trim(hy_str_of(line));
        m->line++;
        if (is_over(m))
            err = HY_ECANCELED;
        else if (!strchr(line, '\n') && !feof(f))
            err = hy_fail(m->diag, HY_ELIMIT, "line %u has more than %d bytes", m->line,
                          LINE_MAX_BYTES);
        else if (text.n)
            err = begin_one(m, text);
    }
    return !err && ferror(f) ? hy_fail(m->diag, HY_EIO, "the file cannot be read to its end") : err;
}

/* ---- waiting ---- */

/* Moves `erased` over those that are done: they end together, or nearly so. */
static int look(struct many *m)
{
    struct hy_txn t = {0};
    struct hy_erasure e = {.finished = 1};
    int err = hy_txn_read(m->k->d->env, &t);
    while (!err && m->erased < m->n) {
        err = hy_erasure_get(&t, m->leads[m->erased], &e);
        if (err || e.finished == 0)
            break;
        m->erased++;
    }
    hy_txn_end(&t);
    return err;
}

static int wait_for_all(struct many *m)
{
    int err = look(m);
    while (!err && m->erased < m->n && !is_over(m)) {
        progress(m, m->n);
        usleep(LOOK_US);
        err = look(m);
    }
    return !err && m->erased < m->n ? HY_ECANCELED : err;
}

/* Opens the file, which is the task's no more. */
static int read_lines(struct many *m)
{
    FILE *f = m->k->fd >= 0 ? fdopen(m->k->fd, "re") : NULL;
    if (!f)
        return hy_fail(m->diag, HY_EINVAL, "a file with one person to a line is needed");
    m->k->fd = -1;
    int err = begin_all(m, f);
    fclose(f);
    return err;
}

int erase_file_run(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct many m = {.k = k, .diag = diag, .told = json_array()};
    int err = m.told ? read_lines(&m) : HY_ENOMEM;
    if (m.n)
        act_log(k->d, hy_control_command_name(k->call), hy_control_uid(k->call),
                json_pack("{s:I}", "leads", (json_int_t)m.n));
    if (err && diag->text[0] == '\0')
        err = hy_fail(diag, err,
                      "line %u: %s; %u people were begun and will be erased, the others not: give "
                      "the file again",
                      m.line, hy_err_text(err), (unsigned)m.n);
    if (!err && wait_for_all(&m))
        err = hy_fail(diag, HY_ECANCELED,
                      "%u of %u people are erased so far; the rest goes on by itself",
                      (unsigned)m.erased, (unsigned)m.n);
    if (!err) {
        ctl_set_count(o, "erased", m.erased);
        ctl_set_count(o, "unknown", m.unknown);
        json_object_set(o, "unknown_lines", m.told);
    }
    json_decref(m.told);
    free(m.leads);
    return err;
}
