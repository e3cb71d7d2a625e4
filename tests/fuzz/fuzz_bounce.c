/* Any bytes as a mail that came back, with the rules that come with hayauma: no crash, and what
 * comes out is one line of JSON a finding. */
#include <stdlib.h>

#include "hayauma/bounce/report.h"
#include "hayauma/config/bounces.h"

static struct hy_bounce_reader *make_reader(void)
{
    static struct hy_bounces *rules;
    const char *presets = HY_BOUNCES_PRESETS;
    struct hy_problems problems = {0};
    struct hy_bounce_reader *r = NULL;
    if (hy_bounces_load(&presets, 1, &problems, &rules) != HY_OK ||
        hy_bounce_reader_new(hy_bounces_rules(rules), &r) != HY_OK)
        abort();
    return r;
}

static void read_mail(struct hy_bounce_reader *r, struct hy_str mail)
{
    struct hy_bounce_report report;
    struct hy_buf out = HY_BUF_INIT(16 << 20);
    struct hy_token_keys keys = {0};
    struct hy_token token;
    if (hy_token_keys_add(&keys, 0, HY_STR("0123456789abcdef")) != HY_OK ||
        hy_bounce_read(r, mail, &report) != HY_OK || report.n == 0)
        abort();
    for (size_t i = 0; i < report.n; i++) {
        out.len = 0;
        hy_bounce_put_explained(&out, HY_STR("-"), &report, &report.items[i]);
        if (out.err || hy_str_find(hy_buf_str(&out), '\n', 0) != out.len - 1 ||
            !hy_str_is_utf8(hy_buf_str(&out)))
            abort();
    }
    (void)hy_bounce_find_token(report.clues, report.n_clues, &keys, &token);
    hy_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct hy_bounce_reader *r;
    struct hy_str rest = hy_str_make(data, n), mail;
    if (!r)
        r = make_reader();
    while (hy_bounce_next_mail(&rest, &mail))
        read_mail(r, mail);
    return 0;
}
