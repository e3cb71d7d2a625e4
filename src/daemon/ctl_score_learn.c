/* score.learn: rules learned from what the leads of this store did before they bought, or did not:
 * one snapshot, lead by lead, on a thread of its own; nothing is stored.
 *
 * A lead is looked at as it was at several moments, each `within` before the next, the last of them
 * `within` ago: what it had done by then is what it is known by, and whether it reached the goal by
 * the next moment is how it ended. */
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/base/arena.h"
#include "hayauma/base/list.h"
#include "hayauma/react/facts.h"
#include "hayauma/score/learn.h"
#include "hayauma/store/label.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/score.h"

enum {
    DEEDS_MAX = 1000, /* of a lead: the newest */
    URLS_MAX = 1000,  /* pages and links that are told apart */
    LOOKS_MAX = 12,
    YEAR_D = 365,
    WITHIN_D = 30,
    LOOK_EVERY = 256,
    TELL_US = 200000,
    GOAL_MAX = 1024,
    HEAD = 3,
    HEAD_MAX = GOAL_MAX + 200,
};
#define DAY_MS ((hy_wall_ms)86400000)

struct past_deed {
    hy_wall_ms at;
    uint16_t columns[2]; /* any of its kind; one of its name */
    unsigned n_columns;
    bool is_goal, is_closing; /* sales said won or lost */
};

struct learning {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct hy_learn *learn;
    struct hy_deed *deed;
    struct hy_arena arena;              /* of the goal */
    const struct hy_segment_node *goal; /* NULL: sales won it */
    char goal_text[GOAL_MAX + 1], without[GOAL_MAX + 1];
    uint32_t within_d;
    unsigned n_urls;
    hy_wall_ms now;
    hy_us told;
    struct past_deed *deeds; /* of the lead at hand, the newest first */
    size_t n_deeds;
    struct hy_lead_attr *attrs;
    uint16_t *facts; /* tags and groups of it */
    size_t n_facts;
};

static void learning_free(struct learning *y)
{
    hy_learn_free(y->learn);
    hy_deed_free(y->deed);
    hy_arena_free(&y->arena);
    free(y->deeds);
    free(y->attrs);
    free(y->facts);
    free(y);
}

/* ---- what a lead did ---- */

/* What makes one of the kind another than the rest. */
static struct hy_segment_filter filter_of(const struct hy_activity *a)
{
    struct hy_segment_filter f = {.op = HY_SEGMENT_EQ, .value = {.kind = HY_SEGMENT_TEXT}};
    switch (a->kind) {
    case HY_ACTIVITY_KEY_PAGE:
    case HY_ACTIVITY_DOWNLOAD:
    case HY_ACTIVITY_VIDEO:
    case HY_ACTIVITY_OFFLINE:
    case HY_ACTIVITY_CUSTOM:
        f.key = HY_STR("name");
        f.value.text = a->text;
        break;
    case HY_ACTIVITY_FORM_POST:
        f.key = HY_STR("form");
        f.value.text = a->text;
        break;
    case HY_ACTIVITY_CLICK:
    case HY_ACTIVITY_PAGE_VIEW:
        f.key = HY_STR("url");
        f.value.text = a->url;
        break;
    default:
        break;
    }
    return f;
}

static bool is_telling(enum hy_activity_kind k)
{
    switch (k) {
    case HY_ACTIVITY_COMPLAINT:
    case HY_ACTIVITY_UNSUBSCRIBE:
    case HY_ACTIVITY_REPLY:
    case HY_ACTIVITY_OPEN:
    case HY_ACTIVITY_CLICK:
    case HY_ACTIVITY_PAGE_VIEW:
    case HY_ACTIVITY_KEY_PAGE:
    case HY_ACTIVITY_DOWNLOAD:
    case HY_ACTIVITY_VIDEO:
    case HY_ACTIVITY_FORM_POST:
    case HY_ACTIVITY_ORDER:
    case HY_ACTIVITY_CART:
    case HY_ACTIVITY_OFFLINE:
    case HY_ACTIVITY_CUSTOM:
        return true;
    default:
        return false;
    }
}

