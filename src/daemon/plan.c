/* From a stored campaign to a compiled message: decodes its bundle, finds its variables among the
 * attributes of leads, and says what is tracked and announced as campaign and config want it. */
#include "daemon.h"

#include <stdlib.h>
#include <time.h>

#include "hayauma/base/log.h"
#include "hayauma/base/rand.h"
#include "hayauma/config/campaign_file.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"
#include "hayauma/web/track.h"

struct names {
    struct hy_txn *txn;
    const struct hy_bundle *bundle;
    uint16_t n_extra; /* defaults without an attribute */
    struct hy_str extra[HY_DELIVER_DEFAULTS_MAX];
    struct hy_buf *unknown; /* NULL: do not gather */
};

static bool has_default(const struct hy_bundle *b, struct hy_str name)
{
    for (size_t i = 0; i < b->vars.n; i++) {
        if (hy_str_eq(b->vars.items[i].name, name))
            return true;
    }
    return false;
}

/* Each name once, however often the template has it. */
static void note_unknown(struct hy_buf *unknown, struct hy_str name)
{
    struct hy_str rest = hy_buf_str(unknown), known;
    while (rest.n && hy_str_split(&rest, ',', &known))
        if (hy_str_eq(hy_str_trim(known), name))
            return;
    if (unknown->len)
        hy_buf_add_lit(unknown, ", ");
    hy_buf_add_str(unknown, name);
}

/* A variable's slot: its attribute's number; for one that only has a default, a number behind them;
 * for one that nobody has, the last slot of all, which is always absent. */
static int find_slot(void *ctx, struct hy_str name, uint16_t *ret, struct hy_diag *diag)
{
    struct names *n = ctx;
    hy_attr_no no;
    int err = hy_attr_find(n->txn, name, &no);
    if (err == HY_OK) {
        *ret = no;
        return HY_OK;
    }
    if (err != HY_ENOTFOUND)
        return hy_fail(diag, err, "the store cannot be read: %s", hy_err_text(err));
    for (uint16_t i = 0; i < n->n_extra; i++) {
        if (hy_str_eq(n->extra[i], name)) {
            *ret = (uint16_t)(HY_ATTR_MAX + i);
            return HY_OK;
        }
    }
    if (has_default(n->bundle, name) && n->n_extra < HY_DELIVER_DEFAULTS_MAX - 1) {
        n->extra[n->n_extra] = name;
        *ret = (uint16_t)(HY_ATTR_MAX + n->n_extra++);
        return HY_OK;
    }
    if (n->unknown)
        note_unknown(n->unknown, name);
    *ret = HY_DELIVER_SLOTS - 1;
    return HY_OK;
}

static enum hy_transfer transfer_of(enum hy_bundle_transfer t)
{
    static const enum hy_transfer map[] = {HY_TRANSFER_AUTO, HY_TRANSFER_QP, HY_TRANSFER_BASE64,
                                           HY_TRANSFER_8BIT};
    return (unsigned)t < 4 ? map[t] : HY_TRANSFER_AUTO;
}

static bool wants(enum hy_tristate campaign, bool config)
{
    return campaign == HY_UNSET ? config : campaign == HY_YES;
}

static unsigned flags_of(const struct hy_bundle *b, const struct hy_config *c)
{
    unsigned flags = HY_MESSAGE_BULK;
    if (wants(b->track_links, c->tracking.links))
        flags |= HY_MESSAGE_CLICKS | HY_MESSAGE_TEXT_CLICKS;
    if (wants(b->beacon, c->tracking.beacon))
        flags |= HY_MESSAGE_BEACON;
    if (b->list_unsubscribe)
        flags |= HY_MESSAGE_UNSUBSCRIBE;
    return flags;
}

/* The From address in wire form, with the default domain when it has none. */
static int from_address(const struct hy_bundle *b, const struct hy_config *c,
                        struct hy_address *ret, struct hy_diag *diag)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf text = HY_BUF_INIT(1024);
    hy_buf_add_str(&text, b->from_address);
    if (hy_str_find(b->from_address, '@', 0) == SIZE_MAX && c->mail.from_domain[0]) {
        hy_buf_add_c(&text, '@');
        hy_buf_add_str(&text, hy_str_of(c->mail.from_domain));
    }
    enum hy_address_reason reason = HY_ADDRESS_OK;
    int err = text.err ? text.err : hy_address_parse(hy_buf_str(&text), NULL, ret, &reason);
    if (err != HY_OK)
        return hy_fail(diag, HY_EINVAL, "from.address '%.*s' is no address: %s",
                       HY_STR_ARG(b->from_address), hy_address_reason_text(reason));
    return HY_OK;
}

