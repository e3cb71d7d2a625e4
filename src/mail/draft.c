/* Messages as programs type them. */
#include "hayauma/mail/draft.h"

#include "hayauma/mail/header.h"

enum { LIST_MAX = 1 << 20 };

/* ---- lists of addresses (RFC 5322 3.4) ---- */

/* One address being read: what stands outside of comments, and what stands in brackets. */
struct reading {
    struct hy_buf bare, angle;
    bool has_angle;
};

static int give(struct reading *r, hy_draft_each *each, void *ctx)
{
    struct hy_str s = hy_str_trim(hy_buf_str(r->has_angle ? &r->angle : &r->bare));
    int err = r->bare.err ? r->bare.err : r->angle.err;
    if (err == HY_OK && s.n)
        err = each(ctx, s);
    hy_buf_reset(&r->bare);
    hy_buf_reset(&r->angle);
    r->has_angle = false;
    return err;
}

/* The place behind the comment that begins at `at`. */
static size_t skip_comment(struct hy_str list, size_t at)
{
    int depth = 0;
    for (; at < list.n; at++) {
        if (list.p[at] == '\\')
            at++;
        else if (list.p[at] == '(')
            depth++;
        else if (list.p[at] == ')' && --depth == 0)
            return at + 1;
    }
    return list.n;
}

int hy_draft_addresses(struct hy_str list, hy_draft_each *each, void *ctx)
{
    struct reading r = {.bare = HY_BUF_INIT(LIST_MAX), .angle = HY_BUF_INIT(LIST_MAX)};
    bool in_quotes = false, in_angle = false;
    int err = HY_OK;
    for (size_t i = 0; i < list.n && err == HY_OK; i++) {
        char c = list.p[i];
        struct hy_buf *to = in_angle ? &r.angle : &r.bare;
        if (in_quotes) {
            hy_buf_add_c(to, c);
            if (c == '\\' && i + 1 < list.n)
                hy_buf_add_c(to, list.p[++i]);
            in_quotes = c != '"';
        } else if (c == '(') {
            i = skip_comment(list, i) - 1;
        } else if (c == ',' || c == ';') {
            err = give(&r, each, ctx);
            in_angle = false;
        } else if (c == ':' && !in_angle) { /* the name of a group */
            hy_buf_reset(&r.bare);
        } else if (c == '<' && !in_angle) {
            in_angle = r.has_angle = true;
            hy_buf_reset(&r.angle);
        } else if (c == '>' && in_angle) {
            in_angle = false;
        } else if (c != '\r' && c != '\n') {
            in_quotes = c == '"';
            hy_buf_add_c(to, c);
        }
    }
    if (err == HY_OK)
        err = give(&r, each, ctx);
    hy_buf_free(&r.bare);
    hy_buf_free(&r.angle);
    return err;
}

static int each_of(struct hy_str message, const char *const names[3], bool *ret_any,
                   hy_draft_each *each, void *ctx)
{
    struct hy_header_field f;
    int err = HY_OK;
    while (err == HY_OK && hy_header_next(&message, &f)) {
        for (size_t i = 0; i < 3 && err == HY_OK; i++) {
            if (!hy_str_ieq(f.name, hy_str_of(names[i])))
                continue;
            *ret_any = true;
            err = hy_draft_addresses(f.value, each, ctx);
        }
    }
    return err;
}

int hy_draft_recipients(struct hy_str message, hy_draft_each *each, void *ctx)
{
    static const char *const resent[] = {"Resent-To", "Resent-Cc", "Resent-Bcc"};
    static const char *const usual[] = {"To", "Cc", "Bcc"};
    bool any = false;
    int err = each_of(message, resent, &any, each, ctx);
    return err || any ? err : each_of(message, usual, &any, each, ctx);
}

/* ---- the message ---- */

struct first {
    struct hy_buf address;
    size_t n;
};
static int take_first(void *ctx, struct hy_str address)
{
    struct first *f = ctx;
    if (f->n++ == 0)
        hy_buf_add_str(&f->address, address);
    return f->address.err;
}

