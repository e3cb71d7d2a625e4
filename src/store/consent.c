/* Consents. Key: lead be32, id be64. Value: version u8, what u8, how u8; varints: list, at; the
 * address it came from (0, 4 or 16 bytes); purpose, by, source, agent, version, token (length,
 * bytes); the id of its words (0 or 16 bytes).
 *
 * The words: key 16 bytes of keyed hash; value version u8, le32 how many records name them, text.
 */
#include "consent_priv.h"

#include "hayauma/base/hash.h"
#include "hayauma/base/json_put.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/lead_alias.h"
#include "lead_priv.h"
#include "record.h"

enum { VERSION = 1, TEXT_VERSION = 1, KEY_BYTES = 12, TEXT_ID_BYTES = 16, TEXT_HEAD = 5 };
enum {
    RECORD_MAX = 3 + 2 * 10 + 17 + 7 * 10 + HY_CONSENT_PURPOSE_MAX + HY_CONSENT_BY_MAX +
                 HY_CONSENT_SOURCE_MAX + HY_CONSENT_AGENT_MAX + HY_CONSENT_VERSION_MAX +
                 HY_CONSENT_TOKEN_MAX + TEXT_ID_BYTES,
    TEXT_MAX = TEXT_HEAD + HY_CONSENT_TEXT_MAX,
};

/* ---- names ---- */

static const char *const whats[HY_CONSENT_WHATS] = {"", "given", "withdrawn"};
static const char *const hows[HY_CONSENT_HOWS] = {
    "",    "form",        "import",      "paper", "double-opt-in",
    "api", "preferences", "unsubscribe", "phone", "operator"};

const char *hy_consent_what_name(enum hy_consent_what w)
{
    return w < HY_CONSENT_WHATS ? whats[w] : "?";
}

const char *hy_consent_how_name(enum hy_consent_how h)
{
    return h < HY_CONSENT_HOWS ? hows[h] : "?";
}

static int find_name(const char *const *names, unsigned n, struct hy_str name, unsigned *ret)
{
    for (unsigned i = 1; i < n; i++) {
        if (hy_str_eq(name, hy_str_of(names[i]))) {
            *ret = i;
            return 0;
        }
    }
    return HY_ENOTFOUND;
}

int hy_consent_what_find(struct hy_str name, enum hy_consent_what *ret)
{
    unsigned i = 0;
    int err = find_name(whats, HY_CONSENT_WHATS, name, &i);
    if (!err)
        *ret = (enum hy_consent_what)i;
    return err;
}

int hy_consent_how_find(struct hy_str name, enum hy_consent_how *ret)
{
    unsigned i = 0;
    int err = find_name(hows, HY_CONSENT_HOWS, name, &i);
    if (!err)
        *ret = (enum hy_consent_how)i;
    return err;
}

/* ---- the words ---- */

static struct hy_str text_id(const struct hy_env *env, struct hy_str text,
                             uint8_t out[TEXT_ID_BYTES])
{
    struct hy_hash_key k = hy_lead_hash_key(env), other = {~k.k0, k.k1};
    hy_put_be64(out, hy_siphash(&k, text.p, text.n));
    hy_put_be64(out + 8, hy_siphash(&other, text.p, text.n));
    return hy_str_make(out, TEXT_ID_BYTES);
}

static int text_read(struct hy_str value, uint32_t *ret_users, struct hy_str *ret_text)
{
    int err = hy_value_check(value, TEXT_VERSION);
    if (err)
        return err;
    if (value.n < TEXT_HEAD)
        return HY_ECORRUPT;
    *ret_users = hy_get_le32(value.p + 1);
    *ret_text = hy_str_slice(value, TEXT_HEAD, value.n);
    return 0;
}

int hy_consent_words_decode(const struct hy_env *env, struct hy_str id, struct hy_str value,
                            uint32_t *ret_users)
{
    uint8_t room[TEXT_ID_BYTES];
    struct hy_str text;
    uint32_t users = 0;
    int err = text_read(value, &users, &text);
    if (!err && !hy_str_eq(id, text_id(env, text, room)))
        err = HY_ECORRUPT;
    if (!err)
        *ret_users = users;
    return err;
}

/* One more record names the words (+1), or one less. */
static int text_count(struct hy_txn *t, struct hy_str id, struct hy_str text, int change)
{
    uint8_t room[TEXT_MAX];
    struct hy_str value;
    uint32_t users = 0;
    int err = hy_get(t, HY_TABLE_CONSENT_TEXTS, id, &value);
    if (!err)
        err = text_read(value, &users, &text);
    else if (err == HY_ENOTFOUND && change > 0)
        err = 0;
    if (!err && (text.n > HY_CONSENT_TEXT_MAX || (change < 0 && users == 0)))
        err = HY_ECORRUPT;
    if (err)
        return hy_txn_fail(t, err == HY_ENOTFOUND ? HY_ECORRUPT : err);
    users += (uint32_t)change;
    if (users == 0)
        return hy_del(t, HY_TABLE_CONSENT_TEXTS, id);
    room[0] = TEXT_VERSION;
    hy_put_le32(room + 1, users);
    memcpy(room + TEXT_HEAD, text.p, text.n);
    return hy_put(t, HY_TABLE_CONSENT_TEXTS, id, hy_str_make(room, TEXT_HEAD + text.n), HY_PUT_SET);
}

