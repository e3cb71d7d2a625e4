/* From a typed message to one for the spool. */
#include "local_mail.h"

#include "daemon.h"
#include "hayauma/base/rand.h"

int local_mail_edit(struct local_mail *m, struct hy_diag *diag)
{
    uint64_t random = 0;
    char id[HY_ID_TEXT_MAX];
    enum hy_relay_fault fault = HY_RELAY_GOOD;
    hy_wall_ms now = hy_clock_wall_ms();
    int err = hy_rand_bytes(&random, sizeof random);
    if (err != HY_OK)
        return err;
    struct hy_relay_input in = {
        .message = m->raw,
        .repair_line_ends = true,
        .helo = HY_STR("localhost"),
        .client = HY_STR("local"),
        .host = hy_str_of(m->config->node.hostname),
        .protocol = HY_STR("local"),
        .id = hy_str_of(hy_id_format(random, id)),
        .recipient = m->n_rcpts == 1 ? m->rcpts[0].address : (struct hy_str){0},
        .message_id = hy_str_of(id),
        .now = now,
        .utc_offset_min = daemon_utc_offset_min(),
    };
    m->content = HY_BUF_INIT(HY_SPOOL_CONTENT_MAX);
    err = hy_relay_edit(&in, &m->content, &m->facts, &fault);
    if (err == HY_EINVAL)
        return hy_fail(diag, err, "%s", hy_relay_fault_text(fault));
    return err;
}

int local_mail_check(const struct local_mail *m, const char *sender, struct hy_diag *diag)
{
    const char *at = strrchr(sender, '@');
    const char *domains[] = {m->facts.from_domain, at ? at + 1 : NULL};
    for (size_t i = 0; i < 2; i++)
        if (domains[i] && !hy_tenant_may_use(&m->config->tenants, m->tenant, hy_str_of(domains[i])))
            return hy_fail(diag, HY_EAUTH, "tenant '%s' may not send from %s", m->tenant->name,
                           domains[i]);
    if (m->config->dkim.is_required &&
        !hy_deliver_signs(m->deliver, m->tenant->number, m->facts.from_domain))
        return hy_fail(diag, HY_EINVAL, "no DKIM key signs for %s (dkim.required)",
                       m->facts.from_domain);
    return HY_OK;
}

struct hy_spool_message local_mail_message(const struct local_mail *m, const char *sender)
{
    return (struct hy_spool_message){
        .tenant = m->tenant->number,
        .flags = (uint8_t)((m->facts.has_8bit ? HY_SPOOL_8BIT : 0) |
                           (m->facts.has_no_dot_line ? HY_SPOOL_NO_DOTS : 0)),
        .received = hy_clock_wall_ms(),
        .sender = hy_str_of(sender),
        .from_domain = hy_str_of(m->facts.from_domain),
        .message_id = hy_str_of(m->facts.message_id),
        .who = m->who,
        .header_bytes = m->facts.header_bytes,
        .content = hy_buf_str(&m->content),
        .rcpts = m->rcpts,
        .n_rcpts = (uint32_t)m->n_rcpts,
    };
}
