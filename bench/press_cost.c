/* What the press spends on one message of workload B1, stage by stage, on one thread and warm: CPU
 * microseconds as JSON. What the daemon's press threads take beyond the sum (press_cpu_us of
 * `hayauma status` by message) is interrupts, wake-ups and caches shared with others. */
#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/codec.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/mail/dkim.h"
#include "hayauma/mail/message.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/writer.h"

enum { LEADS = 5000, ATTRS = 5, TURNS = 5, BATCH = 8, TEMPLATE_MAX = 1 << 20 };

static const char *const columns[ATTRS] = {"name", "company", "prefecture", "points", "plan"};
static const char *const values[ATTRS] = {"西村 真由美", "つばめ運輸株式会社", "福岡県", "16053",
                                          "premium"};

struct bench {
    char dir[64];
    struct hy_env *env;
    struct hy_txn txn;
    struct hy_message *message;
    struct hy_rendered rendered;
    struct hy_str slots[ATTRS];
    struct hy_dkim_signer *rsa, *ed25519;
    EVP_PKEY_CTX *bare_rsa;
    EVP_MD_CTX *bare_ed25519, *hash;
    EVP_MD *sha256;
    struct hy_jobs *jobs;
    struct hy_mailbox *mailbox;
    struct hy_buf signature;
    uint32_t turn;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "press_cost: %s failed\n", what);
    exit(1);
}

/* ---- the stages ---- */

static void read_lead(struct bench *b)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view lead;
    if (b->turn % BATCH == 0) {
        hy_txn_park(&b->txn);
        must(hy_txn_renew(&b->txn) == HY_OK, "a snapshot");
    }
    must(hy_lead_read(&b->txn, b->turn % LEADS + 1, attrs, HY_ATTR_MAX, &lead) == HY_OK, "a lead");
}

static void render(struct bench *b)
{
    const struct hy_render_input in = {.slots = b->slots,
                                       .n_slots = ATTRS,
                                       .address = HY_STR("nishimura.mayumi.0@hikari-net.test"),
                                       .lead = 1000 + b->turn,
                                       .now = 1795300000000 + b->turn};
    must(hy_message_render(b->message, &in, &b->rendered) == HY_OK, "rendering");
}

static struct hy_str body_of(const struct bench *b)
{
    return hy_str_slice(hy_buf_str(&b->rendered.bytes), b->rendered.header_bytes,
                        b->rendered.bytes.len);
}

static void hash_body(struct bench *b)
{
    unsigned char sum[32];
    struct hy_str body = body_of(b);
    must(EVP_DigestInit_ex2(b->hash, b->sha256, NULL) == 1 &&
             EVP_DigestUpdate(b->hash, body.p, body.n) == 1 &&
             EVP_DigestFinal_ex(b->hash, sum, NULL) == 1,
         "hashing");
}

static void sign_with(struct bench *b, struct hy_dkim_signer *signer)
{
    const struct hy_str domain = HY_STR("news.hayauma.test");
    const struct hy_dkim_message m = {
        .headers = hy_str_make(b->rendered.bytes.data, b->rendered.header_bytes - 2),
        .body = body_of(b),
        .body_is_canonical = b->rendered.is_body_relaxed};
    const struct hy_dkim_options o = {.signed_at = 1795300000000 + b->turn};
    hy_buf_reset(&b->signature);
    must(hy_dkim_sign(signer, &domain, 1, &m, &o, &b->signature) == HY_OK, "signing");
}

static void dkim_rsa(struct bench *b)
{
    sign_with(b, b->rsa);
}

static void dkim_ed25519(struct bench *b)
{
    sign_with(b, b->ed25519);
}

static void bare_rsa(struct bench *b)
{
    unsigned char sum[32] = {(unsigned char)b->turn}, out[512];
    size_t n = sizeof out;
    must(EVP_PKEY_sign(b->bare_rsa, out, &n, sum, sizeof sum) == 1, "RSA");
}

