/* Text on its way into a part: charset, transfer encoding, line lengths.
 *
 * Quoted-printable: a piece is encoded as if it began a line. Where it does not fit behind what
 * stands in the line, a soft line break goes between. A blank is only written as such when a
 * character follows it in the same piece and none came before, and tabs never are: so the lines
 * are their own relaxed canonical form (RFC 6376 3.4.4). A dot or "From " at the start of a line is
 * encoded: no dot-stuffing, no ">From".
 *
 * Base64: a value may leave one or two bytes of an unfinished group of three; each piece is encoded
 * for those three cases, and begins a line of its own (lines may be shorter than 76: RFC 2045 6.8).
 */
#include "piece.h"
#include "hayauma/base/codec.h"
#include "hayauma/mail/jis.h"
#include "jis_soften.h"

enum {
    QP_LINE = 75, /* characters before a soft line break */
    B64_LINE = 76,
    B64_SHORT = 16,   /* shorter pieces are encoded as values are */
    PLAIN_CHUNK = 256 /* 7bit, 8bit: characters are at most this many bytes of UTF-8 at once */
};

static void soft_break(struct hy_sink *s)
{
    hy_buf_add_lit(s->out, "=\r\n");
    s->column = 0;
}

static void hard_break(struct hy_sink *s)
{
    hy_buf_add_lit(s->out, "\r\n");
    s->column = 0;
}

/* Bytes that quoted-printable passes as they are, blanks apart. */
static bool is_qp_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '=';
}

static bool begins_badly(struct hy_str text, size_t at)
{
    return text.p[at] == '.' || hy_str_starts(hy_str_slice(text, at, text.n), HY_STR("From "));
}

/* Precondition: room for the worst case. */
static void qp_encode(struct hy_sink *s, struct hy_str text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = s->out->data + s->out->len;
    size_t column = s->column;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n') {
            memcpy(out, "\r\n", 2);
            out += 2;
            column = 0;
            continue;
        }
        bool is_plain = is_qp_plain(c);
        if (c == ' ' && i + 1 < text.n) {
            char next = text.p[i + 1];
            is_plain = next != ' ' && next != '\t' && next != '\n';
        }
        if (column + (is_plain ? 1 : 3) > QP_LINE) {
            memcpy(out, "=\r\n", 3);
            out += 3;
            column = 0;
        }
        if (is_plain && (column > 0 || !begins_badly(text, i))) {
            *out++ = (char)c;
            column++;
        } else {
            *out++ = '=';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
            column += 3;
        }
    }
    s->out->len = (size_t)(out - s->out->data);
    s->column = column;
}

static void qp_text(struct hy_sink *s, struct hy_str text)
{
    /* three for each byte, and a soft break for every 25 of them */
    if (hy_buf_reserve(s->out, text.n * 3 + text.n / 8 + 16) == 0)
        qp_encode(s, text);
}

/* Appends groups of three bytes in lines; precondition: room. */
static void b64_groups(struct hy_sink *s, const char *p, size_t n)
{
    while (n) {
        size_t fit = (B64_LINE - s->column) / 4 * 3;
        if (fit > n)
            fit = n;
        size_t wrote = hy_base64_encode(p, fit, s->out->data + s->out->len);
        s->out->len += wrote;
        s->column += wrote;
        p += fit;
        n -= fit;
        if (s->column == B64_LINE)
            hard_break(s);
    }
}

static void b64_bytes(struct hy_sink *s, struct hy_str bytes)
{
    if (hy_buf_reserve(s->out, (bytes.n + 6) * 2))
        return;
    size_t at = 0;
    while (s->n_carry > 0 && s->n_carry < 3 && at < bytes.n)
        s->carry[s->n_carry++] = (uint8_t)bytes.p[at++];
    if (s->n_carry == 3) {
        s->n_carry = 0;
        b64_groups(s, (const char *)s->carry, 3);
    }
    size_t whole = (bytes.n - at) / 3 * 3;
    if (s->n_carry == 0) {
        b64_groups(s, bytes.p + at, whole);
        at += whole;
        while (at < bytes.n)
            s->carry[s->n_carry++] = (uint8_t)bytes.p[at++];
    }
}

static void b64_text(struct hy_sink *s, struct hy_str text)
{
    for (size_t at = 0; at < text.n;) {
        size_t lf = hy_str_find(text, '\n', at);
        b64_bytes(s, hy_str_slice(text, at, lf));
        if (lf == SIZE_MAX)
            return;
        b64_bytes(s, HY_STR("\r\n"));
        at = lf + 1;
    }
}

