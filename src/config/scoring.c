/* conf/scoring.yaml: groups, rules, thresholds and grades, read by a schema and made into a plan.
 */
#include "hayauma/config/scoring.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "hayauma/config/config.h"
#include "scoring_priv.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

#define SEC  1000000LL
#define DAY  (86400 * SEC)
#define YEAR (366 * DAY)

struct raw_group {
    const char *name;
    hy_us half_life_us;
};

struct raw_rule {
    const char *name, *on, *when, *points, *group, *at_most, *half_life;
    int counts;
};

struct raw_threshold {
    const char *name;
    uint32_t from, until;
    hy_us again_after_us;
};

struct raw_grades {
    const char *group;
    struct hy_pairs levels;
};

struct raw {
    struct {
        const struct raw_group *items;
        size_t n;
    } groups;
    struct {
        const struct raw_rule *items;
        size_t n;
    } rules;
    struct {
        const struct raw_threshold *items;
        size_t n;
    } thresholds;
    struct {
        const struct raw_grades *items;
        size_t n;
    } grades;
    struct {
        const struct raw_handoff *items;
        size_t n;
    } handoffs;
};

/* -- what may be written -------------------------------------------------------------------- */

#define G(field) SCHEMA_FIELD(struct raw_group, field)
static const struct schema_row group_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, G(name), .max = HY_SCORE_NAME_MAX,
     .doc = "What rules and grades call it."},
    {"half_life", SCHEMA_DURATION, 0, G(half_life_us), 60 * SEC, 100 * YEAR, "forever",
     .zero = "forever", .doc = "Points are worth half after this time."},
};
static const struct schema group_schema = {group_rows, sizeof group_rows / sizeof *group_rows,
                                           sizeof(struct raw_group), NULL};

enum { EACH, FIRST };
static const struct schema_name counts[] = {{"each", EACH}, {"first", FIRST}, {0}};
#define R(field) SCHEMA_FIELD(struct raw_rule, field)
static const struct schema_row rule_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, R(name), .max = HY_SCORE_NAME_MAX,
     .doc = "What explanations call it; of one rule only."},
    {"on", SCHEMA_STRING, 0, R(on), .max = HY_SEGMENT_TEXT_MAX,
     .doc = "An activity, as in clicked(url: \"*/pricing*\"): points for each."},
    {"when", SCHEMA_STRING, 0, R(when), .max = HY_SEGMENT_TEXT_MAX,
     .doc = "A segment: points while it is true of the lead."},
    {"points", SCHEMA_STRING, SCHEMA_REQUIRED, R(points), .max = 16,
     .doc = "A whole number, not 0; bad ones have a minus."},
    {"group", SCHEMA_STRING, SCHEMA_REQUIRED, R(group), .max = HY_SCORE_NAME_MAX,
     .doc = "Whose points they are."},
    {"counts", SCHEMA_ENUM, 0, R(counts), .names = counts, .def = "each",
     .doc = "Whether each activity counts or the first only."},
    {"at_most", SCHEMA_STRING, 0, R(at_most), .max = 64,
     .doc = "So many points of this rule in a time, as in 9 per 1d."},
    {"half_life", SCHEMA_STRING, 0, R(half_life), .max = 32,
     .doc = "Other than the group's: a time, or forever."},
};
static const struct schema rule_schema = {rule_rows, sizeof rule_rows / sizeof *rule_rows,
                                          sizeof(struct raw_rule), NULL};

#define T(field) SCHEMA_FIELD(struct raw_threshold, field)
static const struct schema_row threshold_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, T(name), .max = HY_SCORE_NAME_MAX,
     .doc = "What lists and events call it."},
    {"from", SCHEMA_INT, SCHEMA_REQUIRED, T(from), 1, HY_SCORE_POINTS_MAX,
     .doc = "A lead enters at so many points of all groups."},
    {"until", SCHEMA_INT, SCHEMA_REQUIRED, T(until), 1, HY_SCORE_POINTS_MAX,
     .doc = "It leaves below so many."},
    {"again_after", SCHEMA_DURATION, 0, T(again_after_us), 0, 10 * YEAR, "30d",
     .doc = "One that enters again within this time is not handed over again."},
};
static const struct schema threshold_schema = {threshold_rows,
                                               sizeof threshold_rows / sizeof *threshold_rows,
                                               sizeof(struct raw_threshold), NULL};