static void bare_ed25519(struct bench *b)
{
    unsigned char sum[32] = {(unsigned char)b->turn}, out[64];
    size_t n = sizeof out;
    must(EVP_DigestSign(b->bare_ed25519, out, &n, sum, sizeof sum) == 1, "Ed25519");
}

static void base64(struct bench *b)
{
    unsigned char signature[256];
    char text[344];
    memset(signature, (int)b->turn, sizeof signature);
    size_t n = hy_base64_encode(signature, sizeof signature, text);
    __asm__ volatile("" : : "r"(text), "r"(n) : "memory");
}

/* The message moves into memory of its own, which goes when it is sent. */
static void keep(struct bench *b)
{
    struct hy_buf kept = HY_BUF_INIT(1 << 20), signature = HY_BUF_INIT(1 << 16);
    must(hy_buf_reserve(&signature, 1536) == HY_OK, "memory");
    kept.max = b->rendered.bytes.len;
    hy_buf_add(&kept, b->rendered.bytes.data, b->rendered.bytes.len);
    hy_buf_free(&kept);
    hy_buf_free(&signature);
}

/* There and back without a wake-up, as it is under load: by the batch. */
static void hand_over(struct bench *b)
{
    struct hy_msg msgs[BATCH];
    if (b->turn % BATCH)
        return;
    for (int i = 0; i < BATCH; i++)
        msgs[i] = (struct hy_msg){.next = i + 1 < BATCH ? &msgs[i + 1] : NULL};
    must(hy_jobs_push(b->jobs, msgs) == HY_OK, "the queue");
    struct hy_msg *jobs = hy_jobs_pop(b->jobs, BATCH);
    must(jobs && hy_mailbox_post_answers(b->mailbox, jobs) == HY_OK, "the mailbox");
    must(hy_mailbox_take(b->mailbox) != NULL, "the mailbox");
}

/* The best of several turns, so that a neighbour on the machine does not count. */
static double measure(struct bench *b, void (*stage)(struct bench *), uint32_t times)
{
    double best = 1e9;
    for (int turn = 0; turn < TURNS; turn++) {
        const int64_t from = hy_clock_thread_cpu_us();
        for (uint32_t i = 0; i < times; i++, b->turn++)
            stage(b);
        const double us = (double)(hy_clock_thread_cpu_us() - from) / times;
        best = us < best ? us : best;
    }
    return best;
}

/* ---- setting up ---- */

struct fill {
    struct hy_write_req req;
    struct hy_lead_batch *batch;
};

static int put_leads(struct hy_write_req *r, struct hy_txn *t)
{
    struct fill *f = (struct fill *)(void *)r;
    struct hy_lead_upsert_result result = {0};
    return hy_lead_upsert(t, f->batch, &(struct hy_lead_upsert){.created = 1}, &result);
}

static void fill_batch(struct hy_lead_batch *batch)
{
    for (int i = 0; i < LEADS; i++) {
        char address[64];
        struct hy_lead_batch_attr attrs[ATTRS];
        for (uint16_t a = 0; a < ATTRS; a++)
            attrs[a] = (struct hy_lead_batch_attr){a, hy_str_of(values[a])};
        snprintf(address, sizeof address, "lead.%d@d%d.test", i, i % 200);
        must(hy_lead_batch_add(batch, hy_str_of(address), hy_str_of(address), attrs, ATTRS) ==
                 HY_OK,
             "a lead");
    }
}

