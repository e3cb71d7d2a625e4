/* Reading DNS answers. Every length is checked against the packet; a compressed name may only point
 * backwards, so that it always ends. */
#include "packet.h"

#include "hayauma/base/bytes.h"

struct packet {
    const uint8_t *p;
    size_t n;
};

struct rr {
    struct dns_name owner;
    uint16_t type, class;
    uint32_t ttl_s;
    size_t data, n_data; /* its place in the packet */
};

enum { HEADER_BYTES = 12, CLASS_IN = 1, RCODE_NXDOMAIN = 3, FLAG_AD = 0x20 };

/* ---- names ---- */

static bool is_odd(uint8_t c)
{
    return c <= ' ' || c >= 0x7f || c == '.' || c == ',' || c == '"' || c == '\\';
}

/* Reads the name at `*at` and moves `*at` behind it. `odd` (may be NULL) is set when a label holds
 * bytes that no host name has; they are read as '?', so that names stay printable. */
static bool read_name(struct packet pk, size_t *at, struct dns_name *ret, bool *odd)
{
    size_t pos = *at, end = 0, limit = *at, n = 0;
    for (;;) {
        if (pos >= pk.n)
            return false;
        uint8_t c = pk.p[pos++];
        if (c == 0)
            break;
        if (c >= 0xc0) {
            if (pos >= pk.n)
                return false;
            size_t target = (size_t)(c & 0x3f) << 8 | pk.p[pos++];
            if (!end)
                end = pos;
            if (target >= limit) /* only backwards */
                return false;
            pos = limit = target;
            continue;
        }
        if (c > 63 || pos + c > pk.n || n + (n > 0) + c > DNS_NAME_MAX)
            return false;
        if (n)
            ret->text[n++] = '.';
        for (size_t i = 0; i < c; i++, n++) {
            bool bad = is_odd(pk.p[pos + i]);
            if (bad && odd)
                *odd = true;
            ret->text[n] = bad ? '?' : hy_ascii_lower((char)pk.p[pos + i]);
        }
        pos += c;
    }
    *at = end ? end : pos;
    ret->n = (uint8_t)n;
    ret->text[n] = '\0';
    return true;
}

static bool name_eq(const struct dns_name *a, struct hy_str b)
{
    return hy_str_ieq(hy_str_make(a->text, a->n), b);
}

bool dns_name_is_host(struct hy_str name)
{
    if (name.n == 0 || name.n > DNS_NAME_MAX)
        return false;
    struct hy_str label = {NULL, 0};
    bool number = false;
    for (struct hy_str rest = name; hy_str_split(&rest, '.', &label);) {
        if (label.n == 0 || label.n > 63)
            return false;
        number = true;
        for (size_t i = 0; i < label.n; i++) {
            char c = hy_ascii_lower(label.p[i]);
            bool digit = c >= '0' && c <= '9';
            if (!digit && (c < 'a' || c > 'z') && c != '-' && c != '_')
                return false;
            number = number && digit;
        }
    }
    return !number;
}

/* ---- records ---- */

static bool read_rr(struct packet pk, size_t *at, struct rr *ret)
{
    if (!read_name(pk, at, &ret->owner, NULL) || pk.n - *at < 10)
        return false;
    const uint8_t *p = pk.p + *at;
    ret->type = hy_get_be16(p);
    ret->class = hy_get_be16(p + 2);
    ret->ttl_s = hy_get_be32(p + 4);
    if (ret->ttl_s > INT32_MAX)
        ret->ttl_s = 0; /* RFC 2181 section 8 */
    ret->n_data = hy_get_be16(p + 8);
    ret->data = *at + 10;
    if (ret->n_data > pk.n - ret->data)
        return false;
    *at = ret->data + ret->n_data;
    return true;
}

static void note_ttl(struct dns_answer *a, uint32_t ttl_s)
{
    if (!a->has_ttl || ttl_s < a->ttl_s)
        a->ttl_s = ttl_s;
    a->has_ttl = true;
}

/* Character strings that fill the record (RFC 1035 section 3.3.14). */
static bool is_text(const uint8_t *p, size_t n)
{
    size_t at = 0;
    while (at < n)
        at += 1u + p[at];
    return n > 0 && at == n;
}

static bool read_data(struct packet pk, const struct rr *rr, struct dns_record *ret)
{
    *ret = (struct dns_record){.data = rr->data, .n_data = rr->n_data};
    if (rr->type == DNS_TXT)
        return is_text(pk.p + rr->data, rr->n_data);
    if (rr->type == DNS_TLSA) /* usage, selector, matching type, data (RFC 6698 section 2.1) */
        return rr->n_data > 3;
    if (rr->type == DNS_SOA)
        return true;
    if (rr->type == DNS_MX) {
        size_t at = rr->data + 2;
        if (rr->n_data < 3 || !read_name(pk, &at, &ret->host, &ret->odd_host))
            return false;
        ret->preference = hy_get_be16(pk.p + rr->data);
        return at == rr->data + rr->n_data;
    }
    size_t want = rr->type == DNS_A ? 4 : 16;
    if (rr->n_data != want)
        return false;
    memcpy(ret->ip, pk.p + rr->data, want);
    return true;
}

