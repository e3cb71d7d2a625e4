#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static struct store_dir dir;

static void setup(void)
{
    dir = store_dir_make();
}

static void teardown(void)
{
    store_dir_remove(&dir);
}

TestSuite(env, .init = setup, .fini = teardown);

static void put(struct hy_env *env, const char *key, const char *value)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_ATTRS, hy_str_of(key), hy_str_of(value), HY_PUT_SET), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static bool has(struct hy_env *env, const char *key, const char *value)
{
    struct hy_txn t;
    struct hy_str got;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    bool yes =
        hy_get(&t, HY_TABLE_ATTRS, hy_str_of(key), &got) == 0 && hy_str_eq(got, hy_str_of(value));
    hy_txn_end(&t);
    return yes;
}

/* Fills more than a few pages, cuts the file, reads it all in a child. */
Test(env, says_that_its_file_is_cut_short_instead_of_dying_mute)
{
    struct hy_env *env = store_open(&dir);
    char key[32], path[4200], said[200] = "";
    int ends[2], status;
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "key number %d", i);
        put(env, key, "a value of some length, so that there are pages to lose");
    }
    hy_env_close(env);
    snprintf(path, sizeof path, "%s/store/data.mdb", dir.path);
    cr_assert_eq(truncate(path, 4 * 4096), 0);
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        hy_env_on_lost_pages(74);
        env = store_open(&dir);
        for (int i = 0; i < 2000; i++) {
            snprintf(key, sizeof key, "key number %d", i);
            (void)has(env, key, "");
        }
        _exit(0);
    }
    close(ends[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(read(ends[0], said, sizeof said - 1) > 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 74, "status %x", (unsigned)status);
    cr_expect(strstr(said, "cut short"), "%s", said);
    close(ends[0]);
}

Test(env, keeps_records_secret_and_ids_over_a_reopen)
{
    uint8_t secret[HY_STORE_SECRET_LEN];
    struct hy_txn t;
    struct hy_env *env = store_open(&dir);
    memcpy(secret, hy_env_secret(env), sizeof secret);
    put(env, "a", "1");
    cr_assert_eq(hy_txn_write(env, &t), 0);
    hy_id id = hy_txn_new_id(&t);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_env_close(env);

    env = store_open(&dir);
    cr_assert(has(env, "a", "1"));
    cr_assert_arr_eq(hy_env_secret(env), secret, sizeof secret);
    cr_assert_eq(hy_env_node(env), 7);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_gt(hy_txn_new_id(&t), id);
    hy_txn_end(&t);
    hy_env_close(env);
}

Test(env, secret_is_drawn_for_each_store)
{
    struct store_dir other = store_dir_make();
    struct hy_env *a = store_open(&dir), *b = store_open(&other);
    cr_assert_arr_neq(hy_env_secret(a), hy_env_secret(b), HY_STORE_SECRET_LEN);
    hy_env_close(a);
    hy_env_close(b);
    store_dir_remove(&other);
}

Test(env, files_are_for_the_owner_only)
{
    static const char *const names[] = {"lock", "store", "store/data.mdb", "store/lock.mdb"};
    struct hy_env *env = store_open(&dir);
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir.path, names[i]);
        cr_assert_eq(stat(path, &st), 0);
        cr_assert_eq(st.st_mode & 077, 0, "%s has mode %o", path, st.st_mode & 0777);
    }
    hy_env_close(env);
}

Test(env, a_second_owner_is_refused)
{
    struct hy_env *env = store_open(&dir), *second = NULL;
    struct hy_diag diag = {0};
    struct hy_env_options o = {.data_dir = dir.path, .node = 7, .map_bytes = 64 << 20};
    cr_assert_eq(hy_env_open(&o, &second, &diag), HY_EBUSY);
    cr_assert(strstr(diag.text, "in use"), "got \"%s\"", diag.text);
    hy_env_close(env);
}

Test(env, another_node_number_is_refused)
{
    struct hy_env *env = store_open(&dir);
    hy_env_close(env);
    struct hy_diag diag = {0};
    struct hy_env_options o = {.data_dir = dir.path, .node = 8, .map_bytes = 64 << 20};
    cr_assert_eq(hy_env_open(&o, &env, &diag), HY_EINVAL);
    cr_assert(strstr(diag.text, "node 7"), "got \"%s\"", diag.text);
}