static void open_store(struct bench *b)
{
    struct hy_diag diag = {""};
    struct hy_writer *writer;
    struct hy_str names[ATTRS];
    struct fill f = {.req = {.class = HY_WRITE_ADMIN, .apply = put_leads}};
    snprintf(b->dir, sizeof b->dir, "/tmp/press_cost.XXXXXX");
    must(mkdtemp(b->dir) != NULL, "a folder");
    must(hy_env_open(&(struct hy_env_options){.data_dir = b->dir}, &b->env, &diag) == HY_OK &&
             hy_writer_start(b->env, &(struct hy_writer_options){0}, &writer) == HY_OK,
         "the store");
    for (int i = 0; i < ATTRS; i++)
        names[i] = hy_str_of(columns[i]);
    must(hy_lead_batch_new(b->env, names, ATTRS, &f.batch) == HY_OK, "a batch");
    fill_batch(f.batch);
    must(hy_writer_run(writer, &f.req) == HY_OK, "storing leads");
    hy_lead_batch_free(f.batch);
    hy_writer_stop(writer);
    must(hy_txn_read(b->env, &b->txn) == HY_OK, "a snapshot");
}

static int unlink_it(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void close_store(struct bench *b)
{
    hy_txn_end(&b->txn);
    hy_env_close(b->env);
    nftw(b->dir, unlink_it, 8, FTW_DEPTH | FTW_PHYS);
}

static int find_slot(void *ctx, struct hy_str name, uint16_t *ret, struct hy_diag *diag)
{
    (void)ctx;
    (void)diag;
    for (uint16_t i = 0; i < ATTRS; i++) {
        if (hy_str_eq(name, hy_str_of(columns[i]))) {
            *ret = i;
            return HY_OK;
        }
    }
    return HY_ENOTFOUND;
}

static struct hy_str read_file(const char *folder, const char *name)
{
    char path[512];
    static char room[2][TEMPLATE_MAX];
    static int n_read;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    must(f != NULL, path);
    char *to = room[n_read++ % 2];
    size_t n = fread(to, 1, TEMPLATE_MAX, f);
    fclose(f);
    return hy_str_make(to, n);
}

static void compile(struct bench *b, const char *folder)
{
    struct hy_token_keys keys = {0};
    struct hy_diag diag = {""};
    const struct hy_message_header headers[] = {{HY_STR("X-Issue"), HY_STR("128")},
                                                {HY_STR("X-Plan"), HY_STR("{{plan|free}}")}};
    must(hy_token_keys_add(&keys, 0, HY_STR("0123456789abcdef0123456789abcdef")) == HY_OK, "keys");
    const struct hy_message_source source = {
        .from_address = HY_STR("news@news.hayauma.test"),
        .from_name = HY_STR("早馬だより"),
        .to_name = HY_STR("{{name}}"),
        .reply_to = HY_STR("support@news.hayauma.test"),
        .subject = HY_STR("{{name|お客様}}様へ　初夏の特集「街道をゆく」と新着の品"),
        .html = {read_file(folder, "newsletter.html"), HY_STR("newsletter.html")},
        .text = {read_file(folder, "newsletter.txt"), HY_STR("newsletter.txt")},
        .headers = headers,
        .n_headers = 2};
    const struct hy_message_options o = {.slot = find_slot,
                                         .campaign = 7,
                                         .keys = &keys,
                                         .flags = HY_MESSAGE_CLICKS | HY_MESSAGE_TEXT_CLICKS |
                                                  HY_MESSAGE_BEACON | HY_MESSAGE_UNSUBSCRIBE |
                                                  HY_MESSAGE_BULK,
                                         .base_url = HY_STR("https://t.hayauma.test/"),
                                         .return_domain = HY_STR("bounce.hayauma.test"),
                                         .return_prefix = HY_STR("b"),
                                         .message_id_domain = HY_STR("mta.hayauma.test")};
    if (hy_message_compile(&source, &o, &diag, &b->message) != HY_OK)
        must(false, diag.text);
    for (int i = 0; i < ATTRS; i++)
        b->slots[i] = hy_str_of(values[i]);
    hy_rendered_init(&b->rendered);
}

static struct hy_dkim_signer *signer_of(enum hy_dkim_algorithm algorithm)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    struct hy_dkim_key *key;
    struct hy_dkim_keyset *set;
    struct hy_dkim_signer *signer;
    must(hy_dkim_key_generate(algorithm, 2048, &pem) == HY_OK &&
             hy_dkim_key_load(HY_STR("news.hayauma.test"), HY_STR("bench"), hy_buf_str(&pem), &key,
                              NULL) == HY_OK &&
             hy_dkim_keyset_new(&key, 1, &set, NULL) == HY_OK &&
             hy_dkim_signer_new(set, &signer) == HY_OK,
         "a key");
    hy_dkim_keyset_unref(set);
    hy_dkim_key_unref(key);
    return signer;
}

