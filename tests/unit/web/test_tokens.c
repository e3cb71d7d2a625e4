#include "hayauma/web/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct hy_api_token_plan plan = {
    .scopes = HY_STR("messages:send,messages:read"),
    .domains = HY_STR("example.jp,*.example.jp"),
    .name = HY_STR("the shop"),
    .tenant = HY_STR("7"),
    .expires = HY_STR("2027-04-01"),
};

static void make(const struct hy_api_token_plan *p, char *token, struct hy_buf *file)
{
    struct hy_diag diag = {""};
    cr_assert_eq(hy_api_token_make(p, token, file, &diag), HY_OK, "%s", diag.text);
}

Test(tokens, one_that_was_made_is_found_by_what_the_client_shows)
{
    char token[HY_API_TOKEN_MAX], other[HY_API_TOKEN_MAX];
    struct hy_buf file = HY_BUF_INIT(1 << 20);
    struct hy_diag diag = {""};
    struct hy_api_tokens *t = NULL;
    hy_buf_add_lit(&file, "# tokens\n\n");
    make(&plan, token, &file);
    make(&plan, other, &file);
    cr_assert_eq(hy_api_tokens_read(hy_buf_str(&file), NULL, "tokens", &diag, &t), HY_OK, "%s",
                 diag.text);
    cr_assert_eq(hy_api_tokens_count(t), 2);
    const struct hy_api_token *x = hy_api_tokens_find(t, hy_str_of(token), 1);
    cr_assert_not_null(x);
    cr_assert_str_eq(x->name, "the shop");
    cr_assert_str_eq(x->tenant_text, "7");
    cr_assert_eq(x->scopes, (unsigned)(HY_SCOPE_MESSAGES_SEND | HY_SCOPE_MESSAGES_READ));
    cr_assert_eq(x->expires, 1806537600000);
    cr_assert(hy_api_token_may_use(x, HY_STR("EXAMPLE.jp")));
    cr_assert(hy_api_token_may_use(x, HY_STR("a.b.example.jp")));
    cr_assert_not(hy_api_token_may_use(x, HY_STR("badexample.jp")));
    cr_assert_null(hy_api_tokens_find(t, hy_str_of(token), x->expires), "it has expired");
    cr_assert_neq(x, hy_api_tokens_find(t, hy_str_of(other), 1));
    cr_assert_not(strstr(hy_buf_cstr(&file), token + 17), "the file has no secret");
    hy_api_tokens_free(t);
    hy_buf_free(&file);
}

Test(tokens, a_wrong_one_is_nobody)
{
    char token[HY_API_TOKEN_MAX], wrong[HY_API_TOKEN_MAX];
    struct hy_buf file = HY_BUF_INIT(1 << 20);
    struct hy_diag diag = {""};
    struct hy_api_tokens *t = NULL;
    make(&plan, token, &file);
    cr_assert_eq(hy_api_tokens_read(hy_buf_str(&file), NULL, "tokens", &diag, &t), HY_OK);
    for (size_t i = 0; i < strlen(token); i++) {
        memcpy(wrong, token, sizeof wrong);
        wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
        cr_assert_null(hy_api_tokens_find(t, hy_str_of(wrong), 1), "byte %zu", i);
    }
    for (size_t n = 0; n < strlen(token); n++)
        cr_assert_null(hy_api_tokens_find(t, hy_str_make(token, n), 1));
    cr_assert_null(hy_api_tokens_find(NULL, hy_str_of(token), 1));
    hy_api_tokens_free(t);
    hy_buf_free(&file);
}

#define HASH                                                                                       \
    "hmac-sha256$00112233445566778899aabbccddeeff$"                                                \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID "aaaaaaaaaaaaa"

Test(tokens, a_line_that_is_wrong_is_refused_with_its_number)
{
    static const struct {
        const char *line;
        int want;
    } cases[] = {
        {ID " " HASH " messages:send example.jp 0 - shop", HY_OK},
        {ID " " HASH "   admin  *   0   -   shop with a name", HY_OK},
        {ID " " HASH " messages:send example.jp 0 -", HY_EINVAL},
        {"short " HASH " messages:send example.jp 0 - shop", HY_EINVAL},
        {ID " sha1$00$00 messages:send example.jp 0 - shop", HY_EINVAL},
        {ID " " HASH "00 messages:send example.jp 0 - shop", HY_EINVAL},
        {ID " " HASH " messages:eat example.jp 0 - shop", HY_EINVAL},
        {ID " " HASH " messages:send, example.jp 0 - shop", HY_OK},
        {ID " " HASH " messages:send a,,b 0 - shop", HY_EINVAL},
        {ID " " HASH " messages:send example.jp nobody - shop", HY_EINVAL},
        {ID " " HASH " messages:send example.jp 0 2027-13-01 shop", HY_EINVAL},
        {ID " " HASH " messages:send example.jp 0 tomorrow shop", HY_EINVAL},
        {ID " " HASH " messages:send example.jp 0 - sh\xffop", HY_EINVAL},
        {ID " " HASH " admin * 0 - one\n" ID " " HASH " admin * 0 - two", HY_EINVAL},
    };
    struct hy_arena arena = HY_ARENA_INIT(65536);
    struct hy_tenants tenants = {0};
    cr_assert_eq(hy_tenants_index(&tenants, &arena, NULL, NULL), HY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_api_tokens *t = NULL;
        struct hy_diag diag = {""};
        int err = hy_api_tokens_read(hy_str_of(cases[i].line), &tenants, "tokens", &diag, &t);
        cr_expect_eq(err, cases[i].want, "case %zu: %s", i, diag.text);
        cr_expect(err == HY_OK || strstr(diag.text, "tokens"), "case %zu: '%s'", i, diag.text);
        hy_api_tokens_free(t);
    }
    hy_arena_free(&arena);
}

Test(tokens, what_cannot_stand_in_the_file_is_not_made)
{
    static const struct hy_api_token_plan bad[] = {
        {HY_STR("nothing"), HY_STR("*"), HY_STR("shop"), {0}, {0}},
        {HY_STR("admin"), HY_STR(""), HY_STR("shop"), {0}, {0}},
        {HY_STR("admin"), HY_STR("*"), HY_STR("two\nlines"), {0}, {0}},
        {HY_STR("admin"), HY_STR("*"), HY_STR(""), {0}, {0}},
        {HY_STR("admin"), HY_STR("*"), HY_STR("shop"), {0}, HY_STR("soon")},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char token[HY_API_TOKEN_MAX];
        struct hy_buf file = HY_BUF_INIT(1 << 20);
        struct hy_diag diag = {""};
        cr_expect_eq(hy_api_token_make(&bad[i], token, &file, &diag), HY_EINVAL, "case %zu", i);
        cr_expect_eq(file.len, 0, "case %zu", i);
        hy_buf_free(&file);
    }
}
