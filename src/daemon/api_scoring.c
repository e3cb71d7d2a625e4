/* The file of rules over the API: told, tried, and replaced. A new file is checked whole, written
 * beside the old one and renamed over it; then the main thread puts it in force. */
#include "api_scoring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_common.h"
#include "hayauma/base/hash.h"
#include "hayauma/base/log.h"
#include "score_try.h"

enum { RULES_MAX = 1 << 20, WAIT_US = 20000, FAULTS_MAX = 10 };

/* ---- the file ---- */

/* The same for the same text, also after a restart. */
static const char *version_of(struct hy_str text, char out[17])
{
    static const struct hy_hash_key key = {0, 0};
    snprintf(out, 17, "%016" PRIx64, hy_siphash(&key, text.p, text.n));
    return out;
}

/* Its path. HY_ENOTFOUND. */
static int path_of(struct hy_daemon *d, char out[PATH_MAX])
{
    struct hy_config *c = daemon_config(d);
    int n = snprintf(out, PATH_MAX, "%s", c->scoring.rules);
    hy_config_unref(c);
    return n > 0 && n < PATH_MAX ? HY_OK : HY_ENOTFOUND;
}

static json_t *rules_json(struct hy_str text)
{
    char version[17];
    return json_pack("{s:o, s:s}", "rules", ctl_text_json(text), "version",
                     version_of(text, version));
}

static int read_rules(void *ctx, json_t **ret)
{
    struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(RULES_MAX);
    struct hy_diag diag = {""};
    char path[PATH_MAX];
    int err = path_of(ctx, path);
    if (err == HY_OK)
        err = policy_read_file(path, "rules", &text, &diag);
    if (diag.text[0])
        hy_log(HY_LOG_WARNING, "api", "%s", diag.text);
    if (err == HY_OK)
        err = (*ret = rules_json(hy_buf_str(&text))) ? HY_OK : HY_ENOMEM;
    return err;
}

/* ---- read, tried ---- */

static json_t *faults_json(const struct hy_problems *p)
{
    json_t *all = json_array();
    for (size_t i = 0; i < p->n && json_array_size(all) < FAULTS_MAX; i++)
        if (!p->items[i].is_warning)
            json_array_append_new(all,
                                  json_pack("{s:I, s:I, s:o}", "line", (json_int_t)p->items[i].line,
                                            "column", (json_int_t)p->items[i].column, "message",
                                            ctl_text_json(hy_str_of(p->items[i].text))));
    return all;
}

static int parse(struct hy_daemon *d, struct hy_web_rules *r, struct hy_scoring **ret)
{
    struct hy_problems problems = {0};
    char path[PATH_MAX];
    int err = path_of(d, path);
    if (err == HY_OK)
        err = hy_scoring_parse(path, r->text, &problems, ret);
    hy_problems_sort(&problems);
    if (err == HY_EINVAL)
        r->faults = faults_json(&problems);
    hy_problems_free(&problems);
    return err;
}

static int try_rules(void *ctx, struct hy_txn *t, struct hy_web_rules *r, json_t **ret)
{
    const struct score_try_watch watch = {.is_over = r->is_over, .ctx = r->over_ctx};
    struct hy_scoring *rules = NULL;
    int err = parse(ctx, r, &rules);
    if (err == HY_OK)
        err = score_try(ctx, t, rules, &watch, ret);
    hy_scoring_free(rules);
    return err;
}

/* ---- replaced ---- */

