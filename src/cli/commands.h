/* The commands, one or two a file; commands.c puts them in order. */
#pragma once
#include "cli.h"

extern const struct cli_command cmd_config_check, cmd_config_dump;               /* cmd_config.c */
extern const struct cli_command cmd_reload;                                      /* cmd_reload.c */
extern const struct cli_command cmd_status;                                      /* cmd_status.c */
extern const struct cli_command cmd_import;                                      /* cmd_import.c */
extern const struct cli_command cmd_list_create, cmd_list_show, cmd_list_export; /* cmd_list.c */
extern const struct cli_command cmd_lead_show, cmd_lead_search;                  /* cmd_lead.c */
extern const struct cli_command cmd_lead_create, cmd_lead_set, cmd_lead_tag, cmd_lead_untag,
    cmd_lead_join, cmd_lead_leave; /* cmd_lead_edit.c */
extern const struct cli_command cmd_lead_merge, cmd_lead_unmerge,
    cmd_lead_duplicates;                                          /* cmd_merge.c */
extern const struct cli_command cmd_order_show, cmd_order_report; /* cmd_order.c */
extern const struct cli_command cmd_cart_show, cmd_cart_list;     /* cmd_cart.c */
extern const struct cli_command cmd_order_import;                 /* cmd_order_import.c */
extern const struct cli_command cmd_product_set, cmd_product_show, cmd_product_list,
    cmd_product_delete, cmd_product_export;         /* cmd_product.c */
extern const struct cli_command cmd_product_import; /* cmd_product_import.c */
extern const struct cli_command cmd_lead_consent, cmd_lead_consents, cmd_lead_export,
    cmd_lead_erase;                                                     /* cmd_person.c */
extern const struct cli_command cmd_attribute_list, cmd_attribute_type; /* cmd_attribute.c */
extern const struct cli_command cmd_campaign_create;                    /* cmd_campaign_create.c */
extern const struct cli_command cmd_campaign_start, cmd_campaign_pause, cmd_campaign_resume,
    cmd_campaign_cancel, cmd_campaign_held;                           /* cmd_campaign_run.c */
extern const struct cli_command cmd_campaign_show, cmd_campaign_list; /* cmd_campaign_show.c */
extern const struct cli_command cmd_campaign_report;                  /* cmd_campaign_report.c */
extern const struct cli_command cmd_campaign_watch;                   /* cmd_campaign_watch.c */
extern const struct cli_command cmd_queue;                            /* cmd_queue.c */
extern const struct cli_command cmd_site, cmd_sites;                  /* cmd_sites.c */
extern const struct cli_command cmd_tenant_list, cmd_tenant_show,
    cmd_tenant_report;                                             /* cmd_tenant.c */
extern const struct cli_command cmd_source_list, cmd_source_check; /* cmd_source_*.c */
extern const struct cli_command cmd_explain;                       /* cmd_explain.c */
extern const struct cli_command cmd_audit;                         /* cmd_audit.c */
extern const struct cli_command cmd_backup;                        /* cmd_backup.c */
extern const struct cli_command cmd_dkim_keygen;                   /* cmd_dkim_keygen.c */
extern const struct cli_command cmd_dkim_check;                    /* cmd_dkim_check.c */
extern const struct cli_command cmd_tls_policy, cmd_tls_report;    /* cmd_tls.c */
extern const struct cli_command cmd_completion;                    /* cmd_completion.c */
extern const struct cli_command cmd_password;                      /* cmd_password.c */
extern const struct cli_command cmd_token_create, cmd_token_list,
    cmd_token_revoke; /* cmd_token.c */
extern const struct cli_command cmd_suppress_add, cmd_suppress_remove, cmd_suppress_show,
    cmd_suppress_list; /* cmd_suppress.c */
extern const struct cli_command cmd_template_put, cmd_template_delete, cmd_template_show,
    cmd_template_list;                                                    /* cmd_template.c */
extern const struct cli_command cmd_suppress_import, cmd_suppress_export; /* cmd_suppress_file.c */
extern const struct cli_command cmd_events_endpoints, cmd_events_tail, cmd_events_pause,
    cmd_events_resume, cmd_events_replay;                                 /* cmd_events.c */
