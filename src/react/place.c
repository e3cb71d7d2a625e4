/* The place of the reader, kept as one of the readers of the logs, so that they are not trimmed
 * before it has read them. Its cursor is the place of held opens and clicks; its own state: place
 * of the others be64, leads done be32. */
#include "react_priv.h"

#include "hayauma/store/log_reader.h"

enum { STATE = 12 };
static const struct hy_str name = {"react", 5};

int place_get(struct hy_txn *t, struct place *ret)
{
    struct hy_log_reader l;
    int err = hy_log_reader_get(t, name, &l);
    if (err)
        return err;
    if (l.state.n != STATE)
        return HY_ECORRUPT;
    *ret = (struct place){.held = l.cursor,
                          .now = hy_get_be64(l.state.p),
                          .within = hy_get_be32((const uint8_t *)l.state.p + 8)};
    return 0;
}

int place_put(struct hy_txn *t, const struct place *p)
{
    uint8_t state[STATE];
    hy_put_be64(state, p->now);
    hy_put_be32(state + 8, p->within);
    return hy_log_reader_put(
        t, &(struct hy_log_reader){
               .name = name, .cursor = p->held, .holds = true, .state = hy_str_make(state, STATE)});
}

int hy_react_position_stored(struct hy_txn *t, struct hy_react_position *ret)
{
    struct place p;
    int err = place_get(t, &p);
    if (!err)
        *ret = (struct hy_react_position){.now = p.now, .held = p.held};
    return err;
}
