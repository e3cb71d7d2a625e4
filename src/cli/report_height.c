/* How high the mail of a report is, before anybody has laid it out: the page has no script that
 * could ask. Lines are counted by their columns, images and paddings by what they say; cells of a
 * row stand side by side. A reader of what hy_preview_put wrote, which is regular. */
#include <stdlib.h>

#include "report_page.h"

enum {
    WIDTH = 600, /* pixels of a mail */
    COLUMN = 8,  /* of a Latin letter; wide ones take two */
    LINE = 24,
    GAP = 16, /* around a paragraph */
    IMAGE = 120,
    HEIGHT_MIN = 160,
    HEIGHT_MAX = 4000,
};

struct measure {
    int height;
    size_t columns; /* of the line that is being filled */
    int row;        /* of the cells that stand side by side: the highest image */
    int padding;    /* and the largest padding */
    int rows_open;
};

static void end_line(struct measure *m)
{
    size_t wide = WIDTH / COLUMN;
    int lines = (int)((m->columns + wide - 1) / wide);
    m->height += (lines * LINE > m->row ? lines * LINE : m->row) + 2 * m->padding;
    m->columns = 0;
    m->row = m->padding = 0;
}

/* The number behind `name` in a tag: height="80", padding:12px. */
static int number_in(struct hy_str tag, struct hy_str name, int none)
{
    size_t at = hy_str_find_str(tag, name, 0);
    char digits[8] = "";
    if (at == SIZE_MAX)
        return none;
    struct hy_str rest = hy_str_slice(tag, at + name.n, tag.n);
    while (rest.n && strchr(" =:\"'", rest.p[0]) && rest.p[0])
        rest = hy_str_slice(rest, 1, rest.n);
    for (size_t i = 0; i < 5 && i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9'; i++)
        digits[i] = rest.p[i];
    int n = digits[0] ? atoi(digits) : none;
    return n < HEIGHT_MAX ? n : HEIGHT_MAX;
}

static void take_image(struct measure *m, struct hy_str tag)
{
    int high = number_in(tag, HY_STR(" height"), IMAGE);
    int wide = number_in(tag, HY_STR(" width"), 0);
    if (wide > WIDTH)
        high = high * WIDTH / wide;
    if (m->rows_open)
        m->row = high > m->row ? high : m->row;
    else
        m->height += high;
}

static bool is_tag(struct hy_str name, const char *words)
{
    struct hy_str rest = hy_str_of(words), word;
    while (hy_str_split(&rest, ' ', &word))
        if (hy_str_eq(word, name))
            return true;
    return false;
}

static void take_tag(struct measure *m, struct hy_str tag)
{
    bool is_end = tag.n && tag.p[0] == '/';
    size_t from = is_end, to = from;
    while (to < tag.n && hy_ascii_lower(tag.p[to]) >= '0' && hy_ascii_lower(tag.p[to]) <= 'z')
        to++;
    struct hy_str name = hy_str_slice(tag, from, to);
    if (is_tag(name, "br p h1 h2 h3 h4 h5 h6 div li ul ol tr table hr blockquote pre center"))
        end_line(m);
    if (hy_str_eq(name, HY_STR("tr")))
        m->rows_open += is_end ? -(m->rows_open > 0) : 1;
    if (is_end)
        return;
    if (hy_str_eq(name, HY_STR("img")))
        take_image(m, tag);
    else if (is_tag(name, "p h1 h2 h3 ul ol blockquote hr"))
        m->height += GAP;
    int padding = number_in(tag, HY_STR("padding:"), 0);
    m->padding = padding > m->padding ? padding : m->padding;
}

int report_mail_height(const char *html)
{
    struct hy_str s = hy_str_of(html);
    struct measure m = {.height = GAP * 2};
    for (size_t i = 0; i < s.n;) {
        size_t end = s.p[i] == '<' ? hy_str_find(s, '>', i) : hy_str_find(s, '<', i);
        end = end == SIZE_MAX ? s.n : end;
        if (s.p[i] == '<' && hy_str_starts(hy_str_slice(s, i, s.n), HY_STR("<style"))) {
            size_t close = hy_str_find_str(s, HY_STR("</style"), i);
            i = close == SIZE_MAX ? s.n : close + 1;
            continue;
        }
        if (s.p[i] == '<')
            take_tag(&m, hy_str_slice(s, i + 1, end));
        else
            m.columns += cli_columns(hy_str_trim(hy_str_slice(s, i, end)));
        i = s.p[i] == '<' ? end + 1 : end;
    }
    end_line(&m);
    m.height += m.height / 10; /* rather a little white below than a bar to scroll */
    return m.height < HEIGHT_MIN ? HEIGHT_MIN : m.height < HEIGHT_MAX ? m.height : HEIGHT_MAX;
}
