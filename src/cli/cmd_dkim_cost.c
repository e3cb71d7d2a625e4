/* dkim cost: what each kind of key costs on this machine, and what it is worth. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/mail/dkim.h"

enum { TURNS = 3, TURN_US = 60 * 1000, BATCH = 32 };

struct kind {
    const char *name;
    enum hy_dkim_algorithm algorithm;
    unsigned bits, primes;
    unsigned strength; /* bits, NIST SP 800-56B rev. 2, table 4; Ed25519: RFC 8032 */
    const char *note;  /* of the table in text_setup.c */
};
static const struct kind kinds[] = {
    {"rsa-2048", HY_DKIM_RSA_SHA256, 2048, 2, 112, "what every receiver verifies: the default"},
    {"rsa-3072", HY_DKIM_RSA_SHA256, 3072, 2, 128, "stronger, at the price of time"},
    {"rsa-3072 --primes 3", HY_DKIM_RSA_SHA256, 3072, 3, 128,
     "as strong in half the time; the record is the same"},
    {"rsa-4096", HY_DKIM_RSA_SHA256, 4096, 2, 152,
     "the longest that receivers must verify (RFC 8301)"},
    {"ed25519", HY_DKIM_ED25519_SHA256, 256, 0, 128,
     "many receivers do not verify it yet: not the only key"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct cost {
    double us; /* CPU, best of the turns */
    size_t record_bytes;
};

struct signing {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *rsa;
    EVP_MD_CTX *ed25519;
};

static void signing_close(struct signing *s)
{
    EVP_PKEY_CTX_free(s->rsa);
    EVP_MD_CTX_free(s->ed25519);
    EVP_PKEY_free(s->pkey);
}

static int signing_open(const struct hy_buf *pem, bool is_rsa, struct signing *s)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    s->pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (!s->pkey)
        return HY_ECRYPTO;
    if (!is_rsa) {
        s->ed25519 = EVP_MD_CTX_new();
        return s->ed25519 ? HY_OK : HY_ENOMEM;
    }
    s->rsa = EVP_PKEY_CTX_new(s->pkey, NULL);
    return s->rsa && EVP_PKEY_sign_init(s->rsa) == 1 &&
                   EVP_PKEY_CTX_set_rsa_padding(s->rsa, RSA_PKCS1_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_signature_md(s->rsa, EVP_sha256()) == 1
               ? HY_OK
               : HY_ECRYPTO;
}

static int sign_batch(struct signing *s)
{
    unsigned char digest[32] = {1}, out[HY_DKIM_RSA_BITS_MAX / 8];
    for (int i = 0; i < BATCH; i++) {
        size_t n = sizeof out;
        int ok = s->rsa ? EVP_PKEY_sign(s->rsa, out, &n, digest, sizeof digest)
                        : EVP_DigestSignInit(s->ed25519, NULL, NULL, NULL, s->pkey) == 1 &&
                              EVP_DigestSign(s->ed25519, out, &n, digest, sizeof digest) == 1;
        if (ok != 1)
            return HY_ECRYPTO;
    }
    return HY_OK;
}

/* The best of a few turns: others on the machine only add. */
static int measure(struct signing *s, double *ret_us)
{
    double best = 1e9;
    int err = sign_batch(s); /* warms up */
    for (int turn = 0; turn < TURNS && err == HY_OK; turn++) {
        int64_t from = hy_clock_thread_cpu_us(), now = from;
        long made = 0;
        for (; now - from < TURN_US && err == HY_OK; made += BATCH) {
            err = sign_batch(s);
            now = hy_clock_thread_cpu_us();
        }
        double us = (double)(now - from) / (double)made;
        best = us < best ? us : best;
    }
    *ret_us = best;
    return err;
}

static int cost_of(const struct kind *k, struct cost *ret)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX), txt = HY_BUF_INIT(8192);
    struct hy_dkim_key *key = NULL;
    struct signing s = {0};
    int err = k->primes ? hy_dkim_key_generate_rsa(k->bits, k->primes, &pem)
                        : hy_dkim_key_generate(k->algorithm, k->bits, &pem);
    if (err == HY_OK)
        err = hy_dkim_key_load(HY_STR("example.org"), HY_STR("cost"), hy_buf_str(&pem), &key, NULL);
    if (err == HY_OK)
        err = hy_dkim_key_txt(key, &txt);
    if (err == HY_OK)
        err = signing_open(&pem, k->algorithm == HY_DKIM_RSA_SHA256, &s);
    if (err == HY_OK)
        err = measure(&s, &ret->us);
    ret->record_bytes = txt.len;
    signing_close(&s);
    hy_dkim_key_unref(key);
    hy_buf_free(&txt);
    return err;
}

