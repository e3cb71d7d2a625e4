/* From what a call asks for to messages as they go out. */
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/codec.h"
#include "hayauma/base/hash.h"
#include "hayauma/deliver/deliver.h"
#include "hayauma/mail/address.h"
#include "hayauma/mail/compose.h"
#include "hayauma/mail/relay.h"
#include "send.h"

struct hy_str send_message_id(struct send *s)
{
    struct hy_str host = web_host(s->call);
    uint64_t parts[2] = {0};
    char *out = hy_arena_alloc(&s->call->arena, host.n + 64);
    if (!out || web_unique(s->call, parts) != HY_OK)
        return (struct hy_str){0};
    size_t n = 1;
    out[0] = '<';
    n += hy_base32_encode(parts, sizeof parts, out + n);
    out[n++] = '@';
    memcpy(out + n, host.p, host.n);
    n += host.n;
    out[n++] = '>';
    return hy_str_make(out, n);
}

/* {"tags": [...], "metadata": {...}} of a message; what a recipient says goes over what all have.
 */
static int put_meta(struct send *s, const struct send_rcpt *own, struct hy_str *ret)
{
    json_t *metadata = own && own->metadata ? own->metadata : NULL;
    *ret = (struct hy_str){0};
    if (!s->metadata && !s->tags && !metadata)
        return HY_OK;
    json_t *all = json_object(), *merged = json_object();
    if (s->metadata)
        json_object_update(merged, s->metadata);
    if (metadata)
        json_object_update(merged, metadata);
    if (s->tags)
        json_object_set(all, "tags", s->tags);
    if (json_object_size(merged))
        json_object_set(all, "metadata", merged);
    json_decref(merged);
    char *text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    if (!text)
        return send_fail_err(s, HY_ENOMEM);
    struct hy_str kept = hy_arena_str(&s->call->arena, hy_str_of(text));
    free(text);
    if (!kept.p)
        return send_fail_err(s, HY_ENOMEM);
    if (kept.n > HY_SPOOL_META_MAX)
        return send_fail(s, 422, "too_large", "metadata",
                         "Tags and metadata have at most %d bytes as JSON.", HY_SPOOL_META_MAX);
    *ret = kept;
    return HY_OK;
}

static int check_size(struct send *s, size_t n)
{
    uint64_t most = s->call->policy->message_max;
    uint64_t quota = s->call->token->tenant->quota.size_bytes;
    if (quota && quota < most)
        most = quota;
    if (n > most)
        return send_fail(s, 413, "too_large", NULL, "The message has %zu bytes; %lu are allowed.",
                         n, (unsigned long)most);
    s->content_bytes += n;
    if (s->is_personal && s->content_bytes > SEND_CONTENT_MAX)
        return send_fail(s, 413, "too_large", NULL,
                         "All messages of a call together have at most %d bytes: split it.",
                         SEND_CONTENT_MAX);
    return HY_OK;
}

int send_add_message(struct send *s, struct hy_str content, bool is_kept, uint32_t header_bytes,
                     uint8_t flags, struct hy_str from_domain, struct hy_str message_id,
                     struct send_rcpt *const *rcpts, size_t n)
{
    struct hy_arena *arena = &s->call->arena;
    struct hy_spool_rcpt *to = hy_arena_alloc(arena, n * sizeof *to);
    struct hy_str meta;
    int err = check_size(s, content.n);
    if (err == HY_OK)
        err = put_meta(s, s->is_personal ? rcpts[0] : NULL, &meta);
    if (err != HY_OK)
        return err;
    struct hy_str kept = is_kept ? content : hy_arena_str(arena, content);
    if (!to || !kept.p)
        return send_fail_err(s, HY_ENOMEM);
    for (size_t i = 0; i < n; i++)
        to[i] = (struct hy_spool_rcpt){.address = rcpts[i]->wire};
    if (s->is_personal)
        s->first_of[s->n_messages] = rcpts[0];
    s->messages[s->n_messages++] = (struct hy_spool_message){
        .tenant = s->call->token->tenant->number,
        .priority = s->priority,
        .flags = flags,
        .received = s->now,
        .send_at = s->send_at,
        .sender = s->sender,
        .from_domain = from_domain,
        .message_id = message_id,
        .who = hy_str_of(s->who),
        .meta = meta,
        .header_bytes = header_bytes,
        .content = kept,
        .rcpts = to,
        .n_rcpts = (uint32_t)hy_spool_sort(to, n),
    };
    return HY_OK;
}