struct parts {
    struct hy_message_file files[HY_BUNDLE_PARTS_MAX];
    struct hy_message_header headers[HY_BUNDLE_HEADERS_MAX];
    size_t n_images, n_all;
};

/* Images first, attachments behind them. */
static void gather_parts(const struct hy_bundle *b, struct parts *p)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < b->n_parts && p->n_all < HY_BUNDLE_PARTS_MAX; i++) {
            const struct hy_bundle_part *x = &b->parts[i];
            if ((x->cid.n > 0) != (pass == 0))
                continue;
            p->files[p->n_all++] = (struct hy_message_file){
                .name = x->name, .type = x->content_type, .cid = x->cid, .bytes = x->data};
        }
        if (pass == 0)
            p->n_images = p->n_all;
    }
    for (size_t i = 0; i < b->headers.n && i < HY_BUNDLE_HEADERS_MAX; i++)
        p->headers[i] =
            (struct hy_message_header){b->headers.items[i].name, b->headers.items[i].value};
}

static int local_utc_offset_min(hy_wall_ms now)
{
    time_t t = (time_t)(now / 1000);
    struct tm tm;
    localtime_r(&t, &tm);
    return (int)(tm.tm_gmtoff / 60);
}

/* What is tracked, and where browsers go for it. */
struct tracked {
    unsigned flags;
    struct hy_str base_url; /* a view of the config, or of `room` */
    char room[HY_DOMAIN_MAX + 600];
};

static bool has_host(const struct hy_config *c, struct hy_str name)
{
    for (size_t i = 0; i < c->tracking.hosts.n; i++)
        if (hy_str_ieq(name, hy_str_of(c->tracking.hosts.items[i].name)))
            return true;
    return false;
}

/* tracking.base_url, with the host that the campaign names in place of its own. HY_EINVAL: there is
 * no such host; base_url is tracking.base_url then. */
static int set_base_url(const struct hy_bundle *b, const struct hy_config *c, struct tracked *ret,
                        struct hy_diag *diag)
{
    struct hy_str base = hy_str_of(c->tracking.base_url);
    size_t host = hy_str_find_str(base, HY_STR("//"), 0), end = 0;
    ret->base_url = base;
    if (b->tracking_host.n == 0)
        return HY_OK;
    if (!has_host(c, b->tracking_host))
        return hy_fail(diag, HY_EINVAL,
                       "tracking.host: there is no '%.*s' under tracking.hosts in hayauma.yaml",
                       HY_STR_ARG(b->tracking_host));
    if (host == SIZE_MAX)
        base = HY_STR("https:///");
    host = hy_str_find_str(base, HY_STR("//"), 0) + 2;
    for (end = host; end < base.n && base.p[end] != '/' && base.p[end] != ':';)
        end++;
    int n = snprintf(ret->room, sizeof ret->room, "%.*s%.*s%.*s", (int)host, base.p,
                     HY_STR_ARG(b->tracking_host), (int)(base.n - end), base.p + end);
    ret->base_url = hy_str_make(ret->room, (size_t)n);
    return HY_OK;
}

static int compile(struct hy_daemon *d, const struct hy_config *c, const struct hy_bundle *b,
                   hy_id campaign, struct names *names, const struct hy_address *from,
                   const struct tracked *tracked, struct hy_diag *diag, struct hy_message **ret)
{
    struct parts *parts = calloc(1, sizeof *parts);
    if (!parts)
        return hy_fail(diag, HY_ENOMEM, "out of memory");
    gather_parts(b, parts);
    struct hy_message_source source = {
        .from_address = hy_address_wire(from),
        .from_name = b->from_name,
        .to_name = b->to_name,
        .reply_to = b->reply_to,
        .subject = b->subject,
        .html = {b->html, b->html_name},
        .text = {b->text, b->text_name},
        .headers = parts->headers,
        .n_headers = b->headers.n,
        .images = parts->files,
        .n_images = parts->n_images,
        .attachments = parts->files + parts->n_images,
        .n_attachments = parts->n_all - parts->n_images,
    };
    struct hy_message_options o = {
        .slot = find_slot,
        .slot_ctx = names,
        .campaign = campaign,
        .keys = &d->tokens,
        .flags = tracked->flags,
        .base_url = tracked->base_url,
        .return_domain = hy_str_of(c->bounce.domain[0] ? c->bounce.domain : c->node.hostname),
        .return_prefix = hy_str_of(c->bounce.prefix),
        .message_id_domain = hy_str_of(c->node.hostname),
        .unsubscribe_mailto = hy_str_of(c->bounce.unsubscribe_mailto),
        .feedback_id = hy_str_of(c->mail.feedback_id),
        .charset = b->charset == HY_BUNDLE_ISO2022JP ? HY_MAIL_ISO_2022_JP : HY_MAIL_UTF8,
        .html_transfer = transfer_of(b->transfer),
        .text_transfer = transfer_of(b->transfer),
        .utc_offset_min = local_utc_offset_min(hy_clock_wall_ms()),
        .max_bytes = c->delivery.max_message_bytes,
    };
    int err = hy_rand_bytes(o.seed, sizeof o.seed);
    if (err == HY_OK)
        err = hy_message_compile(&source, &o, diag, ret);
    free(parts);
    return err;
}

