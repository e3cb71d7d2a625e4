/* The mail that went to one person. */
#include "call.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/spool.h"
#include "hayauma/web/person_json.h"
#include "person.h"

/* The oldest first. */
static json_t *attempts_json(struct hy_txn *t, hy_id last)
{
    enum { SHOWN = 1000 };
    struct hy_attempt a;
    json_t *out = json_array();
    for (hy_id id = last; id && json_array_size(out) < SHOWN && hy_attempt_get(t, id, &a) == 0;
         id = a.previous) {
        json_t *o = json_object();
        json_object_set_new(o, "at", person_time_json(a.started ? a.started : hy_id_time(a.id)));
        json_object_set_new(o, "state", json_string(hy_rcpt_state_name(a.state)));
        json_object_set_new(o, "host", web_text_json(a.mx_host));
        json_object_set_new(o, "ip", person_ip_json(a.mx_ip));
        json_object_set_new(o, "code", json_integer(a.outcome.code));
        json_object_set_new(o, "text", web_text_json(a.outcome.text));
        json_object_set_new(o, "size_bytes", json_integer(a.size_bytes));
        json_array_insert_new(out, 0, o);
    }
    return out;
}

static int add_row(struct hy_txn *t, const struct hy_campaign *c, hy_lead_no lead, json_t *out)
{
    char id[HY_ID_TEXT_MAX];
    struct hy_str address;
    hy_domain_no domain;
    struct hy_queue_row row;
    int err = hy_lead_address(t, lead, &address, &domain);
    if (!err)
        err = hy_queue_find(t, c->id, domain, lead, &row);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    json_t *o = json_pack("{s:s, s:o, s:I, s:o, s:s}", "campaign", hy_id_format(c->id, id), "name",
                          web_text_json(c->name), "lead", (json_int_t)lead, "address",
                          web_text_json(address), "state", hy_rcpt_state_name(row.state));
    json_object_set_new(o, "attempts", attempts_json(t, row.last_attempt));
    return json_array_append_new(out, o) == 0 ? 0 : HY_ENOMEM;
}

int person_mails(struct hy_txn *t, const hy_lead_no *parts, size_t n, json_t *out)
{
    struct hy_campaign c = {.id = 0};
    int err;
    while ((err = hy_campaign_next(t, c.id, &c)) == 0)
        for (size_t i = 0; i < n; i++)
            if ((err = add_row(t, &c, parts[i], out)))
                return err;
    return err == HY_ENOTFOUND ? 0 : err;
}

struct messages {
    struct hy_txn *t;
    json_t *out;
};

static json_t *content_json(struct hy_txn *t, const struct hy_spool_message *m)
{
    struct hy_buf content = HY_BUF_INIT(HY_PERSON_CONTENT_MAX + 4096);
    int err = hy_spool_content_head(t, m, HY_PERSON_CONTENT_MAX, &content);
    json_t *x = err ? json_null() : web_text_json(hy_buf_str(&content));
    hy_buf_free(&content);
    return x;
}

static int add_message(void *ctx, const struct hy_spool_view *v)
{
    const struct messages *x = ctx;
    const struct hy_spool_message *m = &v->message;
    char id[HY_ID_TEXT_MAX];
    json_t *o = json_object();
    json_object_set_new(o, "message", json_string(hy_id_format(m->id, id)));
    json_object_set_new(o, "message_id", web_text_json(m->message_id));
    json_object_set_new(o, "received", person_time_json(m->received));
    json_object_set_new(o, "sender", web_text_json(m->sender));
    json_object_set_new(o, "recipient", web_text_json(v->rcpt.address));
    json_object_set_new(o, "who", web_text_json(m->who));
    json_object_set_new(o, "metadata", web_text_json(m->meta));
    json_object_set_new(o, "size_bytes", json_integer((json_int_t)m->content_bytes));
    json_object_set_new(o, "state", json_string(hy_rcpt_state_name(v->row.state)));
    json_object_set_new(o, "attempts", attempts_json(x->t, v->row.last_attempt));
    json_object_set_new(o, "content", content_json(x->t, m));
    return json_array_append_new(x->out, o) == 0 ? 0 : HY_ENOMEM;
}

int person_messages(struct hy_txn *t, struct hy_str address, json_t *out)
{
    struct messages x = {t, out};
    int err = hy_spool_find_address(t, address, add_message, &x);
    return err == HY_ENOTFOUND ? 0 : err;
}
