#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"
#include "events.h"
#include "noting.h"

enum { BODY_MAX = 1 << 20, ANY = 1 << 30 };

/* An endpoint over plain HTTP, a connection for each request: takes up to `most` events, or answers
 * `status` to whatever comes. */
static struct endpoint {
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_uint status, most, taken, refused, largest;
    atomic_bool is_over;
    char text[BODY_MAX];
} endpoint;

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

/* False: the other side went away. */
static bool read_request(struct endpoint *e, int fd)
{
    size_t n = 0, want = SIZE_MAX;
    while (n < want && n < sizeof e->text - 1) {
        ssize_t got = read(fd, e->text + n, sizeof e->text - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        e->text[n] = '\0';
        const char *body = strstr(e->text, "\r\n\r\n"),
                   *length = strcasestr(e->text, "content-length:");
        if (body && length)
            want = (size_t)(body + 4 - e->text) + strtoul(length + 15, NULL, 10);
    }
    return n >= want;
}

static void answer(struct endpoint *e, int fd)
{
    char line[128];
    unsigned n = count(e->text, "{\"schema\":"), status = atomic_load(&e->status);
    if (status == 200 && n > atomic_load(&e->most))
        status = 413;
    if (status == 200) {
        atomic_fetch_add(&e->taken, n);
        if (n > atomic_load(&e->largest))
            atomic_store(&e->largest, n);
    } else {
        atomic_fetch_add(&e->refused, 1);
    }
    int len = snprintf(line, sizeof line,
                       "HTTP/1.1 %u x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
    cr_assert_eq(write(fd, line, (size_t)len), len);
}

static void *serve(void *arg)
{
    struct endpoint *e = arg;
    while (!atomic_load(&e->is_over)) {
        int fd = accept(e->fd, NULL, NULL);
        if (fd < 0)
            break;
        if (read_request(e, fd))
            answer(e, fd);
        close(fd);
    }
    return NULL;
}

static void endpoint_start(struct endpoint *e)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof here;
    e->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(e->fd, (struct sockaddr *)&here, n), 0);
    cr_assert_eq(listen(e->fd, 16), 0);
    cr_assert_eq(getsockname(e->fd, (struct sockaddr *)&here, &n), 0);
    e->port = ntohs(here.sin_port);
    atomic_store(&e->status, 200);
    atomic_store(&e->most, ANY);
    cr_assert_eq(pthread_create(&e->thread, NULL, serve, e), 0);
}

static void endpoint_stop(struct endpoint *e)
{
    atomic_store(&e->is_over, true);
    shutdown(e->fd, SHUT_RDWR);
    pthread_join(e->thread, NULL);
    close(e->fd);
}

/* ---- the engine with one webhook ---- */

static struct hy_writer *writer;
static struct hy_events *out;
static struct hy_events_webhook hook;
static char url[64];

static void release(struct hy_events_policy *p)
{
    free(p);
}

static void start(void)
{
    struct hy_diag diag = {""};
    struct hy_events_policy *p = calloc(1, sizeof *p);
    *p = (struct hy_events_policy){.webhooks = &hook, .n_webhooks = 1, .release = release};
    atomic_init(&p->refs, 1);
    cr_assert_eq(
        hy_writer_start(env, &(struct hy_writer_options){.commit_interval_ms = 5}, &writer), 0);
    cr_assert_eq(hy_events_start(env, writer, p, &diag, &out), 0, "%s", diag.text);
}

static void stop(void)
{
    hy_events_stop(out);
    hy_writer_stop(writer);
}

static void setup(void)
{
    case_open();
    endpoint_start(&endpoint);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hook", endpoint.port);
    hook = (struct hy_events_webhook){.name = "crm",
                                      .url = url,
                                      .secrets = {{.bytes = "sixteen letters.", .n = 16}},
                                      .n_secrets = 1,
                                      .batch = 64,
                                      .batch_bytes = 1 << 20,
                                      .wait_us = 1000,
                                      .timeout_us = 10 * HY_US_PER_SEC,
                                      .retry_most_us = 5000,
                                      .ca_file = "",
                                      .allows_private = true,
                                      .allows_http = true};
}

static void teardown(void)
{
    stop();
    endpoint_stop(&endpoint);
    case_close();
}

TestSuite(hook, .init = setup, .fini = teardown);

static void wait_taken(unsigned want)
{
    for (int i = 0; i < 4000 && atomic_load(&endpoint.taken) < want; i++)
        usleep(5000);
    cr_assert_eq(atomic_load(&endpoint.taken), want);
}

static void wait_state(enum hy_events_state want)
{
    struct hy_events_view v = {0};
    for (int i = 0; i < 4000 && (hy_events_look(out, &v, 1) == 0 || v.state != want); i++)
        usleep(5000);
    cr_assert_eq(v.state, want, "%s: %s", hy_events_state_name(v.state), v.why);
}

Test(hook, what_happens_is_posted_and_a_restart_goes_on_behind_it)
{
    start();
    note_opens(writer, 100);
    wait_taken(100);
    wait_state(HY_EVENTS_GOOD);
    stop();
    start();
    note_opens(writer, 5);
    wait_taken(105);
}

Test(hook, one_that_only_fails_is_disabled_in_its_time_and_a_resume_goes_on_where_it_stood)
{
    hook.disable_after_us = 100 * HY_US_PER_MS;
    atomic_store(&endpoint.status, 500);
    start();
    note_opens(writer, 3);
    wait_state(HY_EVENTS_DISABLED);
    cr_assert_gt(atomic_load(&endpoint.refused), 1, "it was tried again before");
    atomic_store(&endpoint.status, 200);
    stop();
    start();
    wait_state(HY_EVENTS_DISABLED); /* also over a restart */
    cr_assert_eq(atomic_load(&endpoint.taken), 0);
    cr_assert_eq(hy_events_do(out, HY_STR("crm"), HY_EVENTS_RESUME, 0), 0);
    wait_taken(3);
    wait_state(HY_EVENTS_GOOD);
}

Test(hook, one_that_is_never_to_be_disabled_is_tried_on)
{
    atomic_store(&endpoint.status, 500);
    start();
    note_opens(writer, 3);
    for (int i = 0; i < 4000 && atomic_load(&endpoint.refused) < 5; i++)
        usleep(5000);
    wait_state(HY_EVENTS_FAILING);
    atomic_store(&endpoint.status, 200);
    wait_taken(3);
}

Test(hook, a_batch_that_is_too_large_is_halved_and_batches_grow_again)
{
    atomic_store(&endpoint.most, 10);
    start();
    note_opens(writer, 60);
    wait_taken(60);
    cr_assert_leq(atomic_load(&endpoint.largest), 10);
    cr_assert_geq(atomic_load(&endpoint.refused), 3, "60, 30, 15");
    atomic_store(&endpoint.most, ANY);
    atomic_store(&endpoint.largest, 0);
    for (unsigned i = 1; i <= 20; i++) {
        note_opens(writer, 40);
        wait_taken(60 + 40 * i);
    }
    cr_assert_gt(atomic_load(&endpoint.largest), 10, "it grows by one with each that is taken");
}
