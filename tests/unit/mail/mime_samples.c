/* Writes rendered messages to a folder, for mime_check.py to read with a parser of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "letter.h"

static const char html[] =
    "<html><body><p>{{name|お客様}}様  {{note}}</p>\n<a href=\"https://shop.example/?a=1&amp;b=2\">"
    "商品①</a>\t<img "
    "src=\"cid:logo@hayauma\">\n.dot\n{{#items}}<b>{{.}}</b>{{/items}}\n</body></html>";
static const char text[] = "{{name|お客様}}様\n.\nFrom here: https://shop.example/?id={{note}} ①\n"
                           "{{#items}}\n- {{.}}\n{{/items}}\n";
static const char png[] = "\x89PNG\r\n\x1a\n not really, but bytes: \0\x01\xff";

static const struct hy_message_file images[] = {
    {HY_STR("ロゴ.png"), HY_STR("image/png"), HY_STR("logo@hayauma"), {png, sizeof png - 1}}};
static const struct hy_message_file files[] = {
    {HY_STR("ご案内 (2026年度版) とても長い名前のファイルなので折り返しが必要になります.pdf"),
     HY_STR("application/pdf"),
     {0},
     HY_STR("%PDF-1.7 made up")},
    {HY_STR("plain.txt"), {0}, {0}, HY_STR("line\r\n.\r\nend")}};
static const struct letter_value values[] = {
    {"name", HY_STR("山田 \"太郎\" <x@y>")},
    {"note", HY_STR("a&b\r\nBcc: c\r\n.\r\n--=_hy 漢字")},
    {"items", HY_STR("[\"一つ\", \"two & <three>\"]")},
    {0},
};

static void write_sample(const char *folder, const char *name, struct letter *l)
{
    char path[4096];
    if (letter_compile(l)) {
        fprintf(stderr, "%s: %s\n", name, l->diag.text);
        exit(1);
    }
    if (letter_render(l, values)) {
        fprintf(stderr, "%s: does not render\n", name);
        exit(1);
    }
    snprintf(path, sizeof path, "%s/%s.eml", folder, name);
    FILE *f = fopen(path, "we");
    if (!f || fwrite(l->out.bytes.data, 1, l->out.bytes.len, f) != l->out.bytes.len || fclose(f)) {
        perror(path);
        exit(1);
    }
    letter_free(l);
}

static void begin(struct letter *l)
{
    letter_init(l);
    l->source.from_name = HY_STR("早馬ニュース編集部");
    l->source.to_name = HY_STR("{{name}}様");
    l->source.subject =
        HY_STR("{{name|お客様}}様へ、十一月のとても長いお知らせをお送りします {{note}}");
    l->source.text.bytes = HY_STR(text);
    l->source.html.bytes = hy_str_make(html, sizeof html - 1);
    l->source.images = images;
    l->source.n_images = 1;
}

int main(int argc, char **argv)
{
    struct letter l;
    if (argc != 2)
        return 2;
    static const char *const names[] = {"auto", "7bit", "8bit", "qp", "base64"};
    for (int t = 0; t < 5; t++) {
        if (t == HY_TRANSFER_7BIT)
            continue;
        begin(&l);
        l.options.html_transfer = l.options.text_transfer = (enum hy_transfer)t;
        write_sample(argv[1], names[t], &l);
    }
    begin(&l);
    l.source.attachments = files;
    l.source.n_attachments = 2;
    write_sample(argv[1], "attachments", &l);
    begin(&l);
    l.options.charset = HY_MAIL_ISO_2022_JP;
    write_sample(argv[1], "iso-2022-jp", &l);
    begin(&l);
    l.options.charset = HY_MAIL_ISO_2022_JP;
    l.options.html_transfer = l.options.text_transfer = HY_TRANSFER_BASE64;
    write_sample(argv[1], "iso-2022-jp-base64", &l);
    begin(&l);
    l.source.html.bytes = (struct hy_str){0};
    l.source.n_images = 0;
    write_sample(argv[1], "text-only", &l);
    begin(&l);
    l.source.text.bytes = (struct hy_str){0};
    write_sample(argv[1], "html-only", &l);
    return 0;
}