static int write_all(int fd, struct hy_str s)
{
    for (size_t at = 0; at < s.n;) {
        ssize_t n = write(fd, s.p + at, s.n - at);
        if (n < 0 && errno != EINTR)
            return HY_EIO;
        at += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 ? HY_OK : HY_EIO;
}

static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return;
    slash[slash == folder] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

/* Another file in its place, for the same people. */
static int replace(const char *path, struct hy_str text, struct hy_diag *diag)
{
    char fresh[PATH_MAX + 8];
    struct stat st;
    snprintf(fresh, sizeof fresh, "%s.XXXXXX", path);
    int fd = stat(path, &st) == 0 ? mkostemp(fresh, O_CLOEXEC) : -1;
    bool is_made = fd >= 0;
    bool is_good = is_made && (fchown(fd, st.st_uid, st.st_gid) == 0 || errno == EPERM) &&
                   fchmod(fd, st.st_mode & 0777) == 0 && write_all(fd, text) == HY_OK;
    int sys = errno;
    if (is_made)
        close(fd);
    if (is_good && rename(fresh, path) != 0) {
        is_good = false;
        sys = errno;
    }
    if (is_good) {
        sync_folder(path);
        return HY_OK;
    }
    if (is_made)
        unlink(fresh);
    return sys == ENOSPC
               ? HY_EFULL
               : hy_fail(diag, HY_EUNSUPPORTED, "%s cannot be replaced: %s", path, strerror(sys));
}

/* Whether it reaches into this machine: its files, its networks. */
static bool is_local(const struct hy_score_handoff *h)
{
    return h->token_file[0] || h->ca_file[0] || h->allows_private;
}

static bool is_same_way(const struct hy_score_handoff *a, const struct hy_score_handoff *b)
{
    return a->allows_private == b->allows_private && strcmp(a->url, b->url) == 0 &&
           strcmp(a->token_file, b->token_file) == 0 && strcmp(a->ca_file, b->ca_file) == 0;
}

static bool has_way(const struct hy_score_plan *plan, const struct hy_score_handoff *h)
{
    for (size_t i = 0; plan && i < plan->n_handoffs; i++)
        if (is_same_way(&plan->handoffs[i], h))
            return true;
    return false;
}

/* A token of the API must not send files of this machine to somewhere, nor reach its networks: what
 * does so stays as somebody with a hand on the file has set it up. */
static int check_handoffs(struct hy_daemon *d, const struct hy_scoring *rules,
                          struct hy_web_rules *r)
{
    const struct hy_score_plan *then = hy_scoring_plan(rules);
    struct hy_scoring *now = daemon_scoring(d);
    char why[400];
    int err = HY_OK;
    for (size_t i = 0; i < then->n_handoffs && err == HY_OK; i++) {
        const struct hy_score_handoff *h = &then->handoffs[i];
        if (!is_local(h) || has_way(now ? hy_scoring_plan(now) : NULL, h))
            continue;
        snprintf(why, sizeof why,
                 "hand-off '%.100s': a URL with token_file, ca_file or allow_private is set up in "
                 "the file itself, not over HTTP",
                 h->name.p);
        r->faults = json_pack("[{s:i, s:i, s:o}]", "line", 0, "column", 0, "message",
                              ctl_text_json(hy_str_of(why)));
        err = HY_EINVAL;
    }
    hy_scoring_free(now);
    return err;
}

static int check_version(const char *path, struct hy_web_rules *r)
{
    struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(RULES_MAX);
    char version[17];
    if (r->version.n == 0)
        return HY_OK;
    int err = policy_read_file(path, "rules", &text, &r->diag);
    if (err == HY_OK && !hy_str_eq(r->version, hy_str_of(version_of(hy_buf_str(&text), version))))
        err = hy_fail(&r->diag, HY_EEXIST, "the rules are version %s by now", version);
    return err;
}

/* Until the main thread has them in force, a second at most. */
static int put_in_force(struct hy_daemon *d, struct hy_web_rules *r)
{
    unsigned mine = atomic_fetch_add(&d->rules_wanted, 1) + 1;
    while ((int)(atomic_load(&d->rules_done) - mine) < 0) {
        if (r->is_over(r->over_ctx))
            return HY_ECANCELED;
        usleep(WAIT_US);
    }
    int err = atomic_load(&d->rules_err);
    return err == HY_OK ? err
                        : hy_fail(&r->diag, HY_EIO,
                                  "the rules are stored, but not in force: the log says why");
}

static int put_rules(void *ctx, struct hy_web_rules *r, json_t **ret)
{
    struct hy_daemon *d = ctx;
    struct hy_scoring *rules = NULL;
    char path[PATH_MAX], version[17];
    int err = parse(d, r, &rules);
    if (err == HY_OK)
        err = check_handoffs(d, rules, r);
    hy_scoring_free(rules);
    if (err == HY_OK)
        err = path_of(d, path);
    if (err == HY_OK)
        err = check_version(path, r);
    if (err == HY_OK)
        err = replace(path, r->text, &r->diag);
    if (err != HY_OK)
        return err;
    act_log_apart(d, "score.rules", getuid(),
                  json_pack("{s:s, s:s}", "by", r->by, "version", version_of(r->text, version)));
    err = put_in_force(d, r);
    return err == HY_OK && !(*ret = rules_json(r->text)) ? HY_ENOMEM : err;
}

struct hy_web_scoring api_scoring(struct hy_daemon *d)
{
    return (struct hy_web_scoring){read_rules, try_rules, put_rules, d};
}

/* ---- main thread ---- */

static int take(struct hy_daemon *d, struct hy_problems *problems)
{
    struct hy_web_policy *web = NULL;
    struct hy_react_policy *react = NULL;
    struct hy_scoring *scoring = NULL;
    int err = api_policy(d->config, problems, &web);
    if (err == HY_OK)
        err = reaction_policy(d, d->config, problems, &scoring, &react);
    if (err != HY_OK) {
        hy_web_policy_unref(web);
        return err;
    }
    if (web && d->web)
        hy_web_reload(d->web, web);
    else
        hy_web_policy_unref(web);
    reaction_reload(d, scoring, react);
    return HY_OK;
}

void api_scoring_look(struct hy_daemon *d)
{
    const unsigned wanted = atomic_load(&d->rules_wanted);
    struct hy_problems problems = {0};
    if (wanted == atomic_load(&d->rules_done))
        return;
    int err = take(d, &problems);
    for (size_t i = 0; i < problems.n && err != HY_OK; i++)
        hy_log(HY_LOG_ERROR, "scoring", "%s", problems.items[i].text);
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "scoring", "new rules are in force");
    else
        hy_log(HY_LOG_ERROR, "scoring", "new rules are not in force: %s", hy_err_text(err));
    hy_problems_free(&problems);
    atomic_store(&d->rules_err, err);
    atomic_store(&d->rules_done, wanted);
}
