#include <criterion/criterion.h>

#include "classify.h"

static struct hy_smtp_reply reply_of(const char *line)
{
    struct hy_smtp_reply r;
    size_t used;
    hy_smtp_reply_init(&r);
    cr_assert_eq(hy_smtp_reply_read(&r, line, strlen(line), &used), HY_SMTP_READ_DONE, "%s", line);
    return r;
}

static const struct {
    const char *line;
    enum hy_phase phase;
    const char *status;
    enum hy_outcome_kind kind;
    enum hy_spoils spoils;
} cases[] = {
    /* the server's own, its class corrected */
    {"550 5.1.1 unknown\n", HY_PHASE_RCPT, "5.1.1", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"550 4.1.1 unknown\n", HY_PHASE_RCPT, "5.1.1", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"450 5.2.1 busy\n", HY_PHASE_RCPT, "4.2.1", HY_OUTCOME_DEFERRED, HY_SPOILS_RECIPIENT},
    {"550 #5.7.1 no\n", HY_PHASE_RCPT, "5.7.1", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"554 5.7.606 banned\n", HY_PHASE_DOT, "5.7.606", HY_OUTCOME_BOUNCED, HY_SPOILS_MESSAGE},
    {"250 2.6.0 queued\n", HY_PHASE_DOT, "2.6.0", HY_OUTCOME_DELIVERED, HY_SPOILS_NOTHING},
    /* ours */
    {"250 ok\n", HY_PHASE_DOT, "2.0.0", HY_OUTCOME_DELIVERED, HY_SPOILS_NOTHING},
    {"550 unknown\n", HY_PHASE_RCPT, "5.1.0", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"550 no\n", HY_PHASE_MAIL, "5.7.1", HY_OUTCOME_BOUNCED, HY_SPOILS_MESSAGE},
    {"550 no\n", HY_PHASE_DOT, "5.7.1", HY_OUTCOME_BOUNCED, HY_SPOILS_MESSAGE},
    {"501 what\n", HY_PHASE_MAIL, "5.1.7", HY_OUTCOME_BOUNCED, HY_SPOILS_MESSAGE},
    {"501 what\n", HY_PHASE_RCPT, "5.1.3", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"553 what\n", HY_PHASE_RCPT, "5.1.3", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"551 moved\n", HY_PHASE_RCPT, "5.1.6", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"556 null MX\n", HY_PHASE_RCPT, "5.1.10", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    {"552 big\n", HY_PHASE_DOT, "5.3.4", HY_OUTCOME_BOUNCED, HY_SPOILS_MESSAGE},
    {"554 failed\n", HY_PHASE_DOT, "5.0.0", HY_OUTCOME_BOUNCED, HY_SPOILS_MESSAGE},
    {"450 later\n", HY_PHASE_RCPT, "4.2.0", HY_OUTCOME_DEFERRED, HY_SPOILS_RECIPIENT},
    {"451 later\n", HY_PHASE_DATA, "4.3.0", HY_OUTCOME_DEFERRED, HY_SPOILS_MESSAGE},
    {"452 full\n", HY_PHASE_DOT, "4.3.1", HY_OUTCOME_DEFERRED, HY_SPOILS_MESSAGE},
    {"452 many\n", HY_PHASE_RCPT, "4.5.3", HY_OUTCOME_DEFERRED, HY_SPOILS_RECIPIENT},
    {"552 many\n", HY_PHASE_RCPT, "5.2.2", HY_OUTCOME_DEFERRED, HY_SPOILS_RECIPIENT},
    {"421 bye\n", HY_PHASE_DOT, "4.3.2", HY_OUTCOME_DEFERRED, HY_SPOILS_STREAM},
    {"455 what\n", HY_PHASE_MAIL, "4.5.4", HY_OUTCOME_DEFERRED, HY_SPOILS_MESSAGE},
    {"477 new\n", HY_PHASE_RCPT, "4.0.0", HY_OUTCOME_DEFERRED, HY_SPOILS_RECIPIENT},
    {"577 new\n", HY_PHASE_RCPT, "5.0.0", HY_OUTCOME_BOUNCED, HY_SPOILS_RECIPIENT},
    /* before a transaction it is about us and this host */
    {"554 no\n", HY_PHASE_BANNER, "5.0.0", HY_OUTCOME_DEFERRED, HY_SPOILS_HOST},
    {"521 no\n", HY_PHASE_BANNER, "5.3.2", HY_OUTCOME_DEFERRED, HY_SPOILS_HOST},
    {"421 no\n", HY_PHASE_BANNER, "4.3.2", HY_OUTCOME_DEFERRED, HY_SPOILS_HOST},
    {"421 4.7.0 too many connections\n", HY_PHASE_BANNER, "4.7.0", HY_OUTCOME_DEFERRED,
     HY_SPOILS_SITE},
    {"451 4.7.1 later\n", HY_PHASE_MAIL, "4.7.1", HY_OUTCOME_DEFERRED, HY_SPOILS_SITE},
    {"451 4.3.0 later\n", HY_PHASE_MAIL, "4.3.0", HY_OUTCOME_DEFERRED, HY_SPOILS_MESSAGE},
    {"550 5.7.1 no\n", HY_PHASE_EHLO, "5.7.1", HY_OUTCOME_DEFERRED, HY_SPOILS_HOST},
    {"454 no\n", HY_PHASE_STARTTLS, "4.7.0", HY_OUTCOME_DEFERRED, HY_SPOILS_HOST},
};

Test(status, each_reply_has_its_status_and_its_meaning)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_smtp_reply r = reply_of(cases[i].line);
        struct hy_outcome o = hy_smtp_classify(&r, cases[i].phase);
        char got[16];
        cr_assert_str_eq(hy_enhanced_format(o.enhanced, got), cases[i].status, "%s: got %s",
                         cases[i].line, got);
        cr_assert_eq(o.kind, cases[i].kind, "%s: got %s", cases[i].line,
                     hy_outcome_kind_name(o.kind));
        cr_assert_eq(o.spoils, cases[i].spoils, "%s: got %s", cases[i].line,
                     hy_spoils_name(o.spoils));
        cr_assert(o.from_server && o.code == r.code && o.phase == cases[i].phase);
    }
}

Test(status, too_many_recipients_is_told_from_a_full_mailbox)
{
    static const struct {
        const char *line;
        bool want;
    } many[] = {
        {"452 too many\n", true},        {"452 4.5.3 too many\n", true},
        {"552 too many\n", true},        {"552 5.5.3 too many\n", true},
        {"452 4.2.2 full\n", false},     {"552 5.2.2 full\n", false},
        {"450 4.5.3 too many\n", false}, {"452 4.3.1 system storage\n", false},
    };
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        struct hy_smtp_reply r = reply_of(many[i].line);
        cr_assert_eq(hy_smtp_is_too_many(&r), many[i].want, "%s", many[i].line);
    }
}

Test(status, no_bare_reply_ever_names_a_dead_address)
{
    for (uint16_t code = 200; code < 600; code++) {
        for (int phase = HY_PHASE_BANNER; phase <= HY_PHASE_QUIT; phase++) {
            struct hy_smtp_reply r;
            hy_smtp_reply_init(&r);
            r.code = code;
            struct hy_enhanced e = hy_smtp_reply_enhanced(&r, (enum hy_phase)phase);
            cr_assert(!(e.subject == 1 && e.detail == 1), "%u", code);
            cr_assert(e.class == 0 || e.class == code / 100, "%u", code);
        }
    }
}
