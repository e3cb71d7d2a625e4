/* Stored templates. Key: tenant be32, part u8; of a head ('h') then the name; of the sums ('s')
 * nothing; of a piece ('v') then the name, a zero byte, version be32, piece be16.
 *
 * Head: version u8; varints: newest version, oldest version, created, changed, bytes of the newest;
 * who (length, bytes). Sums: version u8; varints: templates, bytes of all versions. A version is a
 * record (changed, varint; who, subject, text and HTML, each as length and bytes) cut in pieces,
 * each behind a version byte. */
#include "hayauma/store/templates.h"

#include "record.h"
#include "templates_priv.h"

static struct hy_str key_of(struct templates_key *k, uint32_t tenant, char part, struct hy_str name)
{
    hy_put_be32(k->bytes, tenant);
    k->bytes[4] = (uint8_t)part;
    if (name.n)
        memcpy(k->bytes + 5, name.p, name.n);
    return hy_str_make(k->bytes, 5 + name.n);
}

static struct hy_str pieces_key(struct templates_key *k, uint32_t tenant, struct hy_str name,
                                uint32_t version)
{
    size_t n = key_of(k, tenant, TEMPLATES_PIECE, name).n;
    k->bytes[n] = 0;
    hy_put_be32(k->bytes + n + 1, version);
    return hy_str_make(k->bytes, n + 5);
}

bool hy_template_name_is_good(struct hy_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = hy_ascii_lower(name.p[i]);
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_word && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return name.n > 0 && name.n <= HY_TEMPLATE_NAME_MAX;
}

/* ---- heads ---- */

int templates_head_read(struct hy_str value, struct hy_stored_template *ret)
{
    int err = hy_value_check(value, TEMPLATES_VERSION);
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    ret->version = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    ret->oldest = (uint32_t)rec_get_varint(&in, ret->version);
    ret->created = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    ret->changed = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    ret->bytes = rec_get_varint(&in, HY_TEMPLATE_BYTES_MAX);
    ret->by = rec_get_str(&in, HY_TEMPLATE_BY_MAX);
    return in.bad || in.n || ret->oldest == 0 ? HY_ECORRUPT : HY_OK;
}

static int head_get(struct hy_txn *t, uint32_t tenant, struct hy_str name,
                    struct hy_stored_template *ret)
{
    struct templates_key k;
    struct hy_str value;
    struct hy_stored_template m = {.name = name};
    if (!hy_template_name_is_good(name))
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_TEMPLATES, key_of(&k, tenant, TEMPLATES_HEAD, name), &value);
    if (err)
        return err;
    err = templates_head_read(value, &m);
    if (err)
        return hy_txn_fail(t, err);
    *ret = m;
    return HY_OK;
}

static int head_put(struct hy_txn *t, uint32_t tenant, const struct hy_stored_template *m)
{
    struct templates_key k;
    uint8_t room[64 + HY_TEMPLATE_BY_MAX];
    struct hy_rec_out out = {.p = room, .max = sizeof room};
    rec_put_u8(&out, TEMPLATES_VERSION);
    rec_put_varint(&out, m->version);
    rec_put_varint(&out, m->oldest);
    rec_put_varint(&out, (uint64_t)m->created);
    rec_put_varint(&out, (uint64_t)m->changed);
    rec_put_varint(&out, m->bytes);
    rec_put_str(&out, m->by);
    if (out.bad)
        return hy_txn_fail(t, HY_ELIMIT);
    return hy_put(t, HY_TABLE_TEMPLATES, key_of(&k, tenant, TEMPLATES_HEAD, m->name),
                  hy_str_make(room, out.n), HY_PUT_SET);
}

/* ---- sums ---- */

int templates_sums_read(struct hy_str value, struct hy_templates_used *ret)
{
    int err = hy_value_check(value, TEMPLATES_VERSION);
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    struct hy_templates_used u = {.n = (uint32_t)rec_get_varint(&in, UINT32_MAX)};
    u.bytes = rec_get_varint(&in, UINT64_MAX);
    if (in.bad || in.n)
        return HY_ECORRUPT;
    *ret = u;
    return HY_OK;
}

int hy_templates_used(struct hy_txn *t, uint32_t tenant, struct hy_templates_used *ret)
{
    struct templates_key k;
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_TEMPLATES, key_of(&k, tenant, TEMPLATES_SUMS, HY_STR("")), &value);
    if (err == HY_ENOTFOUND) {
        *ret = (struct hy_templates_used){0};
        return HY_OK;
    }
    if (!err)
        err = templates_sums_read(value, ret);
    return err ? hy_txn_fail(t, err) : HY_OK;
}

