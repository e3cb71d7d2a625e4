/* A webhook: batches of events, signed, one request after the other, so that they arrive in order.
 *
 * Happy path: gather a batch, sign, post; on 2xx the cursor moves and is stored with the next group
 * of the writer.
 * How it fails: the same batch is posted again under the same id, after a pause that doubles, as
 * long as it takes; after hy_events_webhook.disable_after_us of nothing but failures, or on 410,
 * the endpoint is disabled, and waits for a person. After a kill, events behind the stored cursor
 * are posted again: at least once, each with its own id. */
#include <stdio.h>
#include <stdlib.h>

#include "events.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

enum {
    ANSWER_MAX = 64 << 10,
    FIELD_BYTES = 1024,
    RETRY_AFTER_MOST_S = 3600,
};

enum stage { STAGE_IDLE, STAGE_WAITING /* for a batch to fill */, STAGE_SENDING, STAGE_AGAIN };

struct hook {
    struct dest d; /* first */
    const struct hy_events_webhook *w;
    enum stage stage;
    hy_us since; /* WAITING: when something new was seen */
    struct batch batch;
    uint32_t batch_max; /* less than w->batch where that was too much for the endpoint */
    char id[2 * HY_ID_TEXT_MAX + 8];
    /* of the request on its way */
    struct hy_https_request request;
    struct hy_events_policy *held; /* what it points into */
    char field_id[64], field_time[64], field_signature[FIELD_BYTES];
    const char *fields[4];
    struct { /* under the lock of the side */
        bool is_answered;
        int err;
        unsigned status;
        uint32_t retry_after_s;
        char text[120];
    } shared;
};

static struct hook *of(struct dest *d)
{
    return hy_container_of(d, struct hook, d);
}

/* ---- sending ---- */

