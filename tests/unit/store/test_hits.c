#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/hits.h"
#include "hayauma/store/retention.h"

TestSuite(hits, .init = case_open, .fini = case_close);

static struct hy_hits *open_journal(uint64_t bytes)
{
    struct hy_diag diag = {""};
    struct hy_hits *h = NULL;
    cr_assert_eq(hy_hits_open(dir.path, bytes, env, &diag, &h), 0, "%s", diag.text);
    return h;
}

static struct hy_activity hit(uint32_t n)
{
    return (struct hy_activity){.kind = n % 3 ? HY_ACTIVITY_OPEN : HY_ACTIVITY_CLICK,
                                .at = 1000 + n,
                                .lead = 7,
                                .link = n,
                                .agent = HY_STR("Mozilla/5.0")};
}

static void put_some(struct hy_hits *h, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct hy_activity a = hit(i);
        cr_assert_eq(hy_hits_put(h, &a), 0, "hit %u", i);
    }
}

/* Everything that waits goes into the store; the journal is closed. */
static void carry_and_close(struct hy_hits *h)
{
    struct hy_writer *w;
    cr_assert_eq(hy_writer_start(env, &(struct hy_writer_options){0}, &w), 0);
    cr_assert_eq(hy_hits_start(h, w), 0);
    hy_hits_close(h);
    hy_writer_stop(w);
}

/* The activities of the store are hits first .. n - 1, each once, in order. */
static void check_stored(uint32_t first, uint32_t n)
{
    struct hy_activity a = {0};
    struct hy_txn t;
    uint32_t next = first;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (hy_activity_next(&t, a.id, &a, NULL) == 0) {
        cr_assert_eq(a.link, next, "got %u, want %u", a.link, next);
        cr_assert_eq(a.at, 1000 + next);
        cr_assert_eq(a.kind, hit(next).kind);
        next++;
    }
    cr_assert_eq(next, n, "got %u, want %u", next, n);
    hy_txn_end(&t);
}

static struct hy_hits_stats stats_of(struct hy_hits *h)
{
    struct hy_hits_stats s;
    hy_hits_stats(h, &s);
    return s;
}

Test(hits, each_becomes_one_activity_in_their_order)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 1001);
    struct hy_hits_stats s = stats_of(h);
    cr_assert_eq(s.put, 1000);
    cr_assert_eq(s.waiting, 1000);
    cr_assert_eq(s.oldest, 1001);
    carry_and_close(h);
    check_stored(1, 1001);
}

Test(hits, what_was_put_before_a_kill_is_carried_by_the_next_run)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 11);
    hy_hits_close(h); /* no thread was started: as it is after kill -9 */
    h = open_journal(HY_HITS_BYTES_MIN);
    cr_assert_eq(stats_of(h).waiting, 10);
    put_some(h, 11, 21);
    carry_and_close(h);
    check_stored(1, 21);
    h = open_journal(HY_HITS_BYTES_MIN);
    cr_assert_eq(stats_of(h).waiting, 0, "and none comes again");
    hy_hits_close(h);
}

Test(hits, the_file_is_used_again_and_again)
{
    uint32_t n = 1;
    for (int lap = 0; lap < 7; lap++) {
        struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
        uint32_t to = n + 5000 + (uint32_t)lap * 77;
        put_some(h, n, to);
        n = to;
        carry_and_close(h);
    }
    check_stored(1, n);
}

Test(hits, a_full_journal_says_so_and_counts_what_it_lost)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    uint32_t n = 1;
    for (;; n++) {
        struct hy_activity a = hit(n);
        if (hy_hits_put(h, &a) == HY_EFULL)
            break;
        cr_assert_lt(n, 100000u);
    }
    struct hy_activity late = hit(n);
    cr_assert_eq(hy_hits_put(h, &late), HY_EFULL);
    struct hy_hits_stats s = stats_of(h);
    cr_assert_eq(s.lost, 2);
    cr_assert_eq(s.put, n - 1);
    cr_assert_leq(s.bytes, s.bytes_max);
    cr_assert_gt(s.bytes, s.bytes_max - 200, "all of the room is used");
    carry_and_close(h);
    check_stored(1, n);
    h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, n, n + 5);
    carry_and_close(h);
    check_stored(1, n + 5);
}

Test(hits, one_that_is_no_activity_is_refused)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    static char url[HY_ACTIVITY_URL_MAX + 1];
    struct hy_activity a = {.kind = HY_ACTIVITY_CLICK, .url = {url, sizeof url}};
    cr_assert_eq(hy_hits_put(h, &a), HY_ELIMIT);
    a = (struct hy_activity){.kind = HY_ACTIVITY_DELIVERED};
    cr_assert_eq(hy_hits_put(h, &a), HY_EINVAL);
    cr_assert_eq(stats_of(h).waiting, 0);
    hy_hits_close(h);
}

