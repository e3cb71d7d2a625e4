#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/codec.h"
#include "hayauma/smtp/server.h"

/* RFC 7677 section 3. */
#define BARE   "n=user,r=rOprNGfwEbeRWgbNEkqO"
#define SERVER "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCE  "rOprNGfwEbeRWgbNEkqO" SERVER
#define FINAL  "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define LAST   "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static struct hy_scram_verifier verifier(const char *password)
{
    struct hy_scram_verifier v;
    uint8_t salt[20];
    size_t n = 0;
    cr_assert_eq(hy_base64_decode(HY_STR("W22ZaJ0SNY7soEsUEjb6gQ=="), salt, &n), HY_OK);
    cr_assert_eq(hy_scram_verifier_make(hy_str_of(password), hy_str_make(salt, n), 4096, &v),
                 HY_OK);
    return v;
}

static int client_final(const char *first, bool is_plus, const char *binding, const char *final,
                        struct hy_scram *x, struct hy_str *last)
{
    struct hy_scram_verifier v = verifier("pencil");
    cr_assert_eq(hy_scram_client_first(x, hy_str_of(first), is_plus), HY_OK, "%s", first);
    struct hy_str challenge = hy_scram_challenge(x, &v, HY_STR(SERVER), hy_str_of(binding));
    cr_assert(hy_str_eq(challenge, HY_STR("r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")));
    return hy_scram_client_final(x, hy_str_of(final), last);
}

Test(scram, the_exchange_of_rfc_7677_is_ours)
{
    struct hy_scram x;
    struct hy_str last = {0};
    cr_assert_eq(client_final("n,," BARE, false, "", FINAL, &x, &last), HY_OK);
    cr_assert(hy_str_eq(last, HY_STR(LAST)));
    cr_assert(hy_str_eq(hy_str_make(x.user, x.user_n), HY_STR("user")));
}