/* In `arena`, *ret_n of them. */
static int defaults(const struct names *n, struct hy_arena *arena,
                    const struct hy_deliver_default **ret, size_t *ret_n)
{
    const struct hy_bundle *b = n->bundle;
    struct hy_deliver_default *all = hy_arena_alloc(arena, (b->vars.n + 1) * sizeof *all);
    size_t n_all = 0;
    if (!all)
        return HY_ENOMEM;
    for (size_t i = 0; i < b->vars.n; i++) {
        hy_attr_no no;
        uint16_t slot = HY_DELIVER_SLOTS - 1;
        if (hy_attr_find(n->txn, b->vars.items[i].name, &no) == HY_OK)
            slot = no;
        for (uint16_t k = 0; k < n->n_extra; k++) {
            if (hy_str_eq(n->extra[k], b->vars.items[i].name))
                slot = (uint16_t)(HY_ATTR_MAX + k);
        }
        if (slot == HY_DELIVER_SLOTS - 1)
            continue; /* the templates do not use it */
        struct hy_str value = hy_arena_str(arena, b->vars.items[i].value);
        if (!value.p)
            return HY_ENOMEM;
        all[n_all++] = (struct hy_deliver_default){slot, value};
    }
    *ret = all;
    *ret_n = n_all;
    return HY_OK;
}

static int set_pool(const struct hy_bundle *b, const struct hy_config *c,
                    struct hy_deliver_plan *plan, struct hy_diag *diag)
{
    if (b->pool.n && !hy_config_has_pool(c, b->pool))
        return hy_fail(diag, HY_EINVAL,
                       "there is no pool or source '%.*s': name one that stands in hayauma.yaml "
                       "('hayauma source list')",
                       HY_STR_ARG(b->pool));
    plan->pool = hy_arena_str(&plan->arena, b->pool).p;
    return plan->pool ? HY_OK : HY_ENOMEM;
}

/* Whose campaign it is: when it is made, by the name in its file; from then on by the number that
 * stays. */
static int set_tenant(const struct hy_bundle *b, const struct hy_config *c,
                      const struct hy_campaign *stored, struct hy_deliver_plan *plan,
                      struct hy_diag *diag)
{
    const struct hy_tenant *tenant = stored ? hy_tenant_by_number(&c->tenants, stored->tenant)
                                     : b->tenant.n ? hy_tenant_by_name(&c->tenants, b->tenant)
                                                   : hy_tenant_by_number(&c->tenants, 0);
    if (!tenant)
        return hy_fail(diag, HY_EINVAL,
                       "there is no tenant '%.*s': name it under 'tenants' in "
                       "hayauma.yaml",
                       HY_STR_ARG(b->tenant));
    if (!hy_tenant_may_use(&c->tenants, tenant, hy_str_of(plan->from_domain)))
        return hy_fail(diag, HY_EINVAL,
                       "tenant '%s' may not send from %s: it is not under its from_domains, or "
                       "another tenant's",
                       tenant->name, plan->from_domain);
    plan->tenant = tenant->number;
    return HY_OK;
}

