#include <criterion/criterion.h>

#include "capability.h"

Test(capability, keywords_are_read_whatever_their_case_and_others_passed_over)
{
    static const struct {
        const char *line;
        uint32_t set;
        uint64_t size;
    } cases[] = {
        {"PIPELINING", HY_SMTP_CAP_PIPELINING, 0},
        {"pipelining", HY_SMTP_CAP_PIPELINING, 0},
        {" PIPELINING ", HY_SMTP_CAP_PIPELINING, 0},
        {"PIPELININGS", 0, 0},
        {"PIPE", 0, 0},
        {"SIZE", HY_SMTP_CAP_SIZE, 0},
        {"SIZE ", HY_SMTP_CAP_SIZE, 0},
        {"SIZE 0", HY_SMTP_CAP_SIZE, 0},
        {"SIZE 10485760", HY_SMTP_CAP_SIZE, 10485760},
        {"size 5", HY_SMTP_CAP_SIZE, 5},
        {"SIZE 18446744073709551615", HY_SMTP_CAP_SIZE, UINT64_MAX},
        {"SIZE 99999999999999999999", HY_SMTP_CAP_SIZE, 0},
        {"SIZE -1", HY_SMTP_CAP_SIZE, 0},
        {"SIZE 12x", HY_SMTP_CAP_SIZE, 0},
        {"8BITMIME", HY_SMTP_CAP_8BITMIME, 0},
        {"SMTPUTF8", HY_SMTP_CAP_SMTPUTF8, 0},
        {"ENHANCEDSTATUSCODES", HY_SMTP_CAP_ENHANCED, 0},
        {"CHUNKING", HY_SMTP_CAP_CHUNKING, 0},
        {"STARTTLS", HY_SMTP_CAP_STARTTLS, 0},
        {"AUTH PLAIN LOGIN", 0, 0},
        {"X-STARTTLS", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_smtp_capabilities caps = {0};
        hy_smtp_capability_line(&caps, hy_str_of(cases[i].line));
        cr_assert_eq(caps.set, cases[i].set, "%s: got %x", cases[i].line, caps.set);
        cr_assert_eq(caps.size_limit, cases[i].size, "%s", cases[i].line);
    }
}
