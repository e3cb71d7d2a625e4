/* The daemon as its parts see it. Everything here belongs to the main thread, but for what env,
 * writer and deliver say of themselves. Handlers of the control socket get it as their context. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "attempt_log.h"
#include "companies.h"
#include "erasures.h"
#include "hayauma/config/config.h"
#include "hayauma/daemon/control.h"
#include "hayauma/deliver/deliver.h"
#include "hayauma/io/https.h"
#include "hayauma/react/segments.h"
#include "hayauma/store/inflight.h"
#include "hayauma/store/retention.h"
#include "hayauma/store/writer.h"
#include "observer.h"
#include "orders.h"

#include "hayauma/config/tune.h"

struct hy_import_jobs;
struct hy_loop;
struct hy_intake;
struct hy_receive;
struct hy_receive_policy;
struct hy_network;
struct hy_bundle;
struct hy_list_audience;
struct hy_web;
struct hy_web_policy;
struct hy_react;
struct hy_react_policy;
struct segments;
struct hy_track;
struct hy_track_campaign;
struct hy_track_policy;
struct hy_scoring;

/* upkeep.c */
struct upkeep {
    struct hy_trim_job trim;
    atomic_bool is_trimming; /* the writer has the job */
    hy_us next;              /* when to look again */
};

/* tuned.c: how OpenSSL's setting came about. */
struct tuned {
    enum { TUNED_NOT, TUNED_BY_FILE, TUNED_BY_OPERATOR } how;
    struct hy_tune tune; /* TUNED_BY_FILE */
};

/* Threads of commands that read the store: see ctl_common.h. */
enum ctl_job_kind {
    CTL_JOB_LOOK,   /* seconds at most: queue, explain */
    CTL_JOB_WHOLE,  /* as long as the store is large: audit, backup, export */
    CTL_JOB_SEND,   /* messages handed in: they end before delivery does */
    CTL_JOB_ALTER,  /* a person changes the queue */
    CTL_JOB_ACT,    /* orders and acts of a person: a commit each */
    CTL_JOB_INTAKE, /* mail that came back: likewise before delivery */
    CTL_JOB_KINDS,
};

struct hy_daemon {
    const char *config_path;
    struct hy_config *config; /* the newest snapshot */
    struct hy_loop *loop;
    struct hy_env *env;
    struct hy_inflight *inflight;
    struct hy_contacts *contacts;
    struct hy_writer *writer;
    struct hy_https *https;
    struct hy_deliver *deliver;
    struct hy_import_jobs *imports;
    struct hy_receive *receive; /* NULL: nothing is listened for */
    struct hy_web *web;         /* likewise */
    struct hy_track *track;     /* likewise */
    struct hy_hits *hits;       /* likewise */
    struct hy_intake *intake;
    struct hy_receive *intake_receive; /* likewise */
    struct hy_react *react;
    struct segments *segments; /* builds them */
    struct hy_segments_meter segments_meter;
    struct hy_scoring *scoring; /* under plan_lock; NULL: leads have no points */
    atomic_bool is_applying_scores;
    atomic_uint rules_wanted, rules_done; /* new rules of the API, and those in force */
    atomic_int rules_err;                 /* of the last */
    struct hy_events *_Atomic events;     /* NULL: they go nowhere */
    struct upkeep upkeep;
    struct erasures erasures;
    struct companies companies;
    struct observer observer;
    struct orders orders;
    struct tls_sender *tls_sender;
    struct dsn_sender *dsn_sender;
    struct tenant_sender *tenant_sender;
    struct opt_in_sender *opt_in_sender;
    struct handoff_sender *handoff_sender;
    struct maildrop *maildrop;    /* NULL: there is none */
    struct attempt_log *attempts; /* NULL: they are not logged */
    hy_count attempt_lines;
    struct hy_control_server *control;
    struct hy_token_keys tokens;
    struct tuned tuned;
    struct hy_recovery recovery; /* what boot found in the in-flight table */
    hy_wall_ms started;
    bool is_stopping;
    atomic_uint store_jobs[CTL_JOB_KINDS]; /* threads of commands, by kind: ctl_job.c */
    atomic_bool alters_ending;             /* those of CTL_JOB_ALTER end behind their slice */
    struct hy_config *boot_config;         /* as at the start: for keys that want a restart, and for
                                            * the resolver, whose settings point into it */
    struct hy_str *own_names;              /* likewise */
    /* the same config for the feeder, which compiles campaigns: see plan.c */
    pthread_mutex_t plan_lock;
    struct hy_config *plan_config;
};