static struct hy_str first_line(struct hy_str text)
{
    size_t n = hy_str_find(text, '\n', 0);
    return hy_str_slice(text, 0, n);
}

/* "Name: ..." */
static bool is_field(struct hy_str line)
{
    size_t colon = hy_str_find(line, ':', 0);
    return colon != SIZE_MAX && hy_header_name_ok(hy_str_trim(hy_str_slice(line, 0, colon)));
}

/* What a comment or the words before brackets call the sender: cron writes "root (Cron Daemon)". */
static struct hy_str name_in(struct hy_str value)
{
    size_t open = hy_str_find(value, '(', 0), close = hy_str_find(value, ')', 0);
    size_t angle = hy_str_find(value, '<', 0);
    struct hy_str name = {0};
    if (angle != SIZE_MAX)
        name = hy_str_slice(value, 0, angle);
    else if (open != SIZE_MAX && close != SIZE_MAX && close > open)
        name = hy_str_slice(value, open + 1, close);
    name = hy_str_trim(name);
    if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
        name = hy_str_slice(name, 1, name.n - 1);
    return name;
}

static int put_from(const struct hy_draft *d, struct hy_str address, struct hy_str name,
                    struct hy_buf *out)
{
    struct hy_buf full = HY_BUF_INIT(1024), decoded = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    hy_buf_add_str(&full, address);
    if (hy_str_find(address, '@', 0) == SIZE_MAX) {
        hy_buf_add_c(&full, '@');
        hy_buf_add_str(&full, d->host);
    }
    int err = full.err ? HY_EINVAL : hy_header_decode(&decoded, name);
    struct hy_header_mailbox box = {.name = hy_buf_str(&decoded), .address = hy_buf_str(&full)};
    if (err == HY_OK)
        err = hy_header_mailboxes(out, HY_STR("From"), &box, 1, HY_MAIL_UTF8);
    hy_buf_free(&full);
    hy_buf_free(&decoded);
    return err;
}

/* The From field of the text with a domain; HY_EEXIST: it has one, or several addresses, and stays
 * as it is; HY_ENOTFOUND: there is none. */
static int mend_from(const struct hy_draft *d, struct hy_str text, struct hy_buf *out,
                     struct hy_str *ret_field)
{
    struct hy_header_field f;
    if (!is_field(first_line(text)) || !hy_header_find(text, HY_STR("From"), &f))
        return HY_ENOTFOUND;
    struct first first = {.address = HY_BUF_INIT(1024)};
    int err = hy_draft_addresses(f.value, take_first, &first);
    struct hy_str address = hy_buf_str(&first.address);
    if (err == HY_OK && (first.n != 1 || hy_str_find(address, '@', 0) != SIZE_MAX))
        err = HY_EEXIST;
    if (err == HY_OK)
        err = put_from(d, address, name_in(f.value), out);
    hy_buf_free(&first.address);
    *ret_field = f.whole;
    return err == HY_ELIMIT ? HY_EEXIST : err; /* what is wrong with it is told by who checks it */
}

int hy_draft_write(const struct hy_draft *d, struct hy_buf *out)
{
    struct hy_str text = d->text, field = {0};
    if (hy_str_starts(text, HY_STR("From ")) && hy_str_find(text, '\n', 0) != SIZE_MAX)
        text = hy_str_slice(text, hy_str_find(text, '\n', 0) + 1, text.n);
    int err = mend_from(d, text, out, &field);
    if (err == HY_OK) {
        size_t at = (size_t)(field.p - text.p);
        hy_buf_add_str(out, hy_str_slice(text, 0, at));
        text = hy_str_slice(text, at + field.n, text.n);
    } else if (err == HY_ENOTFOUND) {
        err = put_from(d, d->from, d->from_name, out);
        struct hy_str line = hy_str_trim(first_line(text));
        if (line.n && !is_field(line))
            hy_buf_add_lit(out, "\r\n");
    }
    if (err != HY_OK && err != HY_EEXIST)
        return err;
    hy_buf_add_str(out, text);
    return out->err;
}
