/* Calls with an Idempotency-Key: done once, and answered again with the answer of then. */
#include <openssl/sha.h>

#include "call.h"

static void sha256(struct hy_str s, uint8_t out[32])
{
    SHA256((const unsigned char *)(s.p ? s.p : ""), s.n, out);
}

int web_once_find(struct web_call *c, struct hy_txn *t, struct hy_once *ret, struct hy_buf *answer)
{
    struct hy_http_call *h = c->http;
    struct hy_str key, type = {0};
    uint8_t parts[4][32];
    if (!hy_http_field(&h->head, HY_STR("Idempotency-Key"), &key))
        return HY_OK;
    if (key.n == 0 || key.n > HY_ONCE_KEY_MAX)
        return HY_ELIMIT;
    struct hy_once once = {.tenant = c->token->tenant->number, .key = key};
    (void)hy_http_field(&h->head, HY_STR("Content-Type"), &type);
    sha256(type, parts[0]);
    sha256(h->head.query, parts[1]);
    sha256(h->body, parts[2]);
    sha256(h->head.path, parts[3]);
    sha256(hy_str_make(parts, sizeof parts), once.request);
    *answer = HY_BUF_INIT(HY_ONCE_ANSWER_MAX);
    int err = hy_once_find(t, &once, answer);
    *ret = once;
    return err == HY_OK ? HY_EEXIST : err == HY_ENOTFOUND ? HY_OK : err;
}

void web_once_refusal(int err, int *ret_status, const char **ret_code, const char **ret_message)
{
    if (err == HY_ELIMIT) {
        *ret_status = 400;
        *ret_code = "invalid_idempotency_key";
        *ret_message = "An Idempotency-Key has 1 to 255 bytes.";
    } else if (err == HY_EINVAL) {
        *ret_status = 422;
        *ret_code = "idempotency_key_reused";
        *ret_message = "This Idempotency-Key came with another request within a day.";
    } else {
        *ret_status = 409;
        *ret_code = "idempotency_key_in_use";
        *ret_message = "A call with this Idempotency-Key is being made. Ask again.";
    }
}

bool web_once_look(struct web_call *c, struct hy_once *ret, int status)
{
    struct hy_buf answer = HY_BUF_INIT(HY_ONCE_ANSWER_MAX);
    struct hy_txn *t = web_snapshot(c);
    const char *code, *message;
    int refusal, err = t ? web_once_find(c, t, ret, &answer) : HY_EIO;
    web_snapshot_done(c);
    if (err == HY_EEXIST) {
        web_once_replay(c, hy_buf_str(&answer), status);
    } else if (err == HY_ELIMIT || err == HY_EINVAL) {
        web_once_refusal(err, &refusal, &code, &message);
        web_fail(c, refusal, code, NULL, "%s", message);
    } else if (err) {
        web_fail_err(c, err);
    }
    hy_buf_free(&answer);
    return err == HY_OK;
}

void web_once_answer(struct web_call *c, const struct hy_once *once, int status)
{
    struct hy_buf answer = HY_BUF_INIT(HY_ONCE_ANSWER_MAX);
    struct hy_txn *t = web_snapshot(c);
    int refusal, err = t ? hy_once_find(t, once, &answer) : HY_EIO;
    const char *code, *message;
    web_snapshot_done(c);
    if (err == HY_OK) {
        web_once_replay(c, hy_buf_str(&answer), status);
    } else {
        web_once_refusal(err == HY_EINVAL ? err : HY_EBUSY, &refusal, &code, &message);
        web_fail(c, refusal, code, NULL, "%s", message);
    }
    hy_buf_free(&answer);
}

void web_once_replay(struct web_call *c, struct hy_str answer, int status)
{
    web_answer_text(c, status, answer, "Idempotent-Replay: true\r\n");
}
