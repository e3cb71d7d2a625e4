/* Reading what a person picks, and finding the domains that have such rows. */
#include "ctl_pick.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/store/lead.h"

/* ---- arguments ---- */

static int read_states(const char *text, unsigned *ret, struct hy_diag *diag)
{
    struct hy_str rest = hy_str_of(text), word;
    unsigned states = 0;
    while (hy_str_split(&rest, ',', &word)) {
        int found = -1;
        for (int s = HY_RCPT_FRESH; s <= HY_RCPT_HELD; s++)
            if (hy_str_eq(word, hy_str_of(hy_rcpt_state_name((enum hy_rcpt_state)s))))
                found = s;
        if (found < 0)
            return hy_fail(diag, HY_EINVAL, "'%.40s' is no state: fresh, deferred or held", text);
        states |= 1u << found;
    }
    *ret = states;
    return HY_OK;
}

/* "421", "45x", "4xx" */
static int read_code(const char *text, struct hy_pick *p, struct hy_diag *diag)
{
    unsigned from = 0, to = 0;
    bool open = false, good = strlen(text) == 3 && text[0] >= '2' && text[0] <= '5';
    for (int i = 0; good && i < 3; i++) {
        bool is_x = text[i] == 'x' || text[i] == 'X', is_digit = text[i] >= '0' && text[i] <= '9';
        good = is_x || (is_digit && !open);
        open |= is_x;
        from = from * 10 + (is_x ? 0 : (unsigned)(text[i] - '0'));
        to = to * 10 + (is_x ? 9 : (unsigned)(text[i] - '0'));
    }
    if (!good)
        return hy_fail(diag, HY_EINVAL, "'%.20s' is no reply code: 421, 45x or 4xx", text);
    p->code_from = (uint16_t)from;
    p->code_to = (uint16_t)to;
    return HY_OK;
}

static int read_pattern(const char *text, struct ctl_pick *p, struct hy_diag *diag)
{
    struct hy_diag why = {""};
    if (strlen(text) > HY_REPLY_PATTERN_MAX)
        return hy_fail(diag, HY_EINVAL, "the pattern is longer than %d bytes",
                       HY_REPLY_PATTERN_MAX);
    snprintf(p->pattern_text, sizeof p->pattern_text, "%s", text);
    p->pattern = (struct hy_reply_rule){.pattern = p->pattern_text, .file = ""};
    int err = hy_reply_rules_new(&p->rules);
    if (err == HY_OK)
        err = hy_reply_rules_add(p->rules, &p->pattern, &why);
    p->pick.reply = p->rules;
    return err == HY_OK ? err : hy_fail(diag, err, "'%.100s' %s", text, why.text);
}

static int read_name(const json_t *args, const char *arg, char *out, size_t cap,
                     struct hy_diag *diag)
{
    const char *text = "";
    int err = hy_control_arg_string(args, arg, "", diag, &text);
    if (err != HY_OK)
        return err;
    if (strlen(text) >= cap)
        return hy_fail(diag, HY_EINVAL, "there is no %s '%.60s'", arg, text);
    for (size_t i = 0; i <= strlen(text); i++)
        out[i] = hy_ascii_lower(text[i]);
    return HY_OK;
}

static int read_recipient(struct hy_txn *t, const char *address, struct ctl_pick *p,
                          struct hy_diag *diag)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view lead;
    int err = hy_lead_find(t, hy_str_of(address), &p->pick.lead);
    if (err == HY_OK)
        err = hy_lead_read(t, p->pick.lead, attrs, HY_ATTR_MAX, &lead);
    if (err == HY_OK)
        p->domain = lead.domain_no;
    return err == HY_OK
               ? err
               : hy_fail(diag, err,
                         "no lead has the address '%.100s' (ready messages are not looked at)",
                         address);
}

/* Those that the store knows. */
static int read_stored(struct hy_daemon *d, const json_t *args, struct ctl_pick *p,
                       struct hy_diag *diag)
{
    const char *domain = "", *recipient = "";
    struct hy_txn t = {0};
    int err = hy_control_arg_string(args, "domain", "", diag, &domain);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "recipient", "", diag, &recipient);
    if (err == HY_OK && domain[0] && recipient[0])
        err = hy_fail(diag, HY_EINVAL, "a recipient has but one domain: leave --domain out");
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    if (err == HY_OK && domain[0]) {
        char lower[HY_DOMAIN_MAX + 1];
        err = read_name(args, "domain", lower, sizeof lower, diag);
        if (err == HY_OK && hy_domain_find(&t, hy_str_of(lower), &p->domain) != HY_OK)
            err = hy_fail(diag, HY_ENOTFOUND, "no lead is at '%.100s'", domain);
    }
    if (err == HY_OK && recipient[0])
        err = read_recipient(&t, recipient, p, diag);
    hy_txn_end(&t);
    return err;
}