/* boot.c: the store and what stands on it; undone by daemon_close in any state. */
int daemon_open(struct hy_daemon *d, struct hy_diag *diag);
/* Ends delivery in order within delivery.drain_timeout, then the writer. */
void daemon_stop(struct hy_daemon *d);
void daemon_close(struct hy_daemon *d);
/* Reads the config file anew: all of it, or nothing when anything is wrong. *ret_restart gets the
 * keys that changed but wait for a restart. HY_EINVAL with the problems. */
int daemon_reload(struct hy_daemon *d, struct hy_problems *problems, struct hy_buf *ret_restart);

/* boot.c */
bool daemon_is_loopback(const struct hy_sockaddr *a);

struct hy_resolver_settings;
/* boot.c: how the daemon asks DNS, as at its start; points into the daemon. */
void daemon_dns_settings(const struct hy_daemon *d, struct hy_resolver_settings *s);

/* tenants.c: the newest configuration, with a reference for the caller. Any thread. */
struct hy_config *daemon_config(struct hy_daemon *d);
/* What a tenant is called; one that the configuration does not have any more, its number. Any
 * thread. */
void tenant_name(struct hy_daemon *d, uint32_t number, char ret[HY_TENANT_NAME_MAX + 1]);
/* Under which tenant its suppressions stand. Any thread. */
uint32_t tenant_suppressor(void *daemon, uint32_t number);
/* Whose things a command shows. */
struct tenant_scope {
    bool is_one; /* false: everybody's */
    uint32_t number;
};
/* By argument "tenant", a name or number. HY_ENOTFOUND with a note. Any thread. */
int tenant_scope_arg(struct hy_daemon *d, const json_t *args, struct hy_diag *diag,
                     struct tenant_scope *ret);
static inline bool tenant_scope_has(const struct tenant_scope *s, uint32_t number)
{
    return !s->is_one || s->number == number;
}

/* boot.c: where attempts are logged, by the newest config. */
void daemon_log_attempts(struct hy_daemon *d);

/* submission.c */
/* What receiving goes by; every mistake is a problem. NULL in *ret when nothing is listened for.
 * HY_EINVAL, HY_ENOMEM. */
int submission_policy(const struct hy_daemon *d, struct hy_config *config,
                      struct hy_problems *problems, struct hy_receive_policy **ret);
/* Begins to listen, by d->config. */
int submission_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag);
/* {"connections", ...}; NULL when nothing is listened for. */
json_t *submission_json(const struct hy_daemon *d);
/* Networks as written; *ret, one more than there are texts, is the caller's. HY_EINVAL with a note,
 * HY_ENOMEM. */
int daemon_networks(const struct hy_strings *texts, struct hy_network **ret, struct hy_diag *diag);
/* Notes what is wrong with a key: `diag`, or else the error. HY_EINVAL. */
int daemon_config_fault(const struct hy_config *c, struct hy_problems *problems, const char *key,
                        int err, const struct hy_diag *diag);
int daemon_utc_offset_min(void); /* of this moment */

/* api.c: the same for the HTTP API. */
int api_policy(struct hy_config *config, struct hy_problems *problems, struct hy_web_policy **ret);
int api_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag);
json_t *api_json(const struct hy_daemon *d);

/* tracking.c: the same for browsers. */
int tracking_policy(struct hy_config *config, struct hy_problems *problems,
                    struct hy_track_policy **ret);
int tracking_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag);
/* Answers nobody any more, and carries into the store what was noted. While the writer runs; the
 * journal itself is closed with the daemon. */
void tracking_close(struct hy_daemon *d);
json_t *tracking_json(const struct hy_daemon *d);

/* intake.c */
/* What the listeners of intake go by; as submission_policy. */
int intake_policy(const struct hy_daemon *d, const struct hy_config *c,
                  struct hy_problems *problems, struct hy_receive_policy **ret);
/* Begins to read, and to listen, by d->config. */
int intake_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag);
/* A new configuration; the reference to `policy` is taken. */
void intake_reload(struct hy_daemon *d, const struct hy_config *c,
                   struct hy_receive_policy *policy);
