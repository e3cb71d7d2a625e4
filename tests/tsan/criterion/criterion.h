/* The part of Criterion's interface our tests use, in one process and with no arena, because the
 * real one maps memory where ThreadSanitizer keeps its shadow. Only -Db_sanitize=thread sees it. */
#pragma once
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mini_options {
    int first; /* so that no option at all is still an initializer */
    void (*init)(void);
    void (*fini)(void);
    double timeout;
    int signal, exit_code;
    bool disabled;
    const char *description;
    void *data;
};

struct mini_test {
    const char *suite, *name;
    void (*run)(void);
    struct mini_options options;
    struct mini_test *next;
};

struct mini_state {
    struct mini_test *tests, *suites;
    const char *now;
    int failed; /* expectations of the test that runs */
};

__attribute__((weak)) struct mini_state mini_state;

static inline void mini_fail(const char *file, int line, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static inline void mini_fail(const char *file, int line, const char *what, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "[FAIL] %s: %s:%d: %s ", mini_state.now, file, line, what);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    __atomic_fetch_add(&mini_state.failed, 1, __ATOMIC_RELAXED);
}

/* An assertion may fail in any thread, so it cannot unwind to the runner: it ends the program. */
static inline void mini_stop(void)
{
    fflush(NULL);
    _Exit(1);
}

#define mini_check(cond, what, stop, ...)                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            mini_fail(__FILE__, __LINE__, what, " " __VA_ARGS__);                                  \
            if (stop)                                                                              \
                mini_stop();                                                                       \
        }                                                                                          \
    } while (0)
#define mini_op(stop, a, op, b, ...) mini_check((a)op(b), #a " " #op " " #b, stop, __VA_ARGS__)
#define mini_str(stop, a, op, b, ...)                                                              \
    mini_check(strcmp((a), (b)) op 0, #a " " #op " " #b, stop, __VA_ARGS__)
#define mini_mem(stop, a, op, b, n, ...)                                                           \
    mini_check(memcmp((a), (b), (n)) op 0, #a " " #op " " #b, stop, __VA_ARGS__)
#define mini_near(stop, a, b, e, ...)                                                              \
    mini_check(fabs((double)((a) - (b))) <= (e), #a " near " #b, stop, __VA_ARGS__)

#define cr_assert(c, ...)                mini_check((c), #c, true, __VA_ARGS__)
#define cr_assert_not(c, ...)            mini_check(!(c), "not " #c, true, __VA_ARGS__)
#define cr_assert_null(p, ...)           mini_check((p) == NULL, #p " is NULL", true, __VA_ARGS__)
#define cr_assert_not_null(p, ...)       mini_check((p) != NULL, #p " is not NULL", true, __VA_ARGS__)
#define cr_assert_eq(a, b, ...)          mini_op(true, a, ==, b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)         mini_op(true, a, !=, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)          mini_op(true, a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)         mini_op(true, a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)          mini_op(true, a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)         mini_op(true, a, >=, b, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)      mini_str(true, a, ==, b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)     mini_str(true, a, !=, b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)   mini_mem(true, a, ==, b, n, __VA_ARGS__)
#define cr_assert_arr_neq(a, b, n, ...)  mini_mem(true, a, !=, b, n, __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...) mini_near(true, a, b, e, __VA_ARGS__)
#define cr_assert_fail(...)              mini_check(false, "failed", true, __VA_ARGS__)
#define cr_expect(c, ...)                mini_check((c), #c, false, __VA_ARGS__)
#define cr_expect_not(c, ...)            mini_check(!(c), "not " #c, false, __VA_ARGS__)
#define cr_expect_null(p, ...)           mini_check((p) == NULL, #p " is NULL", false, __VA_ARGS__)
#define cr_expect_not_null(p, ...)       mini_check((p) != NULL, #p " is not NULL", false, __VA_ARGS__)
#define cr_expect_eq(a, b, ...)          mini_op(false, a, ==, b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...)         mini_op(false, a, !=, b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)          mini_op(false, a, <, b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...)         mini_op(false, a, <=, b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)          mini_op(false, a, >, b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...)         mini_op(false, a, >=, b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)      mini_str(false, a, ==, b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)     mini_str(false, a, !=, b, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...)   mini_mem(false, a, ==, b, n, __VA_ARGS__)
#define cr_expect_float_eq(a, b, e, ...) mini_near(false, a, b, e, __VA_ARGS__)
#define cr_expect_fail(...)              mini_check(false, "failed", false, __VA_ARGS__)
#define cr_fail(...)                     mini_check(false, "failed", false, __VA_ARGS__)
#define cr_log_info(...)                 (fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n"))
#define cr_log_warn(...)                 cr_log_info(__VA_ARGS__)
#define cr_log_error(...)                cr_log_info(__VA_ARGS__)
#define cr_skip_test(...)                                                                          \
    do {                                                                                           \
        fprintf(stderr, "[SKIP] %s\n", mini_state.now);                                            \
        return;                                                                                    \
    } while (0)
#define cr_skip(...) cr_skip_test(__VA_ARGS__)

#define mini_register(list, s, n, fn, ...)                                                         \
    __attribute__((constructor)) static void mini_add_##s##_##n(void)                              \
    {                                                                                              \
        static struct mini_test t = {#s, #n, fn, {.first = 0, __VA_ARGS__}, NULL};                 \
        t.next = mini_state.list;                                                                  \
        mini_state.list = &t;                                                                      \
    }
#define Test(s, n, ...)                                                                            \
    static void mini_run_##s##_##n(void);                                                          \
    mini_register(tests, s, n, mini_run_##s##_##n, __VA_ARGS__) static void mini_run_##s##_##n(void)
#define TestSuite(s, ...) mini_register(suites, s, suite, NULL, __VA_ARGS__)

/* True when it ran, whatever came of it. */
static inline bool mini_run(const struct mini_test *t)
{
    const struct mini_test *s = mini_state.suites;
    while (s && strcmp(s->suite, t->suite) != 0)
        s = s->next;
    if (t->options.disabled || t->options.signal || t->options.exit_code)
        return false; /* what is meant to end the process needs a process of its own */
    void (*init)(void) = t->options.init ? t->options.init : s ? s->options.init : NULL;
    void (*fini)(void) = t->options.fini ? t->options.fini : s ? s->options.fini : NULL;
    mini_state.now = t->name;
    mini_state.failed = 0;
    if (init)
        init();
    t->run();
    if (fini)
        fini();
    return true;
}

int main(void);
__attribute__((weak)) int main(void)
{
    int tested = 0, bad = 0;
    for (const struct mini_test *t = mini_state.tests; t; t = t->next) {
        if (!mini_run(t))
            continue;
        tested++;
        bad += mini_state.failed != 0;
    }
    fprintf(stderr, "Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: 0\n", tested,
            tested - bad, bad);
    return bad != 0;
}