int ctl_pick_read(struct hy_daemon *d, struct hy_control_call *call, struct ctl_pick *ret,
                  struct hy_diag *diag)
{
    enum { CENTURY_S = 100 * 366 * 86400LL };
    const json_t *args = hy_control_args(call);
    const char *states = "", *code = "", *reply = "";
    int64_t older_s = 0;
    *ret = (struct ctl_pick){0};
    ret->pick.states = 1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED | 1u << HY_RCPT_HELD;
    int err = hy_control_arg_string(args, "state", "", diag, &states);
    if (err == HY_OK && states[0])
        err = read_states(states, &ret->pick.states, diag);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "code", "", diag, &code);
    if (err == HY_OK && code[0])
        err = read_code(code, &ret->pick, diag);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "reply", "", diag, &reply);
    if (err == HY_OK && reply[0])
        err = read_pattern(reply, ret, diag);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "older_s", 0, 0, CENTURY_S, diag, &older_s);
    if (err == HY_OK && older_s)
        ret->started_before = hy_clock_wall_ms() - older_s * 1000;
    if (err == HY_OK)
        err = read_name(args, "site", ret->site, sizeof ret->site, diag);
    if (err == HY_OK)
        err = read_name(args, "provider", ret->provider, sizeof ret->provider, diag);
    if (err == HY_OK && json_object_get(args, "campaign"))
        err = ctl_campaign_arg(d, call, &ret->campaign, diag);
    return err == HY_OK ? read_stored(d, args, ret, diag) : err;
}

void ctl_pick_free(struct ctl_pick *p)
{
    hy_reply_rules_free(p->rules);
    p->rules = NULL;
}

bool ctl_pick_campaign(const struct ctl_pick *p, const struct hy_campaign *c)
{
    bool has_rows = hy_campaign_sends(c->state) || c->state == HY_CAMPAIGN_PAUSED;
    bool is_old = p->started_before == 0 || (c->started && c->started <= p->started_before);
    return has_rows && is_old && (p->campaign == 0 || p->campaign == c->id);
}

/* ---- finding the domains ---- */

struct finding {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct ctl_targets *targets;
};

static bool is_over(const struct hy_daemon *d, const struct hy_control_call *call)
{
    return hy_control_is_cancelled(call) || atomic_load(&d->alters_ending);
}

static int add_row(void *ctx, const struct hy_queue_row *row)
{
    struct finding *f = ctx;
    struct ctl_targets *t = f->targets;
    struct ctl_target *last = t->n ? &t->items[t->n - 1] : NULL;
    t->rows++;
    if (last && last->domain == row->ref.domain && last->campaign == row->ref.campaign) {
        last->rows++;
        return HY_OK;
    }
    if (is_over(f->d, f->call))
        return HY_ECANCELED;
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 256;
        struct ctl_target *more =
            t->n < CTL_TARGETS_MAX ? realloc(t->items, cap * sizeof *more) : NULL;
        if (!more)
            return t->n < CTL_TARGETS_MAX ? HY_ENOMEM : HY_ELIMIT;
        t->items = more;
        t->cap = cap;
    }
    t->items[t->n++] = (struct ctl_target){row->ref.campaign, row->ref.domain, 1};
    return HY_OK;
}

