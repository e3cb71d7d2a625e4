/* hayaumad: boots, serves until it is told to stop, ends in order. See hayaumad(8). */
#include "api_scoring.h"
#include "daemon.h"
#include "tls_sender.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/io/loop.h"
#include "hayauma/receive/receive.h"
#include "hayauma/web/web.h"

enum { EXIT_CONFIG = 78, EXIT_STORE = 74, EXIT_USAGE = 64 }; /* sysexits(3) */

static const char usage[] =
    "Usage: hayaumad [--config FILE]\n"
    "The mail delivery daemon of hayauma; runs in the foreground.\n"
    "\n"
    "  -c, --config FILE  configuration (default: " HY_CONFIG_DEFAULT_PATH ")\n"
    "      --check        read and check the configuration, then end\n"
    "  -h, --help         show this and end\n"
    "      --version      show the version and end\n"
    "\n"
    "Signals: HUP reads the configuration anew; TERM and INT end it in order: messages on the\n"
    "wire get their replies first, for at most delivery.drain_timeout. A second TERM or INT\n"
    "does not wait.\n"
    "Exit status: 0 ended in order; 64 wrong usage; 74 the store cannot be used; 78 the\n"
    "configuration is wrong.\n";

struct options {
    const char *config;
    bool only_check;
};

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
    enum { OPT_CHECK = 256, OPT_VERSION };
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, OPT_CHECK},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    for (int opt; (opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        switch (opt) {
        case 'c':
            o->config = optarg;
            break;
        case OPT_CHECK:
            o->only_check = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case OPT_VERSION:
            puts("hayaumad " HY_VERSION);
            return 0;
        default:
            fputs("Try 'hayaumad --help'.\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "hayaumad: unexpected argument '%s'\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

static int load_config(struct hy_daemon *d, const struct options *o)
{
    struct hy_problems problems = {0};
    int err = hy_config_load(o->config, &problems, &d->config);
    struct hy_deliver_policy *policy = NULL;
    if (err == HY_OK && o->only_check) {
        struct hy_receive_policy *receive = NULL;
        struct hy_events_policy *events = NULL;
        err = policy_make(d, d->config, &problems, &policy);
        hy_deliver_policy_unref(policy);
        if (err == HY_OK)
            err = submission_policy(d, d->config, &problems, &receive);
        if (err == HY_OK)
            err = events_policy(d->config, &problems, &events);
        hy_events_policy_unref(events);
        hy_receive_policy_unref(receive);
        receive = NULL;
        if (err == HY_OK)
            err = intake_policy(d, d->config, &problems, &receive);
        hy_receive_policy_unref(receive);
        struct hy_web_policy *web = NULL;
        if (err == HY_OK)
            err = api_policy(d->config, &problems, &web);
        hy_web_policy_unref(web);
    }
    hy_problems_sort(&problems);
    hy_problems_print(&problems, stderr);
    hy_problems_free(&problems);
    return err;
}

/* ---- the main loop ---- */

struct server {
    struct hy_daemon d;
    struct hy_timer second, watchdog;
    hy_us watchdog_us;
    bool has_failed; /* the store: end, and let the supervisor start us anew */
};

static void on_second(void *arg)
{
    struct server *s = arg;
    if (s->d.is_stopping)
        return;
    if (hy_env_state(s->d.env) == HY_ENV_FAILED) {
        hy_log(HY_LOG_ERROR, "store", "the store has failed in a way that only a restart mends");
        s->has_failed = true;
        hy_loop_stop(s->d.loop);
        return;
    }
    jobs_start_scheduled(&s->d);
    upkeep_tick(&s->d);
    api_scoring_look(&s->d);
    orders_tick(&s->d);
    tls_sender_tick(s->d.tls_sender);
    observer_beat(&s->d.observer);
    const struct hy_deliver_counters *c = hy_deliver_counters_of(s->d.deliver);
    sd_notifyf(0, "STATUS=%lu delivered, %lu deferred, %lu bounced; %lu connections",
               atomic_load(&c->delivered), atomic_load(&c->deferred), atomic_load(&c->bounced),
               atomic_load(&c->connections_now));
    hy_loop_arm_in(s->d.loop, &s->second, HY_US_PER_SEC);
}

static void on_watchdog(void *arg)
{
    struct server *s = arg;
    sd_notify(0, "WATCHDOG=1");
    hy_loop_arm_in(s->d.loop, &s->watchdog, s->watchdog_us);
}

static void reload(struct hy_daemon *d)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%ld", hy_clock_us());
    struct hy_problems problems = {0};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf restart = HY_BUF_INIT(65536);
    int err = daemon_reload(d, &problems, &restart);
    hy_problems_sort(&problems);
    for (size_t i = 0; i < problems.n; i++) {
        const struct hy_problem *p = &problems.items[i];
        char place[HY_PROBLEM_PLACE_MAX];
        hy_log(p->is_warning ? HY_LOG_WARNING : HY_LOG_ERROR, "reload", "%s: %s",
               hy_problem_place(p, place), p->text);
    }
    if (err == HY_OK) {
        hy_log(HY_LOG_NOTICE, "reload", "the new configuration is in use%s%s",
               restart.len ? "; waiting for a restart: " : "", hy_buf_cstr(&restart));
        act_log_apart(
            d, "reload", getuid(), /* who may send us a signal: root, and we */
            json_pack("{s:s,s:s}", "by", "SIGHUP", "needs_restart", hy_buf_cstr(&restart)));
    } else
        hy_log(HY_LOG_ERROR, "reload", "nothing was changed: %s", hy_err_text(err));
    hy_problems_free(&problems);
    sd_notify(0, "READY=1");
}

static void on_signal(void *arg, int signo)
{
    struct server *s = arg;
    if (signo == SIGHUP) {
        reload(&s->d);
        return;
    }
    s->d.is_stopping = true;
    hy_loop_stop(s->d.loop);
}

static void on_second_term(int signo)
{
    (void)signo;
    static const char text[] = "hayaumad: ended at once\n";
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(0); /* the in-flight table and the last commit say where to go on */
}

/* While the end is under way the main thread only waits: the watchdog must be fed by somebody. */
static void *feed_watchdog(void *arg)
{
    struct server *s = arg;
    for (;;) {
        sd_notify(0, "WATCHDOG=1");
        usleep((useconds_t)(s->watchdog_us ? s->watchdog_us : HY_US_PER_SEC));
    }
    return NULL;
}

/* /run is empty after a boot; under systemd RuntimeDirectory= has made ours already. */
static int make_socket_dir(const char *socket_path, struct hy_diag *diag)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(socket_path, '/');
    if (!slash || slash == socket_path || slash - socket_path >= PATH_MAX)
        return HY_OK;
    memcpy(dir, socket_path, (size_t)(slash - socket_path));
    dir[slash - socket_path] = '\0';
    if (mkdir(dir, 0755) == 0 || errno == EEXIST)
        return HY_OK;
    return hy_fail(diag, HY_EIO, "cannot make directory %s for control.socket: %s", dir,
                   strerror(errno));
}

static int open_control(struct hy_daemon *d, struct hy_diag *diag)
{
    int err = make_socket_dir(d->config->control.socket, diag);
    if (err != HY_OK)
        return err;
    const struct hy_control_command *const *tables = ctl_tables();
    struct hy_control_server_options o = {
        .socket_path = d->config->control.socket,
        .mode = d->config->control.mode,
        .group = d->config->control.group,
        .tables = tables,
        .ctx = d,
    };
    return hy_control_server_open(d->loop, &o, diag, &d->control);
}

static int serve(struct server *s, const struct options *o)
{
    struct hy_daemon *d = &s->d;
    struct hy_diag diag = {""};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    int err = hy_loop_create(&d->loop);
    if (err == HY_OK)
        err = hy_loop_watch_signals(d->loop, &set, on_signal, s);
    if (err == HY_OK)
        err = daemon_open(d, &diag);
    if (err == HY_OK)
        err = jobs_start_all(d, &diag);
    if (err == HY_OK)
        err = upkeep_start(d, &diag);
    if (err == HY_OK)
        err = open_control(d, &diag);
    if (err != HY_OK) {
        hy_log(HY_LOG_ERROR, "boot", "%s", diag.text[0] ? diag.text : hy_err_text(err));
        return EXIT_STORE;
    }
    hy_timer_init(&s->second, on_second, s);
    hy_timer_init(&s->watchdog, on_watchdog, s);
    hy_loop_arm_in(d->loop, &s->second, 0);
    uint64_t watchdog_us = 0;
    if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
        s->watchdog_us = (hy_us)(watchdog_us / 3);
        hy_loop_arm_in(d->loop, &s->watchdog, 0);
    }
    hy_log(HY_LOG_NOTICE, "boot", "hayaumad %s is ready as %s (configuration %s, data %s)",
           HY_VERSION, d->config->node.hostname, o->config, d->config->paths.data_dir);
    daemon_log_attempts(d);
    observer_apply(&d->observer, d->config);
    sd_notify(0, "READY=1");
    err = hy_loop_run(d->loop);
    if (s->has_failed)
        return EXIT_STORE;
    return err == HY_OK ? 0 : EXIT_FAILURE;
}

static void end(struct server *s)
{
    struct hy_daemon *d = &s->d;
    sd_notify(0, "STOPPING=1");
    if (d->control) /* it has been ready */
        hy_log(HY_LOG_NOTICE, "stop", "ending: messages on the wire get their replies first");
    struct sigaction now = {.sa_handler = on_second_term};
    sigaction(SIGTERM, &now, NULL);
    sigaction(SIGINT, &now, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_t feeder;
    bool is_fed = s->watchdog_us && pthread_create(&feeder, NULL, feed_watchdog, s) == 0;
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    if (d->control)
        hy_control_server_stop(d->control);
    daemon_stop(d);
    /* Answers of the last moment go out, then the socket's end is told. */
    for (int i = 0; d->control && i < 10 && hy_control_server_calls(d->control); i++) {
        int err = hy_loop_turn(d->loop, 100 * HY_US_PER_MS);
        (void)err;
    }
    for (int i = 0; i < CTL_JOB_KINDS;
         i++) { /* a backup or audit is let to end: it reads the store */
        while (atomic_load(&d->store_jobs[i]))
            usleep(10000);
    }
    if (d->control)
        hy_control_server_free(d->control);
    if (is_fed) {
        pthread_cancel(feeder);
        pthread_join(feeder, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], HY_TUNE_CHILD_ARG) == 0) /* measures for tuned_apply */
        return hy_tune_child(argv[2]);
    struct options o = {.config = HY_CONFIG_DEFAULT_PATH};
    int status = read_options(argc, argv, &o);
    if (status >= 0)
        return status;
    static struct server s;
    s.d.config_path = o.config;
    s.d.started = hy_clock_wall_ms();
    observer_init(&s.d.observer, &s.d);
    if (load_config(&s.d, &o) != HY_OK)
        return EXIT_CONFIG;
    if (o.only_check) {
        puts("the configuration is good");
        hy_config_unref(s.d.config);
        return 0;
    }
    hy_log_setup(s.d.config->log.target, s.d.config->log.level);
    tuned_apply(s.d.config, argv, &s.d.tuned);
    hy_env_on_lost_pages(EXIT_STORE);
    status = serve(&s, &o);
    end(&s);
    daemon_close(&s.d);
    if (s.d.loop)
        hy_loop_free(s.d.loop);
    if (status == 0)
        fputs("hayaumad: ended in order\n", stderr);
    return status;
}
