/* A server that says anything, in any pieces, to a driver that does anything its contract allows:
 * every recipient gets exactly one result, CLOSED comes once and last, no address or content makes
 * a command, nothing is delivered before its dot or returned behind its content, and those that the
 * server took end alike. */
#include <stdlib.h>

#include "hayauma/smtp/client.h"

enum { LETTERS = 6, RECIPIENTS = 5 };

struct letter {
    struct hy_smtp_message m;
    size_t results;
    bool is_submitted, is_dotted, is_written, is_last_seen;
    enum hy_outcome_kind end; /* of those whom the end of data spoke of */
};

struct world {
    const uint8_t *data; /* what is left of the input */
    size_t n;
    hy_us now;
    struct hy_smtp_settings settings;
    struct hy_smtp_client c;
    struct letter letters[LETTERS];
    int next_letter, closed;
    bool tls_asked;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static uint8_t take_byte(struct world *w)
{
    if (w->n == 0)
        return 0;
    w->n--;
    return *w->data++;
}

static const struct hy_str to[RECIPIENTS] = {
    {"ann@dest.example", 16},          {"\"b b\"@dest.example", 18},
    {"\xe7\x9f\xb3@dest.example", 16}, {"eve>\r\nRSET@dest.example", 23},
    {"cy@dest.example", 15},
};

static void make_letter(struct world *w, struct letter *l)
{
    static const char text[] = "Subject: x\r\n\r\n.\r\n..two\r\nend";
    uint8_t bits = take_byte(w);
    size_t first = bits % RECIPIENTS;
    l->m = (struct hy_smtp_message){
        .sender = bits & 8 ? HY_STR("") : HY_STR("news@out.example"),
        .recipients = to + first,
        .n_recipients = 1 + (bits >> 4) % (RECIPIENTS - first),
        .pieces = {{text, 14}, {text + 14, sizeof text - 15}},
        .n_pieces = 2,
        .is_8bit = bits & 64,
        .opaque = l,
    };
    if (bits & 128)
        l->m.pieces[1].n -= take_byte(w) % 8; /* may end in the middle of a CRLF */
}

static void on_result(const struct hy_smtp_event *ev)
{
    struct letter *l = ev->opaque;
    must(l->is_submitted && !l->is_last_seen && ev->message == &l->m);
    must(ev->recipient < l->m.n_recipients);
    l->results++;
    l->is_last_seen = ev->is_last;
    must(ev->is_last == (l->results == l->m.n_recipients));
    const struct hy_outcome *o = &ev->outcome;
    must(o->kind >= HY_OUTCOME_DELIVERED && o->kind <= HY_OUTCOME_RETURNED);
    must(o->kind != HY_OUTCOME_DELIVERED || (l->is_dotted && o->code / 100 == 2));
    must(o->kind != HY_OUTCOME_RETURNED || !l->is_written);
    bool is_end = l->is_dotted && o->phase == HY_PHASE_DOT;
    must(!is_end || !l->end || l->end == o->kind);
    l->end = is_end ? o->kind : l->end;
    must(!o->in_doubt || (l->is_dotted && o->kind == HY_OUTCOME_DEFERRED));
    must(o->text.n <= HY_OUTCOME_TEXT_MAX && hy_str_is_utf8(o->text));
}

static void drain(struct world *w)
{
    struct hy_smtp_event ev;
    while (hy_smtp_client_next_event(&w->c, &ev)) {
        must(w->closed == 0);
        if (ev.kind == HY_SMTP_EVENT_START_TLS)
            w->tls_asked = true;
        else if (ev.kind == HY_SMTP_EVENT_READY)
            must(hy_smtp_client_can_submit(&w->c));
        else if (ev.kind == HY_SMTP_EVENT_DOT)
            ((struct letter *)ev.opaque)->is_dotted = true;
        else if (ev.kind == HY_SMTP_EVENT_CONTENT_DONE)
            ((struct letter *)ev.opaque)->is_written = true;
        else if (ev.kind == HY_SMTP_EVENT_RESULT)
            on_result(&ev);
        else if (ev.kind == HY_SMTP_EVENT_CLOSED)
            w->closed++;
    }
}

static void write_some(struct world *w, size_t max)
{
    struct iovec iov[6];
    int n = hy_smtp_client_output(&w->c, iov, 1 + (int)(max % 6));
    size_t total = 0;
    for (int i = 0; i < n; i++) {
        const char *p = iov[i].iov_base;
        must(iov[i].iov_len > 0);
        for (size_t k = 0; k < iov[i].iov_len; k++)
            must(p[k] != '\n' || k == 0 || p[k - 1] == '\r' || p == to[3].p);
        total += iov[i].iov_len;
    }
    hy_smtp_client_wrote(&w->c, total < max ? total : max, w->now);
}

static void read_some(struct world *w, size_t max)
{
    size_t n = w->n < max ? w->n : max;
    const uint8_t *p = w->data;
    w->data += n;
    w->n -= n;
    bool was_drained = false;
    while (n > 0) {
        size_t used = hy_smtp_client_input(&w->c, p, n, w->now);
        must(used <= n && (used > 0 || !was_drained));
        was_drained = true;
        p += used;
        n -= used;
        drain(w);
    }
}

static void submit(struct world *w)
{
    if (w->next_letter == LETTERS)
        return;
    struct letter *l = &w->letters[w->next_letter];
    make_letter(w, l);
    bool can = hy_smtp_client_can_submit(&w->c);
    int err = hy_smtp_client_submit(&w->c, &l->m, w->now);
    must(err == (can ? HY_OK : HY_EBUSY));
    l->is_submitted = can;
    w->next_letter += can;
}

static void tls_done(struct world *w, uint8_t how)
{
    if (w->tls_asked)
        hy_smtp_client_tls_done(&w->c, (enum hy_smtp_tls_result)(how % 3), w->now);
    w->tls_asked = false;
}

static void act(struct world *w)
{
    uint8_t what = take_byte(w);
    w->now += 1000;
    switch (what % 16) {
    case 0:
        hy_smtp_client_quit(&w->c, w->now);
        break;
    case 1:
        w->now += (hy_us)what * 4 * HY_US_PER_SEC;
        hy_smtp_client_timeout(&w->c, w->now);
        break;
    case 2:
    case 3:
        tls_done(w, what >> 4);
        break;
    case 4:
        if (what == 4)
            hy_smtp_client_abort(&w->c, w->now);
        break;
    case 5:
    case 6:
        submit(w);
        break;
    case 7:
    case 8:
        write_some(w, what);
        break;
    case 9:
        write_some(w, SIZE_MAX);
        break;
    default:
        read_some(w, what);
        break;
    }
    if (what & 128)
        drain(w);
}

static void check_end(struct world *w)
{
    drain(w);
    hy_smtp_client_eof(&w->c, w->now);
    drain(w);
    must(w->closed == 1 && hy_smtp_client_deadline(&w->c) == HY_US_NEVER);
    for (int i = 0; i < w->next_letter; i++)
        must(w->letters[i].results == w->letters[i].m.n_recipients);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.data = data;
    w.n = n;
    hy_smtp_settings_init(&w.settings);
    uint8_t bits = take_byte(&w);
    w.settings.ehlo_name = HY_STR("out.example");
    w.settings.tls = (enum hy_smtp_tls)(bits & 3);
    w.settings.use_pipelining = !(bits & 4);
    w.settings.use_chunking = bits & 8;
    w.settings.use_helo = (bits & 48) == 48;
    must(hy_smtp_client_start(&w.c, &w.settings, 0) == HY_OK);
    while (w.n > 0)
        act(&w);
    check_end(&w);
    return 0;
}
