/* The server dialogue: lines to verbs, limits, replies, and the life of a session. */
#include "server_priv.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    smtpd_verb *run;
    bool needs_helo;
    bool is_work; /* brings a message nearer: not counted as idling */
} verbs[] = {
    {"EHLO", smtpd_ehlo, false, false}, {"HELO", smtpd_helo, false, false},
    {"MAIL", smtpd_mail, true, false},  {"RCPT", smtpd_rcpt, true, true},
    {"DATA", smtpd_data, true, true},   {"BDAT", smtpd_bdat, true, true},
    {"RSET", smtpd_rset, false, false}, {"NOOP", smtpd_noop, false, false},
    {"QUIT", smtpd_quit, false, true},  {"VRFY", smtpd_vrfy, false, false},
    {"HELP", smtpd_help, false, false}, {"STARTTLS", smtpd_starttls, false, false},
    {"AUTH", smtpd_auth, true, false},
};

static hy_us or_default(hy_us v, hy_us d)
{
    return v ? v : d;
}

void smtpd_set_deadline(struct hy_smtp_server *s)
{
    const struct hy_smtp_server_settings *o = s->settings;
    bool is_content = s->state == SMTPD_DATA || s->state == SMTPD_BDAT;
    hy_us wait = is_content ? or_default(o->data_us, 180 * HY_US_PER_SEC)
                            : or_default(o->command_us, 300 * HY_US_PER_SEC);
    hy_us last = s->began + or_default(o->session_us, 3600 * HY_US_PER_SEC);
    s->deadline = s->now + wait < last ? s->now + wait : last;
}

/* ---- replies ---- */

static void put_text(struct hy_buf *out, struct hy_str text)
{
    for (size_t i = 0; i < text.n && i < 400; i++)
        hy_buf_add_c(out, text.p[i] >= ' ' && text.p[i] < 0x7f ? text.p[i] : '?');
}

void smtpd_reply(struct hy_smtp_server *s, unsigned code, const char *text)
{
    hy_buf_printf(&s->out, "%u ", code);
    put_text(&s->out, hy_str_of(text));
    hy_buf_add_lit(&s->out, "\r\n");
}

void smtpd_status(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                  const char *text)
{
    hy_buf_printf(&s->out, "%u %u.%u.%u ", code, code / 100, subject, detail);
    put_text(&s->out, hy_str_of(text));
    hy_buf_add_lit(&s->out, "\r\n");
}

void smtpd_end(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
               const char *text)
{
    smtpd_status(s, code, subject, detail, text);
    smtpd_forget_mail(s);
    s->state = SMTPD_OVER;
}

static void count_error(struct hy_smtp_server *s)
{
    uint32_t most = s->settings->errors_max ? s->settings->errors_max : 20;
    if (++s->errors >= most && s->state != SMTPD_OVER)
        smtpd_end(s, 421, 7, 0, "Too many errors, goodbye");
}

void smtpd_refuse(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                  const char *text)
{
    smtpd_status(s, code, subject, detail, text);
    count_error(s);
}

/* ---- the transaction ---- */

void smtpd_forget_mail(struct hy_smtp_server *s)
{
    s->has_mail = s->is_bdat = s->is_last_chunk = s->is_8bit = s->is_smtputf8 = false;
    s->needs_tls = false;
    s->fault = SMTPD_GOOD;
    s->ret = 0;
    s->sender_n = s->envid_n = 0;
    s->n_rcpts = 0;
    s->content_n = s->chunk_left = 0;
    hy_buf_reset(&s->texts);
    hy_buf_free(&s->content); /* large ones go back to the system */
}

void smtpd_forget_helo(struct hy_smtp_server *s)
{
    smtpd_forget_mail(s);
    s->has_helo = s->is_ehlo = false;
    s->helo[0] = '\0';
}

bool smtpd_takes_none(struct hy_smtp_server *s, struct hy_str arg)
{
    if (arg.n == 0)
        return true;
    smtpd_refuse(s, 501, 5, 4, "This command takes no argument");
    return false;
}

bool smtpd_has_rcpts(struct hy_smtp_server *s)
{
    if (!s->has_mail)
        smtpd_refuse(s, 503, 5, 1, "MAIL first");
    else if (s->n_rcpts == 0)
        smtpd_refuse(s, 554, 5, 1, "No valid recipients");
    return s->has_mail && s->n_rcpts;
}

/* ---- lines ---- */

static void run_line(struct hy_smtp_server *s, struct hy_str line)
{
    size_t end = hy_str_find(line, ' ', 0);
    struct hy_str verb = hy_str_slice(line, 0, end);
    struct hy_str arg = end == SIZE_MAX ? (struct hy_str){0} : hy_str_slice(line, end, line.n);
    arg = hy_str_trim(arg);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!hy_str_ieq(verb, hy_str_of(verbs[i].name)))
            continue;
        uint32_t most = s->settings->idle_max ? s->settings->idle_max : 100;
        if (!verbs[i].is_work && ++s->idle > most)
            smtpd_end(s, 421, 7, 0, "Too many commands without a message, goodbye");
        else if (verbs[i].needs_helo && !s->has_helo)
            smtpd_refuse(s, 503, 5, 1, "EHLO first");
        else
            verbs[i].run(s, arg);
        return;
    }
    smtpd_refuse(s, 500, 5, 1, "Command not known");
}

