/* DATA, the content, and its end (RFC 5321 4.1.1.4), or BDAT LAST (RFC 3030).
 *
 * The dot's line is put behind the content at once and may be followed by the next envelope;
 * client_output.c holds the content's last window back until the driver took the DOT event. */
#include "client_priv.h"

bool hy_smtp_send_data(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    char *p = hy_smtp_room(c, 6);
    if (!p)
        return false;
    memcpy(p, "DATA\r\n", 6);
    t->data_sent = true;
    t->send.step = HY_SMTP_STEP_BODY;
    return true;
}

/* Our sequence was right and a recipient stands, so 503 speaks of the stream, not of the mail. */
static bool is_out_of_step(const struct hy_smtp_client *c, const struct hy_smtp_txn *t)
{
    return c->reply.code == 503 && !hy_smtp_set_is_empty(&t->accepted);
}

void hy_smtp_on_data(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    bool nobody = hy_smtp_set_is_empty(&t->accepted);
    if (c->reply.code == 354) {
        t->wait.step = HY_SMTP_STEP_END;
        if (nobody) /* the server wants content all the same: a lone dot (RFC 2920 3.1) */
            t->send.step = HY_SMTP_STEP_END;
        return;
    }
    if (!hy_smtp_is_refusal(c->reply.code) || is_out_of_step(c, t)) {
        hy_smtp_doom_bad_reply(c);
        return;
    }
    struct hy_outcome o = hy_smtp_classify(&c->reply, HY_PHASE_DATA);
    if (!nobody)
        hy_smtp_report_all(t, &o);
    hy_smtp_abandon(c, t);
}

static bool put_bdat(struct hy_smtp_client *c, uint64_t size)
{
    char line[5 + 20 + 7] = "BDAT ";
    size_t n = 5 + hy_smtp_put_decimal(line + 5, size);
    memcpy(line + n, " LAST\r\n", 7);
    char *p = hy_smtp_room(c, n + 7);
    if (p)
        memcpy(p, line, n + 7);
    return p != NULL;
}

bool hy_smtp_send_body(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    uint64_t size = hy_smtp_content_size(t->msg);
    if (hy_smtp_chunks(c) && !put_bdat(c, size))
        return false;
    hy_smtp_content_start(&c->content, t->msg);
    c->out_split = c->out_len;
    hy_us block = c->settings->timeouts.block_us;
    hy_us longest = (hy_us)(size / HY_SMTP_BODY_RATE_MIN) * HY_US_PER_SEC;
    c->body_deadline = block < HY_US_NEVER / 8 ? c->now + 2 * block + longest : HY_US_NEVER;
    t->send.step = HY_SMTP_STEP_END;
    return true;
}

bool hy_smtp_send_end(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    if (!hy_smtp_chunks(c)) {
        char *p = hy_smtp_room(c, 3);
        if (!p)
            return false;
        memcpy(p, ".\r\n", 3);
    }
    t->send.step = HY_SMTP_STEP_OVER;
    return true;
}

void hy_smtp_on_end(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    uint16_t code = c->reply.code;
    bool nobody = hy_smtp_set_is_empty(&t->accepted);
    if (!hy_smtp_is_ok(code) && !hy_smtp_is_refusal(code)) {
        hy_smtp_doom_bad_reply(c);
        return;
    }
    struct hy_outcome o = hy_smtp_classify(&c->reply, HY_PHASE_DOT);
    if (!nobody)
        hy_smtp_report_all(t, &o);
    t->wait.step = HY_SMTP_STEP_OVER;
    if (hy_smtp_chunks(c) && !hy_smtp_is_ok(code))
        c->need_rset = true;
}