Test(scram, a_proof_that_is_changed_or_bound_to_something_else_is_refused)
{
    static const struct {
        const char *first, *final, *binding;
        bool is_plus;
        int want;
    } cases[] = {
        {"n,," BARE, "c=biws,r=" NONCE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "", false,
         HY_EAUTH},
        {"n,," BARE, "c=eSws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "", false,
         HY_EAUTH},
        {"n,," BARE, "c=biws,r=" NONCE "x,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "",
         false, HY_EAUTH},
        {"n,," BARE, "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
         "", false, HY_EAUTH},
        {"p=tls-exporter,," BARE, FINAL, "bytes of the session", true, HY_EAUTH},
        {"n,," BARE, "", "", false, HY_EPARSE},
        {"n,," BARE, "c=biws,r=" NONCE, "", false, HY_EPARSE},
        {"n,," BARE, "c=biws,r=" NONCE ",p=", "", false, HY_EPARSE},
        {"n,," BARE, "c=biws,r=" NONCE ",p=dHzb", "", false, HY_EPARSE},
        {"n,," BARE, "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=,x=1", "",
         false, HY_EPARSE},
        {"n,," BARE, "r=" NONCE ",c=biws,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "", false,
         HY_EPARSE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_scram x;
        struct hy_str last = {0};
        cr_expect_eq(client_final(cases[i].first, cases[i].is_plus, cases[i].binding,
                                  cases[i].final, &x, &last),
                     cases[i].want, "case %zu", i);
        cr_expect_null(last.p);
    }
}

Test(scram, what_a_client_begins_with_is_taken_or_told_apart)
{
    static char long_name[300], long_nonce[300];
    char too_long[2][400];
    memset(long_name, 'u', 256);
    memset(long_nonce, 'r', 257);
    snprintf(too_long[0], sizeof too_long[0], "n,,n=%s,r=x", long_name);
    snprintf(too_long[1], sizeof too_long[1], "n,,n=u,r=%s", long_nonce);
    const struct {
        const char *first;
        bool is_plus;
        int want;
        const char *user;
        enum hy_scram_binding binding;
    } cases[] = {
        {"n,,n=a=2Cb=3Dc,r=x", false, HY_OK, "a,b=c", HY_SCRAM_BINDING_NONE},
        {"n,,n=u,r=x,e=later", false, HY_OK, "u", HY_SCRAM_BINDING_NONE},
        {"n,a=u,n=u,r=x", false, HY_OK, "u", HY_SCRAM_BINDING_NONE},
        {"n,a=,n=u,r=x", false, HY_OK, "u", HY_SCRAM_BINDING_NONE},
        {"n,a=x=2,n=u,r=x", false, HY_EPARSE, NULL, 0},
        {"p=tls-exporter,,n=u,r=x", true, HY_OK, "u", HY_SCRAM_BINDING_EXPORTER},
        {"p=tls-server-end-point,,n=u,r=x", true, HY_OK, "u", HY_SCRAM_BINDING_END_POINT},
        {"p=tls-unique,,n=u,r=x", true, HY_OK, "u", HY_SCRAM_BINDING_UNIQUE},
        {"p=tls-other,,n=u,r=x", true, HY_EUNSUPPORTED, NULL, 0},
        {"n,a=root,n=u,r=x", false, HY_EUNSUPPORTED, NULL, 0},
        {"n,,m=ext,n=u,r=x", false, HY_EUNSUPPORTED, NULL, 0},
        /* somebody took PLUS out of what the client saw, or changed the name of the mechanism */
        {"y,,n=u,r=x", false, HY_EAUTH, NULL, 0},
        {"y,,n=u,r=x", true, HY_EAUTH, NULL, 0},
        {"n,,n=u,r=x", true, HY_EAUTH, NULL, 0},
        {"p=tls-exporter,,n=u,r=x", false, HY_EAUTH, NULL, 0},
        {"", false, HY_EPARSE, NULL, 0},
        {"n", false, HY_EPARSE, NULL, 0},
        {"n,", false, HY_EPARSE, NULL, 0},
        {"n,,", false, HY_EPARSE, NULL, 0},
        {"x,,n=u,r=x", false, HY_EPARSE, NULL, 0},
        {"n,b=u,n=u,r=x", false, HY_EPARSE, NULL, 0},
        {"n,,n=,r=x", false, HY_EPARSE, NULL, 0},
        {"n,,n=a=b,r=x", false, HY_EPARSE, NULL, 0},
        {"n,,n=a=2,r=x", false, HY_EPARSE, NULL, 0},
        {"n,,n=u", false, HY_EPARSE, NULL, 0},
        {"n,,n=u,r=", false, HY_EPARSE, NULL, 0},
        {"n,,n=u,r=a b", false, HY_EPARSE, NULL, 0},
        {"n,,r=x,n=u", false, HY_EPARSE, NULL, 0},
        {too_long[0], false, HY_EPARSE, NULL, 0},
        {too_long[1], false, HY_EPARSE, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_scram x;
        int got = hy_scram_client_first(&x, hy_str_of(cases[i].first), cases[i].is_plus);
        cr_expect_eq(got, cases[i].want, "case %zu (%s): %d", i, cases[i].first, got);
        if (got == HY_OK) {
            cr_expect(hy_str_eq(hy_str_make(x.user, x.user_n), hy_str_of(cases[i].user)));
            cr_expect_eq(x.binding, cases[i].binding);
        }
    }
    struct hy_scram x;
    cr_expect_eq(hy_scram_client_first(&x, HY_STR("n,,n=u\0,r=x"), false), HY_EPARSE);
}

Test(scram, a_verifier_is_written_read_and_compared)
{
    struct hy_scram_verifier v = verifier("pencil"), w;
    char text[HY_SCRAM_VERIFIER_TEXT_MAX], again[HY_SCRAM_VERIFIER_TEXT_MAX];
    hy_scram_verifier_format(&v, text);
    cr_assert(hy_scram_is_verifier(hy_str_of(text)), "%s", text);
    cr_assert_eq(hy_scram_verifier_parse(hy_str_of(text), &w), HY_OK);
    hy_scram_verifier_format(&w, again);
    cr_assert_str_eq(again, text);
    cr_assert(hy_scram_verifier_has(&w, HY_STR("pencil")));
    static const char *const wrong[] = {"", "Pencil", "pencil ", "pencils"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_not(hy_scram_verifier_has(&w, hy_str_of(wrong[i])));
}

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

Test(scram, what_is_no_verifier_is_refused)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"$scram-sha-256$4096$AAAAAAAAAAA=$" KEY "$" KEY, HY_OK},
        {"$scram-sha-256$1000000$AAAAAAAAAAA=$" KEY "$" KEY, HY_OK},
        {"$scram-sha-256$4095$AAAAAAAAAAA=$" KEY "$" KEY, HY_ELIMIT},
        {"$scram-sha-256$1000001$AAAAAAAAAAA=$" KEY "$" KEY, HY_ELIMIT},
        {"$scram-sha-256$4096$AAAA$" KEY "$" KEY, HY_ELIMIT},
        {"$scram-sha-256$4096$$" KEY "$" KEY, HY_ELIMIT},
        {"$scram-sha-1$4096$AAAAAAAAAAA=$" KEY "$" KEY, HY_EPARSE},
        {"$scram-sha-256$", HY_EPARSE},
        {"$scram-sha-256$x$AAAAAAAAAAA=$" KEY "$" KEY, HY_EPARSE},
        {"$scram-sha-256$4096$AAAAAAAAAAA=$" KEY, HY_EPARSE},
        {"$scram-sha-256$4096$AAAAAAAAAAA=$AAAA$" KEY, HY_EPARSE},
        {"$scram-sha-256$4096$AAAAAAAAAAA=$" KEY "$AAAA", HY_EPARSE},
        {"$scram-sha-256$4096$AAAAAAAAAAA=$" KEY "$" KEY "$", HY_EPARSE},
        {"$scram-sha-256$4096$A*AAAAAAAAA=$" KEY "$" KEY, HY_EPARSE},
        {"$scram-sha-256$4096$" KEY KEY KEY "$" KEY "$" KEY, HY_EPARSE},
    };
    struct hy_scram_verifier v;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(hy_scram_verifier_parse(hy_str_of(cases[i].text), &v), cases[i].want,
                     "case %zu", i);
    struct hy_str salt = HY_STR("12345678");
    cr_expect_eq(hy_scram_verifier_make(HY_STR(""), salt, 4096, &v), HY_EINVAL);
    cr_expect_eq(hy_scram_verifier_make(HY_STR("p\xc3\xa4ss"), salt, 4096, &v), HY_EINVAL);
    cr_expect_eq(hy_scram_verifier_make(HY_STR("a\tb"), salt, 4096, &v), HY_EINVAL);
    cr_expect_eq(hy_scram_verifier_make(HY_STR("a"), HY_STR("1234567"), 4096, &v), HY_ELIMIT);
    cr_expect_eq(hy_scram_verifier_make(HY_STR("a"), salt, 4095, &v), HY_ELIMIT);
}

