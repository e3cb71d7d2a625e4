/* Any bytes as the body of POST /v1/messages, and as a path: no crash, and what is made of it can
 * go out: CRLF line ends alone, and no line longer than SMTP has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hayauma/store/env.h"
#include "send.h"
#include "web_priv.h"

static struct hy_env *env;
static struct hy_txn txn;
static struct hy_web web;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char dir[] = "/tmp/fuzz-api.XXXXXX";
    struct hy_diag diag = {""};
    (void)argc;
    (void)argv;
    if (!mkdtemp(dir))
        abort();
    struct hy_env_options o = {.data_dir = dir, .mode = HY_ENV_OWNER, .map_bytes = 64 << 20};
    if (hy_env_open(&o, &env, &diag) != HY_OK || hy_txn_read(env, &txn) != HY_OK)
        abort();
    /* It lives on in memory: nothing is left on the disk, however the run ends. */
    char path[64];
    static const char *const files[] = {"store/data.mdb", "store/lock.mdb", "store", "data.mdb",
                                        "lock.mdb",       "lock",           ""};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)remove(path);
    }
    return 0;
}

static void check_content(struct hy_str content)
{
    size_t line = 0;
    if (!hy_str_ends(content, HY_STR("\r\n")))
        abort();
    for (size_t i = 0; i < content.n; i++) {
        char c = content.p[i];
        line = c == '\n' ? 0 : line + 1;
        bool is_bare = (c == '\n' && (i == 0 || content.p[i - 1] != '\r')) ||
                       (c == '\r' && (i + 1 == content.n || content.p[i + 1] != '\n'));
        if (is_bare || c == '\0' || line > 999)
            abort();
    }
}

static void send_body(struct web_call *c, struct hy_str body)
{
    struct send s = {.call = c, .txn = &txn, .now = 1700000000000};
    c->json = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(c->json) && send_read_json(&s, c->json) == HY_OK) {
        if (s.kind == SEND_RAW)
            s.is_personal = false;
        bool is_whole = (s.kind == SEND_RAW ? s.raw.n : s.text.n + s.html.n) && s.n_good;
        s.sender = s.from.address;
        if (is_whole && (s.kind == SEND_RAW || s.from.address.n) && send_make(&s) == HY_OK)
            for (size_t i = 0; i < s.n_messages; i++)
                check_content(s.messages[i].content);
    } else if (json_is_object(c->json) && !s.fault.status && !s.fault.err) {
        abort(); /* refused without a reason */
    }
    hy_message_free(s.template);
    hy_rendered_free(&s.rendered);
    hy_buf_free(&s.out);
    json_decref(c->json);
}

static void find_route(struct web_call *c, struct hy_str path)
{
    char allow[80];
    if (web_route_find(c, HY_STR("GET"), path, allow) == HY_OK && !c->route)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const domains[] = {"*", NULL};
    static const struct hy_tenant tenant = {.name = "default"};
    static const struct hy_tenants tenants = {.items = &tenant, .n = 1, .installation = &tenant};
    static const struct hy_api_token token = {
        .id = "a", .name = "fuzz", .domains = domains, .tenant = &tenant};
    struct hy_web_policy policy = {
        .host = HY_STR("mx.example.jp"), .tenants = &tenants, .message_max = 1 << 20};
    struct hy_http_call http = {0};
    struct web_call c = {.http = &http,
                         .web = &web,
                         .policy = &policy,
                         .token = &token,
                         .arena = HY_ARENA_INIT(64 << 20)};
    if (n > 65536)
        return 0;
    find_route(&c, hy_str_make(data, n));
    send_body(&c, hy_str_make(data, n));
    hy_arena_free(&c.arena);
    return 0;
}
