/* Any bytes as a header block, as a value to decode and as a value to write: nothing is read or
 * written outside, fields come out in order, and what is written is one field that reads back the
 * same however often it goes round. */
#include "hayauma/mail/header.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void split(struct hy_str block)
{
    struct hy_str rest = block;
    struct hy_header_field f;
    const char *behind = block.p;
    while (hy_header_next(&rest, &f)) {
        require(f.whole.p >= behind && f.whole.p + f.whole.n <= block.p + block.n);
        require(f.value.p >= f.whole.p && f.value.p + f.value.n <= f.whole.p + f.whole.n);
        require(hy_header_name_ok(f.name));
        behind = f.whole.p + f.whole.n;
    }
}

/* One field, its lines short enough, no control character but in its folds. */
static struct hy_str value_of(const struct hy_buf *field)
{
    struct hy_str rest = hy_buf_str(field);
    struct hy_header_field f;
    size_t column = 0;
    for (size_t i = 0; i < field->len; i++) {
        unsigned char c = (unsigned char)field->data[i];
        column = c == '\n' ? 0 : column + 1;
        require(column <= 998 && (c >= ' ' || c == '\r' || c == '\n') && c != 0x7f);
        require(c != '\r' || (i + 1 < field->len && field->data[i + 1] == '\n'));
        require(c != '\n' || (i && field->data[i - 1] == '\r'));
        require(c != '\n' || i + 1 == field->len || field->data[i + 1] == ' ');
    }
    require(hy_header_next(&rest, &f) && rest.n == 0);
    return f.value;
}

static void go_round(struct hy_str text, enum hy_mail_charset charset)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf field = HY_BUF_INIT(1 << 20), first = HY_BUF_INIT(1 << 20),
                  second = HY_BUF_INIT(1 << 20);
    if (hy_header_text(&field, HY_STR("Subject"), text, charset) != HY_OK)
        return;
    require(hy_header_decode(&first, value_of(&field)) == HY_OK);
    hy_buf_reset(&field);
    if (hy_header_text(&field, HY_STR("Subject"), hy_buf_str(&first), charset) != HY_OK)
        return; /* U+FFFD for bad bytes may have made it too long */
    require(hy_header_decode(&second, value_of(&field)) == HY_OK);
    require(hy_str_eq(hy_buf_str(&first), hy_buf_str(&second)));
}

static void write_others(struct hy_str text)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    struct hy_header_mailbox box = {text, HY_STR("a@example.org")};
    if (hy_header_mailboxes(&out, HY_STR("To"), &box, 1, HY_MAIL_UTF8) == HY_OK)
        (void)value_of(&out);
    hy_buf_reset(&out);
    box = (struct hy_header_mailbox){HY_STR("Name"), text};
    if (hy_header_mailboxes(&out, HY_STR("To"), &box, 1, HY_MAIL_UTF8) == HY_OK)
        require(hy_str_find_str(value_of(&out), text, 0) != SIZE_MAX);
    hy_buf_reset(&out);
    hy_buf_add_lit(&out, "C: a");
    if (hy_header_param(&out, HY_STR("filename"), text) == HY_OK) {
        hy_buf_add_lit(&out, "\r\n");
        (void)value_of(&out);
    }
    hy_buf_reset(&out);
    if (hy_header_raw(&out, HY_STR("X"), text) == HY_OK && text.n < 900)
        (void)value_of(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_str text = hy_str_make(data, size);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 22);
    split(text);
    if (hy_header_decode(&out, text) == HY_OK)
        require(hy_str_is_utf8(hy_buf_str(&out)));
    go_round(text, HY_MAIL_UTF8);
    go_round(text, HY_MAIL_ISO_2022_JP);
    write_others(text);
    return 0;
}
