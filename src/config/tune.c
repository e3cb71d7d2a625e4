/* The tuning of OpenSSL: what can be set on this processor, and the file that keeps the choice. */
#include "hayauma/config/tune.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

/* Bits of CPUID leaf 7, EBX. OPENSSL_ia32cap has leaf 7 behind its colon; "~" hides. */
enum { BMI2 = 1u << 8, ADX = 1u << 19, IFMA = 1u << 21 };

static const struct hy_tune_setting settings[] = {
    {"default", "", 0},
    {"no-adx", ":~0x80000", ADX},
    {"no-adx-bmi2", ":~0x80100", ADX | BMI2},
    {"no-ifma", ":~0x200000", IFMA},
    {"no-ifma-adx", ":~0x280000", IFMA | ADX},
};
#define N_SETTINGS (sizeof settings / sizeof *settings)
_Static_assert(N_SETTINGS <= HY_TUNE_SETTINGS_MAX, "all fit");

const struct hy_tune_setting *hy_tune_setting_find(struct hy_str name)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (hy_str_eq(name, hy_str_of(settings[i].name)))
            return &settings[i];
    return NULL;
}

/* Asked of the processor itself: a sandbox may hide /proc/cpuinfo. */
#ifdef __x86_64__
static uint32_t features(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) ? b : 0;
}

static void name_cpu(char out[HY_TUNE_CPU_MAX])
{
    unsigned brand[12] = {0}, signature = 0, b, c, d;
    char text[sizeof brand + 1] = {0};
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2],
                         &brand[4 * i + 3]))
            break;
    if (!__get_cpuid(1, &signature, &b, &c, &d))
        signature = 0;
    memcpy(text, brand, sizeof brand);
    for (char *p = text; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = ' ';
    struct hy_str name = hy_str_trim(hy_str_of(text));
    snprintf(out, HY_TUNE_CPU_MAX, "%.*s (%06x)", HY_STR_ARG(name), signature);
}
#else
static uint32_t features(void)
{
    return 0;
}

static void name_cpu(char out[HY_TUNE_CPU_MAX])
{
    snprintf(out, HY_TUNE_CPU_MAX, "not x86-64");
}
#endif

size_t hy_tune_settings_here(const struct hy_tune_setting *out[HY_TUNE_SETTINGS_MAX])
{
    const uint32_t here = features();
    size_t n = 0;
    for (size_t i = 0; i < N_SETTINGS; i++)
        if ((settings[i].hides & here) == settings[i].hides)
            out[n++] = &settings[i];
    return n;
}

void hy_tune_here(struct hy_tune *ret)
{
    *ret = (struct hy_tune){0};
    name_cpu(ret->cpu);
    snprintf(ret->openssl, sizeof ret->openssl, "%s", OpenSSL_version(OPENSSL_VERSION));
}

/* ---- the file ---- */

static int path_of(const char *data_dir, const char *end, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/" HY_TUNE_FILE "%s", data_dir, end);
    return n < 0 || n >= PATH_MAX ? HY_ELIMIT : HY_OK;
}

