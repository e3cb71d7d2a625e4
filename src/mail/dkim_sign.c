/* The signer. Everything that OpenSSL can prepare is prepared once: the digest is fetched at the
 * start, and each key's private copy and signing context at its first use. A message costs one hash
 * of the body, one of the header for each key, and the signatures themselves. */
#include "dkim_key.h"
#include "header_word.h"

#include "hayauma/base/codec.h"
#include "hayauma/mail/dkim_canon.h"

#include <openssl/rsa.h>
#include <stdlib.h>

enum {
    DIGEST = 32,
    SIGNATURE_MAX = HY_DKIM_RSA_BITS_MAX / 8,

};

/* A key as one thread uses it; empty until its first signature. */
struct slot {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *rsa;   /* RSA: PKCS#1 v1.5 over a SHA-256 digest, ready to sign */
    EVP_MD_CTX *ed25519; /* its own, since a context stays with its first key */
};

struct hy_dkim_signer {
    struct hy_dkim_keyset *set;
    EVP_MD *sha256;
    EVP_MD_CTX *hash;
    struct hy_buf canon; /* the canonical header, then the field being signed */
    struct hy_header_field fields[HY_DKIM_FIELDS_MAX];
    uint8_t listed[HY_DKIM_FIELDS_MAX]; /* where the field's name stands in the list, NOT_LISTED */
    size_t n_fields;
    struct slot slots[]; /* one for each key of the set */
};

#define NOT_LISTED 255
_Static_assert(HY_DKIM_LIST_MAX < NOT_LISTED, "an index into the list fits a byte");

/* What a reader sees or a mailer acts on cannot be added to; the rest, which lists and gateways
 * add to, is signed where it is there. */
static const struct hy_dkim_field default_fields[] = {
#define FIELD(name, oversign)                                                                      \
    {                                                                                              \
        {name, sizeof(name) - 1}, oversign                                                         \
    }
    FIELD("From", true),
    FIELD("To", true),
    FIELD("Cc", true),
    FIELD("Subject", true),
    FIELD("Date", true),
    FIELD("Message-ID", true),
    FIELD("Reply-To", true),
    FIELD("MIME-Version", true),
    FIELD("Content-Type", true),
    FIELD("Content-Transfer-Encoding", true),
    FIELD("List-Unsubscribe", true),
    FIELD("List-Unsubscribe-Post", true),
    FIELD("Feedback-ID", true),
    FIELD("List-Id", false),
    FIELD("Sender", false),
    FIELD("In-Reply-To", false),
    FIELD("References", false),
    FIELD("Auto-Submitted", false),
    FIELD("Precedence", false),
#undef FIELD
};

const struct hy_dkim_field *hy_dkim_default_fields(size_t *ret_n)
{
    *ret_n = sizeof default_fields / sizeof *default_fields;
    return default_fields;
}

/* What the signatures of one message have in common. */
struct job {
    const struct hy_dkim_options *options;
    const struct hy_dkim_field *list;
    size_t n_list;
    char body_hash[(DIGEST + 2) / 3 * 4];
    size_t body_hash_len;
    size_t header_len; /* of the canonical header in signer->canon */
};

int hy_dkim_signer_new(struct hy_dkim_keyset *set, struct hy_dkim_signer **ret)
{
    struct hy_dkim_signer *s = calloc(1, sizeof *s + set->n * sizeof *s->slots);
    if (!s)
        return HY_ENOMEM;
    s->set = hy_dkim_keyset_ref(set);
    s->canon = HY_BUF_INIT(HY_DKIM_HEADER_MAX);
    s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->hash = EVP_MD_CTX_new();
    if (!s->sha256 || !s->hash) {
        hy_dkim_signer_free(s);
        return HY_ECRYPTO;
    }
    *ret = s;
    return HY_OK;
}

void hy_dkim_signer_free(struct hy_dkim_signer *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->set->n; i++) {
        EVP_PKEY_CTX_free(s->slots[i].rsa);
        EVP_MD_CTX_free(s->slots[i].ed25519);
        EVP_PKEY_free(s->slots[i].pkey);
    }
    EVP_MD_CTX_free(s->hash);
    EVP_MD_free(s->sha256);
    hy_buf_free(&s->canon);
    hy_dkim_keyset_unref(s->set);
    free(s);
}

