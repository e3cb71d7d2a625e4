/* Reading MaxMind's format. Sizes, pointers and nesting are checked at every step; a lookup takes
 * at most 128 steps in the tree and MEMBERS_MAX values in the records. */
#include "mmdb.h"

#include <string.h>

#include "hayauma/base/bytes.h"

enum {
    TAIL = 128 << 10, /* where the mark of the metadata is looked for */
    SEPARATOR = 16,   /* zero bytes between tree and data */
    MEMBERS_MAX = 4096,
    DEPTH_MAX = 16,
};
enum type {
    POINTER = 1,
    TEXT = 2,
    DOUBLE = 3,
    BYTES = 4,
    UINT16 = 5,
    UINT32 = 6,
    MAP = 7,
    INT32 = 8,
    UINT64 = 9,
    UINT128 = 10,
    ARRAY = 11,
    BOOL = 14,
    FLOAT = 15
};

static const char mark[] = "\xab\xcd\xefMaxMind.com";

static size_t find_metadata(struct hy_str bytes)
{
    const size_t n = sizeof mark - 1, from = bytes.n > TAIL ? bytes.n - TAIL : 0;
    for (size_t i = bytes.n; i >= from + n && i >= n; i--)
        if (memcmp(bytes.p + i - n, mark, n) == 0)
            return i;
    return SIZE_MAX;
}

bool mmdb_is(struct hy_str bytes)
{
    return find_metadata(bytes) != SIZE_MAX;
}

/* ---- values ---- */

struct value {
    enum type type;
    size_t at;         /* of its bytes, or of its first member */
    uint64_t size;     /* bytes or members; of a pointer where it points */
    bool is_elsewhere; /* a pointer led to it */
};

static int take(struct hy_str data, size_t *at, size_t n, uint64_t *ret)
{
    uint64_t v = 0;
    if (n > data.n || *at > data.n - n)
        return HY_EPARSE;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (uint8_t)data.p[*at + i];
    *at += n;
    *ret = v;
    return HY_OK;
}

static int read_pointer(struct hy_str data, size_t *at, unsigned control, struct value *v)
{
    static const uint64_t base[] = {0, 2048, 526336, 0};
    const unsigned extra = control >> 3 & 3;
    uint64_t low;
    int err = take(data, at, extra + 1, &low);
    if (err)
        return err;
    uint64_t high = extra == 3 ? 0 : (uint64_t)(control & 7) << (8 * (extra + 1));
    v->size = (high | low) + base[extra];
    return HY_OK;
}

/* The head of the value at *at, which is then behind it. */
static int read_head(struct hy_str data, size_t *at, struct value *v)
{
    static const uint64_t base[] = {29, 285, 65821};
    uint64_t control, more;
    int err = take(data, at, 1, &control);
    if (err)
        return err;
    v->is_elsewhere = false;
    v->type = (enum type)(control >> 5);
    if (v->type == POINTER)
        return read_pointer(data, at, (unsigned)control, v);
    if (v->type == 0) {
        err = take(data, at, 1, &more);
        if (err)
            return err;
        v->type = (enum type)(more + 7);
    }
    v->size = control & 31;
    if (v->size >= 29) {
        const unsigned n = (unsigned)v->size - 28;
        err = take(data, at, n, &more);
        v->size = err ? 0 : more + base[n - 1];
    }
    v->at = *at;
    return err;
}

/* The same, through a pointer; *at is behind what stood there. */
static int read_value(struct hy_str data, size_t *at, struct value *v)
{
    int err = read_head(data, at, v);
    if (err || v->type != POINTER)
        return err;
    if (v->size >= data.n)
        return HY_EPARSE;
    size_t to = (size_t)v->size;
    err = read_head(data, &to, v);
    v->is_elsewhere = true;
    return err ? err : v->type == POINTER ? HY_EPARSE : HY_OK;
}

static bool is_nested(enum type t)
{
    return t == MAP || t == ARRAY;
}

/* Goes past the value at *at, with all that is in it; `left` values at most. */
static int skip(struct hy_str data, size_t *at, unsigned depth, unsigned *left)
{
    struct value v;
    int err = depth && *left ? read_head(data, at, &v) : HY_EPARSE;
    if (err)
        return err;
    --*left;
    if (is_nested(v.type)) {
        uint64_t members = v.type == MAP ? v.size * 2 : v.size;
        for (uint64_t i = 0; i < members && !err; i++)
            err = skip(data, at, depth - 1, left);
        return err;
    }
    uint64_t n = v.type == POINTER || v.type == BOOL ? 0 : v.size;
    if (n > data.n - *at)
        return HY_EPARSE;
    *at += (size_t)n;
    return HY_OK;
}

static int text_of(struct hy_str data, const struct value *v, struct hy_str *ret)
{
    if (v->type != TEXT)
        return HY_ENOTFOUND;
    if (v->size > data.n - v->at)
        return HY_EPARSE;
    *ret = hy_str_make(data.p + v->at, (size_t)v->size);
    return HY_OK;
}