#define L(field) SCHEMA_FIELD(struct raw_grades, field)
static const struct schema_row grade_rows[] = {
    {"group", SCHEMA_STRING, SCHEMA_REQUIRED, L(group), .max = HY_SCORE_NAME_MAX,
     .doc = "Whose points have letters."},
    {"levels", SCHEMA_PAIRS, SCHEMA_REQUIRED, L(levels), .max = HY_SCORE_LEVELS_MAX,
     .doc = "Letters with the points they begin at, the highest first."},
};
static const struct schema grade_schema = {grade_rows, sizeof grade_rows / sizeof *grade_rows,
                                           sizeof(struct raw_grades), NULL};

#define F(field) SCHEMA_FIELD(struct raw, field)
static const struct schema_row rows[] = {
    {"groups", SCHEMA_LIST, SCHEMA_REQUIRED, F(groups), .max = HY_SCORE_GROUPS_MAX,
     .items = &group_schema, .doc = "Points are counted by group: fit, engagement."},
    {"rules", SCHEMA_LIST, 0, F(rules), .max = HY_SCORE_RULES_MAX, .items = &rule_schema,
     .doc = "What gives points."},
    {"thresholds", SCHEMA_LIST, 0, F(thresholds), .max = HY_SCORE_THRESHOLDS_MAX,
     .items = &threshold_schema, .doc = "Where a lead becomes hot, and cools down."},
    {"grades", SCHEMA_LIST, 0, F(grades), .max = HY_SCORE_GROUPS_MAX, .items = &grade_schema,
     .doc = "Letters for the points of a group."},
    {"handoffs", SCHEMA_LIST, 0, F(handoffs), .max = HY_SCORE_HANDOFFS_MAX,
     .items = &scoring_handoff_schema, .doc = "Who is told of leads that enter a threshold."},
};
static const struct schema schema = {rows, sizeof rows / sizeof *rows, sizeof(struct raw), NULL};

/* -- the plan ------------------------------------------------------------------------------- */

struct hy_scoring {
    atomic_uint refs;
    struct hy_arena arena;
    struct hy_score_plan plan;
};

struct maker {
    struct schema_ctx x;
    const struct yaml_node *root;
    struct raw raw;
    struct hy_score_plan plan;
};

/* The section of an item. */
static const struct yaml_node *item_of(const struct maker *m, const char *list, size_t i)
{
    const struct yaml_node *n = yaml_find(m->root, list);
    return n->kind == YAML_LIST && i < n->n ? n->entries[i].value : n;
}

/* A whole number, with a sign; false: noted. */
static bool points_of(const struct maker *m, const struct yaml_node *at, const char *key,
                      struct hy_str text, int32_t *ret)
{
    bool is_negative = hy_str_starts(text, HY_STR("-"));
    uint64_t n;
    if (hy_str_to_u64(hy_str_slice(text, is_negative, text.n), HY_SCORE_POINTS_MAX, &n) != HY_OK) {
        schema_error_at(&m->x, at, key, "%s: '%.*s' is no whole number up to %d", key,
                        HY_STR_ARG(text), HY_SCORE_POINTS_MAX);
        return false;
    }
    *ret = is_negative ? -(int32_t)n : (int32_t)n;
    return true;
}

/* The place of a group; n_groups: there is none (noted). */
static uint16_t group_of(const struct maker *m, const struct yaml_node *at, const char *name)
{
    size_t i = 0;
    while (i < m->plan.n_groups && !hy_str_eq(m->plan.groups[i].name, hy_str_of(name)))
        i++;
    if (i == m->plan.n_groups)
        schema_error_at(&m->x, at, "group", "group: there is no '%s'", name);
    return (uint16_t)i;
}

