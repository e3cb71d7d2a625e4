#include <criterion/criterion.h>

#include "corpus.h"
#include "hayauma/mail/dkim.h"

static struct hy_dkim_key *make_key(const char *domain, const char *selector,
                                    enum hy_dkim_algorithm algorithm)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    struct hy_diag diag = {0};
    struct hy_dkim_key *key = NULL;
    cr_assert_eq(hy_dkim_key_generate(algorithm, 2048, &pem), HY_OK);
    cr_assert_eq(
        hy_dkim_key_load(hy_str_of(domain), hy_str_of(selector), hy_buf_str(&pem), &key, &diag),
        HY_OK, "%s", diag.text);
    return key;
}

Test(dkim_key, comes_back_from_its_pem)
{
    struct hy_dkim_key *rsa = make_key("Example.JP", "s1", HY_DKIM_RSA_SHA256);
    cr_assert_eq(hy_dkim_key_bits(rsa), 2048);
    cr_assert_eq(hy_dkim_key_algorithm(rsa), HY_DKIM_RSA_SHA256);
    cr_assert(hy_str_eq(hy_dkim_key_domain(rsa), HY_STR("example.jp")));
    hy_dkim_key_unref(rsa);
    struct hy_dkim_key *ed = make_key("example.jp", "s2", HY_DKIM_ED25519_SHA256);
    cr_assert_eq(hy_dkim_key_bits(ed), 256);
    cr_assert_eq(hy_dkim_key_algorithm(ed), HY_DKIM_ED25519_SHA256);
    hy_dkim_key_unref(ed);
    hy_dkim_key_unref(NULL);
}

Test(dkim_key, refuses_what_cannot_sign_and_says_why)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    cr_assert_eq(hy_dkim_key_generate(HY_DKIM_ED25519_SHA256, 0, &pem), HY_OK);
    const struct {
        struct hy_str domain, selector, pem;
        const char *says;
    } cases[] = {
        {HY_STR(""), HY_STR("s"), hy_buf_str(&pem), "no domain"},
        {HY_STR("a b.example"), HY_STR("s"), hy_buf_str(&pem), "no domain"},
        {HY_STR("a..example"), HY_STR("s"), hy_buf_str(&pem), "no domain"},
        {HY_STR("a.example;x=y"), HY_STR("s"), hy_buf_str(&pem), "no domain"},
        {HY_STR("a.example"), HY_STR("s\r\n"), hy_buf_str(&pem), "no selector"},
        {HY_STR("a.example"), HY_STR("s"), HY_STR(""), "between 1 and"},
        {HY_STR("a.example"), HY_STR("s"), HY_STR("no key at all"), "no private key"},
        /* RSA of 512 bits; Ed25519 under the pass phrase "secret"; P-256 */
        {HY_STR("a.example"), HY_STR("s"),
         HY_STR("-----BEGIN PRIVATE "
                "KEY-----\nMIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAvzInJA+IvER/"
                "bPJr\nquZDgN4XT7melp2xJazUlCvD40/UM6iCZ+YGVlpRp+C/"
                "Vqk+q+"
                "Gj55FnknsAEi9z\nKD7xpwIDAQABAkAuwDuz5JyBtJoX8LsFAeL1qti2ZOPzXkHHvZgJVx5CAYFBs3hW\n"
                "1iWDOPC3zz4Z5fxWs5K5mI5T1Me6JYt1BYYBAiEA9sGcLMvIRPBWbdPrhiKNqnn9\ncrwjEHhkSQBoHK7C"
                "eQECIQDGW7gtYTl3cbOh3vs3LCaZDmmHZnRM1vnSxXYosnAC\npwIhAIRlxcJTZRV4TyeGuayzBYgfBFp3"
                "j+jacBSrXzFko3wBAiBNMeq2dmzn6C8R\nYvb/"
                "XMZUsIAvOpcuREeLWF+IrRDcZwIgceRH9iwy3YAO7dSoDUbA9f60My0Bd3Aw\nhuK6yaTOh68=\n-----"
                "END PRIVATE KEY-----\n"),
         "512 bits"},
        {HY_STR("a.example"), HY_STR("s"),
         HY_STR("-----BEGIN ENCRYPTED PRIVATE "
                "KEY-----"
                "\nMIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAj3uAkLX29oOQICCAAw\nDAYIKoZIhvcNAg"
                "kFADAdBglghkgBZQMEAQIEEJX9908mqkVi2/Hr5pEciAYEQLLs\noD0yT+v/"
                "FC9wMafcJ9BY05Pe71TnVJTpJaqJp9v+xCqwG/ME4V0B/5O7CgzT/"
                "5eT\nC3UB1TTIyWgeniRCvg4=\n-----END ENCRYPTED PRIVATE KEY-----\n"),
         "pass phrase"},
        {HY_STR("a.example"), HY_STR("s"),
         HY_STR("-----BEGIN PRIVATE "
                "KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpSS35XmXE5V8GJ/"
                "s\nFF5R2lrkgEn/CJKU/"
                "ATqFK6uJm6hRANCAARQpw7RtzShsN+wBh8YzEyLQA8v14iE\n73AYBIN8SnEtvUhaFO+"
                "PQLw1knnwacbGxXHu3aYr7b/RrqlKeFeJE2gY\n-----END PRIVATE KEY-----\n"),
         "neither RSA"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_diag diag = {0};
        struct hy_dkim_key *key = NULL;
        cr_assert_eq(
            hy_dkim_key_load(cases[i].domain, cases[i].selector, cases[i].pem, &key, &diag),
            HY_EINVAL, "case %zu", i);
        cr_assert_null(key);
        cr_assert(strstr(diag.text, cases[i].says), "case %zu: %s", i, diag.text);
    }
}