/* The member of a map; HY_ENOTFOUND. */
static int member(struct hy_str data, const struct value *map, const char *name, struct value *ret)
{
    unsigned left = MEMBERS_MAX;
    size_t at = map->at;
    if (map->type != MAP)
        return HY_ENOTFOUND;
    for (uint64_t i = 0; i < map->size; i++) {
        struct value key;
        struct hy_str text;
        int err = left ? read_value(data, &at, &key) : HY_EPARSE;
        if (!err)
            err = text_of(data, &key, &text);
        if (err)
            return HY_EPARSE;
        left--;
        if (!key.is_elsewhere)
            at += text.n;
        if (hy_str_eq(text, hy_str_of(name)))
            return read_value(data, &at, ret);
        err = skip(data, &at, DEPTH_MAX, &left);
        if (err)
            return err;
    }
    return HY_ENOTFOUND;
}

int mmdb_text(const struct mmdb *m, size_t at, const char *const *path, size_t n_path,
              struct hy_str *ret)
{
    struct value v;
    int err = read_value(m->data, &at, &v);
    for (size_t i = 0; i < n_path && !err; i++) {
        const struct value map = v;
        err = member(m->data, &map, path[i], &v);
    }
    return err ? err : text_of(m->data, &v, ret);
}

/* ---- the tree ---- */

static int number(struct hy_str meta, const struct value *map, const char *name, uint64_t *ret)
{
    struct value v;
    int err = member(meta, map, name, &v);
    if (err)
        return err;
    if ((v.type != UINT16 && v.type != UINT32) || v.size > 4)
        return HY_EPARSE;
    size_t at = v.at;
    return take(meta, &at, (size_t)v.size, ret);
}

int mmdb_open(struct hy_str bytes, struct mmdb *ret)
{
    size_t from = find_metadata(bytes), at = 0;
    uint64_t nodes, bits, version;
    struct value map, type;
    struct mmdb m = {0};
    if (from == SIZE_MAX)
        return HY_EPARSE;
    const struct hy_str meta = hy_str_slice(bytes, from, bytes.n);
    if (read_head(meta, &at, &map) || number(meta, &map, "node_count", &nodes) ||
        number(meta, &map, "record_size", &bits) || number(meta, &map, "ip_version", &version) ||
        member(meta, &map, "database_type", &type) || text_of(meta, &type, &m.type))
        return HY_EPARSE;
    const uint64_t tree = nodes * bits / 4;
    const size_t end = from - (sizeof mark - 1);
    if ((bits != 24 && bits != 28 && bits != 32) || (version != 4 && version != 6) ||
        tree + SEPARATOR > end)
        return HY_EPARSE;
    m.tree = hy_str_slice(bytes, 0, (size_t)tree);
    m.data = hy_str_slice(bytes, (size_t)tree + SEPARATOR, end);
    m.nodes = (uint32_t)nodes;
    m.record_bits = (unsigned)bits;
    m.is_v4 = version == 4;
    *ret = m;
    return HY_OK;
}

static uint32_t child(const struct mmdb *m, uint32_t node, unsigned bit)
{
    union {
        const char *c;
        const uint8_t *u;
    } tree = {.c = m->tree.p};
    const uint8_t *p = tree.u + (size_t)node * (m->record_bits / 4);
    switch (m->record_bits) {
    case 24:
        p += bit * 3;
        return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    case 28:
        if (bit == 0)
            return (uint32_t)(p[3] >> 4) << 24 | (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        return (uint32_t)(p[3] & 15) << 24 | (uint32_t)p[4] << 16 | (uint32_t)p[5] << 8 | p[6];
    default:
        return hy_get_be32(p + bit * 4);
    }
}

int mmdb_find(const struct mmdb *m, const uint8_t ip[16], size_t *ret_at)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const bool is_v4 = memcmp(ip, mapped, sizeof mapped) == 0;
    uint8_t key[16] = {0};
    if (m->is_v4 && !is_v4)
        return HY_ENOTFOUND;
    if (is_v4) /* a tree of IPv6 has IPv4 at ::/96 */
        memcpy(key + (m->is_v4 ? 0 : 12), ip + 12, 4);
    else
        memcpy(key, ip, 16);
    const unsigned bits = m->is_v4 ? 32 : 128;
    uint32_t node = 0;
    for (unsigned i = 0; i < bits && node < m->nodes; i++)
        node = child(m, node, key[i / 8] >> (7 - i % 8) & 1);
    if (node <= m->nodes)
        return HY_ENOTFOUND;
    const size_t at = (size_t)node - m->nodes;
    if (at < SEPARATOR || at - SEPARATOR >= m->data.n)
        return HY_EPARSE;
    *ret_at = at - SEPARATOR;
    return HY_OK;
}
