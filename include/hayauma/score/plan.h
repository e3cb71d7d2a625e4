/* A plan of scoring: the rules, and what their points are for. */
#pragma once
#include "hayauma/score/score.h"

enum {
    HY_SCORE_THRESHOLDS_MAX = 16,
    HY_SCORE_LEVELS_MAX = 16,
    HY_SCORE_HANDOFFS_MAX = 16,
    HY_SCORE_OWNERS_MAX = 256,
};

struct hy_score_group {
    struct hy_str name;
    uint32_t half_life_s; /* of its rules that say none; 0: for ever */
};

/* The letters of a group: A from 60 points, B from 30 ... in descending order. */
struct hy_score_grades {
    uint16_t group;
    struct hy_str names[HY_SCORE_LEVELS_MAX];
    int32_t levels[HY_SCORE_LEVELS_MAX];
    size_t n;
};

/* To whom a lead goes that enters a threshold. Either a person by mail or a system by HTTPS. */
struct hy_score_handoff {
    struct hy_str name;
    uint16_t threshold;
    const struct hy_str *owners; /* mail addresses: who takes leads without an owner, in turn */
    size_t n_owners;             /* 0: it goes to `url` */
    bool is_japanese;            /* the mail */
    const char *url;
    const char *method;        /* "POST", "PATCH", "PUT" */
    const char *const *fields; /* "Name: value" of the request, ended by NULL */
    const char *token_file;    /* sent as a bearer token; "": none */
    struct hy_str body;        /* JSON with {{names}} in its texts; empty: all of it */
    const char *ca_file;       /* ""; the system's */
    bool allows_private;       /* addresses of this machine and of private networks */
};

/* Immutable: any thread. */
struct hy_score_plan {
    const struct hy_score_group *groups;
    size_t n_groups;
    const struct hy_score_rule *rules; /* by their order in the file */
    size_t n_rules;
    const struct hy_score_threshold *thresholds; /* on all groups together */
    size_t n_thresholds;
    const struct hy_score_grades *grades; /* one a group at most */
    size_t n_grades;
    const struct hy_score_handoff *handoffs;
    size_t n_handoffs;
};

/* Tells whether two plans give the same points for the same, and have the same thresholds. */
uint64_t hy_score_plan_print(const struct hy_score_plan *p);
