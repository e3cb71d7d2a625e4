#include "hayauma/smtp/tlsa.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "table.h"

Test(tlsa, needs_three_numbers_and_data)
{
    struct hy_tlsa r;
    cr_assert_eq(hy_tlsa_read(HY_STR("\x03\x01\x01x"), &r), 0);
    cr_expect(r.usage == 3 && r.selector == 1 && r.matching == 1);
    cr_expect(hy_str_eq(r.data, HY_STR("x")));
    cr_expect_eq(hy_tlsa_read(HY_STR("\x03\x01\x01"), &r), HY_EPARSE);
    cr_expect_eq(hy_tlsa_read(HY_STR(""), &r), HY_EPARSE);
}

static uint64_t number(struct hy_str s)
{
    uint64_t v = 0;
    cr_assert_eq(hy_str_to_u64(s, 1000, &v), 0, "%.*s", HY_STR_ARG(s));
    return v;
}

static void corpus_usable(const struct hy_str *c, size_t n)
{
    static const char bytes[1000];
    if (n < 6)
        return;
    struct hy_tlsa r = {.usage = (uint8_t)number(c[1]),
                        .selector = (uint8_t)number(c[2]),
                        .matching = (uint8_t)number(c[3]),
                        .data = hy_str_make(bytes, number(c[4]))};
    cr_expect_eq(hy_tlsa_is_usable(&r), number(c[5]) == 1, "%.*s %u %u %u", HY_STR_ARG(c[0]),
                 r.usage, r.selector, r.matching);
}

Test(tlsa, usable_ones_of_the_corpus)
{
    if (!table_read("tls-policy/tlsa-usable.tsv", corpus_usable))
        cr_skip_test();
}

static struct hy_str judgement(enum hy_dane d)
{
    return d == HY_DANE_NONE       ? HY_STR("not-applicable")
           : d == HY_DANE_RECORDS  ? HY_STR("records")
           : d == HY_DANE_UNUSABLE ? HY_STR("unusable")
                                   : HY_STR("tempfail");
}

static void corpus_answer(const struct hy_str *c, size_t n)
{
    char record[3 + 32] = {0};
    struct hy_str records[1] = {{record, sizeof record}};
    if (n < 5)
        return;
    size_t n_records = c[3].n ? 1 : 0;
    for (size_t i = 0; i < 3 && n_records; i++)
        record[i] = (char)(c[3].p[2 * i] - '0');
    bool is_answer = hy_str_eq(c[2], HY_STR("NOERROR")) || hy_str_eq(c[2], HY_STR("NXDOMAIN"));
    enum hy_dane got = hy_dane_judge(!is_answer, number(c[1]) == 1, records, n_records);
    cr_expect(hy_str_starts(c[4], judgement(got)), "%.*s: got %.*s, want %.*s", HY_STR_ARG(c[0]),
              HY_STR_ARG(judgement(got)), HY_STR_ARG(c[4]));
}

Test(tlsa, answers_of_the_corpus)
{
    if (!table_read("tls-policy/tlsa-answers.tsv", corpus_answer))
        cr_skip_test();
}

Test(tlsa, one_usable_record_among_others_is_enough)
{
    char good[3 + 32] = {3, 1, 1}, bad[3 + 32] = {1, 1, 1}, cut[2] = {3, 1};
    struct hy_str records[] = {{bad, sizeof bad}, {cut, sizeof cut}, {good, sizeof good}};
    cr_expect_eq(hy_dane_judge(false, true, records, 3), HY_DANE_RECORDS);
    cr_expect_eq(hy_dane_judge(false, true, records, 2), HY_DANE_UNUSABLE);
    cr_expect_eq(hy_dane_judge(false, false, records, 3), HY_DANE_NONE);
    cr_expect_eq(hy_dane_judge(true, true, records, 3), HY_DANE_FAILED);
}
