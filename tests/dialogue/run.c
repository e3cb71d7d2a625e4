/* Plays dialogue scripts against the SMTP client in virtual time, each three times: with the
 * server's bytes in one piece, line by line, and byte by byte. Prints TAP. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "script.h"

enum cut { CUT_NONE, CUT_LINES, CUT_BYTES, CUTS };
static const char *const cut_names[CUTS] = {"in one piece", "line by line", "byte by byte"};

struct play {
    const struct script *s;
    enum cut cut;
    struct hy_smtp_client c;
    hy_us now;
    int line;             /* of the script, for complaints */
    int queue, submitted; /* messages [submitted, queue) are in the driver's hand */
    bool is_ready, tls_asked, is_closed;
    int dots, results_of[SCRIPT_MESSAGES_MAX];
    bool dot_of[SCRIPT_MESSAGES_MAX];
    struct hy_buf got; /* result lines */
    int faults;
};

static void fault(struct play *p, const char *what, struct hy_str detail)
{
    printf("# line %d: %s%s%.*s\n", p->line, what, detail.n ? ": " : "", HY_STR_ARG(detail));
    p->faults++;
}

static const char *retry_word(enum hy_outcome_kind kind)
{
    if (kind == HY_OUTCOME_DEFERRED)
        return "yes";
    return kind == HY_OUTCOME_RETURNED ? "now" : "no";
}

static void add_outcome(struct hy_buf *out, const struct hy_outcome *o)
{
    char status[16];
    hy_buf_printf(out, "%s, %s, %s, code %u, retry %s, spoils %s%s", hy_outcome_kind_name(o->kind),
                  hy_phase_name(o->phase), hy_enhanced_format(o->enhanced, status), o->code,
                  retry_word(o->kind), hy_spoils_name(o->spoils), o->in_doubt ? ", in doubt" : "");
    hy_buf_printf(out, ", says \"%.*s\"\n", HY_STR_ARG(o->text));
}

static void on_result(struct play *p, const struct hy_smtp_event *ev)
{
    struct script_message *m = ev->opaque;
    int no = (int)(m - p->s->messages);
    int n = ++p->results_of[no];
    if (ev->is_last != (n == (int)m->m.n_recipients))
        fault(p, "is_last is wrong", m->m.recipients[ev->recipient]);
    if ((ev->outcome.kind == HY_OUTCOME_DELIVERED || ev->outcome.in_doubt) && !p->dot_of[no])
        fault(p, "delivered, or in doubt, without a DOT event", m->m.recipients[ev->recipient]);
    hy_buf_add_str(&p->got, m->m.recipients[ev->recipient]);
    hy_buf_add_lit(&p->got, ": ");
    add_outcome(&p->got, &ev->outcome);
}

static void on_closed(struct play *p, const struct hy_smtp_event *ev)
{
    static const char *const hints[] = {"", ", hint plain", ", hint helo"};
    p->is_closed = true;
    hy_buf_printf(&p->got, "closed %s%s: ", hy_smtp_closed_name(ev->closed), hints[ev->hint]);
    add_outcome(&p->got, &ev->outcome);
}

static void submit(struct play *p)
{
    struct hy_smtp_message *m =
        (struct hy_smtp_message *)(uintptr_t)&p->s->messages[p->submitted].m;
    if (!hy_smtp_client_can_submit(&p->c))
        fault(p, "READY, but not able to submit", HY_STR(""));
    else if (hy_smtp_client_submit(&p->c, m, p->now) != HY_OK)
        fault(p, "submit failed", HY_STR(""));
    p->submitted++;
    p->is_ready = false;
}

