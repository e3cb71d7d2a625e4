/* message.send: a ready message from a descriptor of the client goes into the spool. It is read on
 * a thread of its own; the answer comes when it is durable. */
#include "ctl_common.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/deliver/submit.h"
#include "hayauma/mail/address.h"
#include "local_mail.h"

struct sending {
    struct hy_submit submit;
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct hy_config *config;
    int fd;
    struct hy_buf raw;
    struct local_mail mail;
    struct hy_arena arena; /* of the recipients */
    char sender[HY_ADDRESS_MAX + 1];
    char who[64];
};

static void sending_free(struct sending *s)
{
    if (s->fd >= 0)
        close(s->fd);
    hy_buf_free(&s->raw);
    hy_buf_free(&s->mail.content);
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
    s->mail.rcpts = hy_arena_alloc(&s->arena, n * sizeof *s->mail.rcpts);
    if (!s->mail.rcpts)
        return HY_ENOMEM;
    json_array_foreach(list, i, item)
    {
        struct hy_address a;
        const char *text = json_string_value(item);
        int err = read_address(text ? text : "", &a, diag);
        if (err != HY_OK)
            return err;
        s->mail.rcpts[i] =
            (struct hy_spool_rcpt){.address = hy_arena_str(&s->arena, hy_address_wire(&a))};
        if (!s->mail.rcpts[i].address.p)
            return HY_ENOMEM;
    }
    s->mail.n_rcpts = hy_spool_sort(s->mail.rcpts, n);
    return HY_OK;
}

/* Without --from the address of From is the sender, too. */
static int choose_sender(struct sending *s, struct hy_diag *diag)
{
    const char *text = NULL;
    int err =
        hy_control_arg_string(hy_control_args(s->call), "sender", s->mail.facts.from, diag, &text);
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
    s->mail.tenant = hy_tenant_find(&s->config->tenants, hy_str_of(name));
    return s->mail.tenant
               ? HY_OK
               : hy_fail(diag, HY_ENOTFOUND,
                         "there is no tenant '%.64s' under 'tenants' in hayauma.yaml", name);
}

static void on_stored(struct hy_submit *submit, int err)
{
    struct sending *s = hy_container_of(submit, struct sending, submit);
    struct hy_diag diag = {""};
    char id[HY_ID_TEXT_MAX];
    if (err == HY_EQUOTA) {
        char text[HY_QUOTA_TEXT_MAX];
        hy_fail(&diag, err, "tenant '%s': %s", s->mail.tenant->name,
                hy_quota_text(&submit->job.verdict, text));
    }
    if (err != HY_OK) {
        fail(s, err, &diag);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(hy_id_format(submit->job.message.id, id)));
    json_object_set_new(o, "message_id", ctl_text_json(hy_str_of(s->mail.facts.message_id)));
    ctl_set_count(o, "recipients", s->mail.n_rcpts);
    hy_control_finish(s->call, o);
    sending_free(s);
}

static void submit(struct sending *s)
{
    hy_submit_init(&s->submit);
    s->submit.done = on_stored;
    s->submit.job.message = local_mail_message(&s->mail, s->sender);
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
    s->mail.raw = hy_buf_str(&s->raw);
    if (err == HY_OK)
        err = local_mail_edit(&s->mail, &diag);
    if (err == HY_OK)
        err = choose_sender(s, &diag);
    if (err == HY_OK)
        err = local_mail_check(&s->mail, s->sender, &diag);
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
    s->arena = HY_ARENA_INIT(8 << 20);
    snprintf(s->who, sizeof s->who, "uid %u", (unsigned)hy_control_uid(call));
    s->mail.config = s->config;
    s->mail.deliver = d->deliver;
    s->mail.who = hy_str_of(s->who);
    if (!ctl_job_start(d, call, CTL_JOB_SEND, send_main, s))
        sending_free(s);
}

const struct hy_control_command ctl_message_commands[] = {
    {"message.send", 1, 0, send_message},
    {NULL, 0, 0, NULL},
};
