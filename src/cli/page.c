/* Pieces of a page of HTML. */
#include "page.h"

#include "cli.h"
#include "hayauma/mail/escape.h"

enum { HEIGHT = 190, TOP = 18, BOTTOM = 22, LABELS = 5, DIGIT = 7 /* pixels */ };

void page_put(struct hy_buf *out, const char *text)
{
    hy_escape(out, hy_str_of(text), HY_ESCAPE_HTML);
}

void page_put_section(struct hy_buf *out, const char *title)
{
    hy_buf_add_lit(out, "<section><h2>");
    page_put(out, title);
    hy_buf_add_lit(out, "</h2>");
}

/* The next of 1, 2, 4, 6, 8, 10, 20 ...: halves are whole from 2 on. */
static int64_t round_up(int64_t n)
{
    static const int64_t steps[] = {1, 2, 4, 6, 8};
    for (int64_t ten = 1; ten < INT64_MAX / 10; ten *= 10)
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
            if (n <= ten * steps[i])
                return ten * steps[i];
    return n;
}

static int64_t sum_at(const struct page_chart *c, size_t i)
{
    int64_t sum = 0;
    for (size_t k = 0; k < c->n_series; k++)
        sum += c->value(c->ctx, k, i);
    return sum;
}

static int64_t most_of(const struct page_chart *c)
{
    int64_t most = 1;
    for (size_t i = 0; i < c->n; i++)
        if (sum_at(c, i) > most)
            most = sum_at(c, i);
    return most;
}

static double height_of(int64_t n, int64_t top)
{
    return (double)(HEIGHT - TOP - BOTTOM) * (double)n / (double)top;
}

/* Lines with their numbers, at a half and at the top; the numbers stand left of the plot, where no
 * bar hides them. */
static void put_grid(struct hy_buf *out, int64_t top)
{
    char n[32];
    for (int i = 0; i <= 2; i++) {
        if (i == 1 && top % 2)
            continue;
        double y = (double)(HEIGHT - BOTTOM) - height_of(top * i, 2 * top);
        hy_buf_printf(out, "<line class=\"g\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>", y,
                      y);
        if (i)
            hy_buf_printf(out, "<text x=\"-6\" y=\"%.1f\" text-anchor=\"end\">%s</text>", y + 4,
                          cli_number(top * i / 2, n));
    }
}

static void put_point(struct hy_buf *out, const struct page_chart *c, size_t i, int64_t top)
{
    double width = 100.0 / (double)c->n, y = HEIGHT - BOTTOM;
    char room[64], n[32];
    if (sum_at(c, i) == 0)
        return;
    hy_buf_add_lit(out, "<g><title>");
    page_put(out, c->label(c->ctx, i, room));
    for (size_t k = 0; k < c->n_series; k++) {
        hy_buf_add_lit(out, " \xc2\xb7 ");
        page_put(out, c->names[k]);
        hy_buf_printf(out, ": %s", cli_number(c->value(c->ctx, k, i), n));
    }
    hy_buf_add_lit(out, "</title>");
    for (size_t k = 0; k < c->n_series; k++) {
        double h = height_of(c->value(c->ctx, k, i), top);
        if (h <= 0)
            continue;
        if (h < 1)
            h = 1; /* something is seen of everything that is there */
        y -= h;
        hy_buf_printf(out,
                      "<rect class=\"%s\" x=\"%.3f%%\" y=\"%.1f\" width=\"%.3f%%\" "
                      "height=\"%.1f\"/>",
                      c->kinds[k], (double)i * width + width * 0.08, y, width * 0.84, h);
    }
    hy_buf_add_lit(out, "</g>");
}

static void put_labels(struct hy_buf *out, const struct page_chart *c)
{
    size_t step = c->n > LABELS ? (c->n + LABELS - 1) / LABELS : 1;
    char room[64];
    for (size_t i = 0; i < c->n; i += step) {
        double x = 100.0 * (double)i / (double)c->n;
        bool is_last = x > 84; /* it ends where the plot ends */
        hy_buf_printf(out, "<text x=\"%.3f%%\" y=\"%d\"%s>", is_last ? 100.0 : x, HEIGHT - 6,
                      is_last ? " text-anchor=\"end\"" : "");
        page_put(out, c->label(c->ctx, i, room));
        hy_buf_add_lit(out, "</text>");
    }
}

void page_put_chart(struct hy_buf *out, const struct page_chart *c)
{
    int64_t top = round_up(most_of(c));
    char n[32];
    int gutter = DIGIT * (int)strlen(cli_number(top, n)) + 8;
    hy_buf_printf(out,
                  "<svg class=\"chart\" role=\"img\" style=\"margin-left:%dpx;"
                  "width:calc(100%% - %dpx)\" height=\"%d\" aria-label=\"",
                  gutter, gutter, HEIGHT);
    page_put(out, c->title);
    hy_buf_add_lit(out, "\">");
    put_grid(out, top);
    for (size_t i = 0; i < c->n; i++)
        put_point(out, c, i, top);
    put_labels(out, c);
    hy_buf_add_lit(out, "</svg>");
}

void page_put_legend(struct hy_buf *out, const struct page_chart *c)
{
    hy_buf_add_lit(out, "<p class=\"legend\">");
    for (size_t k = 0; k < c->n_series; k++) {
        hy_buf_printf(out,
                      "<span><svg width=\"10\" height=\"10\" aria-hidden=\"true\"><rect "
                      "class=\"%s\" width=\"10\" height=\"10\" rx=\"2\"/></svg> ",
                      c->kinds[k]);
        page_put(out, c->names[k]);
        hy_buf_add_lit(out, "</span> ");
    }
    hy_buf_add_lit(out, "</p>");
}

void page_put_bar(struct hy_buf *out, double share, const char *kind)
{
    double percent = !(share > 0) ? 0 : share > 1 ? 100 : 100 * share;
    hy_buf_printf(out,
                  "<svg class=\"bar\" width=\"100%%\" height=\"10\" aria-hidden=\"true\"><rect "
                  "class=\"track\" width=\"100%%\" height=\"10\" rx=\"3\"/><rect class=\"%s\" "
                  "width=\"%.2f%%\" height=\"10\" rx=\"3\"/></svg>",
                  kind, percent);
}
