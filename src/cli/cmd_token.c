/* token create, list, revoke: the file of those who may use the HTTP API. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/config.h"
#include "hayauma/web/tokens.h"
#include "read.h"

enum { FILE_MAX = 32 << 20 };
#define GROUP "hayauma" /* of the daemon, which must read the file */

/* --file, or what the configuration says; false, and it is told: neither. */
static bool find_file(struct cli *c, char out[PATH_MAX])
{
    const char *given = cli_option(c, "file");
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    snprintf(out, PATH_MAX, "%s", given ? given : "");
    if (!given && hy_config_load(cli_config_path(c), &p, &config) == HY_OK)
        snprintf(out, PATH_MAX, "%s", config->api.tokens);
    hy_config_unref(config);
    hy_problems_free(&p);
    if (out[0])
        return true;
    cli_fail(c, HY_EINVAL, _(c, "the configuration has no api.tokens: name the file with --file"),
             NULL);
    return false;
}

static int read_file(struct cli *c, const char *path, struct hy_buf *text,
                     struct hy_api_tokens **ret)
{
    struct hy_diag diag = {""};
    *text = HY_BUF_INIT(FILE_MAX);
    int err = HY_OK;
    if (access(path, F_OK) == 0 || errno != ENOENT)
        err = cli_read_all(path, FILE_MAX, text);
    if (err != HY_OK)
        hy_fail(&diag, err, "%s: %s", path, strerror(errno));
    if (err == HY_OK && text->len && text->data[text->len - 1] != '\n')
        hy_buf_add_c(text, '\n');
    if (err == HY_OK)
        err = hy_api_tokens_read(hy_buf_str(text), NULL, path, &diag, ret);
    return err == HY_OK ? CLI_OK : cli_fail(c, err, diag.text, NULL);
}

/* A new file has the daemon's group; one that is replaced keeps its own. */
static bool set_owner(int fd, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return fchmod(fd, st.st_mode & 07777) == 0 &&
               (fchown(fd, st.st_uid, st.st_gid) == 0 || geteuid() != 0);
    const struct group *g = geteuid() == 0 ? getgrnam(GROUP) : NULL;
    return fchmod(fd, g ? 0640 : 0600) == 0 && (!g || fchown(fd, (uid_t)-1, g->gr_gid) == 0);
}

static bool write_all(int fd, struct hy_str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return false;
        text = hy_str_slice(text, n > 0 ? (size_t)n : 0, text.n);
    }
    return fsync(fd) == 0;
}

