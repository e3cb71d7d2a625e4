/* The sink starts, says that it is ready, writes its statistics when asked, and ends on SIGTERM. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink.h"

static void raise_file_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* A file that lines are appended to, if there is to be one. */
static bool open_lines(const char *path, int *ret_fd)
{
    *ret_fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (path && *ret_fd < 0)
        fprintf(stderr, "sink: %s: %s\n", path, strerror(errno));
    return !path || *ret_fd >= 0;
}

static bool start(struct sink *s)
{
    if (s->tls == TLS_ON && !(s->ctx = tls_context(s)))
        return false;
    if (s->capture_dir && mkdir(s->capture_dir, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "sink: %s: %s\n", s->capture_dir, strerror(errno));
        return false;
    }
    if (!open_lines(s->record_path, &s->record_fd) || !open_lines(s->first_path, &s->first_fd) ||
        !open_lines(s->stamp_path, &s->stamp_fd))
        return false;
    for (unsigned i = 0; i < s->threads; i++)
        if (!(s->workers[i] = worker_new(s, i)))
            return false;
    for (unsigned i = 0; i < s->threads; i++)
        if (pthread_create(&s->workers[i]->thread, NULL, worker_run, s->workers[i]) != 0)
            return false;
    return true;
}

/* Serves the signals until it is time to end. */
static void wait_for_end(struct sink *s, const sigset_t *set)
{
    struct timespec every = {.tv_sec = s->stats_interval ? s->stats_interval : 3600};
    for (;;) {
        int sig = sigtimedwait(set, NULL, &every);
        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (sig == SIGUSR1 && !s->stats_path) {
            stats_write(s, stdout);
            fflush(stdout);
        } else if (s->stats_path && (sig == SIGUSR1 || s->stats_interval)) {
            stats_save(s);
        }
    }
}

int main(int argc, char **argv)
{
    static struct sink s = {.threads = 1,
                            .hostname = "sink.test",
                            .size_max = 50 << 20,
                            .capture_every = 1,
                            .capture_limit = 1000,
                            .domains_max = 1 << 17,
                            .seed = 1};
    s.addrs = calloc(SINK_ADDRS_MAX, sizeof *s.addrs);
    s.replies = calloc(SINK_RULES_MAX, sizeof *s.replies);
    s.delays = calloc(SINK_RULES_MAX, sizeof *s.delays);
    if (!s.addrs || !s.replies || !s.delays)
        return 1;
    s.start = hy_clock_us();
    sink_options(&s, argc, argv);
    raise_file_limit();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (!start(&s))
        return 1;
    printf("sink: ready on %d addresses, first %s\n", s.n_addrs, s.addrs[0].name);
    fflush(stdout);
    wait_for_end(&s, &set);
    atomic_store(&s.stop, true);
    for (unsigned i = 0; i < s.threads; i++) {
        uint64_t one = 1;
        if (write(s.workers[i]->wakefd, &one, sizeof one) < 0)
            perror("sink: wake");
        pthread_join(s.workers[i]->thread, NULL);
    }
    if (s.stats_path)
        stats_save(&s);
    for (unsigned i = 0; i < s.threads; i++)
        worker_free(s.workers[i]);
    SSL_CTX_free(s.ctx);
    return 0;
}
