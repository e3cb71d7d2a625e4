/* Identities, both ways in one table: 'i', kind u8, value -> version, le32 lead; 'l', be32 lead,
 * kind u8, value -> version (2), le64 since when (ms; version 1 does not say). An address stands
 * behind 'i' as it is compared, behind 'l' as it is written. */
#include "hayauma/store/identity.h"

#include <stdio.h>

#include "hayauma/mail/address.h"
#include "hayauma/store/lead_alias.h"
#include "lead_priv.h"

enum {
    VERSION = 2,
    DROPS = 2, /* visitors that a new one takes along, while there are too many */
    COMPARED_MAX = HY_KEY_MAX - 8, /* of an address as it is compared */
    PHONE_MIN = 5,
    PHONE_MAX = 20,
    LINE_MAX = 64,
};

static const char *const kinds[HY_IDENTITY_KINDS] = {
    [HY_IDENTITY_ADDRESS] = "address", [HY_IDENTITY_EXTERNAL] = "ext",
    [HY_IDENTITY_LINE] = "line",       [HY_IDENTITY_PHONE] = "phone",
    [HY_IDENTITY_VISITOR] = "visitor",
};

const char *hy_identity_kind_name(enum hy_identity_kind k)
{
    return k >= HY_IDENTITY_ADDRESS && k < HY_IDENTITY_KINDS ? kinds[k] : "?";
}

/* ---- values ---- */

