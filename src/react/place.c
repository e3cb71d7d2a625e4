/* The place of the reader, kept as one of the readers of the logs, so that they are not trimmed
 * before it has read them. Its cursor is the least of its places; its own state: these be64 each,
 * leads done of the next change be32. */
#include "react_priv.h"

#include "hayauma/store/log_reader.h"

enum { STATE = 36 };
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
                          .judged = hy_get_be64(l.state.p + 8),
                          .held = hy_get_be64(l.state.p + 16),
                          .leads = hy_get_be64(l.state.p + 24),
                          .within = hy_get_be32(l.state.p + 32)};
    return 0;
}

int place_put(struct hy_txn *t, const struct place *p)
{
    uint8_t state[STATE];
    const hy_id all[] = {p->now, p->judged, p->held, p->leads};
    hy_id least = UINT64_MAX;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        hy_put_be64(state + 8 * i, all[i]);
        least = all[i] < least ? all[i] : least;
    }
    hy_put_be32(state + 32, p->within);
    return hy_log_reader_put(
        t, &(struct hy_log_reader){
               .name = name, .cursor = least, .holds = true, .state = hy_str_make(state, STATE)});
}

int hy_react_position_stored(struct hy_txn *t, struct hy_react_position *ret)
{
    struct place p;
    int err = place_get(t, &p);
    if (!err)
        *ret = (struct hy_react_position){
            .now = p.now < p.judged ? p.now : p.judged, .held = p.held, .leads = p.leads};
    return err;
}
