#include <criterion/criterion.h>

#include "hayauma/model/campaign.h"
#include "hayauma/model/outcome.h"

Test(names, every_state_has_a_word_and_strangers_get_a_question_mark)
{
    for (int i = 0; i < HY_RCPT_STATES; i++)
        cr_assert_str_neq(hy_rcpt_state_name((enum hy_rcpt_state)i), "?");
    for (int i = 0; i < HY_PHASE_MAX; i++)
        cr_assert_str_neq(hy_phase_name((enum hy_phase)i), "?");
    cr_assert_str_eq(hy_phase_name(HY_PHASE_POLICY), "policy");
    cr_assert_str_eq(hy_rcpt_state_name((enum hy_rcpt_state)99), "?");
}

Test(names, enhanced_codes_are_read_as_rfc_3463_writes_them)
{
    static const struct {
        const char *in;
        int want;
        unsigned class, subject, detail;
    } cases[] = {
        {"5.1.1", HY_OK, 5, 1, 1},
        {"4.7.28 slow down", HY_OK, 4, 7, 28},
        {"2.0.0\r\n", HY_OK, 2, 0, 0},
        {"5.7.606 Access denied", HY_OK, 5, 7, 606},
        {"3.1.1", HY_EPARSE, 0, 0, 0},
        {"5.1", HY_EPARSE, 0, 0, 0},
        {"5.1.1234", HY_EPARSE, 0, 0, 0},
        {"5.1.1-x", HY_EPARSE, 0, 0, 0},
        {"5..1 user", HY_EPARSE, 0, 0, 0},
        {"", HY_EPARSE, 0, 0, 0},
        {"192.0.2.1 no", HY_EPARSE, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_enhanced e = {0};
        size_t used = 0;
        cr_assert_eq(hy_enhanced_parse(hy_str_of(cases[i].in), &e, &used), cases[i].want, "%s",
                     cases[i].in);
        cr_assert(e.class == cases[i].class && e.subject == cases[i].subject &&
                      e.detail == cases[i].detail,
                  "%s", cases[i].in);
    }
}

Test(names, the_ledger_adds_up)
{
    struct hy_ledger l = {.queued = 10};
    l.by_state[HY_RCPT_FRESH] = 1;
    l.by_state[HY_RCPT_HELD] = 2;
    l.by_state[HY_RCPT_DEFERRED] = 3;
    l.by_state[HY_RCPT_DELIVERED] = 4;
    cr_assert_eq(hy_ledger_pending(&l), 6);
    cr_assert_eq(hy_ledger_sum(&l), l.queued);
}