/* The thread of requests. */
static void on_done(struct hy_https_request *r, const struct hy_https_result *result)
{
    struct hook *h = hy_container_of(r, struct hook, request);
    struct side *s = h->d.side;
    pthread_mutex_lock(&s->lock);
    h->shared.is_answered = true;
    h->shared.err = result->err;
    h->shared.status = result->status;
    h->shared.retry_after_s = result->retry_after_s;
    snprintf(h->shared.text, sizeof h->shared.text, "%s", result->text);
    s->is_woken = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

static int put_fields(struct hook *h)
{
    int64_t now_s = hy_clock_wall_ms() / 1000;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf signature = HY_BUF_INIT(FIELD_BYTES - 32);
    int err = hook_sign(h->w, hy_str_of(h->id), now_s, hy_buf_str(&h->batch.bytes), &signature);
    if (err)
        return err;
    snprintf(h->field_id, sizeof h->field_id, "webhook-id: %s", h->id);
    snprintf(h->field_time, sizeof h->field_time, "webhook-timestamp: %ld", now_s);
    snprintf(h->field_signature, sizeof h->field_signature, "webhook-signature: %s",
             hy_buf_cstr(&signature));
    h->fields[0] = h->field_id;
    h->fields[1] = h->field_time;
    h->fields[2] = h->field_signature;
    h->fields[3] = NULL;
    return HY_OK;
}

static void post(struct hook *h)
{
    const struct hy_events_webhook *w = h->w;
    int err = put_fields(h);
    if (!err) {
        h->request = (struct hy_https_request){
            .url = w->url,
            .content_type = "application/json",
            .body = hy_buf_str(&h->batch.bytes),
            .fields = h->fields,
            .ca_file = w->ca_file,
            .may_connect = w->allows_private ? NULL : hy_sockaddr_is_public,
            .allows_http = w->allows_http,
            .keeps_connection = true,
            .max_bytes = ANSWER_MAX,
            .timeout_us = w->timeout_us,
            .done = on_done,
        };
        h->held = hy_events_policy_ref(h->d.side->policy);
        err = hy_https_submit(h->d.side->all->https, &h->request);
    }
    if (!err) {
        h->stage = STAGE_SENDING;
        hy_count_add(&h->d.counts.requests, 1);
        return;
    }
    hy_events_policy_unref(h->held);
    h->held = NULL;
    h->stage = STAGE_AGAIN;
    if (err == HY_ECLOSED) /* the end */
        h->d.next_try = hy_clock_us() + LOOK_US;
    else
        dest_failed(&h->d, w->retry_most_us, "the request cannot be made: %s", hy_err_text(err));
}

/* {"type":"events","timestamp":"...","data":[...]}; the id is made of the events' own. */
static int gather(struct hook *h)
{
    struct hy_buf *out = &h->batch.bytes;
    char at[32], first[HY_ID_TEXT_MAX], last[HY_ID_TEXT_MAX];
    hy_buf_reset(out);
    hy_buf_printf(out, "{\"type\":\"events\",\"timestamp\":\"%s\",\"data\":[",
                  hy_wall_format(hy_clock_wall_ms(), at));
    int err = dest_read(&h->d, ',', false, h->batch_max, out->len + h->w->batch_bytes, &h->batch);
    hy_buf_add_lit(out, "]}");
    if (err || out->err)
        return err ? err : out->err;
    snprintf(h->id, sizeof h->id, "evt_%s_%s", hy_id_format(h->batch.first, first),
             hy_id_format(h->batch.last, last));
    return HY_OK;
}

/* ---- answers ---- */

/* The batch is over, or nothing of it was wanted. */
static void move_on(struct hook *h, hy_us now)
{
    struct dest *d = &h->d;
    d->cursor = h->batch.last;
    d->owes = h->batch.n > 0;
    if (h->batch.n || now - d->place.committed_at > QUIET_COMMIT_US)
        (void)dest_commit(d, "");
    h->stage = STAGE_IDLE;
}

static void disable(struct hook *h, const char *why)
{
    struct dest *d = &h->d;
    d->is_disabled = true;
    hy_log(
        HY_LOG_ERROR, "events",
        "webhook %s is disabled: %s. Nothing is kept for it any more beyond store.log_retention; "
        "'hayauma events resume %s' makes it go on",
        d->name, why, d->name);
    (void)dest_commit_wait(d, "");
}

static void on_failure(struct hook *h, int err, unsigned status, uint32_t retry_after_s,
                       const char *text, hy_us now)
{
    struct dest *d = &h->d;
    bool was_good = d->failing_since == 0;
    h->stage = STAGE_AGAIN;
    if (!err && status == 410) {
        (void)dest_note_failure(d, "the endpoint answered 410");
        disable(h, "it answered 410: it is gone");
        return;
    }
    if (err)
        dest_failed(d, h->w->retry_most_us, "%s", text);
    else
        dest_failed(d, h->w->retry_most_us, "the endpoint answered %u", status);
    if (retry_after_s > RETRY_AFTER_MOST_S)
        retry_after_s = RETRY_AFTER_MOST_S;
    if (!err && retry_after_s && d->next_try < now + (hy_us)retry_after_s * HY_US_PER_SEC)
        d->next_try = now + (hy_us)retry_after_s * HY_US_PER_SEC;
    if (!err && status == 413 && h->batch.n > 1) {
        h->batch_max = h->batch.n / 2;
        h->stage = STAGE_IDLE; /* a smaller one */
    }
    hy_us failed_for = (hy_clock_wall_ms() - d->failing_since) * HY_US_PER_MS;
    if (h->w->disable_after_us && failed_for >= h->w->disable_after_us)
        disable(h, "it has failed for events.webhooks.disable_after");
    else if (was_good)
        (void)dest_commit_wait(d, ""); /* since when, across a restart */
}

static void on_success(struct hook *h, hy_us now)
{
    hy_count_add(&h->d.counts.sent, h->batch.n);
    hy_count_add(&h->d.counts.bytes, h->batch.bytes.len);
    if (h->batch_max < h->w->batch)
        h->batch_max++;
    dest_succeeded(&h->d);
    move_on(h, now);
}

static void take_answer(struct hook *h, hy_us now)
{
    pthread_mutex_lock(&h->d.side->lock);
    bool is_answered = h->shared.is_answered;
    int err = h->shared.err;
    unsigned status = h->shared.status;
    uint32_t retry_after_s = h->shared.retry_after_s;
    char text[sizeof h->shared.text];
    memcpy(text, h->shared.text, sizeof text);
    h->shared.is_answered = false;
    pthread_mutex_unlock(&h->d.side->lock);
    if (!is_answered)
        return;
    if (err == HY_ECANCELED) /* the end */
        h->stage = STAGE_AGAIN;
    else if (err || status < 200 || status > 299)
        on_failure(h, err, status, retry_after_s, text, now);
    else
        on_success(h, now);
    hy_events_policy_unref(h->held); /* last: `w` may be in it */
    h->held = NULL;
}

/* ---- steps ---- */

/* Gathers what there is and sends it, unless it should fill first. True: there is more to do. */
static bool work(struct hook *h, hy_us now)
{
    struct dest *d = &h->d;
    int err = gather(h);
    if (err) {
        dest_failed(d, h->w->retry_most_us, "the log cannot be read: %s", hy_err_text(err));
        return false;
    }
    if (h->batch.n == 0) {
        if (h->batch.last != d->cursor)
            move_on(h, now);
        h->stage = STAGE_IDLE;
        return !h->batch.is_all;
    }
    if (h->batch.is_all && h->batch.n < h->batch_max) {
        if (h->stage == STAGE_IDLE) {
            h->stage = STAGE_WAITING;
            h->since = now;
        }
        if (now - h->since < h->w->wait_us)
            return false;
    }
    post(h);
    return false;
}

hy_us hook_step(struct dest *d, hy_us now)
{
    struct hook *h = of(d);
    hy_us next = now + LOOK_US;
    if (h->stage == STAGE_SENDING)
        take_answer(h, now);
    if (!d->is_configured)
        return next;
    if (h->stage != STAGE_SENDING && dest_take_orders(d)) {
        h->stage = STAGE_IDLE;
        (void)dest_commit_wait(d, "");
    }
    if (h->stage == STAGE_SENDING || d->is_paused || d->is_disabled) {
        next = now + 10 * HY_US_PER_SEC;
    } else if (now < d->next_try) {
        next = d->next_try;
    } else if (h->stage == STAGE_AGAIN) {
        post(h);
    } else if (work(h, now)) {
        next = now;
    } else if (h->stage == STAGE_WAITING && h->since + h->w->wait_us < next) {
        next = h->since + h->w->wait_us;
    }
    dest_catch_up(d, "");
    dest_show(d, h->w->url, now);
    return next;
}

/* ---- its life ---- */

bool hook_is_sending(struct dest *d)
{
    return of(d)->stage == STAGE_SENDING;
}

void hook_apply(struct dest *d, const struct hy_events_webhook *w)
{
    struct hook *h = of(d);
    h->w = w;
    d->filter = &w->filter;
    d->is_configured = true;
    if (h->batch_max == 0 || h->batch_max > w->batch)
        h->batch_max = w->batch;
    h->batch.bytes.max = w->batch_bytes + HY_EVENT_MAX;
    if (h->stage == STAGE_AGAIN || h->stage == STAGE_WAITING) {
        h->stage = STAGE_IDLE; /* gathered by the old filter */
        d->next_try = 0;
    }
}

int hook_new(struct side *s, const struct hy_events_webhook *w, struct dest **ret)
{
    char own[STATE_TEXT_MAX];
    struct hook *h = calloc(1, sizeof *h);
    if (!h)
        return HY_ENOMEM;
    h->d.side = s;
    h->d.is_webhook = true;
    h->batch.bytes = HY_BUF_INIT(0);
    memcpy(h->d.name, w->name, sizeof h->d.name);
    hook_apply(&h->d, w);
    int err = dest_load(&h->d, own);
    if (err) {
        free(h);
        return err;
    }
    (void)dest_commit_wait(&h->d, ""); /* from now on it holds what it has not read */
    *ret = &h->d;
    return HY_OK;
}

void hook_free(struct dest *d)
{
    struct hook *h = of(d);
    hy_events_policy_unref(h->held);
    if (!d->side->is_over || d->place.cursor != d->cursor)
        (void)dest_commit_wait(d, "");
    hy_buf_free(&h->batch.bytes);
    free(h);
}
