/* What a call is told: the messages it made, and whom they do not go to. */
#include <stdio.h>

#include "hayauma/base/json_put.h"
#include "send.h"

static void put_message(const struct send *s, size_t i, struct hy_buf *out)
{
    const struct hy_spool_message *m = &s->messages[i];
    char id[HY_ID_TEXT_MAX];
    hy_buf_printf(out, "%s{\"id\":\"%s\",\"message_id\":", i ? "," : "", hy_id_format(m->id, id));
    hy_json_put_str(out, m->message_id);
    hy_buf_add_lit(out, ",\"recipients\":[");
    for (uint32_t k = 0; k < m->n_rcpts; k++) {
        if (k)
            hy_buf_add_c(out, ',');
        hy_json_put_str(out, m->rcpts[k].address);
    }
    hy_buf_add_lit(out, "]}");
}

static void put_rejected(const struct send_rcpt *r, bool is_first, struct hy_buf *out)
{
    char field[64];
    if (!is_first)
        hy_buf_add_c(out, ',');
    hy_buf_printf(out, "{\"field\":\"%s\",\"email\":", send_rcpt_field(r, field));
    hy_json_put_str(out, r->email);
    hy_buf_printf(out, ",\"code\":\"%s\",\"message\":", r->code);
    hy_json_put_str(out, hy_str_of(r->message));
    hy_buf_add_c(out, '}');
}

void send_put_answer(const struct send *s, struct hy_buf *out)
{
    char when[32];
    size_t accepted = 0;
    bool is_first = true;
    for (size_t i = 0; i < s->n_messages; i++)
        accepted += s->messages[i].n_rcpts;
    hy_buf_printf(out, "{\"accepted\":%zu", accepted);
    if (s->send_at > s->now)
        hy_buf_printf(out, ",\"send_at\":\"%s\"", hy_wall_format(s->send_at, when));
    if (s->template_name.n) {
        hy_buf_add_lit(out, ",\"template\":{\"name\":");
        hy_json_put_str(out, s->template_name);
        hy_buf_printf(out, ",\"version\":%u}", s->template_version);
    }
    hy_buf_add_lit(out, ",\"messages\":[");
    for (size_t i = 0; i < s->n_messages; i++)
        put_message(s, i, out);
    hy_buf_add_lit(out, "],\"rejected\":[");
    for (size_t i = 0; i < s->n_rcpts; i++) {
        if (!s->rcpts[i].code)
            continue;
        put_rejected(&s->rcpts[i], is_first, out);
        is_first = false;
    }
    hy_buf_add_lit(out, "]}");
}
