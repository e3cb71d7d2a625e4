#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/config/tune.h"

/* ---- deciding ---- */

enum { ROUNDS = 3 };

struct decide_case {
    const char *name;
    double us[3][ROUNDS]; /* default first; 0 = its signatures were wrong */
    size_t chosen;
};
static const struct decide_case decide_cases[] = {
    {"a clear winner", {{675, 700, 690}, {450, 460, 455}, {640, 650, 645}}, 1},
    {"the fastest of two winners", {{675, 700, 690}, {450, 460, 455}, {440, 445, 442}}, 2},
    {"less than 3 % is not worth it", {{250, 251, 252}, {244, 245, 246}, {260, 260, 260}}, 0},
    {"not faster in every round", {{300, 200, 300}, {250, 210, 240}, {400, 400, 400}}, 0},
    {"wrong signatures never win", {{675, 700, 690}, {0, 0, 0}, {640, 650, 645}}, 2},
    {"not when both were as fast once", {{354, 300, 249}, {250, 248, 247}, {580, 585, 590}}, 0},
    {"slower ones never win", {{250, 251, 252}, {255, 256, 257}, {580, 585, 590}}, 0},
};

Test(tune, chooses_what_is_faster_in_every_round_and_worth_it)
{
    static const char *const names[] = {"default", "no-adx", "no-ifma"};
    for (size_t i = 0; i < sizeof decide_cases / sizeof *decide_cases; i++) {
        const struct decide_case *c = &decide_cases[i];
        struct hy_tune_report r = {.n = 3, .rounds = ROUNDS, .chosen = 99};
        for (size_t s = 0; s < 3; s++) {
            r.results[s].setting = hy_tune_setting_find(hy_str_of(names[s]));
            r.results[s].is_good = c->us[s][0] > 0;
            r.results[s].rounds = ROUNDS;
            memcpy(r.results[s].rounds_us, c->us[s], sizeof c->us[s]);
        }
        hy_tune_decide(&r);
        cr_expect_eq(r.chosen, c->chosen, "%s: got %zu, want %zu", c->name, r.chosen, c->chosen);
        cr_expect(r.gain >= 0 && r.gain < 1, "%s: gain %f", c->name, r.gain);
    }
}

Test(tune, tells_median_and_noise)
{
    struct hy_tune_report r = {.n = 1, .rounds = 3};
    r.results[0] = (struct hy_tune_result){.setting = hy_tune_setting_find(HY_STR("default")),
                                           .is_good = true,
                                           .rounds = 3,
                                           .rounds_us = {110, 90, 100}};
    hy_tune_decide(&r);
    cr_assert_float_eq(r.results[0].us, 100, 1e-9);
    cr_assert_float_eq(r.results[0].noise, 0.1, 1e-9);
}

Test(tune, offers_the_default_first_and_only_what_this_processor_has)
{
    const struct hy_tune_setting *here[HY_TUNE_SETTINGS_MAX];
    size_t n = hy_tune_settings_here(here);
    cr_assert(n >= 1 && n <= HY_TUNE_SETTINGS_MAX);
    cr_assert_str_eq(here[0]->name, "default");
    cr_assert_str_eq(here[0]->ia32cap, "");
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(hy_tune_setting_find(hy_str_of(here[i]->name)), here[i]);
    cr_assert_null(hy_tune_setting_find(HY_STR(":~0x80000")), "a name, not a value");
}

Test(tune, gives_up_when_its_time_is_up)
{
    struct hy_tune_report r = {.n = 77};
    struct hy_diag diag = {""};
    cr_assert_eq(hy_tune_measure(2, 1, 1, &r, &diag), HY_ETIMEOUT);
    cr_expect_eq(r.n, 77, "nothing is decided");
    cr_expect(strstr(diag.text, "could not be measured"), "%s", diag.text);
}

/* ---- the file ---- */

static char dir[64];

static void make_dir(void)
{
    strcpy(dir, "/tmp/hayauma-test-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/" HY_TUNE_FILE, dir);
    unlink(path);
    cr_assert_eq(rmdir(dir), 0, "nothing else was left");
}

TestSuite(tune_file, .init = make_dir, .fini = remove_dir);

