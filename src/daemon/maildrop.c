/* Taking messages out of the maildrop.
 *
 * Happy path: a file with its final name is read and stored, with its name, in one transaction;
 * then it is deleted, and at last its name is forgotten. Killed in between, the next start finds
 * the name and only deletes the file. How it fails: a file that can never be sent is renamed, so
 * that a person can look at it, and its sender gets a report, stored with its name the same way;
 * when the store takes nothing now, or the quota is used up, files wait where they are.
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

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/io/thread.h"
#include "maildrop_file.h"

enum { AT_ONCE = 32, LOOK_MS = 30000, AGAIN_MS = 2000, NAME_BYTES = 27, OLD_S = 2 * 86400 };
enum { OVER_MAX = 1000 }; /* a smaller one behind so many that are too large has to wait, too */

struct maildrop {
    struct hy_daemon *d;
    struct hy_thread *thread;
    char *path;
    int dir_fd, notify_fd, stop_fd;
    bool is_late;    /* something has to wait for a moment, */
    unsigned n_over; /* files that wait for room in the quota, as this look found, */
    bool told_quota; /* and as the log says */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n_out; /* at the writer; under the lock */
    struct hy_drop_rcpt *rcpts;
};

/* ---- one file ---- */

/* The writer's thread. */
static void on_done(struct hy_write_req *req, int err)
{
    struct hy_spool_job *spool = hy_container_of(req, struct hy_spool_job, req);
    struct hy_maildrop_job *job = hy_container_of(spool, struct hy_maildrop_job, spool);
    struct taking *t = hy_container_of(job, struct taking, job);
    struct maildrop *m = t->owner;
    t->err = err;
    pthread_mutex_lock(&m->lock);
    m->n_out--;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* Out of the way, where a person finds it. False: it stands where it was. */
static bool set_aside(struct maildrop *m, const char *name, const char *why, const char *told)
{
    char aside[NAME_MAX + 8];
    snprintf(aside, sizeof aside, "bad-%s", name);
    bool is_done = renameat(m->dir_fd, name, m->dir_fd, aside) == 0;
    if (is_done)
        hy_log(HY_LOG_WARNING, "maildrop", "%s/%s is not taken: %s; it is kept as %s, %s", m->path,
               name, why, aside, told);
    m->is_late |= !is_done;
    return is_done;
}

static bool is_final(int err)
{
    return err == HY_EINVAL || err == HY_EAUTH || err == HY_ELIMIT;
}

/* False: nobody is told, and it was set aside, or has to wait. */
static bool refuse(struct maildrop *m, struct taking *t, int err)
{
    int told = taking_refuse(t, err);
    if (told == HY_OK)
        return true;
    if (told == HY_ENOMEM || told == HY_EIO)
        m->is_late = true;
    else
        (void)set_aside(m, t->job.name, t->why.text, "and nobody can be told");
    return false;
}

/* NULL: it waits, was set aside, or is gone. */
static struct taking *begin(struct maildrop *m, const char *name)
{
    int fd = openat(m->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct taking *t = fd >= 0 ? taking_create(m->d, name, m->rcpts) : NULL;
    if (!t) {
        if (fd < 0 && errno != ENOENT && errno != EMFILE && errno != ENFILE)
            (void)set_aside(m, name, strerror(errno), "and nobody can be told");
        m->is_late = true;
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    t->owner = m;
    t->job.spool.req.done = on_done;
    int err = taking_read(t, fd);
    close(fd);
    if (err == HY_OK || (is_final(err) && refuse(m, t, err)))
        return t;
    m->is_late |= !is_final(err);
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

/* What the writer found out; then its sender is told, in a request of its own. */
static void refuse_late(struct maildrop *m, struct taking *t)
{
    int err = t->err;
    t->err = HY_ENOTFOUND; /* it was dealt with */
    if (!refuse(m, t, err))
        return;
    submit(m, t);
    wait_out(m);
}

static void wait_for_quota(struct maildrop *m, const struct taking *t)
{
    char text[HY_QUOTA_TEXT_MAX];
    if (!m->told_quota)
        hy_log(HY_LOG_WARNING, "maildrop", "messages in %s wait: %s", m->path,
               hy_quota_text(&t->job.spool.verdict, text));
    m->told_quota = true;
    m->n_over++;
}

/* Whether the file is gone, so that its name can be forgotten. */
static bool is_gone(struct maildrop *m, struct taking *t)
{
    bool is_refusal = taking_is_refusal(t);
    if (t->err == HY_EQUOTA) {
        wait_for_quota(m, t);
        return false;
    }
    if (t->err != HY_OK && t->err != HY_EEXIST) {
        if (is_refusal && is_final(t->err))
            return set_aside(m, t->job.name, t->why.text, "and its sender could not be told");
        m->is_late |= t->err != HY_ENOTFOUND;
        return false;
    }
    if (is_refusal)
        return set_aside(m, t->job.name, t->why.text, "and its sender is told");
    if (unlinkat(m->dir_fd, t->job.name, 0) == 0 || errno == ENOENT)
        return true;
    m->is_late = true; /* it is not taken again: its name is known */
    return false;
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
        if (is_final(t->err) && !taking_is_refusal(t))
            refuse_late(m, t);
        if (is_gone(m, t)) {
            hy_buf_add(&gone, t->job.name, strlen(t->job.name) + 1);
            n_gone++;
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
    m->n_over = 0;
    if (!dir && fd >= 0)
        close(fd);
    for (struct dirent *e; dir && m->n_over < OVER_MAX && (e = readdir(dir)) && !is_stopping(m);) {
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
    m->told_quota = m->n_over > 0;
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
