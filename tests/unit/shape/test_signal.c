#include <criterion/criterion.h>

#include "hayauma/shape/signal.h"

static const struct {
    enum hy_outcome_kind kind;
    enum hy_phase phase;
    uint16_t code;
    struct hy_enhanced e;
    const char *text;
    enum hy_signal want;
} cases[] = {
    {HY_OUTCOME_DELIVERED, HY_PHASE_DOT, 250, {2, 0, 0}, "ok", HY_SIGNAL_GOOD},
    {HY_OUTCOME_BOUNCED, HY_PHASE_RCPT, 550, {5, 1, 1}, "no such user", HY_SIGNAL_NONE},
    {HY_OUTCOME_RETURNED, HY_PHASE_MAIL, 421, {4, 7, 0}, "too many messages", HY_SIGNAL_NONE},
    /* what one recipient has must not slow down all */
    {HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 452, {4, 2, 2}, "over quota", HY_SIGNAL_NONE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_RCPT,
     450,
     {4, 2, 1},
     "The user you are trying to contact is receiving mail at a rate that prevents ...",
     HY_SIGNAL_NONE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 450, {4, 1, 1}, "unverified address", HY_SIGNAL_NONE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 452, {4, 5, 3}, "Too many recipients", HY_SIGNAL_NONE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 450, {4, 7, 1}, "Greylisted for 60 s", HY_SIGNAL_NONE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 451, {4, 7, 1}, "Please try again later", HY_SIGNAL_VAGUE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_RCPT,
     450,
     {4, 7, 1},
     "Recipient address rejected: try again in 300 seconds",
     HY_SIGNAL_VAGUE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_DOT, 451, {4, 7, 1}, "Try again later", HY_SIGNAL_VAGUE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_DOT, 451, {4, 7, 1}, "Grey listed", HY_SIGNAL_NONE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_DOT,
     421,
     {4, 7, 0},
     "Try again later, closing connection.",
     HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_MAIL, 451, {4, 7, 1}, "Try again later", HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_RCPT, 451, {4, 7, 28}, "Try again later", HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_RCPT,
     451,
     {4, 7, 500},
     "Server busy. Please try again later from [192.0.2.1]",
     HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_RCPT,
     451,
     {4, 7, 650},
     "The mail server [192.0.2.25] has been temporarily rate limited due to IP reputation",
     HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_RENDER, 0, {4, 3, 0}, "no key", HY_SIGNAL_NONE},
    {HY_OUTCOME_DEFERRED, HY_PHASE_DNS, 0, {4, 4, 3}, "SERVFAIL", HY_SIGNAL_NONE},
    /* words of providers, as they publish them */
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_DOT,
     421,
     {4, 7, 28},
     "Our system has detected an unusual rate of unsolicited mail originating from your IP",
     HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_MAIL,
     421,
     {4, 7, 0},
     "[TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume",
     HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_BANNER,
     421,
     {4, 3, 2},
     "Too many connections",
     HY_SIGNAL_CONNECTIONS},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_BANNER,
     421,
     {4, 7, 0},
     "too many concurrent SMTP connections; please try again later.",
     HY_SIGNAL_CONNECTIONS},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_RCPT,
     450,
     {4, 7, 1},
     "You are sending too fast",
     HY_SIGNAL_RATE},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_MAIL,
     452,
     {4, 3, 1},
     "Insufficient system storage",
     HY_SIGNAL_LOAD},
    {HY_OUTCOME_DEFERRED,
     HY_PHASE_DOT,
     451,
     {4, 3, 0},
     "Mail server temporarily rejected message",
     HY_SIGNAL_LOAD},
};

Test(signal, is_read_from_status_phase_and_words)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_outcome o = {.kind = cases[i].kind,
                               .phase = cases[i].phase,
                               .code = cases[i].code,
                               .enhanced = cases[i].e,
                               .from_server = cases[i].code != 0,
                               .text = hy_str_of(cases[i].text)};
        enum hy_signal got = hy_signal_of(&o);
        cr_assert_eq(got, cases[i].want, "%s: got %s, want %s", cases[i].text, hy_signal_name(got),
                     hy_signal_name(cases[i].want));
    }
}

Test(signal, a_broken_connection_is_one_and_a_refused_handshake_is_none)
{
    struct hy_outcome o = {.kind = HY_OUTCOME_DEFERRED,
                           .phase = HY_PHASE_DOT,
                           .spoils = HY_SPOILS_STREAM,
                           .text = HY_STR("connection lost")};
    cr_assert_eq(hy_signal_of(&o), HY_SIGNAL_LOST);
    o.spoils = HY_SPOILS_MESSAGE;
    cr_assert_eq(hy_signal_of(&o), HY_SIGNAL_NONE);
}
