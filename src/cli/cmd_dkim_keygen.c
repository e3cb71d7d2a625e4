/* dkim keygen: makes a private key and prints the DNS record that publishes it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/config.h"
#include "hayauma/mail/dkim.h"

#define DKIM_DIR_DEFAULT "/etc/hayauma/dkim"
#define ED25519_SUFFIX   "-ed25519" /* of the second selector of --type both */

/* One key to be made. */
struct plan {
    enum hy_dkim_algorithm algorithm;
    unsigned bits, primes; /* of RSA */
    char selector[HY_DKIM_SELECTOR_MAX + 1];
    char file[PATH_MAX];
};

static void wipe(struct hy_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    hy_buf_free(b);
}

/* --dir, or what the configuration says, or the usual place. */
static void find_dir(const struct cli *c, char *out, size_t cap)
{
    const char *given = cli_option(c, "dir");
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    snprintf(out, cap, "%s", given ? given : DKIM_DIR_DEFAULT);
    if (given)
        return;
    if (hy_config_load(cli_config_path(c), &p, &config) == HY_OK)
        snprintf(out, cap, "%s", config->paths.dkim_dir);
    hy_config_unref(config);
    hy_problems_free(&p);
}

/* Gives a key that root makes to the owner of its folder: the daemon must read it, and nobody
 * else. */
static int give_away(int fd, const char *path)
{
    char dir[PATH_MAX];
    struct stat st;
    if (geteuid() != 0)
        return 0;
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    if (stat(slash ? dir : ".", &st) != 0)
        return -1;
    return fchown(fd, st.st_uid, st.st_gid);
}

/* A new file, or none at all. */
static int write_key(const char *path, struct hy_str pem, struct hy_diag *diag)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return hy_fail(diag, HY_EEXIST, "%s is there already; a key is never overwritten", path);
    if (fd < 0 && errno == ENOENT)
        return hy_fail(diag, HY_ENOTFOUND, "there is no folder for %s", path);
    if (fd < 0)
        return hy_fail(diag, HY_EIO, "%s: %s", path, strerror(errno));
    bool good = fchmod(fd, 0600) == 0 && give_away(fd, path) == 0;
    while (good && pem.n) {
        ssize_t n = write(fd, pem.p, pem.n);
        good = n > 0 || (n < 0 && errno == EINTR);
        pem = hy_str_slice(pem, n > 0 ? (size_t)n : 0, pem.n);
    }
    good = good && fsync(fd) == 0;
    int sys = errno;
    if (close(fd) != 0 && good) {
        good = false;
        sys = errno;
    }
    if (good)
        return HY_OK;
    unlink(path);
    return hy_fail(diag, HY_EIO, "%s: %s", path, strerror(sys));
}

/* Makes one key; *ret_key is the caller's. */
static int make(const struct plan *p, const char *domain, struct hy_dkim_key **ret_key,
                struct hy_diag *diag)
{
    HY_CLEANUP(wipe)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    int err = p->algorithm == HY_DKIM_RSA_SHA256
                  ? hy_dkim_key_generate_rsa(p->bits, p->primes, &pem)
                  : hy_dkim_key_generate(p->algorithm, 0, &pem);
    if (err)
        return hy_fail(diag, err, "no key could be made: %s", hy_err_text(err));
    err = hy_dkim_key_load(hy_str_of(domain), hy_str_of(p->selector), hy_buf_str(&pem), ret_key,
                           diag);
    if (err)
        return err;
    err = write_key(p->file, hy_buf_str(&pem), diag);
    if (err)
        hy_dkim_key_unref(*ret_key);
    return err;
}

static json_t *key_json(const struct plan *p, const struct hy_dkim_key *key)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf txt = HY_BUF_INIT(8192), zone = HY_BUF_INIT(8192);
    if (hy_dkim_key_txt(key, &txt) != HY_OK || hy_dkim_key_zone(key, &zone) != HY_OK)
        return NULL;
    bool rsa = p->algorithm == HY_DKIM_RSA_SHA256;
    struct hy_str domain = hy_dkim_key_domain(key), selector = hy_dkim_key_selector(key);
    return json_pack("{s:s%,s:s%,s:s,s:i,s:s,s:s,s:s}", "domain", domain.p, domain.n, "selector",
                     selector.p, selector.n, "type", rsa ? "rsa" : "ed25519", "bits",
                     (int)hy_dkim_key_bits(key), "file", p->file, "txt", hy_buf_cstr(&txt), "zone",
                     hy_buf_cstr(&zone));
}