static void open_crypto(struct bench *b, EVP_PKEY *rsa, EVP_PKEY *ed25519)
{
    b->rsa = signer_of(HY_DKIM_RSA_SHA256);
    b->ed25519 = signer_of(HY_DKIM_ED25519_SHA256);
    b->bare_rsa = EVP_PKEY_CTX_new(rsa, NULL);
    b->bare_ed25519 = EVP_MD_CTX_new();
    b->hash = EVP_MD_CTX_new();
    b->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(b->bare_rsa && b->bare_ed25519 && b->hash && b->sha256 &&
             EVP_PKEY_sign_init(b->bare_rsa) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(b->bare_rsa, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(b->bare_rsa, EVP_sha256()) == 1 &&
             EVP_DigestSignInit(b->bare_ed25519, NULL, NULL, NULL, ed25519) == 1,
         "OpenSSL");
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: press_cost [FOLDER OF newsletter.html AND newsletter.txt]\n");
        return 2;
    }
    static struct bench b = {.signature = HY_BUF_INIT(1 << 16)};
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    must(rsa && ed25519, "making keys");
    open_store(&b);
    compile(&b, argc > 1 ? argv[1] : "bench/b1");
    open_crypto(&b, rsa, ed25519);
    must(hy_jobs_create(64, 1, &b.jobs) == HY_OK && hy_mailbox_create(64, &b.mailbox) == HY_OK,
         "queues");
    const double lead = measure(&b, read_lead, 50000), rendering = measure(&b, render, 10000);
    const double body = measure(&b, hash_body, 10000), text = measure(&b, base64, 100000);
    const double kept = measure(&b, keep, 20000), over = measure(&b, hand_over, 80000);
    const double rsa_us = measure(&b, bare_rsa, 960), dkim = measure(&b, dkim_rsa, 960);
    const double ed_us = measure(&b, bare_ed25519, 4000), dkim_ed = measure(&b, dkim_ed25519, 4000);
    /* Ed25519's figure is the exact one for what signing costs beyond the primitive: a difference
     * of two small numbers. */
    const double around = dkim_ed - ed_us - body;
    printf("{\"message_bytes\":%zu,\"lead_read_us\":%.2f,\"render_us\":%.2f,\"body_hash_us\":%.2f,"
           "\"header_us\":%.2f,\"base64_us\":%.2f,\"keep_us\":%.2f,\"hand_over_us\":%.2f,"
           "\"rsa2048_us\":%.1f,\"ed25519_us\":%.1f,\"dkim_rsa2048_us\":%.1f,"
           "\"dkim_ed25519_us\":%.1f,\"sum_rsa2048_us\":%.1f,\"sum_ed25519_us\":%.1f}\n",
           b.rendered.bytes.len, lead, rendering, body, around, text, kept, over, rsa_us, ed_us,
           dkim, dkim_ed, lead + rendering + dkim + kept + over,
           lead + rendering + dkim_ed + kept + over);
    hy_message_free(b.message);
    hy_rendered_free(&b.rendered);
    hy_dkim_signer_free(b.rsa);
    hy_dkim_signer_free(b.ed25519);
    EVP_PKEY_CTX_free(b.bare_rsa);
    EVP_MD_CTX_free(b.bare_ed25519);
    EVP_MD_CTX_free(b.hash);
    EVP_MD_free(b.sha256);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ed25519);
    hy_jobs_free(b.jobs);
    hy_mailbox_free(b.mailbox);
    hy_buf_free(&b.signature);
    close_store(&b);
    return 0;
}
