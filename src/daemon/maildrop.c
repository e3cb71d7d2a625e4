/* Taking messages out of the maildrop.
 *
 * Happy path: a file with its final name is read and stored, with its name, in one transaction;
 * then it is deleted, and at last its name is forgotten. Killed in between, the next start finds
 * the name and only deletes the file. How it fails: a file that is no message is renamed, so that a
 * person can look at it, and logged; when the store takes nothing now, files wait where they are.
 *
 * Anybody may write into the directory, so nothing in it is trusted: no links, plain files only,
 * that nobody else holds by another name. */
#include "maildrop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/io/thread.h"
#include "hayauma/mail/address.h"
#include "hayauma/mail/drop.h"
#include "hayauma/store/maildrop.h"
#include "local_mail.h"

enum { AT_ONCE = 32, LOOK_MS = 30000, AGAIN_MS = 2000, NAME_BYTES = 27, OLD_S = 2 * 86400 };

/* A file on its way into the store. */
struct taking {
    struct hy_maildrop_job job;
    struct maildrop *m;
    struct hy_config *config;
    struct local_mail mail;
    struct hy_buf bytes;
    struct hy_arena arena; /* of the recipients */
    char sender[HY_ADDRESS_MAX + 2];
    char who[48];
    int err;
};

struct maildrop {
    struct hy_daemon *d;
    struct hy_thread *thread;
    char *path;
    int dir_fd, notify_fd, stop_fd;
    bool is_late; /* something has to wait */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n_out; /* at the writer; under the lock */
    struct hy_drop_rcpt *rcpts;
};

/* ---- one file ---- */

static void taking_free(struct taking *t)
{
    if (!t)
        return;
    hy_buf_free(&t->bytes);
    hy_buf_free(&t->mail.content);
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
    uint64_t max = t->config->delivery.max_message_bytes + HY_DROP_HEAD_MAX;
    if ((uint64_t)st.st_size > max)
        return hy_fail(diag, HY_EINVAL, "it is larger than delivery.max_message_size");
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
        const struct hy_drop_rcpt *r = &t->m->rcpts[i];
        if (hy_address_parse(r->address, &rules, &a, &why) != HY_OK ||
            !is_ready(r->orcpt, HY_SPOOL_ORCPT_MAX))
            return hy_fail(diag, HY_EINVAL, "a recipient is no address");
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

static int prepare(struct taking *t, struct hy_diag *diag)
{
    struct hy_drop drop;
    if (hy_drop_read(hy_buf_str(&t->bytes), &drop, t->m->rcpts) != HY_OK ||
        !is_ready(drop.envid, HY_SPOOL_ENVID_MAX))
        return hy_fail(diag, HY_EINVAL, "it is no message with its recipients");
    if (drop.message.n > t->config->delivery.max_message_bytes)
        return hy_fail(diag, HY_EINVAL, "it is larger than delivery.max_message_size");
    t->mail.config = t->config;
    t->mail.deliver = t->m->d->deliver;
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
    }
    return err;
}

