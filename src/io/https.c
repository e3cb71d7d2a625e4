/* HTTPS by libcurl: one thread drives all transfers, others hand requests over.
 *
 * Happy path: submit, start, curl's own loop, finish, done.
 * How it fails: every failure of curl is a result; what is running when the thread ends is
 * cancelled. */
#include "hayauma/io/https.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#include "hayauma/io/thread.h"

enum {
    RUNNING = 8,
    WAITING = 1024,
    WAIT_MS = 1000,
    CONNECT_TIMEOUT_MS = 15000,
    RESOLVE_MAX = 1024
};

struct transfer {
    struct transfer *next; /* of those that run */
    struct hy_https_request *request;
    CURL *easy;
    struct curl_slist *resolve, *headers;
    struct hy_buf body;
    bool is_barred; /* may_connect refused an address */
    char error[CURL_ERROR_SIZE];
};

struct hy_https {
    CURLM *multi;
    struct hy_thread *thread;
    char *ca_file; /* NULL: the system's */
    uint32_t max_running, max_waiting;
    struct transfer *running; /* the thread's */
    uint32_t n_running;
    pthread_mutex_t lock; /* of what follows */
    struct hy_https_request *waiting, **waiting_tail;
    uint32_t n_waiting;
    bool is_stopping;
};

/* ---- one transfer ---- */

static void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->resolve);
    curl_slist_free_all(t->headers);
    hy_buf_free(&t->body);
    free(t);
}

static void tell(struct hy_https_request *r, int err, const char *text)
{
    struct hy_https_result result = {
        .err = err, .content_type = HY_STR(""), .body = HY_STR(""), .text = text};
    r->done(r, &result);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    hy_buf_add(&t->body, p, size * n);
    return t->body.err ? 0 : size * n; /* 0 ends the transfer */
}

/* "host:port:address,address": curl then asks nobody. */
static bool set_addresses(struct transfer *t, const struct hy_https_request *r)
{
    char *host = NULL, *port = NULL;
    struct hy_buf line = HY_BUF_INIT(RESOLVE_MAX);
    CURLU *u = curl_url();
    bool good = u && curl_url_set(u, CURLUPART_URL, r->url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (good) {
        hy_buf_printf(&line, "%s:%s:", host, port);
        for (size_t i = 0; i < r->n_addresses && i < HY_HTTPS_ADDRESSES_MAX; i++) {
            char ip[HY_SOCKADDR_TEXT_MAX];
            hy_sockaddr_format_ip(&r->addresses[i], ip);
            bool six = hy_sockaddr_family(&r->addresses[i]) == AF_INET6;
            hy_buf_printf(&line, "%s%s%s%s", i ? "," : "", six ? "[" : "", ip, six ? "]" : "");
        }
        t->resolve = curl_slist_append(NULL, hy_buf_cstr(&line));
        good = line.err == 0 && t->resolve &&
               curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolve) == CURLE_OK;
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    hy_buf_free(&line);
    return good;
}

static bool add_field(struct transfer *t, const char *field)
{
    struct curl_slist *more = curl_slist_append(t->headers, field);
    if (more)
        t->headers = more;
    return more != NULL;
}

static bool set_fields(struct transfer *t, const struct hy_https_request *r)
{
    char type[160];
    bool is_good = true;
    if (r->content_type) {
        snprintf(type, sizeof type, "Content-Type: %.120s", r->content_type);
        is_good = add_field(t, type) && add_field(t, "Expect:");
    }
    for (const char *const *f = r->fields; f && *f && is_good; f++)
        is_good = add_field(t, *f);
    return is_good &&
           (!t->headers || curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK);
}

static bool set_body(struct transfer *t, const struct hy_https_request *r)
{
    if (!r->content_type)
        return true;
    if (r->method && curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method) != CURLE_OK)
        return false;
    return curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n) ==
               CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body.p) == CURLE_OK;
}

/* Called with the address that is about to be connected to, after every look-up. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *t = arg;
    struct hy_sockaddr a = {0};
    if (purpose != CURLSOCKTYPE_IPCXN || to->addrlen > sizeof a)
        return CURL_SOCKET_BAD;
    memcpy(&a, &to->addr, to->addrlen);
    if (!t->request->may_connect(&a)) {
        t->is_barred = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Called when the request is about to go, also over a connection that was kept. */
