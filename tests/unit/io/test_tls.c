/* Handshakes: encryption, verification, resumption. */
#include <criterion/criterion.h>

#include "tls_world.h"

Test(tls, encrypts_and_says_with_what)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    tls_run_once(&w.owner, &w.peer);
    cr_assert_str_eq(hy_buf_cstr(&w.owner.story), "connected readable tls readable closed ",
                     "%s: %s", hy_buf_cstr(&w.owner.story), w.owner.end_text);
    cr_assert_str_eq(hy_buf_cstr(&w.owner.got), "220 go\r\n221 bye\r\n");
    cr_assert_eq(w.owner.end.err, HY_ECLOSED);
    cr_assert_eq(w.owner.end.stage, HY_CONN_TLS);
    cr_assert_str_eq(w.owner.tls.version, "TLSv1.3");
    cr_assert_not(w.owner.tls.verified);
    cr_assert_not(w.owner.tls.resumed);
    tls_world_free(&w);
}

Test(tls, resumes_the_second_connection_with_either_version)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct tls_world w;
        tls_world_make(&w, "mx.test", 30, versions[i], 3);
        for (int k = 0; k < 3; k++) {
            tls_run_once(&w.owner, &w.peer);
            cr_assert_eq(w.owner.end.err, HY_ECLOSED, "%s", w.owner.end_text);
            cr_assert_eq(w.owner.tls.resumed, k > 0, "version %zu, connection %d", i, k);
        }
        cr_assert_gt(hy_tls_cache_count(w.cache), 0);
        tls_world_free(&w);
    }
}

Test(tls, never_takes_an_unverified_session_for_a_verified_one)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_2_VERSION, 3);
    tls_run_once(&w.owner, &w.peer);
    w.owner.tls_options.check = HY_TLS_CHECK_NAME;
    tls_run_once(&w.owner, &w.peer);
    cr_assert_not(w.owner.tls.resumed);
    cr_assert(w.owner.tls.verified);
    tls_run_once(&w.owner, &w.peer);
    cr_assert(w.owner.tls.resumed);
    cr_assert(w.owner.tls.verified);
    tls_world_free(&w);
}

Test(tls, verifies_the_chain_and_the_name)
{
    static const struct {
        const char *cert, *asked;
        int days;
        const char *text; /* "" = good */
    } cases[] = {
        {"mx.test", "mx.test", 30, ""},
        {"mx.test", "MX.TEST", 30, ""},
        {"*.example.test", "mx.example.test", 30, ""},
        {"mx.test", "other.test", 30, "hostname mismatch"},
        {"*.example.test", "a.mx.example.test", 30, "hostname mismatch"},
        {"m*.example.test", "mx.example.test", 30, "hostname mismatch"},
        {"mx.test", "mx.test", -1, "certificate has expired"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_world w;
        tls_world_make(&w, cases[i].cert, cases[i].days, TLS1_3_VERSION, 1);
        w.owner.tls_options.check = HY_TLS_CHECK_NAME;
        w.owner.tls_options.server_name = cases[i].asked;
        tls_run_once(&w.owner, &w.peer);
        if (cases[i].text[0] == '\0') {
            cr_assert_eq(w.owner.end.err, HY_ECLOSED, "case %zu: %s", i, w.owner.end_text);
            cr_assert(w.owner.tls.verified);
        } else {
            cr_assert_eq(w.owner.end.err, HY_EAUTH, "case %zu: %s", i, w.owner.end_text);
            cr_assert_eq(w.owner.end.stage, HY_CONN_HANDSHAKE);
            cr_assert_str_eq(w.owner.end_text, cases[i].text);
            cr_assert_eq(hy_tls_cache_count(w.cache), 0, "a session nobody may trust was kept");
        }
        tls_world_free(&w);
    }
}

Test(tls, does_not_trust_a_stranger_s_authority)
{
    struct tls_world w;
    struct pki other;
    tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    pki_make(&other);
    struct hy_tls_options o = {.ca_file = other.ca_file};
    struct hy_tls *tls;
    cr_assert_eq(hy_tls_create(&o, NULL, &tls), 0);
    w.owner.tls_options.tls = tls;
    w.owner.tls_options.check = HY_TLS_CHECK_NAME;
    tls_run_once(&w.owner, &w.peer);
    cr_assert_eq(w.owner.end.err, HY_EAUTH, "%s", w.owner.end_text);
    hy_tls_unref(tls);
    pki_free(&other);
    tls_world_free(&w);
}

static void start_tls_without_a_name(struct owner *o)
{
    struct hy_conn_tls no_name = o->tls_options;
    no_name.check = HY_TLS_CHECK_NAME;
    no_name.server_name = NULL;
    cr_assert_eq(hy_conn_start_tls(o->conn, &no_name), HY_EINVAL);
    hy_conn_close(o->conn);
}

Test(tls, refuses_to_verify_against_no_name)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    w.owner.on_readable = start_tls_without_a_name;
    owner_open(&w.owner, w.peer.port);
    owner_run(&w.owner);
    cr_assert_eq(w.owner.end.err, HY_ECANCELED);
    tls_world_free(&w);
}

Test(tls, says_which_ca_file_it_cannot_read)
{
    struct hy_tls_options o = {.ca_file = "/nonexistent/ca.pem"};
    struct hy_diag diag = {{0}};
    struct hy_tls *tls = NULL;
    cr_assert_eq(hy_tls_create(&o, &diag, &tls), HY_ECRYPTO);
    cr_assert(strstr(diag.text, "/nonexistent/ca.pem"), "%s", diag.text);
    cr_assert_null(tls);
}

Test(tls, watching_lets_any_certificate_pass_and_tells_what_is_wrong)
{
    static const struct {
        const char *cert;
        int days;
        enum hy_tls_fault fault;
    } cases[] = {
        {"mx.test", 30, HY_TLS_FAULT_NONE},
        {"other.test", 30, HY_TLS_FAULT_HOST},
        {"mx.test", -1, HY_TLS_FAULT_EXPIRED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_world w;
        tls_world_make(&w, cases[i].cert, cases[i].days, TLS1_3_VERSION, 2);
        w.owner.tls_options.check = HY_TLS_CHECK_WATCH;
        w.owner.tls_options.server_name = "mx.test";
        for (int k = 0; k < 2; k++) { /* a resumed session tells the same */
            tls_run_once(&w.owner, &w.peer);
            cr_assert_eq(w.owner.end.err, HY_ECLOSED, "case %zu: %s", i, w.owner.end_text);
            cr_expect_eq(w.owner.tls.fault, cases[i].fault, "case %zu.%d: got %d", i, k,
                         (int)w.owner.tls.fault);
            cr_expect_eq(w.owner.tls.verified, cases[i].fault == HY_TLS_FAULT_NONE);
            cr_expect_eq(w.owner.tls.resumed, k == 1, "case %zu.%d", i, k);
        }
        tls_world_free(&w);
    }
}

Test(tls, keeps_no_more_sessions_than_the_cache_may_hold)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 12);
    for (int i = 0; i < 12; i++) {
        char key[16];
        snprintf(key, sizeof key, "site-%d", i);
        w.owner.tls_options.cache_key = hy_str_of(key);
        tls_run_once(&w.owner, &w.peer);
        cr_assert_not(w.owner.tls.resumed);
        cr_assert_leq(hy_tls_cache_count(w.cache), 8);
    }
    cr_assert_eq(hy_tls_cache_count(w.cache), 8);
    tls_world_free(&w);
}