/* HY_ELIMIT: there are too many columns; the deed goes without. */
static int column_of(struct learning *y, const struct hy_activity *a,
                     const struct hy_segment_filter *f, struct past_deed *p)
{
    char room[HY_SEGMENT_FILTERS_MAX + HY_SEGMENT_NAME_MAX * 4];
    struct hy_buf text = HY_BUF_INIT(sizeof room);
    struct hy_segment_node n = {.kind = HY_SEGMENT_DID,
                                .op = HY_SEGMENT_GE,
                                .count = 1,
                                .did = a->kind,
                                .filters = f,
                                .n_filters = f ? 1 : 0};
    hy_segment_put(&text, &n);
    int err = text.err ? HY_ELIMIT
                       : hy_learn_column(y->learn, HY_LEARN_DEED, hy_buf_str(&text),
                                         &p->columns[p->n_columns]);
    hy_buf_free(&text);
    p->n_columns += err == HY_OK;
    return err == HY_ELIMIT ? HY_OK : err;
}

static int columns_of(struct learning *y, const struct hy_activity *a, struct past_deed *p)
{
    struct hy_segment_filter f = filter_of(a);
    bool is_url = hy_str_eq(f.key, HY_STR("url"));
    int err = column_of(y, a, NULL, p);
    if (err != HY_OK || !f.value.text.n || (is_url && y->n_urls >= URLS_MAX))
        return err;
    y->n_urls += is_url; /* more often than need be: it is a bound */
    return column_of(y, a, &f, p);
}

static int add_deed(struct learning *y, struct hy_txn *t, const struct hy_activity *a)
{
    const struct hy_segment_deed *deed = hy_deed_of(y->deed, t, a);
    struct past_deed p = {.at = hy_deed_moment(a)};
    bool is_sales = a->kind == HY_ACTIVITY_SALES;
    bool is_won = is_sales && hy_str_ieq(a->text, HY_STR(HY_SALES_WON));
    if (!is_sales && (!is_telling(a->kind) || !hy_deed_counts(y->deed, a)))
        return HY_OK;
    p.is_closing = is_won || (is_sales && hy_str_ieq(a->text, HY_STR(HY_SALES_LOST)));
    p.is_goal = y->goal ? y->goal->did == a->kind && hy_segment_matches(y->goal, deed) : is_won;
    int err = is_sales ? HY_OK : columns_of(y, a, &p);
    y->deeds[y->n_deeds++] = p;
    return err;
}