Test(env, a_reader_needs_a_store_and_cannot_write)
{
    struct hy_env *env;
    struct hy_diag diag = {0};
    struct hy_env_options o = {
        .data_dir = dir.path, .mode = HY_ENV_READER, .node = 7, .map_bytes = 64 << 20};
    struct hy_txn t;
    cr_assert_eq(hy_env_open(&o, &env, &diag), HY_ENOTFOUND);
    env = store_open(&dir);
    put(env, "a", "1");
    hy_env_close(env);
    cr_assert_eq(hy_env_open(&o, &env, &diag), 0);
    cr_assert(has(env, "a", "1"));
    cr_assert_eq(hy_txn_write(env, &t), HY_EINVAL);
    hy_env_close(env);
}

Test(env, the_first_error_sticks_and_turns_the_commit_into_an_abort)
{
    struct hy_env *env = store_open(&dir);
    struct hy_txn t;
    struct hy_str v;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_ATTRS, HY_STR("a"), HY_STR("1"), HY_PUT_SET), 0);
    cr_assert_eq(hy_get(&t, HY_TABLE_ATTRS, HY_STR("b"), &v), HY_ENOTFOUND);
    cr_assert_eq(hy_put(&t, HY_TABLE_ATTRS, HY_STR("a"), HY_STR("2"), HY_PUT_NEW), HY_EEXIST);
    cr_assert_eq(t.err, 0, "answers do not stick");
    cr_assert_eq(hy_put(&t, HY_TABLE_ATTRS, HY_STR(""), HY_STR("2"), HY_PUT_SET), HY_EINVAL);
    cr_assert_eq(hy_put(&t, HY_TABLE_ATTRS, HY_STR("c"), HY_STR("3"), HY_PUT_SET), HY_EINVAL);
    cr_assert_eq(hy_txn_commit(&t), HY_EINVAL);
    cr_assert_not(has(env, "a", "1"));
    hy_env_close(env);
}

Test(env, a_snapshot_sees_nothing_newer_until_it_is_renewed)
{
    struct hy_env *env = store_open(&dir);
    struct hy_txn t;
    struct hy_str v;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    put(env, "a", "1");
    cr_assert_eq(hy_get(&t, HY_TABLE_ATTRS, HY_STR("a"), &v), HY_ENOTFOUND);
    hy_txn_park(&t);
    cr_assert_eq(hy_txn_renew(&t), 0);
    cr_assert_eq(hy_get(&t, HY_TABLE_ATTRS, HY_STR("a"), &v), 0);
    hy_txn_end(&t);
    hy_env_close(env);
}

Test(env, cursors_walk_a_prefix_and_no_further)
{
    struct hy_env *env = store_open(&dir);
    static const char *const keys[] = {"a", "b1", "b2", "b3", "c"};
    struct hy_txn t;
    struct hy_cursor c;
    char seen[32] = "";
    for (size_t i = 0; i < 5; i++)
        put(env, keys[i], keys[i]);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_ATTRS, &c), 0);
    int err = hy_cursor_prefix_first(&c, HY_STR("b"));
    for (; err == 0; err = hy_cursor_prefix_next(&c, HY_STR("b")))
        strncat(seen, c.key.p, c.key.n);
    cr_assert_eq(err, HY_ENOTFOUND);
    cr_assert_str_eq(seen, "b1b2b3");
    hy_cursor_close(&c);
    hy_txn_end(&t);
    hy_env_close(env);
}

Test(env, deleting_at_a_cursor_and_going_on_misses_nothing)
{
    struct hy_env *env = store_open(&dir);
    struct hy_txn t;
    struct hy_cursor c;
    char key[16];
    int n = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "k%03d", i);
        put(env, key, "x");
    }
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_ATTRS, &c), 0);
    for (int err = hy_cursor_first(&c); err == 0; err = hy_cursor_next(&c), n++)
        cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(n, 100);
    uint64_t left = 1;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, HY_TABLE_ATTRS, &left), 0);
    hy_txn_end(&t);
    cr_assert_eq(left, 0);
    hy_env_close(env);
}

Test(env, a_key_that_is_too_long_is_an_error_not_a_cut)
{
    struct hy_key k;
    char text[HY_KEY_MAX + 1] = {0};
    hy_key_start(&k);
    hy_key_u64(&k, 1);
    hy_key_bytes(&k, hy_str_make(text, sizeof text));
    cr_assert(k.too_long);
    cr_assert_eq(hy_key_str(&k).n, 0);
}

