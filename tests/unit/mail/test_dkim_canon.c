#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "corpus.h"
#include "dkim_dns.h"
#include "hayauma/base/codec.h"
#include "hayauma/base/rand.h"
#include "hayauma/mail/dkim_canon.h"

static void collect(void *ctx, struct hy_str piece)
{
    hy_buf_add_str(ctx, piece);
}

static bool is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

/* The rules of RFC 6376 sections 3.4.3 and 3.4.4 as they are written there, line by line. */
static void by_the_book(enum hy_dkim_canon canon, struct hy_str body, struct hy_buf *out)
{
    size_t empty = 0;
    while (body.n) {
        size_t end = hy_str_find_str(body, HY_STR("\r\n"), 0);
        struct hy_str line = hy_str_slice(body, 0, end);
        body = end == SIZE_MAX ? (struct hy_str){0} : hy_str_slice(body, end + 2, body.n);
        HY_CLEANUP(hy_buf_free)
        struct hy_buf relaxed = HY_BUF_INIT(1 << 20);
        while (canon == HY_DKIM_RELAXED && line.n && is_wsp(line.p[line.n - 1]))
            line.n--;
        for (size_t i = 0; i < line.n; i++) {
            if (canon == HY_DKIM_SIMPLE || !is_wsp(line.p[i]))
                hy_buf_add_c(&relaxed, line.p[i]);
            else if (i == 0 || !is_wsp(line.p[i - 1]))
                hy_buf_add_c(&relaxed, ' ');
        }
        if (line.n == 0) {
            empty++;
            continue;
        }
        for (; empty; empty--)
            hy_buf_add_lit(out, "\r\n");
        hy_buf_add_str(out, hy_buf_str(&relaxed));
        hy_buf_add_lit(out, "\r\n");
    }
    if (canon == HY_DKIM_SIMPLE && out->len == 0)
        hy_buf_add_lit(out, "\r\n");
}