/* A line came, without its CRLF. A bare CR or LF, or a NUL, in a command is nothing that a client
 * sends in good faith. */
static void take_line(struct hy_smtp_server *s, struct hy_str line, bool has_cr)
{
    bool is_clean =
        has_cr && (line.n == 0 || (!memchr(line.p, '\r', line.n) && !memchr(line.p, '\0', line.n)));
    if (!is_clean)
        smtpd_end(s, 521, 5, 2, "Lines must end with CR LF, goodbye");
    else if (s->state == SMTPD_AUTH)
        smtpd_auth_line(s, line);
    else
        run_line(s, line);
}

/* Takes bytes up to the end of a line; what there is of an unfinished one is kept. */
static size_t line_input(struct hy_smtp_server *s, const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    size_t used = lf ? (size_t)(lf - p) + 1 : n;
    if (s->line.len + used > HY_SMTP_SERVER_LINE_MAX) {
        hy_buf_reset(&s->line);
        if (s->state == SMTPD_AUTH)
            smtpd_auth_wipe(s);
        s->state = lf ? SMTPD_COMMAND : SMTPD_SWALLOW;
        smtpd_refuse(s, 500, 5, 2, "Line too long");
        return used;
    }
    struct hy_str line = hy_str_make(p, used);
    if (!lf || s->line.len) {
        hy_buf_add(&s->line, p, used);
        line = hy_buf_str(&s->line);
    }
    if (s->line.err) {
        smtpd_end(s, 421, 3, 0, "Out of memory, goodbye");
        return used;
    }
    if (!lf)
        return used;
    line.n--;
    bool has_cr = line.n && line.p[line.n - 1] == '\r';
    line.n -= has_cr;
    take_line(s, line, has_cr);
    if (s->line.len) { /* AUTH has sent a secret through it */
        explicit_bzero(s->line.data, s->line.len);
        hy_buf_reset(&s->line);
    }
    return used;
}

static size_t swallow(struct hy_smtp_server *s, const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    if (!lf)
        return n;
    s->state = SMTPD_COMMAND;
    return (size_t)(lf - p) + 1;
}

size_t hy_smtp_server_input(struct hy_smtp_server *s, const char *p, size_t n, hy_us now)
{
    size_t used = 0;
    s->now = now;
    if (n == 0 || s->out.len >= HY_SMTP_SERVER_OUT_MAX)
        return 0;
    switch ((enum smtpd_state)s->state) {
    case SMTPD_COMMAND:
    case SMTPD_AUTH:
        used = line_input(s, p, n);
        if (s->state == SMTPD_TLS && used < n) {
            s->ask = (struct hy_smtp_server_ask){0};
            hy_buf_reset(&s->out);
            smtpd_end(s, 554, 5, 1, "Commands behind STARTTLS, goodbye");
        }
        break;
    case SMTPD_DATA:
        used = smtpd_data_input(s, p, n);
        break;
    case SMTPD_BDAT:
        used = smtpd_bdat_input(s, p, n);
        break;
    case SMTPD_SWALLOW:
        used = swallow(s, p, n);
        break;
    case SMTPD_ASKING:
    case SMTPD_TLS:
        return 0;
    case SMTPD_OVER:
        return n;
    }
    /* A line that drips does not get more time than one that comes at once. */
    if (s->line.len == 0 && s->state != SMTPD_ASKING)
        smtpd_set_deadline(s);
    return used;
}

/* ---- questions ---- */

void smtpd_ask(struct hy_smtp_server *s, enum hy_smtp_server_ask_kind kind)
{
    s->ask.kind = kind;
    s->state = kind == HY_SMTP_SERVER_ASK_TLS ? SMTPD_TLS : SMTPD_ASKING;
    s->deadline = HY_US_NEVER;
}

const struct hy_smtp_server_ask *hy_smtp_server_ask(const struct hy_smtp_server *s)
{
    return &s->ask;
}

void hy_smtp_server_answer(struct hy_smtp_server *s, const struct hy_smtp_server_answer *a,
                           hy_us now)
{
    enum hy_smtp_server_ask_kind kind = s->ask.kind;
    bool is_good = a->code / 100 == 2;
    if (s->state != SMTPD_ASKING)
        return;
    s->now = now;
    s->state = SMTPD_COMMAND;
    s->ask = (struct hy_smtp_server_ask){0};
    char text[512];
    snprintf(text, sizeof text, "%.*s", HY_STR_ARG(hy_str_slice(a->text, 0, 400)));
    bool is_auth = kind == HY_SMTP_SERVER_ASK_AUTH || kind == HY_SMTP_SERVER_ASK_SCRAM;
    if (is_auth)
        smtpd_auth_answered(s, a, text);
    else
        smtpd_status(s, a->code, a->enhanced.subject, a->enhanced.detail, text);
    if (kind == HY_SMTP_SERVER_ASK_MAIL && !is_good)
        smtpd_forget_mail(s);
    else if (kind == HY_SMTP_SERVER_ASK_RCPT && is_good)
        s->rcpts[s->n_rcpts++] = s->pending;
    else if (kind == HY_SMTP_SERVER_ASK_MESSAGE) {
        smtpd_forget_mail(s);
        s->idle = 0;
        if (is_good)
            s->errors = 0;
    }
    if (!is_good && !is_auth)
        count_error(s);
    if ((a->closes || s->is_over) && s->state != SMTPD_OVER) {
        smtpd_forget_mail(s);
        s->state = SMTPD_OVER;
    }
    smtpd_set_deadline(s);
}