static int digest(struct hy_dkim_signer *s, struct hy_str bytes, unsigned char out[DIGEST])
{
    if (EVP_DigestInit_ex2(s->hash, s->sha256, NULL) != 1 ||
        EVP_DigestUpdate(s->hash, bytes.p, bytes.n) != 1 ||
        EVP_DigestFinal_ex(s->hash, out, NULL) != 1)
        return HY_ECRYPTO;
    return HY_OK;
}

struct body_sink {
    EVP_MD_CTX *hash;
    int ok;
};

static void hash_piece(void *ctx, struct hy_str piece)
{
    struct body_sink *sink = ctx;
    sink->ok &= EVP_DigestUpdate(sink->hash, piece.p, piece.n);
}

static int hash_body(struct hy_dkim_signer *s, const struct hy_dkim_message *m, struct job *job)
{
    unsigned char sum[DIGEST];
    enum hy_dkim_canon canon = job->options->body_canon;
    if (m->body_is_canonical && m->body.n) { /* then it is in simple form too */
        if (digest(s, m->body, sum) != HY_OK)
            return HY_ECRYPTO;
    } else {
        struct body_sink sink = {s->hash, EVP_DigestInit_ex2(s->hash, s->sha256, NULL)};
        hy_dkim_canon_body(canon, m->body, hash_piece, &sink);
        if (sink.ok != 1 || EVP_DigestFinal_ex(s->hash, sum, NULL) != 1)
            return HY_ECRYPTO;
    }
    job->body_hash_len = hy_base64_encode(sum, sizeof sum, job->body_hash);
    return HY_OK;
}

static uint8_t place_in_list(const struct job *job, struct hy_str name)
{
    for (size_t i = 0; i < job->n_list; i++)
        if (job->list[i].name.n == name.n && hy_str_ieq(job->list[i].name, name))
            return (uint8_t)i;
    return NOT_LISTED;
}

static int split_header(struct hy_dkim_signer *s, struct hy_str headers, const struct job *job)
{
    bool from = false;
    struct hy_header_field f;
    s->n_fields = 0;
    while (hy_header_next(&headers, &f)) {
        if (s->n_fields == HY_DKIM_FIELDS_MAX)
            return HY_ELIMIT;
        s->fields[s->n_fields] = f;
        s->listed[s->n_fields] = place_in_list(job, f.name);
        from |= s->listed[s->n_fields] != NOT_LISTED && hy_str_ieq(f.name, HY_STR("From"));
        s->n_fields++;
    }
    return from && headers.n == 0 ? HY_OK : HY_EINVAL; /* bytes left: an empty line in between */
}

/* The canonical signed fields: by the list, and those of one name from the last to the first
 * (RFC 6376 section 5.4.2). */
static int build_header(struct hy_dkim_signer *s, struct job *job)
{
    hy_buf_reset(&s->canon);
    for (size_t l = 0; l < job->n_list; l++) {
        for (size_t i = s->n_fields; i-- > 0;) {
            if (s->listed[i] != l)
                continue;
            int err = hy_dkim_canon_field(job->options->header_canon, &s->fields[i], &s->canon);
            if (err)
                return err;
        }
    }
    job->header_len = s->canon.len;
    return HY_OK;
}

/* " name=value;" */
static void add_tag(struct hy_header_line *line, const char *name, struct hy_str value)
{
    struct hy_str n = hy_str_of(name);
    if (line->column + n.n + value.n + 3 > HY_HEADER_LINE_MAX)
        hy_line_fold(line);
    else
        hy_line_add(line, HY_STR(" "));
    hy_line_add(line, n);
    hy_line_add(line, HY_STR("="));
    hy_line_add(line, value);
    hy_line_add(line, HY_STR(";"));
}

static void add_number_tag(struct hy_header_line *line, const char *name, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    add_tag(line, name, hy_str_make(digits + at, sizeof digits - at));
}

