#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "hayauma/config/campaign_file.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[64];

static void put(const char *name, const char *text, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f && fwrite(text, 1, n, f) == n);
    fclose(f);
}

static void set_up(void)
{
    strcpy(dir, "/tmp/hayauma-test-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    put("a.html", "\xef\xbb\xbf<p><img src=\"cid:logo\">{{name}}</p>", 38);
    put("a.txt", "hello\n", 6);
    put("sjis.txt", "ok\n\x93\xfa\x96\x7b\n", 8);
    put("empty.txt", "", 0);
    put("logo.bin", "\x89PNG\r\n\x1a\n....", 12);
}

static void tear_down(void)
{
    static const char *const names[] = {"a.html",    "a.txt",    "sjis.txt",
                                        "empty.txt", "logo.bin", "c"};
    char path[128];
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

TestSuite(campaign_file, .init = set_up, .fini = tear_down);

/* The problems' text with the folder written as D. */
static char *load(const char *yaml, struct hy_campaign_file **ret, int *ret_err)
{
    char path[128];
    struct hy_problems p = {0};
    put("c", yaml, strlen(yaml));
    snprintf(path, sizeof path, "%s/c", dir);
    *ret = NULL;
    *ret_err = hy_campaign_file_load(path, &p, ret);
    char *text = problems_text(&p), *out = calloc(1, strlen(text) + 1), *w = out;
    for (const char *r = text; *r;) {
        if (strncmp(r, dir, strlen(dir)) == 0) {
            *w++ = 'D';
            r += strlen(dir);
        } else {
            *w++ = *r++;
        }
    }
    free(text);
    hy_problems_free(&p);
    return out;
}

#define HEAD "name: n\nlists: [l]\nfrom: {address: a@example.jp}\nsubject: s\n"

Test(campaign_file, a_complete_file_becomes_a_bundle)
{
    struct hy_campaign_file *f;
    int err;
    char *text =
        load("name: 冬の便り\nlists: [customers, seminar]\n"
             "from: {name: 早馬, address: news@example.jp}\nto_name: \"{{name}} 様\"\n"
             "reply_to: r@example.jp\nsubject: \"{{name}}: hi\"\nhtml: a.html\ntext: a.txt\n"
             "images:\n  - {cid: logo, file: logo.bin}\n"
             "attachments:\n  - {file: a.txt, name: 案内.txt, type: text/plain}\n"
             "headers: {X-A: \"{{x}}\"}\nvars: {shop: 東京}\n"
             "encoding: {charset: iso-2022-jp, transfer: quoted-printable}\n"
             "tracking: {links: no}\nlist_unsubscribe: false\n"
             "start_at: 2026-12-01T09:00:00+09:00\nexpire: 2d\n",
             &f, &err);
    cr_assert_str_eq(text, "");
    cr_assert_eq(err, 0);
    free(text);
    const struct hy_bundle *b = &f->bundle;
    cr_expect(hy_str_eq(b->name, HY_STR("冬の便り")));
    cr_expect_eq(b->n_lists, 2u);
    cr_expect(hy_str_eq(b->html, HY_STR("<p><img src=\"cid:logo\">{{name}}</p>")), "no BOM");
    cr_expect(hy_str_eq(b->html_name, HY_STR("a.html")));
    cr_expect_eq(b->n_parts, 2u);
    cr_expect(hy_str_eq(b->parts[0].content_type, HY_STR("image/png")), "by its bytes");
    cr_expect(hy_str_eq(b->parts[0].cid, HY_STR("logo")));
    cr_expect(hy_str_eq(b->parts[1].name, HY_STR("案内.txt")));
    cr_expect_eq(b->parts[1].cid.n, 0u);
    cr_expect_eq(b->charset, HY_BUNDLE_ISO2022JP);
    cr_expect_eq(b->transfer, HY_BUNDLE_TRANSFER_QP);
    cr_expect(b->track_links == HY_NO && b->beacon == HY_UNSET && !b->list_unsubscribe);
    cr_expect_eq(b->start_at, 1796083200000);
    cr_expect_eq(b->expire_us, 172800000000);
    hy_campaign_file_free(f);
}

static const struct {
    const char *in, *want;
} bad[] = {
    {"", "D/c:1:1: error: 'name' is missing\n"
         "D/c:1:1: error: 'from.address' is missing\nD/c:1:1: error: 'subject' is missing\n"
         "D/c:1:1: error: neither 'html' nor 'text' names a file: there is nothing to send\n"
         "D/c:1:1: error: lists: must name at least one list, unless 'segment' says who gets it\n"},
    {HEAD "html: none.html\ntext: sjis.txt\n",
     "D/c:5:7: error: html: 'D/none.html' cannot be opened: No such file or directory\n"
     "D/sjis.txt:2:1: error: not UTF-8: convert the file, for instance with 'iconv -f CP932 -t "
     "UTF-8'\n"},
    {HEAD "text: empty.txt\n", "D/c:5:7: error: text: 'D/empty.txt' is empty\n"},
    {HEAD "html: .\n", "D/c:5:7: error: html: 'D/.' is not a file\n"},
    {HEAD "html: a.html\nimages:\n  - {cid: logo, file: logo.bin}\n  - {cid: logo, file: a.txt}\n"
          "  - {cid: \"a b\", file: a.txt, type: png}\n  - {cid: x}\n",
     "D/c:8:11: error: cid: 'logo' is the cid of an earlier image\n"
     "D/c:9:11: error: cid: 'a b': letters, digits, dots and @ only\n"
     "D/c:9:11: warning: cid: the HTML does not use cid:a b\n"
     "D/c:9:37: error: type: must be a media type such as image/png, not 'png'\n"
     "D/c:10:5: error: 'file' is missing\n"},
    {"name: n\nlists: []\nfrom: {address: \"a@@b\"}\nreply_to: nobody\nsubject: \"\"\ntext: a.txt\n"
     "subjekt: x\nheaders: {\"X Y\": 1}\nencoding: {charset: sjis}\nexpire: 1s\n"
     "start_at: 2026-02-30T00:00Z\n",
     "D/c:2:8: error: lists: must name at least one list, unless 'segment' says who gets it\n"
     "D/c:3:17: error: from.address: 'a@@b' is no mail address: more than one @, or several "
     "addresses in one field\n"
     "D/c:4:11: error: reply_to: 'nobody' is no mail address: there is no @ in the address\n"
     "D/c:5:10: error: subject: must not be empty\n"
     "D/c:7:1: error: unknown key 'subjekt' (did you mean 'subject'?)\n"
     "D/c:8:10: error: headers: 'X Y' is no header field name\n"
     "D/c:9:21: error: encoding.charset: must be one of: utf-8, iso-2022-jp, not 'sjis'\n"
     "D/c:10:9: error: expire: '1s' is out of range: 1m to 30d\n"
     "D/c:11:11: error: start_at: '2026-02-30T00:00Z': there is no such day\n"},
    {HEAD "text: a.txt\nstart_at: tomorrow\n",
     "D/c:6:11: error: start_at: must be a time with its zone, such as 2026-12-01T09:00:00+09:00, "
     "not 'tomorrow'\n"},
    {HEAD "text: a.txt\nhours:\n  mon-fri: [09:00-12:00, 11:00-13:00]\n  sat: 25:00-26:00\n"
          "  son: 10:00-11:00\n  sun: {}\nclosed: [2027-01-01, 2027-02-29]\n",
     "D/c:7:26: error: hours: '11:00-13:00' overlaps other hours of the same day\n"
     "D/c:8:8: error: hours: '25:00-26:00' is no span of hours: write 09:00-20:00\n"
     "D/c:9:8: error: hours: 'son' is no day or range of days (mon, tue, wed, thu, fri, sat, sun; "
     "mon-fri)\n"
     "D/c:10:8: error: hours: must be hours such as 09:00-12:00, or a list of them\n"
     "D/c:11:22: error: closed: '2027-02-29' is no date or range of dates: write 2027-01-01 or "
     "2026-12-29..2027-01-03\n"},
    {HEAD "text: a.txt\nhours: {}\n",
     "D/c:6:8: error: hours: names no hours at all: nothing could ever be sent\n"},
    {HEAD "text: a.txt\nhours: [09:00-12:00]\n",
     "D/c:6:8: error: hours: a list alone says no days: write '09:00-12:00,13:00-18:00' for "
     "all of them, or lines such as 'mon-fri: [09:00-12:00, 13:00-18:00]'\n"},
    {HEAD "text: a.txt\npriority: transactional\nclosed: 2027-01-01\n",
     "D/c:7:9: error: closed: transactional mail knows no hours: take one of the two lines out\n"},
};

Test(campaign_file, hours_may_be_one_text_or_spans_by_days)
{
    static const struct {
        const char *in, *hours, *closed;
    } cases[] = {
        {"hours: mon-fri 09:00-20:00\n", "mon-fri 09:00-20:00", ""},
        {"hours: mon-fri 09:00-12:00,13:00-18:00; sat 10:00-12:00\nclosed: 2027-01-01\n",
         "mon-fri 09:00-12:00,13:00-18:00; sat 10:00-12:00", "2027-01-01"},
        {"hours: {mon-fri: [09:00-12:00, 13:00-18:00], sat: 10:00-12:00, sun: []}\n"
         "closed: [2027-02-11, 2026-12-29..2027-01-03]\n",
         "mon-fri 09:00-12:00,13:00-18:00; sat 10:00-12:00", "2026-12-29..2027-01-03, 2027-02-11"},
        {"hours:\n  \"sat,sun\":\n    - 22:00-02:00\nclosed: []\n", "sat,sun 22:00-02:00", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_campaign_file *f;
        struct hy_buf text = HY_BUF_INIT(HY_HOURS_TEXT_MAX),
                      closed = HY_BUF_INIT(HY_HOURS_TEXT_MAX);
        char yaml[512];
        int err;
        snprintf(yaml, sizeof yaml, HEAD "text: a.txt\n%s", cases[i].in);
        char *got = load(yaml, &f, &err);
        cr_assert_str_eq(got, "");
        free(got);
        hy_hours_put(&f->bundle.hours, &text);
        hy_closed_days_put(&f->bundle.closed, &closed);
        cr_expect(f->bundle.has_hours);
        cr_expect_eq(f->bundle.has_closed, strstr(cases[i].in, "closed:") != NULL);
        cr_expect_str_eq(hy_buf_cstr(&text), cases[i].hours);
        cr_expect_str_eq(closed.len ? hy_buf_cstr(&closed) : "", cases[i].closed);
        hy_buf_free(&text);
        hy_buf_free(&closed);
        hy_campaign_file_free(f);
    }
}

Test(campaign_file, every_fault_is_told_with_its_place)
{
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct hy_campaign_file *f;
        int err;
        char *got = load(bad[i].in, &f, &err);
        cr_expect_eq(err, HY_EINVAL, "case %zu", i);
        cr_expect_null(f);
        cr_expect_str_eq(got, bad[i].want, "\n--- got\n%s--- want\n%s", got, bad[i].want);
        free(got);
    }
}

Test(campaign_file, the_shipped_example_loads_without_a_word)
{
    struct hy_problems p = {0};
    struct hy_campaign_file *f = NULL;
    cr_assert_eq(
        hy_campaign_file_load(HY_SOURCE_ROOT "/conf/examples/newsletter/campaign.yaml", &p, &f), 0);
    expect_problems(&p, "");
    cr_expect_gt(f->bundle.html.n, 1000u);
    cr_expect_geq(f->bundle.n_parts, 1u);
    hy_campaign_file_free(f);
    hy_problems_free(&p);
}
