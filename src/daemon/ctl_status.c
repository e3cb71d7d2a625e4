/* status, sites, reload. */
#include "ctl_common.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/base/log.h"
#include "hayauma/deliver/meter.h"
#include "hayauma/react/react.h"

static json_t *store_json(struct hy_daemon *d)
{
    json_t *o = json_object();
    json_object_set_new(o, "state", json_string(hy_env_state_name(hy_env_state(d->env))));
    struct hy_env_stats s;
    if (hy_env_stats(d->env, &s) == HY_OK) {
        ctl_set_count(o, "file_bytes", s.file_bytes);
        ctl_set_count(o, "disk_free_bytes", s.disk_free_bytes);
        ctl_set_count(o, "leads", s.entries[HY_TABLE_LEADS]);
        ctl_set_count(o, "campaigns", s.entries[HY_TABLE_CAMPAIGNS]);
        ctl_set_count(o, "attempts", s.entries[HY_TABLE_ATTEMPTS]);
        ctl_set_count(o, "due_entries", s.entries[HY_TABLE_DUE]);
    }
    struct hy_writer_stats w;
    hy_writer_stats(d->writer, &w);
    ctl_set_count(o, "commits", w.commits);
    ctl_set_count(o, "failed_commits", w.failed_commits);
    ctl_set_count(o, "commit_us", w.commit_us);
    ctl_set_count(o, "longest_commit_us", (uint64_t)w.longest_commit_us);
    struct hy_writer_lag lag = hy_writer_lag(d->writer);
    ctl_set_count(o, "waiting", lag.queued);
    return o;
}

static json_t *delivery_json(struct hy_daemon *d)
{
    const struct hy_deliver_counters *c = hy_deliver_counters_of(d->deliver);
    const struct {
        const char *name;
        const _Atomic uint64_t *n;
    } rows[] = {
        {"delivered", &c->delivered},
        {"deferred", &c->deferred},
        {"bounced", &c->bounced},
        {"expired", &c->expired},
        {"suppressed", &c->suppressed},
        {"returned", &c->returned},
        {"pressed", &c->pressed},
        {"signed", &c->signed_},
        {"press_cpu_us", &c->press_cpu_us},
        {"connects", &c->connects},
        {"connect_failures", &c->connect_failures},
        {"connections", &c->connections_now},
        {"connections_most", &c->connections_most},
        {"submitted", &c->submitted},
        {"joined", &c->joined},
        {"tls_handshakes", &c->tls_handshakes},
        {"tls_resumed", &c->tls_resumed},
        {"tls_failures", &c->tls_failures},
        {"bytes_sent", &c->bytes_sent},
        {"domains_open", &c->domains_open},
        {"domains_parked", &c->domains_parked},
        {"lookups", &c->lookups},
    };
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ctl_set_count(o, rows[i].name, atomic_load_explicit(rows[i].n, memory_order_relaxed));
    ctl_set_count(o, "in_flight", hy_inflight_used(d->inflight));
    uint64_t connected = atomic_load(&c->connects) - atomic_load(&c->connect_failures);
    double per = connected ? (double)atomic_load(&c->submitted) / (double)connected : 0;
    json_object_set_new(o, "messages_per_connection", json_real(per));
    return o;
}

/* What was asked of the name servers, and what was known already. */
static json_t *dns_json(struct hy_daemon *d)
{
    struct hy_deliver_sum *sum = malloc(sizeof *sum);
    json_t *o = json_object();
    if (!sum)
        return o;
    hy_deliver_meter_read(d->deliver, sum);
    ctl_set_count(o, "lookups", sum->dns.lookups);
    ctl_set_count(o, "questions", sum->dns.questions);
    ctl_set_count(o, "cache_hits", sum->dns.cache_hits);
    ctl_set_count(o, "shared", sum->dns.shared);
    free(sum);
    return o;
}

static json_t *crypto_json(const struct hy_daemon *d)
{
    static const char *const how[] = {"nobody", "hayauma tune", "environment"};
    const struct tuned *t = &d->tuned;
    json_t *o = json_object();
    json_object_set_new(o, "openssl", json_string(OpenSSL_version(OPENSSL_VERSION)));
    json_object_set_new(o, "setting", json_string(tuned_setting(t)));
    json_object_set_new(o, "set_by", json_string(how[t->how]));
    if (t->how == TUNED_BY_FILE) {
        char text[32];
        ctl_set_count(o, "signatures_per_s", (uint64_t)(1e6 / t->tune.setting_us));
        ctl_set_count(o, "default_per_s", (uint64_t)(1e6 / t->tune.default_us));
        json_object_set_new(o, "measured", json_string(hy_wall_format(t->tune.measured, text)));
    }
    return o;
}

