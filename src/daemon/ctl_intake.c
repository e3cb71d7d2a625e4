/* intake: mails that came back, one behind the other in a file from a descriptor of the client.
 * They are read on a thread of the command's own and given to intake together; the answer comes
 * when all are durable, or with the first failure: since a mail counts once, all of them may be
 * brought again. */
#include "ctl_common.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/receive/intake.h"

enum {
    BATCH_MAX = 256,             /* mails */
    BATCH_BYTES_MAX = 272 << 20, /* of them, the largest mail among others */
    WAITING_MAX = 64,            /* given and not answered */
};

struct bringing {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int fd;
    struct hy_buf content;
    struct brought *mails;
    size_t n;
    bool is_believed;
    char to[HY_ADDRESS_MAX + 1]; /* by the envelope; "" = not known */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t n_waiting;
    int err; /* the first failure */
};
struct brought {
    struct hy_intake_mail mail;
    struct bringing *b;
};

static void bringing_free(struct bringing *b)
{
    if (b->fd >= 0)
        close(b->fd);
    hy_buf_free(&b->content);
    free(b->mails);
    pthread_cond_destroy(&b->moved);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* From a file only, since a pipe could keep the thread waiting; copied, since the client may change
 * it. */
static int read_all(struct bringing *b, struct hy_diag *diag)
{
    struct stat st;
    if (fstat(b->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return hy_fail(diag, HY_EINVAL, "the mails must come from a file");
    if (st.st_size > BATCH_BYTES_MAX)
        return hy_fail(diag, HY_ELIMIT, "more than %d MiB at once", BATCH_BYTES_MAX >> 20);
    int err = hy_buf_reserve(&b->content, (size_t)st.st_size + 1);
    while (err == HY_OK && b->content.len < (size_t)st.st_size) {
        ssize_t n = pread(b->fd, b->content.data + b->content.len,
                          (size_t)st.st_size - b->content.len, (off_t)b->content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return hy_fail(diag, HY_EIO, "the mails cannot be read: %s",
                           n < 0 ? strerror(errno) : "the file became shorter");
        b->content.len += (size_t)n;
    }
    return err;
}

static int split(struct bringing *b, struct hy_diag *diag)
{
    const json_t *sizes = json_object_get(hy_control_args(b->call), "sizes"), *item;
    size_t i, at = 0, n = json_array_size(sizes);
    if (n == 0 || n > BATCH_MAX)
        return hy_fail(diag, HY_EINVAL, "argument 'sizes' must be a list of 1 to %d numbers",
                       BATCH_MAX);
    b->mails = calloc(n, sizeof *b->mails);
    if (!b->mails)
        return HY_ENOMEM;
    json_array_foreach(sizes, i, item)
    {
        json_int_t size = json_is_integer(item) ? json_integer_value(item) : -1;
        if (size < 0 || (uint64_t)size > b->content.len - at)
            return hy_fail(diag, HY_EINVAL, "argument 'sizes' goes beyond the file");
        struct brought *m = &b->mails[b->n++];
        m->b = b;
        m->mail.content = hy_str_slice(hy_buf_str(&b->content), at, at + (size_t)size);
        m->mail.is_believed = b->is_believed;
        m->mail.to[0] = hy_str_of(b->to);
        m->mail.n_to = b->to[0] ? 1 : 0;
        at += (size_t)size;
    }
    return HY_OK;
}

static void on_done(struct hy_intake_mail *m, int err)
{
    struct bringing *b = hy_container_of(m, struct brought, mail)->b;
    pthread_mutex_lock(&b->lock);
    if (err != HY_OK && b->err == HY_OK)
        b->err = err;
    b->n_waiting--;
    pthread_cond_signal(&b->moved);
    pthread_mutex_unlock(&b->lock);
}

/* Waits until at most `n` are on their way; the first failure. */
static int wait_for(struct bringing *b, size_t n)
{
    pthread_mutex_lock(&b->lock);
    while (b->n_waiting > n)
        pthread_cond_wait(&b->moved, &b->lock);
    int err = b->err;
    pthread_mutex_unlock(&b->lock);
    return err;
}

static int give_all(struct bringing *b)
{
    int err = HY_OK;
    for (size_t i = 0; i < b->n && err == HY_OK; i++) {
        err = wait_for(b, WAITING_MAX - 1);
        if (err != HY_OK)
            break;
        b->mails[i].mail.done = on_done;
        pthread_mutex_lock(&b->lock);
        b->n_waiting++;
        pthread_mutex_unlock(&b->lock);
        err = hy_intake_give(b->d->intake, &b->mails[i].mail);
        if (err != HY_OK)
            on_done(&b->mails[i].mail, err);
    }
    int later = wait_for(b, 0);
    return err == HY_OK ? later : err;
}

static json_t *result(const struct bringing *b)
{
    uint64_t kinds[HY_BOUNCE_KIND_OTHER + 1] = {0}, known = 0, noted = 0, suppressed = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct hy_intake_mail *m = &b->mails[i].mail;
        kinds[m->job.mail.n_noted ? m->kind : 0] += !m->job.mail.is_known;
        known += m->job.mail.is_known;
        noted += m->job.mail.n_noted;
        suppressed += m->job.mail.n_suppressed;
    }
    json_t *o = json_object(), *by = json_object();
    ctl_set_count(o, "mails", b->n);
    ctl_set_count(o, "known", known);
    ctl_set_count(o, "not_for_us", kinds[0]);
    ctl_set_count(o, "activities", noted);
    ctl_set_count(o, "suppressed", suppressed);
    for (int k = HY_BOUNCE_KIND_BOUNCE; k <= HY_BOUNCE_KIND_OTHER; k++)
        ctl_set_count(by, hy_bounce_kind_name((enum hy_bounce_kind)k), kinds[k]);
    json_object_set_new(o, "kinds", by);
    return o;
}

static void bring_main(void *arg)
{
    struct bringing *b = arg;
    struct hy_diag diag = {""};
    int err = read_all(b, &diag);
    if (err == HY_OK)
        err = split(b, &diag);
    if (err == HY_OK)
        err = give_all(b);
    if (err == HY_OK)
        hy_control_finish(b->call, result(b));
    else
        hy_control_fail_diag(b->call, err, &diag);
    bringing_free(b);
}

static int read_args(struct bringing *b, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(b->call);
    const char *to = NULL;
    int err = hy_control_arg_bool(args, "believe", false, diag, &b->is_believed);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "recipient", "", diag, &to);
    if (err == HY_OK && strlen(to) >= sizeof b->to)
        err = hy_fail(diag, HY_EINVAL, "argument 'recipient' is too long for an address");
    if (err == HY_OK)
        snprintf(b->to, sizeof b->to, "%s", to);
    return err;
}

static void bring(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct bringing *b = calloc(1, sizeof *b);
    if (!b) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *b = (struct bringing){.d = d, .call = call, .fd = hy_control_take_fd(call, 0)};
    b->content = HY_BUF_INIT(BATCH_BYTES_MAX + 1);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->moved, NULL);
    int err = read_args(b, &diag);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
    if (err != HY_OK || !ctl_job_start(d, call, CTL_JOB_INTAKE, bring_main, b))
        bringing_free(b);
}

const struct hy_control_command ctl_intake_commands[] = {
    {"intake", 1, 0, bring},
    {NULL, 0, 0, NULL},
};
