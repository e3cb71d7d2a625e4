/* Whom a report is about where its own words do not say: what its headers, the mail it returns and
 * the address it was sent to tell. */
#include "findings.h"

/* Those named in a header failed for certain; the text tells why. Gmail and Exim write it. */
void bounce_name_failed(const struct bounce_mail *mail, struct bounce_items *items)
{
    struct hy_str failed = bounce_field(items->arena, mail->headers, "X-Failed-Recipients"), one;
    size_t at = 0;
    if (items->n && items->at[0].final.n)
        return;
    struct bounce_item nameless = items->n ? items->at[0] : (struct bounce_item){0};
    items->n = 0;
    while (bounce_next_address(failed, &at, &one)) {
        struct bounce_item *it = bounce_item_add(items);
        if (!it)
            return;
        *it = nameless;
        it->final = one;
    }
    if (items->n == 0)
        *bounce_item_add(items) = nameless;
}

static struct hy_str of_original(const struct bounce_mail *mail, struct hy_arena *a)
{
    static const char *const fields[] = {"X-Failed-Recipients", "X-Original-To", "Delivered-To",
                                         "To"};
    struct hy_str found = {0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields && found.n == 0; i++)
        found = bounce_address_of(bounce_field(a, mail->original, fields[i]));
    return found;
}

/* a-b=c.d@e holds b@c.d by custom: "bounce-123-user=example.org@sender.example". */
static struct hy_str of_return_path(struct hy_str to, struct hy_arena *a)
{
    size_t at = hy_str_find(to, '@', 0), eq = hy_str_find(to, '=', 0);
    if (at == SIZE_MAX || eq == SIZE_MAX || eq > at || hy_str_find(to, '=', eq + 1) < at)
        return HY_STR("");
    struct hy_str domain = hy_str_slice(to, eq + 1, at);
    size_t start = eq;
    while (start > 0 && to.p[start - 1] != '-' && to.p[start - 1] != '+')
        start--;
    if (start == eq || hy_str_find(domain, '.', 0) == SIZE_MAX)
        return HY_STR("");
    char *p = hy_arena_alloc(a, to.n);
    if (!p)
        return HY_STR("");
    memcpy(p, to.p + start, at - start);
    p[eq - start] = '@';
    return hy_str_make(p, at - start);
}

static struct hy_str of_return_paths(const struct bounce_mail *mail, struct hy_arena *a)
{
    static const char *const fields[] = {"To", "X-Original-To", "Delivered-To", "Envelope-To"};
    struct hy_str found = {0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields && found.n == 0; i++)
        found = of_return_path(bounce_address_of(bounce_field(a, mail->headers, fields[i])), a);
    return found;
}

void bounce_name_guess(const struct bounce_mail *mail, struct bounce_items *items)
{
    struct bounce_item *it = &items->at[0];
    if (it->final.n == 0)
        it->final = of_original(mail, items->arena);
    if (it->final.n == 0)
        it->final = of_return_paths(mail, items->arena);
    if (it->final.n == 0)
        it->final = items->mentioned;
}

/* -- the mail that came back ---------------------------------------------------------------- */

/* What stands before "Name:" at a line's start: blanks and the marks of quoting. */
static size_t quote_of(struct hy_str line)
{
    size_t i = 0;
    while (i < line.n && strchr(" \t>|", line.p[i]))
        i++;
    return i;
}

/* Whether "Name: " begins there. */
static bool is_field(struct hy_str s)
{
    size_t i = 0;
    while (i < s.n && i < 60 && (unsigned char)s.p[i] > ' ' && s.p[i] != ':' && s.p[i] != '>')
        i++;
    return i > 1 && i + 1 < s.n && s.p[i] == ':' && (s.p[i + 1] == ' ' || s.p[i + 1] == '\t');
}

struct hy_str bounce_unquoted(struct hy_arena *a, struct hy_str mail)
{
    enum { QUOTE_MAX = 16, HEADER_MAX = 64 * 1024 };
    struct hy_str line, rest, mark = {0};
    while (mail.n && strchr("\n-*=_", mail.p[0]))
        mail = hy_str_slice(mail, 1, mail.n);
    mail = hy_str_slice(mail, 0, HEADER_MAX);
    for (rest = mail; mark.n == 0 && hy_str_split(&rest, '\n', &line);) {
        size_t n = quote_of(line);
        if (line.n > n && !is_field(hy_str_slice(line, n, line.n)))
            continue;
        if (line.n > n && (n == 0 || n > QUOTE_MAX))
            break; /* it stands as it was */
        mark = hy_str_slice(line, 0, line.n > n ? n : 0);
    }
    char *p = mark.n ? hy_arena_alloc(a, mail.n + 1) : NULL;
    size_t len = 0;
    if (!p) {
        while (mail.n && (mail.p[0] == ' ' || mail.p[0] == '\n'))
            mail = hy_str_slice(mail, 1, mail.n);
        return mail;
    }
    for (rest = mail; hy_str_split(&rest, '\n', &line);) {
        if (hy_str_starts(line, mark))
            line = hy_str_slice(line, mark.n, line.n);
        if (len == 0 && !is_field(line))
            continue; /* "From somebody Thu Apr 29" */
        memcpy(p + len, line.p, line.n);
        len += line.n;
        p[len++] = '\n';
    }
    return hy_str_make(p, len);
}
