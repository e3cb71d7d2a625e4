/* The part of a report that programs read (RFC 3464 2): fields of the message, then of each
 * recipient. */
#include <stdio.h>

#include "date.h"
#include "dsn_priv.h"
#include "hayauma/model/id.h"

enum { LINE_SOFT = 76, LINE_HARD = 900, WORDS_MAX = 1024 };

struct hy_enhanced hy_dsn_status_of(const struct hy_dsn_rcpt *r)
{
    uint8_t class = r->action == HY_DSN_RELAYED ? 2 : r->action == HY_DSN_DELAYED ? 4 : 5;
    if (r->is_expired)
        return (struct hy_enhanced){4, 4, 7};
    if (r->status.class == class)
        return r->status;
    if (r->action == HY_DSN_FAILED && r->status.class == 4) /* it was given up at last */
        return r->status;
    return (struct hy_enhanced){class, 0, 0};
}

/* A field whose value may be anything: folded at spaces, or hard where there are none; what is not
 * printable ASCII becomes '?'. */
static void put_field(struct hy_buf *out, const char *name, const char *type, struct hy_str value)
{
    hy_buf_printf(out, "%s: %s", name, type);
    size_t column = strlen(name) + 2 + strlen(type);
    for (size_t i = 0; i < value.n && i < WORDS_MAX; i++) {
        char c = value.p[i] == '\t' ? ' ' : value.p[i];
        bool is_break = c == ' ' && column >= LINE_SOFT && i + 1 < value.n;
        if (is_break || column >= LINE_HARD) {
            hy_buf_add_lit(out, "\r\n ");
            column = 1;
            if (is_break)
                continue;
        }
        hy_buf_add_c(out, c >= ' ' && c < 0x7f ? c : '?');
        column++;
    }
    hy_buf_add_lit(out, "\r\n");
}

static void put_date(struct hy_buf *out, const char *name, hy_wall_ms when, int utc_offset_min)
{
    hy_buf_printf(out, "%s: ", name);
    hy_date_put(out, when, utc_offset_min);
    hy_buf_add_lit(out, "\r\n");
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What xtext stands for (RFC 3461 4); what is none stays as it is. */
static void decode_xtext(struct hy_buf *out, struct hy_str x)
{
    for (size_t i = 0; i < x.n; i++) {
        int high = i + 2 < x.n ? hex_of(x.p[i + 1]) : -1;
        int low = i + 2 < x.n ? hex_of(x.p[i + 2]) : -1;
        if (x.p[i] == '+' && high >= 0 && low >= 0) {
            hy_buf_add_c(out, (char)(high << 4 | low));
            i += 2;
        } else {
            hy_buf_add_c(out, x.p[i]);
        }
    }
}

/* utf-8-addr-xtext (RFC 6533 3): "\x{3042}" for what is not ASCII. */
static void put_address(struct hy_buf *out, const char *name, struct hy_str address)
{
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    bool is_ascii = hy_str_is_ascii(address);
    for (size_t at = 0; !is_ascii && at < address.n;) {
        uint32_t cp = hy_utf8_next(address, &at);
        if (cp > ' ' && cp < 0x7f && cp != '\\' && cp != '+' && cp != '=')
            hy_buf_add_c(&text, (char)cp);
        else
            hy_buf_printf(&text, "\\x{%X}", cp);
    }
    put_field(out, name, is_ascii ? "rfc822; " : "utf-8; ", is_ascii ? address : hy_buf_str(&text));
    hy_buf_free(&text);
}

/* "type;xtext" as "type; text". Its type is a word of ours to print, so only a known one passes. */
static void put_orcpt(struct hy_buf *out, struct hy_str orcpt)
{
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    size_t semi = hy_str_find(orcpt, ';', 0);
    if (semi == SIZE_MAX)
        return;
    hy_buf_add_str(&text, hy_str_slice(orcpt, 0, semi));
    hy_buf_add_lit(&text, "; ");
    decode_xtext(&text, hy_str_slice(orcpt, semi + 1, orcpt.n));
    put_field(out, "Original-Recipient", "", hy_buf_str(&text));
    hy_buf_free(&text);
}

static void put_diagnostic(struct hy_buf *out, const struct hy_dsn_rcpt *r)
{
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    char enhanced[16], number[16];
    if (r->words.n == 0 && r->code == 0)
        return;
    if (r->is_from_server && r->code) {
        snprintf(number, sizeof number, "%u ", r->code);
        if (!hy_str_starts(r->words, hy_str_of(number)))
            hy_buf_add_str(&text, hy_str_of(number));
        if (r->status.class &&
            hy_str_find_str(hy_str_slice(r->words, 0, 16),
                            hy_str_of(hy_enhanced_format(r->status, enhanced)), 0) == SIZE_MAX)
            hy_buf_printf(&text, "%s ", enhanced);
    }
    hy_buf_add_str(&text, r->words);
    put_field(out, "Diagnostic-Code", r->is_from_server ? "smtp; " : "X-hayauma; ",
              hy_str_trim(hy_buf_str(&text)));
    hy_buf_free(&text);
}

static void put_rcpt(const struct hy_dsn *d, const struct hy_dsn_rcpt *r, struct hy_buf *out)
{
    static const char *const actions[] = {
        [HY_DSN_FAILED] = "failed", [HY_DSN_DELAYED] = "delayed", [HY_DSN_RELAYED] = "relayed"};
    char status[16], log_id[HY_ID_TEXT_MAX];
    hy_buf_add_lit(out, "\r\n");
    if (r->orcpt.n)
        put_orcpt(out, r->orcpt);
    put_address(out, "Final-Recipient", r->address);
    hy_buf_printf(out, "Action: %s\r\nStatus: %s\r\n", actions[r->action],
                  hy_enhanced_format(hy_dsn_status_of(r), status));
    if (r->host.n)
        put_field(out, "Remote-MTA", "dns; ", r->host);
    put_diagnostic(out, r);
    if (r->tried)
        put_date(out, "Last-Attempt-Date", r->tried, d->utc_offset_min);
    if (r->log_id)
        hy_buf_printf(out, "Final-Log-ID: %s\r\n", hy_id_format(r->log_id, log_id));
    if (r->action == HY_DSN_DELAYED && r->retried_until)
        put_date(out, "Will-Retry-Until", r->retried_until, d->utc_offset_min);
}

void hy_dsn_status(const struct hy_dsn *d, struct hy_buf *out)
{
    if (d->envid.n) {
        struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
        decode_xtext(&text, d->envid);
        put_field(out, "Original-Envelope-Id", "", hy_buf_str(&text));
        hy_buf_free(&text);
    }
    put_field(out, "Reporting-MTA", "dns; ", d->host);
    put_date(out, "Arrival-Date", d->arrival, d->utc_offset_min);
    for (size_t i = 0; i < d->n_rcpts; i++)
        put_rcpt(d, &d->rcpts[i], out);
}
