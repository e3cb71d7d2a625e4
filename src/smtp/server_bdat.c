/* BDAT (RFC 3030): the content in chunks of a stated size. */
#include "server_priv.h"

/* "SIZE", "SIZE LAST". */
static bool read_size(struct hy_str arg, uint64_t *ret_n, bool *ret_last)
{
    size_t end = hy_str_find(arg, ' ', 0);
    struct hy_str size = hy_str_slice(arg, 0, end);
    struct hy_str last = hy_str_trim(hy_str_slice(arg, size.n, arg.n));
    if (last.n && !hy_str_ieq(last, HY_STR("LAST")))
        return false;
    *ret_last = last.n > 0;
    return hy_str_to_u64(size, UINT32_MAX, ret_n) == HY_OK;
}

void smtpd_bdat(struct hy_smtp_server *s, struct hy_str arg)
{
    uint64_t n;
    bool is_last;
    if (!read_size(arg, &n, &is_last)) {
        /* Where the next command begins is not known any more. */
        smtpd_end(s, 501, 5, 4, "BDAT SIZE [LAST], goodbye");
        return;
    }
    s->chunk_left = n;
    s->is_last_chunk = is_last;
    if (!s->has_mail || s->n_rcpts == 0) { /* the bytes come all the same and are dropped */
        s->fault = SMTPD_NO_MEMORY;
        s->is_bdat = false;
    } else {
        s->is_bdat = true;
        s->content.max = s->settings->size_max;
    }
    s->state = SMTPD_BDAT;
    if (n == 0)
        (void)smtpd_bdat_input(s, "", 0);
}

static void end_chunk(struct hy_smtp_server *s)
{
    s->state = SMTPD_COMMAND;
    if (!s->is_bdat) {
        s->fault = SMTPD_GOOD;
        smtpd_refuse(s, 503, 5, 1, "MAIL and RCPT first");
    } else if (s->is_last_chunk) {
        smtpd_content_done(s);
    } else if (s->fault == SMTPD_TOO_BIG) {
        smtpd_forget_mail(s);
        smtpd_refuse(s, 552, 3, 4, "The message is too large");
    } else {
        smtpd_status(s, 250, 0, 0, "Chunk taken");
    }
}

size_t smtpd_bdat_input(struct hy_smtp_server *s, const char *p, size_t n)
{
    size_t take = n < s->chunk_left ? n : (size_t)s->chunk_left;
    s->chunk_left -= take;
    s->content_n += take;
    if (s->is_bdat && s->content_n > s->settings->size_max) {
        s->fault = SMTPD_TOO_BIG;
        hy_buf_free(&s->content);
    }
    if (s->fault == SMTPD_GOOD) {
        hy_buf_add(&s->content, p, take);
        if (s->content.err)
            s->fault = SMTPD_NO_MEMORY;
    }
    if (s->chunk_left == 0)
        end_chunk(s);
    return take;
}