/* The writer's thread. */
static void on_done(struct hy_write_req *req, int err)
{
    struct hy_spool_job *spool = hy_container_of(req, struct hy_spool_job, req);
    struct hy_maildrop_job *job = hy_container_of(spool, struct hy_maildrop_job, spool);
    struct taking *t = hy_container_of(job, struct taking, job);
    struct maildrop *m = t->m;
    t->err = err;
    pthread_mutex_lock(&m->lock);
    m->n_out--;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* Out of the way, where a person finds it. */
static void set_aside(struct maildrop *m, const char *name, const char *why)
{
    char aside[NAME_MAX + 8];
    snprintf(aside, sizeof aside, "bad-%s", name);
    hy_log(HY_LOG_WARNING, "maildrop", "%s/%s is not taken: %s; it is kept as %s", m->path, name,
           why, aside);
    if (renameat(m->dir_fd, name, m->dir_fd, aside) != 0)
        m->is_late = true;
}

/* NULL: it waits, was set aside, or is gone. */
static struct taking *begin(struct maildrop *m, const char *name)
{
    struct hy_diag diag = {""};
    int fd = openat(m->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct taking *t = fd >= 0 ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        if (fd < 0 && errno != ENOENT && errno != EMFILE && errno != ENFILE)
            set_aside(m, name, strerror(errno));
        m->is_late = true;
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    pthread_mutex_lock(&m->d->plan_lock);
    t->config = hy_config_ref(m->d->plan_config);
    pthread_mutex_unlock(&m->d->plan_lock);
    t->m = m;
    t->arena = HY_ARENA_INIT(8 << 20);
    hy_maildrop_job_init(&t->job);
    t->job.spool.req.done = on_done;
    snprintf(t->job.name, sizeof t->job.name, "%s", name);
    int err = read_file(t, fd, &diag);
    close(fd);
    if (err == HY_OK)
        err = prepare(t, &diag);
    if (err == HY_OK)
        return t;
    if (err == HY_EINVAL || err == HY_EAUTH || err == HY_ELIMIT)
        set_aside(m, name, diag.text[0] ? diag.text : hy_err_text(err));
    else
        m->is_late = true;
    taking_free(t);
    return NULL;
}

/* ---- a handful ---- */

static void wait_out(struct maildrop *m)
{
    pthread_mutex_lock(&m->lock);
    while (m->n_out)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

static void submit(struct maildrop *m, struct taking *t)
{
    pthread_mutex_lock(&m->lock);
    m->n_out++;
    pthread_mutex_unlock(&m->lock);
    int err = hy_writer_submit(m->d->writer, &t->job.spool.req);
    if (err != HY_OK)
        on_done(&t->job.spool.req, err);
}

/* Files that are stored are deleted; when that is on the disk, their names are forgotten. */
static void finish(struct maildrop *m, struct taking **all, size_t n)
{
    struct hy_buf gone = HY_BUF_INIT(AT_ONCE * (HY_MAILDROP_NAME_MAX + 1));
    struct hy_maildrop_forget forget;
    size_t n_gone = 0;
    bool is_new = false;
    for (size_t i = 0; i < n; i++) {
        struct taking *t = all[i];
        if (t->err == HY_EINVAL || t->err == HY_ELIMIT)
            set_aside(m, t->job.name, hy_err_text(t->err));
        else if (t->err != HY_OK && t->err != HY_EEXIST)
            m->is_late = true;
        else if (unlinkat(m->dir_fd, t->job.name, 0) == 0 || errno == ENOENT) {
            hy_buf_add(&gone, t->job.name, strlen(t->job.name) + 1);
            n_gone++;
        } else {
            m->is_late = true; /* it is not taken again: its name is known */
        }
        is_new |= t->err == HY_OK;
        taking_free(t);
    }
    if (is_new)
        hy_deliver_spooled(m->d->deliver);
    if (n_gone && !gone.err && fsync(m->dir_fd) == 0) {
        hy_maildrop_forget_init(&forget, gone.data, n_gone);
        int err = hy_writer_run(m->d->writer, &forget.req);
        (void)err; /* a name that stays costs a record */
    }
    hy_buf_free(&gone);
}

/* "m" and 26 characters of base32: what the command names finished files. */
static bool is_name(const char *name)
{
    return strlen(name) == NAME_BYTES && name[0] == 'm' &&
           strspn(name + 1, "abcdefghijklmnopqrstuvwxyz234567") == NAME_BYTES - 1;
}

/* What a command that was killed left behind. */
static void drop_old(struct maildrop *m, const char *name)
{
    struct stat st;
    if (fstatat(m->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
        st.st_mtime < time(NULL) - OLD_S)
        (void)unlinkat(m->dir_fd, name, 0);
}

static bool is_stopping(struct maildrop *m)
{
    struct pollfd p = {.fd = m->stop_fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

static void look(struct maildrop *m)
{
    struct taking *all[AT_ONCE];
    size_t n = 0;
    int fd = openat(m->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    m->is_late = !dir;
    if (!dir && fd >= 0)
        close(fd);
    for (struct dirent *e; dir && (e = readdir(dir)) && !is_stopping(m);) {
        if (strncmp(e->d_name, "tmp-", 4) == 0)
            drop_old(m, e->d_name);
        if (!is_name(e->d_name))
            continue;
        struct taking *t = begin(m, e->d_name);
        if (!t)
            continue;
        submit(m, t);
        all[n++] = t;
        if (n == AT_ONCE) {
            wait_out(m);
            finish(m, all, n);
            n = 0;
        }
    }
    if (dir)
        closedir(dir);
    wait_out(m);
    finish(m, all, n);
}

/* ---- the thread ---- */

/* Names in the store whose files are gone: killed before they were forgotten. */
static void forget_gone(struct maildrop *m)
{
    char name[HY_MAILDROP_NAME_MAX + 1] = "";
    struct hy_buf gone = HY_BUF_INIT(1 << 20);
    struct hy_maildrop_forget forget;
    struct hy_txn t = {0};
    struct stat st;
    size_t n = 0;
    int err = hy_txn_read(m->d->env, &t);
    while (err == HY_OK && (err = hy_maildrop_next(&t, name, name)) == HY_OK) {
        if (fstatat(m->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
            continue;
        hy_buf_add(&gone, name, strlen(name) + 1);
        n += !gone.err;
    }
    hy_txn_end(&t);
    hy_maildrop_forget_init(&forget, gone.data, n);
    if (n)
        err = hy_writer_run(m->d->writer, &forget.req);
    hy_buf_free(&gone);
}

static void run(void *arg)
{
    struct maildrop *m = arg;
    forget_gone(m);
    for (;;) {
        char events[4096];
        struct pollfd p[2] = {{.fd = m->stop_fd, .events = POLLIN},
                              {.fd = m->notify_fd, .events = POLLIN}};
        look(m);
        if (poll(p, 2, m->is_late ? AGAIN_MS : LOOK_MS) > 0 && p[0].revents)
            return;
        while (read(m->notify_fd, events, sizeof events) > 0)
            continue; /* all of them mean: look */
    }
}

static void maildrop_free(struct maildrop *m)
{
    if (!m)
        return;
    int fds[] = {m->dir_fd, m->notify_fd, m->stop_fd};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    free(m->rcpts);
    free(m->path);
    free(m);
}

/* Everybody may put files into it, nobody sees others' or takes them out; they get our group, so
 * that we may read them. */
static int open_dir(struct maildrop *m)
{
    struct stat st;
    if (mkdir(m->path, 0700) == 0 && chmod(m->path, 03733) != 0)
        return HY_EIO;
    m->dir_fd = open(m->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (m->dir_fd < 0 || fstat(m->dir_fd, &st) != 0)
        return HY_EIO;
    if (st.st_uid != geteuid() && geteuid() != 0) {
        errno = EPERM;
        return HY_EIO;
    }
    m->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    m->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (m->notify_fd < 0 || m->stop_fd < 0 ||
        inotify_add_watch(m->notify_fd, m->path, IN_MOVED_TO | IN_ONLYDIR) < 0)
        return HY_EIO;
    return HY_OK;
}

int maildrop_start(struct hy_daemon *d, struct maildrop **ret)
{
    const char *path = d->config->submission.maildrop;
    if (!path[0])
        return HY_OK;
    struct maildrop *m = calloc(1, sizeof *m);
    if (!m)
        return HY_ENOMEM;
    m->d = d;
    m->dir_fd = m->notify_fd = m->stop_fd = -1;
    m->path = strdup(path);
    m->rcpts = calloc(HY_DROP_RCPTS_MAX, sizeof *m->rcpts);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->changed, NULL);
    int err = m->path && m->rcpts ? HY_OK : HY_ENOMEM;
    if (err == HY_OK && open_dir(m) != HY_OK) {
        hy_log(HY_LOG_ERROR, "maildrop",
               "%s cannot be used: %s; make it with: install -d -m 3733 -o hayauma -g hayauma %s",
               path, strerror(errno), path);
        maildrop_free(m);
        return HY_OK;
    }
    if (err == HY_OK)
        err = hy_thread_start("maildrop", run, m, &m->thread);
    if (err != HY_OK) {
        maildrop_free(m);
        return err;
    }
    *ret = m;
    return HY_OK;
}

void maildrop_stop(struct maildrop *m)
{
    uint64_t one = 1;
    if (!m)
        return;
    ssize_t n = write(m->stop_fd, &one, sizeof one);
    (void)n; /* an eventfd takes it */
    hy_thread_join(m->thread);
    maildrop_free(m);
}
