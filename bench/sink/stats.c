/* Counters, per domain and per address, summed over the workers and written as JSON. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sink.h"

struct domain_count *stats_domain(struct worker *w, struct hy_str name, uint64_t hash)
{
    size_t at = (hash >> 7) & (w->slots - 1);
    for (;; at = (at + 1) & (w->slots - 1)) {
        struct domain_count *d = __atomic_load_n(&w->domains[at], __ATOMIC_RELAXED);
        if (!d)
            break;
        if (d->hash == hash)
            return d;
    }
    struct domain_count *d = w->n_domains < w->s->domains_max ? calloc(1, sizeof *d) : NULL;
    if (!d)
        return &w->other;
    d->hash = hash;
    for (size_t i = 0; i < name.n && i < sizeof d->name - 1; i++) {
        char ch = hy_ascii_lower(name.p[i]);
        d->name[i] = ch > ' ' && ch != '"' && ch != '\\' && ch < 127 ? ch : '?';
    }
    w->n_domains++;
    if (w->s->first_fd >= 0)
        hy_buf_printf(&w->first, "%ld %s\n", w->now, d->name);
    __atomic_store_n(&w->domains[at], d, __ATOMIC_RELEASE);
    return d;
}

#define READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

static int by_messages(const void *a, const void *b)
{
    const struct domain_count *x = a, *y = b;
    if (x->messages != y->messages)
        return x->messages < y->messages ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int by_hash(const void *a, const void *b)
{
    const struct domain_count *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* All domains of all workers, each once; the caller frees. */
static struct domain_count *collect(struct sink *s, size_t *ret_n)
{
    size_t max = 0, n = 0, out = 0;
    for (unsigned t = 0; t < s->threads; t++)
        max += s->workers[t]->n_domains + 16;
    struct domain_count *all = calloc(max, sizeof *all);
    for (unsigned t = 0; all && t < s->threads; t++) {
        if (READ(s->workers[t]->other.rcpts) && n < max)
            all[n++] = s->workers[t]->other;
        for (size_t i = 0; i < s->workers[t]->slots && n < max; i++) {
            struct domain_count *d = __atomic_load_n(&s->workers[t]->domains[i], __ATOMIC_ACQUIRE);
            if (!d)
                continue;
            all[n] = *d;
            all[n].rcpts = READ(d->rcpts);
            all[n].refused = READ(d->refused);
            all[n++].messages = READ(d->messages);
        }
    }
    if (n)
        qsort(all, n, sizeof *all, by_hash);
    for (size_t i = 0; i < n; i++) {
        if (out && all[out - 1].hash == all[i].hash) {
            all[out - 1].rcpts += all[i].rcpts;
            all[out - 1].refused += all[i].refused;
            all[out - 1].messages += all[i].messages;
        } else {
            all[out++] = all[i];
        }
    }
    if (out)
        qsort(all, out, sizeof *all, by_messages);
    *ret_n = out;
    return all;
}

static struct counters sum(struct sink *s)
{
    struct counters t = {0};
    for (unsigned i = 0; i < s->threads; i++) {
        struct counters *n = &s->workers[i]->n;
        t.conns += READ(n->conns);
        t.refused += READ(n->refused);
        t.messages += READ(n->messages);
        t.bytes += READ(n->bytes);
        t.mails += READ(n->mails);
        t.rcpts += READ(n->rcpts);
        for (int k = 0; k < 6; k++)
            t.replies[k] += READ(n->replies[k]);
        t.batches += READ(n->batches);
        t.commands += READ(n->commands);
        t.bare_lf += READ(n->bare_lf);
        t.starttls += READ(n->starttls);
        t.tls_resumed += READ(n->tls_resumed);
        t.tls_failed += READ(n->tls_failed);
        t.injected += READ(n->injected);
        t.aborted += READ(n->aborted);
        uint64_t first = READ(n->first_us), last = READ(n->last_us);
        if (first && (t.first_us == 0 || first < t.first_us))
            t.first_us = first;
        if (last > t.last_us)
            t.last_us = last;
    }
    return t;
}

static void write_totals(struct sink *s, FILE *f, const struct counters *t)
{
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    double span = (double)(t->last_us - t->first_us) / 1e6;
    fprintf(f, "{\"uptime_s\":%.3f,", (double)(hy_clock_us() - s->start) / 1e6);
    fprintf(f, "\"cpu_s\":{\"user\":%.3f,\"system\":%.3f},\"max_rss_kib\":%ld,",
            (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6,
            (double)ru.ru_stime.tv_sec + (double)ru.ru_stime.tv_usec / 1e6, ru.ru_maxrss);
    fprintf(f, "\"messages\":%lu,\"bytes\":%lu,\"messages_per_s\":%.1f,\"first_to_last_s\":%.3f,",
            t->messages, t->bytes, span > 0 ? (double)t->messages / span : 0, span);
    fprintf(f,
            "\"connections\":{\"total\":%lu,\"open\":%u,\"max_open\":%u,\"refused\":%lu,"
            "\"aborted\":%lu},",
            t->conns, atomic_load(&s->open), atomic_load(&s->open_max), t->refused, t->aborted);
    fprintf(f, "\"commands\":%lu,\"reply_batches\":%lu,\"mail\":%lu,\"rcpt\":%lu,", t->commands,
            t->batches, t->mails, t->rcpts);
    fprintf(f, "\"replies\":{\"2xx\":%lu,\"3xx\":%lu,\"4xx\":%lu,\"5xx\":%lu},", t->replies[2],
            t->replies[3], t->replies[4], t->replies[5]);
    fprintf(f, "\"tls\":{\"started\":%lu,\"resumed\":%lu,\"failed\":%lu,\"injected\":%lu},",
            t->starttls, t->tls_resumed, t->tls_failed, t->injected);
    fprintf(f, "\"bare_lf\":%lu", t->bare_lf);
}

void stats_write(struct sink *s, FILE *f)
{
    struct counters t = sum(s);
    write_totals(s, f, &t);
    fprintf(f, ",\n\"addresses\":{");
    const char *sep = "";
    for (int i = 0; i < s->n_addrs; i++) {
        struct listen_addr *a = &s->addrs[i];
        if (atomic_load(&a->conns) == 0)
            continue;
        fprintf(
            f,
            "%s\n\"%s\":{\"connections\":%llu,\"max_open\":%u,\"messages\":%llu,\"refused\":%llu}",
            sep, a->name, atomic_load(&a->conns), atomic_load(&a->open_max),
            atomic_load(&a->messages), atomic_load(&a->refused));
        sep = ",";
    }
    size_t n = 0;
    struct domain_count *all = collect(s, &n);
    fprintf(f, "},\n\"domains\":{");
    for (size_t i = 0; all && i < n; i++)
        fprintf(f, "%s\n\"%s\":{\"rcpt\":%lu,\"refused\":%lu,\"messages\":%lu}", i ? "," : "",
                all[i].name, all[i].rcpts, all[i].refused, all[i].messages);
    fprintf(f, "}}\n");
    free(all);
}

void stats_save(struct sink *s)
{
    char part[4096];
    snprintf(part, sizeof part, "%s.part", s->stats_path);
    FILE *f = fopen(part, "we");
    if (!f) {
        fprintf(stderr, "sink: %s: %s\n", part, strerror(errno));
        return;
    }
    stats_write(s, f);
    if (fclose(f) != 0 || rename(part, s->stats_path) != 0)
        fprintf(stderr, "sink: %s: %s\n", s->stats_path, strerror(errno));
}