extern const struct cli_command cmd_send;                                 /* cmd_send.c */
extern const struct cli_command cmd_intake;                               /* cmd_intake.c */
extern const struct cli_command cmd_man;                                  /* man.c */
extern const struct cli_command cmd_tune;                                 /* cmd_tune.c */
extern const struct cli_command cmd_dkim_cost;                            /* cmd_dkim_cost.c */
extern const struct cli_command cmd_top;                                  /* cmd_top.c */
extern const struct cli_command cmd_metrics_doc;                          /* cmd_metrics_doc.c */
extern const struct cli_command cmd_bounce_parse, cmd_bounce_rules_check; /* cmd_bounce.c */
extern const struct cli_command cmd_reply_classify;                       /* cmd_reply.c */
extern const struct cli_command cmd_company_create, cmd_company_set, cmd_company_show,
    cmd_company_list, cmd_company_add, cmd_company_remove, cmd_company_merge, cmd_company_delete,
    cmd_company_hot;                                                    /* cmd_company.c */
extern const struct cli_command cmd_company_import, cmd_company_export; /* cmd_company_file.c */
extern const struct cli_command cmd_segment_check;                      /* cmd_segment.c */
/* Whether the words are no segment: then all that is wrong was told. JSON is left to the daemon. */
bool cli_segment_is_wrong(struct cli *c, const char *text);
extern const struct cli_command cmd_segment_create, cmd_segment_change, cmd_segment_list,
    cmd_segment_show, cmd_segment_count, cmd_segment_sample, cmd_segment_members,
    cmd_segment_delete, cmd_segment_export;                            /* cmd_segment_store.c */
extern const struct cli_command cmd_score_rules_check;                 /* cmd_score.c */
extern const struct cli_command cmd_score_rules_learn;                 /* cmd_score_learn.c */
extern const struct cli_command cmd_score_explain;                     /* cmd_score_explain.c */
extern const struct cli_command cmd_score_try, cmd_score_apply;        /* cmd_score_try.c */
extern const struct cli_command cmd_score_handoffs;                    /* cmd_score_handoffs.c */
extern const struct cli_command cmd_score_grades, cmd_lead_result;     /* cmd_score_grades.c */
extern const struct cli_command cmd_score_hot, cmd_score_calls;        /* cmd_score_hot.c */
extern const struct cli_command cmd_activity_import, cmd_activity_add; /* cmd_activity.c */
extern const struct cli_command cmd_web_snippet, cmd_web_notice, cmd_web_company; /* cmd_web.c */
extern const struct cli_command cmd_web_visitors; /* cmd_web_visitors.c */
extern const struct cli_command cmd_ua_classify;  /* cmd_ua.c */
extern const struct cli_command cmd_lane_show;    /* cmd_lane_show.c */
extern const struct cli_command cmd_lane_list, cmd_lane_hold, cmd_lane_slow, cmd_lane_release,
    cmd_acts; /* cmd_lane.c */

extern const struct cli_command cmd_queue_list, cmd_queue_retry, cmd_queue_move,
    cmd_queue_purge; /* cmd_queue_rows.c */

/* cmd_campaign_watch.c: follows a campaign until it ends. An exit code. */
int cli_watch(struct cli *c, const char *campaign, double interval_s);
/* cmd_campaign_run.c: the same without showing anything. */
int cli_wait(struct cli *c, const char *campaign);
/* cmd_campaign_show.c */
void cli_print_campaign(struct cli *c, const json_t *campaign);
/* Prints "key  value" lines for every member of an object, nested ones indented. */
void cli_print_object(struct cli *c, const json_t *obj, int indent);
/* The state of a campaign in the person's language. */
const char *cli_state(const struct cli *c, const char *state);

/* waits.c */
enum { CLI_WAITS_MAX = 640 };
/* "outside its hours until Mon 2026-11-23 08:00 Europe/Paris", from the member "waits" of what the
 * daemon says of a campaign; "" = it waits for nothing. */
const char *cli_waits(const struct cli *c, const json_t *waits, char out[CLI_WAITS_MAX]);
/* The state of a campaign, or what it waits for while it should be sent. */
const char *cli_campaign_state(const struct cli *c, const json_t *campaign,
                               char out[CLI_WAITS_MAX]);
