/* Writes signed mails for a verifier that is not ours: dkim_samples DIR makes DIR/NNN.eml, in every
 * canonical form, with RSA and Ed25519 keys of two domains, and DIR/dns.table with their records.
 */
#include "hayauma/base/rand.h"
#include "hayauma/mail/dkim.h"
#include "hayauma/mail/header.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 4, RANDOM_BODIES = 12 };

static void die(const char *what)
{
    fprintf(stderr, "dkim_samples: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void write_file(const char *dir, const char *name, const struct hy_buf *content)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    if (!f || fwrite(content->data, 1, content->len, f) != content->len || fclose(f) != 0)
        die(path);
}

static struct hy_dkim_key *make_key(struct hy_str domain, struct hy_str selector,
                                    enum hy_dkim_algorithm algorithm, unsigned bits,
                                    struct hy_buf *table)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    struct hy_dkim_key *key = NULL;
    int err = bits == 3072
                  ? hy_dkim_key_generate_rsa(bits, 3, &pem) /* verifiers see no difference */
                  : hy_dkim_key_generate(algorithm, bits, &pem);
    if (err != HY_OK || hy_dkim_key_load(domain, selector, hy_buf_str(&pem), &key, NULL) != HY_OK)
        die("making a key");
    hy_buf_printf(table, "%.*s._domainkey.%.*s\t", HY_STR_ARG(selector), HY_STR_ARG(domain));
    if (hy_dkim_key_txt(key, table) != HY_OK)
        die("printing a record");
    hy_buf_add_lit(table, "\n");
    return key;
}

static struct hy_dkim_signer *make_signer(struct hy_buf *table)
{
    struct hy_dkim_key *keys[KEYS] = {
        make_key(HY_STR("example.jp"), HY_STR("rsa2048"), HY_DKIM_RSA_SHA256, 2048, table),
        make_key(HY_STR("example.jp"), HY_STR("ed"), HY_DKIM_ED25519_SHA256, 0, table),
        make_key(HY_STR("mail.sender.example"), HY_STR("s.2026-11"), HY_DKIM_RSA_SHA256, 3072,
                 table),
        make_key(HY_STR("mail.sender.example"), HY_STR("ed_2"), HY_DKIM_ED25519_SHA256, 0, table),
    };
    struct hy_dkim_keyset *set = NULL;
    struct hy_dkim_signer *signer = NULL;
    if (hy_dkim_keyset_new(keys, KEYS, &set, NULL) != HY_OK ||
        hy_dkim_signer_new(set, &signer) != HY_OK)
        die("making a signer");
    hy_dkim_keyset_unref(set);
    for (int i = 0; i < KEYS; i++)
        hy_dkim_key_unref(keys[i]);
    return signer;
}

static void make_header(struct hy_buf *out, int no)
{
    static const char *const names[] = {"山田 太郎", "Yamada, Taro", "", "José Álvarez"};
    struct hy_header_mailbox from = {HY_STR("日本プリント ニュース"), HY_STR("news@example.jp")};
    struct hy_header_mailbox to = {hy_str_of(names[no % 4]), HY_STR("taro@example.com")};
    const enum hy_mail_charset charset = no % 3 ? HY_MAIL_UTF8 : HY_MAIL_ISO_2022_JP;
    if (hy_header_mailboxes(out, HY_STR("From"), &from, 1, charset) ||
        hy_header_mailboxes(out, HY_STR("To"), &to, 1, charset) ||
        hy_header_text(
            out, HY_STR("Subject"),
            HY_STR("【春の新商品】山田太郎様、今週だけの特別なお知らせがございます Spring "
                   "news  with two spaces"),
            charset) ||
        hy_header_raw(out, HY_STR("Date"), HY_STR("Sun, 22 Nov 2026 02:27:00 +0900")) ||
        hy_header_raw(out, HY_STR("Message-ID"), HY_STR("<aaagu4tzc2jy3k7pqaaa@example.jp>")) ||
        hy_header_raw(out, HY_STR("List-Unsubscribe"),
                      HY_STR("<https://t.example.jp/u/AAABjK3n0AAx>, <mailto:u@example.jp>")))
        die("writing a header");
    hy_buf_add_lit(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
                        "X-Trace:  \t odd \r\n\t white  space \r\nX-Trace: again\r\n");
}

