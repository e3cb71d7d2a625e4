#include "hayauma/mail/draft.h"

#include <criterion/criterion.h>

static int collect(void *ctx, struct hy_str address)
{
    hy_buf_printf(ctx, "[%.*s]", HY_STR_ARG(address));
    return 0;
}

Test(draft, addresses_are_found_in_what_people_write)
{
    static const struct {
        const char *list, *want;
    } cases[] = {
        {"a@b, c@d", "[a@b][c@d]"},
        {"A B <a@b>, \"x, y\" <c@d>", "[a@b][c@d]"},
        {"root (Cron Daemon)", "[root]"},
        {"friends: a@b, C <c@d>; e@f", "[a@b][c@d][e@f]"},
        {"undisclosed-recipients:;", ""},
        {"a@b (note, with (comma)), c@d", "[a@b][c@d]"},
        {"\"a b\"@c, \"q\\\"<x>\"@d", "[\"a b\"@c][\"q\\\"<x>\"@d]"},
        {" ,, a@b ,", "[a@b]"},
        {"a@b\r\n c@d", "[a@b c@d]"},
        {"<a@b", "[a@b]"},
        {"(never closed", ""},
        {"\\", "[\\]"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf out = HY_BUF_INIT(1000);
        cr_expect_eq(hy_draft_addresses(hy_str_of(cases[i].list), collect, &out), 0);
        cr_expect_str_eq(hy_buf_cstr(&out), cases[i].want, "'%s': got %s, want %s", cases[i].list,
                         hy_buf_cstr(&out), cases[i].want);
        hy_buf_free(&out);
    }
}

Test(draft, recipients_come_from_the_header_and_resent_ones_go_before)
{
    struct hy_buf out = HY_BUF_INIT(1000);
    cr_expect_eq(hy_draft_recipients(HY_STR("To: a@b\nCc: c@d,\n e@f\nBCC: g@h\n\nTo: body@x\n"),
                                     collect, &out),
                 0);
    cr_expect_str_eq(hy_buf_cstr(&out), "[a@b][c@d][e@f][g@h]");
    hy_buf_reset(&out);
    cr_expect_eq(
        hy_draft_recipients(HY_STR("To: a@b\nResent-To: r@s\nResent-Bcc: t@u\n\n"), collect, &out),
        0);
    cr_expect_str_eq(hy_buf_cstr(&out), "[r@s][t@u]");
    hy_buf_free(&out);
}

Test(draft, from_gets_a_domain_and_is_added_where_it_is_missing)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"Subject: x\n\ny\n", "From: Me <me@h.example>\r\nSubject: x\n\ny\n"},
        {"only words\n", "From: Me <me@h.example>\r\n\r\nonly words\n"},
        {"\nbody\n", "From: Me <me@h.example>\r\n\nbody\n"},
        {"", "From: Me <me@h.example>\r\n"},
        {"From me Mon Jan 1\nSubject: x\n\ny\n", "From: Me <me@h.example>\r\nSubject: x\n\ny\n"},
        {"To: z\nFrom: root (Cron Daemon)\n\ny\n",
         "From: Cron Daemon <root@h.example>\r\nTo: z\n\ny\n"},
        {"From: root\n\ny\n", "From: root@h.example\r\n\ny\n"},
        {"From: \"A B\" <root>\n\ny\n", "From: A B <root@h.example>\r\n\ny\n"},
        {"From: a@b\n\ny\n", "From: a@b\n\ny\n"},
        {"From: a@b, c\n\ny\n", "From: a@b, c\n\ny\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf out = HY_BUF_INIT(10000);
        struct hy_draft d = {.text = hy_str_of(cases[i].text),
                             .host = HY_STR("h.example"),
                             .from = HY_STR("me"),
                             .from_name = HY_STR("Me")};
        cr_expect_eq(hy_draft_write(&d, &out), 0, "case %zu", i);
        cr_expect_str_eq(hy_buf_cstr(&out), cases[i].want, "case %zu: got %s", i,
                         hy_buf_cstr(&out));
        hy_buf_free(&out);
    }
}

Test(draft, nothing_of_a_name_becomes_a_field)
{
    struct hy_buf out = HY_BUF_INIT(10000);
    struct hy_draft d = {.text = HY_STR("\nx"),
                         .host = HY_STR("h"),
                         .from = HY_STR("me"),
                         .from_name = HY_STR("a\r\nEvil: 1")};
    if (hy_draft_write(&d, &out) == 0)
        cr_expect_not(strstr(hy_buf_cstr(&out), "\nEvil"));
    hy_buf_reset(&out);
    d.from = HY_STR("me>\r\nEvil: 1");
    cr_expect_eq(hy_draft_write(&d, &out), HY_EINVAL);
    hy_buf_free(&out);
}