static int make(struct hy_daemon *d, const struct hy_config *c, struct hy_txn *t,
                struct hy_str bytes, const struct hy_campaign *stored, struct hy_diag *diag,
                struct hy_buf *unknown, struct hy_deliver_plan *plan)
{
    hy_id campaign = stored ? stored->id : 1;
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_bundle b;
    int err = hy_bundle_decode(bytes, &arena, &b);
    if (err != HY_OK)
        return hy_fail(diag, err, "the stored campaign cannot be read: %s", hy_err_text(err));
    struct hy_address from;
    err = from_address(&b, c, &from, diag);
    if (err != HY_OK)
        return err;
    struct hy_str domain = hy_address_domain(&from);
    memcpy(plan->from_domain, domain.p, domain.n);
    plan->from_domain[domain.n] = '\0';
    err = set_tenant(&b, c, stored, plan, diag);
    if (err != HY_OK)
        return err;
    plan->expire_us = b.expire_us;
    plan->arena = HY_ARENA_INIT(1 << 20);
    struct names names = {.txn = t, .bundle = &b, .unknown = unknown};
    struct tracked tracked = {.flags = flags_of(&b, c)};
    err = set_base_url(&b, c, &tracked, diag);
    if (err == HY_OK)
        err = compile(d, c, &b, campaign, &names, &from, &tracked, diag, &plan->message);
    if (err == HY_OK)
        err = defaults(&names, &plan->arena, &plan->defaults, &plan->n_defaults);
    if (err == HY_OK)
        err = brakes_fill(&b, c, t, plan, diag);
    if (err == HY_OK)
        err = set_pool(&b, c, plan, diag);
    if (err != HY_OK) {
        hy_zone_free(plan->zone);
        hy_message_free(plan->message);
        plan->message = NULL;
        hy_arena_free(&plan->arena);
    }
    return err;
}

/* A stored bundle, decoded: what it points to is in the two rooms. */
static int read_bundle(struct hy_txn *t, hy_id campaign, struct hy_buf *bytes,
                       struct hy_arena *arena, struct hy_bundle *ret)
{
    int err = hy_campaign_bundle(t, campaign, bytes);
    return err ? err : hy_bundle_decode(hy_buf_str(bytes), arena, ret);
}

static void fill_look(struct hy_daemon *d, const struct hy_bundle *b, struct plan_look *ret)
{
    struct hy_config *c = daemon_config(d);
    *ret = (struct plan_look){.is_by_lead = b->is_by_lead};
    snprintf(ret->segment, sizeof ret->segment, "%.*s", HY_STR_ARG(b->segment));
    snprintf(ret->exclude, sizeof ret->exclude, "%.*s", HY_STR_ARG(b->exclude));
    snprintf(ret->pool, sizeof ret->pool, "%.*s", HY_STR_ARG(b->pool));
    ret->is_pool_missing = b->pool.n && !hy_config_has_pool(c, b->pool);
    struct hy_str zone = b->time_zone.n ? b->time_zone : hy_str_of(c->campaign.time_zone);
    struct hy_zone *local = zone.n ? NULL : hy_zone_local();
    snprintf(ret->time_zone, sizeof ret->time_zone, "%.*s", HY_STR_ARG(zone));
    if (local)
        snprintf(ret->time_zone, sizeof ret->time_zone, "%s", hy_zone_name(local));
    hy_zone_free(local);
    if (b->priority != HY_PRIORITY_TRANSACTIONAL)
        brakes_hours(b, c, &ret->hours);
    hy_config_unref(c);
}

int plan_look(struct hy_daemon *d, struct hy_txn *t, hy_id campaign, struct plan_look *ret)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bytes = HY_BUF_INIT(HY_CAMPAIGN_BUNDLE_MAX);
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_bundle b;
    int err = read_bundle(t, campaign, &bytes, &arena, &b);
    if (err == HY_OK)
        fill_look(d, &b, ret);
    return err;
}

enum hy_stream plan_stream(enum hy_priority p)
{
    return p == HY_PRIORITY_TRANSACTIONAL ? HY_STREAM_TRANSACTIONAL : HY_STREAM_MARKETING;
}

int plan_load(void *daemon, struct hy_txn *t, const struct hy_campaign *c, struct hy_diag *diag,
              struct hy_deliver_plan *ret)
{
    struct hy_daemon *d = daemon;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bundle = HY_BUF_INIT(HY_CAMPAIGN_BUNDLE_MAX);
    int err = hy_campaign_bundle(t, c->id, &bundle);
    if (err != HY_OK)
        return hy_fail(diag, err, "its contents cannot be read: %s", hy_err_text(err));
    struct hy_config *config = daemon_config(d);
    struct hy_deliver_plan plan = {0};
    err = make(d, config, t, hy_buf_str(&bundle), c, diag, NULL, &plan);
    hy_config_unref(config);
    if (err != HY_OK)
        return err;
    plan.stream = plan_stream(plan.brakes.priority);
    plan.lists.n = c->n_lists < HY_LIST_SET_MAX ? c->n_lists : HY_LIST_SET_MAX;
    memcpy(plan.lists.lists, c->lists, plan.lists.n * sizeof c->lists[0]);
    *ret = plan;
    return HY_OK;
}