/* Bytes of anonymous memory (RssAnon of /proc/self/status): what our limits are about. */
static uint64_t anonymous_bytes(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    if (!f)
        return 0;
    char line[256];
    unsigned long kib = 0;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "RssAnon: %lu kB", &kib) == 1)
            break;
    }
    fclose(f);
    return (uint64_t)kib * 1024;
}

/* How far what people do took effect. */
static json_t *reaction_json(struct hy_daemon *d)
{
    struct hy_react_view v;
    char upto[32];
    json_t *o = json_object();
    hy_react_look(d->react, &v);
    json_object_set_new(o, "upto", json_string(hy_wall_format(hy_id_time(v.at.now), upto)));
    ctl_set_count(o, "lag_us", (uint64_t)v.lag_ms * HY_US_PER_MS);
    ctl_set_count(o, "applied", v.applied);
    ctl_set_count(o, "counted", v.counted);
    ctl_set_count(o, "withdrawn", v.withdrawn);
    ctl_set_count(o, "revised", v.revised);
    ctl_set_count(o, "skipped", v.skipped);
    ctl_set_count(o, "failures", v.failures);
    json_object_set_new(o, "trouble", v.err ? json_string(hy_err_text(v.err)) : json_null());
    ctl_set_count(o, "cpu_us", (uint64_t)v.cpu_us);
    return o;
}

static void status(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    json_t *o = json_object();
    char text[32];
    json_object_set_new(o, "version", json_string(HY_VERSION));
    json_object_set_new(o, "pid", json_integer(getpid()));
    json_object_set_new(o, "hostname", json_string(d->config->node.hostname));
    ctl_set_count(o, "node", d->config->node.id);
    json_object_set_new(o, "config", json_string(d->config_path));
    json_object_set_new(o, "started", json_string(hy_wall_format(d->started, text)));
    ctl_set_count(o, "uptime_s", (uint64_t)(hy_clock_wall_ms() - d->started) / 1000);
    ctl_set_count(o, "cpu_us", (uint64_t)hy_clock_cpu_us());
    ctl_set_count(o, "anonymous_bytes", anonymous_bytes());
    json_object_set_new(o, "store", store_json(d));
    json_object_set_new(o, "delivery", delivery_json(d));
    json_t *submission = submission_json(d);
    if (submission)
        json_object_set_new(o, "submission", submission);
    json_t *api = api_json(d);
    if (api)
        json_object_set_new(o, "api", api);
    json_t *tracking = tracking_json(d);
    if (tracking)
        json_object_set_new(o, "tracking", tracking);
    json_object_set_new(o, "intake", intake_json(d));
    json_object_set_new(o, "reaction", reaction_json(d));
    json_object_set_new(o, "companies",
                        json_pack("{s:i}", "waiting_domains", (int)d->companies.waiting));
    json_object_set_new(o, "crypto", crypto_json(d));
    json_object_set_new(o, "dns", dns_json(d));
    const struct hy_recovery *r = &d->recovery;
    json_object_set_new(o, "recovery",
                        json_pack("{s:i,s:i,s:i,s:i,s:i,s:i}", "seen", (int)r->seen, "applied",
                                  (int)r->applied, "in_doubt", (int)r->in_doubt, "stale",
                                  (int)r->stale, "damaged", (int)r->damaged, "missing",
                                  (int)r->missing));
    hy_control_finish(call, o);
}

static json_t *warm_json(const struct hy_lane_report *l)
{
    if (!l->warm.provider)
        return json_null();
    json_t *o = ctl_warm_json(&l->warm);
    json_object_set_new(o, "waits", json_boolean(l->is_warm_waiting));
    return o;
}

/* What a person ordered there last, by whom and when. */
static json_t *lane_order_json(const struct hy_lane_report *l)
{
    char made[32];
    if (!l->order)
        return json_null();
    json_t *o = json_pack("{s:I,s:s,s:i,s:f,s:s}", "no", (json_int_t)l->order, "order",
                          l->is_held ? "hold" : "slow", "factor", (int)l->slow, "rate",
                          l->order_rate, "made", hy_wall_format(l->order_made, made));
    json_object_set_new(o, "user", l->order_user[0] ? json_string(l->order_user) : json_null());
    return o;
}