Test(dkim_key, publishes_the_record_of_rfc_8463)
{
    /* The seed of RFC 8463 appendix A.2 in PKCS#8 (RFC 8410 section 7). */
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                              "-----END PRIVATE KEY-----\n";
    HY_CLEANUP(hy_buf_free)
    struct hy_buf txt = HY_BUF_INIT(4096), zone = HY_BUF_INIT(4096);
    struct hy_dkim_key *key = NULL;
    cr_assert_eq(hy_dkim_key_load(HY_STR("football.example.com"), HY_STR("brisbane"),
                                  hy_str_of(pem), &key, NULL),
                 HY_OK);
    cr_assert_eq(hy_dkim_key_txt(key, &txt), HY_OK);
    cr_assert_str_eq(hy_buf_cstr(&txt),
                     "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    cr_assert_eq(hy_dkim_key_zone(key, &zone), HY_OK);
    cr_assert_str_eq(hy_buf_cstr(&zone),
                     "brisbane._domainkey.football.example.com. IN TXT (\n"
                     "    \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\""
                     " )\n");
    hy_dkim_key_unref(key);
}

Test(dkim_key, cuts_a_long_record_into_strings_that_join_to_it)
{
    struct hy_dkim_key *key = make_key("example.jp", "s1", HY_DKIM_RSA_SHA256);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf txt = HY_BUF_INIT(4096), zone = HY_BUF_INIT(4096), joined = HY_BUF_INIT(4096);
    cr_assert_eq(hy_dkim_key_txt(key, &txt), HY_OK);
    cr_assert_gt(txt.len, 255);
    cr_assert_eq(hy_dkim_key_zone(key, &zone), HY_OK);
    struct hy_str rest = hy_buf_str(&zone), piece;
    for (int i = 0; hy_str_split(&rest, '"', &piece); i++) {
        if (i % 2 == 0)
            continue;
        cr_assert_leq(piece.n, 255);
        hy_buf_add_str(&joined, piece);
    }
    cr_assert_str_eq(hy_buf_cstr(&joined), hy_buf_cstr(&txt));
    hy_dkim_key_unref(key);
}

Test(dkim_key, of_three_primes_is_like_any_other_of_its_size)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    struct hy_dkim_key *key = NULL;
    cr_assert_eq(hy_dkim_key_generate_rsa(2048, 3, &pem), HY_EINVAL, "OpenSSL gains nothing there");
    cr_assert_eq(hy_dkim_key_generate_rsa(4096, 3, &pem), HY_EINVAL);
    cr_assert_eq(hy_dkim_key_generate_rsa(3072, 4, &pem), HY_EINVAL);
    cr_assert_eq(pem.len, 0);
    cr_assert_eq(hy_dkim_key_generate_rsa(3072, 3, &pem), HY_OK);
    cr_assert_eq(hy_dkim_key_load(HY_STR("example.jp"), HY_STR("s3"), hy_buf_str(&pem), &key, NULL),
                 HY_OK);
    cr_assert_eq(hy_dkim_key_bits(key), 3072);
    hy_dkim_key_unref(key);
}