Test(env, values_of_newer_versions_are_told_from_damage)
{
    cr_assert_eq(hy_value_check(HY_STR("\1"), 1), 0);
    cr_assert_eq(hy_value_check(HY_STR("\2"), 1), HY_EVERSION);
    cr_assert_eq(hy_value_check(HY_STR("\0"), 1), HY_ECORRUPT);
    cr_assert_eq(hy_value_check(HY_STR(""), 1), HY_ECORRUPT);
}

/* What the test put between store and disk. */
static int fail_with(void *ctx)
{
    return *(int *)ctx;
}

Test(env, a_full_disk_loses_the_commit_and_nothing_else)
{
    static const struct {
        int fault, want;
        enum hy_env_state state;
    } cases[] = {
        {ENOSPC, HY_EFULL, HY_ENV_FULL},
        {EDQUOT, HY_EFULL, HY_ENV_FULL},
        {EFBIG, HY_EFULL, HY_ENV_FULL},
        {EROFS, HY_EIO, HY_ENV_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_dir d = store_dir_make();
        int fault = 0;
        struct hy_env *env;
        struct hy_txn t;
        struct hy_env_options o = {
            .data_dir = d.path, .map_bytes = 64 << 20, .fault = {fail_with, &fault}};
        cr_assert_eq(hy_env_open(&o, &env, NULL), 0);
        put(env, "a", "1");
        fault = cases[i].fault;
        cr_assert_eq(hy_txn_write(env, &t), 0);
        hy_put(&t, HY_TABLE_ATTRS, HY_STR("a"), HY_STR("2"), HY_PUT_SET);
        int got = hy_txn_commit(&t);
        cr_assert_eq(got, cases[i].want, "case %zu: got %s", i, hy_err_name(got));
        cr_assert_eq(hy_env_state(env), cases[i].state, "case %zu", i);
        cr_assert(has(env, "a", "1"));
        fault = 0;
        if (cases[i].state == HY_ENV_FULL)
            put(env, "a", "3");
        else
            cr_assert_eq(hy_txn_write(env, &t), HY_EIO);
        hy_env_close(env);
        store_dir_remove(&d);
    }
}

Test(env, a_full_map_is_told_as_full)
{
    struct hy_env *env;
    struct hy_env_options o = {.data_dir = dir.path, .map_bytes = 16 << 20};
    static char big[1 << 20];
    int err = 0;
    cr_assert_eq(hy_env_open(&o, &env, NULL), 0);
    for (int i = 0; i < 20 && !err; i++) {
        struct hy_txn t;
        char key[8];
        snprintf(key, sizeof key, "%d", i);
        cr_assert_eq(hy_txn_write(env, &t), 0);
        hy_put(&t, HY_TABLE_ATTRS, hy_str_of(key), hy_str_make(big, sizeof big), HY_PUT_SET);
        err = hy_txn_commit(&t);
    }
    cr_assert_eq(err, HY_EFULL, "got %s", hy_err_name(err));
    cr_assert_eq(hy_env_state(env), HY_ENV_FULL);
    hy_env_close(env);
}

Test(env, a_small_reserve_of_disk_space_stops_intake_at_once)
{
    struct hy_env *env;
    struct hy_env_options o = {
        .data_dir = dir.path, .map_bytes = 64 << 20, .min_free_bytes = UINT64_MAX / 2};
    cr_assert_eq(hy_env_open(&o, &env, NULL), 0);
    cr_assert_eq(hy_env_state(env), HY_ENV_LOW);
    hy_env_close(env);
}

/* How much address space this process uses, in bytes. */
static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    cr_assert(f && fscanf(f, "%lu", &pages) == 1);
    fclose(f);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

Test(env, opens_by_default_where_address_space_is_limited)
{
    rlim_t limit = address_space() + (256 << 20);
    pid_t pid = fork();
    if (pid == 0) {
        struct hy_env *env;
        struct hy_env_options o = {.data_dir = dir.path};
        struct rlimit rl = {limit, limit};
        if (setrlimit(RLIMIT_AS, &rl) < 0)
            _exit(2);
        _exit(hy_env_open(&o, &env, NULL) ? 1 : 0);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(env, stats_count_what_is_there)
{
    struct hy_env *env = store_open(&dir);
    struct hy_env_stats s;
    put(env, "a", "1");
    put(env, "b", "1");
    cr_assert_eq(hy_env_stats(env, &s), 0);
    cr_assert_eq(s.entries[HY_TABLE_ATTRS], 2);
    cr_assert_eq(s.map_bytes, 64 << 20);
    cr_assert_gt(s.file_bytes, 0);
    hy_env_close(env);
}
