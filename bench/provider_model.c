/* Models of providers: limits of connections, rates, quotas, greylisting, tar pits. */
#include "provider_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static int number(struct hy_str s, double *ret)
{
    char buf[32], *end;
    if (s.n == 0 || s.n >= sizeof buf)
        return HY_EINVAL;
    memcpy(buf, s.p, s.n);
    buf[s.n] = 0;
    double v = strtod(buf, &end);
    if (*end || !(v >= 0 && v <= 1e7))
        return HY_EINVAL;
    *ret = v;
    return HY_OK;
}

/* "A<sep>B"; the second is 0 when there is none. */
static int two_numbers(struct hy_str s, char sep, double ret[2])
{
    size_t at = hy_str_find(s, sep, 0);
    ret[1] = 0;
    if (at == SIZE_MAX)
        return number(s, &ret[0]);
    int err = number(hy_str_slice(s, 0, at), &ret[0]);
    return err ? err : number(hy_str_slice(s, at + 1, s.n), &ret[1]);
}

static hy_us us(double seconds)
{
    return (hy_us)(seconds * 1e6);
}

static int set(struct provider_limits *l, struct hy_str key, struct hy_str value)
{
    double v[2];
    char sep = hy_str_eq(key, HY_STR("latency")) ? '-' : hy_str_eq(key, HY_STR("tar")) ? ':' : '/';
    if (two_numbers(value, sep, v))
        return HY_EINVAL;
    if (hy_str_eq(key, HY_STR("connections"))) {
        l->connections = (uint32_t)v[0];
    } else if (hy_str_eq(key, HY_STR("messages"))) {
        l->messages_per_connection = (uint32_t)v[0];
    } else if (hy_str_eq(key, HY_STR("rate")) || hy_str_eq(key, HY_STR("count"))) {
        l->rate = (uint32_t)v[0];
        l->rate_period_us = v[1] > 0 ? us(v[1]) : HY_US_PER_SEC;
        l->is_counted_in_periods = key.p[0] == 'c';
    } else if (hy_str_eq(key, HY_STR("quota"))) {
        l->quota = (uint32_t)v[0];
        l->quota_period_us = v[1] > 0 ? us(v[1]) : 86400 * HY_US_PER_SEC;
    } else if (hy_str_eq(key, HY_STR("grey"))) {
        l->grey_us = us(v[0]);
    } else if (hy_str_eq(key, HY_STR("noise"))) {
        l->noise_ppm = (uint32_t)(v[0] * 10000);
    } else if (hy_str_eq(key, HY_STR("latency"))) {
        l->latency_us = us(v[0]);
        l->latency_most_us = us(v[1]);
    } else if (hy_str_eq(key, HY_STR("tar"))) {
        l->tar_from = (uint32_t)v[0];
        l->tar_power_percent = (uint32_t)v[1];
    } else {
        return HY_ENOTFOUND;
    }
    return HY_OK;
}

int provider_model_parse(struct provider_model *m, struct hy_str spec, struct hy_diag *diag)
{
    m->n = 1;
    m->limits[0] = (struct provider_limits){0};
    struct hy_str word;
    while (hy_str_split(&spec, ' ', &word)) {
        size_t eq = hy_str_find(word, '=', 0);
        if (word.n == 0)
            continue;
        if (eq == SIZE_MAX)
            return hy_fail(diag, HY_EINVAL, "\"%.*s\" is no key=value", HY_STR_ARG(word));
        struct hy_str key = hy_str_slice(word, 0, eq), value = hy_str_slice(word, eq + 1, word.n);
        if (hy_str_eq(key, HY_STR("at"))) {
            double at;
            if (m->n == PROVIDER_PHASES_MAX || number(value, &at))
                return hy_fail(diag, HY_EINVAL, "at: seconds, at most %d times",
                               PROVIDER_PHASES_MAX - 1);
            m->limits[m->n] = m->limits[m->n - 1];
            m->limits[m->n++].from = us(at);
        } else if (set(&m->limits[m->n - 1], key, value)) {
            return hy_fail(diag, HY_EINVAL, "a model does not understand \"%.*s\"",
                           HY_STR_ARG(word));
        }
    }
    return HY_OK;
}

/* ---- what it does ---- */

void provider_init(struct provider *p, const struct provider_model *m, uint64_t seed)
{
    *p = (struct provider){.model = m};
    hy_rng_seed(&p->rng, seed);
}

void provider_free(struct provider *p)
{
    free(p->seen);
    *p = (struct provider){0};
}

const struct provider_limits *provider_limits(struct provider *p, hy_us now)
{
    if (p->start == 0)
        p->start = now;
    uint32_t i = p->model->n - 1;
    while (i > 0 && p->model->limits[i].from > now - p->start)
        i--;
    return &p->model->limits[i];
}

static struct provider_reply refuse(struct provider *p, uint16_t code, const char *text)
{
    p->refused++;
    return (struct provider_reply){code, text};
}

struct provider_reply provider_connect(struct provider *p, hy_us now)
{
    const struct provider_limits *l = provider_limits(p, now);
    if (l->connections && p->open >= l->connections)
        return refuse(p, 421, "4.7.0 Too many connections from your address");
    p->open++;
    return (struct provider_reply){0};
}

