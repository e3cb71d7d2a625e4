/* Any bytes as replies: the parser says the same however they are cut, and its words are harmless.
 */
#include <stdlib.h>

#include "hayauma/smtp/reply.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_words(const struct hy_smtp_reply *r)
{
    struct hy_str s = hy_smtp_reply_text(r);
    must(s.n <= HY_OUTCOME_TEXT_MAX && hy_str_is_utf8(s));
    for (size_t i = 0; i < s.n; i++)
        must((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
    for (int phase = HY_PHASE_BANNER; phase <= HY_PHASE_QUIT; phase++) {
        struct hy_enhanced e = hy_smtp_reply_enhanced(r, (enum hy_phase)phase);
        must(e.class == 0 || e.class == r->code / 100);
    }
}

/* Reads one reply from data[*at..); `cut` chooses the pieces. */
static enum hy_smtp_read read_one(struct hy_smtp_reply *r, const uint8_t *data, size_t n,
                                  size_t *at, size_t cut)
{
    enum hy_smtp_read how = HY_SMTP_READ_MORE;
    while (*at < n && (how == HY_SMTP_READ_MORE || how == HY_SMTP_READ_LINE)) {
        size_t used, piece = n - *at < cut ? n - *at : cut;
        how = hy_smtp_reply_read(r, (const char *)data + *at, piece, &used);
        must(used > 0 && used <= piece && (used == piece || how != HY_SMTP_READ_MORE));
        *at += used;
    }
    return how;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_smtp_reply whole, cut;
    if (n == 0)
        return 0;
    size_t step = 1 + data[0] % 16, at_whole = 1, at_cut = 1;
    hy_smtp_reply_init(&whole);
    hy_smtp_reply_init(&cut);
    while (at_whole < n) {
        enum hy_smtp_read how = read_one(&whole, data, n, &at_whole, SIZE_MAX);
        must(how == read_one(&cut, data, n, &at_cut, step));
        if (how == HY_SMTP_READ_MORE || how == HY_SMTP_READ_LINE)
            break;
        must(whole.code == cut.code && (how != HY_SMTP_READ_DONE || at_whole == at_cut));
        must(hy_str_eq(hy_smtp_reply_text(&whole), hy_smtp_reply_text(&cut)));
        must((how == HY_SMTP_READ_BAD) == (whole.code == 0));
        check_words(&whole);
        if (how != HY_SMTP_READ_DONE)
            break;
    }
    return 0;
}