/* "9 per 1d" */
static void read_at_most(const struct maker *m, const struct yaml_node *at, const char *text,
                         struct hy_score_rule *r)
{
    struct hy_str all = hy_str_of(text);
    size_t per = hy_str_find_str(all, HY_STR(" per "), 0);
    struct hy_diag diag = {0};
    hy_us time;
    if (per == SIZE_MAX) {
        schema_error_at(&m->x, at, "at_most", "at_most: is written as in '9 per 1d'");
        return;
    }
    struct hy_str behind = hy_str_trim(hy_str_slice(all, per + 5, all.n));
    if (!points_of(m, at, "at_most", hy_str_trim(hy_str_slice(all, 0, per)), &r->most))
        return;
    if (value_duration(behind, &diag, &time) != HY_OK || time < SEC || time > 100 * YEAR)
        schema_error_at(&m->x, at, "at_most", "at_most: '%.*s' is no time such as 1d",
                        HY_STR_ARG(behind));
    else if ((r->most > 0) != (r->points > 0) || r->most == 0)
        schema_error_at(&m->x, at, "at_most", "at_most: has another sign than the points");
    else
        r->most_per_s = (uint32_t)(time / SEC);
}

static void read_half_life(const struct maker *m, const struct yaml_node *at, const char *text,
                           struct hy_score_rule *r)
{
    struct hy_diag diag = {0};
    hy_us time;
    if (strcmp(text, "forever") == 0)
        r->half_life_s = 0;
    else if (value_duration(hy_str_of(text), &diag, &time) != HY_OK || time < 60 * SEC ||
             time > 100 * YEAR)
        schema_error_at(&m->x, at, "half_life", "half_life: '%s' is no time such as 30d", text);
    else
        r->half_life_s = (uint32_t)(time / SEC);
}

static int read_condition(const struct maker *m, const struct yaml_node *at,
                          const struct raw_rule *raw, struct hy_score_rule *r)
{
    bool is_on = raw->on[0];
    const char *key = is_on ? "on" : "when";
    const struct hy_segment_node **to = is_on ? &r->on : &r->when;
    struct hy_diag diag = {0};
    if (is_on == (raw->when[0] != '\0')) {
        schema_error_at(&m->x, at, "",
                        "a rule needs either 'on' (an activity) or 'when' (a "
                        "segment)");
        return HY_OK;
    }
    if (!is_on && (raw->counts == FIRST || raw->at_most[0] || raw->half_life[0]))
        schema_error_at(&m->x, at, "when",
                        "counts, at_most and half_life are of rules with 'on': what is true of a "
                        "lead gives its points while it is true");
    int err = hy_segment_parse(hy_str_of(is_on ? raw->on : raw->when), m->x.arena, &diag, to);
    if (err == HY_ENOMEM)
        return err;
    if (err != HY_OK)
        schema_error_at(&m->x, at, key, "%s: %s", key, diag.text);
    const char *why = err == HY_OK ? scoring_condition_fault(*to, is_on) : NULL;
    if (why)
        schema_error_at(&m->x, at, key, "%s", why);
    return HY_OK;
}

static int make_rule(const struct maker *m, size_t i, struct hy_score_rule *r)
{
    const struct raw_rule *raw = &m->raw.rules.items[i];
    const struct yaml_node *at = item_of(m, "rules", i);
    *r = (struct hy_score_rule){.name = hy_str_of(raw->name)};
    r->is_first_only = raw->counts == FIRST;
    r->group = group_of(m, at, raw->group);
    if (points_of(m, at, "points", hy_str_of(raw->points), &r->points) && r->points == 0)
        schema_error_at(&m->x, at, "points", "points: 0 points are none");
    if (r->group < m->plan.n_groups && raw->on[0]) /* what a lead is does not fade */
        r->half_life_s = m->plan.groups[r->group].half_life_s;
    if (raw->at_most[0])
        read_at_most(m, at, raw->at_most, r);
    if (raw->half_life[0])
        read_half_life(m, at, raw->half_life, r);
    for (size_t k = 0; k < i; k++)
        if (strcmp(m->raw.rules.items[k].name, raw->name) == 0)
            schema_error_at(&m->x, at, "name", "name: '%s' is an earlier rule", raw->name);
    size_t errors = m->x.src->problems->n_errors;
    int err = read_condition(m, at, raw, r);
    bool is_whole = m->x.src->problems->n_errors == errors && r->group < m->plan.n_groups;
    return err == HY_OK && is_whole ? scoring_make_print(m->plan.groups[r->group].name, r) : err;
}

