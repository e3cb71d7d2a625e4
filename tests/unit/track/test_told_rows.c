#include "hayauma/track/told_rows.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const hy_wall_ms now = 1795348800000; /* 2026-11-22T12:00:00Z */

static struct hy_arena arena;
static struct hy_diag diag;

/* "line kind whose name meta|..." of what was taken, "line !column: value|..." of what was not; in
 * pieces of `step` bytes. The error that ended it. */
static int read_all(const char *text, const json_t *given, size_t step, char *out, size_t cap)
{
    struct hy_told_rows *r = NULL;
    struct hy_told_row row;
    struct hy_str rest = hy_str_of(text);
    size_t n = 0;
    int err = HY_EMORE;
    bool is_last = false;
    hy_arena_free(&arena);
    arena = HY_ARENA_INIT(1 << 20);
    out[0] = diag.text[0] = '\0';
    cr_assert_eq(hy_told_rows_new(HY_CHARSET_AUTO, given, &r), HY_OK);
    while (err == HY_EMORE && !is_last) {
        is_last = rest.n == 0;
        cr_assert_eq(is_last ? hy_told_rows_end(r)
                             : hy_told_rows_feed(r, hy_str_slice(rest, 0, step)),
                     HY_OK);
        rest = hy_str_slice(rest, step, rest.n);
        while ((err = hy_told_rows_next(r, now, &arena, &row, &diag)) == HY_OK) {
            n += (size_t)snprintf(out + n, cap - n, "%s%llu ", n ? "|" : "",
                                  (unsigned long long)row.line);
            if (row.reason.n)
                n += (size_t)snprintf(out + n, cap - n, "!%.*s: %.*s", HY_STR_ARG(row.column),
                                      HY_STR_ARG(row.value));
            else
                n += (size_t)snprintf(
                    out + n, cap - n, "%s %.*s %.*s %.*s", hy_activity_kind_name(row.told.kind),
                    HY_STR_ARG(row.told.who), HY_STR_ARG(row.told.name), HY_STR_ARG(row.told.meta));
            cr_assert_eq(row.object != NULL, row.reason.n == 0);
            json_decref(row.object);
        }
    }
    hy_told_rows_free(r);
    return err;
}

Test(told_rows, are_activities_whatever_the_columns_and_refused_one_by_one)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"email,kind,name\na@x.test,offline,Expo\n", "2 offline a@x.test Expo "},
        {"Kind;Name;E-Mail\noffline;Expo;a@x.test\n", "2 offline a@x.test Expo "},
        {"メールアドレス,kind,name,会社\na@x.test,offline,Expo,六社\n",
         "2 offline a@x.test Expo {\"会社\":\"六社\"}"},
        {"phone,kind,name\n03-1234-5678,offline,Expo\n", "2 offline 03-1234-5678 Expo "},
        {"email,kind,meta.order,meta.amount,note\na@x.test,order,A-17,5000,007\n",
         "2 order a@x.test  {\"order\":\"A-17\",\"amount\":5000,\"note\":\"007\"}"},
        {"email,kind,name\na@x.test,dance,Expo\nb@x.test,offline,\nc@x.test,offline,Expo\n",
         "2 !kind: dance|3 !name: |4 offline c@x.test Expo "},
        {"email,kind,name\na@x.test,offline\n\"b@x.test\",offline,Expo\n",
         "2 !: a@x.test|3 offline b@x.test Expo "},
        {"email,kind,name,at\na@x.test,offline,Expo,tomorrow\n", "2 !at: tomorrow"},
        {"email,kind,name,percent\na@x.test,video,Tour,101\nb@x.test,video,Tour,50\n",
         "2 !percent: 101|3 video b@x.test Tour "},
        {"email,lead,kind,name\na@x.test,7,offline,Expo\n", "2 !lead: 7"},
        {"email,kind,name\n,offline,Expo\n", "2 !lead: "},
        {"email,kind,name,note\n'=a@x.test,offline,Expo,\"two\nlines\"\n",
         "2 offline =a@x.test Expo {\"note\":\"two\\nlines\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t step = 1; step < 300; step += 97) {
            char got[1024];
            cr_expect_eq(read_all(cases[i].text, NULL, step, got, sizeof got), HY_EMORE, "%s",
                         diag.text);
            cr_expect_str_eq(got, cases[i].want, "case %zu in pieces of %zu", i, step);
        }
    }
}

Test(told_rows, what_is_said_for_all_makes_a_column_of_that_name_a_detail)
{
    char got[1024];
    json_t *given = json_pack("{s:s, s:s}", "kind", "offline", "name", "Expo");
    cr_assert_eq(read_all("email,name\na@x.test,Taro\n", given, 100, got, sizeof got), HY_EMORE);
    cr_assert_str_eq(got, "2 offline a@x.test Expo {\"name\":\"Taro\"}");
    json_decref(given);
}

Test(told_rows, without_a_sensible_first_line_nothing_is_read)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"a@x.test,offline,Expo\n", "whose are these rows?"},
        {"email,kind,email\na@x.test,offline,b@x.test\n", "two columns are 'email'"},
        {"email,e-mail\na@x.test,b@x.test\n", "numbers 1 and 2"},
        {"email,note,note\na@x.test,1,2\n", "two columns are 'note'"},
        {"email,\"two\nlines\"\na@x.test,x\n", "number 2 is no name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[1024];
        cr_expect_eq(read_all(cases[i].text, NULL, 7, got, sizeof got), HY_EINVAL, "%zu", i);
        cr_expect(strstr(diag.text, cases[i].why), "%zu: %s", i, diag.text);
        cr_expect_str_eq(got, "");
    }
}

static struct hy_str ref_of(const char *text, char room[HY_ACTIVITY_REF_MAX])
{
    struct hy_told_rows *r = NULL;
    struct hy_told_row row;
    struct hy_str ref;
    cr_assert_eq(hy_told_rows_new(HY_CHARSET_UTF8, NULL, &r), HY_OK);
    cr_assert_eq(hy_told_rows_feed(r, hy_str_of(text)), HY_OK);
    cr_assert_eq(hy_told_rows_end(r), HY_OK);
    cr_assert_eq(hy_told_rows_next(r, now, &arena, &row, &diag), HY_OK);
    cr_assert_not_null(row.object);
    memcpy(room, row.told.ref.p, row.told.ref.n);
    ref = hy_str_make(room, row.told.ref.n);
    json_decref(row.object);
    hy_told_rows_free(r);
    return ref;
}

Test(told_rows, are_known_by_their_id_or_by_all_that_they_say)
{
    char a[HY_ACTIVITY_REF_MAX], b[HY_ACTIVITY_REF_MAX];
    arena = HY_ARENA_INIT(1 << 20);
    cr_expect(hy_str_eq(ref_of("email,kind,name,id\na@x.test,offline,Expo,17\n", a), HY_STR("17")));
    struct hy_str one = ref_of("email,kind,name\na@x.test,offline,Expo\n", a);
    cr_expect(hy_str_starts(one, HY_STR("row:")) && one.n == 36);
    cr_expect(hy_str_eq(one, ref_of("name,email,kind\nExpo,a@x.test,offline\n", b)), "%.*s",
              HY_STR_ARG(one));
    cr_expect_not(hy_str_eq(one, ref_of("email,kind,name\nb@x.test,offline,Expo\n", b)));
    cr_expect_not(hy_str_eq(one, ref_of("email,kind,name,n\na@x.test,offline,Expo,1\n", b)));
    hy_arena_free(&arena);
}