/* The text in the charset of the part; a view of `work` or of `text` itself. */
static struct hy_str to_charset(struct hy_sink *s, struct hy_str text)
{
    if (s->coding.charset != HY_MAIL_ISO_2022_JP || hy_str_is_ascii(text))
        return text;
    struct hy_buf *work = s->work;
    hy_buf_reset(work);
    hy_jis_soften(work, text, s->coding.is_html);
    size_t n = work->len;
    if (hy_buf_reserve(work, n * 4 + 16)) /* so that encoding does not move what it reads */
        return (struct hy_str){"", 0};
    int rc = hy_jis_encode(work, hy_str_make(work->data, n));
    if (rc)
        s->out->err = s->out->err ? s->out->err : rc;
    return hy_str_make(work->data + n, work->len - n);
}

/* 7bit and 8bit: lines of at most HY_LINE_MAX bytes, broken where they would grow longer. */
static void plain_line(struct hy_sink *s, struct hy_str line)
{
    for (size_t at = 0; at < line.n;) {
        size_t end = line.n - at > PLAIN_CHUNK ? at + PLAIN_CHUNK : line.n;
        while (end < line.n && ((unsigned char)line.p[end] & 0xc0) == 0x80 && end > at + 1)
            end--;
        struct hy_str bytes = to_charset(s, hy_str_slice(line, at, end));
        if (s->column + bytes.n > HY_LINE_MAX)
            hard_break(s);
        s->has_8bit |= !hy_str_is_ascii(bytes);
        hy_buf_add_str(s->out, bytes);
        s->column += bytes.n;
        at = end;
    }
}

static void plain_text(struct hy_sink *s, struct hy_str text)
{
    for (size_t at = 0; at < text.n;) {
        size_t lf = hy_str_find(text, '\n', at);
        plain_line(s, hy_str_slice(text, at, lf));
        if (lf == SIZE_MAX)
            return;
        hard_break(s);
        at = lf + 1;
    }
}

void hy_sink_text(struct hy_sink *s, struct hy_str text)
{
    switch (s->coding.transfer) {
    case HY_TRANSFER_AUTO:
        hy_buf_add_str(s->out, text);
        break;
    case HY_TRANSFER_7BIT:
    case HY_TRANSFER_8BIT:
        plain_text(s, text);
        break;
    case HY_TRANSFER_QP:
        qp_text(s, to_charset(s, text));
        break;
    case HY_TRANSFER_BASE64:
        b64_text(s, to_charset(s, text));
        break;
    }
}

void hy_sink_token(struct hy_sink *s, const char *token, size_t n)
{
    switch (s->coding.transfer) {
    case HY_TRANSFER_AUTO:
        hy_buf_add(s->out, token, n);
        return;
    case HY_TRANSFER_QP:
        if (s->column + n > QP_LINE)
            soft_break(s);
        break;
    case HY_TRANSFER_7BIT:
    case HY_TRANSFER_8BIT:
        if (s->column + n > HY_LINE_MAX)
            hard_break(s);
        break;
    case HY_TRANSFER_BASE64:
        b64_bytes(s, hy_str_make(token, n));
        return;
    }
    hy_buf_add(s->out, token, n);
    s->column += n;
}

static void b64_piece(struct hy_sink *s, const struct hy_piece *piece)
{
    if (piece->raw.n < B64_SHORT) {
        b64_bytes(s, piece->raw);
        return;
    }
    unsigned phase = s->n_carry;
    size_t head = (3 - phase) % 3;
    b64_bytes(s, hy_str_slice(piece->raw, 0, head));
    if (s->column > 0)
        hard_break(s);
    hy_buf_add_str(s->out, piece->wire[phase]);
    s->column = piece->last_line[phase];
    size_t rest = (piece->raw.n - head) % 3;
    for (size_t i = 0; i < rest; i++)
        s->carry[s->n_carry++] = (uint8_t)piece->raw.p[piece->raw.n - rest + i];
}

