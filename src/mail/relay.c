/* Handed-in messages: one pass over the lines checks them and finds the end of the header, a second
 * one writes the fields that stay, then the body as it is. */
#include "hayauma/mail/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "date.h"
#include "hayauma/mail/address.h"
#include "hayauma/mail/header.h"

enum { HOPS_MAX = 50 };

const char *hy_relay_fault_text(enum hy_relay_fault f)
{
    static const char *const texts[HY_RELAY_FAULTS] = {
        [HY_RELAY_GOOD] = "it is good",
        [HY_RELAY_EMPTY] = "the message is empty",
        [HY_RELAY_BARE_CR] = "the message has a CR without LF",
        [HY_RELAY_BARE_LF] = "the message has an LF without CR",
        [HY_RELAY_NUL] = "the message has a NUL byte",
        [HY_RELAY_LONG_LINE] = "the message has a line of more than 998 bytes",
        [HY_RELAY_LONG_HEADER] = "the header is too large",
        [HY_RELAY_NO_FROM] = "the message has no From field",
        [HY_RELAY_TWO_FROM] = "the message has more than one address in From",
        [HY_RELAY_BAD_FROM] = "the From field has no address that can be used",
        [HY_RELAY_TWICE] = "a header field that may come only once is there twice",
        [HY_RELAY_LOOP] = "the message loops: it has passed too many hosts",
    };
    return (unsigned)f < HY_RELAY_FAULTS ? texts[f] : "?";
}

/* ---- lines ---- */

/* One line: `text` without its end. A line that ends with the bytes, not with LF, has no end. */
struct line {
    struct hy_str text;
    bool has_end;
    enum hy_relay_fault fault;
};

static bool next_line(struct hy_str *rest, bool repair, struct line *ret)
{
    if (rest->n == 0)
        return false;
    const char *lf = memchr(rest->p, '\n', rest->n);
    size_t n = lf ? (size_t)(lf - rest->p) : rest->n;
    struct line l = {.text = hy_str_slice(*rest, 0, n), .has_end = lf != NULL};
    *rest = hy_str_slice(*rest, lf ? n + 1 : n, rest->n);
    bool has_cr = n && l.text.p[n - 1] == '\r';
    if (lf && has_cr)
        l.text.n--;
    else if (lf && !repair)
        l.fault = HY_RELAY_BARE_LF;
    if (!l.fault && l.text.n && memchr(l.text.p, '\r', l.text.n))
        l.fault = HY_RELAY_BARE_CR;
    if (!l.fault && l.text.n && memchr(l.text.p, '\0', l.text.n))
        l.fault = HY_RELAY_NUL;
    if (!l.fault && l.text.n > HY_RELAY_LINE_MAX)
        l.fault = HY_RELAY_LONG_LINE;
    *ret = l;
    return true;
}

static void put_line(struct hy_buf *out, struct hy_str text)
{
    hy_buf_add_str(out, text);
    hy_buf_add_lit(out, "\r\n");
}

/* ---- the header ---- */

enum field {
    FIELD_OTHER,
    FIELD_FROM,
    FIELD_DATE,
    FIELD_MESSAGE_ID,
    FIELD_SENDER,
    FIELD_REPLY_TO,
    FIELD_TO,
    FIELD_CC,
    FIELD_SUBJECT,
    FIELD_RECEIVED,
    FIELD_DROPPED,
};