Test(dkim_key, is_not_made_too_short)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    cr_assert_eq(hy_dkim_key_generate(HY_DKIM_RSA_SHA256, 1024, &pem), HY_EINVAL);
    cr_assert_eq(hy_dkim_key_generate(HY_DKIM_RSA_SHA256, 0, &pem), HY_EINVAL);
    cr_assert_eq(pem.len, 0);
}

Test(dkim_key, sets_find_all_keys_of_a_domain)
{
    struct hy_dkim_key *keys[] = {make_key("b.example", "two", HY_DKIM_ED25519_SHA256),
                                  make_key("a.example", "x", HY_DKIM_ED25519_SHA256),
                                  make_key("b.example", "one", HY_DKIM_ED25519_SHA256),
                                  make_key("b.example.org", "x", HY_DKIM_ED25519_SHA256)};
    struct hy_dkim_keyset *set = NULL, *empty = NULL;
    cr_assert_eq(hy_dkim_keyset_new(keys, 4, &set, NULL), HY_OK);
    cr_assert_eq(hy_dkim_keyset_new(NULL, 0, &empty, NULL), HY_OK);
    for (size_t i = 0; i < 4; i++)
        hy_dkim_key_unref(keys[i]); /* the set has its own */
    static const struct {
        const char *domain;
        size_t want;
    } cases[] = {{"a.example", 1}, {"B.Example", 2}, {"b.example.org", 1}, {"b.exampl", 0},
                 {"c", 0},         {"", 0},          {"b.example.o", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_dkim_keyset_count(set, hy_str_of(cases[i].domain)), cases[i].want, "%s",
                     cases[i].domain);
    cr_assert_eq(hy_dkim_keyset_count(empty, HY_STR("a.example")), 0);
    hy_dkim_keyset_unref(set);
    hy_dkim_keyset_unref(empty);
    hy_dkim_keyset_unref(NULL);
}

Test(dkim_key, sets_refuse_two_keys_of_one_name_and_too_many)
{
    struct hy_dkim_key *keys[HY_DKIM_SIGNATURES_MAX + 1];
    struct hy_dkim_keyset *set = NULL;
    struct hy_diag diag = {0};
    for (size_t i = 0; i <= HY_DKIM_SIGNATURES_MAX; i++) {
        char selector[] = {(char)('a' + i), '\0'};
        keys[i] = make_key("a.example", selector, HY_DKIM_ED25519_SHA256);
    }
    cr_assert_eq(hy_dkim_keyset_new(keys, HY_DKIM_SIGNATURES_MAX + 1, &set, &diag), HY_ELIMIT);
    struct hy_dkim_key *twice[] = {keys[0], keys[0]};
    cr_assert_eq(hy_dkim_keyset_new(twice, 2, &set, &diag), HY_EEXIST);
    cr_assert_null(set);
    for (size_t i = 0; i <= HY_DKIM_SIGNATURES_MAX; i++)
        hy_dkim_key_unref(keys[i]);
}
