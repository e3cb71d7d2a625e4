/* From a mail that came back to what is noted of it. */
#include <openssl/evp.h>
#include <string.h>

#include "hayauma/base/json_put.h"
#include "intake.h"

enum { META_MAX = 8192 };

/* ---- the mail as such ---- */

/* What servers on the way put in front, and folded lines of it: the rest is the same when a mail
 * is brought again. */
static bool is_trace(struct hy_str line)
{
    static const char *const names[] = {"Received:",      "Return-Path:", "Delivered-To:",
                                        "X-Original-To:", "Envelope-To:", "From ",
                                        ">From ",         "X-Received:"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (hy_str_istarts(line, hy_str_of(names[i])))
            return true;
    return false;
}

static bool digest_lines(EVP_MD_CTX *md, struct hy_str rest)
{
    bool is_header = true, is_passed = false;
    struct hy_str line;
    while (hy_str_split(&rest, '\n', &line)) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        is_header = is_header && line.n > 0;
        bool is_folded = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
        is_passed = is_header && (is_folded ? is_passed : is_trace(line));
        if (!is_passed && (!EVP_DigestUpdate(md, line.p, line.n) || !EVP_DigestUpdate(md, "\n", 1)))
            return false;
    }
    return true;
}

/* Line ends at the end of the mail come and go on the way. */
static struct hy_str without_end(struct hy_str s)
{
    while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

static int hash(const struct hy_intake_mail *m, const struct hy_token *token,
                uint8_t out[HY_RETURNED_HASH_LEN])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool is_good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
                   EVP_DigestUpdate(md, &token->campaign, sizeof token->campaign) &&
                   EVP_DigestUpdate(md, &token->lead, sizeof token->lead) &&
                   digest_lines(md, without_end(m->content)) &&
                   EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    if (is_good)
        memcpy(out, digest, HY_RETURNED_HASH_LEN);
    return is_good ? HY_OK : HY_ECRYPTO;
}

/* ---- its items ---- */

/* 0: it says nothing that is noted. */
static enum hy_activity_kind kind_of(const struct hy_bounce_report *r,
                                     const struct hy_bounce_finding *f)
{
    bool is_delivered = f->class.reason == HY_BOUNCE_DELIVERED;
    switch (r->kind) {
    case HY_BOUNCE_KIND_COMPLAINT:
        return HY_ACTIVITY_COMPLAINT;
    case HY_BOUNCE_KIND_UNSUBSCRIBE:
        return HY_ACTIVITY_UNSUBSCRIBE;
    case HY_BOUNCE_KIND_AUTO_REPLY:
        return HY_ACTIVITY_AUTO_REPLY;
    case HY_BOUNCE_KIND_BOUNCE:
        if (is_delivered)
            return 0;
        return hy_str_istarts(f->action, HY_STR("delayed")) ? HY_ACTIVITY_DELAY_NOTICE
                                                            : HY_ACTIVITY_LATE_BOUNCE;
    case HY_BOUNCE_KIND_DELAY:
        return is_delivered ? 0 : HY_ACTIVITY_DELAY_NOTICE;
    default:
        return is_delivered ? 0 : HY_ACTIVITY_REPLY;
    }
}

static void put_member(struct hy_buf *b, const char *key, struct hy_str value)
{
    if (value.n == 0)
        return;
    hy_buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", key);
    hy_json_put_str(b, value);
}

static struct hy_str meta_of(struct hy_arena *a, const struct hy_bounce_report *r,
                             const struct hy_bounce_finding *f)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf b = HY_BUF_INIT(META_MAX);
    char status[16];
    hy_buf_add_lit(&b, "{");
    if (f->code)
        hy_buf_printf(&b, "\"reply_code\":%u", f->code);
    if (f->status.class)
        put_member(&b, "status", hy_str_of(hy_enhanced_format(f->status, status)));
    put_member(&b, "recipient", f->recipient);
    put_member(&b, "original_message_id", r->original_message_id);
    put_member(&b, "feedback_type", r->feedback_type);
    hy_buf_add_lit(&b, "}");
    return b.err || b.len <= 2 ? HY_STR("") : hy_arena_str(a, hy_buf_str(&b));
}

