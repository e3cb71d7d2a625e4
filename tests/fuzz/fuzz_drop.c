/* Any bytes as a file of the maildrop, and as what a program types at sendmail: what is read can be
 * written again and is then the same; what is made of a text has one header more at most. */
#include "hayauma/mail/draft.h"
#include "hayauma/mail/drop.h"

#include <stdlib.h>

static struct hy_drop_rcpt first[HY_DROP_RCPTS_MAX], second[HY_DROP_RCPTS_MAX];

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void as_file(struct hy_str bytes)
{
    struct hy_drop d, again;
    struct hy_buf out = HY_BUF_INIT(1 << 22);
    if (hy_drop_read(bytes, &d, first) == HY_OK && hy_drop_write(&d, first, &out) == HY_OK) {
        require(hy_drop_read(hy_buf_str(&out), &again, second) == HY_OK);
        require(again.n_rcpts == d.n_rcpts && hy_str_eq(again.message, d.message));
        for (size_t i = 0; i < d.n_rcpts; i++)
            require(hy_str_eq(first[i].address, second[i].address));
    }
    hy_buf_free(&out);
}

static int each(void *ctx, struct hy_str address)
{
    size_t *n = ctx;
    require(address.n > 0);
    ++*n;
    return 0;
}

static void as_text(struct hy_str text)
{
    struct hy_buf out = HY_BUF_INIT(1 << 22);
    struct hy_draft d = {.text = text,
                         .host = HY_STR("h.example"),
                         .from = HY_STR("me"),
                         .from_name = hy_str_slice(text, 0, 10)};
    size_t n = 0;
    int err = hy_draft_recipients(text, each, &n);
    require(err == HY_OK || err == HY_ELIMIT);
    if (hy_draft_write(&d, &out) == HY_OK)
        require(out.len <= text.n + 4096);
    hy_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    as_file(hy_str_make(data, n));
    as_text(hy_str_make(data, n));
    return 0;
}