static int sums_put(struct hy_txn *t, uint32_t tenant, const struct hy_templates_used *u)
{
    struct templates_key k;
    uint8_t room[32];
    struct hy_rec_out out = {.p = room, .max = sizeof room};
    rec_put_u8(&out, TEMPLATES_VERSION);
    rec_put_varint(&out, u->n);
    rec_put_varint(&out, u->bytes);
    return hy_put(t, HY_TABLE_TEMPLATES, key_of(&k, tenant, TEMPLATES_SUMS, HY_STR("")),
                  hy_str_make(room, out.n), HY_PUT_SET);
}

/* ---- versions ---- */

int hy_template_get(struct hy_txn *t, uint32_t tenant, struct hy_str name, uint32_t version,
                    struct hy_buf *out, struct hy_stored_template *ret)
{
    struct hy_stored_template m;
    struct templates_key k;
    struct hy_cursor c;
    int err = head_get(t, tenant, name, &m);
    if (err)
        return err;
    uint32_t wanted = version ? version : m.version;
    if (wanted > m.version || wanted < m.oldest)
        return HY_ENOTFOUND;
    size_t begin = out->len;
    struct hy_str prefix = pieces_key(&k, tenant, name, wanted);
    err = hy_cursor_open(t, HY_TABLE_TEMPLATES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        err = hy_value_check(c.value, TEMPLATES_VERSION);
        hy_buf_add_str(out, hy_str_slice(c.value, 1, c.value.n));
        if (!err)
            err = out->err ? out->err : hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    if (err != HY_ENOTFOUND)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(hy_buf_str(out), begin, out->len));
    m.version = wanted;
    m.bytes = in.n;
    m.changed = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    m.by = rec_get_str(&in, HY_TEMPLATE_BY_MAX);
    m.subject = rec_get_str(&in, HY_TEMPLATE_SUBJECT_MAX);
    m.text = rec_get_str(&in, HY_TEMPLATE_TEXT_MAX);
    m.html = rec_get_str(&in, HY_TEMPLATE_TEXT_MAX);
    if (in.bad || in.n)
        return hy_txn_fail(t, HY_ECORRUPT);
    *ret = m;
    return HY_OK;
}

static int put_pieces(struct hy_txn *t, uint32_t tenant, const struct hy_stored_template *m,
                      struct hy_str record)
{
    struct templates_key k;
    struct hy_str key = pieces_key(&k, tenant, m->name, m->version);
    uint8_t *room = NULL;
    for (uint16_t piece = 0; record.n; piece++) {
        struct hy_str part = hy_str_slice(record, 0, TEMPLATES_PIECE_BYTES);
        hy_put_be16(k.bytes + key.n, piece);
        int err = hy_put_reserve(t, HY_TABLE_TEMPLATES, hy_str_make(k.bytes, key.n + 2), part.n + 1,
                                 HY_PUT_SET, &room);
        if (err)
            return err;
        room[0] = TEMPLATES_VERSION;
        memcpy(room + 1, part.p, part.n);
        record = hy_str_slice(record, part.n, record.n);
    }
    return HY_OK;
}

static int put_version(struct hy_txn *t, uint32_t tenant, struct hy_stored_template *m)
{
    size_t max = m->by.n + m->subject.n + m->text.n + m->html.n + 64;
    struct hy_buf room = HY_BUF_INIT(max);
    int err = hy_buf_reserve(&room, max);
    if (err)
        return hy_txn_fail(t, err);
    struct hy_rec_out out = {.p = (uint8_t *)room.data, .max = max};
    rec_put_varint(&out, (uint64_t)m->changed);
    rec_put_str(&out, m->by);
    rec_put_str(&out, m->subject);
    rec_put_str(&out, m->text);
    rec_put_str(&out, m->html);
    m->bytes = out.n;
    err = put_pieces(t, tenant, m, hy_str_make(room.data, out.n));
    hy_buf_free(&room);
    return err;
}

/* Takes a version's pieces away; *bytes is so much less. */
static int drop_version(struct hy_txn *t, uint32_t tenant, struct hy_str name, uint32_t version,
                        uint64_t *bytes)
{
    struct templates_key k;
    uint64_t pieces = 0, all = 0;
    int err =
        hy_del_prefix(t, HY_TABLE_TEMPLATES, pieces_key(&k, tenant, name, version), &pieces, &all);
    *bytes -= all - pieces; /* each has a version byte */
    return err;
}

/* ---- changing ---- */

static int check(const struct hy_stored_template *m)
{
    if (!hy_template_name_is_good(m->name) || (!m->text.n && !m->html.n))
        return HY_EINVAL;
    return m->subject.n > HY_TEMPLATE_SUBJECT_MAX || m->text.n > HY_TEMPLATE_TEXT_MAX ||
                   m->html.n > HY_TEMPLATE_TEXT_MAX
               ? HY_ELIMIT
               : HY_OK;
}