static int find_rows(struct finding *f, const struct ctl_pick *p)
{
    struct hy_txn t = {0};
    struct hy_campaign c;
    hy_id after = 0;
    int err = hy_txn_read(f->d->env, &t);
    while (err == HY_OK && (err = hy_campaign_next(&t, after, &c)) == HY_OK) {
        after = c.id;
        if (ctl_pick_campaign(p, &c))
            err = hy_pick_rows(&t, c.id, p->domain, &p->pick, add_row, f);
    }
    hy_txn_end(&t);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- sites of domains: asked of delivery, some at a time ---- */

enum { ASK_AT_ONCE = 64 };

struct asking {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned open;
    const struct ctl_pick *pick;
};
struct question {
    struct asking *of;
    char domain[HY_DOMAIN_MAX + 1];
    enum { NO, YES, UNKNOWN } answer;
};

/* The feeder's thread, or a worker's. */
static void on_site(void *ctx, const struct hy_site_report *r)
{
    struct question *q = ctx;
    struct asking *a = q->of;
    bool is_known = r->mx && r->mx->status != HY_MX_TEMPFAIL;
    bool is_it = is_known && hy_deliver_site_is(r, a->pick->site, a->pick->provider);
    pthread_mutex_lock(&a->lock);
    q->answer = is_it ? YES : is_known ? NO : UNKNOWN;
    a->open--;
    pthread_cond_signal(&a->answered);
    pthread_mutex_unlock(&a->lock);
}

/* Puts `n` questions and waits for all answers: each comes, also when delivery ends. */
static void ask(struct hy_daemon *d, struct asking *a, struct question *qs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&a->lock);
        a->open++;
        pthread_mutex_unlock(&a->lock);
        if (hy_deliver_site(d->deliver, qs[i].domain, on_site, &qs[i]) == HY_OK)
            continue;
        pthread_mutex_lock(&a->lock);
        a->open--;
        qs[i].answer = UNKNOWN;
        pthread_mutex_unlock(&a->lock);
    }
    pthread_mutex_lock(&a->lock);
    while (a->open)
        pthread_cond_wait(&a->answered, &a->lock);
    pthread_mutex_unlock(&a->lock);
}

static int name_questions(struct hy_daemon *d, struct asking *a, const struct ctl_target *targets,
                          struct question *qs, size_t n)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(d->env, &t);
    for (size_t i = 0; err == HY_OK && i < n; i++) {
        struct hy_str name;
        err = hy_domain_name(&t, targets[i].domain, &name);
        qs[i].of = a;
        if (err == HY_OK)
            snprintf(qs[i].domain, sizeof qs[i].domain, "%.*s", HY_STR_ARG(name));
    }
    hy_txn_end(&t);
    return err;
}

/* Keeps those of the site or provider that is picked. */
static int keep_sites(struct finding *f, const struct ctl_pick *p)
{
    struct ctl_targets *t = f->targets;
    struct asking a = {.pick = p};
    struct question *qs = calloc(ASK_AT_ONCE, sizeof *qs);
    size_t kept = 0;
    int err = qs ? HY_OK : HY_ENOMEM;
    pthread_mutex_init(&a.lock, NULL);
    pthread_cond_init(&a.answered, NULL);
    t->rows = 0;
    for (size_t at = 0; at < t->n && err == HY_OK; at += ASK_AT_ONCE) {
        size_t n = t->n - at < ASK_AT_ONCE ? t->n - at : ASK_AT_ONCE;
        err = name_questions(f->d, &a, t->items + at, qs, n);
        if (err == HY_OK)
            ask(f->d, &a, qs, n);
        for (size_t i = 0; i < n && err == HY_OK; i++) {
            t->unknown += qs[i].answer == UNKNOWN;
            if (qs[i].answer != YES)
                continue;
            t->rows += t->items[at + i].rows;
            t->items[kept++] = t->items[at + i];
        }
        if (err == HY_OK && is_over(f->d, f->call))
            err = HY_ECANCELED;
        hy_control_progress(f->call, json_pack("{s:s,s:I,s:I}", "doing", "sites", "domains",
                                               (json_int_t)(at + n), "of", (json_int_t)t->n));
    }
    t->n = kept;
    pthread_cond_destroy(&a.answered);
    pthread_mutex_destroy(&a.lock);
    free(qs);
    return err;
}

int ctl_targets_find(struct hy_daemon *d, struct hy_control_call *call, const struct ctl_pick *p,
                     struct ctl_targets *ret, struct hy_diag *diag)
{
    struct finding f = {d, call, ret};
    *ret = (struct ctl_targets){0};
    int err = find_rows(&f, p);
    if (err == HY_OK && (p->site[0] || p->provider[0]))
        err = keep_sites(&f, p);
    if (err == HY_ELIMIT)
        return hy_fail(diag, err, "rows at more than %d domains: say more closely which",
                       CTL_TARGETS_MAX);
    return err == HY_OK ? err : hy_fail(diag, err, "%s", hy_err_text(err));
}

void ctl_targets_free(struct ctl_targets *t)
{
    free(t->items);
    *t = (struct ctl_targets){0};
}
