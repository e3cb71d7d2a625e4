#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hayauma/daemon/control.h"
#include "hayauma/io/loop.h"

/* A server on a thread of its own, and what its handlers saw. */
struct bed {
    char dir[64], path[96];
    struct hy_loop *loop;
    struct hy_control_server *server;
    pthread_t thread;
    atomic_int cancelled;
    struct hy_control_call *_Atomic parked;
    pthread_t worker; /* of "work" */
    bool has_worker;
};

static void on_echo(struct hy_control_call *call, void *ctx)
{
    (void)ctx;
    hy_control_finish(call, json_deep_copy(hy_control_args(call)));
}

static void on_fail(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {0};
    const char *name;
    (void)ctx;
    int err = hy_control_arg_string_required(hy_control_args(call), "name", &diag, &name);
    if (err)
        hy_control_fail_diag(call, err, &diag);
    else
        hy_control_fail(call, HY_ENOTFOUND, name, "look elsewhere");
}

static void on_write(struct hy_control_call *call, void *ctx)
{
    (void)ctx;
    int fd = hy_control_take_fd(call, 0);
    cr_assert_eq(hy_control_take_fd(call, 0), -1);
    cr_assert_eq(hy_control_take_fd(call, 9), -1);
    cr_assert_eq(write(fd, "hello\n", 6), 6);
    close(fd);
    hy_control_finish(call, NULL);
}

static struct bed bed;

static void *work(void *arg)
{
    struct hy_control_call *call = arg;
    for (int i = 1; i <= 3; i++)
        hy_control_progress(call, json_pack("{s:i}", "step", i));
    hy_control_finish(call, json_pack("{s:b}", "done", 1));
    return NULL;
}

static void on_work(struct hy_control_call *call, void *ctx)
{
    pthread_t t;
    (void)ctx;
    cr_assert_eq(pthread_create(&t, NULL, work, call), 0);
    bed.worker = t;
    bed.has_worker = true;
}

static void on_gone(void *ctx)
{
    atomic_store(&((struct bed *)ctx)->cancelled, 1);
}

static void on_park(struct hy_control_call *call, void *ctx)
{
    hy_control_on_cancel(call, on_gone, ctx);
    atomic_store(&((struct bed *)ctx)->parked, call);
}

static void on_large(struct hy_control_call *call, void *ctx)
{
    (void)ctx;
    int64_t n = 0;
    cr_assert_eq(hy_control_arg_int(hy_control_args(call), "n", 0, 0, 1 << 30, NULL, &n), 0);
    char *text = malloc((size_t)n + 1);
    memset(text, 'x', (size_t)n);
    text[n] = 0;
    hy_control_finish(call, json_pack("{s:s}", "text", text));
    free(text);
}

static const struct hy_control_command commands_a[] = {
    {"echo", 0, 0, on_echo}, {"fail", 0, 0, on_fail}, {"write", 1, 1, on_write}, {0}};
static const struct hy_control_command commands_b[] = {
    {"work", 0, 0, on_work}, {"park", 0, 0, on_park}, {"large", 0, 0, on_large}, {0}};
static const struct hy_control_command *const tables[] = {commands_a, commands_b, NULL};

static void *run(void *arg)
{
    struct bed *b = arg;
    cr_assert_eq(hy_loop_run(b->loop), 0);
    return NULL;
}

static struct hy_control_server_options options(void)
{
    return (struct hy_control_server_options){.socket_path = bed.path,
                                              .mode = 0600,
                                              .group = "",
                                              .max_clients = 4,
                                              .tables = tables,
                                              .ctx = &bed};
}

static void set_up(void)
{
    struct hy_diag diag = {0};
    struct hy_control_server_options o = options();
    memset(&bed, 0, sizeof bed);
    strcpy(bed.dir, "/tmp/hayauma-test-XXXXXX");
    cr_assert_not_null(mkdtemp(bed.dir));
    snprintf(bed.path, sizeof bed.path, "%s/s", bed.dir);
    cr_assert_eq(hy_loop_create(&bed.loop), 0);
    cr_assert_eq(hy_control_server_open(bed.loop, &o, &diag, &bed.server), 0, "%s", diag.text);
    cr_assert_eq(pthread_create(&bed.thread, NULL, run, &bed), 0);
}