void provider_close(struct provider *p)
{
    p->open -= p->open > 0;
}

/* A bucket that leaks at the rate and holds a tenth of a period's worth. */
static bool drips_over(struct provider *p, const struct provider_limits *l, hy_us now)
{
    double per_us = l->rate / (double)l->rate_period_us, most = l->rate / 10.0 + 1;
    p->drops -= (double)(now - p->drops_at) * per_us;
    p->drops_at = now;
    if (p->drops < 0)
        p->drops = 0;
    if (p->drops + 1 > most)
        return true;
    p->drops += 1;
    return false;
}

static bool counts_over(uint32_t *used, hy_us *since, uint32_t most, hy_us period, hy_us now,
                        hy_us start)
{
    if (now - *since >= period || *since == 0) {
        *since = start + (now - start) / period * period;
        if (*since == 0)
            *since = 1;
        *used = 0;
    }
    if (*used >= most)
        return true;
    ++*used;
    return false;
}

struct provider_reply provider_mail(struct provider *p, uint32_t done, hy_us now)
{
    const struct provider_limits *l = provider_limits(p, now);
    if (l->messages_per_connection && done >= l->messages_per_connection)
        return refuse(p, 421, "4.7.0 Too many messages on this connection");
    if (l->connections && p->open > l->connections)
        return refuse(p, 421, "4.7.0 Too many connections from your address");
    if (l->noise_ppm && hy_rng_below(&p->rng, 1000000) < l->noise_ppm)
        return refuse(p, 451, "4.7.1 Message temporarily deferred due to unusual content");
    if (l->quota &&
        counts_over(&p->quota_used, &p->quota_at, l->quota, l->quota_period_us, now, p->start))
        return refuse(p, 452, "4.7.28 Daily quota exceeded, try again tomorrow");
    if (!l->rate)
        return (struct provider_reply){0};
    bool is_over = l->is_counted_in_periods ? counts_over(&p->counted, &p->counted_at, l->rate,
                                                          l->rate_period_us, now, p->start)
                                            : drips_over(p, l, now);
    return is_over ? refuse(p, 451, "4.7.1 You are sending too fast, slow down")
                   : (struct provider_reply){0};
}

static bool grow(struct provider *p)
{
    size_t cap = p->seen_cap ? p->seen_cap * 2 : 1024;
    struct provider_seen *to = cap <= PROVIDER_GREY_MAX ? calloc(cap, sizeof *to) : NULL;
    if (!to)
        return false;
    for (size_t i = 0; i < p->seen_cap; i++) {
        size_t at = p->seen[i].user & (cap - 1);
        while (p->seen[i].user && to[at].user)
            at = (at + 1) & (cap - 1);
        if (p->seen[i].user)
            to[at] = p->seen[i];
    }
    free(p->seen);
    p->seen = to;
    p->seen_cap = cap;
    return true;
}

struct provider_reply provider_rcpt(struct provider *p, uint64_t user, hy_us now)
{
    const struct provider_limits *l = provider_limits(p, now);
    if (!l->grey_us || (2 * p->n_seen >= p->seen_cap && !grow(p)))
        return (struct provider_reply){0};
    user = (user ^ user >> 31) * 0x9e3779b97f4a7c15u | 1;
    size_t at = user & (p->seen_cap - 1);
    while (p->seen[at].user && p->seen[at].user != user)
        at = (at + 1) & (p->seen_cap - 1);
    if (!p->seen[at].user) {
        p->seen[at] = (struct provider_seen){user, now};
        p->n_seen++;
    }
    if (now - p->seen[at].at < l->grey_us)
        return refuse(p, 450, "4.7.1 Recipient address rejected: please try again later");
    return (struct provider_reply){0};
}

static double slowness(const struct provider_limits *l, uint32_t open)
{
    if (!l->tar_from || open <= l->tar_from)
        return 1;
    return pow((double)open / l->tar_from, l->tar_power_percent / 100.0);
}

hy_us provider_latency(struct provider *p, hy_us now)
{
    const struct provider_limits *l = provider_limits(p, now);
    double latency = (double)l->latency_us;
    if (l->latency_most_us > l->latency_us)
        latency += (double)hy_rng_below(&p->rng, (uint64_t)(l->latency_most_us - l->latency_us));
    p->taken++;
    return (hy_us)(latency * slowness(l, p->open));
}

double provider_best_rate(const struct provider_limits *l, uint32_t connections, hy_us rtt_us)
{
    double best = 0;
    if (l->connections && l->connections < connections)
        connections = l->connections;
    double mean = (double)l->latency_us;
    if (l->latency_most_us > l->latency_us)
        mean = (mean + (double)l->latency_most_us) / 2;
    for (uint32_t c = 1; c <= connections; c++) {
        double takes = mean * slowness(l, c) + (double)rtt_us;
        double rate = takes > 0 ? c * 1e6 / takes : 1e9;
        best = rate > best ? rate : best;
    }
    double rate = l->rate ? l->rate * 1e6 / (double)l->rate_period_us : 1e9;
    double quota = l->quota ? l->quota * 1e6 / (double)l->quota_period_us : 1e9;
    best = rate < best ? rate : best;
    return quota < best ? quota : best;
}
