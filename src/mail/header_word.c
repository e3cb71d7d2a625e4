/* RFC 2047 encoded words: B or Q by what is shorter in UTF-8, always B in ISO-2022-JP. */
#include "header_word.h"

#include "hayauma/base/codec.h"
#include "hayauma/mail/jis.h"

enum {
    WORD_MAX = 75,
    UTF8_FRAME = sizeof "=?UTF-8?B?" - 1 + 2, /* 2: the closing mark */
    JIS_FRAME = sizeof "=?ISO-2022-JP?B?" - 1 + 2,
    /* A line that has less room than this is folded before a word begins. */
    ROOM_MIN = JIS_FRAME + 12,
};

void hy_line_fold(struct hy_header_line *line)
{
    struct hy_buf *out = line->out;
    if (out->err == 0 && out->len && out->data[out->len - 1] == ' ')
        out->len--;
    hy_buf_add_lit(out, "\r\n ");
    line->column = 1;
}

void hy_line_add(struct hy_header_line *line, struct hy_str s)
{
    hy_buf_add_str(line->out, s);
    line->column += s.n;
}

/* Characters that the next word may take on this line, frame included. */
static size_t word_room(struct hy_header_line *line)
{
    if (line->column + ROOM_MIN > HY_HEADER_LINE_MAX)
        hy_line_fold(line);
    size_t room = HY_HEADER_LINE_MAX - line->column;
    return room < WORD_MAX ? room : WORD_MAX;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static void add_b_word(struct hy_header_line *line, struct hy_str frame, const void *p, size_t n)
{
    struct hy_buf *out = line->out;
    if (hy_buf_reserve(out, WORD_MAX) != HY_OK)
        return;
    const size_t start = out->len;
    hy_buf_add_str(out, frame);
    out->len += hy_base64_encode(p, n, out->data + out->len);
    hy_buf_add_lit(out, "?=");
    line->column += out->len - start;
}

static void add_b_utf8(struct hy_header_line *line, struct hy_str text)
{
    while (text.n) {
        size_t n = (word_room(line) - UTF8_FRAME) / 4 * 3;
        if (n >= text.n)
            n = text.n;
        else
            while (is_continuation(text.p[n]))
                n--;
        add_b_word(line, HY_STR("=?UTF-8?B?"), text.p, n);
        text = hy_str_slice(text, n, text.n);
        if (text.n)
            hy_line_fold(line);
    }
}

static void add_b_jis(struct hy_header_line *line, struct hy_str text)
{
    for (size_t pos = 0; pos < text.n;) {
        const size_t room = (word_room(line) - JIS_FRAME) / 4 * 3;
        char raw[WORD_MAX];
        size_t n = 0;
        bool wide = false;
        while (pos < text.n) {
            size_t behind = pos;
            uint16_t code = hy_jis_next(text, &behind);
            bool is_wide = code > 0xff;
            size_t cost = (is_wide ? 2u : 1u) + (is_wide != wide ? 3u : 0u);
            if (n + cost + (is_wide ? 3u : 0u) > room)
                break;
            if (is_wide != wide) {
                memcpy(raw + n, is_wide ? "\x1b$B" : "\x1b(B", 3);
                n += 3;
                wide = is_wide;
            }
            if (is_wide)
                raw[n++] = (char)(code >> 8);
            raw[n++] = (char)(code & 0xff);
            pos = behind;
        }
        if (wide) {
            memcpy(raw + n, "\x1b(B", 3);
            n += 3;
        }
        add_b_word(line, HY_STR("=?ISO-2022-JP?B?"), raw, n);
        if (pos < text.n)
            hy_line_fold(line);
    }
}

/* Whether Q writes the byte as it stands; a space becomes an underscore. */
static bool q_is_plain(char c, enum hy_word_place place)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == ' ')
        return true;
    if (place == HY_WORD_IN_PHRASE)
        return c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
    return c > ' ' && c < 0x7f && c != '=' && c != '?' && c != '_';
}

static size_t q_length(struct hy_str s, enum hy_word_place place)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += q_is_plain(s.p[i], place) ? 1 : 3;
    return n;
}

static size_t char_length(struct hy_str s)
{
    size_t n = 1;
    while (n < s.n && is_continuation(s.p[n]))
        n++;
    return n;
}

static void add_q_utf8(struct hy_header_line *line, struct hy_str text, enum hy_word_place place)
{
    while (text.n) {
        const size_t room = word_room(line) - UTF8_FRAME;
        char word[WORD_MAX];
        size_t n = 0;
        while (text.n) {
            struct hy_str one = hy_str_slice(text, 0, char_length(text));
            if (n + q_length(one, place) > room)
                break;
            for (size_t i = 0; i < one.n; i++) {
                if (q_is_plain(one.p[i], place)) {
                    word[n++] = one.p[i] == ' ' ? '_' : one.p[i];
                    continue;
                }
                word[n++] = '=';
                word[n++] = "0123456789ABCDEF"[(unsigned char)one.p[i] >> 4];
                word[n++] = "0123456789ABCDEF"[(unsigned char)one.p[i] & 15];
            }
            text = hy_str_slice(text, one.n, text.n);
        }
        hy_line_add(line, HY_STR("=?UTF-8?Q?"));
        hy_line_add(line, hy_str_make(word, n));
        hy_line_add(line, HY_STR("?="));
        if (text.n)
            hy_line_fold(line);
    }
}

static bool jis_can_hold(struct hy_str text)
{
    for (size_t pos = 0; pos < text.n;)
        if (hy_jis_next(text, &pos) == 0)
            return false;
    return true;
}

void hy_words_add(struct hy_header_line *line, struct hy_str text, enum hy_mail_charset charset,
                  enum hy_word_place place)
{
    if (charset == HY_MAIL_ISO_2022_JP && jis_can_hold(text))
        add_b_jis(line, text);
    else if (q_length(text, place) <= (text.n + 2) / 3 * 4)
        add_q_utf8(line, text, place);
    else
        add_b_utf8(line, text);
}