/* ---- records ---- */

static struct hy_str key_of(hy_lead_no lead, hy_id id, uint8_t key[KEY_BYTES])
{
    hy_put_be32(key, lead);
    hy_put_be64(key + 4, id);
    return hy_str_make(key, KEY_BYTES);
}

static struct hy_str encode(const struct hy_consent *c, struct hy_str id, uint8_t room[RECORD_MAX])
{
    struct hy_rec_out o = {.p = room, .max = RECORD_MAX};
    rec_put_u8(&o, VERSION);
    rec_put_u8(&o, (uint8_t)c->what);
    rec_put_u8(&o, (uint8_t)c->how);
    rec_put_varint(&o, c->list);
    rec_put_varint(&o, (uint64_t)c->at);
    rec_put_ip(&o, c->ip);
    rec_put_str(&o, c->purpose);
    rec_put_str(&o, c->by);
    rec_put_str(&o, c->source);
    rec_put_str(&o, hy_str_slice(c->agent, 0, HY_CONSENT_AGENT_MAX));
    rec_put_str(&o, c->version);
    rec_put_str(&o, c->token);
    rec_put_str(&o, id);
    return hy_str_make(room, o.n);
}

int hy_consent_decode(struct hy_str key, struct hy_str value, struct hy_consent *ret,
                      struct hy_str *ret_words)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != KEY_BYTES)
        return HY_ECORRUPT;
    struct hy_consent c = {.lead = hy_get_be32(key.p), .id = hy_get_be64(key.p + 4)};
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    c.what = (enum hy_consent_what)rec_get_u8(&in);
    c.how = (enum hy_consent_how)rec_get_u8(&in);
    c.list = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    c.at = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    rec_get_ip(&in, c.ip);
    c.purpose = rec_get_str(&in, HY_CONSENT_PURPOSE_MAX);
    c.by = rec_get_str(&in, HY_CONSENT_BY_MAX);
    c.source = rec_get_str(&in, HY_CONSENT_SOURCE_MAX);
    c.agent = rec_get_str(&in, HY_CONSENT_AGENT_MAX);
    c.version = rec_get_str(&in, HY_CONSENT_VERSION_MAX);
    c.token = rec_get_str(&in, HY_CONSENT_TOKEN_MAX);
    struct hy_str text = rec_get_str(&in, TEXT_ID_BYTES);
    if (in.bad || in.n || (text.n != 0 && text.n != TEXT_ID_BYTES) || c.what == 0 ||
        c.what >= HY_CONSENT_WHATS || c.how == 0 || c.how >= HY_CONSENT_HOWS)
        return HY_ECORRUPT;
    *ret = c;
    *ret_words = text;
    return 0;
}

/* The record under the cursor, with its words. */
static int read_at(struct hy_cursor *c, struct hy_consent *ret)
{
    struct hy_str id, value;
    uint32_t users;
    int err = hy_consent_decode(c->key, c->value, ret, &id);
    if (err || id.n == 0)
        return err;
    err = hy_get(c->txn, HY_TABLE_CONSENT_TEXTS, id, &value);
    if (!err)
        err = text_read(value, &users, &ret->text);
    return err == HY_ENOTFOUND ? HY_ECORRUPT : err;
}

static int check(struct hy_txn *t, const struct hy_consent *c)
{
    struct lead_record lead;
    if (c->purpose.n == 0 || c->what == 0 || c->what >= HY_CONSENT_WHATS || c->how == 0 ||
        c->how >= HY_CONSENT_HOWS || c->at < 0)
        return HY_EINVAL;
    if (c->purpose.n > HY_CONSENT_PURPOSE_MAX || c->by.n > HY_CONSENT_BY_MAX ||
        c->source.n > HY_CONSENT_SOURCE_MAX || c->version.n > HY_CONSENT_VERSION_MAX ||
        c->token.n > HY_CONSENT_TOKEN_MAX || c->text.n > HY_CONSENT_TEXT_MAX)
        return HY_ELIMIT;
    int err = hy_lead_record_get(t, c->lead, &lead);
    return err == HY_ENOTFOUND ? HY_EINVAL : err;
}

