/* A list or a set of leads as CSV, streamed to a file descriptor. */
#pragma once
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/list.h"

struct hy_list_export_options {
    struct hy_list_set lists; /* several: their union, each lead once */
    struct hy_lead_set set;   /* without lists: its leads, by their numbers */
    bool raw; /* leave values that spreadsheets would run as formulas as they are (a ' goes in front
                 otherwise, and the import takes it off again) */
    bool (*is_cancelled)(void *ctx);             /* asked now and then; may be NULL */
    void (*progress)(void *ctx, uint64_t leads); /* now and then; may be NULL */
    void *ctx;
};

/* Writes "email,status,<attributes...>" and one line a lead (of lists domain by domain), with every
 * attribute that exists in the store. Reads in short transactions: leads that come or go meanwhile
 * may be in it or not. Blocks while `fd` does: on a thread of its own. `fd` stays the caller's.
 * HY_EIO, HY_EFULL, HY_ECLOSED (nobody reads the pipe), HY_ECANCELED. */
HY_MUST_USE int hy_list_export(struct hy_env *env, int fd, const struct hy_list_export_options *o,
                               uint64_t *ret_leads);