Test(scram, who_is_not_there_looks_like_the_others_and_always_the_same)
{
    struct hy_scram_verifier like = verifier("pencil"), a, b, c, d;
    struct hy_str key = HY_STR("0123456789abcdef");
    cr_assert_eq(hy_scram_verifier_pretend(key, HY_STR("nobody"), &like, &a), HY_OK);
    cr_assert_eq(hy_scram_verifier_pretend(key, HY_STR("nobody"), &like, &b), HY_OK);
    cr_assert_eq(hy_scram_verifier_pretend(key, HY_STR("someone"), &like, &c), HY_OK);
    cr_assert_eq(
        hy_scram_verifier_pretend(HY_STR("another key of us"), HY_STR("nobody"), &like, &d), HY_OK);
    cr_assert_eq(a.iterations, like.iterations);
    cr_assert_eq(a.salt_n, like.salt_n);
    cr_assert_eq(memcmp(a.salt, b.salt, a.salt_n), 0);
    cr_assert_neq(memcmp(a.salt, c.salt, a.salt_n), 0);
    cr_assert_neq(memcmp(a.salt, d.salt, a.salt_n), 0);
    cr_assert_not(hy_scram_verifier_has(&a, HY_STR("pencil")));
}

/* ---- in the dialogue ---- */

