#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "case.h"
#include "events.h"

static void setup(void)
{
    dir = store_dir_make();
}
static void teardown(void)
{
    store_dir_remove(&dir);
}
TestSuite(lines_done, .init = setup, .fini = teardown);

static void write_file(const char *name, const char *text, time_t at)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir.path, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
    if (at)
        cr_assert_eq(utime(path, &(struct utimbuf){at, at}), 0);
}

static bool is_there(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir.path, name);
    return access(path, F_OK) == 0;
}

Test(lines_done, names_are_numbered_and_dated)
{
    char name[160];
    lines_part_name("all", 7, 1700000000000, name, sizeof name);
    cr_assert_str_eq(name, "all-00000007-20231114T221320Z.jsonl.part");
}

Test(lines_done, a_complete_file_gets_its_final_name)
{
    write_file("a-00000001-20231114T221320Z.jsonl.part", "{}\n", 0);
    cr_assert_eq(lines_finish(dir.path, "a-00000001-20231114T221320Z.jsonl.part", 0), 0);
    cr_assert(is_there("a-00000001-20231114T221320Z.jsonl"));
    cr_assert_not(is_there("a-00000001-20231114T221320Z.jsonl.part"));
    write_file("a-00000002-20231114T221320Z.jsonl.part", "{}\n", 0);
    cr_assert_eq(lines_finish(dir.path, "a-00000002-20231114T221320Z.jsonl.part", 3), 0);
    cr_assert(is_there("a-00000002-20231114T221320Z.jsonl.zst"));
    cr_assert_not(is_there("a-00000002-20231114T221320Z.jsonl.part"));
    cr_assert_not(is_there("a-00000002-20231114T221320Z.jsonl.zst.tmp"));
    cr_assert_eq(lines_finish(dir.path, "a-00000003-x.jsonl.part", 3), HY_ENOTFOUND);
}

Test(lines_done, parts_that_a_crash_left_are_finished_and_others_left_alone)
{
    write_file("a-00000001-x.jsonl.part", "1\n", 0);
    write_file("a-00000002-x.jsonl.part", "2\n", 0);
    write_file("a-b-00000001-x.jsonl.part", "of another destination\n", 0);
    write_file("notes.part", "of a person\n", 0);
    cr_assert_eq(lines_finish_rest(dir.path, "a", "a-00000002-x.jsonl.part", 0), 1);
    cr_assert(is_there("a-00000001-x.jsonl"));
    cr_assert(is_there("a-00000002-x.jsonl.part"));
    cr_assert(is_there("a-b-00000001-x.jsonl.part"));
    cr_assert(is_there("notes.part"));
}

Test(lines_done, old_files_are_deleted_and_then_the_oldest_until_they_are_few_enough)
{
    write_file("a-00000001-x.jsonl.zst", "11111", 1000);
    write_file("a-00000002-x.jsonl", "22222", 5000);
    write_file("a-00000003-x.jsonl.zst", "33333", 5000);
    write_file("a-00000004-x.jsonl.part", "grows", 1000);
    write_file("b-00000001-x.jsonl", "of another", 1000);
    cr_assert_eq(lines_expire(dir.path, "a", 2000 * 1000, 0), 1);
    cr_assert_not(is_there("a-00000001-x.jsonl.zst"));
    cr_assert_eq(lines_expire(dir.path, "a", 0, 9), 1);
    cr_assert_not(is_there("a-00000002-x.jsonl"));
    cr_assert(is_there("a-00000003-x.jsonl.zst"));
    cr_assert(is_there("a-00000004-x.jsonl.part"));
    cr_assert(is_there("b-00000001-x.jsonl"));
    cr_assert_eq(lines_expire(dir.path, "a", 0, 9), 0);
    cr_assert_eq(lines_expire("/nonexistent", "a", 0, 1), 0);
}
