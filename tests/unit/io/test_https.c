#include "hayauma/io/https.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "peer.h"

/* What the peer answers, and what it was asked. */
static char answer[200000], asked[8192];

static void serve_https(struct peer *p, int fd)
{
    SSL *ssl = SSL_new(p->ctx);
    SSL_set_fd(ssl, fd);
    asked[0] = '\0';
    if (SSL_accept(ssl) == 1) {
        int n = 0;
        for (int r; !strstr(asked, "\r\n\r\n") || (asked[0] == 'P' && !strstr(asked, "END"));) {
            r = SSL_read(ssl, asked + n, (int)sizeof asked - 1 - n);
            if (r <= 0)
                break;
            n += r;
            asked[n] = '\0';
        }
        if (answer[0])
            SSL_write(ssl, answer, (int)strlen(answer));
        else
            peer_wait_for_end(fd);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

struct call {
    struct hy_https_request request;
    char url[128], body[256], type[64];
    int err;
    unsigned status;
    size_t n_body;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static void on_done(struct hy_https_request *r, const struct hy_https_result *result)
{
    struct call *c = (struct call *)r; /* its first member */
    pthread_mutex_lock(&c->lock);
    cr_assert_not(c->done, "done twice");
    c->err = result->err;
    c->status = result->status;
    c->n_body = result->body.n;
    snprintf(c->body, sizeof c->body, "%.*s", HY_STR_ARG(result->body));
    snprintf(c->type, sizeof c->type, "%.*s", HY_STR_ARG(result->content_type));
    c->done = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

struct world {
    struct pki pki;
    struct peer peer;
    struct hy_https *https;
    struct hy_sockaddr here;
    struct call call;
};

static void world_make(struct world *w, const char *cert, int days, int n_conns)
{
    pki_make(&w->pki);
    peer_start(&w->peer, serve_https, n_conns, pki_server(&w->pki, cert, days, TLS1_3_VERSION));
    struct hy_https_options o = {.ca_file = w->pki.ca_file};
    struct hy_diag diag = {""};
    cr_assert_eq(hy_https_create(&o, &diag, &w->https), 0, "%s", diag.text);
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1"), 0, &w->here), 0);
    pthread_mutex_init(&w->call.lock, NULL);
    pthread_cond_init(&w->call.changed, NULL);
    snprintf(w->call.url, sizeof w->call.url, "https://mta-sts.test:%u/.well-known/mta-sts.txt",
             w->peer.port);
    w->call.request = (struct hy_https_request){.url = w->call.url,
                                                .addresses = &w->here,
                                                .n_addresses = 1,
                                                .max_bytes = 65536,
                                                .timeout_us = 20 * HY_US_PER_SEC,
                                                .done = on_done};
}

static void world_free(struct world *w)
{
    hy_https_free(w->https);
    peer_join(&w->peer);
    pki_free(&w->pki);
}

static void run(struct world *w)
{
    struct call *c = &w->call;
    cr_assert_eq(hy_https_submit(w->https, &c->request), 0);
    pthread_mutex_lock(&c->lock);
    while (!c->done)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

Test(https, gets_a_document_from_the_addresses_it_is_given)
{
    struct world w = {0};
    snprintf(
        answer, sizeof answer,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\n"
        "hello");
    world_make(&w, "mta-sts.test", 30, 1);
    run(&w);
    cr_expect_eq(w.call.err, 0);
    cr_expect_eq(w.call.status, 200);
    cr_expect_str_eq(w.call.body, "hello");
    cr_expect_str_eq(w.call.type, "text/plain; charset=utf-8");
    world_free(&w);
    cr_expect(strstr(asked, "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.test"));
}

Test(https, follows_no_redirect)
{
    struct world w = {0};
    snprintf(
        answer, sizeof answer,
        "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.test/\r\nContent-Length: 0\r\n\r\n");
    world_make(&w, "mta-sts.test", 30, 1);
    run(&w);
    cr_expect_eq(w.call.err, 0);
    cr_expect_eq(w.call.status, 302);
    world_free(&w);
}

Test(https, posts_a_body)
{
    struct world w = {0};
    snprintf(answer, sizeof answer, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    world_make(&w, "mta-sts.test", 30, 1);
    w.call.request.content_type = "application/tlsrpt+gzip";
    w.call.request.body = HY_STR("a report END");
    run(&w);
    cr_expect_eq(w.call.status, 201);
    world_free(&w);
    cr_expect(strstr(asked, "POST ") == asked);
    cr_expect(strstr(asked, "Content-Type: application/tlsrpt+gzip\r\n"));
    cr_expect(strstr(asked, "\r\n\r\na report END"));
}

Test(https, trusts_no_certificate_but_the_host_s_own)
{
    static const struct {
        const char *cert;
        int days;
    } cases[] = {{"other.test", 30}, {"mta-sts.test", -1}};
    for (size_t i = 0; i < 2; i++) {
        struct world w = {0};
        world_make(&w, cases[i].cert, cases[i].days, 1);
        run(&w);
        cr_expect_eq(w.call.err, HY_EAUTH, "case %zu: %d", i, w.call.err);
        cr_expect_eq(w.call.n_body, 0);
        world_free(&w);
    }
}

Test(https, takes_no_longer_answer_than_agreed)
{
    struct world w = {0};
    int n = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    memset(answer + n, 'x', 70000);
    answer[n + 70000] = '\0';
    world_make(&w, "mta-sts.test", 30, 1);
    run(&w);
    cr_expect_eq(w.call.err, HY_ELIMIT, "%d", w.call.err);
    world_free(&w);
}

Test(https, gives_up_on_a_silent_server)
{
    struct world w = {0};
    answer[0] = '\0';
    world_make(&w, "mta-sts.test", 30, 1);
    w.call.request.timeout_us = HY_US_PER_SEC;
    run(&w);
    cr_expect_eq(w.call.err, HY_ETIMEOUT, "%d", w.call.err);
    world_free(&w);
}

Test(https, cancels_what_is_running_at_its_end)
{
    struct world w = {0};
    answer[0] = '\0';
    world_make(&w, "mta-sts.test", 30, 1);
    cr_assert_eq(hy_https_submit(w.https, &w.call.request), 0);
    hy_https_free(w.https);
    w.https = NULL;
    cr_expect(w.call.done);
    cr_expect(w.call.err == HY_ECANCELED);
    /* the peer may still wait for its connection */
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(w.peer.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)!connect(fd, (struct sockaddr *)&a, sizeof a);
    close(fd);
    world_free(&w);
}

Test(https, takes_only_https)
{
    struct world w = {0};
    world_make(&w, "mta-sts.test", 30, 0);
    w.call.request.url = "http://mta-sts.test/";
    cr_expect_eq(hy_https_submit(w.https, &w.call.request), HY_EINVAL);
    w.call.request.url = "file:///etc/passwd";
    cr_expect_eq(hy_https_submit(w.https, &w.call.request), HY_EINVAL);
    world_free(&w);
}