struct talk {
    struct hy_smtp_server_settings settings;
    struct hy_smtp_server s;
    struct hy_buf out;
    bool refuses; /* a good proof, too */
    char log[200];
};

static void answer_all(struct talk *t)
{
    const struct hy_smtp_server_ask *ask = hy_smtp_server_ask(&t->s);
    struct hy_smtp_server_answer a = {.code = 250, .text = HY_STR("Ok")};
    struct hy_scram_verifier v = verifier("pencil");
    struct hy_smtp_server_scram x = {.verifier = &v, .nonce = HY_STR(SERVER)};
    size_t n = strlen(t->log);
    if (ask->kind == HY_SMTP_SERVER_ASK_NOTHING)
        return;
    if (ask->kind == HY_SMTP_SERVER_ASK_SCRAM) {
        snprintf(t->log + n, sizeof t->log - n, "%.*s %u;", HY_STR_ARG(ask->user), ask->binding);
        hy_smtp_server_scram(&t->s, &x, 0);
        return;
    }
    if (ask->kind == HY_SMTP_SERVER_ASK_AUTH) {
        snprintf(t->log + n, sizeof t->log - n, "%.*s %s;", HY_STR_ARG(ask->user),
                 ask->is_proved ? "good" : "bad");
        a.code = ask->is_scram && ask->is_proved && !t->refuses ? 235 : 535;
    }
    hy_smtp_server_answer(&t->s, &a, 0);
}

/* Codes of the replies behind EHLO's, a string of the caller's. */
static const char *talk(struct talk *t, const char *const *lines, char codes[200])
{
    size_t at = 0;
    t->settings = (struct hy_smtp_server_settings){.host = HY_STR("mx.test"),
                                                   .size_max = 1000,
                                                   .rcpts_max = 3,
                                                   .offers_auth = true,
                                                   .offers_scram = true,
                                                   .requires_auth = true,
                                                   .auth_max = 2};
    t->out = HY_BUF_INIT(1 << 20);
    hy_smtp_server_init(&t->s, &t->settings, true, 0);
    codes[0] = '\0';
    for (size_t i = 0; lines[i]; i++) {
        char line[2000];
        int n = snprintf(line, sizeof line, "%s", lines[i]);
        if (lines[i][0] == '<') /* to be encoded */
            n = (int)hy_base64_encode(lines[i] + 1, strlen(lines[i] + 1), line);
        n += snprintf(line + n, sizeof line - (size_t)n, "\r\n");
        for (size_t used = 0; used < (size_t)n;) {
            used += hy_smtp_server_input(&t->s, line + used, (size_t)n - used, 0);
            answer_all(t);
        }
        struct hy_str out = hy_smtp_server_output(&t->s);
        hy_buf_add_str(&t->out, out);
        if (i > 0)
            at += (size_t)snprintf(codes + at, 200 - at, "%.3s ", out.p);
        hy_smtp_server_wrote(&t->s, out.n);
    }
    return codes;
}

static void talk_end(struct talk *t)
{
    hy_smtp_server_free(&t->s);
    hy_buf_free(&t->out);
}

#define FIRST "<n,," BARE
#define FROM  "MAIL FROM:<a@b.test>"