/* The record on standard output, for a zone file; what to do next on standard error. */
static int print_key(struct cli *c, const struct plan *p, const struct hy_dkim_key *key)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf zone = HY_BUF_INIT(8192);
    int err = hy_dkim_key_zone(key, &zone);
    if (err)
        return cli_fail(c, err, NULL, NULL);
    fprintf(c->out, "%s", hy_buf_cstr(&zone));
    fprintf(c->err, _(c, "The private key is in %s. Publish the record, then add to dkim.keys:\n"),
            p->file);
    fprintf(c->err, "    - domain: %.*s\n      selector: %.*s\n      file: %s\n",
            HY_STR_ARG(hy_dkim_key_domain(key)), HY_STR_ARG(hy_dkim_key_selector(key)), p->file);
    return CLI_OK;
}

static int wrong(struct cli *c, const char *text)
{
    fprintf(c->err, "hayauma: %s\n", text);
    return CLI_USAGE;
}

/* What is to be made; 0 and an exit code when the options do not say it well. */
static size_t plan_keys(struct cli *c, struct plan plans[2], int *ret_code)
{
    const char *type = cli_option(c, "type"), *bits = cli_option(c, "bits");
    const char *domain = cli_option(c, "domain"), *selector = cli_option(c, "selector");
    const char *out = cli_option(c, "out");
    uint64_t n_bits = HY_DKIM_RSA_BITS_GOOD;
    char dir[PATH_MAX];
    *ret_code = CLI_USAGE;
    if (!domain || !selector) {
        wrong(c, _(c, "--domain and --selector are needed"));
        return 0;
    }
    if (bits && (hy_str_to_u64(hy_str_of(bits), HY_DKIM_RSA_BITS_MAX, &n_bits) != HY_OK ||
                 (n_bits != 2048 && n_bits != 3072 && n_bits != 4096))) {
        wrong(c, _(c, "--bits is 2048, 3072 or 4096"));
        return 0;
    }
    const char *primes = cli_option(c, "primes");
    uint64_t n_primes = 2;
    if (primes && (hy_str_to_u64(hy_str_of(primes), 3, &n_primes) != HY_OK || n_primes < 2 ||
                   (n_primes == 3 && n_bits != 3072))) {
        wrong(c, _(c, "--primes is 2, or 3 with --bits 3072"));
        return 0;
    }
    const bool both = type && strcmp(type, "both") == 0;
    const bool rsa = !type || both || strcmp(type, "rsa") == 0;
    if ((both && out) || (!rsa && (bits || primes))) {
        wrong(c, both ? _(c, "two keys do not go into one file: use --dir")
                      : _(c, "only RSA keys have --bits"));
        return 0;
    }
    find_dir(c, dir, sizeof dir);
    size_t n = 0;
    for (int kind = rsa ? 0 : 1; kind < (both || !rsa ? 2 : 1); kind++) {
        struct plan *p = &plans[n++];
        p->algorithm = kind ? HY_DKIM_ED25519_SHA256 : HY_DKIM_RSA_SHA256;
        p->bits = (unsigned)n_bits;
        p->primes = (unsigned)n_primes;
        const char *suffix = kind && both ? ED25519_SUFFIX : "";
        int len = snprintf(p->selector, sizeof p->selector, "%s%s", selector, suffix);
        int file_len = out ? snprintf(p->file, sizeof p->file, "%s", out)
                           : snprintf(p->file, sizeof p->file, "%s/%s.%s%s.pem", dir, domain,
                                      selector, suffix);
        if (len >= (int)sizeof p->selector || file_len >= (int)sizeof p->file) {
            wrong(c, _(c, "the name is too long"));
            return 0;
        }
    }
    return n;
}

/* Tells it; where the folder is missing, also how it is made. */
static int fail(struct cli *c, int err, const struct hy_diag *diag, const char *file)
{
    char hint[PATH_MAX + 256], dir[PATH_MAX];
    const char *slash = strrchr(file, '/');
    if (err != HY_ENOTFOUND || !slash)
        return cli_fail(c, err, diag->text, NULL);
    snprintf(dir, sizeof dir, "%.*s", (int)(slash - file), file);
    snprintf(hint, sizeof hint,
             _(c, "make the folder first: 'install -d -m 700 %s', or name another with --dir"),
             dir);
    return cli_fail(c, err, diag->text, hint);
}