/* One walk over the answer section: takes the records of `owner`, and finds its CNAME. */
static bool walk(struct packet pk, size_t at, unsigned count, struct hy_str owner,
                 enum dns_type type, struct dns_answer *a, struct dns_name *ret_cname)
{
    struct rr rr;
    ret_cname->n = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!read_rr(pk, &at, &rr))
            return false;
        if (rr.class != CLASS_IN || !name_eq(&rr.owner, owner))
            continue;
        if (rr.type == (uint16_t)type && a->n_records < DNS_RECORDS_MAX) {
            if (!read_data(pk, &rr, &a->records[a->n_records]))
                return false;
            a->n_records++;
            note_ttl(a, rr.ttl_s);
        } else if (rr.type == DNS_CNAME && ret_cname->n == 0) {
            size_t data = rr.data;
            if (!read_name(pk, &data, ret_cname, NULL) || data != rr.data + rr.n_data)
                return false;
            note_ttl(a, rr.ttl_s);
        }
    }
    return true;
}

/* The smaller of the SOA's own time and its last field (RFC 2308 section 5); false without SOA. */
static bool negative_ttl(struct packet pk, size_t at, unsigned count, uint32_t *ret_ttl_s)
{
    struct rr rr;
    for (unsigned i = 0; i < count && read_rr(pk, &at, &rr); i++) {
        if (rr.type != DNS_SOA || rr.class != CLASS_IN || rr.n_data < 22)
            continue;
        uint32_t minimum = hy_get_be32(pk.p + rr.data + rr.n_data - 4);
        *ret_ttl_s = minimum < rr.ttl_s ? minimum : rr.ttl_s;
        return true;
    }
    return false;
}

static bool skip(struct packet pk, size_t *at, unsigned questions, unsigned records)
{
    struct dns_name name;
    struct rr rr;
    for (unsigned i = 0; i < questions; i++) {
        if (!read_name(pk, at, &name, NULL) || pk.n - *at < 4)
            return false;
        *at += 4;
    }
    for (unsigned i = 0; i < records; i++)
        if (!read_rr(pk, at, &rr))
            return false;
    return true;
}

int dns_parse(const uint8_t *bytes, size_t n, struct hy_str name, enum dns_type type,
              struct dns_answer *a)
{
    struct packet pk = {bytes, n};
    if (n < HEADER_BYTES || !(bytes[2] & 0x80) || (bytes[2] & 0x02) || name.n > DNS_NAME_MAX)
        return HY_EPARSE;
    a->status = DNS_OK;
    a->rcode = bytes[3] & 0x0f;
    a->has_ttl = false;
    a->ttl_s = 0;
    a->alias.n = 0;
    a->is_secure = (bytes[3] & FLAG_AD) != 0;
    a->n_records = 0;
    if (a->rcode != 0 && a->rcode != RCODE_NXDOMAIN) {
        a->status = DNS_FAILED;
        return 0;
    }
    unsigned questions = hy_get_be16(bytes + 4), answers = hy_get_be16(bytes + 6);
    size_t at = HEADER_BYTES;
    if (!skip(pk, &at, questions, 0))
        return HY_EPARSE;
    size_t authority = at;
    if (!skip(pk, &authority, 0, answers))
        return HY_EPARSE;

    struct dns_name owner = {.n = (uint8_t)name.n}, next;
    if (name.n)
        memcpy(owner.text, name.p, name.n);
    for (unsigned hops = 0;; hops++) {
        if (!walk(pk, at, answers, hy_str_make(owner.text, owner.n), type, a, &next))
            return HY_EPARSE;
        a->owner = owner;
        if (a->n_records) {
            a->status = a->rcode == 0 ? DNS_OK : DNS_FAILED; /* records of what is not there? */
            return 0;
        }
        if (next.n == 0)
            break;
        if (hops == DNS_ALIASES_MAX)
            return HY_EPARSE;
        owner = next;
    }
    /* "There is nothing" makes mail bounce: it must not come from half a packet. */
    size_t end = authority;
    if (!skip(pk, &end, 0, hy_get_be16(bytes + 8) + hy_get_be16(bytes + 10)))
        return HY_EPARSE;
    uint32_t ttl_s = 0;
    bool has_soa = negative_ttl(pk, authority, hy_get_be16(bytes + 8), &ttl_s);
    if (a->rcode == 0 && !has_soa && !name_eq(&owner, name)) {
        a->alias = owner; /* a server that knew the end of the chain would have said so */
        return 0;
    }
    a->status = a->rcode == RCODE_NXDOMAIN ? DNS_NXDOMAIN : DNS_NODATA;
    if (has_soa)
        note_ttl(a, ttl_s);
    else
        a->has_ttl = false;
    return 0;
}