static int fill_item(struct hy_arena *a, const struct hy_bounce_report *r,
                     const struct hy_bounce_finding *f, struct hy_returned_item *i)
{
    bool is_notice = i->kind == HY_ACTIVITY_LATE_BOUNCE || i->kind == HY_ACTIVITY_DELAY_NOTICE;
    i->reason = is_notice ? (uint8_t)f->class.reason : 0;
    i->is_hard = i->kind == HY_ACTIVITY_LATE_BOUNCE && f->class.is_hard;
    i->is_soft = i->kind == HY_ACTIVITY_LATE_BOUNCE && !f->class.is_hard &&
                 hy_bounce_reason_is_soft(f->class.reason);
    i->is_suppress = f->class.is_suppress;
    i->code = f->code;
    i->status = f->status;
    i->address = hy_arena_str(a, i->kind == HY_ACTIVITY_REPLY ? r->from : f->recipient);
    i->text = hy_arena_str(a, is_notice ? f->diagnostic : r->subject);
    i->meta = meta_of(a, r, f);
    return i->address.p && i->text.p && i->meta.p ? HY_OK : HY_ENOMEM;
}

static int fill(struct hy_intake_mail *m, const struct hy_bounce_report *r)
{
    struct hy_returned *mail = &m->job.mail;
    struct hy_returned_item *items = hy_arena_zalloc(&m->arena, r->n * sizeof *items);
    size_t n = 0;
    if (!items)
        return HY_ENOMEM;
    for (size_t k = 0; k < r->n; k++) {
        items[n].kind = kind_of(r, &r->items[k]);
        if (items[n].kind == 0)
            continue;
        int err = fill_item(&m->arena, r, &r->items[k], &items[n]);
        if (err != HY_OK)
            return err;
        n++;
    }
    mail->items = items;
    mail->n = n;
    mail->is_believed = m->is_believed;
    mail->source = hy_arena_str(&m->arena, r->reporting_mta);
    return mail->source.p ? HY_OK : HY_ENOMEM;
}

int intake_read(struct hy_bounce_reader *reader, const struct hy_token_keys *tokens,
                struct hy_intake_mail *m)
{
    struct hy_bounce_report r;
    struct hy_token token = {0};
    int err = hy_bounce_read(reader, m->content, &r);
    if (err != HY_OK)
        return err;
    m->kind = r.kind;
    if (hy_bounce_find_token(m->to, m->n_to, tokens, &token) == HY_OK ||
        hy_bounce_find_token(r.clues, r.n_clues, tokens, &token) == HY_OK) {
        m->job.mail.campaign = token.campaign;
        m->job.mail.lead = token.lead;
    }
    err = hash(m, &token, m->job.mail.hash);
    return err == HY_OK ? fill(m, &r) : err;
}

/* ---- who may be written to ---- */

bool hy_intake_accepts(const struct hy_intake_addresses *a, struct hy_str address)
{
    struct hy_token token;
    for (size_t i = 0; i < a->n_others; i++)
        if (hy_str_ieq(a->others[i], address))
            return true;
    size_t at = address.n;
    while (at && address.p[at - 1] != '@')
        at--;
    if (at == 0 || !hy_str_ieq(hy_str_slice(address, at, address.n), a->domain))
        return false;
    struct hy_str local = hy_str_slice(address, 0, at - 1);
    if (a->prefix.n) {
        if (!hy_str_istarts(local, a->prefix) || local.n <= a->prefix.n ||
            local.p[a->prefix.n] != '+')
            return false;
        local = hy_str_slice(local, a->prefix.n + 1, local.n);
    }
    return hy_token_read(a->tokens, HY_TOKEN_RETURN, local, &token) == HY_OK;
}
