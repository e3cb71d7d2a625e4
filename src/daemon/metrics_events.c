/* The part of /metrics about destinations of events: what `hayauma events endpoints` shows. The
 * server's thread. */
#include "metrics_events.h"

#include <stdlib.h>

#include "daemon.h"

enum { VIEWS_MAX = HY_EVENTS_FILES_MAX + HY_EVENTS_WEBHOOKS_MAX };

struct seen {
    struct hy_events_view views[VIEWS_MAX];
    size_t n;
    hy_id newest;
};

static struct expo_label name_of(const struct hy_events_view *v)
{
    return (struct expo_label){"destination", hy_str_of(v->name)};
}

static void put_counts(struct expo *e, const struct seen *s)
{
    expo_head(e, HY_M_EVENTS_SENT);
    for (size_t i = 0; i < s->n; i++)
        expo_sample(e, HY_M_EVENTS_SENT, (struct expo_label[]){name_of(&s->views[i])}, 1,
                    (double)s->views[i].sent);
    expo_head(e, HY_M_EVENTS_FAILURES);
    for (size_t i = 0; i < s->n; i++)
        expo_sample(e, HY_M_EVENTS_FAILURES, (struct expo_label[]){name_of(&s->views[i])}, 1,
                    (double)s->views[i].failures);
}

static void put_states(struct expo *e, const struct seen *s)
{
    expo_head(e, HY_M_EVENTS_STATE);
    for (size_t i = 0; i < s->n; i++)
        for (int state = HY_EVENTS_GOOD; state <= HY_EVENTS_DISABLED; state++) {
            const char *name = hy_events_state_name((enum hy_events_state)state);
            struct expo_label both[] = {name_of(&s->views[i]), {"state", hy_str_of(name)}};
            expo_sample(e, HY_M_EVENTS_STATE, both, 2, (int)s->views[i].state == state);
        }
}

static void put_lag(struct expo *e, const struct seen *s)
{
    expo_head(e, HY_M_EVENTS_LAG);
    for (size_t i = 0; i < s->n; i++) {
        hy_wall_ms ago = hy_clock_wall_ms() - hy_id_time(s->views[i].cursor);
        bool lags = s->views[i].cursor < s->newest && ago > 0;
        expo_sample(e, HY_M_EVENTS_LAG, (struct expo_label[]){name_of(&s->views[i])}, 1,
                    lags ? (double)ago / 1000 : 0);
    }
}

void metrics_put_events(struct expo *e, struct hy_daemon *d)
{
    struct hy_events *events = atomic_load(&d->events);
    struct seen *s = calloc(1, sizeof *s);
    struct hy_txn t = {0};
    if (s && events && hy_txn_read(d->env, &t) == 0 && hy_timeline_newest(&t, &s->newest) == 0)
        s->n = hy_events_look(events, s->views, VIEWS_MAX);
    hy_txn_end(&t);
    if (s && events) {
        put_counts(e, s);
        put_states(e, s);
        put_lag(e, s);
    }
    free(s);
}
