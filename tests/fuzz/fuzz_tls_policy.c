/* Any bytes as the records and documents by which domains tell how they want their mail: views stay
 * within what was given, and what is accepted keeps its promises. */
#include <stdlib.h>

#include "hayauma/smtp/sts.h"
#include "hayauma/smtp/tlsa.h"
#include "hayauma/smtp/tlsrpt.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool is_within(struct hy_str part, struct hy_str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void check_policy(struct hy_str text)
{
    struct hy_sts_policy p;
    struct hy_diag diag = {""};
    if (hy_sts_policy_read(text, &diag, &p)) {
        must(diag.text[0]);
        return;
    }
    must(p.mode <= HY_STS_ENFORCE && p.max_age_s <= HY_STS_AGE_MAX_S && p.n_mx <= HY_STS_MX_MAX);
    must(p.n_mx > 0 || p.mode == HY_STS_NONE);
    for (size_t i = 0; i < p.n_mx; i++) {
        must(is_within(p.mx[i], text) && p.mx[i].n > 0 && p.mx[i].n <= 255);
        (void)hy_sts_mx_matches(p.mx[i], p.mx[0]);
    }
    must(!hy_sts_allows(&p, HY_STR("")));
}

static void check_records(struct hy_str text)
{
    struct hy_str id, pair[2] = {text, HY_STR("v=STSv1; id=a;")};
    struct hy_tlsrpt_record r;
    if (hy_sts_record_read(&text, 1, &id) == 0) {
        must(is_within(id, text) && id.n > 0 && id.n <= HY_STS_ID_MAX);
        must(hy_sts_record_read(pair, 2, &id) == HY_EPARSE);
    }
    if (hy_tlsrpt_record_read(&text, 1, &r))
        return;
    must(r.n > 0 && r.n <= HY_TLSRPT_URIS_MAX);
    for (size_t i = 0; i < r.n; i++) {
        size_t n = strnlen(r.rua[i].text, sizeof r.rua[i].text);
        must(n > 0 && n <= HY_TLSRPT_URI_MAX);
        for (size_t k = 0; k < n; k++)
            must(r.rua[i].text[k] > ' ' && r.rua[i].text[k] <= '~');
    }
}

static void check_tlsa(struct hy_str bytes)
{
    struct hy_tlsa r;
    enum hy_dane d = hy_dane_judge(false, true, &bytes, 1);
    bool is_good = hy_tlsa_read(bytes, &r) == 0 && hy_tlsa_is_usable(&r);
    must(d == (is_good ? HY_DANE_RECORDS : HY_DANE_UNUSABLE));
    must(!is_good || is_within(r.data, bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_str s = hy_str_make(data, n);
    check_policy(s);
    check_records(s);
    check_tlsa(s);
    return 0;
}
