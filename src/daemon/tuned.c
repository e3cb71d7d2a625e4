/* The boot's part of tuning OpenSSL: which setting is in force, and getting there.
 *
 * libcrypto reads OPENSSL_ia32cap while it is loaded, before main: a daemon whose file asks for a
 * setting puts it into the environment and executes itself once more, with the same process id,
 * descriptors and notification socket. A mark in the environment says that this was done, so that
 * it is never done twice. What the operator has set in the environment wins. */
#include "daemon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/base/log.h"

#define MARK "HAYAUMA_TUNED"

enum { FIRST_ROUNDS = 4, FIRST_MS = 4, FIRST_WITHIN_MS = 250 }; /* what a start may wait for */

static void say(const struct tuned *t)
{
    if (t->how == TUNED_BY_OPERATOR)
        hy_log(HY_LOG_NOTICE, "crypto", HY_TUNE_ENV "=%s stands in the environment and is kept",
               getenv(HY_TUNE_ENV));
    else if (t->how == TUNED_BY_FILE)
        hy_log(HY_LOG_NOTICE, "crypto",
               "OpenSSL runs with the setting %s: an RSA-2048 signature took %.0f us when it was "
               "measured, %.0f us with the default (%.0f a second and processor)",
               t->tune.setting->name, t->tune.setting_us, t->tune.default_us,
               1e6 / t->tune.setting_us);
}

/* The first start on this machine, or on another processor or OpenSSL than before. It measures
 * little, since a start must not wait: gains that matter are of 10 % and more. */
static int measure(const char *data_dir, struct hy_tune *ret)
{
    struct hy_diag diag = {""};
    struct hy_tune_report report;
    int err =
        hy_tune_measure(FIRST_ROUNDS, FIRST_MS, FIRST_WITHIN_MS * HY_US_PER_MS, &report, &diag);
    if (err == HY_OK) {
        hy_tune_here(ret);
        hy_tune_take(ret, &report, hy_clock_wall_ms());
        err = hy_tune_write(data_dir, ret, &diag);
    }
    if (err == HY_ETIMEOUT)
        hy_log(HY_LOG_NOTICE, "crypto",
               "OpenSSL is not tuned: the machine is too busy to measure it within %d ms. It runs "
               "with its default; the next start tries again, or run 'hayauma tune'",
               FIRST_WITHIN_MS);
    else if (err != HY_OK)
        hy_log(HY_LOG_WARNING, "crypto", "OpenSSL is not tuned: %s",
               diag.text[0] ? diag.text : hy_err_text(err));
    return err;
}

static int find(const char *data_dir, struct hy_tune *ret)
{
    struct hy_diag diag = {""};
    int err = hy_tune_read(data_dir, ret, &diag);
    if (err == HY_OK)
        return HY_OK;
    if (err == HY_EUNSUPPORTED || err == HY_EPARSE)
        hy_log(HY_LOG_NOTICE, "crypto", "%s: measuring anew", diag.text);
    else if (err != HY_ENOTFOUND)
        hy_log(HY_LOG_WARNING, "crypto", "%s", diag.text);
    const struct hy_tune_setting *here[HY_TUNE_SETTINGS_MAX];
    if (err == HY_EIO || hy_tune_settings_here(here) < 2)
        return HY_ENOTFOUND;
    return measure(data_dir, ret);
}

/* Only returns when it failed. */
static void execute_anew(char **argv, const struct hy_tune_setting *s)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n > 0) {
        path[n] = '\0';
        if (setenv(HY_TUNE_ENV, s->ia32cap, 1) == 0 && setenv(MARK, s->name, 1) == 0)
            execv(path, argv);
        unsetenv(HY_TUNE_ENV);
        unsetenv(MARK);
    }
    hy_log(HY_LOG_WARNING, "crypto", "hayaumad cannot be executed anew with the setting %s: %s",
           s->name, strerror(errno));
}

void tuned_apply(const struct hy_config *config, char **argv, struct tuned *ret)
{
    const char *cap = getenv(HY_TUNE_ENV), *mark = getenv(MARK);
    struct tuned t = {.how = TUNED_NOT};
    if (cap && !mark) {
        t.how = TUNED_BY_OPERATOR;
    } else if (config->crypto.tune == HY_TUNE_AUTO &&
               find(config->paths.data_dir, &t.tune) == HY_OK) {
        const char *wanted = t.tune.setting->ia32cap;
        if (!mark && wanted[0])
            execute_anew(argv, t.tune.setting);
        t.how = strcmp(cap && mark ? cap : "", wanted) == 0 ? TUNED_BY_FILE : TUNED_NOT;
    }
    say(&t);
    *ret = t;
}

const char *tuned_setting(const struct tuned *t)
{
    const char *cap = getenv(HY_TUNE_ENV);
    return t->how == TUNED_BY_FILE ? t->tune.setting->name : cap ? cap : "default";
}