/* The whole file, or as it was. */
static int replace(struct cli *c, const char *path, struct hy_str text)
{
    char temp[PATH_MAX + 16];
    struct hy_diag diag = {""};
    snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    int fd = mkostemp(temp, O_CLOEXEC);
    bool good = fd >= 0 && set_owner(fd, path) && write_all(fd, text);
    if (fd >= 0 && close(fd) != 0)
        good = false;
    good = good && rename(temp, path) == 0;
    if (good)
        return CLI_OK;
    hy_fail(&diag, HY_EIO, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        unlink(temp);
    return cli_fail(c, HY_EIO, diag.text, NULL);
}

/* "2027-04-01" as it is, "90d" as the day that far from now. */
static struct hy_str day_of(const char *text, char room[16])
{
    int64_t seconds = text ? cli_seconds(text) : 0;
    if (!text)
        return HY_STR("");
    if (seconds == 0)
        return hy_str_of(text);
    time_t t = time(NULL) + (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(room, 16, "%Y-%m-%d", &tm);
    return hy_str_of(room);
}

static int run_create(struct cli *c)
{
    char path[PATH_MAX], token[HY_API_TOKEN_MAX], day[16];
    const char *scopes = cli_option(c, "scopes"), *tenant = cli_option(c, "tenant");
    struct hy_api_tokens *tokens = NULL;
    struct hy_diag diag = {""};
    struct hy_buf text;
    if (!find_file(c, path))
        return CLI_FAILED;
    struct hy_api_token_plan plan = {
        .scopes = hy_str_of(scopes ? scopes : "messages:send,messages:read"),
        .domains = hy_str_of(c->args[1]),
        .name = hy_str_of(c->args[0]),
        .tenant = tenant ? hy_str_of(tenant) : HY_STR(""),
        .expires = day_of(cli_option(c, "expires"), day),
    };
    int code = read_file(c, path, &text, &tokens);
    if (code == CLI_OK) {
        int err = hy_api_token_make(&plan, token, &text, &diag);
        code =
            err == HY_OK ? replace(c, path, hy_buf_str(&text)) : cli_fail(c, err, diag.text, NULL);
    }
    hy_api_tokens_free(tokens);
    hy_buf_free(&text);
    if (code != CLI_OK)
        return code;
    if (c->json) {
        code = cli_print_json(c, json_pack("{s:s,s:s}", "token", token, "file", path));
    } else {
        fprintf(c->out, "%s\n", token);
        fprintf(c->err, "%s",
                _(c, "Keep it: it is shown only now. 'hayauma reload' makes it good.\n"));
    }
    explicit_bzero(token, sizeof token);
    return code;
}

static json_t *token_json(const struct hy_api_token *t)
{
    struct hy_buf scopes = HY_BUF_INIT(1024);
    char when[32];
    json_t *domains = json_array();
    for (const char *const *d = t->domains; *d; d++)
        json_array_append_new(domains, json_string(*d));
    hy_scopes_put(t->scopes, &scopes);
    json_t *o = json_pack("{s:s,s:s,s:s,s:o,s:s}", "id", t->id, "name", t->name, "scopes",
                          hy_buf_cstr(&scopes), "domains", domains, "tenant", t->tenant_text);
    if (t->expires)
        json_object_set_new(o, "expires", json_string(hy_wall_format(t->expires, when)));
    hy_buf_free(&scopes);
    return o;
}

static void add_row(struct cli_table *table, const struct hy_api_token *t)
{
    struct hy_buf scopes = HY_BUF_INIT(1024), domains = HY_BUF_INIT(65536);
    char when[32] = "-";
    for (const char *const *d = t->domains; *d; d++)
        hy_buf_printf(&domains, "%s%s", d == t->domains ? "" : ",", *d);
    hy_scopes_put(t->scopes, &scopes);
    if (t->expires) {
        hy_wall_format(t->expires, when);
        when[10] = '\0'; /* the day */
    }
    cli_table_add(table, t->id);
    cli_table_add(table, t->name);
    cli_table_add(table, t->tenant_text);
    cli_table_add(table, when);
    cli_table_add(table, hy_buf_cstr(&scopes));
    cli_table_add(table, hy_buf_cstr(&domains));
    hy_buf_free(&scopes);
    hy_buf_free(&domains);
}

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"ID", "NAME", "TENANT", "EXPIRES", "SCOPES", "DOMAINS"};
    char path[PATH_MAX];
    struct hy_api_tokens *tokens = NULL;
    struct hy_buf text;
    if (!find_file(c, path))
        return CLI_FAILED;
    int code = read_file(c, path, &text, &tokens);
    hy_buf_free(&text);
    if (code != CLI_OK)
        return code;
    struct cli_table table;
    json_t *all = c->json ? json_array() : NULL;
    if (!c->json)
        cli_table_init(&table, heads, "llllll");
    for (size_t i = 0; i < hy_api_tokens_count(tokens); i++) {
        if (c->json)
            json_array_append_new(all, token_json(hy_api_tokens_at(tokens, i)));
        else
            add_row(&table, hy_api_tokens_at(tokens, i));
    }
    hy_api_tokens_free(tokens);
    if (c->json)
        return cli_print_json(c, json_pack("{s:o}", "tokens", all));
    cli_table_print(&table, c, cli_width(c));
    return CLI_OK;
}