static int note_activity(struct hy_txn *t, const struct hy_consent *c)
{
    struct hy_buf meta = HY_BUF_INIT(4096);
    hy_buf_printf(&meta, "{\"what\":\"%s\",\"how\":\"%s\"", hy_consent_what_name(c->what),
                  hy_consent_how_name(c->how));
    if (c->list)
        hy_buf_printf(&meta, ",\"list\":%lu", (unsigned long)c->list);
    if (c->version.n) {
        hy_buf_add_lit(&meta, ",\"version\":");
        hy_json_put_str(&meta, c->version);
    }
    hy_buf_add_lit(&meta, "}");
    struct hy_activity a = {
        .kind = HY_ACTIVITY_CONSENT,
        .at = c->at,
        .lead = c->lead,
        .source = c->source,
        .text = c->purpose,
        .agent = c->agent,
        .meta = hy_buf_str(&meta),
    };
    memcpy(a.ip, c->ip, sizeof a.ip);
    int err = meta.err ? meta.err : hy_activity_put(t, &a);
    hy_buf_free(&meta);
    return err;
}

int hy_consent_put(struct hy_txn *t, struct hy_consent *c)
{
    uint8_t key[KEY_BYTES], room[RECORD_MAX], id[TEXT_ID_BYTES];
    struct hy_str text = {0};
    int err = check(t, c);
    if (err)
        return err;
    struct hy_consent full = *c;
    if (full.at == 0)
        full.at = t->now;
    if (c->text.n) {
        text = text_id(t->env, c->text, id);
        err = text_count(t, text, c->text, 1);
    }
    if (!err)
        err = note_activity(t, &full);
    if (err)
        return hy_txn_fail(t, err);
    full.id = hy_txn_new_id(t);
    err = hy_put(t, HY_TABLE_CONSENTS, key_of(c->lead, full.id, key), encode(&full, text, room),
                 HY_PUT_NEW);
    if (err)
        return hy_txn_fail(t, err == HY_EEXIST ? HY_ECORRUPT : err);
    c->id = full.id;
    c->at = full.at;
    return 0;
}

/* ---- reading ---- */

int hy_consent_next(struct hy_txn *t, hy_lead_no *lead, hy_id *id, struct hy_consent *ret)
{
    uint8_t key[KEY_BYTES];
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_CONSENTS, &c);
    if (!err)
        err = hy_cursor_seek(&c, key_of(*lead, *id + 1, key));
    if (!err)
        err = read_at(&c, ret);
    hy_cursor_close(&c);
    if (!err) {
        *lead = ret->lead;
        *id = ret->id;
    }
    return err;
}

static int next_of_number(struct hy_txn *t, hy_lead_no lead, hy_id after, struct hy_consent *ret)
{
    struct hy_consent c;
    hy_lead_no at = lead;
    int err = after == UINT64_MAX ? HY_ENOTFOUND : hy_consent_next(t, &at, &after, &c);
    if (!err && c.lead != lead)
        err = HY_ENOTFOUND;
    if (!err)
        *ret = c;
    return err;
}

int hy_consent_next_of(struct hy_txn *t, hy_lead_no lead, hy_id after, struct hy_consent *ret)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    struct hy_consent c, oldest = {.id = UINT64_MAX};
    size_t n = 0;
    int err = hy_lead_parts(t, lead, parts, &n);
    for (size_t i = 0; i < n && !err; i++) {
        err = next_of_number(t, parts[i], after, &c);
        if (!err && c.id < oldest.id)
            oldest = c;
        if (err == HY_ENOTFOUND)
            err = 0;
    }
    if (!err && oldest.id == UINT64_MAX)
        err = HY_ENOTFOUND;
    if (!err)
        *ret = oldest;
    return err;
}

int hy_consent_last(struct hy_txn *t, hy_lead_no lead, struct hy_str purpose, hy_list_no list,
                    struct hy_consent *ret)
{
    struct hy_consent c;
    bool is_found = false;
    hy_id after = 0;
    int err;
    while ((err = hy_consent_next_of(t, lead, after, &c)) == 0) {
        after = c.id;
        if (hy_str_eq(c.purpose, purpose) && (list == 0 || c.list == list)) {
            *ret = c;
            is_found = true;
        }
    }
    if (err != HY_ENOTFOUND)
        return err;
    return is_found ? 0 : HY_ENOTFOUND;
}

int hy_consent_forget(struct hy_txn *t, hy_lead_no lead, size_t max)
{
    uint8_t key[KEY_BYTES], copy[TEXT_ID_BYTES];
    struct hy_cursor c;
    struct hy_str prefix = hy_str_slice(key_of(lead, 0, key), 0, 4), text;
    struct hy_consent consent;
    int err = hy_cursor_open(t, HY_TABLE_CONSENTS, &c);
    for (size_t n = 0; !err; n++) {
        err = hy_cursor_prefix_first(&c, prefix);
        if (!err && n == max)
            err = HY_EMORE;
        if (err)
            break;
        int damage = hy_consent_decode(c.key, c.value, &consent, &text);
        if (!damage && text.n) {
            memcpy(copy, text.p, TEXT_ID_BYTES);
            err = text_count(t, hy_str_make(copy, TEXT_ID_BYTES), HY_STR(""), -1);
        }
        if (!err)
            err = hy_cursor_delete(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}
