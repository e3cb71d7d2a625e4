/* Reads dialogue scripts. */
#include "script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES_MAX = 1 << 20 };

struct reader {
    struct script *s;
    const char *path;
    int line;
    bool is_bad;
};

static void complain(struct reader *r, const char *what, struct hy_str where)
{
    printf("# %s:%d: %s: %.*s\n", r->path, r->line, what, HY_STR_ARG(where));
    r->is_bad = true;
}

static struct script_step *new_step(struct reader *r, enum script_verb verb)
{
    struct script *s = r->s;
    if (s->n_steps == SCRIPT_STEPS_MAX) {
        complain(r, "too many steps", HY_STR(""));
        s->n_steps--;
    }
    struct script_step *step = &s->steps[s->n_steps++];
    *step = (struct script_step){.verb = verb, .line = r->line, .bytes = HY_BUF_INIT(BYTES_MAX)};
    return step;
}

/* Joins lines of the same kind that follow each other. */
static struct script_step *same_step(struct reader *r, enum script_verb verb)
{
    struct script *s = r->s;
    if (s->n_steps > 0 && s->steps[s->n_steps - 1].verb == verb)
        return &s->steps[s->n_steps - 1];
    return new_step(r, verb);
}

/* \r \n \t \0 \\ and \xNN; "\|" is left for the caller. */
static void unescape(struct reader *r, struct hy_str s, struct hy_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\' || i + 1 == s.n) {
            hy_buf_add_c(out, s.p[i]);
            continue;
        }
        char ch = s.p[++i];
        unsigned v = 0;
        if (ch == 'x' && i + 2 < s.n && sscanf(s.p + i + 1, "%2x", &v) == 1) {
            hy_buf_add_c(out, (char)v);
            i += 2;
            continue;
        }
        static const char names[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
        const char *at = strchr(names, ch);
        if (at)
            hy_buf_add_c(out, bytes[at - names]);
        else
            complain(r, "unknown escape", s);
    }
}

static hy_us read_seconds(struct reader *r, struct hy_str s)
{
    uint64_t v = 0;
    if (!hy_str_ends(s, HY_STR("s")) ||
        hy_str_to_u64(hy_str_slice(s, 0, s.n - 1), 1000000, &v) != HY_OK)
        complain(r, "not a time like 30s", s);
    return (hy_us)v * HY_US_PER_SEC;
}

static void fill_content(struct hy_buf *out, size_t n)
{
    static const char line[] =
        "The quick brown fox jumps over the lazy dog, and does it again.\r\n";
    for (size_t i = 0; out->len + 2 < n; i++)
        hy_buf_add_c(out, line[i % (sizeof line - 1)]);
    if (out->len > 0 && out->data[out->len - 1] == '\r')
        out->data[out->len - 1] = '.';
    hy_buf_add_lit(out, "\r\n");
}

/* "<a@b>,<c@d>" */
static void read_recipients(struct reader *r, struct script_message *m, struct hy_str list)
{
    struct hy_str one;
    while (hy_str_split(&list, ',', &one)) {
        if (one.n < 2 || m->m.n_recipients == HY_SMTP_RECIPIENTS_MAX)
            complain(r, "bad recipients", one);
        else
            m->recipients[m->m.n_recipients++] = hy_str_slice(one, 1, one.n - 1);
    }
}

static void read_flag(struct reader *r, struct script_message *m, struct hy_str flag)
{
    if (hy_str_eq(flag, HY_STR("8bit")))
        m->m.is_8bit = true;
    else if (hy_str_eq(flag, HY_STR("smtputf8")))
        m->m.needs_smtputf8 = true;
    else if (hy_str_eq(flag, HY_STR("clean")))
        m->m.is_clean = true;
    else
        complain(r, "unknown flag", flag);
}

/* The content cut at each "\|" into pieces. */
static void set_content(struct reader *r, struct script_message *m, struct hy_str text)
{
    size_t ends[HY_SMTP_PIECES_MAX];
    size_t n = 0;
    for (size_t cut; n < HY_SMTP_PIECES_MAX; n++) {
        cut = hy_str_find_str(text, HY_STR("\\|"), 0);
        unescape(r, hy_str_slice(text, 0, cut), &m->content);
        ends[n] = m->content.len;
        if (cut == SIZE_MAX) {
            n++;
            break;
        }
        text = hy_str_slice(text, cut + 2, SIZE_MAX);
    }
    for (size_t i = 0; i < n; i++)
        m->m.pieces[i] = hy_str_slice(hy_buf_str(&m->content), i ? ends[i - 1] : 0, ends[i]);
    m->m.n_pieces = n;
}

