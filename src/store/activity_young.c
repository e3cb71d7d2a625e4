/* The youngest entries of the index by lead, apart from the others.
 *
 * Hits come in the order of time and are of leads at random: filed at once where they belong,
 * nearly each would dirty a page of its own, which the commit copies and the disk takes. So an
 * entry is first filed among the young, which share few pages, and goes to its place with its
 * neighbours, when the young have become many: a hand walks over them in the order of their leads,
 * round and round.
 *
 * How many they are is known by a sample, chosen by id: a record that changes with each of them
 * would cost what this saves. "young_activities" in the meta table: le64 of the sample, the place
 * of the hand (be32 lead, kind u8, be64 id). */
#include "activity.h"
#include "meta.h"

enum { ENTRY_VERSION = 1 };
enum { SAMPLE_BITS = 6, SAMPLE = 1 << SAMPLE_BITS }; /* one in so many is counted */
enum { STEP = 2 * SAMPLE };                          /* go at once, at most */
enum { PLACE = 4 + 1 + 8, KEY = 1 + PLACE, STATE = 8 + PLACE };
static const char state_name[] = "young_activities";
static const uint8_t entry_value = ENTRY_VERSION;

struct state {
    uint64_t sampled;
    uint8_t hand[PLACE];
};

static bool is_sampled(hy_id id)
{
    return (id * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - SAMPLE_BITS) == 0;
}

static int load(struct hy_txn *t, struct state *ret)
{
    const uint8_t *v;
    *ret = (struct state){.sampled = 0};
    int err = hy_meta_get(t, state_name, STATE, &v);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    ret->sampled = hy_get_le64(v);
    memcpy(ret->hand, v + 8, PLACE);
    return 0;
}

static void save(struct hy_txn *t, const struct state *s)
{
    uint8_t v[STATE];
    hy_put_le64(v, s->sampled);
    memcpy(v + 8, s->hand, PLACE);
    hy_meta_put(t, state_name, v, sizeof v);
}

static struct hy_str key_of(uint8_t key[KEY], char among, const uint8_t place[PLACE])
{
    key[0] = (uint8_t)among;
    memcpy(key + 1, place, PLACE);
    return hy_str_make(key, KEY);
}

static bool is_young(const struct hy_cursor *c)
{
    return c->key.n == KEY && c->key.p[0] == ACTIVITY_YOUNG;
}

/* Takes up to STEP of the young that follow the hand, and goes round at their end. *ret_n: how
 * many.
 */
static int take(struct hy_txn *t, struct state *s, uint8_t places[STEP][PLACE], size_t *ret_n)
{
    static const uint8_t least[PLACE] = {0};
    uint8_t key[KEY];
    struct hy_cursor c;
    size_t n = 0;
    int err = hy_cursor_open(t, HY_TABLE_ACTIVITY_INDEX, &c);
    if (!err)
        err = hy_cursor_seek(&c, key_of(key, ACTIVITY_YOUNG, s->hand));
    if (err == HY_ENOTFOUND || (!err && !is_young(&c)))
        err = hy_cursor_seek(&c, key_of(key, ACTIVITY_YOUNG, least));
    while (!err && n < STEP && is_young(&c)) {
        memcpy(places[n], c.key.p + 1, PLACE);
        s->sampled -= s->sampled && is_sampled(hy_get_be64(places[n] + PLACE - 8));
        n++;
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    if (n)
        memcpy(s->hand, places[n - 1], PLACE);
    *ret_n = n;
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Some of them go where they belong. */
static int step(struct hy_txn *t, struct state *s)
{
    uint8_t places[STEP][PLACE], key[KEY];
    size_t n = 0;
    int err = take(t, s, places, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = hy_put(t, HY_TABLE_ACTIVITY_INDEX, key_of(key, ACTIVITY_SETTLED, places[i]),
                     hy_str_make(&entry_value, 1), HY_PUT_SET);
    if (!err && n == 0) /* a count of what is not there: none could go */
        s->sampled = 0;
    return err;
}

int hy_activity_young_put(struct hy_txn *t, struct hy_str key)
{
    int err = hy_put(t, HY_TABLE_ACTIVITY_INDEX, key, hy_str_make(&entry_value, 1), HY_PUT_SET);
    if (err || !is_sampled(hy_get_be64(key.p + key.n - 8)))
        return err;
    struct state s;
    err = load(t, &s);
    if (err)
        return hy_txn_fail(t, err);
    s.sampled++;
    if (s.sampled > ACTIVITY_YOUNG_MAX / SAMPLE)
        err = step(t, &s);
    if (!err)
        save(t, &s);
    return err;
}

int hy_activity_young_drop(struct hy_txn *t, struct hy_str key)
{
    struct state s;
    int err = hy_del(t, HY_TABLE_ACTIVITY_INDEX, key);
    if (err || !is_sampled(hy_get_be64(key.p + key.n - 8)))
        return err;
    err = load(t, &s);
    if (err)
        return hy_txn_fail(t, err);
    if (s.sampled) {
        s.sampled--;
        save(t, &s);
    }
    return 0;
}