static enum field field_of(struct hy_str name)
{
    static const struct {
        const char *name;
        enum field field;
    } known[] = {
        {"From", FIELD_FROM},     {"Date", FIELD_DATE},          {"Message-ID", FIELD_MESSAGE_ID},
        {"Sender", FIELD_SENDER}, {"Reply-To", FIELD_REPLY_TO},  {"To", FIELD_TO},
        {"Cc", FIELD_CC},         {"Subject", FIELD_SUBJECT},    {"Received", FIELD_RECEIVED},
        {"Bcc", FIELD_DROPPED},   {"Resent-Bcc", FIELD_DROPPED}, {"Return-Path", FIELD_DROPPED},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (hy_str_ieq(name, hy_str_of(known[i].name)))
            return known[i].field;
    return FIELD_OTHER;
}

struct editing {
    const struct hy_relay_input *in;
    struct hy_buf *out;
    struct hy_relay_output ret;
    enum hy_relay_fault fault;
    unsigned seen; /* bits of enum field */
    unsigned fields, hops;
};

/* The name of a field that begins here; false: this is no field, so the body begins. */
static bool field_name(struct hy_str line, struct hy_str *ret)
{
    size_t colon = hy_str_find(line, ':', 0);
    if (colon == SIZE_MAX)
        return false;
    struct hy_str name = hy_str_slice(line, 0, colon);
    while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
        name.n--;
    *ret = name;
    return hy_header_name_ok(name);
}

/* The one address of a From value: in angle brackets, or what stands outside of comments and
 * quotes. False when there are several, or none. */
static enum hy_relay_fault read_from(struct hy_str value, struct hy_relay_output *ret)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bare = HY_BUF_INIT(HY_RELAY_HEADER_MAX);
    struct hy_str angle = {0};
    bool in_quotes = false, has_angle = false;
    int depth = 0;
    size_t open = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        bool outside = !in_quotes && depth == 0;
        if (c == '\\' && !outside) {
            i++;
            continue;
        }
        if (c == '"' && depth == 0)
            in_quotes = !in_quotes;
        else if (c == '(' && !in_quotes)
            depth++;
        else if (c == ')' && !in_quotes && depth)
            depth--;
        else if (outside && c == ',')
            return HY_RELAY_TWO_FROM;
        else if (outside && c == '<')
            open = i + 1;
        else if (outside && c == '>' && open) {
            if (has_angle)
                return HY_RELAY_TWO_FROM;
            angle = hy_str_slice(value, open, i);
            has_angle = true;
        }
        if (outside && c != '(' && c != '\r' && c != '\n')
            hy_buf_add_c(&bare, c);
        else if (in_quotes || (c == '"' && depth == 0))
            hy_buf_add_c(&bare, c);
    }
    if (bare.err || in_quotes || depth)
        return HY_RELAY_BAD_FROM;
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_address a;
    enum hy_address_reason reason;
    struct hy_str text = has_angle ? hy_str_trim(angle) : hy_str_trim(hy_buf_str(&bare));
    if (hy_address_parse(text, &rules, &a, &reason) != HY_OK)
        return HY_RELAY_BAD_FROM;
    snprintf(ret->from, sizeof ret->from, "%.*s", HY_STR_ARG(hy_address_wire(&a)));
    snprintf(ret->from_domain, sizeof ret->from_domain, "%.*s", HY_STR_ARG(hy_address_domain(&a)));
    return HY_RELAY_GOOD;
}

static void read_message_id(struct hy_str value, struct hy_relay_output *ret)
{
    struct hy_str id = hy_str_trim(value);
    size_t end = hy_str_find(id, '>', 0);
    if (end != SIZE_MAX)
        id = hy_str_slice(id, 0, end + 1);
    snprintf(ret->message_id, sizeof ret->message_id, "%.*s", HY_STR_ARG(id));
}

static void count_hop(struct editing *e)
{
    unsigned most = e->in->hops_max ? e->in->hops_max : HOPS_MAX;
    if (++e->hops > most)
        e->fault = HY_RELAY_LOOP;
}

/* A whole field; its lines are joined by CRLF. */
static void take_field(struct editing *e, struct hy_str name, struct hy_str whole)
{
    enum field f = field_of(name);
    const unsigned once = 1u << FIELD_FROM | 1u << FIELD_DATE | 1u << FIELD_MESSAGE_ID |
                          1u << FIELD_SENDER | 1u << FIELD_REPLY_TO | 1u << FIELD_TO |
                          1u << FIELD_CC | 1u << FIELD_SUBJECT;
    if (++e->fields > HY_RELAY_FIELDS_MAX)
        e->fault = HY_RELAY_LONG_HEADER;
    if (f == FIELD_DROPPED || e->fault)
        return;
    struct hy_str value = hy_str_slice(whole, hy_str_find(whole, ':', 0) + 1, whole.n);
    bool is_empty_id = f == FIELD_MESSAGE_ID && hy_str_trim(value).n == 0;
    if (is_empty_id) /* as good as none */
        return;
    if ((once >> f & 1) && (e->seen >> f & 1))
        e->fault = f == FIELD_FROM ? HY_RELAY_TWO_FROM : HY_RELAY_TWICE;
    else if (f == FIELD_FROM)
        e->fault = read_from(value, &e->ret);
    else if (f == FIELD_MESSAGE_ID)
        read_message_id(value, &e->ret);
    else if (f == FIELD_RECEIVED)
        count_hop(e);
    e->seen |= 1u << f;
    if (!hy_str_is_ascii(whole))
        e->ret.has_utf8_header |= hy_str_is_utf8(whole);
    put_line(e->out, whole);
}

/* ---- fields of our own ---- */

/* What a stranger says, between other words of ours. */
static void put_word(struct hy_buf *out, struct hy_str s, size_t most)
{
    for (size_t i = 0; i < s.n && i < most; i++) {
        bool is_plain = s.p[i] > ' ' && s.p[i] < 0x7f && !strchr("()<>;\\\"", s.p[i]);
        hy_buf_add_c(out, is_plain ? s.p[i] : '?');
    }
}

