#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "hayauma/base/log.h"

/* What fn writes to stderr. */
static const char *captured(void (*fn)(void), char *out, size_t max)
{
    int fds[2], kept = dup(STDERR_FILENO);
    cr_assert(pipe(fds) == 0 && dup2(fds[1], STDERR_FILENO) >= 0);
    fn();
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(fds[1]);
    ssize_t n = read(fds[0], out, max - 1);
    out[n > 0 ? n : 0] = '\0';
    close(fds[0]);
    return out;
}

static void log_hostile(void)
{
    hy_log(
        HY_LOG_WARNING, "smtp", "reply: %s",
        "550 no\r\n2026-01-01 info boot: forged \x1b[31m\xff \xe6\x97\xa5 \xc2\x85 \xe2\x80\xa8");
}

static void log_debug(void)
{
    hy_log(HY_LOG_DEBUG, "smtp", "not wanted");
}

static void log_long(void)
{
    char text[5000];
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hy_log(HY_LOG_ERROR, "x", "%s", text);
}

Test(log, writes_one_line_whatever_strangers_put_into_it)
{
    char line[4096];
    hy_log_setup(HY_LOG_TO_STDERR, HY_LOG_INFO);
    captured(log_hostile, line, sizeof line);
    const char *text = strstr(line, "warning smtp: ");
    cr_assert_not_null(text, "%s", line);
    cr_assert_str_eq(text, "warning smtp: reply: 550 no\\x0d\\x0a2026-01-01 info boot: forged "
                           "\\x1b[31m\\xff \xe6\x97\xa5 \\xc2\\x85 \\xe2\\x80\\xa8\n");
    cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1);
}

Test(log, cuts_a_line_at_its_maximum_and_still_ends_it)
{
    char line[8192];
    hy_log_setup(HY_LOG_TO_STDERR, HY_LOG_INFO);
    captured(log_long, line, sizeof line);
    cr_assert_leq(strlen(line), 2001);
    cr_assert_eq(line[strlen(line) - 1], '\n');
}

Test(log, is_silent_below_its_level_and_when_told_so)
{
    char line[4096];
    hy_log_setup(HY_LOG_TO_STDERR, HY_LOG_INFO);
    cr_assert_str_eq(captured(log_debug, line, sizeof line), "");
    hy_log_setup(HY_LOG_TO_STDERR, HY_LOG_DEBUG);
    cr_assert_eq(hy_log_level(), HY_LOG_DEBUG);
    cr_assert_str_neq(captured(log_debug, line, sizeof line), "");
    hy_log_setup(HY_LOG_TO_NOWHERE, HY_LOG_DEBUG);
    cr_assert_str_eq(captured(log_hostile, line, sizeof line), "");
}