static void tear_down(void)
{
    hy_loop_stop(bed.loop);
    pthread_join(bed.thread, NULL);
    if (bed.has_worker) /* who finished a call may still be waking the server */
        pthread_join(bed.worker, NULL);
    hy_control_server_free(bed.server);
    hy_loop_free(bed.loop);
    cr_expect_eq(rmdir(bed.dir), 0, "the socket file is still there");
}

TestSuite(control, .init = set_up, .fini = tear_down, .timeout = 30);

static struct hy_control_client *client(void)
{
    struct hy_control_client *c = NULL;
    struct hy_diag diag = {0};
    cr_assert_eq(hy_control_connect(bed.path, &diag, &c), 0, "%s", diag.text);
    return c;
}

Test(control, a_request_gets_its_answer_and_the_connection_serves_the_next)
{
    struct hy_control_client *c = client();
    for (int i = 0; i < 3; i++) {
        struct hy_control_error e;
        json_t *args = json_pack("{s:i, s:s}", "i", i, "name", "山田"), *got = NULL;
        cr_assert_eq(hy_control_request(c, "echo", args, NULL, &got, &e), 0, "%s", e.message);
        cr_expect(json_equal(args, got));
        json_decref(args);
        json_decref(got);
    }
    hy_control_close(c);
}

Test(control, errors_come_with_code_words_and_hint)
{
    static const struct {
        const char *command, *name, *message, *hint;
        int want;
    } cases[] = {
        {"fail", "nothing here", "nothing here", "look elsewhere", HY_ENOTFOUND},
        {"fail", NULL, "argument 'name' is missing", "", HY_EINVAL},
        {"nonsense", NULL, "the daemon knows no command 'nonsense'",
         "the hayauma command and the daemon may be of different releases", HY_EUNSUPPORTED},
        {"write", NULL, "write takes 1 file descriptors, 0 came", "", HY_EINVAL},
    };
    struct hy_control_client *c = client();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_control_error e;
        json_t *args = json_pack("{s:s?}", "name", cases[i].name), *got = NULL;
        cr_expect_eq(hy_control_request(c, cases[i].command, args, NULL, &got, &e), cases[i].want);
        cr_expect_eq(e.code, cases[i].want);
        cr_expect_str_eq(e.message, cases[i].message);
        cr_expect_str_eq(e.hint, cases[i].hint);
        json_decref(args);
    }
    hy_control_close(c);
}

Test(control, a_descriptor_goes_along)
{
    struct hy_control_client *c = client();
    struct hy_control_error e;
    json_t *got = NULL;
    int pipe_fds[2];
    char text[16] = "";
    cr_assert_eq(pipe(pipe_fds), 0);
    struct hy_control_call_options o = {.fds = &pipe_fds[1], .n_fds = 1, .timeout_ms = 5000};
    cr_assert_eq(hy_control_request(c, "write", NULL, &o, &got, &e), 0, "%s", e.message);
    close(pipe_fds[1]);
    cr_expect_eq(read(pipe_fds[0], text, sizeof text), 6);
    cr_expect_str_eq(text, "hello\n");
    cr_expect_eq(read(pipe_fds[0], text, sizeof text), 0, "the daemon left it open");
    close(pipe_fds[0]);
    json_decref(got);
    hy_control_close(c);
}

static int count_steps(void *ctx, const json_t *progress)
{
    int *n = ctx;
    cr_expect_eq(json_integer_value(json_object_get(progress, "step")), *n + 1);
    ++*n;
    return 0;
}