static void read_message_word(struct reader *r, struct script_message *m, struct hy_str word)
{
    uint64_t size = 0;
    if (hy_str_starts(word, HY_STR("from=<"))) {
        m->m.sender = hy_str_slice(word, 6, word.n - 1);
    } else if (hy_str_starts(word, HY_STR("to="))) {
        read_recipients(r, m, hy_str_slice(word, 3, SIZE_MAX));
    } else if (hy_str_starts(word, HY_STR("size=")) &&
               hy_str_to_u64(hy_str_slice(word, 5, SIZE_MAX), BYTES_MAX, &size) == HY_OK) {
        fill_content(&m->content, (size_t)size);
        m->m.pieces[0] = hy_buf_str(&m->content);
        m->m.n_pieces = 1;
    } else {
        read_flag(r, m, word);
    }
}

/* M: [from=<...>] [to=<...>,<...>] [size=N] [8bit] [smtputf8] [clean] [content=...] */
static void read_message(struct reader *r, struct hy_str args)
{
    struct script *s = r->s;
    if (s->n_messages == SCRIPT_MESSAGES_MAX) {
        complain(r, "too many messages", args);
        return;
    }
    new_step(r, SCRIPT_MESSAGE)->message = s->n_messages;
    struct script_message *m = &s->messages[s->n_messages++];
    m->content = HY_BUF_INIT(BYTES_MAX);
    m->m = (struct hy_smtp_message){.sender = HY_STR("news@out.example")};
    m->m.recipients = m->recipients;
    m->m.opaque = m;
    struct hy_str content = HY_STR("Subject: hi\\r\\n\\r\\nhello\\r\\n");
    size_t at = hy_str_find_str(args, HY_STR("content="), 0);
    if (at != SIZE_MAX)
        content = hy_str_slice(args, at + 8, SIZE_MAX);
    args = hy_str_trim(hy_str_slice(args, 0, at));
    struct hy_str word;
    while (hy_str_split(&args, ' ', &word))
        if (word.n > 0)
            read_message_word(r, m, word);
    if (m->m.n_pieces == 0)
        set_content(r, m, content);
    if (m->m.n_recipients == 0)
        read_recipients(r, m, HY_STR("<ann@dest.example>"));
}

static void read_set(struct reader *r, struct hy_str args)
{
    struct hy_smtp_settings *set = &r->s->settings;
    static const char *const tls[] = {"never", "opportunistic", "required", "verified"};
    struct hy_str word;
    while (hy_str_split(&args, ' ', &word)) {
        bool is_known = true;
        if (hy_str_eq(word, HY_STR("no-pipelining")))
            set->use_pipelining = false;
        else if (hy_str_eq(word, HY_STR("chunking")))
            set->use_chunking = true;
        else if (hy_str_eq(word, HY_STR("helo")))
            set->use_helo = true;
        else
            is_known = false;
        for (int i = 0; i < 4; i++) {
            char want[32];
            snprintf(want, sizeof want, "tls=%s", tls[i]);
            if (!hy_str_eq(word, hy_str_of(want)))
                continue;
            set->tls = (enum hy_smtp_tls)i;
            is_known = true;
        }
        if (!is_known)
            complain(r, "unknown setting", word);
    }
}

/* "3 250-line": the line three times. */
static void read_repeat(struct reader *r, struct hy_str args)
{
    uint64_t n = 0;
    struct hy_str count;
    if (!hy_str_split(&args, ' ', &count) || hy_str_to_u64(count, 100000, &n) != HY_OK)
        complain(r, "no count", args);
    struct hy_buf *out = &same_step(r, SCRIPT_SERVER)->bytes;
    for (uint64_t i = 0; i < n; i++) {
        hy_buf_add_str(out, args);
        hy_buf_add_lit(out, "\r\n");
    }
}

static void read_client(struct reader *r, struct hy_str args)
{
    struct script *s = r->s;
    struct hy_buf *out = &same_step(r, SCRIPT_CLIENT)->bytes;
    if (hy_str_eq(args, HY_STR("<content>")) && s->n_messages > 0) {
        hy_buf_add_str(out, hy_buf_str(&s->messages[s->n_messages - 1].content));
        return;
    }
    hy_buf_add_str(out, args);
    hy_buf_add_lit(out, "\r\n");
}