/* Takes nothing more by SMTP; then, when no command brings any either, reads what waits and ends.
 * While the writer runs. */
void intake_close(struct hy_daemon *d);
void intake_stop(struct hy_daemon *d);
/* {"bounce", "complaint", ..., "known", "suppressed", ...}: mails since the start. */
json_t *intake_json(const struct hy_daemon *d);

/* suppression.c */
/* The rules that a config has for the suppression list are in force from now on. Main thread. */
void suppression_apply(struct hy_daemon *d, const struct hy_config *c);
/* Takes away what has expired; at the writer's pace. Main thread. */
void suppression_sweep(struct hy_daemon *d);

/* events.c */
/* Where events go, with the secrets of webhooks; every mistake is a problem. HY_EINVAL, HY_ENOMEM.
 */
int events_policy(struct hy_config *config, struct hy_problems *problems,
                  struct hy_events_policy **ret);
/* From now on by this policy, whose reference is taken. */
int events_apply(struct hy_daemon *d, struct hy_events_policy *policy, struct hy_diag *diag);

/* segments.c: a thread that builds segments which are to be built; it ends behind what it is at. */
int segments_start(struct hy_daemon *d, struct hy_diag *diag);
void segments_stop(struct hy_daemon *d); /* while the writer runs */
/* What is true of leads by the newest rules: the caller frees both. */
struct segments_ground {
    struct hy_scoring *scoring; /* NULL: leads have no points */
    struct hy_zone *zone;
    struct hy_facts_options facts;
};
void segments_ground(struct hy_daemon *d, struct segments_ground *ret);
void segments_ground_free(struct segments_ground *g);

/* reaction.c */
/* How activities are judged and what follows from them, with the rules of scores that `config`
 * names (*ret_scoring: a reference to them, NULL: there are none). HY_EINVAL, noted; HY_ENOMEM. */
int reaction_policy(struct hy_daemon *d, struct hy_config *config, struct hy_problems *problems,
                    struct hy_scoring **ret_scoring, struct hy_react_policy **ret);
/* Begins to follow them, by d->config. */
int reaction_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag);
/* From now on by these; the references are taken. Main thread. */
void reaction_reload(struct hy_daemon *d, struct hy_scoring *scoring,
                     struct hy_react_policy *policy);
/* The rules of scores with a reference for the caller; NULL: there are none. Any thread. */
struct hy_scoring *daemon_scoring(struct hy_daemon *d);

/* tuned.c: sees to it that libcrypto runs with the best known setting; executes the program anew
 * when it must. `argv` is main's. Before any thread, descriptor or state. */
void tuned_apply(const struct hy_config *config, char **argv, struct tuned *ret);
/* Its name, or what the operator's environment says. */
const char *tuned_setting(const struct tuned *t);

/* policy.c: from a config to what delivery works by. */
int policy_make(const struct hy_daemon *d, struct hy_config *config, struct hy_problems *problems,
                struct hy_deliver_policy **ret);

/* policy_sources.c: its sources and pools, in `arena`. HY_ENOMEM. */
int policy_set_sources(const struct hy_config *c, struct hy_arena *arena,
                       struct hy_problems *problems, struct hy_deliver_policy *p);
/* policy_tenants.c: its tenants in `arena`, and the sets of keys of all, made of `keys`, which are
 * those of the config in its order. HY_EINVAL, HY_EEXIST, HY_ELIMIT, noted; HY_ENOMEM. */
int policy_set_tenants(const struct hy_config *c, struct hy_dkim_key *const *keys,
                       struct hy_arena *arena, struct hy_problems *problems,
                       struct hy_deliver_policy *p);
/* Before the arena goes. */
void policy_free_sources(struct hy_deliver_policy *p);
/* policy.c: reads a file; errors as below, but HY_EAUTH. */
int policy_read_file(const char *path, const char *what, struct hy_buf *out, struct hy_diag *diag);
/* policy.c: reads a file that nobody but its owner and group may read; `what` it should be, for
 * people. HY_EIO, HY_EAUTH, HY_EINVAL (no file, or as long as out->max), HY_ENOMEM; noted. */
int policy_read_secret(const char *path, const char *what, struct hy_buf *out,
                       struct hy_diag *diag);
void policy_wipe(struct hy_buf *b);

/* plan.c: from a stored campaign to a compiled message; hy_deliver_load_fn, feeder thread. Also
 * what campaign.create checks with: `bundle` as stored. */