json_t *ctl_lane_json(const struct hy_lane_report *l)
{
    json_t *o = json_object();
    json_object_set_new(o, "site", json_string(l->site));
    json_object_set_new(o, "source", json_string(l->source));
    json_object_set_new(o, "rule", json_string(l->rule));
    if (l->rule_line) {
        char place[512];
        snprintf(place, sizeof place, "%.400s:%u", l->rule_file, l->rule_line);
        json_object_set_new(o, "rule_at", json_string(place));
    }
    ctl_set_count(o, "connections", l->connections);
    ctl_set_count(o, "connecting", l->connecting);
    ctl_set_count(o, "window", l->window);
    ctl_set_count(o, "domains", l->domains);
    ctl_set_count(o, "waiting", l->waiting);
    ctl_set_count(o, "delivered", l->delivered);
    ctl_set_count(o, "deferred", l->deferred);
    ctl_set_count(o, "bounced", l->bounced);
    json_object_set_new(o, "rate", json_real(l->rate));
    ctl_set_count(o, "suspended_s", (uint64_t)(l->suspended_us / HY_US_PER_SEC));
    ctl_set_count(o, "day_full_s",
                  (uint64_t)((l->day_full_us + HY_US_PER_SEC - 1) / HY_US_PER_SEC));
    json_t *reply = json_string(l->last_reply), *why = json_string(l->why);
    json_object_set_new(o, "held", json_boolean(l->is_held));
    json_object_set_new(o, "order", lane_order_json(l));
    json_object_set_new(o, "warmup", warm_json(l));
    json_object_set_new(o, "last_reply", reply ? reply : json_string("?"));
    json_object_set_new(o, "why", why ? why : json_string("?"));
    return o;
}

static void on_lanes(void *ctx, const struct hy_lane_report *lanes, size_t n,
                     const struct hy_lanes_sum *all)
{
    struct hy_control_call *call = ctx;
    json_t *o = json_object(), *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, ctl_lane_json(&lanes[i]));
    json_object_set_new(o, "sites", list);
    json_object_set_new(o, "total", json_integer((json_int_t)all->lanes));
    hy_control_finish(call, o);
}

static void sites(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    int64_t limit;
    int err = hy_control_arg_int(hy_control_args(call), "limit", 50, 1, 100000, &diag, &limit);
    if (err == HY_OK)
        err = hy_deliver_lanes(d->deliver, (size_t)limit, on_lanes, call);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
}

json_t *ctl_problems_json(const struct hy_problems *problems)
{
    json_t *list = json_array();
    for (size_t i = 0; i < problems->n; i++) {
        const struct hy_problem *p = &problems->items[i];
        json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:b,s:s}", "file", p->file, "line",
                                              (int)p->line, "column", (int)p->column, "warning",
                                              (int)p->is_warning, "text", p->text));
    }
    return list;
}

static void reload(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_problems problems = {0};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf restart = HY_BUF_INIT(65536);
    int err = daemon_reload(d, &problems, &restart);
    hy_problems_sort(&problems);
    if (err == HY_OK) {
        hy_log(HY_LOG_NOTICE, "reload", "the new configuration is in use%s%s",
               restart.len ? "; waiting for a restart: " : "", hy_buf_cstr(&restart));
        json_t *o = json_object();
        json_object_set_new(o, "problems", ctl_problems_json(&problems));
        json_object_set_new(o, "needs_restart", json_string(hy_buf_cstr(&restart)));
        act_log_apart(d, "reload", hy_control_uid(call),
                      json_pack("{s:s}", "needs_restart", hy_buf_cstr(&restart)));
        hy_control_finish(call, o);
    } else {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf text = HY_BUF_INIT(65536);
        char place[HY_PROBLEM_PLACE_MAX];
        for (size_t i = 0; i < problems.n; i++)
            hy_buf_printf(&text, "%s%s: %s", i ? "\n" : "",
                          hy_problem_place(&problems.items[i], place), problems.items[i].text);
        hy_control_fail(call, err, text.len ? hy_buf_cstr(&text) : hy_err_text(err),
                        "nothing was changed: the daemon goes on with the configuration it has");
    }
    hy_problems_free(&problems);
}

const struct hy_control_command ctl_status_commands[] = {
    {"status", 0, 0, status},
    {"sites", 0, 0, sites},
    {"reload", 0, 0, reload},
    {NULL, 0, 0, NULL},
};
