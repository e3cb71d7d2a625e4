/* The processor features that OpenSSL is let to use. On some processors it takes a slow way to sign
 * with RSA; hiding a feature from it (OPENSSL_ia32cap, which libcrypto reads while it is loaded)
 * can make it much faster. What is best is measured, kept in a file beside the database, and
 * applied by the daemon at its start. On processors other than x86-64 there is nothing to choose.
 */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"

enum {
    HY_TUNE_SETTINGS_MAX = 8,
    HY_TUNE_ROUNDS_MAX = 15,
    HY_TUNE_CPU_MAX = 96,     /* with its NUL */
    HY_TUNE_OPENSSL_MAX = 96, /* likewise */
    HY_TUNE_FILE_MAX = 4096,  /* bytes of the file */
};

#define HY_TUNE_ENV       "OPENSSL_ia32cap" /* what libcrypto reads */
#define HY_TUNE_FILE      "crypto.tune"     /* in paths.data_dir */
#define HY_TUNE_CHILD_ARG "--measure-signing"

/* A way to run OpenSSL. */
struct hy_tune_setting {
    const char *name;    /* "default", "no-adx" ... */
    const char *ia32cap; /* value of HY_TUNE_ENV; "" = not set */
    uint32_t hides;      /* bits of CPUID leaf 7, EBX */
};
/* NULL when there is none of that name. */
const struct hy_tune_setting *hy_tune_setting_find(struct hy_str name);
/* Those that make a difference on this processor, the default first: at least that one. */
size_t hy_tune_settings_here(const struct hy_tune_setting *out[HY_TUNE_SETTINGS_MAX]);

/* What a measurement found; what the file says. */
struct hy_tune {
    char cpu[HY_TUNE_CPU_MAX]; /* its name and CPUID signature */
    char openssl[HY_TUNE_OPENSSL_MAX];
    const struct hy_tune_setting *setting;
    double setting_us, default_us; /* CPU microseconds of an RSA-2048 signature */
    hy_wall_ms measured;
};
/* Fills in cpu and openssl of here and now; the rest is zero. */
void hy_tune_here(struct hy_tune *ret);

/* Reads the file in `data_dir`. HY_ENOTFOUND: none; HY_EPARSE: it is none of ours or damaged;
 * HY_EUNSUPPORTED: made for another processor or OpenSSL (*ret is filled in); HY_EIO. */
HY_MUST_USE int hy_tune_read(const char *data_dir, struct hy_tune *ret, struct hy_diag *diag);
/* Whether it could be written; before measuring takes its time. HY_EIO. */
HY_MUST_USE int hy_tune_check_dir(const char *data_dir, struct hy_diag *diag);
/* Writes it in one step, mode 0644; made by root, it belongs to the owner of the folder. HY_EIO. */
HY_MUST_USE int hy_tune_write(const char *data_dir, const struct hy_tune *t, struct hy_diag *diag);

struct hy_tune_result {
    const struct hy_tune_setting *setting;
    double us;    /* median over the rounds */
    double noise; /* half of the span between its rounds, as a share of the median */
    double rounds_us[HY_TUNE_ROUNDS_MAX];
    unsigned
        rounds;   /* fewer than the report's: it was slower than the default in the last of them */
    bool is_good; /* every signature of it verified */
};
struct hy_tune_report {
    struct hy_tune_result results[HY_TUNE_SETTINGS_MAX];
    size_t n;
    unsigned rounds;
    size_t chosen; /* index: the default, unless another is faster by 3 %, and in every round */
    double gain;   /* of the fastest good one against the default: 0.5 = half as long again */
};
/* Puts what a report chose into *t, whose cpu and openssl are those of here. */
void hy_tune_take(struct hy_tune *t, const struct hy_tune_report *r, hy_wall_ms now);
/* Measures every setting in processes of their own, in turn, `rounds` times for `ms` milliseconds
 * of CPU each; this program must answer to HY_TUNE_CHILD_ARG with hy_tune_child. Blocks, for
 * `within` microseconds at most (0: as long as it takes; otherwise what was slower than the default
 * in a round, and so cannot be chosen, is not measured again). HY_ETIMEOUT: they were not enough.
 * HY_ECRYPTO, HY_EIO, HY_ENOMEM. */
HY_MUST_USE int hy_tune_measure(unsigned rounds, unsigned ms, hy_us within,
                                struct hy_tune_report *ret, struct hy_diag *diag);
/* Decides from the figures of `r`: fills in medians, noise, chosen and gain. */
void hy_tune_decide(struct hy_tune_report *r);
/* The measuring process: a private key on standard input, a line with CPU microseconds of a
 * signature and the last signature on standard output. Its exit status. */
int hy_tune_child(const char *ms);