/* Words, white space in all places, empty lines; nothing but CRLF ends a line. */
static void make_body(struct hy_buf *out, struct hy_rng *rng, int no)
{
    static const char *const fixed[] = {"",
                                        "\r\n",
                                        "one line\r\n",
                                        "no line end",
                                        " \t\r\n\r\n",
                                        "a  b\t c \r\n\r\n \r\nd\r\n\r\n\r\n"};
    static const char *const pieces[] = {"word",  " ",        "  ",     "\t",  "\r\n",
                                         " \r\n", "\r\n\r\n", "日本語", "=20", "."};
    if (no < (int)(sizeof fixed / sizeof *fixed)) {
        hy_buf_add_str(out, hy_str_of(fixed[no]));
        return;
    }
    for (uint64_t n = hy_rng_below(rng, 2000); n > 0; n--)
        hy_buf_add_str(out, hy_str_of(pieces[hy_rng_below(rng, sizeof pieces / sizeof *pieces)]));
}

static void make_mail(const char *dir, struct hy_dkim_signer *signer, struct hy_rng *rng, int no,
                      int form)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf header = HY_BUF_INIT(1 << 16), body = HY_BUF_INIT(1 << 20),
                  mail = HY_BUF_INIT(1 << 20);
    static const struct hy_dkim_field all[] = {{{"From", 4}, true},     {{"Subject", 7}, true},
                                               {{"X-Trace", 7}, false}, {{"To", 2}, true},
                                               {{"Date", 4}, true},     {{"Absent", 6}, true}};
    const struct hy_str domains[] = {HY_STR("example.jp"), HY_STR("mail.sender.example")};
    make_header(&header, no);
    make_body(&body, rng, no);
    struct hy_dkim_message m = {hy_buf_str(&header), hy_buf_str(&body),
                                hy_dkim_body_is_canonical(hy_buf_str(&body))};
    struct hy_dkim_options o = {.header_canon = (enum hy_dkim_canon)(form & 1),
                                .body_canon = (enum hy_dkim_canon)(form >> 1),
                                .signed_at = no % 2 ? 1767225600000 : 0,
                                .identity = no % 3 ? HY_STR("news@example.jp") : HY_STR(""),
                                .fields = all,
                                .n_fields = no % 4 ? 0 : sizeof all / sizeof *all};
    if (hy_dkim_sign(signer, domains, 2, &m, &o, &mail) != HY_OK)
        die("signing");
    hy_buf_add_str(&mail, hy_buf_str(&header));
    hy_buf_add_lit(&mail, "\r\n");
    hy_buf_add_str(&mail, hy_buf_str(&body));
    if (body.len && !hy_str_ends(hy_buf_str(&body), HY_STR("\r\n")))
        hy_buf_add_lit(&mail, "\r\n"); /* as SMTP ends every message */
    char name[32];
    snprintf(name, sizeof name, "%d%02d.eml", form, no);
    write_file(dir, name, &mail);
}

int main(int argc, char **argv)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf table = HY_BUF_INIT(1 << 16);
    struct hy_rng rng;
    if (argc != 2) {
        fprintf(stderr, "usage: dkim_samples DIR\n");
        return 2;
    }
    hy_rng_seed(&rng, 23);
    struct hy_dkim_signer *signer = make_signer(&table);
    for (int form = 0; form < 4; form++)
        for (int no = 0; no < RANDOM_BODIES; no++)
            make_mail(argv[1], signer, &rng, no, form);
    write_file(argv[1], "dns.table", &table);
    hy_dkim_signer_free(signer);
    return 0;
}
