/* From a file of the maildrop to a job of the writer. */
#include "maildrop_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/mail/address.h"
#include "maildrop_tell.h"

struct taking *taking_create(struct hy_daemon *d, const char *name, struct hy_drop_rcpt *rcpts)
{
    struct taking *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->d = d;
    t->rcpts = rcpts;
    t->config = daemon_config(d);
    t->arena = HY_ARENA_INIT(8 << 20);
    hy_maildrop_job_init(&t->job);
    snprintf(t->job.name, sizeof t->job.name, "%s", name);
    return t;
}

void taking_free(struct taking *t)
{
    if (!t)
        return;
    hy_buf_free(&t->bytes);
    hy_buf_free(&t->mail.content);
    hy_buf_free(&t->letter.content);
    hy_arena_free(&t->arena);
    hy_config_unref(t->config);
    free(t);
}

static int read_file(struct taking *t, int fd, struct hy_diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return hy_fail(diag, HY_EIO, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return hy_fail(diag, HY_EINVAL, "it is no file, or has several names");
    if ((uint64_t)st.st_size > HY_SPOOL_CONTENT_MAX + HY_DROP_HEAD_MAX)
        return hy_fail(diag, HY_EINVAL, "it is larger than any message may be");
    snprintf(t->who, sizeof t->who, "uid %u by sendmail", (unsigned)st.st_uid);
    t->bytes = HY_BUF_INIT((size_t)st.st_size + 1);
    int err = hy_buf_reserve(&t->bytes, (size_t)st.st_size + 1);
    while (err == HY_OK && t->bytes.len < (size_t)st.st_size) {
        ssize_t n = read(fd, t->bytes.data + t->bytes.len, (size_t)st.st_size - t->bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = hy_fail(diag, HY_EIO, "%s", strerror(errno));
        if (n <= 0)
            break;
        t->bytes.len += (size_t)n;
    }
    return err;
}

static bool is_ready(struct hy_str param, size_t max)
{
    return param.n <= max && hy_str_is_ascii(param);
}

static int take_rcpts(struct taking *t, const struct hy_drop *drop, struct hy_diag *diag)
{
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    enum hy_address_reason why;
    struct hy_address a;
    if (drop->sender.n) {
        if (hy_address_parse(drop->sender, &rules, &a, &why) != HY_OK)
            return hy_fail(diag, HY_EINVAL, "its sender is no address");
        memcpy(t->sender, a.wire, (size_t)a.n + 1);
    }
    t->mail.rcpts = hy_arena_alloc(&t->arena, drop->n_rcpts * sizeof *t->mail.rcpts);
    if (!t->mail.rcpts)
        return HY_ENOMEM;
    for (size_t i = 0; i < drop->n_rcpts; i++) {
        const struct hy_drop_rcpt *r = &t->rcpts[i];
        if (hy_address_parse(r->address, &rules, &a, &why) != HY_OK ||
            !is_ready(r->orcpt, HY_SPOOL_ORCPT_MAX)) {
            t->status = (struct hy_enhanced){5, 1, 3};
            return hy_fail(diag, HY_EINVAL, "a recipient is no address");
        }
        struct hy_spool_rcpt rcpt = {.address = hy_arena_str(&t->arena, hy_address_wire(&a)),
                                     .orcpt = r->orcpt,
                                     .notify = r->notify};
        if (!rcpt.address.p)
            return HY_ENOMEM;
        t->mail.rcpts[i] = rcpt;
    }
    t->mail.n_rcpts = hy_spool_sort(t->mail.rcpts, drop->n_rcpts);
    return HY_OK;
}

static int check_quota(struct taking *t, struct hy_diag *diag)
{
    struct hy_spool_job *j = &t->job.spool;
    char text[HY_QUOTA_TEXT_MAX];
    j->quota = t->mail.tenant->quota;
    if (hy_quota_fits(&j->quota, j->message.n_rcpts, j->message.content.n, &j->verdict))
        return HY_OK;
    t->status = j->verdict.kind == HY_QUOTA_SIZE ? (struct hy_enhanced){5, 3, 4}
                                                 : (struct hy_enhanced){5, 5, 3};
    return hy_fail(diag, HY_EINVAL, "%s", hy_quota_text(&j->verdict, text));
}

static int prepare(struct taking *t, struct hy_diag *diag)
{
    struct hy_drop drop;
    if (hy_drop_read(hy_buf_str(&t->bytes), &drop, t->rcpts) != HY_OK ||
        !is_ready(drop.envid, HY_SPOOL_ENVID_MAX))
        return hy_fail(diag, HY_EINVAL, "it is no message with its recipients");
    if (drop.message.n > t->config->delivery.max_message_bytes) {
        t->status = (struct hy_enhanced){5, 3, 4};
        return hy_fail(diag, HY_EINVAL, "it is larger than delivery.max_message_size");
    }
    t->mail.config = t->config;
    t->mail.deliver = t->d->deliver;
    t->mail.tenant = hy_tenant_find(&t->config->tenants, HY_STR(HY_TENANT_DEFAULT));
    t->mail.raw = drop.message;
    t->mail.who = hy_str_of(t->who);
    int err = t->mail.tenant ? take_rcpts(t, &drop, diag) : HY_ENOTFOUND;
    if (err == HY_OK)
        err = local_mail_edit(&t->mail, diag);
    if (err == HY_OK)
        err = local_mail_check(&t->mail, t->sender, diag);
    if (err == HY_OK) {
        t->job.spool.message = local_mail_message(&t->mail, t->sender);
        t->job.spool.message.envid = drop.envid;
        t->job.spool.message.ret = (enum hy_dsn_ret)drop.ret;
        err = check_quota(t, diag);
    }
    if (err == HY_EAUTH)
        t->status = (struct hy_enhanced){5, 7, 1};
    return err;
}

int taking_read(struct taking *t, int fd)
{
    int err = read_file(t, fd, &t->why);
    return err == HY_OK ? prepare(t, &t->why) : err;
}

bool taking_is_refusal(const struct taking *t)
{
    return t->letter.message.n_rcpts > 0;
}

int taking_refuse(struct taking *t, int err)
{
    if (!t->why.text[0])
        hy_fail(&t->why, err, "%s", hy_err_text(err));
    if (!t->status.class)
        t->status = (struct hy_enhanced){5, 6, 0};
    struct maildrop_refusal refusal = {t->status, t->why.text};
    int told = maildrop_tell(t->config, t->d->deliver, hy_buf_str(&t->bytes), &refusal, t->rcpts,
                             &t->letter);
    hy_buf_free(&t->bytes);
    hy_buf_free(&t->mail.content);
    if (told != HY_OK)
        return told;
    t->job.spool.message = t->letter.message;
    t->job.spool.is_free = true;
    return HY_OK;
}
