/* Messages that come ready-made and in English, from whoever reads the configuration or from the
 * daemon, told in the person's language: the table has their formats, and what stands where a
 * format has a conversion is taken over, or told likewise. What no format fits is left as it is. */
#include "retell.h"

#include "hayauma/config/problems.h"

enum { ARGS_MAX = 10 };

/* A piece of a format: text, then a conversion or the end. */
struct piece {
    struct hy_str text;
    bool is_number;
    bool is_last;
};

static struct piece next_piece(const char **at)
{
    const char *p = *at, *end = p;
    while (*end && !(end[0] == '%' && end[1] != '%'))
        end += end[0] == '%' ? 2 : 1;
    struct piece out = {.text = hy_str_make(p, (size_t)(end - p)), .is_last = !*end};
    if (!out.is_last) {
        end++;
        while (*end && !strchr("diouxXcsp", *end))
            end++;
        out.is_number = *end && strchr("dioux", *end) != NULL;
        end += *end != '\0';
    }
    *at = end;
    return out;
}

static bool is_number(struct hy_str s)
{
    bool good = s.n > 0;
    for (size_t i = 0; i < s.n; i++)
        good &= s.p[i] >= '0' && s.p[i] <= '9';
    return good;
}

/* Whether the text is what the format makes, and with which arguments. */
static bool matches(const char *format, struct hy_str text, struct hy_str args[ARGS_MAX])
{
    struct piece p = next_piece(&format);
    if (!hy_str_starts(text, p.text))
        return false;
    text = hy_str_slice(text, p.text.n, text.n);
    for (size_t n = 0; !p.is_last; n++) {
        if (n == ARGS_MAX)
            return false;
        bool is_number_wanted = p.is_number;
        p = next_piece(&format);
        size_t end = p.text.n ? hy_str_find_str(text, p.text, 0) : text.n;
        if (p.is_last && p.text.n)
            end = hy_str_ends(text, p.text) ? text.n - p.text.n : SIZE_MAX;
        if (end == SIZE_MAX || (p.text.n == 0 && !p.is_last))
            return false;
        args[n] = hy_str_slice(text, 0, end);
        if (is_number_wanted && !is_number(args[n]))
            return false;
        text = hy_str_slice(text, end + p.text.n, text.n);
    }
    return text.n == 0;
}

static bool retell(struct hy_str text, struct hy_buf *out);

/* What stands for a conversion may be words of the table, too; between quotes it is what somebody
 * wrote, and stays. */
static void put(const char *format, const struct hy_str args[ARGS_MAX], struct hy_buf *out)
{
    for (size_t n = 0;; n++) {
        struct piece p = next_piece(&format);
        hy_buf_add_str(out, p.text);
        if (p.is_last)
            return;
        bool is_quoted = p.text.n && strchr("'\"", p.text.p[p.text.n - 1]);
        if (is_quoted || !retell(args[n], out))
            hy_buf_add_str(out, args[n]);
    }
}

static bool retell(struct hy_str text, struct hy_buf *out)
{
    struct hy_str args[ARGS_MAX];
    for (size_t t = 0; cli_retold[t]; t++)
        for (cli_words *w = cli_retold[t]; (*w)[0]; w++) {
            if (!matches((*w)[0], text, args))
                continue;
            put((*w)[1], args, out);
            return true;
        }
    return false;
}

const char *cli_retell(const struct cli *c, const char *english, struct hy_buf *room)
{
    struct hy_str text = hy_str_of(english), rest = text;
    hy_buf_reset(room);
    if (c->lang != CLI_JA)
        return english;
    while (!retell(rest, room)) { /* behind the key, the file and line that it is about */
        size_t colon = hy_str_find_str(rest, HY_STR(": "), 0);
        if (colon == SIZE_MAX || hy_str_find(rest, ' ', 0) < colon)
            return english;
        rest = hy_str_slice(rest, colon + 2, rest.n);
        hy_buf_reset(room);
        hy_buf_add_str(room, hy_str_slice(text, 0, text.n - rest.n));
    }
    return hy_buf_cstr(room);
}

void cli_print_problems(struct cli *c, const struct hy_problems *p)
{
    struct hy_buf room = HY_BUF_INIT(65536);
    char place[HY_PROBLEM_PLACE_MAX];
    if (c->lang == CLI_EN) {
        hy_problems_print(p, c->err);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        fprintf(c->err, "%s: %s: %s\n", hy_problem_place(&p->items[i], place),
                p->items[i].is_warning ? _(c, "warning") : _(c, "error"),
                cli_retell(c, p->items[i].text, &room));
    if (p->n_dropped)
        fprintf(c->err, _(c, "... and %zu more\n"), p->n_dropped);
    hy_buf_free(&room);
}