static int before_request(void *arg, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    struct transfer *t = arg;
    struct hy_sockaddr a;
    (void)own_ip;
    (void)peer_port;
    (void)own_port;
    if (hy_sockaddr_parse(hy_str_of(peer_ip), 0, &a) == HY_OK && t->request->may_connect(&a))
        return CURL_PREREQFUNC_OK;
    t->is_barred = true;
    return CURL_PREREQFUNC_ABORT;
}

#define SET(option, value) (curl_easy_setopt(t->easy, CURLOPT_##option, value) == CURLE_OK)

static bool set_up(const struct hy_https *h, struct transfer *t, const struct hy_https_request *r)
{
    const char *ca_file = r->ca_file && r->ca_file[0] ? r->ca_file : h->ca_file;
    return SET(URL, r->url) && SET(PROTOCOLS_STR, r->allows_http ? "http,https" : "https") &&
           SET(REDIR_PROTOCOLS_STR, "https") && SET(FOLLOWLOCATION, 0L) && SET(PROXY, "") &&
           SET(NETRC, (long)CURL_NETRC_IGNORED) && SET(NOSIGNAL, 1L) && SET(SSL_VERIFYPEER, 1L) &&
           SET(SSL_VERIFYHOST, 2L) && SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(FORBID_REUSE, r->keeps_connection ? 0L : 1L) &&
           SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(USERAGENT, "hayauma/" HY_VERSION) &&
           SET(TIMEOUT_MS, (long)(r->timeout_us / HY_US_PER_MS)) &&
           SET(CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) && SET(WRITEFUNCTION, on_body) &&
           SET(WRITEDATA, t) && SET(ERRORBUFFER, t->error) && SET(PRIVATE, t) &&
           (!ca_file || (SET(CAINFO, ca_file) && SET(CAPATH, NULL))) &&
           (!r->may_connect || (SET(OPENSOCKETFUNCTION, open_socket) && SET(OPENSOCKETDATA, t) &&
                                SET(PREREQFUNCTION, before_request) && SET(PREREQDATA, t))) &&
           set_fields(t, r) && set_body(t, r) && (r->n_addresses == 0 || set_addresses(t, r));
}

static void start(struct hy_https *h, struct hy_https_request *r)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (!t) {
        tell(r, HY_ENOMEM, "out of memory");
        return;
    }
    t->request = r;
    t->body = HY_BUF_INIT(r->max_bytes);
    t->easy = curl_easy_init();
    if (!t->easy || !set_up(h, t, r) || curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
        transfer_free(t);
        tell(r, HY_EIO, "the request cannot be made");
        return;
    }
    t->next = h->running;
    h->running = t;
    h->n_running++;
}

static int error_of(const struct transfer *t, CURLcode code)
{
    if (code != CURLE_OK && t->is_barred)
        return HY_EUNSUPPORTED;
    switch (code) {
    case CURLE_OK:
        return HY_OK;
    case CURLE_PEER_FAILED_VERIFICATION:
        return HY_EAUTH;
    case CURLE_OPERATION_TIMEDOUT:
        return HY_ETIMEOUT;
    case CURLE_WRITE_ERROR:
        return t->body.err ? t->body.err : HY_EIO;
    default:
        return HY_EIO;
    }
}

static void unlink_transfer(struct hy_https *h, struct transfer *t)
{
    struct transfer **at = &h->running;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    h->n_running--;
    curl_multi_remove_handle(h->multi, t->easy);
}

static void finish(struct hy_https *h, struct transfer *t, CURLcode code)
{
    long status = 0;
    curl_off_t retry_after = 0;
    const char *type = NULL;
    unlink_transfer(h, t);
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    struct hy_https_result result = {
        .err = error_of(t, code),
        .status = (unsigned)status,
        .retry_after_s = retry_after > 0 && retry_after < UINT32_MAX ? (uint32_t)retry_after : 0,
        .content_type = type ? hy_str_of(type) : HY_STR(""),
        .body = t->body.len ? hy_buf_str(&t->body) : HY_STR(""),
        .text = t->error[0] ? t->error : curl_easy_strerror(code),
    };
    if (result.err == HY_ELIMIT)
        result.text = "the answer is too long";
    if (result.err == HY_EUNSUPPORTED)
        result.text = "the address is not allowed";
    t->request->done(t->request, &result);
    transfer_free(t);
}

/* ---- the thread ---- */

