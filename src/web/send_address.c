/* Addresses of a call: strings ("Taro <taro@example.jp>") or objects ({"email", "name"}). */
#include <stdio.h>

#include "hayauma/mail/address.h"
#include "hayauma/store/suppress.h"
#include "send.h"

static const char *const list_names[SEND_LISTS] = {"to", "cc", "bcc", "recipients"};

const char *send_rcpt_field(const struct send_rcpt *r, char out[64])
{
    snprintf(out, 64, "%s[%u]%s", list_names[r->list], r->index, r->is_text ? "" : ".email");
    return out;
}

bool send_may_use(const struct send *s, struct hy_str domain)
{
    const struct hy_api_token *t = s->call->token;
    return hy_api_token_may_use(t, domain) &&
           hy_tenant_may_use(s->call->policy->tenants, t->tenant, domain);
}

static struct hy_str text_of(const json_t *value)
{
    return hy_str_make(json_string_value(value), json_string_length(value));
}

/* The name before "<": without spaces and quotes around it. */
static struct hy_str name_before(struct hy_str text)
{
    size_t at = hy_str_find(text, '<', 0);
    struct hy_str name = hy_str_trim(hy_str_slice(text, 0, at == SIZE_MAX ? 0 : at));
    if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
        name = hy_str_slice(name, 1, name.n - 1);
    return name;
}

/* The keys an object may have; another one is a mistake. */
static bool knows_key(const char *key, bool is_rcpt)
{
    return strcmp(key, "email") == 0 || strcmp(key, "name") == 0 ||
           (is_rcpt && (strcmp(key, "variables") == 0 || strcmp(key, "metadata") == 0));
}

/* What the value says; the address is not looked at. */
static int take_apart(struct send *s, const json_t *value, const char *field, bool is_rcpt,
                      struct hy_str *ret_email, struct hy_str *ret_name)
{
    char path[160];
    const char *key;
    json_t *member;
    if (json_is_string(value)) {
        *ret_email = text_of(value);
        *ret_name = name_before(*ret_email);
        return HY_OK;
    }
    if (!json_is_object(value))
        return send_fail(s, 422, "invalid_type", field,
                         "An address is a string, or an object with 'email' and 'name'.");
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (knows_key(key, is_rcpt))
            continue;
        snprintf(path, sizeof path, "%.80s.%.60s", field, key);
        return send_fail(s, 422, "unknown_field", path, "There is no such field.");
    }
    const json_t *email = json_object_get(value, "email"), *name = json_object_get(value, "name");
    snprintf(path, sizeof path, "%.80s.%s", field, json_is_string(email) ? "name" : "email");
    if (!json_is_string(email) || (name && !json_is_string(name)))
        return send_fail(s, 422, email ? "invalid_type" : "missing_field", path,
                         "This must be a string.");
    *ret_email = text_of(email);
    *ret_name = name ? text_of(name) : HY_STR("");
    return HY_OK;
}

/* As people write them; single names, for hosts without a domain, too. */
static int parse(struct hy_str text, struct hy_address *ret, const char **ret_why)
{
    static const struct hy_address_rules rules = {.allow_single = true};
    enum hy_address_reason reason = HY_ADDRESS_OK;
    int err = hy_address_parse(text, &rules, ret, &reason);
    if (err != HY_OK)
        *ret_why = hy_address_reason_text(reason);
    return err;
}

int send_read_mailbox(struct send *s, const json_t *value, const char *field,
                      struct hy_header_mailbox *ret)
{
    struct hy_str email, name;
    struct hy_address a;
    const char *why = "";
    int err = take_apart(s, value, field, false, &email, &name);
    if (err != HY_OK)
        return err;
    if (parse(email, &a, &why) != HY_OK)
        return send_fail(s, 422, "invalid_address", field, "This is no mail address: %s.", why);
    *ret = (struct hy_header_mailbox){name, hy_arena_str(&s->call->arena, hy_address_wire(&a))};
    return ret->address.p ? HY_OK : send_fail_err(s, HY_ENOMEM);
}

/* Finds out whether it may get mail; if not, that is noted in it. */
static int judge(struct send *s, struct send_rcpt *r)
{
    struct hy_address a;
    struct hy_suppress_entry e;
    struct hy_suppress_ask ask = {.tenant = hy_tenant_suppressor(s->call->token->tenant),
                                  .stream = s->priority == HY_SPOOL_TRANSACTIONAL
                                                ? HY_STREAM_TRANSACTIONAL
                                                : HY_STREAM_MARKETING};
    if (parse(r->email, &a, &r->message) != HY_OK) {
        r->code = "invalid_address";
        return HY_OK;
    }
    r->wire = hy_arena_str(&s->call->arena, hy_address_wire(&a));
    if (!r->wire.p)
        return send_fail_err(s, HY_ENOMEM);
    int err = hy_suppress_find(s->txn, r->wire, &ask, &e);
    if (err == HY_OK) {
        r->code = "suppressed";
        r->message = hy_suppress_reason_name(e.key.reason);
    } else if (err != HY_ENOTFOUND) {
        return send_fail_err(s, err);
    } else {
        s->n_good++;
    }
    return HY_OK;
}

/* Room for `n` more. */
static int make_room(struct send *s, size_t n)
{
    if (s->n_rcpts + n > HY_SPOOL_RCPTS_MAX)
        return send_fail(s, 422, "too_many_recipients", NULL, "A call has at most %d recipients.",
                         HY_SPOOL_RCPTS_MAX);
    struct send_rcpt *more = hy_arena_alloc(&s->call->arena, (s->n_rcpts + n) * sizeof *s->rcpts);
    if (!more)
        return send_fail_err(s, HY_ENOMEM);
    if (s->n_rcpts)
        memcpy(more, s->rcpts, s->n_rcpts * sizeof *more);
    s->rcpts = more;
    return HY_OK;
}

int send_add_rcpt(struct send *s, struct hy_str email, enum send_list which, uint32_t index)
{
    int err = make_room(s, 1);
    if (err != HY_OK)
        return err;
    struct send_rcpt *r = &s->rcpts[s->n_rcpts++];
    *r = (struct send_rcpt){.email = email, .list = which, .index = index, .is_text = true};
    return judge(s, r);
}

/* {"variables": {...}} of a recipient. */
static int read_object(struct send *s, const json_t *rcpt, const char *name, const char *field,
                       json_t **ret)
{
    char path[160];
    *ret = json_object_get(rcpt, name);
    if (!*ret || json_is_object(*ret))
        return HY_OK;
    snprintf(path, sizeof path, "%.80s.%s", field, name);
    return send_fail(s, 422, "invalid_type", path, "This must be an object.");
}

int send_add_rcpts(struct send *s, json_t *list, enum send_list which, const char *field)
{
    char path[64];
    size_t n = json_is_array(list) ? json_array_size(list) : 1;
    int err = make_room(s, n);
    for (size_t i = 0; i < n && err == HY_OK; i++) {
        json_t *value = json_is_array(list) ? json_array_get(list, i) : list;
        struct send_rcpt r = {
            .list = which, .index = (uint32_t)i, .is_text = json_is_string(value)};
        snprintf(path, sizeof path, "%s[%zu]", field, i);
        err = take_apart(s, value, path, true, &r.email, &r.name);
        if (err == HY_OK)
            err = read_object(s, value, "variables", path, &r.variables);
        if (err == HY_OK)
            err = read_object(s, value, "metadata", path, &r.metadata);
        if (err == HY_OK)
            err = judge(s, &r);
        s->rcpts[s->n_rcpts] = r;
        s->n_rcpts += err == HY_OK;
    }
    return err;
}