static void drain(struct play *p)
{
    struct hy_smtp_event ev;
    for (;;) {
        if (p->is_ready && p->submitted < p->queue)
            submit(p);
        if (!hy_smtp_client_next_event(&p->c, &ev))
            break;
        if (p->is_closed)
            fault(p, "an event after CLOSED", HY_STR(""));
        if (ev.kind == HY_SMTP_EVENT_START_TLS)
            p->tls_asked = true;
        else if (ev.kind == HY_SMTP_EVENT_READY)
            p->is_ready = true;
        else if (ev.kind == HY_SMTP_EVENT_DOT)
            p->dot_of[(struct script_message *)ev.opaque - p->s->messages] = true;
        else if (ev.kind == HY_SMTP_EVENT_RESULT)
            on_result(p, &ev);
        else if (ev.kind == HY_SMTP_EVENT_CLOSED)
            on_closed(p, &ev);
    }
    if (p->is_closed)
        p->is_ready = false;
}

static size_t piece_length(enum cut cut, const char *bytes, size_t n)
{
    const char *lf = memchr(bytes, '\n', n);
    if (cut == CUT_BYTES)
        return 1;
    return cut == CUT_LINES && lf ? (size_t)(lf - bytes) + 1 : n;
}

static void feed(struct play *p, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t piece = piece_length(p->cut, bytes, n);
        /* the client reads from memory that ends with the piece, so that ASan sees overruns */
        char *copy = malloc(piece);
        memcpy(copy, bytes, piece);
        for (size_t used = 0; used < piece;) {
            size_t taken = hy_smtp_client_input(&p->c, copy + used, piece - used, p->now);
            used += taken;
            drain(p);
            if (taken == 0) {
                fault(p, "drained, and yet input takes nothing", HY_STR(""));
                break;
            }
        }
        free(copy);
        bytes += piece;
        n -= piece;
    }
}

static void advance(struct play *p, hy_us us)
{
    hy_us until = p->now + us;
    for (hy_us due; (due = hy_smtp_client_deadline(&p->c)) <= until;) {
        p->now = due > p->now ? due : p->now;
        hy_smtp_client_timeout(&p->c, p->now);
        drain(p);
    }
    p->now = until;
}

static void drip(struct play *p, const struct script_step *step)
{
    for (size_t i = 0; i < step->bytes.len; i++) {
        advance(p, step->us);
        feed(p, step->bytes.data + i, 1);
    }
}

/* Takes up to `max` bytes of output, with small vectors when input is cut small, too. */
static void take_output(struct play *p, struct hy_buf *out, size_t max)
{
    struct iovec iov[16];
    int vec = p->cut == CUT_NONE ? 16 : p->cut == CUT_LINES ? 3 : 1;
    while (max > 0) {
        drain(p);
        int n = hy_smtp_client_output(&p->c, iov, vec);
        size_t wrote = 0;
        for (int i = 0; i < n && max > 0; i++) {
            size_t k = iov[i].iov_len < max ? iov[i].iov_len : max;
            hy_buf_add(out, iov[i].iov_base, k);
            wrote += k;
            max -= k;
        }
        if (wrote == 0)
            break;
        hy_smtp_client_wrote(&p->c, wrote, p->now);
    }
    drain(p);
}

static void expect(struct play *p, const struct script_step *step)
{
    struct hy_buf got = HY_BUF_INIT(1 << 20);
    bool is_all = step->verb == SCRIPT_CLIENT;
    take_output(p, &got, is_all ? SIZE_MAX : step->bytes.len);
    if (!hy_str_eq(hy_buf_str(&got), hy_buf_str(&step->bytes))) {
        fault(p, "the client said something else", HY_STR(""));
        printf("# got:\n%.*s\n# want:\n%.*s\n", HY_STR_ARG(hy_buf_str(&got)),
               HY_STR_ARG(hy_buf_str(&step->bytes)));
    }
    hy_buf_free(&got);
}

static void play_step(struct play *p, const struct script_step *step)
{
    switch (step->verb) {
    case SCRIPT_SERVER:
        feed(p, step->bytes.data, step->bytes.len);
        break;
    case SCRIPT_DRIP:
        drip(p, step);
        break;
    case SCRIPT_CLOSE:
        hy_smtp_client_eof(&p->c, p->now);
        break;
    case SCRIPT_CLIENT:
    case SCRIPT_PART:
        expect(p, step);
        break;
    case SCRIPT_WAIT:
        advance(p, step->us);
        break;
    case SCRIPT_TLS:
        if (!p->tls_asked)
            fault(p, "TLS was not asked for", HY_STR(""));
        hy_smtp_client_tls_done(&p->c, step->tls, p->now);
        break;
    case SCRIPT_MESSAGE:
        p->queue++;
        break;
    case SCRIPT_QUIT:
        hy_smtp_client_quit(&p->c, p->now);
        break;
    case SCRIPT_ABORT:
        hy_smtp_client_abort(&p->c, p->now);
        break;
    }
    drain(p);
}