static void read_tls(struct reader *r, struct hy_str args)
{
    struct script_step *step = new_step(r, SCRIPT_TLS);
    if (hy_str_eq(args, HY_STR("good")))
        step->tls = HY_SMTP_TLS_GOOD;
    else if (hy_str_eq(args, HY_STR("unverified")))
        step->tls = HY_SMTP_TLS_UNVERIFIED;
    else if (!hy_str_eq(args, HY_STR("fails")))
        complain(r, "unknown TLS result", args);
}

static void read_drip(struct reader *r, struct hy_str args)
{
    struct hy_str us;
    struct script_step *step = new_step(r, SCRIPT_DRIP);
    if (hy_str_split(&args, ' ', &us))
        step->us = read_seconds(r, us);
    unescape(r, args, &step->bytes);
}

static void read_line(struct reader *r, struct hy_str line)
{
    struct script *s = r->s;
    size_t colon = hy_str_find(line, ':', 0);
    struct hy_str key = hy_str_slice(line, 0, colon), args = {0};
    if (colon != SIZE_MAX)
        args = hy_str_slice(line, colon + 1, SIZE_MAX);
    if (args.n > 0 && args.p[0] == ' ')
        args = hy_str_slice(args, 1, SIZE_MAX);
    if (line.n == 0 || line.p[0] == '#')
        return;
    if (hy_str_starts(line, HY_STR("=> ")) && s->n_results < SCRIPT_RESULTS_MAX)
        s->results[s->n_results++] = hy_str_slice(line, 3, SIZE_MAX);
    else if (hy_str_eq(line, HY_STR("S: <close>")))
        new_step(r, SCRIPT_CLOSE);
    else if (hy_str_eq(key, HY_STR("S"))) {
        hy_buf_add_str(&same_step(r, SCRIPT_SERVER)->bytes, args);
        hy_buf_add_lit(&s->steps[s->n_steps - 1].bytes, "\r\n");
    } else if (hy_str_eq(key, HY_STR("S-raw")))
        unescape(r, args, &same_step(r, SCRIPT_SERVER)->bytes);
    else if (hy_str_eq(key, HY_STR("S-repeat")))
        read_repeat(r, args);
    else if (hy_str_eq(key, HY_STR("S-drip")))
        read_drip(r, args);
    else if (hy_str_eq(key, HY_STR("C")))
        read_client(r, args);
    else if (hy_str_eq(key, HY_STR("C-part")))
        unescape(r, args, &new_step(r, SCRIPT_PART)->bytes);
    else if (hy_str_eq(key, HY_STR("M")))
        read_message(r, args);
    else if (hy_str_eq(key, HY_STR("set")))
        read_set(r, args);
    else if (hy_str_eq(key, HY_STR("TLS")))
        read_tls(r, args);
    else if (hy_str_eq(key, HY_STR("wait")))
        new_step(r, SCRIPT_WAIT)->us = read_seconds(r, args);
    else if (hy_str_eq(line, HY_STR("quit")))
        new_step(r, SCRIPT_QUIT);
    else if (hy_str_eq(line, HY_STR("abort")))
        new_step(r, SCRIPT_ABORT);
    else
        complain(r, "what is this", line);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    char *text = calloc(1, BYTES_MAX);
    size_t n = text ? fread(text, 1, BYTES_MAX - 1, f) : 0;
    fclose(f);
    if (n == 0) {
        free(text);
        return NULL;
    }
    return text;
}

struct script *script_load(const char *path)
{
    struct script *s = calloc(1, sizeof *s);
    struct reader r = {.s = s, .path = path};
    if (!s)
        return NULL;
    hy_smtp_settings_init(&s->settings);
    s->settings.ehlo_name = HY_STR("out.example");
    s->text = read_file(path);
    struct hy_str rest = hy_str_of(s->text), line;
    while (hy_str_split(&rest, '\n', &line)) {
        r.line++;
        read_line(&r, line);
    }
    if (!s->text || r.is_bad || s->n_results == 0) {
        printf("# %s: cannot be read or says nothing about its end\n", path);
        script_free(s);
        return NULL;
    }
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_steps; i++)
        hy_buf_free(&s->steps[i].bytes);
    for (int i = 0; i < s->n_messages; i++)
        hy_buf_free(&s->messages[i].content);
    free(s->text);
    free(s);
}
