/* The attempt log: records of about 120 bytes, only ever appended, trimmed at the old end.
 *
 * Key: attempt id be64. Value: version u8, flags u8, outcome kind, spoils, phase, state u8, class
 * of the enhanced status u8; varints: campaign, previous, domain, block, slot, attempts, lead, due,
 * code, enhanced subject and detail, started, duration, size, TLS version; the address (length 0, 4
 * or 16, bytes); host, source, cipher, text (length, bytes); since version 2: policy and check of
 * TLS u8, name (length, bytes); since version 3: reason u8. */
#include "attempt.h"

#include "record.h"

enum { VERSION = 3, FLAG_FROM_SERVER = 1, FLAG_IN_DOUBT = 2, FLAG_DSN = 4 };
enum {
    RECORD_MAX = 10 + 15 * 10 + 17 + 5 * 10 + HY_ATTEMPT_HOST_MAX + HY_ATTEMPT_SOURCE_MAX +
                 HY_ATTEMPT_CIPHER_MAX + HY_OUTCOME_TEXT_MAX + HY_ATTEMPT_TLS_NAME_MAX
};

static int put(struct hy_txn *t, const struct hy_attempt *a, enum hy_put_mode mode)
{
    uint8_t key[8], record[RECORD_MAX];
    const struct hy_outcome *oc = &a->outcome;
    struct hy_rec_out o = {.p = record, .max = sizeof record};
    rec_put_u8(&o, VERSION);
    rec_put_u8(&o, (uint8_t)((oc->from_server ? FLAG_FROM_SERVER : 0) |
                             (oc->in_doubt ? FLAG_IN_DOUBT : 0) |
                             (a->is_dsn_passed_on ? FLAG_DSN : 0)));
    rec_put_u8(&o, (uint8_t)oc->kind);
    rec_put_u8(&o, (uint8_t)oc->spoils);
    rec_put_u8(&o, (uint8_t)oc->phase);
    rec_put_u8(&o, (uint8_t)a->state);
    rec_put_u8(&o, oc->enhanced.class);
    const uint64_t numbers[] = {
        a->ref.campaign, a->previous,          a->ref.domain,       a->ref.block,
        a->ref.slot,     a->ref.attempts,      a->ref.lead,         a->due_s,
        oc->code,        oc->enhanced.subject, oc->enhanced.detail, (uint64_t)a->started,
        a->duration_ms,  a->size_bytes,        a->tls_version};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        rec_put_varint(&o, numbers[i]);
    rec_put_ip(&o, a->mx_ip);
    rec_put_str(&o, hy_str_slice(a->mx_host, 0, HY_ATTEMPT_HOST_MAX));
    rec_put_str(&o, hy_str_slice(a->source, 0, HY_ATTEMPT_SOURCE_MAX));
    rec_put_str(&o, hy_str_slice(a->tls_cipher, 0, HY_ATTEMPT_CIPHER_MAX));
    rec_put_str(&o, hy_str_slice(oc->text, 0, HY_OUTCOME_TEXT_MAX));
    rec_put_u8(&o, (uint8_t)a->tls_policy);
    rec_put_u8(&o, (uint8_t)a->tls_check);
    rec_put_str(&o, hy_str_slice(a->tls_name, 0, HY_ATTEMPT_TLS_NAME_MAX));
    rec_put_u8(&o, oc->reason);
    if (o.bad)
        return hy_txn_fail(t, HY_ELIMIT);
    hy_put_be64(key, a->id);
    return hy_put(t, HY_TABLE_ATTEMPTS, hy_str_make(key, sizeof key), hy_str_make(record, o.n),
                  mode);
}

int hy_attempt_append(struct hy_txn *t, const struct hy_attempt *a)
{
    int err = put(t, a, HY_PUT_APPEND);
    return err == HY_EEXIST ? hy_txn_fail(t, HY_ECORRUPT) : err;
}

int hy_attempt_take_words(struct hy_txn *t, hy_id id)
{
    struct hy_attempt a;
    int err = hy_attempt_get(t, id, &a);
    a.outcome.text = HY_STR("");
    return err ? err : put(t, &a, HY_PUT_SET);
}