/* ---- parts ---- */

static struct hy_compose_boxes boxes_of(struct send *s, enum send_list which,
                                        struct hy_header_mailbox *room)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_rcpts; i++)
        if (!s->rcpts[i].code && s->rcpts[i].list == which)
            room[n++] = (struct hy_header_mailbox){s->rcpts[i].name, s->rcpts[i].wire};
    return (struct hy_compose_boxes){room, n};
}

static int compose(struct send *s, struct hy_compose *c, struct hy_composed *facts)
{
    struct hy_diag diag = {""};
    c->message_id = send_message_id(s);
    if (!c->message_id.p || web_unique(s->call, c->seed) != HY_OK)
        return send_fail_err(s, HY_ENOMEM);
    hy_buf_reset(&s->out);
    int err = hy_compose_write(c, &s->out, facts, &diag);
    if (err == HY_EINVAL || err == HY_ELIMIT)
        return send_fail(s, 422, "invalid_message", NULL, "%.390s", diag.text);
    return err == HY_OK ? err : send_fail_err(s, err);
}

static uint8_t flags_of(const struct hy_composed *facts)
{
    return (uint8_t)((facts->has_no_dot_line ? HY_SPOOL_NO_DOTS : 0) |
                     (facts->has_utf8_header ? HY_SPOOL_8BIT | HY_SPOOL_UTF8 : 0));
}

static int make_shared(struct send *s, struct hy_compose *c, struct send_rcpt *const *good)
{
    struct hy_composed facts;
    struct hy_header_mailbox *room =
        hy_arena_alloc(&s->call->arena, (s->n_rcpts + 1) * 2 * sizeof *room);
    if (!room)
        return send_fail_err(s, HY_ENOMEM);
    c->to = boxes_of(s, SEND_TO, room);
    c->cc = boxes_of(s, SEND_CC, room + c->to.n);
    int err = compose(s, c, &facts);
    if (err != HY_OK)
        return err;
    return send_add_message(s, hy_buf_str(&s->out), true, facts.header_bytes, flags_of(&facts),
                            hy_wire_domain(s->from.address), c->message_id, good, s->n_good);
}

static int make_personal(struct send *s, struct hy_compose *c, struct send_rcpt *const *good)
{
    int err = HY_OK;
    for (size_t i = 0; i < s->n_good && err == HY_OK; i++) {
        struct hy_composed facts;
        struct hy_header_mailbox box = {good[i]->name, good[i]->wire};
        c->to = (struct hy_compose_boxes){&box, 1};
        err = compose(s, c, &facts);
        if (err == HY_OK)
            err = send_add_message(s, hy_buf_str(&s->out), false, facts.header_bytes,
                                   flags_of(&facts), hy_wire_domain(s->from.address), c->message_id,
                                   &good[i], 1);
    }
    return err;
}

static int make_composed(struct send *s, struct send_rcpt *const *good)
{
    struct hy_compose c = {
        .from = s->from,
        .reply_to = {&s->reply_to, s->reply_to.address.n > 0},
        .subject = s->subject,
        .text = s->text,
        .html = s->html,
        .date = s->send_at > s->now ? s->send_at : s->now,
        .utc_offset_min = s->call->policy->utc_offset_min,
        .headers = s->headers,
        .n_headers = s->n_headers,
        .images = s->files,
        .n_images = s->n_images,
        .attachments = send_attachments(s),
        .n_attachments = s->n_files - s->n_images,
    };
    return s->is_personal ? make_personal(s, &c, good) : make_shared(s, &c, good);
}

/* ---- a message as it is ---- */