Test(control, progress_comes_from_another_thread_before_the_answer)
{
    struct hy_control_client *c = client();
    struct hy_control_error e;
    json_t *got = NULL;
    int steps = 0;
    struct hy_control_call_options o = {
        .progress = count_steps, .progress_ctx = &steps, .timeout_ms = 5000};
    cr_assert_eq(hy_control_request(c, "work", NULL, &o, &got, &e), 0, "%s", e.message);
    cr_expect_eq(steps, 3);
    cr_expect(json_is_true(json_object_get(got, "done")));
    json_decref(got);
    hy_control_close(c);
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

Test(control, a_client_that_goes_away_cancels_its_call)
{
    struct hy_control_client *c = client();
    struct hy_control_error e;
    json_t *got = NULL;
    struct hy_control_call_options o = {.timeout_ms = 50};
    cr_expect_eq(hy_control_request(c, "park", NULL, &o, &got, &e), HY_ETIMEOUT);
    struct hy_control_call *call = atomic_load(&bed.parked);
    cr_assert_not_null(call);
    cr_expect_not(hy_control_is_cancelled(call));
    hy_control_close(c);
    for (int i = 0; i < 500 && !atomic_load(&bed.cancelled); i++)
        pause_ms(10);
    cr_expect_eq(atomic_load(&bed.cancelled), 1);
    cr_expect(hy_control_is_cancelled(call));
    hy_control_progress(call, NULL);
    hy_control_finish(call, json_pack("{s:s}", "to", "nobody"));
}

Test(control, answers_larger_than_the_socket_takes_at_once_arrive_whole)
{
    struct hy_control_client *c = client();
    struct hy_control_error e;
    json_t *args = json_pack("{s:i}", "n", 3 << 20), *got = NULL;
    cr_assert_eq(hy_control_request(c, "large", args, NULL, &got, &e), 0, "%s", e.message);
    cr_expect_eq(json_string_length(json_object_get(got, "text")), 3u << 20);
    json_decref(got);
    json_decref(args);
    args = json_pack("{s:i}", "n", 9 << 20);
    cr_expect_eq(hy_control_request(c, "large", args, NULL, &got, &e), HY_ELIMIT);
    cr_expect_str_eq(e.message, "the answer is too long");
    json_decref(args);
    hy_control_close(c);
}

/* Sends bytes as they are and reads until the daemon closes or has answered `lines` lines. */
static char *raw(const char *bytes, size_t n, int lines)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 5};
    static char out[65536];
    size_t len = 0;
    strcpy(addr.sun_path, bed.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (n) {
        ssize_t w = send(fd, bytes, n, MSG_NOSIGNAL);
        if (w < 0)
            break;
        bytes += w;
        n -= (size_t)w;
    }
    while (lines > 0 && len < sizeof out - 1) {
        ssize_t got = read(fd, out + len, sizeof out - 1 - len);
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            lines -= out[len + (size_t)i] == '\n';
        len += (size_t)got;
    }
    out[len] = 0;
    close(fd);
    return out;
}

Test(control, what_is_no_request_is_refused_in_words)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"hello\n", "\"not JSON: "},
        {"[1]\n", "\"not a JSON object\""},
        {"{}\n", "\"the request has no version"},
        {"{\"v\":2,\"command\":\"echo\"}\n", "\"HY_EVERSION\""},
        {"{\"v\":1}\n", "\"the request has no \\\"command\\\"\""},
        {"{\"v\":1,\"command\":7}\n", "no \\\"command\\\""},
        {"{\"v\":1,\"command\":\"echo\",\"args\":[]}\n", "\"\\\"args\\\" is not an object\""},
        {"{\"v\":1,\"v\":1,\"command\":\"echo\"}\n", "duplicate object key"},
        {"{\"v\":1,\"command\":\"echo\",\"args\":{\"a\":\"\\u0000\"}}\n", "not JSON"},
        {"{\"v\":1,\"command\":\"echo\",\"args\":{\"a\":\"\xff\"}}\n", "not JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = raw(cases[i].in, strlen(cases[i].in), 1);
        cr_expect(strstr(got, cases[i].want) && strstr(got, "\"ok\":false"), "%s: got %s",
                  cases[i].in, got);
    }
}

