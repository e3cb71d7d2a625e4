/* The thread that writes the attempt log.
 *
 * Happy path: 50 times a second it takes what the workers noted, makes lines of it, writes them in
 * large pieces. How it fails: a disk or journal that is slow makes this thread wait, never a
 * worker: their rings fill, and what finds no room is dropped, counted, and told in the log once a
 * minute. A file that cannot be written is told likewise. */
#include "attempt_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/bounce/reason.h"
#include "hayauma/deliver/meter.h"
#include "hayauma/io/thread.h"
#include "hayauma/store/spool.h"

enum {
    LOOK_US = 20000,
    PIECE_BYTES = 256 * 1024,
    PATH_BYTES = 1025,
    TELL_S = 60, /* between complaints */
    FIELDS_MAX = 32,
};

/* Where lines go. */
struct place {
    int fd; /* -1: the journal */
    char to[PATH_BYTES], hostname[256];
};

struct attempt_log {
    struct hy_deliver *deliver;
    const struct hy_token_keys *tokens;
    struct hy_thread *thread;
    atomic_bool is_ending;
    hy_count *lines;
    struct place *asked;             /* the main thread's: a copy of what was asked for last */
    _Atomic(struct place *) pending; /* for the thread to take */

    /* the thread's */
    struct place *now;
    struct hy_buf out;
    hy_id campaign; /* of `stem` */
    struct hy_token_stem stem;
    hy_us told;
    uint64_t dropped, unwritten; /* told of, not told of */
    int write_errno;
};

/* ---- lines ---- */