void hy_smtp_server_tls_done(struct hy_smtp_server *s, hy_us now)
{
    s->now = now;
    s->ask = (struct hy_smtp_server_ask){0};
    s->state = SMTPD_COMMAND;
    s->is_tls = true;
    smtpd_forget_helo(s);
    smtpd_set_deadline(s);
}

/* ---- life ---- */

void hy_smtp_server_init(struct hy_smtp_server *s, const struct hy_smtp_server_settings *settings,
                         bool is_tls, hy_us now)
{
    *s = (struct hy_smtp_server){.settings = settings, .now = now, .began = now, .is_tls = is_tls};
    s->out = HY_BUF_INIT(4 * HY_SMTP_SERVER_OUT_MAX);
    s->line = HY_BUF_INIT(HY_SMTP_SERVER_LINE_MAX);
    s->texts = HY_BUF_INIT(16 << 20);
    s->content = HY_BUF_INIT(settings->size_max);
    hy_buf_printf(&s->out, "220 %.*s ESMTP hayauma\r\n", HY_STR_ARG(settings->host));
    smtpd_set_deadline(s);
}

void hy_smtp_server_free(struct hy_smtp_server *s)
{
    smtpd_auth_wipe(s); /* a password may be there */
    hy_buf_free(&s->out);
    hy_buf_free(&s->line);
    hy_buf_free(&s->texts);
    hy_buf_free(&s->content);
    free(s->rcpts);
    s->rcpts = NULL;
}

struct hy_str hy_smtp_server_output(const struct hy_smtp_server *s)
{
    return hy_buf_str(&s->out);
}

void hy_smtp_server_wrote(struct hy_smtp_server *s, size_t n)
{
    hy_buf_consume(&s->out, n);
}

bool hy_smtp_server_is_over(const struct hy_smtp_server *s)
{
    return s->state == SMTPD_OVER;
}

hy_us hy_smtp_server_deadline(const struct hy_smtp_server *s)
{
    return s->deadline;
}

void hy_smtp_server_timeout(struct hy_smtp_server *s, hy_us now)
{
    if (now < s->deadline || s->state == SMTPD_OVER)
        return;
    s->now = now;
    smtpd_end(s, 421, 4, 2, "Time is up, goodbye");
}

void hy_smtp_server_shut(struct hy_smtp_server *s, struct hy_str why)
{
    char text[200];
    snprintf(text, sizeof text, "%.*s", HY_STR_ARG(hy_str_slice(why, 0, 150)));
    if (s->state == SMTPD_ASKING) {
        s->is_over = true;
    } else if (s->state != SMTPD_OVER) {
        s->ask = (struct hy_smtp_server_ask){0};
        smtpd_end(s, 421, 3, 2, text);
    }
}

/* ---- what the driver reads ---- */

void hy_smtp_server_message(const struct hy_smtp_server *s, struct hy_smtp_server_message *ret)
{
    *ret = (struct hy_smtp_server_message){
        .sender = hy_str_make(s->sender, s->sender_n),
        .envid = hy_str_make(s->envid, s->envid_n),
        .ret = s->ret,
        .is_8bit = s->is_8bit,
        .is_smtputf8 = s->is_smtputf8,
        .needs_tls = s->needs_tls,
        .n_rcpts = s->n_rcpts,
        .content = hy_buf_str(&s->content),
    };
}

struct hy_smtp_server_rcpt hy_smtp_server_rcpt(const struct hy_smtp_server *s, size_t i)
{
    const struct hy_smtp_server_rcpt_at *r = &s->rcpts[i];
    const char *p = s->texts.data + r->at;
    return (struct hy_smtp_server_rcpt){.address = hy_str_make(p, r->n),
                                        .orcpt = hy_str_make(p + r->n, r->orcpt_n),
                                        .notify = r->notify};
}

const char *hy_smtp_server_helo(const struct hy_smtp_server *s)
{
    return s->helo;
}

const char *hy_smtp_server_user(const struct hy_smtp_server *s)
{
    return s->is_auth ? s->user : "";
}

const char *hy_smtp_server_protocol(const struct hy_smtp_server *s)
{
    static const char *const names[2][2][2] = {
        {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
        {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}}};
    return s->is_ehlo ? names[s->is_smtputf8][s->is_tls][s->is_auth] : "SMTP";
}
