#include "../../../src/cli/sendmail.h"

#include <criterion/criterion.h>

#define ARGS(...)                                                                                  \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

static struct sendmail_args parsed(const char *const *argv, size_t n)
{
    struct sendmail_args a;
    const char *wrong = "";
    cr_assert(sendmail_parse("sendmail", (int)n, argv, &a, &wrong), "'%s' is wrong", wrong);
    return a;
}

static bool is_wrong(const char *const *argv, size_t n)
{
    struct sendmail_args a;
    const char *wrong;
    return !sendmail_parse("sendmail", (int)n, argv, &a, &wrong);
}

Test(sendmail, options_that_programs_pass_are_understood)
{
    struct sendmail_args a = parsed(ARGS("-t", "-i"));
    cr_expect(a.reads_header && a.ignores_dots && a.n_rcpts == 0);
    a = parsed(ARGS("-ti", "-f", "a@b"));
    cr_expect(a.reads_header && a.ignores_dots);
    cr_expect_str_eq(a.sender, "a@b");
    a = parsed(ARGS("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"));
    cr_expect_str_eq(a.name, "CronDaemon");
    cr_expect_eq(a.n_rcpts, 1);
    a = parsed(ARGS("-oi", "-odb", "-O", "QueueDirectory=/x", "-X", "/log", "-v", "-Ac", "-ra@b",
                    "--", "-x"));
    cr_expect(a.ignores_dots);
    cr_expect_str_eq(a.sender, "a@b");
    cr_expect_eq(a.n_rcpts, 1);
    cr_expect_str_eq(a.rcpts[0], "-x");
    a = parsed(ARGS("-N", "success,DELAY", "-Rhdrs", "-V", "id", "a@b"));
    cr_expect_eq(a.notify, 10);
    cr_expect_eq(a.ret, 1);
    cr_expect_str_eq(a.envid, "id");
    cr_expect_eq(parsed(ARGS("-bs")).mode, SENDMAIL_SMTP);
    cr_expect_eq(parsed(ARGS("-bp")).mode, SENDMAIL_QUEUE);
    cr_expect_eq(parsed(ARGS("-bi")).mode, SENDMAIL_NOTHING);
    cr_expect_eq(parsed(ARGS("-q30m")).mode, SENDMAIL_NOTHING);
}

Test(sendmail, what_it_does_not_know_is_wrong)
{
    cr_expect(is_wrong(ARGS("-Z")));
    cr_expect(is_wrong(ARGS("-f")));
    cr_expect(is_wrong(ARGS("-bd")));
    cr_expect(is_wrong(ARGS("-bv")));
    cr_expect(is_wrong(ARGS("-N", "often")));
    cr_expect(is_wrong(ARGS("-N", "never,delay")));
    cr_expect(is_wrong(ARGS("-R", "some")));
    cr_expect(is_wrong(ARGS("-tZ")));
}

Test(sendmail, names_choose_what_is_done)
{
    struct sendmail_args a;
    const char *wrong;
    cr_expect(sendmail_parse("mailq", 0, NULL, &a, &wrong));
    cr_expect_eq(a.mode, SENDMAIL_QUEUE);
    cr_expect(sendmail_parse("newaliases", 0, NULL, &a, &wrong));
    cr_expect_eq(a.mode, SENDMAIL_NOTHING);
}