static int run_revoke(struct cli *c)
{
    char path[PATH_MAX];
    struct hy_api_tokens *tokens = NULL;
    struct hy_buf text, kept = HY_BUF_INIT(FILE_MAX);
    struct hy_str id = hy_str_of(c->args[0]), rest, line;
    bool found = false;
    if (!find_file(c, path))
        return CLI_FAILED;
    int code = read_file(c, path, &text, &tokens);
    rest = hy_buf_str(&text);
    while (code == CLI_OK && rest.n && hy_str_split(&rest, '\n', &line)) {
        struct hy_str words = hy_str_trim(line), first = {0};
        if (words.n && hy_str_split(&words, ' ', &first) && hy_str_eq(first, id)) {
            found = true;
            continue;
        }
        hy_buf_add_str(&kept, line);
        if (rest.p)
            hy_buf_add_c(&kept, '\n');
    }
    if (code == CLI_OK && !found)
        code = cli_fail(c, HY_ENOTFOUND, _(c, "there is no token with this id"), NULL);
    if (code == CLI_OK)
        code = replace(c, path, hy_buf_str(&kept));
    if (code == CLI_OK && c->json)
        code = cli_print_json(c, json_pack("{s:s}", "revoked", c->args[0]));
    else if (code == CLI_OK)
        fprintf(c->err, "%s", _(c, "It ends with the next 'hayauma reload'.\n"));
    hy_api_tokens_free(tokens);
    hy_buf_free(&text);
    hy_buf_free(&kept);
    return code;
}

#define FILE_OPTION                                                                                    \
    {                                                                                                  \
        "file", "FILE", CLI_FILE, NULL,                                                                \
        {                                                                                              \
            "file of tokens (default: api.tokens)", "トークンのファイル (既定: api.tokens)" \
        }                                                                                              \
    }
static const struct cli_option create_options[] = {
    {"scopes",
     "LIST",
     CLI_SOME_WORDS,
     "messages:send messages:read suppressions:read suppressions:write leads:read leads:write "
     "events:read templates:read templates:write admin",
     {"what it may do (default: messages:send,messages:read)",
      "許可する操作 (既定: messages:send,messages:read)"}},
    {"tenant",
     "NAME",
     CLI_TEXT,
     NULL,
     {"whose mail it is (default: the installation's)", "テナント (既定: インストール自身)"}},
    {"expires",
     "WHEN",
     CLI_TEXT,
     NULL,
     {"a day such as 2027-04-01, or 90d (default: never)",
      "失効日。2027-04-01 または 90d など (既定: 無期限)"}},
    FILE_OPTION,
    {0}};
static const struct cli_option file_options[] = {FILE_OPTION, {0}};

const struct cli_command cmd_token_create = {
    .name = "token create",
    .args = "NAME DOMAINS",
    .n_min = 2,
    .n_max = 2,
    .kind = CLI_TEXT,
    .summary = {"make a token for the HTTP API", "HTTP API のトークンを作る"},
    .about =
        {"The token is shown once; the file has only its salted hash. DOMAINS are those that\n"
         "From may have: example.net,*.example.net, or * for any.",
         "トークンは一度だけ表示され、ファイルにはソルト付きハッシュだけが残ります。\n"
         "DOMAINS は From に使えるドメインです。例: example.net,*.example.net。* は無制限です。"},
    .examples = "hayauma token create shop example.net\n"
                "hayauma token create reports '*' --scopes messages:read --expires 90d",
    .options = create_options,
    .run = run_create,
};

const struct cli_command cmd_token_list = {
    .name = "token list",
    .args = "",
    .summary = {"show the tokens of the HTTP API", "HTTP API のトークンを一覧する"},
    .examples = "hayauma token list",
    .options = file_options,
    .run = run_list,
};

const struct cli_command cmd_token_revoke = {
    .name = "token revoke",
    .args = "ID",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"take a token of the HTTP API out of the file",
                "HTTP API のトークンをファイルから取り除く"},
    .examples = "hayauma token revoke k3v9m2p7qa4xe\n"
                "hayauma reload",
    .options = file_options,
    .run = run_revoke,
};
