/* Judging TLSA records. */
#include "hayauma/smtp/tlsa.h"

enum { SHA256_BYTES = 32, SHA512_BYTES = 64, HEAD_BYTES = 3 };

int hy_tlsa_read(struct hy_str rdata, struct hy_tlsa *ret)
{
    if (rdata.n <= HEAD_BYTES)
        return HY_EPARSE;
    *ret = (struct hy_tlsa){.usage = (uint8_t)rdata.p[0],
                            .selector = (uint8_t)rdata.p[1],
                            .matching = (uint8_t)rdata.p[2],
                            .data = hy_str_slice(rdata, HEAD_BYTES, rdata.n)};
    return 0;
}

bool hy_tlsa_is_usable(const struct hy_tlsa *r)
{
    if ((r->usage != 2 && r->usage != 3) || r->selector > 1)
        return false;
    switch (r->matching) {
    case 0:
        return r->data.n > 0;
    case 1:
        return r->data.n == SHA256_BYTES;
    case 2:
        return r->data.n == SHA512_BYTES;
    default:
        return false;
    }
}

enum hy_dane hy_dane_judge(bool is_failure, bool is_secure, const struct hy_str *records, size_t n)
{
    if (is_failure)
        return HY_DANE_FAILED;
    if (!is_secure || n == 0)
        return HY_DANE_NONE;
    for (size_t i = 0; i < n; i++) {
        struct hy_tlsa r;
        if (hy_tlsa_read(records[i], &r) == HY_OK && hy_tlsa_is_usable(&r))
            return HY_DANE_RECORDS;
    }
    return HY_DANE_UNUSABLE;
}