static int read_address(struct hy_str text, char room[HY_IDENTITY_MAX], struct hy_str *ret,
                        struct hy_diag *diag)
{
    const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_address a;
    enum hy_address_reason why;
    if (hy_address_parse(text, &rules, &a, &why) != 0)
        return hy_fail(diag, HY_EPARSE, "no mail address: %s", hy_address_reason_text(why));
    memcpy(room, a.wire, a.n);
    *ret = hy_str_make(room, a.n);
    return 0;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int read_external(struct hy_str text, char room[HY_IDENTITY_MAX], struct hy_str *ret,
                         struct hy_diag *diag)
{
    size_t colon = hy_str_find(text, ':', 0);
    if (colon == SIZE_MAX || colon == 0 || colon > HY_IDENTITY_SYSTEM_MAX || colon + 1 == text.n ||
        text.n > HY_IDENTITY_MAX || !hy_str_is_utf8(text))
        return hy_fail(diag, HY_EPARSE,
                       "no external id: SYSTEM:ID such as crm:123, up to %d bytes, the system up "
                       "to %d",
                       HY_IDENTITY_MAX, HY_IDENTITY_SYSTEM_MAX);
    for (size_t i = 0; i < text.n; i++) {
        char c = i < colon ? hy_ascii_lower(text.p[i]) : text.p[i];
        if (i < colon && !is_word(c))
            return hy_fail(diag, HY_EPARSE,
                           "no external id: the system before the colon has letters, digits, - "
                           "and _ only");
        if ((unsigned char)c < 32 || c == 127)
            return hy_fail(diag, HY_EPARSE, "no external id: a control character in it");
        room[i] = c;
    }
    *ret = hy_str_make(room, text.n);
    return 0;
}

static int read_line(struct hy_str text, char room[HY_IDENTITY_MAX], struct hy_str *ret,
                     struct hy_diag *diag)
{
    bool ok = text.n > 0 && text.n <= LINE_MAX;
    for (size_t i = 0; i < text.n && ok; i++)
        ok = is_word(hy_ascii_lower(text.p[i]));
    if (!ok)
        return hy_fail(diag, HY_EPARSE, "no user id of LINE: up to %d letters and digits",
                       LINE_MAX);
    memcpy(room, text.p, text.n);
    *ret = hy_str_make(room, text.n);
    return 0;
}

/* ASCII of a full-width digit or plus; 0: what only adorns a number; UINT32_MAX: neither. */
static uint32_t phone_char(uint32_t cp)
{
    static const uint32_t ornaments[] = {' ',    '-',    '(',    ')',    '.',    '/',    0x3000,
                                         0xff08, 0xff09, 0xff0d, 0x2010, 0x2011, 0x2212, 0x30fc};
    if (cp >= 0xff10 && cp <= 0xff19)
        return cp - 0xff10 + '0';
    if (cp == 0xff0b)
        return '+';
    for (size_t i = 0; i < sizeof ornaments / sizeof *ornaments; i++)
        if (cp == ornaments[i])
            return 0;
    return (cp >= '0' && cp <= '9') || cp == '+' ? cp : UINT32_MAX;
}

static int read_phone(struct hy_str text, char room[HY_IDENTITY_MAX], struct hy_str *ret,
                      struct hy_diag *diag)
{
    size_t n = 0, digits = 0;
    bool ok = text.n <= HY_IDENTITY_MAX;
    for (size_t at = 0; ok && at < text.n;) {
        uint32_t c = phone_char(hy_utf8_next(text, &at));
        ok = c != UINT32_MAX && (c != '+' || n == 0);
        if (ok && c)
            room[n++] = (char)c;
        digits += ok && c && c != '+';
    }
    if (!ok || digits < PHONE_MIN || digits > PHONE_MAX)
        return hy_fail(diag, HY_EPARSE, "no phone number: %d to %d digits", PHONE_MIN, PHONE_MAX);
    *ret = hy_str_make(room, n);
    return 0;
}

static int read_visitor(struct hy_str text, char room[HY_IDENTITY_MAX], struct hy_str *ret,
                        struct hy_diag *diag)
{
    hy_id id = text.n == 8 ? hy_get_be64(text.p) : 0;
    if ((text.n != 8 && hy_id_parse(text, &id) != 0) || id == 0)
        return hy_fail(diag, HY_EPARSE, "no number of a visitor");
    hy_put_be64(room, id);
    *ret = hy_str_make(room, 8);
    return 0;
}

int hy_identity_read(enum hy_identity_kind kind, struct hy_str text, char room[HY_IDENTITY_MAX],
                     struct hy_str *ret, struct hy_diag *diag)
{
    switch (kind) {
    case HY_IDENTITY_ADDRESS:
        return read_address(text, room, ret, diag);
    case HY_IDENTITY_EXTERNAL:
        return read_external(text, room, ret, diag);
    case HY_IDENTITY_LINE:
        return read_line(text, room, ret, diag);
    case HY_IDENTITY_PHONE:
        return read_phone(text, room, ret, diag);
    case HY_IDENTITY_VISITOR:
        return read_visitor(text, room, ret, diag);
    case HY_IDENTITY_KINDS:
        break;
    }
    return HY_EINVAL;
}

const char *hy_identity_text(const struct hy_identity *i, char out[HY_IDENTITY_TEXT_MAX])
{
    char id[HY_ID_TEXT_MAX];
    struct hy_str value = i->value;
    if (i->kind == HY_IDENTITY_VISITOR && value.n == 8)
        value = hy_str_of(hy_id_format(hy_get_be64(value.p), id));
    if (i->kind == HY_IDENTITY_ADDRESS) /* the @ says what it is */
        snprintf(out, HY_IDENTITY_TEXT_MAX, "%.*s", HY_STR_ARG(value));
    else
        snprintf(out, HY_IDENTITY_TEXT_MAX, "%s:%.*s", hy_identity_kind_name(i->kind),
                 HY_STR_ARG(value));
    return out;
}

/* ---- at rest ---- */

static int identity_key(const struct hy_identity *i, struct hy_key *k)
{
    char compared[HY_ADDRESS_KEY_MAX];
    const uint8_t head[2] = {'i', (uint8_t)i->kind};
    struct hy_str value = i->value;
    if (i->kind < HY_IDENTITY_ADDRESS || i->kind >= HY_IDENTITY_KINDS || value.n == 0 ||
        value.n > HY_IDENTITY_MAX)
        return HY_EINVAL;
    if (i->kind == HY_IDENTITY_ADDRESS) {
        size_t n = 0;
        if (hy_address_wire_key(value, compared, &n) != 0 || n > COMPARED_MAX)
            return HY_EINVAL;
        value = hy_str_make(compared, n);
    }
    hy_key_start(k);
    hy_key_bytes(k, hy_str_make(head, sizeof head));
    hy_key_bytes(k, value);
    return 0;
}

static struct hy_str lead_prefix(struct hy_key *k, hy_lead_no lead)
{
    hy_key_start(k);
    hy_key_bytes(k, HY_STR("l"));
    hy_key_u32(k, lead);
    return hy_key_str(k);
}

static void of_lead_key(struct hy_key *k, hy_lead_no lead, const struct hy_identity *i)
{
    const uint8_t kind = (uint8_t)i->kind;
    (void)lead_prefix(k, lead);
    hy_key_bytes(k, hy_str_make(&kind, 1));
    hy_key_bytes(k, i->value);
}

int hy_identity_find(struct hy_txn *t, const struct hy_identity *i, hy_lead_no *ret)
{
    struct hy_key k;
    struct hy_str value;
    uint32_t lead = 0;
    int err = identity_key(i, &k);
    if (!err)
        err = hy_get(t, HY_TABLE_IDENTITIES, hy_key_str(&k), &value);
    if (!err)
        err = hy_name_number(value, &lead);
    if (err)
        return err == HY_EINVAL ? HY_ENOTFOUND : err;
    *ret = lead;
    return 0;
}

int hy_identity_any(struct hy_txn *t, enum hy_identity_kind kind, bool *ret)
{
    const uint8_t prefix[2] = {'i', (uint8_t)kind};
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_IDENTITIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_str_make(prefix, sizeof prefix));
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret = err == 0;
    return 0;
}

