#include <criterion/criterion.h>
#include <stdio.h>

#include "lane.h"

Test(meter, an_outcome_is_classed_by_its_reply_or_by_where_it_failed)
{
    static const struct {
        struct hy_outcome o;
        enum hy_reply_class want;
    } cases[] = {
        {{.code = 250, .phase = HY_PHASE_DOT}, HY_REPLY_2XX},
        {{.code = 451, .phase = HY_PHASE_RCPT}, HY_REPLY_4XX},
        {{.code = 421, .phase = HY_PHASE_BANNER}, HY_REPLY_421},
        {{.code = 550, .phase = HY_PHASE_RCPT}, HY_REPLY_5XX},
        {{.phase = HY_PHASE_CONNECT}, HY_REPLY_CONNECT},
        {{.phase = HY_PHASE_TLS}, HY_REPLY_TLS},
        {{.phase = HY_PHASE_STARTTLS}, HY_REPLY_TLS},
        {{.phase = HY_PHASE_DOT}, HY_REPLY_LOST},
        {{.phase = HY_PHASE_DNS}, HY_REPLY_DNS},
        {{.phase = HY_PHASE_POLICY}, HY_REPLY_LOCAL},
        {{.phase = HY_PHASE_RENDER}, HY_REPLY_LOCAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_reply_class_of(&cases[i].o), cases[i].want, "case %zu", i);
}

Test(meter, providers_keep_their_numbers_and_never_grow_past_the_bound)
{
    struct providers p;
    providers_init(&p);
    cr_assert_eq(provider_number(&p, NULL), HY_PROVIDER_DEFAULT);
    cr_assert_eq(provider_number(&p, ""), HY_PROVIDER_DEFAULT);
    unsigned gmail = provider_number(&p, "gmail");
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "rule%d", i);
        cr_assert_lt(provider_number(&p, name), HY_PROVIDERS_MAX);
    }
    cr_assert_eq(provider_number(&p, "gmail"), gmail);
    cr_assert_eq(provider_number(&p, "one-too-many"), HY_PROVIDER_OTHER);
    cr_assert_eq(p.n, HY_PROVIDERS_MAX);
    providers_close(&p);
}

Test(meter, a_name_that_is_too_long_has_one_number_all_the_same)
{
    struct providers p;
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    providers_init(&p);
    cr_assert_eq(provider_number(&p, name), provider_number(&p, name));
    cr_assert_eq(p.n, 4);
    providers_close(&p);
}