static int gather_deeds(struct learning *y, struct hy_txn *t, hy_lead_no lead)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a = {0};
    int err = HY_OK;
    y->n_deeds = 0;
    while (err == HY_OK && y->n_deeds < DEEDS_MAX &&
           (err = hy_activity_prev_of(t, &who, a.id, &a)) == HY_OK) {
        hy_id id = a.id;
        err = add_deed(y, t, &a);
        a.id = id;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- what it is ---- */

static int on_label(void *ctx, const struct hy_label *label)
{
    struct learning *y = ctx;
    struct hy_buf text = HY_BUF_INIT(HY_SEGMENT_NAME_MAX * 4);
    struct hy_segment_node n = {.kind = HY_SEGMENT_MEMBER,
                                .group =
                                    label->kind == HY_LABEL_TAG ? HY_SEGMENT_TAG : HY_SEGMENT_GROUP,
                                .name = label->name};
    hy_segment_put(&text, &n);
    int err = hy_learn_column(y->learn, HY_LEARN_FACT, hy_buf_str(&text), &y->facts[y->n_facts]);
    hy_buf_free(&text);
    y->n_facts += err == HY_OK;
    return err == HY_ELIMIT ? HY_OK : err;
}

/* Sales or scoring itself say those, or they name somebody. */
static bool is_left_out(const struct learning *y, struct hy_str name)
{
    struct hy_str own = HY_STR("owner,status,phone,name,email"), rest = hy_str_of(y->without), one;
    while (hy_str_split(&own, ',', &one))
        if (hy_str_ieq(one, name))
            return true;
    while (hy_str_split(&rest, ',', &one))
        if (one.n && hy_str_ieq(hy_str_trim(one), name))
            return true;
    return false;
}

static int tell_attributes(struct learning *y, struct hy_txn *t, const struct hy_lead_view *view)
{
    int err = HY_OK;
    for (size_t i = 0; i < view->n_attrs && err == HY_OK; i++) {
        struct hy_str name;
        uint16_t column;
        err = hy_attr_name(t, view->attrs[i].no, &name);
        if (err != HY_OK || is_left_out(y, name))
            continue;
        err = hy_learn_column(y->learn, HY_LEARN_ATTRIBUTE, name, &column);
        if (err == HY_OK)
            err = hy_learn_value(y->learn, column, view->attrs[i].value);
        else if (err == HY_ELIMIT || err == HY_EINVAL)
            err = HY_OK;
    }
    for (size_t i = 0; i < y->n_facts && err == HY_OK; i++)
        err = hy_learn_fact(y->learn, y->facts[i]);
    return err;
}

/* ---- as it was at a moment ---- */

static int tell_person(struct learning *y, struct hy_txn *t, const struct hy_lead_view *view,
                       hy_wall_ms at, bool is_good)
{
    bool is_wanted;
    int err = hy_learn_person(y->learn, view->no, is_good, &is_wanted);
    if (err != HY_OK || !is_wanted)
        return err;
    err = tell_attributes(y, t, view);
    for (size_t i = 0; i < y->n_deeds && err == HY_OK; i++) {
        const struct past_deed *p = &y->deeds[i];
        for (size_t k = 0; k < p->n_columns && p->at < at && err == HY_OK; k++)
            err = hy_learn_deed(y->learn, p->columns[k], (double)(at - p->at) / (double)DAY_MS);
    }
    return err;
}

/* Whether it was there, and not closed by sales; and how it ended. */
static bool look_at(const struct learning *y, hy_wall_ms created, hy_wall_ms at, bool *ret_is_good)
{
    hy_wall_ms until = at + y->within_d * DAY_MS;
    bool is_known = created <= at;
    *ret_is_good = false;
    for (size_t i = 0; i < y->n_deeds; i++) {
        const struct past_deed *p = &y->deeds[i];
        is_known = is_known || p->at <= at;
        if (p->at < at && p->is_closing && !y->goal)
            return false;
        *ret_is_good = *ret_is_good || (p->is_goal && p->at >= at && p->at < until);
    }
    return is_known;
}

static int tell_lead(struct learning *y, struct hy_txn *t, hy_lead_no lead)
{
    struct hy_lead_view view;
    unsigned looks = YEAR_D / y->within_d;
    looks = looks < 1 ? 1 : looks > LOOKS_MAX ? LOOKS_MAX : looks;
    int err = hy_lead_read(t, lead, y->attrs, HY_ATTR_MAX, &view);
    if (err != HY_OK)
        return err == HY_ENOTFOUND ? HY_OK : err;
    err = gather_deeds(y, t, lead);
    y->n_facts = 0;
    if (err == HY_OK)
        err = hy_lead_labels(t, lead, on_label, y);
    for (unsigned k = looks; k > 0 && err == HY_OK; k--) {
        hy_wall_ms at = y->now - (hy_wall_ms)k * y->within_d * DAY_MS;
        bool is_good;
        if (look_at(y, hy_id_time(view.created), at, &is_good))
            err = tell_person(y, t, &view, at, is_good);
    }
    return err;
}

static int walk(struct learning *y)
{
    struct hy_txn t = {0};
    hy_lead_no end = 0;
    int err = hy_txn_read(y->d->env, &t);
    if (err == HY_OK)
        err = hy_lead_next_no(&t, &end);
    for (hy_lead_no lead = 1; lead < end && err == HY_OK; lead++) {
        err = tell_lead(y, &t, lead);
        if (err != HY_OK || lead % LOOK_EVERY)
            continue;
        if (hy_control_is_cancelled(y->call))
            err = HY_ECANCELED;
        if (hy_clock_us() - y->told < TELL_US)
            continue;
        y->told = hy_clock_us();
        hy_control_progress(y->call, json_pack("{s:I,s:I}", "leads", (json_int_t)lead, "of",
                                               (json_int_t)(end - 1)));
    }
    hy_txn_end(&t);
    return err;
}

/* ---- learned ---- */

static int on_step(void *ctx, unsigned done, unsigned all)
{
    struct learning *y = ctx;
    if (hy_clock_us() - y->told >= TELL_US) {
        y->told = hy_clock_us();
        hy_control_progress(y->call, json_pack("{s:i,s:i}", "steps", (int)done, "of", (int)all));
    }
    return hy_control_is_cancelled(y->call);
}

static int result_json(const struct learning *y, const struct hy_learn_result *r, json_t **ret)
{
    char lines[HEAD][HEAD_MAX], day[32];
    const char *head[HEAD] = {lines[0], lines[1], lines[2]};
    struct hy_buf out = HY_BUF_INIT(4 * HY_LEARN_FILE_MAX);
    snprintf(lines[0], HEAD_MAX, "Points learned by 'hayauma score rules learn' on %.10s.",
             hy_wall_format(y->now, day));
    snprintf(lines[1], HEAD_MAX, "Goal: %s within %u days. Points fade as what was done grows old.",
             y->goal_text, y->within_d);
    snprintf(lines[2], HEAD_MAX,
             "Attributes, tags and groups are those of today: leave out (--without) what comes of "
             "the goal.");
    hy_learn_put_json(&out, r, head, HEAD);
    struct hy_str s = hy_buf_str(&out);
    *ret = out.err ? NULL : json_loadb(s.p, s.n, 0, NULL);
    hy_buf_free(&out);
    return *ret ? HY_OK : HY_ENOMEM;
}

static void learn_main(void *arg)
{
    struct learning *y = arg;
    struct hy_learn_result r = {0};
    struct hy_diag diag = {""};
    json_t *o = NULL;
    int err = walk(y);
    if (err == HY_OK)
        err = hy_learn_fit(y->learn, on_step, y, &diag, &r);
    if (err == HY_OK)
        err = result_json(y, &r, &o);
    hy_learn_result_free(&r);
    if (err == HY_OK)
        hy_control_finish(y->call, o);
    else if (diag.text[0])
        hy_control_fail_diag(y->call, err, &diag);
    else
        hy_control_fail(y->call, err, "the history could not be read to its end", NULL);
    learning_free(y);
}

/* ---- asked ---- */

static int read_goal(struct learning *y, const char *goal, struct hy_diag *diag)
{
    const size_t n = strlen(goal);
    y->arena = HY_ARENA_INIT(1 << 20);
    if (n > GOAL_MAX || strpbrk(goal, "\r\n"))
        return hy_fail(diag, HY_EINVAL, "the goal is one line of at most %d bytes", GOAL_MAX);
    memcpy(y->goal_text, goal, n + 1);
    if (strcmp(goal, HY_SALES_WON) == 0)
        return HY_OK;
    struct hy_str text =
        hy_arena_str(&y->arena, strcmp(goal, "order") == 0 ? HY_STR("ordered()") : hy_str_of(goal));
    int err = text.p ? hy_segment_parse(text, &y->arena, diag, &y->goal) : HY_ENOMEM;
    if (err == HY_OK && (y->goal->kind != HY_SEGMENT_DID || y->goal->within_s ||
                         y->goal->op != HY_SEGMENT_GE || y->goal->count != 1))
        err =
            hy_fail(diag, HY_EINVAL,
                    "the goal is 'won', 'order', or one activity without a time or a number, as in "
                    "submitted(form: \"trial\")");
    return err;
}

static int read_args(struct learning *y, const json_t *args, struct hy_diag *diag)
{
    const char *goal = "", *without = "";
    int64_t within = 0, part = 0;
    int err = hy_control_arg_string(args, "goal", HY_SALES_WON, diag, &goal);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "without", "", diag, &without);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "within_days", WITHIN_D, 1, 10 * YEAR_D, diag, &within);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "part", 0, 0, 9, diag, &part);
    if (err == HY_OK && strlen(without) > GOAL_MAX)
        err = hy_fail(diag, HY_EINVAL, "argument 'without' must have at most %d bytes", GOAL_MAX);
    if (err != HY_OK)
        return err;
    y->within_d = (uint32_t)within;
    snprintf(y->without, sizeof y->without, "%s", without);
    err = read_goal(y, goal, diag);
    return err == HY_OK ? hy_learn_new((unsigned)part, &y->learn) : err;
}

static int make(struct learning *y)
{
    y->deeds = malloc(DEEDS_MAX * sizeof *y->deeds);
    y->attrs = malloc(HY_ATTR_MAX * sizeof *y->attrs);
    y->facts = malloc(HY_LEAD_LABELS_MAX * sizeof *y->facts);
    y->now = hy_clock_wall_ms();
    return y->deeds && y->attrs && y->facts ? hy_deed_new(&y->deed) : HY_ENOMEM;
}

static void learn(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    struct learning *y = calloc(1, sizeof *y);
    int err = y ? read_args(y, hy_control_args(call), &diag) : HY_ENOMEM;
    if (err == HY_OK) {
        y->d = ctx;
        y->call = call;
        err = make(y);
    }
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
    if ((err != HY_OK || !ctl_job_start(ctx, call, CTL_JOB_WHOLE, learn_main, y)) && y)
        learning_free(y);
}

const struct hy_control_command ctl_score_learn_commands[] = {
    {"score.learn", 0, 0, learn},
    {NULL, 0, 0, NULL},
};