static size_t message_id(struct attempt_log *g, const struct hy_attempt_note *n, char *out,
                         size_t room)
{
    char token[HY_TOKEN_TEXT_MAX];
    if (n->message_id.n || hy_id_is_spool(n->ref.campaign)) {
        struct hy_str id = hy_str_slice(n->message_id, 0, room);
        if (id.n)
            memcpy(out, id.p, id.n);
        return id.n;
    }
    if (g->campaign != n->ref.campaign) {
        hy_token_stem_init(&g->stem, g->tokens, HY_TOKEN_MESSAGE, n->ref.campaign);
        g->campaign = n->ref.campaign;
    }
    int len = snprintf(out, room, "<%.*s@%s>", (int)hy_token_write(&g->stem, n->ref.lead, 0, token),
                       token, g->now->hostname);
    return len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

static void flush(struct attempt_log *g)
{
    size_t done = 0;
    while (g->now->fd >= 0 && done < g->out.len) {
        ssize_t n = write(g->now->fd, g->out.data + done, g->out.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            g->write_errno = errno;
            g->unwritten++;
            break;
        }
        done += (size_t)n;
    }
    hy_buf_reset(&g->out);
}

/* The fields of the journal: the members of the line, HAYAUMA_ before each; they are cut out of the
 * note itself, so text keeps its bytes. */
struct fields {
    struct hy_buf bytes;
    size_t starts[FIELDS_MAX + 1];
    int n;
};

static void field(struct fields *f, const char *name, struct hy_str value)
{
    if (f->n == FIELDS_MAX || value.n == 0)
        return;
    f->starts[f->n++] = f->bytes.len;
    hy_buf_printf(&f->bytes, "%s=", name);
    hy_buf_add_str(&f->bytes, value);
    f->starts[f->n] = f->bytes.len;
}

static void field_n(struct fields *f, const char *name, uint64_t n)
{
    char text[32];
    snprintf(text, sizeof text, "%lu", n);
    field(f, name, hy_str_of(text));
}

static void put_fields(struct fields *f, const struct hy_attempt_note *n, struct hy_str id)
{
    char campaign[HY_ID_TEXT_MAX], enhanced[16], text[256];
    const struct hy_outcome *o = &n->outcome;
    snprintf(text, sizeof text, "MESSAGE=%s: %.*s (%.*s) %u %.*s", hy_outcome_kind_name(o->kind),
             HY_STR_ARG(n->recipient.n ? n->recipient : n->domain), HY_STR_ARG(n->mx_host), o->code,
             (int)(n->text.n < 100 ? n->text.n : 100), n->text.p ? n->text.p : "");
    field(f, "MESSAGE", hy_str_of(text + sizeof "MESSAGE=" - 1));
    field_n(f, "PRIORITY", o->kind == HY_OUTCOME_DELIVERED ? 6u : 5u);
    field(f, "SYSLOG_IDENTIFIER", HY_STR("hayaumad"));
    field(f, "COMPONENT", HY_STR("attempt"));
    field(f, "HAYAUMA_MESSAGE_ID", id);
    field(f, "HAYAUMA_CAMPAIGN", hy_str_of(hy_id_format(n->ref.campaign, campaign)));
    field_n(f, "HAYAUMA_LEAD", n->ref.lead);
    field(f, "HAYAUMA_RECIPIENT", n->recipient);
    field(f, "HAYAUMA_DOMAIN", n->domain);
    field(f, "HAYAUMA_SITE", n->site);
    field(f, "HAYAUMA_PROVIDER", n->provider);
    field(f, "HAYAUMA_SOURCE", n->source);
    field(f, "HAYAUMA_MX_HOST", n->mx_host);
    field_n(f, "HAYAUMA_ATTEMPT", (uint64_t)n->ref.attempts + (n->started != 0));
    field(f, "HAYAUMA_OUTCOME", hy_str_of(hy_outcome_kind_name(o->kind)));
    field(f, "HAYAUMA_STATE", hy_str_of(hy_rcpt_state_name(n->state)));
    field(f, "HAYAUMA_PHASE", hy_str_of(hy_phase_name(o->phase)));
    field_n(f, "HAYAUMA_CODE", o->code);
    if (o->enhanced.class)
        field(f, "HAYAUMA_ENHANCED", hy_str_of(hy_enhanced_format(o->enhanced, enhanced)));
    if (o->reason)
        field(f, "HAYAUMA_REASON", hy_str_of(hy_bounce_reason_name(o->reason)));
    field(f, "HAYAUMA_TEXT", n->text);
    field(f, "HAYAUMA_TLS_CIPHER", n->tls_cipher);
    field(f, "HAYAUMA_TLS_POLICY", hy_str_of(hy_attempt_policy_name(n->tls_policy)));
    field(f, "HAYAUMA_TLS_CHECK", hy_str_of(hy_attempt_check_name(n->tls_check)));
    field_n(f, "HAYAUMA_DURATION_MS", n->duration_ms);
    field_n(f, "HAYAUMA_SIZE", n->size_bytes);
    if (n->state == HY_RCPT_DEFERRED)
        field_n(f, "HAYAUMA_DUE", n->due_s);
}

static void to_journal(struct attempt_log *g, const struct hy_attempt_note *n, struct hy_str id)
{
    struct fields f = {.bytes = g->out};
    struct iovec iov[FIELDS_MAX];
    put_fields(&f, n, id);
    for (int i = 0; i < f.n; i++)
        iov[i] = (struct iovec){f.bytes.data + f.starts[i], f.starts[i + 1] - f.starts[i]};
    int err = f.bytes.err ? -ENOMEM : sd_journal_sendv(iov, f.n);
    if (err < 0) {
        g->write_errno = -err;
        g->unwritten++;
    }
    g->out = f.bytes;
    hy_buf_reset(&g->out);
}

static void on_note(void *ctx, const struct hy_attempt_note *n)
{
    struct attempt_log *g = ctx;
    char id[HY_TOKEN_TEXT_MAX + 300];
    struct hy_str message = hy_str_make(id, message_id(g, n, id, sizeof id));
    if (g->now->fd < 0) {
        to_journal(g, n, message);
    } else {
        attempt_line_json(n, message, &g->out);
        if (g->out.len > PIECE_BYTES)
            flush(g);
    }
    hy_count_add(g->lines, 1);
}

/* ---- the thread ---- */

static void complain(struct attempt_log *g)
{
    hy_us now = hy_clock_us();
    if (g->told && now - g->told < TELL_S * HY_US_PER_SEC)
        return;
    struct hy_deliver_sum *s = malloc(sizeof *s);
    if (!s)
        return;
    hy_deliver_meter_read(g->deliver, s);
    if (s->notes_dropped > g->dropped)
        hy_log(HY_LOG_WARNING, "attempts", "%lu lines of the attempt log were dropped: %s is slow",
               s->notes_dropped - g->dropped, g->now->to);
    if (g->unwritten)
        hy_log(HY_LOG_ERROR, "attempts", "the attempt log cannot be written to %s: %s", g->now->to,
               strerror(g->write_errno));
    if (s->notes_dropped > g->dropped || g->unwritten)
        g->told = now;
    g->dropped = s->notes_dropped;
    g->unwritten = 0;
    free(s);
}

static void place_free(struct place *p)
{
    if (p && p->fd >= 0)
        close(p->fd);
    free(p);
}

/* A place that the main thread asked for: what was written so far is in the old one. */
static void take_place(struct attempt_log *g)
{
    struct place *p = atomic_exchange(&g->pending, NULL);
    if (!p)
        return;
    place_free(g->now);
    g->now = p;
}

static void run(void *arg)
{
    struct attempt_log *g = arg;
    for (unsigned round = 0;; round++) {
        bool is_last = atomic_load(&g->is_ending);
        take_place(g);
        size_t n = hy_deliver_take_notes(g->deliver, on_note, g);
        flush(g);
        if (round % 64 == 0 || is_last)
            complain(g);
        if (n)
            continue;
        if (is_last)
            return;
        usleep(LOOK_US);
    }
}

/* ---- opening: the main thread, which never waits for the other ---- */

/* A pipe that nobody reads must not keep us waiting: that is ENXIO here. */
static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0640);
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return fd;
}

