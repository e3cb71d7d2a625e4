/* The only file that touches libopendkim. */
#include "hayauma/mail/dkim_check.h"
#include "hayauma/mail/header.h"

#include <stdio.h>

#include <opendkim/dkim.h>

enum {
    QUERY_MAX = 512,
    RECORD_MAX = 8192,
    /* libopendkim reads the clock of the machine; with so much drift allowed it accepts any t= and
     * x= of the DKIM age, and we look at x= by `now`. Larger ones overflow in it. */
    ANY_DRIFT_S = 1000 * 1000 * 1000,
};

const char *hy_dkim_result_name(enum hy_dkim_result r)
{
    static const char *const names[] = {"none", "pass", "fail", "permerror", "temperror"};
    return (unsigned)r < sizeof names / sizeof *names ? names[r] : "?";
}

struct lookup {
    hy_dkim_txt_fn *txt;
    void *ctx;
};

static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *sig, u_char *buf, size_t size)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf record = HY_BUF_INIT(RECORD_MAX);
    const struct lookup *l = dkim_get_user_context(dkim);
    char name[QUERY_MAX];
    int n = snprintf(name, sizeof name, "%s._domainkey.%s", dkim_sig_getselector(sig),
                     dkim_sig_getdomain(sig));
    if (n < 0 || (size_t)n >= sizeof name)
        return DKIM_CBSTAT_NOTFOUND;
    int err = l->txt(l->ctx, name, &record);
    if (err == HY_ETIMEOUT) {
        (void)dkim_sig_seterror(sig, DKIM_SIGERROR_KEYFAIL);
        return DKIM_CBSTAT_TRYAGAIN;
    }
    if (err || record.err || record.len >= size)
        return DKIM_CBSTAT_NOTFOUND;
    memcpy(buf, hy_buf_cstr(&record), record.len + 1);
    return DKIM_CBSTAT_CONTINUE;
}

/* Every line, the last one too, ended by CRLF: libopendkim refuses others, and a body means the
 * same with the CRLF at its end as without (RFC 6376 section 3.4.3). */
static int normalise(struct hy_str message, struct hy_buf *out)
{
    for (size_t i = 0; i < message.n;) {
        size_t lf = hy_str_find(message, '\n', i);
        struct hy_str line = hy_str_slice(message, i, lf);
        i = lf == SIZE_MAX ? message.n : lf + 1;
        if (lf != SIZE_MAX && line.n && line.p[line.n - 1] == '\r')
            line.n--;
        hy_buf_add_str(out, line);
        hy_buf_add_lit(out, "\r\n");
    }
    return out->err;
}

/* What a verdict other than "pass" means for one signature. */
static enum hy_dkim_result result_of(DKIM_SIGINFO *sig)
{
    if ((dkim_sig_getflags(sig) & DKIM_SIGFLAG_PASSED) && dkim_sig_getbh(sig) == DKIM_SIGBH_MATCH)
        return HY_DKIM_PASS;
    switch (dkim_sig_geterror(sig)) {
    case DKIM_SIGERROR_KEYFAIL:
        return HY_DKIM_TEMPERROR;
    case DKIM_SIGERROR_OK:
    case DKIM_SIGERROR_UNKNOWN:
    case DKIM_SIGERROR_BADSIG:
        return HY_DKIM_FAIL;
    default:
        return HY_DKIM_PERMERROR;
    }
}

static const char *reason_of(DKIM_SIGINFO *sig, enum hy_dkim_result result)
{
    if (result == HY_DKIM_PASS)
        return "";
    int error = dkim_sig_geterror(sig);
    if (error == DKIM_SIGERROR_OK || error == DKIM_SIGERROR_UNKNOWN)
        return dkim_sig_getbh(sig) == DKIM_SIGBH_MISMATCH ? "body hash mismatch"
                                                          : "signature mismatch";
    const char *text = dkim_sig_geterrorstr(error);
    return text ? text : "unknown error";
}

/* The value of a numeric tag in seconds, 0 when it is not there. */
static uint64_t time_tag(DKIM_SIGINFO *sig, const char *name)
{
    uint64_t value;
    u_char tag[2] = {(u_char)name[0], 0};
    const char *text = (const char *)dkim_sig_gettagvalue(sig, 0, tag);
    return text && hy_str_to_u64(hy_str_of(text), INT64_MAX, &value) == HY_OK ? value : 0;
}

static bool has_expired(DKIM_SIGINFO *sig, hy_wall_ms now)
{
    const uint64_t expires = time_tag(sig, "x");
    return expires && expires <= (uint64_t)(now / 1000);
}

static void set_text(char *to, size_t size, const void *text)
{
    snprintf(to, size, "%s", text ? (const char *)text : "");
}