static void decode_numbers(struct hy_rec_in *in, struct hy_attempt *a)
{
    a->ref.campaign = rec_get_varint(in, UINT64_MAX);
    a->previous = rec_get_varint(in, UINT64_MAX);
    a->ref.domain = (uint32_t)rec_get_varint(in, UINT32_MAX);
    a->ref.block = (uint32_t)rec_get_varint(in, UINT32_MAX);
    a->ref.slot = (uint16_t)rec_get_varint(in, UINT16_MAX);
    a->ref.attempts = (uint16_t)rec_get_varint(in, UINT16_MAX);
    a->ref.lead = (uint32_t)rec_get_varint(in, UINT32_MAX);
    a->due_s = (uint32_t)rec_get_varint(in, UINT32_MAX);
    a->outcome.code = (uint16_t)rec_get_varint(in, UINT16_MAX);
    a->outcome.enhanced.subject = (uint16_t)rec_get_varint(in, UINT16_MAX);
    a->outcome.enhanced.detail = (uint16_t)rec_get_varint(in, UINT16_MAX);
    a->started = (hy_wall_ms)rec_get_varint(in, INT64_MAX);
    a->duration_ms = (uint32_t)rec_get_varint(in, UINT32_MAX);
    a->size_bytes = (uint32_t)rec_get_varint(in, UINT32_MAX);
    a->tls_version = (uint16_t)rec_get_varint(in, UINT16_MAX);
}

int hy_attempt_decode(struct hy_str key, struct hy_str value, struct hy_attempt *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != 8)
        return HY_ECORRUPT;
    struct hy_attempt a = {.id = hy_get_be64(key.p)};
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    uint8_t flags = rec_get_u8(&in);
    a.outcome.from_server = flags & FLAG_FROM_SERVER;
    a.outcome.in_doubt = flags & FLAG_IN_DOUBT;
    a.is_dsn_passed_on = flags & FLAG_DSN;
    a.outcome.kind = (enum hy_outcome_kind)rec_get_u8(&in);
    a.outcome.spoils = (enum hy_spoils)rec_get_u8(&in);
    a.outcome.phase = (enum hy_phase)rec_get_u8(&in);
    a.state = (enum hy_rcpt_state)rec_get_u8(&in);
    a.outcome.enhanced.class = rec_get_u8(&in);
    decode_numbers(&in, &a);
    rec_get_ip(&in, a.mx_ip);
    a.mx_host = rec_get_str(&in, HY_ATTEMPT_HOST_MAX);
    a.source = rec_get_str(&in, HY_ATTEMPT_SOURCE_MAX);
    a.tls_cipher = rec_get_str(&in, HY_ATTEMPT_CIPHER_MAX);
    a.outcome.text = rec_get_str(&in, HY_OUTCOME_TEXT_MAX);
    if ((uint8_t)value.p[0] >= 2) {
        a.tls_policy = (enum hy_attempt_policy)rec_get_u8(&in);
        a.tls_check = (enum hy_attempt_check)rec_get_u8(&in);
        a.tls_name = rec_get_str(&in, HY_ATTEMPT_TLS_NAME_MAX);
    }
    if ((uint8_t)value.p[0] >= 3)
        a.outcome.reason = rec_get_u8(&in);
    if (in.bad || in.n || a.state >= HY_RCPT_STATES)
        return HY_ECORRUPT;
    *ret = a;
    return 0;
}

bool hy_attempt_was_over(const struct hy_attempt *a)
{
    return a->started && a->outcome.kind == HY_OUTCOME_DEFERRED &&
           (a->state == HY_RCPT_CANCELLED || a->state == HY_RCPT_BOUNCED);
}

bool hy_attempt_came_back(const struct hy_attempt *a)
{
    return a->state == HY_RCPT_DELIVERED && a->outcome.kind == HY_OUTCOME_BOUNCED;
}

int hy_attempt_get(struct hy_txn *t, hy_id id, struct hy_attempt *ret)
{
    uint8_t key[8];
    struct hy_str value, k = hy_str_make(key, sizeof key);
    hy_put_be64(key, id);
    int err = hy_get(t, HY_TABLE_ATTEMPTS, k, &value);
    if (err)
        return err;
    err = hy_attempt_decode(k, value, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

int hy_attempt_next(struct hy_txn *t, hy_id after, struct hy_attempt *ret)
{
    uint8_t key[8];
    struct hy_cursor c;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    hy_put_be64(key, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_ATTEMPTS, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    if (!err) {
        err = hy_attempt_decode(c.key, c.value, ret);
        if (err)
            hy_txn_fail(t, err);
    }
    hy_cursor_close(&c);
    return err;
}

/* ---- names ---- */

const char *hy_attempt_policy_name(enum hy_attempt_policy p)
{
    static const char *const names[] = {"",
                                        "never",
                                        "opportunistic",
                                        "required",
                                        "verified",
                                        "mta-sts testing",
                                        "mta-sts enforce",
                                        "dane",
                                        "dane (tls only)"};
    return (size_t)p < sizeof names / sizeof *names ? names[p] : "?";
}

const char *hy_attempt_check_name(enum hy_attempt_check c)
{
    static const char *const names[] = {"",
                                        "verified",
                                        "certificate of another name",
                                        "certificate not valid now",
                                        "certificate not trusted",
                                        "no TLSA record matches",
                                        "certificate not accepted"};
    return (size_t)c < sizeof names / sizeof *names ? names[c] : "?";
}
