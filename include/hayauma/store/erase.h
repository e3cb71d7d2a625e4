/* Erasing one person: a long job of the writer, step by step, after which nothing in the store (nor
 * in the file that it lies in) names the person. What stays: a hash on the suppression list, so
 * that no later import mails to it again; the lead's number, which is never given again; and
 * numbers without a person: rows of campaigns, counts, ledgers.
 *
 * A job that was interrupted goes on where its last commit left it. */
#pragma once
#include "hayauma/store/contacts.h"
#include "hayauma/store/writer.h"

enum { HY_ERASE_BY_MAX = 64 };

struct hy_erasure {
    hy_lead_no lead;
    hy_wall_ms started, finished; /* finished 0: it goes on */
    uint64_t cancelled;           /* rows that were to be sent */
    uint64_t attempts;            /* whose words were taken away */
    uint64_t activities;          /* deleted */
    uint64_t messages;            /* ready ones that went to the person */
    uint64_t masked;              /* other records in which an address stood */
    uint64_t zeroed;              /* bytes of the file overwritten */
    struct hy_str by;             /* who asked for it */
};

/* What is known of an erasure; strings are views. HY_ENOTFOUND: the lead was never erased. Any
 * thread with a transaction. */
HY_MUST_USE int hy_erasure_get(struct hy_txn *t, hy_lead_no lead, struct hy_erasure *ret);
/* The first with a number > `after` that goes on. HY_ENOTFOUND. */
HY_MUST_USE int hy_erasure_next_open(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret);

/* How often an erasure began since the store was opened: another number than before means that
 * hy_erasure_next_open has something to find. Any thread. */
uint32_t hy_erasures_begun(const struct hy_env *env);

struct hy_erase_job {
    struct hy_write_req req; /* first; done is the caller's: 0: nothing is left; HY_ENOTFOUND: there
                                is no such lead; HY_EBUSY: it is erased, but an older snapshot is
                                being read (by a backup, an audit): submit it again later */
    hy_lead_no lead;         /* 0: all that are open */
    struct hy_str by;        /* lives until done */
    struct hy_contacts *contacts; /* NULL: there is none */
    bool only_begins; /* done when nothing more is sent to the person: others go on from there */
};
/* `lead` 0: goes on with all that have begun, in one go over the file for all of them: their
 * records are deleted first, one person after the other. */
void hy_erase_job_init(struct hy_erase_job *j, hy_lead_no lead, struct hy_str by);

/* The addresses of a person, each once, to look for what is left afterwards. As many as it has: a
 * person can always be erased. Zeroed is none; freed by hy_erase_names_free, which zeroes them. */
struct hy_erase_names {
    char (*address)[HY_ADDRESS_MAX + 1];
    size_t n, cap;
};
void hy_erase_names_free(struct hy_erase_names *names);
/* One more; empty ones and those that are in it are passed over. HY_ENOMEM. */
HY_MUST_USE int hy_erase_names_add(struct hy_erase_names *names, struct hy_str address);
/* Its own and further ones, and those of all that was merged into it; `ret` is zeroed before.
 * HY_ENOTFOUND, HY_ENOMEM. */
HY_MUST_USE int hy_erase_names(struct hy_txn *t, hy_lead_no lead, struct hy_erase_names *ret);
/* How often any of them stands in the file of the store. Reads the whole file, once for each: not
 * the writer. */
HY_MUST_USE int hy_erase_left(struct hy_txn *t, const struct hy_erase_names *names,
                              uint64_t *ret_n);