static struct hy_tune sample(void)
{
    struct hy_tune t;
    hy_tune_here(&t);
    t.setting = hy_tune_setting_find(HY_STR("no-adx"));
    t.setting_us = 612.25;
    t.default_us = 918.5;
    t.measured = 1795330319157;
    return t;
}

static void write_text(const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/" HY_TUNE_FILE, dir);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

Test(tune_file, gives_back_what_was_written_and_may_be_written_over)
{
    struct hy_diag diag = {""};
    struct hy_tune t = sample(), got;
    cr_assert_eq(hy_tune_read(dir, &got, &diag), HY_ENOTFOUND);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(hy_tune_write(dir, &t, &diag), HY_OK, "%s", diag.text);
        cr_assert_eq(hy_tune_read(dir, &got, &diag), HY_OK, "%s", diag.text);
    }
    cr_assert_str_eq(got.cpu, t.cpu);
    cr_assert_str_eq(got.openssl, t.openssl);
    cr_assert_eq(got.setting, t.setting);
    cr_assert_float_eq(got.setting_us, 612.25, 1e-3);
    cr_assert_float_eq(got.default_us, 918.5, 1e-3);
    cr_assert_eq(got.measured, t.measured);
}

Test(tune_file, where_it_cannot_be_written_is_known_before)
{
    struct hy_diag diag = {""};
    char missing[256];
    snprintf(missing, sizeof missing, "%s/missing", dir);
    cr_assert_eq(hy_tune_check_dir(dir, &diag), HY_OK, "%s", diag.text);
    cr_assert_eq(hy_tune_check_dir(missing, &diag), HY_EIO);
    cr_assert_not_null(strstr(diag.text, "missing/crypto.tune cannot be written: No such file"),
                       "%s", diag.text);
    cr_assert_eq(hy_tune_check_dir("/proc/self", &diag), HY_EIO, "nobody writes there");
}

Test(tune_file, of_another_processor_or_openssl_is_told_apart)
{
    struct hy_diag diag = {""};
    struct hy_tune t = sample(), got;
    strcpy(t.cpu, "Another CPU (000000)");
    cr_assert_eq(hy_tune_write(dir, &t, &diag), HY_OK);
    cr_assert_eq(hy_tune_read(dir, &got, &diag), HY_EUNSUPPORTED);
    cr_assert_not_null(strstr(diag.text, "another processor"), "%s", diag.text);
    diag = (struct hy_diag){""};
    t = sample();
    strcpy(t.openssl, "OpenSSL 9.9.9");
    cr_assert_eq(hy_tune_write(dir, &t, &diag), HY_OK);
    cr_assert_eq(hy_tune_read(dir, &got, &diag), HY_EUNSUPPORTED);
    cr_assert_not_null(strstr(diag.text, "another OpenSSL"), "%s", diag.text);
}

Test(tune_file, that_is_damaged_or_hostile_is_refused)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"cpu\":1}",
        "{\"cpu\":\"a\",\"openssl\":\"b\",\"setting\":\":~0xffff\",\"rsa2048_us\":1,\"default_us\":"
        "1}",
        "{\"cpu\":\"a\",\"openssl\":\"b\",\"setting\":\"no-adx\",\"rsa2048_us\":0,\"default_us\":"
        "1}",
        "{\"cpu\":\"a\",\"openssl\":\"b\",\"setting\":\"no-adx\",\"rsa2048_us\":-5,\"default_us\":"
        "1}",
        "{\"cpu\":\"a\\nb\",\"openssl\":\"b\",\"setting\":\"no-adx\",\"rsa2048_us\":1,\"default_"
        "us\":1}",
        "{\"cpu\":\"a\",\"openssl\":\"b\",\"setting\":\"no-adx\",\"rsa2048_us\":1,\"default_us\":1,"
        "\"measured_ms\":-1}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct hy_diag diag = {""};
        struct hy_tune got = {.measured = 7};
        write_text(texts[i]);
        cr_expect_eq(hy_tune_read(dir, &got, &diag), HY_EPARSE, "%s", texts[i]);
        cr_expect_eq(got.measured, 7, "untouched");
    }
    static char long_text[HY_TUNE_FILE_MAX + 100];
    struct hy_tune got;
    memset(long_text, ' ', sizeof long_text - 1);
    write_text(long_text);
    cr_expect_eq(hy_tune_read(dir, &got, NULL), HY_EPARSE, "too long");
}