Test(scram, a_client_that_knows_the_password_is_let_in_behind_its_empty_answer)
{
    static const struct {
        const char *lines[8], *codes, *log;
        bool refuses;
    } cases[] = {
        {{"EHLO a", "AUTH SCRAM-SHA-256", FIRST, "<" FINAL, "", FROM},
         "334 334 334 235 250 ",
         "user 0;user good;"},
        {{"EHLO a", "AUTH SCRAM-SHA-256", FIRST, "<" FINAL, "*", FROM},
         "334 334 334 501 530 ",
         "user 0;user good;"},
        {{"EHLO a", "AUTH SCRAM-SHA-256", FIRST, "<" FINAL, FROM, FROM},
         "334 334 334 501 530 ",
         "user 0;user good;"},
        {{"EHLO a", "AUTH SCRAM-SHA-256", FIRST, "<" FINAL, FROM},
         "334 334 535 530 ",
         "user 0;user good;",
         true},
        {{"EHLO a", "AUTH SCRAM-SHA-256", FIRST, "<c=biws,r=" NONCE ",p=" KEY, FROM},
         "334 334 535 530 ",
         "user 0;user bad;"},
        {{"EHLO a", "AUTH SCRAM-SHA-256", "<y,," BARE, FROM}, "334 535 530 ", ""},
        {{"EHLO a", "AUTH SCRAM-SHA-256-PLUS", FIRST, FROM}, "334 535 530 ", ""},
        {{"EHLO a", "AUTH SCRAM-SHA-256-PLUS", "<p=tls-exporter,," BARE, "<" FINAL},
         "334 334 535 ",
         "user 3;user bad;"},
        {{"EHLO a", "AUTH SCRAM-SHA-256", FIRST, "*", "AUTH SCRAM-SHA-256", FIRST, "x"},
         "334 334 501 334 334 501 ",
         "user 0;user 0;"},
        {{"EHLO a", "AUTH SCRAM-SHA-1", "AUTH SCRAM-SHA-256 =", "AUTH SCRAM-SHA-256 x"},
         "504 501 501 ",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct talk t = {.refuses = cases[i].refuses};
        char codes[200];
        cr_expect_str_eq(talk(&t, cases[i].lines, codes), cases[i].codes, "case %zu: %s", i,
                         hy_buf_cstr(&t.out));
        cr_expect_str_eq(t.log, cases[i].log, "case %zu: %s", i, t.log);
        talk_end(&t);
    }
}

Test(scram, what_is_said_on_the_wire_is_what_the_rfc_has)
{
    static const char *const lines[] = {"EHLO a",
                                        "AUTH SCRAM-SHA-256 "
                                        "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=",
                                        "<" FINAL, "", NULL};
    struct talk t = {0};
    char codes[200];
    cr_assert_str_eq(talk(&t, lines, codes), "334 334 235 ");
    cr_assert(
        strstr(hy_buf_cstr(&t.out), "250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r\n"));
    cr_assert(strstr(hy_buf_cstr(&t.out),
                     "334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxz"
                     "PVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=\r\n"
                     "334 dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==\r\n"
                     "235 "));
    cr_assert_str_eq(hy_smtp_server_user(&t.s), "user");
    cr_assert_null(t.s.scram, "what it knew is gone");
    talk_end(&t);
}

Test(scram, failures_end_the_session_and_an_overlong_line_the_exchange)
{
    static char overlong[5000];
    memset(overlong, 'A', sizeof overlong - 1);
    const char *const fails[] = {"EHLO a",
                                 "AUTH SCRAM-SHA-256",
                                 FIRST,
                                 "<c=biws,r=" NONCE ",p=" KEY,
                                 "AUTH SCRAM-SHA-256",
                                 FIRST,
                                 "<c=biws,r=" NONCE ",p=" KEY,
                                 NULL};
    struct talk t = {0};
    char codes[200];
    cr_assert_str_eq(talk(&t, fails, codes), "334 334 535 334 334 535 ");
    cr_assert(hy_smtp_server_is_over(&t.s));
    cr_assert(hy_str_ends(hy_buf_str(&t.out), HY_STR("goodbye\r\n")));
    talk_end(&t);

    t = (struct talk){0};
    talk(&t, (const char *const[]){"EHLO a", "AUTH SCRAM-SHA-256", FIRST, NULL}, codes);
    cr_assert_not_null(t.s.scram);
    for (size_t at = 0; at < sizeof overlong - 1;)
        at += hy_smtp_server_input(&t.s, overlong + at, sizeof overlong - 1 - at, 0);
    cr_assert_null(t.s.scram);
    talk_end(&t);
}