static int run(struct cli *c)
{
    struct plan plans[2];
    struct hy_diag diag = {""};
    int code;
    const size_t n = plan_keys(c, plans, &code);
    if (n == 0)
        return code;
    json_t *keys = json_array();
    code = CLI_OK;
    for (size_t i = 0; i < n && code == CLI_OK; i++) {
        struct hy_dkim_key *key = NULL;
        int err = make(&plans[i], cli_option(c, "domain"), &key, &diag);
        if (err)
            code = fail(c, err, &diag, plans[i].file);
        else if (c->json)
            json_array_append_new(keys, key_json(&plans[i], key));
        else
            code = print_key(c, &plans[i], key);
        hy_dkim_key_unref(err ? NULL : key);
    }
    if (c->json && code == CLI_OK)
        return cli_print_json(c, json_pack("{s:o}", "keys", keys));
    json_decref(keys);
    return code;
}

static const struct cli_option options[] = {
    {"domain",
     "DOMAIN",
     CLI_TEXT,
     NULL,
     {"domain that signs (d=), in ASCII form", "署名するドメイン (d=)、ASCII 形式"}},
    {"selector", "NAME", CLI_TEXT, NULL, {"name of the key (s=)", "鍵の名前 (s=)"}},
    {"type",
     "KIND",
     CLI_WORDS,
     "rsa ed25519 both",
     {"rsa (default), ed25519, or both: NAME and NAME" ED25519_SUFFIX,
      "rsa (既定)、ed25519、または both: NAME と NAME" ED25519_SUFFIX}},
    {"bits",
     "N",
     CLI_WORDS,
     "2048 3072 4096",
     {"size of an RSA key (default 2048)", "RSA 鍵の長さ (既定 2048)"}},
    {"primes",
     "N",
     CLI_WORDS,
     "2 3",
     {"primes of an RSA key of 3072 bits: 3 sign in half the time (default 2)",
      "3072 ビットの RSA 鍵の素数の数。3 なら署名の時間が半分 (既定 2)"}},
    {"dir",
     "DIR",
     CLI_DIR,
     NULL,
     {"folder of DOMAIN.NAME.pem (default: paths.dkim_dir)",
      "DOMAIN.NAME.pem を置くフォルダー (既定: paths.dkim_dir)"}},
    {"out", "FILE", CLI_FILE, NULL, {"the private key's file", "秘密鍵のファイル"}},
    {0}};
const struct cli_command cmd_dkim_keygen = {
    .name = "dkim keygen",
    .args = "",
    .summary = {"make a DKIM key and print its DNS record",
                "DKIM の鍵を作り DNS レコードを表示する"},
    .about =
        {"The private key goes into a new file that only its owner reads; made by root, it\n"
         "belongs to the owner of its folder. The record is printed as a zone file has it.\n"
         "A file that is there is never overwritten. RSA of 2048 bits is what every receiver\n"
         "understands; a second, Ed25519 signature costs little. On two processors of an EPYC\n"
         "(Zen 4) a second had signatures of RSA-2048 (112 bits of strength) 8,100, RSA-3072\n"
         "(128 bits) 1,100, with three primes 2,200, RSA-4096 (152 bits) 490, and Ed25519 (128\n"
         "bits) 53,000; 'hayauma dkim cost' measures it on this machine.",
         "秘密鍵は所有者だけが読める新しいファイルに書きます (root が作る場合はフォルダーの\n"
         "所有者のものになります)。レコードはゾーンファイルの形で表示します。既存のファイルは\n"
         "上書きしません。2048 ビットの RSA はすべての受信側が理解します。Ed25519 の署名を\n"
         "加えても負荷はわずかです。EPYC (Zen 4) のプロセッサ 2 個での毎秒の署名数は、\n"
         "RSA-2048 (強度 112 ビット) 8,100、RSA-3072 (128 ビット) 1,100、その素数 3 個の鍵\n"
         "2,200、RSA-4096 (152 ビット) 490、Ed25519 (128 ビット) 53,000 でした。このマシンでの\n"
         "値は 'hayauma dkim cost' が測ります。"},
    .examples = "hayauma dkim keygen --domain example.jp --selector s2026 >> example.jp.zone\n"
                "hayauma dkim keygen --domain example.jp --selector s2026 --type both",
    .options = options,
    .run = run,
};
