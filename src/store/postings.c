/* Posting records, and walking the union of several lists domain by domain. */
#include "postings.h"

size_t posting_after(struct posting p, hy_lead_no after)
{
    size_t low = 0, high = p.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (posting_at(p, mid) > after)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

int hy_posting_read(const struct hy_cursor *c, struct posting *ret)
{
    int err = hy_value_check(c->value, POSTING_VERSION);
    if (err)
        return err;
    if (c->key.n != 12 || c->value.n < POSTING_HEAD + 4 || (c->value.n - POSTING_HEAD) % 4 ||
        c->value.n > POSTING_HEAD + 4 * POSTING_MAX)
        return HY_ECORRUPT;
    *ret = (struct posting){
        .list = hy_get_be32(c->key.p),
        .domain = hy_get_be32(c->key.p + 4),
        .first = hy_get_be32(c->key.p + 8),
        .leads = c->value.p + POSTING_HEAD,
        .n = (c->value.n - POSTING_HEAD) / 4,
    };
    return 0;
}

/* Reads where the cursor stands; HY_ENOTFOUND when it is in another (list, domain). */
static int read_within(struct hy_cursor *c, hy_list_no list, hy_domain_no domain, int err,
                       struct posting *ret)
{
    struct posting p;
    if (err == 0)
        err = hy_posting_read(c, &p);
    if (err)
        return err;
    if (p.list != list || p.domain != domain)
        return HY_ENOTFOUND;
    *ret = p;
    return 0;
}

int hy_posting_seek(struct hy_cursor *c, hy_list_no list, hy_domain_no domain, hy_lead_no lead,
                    struct posting *ret)
{
    uint8_t key[12];
    struct posting p;
    int err = hy_cursor_seek(c, posting_key(list, domain, lead, key));
    if (err == 0)
        err = hy_posting_read(c, &p);
    if (err == 0 && p.list == list && p.domain == domain && p.first == lead) {
        *ret = p;
        return 0;
    }
    if (err && err != HY_ENOTFOUND)
        return err;
    /* the one before, else the first that is greater */
    err = err ? hy_cursor_last(c) : hy_cursor_prev(c);
    err = read_within(c, list, domain, err, ret);
    if (err != HY_ENOTFOUND)
        return err;
    err = hy_cursor_seek(c, posting_key(list, domain, 0, key));
    return read_within(c, list, domain, err, ret);
}

int hy_posting_next(struct hy_cursor *c, hy_list_no list, hy_domain_no domain, struct posting *ret)
{
    return read_within(c, list, domain, hy_cursor_next(c), ret);
}
