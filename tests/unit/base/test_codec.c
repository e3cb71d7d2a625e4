#include <criterion/criterion.h>

#include "hayauma/base/bytes.h"
#include "hayauma/base/codec.h"
#include "hayauma/base/rand.h"

Test(codec, writes_the_vectors_of_rfc_4648)
{
    static const struct {
        const char *plain, *base64, *base32, *hex;
    } cases[] = {
        {"", "", "", ""},
        {"f", "Zg==", "my", "66"},
        {"fo", "Zm8=", "mzxq", "666f"},
        {"foo", "Zm9v", "mzxw6", "666f6f"},
        {"foob", "Zm9vYg==", "mzxw6yq", "666f6f62"},
        {"fooba", "Zm9vYmE=", "mzxw6ytb", "666f6f6261"},
        {"foobar", "Zm9vYmFy", "mzxw6ytboi", "666f6f626172"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *p = cases[i].plain;
        size_t n = strlen(p);
        char out[64] = "";
        out[hy_base64_encode(p, n, out)] = '\0';
        cr_assert_str_eq(out, cases[i].base64);
        out[hy_base32_encode(p, n, out)] = '\0';
        cr_assert_str_eq(out, cases[i].base32);
        out[hy_hex_encode(p, n, out)] = '\0';
        cr_assert_str_eq(out, cases[i].hex);
        size_t got = 99;
        cr_assert_eq(hy_base64_decode(hy_str_of(cases[i].base64), out, &got), 0);
        cr_assert(hy_str_eq(hy_str_make(out, got), hy_str_of(p)));
        cr_assert_eq(hy_base32_decode(hy_str_of(cases[i].base32), out, &got), 0);
        cr_assert(hy_str_eq(hy_str_make(out, got), hy_str_of(p)));
        cr_assert_eq(hy_hex_decode(hy_str_of(cases[i].hex), out, &got), 0);
        cr_assert(hy_str_eq(hy_str_make(out, got), hy_str_of(p)));
    }
}

Test(codec, reads_back_random_bytes_in_every_alphabet)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 7);
    for (size_t n = 0; n < 200; n++) {
        uint8_t in[200], out[256];
        char text[512];
        size_t got;
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)hy_rng_u64(&rng);
        size_t len = hy_base64url_encode(in, n, text);
        cr_assert_eq(len, (n * 4 + 2) / 3);
        cr_assert_eq(hy_base64_decode(hy_str_make(text, len), out, &got), 0);
        cr_assert(got == n && memcmp(in, out, n) == 0);
        len = hy_base32_encode(in, n, text);
        for (size_t i = 0; i < len; i++) /* whoever lost the case must not lose the bytes */
            if (text[i] >= 'a' && i % 2)
                text[i] = (char)(text[i] - 32);
        cr_assert_eq(hy_base32_decode(hy_str_make(text, len), out, &got), 0);
        cr_assert(got == n && memcmp(in, out, n) == 0);
    }
}

Test(codec, refuses_what_no_encoder_writes)
{
    static const char *const base64[] = {
        "Z", "Zh==", "Zm9=", "Zg=", "Zg===", "Z g=", "*$", "=", "Zm9v=", "Zg==Zg=="};
    static const char *const base32[] = {"m", "mz1q", "mzxr", "my======", "mzxw6ytbo0"};
    static const char *const hex[] = {"6", "6g", "0x66", "666"};
    uint8_t out[64];
    size_t n = 99;
    for (size_t i = 0; i < sizeof base64 / sizeof *base64; i++)
        cr_assert_eq(hy_base64_decode(hy_str_of(base64[i]), out, &n), HY_EPARSE, "%s", base64[i]);
    for (size_t i = 0; i < sizeof base32 / sizeof *base32; i++)
        cr_assert_eq(hy_base32_decode(hy_str_of(base32[i]), out, &n), HY_EPARSE, "%s", base32[i]);
    for (size_t i = 0; i < sizeof hex / sizeof *hex; i++)
        cr_assert_eq(hy_hex_decode(hy_str_of(hex[i]), out, &n), HY_EPARSE, "%s", hex[i]);
    cr_assert_eq(n, 99, "outputs are untouched on failure");
}

Test(bytes, varints_come_back_and_bad_ones_are_refused)
{
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t b[10];
        uint64_t got = 1;
        size_t n = hy_varint_put(b, values[i]);
        cr_assert_eq(hy_varint_get(b, n, &got), n);
        cr_assert_eq(got, values[i]);
        cr_assert_eq(hy_varint_get(b, n - 1, &got), 0, "cut short");
    }
    static const uint8_t too_big[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x00};
    uint64_t v;
    cr_assert_eq(hy_varint_get(too_big, sizeof too_big, &v), 0);
    cr_assert_eq(hy_varint_get(endless, sizeof endless, &v), 0);
}

Test(bytes, big_endian_keys_sort_like_numbers)
{
    uint8_t a[8], b[8];
    hy_put_be64(a, 255);
    hy_put_be64(b, 256);
    cr_assert_lt(memcmp(a, b, 8), 0);
    cr_assert_eq(hy_get_be64(b), 256);
    hy_put_le16(a, 0x1234);
    cr_assert_eq(a[0], 0x34);
    cr_assert_eq(hy_get_le16(a), 0x1234);
}