/* NULL with a line in the log. */
static struct place *place_open(const char *to, const char *hostname)
{
    struct place *p = calloc(1, sizeof *p);
    if (!p) {
        hy_log(HY_LOG_ERROR, "attempts", "out of memory: attempts are not logged");
        return NULL;
    }
    snprintf(p->to, sizeof p->to, "%s", to);
    snprintf(p->hostname, sizeof p->hostname, "%s", hostname);
    p->fd = -1;
    if (strcmp(to, "journal") == 0)
        return p;
    p->fd = strcmp(to, "stderr") == 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : open_file(to);
    if (p->fd >= 0)
        return p;
    hy_log(HY_LOG_ERROR, "attempts", "%s cannot be opened: %s (log.attempts)", to, strerror(errno));
    free(p);
    return NULL;
}

static void switch_to(struct attempt_log *g, struct place *p)
{
    *g->asked = *p;
    g->asked->fd = -1;
    place_free(atomic_exchange(&g->pending, p));
}

static struct attempt_log *start(const struct attempt_log_options *o, struct place *p)
{
    struct attempt_log *g = calloc(1, sizeof *g);
    struct place *asked = calloc(1, sizeof *asked);
    if (!g || !asked) {
        free(g);
        free(asked);
        place_free(p);
        return NULL;
    }
    g->deliver = o->deliver;
    g->tokens = o->tokens;
    g->lines = o->lines;
    g->asked = asked;
    g->out = HY_BUF_INIT(PIECE_BYTES + 65536);
    switch_to(g, p);
    if (hy_deliver_notes(g->deliver, true) == HY_OK &&
        hy_thread_start("attempts", run, g, &g->thread) == HY_OK)
        return g;
    attempt_log_close(g);
    return NULL;
}

void attempt_log_apply(struct attempt_log **log, const struct attempt_log_options *o)
{
    if (strcmp(o->to, "off") == 0) {
        attempt_log_close(*log);
        *log = NULL;
        return;
    }
    if (*log && strcmp((*log)->asked->to, o->to) == 0 &&
        strcmp((*log)->asked->hostname, o->hostname) == 0)
        return;
    struct place *p = place_open(o->to, o->hostname);
    if (!p)
        return;
    if (*log) {
        switch_to(*log, p);
        return;
    }
    *log = start(o, p);
    if (!*log)
        hy_log(HY_LOG_ERROR, "attempts", "out of memory: attempts are not logged");
}

void attempt_log_reopen(struct attempt_log *g)
{
    struct place *p = g ? place_open(g->asked->to, g->asked->hostname) : NULL;
    if (p)
        switch_to(g, p);
}

void attempt_log_close(struct attempt_log *g)
{
    if (!g)
        return;
    int err = hy_deliver_notes(g->deliver, false);
    (void)err; /* nothing is made */
    atomic_store(&g->is_ending, true);
    hy_thread_join(g->thread);
    place_free(atomic_exchange(&g->pending, NULL));
    place_free(g->now);
    free(g->asked);
    hy_buf_free(&g->out);
    free(g);
}
