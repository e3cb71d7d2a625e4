/* Base64, base32 and hex by table. */
#include "hayauma/base/codec.h"

static const char std64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char low32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char low16[] = "0123456789abcdef";

static size_t encode64(const uint8_t *p, size_t n, char *out, const char *abc)
{
    char *o = out;
    for (; n >= 3; n -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *o++ = abc[v >> 18];
        *o++ = abc[v >> 12 & 63];
        *o++ = abc[v >> 6 & 63];
        *o++ = abc[v & 63];
    }
    if (n) {
        uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
        *o++ = abc[v >> 18];
        *o++ = abc[v >> 12 & 63];
        if (n == 2)
            *o++ = abc[v >> 6 & 63];
    }
    return (size_t)(o - out);
}

size_t hy_base64_encode(const void *src, size_t n, char *out)
{
    size_t len = encode64(src, n, out, std64);
    while (len % 4)
        out[len++] = '=';
    return len;
}

void hy_base64_lines(struct hy_buf *out, struct hy_str bytes)
{
    enum { LINE_BYTES = 57, LINE = 76 };
    if (hy_buf_reserve(out, bytes.n / LINE_BYTES * (LINE + 2) + LINE + 4))
        return;
    for (size_t at = 0; at < bytes.n; at += LINE_BYTES) {
        struct hy_str line = hy_str_slice(bytes, at, at + LINE_BYTES);
        if (at)
            hy_buf_add_lit(out, "\r\n");
        out->len += hy_base64_encode(line.p, line.n, out->data + out->len);
    }
}

size_t hy_base64url_encode(const void *src, size_t n, char *out)
{
    return encode64(src, n, out, url64);
}

static int value64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

static int value32(char c)
{
    c = hy_ascii_lower(c);
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

static int value16(char c)
{
    c = hy_ascii_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Gathers `bits` bits a character; bits left over at the end must be zero and fewer than a
 * character carries. */
static int decode(struct hy_str s, int bits, int (*value)(char), uint8_t *out, size_t *ret_n)
{
    uint32_t acc = 0;
    int have = 0;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int v = value(s.p[i]);
        if (v < 0)
            return HY_EPARSE;
        acc = acc << bits | (uint32_t)v;
        have += bits;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(acc >> have);
            acc &= (1u << have) - 1;
        }
    }
    if (have >= bits || acc != 0)
        return HY_EPARSE;
    *ret_n = n;
    return HY_OK;
}

int hy_base64_decode(struct hy_str s, void *out, size_t *ret_n)
{
    size_t pad = 0;
    while (pad < 2 && s.n && s.p[s.n - 1] == '=') {
        s.n--;
        pad++;
    }
    if (pad && (s.n + pad) % 4)
        return HY_EPARSE;
    return decode(s, 6, value64, out, ret_n);
}

size_t hy_base32_encode(const void *src, size_t n, char *out)
{
    const uint8_t *p = src;
    uint32_t acc = 0;
    int have = 0;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        acc = acc << 8 | p[i];
        have += 8;
        while (have >= 5) {
            have -= 5;
            out[len++] = low32[acc >> have & 31];
        }
        acc &= (1u << have) - 1;
    }
    if (have)
        out[len++] = low32[acc << (5 - have) & 31];
    return len;
}

int hy_base32_decode(struct hy_str s, void *out, size_t *ret_n)
{
    return decode(s, 5, value32, out, ret_n);
}

size_t hy_hex_encode(const void *src, size_t n, char *out)
{
    const uint8_t *p = src;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = low16[p[i] >> 4];
        out[2 * i + 1] = low16[p[i] & 15];
    }
    return 2 * n;
}

int hy_hex_decode(struct hy_str s, void *out, size_t *ret_n)
{
    if (s.n % 2)
        return HY_EPARSE;
    return decode(s, 4, value16, out, ret_n);
}
