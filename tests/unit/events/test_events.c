#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "case.h"
#include "events.h"
#include "noting.h"

/* The engine with one folder, on a store with a writer. */
static struct hy_writer *writer;
static struct hy_events *out;
static struct hy_events_file file;
static struct hy_events_policy *policy;
static char folder[128];

static void release(struct hy_events_policy *p)
{
    free(p);
}

static struct hy_events_policy *policy_of(size_t n_files)
{
    policy = calloc(1, sizeof *policy);
    *policy = (struct hy_events_policy){.files = &file, .n_files = n_files, .release = release};
    atomic_init(&policy->refs, 1);
    return policy;
}

static void start(void)
{
    struct hy_diag diag = {""};
    cr_assert_eq(
        hy_writer_start(env, &(struct hy_writer_options){.commit_interval_ms = 5}, &writer), 0);
    cr_assert_eq(hy_events_start(env, writer, policy_of(1), &diag, &out), 0, "%s", diag.text);
}

static void stop(void)
{
    hy_events_stop(out);
    hy_writer_stop(writer);
}

static void setup(void)
{
    case_open();
    snprintf(folder, sizeof folder, "%s/events", dir.path);
    file = (struct hy_events_file){.name = "all", .dir = folder, .rotate_bytes = 1 << 20};
    start();
}

static void teardown(void)
{
    stop();
    case_close();
}

TestSuite(events, .init = setup, .fini = teardown);

/* All lines of all files of the folder. */
static unsigned lines(void)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    unsigned n = 0;
    while (d && (e = readdir(d)) != NULL) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = e->d_name[0] != '.' ? fopen(path, "r") : NULL;
        for (int c; f && (c = fgetc(f)) != EOF;)
            n += c == '\n';
        if (f)
            fclose(f);
    }
    if (d)
        closedir(d);
    return n;
}

static void wait_lines(unsigned want)
{
    for (int i = 0; i < 2000 && lines() != want; i++)
        usleep(5000);
    cr_assert_eq(lines(), want);
}

static struct hy_events_view view(void)
{
    struct hy_events_view v = {0};
    for (int i = 0; i < 2000 && hy_events_look(out, &v, 1) == 0; i++)
        usleep(5000);
    return v;
}

static void wait_state(enum hy_events_state want)
{
    for (int i = 0; i < 2000 && view().state != want; i++)
        usleep(5000);
    cr_assert_eq(view().state, want);
}

Test(events, what_happens_is_written_and_a_restart_goes_on_behind_it)
{
    (void)view();
    note_opens(writer, 100);
    wait_lines(100);
    stop();
    start();
    note_opens(writer, 5);
    wait_lines(105);
}

Test(events, what_was_written_but_not_stored_is_cut_off_and_written_again)
{
    char path[512] = "", *at = path;
    (void)view();
    note_opens(writer, 3);
    wait_lines(3);
    stop();
    DIR *d = opendir(folder);
    const struct dirent *e;
    while ((e = readdir(d)) != NULL)
        if (strstr(e->d_name, ".part"))
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    closedir(d);
    FILE *f = fopen(at, "a");
    cr_assert_not_null(f);
    fputs("half\nhalf\nof a line", f);
    fclose(f);
    start();
    note_opens(writer, 1);
    wait_lines(4);
    f = fopen(path, "r");
    char line[4096];
    while (fgets(line, sizeof line, f))
        cr_assert_null(strstr(line, "half"));
    fclose(f);
}

Test(events, a_pause_keeps_what_comes_and_a_resume_goes_on)
{
    (void)view();
    cr_assert_eq(hy_events_do(out, HY_STR("none"), HY_EVENTS_PAUSE, 0), HY_ENOTFOUND);
    cr_assert_eq(hy_events_do(out, HY_STR("all"), HY_EVENTS_PAUSE, 0), 0);
    wait_state(HY_EVENTS_PAUSED);
    note_opens(writer, 7);
    stop();
    start();
    wait_state(HY_EVENTS_PAUSED);
    cr_assert_eq(lines(), 0);
    cr_assert_eq(hy_events_do(out, HY_STR("all"), HY_EVENTS_RESUME, 0), 0);
    wait_lines(7);
}

Test(events, a_replay_writes_again_from_where_it_is_told)
{
    (void)view();
    note_opens(writer, 7);
    wait_lines(7);
    cr_assert_eq(hy_events_do(out, HY_STR("all"), HY_EVENTS_REPLAY, 0), 0);
    wait_lines(14);
}

Test(events, a_folder_that_cannot_be_written_fails_and_recovers)
{
    (void)view();
    stop();
    snprintf(folder, sizeof folder, "/proc/self/nothing");
    start();
    note_opens(writer, 2);
    wait_state(HY_EVENTS_FAILING);
    cr_assert(strstr(view().why, "cannot be opened"), "%s", view().why);
    stop();
    snprintf(folder, sizeof folder, "%s/events", dir.path);
    start();
    wait_lines(2);
    wait_state(HY_EVENTS_GOOD);
}

Test(events, one_that_is_not_configured_any_more_holds_nothing)
{
    struct hy_log_reader r;
    struct hy_txn t;
    note_opens(writer, 1);
    wait_lines(1);
    hy_events_reload(out, policy_of(0));
    for (int i = 0; i < 2000; i++) {
        struct hy_events_view v;
        if (hy_events_look(out, &v, 1) == 0)
            break;
        usleep(5000);
    }
    note_opens(writer, 4); /* committed behind what the destination stored at its end */
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_log_reader_get(&t, HY_STR("file:all"), &r);
    hy_txn_end(&t);
    cr_assert_eq(err, 0);
    for (int i = 0; i < 2000 && r.holds; i++) {
        usleep(5000);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        err = hy_log_reader_get(&t, HY_STR("file:all"), &r);
        hy_txn_end(&t);
    }
    cr_assert_not(r.holds);
    hy_events_reload(out, policy_of(1));
    wait_lines(5);
}