static bool take_text(const json_t *o, const char *key, char *out, size_t cap)
{
    const char *s = json_string_value(json_object_get(o, key));
    if (!s || strlen(s) >= cap)
        return false;
    for (const char *p = s; *p; p++)
        if (*p < ' ' || *p > '~')
            return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

static bool take_us(const json_t *o, const char *key, double *ret)
{
    double us = json_number_value(json_object_get(o, key));
    if (!isfinite(us) || us <= 0 || us > 1e9)
        return false;
    *ret = us;
    return true;
}

/* A name and nothing else decides what goes into the environment: the file cannot say it. */
static int decode(const json_t *o, struct hy_tune *ret)
{
    struct hy_tune t = {0};
    char name[32];
    if (!json_is_object(o) || !take_text(o, "cpu", t.cpu, sizeof t.cpu) ||
        !take_text(o, "openssl", t.openssl, sizeof t.openssl) ||
        !take_text(o, "setting", name, sizeof name) || !take_us(o, "rsa2048_us", &t.setting_us) ||
        !take_us(o, "default_us", &t.default_us))
        return HY_EPARSE;
    t.setting = hy_tune_setting_find(hy_str_of(name));
    t.measured = json_integer_value(json_object_get(o, "measured_ms"));
    if (!t.setting || t.measured < 0)
        return HY_EPARSE;
    *ret = t;
    return HY_OK;
}

static int load(const char *path, struct hy_tune *ret, struct hy_diag *diag)
{
    char text[HY_TUNE_FILE_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return hy_fail(diag, errno == ENOENT ? HY_ENOTFOUND : HY_EIO, "%s cannot be opened: %s",
                       path, strerror(errno));
    ssize_t n = read(fd, text, sizeof text);
    int sys = errno;
    close(fd);
    if (n < 0)
        return hy_fail(diag, HY_EIO, "%s cannot be read: %s", path, strerror(sys));
    json_t *o = (size_t)n < sizeof text ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
    int err = decode(o, ret);
    json_decref(o);
    return err ? hy_fail(diag, err, "%s is damaged: run 'hayauma tune' anew", path) : HY_OK;
}

int hy_tune_read(const char *data_dir, struct hy_tune *ret, struct hy_diag *diag)
{
    char path[PATH_MAX];
    struct hy_tune here, t;
    int err = path_of(data_dir, "", path);
    if (err == HY_OK)
        err = load(path, &t, diag);
    if (err != HY_OK)
        return err;
    *ret = t;
    hy_tune_here(&here);
    if (strcmp(here.cpu, t.cpu) != 0)
        return hy_fail(diag, HY_EUNSUPPORTED, "%s was made on another processor (%s, here %s)",
                       path, t.cpu, here.cpu);
    if (strcmp(here.openssl, t.openssl) != 0)
        return hy_fail(diag, HY_EUNSUPPORTED, "%s was made with another OpenSSL (%s, here %s)",
                       path, t.openssl, here.openssl);
    return HY_OK;
}

static int write_all(int fd, const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t done = write(fd, text + at, n - at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return HY_EIO;
        at += (size_t)done;
    }
    return fsync(fd) == 0 ? HY_OK : HY_EIO;
}

/* What root makes belongs to whom the folder belongs to, so that the daemon can replace it. */
static int give_away(int fd, const char *data_dir)
{
    struct stat st;
    if (geteuid() != 0)
        return HY_OK;
    return stat(data_dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0 ? HY_OK : HY_EIO;
}

int hy_tune_check_dir(const char *data_dir, struct hy_diag *diag)
{
    if (faccessat(AT_FDCWD, data_dir, W_OK | X_OK, AT_EACCESS) == 0)
        return HY_OK;
    return hy_fail(diag, HY_EIO, "%s/" HY_TUNE_FILE " cannot be written: %s", data_dir,
                   strerror(errno));
}

int hy_tune_write(const char *data_dir, const struct hy_tune *t, struct hy_diag *diag)
{
    char path[PATH_MAX], fresh[PATH_MAX], date[32];
    if (path_of(data_dir, "", path) || path_of(data_dir, ".new", fresh))
        return hy_fail(diag, HY_ELIMIT, "%s: the path is too long", data_dir);
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:f,s:f,s:s,s:I}", "cpu", t->cpu, "openssl", t->openssl,
                  "setting", t->setting->name, "ia32cap", t->setting->ia32cap, "rsa2048_us",
                  t->setting_us, "default_us", t->default_us, "measured",
                  hy_wall_format(t->measured, date), "measured_ms", (json_int_t)t->measured);
    char *text = o ? json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(o);
    if (!text)
        return hy_fail(diag, HY_ENOMEM, "out of memory");
    unlink(fresh); /* left by one that was killed */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int err = fd < 0 ? HY_EIO : write_all(fd, text, strlen(text));
    if (err == HY_OK)
        err = fchmod(fd, 0644) == 0 ? give_away(fd, data_dir) : HY_EIO;
    if (fd >= 0)
        close(fd);
    if (err == HY_OK && rename(fresh, path) != 0)
        err = HY_EIO;
    free(text);
    return err ? hy_fail(diag, err, "%s cannot be written: %s", path, strerror(errno)) : HY_OK;
}