static int make_raw(struct send *s, struct send_rcpt *const *good)
{
    struct web_call *c = s->call;
    struct hy_relay_output facts;
    enum hy_relay_fault fault = HY_RELAY_GOOD;
    struct hy_str id = send_message_id(s);
    if (!id.p)
        return send_fail_err(s, HY_ENOMEM);
    struct hy_str token = hy_str_slice(id, 1, hy_str_find(id, '@', 0));
    struct hy_relay_input in = {
        .message = s->raw,
        .repair_line_ends = true,
        .helo = hy_str_of(c->token->id),
        .client = hy_str_of(c->client),
        .host = web_host(c),
        .protocol = c->http->is_tls ? HY_STR("HTTPS") : HY_STR("HTTP"),
        .id = token,
        .recipient = s->n_good == 1 ? good[0]->wire : (struct hy_str){0},
        .message_id = token,
        .now = s->now,
        .utc_offset_min = c->policy->utc_offset_min,
    };
    s->out.max = 2 * s->raw.n + HY_RELAY_HEADER_MAX; /* line ends may double */
    int err = hy_relay_edit(&in, &s->out, &facts, &fault);
    if (err == HY_EINVAL)
        return send_fail(s, 422, "invalid_message", "raw", "%s.", hy_relay_fault_text(fault));
    if (err != HY_OK)
        return send_fail_err(s, err);
    struct hy_str from_domain = hy_arena_str(&c->arena, hy_str_of(facts.from_domain));
    struct hy_str from = hy_arena_str(&c->arena, hy_str_of(facts.from));
    struct hy_str message_id = hy_arena_str(&c->arena, hy_str_of(facts.message_id));
    if (!from_domain.p || !from.p || !message_id.p)
        return send_fail_err(s, HY_ENOMEM);
    if (!send_may_use(s, from_domain))
        return send_fail(s, 403, "from_not_allowed", "raw",
                         "This token may not send mail from the domain of its From field.");
    if (!s->sender.n)
        s->sender = from;
    uint8_t flags = (uint8_t)((facts.has_8bit ? HY_SPOOL_8BIT : 0) |
                              (facts.has_no_dot_line ? HY_SPOOL_NO_DOTS : 0) |
                              (facts.has_utf8_header ? HY_SPOOL_UTF8 : 0));
    return send_add_message(s, hy_buf_str(&s->out), true, facts.header_bytes, flags, from_domain,
                            message_id, good, s->n_good);
}

/* ---- */

static int check_key(struct send *s)
{
    char domain[HY_DOMAIN_MAX + 1];
    for (size_t i = 0; i < s->n_messages && i < 1; i++) {
        snprintf(domain, sizeof domain, "%.*s", HY_STR_ARG(s->messages[i].from_domain));
        if (s->call->policy->is_dkim_required &&
            !hy_deliver_signs(web_deliver(s->call), s->messages[i].tenant, domain))
            return send_fail(s, 422, "no_dkim_key", "from", "No DKIM key signs for this domain.");
    }
    return HY_OK;
}

int send_make(struct send *s)
{
    struct hy_arena *arena = &s->call->arena;
    size_t most = s->is_personal ? s->n_good : 1, n = 0;
    struct send_rcpt **good = hy_arena_alloc(arena, s->n_good * sizeof(struct send_rcpt *));
    s->messages = hy_arena_alloc(arena, most * sizeof *s->messages);
    s->first_of = hy_arena_alloc(arena, most * sizeof(struct send_rcpt *));
    if (!good || !s->messages || !s->first_of)
        return send_fail_err(s, HY_ENOMEM);
    for (size_t i = 0; i < s->n_rcpts; i++)
        if (!s->rcpts[i].code)
            good[n++] = &s->rcpts[i];
    snprintf(s->who, sizeof s->who, "api %s at %s", s->call->token->name, s->call->client);
    s->out = HY_BUF_INIT(HY_COMPOSE_MAX);
    int err = s->kind == SEND_RAW        ? make_raw(s, good)
              : s->kind == SEND_TEMPLATE ? send_make_rendered(s)
                                         : make_composed(s, good);
    return err == HY_OK ? check_key(s) : err;
}