int plan_load(void *daemon, struct hy_txn *t, const struct hy_campaign *c, struct hy_diag *diag,
              struct hy_deliver_plan *ret);
/* plan.c: what browsers ask of a campaign; hy_track_load_fn. */
int plan_track(void *daemon, struct hy_txn *t, hy_id campaign, struct hy_track_campaign *ret);
/* What a stored campaign says of where from and when, without compiling it. */
struct plan_look {
    char pool[64]; /* "" = none named */
    char segment[129], exclude[129];
    bool is_pool_missing;
    struct hy_hours hours;
    char time_zone[HY_ZONE_NAME_MAX + 1]; /* of the hours */
    bool is_by_lead;
};
/* What hy_campaign_bundle and hy_bundle_decode fail with. Any thread. */
HY_MUST_USE int plan_look(struct hy_daemon *d, struct hy_txn *t, hy_id campaign,
                          struct plan_look *ret);
/* Whom it goes to: its lists, of them those in its segment and not in the one it leaves out;
 * without lists everybody in the segment who does not wait for a confirmation; and who asks the
 * suppression list. The caller frees *ret (hy_list_audience_free). As above; HY_ENOTFOUND, HY_EBUSY
 * with a note: a segment is not there, or not found yet. */
HY_MUST_USE int plan_audience(struct hy_daemon *d, struct hy_txn *t, const struct hy_campaign *c,
                              struct hy_list_audience *ret, struct hy_diag *diag);
enum hy_stream plan_stream(enum hy_priority p);
/* "segment" and "exclude" of those that it names: {"name", "state", "leads"}; one that is not there
 * is "missing". */
void plan_segments_json(struct hy_txn *t, const struct plan_look *l, json_t *o);
/* The segments that a bundle names, as of plan_audience; they may still be being built. */
HY_MUST_USE int plan_segments(struct hy_txn *t, const struct hy_bundle *b, struct hy_diag *diag);
/* What does not keep a campaign from being sent, but should be known before. */
struct plan_findings {
    struct hy_buf unknown; /* names of variables that nobody has, "a, b"; they render as absent */
    char unsigned_domain[HY_DOMAIN_MAX + 1]; /* From's, when no key signs for it */
    uint32_t tenant;                         /* whose campaign it is */
};
/* Compiles a bundle for a look only: errors in its templates, missing keys. `stored`: as which
 * campaign; NULL: it is not made yet. `found` is untouched
 * but for its buffer when that fails. Any thread. */
int plan_check(struct hy_daemon *d, struct hy_txn *t, struct hy_str bundle,
               const struct hy_campaign *stored, struct hy_diag *diag, struct plan_findings *found);

/* brakes.c */
/* The hours of a bulk campaign: its own, or those of the configuration. */
void brakes_hours(const struct hy_bundle *b, const struct hy_config *c, struct hy_hours *ret);
/* Fills the brakes of a plan from its campaign and the configuration. HY_EINVAL with the reason,
 * HY_ENOMEM; what it made is in `plan` all the same. Feeder or main thread. */
int brakes_fill(const struct hy_bundle *b, const struct hy_config *c, struct hy_txn *t,
                struct hy_deliver_plan *plan, struct hy_diag *diag);
/* Pauses a campaign with the reason: what delivery calls. Any thread. */
void brakes_on_surge(void *daemon, hy_id campaign, enum hy_surge_of of,
                     const struct hy_surge_view *view);
/* Something bad came back about a campaign: what intake calls. Any thread. */
void brakes_on_unsendable(void *daemon, hy_id campaign, const char *why);
void brakes_on_returned(void *daemon, hy_id campaign, bool is_complaint, hy_wall_ms sent);
/* Holds a scheduled campaign that is too late by campaign.stale_after; false: it is not. Main
 * thread. */
bool brakes_hold_stale(struct hy_daemon *d, hy_id campaign, hy_wall_ms start_at);

/* campaign_jobs.c: the long jobs of campaigns: making rows, sweeping. */
/* Starts what the stored state of a campaign asks for: making rows (QUEUEING), sweeping
 * (CANCELLED). Main thread. */
