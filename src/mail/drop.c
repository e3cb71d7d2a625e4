/* Messages with their envelopes as files. */
#include "hayauma/mail/drop.h"

static const char first_line[] = "hayauma-drop 1";

/* One line's worth: no control characters. */
static bool is_line(struct hy_str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return s.n <= max;
}

static bool is_word(struct hy_str s, size_t max)
{
    return is_line(s, max) && hy_str_find(s, ' ', 0) == SIZE_MAX;
}

enum { ADDRESS_MAX = 320, PARAM_MAX = 500 };

int hy_drop_write(const struct hy_drop *d, const struct hy_drop_rcpt *rcpts, struct hy_buf *out)
{
    if (d->n_rcpts == 0 || d->n_rcpts > HY_DROP_RCPTS_MAX || d->ret > 2 ||
        !is_line(d->sender, ADDRESS_MAX) || !is_word(d->envid, PARAM_MAX))
        return HY_EINVAL;
    hy_buf_printf(out, "%s\nfrom %.*s\n", first_line, HY_STR_ARG(d->sender));
    if (d->envid.n)
        hy_buf_printf(out, "envid %.*s\n", HY_STR_ARG(d->envid));
    if (d->ret)
        hy_buf_printf(out, "ret %u\n", d->ret);
    for (size_t i = 0; i < d->n_rcpts; i++) {
        const struct hy_drop_rcpt *r = &rcpts[i];
        if (r->address.n == 0 || !is_line(r->address, ADDRESS_MAX) || r->notify > 15 ||
            !is_word(r->orcpt, PARAM_MAX))
            return HY_EINVAL;
        hy_buf_printf(out, "to %u %.*s %.*s\n", r->notify,
                      HY_STR_ARG(r->orcpt.n ? r->orcpt : HY_STR("-")), HY_STR_ARG(r->address));
    }
    hy_buf_printf(out, "size %zu\n\n", d->message.n);
    hy_buf_add_str(out, d->message);
    return out->err;
}

/* The next line of the head, without its end; false: there is none. */
static bool next_line(struct hy_str *rest, struct hy_str *ret)
{
    size_t n = hy_str_find(*rest, '\n', 0);
    if (n == SIZE_MAX || n > HY_DROP_LINE_MAX)
        return false;
    *ret = hy_str_slice(*rest, 0, n);
    *rest = hy_str_slice(*rest, n + 1, rest->n);
    return is_line(*ret, HY_DROP_LINE_MAX);
}

/* What stands behind `key` in the line. */
static bool value_of(struct hy_str line, struct hy_str key, struct hy_str *ret)
{
    if (!hy_str_starts(line, key))
        return false;
    *ret = hy_str_slice(line, key.n, line.n);
    return true;
}

/* "notify orcpt address" */
static bool read_rcpt(struct hy_str text, struct hy_drop_rcpt *ret)
{
    uint64_t notify;
    size_t one = hy_str_find(text, ' ', 0);
    size_t two = one == SIZE_MAX ? SIZE_MAX : hy_str_find(text, ' ', one + 1);
    if (two == SIZE_MAX || hy_str_to_u64(hy_str_slice(text, 0, one), 15, &notify) != HY_OK)
        return false;
    struct hy_drop_rcpt r = {.notify = (uint8_t)notify,
                             .orcpt = hy_str_slice(text, one + 1, two),
                             .address = hy_str_slice(text, two + 1, text.n)};
    if (hy_str_eq(r.orcpt, HY_STR("-")))
        r.orcpt.n = 0;
    *ret = r;
    return r.address.n > 0 && r.address.n <= ADDRESS_MAX && is_word(r.orcpt, PARAM_MAX);
}

int hy_drop_read(struct hy_str bytes, struct hy_drop *ret, struct hy_drop_rcpt *rcpts)
{
    struct hy_drop d = {0};
    struct hy_str line, value;
    uint64_t size = 0;
    if (!next_line(&bytes, &line) || !hy_str_eq(line, hy_str_of(first_line)) ||
        !next_line(&bytes, &line) || !value_of(line, HY_STR("from "), &d.sender))
        return HY_EPARSE;
    for (;;) {
        if (!next_line(&bytes, &line))
            return HY_EPARSE;
        if (value_of(line, HY_STR("size "), &value))
            break;
        if (value_of(line, HY_STR("envid "), &d.envid) && d.n_rcpts == 0)
            continue;
        if (hy_str_eq(line, HY_STR("ret 1")) || hy_str_eq(line, HY_STR("ret 2")))
            d.ret = (uint8_t)(line.p[4] - '0');
        else if (value_of(line, HY_STR("to "), &value) && d.n_rcpts < HY_DROP_RCPTS_MAX &&
                 read_rcpt(value, &rcpts[d.n_rcpts]))
            d.n_rcpts++;
        else
            return HY_EPARSE;
    }
    if (d.n_rcpts == 0 || d.sender.n > ADDRESS_MAX || !is_word(d.envid, PARAM_MAX) ||
        hy_str_to_u64(value, SIZE_MAX, &size) != HY_OK || !next_line(&bytes, &line) || line.n ||
        bytes.n != size)
        return HY_EPARSE;
    d.message = bytes;
    *ret = d;
    return HY_OK;
}