static long processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n;
}

static void add_row(struct cli *c, struct cli_table *t, const char *name, double us, unsigned bits,
                    size_t record, const char *note)
{
    char text[64];
    cli_table_add(t, name);
    snprintf(text, sizeof text, "%.0f us", us);
    cli_table_add(t, text);
    cli_table_add_n(t, (int64_t)(1e6 / us) * processors());
    snprintf(text, sizeof text, _(c, "%u bits"), bits);
    cli_table_add(t, text);
    cli_table_add_n(t, (int64_t)record);
    cli_table_add(t, _(c, note));
}

static int print_text(struct cli *c, const struct cost costs[KINDS])
{
    const char *const heads[] = {_(c, "key"),      _(c, "a signature"), _(c, "messages/s"),
                                 _(c, "strength"), _(c, "DNS bytes"),   _(c, "note")};
    struct cli_table t;
    cli_table_init(&t, heads, "lrrrrl");
    for (size_t i = 0; i < KINDS; i++)
        add_row(c, &t, kinds[i].name, costs[i].us, kinds[i].strength, costs[i].record_bytes,
                kinds[i].note);
    add_row(c, &t, "both", costs[0].us + costs[KINDS - 1].us, kinds[0].strength,
            costs[0].record_bytes + costs[KINDS - 1].record_bytes,
            "RSA-2048 and Ed25519: each receiver takes what it can");
    cli_table_print(&t, c, cli_width(c));
    fprintf(c->out,
            _(c, "Measured now, on %ld processors that do nothing but sign. Strength: bits of NIST "
                 "SP 800-56B.\n"),
            processors());
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct cost costs[KINDS];
    json_t *list = json_array();
    for (size_t i = 0; i < KINDS; i++) {
        int err = cost_of(&kinds[i], &costs[i]);
        if (err != HY_OK) {
            json_decref(list);
            return cli_fail(c, err, NULL, NULL);
        }
        json_array_append_new(list, json_pack("{s:s,s:f,s:i,s:i,s:i}", "key", kinds[i].name,
                                              "signature_us", costs[i].us, "messages_per_s",
                                              (int)(1e6 / costs[i].us * (double)processors()),
                                              "strength_bits", (int)kinds[i].strength,
                                              "record_bytes", (int)costs[i].record_bytes));
    }
    if (c->json)
        return cli_print_json(
            c, json_pack("{s:i,s:o}", "processors", (int)processors(), "keys", list));
    json_decref(list);
    return print_text(c, costs);
}

const struct cli_command cmd_dkim_cost = {
    .name = "dkim cost",
    .args = "",
    .summary = {"measure what each kind of DKIM key costs here, and what it is worth",
                "DKIM 鍵の種類ごとに、このマシンでの負荷と強度を測って示す"},
    .about =
        {"Makes a key of each kind, signs with it for a moment and forgets it. The figures are\n"
         "those of OpenSSL as this command runs it; the daemon's are better when 'hayauma tune'\n"
         "has found something.",
         "種類ごとに鍵を作り、少しのあいだ署名して捨てます。数値はこのコマンドの OpenSSL による\n"
         "ものです。'hayauma tune' が設定を見つけていれば、デーモンはさらに速くなります。"},
    .examples = "hayauma dkim cost\nOPENSSL_ia32cap=:~0x80000 hayauma dkim cost --json",
    .run = run,
};
