/* What a DKIM signature costs beyond the bare operation of OpenSSL: prints microseconds of CPU for
 * a message, with the body canonical (as the renderer makes it) and not. */
#include "hayauma/base/clock.h"
#include "hayauma/mail/dkim.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY = 10 * 1024, TURN_US = 400 * 1000, TURNS = 5 };

static const char headers[] =
    "From: =?UTF-8?B?5pel5pys44OX44Oq44Oz44OI?= <news@mail.example.jp>\r\n"
    "To: =?UTF-8?B?5bGx55SwIOWkqumDjg==?= <taro.yamada@example.com>\r\n"
    "Subject: =?UTF-8?B?44CQ5pil44Gu5paw5ZWG5ZOB44CR5bGx55Sw5aSq6YOO5qeY44CB5LuK6YCx?=\r\n"
    " =?UTF-8?B?44Gg44GR44Gu54m55Yil44Gq44GK55+l44KJ44Gb?=\r\n"
    "Date: Sun, 22 Nov 2026 02:27:00 +0900\r\n"
    "Message-ID: <aaagu4tzc2jy3k7pqaaaa3lfmzrggyq@mail.example.jp>\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/alternative; boundary=\"b1_6f2a9c\"\r\n"
    "List-Unsubscribe: <https://t.example.jp/u/AAABjK3n0AAxgZ9wAZ2mY0lOWJ2v>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    "Feedback-ID: 0fk2m9:news:hayauma\r\n";

struct run {
    struct hy_dkim_signer *signer;
    EVP_PKEY_CTX *bare_rsa;
    EVP_MD_CTX *bare_ed25519;
    struct hy_dkim_message message;
    struct hy_str domain;
    struct hy_buf out;
};

static void die(const char *what)
{
    fprintf(stderr, "dkim_cost: %s failed\n", what);
    exit(1);
}

static void sign_message(struct run *r)
{
    struct hy_dkim_options o = {.signed_at = 1800000000000, .lifetime_s = 604800};
    hy_buf_reset(&r->out);
    if (hy_dkim_sign(r->signer, &r->domain, 1, &r->message, &o, &r->out) != HY_OK)
        die("hy_dkim_sign");
}

static void sign_bare(struct run *r)
{
    unsigned char sum[32] = {1}, signature[512];
    size_t n = sizeof signature;
    int ok = r->bare_rsa ? EVP_PKEY_sign(r->bare_rsa, signature, &n, sum, sizeof sum)
                         : EVP_DigestSign(r->bare_ed25519, signature, &n, sum, sizeof sum);
    if (ok != 1)
        die("the bare signature");
}

/* The best of several turns, so that a neighbour on the machine does not count. */
static double measure(struct run *r, void (*work)(struct run *))
{
    double best = 1e9;
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t start = hy_clock_thread_cpu_us(), now = start;
        long n = 0;
        for (; now - start < TURN_US; now = hy_clock_thread_cpu_us(), n += 20)
            for (int i = 0; i < 20; i++)
                work(r);
        double us = (double)(now - start) / (double)n;
        best = us < best ? us : best;
    }
    return best;
}

static EVP_PKEY *parse(const struct hy_buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return key;
}

/* Lines of 78 characters; `step` > 0 puts white space that must go at the end of every step-th. */
static void fill_body(struct hy_buf *body, int step)
{
    hy_buf_reset(body);
    for (int line = 0; body->len < BODY; line++) {
        hy_buf_printf(body,
                      "<td style=3D\"padding:0 0 12px\">%06d Lorem ipsum dolor sit amet,"
                      " conse</td>=%s\r\n",
                      line, step && line % step == 0 ? "  " : "");
    }
}

static void compare(struct run *r, const char *name, const struct hy_buf *pem)
{
    struct hy_dkim_key *key = NULL;
    struct hy_dkim_keyset *set = NULL;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf body = HY_BUF_INIT(1 << 20);
    EVP_PKEY *pkey = parse(pem);
    r->bare_rsa = NULL;
    r->bare_ed25519 = NULL;
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        r->bare_rsa = EVP_PKEY_CTX_new(pkey, NULL);
        if (EVP_PKEY_sign_init(r->bare_rsa) != 1 ||
            EVP_PKEY_CTX_set_rsa_padding(r->bare_rsa, RSA_PKCS1_PADDING) != 1 ||
            EVP_PKEY_CTX_set_signature_md(r->bare_rsa, EVP_sha256()) != 1)
            die("setting up RSA");
    } else {
        r->bare_ed25519 = EVP_MD_CTX_new();
        if (EVP_DigestSignInit(r->bare_ed25519, NULL, NULL, NULL, pkey) != 1)
            die("setting up Ed25519");
    }
    if (hy_dkim_key_load(r->domain, HY_STR("s1"), hy_buf_str(pem), &key, NULL) != HY_OK ||
        hy_dkim_keyset_new(&key, 1, &set, NULL) != HY_OK ||
        hy_dkim_signer_new(set, &r->signer) != HY_OK)
        die("loading the key");
    fill_body(&body, 0);
    r->message = (struct hy_dkim_message){HY_STR(headers), hy_buf_str(&body), true};
    const double bare = measure(r, sign_bare), flagged = measure(r, sign_message);
    r->message.body_is_canonical = false;
    const double searched = measure(r, sign_message);
    fill_body(&body, 1);
    r->message.body = hy_buf_str(&body);
    const double changed = measure(r, sign_message);
    printf("%-9s bare %7.2f us   message %7.2f (+%.2f)   unflagged +%.2f   not canonical +%.2f\n",
           name, bare, flagged, flagged - bare, searched - bare, changed - bare);
    hy_dkim_signer_free(r->signer);
    hy_dkim_keyset_unref(set);
    hy_dkim_key_unref(key);
    EVP_PKEY_CTX_free(r->bare_rsa);
    EVP_MD_CTX_free(r->bare_ed25519);
    EVP_PKEY_free(pkey);
}

int main(void)
{
    struct run r = {.domain = HY_STR("example.jp"), .out = HY_BUF_INIT(1 << 16)};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf rsa = HY_BUF_INIT(HY_DKIM_PEM_MAX), ed25519 = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    if (hy_dkim_key_generate(HY_DKIM_RSA_SHA256, 2048, &rsa) != HY_OK ||
        hy_dkim_key_generate(HY_DKIM_ED25519_SHA256, 0, &ed25519) != HY_OK)
        die("making keys");
    printf("body %d KiB, header %zu bytes, CPU of one thread\n", BODY / 1024, sizeof headers - 1);
    compare(&r, "rsa2048", &rsa);
    compare(&r, "ed25519", &ed25519);
    hy_buf_free(&r.out);
    return 0;
}