static int count_one(void *ctx, const struct hy_identity *i)
{
    *(size_t *)ctx += i->kind != HY_IDENTITY_VISITOR;
    return 0;
}

int hy_identity_count(struct hy_txn *t, hy_lead_no lead, size_t *ret_n)
{
    size_t n = 0;
    int err = hy_identity_each(t, lead, count_one, &n);
    if (!err)
        *ret_n = n;
    return err;
}

/* What stands where the cursor is, of a lead, and since when (0: not known). */
static int read_of_lead(const struct hy_cursor *c, struct hy_identity *ret, hy_wall_ms *ret_since)
{
    int err = hy_value_check(c->value, VERSION);
    if (err)
        return err;
    size_t n = c->value.p[0] == 1 ? 1 : 9;
    if (c->key.n < 7 || c->key.n > 6 + HY_IDENTITY_MAX || c->value.n != n)
        return HY_ECORRUPT;
    *ret =
        (struct hy_identity){(enum hy_identity_kind)c->key.p[5], hy_str_slice(c->key, 6, c->key.n)};
    *ret_since = n == 1 ? 0 : (hy_wall_ms)hy_get_le64(c->value.p + 1);
    return 0;
}

struct oldest {
    size_t n; /* of all visitors */
    hy_wall_ms since;
    struct hy_identity found;
    char room[8];
};