static void add_list_tag(struct hy_header_line *line, const struct hy_dkim_signer *s,
                         const struct job *job)
{
    hy_line_fold(line);
    hy_line_add(line, HY_STR("h="));
    bool first = true;
    for (size_t l = 0; l < job->n_list; l++) {
        size_t times = job->list[l].oversign ? 1 : 0;
        for (size_t i = 0; i < s->n_fields; i++)
            times += s->listed[i] == l;
        for (; times > 0; times--) {
            if (!first)
                hy_line_add(line, HY_STR(":"));
            if (line->column + job->list[l].name.n + 1 > HY_HEADER_LINE_MAX)
                hy_line_fold(line);
            hy_line_add(line, job->list[l].name);
            first = false;
        }
    }
    hy_line_add(line, HY_STR(";"));
}

/* Whether an i= of this identity may stand beside this d= (RFC 6376 section 3.5). */
static bool identity_fits(struct hy_str identity, const char *domain)
{
    size_t at = hy_str_find(identity, '@', 0);
    if (at == SIZE_MAX)
        return false;
    struct hy_str of = hy_str_slice(identity, at + 1, identity.n), d = hy_str_of(domain);
    if (of.n < d.n || !hy_str_ieq(hy_str_slice(of, of.n - d.n, of.n), d))
        return false;
    return of.n == d.n || of.p[of.n - d.n - 1] == '.';
}

/* The field up to and with "b=". */
static void add_field(struct hy_header_line *line, const struct hy_dkim_signer *s,
                      const struct job *job, const struct hy_dkim_key *key)
{
    static const struct hy_str canons[2][2] = {
        {{"relaxed/relaxed", 15}, {"relaxed/simple", 14}},
        {{"simple/relaxed", 14}, {"simple/simple", 13}},
    };
    const struct hy_dkim_options *o = job->options;
    const int64_t signed_at = o->signed_at / 1000;
    hy_line_add(line, HY_STR("DKIM-Signature: v=1;"));
    add_tag(line, "a",
            key->algorithm == HY_DKIM_RSA_SHA256 ? HY_STR("rsa-sha256") : HY_STR("ed25519-sha256"));
    add_tag(line, "c", canons[o->header_canon][o->body_canon]);
    add_tag(line, "d", hy_str_of(key->domain));
    add_tag(line, "s", hy_str_of(key->selector));
    if (o->identity.n && identity_fits(o->identity, key->domain))
        add_tag(line, "i", o->identity);
    if (signed_at)
        add_number_tag(line, "t", signed_at);
    if (signed_at && o->lifetime_s)
        add_number_tag(line, "x", signed_at + o->lifetime_s);
    add_list_tag(line, s, job);
    add_tag(line, "bh", hy_str_make(job->body_hash, job->body_hash_len));
    hy_line_fold(line);
    hy_line_add(line, HY_STR("b="));
}

