/* The place of the reader, kept as one of the readers of the logs, so that they are not trimmed
 * before it has read them. Its cursor is the least of its places; its own state: the places of all
 * but opens and clicks, of these and of changes of leads be64, leads done of the next be32. */
#include "react_priv.h"

#include "hayauma/store/log_reader.h"

enum { STATE = 28 };
static const struct hy_str name = {"react", 5};

int place_get(struct hy_txn *t, struct place *ret)
{
    struct hy_log_reader l;
    int err = hy_log_reader_get(t, name, &l);
    if (err)
        return err;
    if (l.state.n != STATE)
        return HY_ECORRUPT;
    *ret = (struct place){.now = hy_get_be64(l.state.p),
                          .held = hy_get_be64(l.state.p + 8),
                          .leads = hy_get_be64(l.state.p + 16),
                          .within = hy_get_be32(l.state.p + 24)};
    return 0;
}

int place_put(struct hy_txn *t, const struct place *p)
{
    uint8_t state[STATE];
    hy_id least = p->held < p->leads ? p->held : p->leads; /* held <= now */
    hy_put_be64(state, p->now);
    hy_put_be64(state + 8, p->held);
    hy_put_be64(state + 16, p->leads);
    hy_put_be32(state + 24, p->within);
    return hy_log_reader_put(
        t, &(struct hy_log_reader){
               .name = name, .cursor = least, .holds = true, .state = hy_str_make(state, STATE)});
}

int hy_react_position_stored(struct hy_txn *t, struct hy_react_position *ret)
{
    struct place p;
    int err = place_get(t, &p);
    if (!err)
        *ret = (struct hy_react_position){.now = p.now, .held = p.held, .leads = p.leads};
    return err;
}
