/* Intake: mail that came back is read and noted in the store. One thread reads (bounce/report.h),
 * the writer notes (store/returned.h); both bounce mail of a listener and of 'hayauma intake' take
 * this way. A mail is answered for when it is durable. */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/arena.h"
#include "hayauma/bounce/report.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/store/returned.h"

struct hy_intake;

enum {
    HY_INTAKE_WAITING_MAX = 4096, /* mails that wait to be read */
    HY_INTAKE_TO_MAX = 64,        /* recipients of a mail that are looked at */
};

/* Rules of bounces with what they stand on; `release` frees it when they are not used any more. */
struct hy_intake_rules {
    const struct hy_bounce_rules *rules;
    void (*release)(void *owner);
    void *owner;
};

/* What became of a mail. */
enum hy_intake_result {
    HY_INTAKE_NOTED = 0,
    HY_INTAKE_NOT_OURS, /* it names nobody that we wrote to */
    HY_INTAKE_KNOWN,    /* it came before */
    HY_INTAKE_FAILED,   /* it could not be read or stored: whoever brought it tries again */
    HY_INTAKE_RESULTS,
};
const char *hy_intake_result_name(enum hy_intake_result r); /* "noted", "not_for_us" ... */
enum { HY_INTAKE_KINDS = HY_BOUNCE_KIND_OTHER + 1 };

/* Since start; any thread. */
struct hy_intake_counters {
    _Atomic uint64_t mails[HY_INTAKE_RESULTS][HY_INTAKE_KINDS]; /* by hy_bounce_kind; [0]: unread */
    _Atomic uint64_t activities, suppressed;
    atomic_uint waiting; /* now: given, and not done */
};

struct hy_intake_settings {
    struct hy_writer *writer;
    const struct hy_token_keys *tokens; /* outlive it */
    /* A hard bounce or a complaint about a mail of a campaign, `sent` then (0: not known), was
     * noted. May be NULL. The writer's thread. */
    void (*on_bad)(void *ctx, hy_id campaign, bool is_complaint, hy_wall_ms sent);
    /* See hy_returned. May be NULL. The writer's thread. */
    uint32_t (*suppressor)(void *ctx, uint32_t tenant);
    void *ctx;
};
/* Takes over `rules`, also on failure. HY_ENOMEM, HY_EIO. */
HY_MUST_USE int hy_intake_start(const struct hy_intake_settings *settings,
                                struct hy_intake_rules rules, struct hy_intake **ret);
/* Mails from now on are read by these. Any thread. */
void hy_intake_set_rules(struct hy_intake *in, struct hy_intake_rules rules);
/* Reads what waits, ends and frees; while the writer runs. Nobody may give it mails any more. NULL
 * is fine. */
void hy_intake_stop(struct hy_intake *in);
const struct hy_intake_counters *hy_intake_counters_of(const struct hy_intake *in);

/* One mail, embedded in the caller's object, which must live until `done`. */
struct hy_intake_mail {
    struct hy_msg msg;                  /* private */
    struct hy_str content;              /* as it came; what lies behind the first MiB is not read */
    struct hy_str to[HY_INTAKE_TO_MAX]; /* to whom, by its envelope; empty ones are passed over */
    size_t n_to;
    bool is_believed; /* see hy_returned */
    /* Once. 0: it is durable. HY_EFULL, HY_EIO, HY_ENOMEM, HY_EBUSY, HY_ECLOSED: try later. The
     * writer's thread, or that of intake: must be short. */
    void (*done)(struct hy_intake_mail *m, int err);
    /* what became of it */
    enum hy_bounce_kind kind;
    struct hy_returned_job job;
    /* private */
    struct hy_intake *in;
    struct hy_arena arena;
};
/* Any thread. 0: `done` will be called. HY_EBUSY: too many wait; HY_ECLOSED: it will not. */
HY_MUST_USE int hy_intake_give(struct hy_intake *in, struct hy_intake_mail *m);

/* ---- who may be written to ---- */

/* The addresses of intake; everything else is refused. Immutable. */
struct hy_intake_addresses {
    struct hy_str prefix,
        domain;                  /* return paths are PREFIX+TOKEN@DOMAIN; no prefix: TOKEN@DOMAIN */
    const struct hy_str *others; /* wire form: complaints, unsubscribes, answers */
    size_t n_others;
    const struct hy_token_keys *tokens;
};
/* `address` in wire form. A return path counts only with a token that is ours. Any thread. */
bool hy_intake_accepts(const struct hy_intake_addresses *a, struct hy_str address);
