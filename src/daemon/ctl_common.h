/* What handlers of the control socket share. Main thread. */
#pragma once
#include "daemon.h"

/* The campaign that argument "campaign" names, by id or by name. HY_ENOTFOUND with a note. */
int ctl_campaign_arg(struct hy_daemon *d, struct hy_control_call *call, hy_id *ret,
                     struct hy_diag *diag);
/* The list that argument "list" names, by `t`. HY_ENOTFOUND with a note. */
int ctl_list_arg(struct hy_txn *t, struct hy_control_call *call, hy_list_no *ret,
                 const char **ret_name, struct hy_diag *diag);
/* Text from outside. What a line of the control protocol cannot carry is shown instead: a zero byte
 * as U+FFFD, bytes that are not UTF-8 as a note. */
json_t *ctl_text_json(struct hy_str s);
void ctl_set_count(json_t *o, const char *key, uint64_t n);
/* What keeps the whole campaign from being sent now: {"for","why","until","until_local",
 * "time_zone"}, for = start, resume, hours, trouble or restart; null: nothing. */
json_t *ctl_waits_json(struct hy_daemon *d, const struct hy_campaign *c);
/* {"id","name","state","queued","delivered","bounced","expired","suppressed","cancelled","fresh",
 * "deferred","held","pending","attempts",...}; NULL when out of memory. */
json_t *ctl_campaign_json(struct hy_daemon *d, const struct hy_campaign *c,
                          const struct hy_campaign_progress *p);
/* The same read from the store. */
int ctl_campaign_read(struct hy_daemon *d, hy_id id, json_t **ret, struct hy_diag *diag);
/* One lane as `sites` and `site` tell it; ctl_status.c */
struct hy_lane_report;
json_t *ctl_lane_json(const struct hy_lane_report *l);
/* The same in full; ctl_lane_show.c */
json_t *ctl_lane_detail_json(const struct hy_lane_report *l);
/* Those of `all` orders (orders_json) that concern the site of a domain, and a source ("" = any),
 * by reference; ctl_lane_show.c */
struct hy_site_report;
json_t *ctl_orders_at(const struct hy_site_report *r, const char *domain, const char *source,
                      const json_t *all);
/* The lanes that mail to a domain goes by now, each in full: why it waits. Asks delivery, and waits
 * for the answer: not the main thread. Empty when there is none, or no way; ctl_lanes_of.c */
json_t *ctl_lanes_of(struct hy_daemon *d, const char *domain);
/* Where a source stands with a provider; ctl_source.c */
struct hy_warm_report;
json_t *ctl_warm_json(const struct hy_warm_report *w);
/* [{"file","line","column","warning","text"}]; ctl_status.c */
json_t *ctl_problems_json(const struct hy_problems *problems);

/* Runs `run(arg)` on a thread, without a call. HY_EBUSY: there are too many of that kind;
 * HY_ENOMEM: no thread is to be had: `arg` is still the caller's. ctl_job.c */
HY_MUST_USE int ctl_job_run(struct hy_daemon *d, enum ctl_job_kind kind, void (*run)(void *arg),
                            void *arg);
/* ctl_job.c: commands whose work grows with the store have a thread of their own, so that the main
 * thread, with the control socket and the watchdog, waits for none of them. */
/* Runs `run(arg)` on a thread; it finishes the call and frees `arg`. False when there are too many
 * of that kind or no thread is to be had: then the call has been failed and `arg` is still the
 * caller's. Main thread; the daemon ends only when all have ended. */
HY_MUST_USE bool ctl_job_start(struct hy_daemon *d, struct hy_control_call *call,
                               enum ctl_job_kind kind, void (*run)(void *arg), void *arg);
/* The same for an act of a person: it may wait for commits and for directories of users, and
 * finishes the call in any case. */
void ctl_act_start(struct hy_daemon *d, struct hy_control_call *call,
                   void (*act)(struct hy_daemon *d, struct hy_control_call *call));

/* A command that answers with one object, on a thread of its own. */
struct ctl_task {
    struct hy_daemon *d;
    struct hy_control_call *call;
    const json_t *args;
    int fd;        /* the first descriptor that came with the call, the task's; -1: none */
    char user[65]; /* who asked; "" when it has no name */
    int (*run)(struct ctl_task *k, json_t *o, struct hy_diag *diag);
};
/* Starts one. `run` fills `o`, which becomes the answer, or gives an error with its note: the call
 * is finished in any case. Main thread. */
void ctl_task_start(struct hy_control_call *call, struct hy_daemon *d, enum ctl_job_kind kind,
                    int (*run)(struct ctl_task *k, json_t *o, struct hy_diag *diag));
/* Whether who asked has gone: `task` is a struct ctl_task. */
bool ctl_task_is_cancelled(void *task);