void hy_sink_piece(struct hy_sink *s, const struct hy_piece *piece)
{
    switch (s->coding.transfer) {
    case HY_TRANSFER_AUTO:
        hy_buf_add_str(s->out, piece->text);
        return;
    case HY_TRANSFER_BASE64:
        b64_piece(s, piece);
        return;
    case HY_TRANSFER_QP:
        if (s->column > 0 && s->column + piece->first_line > QP_LINE + 1)
            soft_break(s);
        break;
    case HY_TRANSFER_7BIT:
    case HY_TRANSFER_8BIT:
        if (s->column > 0 && s->column + piece->first_line > HY_LINE_MAX)
            hard_break(s);
        break;
    }
    hy_buf_add_str(s->out, piece->wire[0]);
    s->has_8bit |= piece->has_8bit;
    s->column = piece->last_line[0] + (piece->is_one_line ? s->column : 0);
}

void hy_sink_end(struct hy_sink *s)
{
    if (s->coding.transfer != HY_TRANSFER_BASE64 || s->n_carry == 0)
        return;
    if (hy_buf_reserve(s->out, 8))
        return;
    s->out->len += hy_base64_encode(s->carry, s->n_carry, s->out->data + s->out->len);
    s->column += 4;
    s->n_carry = 0;
}

/* A copy of what was written to `out` so far, which is then empty. */
static struct hy_str take(struct hy_arena *arena, struct hy_buf *out)
{
    struct hy_str copy = out->err ? (struct hy_str){0} : hy_arena_str(arena, hy_buf_str(out));
    hy_buf_reset(out);
    return copy;
}

/* LF for every line end, as sinks want them. */
static void add_lf_text(struct hy_buf *out, struct hy_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        bool is_pair = text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n';
        if (!is_pair)
            hy_buf_add_c(out, text.p[i] == '\r' ? '\n' : text.p[i]);
    }
}

static int make_base64(struct hy_arena *arena, struct hy_sink *s, struct hy_str text,
                       struct hy_piece *piece)
{
    struct hy_str bytes = to_charset(s, text);
    for (size_t at = 0; at < bytes.n;) {
        size_t lf = hy_str_find(bytes, '\n', at);
        hy_buf_add_str(s->out, hy_str_slice(bytes, at, lf));
        if (lf == SIZE_MAX)
            break;
        hy_buf_add_lit(s->out, "\r\n");
        at = lf + 1;
    }
    int rc = s->out->err;
    piece->raw = take(arena, s->out);
    for (size_t phase = 0; phase < 3 && rc == 0; phase++) {
        size_t head = (3 - phase) % 3;
        struct hy_str body = hy_str_slice(piece->raw, head, piece->raw.n);
        s->column = 0;
        if (hy_buf_reserve(s->out, (body.n + 6) * 2) == 0)
            b64_groups(s, body.p, body.n / 3 * 3);
        rc = s->out->err;
        piece->wire[phase] = take(arena, s->out);
        piece->last_line[phase] = s->column;
    }
    return rc;
}

int hy_piece_make(struct hy_arena *arena, struct hy_coding coding, struct hy_str text,
                  struct hy_piece **ret_piece)
{
    struct hy_buf out = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 16ul);
    struct hy_buf work = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 16ul);
    struct hy_buf lf = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 16ul);
    struct hy_sink s = {.out = &out, .work = &work, .coding = coding};
    struct hy_piece *piece = hy_arena_zalloc(arena, sizeof *piece);
    int rc = piece ? 0 : HY_ENOMEM;
    add_lf_text(&lf, text);
    if (rc == 0)
        rc = lf.err;
    if (rc == 0 && coding.transfer == HY_TRANSFER_BASE64) {
        rc = make_base64(arena, &s, hy_buf_str(&lf), piece);
    } else if (rc == 0) {
        hy_sink_text(&s, hy_buf_str(&lf));
        rc = out.err;
        if (rc == 0 && coding.transfer == HY_TRANSFER_7BIT && s.has_8bit)
            rc = HY_EUNSUPPORTED;
        piece->wire[0] = take(arena, &out);
        piece->last_line[0] = s.column;
        piece->has_8bit = s.has_8bit;
    }
    if (rc == 0) {
        piece->text = text;
        size_t cr = hy_str_find(piece->wire[0], '\r', 0);
        piece->is_one_line = cr == SIZE_MAX;
        piece->first_line = piece->is_one_line ? piece->wire[0].n : cr;
        bool is_copied = coding.transfer == HY_TRANSFER_BASE64 ? piece->raw.p && piece->wire[2].p
                                                               : piece->wire[0].p != NULL;
        rc = is_copied ? 0 : HY_ENOMEM;
    }
    hy_buf_free(&out);
    hy_buf_free(&work);
    hy_buf_free(&lf);
    if (rc == 0)
        *ret_piece = piece;
    return rc;
}