/* The next request, when there is room for it; *ret_stop: the end. */
static struct hy_https_request *take(struct hy_https *h, bool *ret_stop)
{
    struct hy_https_request *r = NULL;
    pthread_mutex_lock(&h->lock);
    *ret_stop = h->is_stopping;
    if (h->waiting && (h->n_running < h->max_running || h->is_stopping)) {
        r = h->waiting;
        h->waiting = r->next;
        if (!h->waiting)
            h->waiting_tail = &h->waiting;
        h->n_waiting--;
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

static void run(void *arg)
{
    struct hy_https *h = arg;
    struct hy_https_request *r;
    bool stop = false;
    while (!stop) {
        int running, left;
        while ((r = take(h, &stop)) != NULL && !stop)
            start(h, r);
        if (r)
            tell(r, HY_ECANCELED, "ending");
        if (stop || curl_multi_perform(h->multi, &running) != CURLM_OK)
            break;
        for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL;) {
            char *t = NULL;
            CURLcode code = m->data.result;
            if (m->msg == CURLMSG_DONE &&
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK && t)
                finish(h, (struct transfer *)(void *)t, code);
        }
        curl_multi_poll(h->multi, NULL, 0, WAIT_MS, NULL);
    }
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    pthread_mutex_unlock(&h->lock);
    while (h->running) {
        struct transfer *t = h->running;
        unlink_transfer(h, t);
        tell(t->request, HY_ECANCELED, "ending");
        transfer_free(t);
    }
    while ((r = take(h, &stop)) != NULL)
        tell(r, HY_ECANCELED, "ending");
}

/* ---- from outside ---- */

int hy_https_create(const struct hy_https_options *o, struct hy_diag *diag, struct hy_https **ret)
{
    struct hy_https *h = calloc(1, sizeof *h);
    if (!h)
        return HY_ENOMEM;
    pthread_mutex_init(&h->lock, NULL);
    h->max_running = o->max_running ? o->max_running : RUNNING;
    h->max_waiting = o->max_waiting ? o->max_waiting : WAITING;
    h->waiting_tail = &h->waiting;
    int err = HY_OK;
    if (o->ca_file && o->ca_file[0]) {
        h->ca_file = strdup(o->ca_file);
        err = h->ca_file ? HY_OK : HY_ENOMEM;
    }
    if (err == HY_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        err = HY_EIO;
    if (err == HY_OK) {
        h->multi = curl_multi_init();
        err = h->multi ? hy_thread_start("https", run, h, &h->thread) : HY_ENOMEM;
        if (err != HY_OK)
            curl_global_cleanup();
    }
    if (err != HY_OK) {
        curl_multi_cleanup(h->multi);
        pthread_mutex_destroy(&h->lock);
        free(h->ca_file);
        free(h);
        return hy_fail(diag, err, "the HTTPS client cannot start: %s", hy_err_text(err));
    }
    *ret = h;
    return HY_OK;
}

void hy_https_stop(struct hy_https *h)
{
    if (!h || !h->thread)
        return;
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    pthread_mutex_unlock(&h->lock);
    curl_multi_wakeup(h->multi);
    hy_thread_join(h->thread);
    h->thread = NULL;
}

void hy_https_free(struct hy_https *h)
{
    if (!h)
        return;
    hy_https_stop(h);
    curl_multi_cleanup(h->multi);
    curl_global_cleanup();
    pthread_mutex_destroy(&h->lock);
    free(h->ca_file);
    free(h);
}

int hy_https_submit(struct hy_https *h, struct hy_https_request *r)
{
    struct hy_str url = hy_str_of(r->url);
    bool is_allowed = hy_str_istarts(url, HY_STR("https://")) ||
                      (r->allows_http && hy_str_istarts(url, HY_STR("http://")));
    if (!is_allowed || url.n > HY_HTTPS_URL_MAX)
        return HY_EINVAL;
    r->next = NULL;
    pthread_mutex_lock(&h->lock);
    int err = h->is_stopping ? HY_ECLOSED : h->n_waiting >= h->max_waiting ? HY_EBUSY : HY_OK;
    if (err == HY_OK) {
        *h->waiting_tail = r;
        h->waiting_tail = &r->next;
        h->n_waiting++;
    }
    pthread_mutex_unlock(&h->lock);
    if (err == HY_OK)
        curl_multi_wakeup(h->multi);
    return err;
}
