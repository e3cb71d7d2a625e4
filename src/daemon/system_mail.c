/* Mail of our own into the spool. */
#include "system_mail.h"

#include "daemon.h"
#include "hayauma/base/list.h"

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct system_mail *m = hy_container_of(r, struct system_mail, req);
    int err = hy_spool_put(t, &m->message);
    return err == HY_OK && m->also ? m->also(m, t) : err;
}

static void on_done(struct hy_write_req *r, int err)
{
    struct system_mail *m = hy_container_of(r, struct system_mail, req);
    if (err == HY_OK)
        hy_deliver_spooled(m->d->deliver);
    hy_buf_free(&m->content);
    m->done(m, err);
}

static int read_addresses(struct system_mail *m, const struct hy_notice *n, struct hy_diag *diag)
{
    enum hy_address_reason reason;
    if (hy_address_parse(n->from.address, NULL, &m->from, &reason) == HY_OK &&
        hy_address_parse(n->to.address, NULL, &m->to, &reason) == HY_OK)
        return HY_OK;
    return hy_fail(diag, HY_EINVAL, "no address: %s", hy_address_reason_text(reason));
}

static void fill_in(struct system_mail *m, hy_wall_ms date, size_t header_bytes, uint8_t flags)
{
    struct hy_str content = hy_buf_str(&m->content);
    bool has_dot_line = hy_str_find_str(content, HY_STR("\n."), 0) != SIZE_MAX;
    m->rcpt = (struct hy_spool_rcpt){.address = hy_address_wire(&m->to), .notify = HY_DSN_NEVER};
    m->message = (struct hy_spool_message){
        .priority = m->is_tls_optional ? HY_SPOOL_TLS_OPTIONAL
                    : m->is_urgent     ? HY_SPOOL_TRANSACTIONAL
                                       : HY_SPOOL_BULK,
        .flags = (uint8_t)(flags | (has_dot_line ? 0 : HY_SPOOL_NO_DOTS)),
        .received = date,
        .sender = hy_address_wire(&m->from),
        .from_domain = hy_address_domain(&m->from),
        .who = HY_STR("hayauma"),
        .header_bytes = (uint32_t)header_bytes,
        .content = content,
        .rcpts = &m->rcpt,
        .n_rcpts = 1,
    };
    m->message.message_id = hy_str_of(m->id);
}

/* m->from, to, content and id are there; the content is freed when it fails. */
static int hand_in(struct hy_daemon *d, struct system_mail *m, hy_wall_ms date, size_t header_bytes,
                   uint8_t flags, struct hy_diag *diag)
{
    struct hy_spool_job job;
    hy_spool_job_init(&job);
    fill_in(m, date, header_bytes, flags);
    m->d = d;
    m->req = job.req;
    m->req.apply = apply;
    m->req.done = on_done;
    int err = hy_writer_submit(d->writer, &m->req);
    if (err != HY_OK) {
        hy_buf_free(&m->content);
        return hy_fail(diag, err, "the message cannot be handed in: %s", hy_err_text(err));
    }
    return HY_OK;
}

static int check_signs(struct hy_daemon *d, const struct system_mail *m, struct hy_diag *diag)
{
    struct hy_str domain = hy_address_domain(&m->from); /* up to the NUL behind the address */
    return hy_deliver_signs(d->deliver, 0, domain.p)
               ? HY_OK
               : hy_fail(diag, HY_EINVAL, "no DKIM key signs for %s", domain.p);
}

int system_mail_send(struct hy_daemon *d, const struct hy_notice *n, struct system_mail *m,
                     struct hy_diag *diag)
{
    size_t header_bytes = 0;
    int err = read_addresses(m, n, diag);
    if (err == HY_OK)
        err = check_signs(d, m, diag);
    if (err != HY_OK)
        return err;
    m->content = HY_BUF_INIT(HY_NOTICE_MAX);
    snprintf(m->id, sizeof m->id, "<%.*s>", HY_STR_ARG(n->id));
    err = hy_notice_write(n, &m->content, &header_bytes);
    if (err != HY_OK) {
        hy_buf_free(&m->content);
        return hy_fail(diag, err, "the message cannot be handed in: %s", hy_err_text(err));
    }
    return hand_in(d, m, n->date, header_bytes, 0, diag);
}

int system_mail_put(struct hy_daemon *d, const struct hy_address *from, const struct hy_address *to,
                    const struct hy_rendered *r, struct system_mail *m, struct hy_diag *diag)
{
    m->from = *from;
    m->to = *to;
    int err = check_signs(d, m, diag);
    if (err != HY_OK)
        return err;
    m->content = HY_BUF_INIT(HY_NOTICE_MAX);
    snprintf(m->id, sizeof m->id, "%.*s", HY_SPOOL_MESSAGE_ID_MAX, r->message_id);
    hy_buf_add_str(&m->content, hy_buf_str(&r->bytes));
    if (m->content.err) {
        err = m->content.err;
        hy_buf_free(&m->content);
        return hy_fail(diag, err, "the message cannot be handed in: %s", hy_err_text(err));
    }
    uint8_t flags = (uint8_t)((r->needs_8bitmime || r->needs_smtputf8 ? HY_SPOOL_8BIT : 0) |
                              (r->needs_smtputf8 ? HY_SPOOL_UTF8 : 0));
    return hand_in(d, m, hy_clock_wall_ms(), r->header_bytes, flags, diag);
}