/* As browsers see a campaign: links have the numbers that they had when it was sent, whatever the
 * configuration says now. */
static int make_tracked(struct hy_daemon *d, const struct hy_config *c, struct hy_txn *t,
                        struct hy_bundle *b, const struct hy_campaign *campaign,
                        struct hy_track_campaign *ret)
{
    struct tracked tracked = {.flags = HY_MESSAGE_CLICKS | HY_MESSAGE_TEXT_CLICKS};
    struct names names = {.txn = t, .bundle = b};
    const struct hy_deliver_default *all;
    struct hy_diag diag = {""};
    struct hy_address from;
    size_t n = 0;
    int err = set_base_url(b, c, &tracked, NULL);
    (void)err; /* the host is gone: its mails are out */
    if (tracked.base_url.n == 0)
        tracked.base_url =
            HY_STR("https://-/"); /* links have numbers only where they are tracked */
    err = from_address(b, c, &from, &diag);
    if (err == HY_OK)
        err = compile(d, c, b, campaign->id, &names, &from, &tracked, &diag, &ret->message);
    if (err == HY_OK)
        err = defaults(&names, &ret->arena, &all, &n);
    struct hy_str *slots =
        err == HY_OK ? hy_arena_zalloc(&ret->arena, HY_DELIVER_SLOTS * sizeof *slots) : NULL;
    if (err != HY_OK)
        hy_log(HY_LOG_WARNING, "tracking", "the links of campaign %.*s: %s",
               HY_STR_ARG(campaign->name), diag.text[0] ? diag.text : hy_err_text(err));
    if (!slots)
        return err ? err : HY_ENOMEM;
    for (size_t i = 0; i < n; i++)
        slots[all[i].slot] = all[i].value;
    ret->slots = slots;
    ret->n_slots = HY_DELIVER_SLOTS;
    const struct hy_str *const from_bundle[] = {&b->utm.source, &b->utm.medium, &b->utm.campaign,
                                                &b->utm.content};
    struct hy_str *const to[] = {&ret->utm.source, &ret->utm.medium, &ret->utm.campaign,
                                 &ret->utm.content};
    for (size_t i = 0; i < 4; i++) {
        *to[i] = hy_arena_str(&ret->arena, *from_bundle[i]);
        if (!to[i]->p)
            return HY_ENOMEM;
    }
    return HY_OK;
}

int plan_track(void *daemon, struct hy_txn *t, hy_id id, struct hy_track_campaign *ret)
{
    struct hy_daemon *d = daemon;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bytes = HY_BUF_INIT(HY_CAMPAIGN_BUNDLE_MAX);
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_track_campaign made = {.arena = HY_ARENA_INIT(16 << 20)};
    struct hy_campaign campaign;
    struct hy_bundle b;
    int err = hy_campaign_get(t, id, &campaign);
    if (err == HY_OK)
        err = read_bundle(t, id, &bytes, &arena, &b);
    if (err != HY_OK)
        return err;
    struct hy_config *c = daemon_config(d);
    err = make_tracked(d, c, t, &b, &campaign, &made);
    hy_config_unref(c);
    if (err != HY_OK) {
        hy_track_campaign_free(&made);
        return err;
    }
    made.tenant = campaign.tenant;
    *ret = made;
    return HY_OK;
}

int plan_check(struct hy_daemon *d, struct hy_txn *t, struct hy_str bundle,
               const struct hy_campaign *stored, struct hy_diag *diag, struct plan_findings *found)
{
    struct hy_deliver_plan plan = {0};
    struct hy_config *config = daemon_config(d);
    bool wants_key = config->dkim.is_required;
    int err = make(d, config, t, bundle, stored, diag, &found->unknown, &plan);
    hy_config_unref(config);
    if (err != HY_OK)
        return err;
    found->tenant = plan.tenant;
    bool is_signed = hy_deliver_signs(d->deliver, plan.tenant, plan.from_domain);
    if (!is_signed && wants_key)
        err = hy_fail(diag, HY_EINVAL,
                      "no DKIM key signs for %s (dkim.required): make one with 'hayauma dkim "
                      "keygen' and name it under dkim.keys",
                      plan.from_domain);
    else if (!is_signed)
        snprintf(found->unsigned_domain, sizeof found->unsigned_domain, "%s", plan.from_domain);
    hy_zone_free(plan.zone);
    hy_message_free(plan.message);
    hy_arena_free(&plan.arena);
    return err;
}