/* Whether it is the newest version already. */
static int is_same(struct hy_txn *t, uint32_t tenant, const struct hy_stored_template *m, bool *ret)
{
    struct hy_buf old = HY_BUF_INIT(HY_TEMPLATE_BYTES_MAX);
    struct hy_stored_template now;
    int err = hy_template_get(t, tenant, m->name, 0, &old, &now);
    if (!err)
        *ret = hy_str_eq(now.subject, m->subject) && hy_str_eq(now.text, m->text) &&
               hy_str_eq(now.html, m->html);
    hy_buf_free(&old);
    return err;
}

/* The next version, with the sums that it makes. */
static int put_next(struct hy_txn *t, uint32_t tenant, struct hy_stored_template *next,
                    const struct hy_templates_used *before)
{
    struct hy_templates_used u = *before;
    int err = put_version(t, tenant, next);
    u.n += next->version == 1;
    u.bytes += next->bytes;
    if (!err && next->version - next->oldest >= HY_TEMPLATE_VERSIONS)
        err = drop_version(t, tenant, next->name, next->oldest++, &u.bytes);
    if (!err)
        err = head_put(t, tenant, next);
    return err ? err : sums_put(t, tenant, &u);
}

int hy_template_put(struct hy_txn *t, uint32_t tenant, struct hy_stored_template *m,
                    enum hy_template_did *ret_did)
{
    struct hy_stored_template next = *m, now = {.oldest = 1, .created = t->now};
    struct hy_templates_used u = {0};
    bool same = false;
    int err = check(m);
    if (err)
        return err;
    err = head_get(t, tenant, m->name, &now);
    bool is_new = err == HY_ENOTFOUND;
    if (!is_new && !err)
        err = is_same(t, tenant, m, &same);
    if (is_new || !err)
        err = hy_templates_used(t, tenant, &u);
    if (err)
        return err;
    next.by = hy_str_slice(m->by, 0, HY_TEMPLATE_BY_MAX);
    next.created = now.created;
    next.oldest = now.oldest;
    next.version = now.version + !same;
    next.changed = same ? now.changed : t->now;
    next.bytes = now.bytes;
    if (!same) {
        if ((is_new && u.n >= HY_TEMPLATES_MAX) ||
            u.bytes + m->subject.n + m->text.n + m->html.n > HY_TEMPLATES_BYTES_MAX)
            return HY_EQUOTA;
        err = put_next(t, tenant, &next, &u);
    }
    if (err)
        return err;
    *m = next;
    *ret_did = same ? HY_TEMPLATE_SAME : is_new ? HY_TEMPLATE_MADE : HY_TEMPLATE_CHANGED;
    return HY_OK;
}

int hy_template_del(struct hy_txn *t, uint32_t tenant, struct hy_str name)
{
    struct templates_key k;
    struct hy_stored_template m;
    struct hy_templates_used u;
    int err = head_get(t, tenant, name, &m);
    if (!err)
        err = hy_templates_used(t, tenant, &u);
    for (uint32_t v = m.oldest; !err && v <= m.version; v++)
        err = drop_version(t, tenant, name, v, &u.bytes);
    if (!err)
        err = hy_del(t, HY_TABLE_TEMPLATES, key_of(&k, tenant, TEMPLATES_HEAD, name));
    if (err)
        return err;
    u.n--;
    return sums_put(t, tenant, &u);
}

/* ---- looking ---- */

int hy_template_next(struct hy_txn *t, uint32_t tenant, struct hy_str after,
                     struct hy_stored_template *ret)
{
    struct templates_key k;
    struct hy_cursor c;
    struct hy_stored_template m = {0};
    if (after.n > HY_TEMPLATE_NAME_MAX)
        return HY_ENOTFOUND;
    struct hy_str key = key_of(&k, tenant, TEMPLATES_HEAD, after);
    k.bytes[key.n] = 0; /* no name has one: right behind `after` */
    int err = hy_cursor_open(t, HY_TABLE_TEMPLATES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(k.bytes, key.n + 1));
    if (!err && (c.key.n <= 5 || memcmp(c.key.p, k.bytes, 5) != 0))
        err = HY_ENOTFOUND;
    if (!err) {
        m.name = hy_str_slice(c.key, 5, c.key.n);
        err = templates_head_read(c.value, &m);
        if (err)
            err = hy_txn_fail(t, err);
    }
    hy_cursor_close(&c);
    if (!err)
        *ret = m;
    return err;
}