static void put_received(struct editing *e)
{
    const struct hy_relay_input *in = e->in;
    struct hy_buf *out = e->out;
    hy_buf_add_lit(out, "Received: from ");
    put_word(out, in->helo.n ? in->helo : HY_STR("unknown"), 255);
    hy_buf_add_lit(out, " (");
    put_word(out, in->client, 64);
    hy_buf_add_lit(out, ")\r\n\tby ");
    put_word(out, in->host, 255);
    hy_buf_add_lit(out, " (hayauma) with ");
    put_word(out, in->protocol, 32);
    hy_buf_add_lit(out, " id ");
    put_word(out, in->id, 64);
    if (in->recipient.n && in->recipient.n <= HY_ADDRESS_MAX && hy_str_is_ascii(in->recipient) &&
        !memchr(in->recipient.p, '"', in->recipient.n)) {
        hy_buf_add_lit(out, "\r\n\tfor <");
        put_word(out, in->recipient, HY_ADDRESS_MAX);
        hy_buf_add_c(out, '>');
    }
    hy_buf_add_lit(out, ";\r\n\t");
    hy_date_put(out, in->now, in->utc_offset_min);
    hy_buf_add_lit(out, "\r\n");
}

static void put_missing(struct editing *e)
{
    if (!(e->seen >> FIELD_DATE & 1)) {
        hy_buf_add_lit(e->out, "Date: ");
        hy_date_put(e->out, e->in->now, e->in->utc_offset_min);
        hy_buf_add_lit(e->out, "\r\n");
    }
    if (e->seen >> FIELD_MESSAGE_ID & 1)
        return;
    snprintf(e->ret.message_id, sizeof e->ret.message_id, "<%.*s@%.*s>",
             HY_STR_ARG(hy_str_slice(e->in->message_id, 0, 64)), HY_STR_ARG(e->in->host));
    hy_buf_add_lit(e->out, "Message-ID: ");
    put_line(e->out, hy_str_of(e->ret.message_id));
}

/* ---- the message ---- */

static bool is_continuation(struct hy_str line)
{
    return line.n && (line.p[0] == ' ' || line.p[0] == '\t');
}

/* A field whose lines are gathered in `field`, until the next one begins. */
static void end_field(struct editing *e, struct hy_buf *field)
{
    struct hy_str name, whole = hy_buf_str(field);
    if (whole.n && field_name(whole, &name))
        take_field(e, name, whole);
    hy_buf_reset(field);
}

/* Up to the empty line, or the first line that is no field, which then begins the body. */
static void edit_header(struct editing *e, struct hy_str *rest)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf field = HY_BUF_INIT(HY_RELAY_HEADER_MAX);
    struct hy_str name, before = *rest;
    struct line l;
    bool is_first = true;
    size_t bytes = 0;
    while (!e->fault && next_line(rest, e->in->repair_line_ends, &l)) {
        if (l.fault) {
            e->fault = l.fault;
            break;
        }
        if (l.text.n == 0)
            break;
        bool is_mbox = is_first && hy_str_starts(l.text, HY_STR("From "));
        is_first = false;
        if (is_mbox) { /* the envelope line of a mailbox file */
            before = *rest;
            continue;
        }
        bool goes_on = is_continuation(l.text) && field.len;
        if (!goes_on && !field_name(l.text, &name)) {
            *rest = before;
            break;
        }
        if (!goes_on)
            end_field(e, &field);
        else
            hy_buf_add_lit(&field, "\r\n");
        hy_buf_add_str(&field, l.text);
        bytes += l.text.n;
        if (bytes > HY_RELAY_HEADER_MAX)
            e->fault = HY_RELAY_LONG_HEADER;
        else if (field.err && !e->out->err)
            e->out->err = field.err;
        before = *rest;
    }
    if (!e->fault)
        end_field(e, &field);
}

static void edit_body(struct editing *e, struct hy_str rest)
{
    struct line l;
    while (!e->fault && next_line(&rest, e->in->repair_line_ends, &l)) {
        e->fault = l.fault;
        if (l.text.n && l.text.p[0] == '.')
            e->ret.has_no_dot_line = false;
        put_line(e->out, l.text);
    }
}

int hy_relay_edit(const struct hy_relay_input *in, struct hy_buf *out, struct hy_relay_output *ret,
                  enum hy_relay_fault *ret_fault)
{
    struct editing e = {.in = in, .out = out, .ret = {.has_no_dot_line = true}};
    struct hy_str rest = in->message;
    size_t begin = out->len;
    if (rest.n == 0)
        e.fault = HY_RELAY_EMPTY;
    int err = hy_buf_reserve(out, in->message.n + 2048);
    if (err)
        return err;
    put_received(&e);
    edit_header(&e, &rest);
    if (!e.fault && !(e.seen >> FIELD_FROM & 1))
        e.fault = HY_RELAY_NO_FROM;
    if (!e.fault) {
        put_missing(&e);
        hy_buf_add_lit(out, "\r\n");
        e.ret.header_bytes = (uint32_t)(out->len - begin);
        edit_body(&e, rest);
    }
    if (e.fault) {
        *ret_fault = e.fault;
        return HY_EINVAL;
    }
    if (out->err)
        return out->err;
    e.ret.has_8bit = !hy_str_is_ascii(hy_str_slice(hy_buf_str(out), begin, out->len));
    *ret = e.ret;
    return HY_OK;
}
