/* A provider model on real connections: each client address has its own state, shared by the
 * threads under one lock. */
#include <stdlib.h>

#include "sink.h"

int provider_option(struct sink *s, struct hy_str spec, struct hy_diag *d)
{
    struct providers *p = s->providers ? s->providers : calloc(1, sizeof *p);
    if (!p)
        return HY_ENOMEM;
    if (!s->providers)
        pthread_mutex_init(&p->lock, NULL);
    s->providers = p;
    return provider_model_parse(&p->model, spec, d);
}

/* Under the lock. */
static struct provider *client_of(struct conn *c)
{
    struct providers *p = c->w->s->providers;
    for (int i = 0; i < p->n; i++) {
        if (p->client[i].ip == c->peer_ip || i == SINK_CLIENTS_MAX - 1)
            return &p->client[i].state;
    }
    struct provider_client *x = &p->client[p->n++];
    x->ip = c->peer_ip;
    provider_init(&x->state, &p->model, c->w->s->seed + x->ip);
    return &x->state;
}

struct provider_reply provider_on_connect(struct conn *c)
{
    struct providers *p = c->w->s->providers;
    struct provider_reply r = {0};
    if (!p)
        return r;
    pthread_mutex_lock(&p->lock);
    struct provider *client = client_of(c);
    r = provider_connect(client, c->w->now);
    if (r.code == 0)
        c->provider = client;
    pthread_mutex_unlock(&p->lock);
    return r;
}

struct provider_reply provider_on_mail(struct conn *c)
{
    struct providers *p = c->w->s->providers;
    struct provider_reply r = {0};
    if (!c->provider)
        return r;
    pthread_mutex_lock(&p->lock);
    r = provider_mail(c->provider, c->messages, c->w->now);
    pthread_mutex_unlock(&p->lock);
    return r;
}

struct provider_reply provider_on_rcpt(struct conn *c)
{
    struct providers *p = c->w->s->providers;
    struct provider_reply r = {0};
    if (!c->provider)
        return r;
    pthread_mutex_lock(&p->lock);
    r = provider_rcpt(c->provider, c->user_hash, c->w->now);
    pthread_mutex_unlock(&p->lock);
    return r;
}

uint32_t provider_on_content(struct conn *c)
{
    struct providers *p = c->w->s->providers;
    if (!c->provider)
        return 0;
    pthread_mutex_lock(&p->lock);
    hy_us takes = provider_latency(c->provider, c->w->now);
    pthread_mutex_unlock(&p->lock);
    return takes < UINT32_MAX ? (uint32_t)takes : UINT32_MAX;
}

void provider_on_close(struct conn *c)
{
    struct providers *p = c->w->s->providers;
    if (!c->provider)
        return;
    pthread_mutex_lock(&p->lock);
    provider_close(c->provider);
    pthread_mutex_unlock(&p->lock);
    c->provider = NULL;
}