static EVP_PKEY_CTX *rsa_context(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (ctx && EVP_PKEY_sign_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static int fill_slot(struct slot *slot, const struct hy_dkim_key *key)
{
    if (slot->pkey)
        return HY_OK;
    struct slot s = {.pkey = EVP_PKEY_dup(key->pkey)};
    if (s.pkey && key->algorithm == HY_DKIM_RSA_SHA256)
        s.rsa = rsa_context(s.pkey);
    else if (s.pkey)
        s.ed25519 = EVP_MD_CTX_new();
    if (!s.rsa && !s.ed25519) {
        EVP_PKEY_free(s.pkey);
        return HY_ECRYPTO;
    }
    *slot = s;
    return HY_OK;
}

/* The signature over the header's digest; Ed25519 signs the digest as its message (RFC 8463). */
static int sign_digest(struct slot *slot, const unsigned char sum[DIGEST], unsigned char *out,
                       size_t *ret_n)
{
    *ret_n = SIGNATURE_MAX;
    if (slot->rsa)
        return EVP_PKEY_sign(slot->rsa, out, ret_n, sum, DIGEST) == 1 ? HY_OK : HY_ECRYPTO;
    if (EVP_DigestSignInit(slot->ed25519, NULL, NULL, NULL, slot->pkey) != 1 ||
        EVP_DigestSign(slot->ed25519, out, ret_n, sum, DIGEST) != 1)
        return HY_ECRYPTO;
    return HY_OK;
}

static int add_signature(struct hy_dkim_signer *s, const struct job *job, size_t key_no,
                         struct hy_buf *out)
{
    const struct hy_dkim_key *key = s->set->keys[key_no];
    unsigned char sum[DIGEST], signature[SIGNATURE_MAX];
    char text[(SIGNATURE_MAX + 2) / 3 * 4];
    struct hy_header_line line = {.out = out};
    const size_t start = out->len;
    int err = fill_slot(&s->slots[key_no], key);
    if (err)
        return err;
    add_field(&line, s, job, key);
    if (out->err)
        return out->err;
    const size_t name_len = sizeof "DKIM-Signature" - 1;
    struct hy_str field = hy_str_slice(hy_buf_str(out), start, out->len);
    struct hy_header_field f = {hy_str_slice(field, 0, name_len),
                                hy_str_slice(field, name_len + 1, field.n), .whole = {0}};
    s->canon.len = job->header_len;
    if (job->options->header_canon == HY_DKIM_SIMPLE) {
        hy_buf_add_str(&s->canon, field);
    } else {
        err = hy_dkim_canon_field(HY_DKIM_RELAXED, &f, &s->canon);
        s->canon.len -= err ? 0 : 2; /* the field being made is hashed without its CRLF */
    }
    if (err || s->canon.err)
        return err ? err : s->canon.err;
    size_t n;
    err = digest(s, hy_buf_str(&s->canon), sum);
    if (err == HY_OK)
        err = sign_digest(&s->slots[key_no], sum, signature, &n);
    if (err)
        return err;
    struct hy_str rest = hy_str_make(text, hy_base64_encode(signature, n, text));
    while (rest.n) {
        if (line.column >= HY_HEADER_LINE_MAX)
            hy_line_fold(&line);
        struct hy_str part = hy_str_slice(rest, 0, HY_HEADER_LINE_MAX - line.column);
        hy_line_add(&line, part);
        rest = hy_str_slice(rest, part.n, rest.n);
    }
    hy_line_add(&line, HY_STR("\r\n"));
    return out->err;
}

/* Characters that can neither end the tag nor need the quoted-printable form of i=. */
static bool identity_ok(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == ';' || s.p[i] == '=')
            return false;
    return s.n <= HY_DKIM_IDENTITY_MAX;
}

static int check_options(const struct hy_dkim_options *o)
{
    if (o->n_fields > HY_DKIM_LIST_MAX)
        return HY_ELIMIT;
    for (size_t i = 0; i < o->n_fields; i++)
        if (!hy_header_name_ok(o->fields[i].name) ||
            hy_str_find(o->fields[i].name, ';', 0) != SIZE_MAX)
            return HY_EINVAL;
    if (o->signed_at < 0 || !identity_ok(o->identity) || o->header_canon > HY_DKIM_SIMPLE ||
        o->body_canon > HY_DKIM_SIMPLE)
        return HY_EINVAL;
    return HY_OK;
}

static int sign_all(struct hy_dkim_signer *s, const struct hy_str *domains, size_t n_domains,
                    const struct job *job, struct hy_buf *out)
{
    size_t made = 0;
    for (size_t d = 0; d < n_domains; d++) {
        size_t n, first = hy_dkim_keyset_find(s->set, domains[d], &n);
        if (n == 0)
            return HY_ENOTFOUND;
        for (size_t i = 0; i < n; i++) {
            if (made++ == HY_DKIM_SIGNATURES_MAX)
                return HY_ELIMIT;
            int err = add_signature(s, job, first + i, out);
            if (err)
                return err;
        }
    }
    return HY_OK;
}

int hy_dkim_sign(struct hy_dkim_signer *signer, const struct hy_str *domains, size_t n_domains,
                 const struct hy_dkim_message *message, const struct hy_dkim_options *options,
                 struct hy_buf *out)
{
    struct job job = {.options = options, .list = options->fields, .n_list = options->n_fields};
    if (job.n_list == 0)
        job.list = hy_dkim_default_fields(&job.n_list);
    const size_t start = out->len;
    int err = check_options(options);
    if (err == HY_OK)
        err = split_header(signer, message->headers, &job);
    if (err == HY_OK)
        err = build_header(signer, &job);
    if (err == HY_OK)
        err = hash_body(signer, message, &job);
    if (err == HY_OK)
        err = sign_all(signer, domains, n_domains, &job, out);
    if (err)
        out->len = start;
    return err;
}