/* A want without `says` leaves the words open; "closed X" alone leaves the outcome open where it is
 * of no interest (messages not submitted are returned). */
static bool is_as_wanted(struct hy_str got, struct hy_str want)
{
    if (hy_str_eq(got, want))
        return true;
    if (hy_str_starts(want, HY_STR("closed ")) && hy_str_find(want, ':', 0) == SIZE_MAX)
        return hy_str_starts(got, want) && got.p[want.n] == ':' &&
               hy_str_find_str(got, HY_STR(": returned, "), 0) == want.n;
    size_t says = hy_str_find_str(got, HY_STR(", says \""), 0);
    return hy_str_eq(hy_str_slice(got, 0, says), want);
}

static void compare(struct play *p)
{
    struct hy_str rest = hy_buf_str(&p->got), got;
    int n = 0;
    for (; hy_str_split(&rest, '\n', &got) && got.n > 0; n++) {
        struct hy_str want = n < p->s->n_results ? p->s->results[n] : HY_STR("(nothing)");
        if (is_as_wanted(got, want))
            continue;
        fault(p, "another result", HY_STR(""));
        printf("# got:  %.*s\n# want: %.*s\n", HY_STR_ARG(got), HY_STR_ARG(want));
    }
    if (n < p->s->n_results)
        fault(p, "no such result", p->s->results[n]);
    for (int i = 0; i < p->submitted; i++)
        if (p->results_of[i] != (int)p->s->messages[i].m.n_recipients)
            fault(p, "not one result for each recipient", HY_STR(""));
}

static int play(const struct script *s, enum cut cut)
{
    struct play *p = calloc(1, sizeof *p);
    p->s = s;
    p->cut = cut;
    p->now = 1000 * HY_US_PER_SEC;
    p->got = HY_BUF_INIT(1 << 20);
    memset(&p->c, 0xa5, sizeof p->c); /* start() must not trust what was there */
    if (hy_smtp_client_start(&p->c, &s->settings, p->now) != HY_OK)
        fault(p, "start failed", HY_STR(""));
    for (int i = 0; i < s->n_steps; i++) {
        p->line = s->steps[i].line;
        play_step(p, &s->steps[i]);
    }
    struct hy_buf more = HY_BUF_INIT(1 << 20);
    take_output(p, &more, SIZE_MAX);
    if (more.len > 0)
        fault(p, "the client says more", hy_buf_str(&more));
    compare(p);
    int faults = p->faults;
    hy_buf_free(&more);
    hy_buf_free(&p->got);
    free(p);
    return faults;
}

static int is_script(const struct dirent *d)
{
    return hy_str_ends(hy_str_of(d->d_name), HY_STR(".smtp"));
}

int main(int argc, char **argv)
{
    struct dirent **names;
    const char *dir = argc > 1 ? argv[1] : ".";
    int n = scandir(dir, &names, is_script, alphasort), done = 0, failed = 0;
    if (n <= 0) {
        printf("Bail out! no scripts in %s\n", dir);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        bool is_chosen = argc < 3 || strstr(names[i]->d_name, argv[2]);
        struct script *s = is_chosen ? script_load(path) : NULL;
        for (int cut = 0; is_chosen && cut < CUTS; cut++) {
            bool is_ok = s && play(s, (enum cut)cut) == 0;
            failed += !is_ok;
            printf("%s %d - %s %s\n", is_ok ? "ok" : "not ok", ++done, names[i]->d_name,
                   cut_names[cut]);
        }
        script_free(s);
        free(names[i]);
    }
    free(names);
    printf("1..%d\n", done);
    return failed > 0;
}