int jobs_start(struct hy_daemon *d, hy_id campaign, struct hy_diag *diag);
/* For every campaign, at boot. */
int jobs_start_all(struct hy_daemon *d, struct hy_diag *diag);
/* Moves a campaign and waits for the commit. HY_EINVAL when that may not follow. */
int campaign_move(struct hy_daemon *d, hy_id campaign, enum hy_campaign_state to);
/* Campaigns whose start_at has come; called every second. */
void jobs_start_scheduled(struct hy_daemon *d);

/* upkeep.c: what is done now and then. */
/* At boot: goes on with dropping campaigns that a stop interrupted. */
int upkeep_start(struct hy_daemon *d, struct hy_diag *diag);
/* Every second: trims the log of attempts when it is time. */
void upkeep_tick(struct hy_daemon *d);

/* ctl_tables.c: all of these, NULL-terminated. */
const struct hy_control_command *const *ctl_tables(void);
/* The command tables of the control socket, one a file. */
extern const struct hy_control_command ctl_campaign_run_commands[]; /* start pause resume cancel */
extern const struct hy_control_command ctl_campaign_commands[];     /* create list show */
extern const struct hy_control_command ctl_list_commands[];         /* list.list list.show */
extern const struct hy_control_command ctl_lead_commands[]; /* lead.*, attribute.*, list.create */
extern const struct hy_control_command ctl_explain_commands[];        /* explain */
extern const struct hy_control_command ctl_events_commands[];         /* events.* */
extern const struct hy_control_command ctl_queue_commands[];          /* queue */
extern const struct hy_control_command ctl_message_commands[];        /* message.send */
extern const struct hy_control_command ctl_person_commands[];         /* lead.consent export ... */
extern const struct hy_control_command ctl_merge_commands[];          /* lead.merge ... */
extern const struct hy_control_command ctl_order_commands[];          /* order.show */
extern const struct hy_control_command ctl_erase_commands[];          /* lead.erase */
extern const struct hy_control_command ctl_intake_commands[];         /* intake */
extern const struct hy_control_command ctl_report_commands[];         /* campaign.report */
extern const struct hy_control_command ctl_rows_commands[];           /* queue.list */
extern const struct hy_control_command ctl_alter_commands[];          /* queue.retry move purge */
extern const struct hy_control_command ctl_score_commands[];          /* score.* */
extern const struct hy_control_command ctl_score_learn_commands[];    /* score.learn */
extern const struct hy_control_command ctl_score_try_commands[];      /* score.try score.apply */
extern const struct hy_control_command ctl_company_commands[];        /* company.* */
extern const struct hy_control_command ctl_company_import_commands[]; /* company.import */
extern const struct hy_control_command ctl_company_export_commands[]; /* company.export */
extern const struct hy_control_command ctl_segment_commands[];        /* segment.* */
extern const struct hy_control_command ctl_web_commands[];            /* web.* */
extern const struct hy_control_command ctl_store_commands[];          /* audit backup list.export */
extern const struct hy_control_command ctl_site_commands[];           /* site */
extern const struct hy_control_command ctl_source_commands[];         /* source.list */
extern const struct hy_control_command ctl_template_commands[];       /* template.put ... */
extern const struct hy_control_command ctl_tenant_commands[];         /* tenant.list */
extern const struct hy_control_command ctl_tenant_report_commands[];  /* tenant.report */
extern const struct hy_control_command ctl_status_commands[];         /* status, sites, reload */
extern const struct hy_control_command ctl_top_commands[];            /* top */
extern const struct hy_control_command ctl_lane_commands[];           /* lane.*, acts */
extern const struct hy_control_command ctl_lane_show_commands[];      /* lane.show */
extern const struct hy_control_command ctl_tls_commands[];            /* tls.policy tls.report */
extern const struct hy_control_command ctl_suppress_commands[];       /* suppress.add remove ... */
extern const struct hy_control_command ctl_suppress_import_commands[],
    ctl_suppress_export_commands[];
extern const struct hy_control_command ctl_import_commands[];          /* import */
extern const struct hy_control_command ctl_cart_commands[];            /* cart.show list */
extern const struct hy_control_command ctl_product_commands[];         /* product.* */
extern const struct hy_control_command ctl_product_import_commands[];  /* product.import */
extern const struct hy_control_command ctl_order_import_commands[];    /* order.import */
extern const struct hy_control_command ctl_activity_import_commands[]; /* activity.import */
extern const struct hy_control_command ctl_activity_commands[];        /* activity.add */