Test(dkim_canon, gives_the_bodies_of_the_rfc)
{
    static const struct {
        enum hy_dkim_canon canon;
        const char *body, *want;
    } cases[] = {
        {HY_DKIM_RELAXED, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"}, /* RFC 6376 3.4.5 */
        {HY_DKIM_SIMPLE, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n"},
        {HY_DKIM_RELAXED, "", ""},
        {HY_DKIM_SIMPLE, "", "\r\n"},
        {HY_DKIM_RELAXED, "\r\n\r\n", ""},
        {HY_DKIM_SIMPLE, "\r\n\r\n", "\r\n"},
        {HY_DKIM_RELAXED, " \t\r\n \r\n\t", ""},
        {HY_DKIM_SIMPLE, " \t\r\n", " \t\r\n"},
        {HY_DKIM_RELAXED, "no line end", "no line end\r\n"},
        {HY_DKIM_SIMPLE, "no line end", "no line end\r\n"},
        {HY_DKIM_RELAXED, "white \t ", "white\r\n"},
        {HY_DKIM_RELAXED, "\r\n\r\nlast", "\r\n\r\nlast\r\n"},
        {HY_DKIM_RELAXED, "a\r\n  \r\nb\r\n", "a\r\n\r\nb\r\n"},
        {HY_DKIM_RELAXED, "bare\ncr\r lf \n x\r\n", "bare\ncr\r lf \n x\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf got = HY_BUF_INIT(4096), book = HY_BUF_INIT(4096);
        hy_dkim_canon_body(cases[i].canon, hy_str_of(cases[i].body), collect, &got);
        by_the_book(cases[i].canon, hy_str_of(cases[i].body), &book);
        cr_assert_str_eq(hy_buf_cstr(&got), cases[i].want, "case %zu", i);
        cr_assert_str_eq(hy_buf_cstr(&book), cases[i].want, "the book, case %zu", i);
    }
}

Test(dkim_canon, agrees_with_the_book_on_random_bodies)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 22);
    for (int round = 0; round < 20000; round++) {
        char text[700];
        size_t n = hy_rng_below(&rng, round % 10 ? 40 : sizeof text);
        unsigned dense = (unsigned)hy_rng_below(&rng, 3);
        for (size_t i = 0; i < n; i++) {
            text[i] =
                hy_rng_below(&rng, 1u << (2 * dense)) ? 'x' : " \t\r\n"[hy_rng_below(&rng, 4)];
            if (text[i] == '\r' && i + 1 < n && hy_rng_below(&rng, 4))
                text[++i] = '\n';
        }
        struct hy_str body = hy_str_make(text, n);
        for (int canon = HY_DKIM_RELAXED; canon <= HY_DKIM_SIMPLE; canon++) {
            HY_CLEANUP(hy_buf_free)
            struct hy_buf got = HY_BUF_INIT(1 << 16), want = HY_BUF_INIT(1 << 16);
            hy_dkim_canon_body((enum hy_dkim_canon)canon, body, collect, &got);
            by_the_book((enum hy_dkim_canon)canon, body, &want);
            cr_assert(hy_str_eq(hy_buf_str(&got), hy_buf_str(&want)), "round %d, %d: %.*s", round,
                      canon, HY_STR_ARG(body));
            if (canon == HY_DKIM_RELAXED && hy_dkim_body_is_canonical(body))
                cr_assert(hy_str_eq(body, hy_buf_str(&want)), "round %d", round);
            if (canon == HY_DKIM_RELAXED && !memchr(text, '\r', n))
                continue; /* below: what is canonical must be known to be, but for a bare CR */
            if (canon == HY_DKIM_RELAXED &&
                hy_str_find_str(want.len ? hy_buf_str(&want) : body, HY_STR(" \r"), 0) == SIZE_MAX)
                cr_assert(hy_dkim_body_is_canonical(hy_buf_str(&want)), "round %d", round);
        }
    }
}

Test(dkim_canon, knows_a_canonical_body)
{
    static const struct {
        const char *body;
        bool want;
    } cases[] = {
        {"", true},          {"a\r\n", true},       {"a b\r\n\r\nc\r\n", true}, {"a", false},
        {"\r\n", false},     {"a\r\n\r\n", false},  {"a \r\n", false},          {"a  b\r\n", false},
        {"a\tb\r\n", false}, {"a\r\n \r\n", false}, {" a\r\n", true},           {"a\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_dkim_body_is_canonical(hy_str_of(cases[i].body)), cases[i].want, "%s",
                     cases[i].body);
}

Test(dkim_canon, gives_the_fields_of_the_rfc)
{
    static const struct {
        enum hy_dkim_canon canon;
        const char *field, *want;
    } cases[] = {
        {HY_DKIM_RELAXED, "A: X\r\n", "a:X\r\n"}, /* RFC 6376 3.4.5 */
        {HY_DKIM_RELAXED, "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
        {HY_DKIM_SIMPLE, "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n"},
        {HY_DKIM_RELAXED, "Subject:\r\n", "subject:\r\n"},
        {HY_DKIM_RELAXED, "SUBJect:  \t a   b\t\tc\r\n  d \r\n", "subject:a b c d\r\n"},
        {HY_DKIM_RELAXED, "X:\r\n y\r\n", "x:y\r\n"},
        {HY_DKIM_RELAXED, "X: \xe3\x81\x82:b\r\n", "x:\xe3\x81\x82:b\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf got = HY_BUF_INIT(4096);
        struct hy_str rest = hy_str_of(cases[i].field);
        struct hy_header_field f;
        cr_assert(hy_header_next(&rest, &f));
        cr_assert_eq(hy_dkim_canon_field(cases[i].canon, &f, &got), HY_OK);
        cr_assert_str_eq(hy_buf_cstr(&got), cases[i].want);
    }
}

Test(dkim_canon, refuses_fields_that_others_would_read_otherwise)
{
    static const char *const bad[] = {"A: b\rc\r\n", "A: b\n", "A: b\n c\r\n", "A: b\r\n c\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf got = HY_BUF_INIT(4096);
        struct hy_str rest = hy_str_of(bad[i]);
        struct hy_header_field f;
        cr_assert(hy_header_next(&rest, &f));
        cr_assert_eq(hy_dkim_canon_field(HY_DKIM_RELAXED, &f, &got), HY_EINVAL, "%s", bad[i]);
        cr_assert_eq(hy_dkim_canon_field(HY_DKIM_SIMPLE, &f, &got), HY_EINVAL, "%s", bad[i]);
    }
}

/* A small verifier on our canonical forms: what the signed mail of RFC 8463 says of them. */

static struct hy_str tag(struct hy_str value, const char *name)
{
    struct hy_str piece;
    while (hy_str_split(&value, ';', &piece)) {
        size_t eq = hy_str_find(piece, '=', 0);
        if (hy_str_eq(hy_str_trim(hy_str_slice(piece, 0, eq)), hy_str_of(name)))
            return hy_str_trim(hy_str_slice(piece, eq + 1, piece.n));
    }
    return (struct hy_str){0};
}

static size_t decode_base64(struct hy_str s, unsigned char *out)
{
    char packed[1024];
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < sizeof packed; i++)
        if (s.p[i] != '\r' && s.p[i] != '\n' && !is_wsp(s.p[i]))
            packed[n++] = s.p[i];
    size_t len = 0;
    cr_assert_eq(hy_base64_decode(hy_str_make(packed, n), out, &len), HY_OK);
    return len;
}

/* The bytes that a signature covers: the fields of h=, then the signature without its b=. */
static void signed_bytes(struct hy_str headers, const struct hy_header_field *sig,
                         struct hy_buf *out)
{
    size_t taken[64] = {0}; /* how often the field at that place of the block was used */
    struct hy_str names = tag(sig->value, "h"), name;
    while (hy_str_split(&names, ':', &name)) {
        struct hy_str rest = headers;
        struct hy_header_field f, last = {0};
        size_t no = 0, last_no = 0;
        for (; hy_header_next(&rest, &f); no++) {
            if (hy_str_ieq(f.name, hy_str_trim(name)) && !taken[no]) {
                last = f;
                last_no = no;
            }
        }
        if (!last.name.n)
            continue;
        taken[last_no] = 1;
        cr_assert_eq(hy_dkim_canon_field(HY_DKIM_RELAXED, &last, out), HY_OK);
    }
    struct hy_str b = tag(sig->value, "b");
    HY_CLEANUP(hy_buf_free)
    struct hy_buf without = HY_BUF_INIT(8192);
    hy_buf_add(&without, sig->value.p, (size_t)(b.p - sig->value.p));
    hy_buf_add(&without, b.p + b.n, (size_t)(sig->value.p + sig->value.n - b.p) - b.n);
    struct hy_header_field f = {sig->name, hy_buf_str(&without), {0}};
    cr_assert_eq(hy_dkim_canon_field(HY_DKIM_RELAXED, &f, out), HY_OK);
    out->len -= 2;
}

static void to_crlf(const struct hy_buf *in, struct hy_buf *out)
{
    for (size_t i = 0; i < in->len; i++) {
        if (in->data[i] == '\n' && (i == 0 || in->data[i - 1] != '\r'))
            hy_buf_add_c(out, '\r');
        hy_buf_add_c(out, in->data[i]);
    }
}

static EVP_PKEY *rfc8463_key(bool ed25519)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf text = HY_BUF_INIT(8192);
    if (!corpus_read(ed25519 ? "dkim/rfc8463/private-ec.key" : "dkim/rfc8463/private-rsa.key",
                     &text))
        return NULL;
    if (ed25519) {
        unsigned char seed[64];
        size_t n = decode_base64(hy_str_trim(hy_buf_str(&text)), seed);
        return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, n);
    }
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return key;
}

Test(dkim_canon, reproduces_the_signatures_of_rfc_8463_to_the_byte)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf file = HY_BUF_INIT(1 << 20), mail = HY_BUF_INIT(1 << 20);
    if (!corpus_read("dkim/rfc8463/signed.eml", &file))
        return;
    to_crlf(&file, &mail);
    struct hy_str headers = hy_buf_str(&mail), rest = headers;
    struct hy_header_field f, sigs[2];
    size_t n_sigs = 0;
    while (hy_header_next(&rest, &f))
        if (hy_str_ieq(f.name, HY_STR("DKIM-Signature")))
            sigs[n_sigs++] = f;
    cr_assert_eq(n_sigs, 2);
    unsigned char sum[32], want[512], got[512];
    HY_CLEANUP(hy_buf_free)
    struct hy_buf body = HY_BUF_INIT(1 << 20);
    hy_dkim_canon_body(HY_DKIM_RELAXED, rest, collect, &body);
    EVP_Digest(body.data, body.len, sum, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < n_sigs; i++) {
        cr_assert_eq(decode_base64(tag(sigs[i].value, "bh"), want), 32);
        cr_assert_arr_eq(sum, want, 32);
        bool ed25519 = hy_str_eq(tag(sigs[i].value, "a"), HY_STR("ed25519-sha256"));
        HY_CLEANUP(hy_buf_free)
        struct hy_buf bytes = HY_BUF_INIT(1 << 16);
        signed_bytes(headers, &sigs[i], &bytes);
        EVP_PKEY *key = rfc8463_key(ed25519);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char digest[32];
        size_t n = sizeof got, want_n = decode_base64(tag(sigs[i].value, "b"), want);
        EVP_Digest(bytes.data, bytes.len, digest, NULL, EVP_sha256(), NULL);
        cr_assert_eq(EVP_DigestSignInit(ctx, NULL, ed25519 ? NULL : EVP_sha256(), NULL, key), 1);
        cr_assert_eq(ed25519 ? EVP_DigestSign(ctx, got, &n, digest, sizeof digest)
                             : EVP_DigestSign(ctx, got, &n, (unsigned char *)bytes.data, bytes.len),
                     1);
        cr_assert_eq(n, want_n);
        cr_assert_arr_eq(got, want, n, "signature %zu", i);
        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(key);
    }
}