Test(hits, a_torn_record_ends_the_journal_and_what_stands_before_it_counts)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 4);
    uint64_t third = stats_of(h).bytes;
    put_some(h, 4, 6);
    hy_hits_close(h);
    char path[4096];
    snprintf(path, sizeof path, "%s/hits", dir.path);
    FILE *f = fopen(path, "r+b");
    cr_assert_not_null(f);
    fseek(f, 4096 + (long)third + 30, SEEK_SET);
    fputc(0xff, f);
    fputc(0xff, f);
    fclose(f);
    h = open_journal(HY_HITS_BYTES_MIN);
    cr_assert_eq(stats_of(h).waiting, 3);
    put_some(h, 4, 7); /* over what was torn */
    carry_and_close(h);
    check_stored(1, 7);
}

/* The store has the first ones, and gets more while the copy is on its way. */
Test(hits, a_backup_has_each_that_was_put_before_it_once)
{
    struct hy_env *copy;
    struct hy_diag diag = {""};
    char path[4096];
    snprintf(path, sizeof path, "%s/backup", dir.path);
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 101);
    carry_and_close(h);
    h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 101, 201);
    cr_assert_eq(hy_backup(env, h, path, &diag), 0, "%s", diag.text);
    put_some(h, 201, 221); /* too late for it */
    carry_and_close(h);
    check_stored(1, 221);
    struct hy_env_options o = {.data_dir = path, .node = 7, .map_bytes = 64 << 20};
    struct hy_env *own = env;
    cr_assert_eq(hy_env_open(&o, &copy, &diag), 0, "%s", diag.text);
    env = copy;
    check_stored(1, 101);
    cr_assert_eq(hy_hits_open(path, HY_HITS_BYTES_MIN, env, &diag, &h), 0, "%s", diag.text);
    cr_assert_eq(stats_of(h).waiting, 100);
    carry_and_close(h);
    check_stored(1, 201);
    env = own;
    hy_env_close(copy);
}

/* What the store got between the copy of the journal and the snapshot is not read again. */
Test(hits, a_copy_of_the_journal_goes_with_a_later_store)
{
    struct hy_diag diag = {""};
    char path[4096], file[4200];
    snprintf(path, sizeof path, "%s/later", dir.path);
    snprintf(file, sizeof file, "%s/hits", path);
    cr_assert_eq(mkdir(path, 0700), 0);
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 51);
    cr_assert_eq(hy_hits_copy(h, file, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_hits_copy(h, file, &diag), HY_EIO, "never over a file that is there");
    put_some(h, 51, 81);
    carry_and_close(h);
    cr_assert_eq(hy_hits_open(path, HY_HITS_BYTES_MIN, env, &diag, &h), 0, "%s", diag.text);
    cr_assert_eq(stats_of(h).waiting, 0);
    put_some(h, 81, 91);
    carry_and_close(h);
    check_stored(1, 91);
}

Test(hits, another_size_is_taken_when_it_is_empty_only)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 3);
    hy_hits_close(h);
    h = open_journal(2 * HY_HITS_BYTES_MIN);
    cr_assert_eq(stats_of(h).bytes_max, HY_HITS_BYTES_MIN);
    carry_and_close(h);
    h = open_journal(2 * HY_HITS_BYTES_MIN);
    cr_assert_eq(stats_of(h).bytes_max, 2 * HY_HITS_BYTES_MIN);
    put_some(h, 3, 5);
    carry_and_close(h);
    check_stored(1, 5);
}

Test(hits, a_file_that_is_none_is_left_alone)
{
    char path[4096];
    struct hy_diag diag = {""};
    struct hy_hits *h = NULL;
    snprintf(path, sizeof path, "%s/hits", dir.path);
    FILE *f = fopen(path, "wb");
    for (int i = 0; i < 10000; i++)
        fputc('x', f);
    fclose(f);
    cr_assert_eq(hy_hits_open(dir.path, HY_HITS_BYTES_MIN, env, &diag, &h), HY_ECORRUPT);
    cr_assert(strstr(diag.text, "damaged") != NULL, "%s", diag.text);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 10000);
}

/* Bytes of the file behind its header that are not zero. */
static size_t bytes_left(void)
{
    char path[4096];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/hits", dir.path);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f);
    fseek(f, 4096, SEEK_SET);
    for (int c; (c = fgetc(f)) != EOF;)
        n += c != 0;
    fclose(f);
    return n;
}

Test(hits, what_the_store_has_is_overwritten)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 101);
    cr_assert_gt(bytes_left(), 1000);
    carry_and_close(h);
    cr_assert_eq(bytes_left(), 0);
}

Test(hits, so_is_what_a_killed_process_left)
{
    struct hy_hits *h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 1, 101);
    carry_and_close(h);
    char path[4096];
    snprintf(path, sizeof path, "%s/hits", dir.path);
    FILE *f = fopen(path, "r+b");
    fseek(f, 12, SEEK_SET);
    fputc(1, f); /* it was open */
    fseek(f, 4096 + 700, SEEK_SET);
    fputs("https://shop.example/?mail=taro@example.jp", f);
    fclose(f);
    hy_hits_close(open_journal(HY_HITS_BYTES_MIN));
    cr_assert_eq(bytes_left(), 0);
    h = open_journal(HY_HITS_BYTES_MIN);
    put_some(h, 101, 103);
    carry_and_close(h);
    check_stored(1, 103);
}
