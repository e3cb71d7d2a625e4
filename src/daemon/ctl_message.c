/* message.send: a ready message from a descriptor of the client goes into the spool. It is read on
 * a thread of its own; the answer comes when it is durable. */
#include "ctl_common.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/base/rand.h"
#include "hayauma/deliver/submit.h"
#include "hayauma/mail/address.h"
#include "hayauma/mail/relay.h"

struct sending {
    struct hy_submit submit;
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct hy_config *config;
    int fd;
    struct hy_buf raw, content;
    struct hy_relay_output facts;
    struct hy_arena arena; /* of the recipients */
    struct hy_spool_rcpt *rcpts;
    size_t n_rcpts;
    const struct hy_tenant *tenant; /* of config */
    char sender[HY_ADDRESS_MAX + 1];
    char who[64];
};

static void sending_free(struct sending *s)
{
    if (s->fd >= 0)
        close(s->fd);
    hy_buf_free(&s->raw);
    hy_buf_free(&s->content);
    hy_arena_free(&s->arena);
    hy_config_unref(s->config);
    free(s);
}

static void fail(struct sending *s, int err, const struct hy_diag *diag)
{
    hy_control_fail_diag(s->call, err, diag);
    sending_free(s);
}

/* From a file only: a pipe could keep the thread, and with it the end of the daemon, waiting. */
static int read_all(struct sending *s, struct hy_diag *diag)
{
    struct stat st;
    if (fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return hy_fail(diag, HY_EINVAL, "the message must come from a file");
    for (;;) {
        int err = hy_buf_reserve(&s->raw, 65536);
        if (err == HY_ELIMIT)
            return hy_fail(diag, err, "the message is larger than delivery.max_message_size");
        if (err != HY_OK)
            return err;
        ssize_t n = read(s->fd, s->raw.data + s->raw.len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hy_fail(diag, HY_EIO, "the message cannot be read: %s", strerror(errno));
        if (n == 0)
            return HY_OK;
        s->raw.len += (size_t)n;
    }
}

static int read_address(const char *text, struct hy_address *ret, struct hy_diag *diag)
{
    static const struct hy_address_rules rules = {.allow_single = true};
    enum hy_address_reason reason = HY_ADDRESS_OK;
    if (hy_address_parse(hy_str_of(text), &rules, ret, &reason) == HY_OK)
        return HY_OK;
    return hy_fail(diag, HY_EINVAL, "'%.200s' is no address: %s", text,
                   hy_address_reason_text(reason));
}

static int read_rcpts(struct sending *s, struct hy_diag *diag)
{
    const json_t *list = json_object_get(hy_control_args(s->call), "recipients"), *item;
    size_t i, n = json_array_size(list);
    if (n == 0 || n > HY_SPOOL_RCPTS_MAX)
        return hy_fail(diag, HY_EINVAL, "argument 'recipients' must be a list of 1 to %d addresses",
                       HY_SPOOL_RCPTS_MAX);
    s->rcpts = hy_arena_alloc(&s->arena, n * sizeof *s->rcpts);
    if (!s->rcpts)
        return HY_ENOMEM;
    json_array_foreach(list, i, item)
    {
        struct hy_address a;
        const char *text = json_string_value(item);
        int err = read_address(text ? text : "", &a, diag);
        if (err != HY_OK)
            return err;
        s->rcpts[i] =
            (struct hy_spool_rcpt){.address = hy_arena_str(&s->arena, hy_address_wire(&a))};
        if (!s->rcpts[i].address.p)
            return HY_ENOMEM;
    }
    s->n_rcpts = hy_spool_sort(s->rcpts, n);
    return HY_OK;
}

static int local_utc_offset_min(hy_wall_ms now)
{
    time_t t = (time_t)(now / 1000);
    struct tm tm;
    localtime_r(&t, &tm);
    return (int)(tm.tm_gmtoff / 60);
}

static int edit(struct sending *s, struct hy_diag *diag)
{
    uint64_t random = 0;
    char id[HY_ID_TEXT_MAX];
    enum hy_relay_fault fault = HY_RELAY_GOOD;
    hy_wall_ms now = hy_clock_wall_ms();
    int err = hy_rand_bytes(&random, sizeof random);
    if (err != HY_OK)
        return err;
    struct hy_relay_input in = {
        .message = hy_buf_str(&s->raw),
        .repair_line_ends = true,
        .helo = HY_STR("localhost"),
        .client = HY_STR("local"),
        .host = hy_str_of(s->config->node.hostname),
        .protocol = HY_STR("local"),
        .id = hy_str_of(hy_id_format(random, id)),
        .recipient = s->n_rcpts == 1 ? s->rcpts[0].address : (struct hy_str){0},
        .message_id = hy_str_of(id),
        .now = now,
        .utc_offset_min = local_utc_offset_min(now),
    };
    err = hy_relay_edit(&in, &s->content, &s->facts, &fault);
    if (err == HY_EINVAL)
        return hy_fail(diag, err, "%s", hy_relay_fault_text(fault));
    return err;
}

/* Without --from the address of From is the sender, too. */
static int choose_sender(struct sending *s, struct hy_diag *diag)
{
    const char *text = NULL;
    int err = hy_control_arg_string(hy_control_args(s->call), "sender", s->facts.from, diag, &text);
    struct hy_address a;
    if (err != HY_OK || !*text)
        return err;
    err = read_address(text, &a, diag);
    if (err == HY_OK)
        memcpy(s->sender, a.wire, (size_t)a.n + 1);
    return err;
}

static int choose_tenant(struct sending *s, struct hy_diag *diag)
{
    const char *name = NULL;
    int err =
        hy_control_arg_string(hy_control_args(s->call), "tenant", HY_TENANT_DEFAULT, diag, &name);
    if (err != HY_OK)
        return err;
    s->tenant = hy_tenant_find(&s->config->tenants, hy_str_of(name));
    return s->tenant ? HY_OK
                     : hy_fail(diag, HY_ENOTFOUND,
                               "there is no tenant '%.64s' under 'tenants' in hayauma.yaml", name);
}

/* From and the sender are in domains of the tenant. */
static int check_domains(const struct sending *s, struct hy_diag *diag)
{
    const char *at = strrchr(s->sender, '@');
    const char *domains[] = {s->facts.from_domain, at ? at + 1 : NULL};
    for (size_t i = 0; i < 2; i++)
        if (domains[i] && !hy_tenant_may_use(&s->config->tenants, s->tenant, hy_str_of(domains[i])))
            return hy_fail(diag, HY_EAUTH, "tenant '%s' may not send from %s", s->tenant->name,
                           domains[i]);
    return HY_OK;
}

static void on_stored(struct hy_submit *submit, int err)
{
    struct sending *s = hy_container_of(submit, struct sending, submit);
    struct hy_diag diag = {""};
    char id[HY_ID_TEXT_MAX];
    if (err != HY_OK) {
        fail(s, err, &diag);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(hy_id_format(submit->job.message.id, id)));
    json_object_set_new(o, "message_id", ctl_text_json(hy_str_of(s->facts.message_id)));
    ctl_set_count(o, "recipients", s->n_rcpts);
    hy_control_finish(s->call, o);
    sending_free(s);
}

static void submit(struct sending *s)
{
    hy_submit_init(&s->submit);
    s->submit.done = on_stored;
    s->submit.job.message = (struct hy_spool_message){
        .tenant = s->tenant->number,
        .flags = (uint8_t)((s->facts.has_8bit ? HY_SPOOL_8BIT : 0) |
                           (s->facts.has_no_dot_line ? HY_SPOOL_NO_DOTS : 0)),
        .received = hy_clock_wall_ms(),
        .sender = hy_str_of(s->sender),
        .from_domain = hy_str_of(s->facts.from_domain),
        .message_id = hy_str_of(s->facts.message_id),
        .who = hy_str_of(s->who),
        .header_bytes = s->facts.header_bytes,
        .content = hy_buf_str(&s->content),
        .rcpts = s->rcpts,
        .n_rcpts = (uint32_t)s->n_rcpts,
    };
    int err = hy_deliver_submit(s->d->deliver, &s->submit);
    if (err != HY_OK)
        on_stored(&s->submit, err);
}

static void send_main(void *arg)
{
    struct sending *s = arg;
    struct hy_diag diag = {""};
    int err = choose_tenant(s, &diag);
    if (err == HY_OK)
        err = read_rcpts(s, &diag);
    if (err == HY_OK)
        err = read_all(s, &diag);
    if (err == HY_OK)
        err = edit(s, &diag);
    if (err == HY_OK)
        err = choose_sender(s, &diag);
    if (err == HY_OK)
        err = check_domains(s, &diag);
    if (err == HY_OK && s->config->dkim.is_required &&
        !hy_deliver_signs(s->d->deliver, s->tenant->number, s->facts.from_domain))
        err = hy_fail(&diag, HY_EINVAL, "no DKIM key signs for %s (dkim.required)",
                      s->facts.from_domain);
    if (err == HY_OK)
        submit(s);
    else
        fail(s, err, &diag);
}

static void send_message(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct sending *s = calloc(1, sizeof *s);
    if (!s) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    s->d = d;
    s->call = call;
    s->config = hy_config_ref(d->config);
    s->fd = hy_control_take_fd(call, 0);
    s->raw = HY_BUF_INIT(d->config->delivery.max_message_bytes + 65536);
    s->content = HY_BUF_INIT(HY_SPOOL_CONTENT_MAX);
    s->arena = HY_ARENA_INIT(8 << 20);
    snprintf(s->who, sizeof s->who, "uid %u", (unsigned)hy_control_uid(call));
    if (!ctl_job_start(d, call, CTL_JOB_SEND, send_main, s))
        sending_free(s);
}

const struct hy_control_command ctl_message_commands[] = {
    {"message.send", 1, 0, send_message},
    {NULL, 0, 0, NULL},
};