Test(control, requests_that_arrive_together_are_answered_in_order)
{
    const char *in = "{\"v\":1,\"command\":\"work\"}\n"
                     "{\"v\":1,\"command\":\"echo\",\"args\":{\"n\":1}}\n"
                     "{\"v\":1,\"command\":\"echo\",\"args\":{\"n\":2}}\n";
    const char *got = raw(in, strlen(in), 6);
    cr_expect_str_eq(got,
                     "{\"progress\":{\"step\":1}}\n{\"progress\":{\"step\":2}}\n"
                     "{\"progress\":{\"step\":3}}\n{\"ok\":true,\"result\":{\"done\":true}}\n"
                     "{\"ok\":true,\"result\":{\"n\":1}}\n{\"ok\":true,\"result\":{\"n\":2}}\n");
}

Test(control, a_line_without_end_and_a_deep_one_are_cut_off)
{
    size_t n = HY_CONTROL_REQUEST_MAX + 4096;
    char *big = malloc(n);
    memset(big, 'x', n);
    cr_expect(strstr(raw(big, n, 1), "HY_ELIMIT") != NULL);
    struct hy_buf deep = HY_BUF_INIT(4096);
    hy_buf_add_lit(&deep, "{\"v\":1,\"command\":\"echo\",\"args\":{\"a\":");
    for (int i = 0; i < 200; i++)
        hy_buf_add_c(&deep, i < 100 ? '[' : ']');
    hy_buf_add_lit(&deep, "}}\n");
    const char *got = raw(deep.data, deep.len, 1);
    cr_expect(strstr(got, "\"ok\":false") != NULL, "got %s", got);
    hy_buf_free(&deep);
    free(big);
}

Test(control, clients_past_the_maximum_are_told_to_come_later)
{
    struct hy_control_client *c[4];
    struct hy_control_error e;
    json_t *got = NULL;
    for (int i = 0; i < 4; i++) {
        c[i] = client();
        cr_expect_eq(hy_control_request(c[i], "echo", NULL, NULL, &got, &e), 0);
        json_decref(got);
    }
    struct hy_control_client *fifth = client();
    cr_expect_eq(hy_control_request(fifth, "echo", NULL, NULL, &got, &e), HY_EBUSY);
    hy_control_close(fifth);
    for (int i = 0; i < 4; i++)
        hy_control_close(c[i]);
}

Test(control, a_second_daemon_is_refused_and_a_stale_socket_is_replaced)
{
    struct hy_control_server_options o = options();
    struct hy_control_server *other = NULL;
    struct hy_diag diag = {0};
    struct hy_loop *loop;
    struct stat st;
    char stale[128];
    cr_assert_eq(hy_loop_create(&loop), 0);
    cr_expect_eq(hy_control_server_open(loop, &o, &diag, &other), HY_EBUSY);
    cr_assert_eq(stat(bed.path, &st), 0, "the refused one took the socket away");
    cr_expect_eq(st.st_mode & 0777, 0600u);

    snprintf(stale, sizeof stale, "%s/stale", bed.dir);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, stale);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    close(fd);
    o.socket_path = stale;
    diag = (struct hy_diag){0};
    cr_expect_eq(hy_control_server_open(loop, &o, &diag, &other), 0, "%s", diag.text);
    hy_control_server_free(other);
    cr_expect_eq(access(stale, F_OK), -1);
    FILE *f = fopen(stale, "w");
    fclose(f);
    cr_expect_eq(hy_control_server_open(loop, &o, &diag, &other), HY_EEXIST);
    unlink(stale);
    hy_loop_free(loop);
}

Test(control, without_a_daemon_the_client_says_so)
{
    struct hy_control_client *c = NULL;
    struct hy_diag diag = {0};
    cr_expect_eq(hy_control_connect("/tmp/hayauma-nobody/s", &diag, &c), HY_ENOTFOUND);
    cr_expect_str_eq(diag.text,
                     "the daemon does not run (nobody listens on /tmp/hayauma-nobody/s)");
}