static int make_groups(struct maker *m)
{
    struct hy_score_group *all = hy_arena_zalloc(m->x.arena, (m->raw.groups.n + 1) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    for (size_t i = 0; i < m->raw.groups.n; i++) {
        const struct raw_group *g = &m->raw.groups.items[i];
        all[i] = (struct hy_score_group){hy_str_of(g->name), (uint32_t)(g->half_life_us / SEC)};
        for (size_t k = 0; k < i; k++)
            if (hy_str_eq(all[k].name, all[i].name))
                schema_error_at(&m->x, item_of(m, "groups", i), "name",
                                "name: '%s' is an earlier group", g->name);
    }
    m->plan.groups = all;
    m->plan.n_groups = m->raw.groups.n;
    return HY_OK;
}

static int make_rules(struct maker *m)
{
    struct hy_score_rule *all = hy_arena_zalloc(m->x.arena, (m->raw.rules.n + 1) * sizeof *all);
    int err = all ? HY_OK : HY_ENOMEM;
    for (size_t i = 0; i < m->raw.rules.n && err == HY_OK; i++)
        err = make_rule(m, i, &all[i]);
    m->plan.rules = all;
    m->plan.n_rules = m->raw.rules.n;
    return err;
}

static int make_thresholds(struct maker *m)
{
    struct hy_score_threshold *all =
        hy_arena_zalloc(m->x.arena, (m->raw.thresholds.n + 1) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    for (size_t i = 0; i < m->raw.thresholds.n; i++) {
        const struct raw_threshold *t = &m->raw.thresholds.items[i];
        all[i] =
            (struct hy_score_threshold){hy_str_of(t->name), (int32_t)t->from, (int32_t)t->until,
                                        (uint32_t)(t->again_after_us / SEC)};
        if (t->until > t->from)
            schema_error_at(&m->x, item_of(m, "thresholds", i), "until",
                            "until: %u is more than 'from', %u: who enters would leave at once",
                            t->until, t->from);
        for (size_t k = 0; k < i; k++)
            if (hy_str_eq(all[k].name, all[i].name))
                schema_error_at(&m->x, item_of(m, "thresholds", i), "name",
                                "name: '%s' is an earlier threshold", t->name);
    }
    m->plan.thresholds = all;
    m->plan.n_thresholds = m->raw.thresholds.n;
    return HY_OK;
}

static void make_levels(struct maker *m, size_t i, struct hy_score_grades *g)
{
    const struct raw_grades *raw = &m->raw.grades.items[i];
    const struct yaml_node *at = item_of(m, "grades", i);
    g->group = group_of(m, at, raw->group);
    for (size_t k = 0; k < raw->levels.n && g->n < HY_SCORE_LEVELS_MAX; k++) {
        g->names[g->n] = raw->levels.items[k].name;
        if (!points_of(m, at, "levels", raw->levels.items[k].value, &g->levels[g->n]))
            continue;
        if (g->n && g->levels[g->n] >= g->levels[g->n - 1])
            schema_error_at(&m->x, at, "levels",
                            "levels: the highest stands first: '%.*s' does not"
                            " begin lower than the one before",
                            HY_STR_ARG(g->names[g->n]));
        g->n++;
    }
}

static int make_grades(struct maker *m)
{
    struct hy_score_grades *all = hy_arena_zalloc(m->x.arena, (m->raw.grades.n + 1) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    for (size_t i = 0; i < m->raw.grades.n; i++) {
        make_levels(m, i, &all[i]);
        for (size_t k = 0; k < i; k++)
            if (all[k].group == all[i].group && all[i].group < m->plan.n_groups)
                schema_error_at(&m->x, item_of(m, "grades", i), "group",
                                "group: '%s' has grades already", m->raw.grades.items[i].group);
    }
    m->plan.grades = all;
    m->plan.n_grades = m->raw.grades.n;
    return HY_OK;
}

static int make_handoffs(struct maker *m)
{
    struct hy_score_handoff *all =
        hy_arena_zalloc(m->x.arena, (m->raw.handoffs.n + 1) * sizeof *all);
    int err = all ? HY_OK : HY_ENOMEM;
    for (size_t i = 0; i < m->raw.handoffs.n && err == HY_OK; i++) {
        const struct yaml_node *at = item_of(m, "handoffs", i);
        err = scoring_make_handoff(&m->x, at, &m->raw.handoffs.items[i], &m->plan, &all[i]);
        for (size_t k = 0; k < i; k++)
            if (hy_str_eq(all[k].name, all[i].name))
                schema_error_at(&m->x, at, "name", "name: '%s' is an earlier hand-off",
                                m->raw.handoffs.items[i].name);
    }
    m->plan.handoffs = all;
    m->plan.n_handoffs = m->raw.handoffs.n;
    return err;
}

static int make_plan(struct maker *m)
{
    int err = make_groups(m);
    if (err == HY_OK)
        err = make_rules(m);
    if (err == HY_OK)
        err = make_thresholds(m);
    if (err == HY_OK)
        err = make_grades(m);
    return err == HY_OK ? make_handoffs(m) : err;
}

/* -- files ---------------------------------------------------------------------------------- */

/* Where relative paths start: at the file's folder. */
static const char *folder_of(struct hy_arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return "/";
    return hy_arena_str(arena, hy_str_make(file, slash > file ? (size_t)(slash - file) : 1)).p;
}

static int read_text(struct hy_scoring *s, const struct yaml_source *src, struct hy_str text)
{
    struct maker m = {.x = {.src = src, .arena = &s->arena}};
    m.x.base_dir = folder_of(&s->arena, src->file);
    if (!m.x.base_dir)
        return HY_ENOMEM;
    size_t errors = src->problems->n_errors;
    int err = yaml_read(src, text, &s->arena, &m.root);
    if (err == HY_OK)
        err = schema_defaults(&schema, &m.x, &m.raw);
    if (err == HY_OK)
        err = schema_read(&schema, &m.x, m.root, &m.raw);
    if (err == HY_OK && src->problems->n_errors == errors) /* else what is missing is no text */
        err = make_plan(&m);
    if (err == HY_OK && src->problems->n_errors > errors)
        err = HY_EINVAL;
    s->plan = m.plan;
    return err;
}

static int finish(struct hy_scoring *s, int err, struct hy_problems *problems,
                  struct hy_scoring **ret)
{
    hy_problems_sort(problems);
    if (err == HY_OK)
        *ret = s;
    else
        hy_scoring_free(s);
    return err;
}

static struct hy_scoring *new_scoring(void)
{
    struct hy_scoring *s = calloc(1, sizeof *s);
    if (s) {
        s->arena = HY_ARENA_INIT(ARENA_MAX);
        atomic_init(&s->refs, 1);
    }
    return s;
}

int hy_scoring_parse(const char *file, struct hy_str text, struct hy_problems *problems,
                     struct hy_scoring **ret)
{
    struct yaml_source src = {.file = file, .problems = problems};
    struct hy_scoring *s = new_scoring();
    return s ? finish(s, read_text(s, &src, text), problems, ret) : HY_ENOMEM;
}

int hy_scoring_load(const char *path, struct hy_problems *problems, struct hy_scoring **ret)
{
    struct yaml_source src = {.file = path, .problems = problems};
    struct hy_scoring *s = new_scoring();
    struct hy_str text;
    if (!s)
        return HY_ENOMEM;
    int err = yaml_slurp(&src, &s->arena, &text);
    if (err == HY_OK)
        err = read_text(s, &src, text);
    else if (err != HY_ENOMEM)
        err = HY_EINVAL; /* noted */
    return finish(s, err, problems, ret);
}

const struct hy_score_plan *hy_scoring_plan(const struct hy_scoring *s)
{
    return &s->plan;
}

struct hy_scoring *hy_scoring_ref(struct hy_scoring *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void hy_scoring_free(struct hy_scoring *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    hy_arena_free(&s->arena);
    free(s);
}
