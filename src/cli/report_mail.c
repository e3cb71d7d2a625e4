/* The report's page: links with their clicks, and the mail itself with its links marked by how many
 * clicked them.
 *
 * The daemon has made the mail harmless (mail/preview.h) and numbered its links. It stands in a
 * frame without any rights, under a policy of its own; the marks are CSS on the links themselves,
 * so they stand where the links stand, however the mail is laid out. */
#include "page.h"
#include "report_page.h"

enum { LINKS_MARKED = 200 };

static int64_t clicks_of(const json_t *link)
{
    return cli_int(link, "clicks_human") + cli_int(link, "clicks_unknown");
}

static int64_t most_people(const json_t *links)
{
    const json_t *o;
    int64_t most = 1;
    size_t i;
    json_array_foreach(links, i, o) if (cli_int(o, "people") > most) most = cli_int(o, "people");
    return most;
}

/* ---- the mail ---- */

/* What all marks share: a mark stands behind the words of a link and hides nothing; a link around
 * an image becomes a box, in whose corner it stands. Wide mails shrink for phones. */
static const char marks[] =
    "html{background:#fff;color-scheme:light;padding:16px 12px 12px}"
    "a[data-hy-link]{position:relative!important;outline:2px solid rgba(176,58,0,.85)!important;"
    "outline-offset:1px!important;cursor:default!important}"
    "a[data-hy-link]:has(img){display:inline-block!important}"
    "a[data-hy-link]:has(img)::before{content:'';position:absolute;inset:0;"
    "background:rgba(255,96,0,var(--heat));pointer-events:none}"
    "a[data-hy-link]:not(:has(img)){box-shadow:inset 0 0 0 999px rgba(255,96,0,var(--heat))"
    "!important}"
    "a[data-hy-link]::after{display:inline-block!important;margin:0 0 0 5px!important;"
    "padding:0 5px!important;border-radius:8px!important;vertical-align:middle!important;"
    "background:#a83700!important;color:#fff!important;font:700 11px/16px "
    "system-ui,sans-serif!important;white-space:nowrap!important;text-indent:0!important;"
    "letter-spacing:0!important;text-transform:none!important;text-decoration:none!important;"
    "box-shadow:0 0 0 1px #fff!important}"
    "a[data-hy-link]:has(img)::after{position:absolute!important;top:4px!important;"
    "right:4px!important;z-index:99!important}"
    "@media(max-width:640px){html{zoom:.75}}@media(max-width:440px){html{zoom:.55}}";

static void put_marks(const json_t *r, struct hy_buf *css)
{
    const json_t *o, *links = json_object_get(r, "links");
    int64_t most = most_people(links);
    int64_t delivered = cli_int(r, "delivered");
    size_t i;
    hy_buf_add_lit(css, marks);
    json_array_foreach(links, i, o)
    {
        int64_t people = cli_int(o, "people");
        if (i >= LINKS_MARKED)
            break;
        hy_buf_printf(css,
                      "a[data-hy-link=\"%d\"]{--heat:%.3f}a[data-hy-link=\"%d\"]::after{content:"
                      "'#%d \\00b7  %.1f%%'}",
                      (int)cli_int(o, "link"), 0.55 * (double)people / (double)most,
                      (int)cli_int(o, "link"), (int)cli_int(o, "link"),
                      delivered ? 100.0 * (double)people / (double)delivered : 0.0);
    }
}

