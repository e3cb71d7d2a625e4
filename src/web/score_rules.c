/* /v1/scores/rules, /v1/scores/try: the rules that give points, told, replaced and tried. The
 * daemon knows the file; who may name it is an administrator of the installation. */
#include <stdio.h>
#include <stdlib.h>

#include "web_priv.h"

enum { TRY_S_MAX = 60, PUT_S_MAX = 10, FAULTS_BYTES = 16 * 1024, BY_MAX = 80 };

struct asking {
    struct hy_web_rules rules;
    char by[BY_MAX];
    int seconds;
    hy_us until;
    json_t *result;
    int err;
};

static void asking_free(void *state)
{
    struct asking *a = state;
    json_decref(a->result);
    json_decref(a->rules.faults);
}

/* ---- answers ---- */

static void fail_rules(struct web_call *c, const json_t *faults)
{
    const json_t *first = json_array_get(faults, 0);
    char *text = json_dumps(faults, JSON_COMPACT);
    struct hy_buf more = HY_BUF_INIT(FAULTS_BYTES);
    const char *why = json_string_value(json_object_get(first, "message"));
    long long line = json_integer_value(json_object_get(first, "line"));
    char place[64] = "";
    hy_buf_printf(&more, "\"faults\":%s", text ? text : "[]");
    if (line)
        snprintf(place, sizeof place, "line %lld, column %lld: ", line,
                 (long long)json_integer_value(json_object_get(first, "column")));
    web_fail_more(c, 422, "invalid_rules", "rules",
                  more.err ? HY_STR("\"faults\":[]") : hy_buf_str(&more), "%s%s", place, why);
    hy_buf_free(&more);
    free(text);
}

static void answer(struct web_call *c)
{
    struct asking *a = c->state;
    if (a->err == HY_OK)
        web_answer(c, 200, json_incref(a->result));
    else if (a->err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "scoring.rules names no file of rules.");
    else if (a->err == HY_EINVAL && json_array_size(a->rules.faults))
        fail_rules(c, a->rules.faults);
    else if (a->err == HY_EEXIST)
        web_fail(c, 409, "conflict", "version", "%s", a->rules.diag.text);
    else if (a->err == HY_EUNSUPPORTED)
        web_fail(c, 409, "not_writable", NULL,
                 "%s. The daemon must be able to write into its folder.", a->rules.diag.text);
    else if (a->err == HY_ECANCELED)
        web_fail(c, 503, "timeout", NULL, "This takes more than %d seconds.", a->seconds);
    else
        web_fail_err(c, a->err);
}

/* ---- what is asked ---- */

/* NULL: it is answered. */
static struct asking *asking_new(struct web_call *c)
{
    if (!web_is_installation(c))
        return NULL;
    struct asking *a = hy_arena_zalloc(&c->arena, sizeof *a);
    if (!a || !c->web->scoring.read) {
        web_fail_err(c, a ? HY_EUNSUPPORTED : HY_ENOMEM);
        return NULL;
    }
    snprintf(a->by, sizeof a->by, "api %.64s", c->token->name);
    a->rules.by = a->by;
    c->state = a;
    c->state_free = asking_free;
    return a;
}

/* {"rules": TEXT, "version": TEXT}; false: it is answered. */
static bool read_body(struct web_call *c, struct asking *a, bool may_have_version)
{
    const json_t *body = web_json(c);
    const char *key;
    json_t *x;
    if (!body)
        return false;
    json_object_foreach((json_t *)(uintptr_t)body, key, x)
    {
        bool is_rules = strcmp(key, "rules") == 0;
        if (!is_rules && !(may_have_version && strcmp(key, "version") == 0)) {
            web_fail(c, 422, "unknown_field", key, "There is no such field.");
            return false;
        }
        if (!json_is_string(x) || json_string_length(x) == 0) {
            web_fail(c, 422, "invalid_type", key, "This must be a string that is not empty.");
            return false;
        }
        *(is_rules ? &a->rules.text : &a->rules.version) =
            hy_str_make(json_string_value(x), json_string_length(x));
    }
    if (a->rules.text.n)
        return true;
    web_fail(c, 422, "missing_field", "rules", "The rules, as a file has them.");
    return false;
}

static bool is_over(void *ctx)
{
    const struct web_call *c = ctx;
    const struct asking *a = c->state;
    return web_is_closing(c) || hy_clock_us() > a->until;
}

/* ---- the long worker's thread ---- */

static void work(struct web_call *c, web_work_fn *fn)
{
    if (web_work_long(c, fn) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

static void until(struct web_call *c, int seconds)
{
    struct asking *a = c->state;
    a->seconds = seconds;
    a->until = hy_clock_us() + seconds * HY_US_PER_SEC;
    a->rules.is_over = is_over;
    a->rules.over_ctx = c;
}

static void gather_rules(struct web_call *c, struct hy_txn *t)
{
    struct asking *a = c->state;
    (void)t;
    a->err = c->web->scoring.read(c->web->scoring.ctx, &a->result);
    web_later(c, answer);
}

static void gather_try(struct web_call *c, struct hy_txn *t)
{
    struct asking *a = c->state;
    until(c, TRY_S_MAX);
    a->err = t ? c->web->scoring.try(c->web->scoring.ctx, t, &a->rules, &a->result) : HY_EIO;
    web_later(c, answer);
}

static void gather_put(struct web_call *c, struct hy_txn *t)
{
    struct asking *a = c->state;
    (void)t;
    until(c, PUT_S_MAX);
    a->err = c->web->scoring.put(c->web->scoring.ctx, &a->rules, &a->result);
    web_later(c, answer);
}

static void get_rules(struct web_call *c)
{
    if (asking_new(c) && web_work(c, gather_rules) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

static void post_try(struct web_call *c)
{
    struct asking *a = asking_new(c);
    if (a && read_body(c, a, false))
        work(c, gather_try);
}

static void put_rules(struct web_call *c)
{
    struct asking *a = asking_new(c);
    if (a && read_body(c, a, true))
        work(c, gather_put);
}

const struct web_route web_rules_routes[] = {
    {"GET", "/v1/scores/rules", HY_SCOPE_ADMIN, get_rules},
    {"PUT", "/v1/scores/rules", HY_SCOPE_ADMIN, put_rules},
    {"POST", "/v1/scores/try", HY_SCOPE_ADMIN, post_try},
    {0},
};