static int find_oldest(struct hy_txn *t, hy_lead_no lead, struct oldest *ret)
{
    static const uint8_t kind = HY_IDENTITY_VISITOR;
    struct hy_key prefix;
    struct hy_cursor c;
    (void)lead_prefix(&prefix, lead);
    hy_key_bytes(&prefix, hy_str_make(&kind, 1));
    *ret = (struct oldest){.n = 0};
    int err = hy_cursor_open(t, HY_TABLE_IDENTITIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_key_str(&prefix));
    while (!err) {
        struct hy_identity i;
        hy_wall_ms since = 0;
        err = read_of_lead(&c, &i, &since);
        if (!err && i.value.n != sizeof ret->room)
            err = HY_ECORRUPT;
        if (!err && (ret->n++ == 0 || since < ret->since)) {
            ret->since = since;
            memcpy(ret->room, i.value.p, i.value.n);
        }
        if (!err)
            err = hy_cursor_prefix_next(&c, hy_key_str(&prefix));
    }
    hy_cursor_close(&c);
    ret->found = (struct hy_identity){HY_IDENTITY_VISITOR, hy_str_make(ret->room, 8)};
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Deletes it from both sides. `i` is as it stands behind 'l'. */
static int drop(struct hy_txn *t, const struct hy_identity *i, hy_lead_no lead)
{
    struct hy_key k;
    int err = identity_key(i, &k);
    if (!err)
        err = hy_del(t, HY_TABLE_IDENTITIES, hy_key_str(&k));
    if (err && err != HY_ENOTFOUND)
        return err;
    of_lead_key(&k, lead, i);
    return hy_del(t, HY_TABLE_IDENTITIES, hy_key_str(&k));
}

/* For one more of the kind. HY_ELIMIT. */
static int make_room(struct hy_txn *t, enum hy_identity_kind kind, hy_lead_no lead)
{
    struct oldest o;
    size_t n = 0;
    int err = 0;
    if (kind != HY_IDENTITY_VISITOR) {
        err = hy_identity_count(t, lead, &n);
        return !err && n >= HY_IDENTITIES_MAX ? HY_ELIMIT : err;
    }
    for (unsigned i = 0; i < DROPS && !err; i++) {
        err = find_oldest(t, lead, &o);
        if (err || o.n < HY_IDENTITY_VISITORS_MAX)
            break;
        err = drop(t, &o.found, lead);
    }
    return err;
}

int hy_identity_put(struct hy_txn *t, const struct hy_identity *i, hy_lead_no lead)
{
    struct hy_key k, of_lead;
    hy_lead_no other = 0;
    uint8_t value[5] = {NAME_VERSION}, since[9] = {VERSION};
    int err = lead ? identity_key(i, &k) : HY_EINVAL;
    if (err)
        return err;
    err = hy_identity_find(t, i, &other);
    if (err == 0)
        return other == lead ? 0 : HY_EEXIST;
    if (err == HY_ENOTFOUND)
        err = make_room(t, i->kind, lead);
    if (err)
        return err;
    hy_put_le32(value + 1, lead);
    hy_put_le64(since + 1, (uint64_t)t->now);
    of_lead_key(&of_lead, lead, i);
    err = hy_put(t, HY_TABLE_IDENTITIES, hy_key_str(&k), hy_str_make(value, sizeof value),
                 HY_PUT_SET);
    return err ? err
               : hy_put(t, HY_TABLE_IDENTITIES, hy_key_str(&of_lead),
                        hy_str_make(since, sizeof since), HY_PUT_SET);
}

/* The lead's own way of writing what is compared the same. */
struct same {
    struct hy_key key;
    struct hy_identity found;
    char room[HY_IDENTITY_MAX];
};

static int find_same(void *ctx, const struct hy_identity *i)
{
    struct same *s = ctx;
    struct hy_key k;
    int err = identity_key(i, &k);
    if (err || !hy_str_eq(hy_key_str(&k), hy_key_str(&s->key)))
        return err;
    memcpy(s->room, i->value.p, i->value.n);
    s->found = (struct hy_identity){i->kind, hy_str_make(s->room, i->value.n)};
    return 1;
}

int hy_identity_del(struct hy_txn *t, const struct hy_identity *i)
{
    struct same s = {0};
    hy_lead_no lead = 0;
    int err = identity_key(i, &s.key);
    if (err)
        return HY_ENOTFOUND;
    err = hy_identity_find(t, i, &lead);
    if (!err)
        err = hy_identity_each(t, lead, find_same, &s);
    if (err != 1)
        return err == 0 ? hy_txn_fail(t, HY_ECORRUPT) : err;
    return drop(t, &s.found, lead);
}

int hy_identity_each(struct hy_txn *t, hy_lead_no lead,
                     int (*each)(void *ctx, const struct hy_identity *i), void *ctx)
{
    struct hy_key prefix;
    struct hy_cursor c;
    struct hy_str p = lead_prefix(&prefix, lead);
    int err = hy_cursor_open(t, HY_TABLE_IDENTITIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, p);
    while (!err) {
        struct hy_identity i;
        hy_wall_ms since;
        err = read_of_lead(&c, &i, &since);
        if (!err)
            err = each(ctx, &i);
        if (!err)
            err = hy_cursor_prefix_next(&c, p);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int copy_one(void *ctx, const struct hy_identity *i)
{
    struct same *s = ctx;
    memcpy(s->room, i->value.p, i->value.n);
    s->found = (struct hy_identity){i->kind, hy_str_make(s->room, i->value.n)};
    return 1;
}

int hy_identity_move(struct hy_txn *t, hy_lead_no from, hy_lead_no to)
{
    struct same s;
    int err;
    if (from == to)
        return HY_EINVAL;
    while ((err = hy_identity_each(t, from, copy_one, &s)) == 1) {
        err = drop(t, &s.found, from);
        if (!err && to)
            err = hy_identity_put(t, &s.found, to);
        if (err)
            return hy_txn_fail(t, err);
    }
    return err;
}

int hy_lead_resolve(struct hy_txn *t, struct hy_str text, hy_lead_no *ret, struct hy_diag *diag)
{
    uint64_t no = 0;
    struct lead_record r;
    size_t colon = hy_str_find(text, ':', 0);
    if (hy_str_to_u64(text, UINT32_MAX, &no) == 0) {
        int err = no ? hy_lead_record_get(t, (hy_lead_no)no, &r) : HY_ENOTFOUND;
        return err ? err : hy_lead_kept(t, (hy_lead_no)no, ret);
    }
    for (int k = HY_IDENTITY_EXTERNAL; k < HY_IDENTITY_KINDS && colon != SIZE_MAX; k++) {
        char room[HY_IDENTITY_MAX];
        struct hy_identity i = {.kind = (enum hy_identity_kind)k};
        if (!hy_str_eq(hy_str_slice(text, 0, colon), hy_str_of(kinds[k])))
            continue;
        int err =
            hy_identity_read(i.kind, hy_str_slice(text, colon + 1, text.n), room, &i.value, diag);
        return err ? err : hy_identity_find(t, &i, ret);
    }
    int err = hy_lead_find(t, text, ret);
    if (err == HY_EPARSE)
        return hy_fail(diag, err,
                       "no lead: a number, a mail address, ext:SYSTEM:ID, line:ID, phone:NUMBER or "
                       "visitor:NUMBER");
    return err;
}