static void put_frame(struct cli *c, const json_t *r, struct hy_buf *out)
{
    struct hy_buf page = HY_BUF_INIT(16 << 20);
    hy_buf_printf(&page,
                  "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\"><meta "
                  "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                  "'unsafe-inline'; img-src data:\"></head>",
                  c->lang == CLI_JA ? "ja" : "en");
    hy_buf_add_str(&page, hy_str_of(cli_str(json_object_get(r, "mail"), "html")));
    hy_buf_add_lit(&page, "<style>"); /* behind those of the mail: it wins */
    put_marks(r, &page);
    hy_buf_add_lit(&page, "</style></html>");
    hy_buf_add_lit(out, "<iframe sandbox=\"\" referrerpolicy=\"no-referrer\" title=\"");
    page_put(out, _(c, "The mail, with its links marked"));
    hy_buf_printf(out, "\" style=\"--mail:%dpx\" srcdoc=\"",
                  report_mail_height(cli_str(json_object_get(r, "mail"), "html")));
    page_put(out, hy_buf_cstr(&page));
    hy_buf_add_lit(out, "\"></iframe>");
    hy_buf_free(&page);
}

static void put_mail(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const json_t *mail = json_object_get(r, "mail");
    if (cli_str(mail, "html")[0]) {
        put_frame(c, r, out);
        hy_buf_add_lit(out, "<p class=\"dim\"><small>");
        page_put(out,
                 _(c, "On each link: its number, and the part of those reached who clicked it. "
                      "Variables show their names."));
        if (cli_int(mail, "images_hidden")) {
            hy_buf_add_c(out, ' ');
            page_put(out, _(c, "Images that lie on servers are not loaded."));
        }
        hy_buf_add_lit(out, "</small></p>");
        return;
    }
    hy_buf_add_lit(out, "<p class=\"dim\">");
    page_put(out, _(c, "The mail cannot be shown."));
    hy_buf_add_c(out, ' ');
    page_put(out, cli_str(mail, "problem"));
    page_put(out, cli_str(r, "mail_problem"));
    hy_buf_add_lit(out, "</p>");
}

/* ---- links ---- */

static void put_link(struct cli *c, const json_t *o, int64_t most, int64_t delivered,
                     struct hy_buf *out)
{
    hy_buf_printf(out, "<tr><td>%d</td><td class=\"l\">", (int)cli_int(o, "link"));
    if (cli_str(o, "text")[0]) {
        page_put(out, cli_str(o, "text"));
        hy_buf_add_lit(out, "<br>");
    }
    hy_buf_add_lit(out, "<small>");
    page_put(out, cli_str(o, "url")[0] ? cli_str(o, "url") : _(c, "(none of this mail)"));
    hy_buf_add_lit(out, "</small>");
    page_put_bar(out, (double)cli_int(o, "people") / (double)most, "clicks");
    hy_buf_add_lit(out, "</td><td>");
    report_put_n(out, cli_int(o, "people"));
    hy_buf_add_lit(out, "</td><td>");
    report_put_percent(out, cli_int(o, "people"), delivered);
    hy_buf_add_lit(out, "</td><td>");
    report_put_n(out, clicks_of(o));
    hy_buf_add_lit(out, "</td><td class=\"dim\">");
    report_put_n(out, cli_int(o, "clicks_machine"));
    hy_buf_add_lit(out, "</td></tr>");
}

void report_put_links(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const char *heads[] = {"#",           _(c, "LINK"),   _(c, "PEOPLE"),
                           _(c, "SHARE"), _(c, "CLICKS"), _(c, "MACHINES")};
    const json_t *o, *links = json_object_get(r, "links");
    int64_t most = most_people(links), delivered = cli_int(r, "delivered");
    size_t i;
    page_put_section(out, _(c, "Links"));
    hy_buf_add_lit(out, "<div class=\"mail\"><div>");
    put_mail(c, r, out);
    hy_buf_add_lit(out, "</div><div class=\"scroll\"><table id=\"links\">");
    report_put_head_cells(out, heads, 6);
    json_array_foreach(links, i, o) put_link(c, o, most, delivered, out);
    hy_buf_add_lit(out, "</table>");
    if (json_array_size(links) == 0) {
        hy_buf_add_lit(out, "<p class=\"dim\">");
        page_put(out, _(c, "No link of this mail is counted: see 'tracking' in hayauma.yaml."));
        hy_buf_add_lit(out, "</p>");
    }
    hy_buf_add_lit(out, "</div></div></section>");
}