static void report_signature(DKIM_SIGINFO *sig, hy_wall_ms now, struct hy_dkim_check_signature *ret)
{
    unsigned bits = 0;
    ret->result = result_of(sig);
    const char *reason = reason_of(sig, ret->result);
    if (ret->result == HY_DKIM_PASS && has_expired(sig, now)) {
        ret->result = HY_DKIM_PERMERROR;
        reason = "signature expired";
    }
    set_text(ret->domain, sizeof ret->domain, dkim_sig_getdomain(sig));
    set_text(ret->selector, sizeof ret->selector, dkim_sig_getselector(sig));
    set_text(ret->algorithm, sizeof ret->algorithm, dkim_sig_getalgorithm(sig));
    set_text(ret->reason, sizeof ret->reason, reason);
    ret->key_bits = dkim_sig_getkeysize(sig, &bits) == DKIM_STAT_OK ? bits : 0;
    const bool has_key = ret->result == HY_DKIM_PASS || ret->result == HY_DKIM_FAIL;
    if (ret->key_bits == 0 && has_key &&
        hy_str_starts(hy_str_of(ret->algorithm), HY_STR("ed25519")))
        ret->key_bits = 256; /* it counts RSA's only */
}

static int rank(enum hy_dkim_result r)
{
    static const int ranks[] = {[HY_DKIM_NONE] = 0,
                                [HY_DKIM_PERMERROR] = 1,
                                [HY_DKIM_FAIL] = 2,
                                [HY_DKIM_TEMPERROR] = 3,
                                [HY_DKIM_PASS] = 4};
    return ranks[r];
}

static void report_all(DKIM *dkim, hy_wall_ms now, struct hy_dkim_report *ret)
{
    DKIM_SIGINFO **sigs;
    int n;
    *ret = (struct hy_dkim_report){.result = HY_DKIM_NONE};
    if (dkim_getsiglist(dkim, &sigs, &n) != DKIM_STAT_OK)
        return;
    for (int i = 0; i < n && ret->n < HY_DKIM_CHECK_SIGNATURES; i++) {
        struct hy_dkim_check_signature *s = &ret->signatures[ret->n++];
        (void)dkim_sig_process(dkim, sigs[i]); /* does nothing to one that was processed */
        report_signature(sigs[i], now, s);
        if (rank(s->result) > rank(ret->result))
            ret->result = s->result;
    }
}

static DKIM_LIB *open_library(void)
{
    DKIM_LIB *lib = dkim_init(NULL, NULL);
    uint64_t drift = ANY_DRIFT_S;
    if (lib && (dkim_set_key_lookup(lib, look_up) != DKIM_STAT_OK ||
                dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof drift) !=
                    DKIM_STAT_OK)) {
        dkim_close(lib);
        return NULL;
    }
    return lib;
}

static int to_err(DKIM_STAT status)
{
    switch (status) {
    case DKIM_STAT_SYNTAX:
        return HY_EPARSE;
    case DKIM_STAT_NORESOURCE:
        return HY_ENOMEM;
    case DKIM_STAT_INTERNAL:
    case DKIM_STAT_INVALID:
        return HY_ECRYPTO;
    default:
        return HY_OK; /* a verdict, or none: the list of signatures tells */
    }
}

/* The message, CRLF throughout, through the verifier. */
static int feed(DKIM *dkim, struct hy_str message)
{
    struct hy_header_field f;
    size_t n = 0;
    for (; hy_header_next(&message, &f); n++) {
        size_t len = hy_str_ends(f.whole, HY_STR("\r\n")) ? f.whole.n - 2 : f.whole.n;
        int err = to_err(dkim_header(dkim, (u_char *)(uintptr_t)f.whole.p, len));
        if (err)
            return err;
    }
    if (n == 0)
        return HY_EPARSE;
    int err = to_err(dkim_eoh(dkim));
    if (err == HY_OK && message.n)
        err = to_err(dkim_body(dkim, (u_char *)(uintptr_t)message.p, message.n));
    if (err == HY_OK)
        err = to_err(dkim_eom(dkim, NULL));
    return err;
}

int hy_dkim_check(struct hy_str message, hy_wall_ms now, hy_dkim_txt_fn *txt, void *ctx,
                  struct hy_dkim_report *ret)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf crlf = HY_BUF_INIT(2 * (size_t)HY_DKIM_CHECK_MESSAGE_MAX);
    struct lookup l = {txt, ctx};
    DKIM_STAT status;
    if (message.n > HY_DKIM_CHECK_MESSAGE_MAX)
        return HY_ELIMIT;
    int err = normalise(message, &crlf);
    if (err)
        return err;
    DKIM_LIB *lib = open_library();
    if (!lib)
        return HY_ENOMEM;
    DKIM *dkim = dkim_verify(lib, (const unsigned char *)"check", NULL, &status);
    if (!dkim) {
        dkim_close(lib);
        return HY_ENOMEM;
    }
    dkim_set_user_context(dkim, &l);
    err = feed(dkim, hy_buf_str(&crlf));
    if (err == HY_OK)
        report_all(dkim, now, ret);
    dkim_free(dkim);
    dkim_close(lib);
    return err;
}
