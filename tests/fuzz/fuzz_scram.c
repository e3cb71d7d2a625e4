/* Any lines as a verifier, as what a client says first and last: what is taken is well-formed, a
 * verifier survives being written, and nobody who does not know the password gets in. */
#include <stdlib.h>

#include "hayauma/smtp/scram.h"

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void look_at_verifier(struct hy_str text)
{
    struct hy_scram_verifier v, w;
    char out[HY_SCRAM_VERIFIER_TEXT_MAX];
    if (hy_scram_verifier_parse(text, &v) != HY_OK)
        return;
    require(v.iterations >= HY_SCRAM_ITERATIONS_MIN && v.iterations <= HY_SCRAM_ITERATIONS_MAX);
    require(v.salt_n >= HY_SCRAM_SALT_MIN && v.salt_n <= HY_SCRAM_SALT_MAX);
    hy_scram_verifier_format(&v, out);
    require(hy_scram_verifier_parse(hy_str_of(out), &w) == HY_OK);
    require(w.iterations == v.iterations && w.salt_n == v.salt_n &&
            memcmp(w.salt, v.salt, v.salt_n) == 0 &&
            memcmp(w.stored_key, v.stored_key, sizeof v.stored_key) == 0 &&
            memcmp(w.server_key, v.server_key, sizeof v.server_key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_str rest = hy_str_make(data, n), first, last = {0};
    struct hy_scram x;
    look_at_verifier(rest);
    if (n < 2)
        return 0;
    bool is_plus = data[0] & 1;
    rest = hy_str_slice(rest, 1, n);
    if (!hy_str_split(&rest, '\n', &first) || hy_scram_client_first(&x, first, is_plus) != HY_OK)
        return 0;
    require(x.user_n > 0 && x.user_n <= HY_SCRAM_USER_MAX);
    require((x.binding != HY_SCRAM_BINDING_NONE) == is_plus);
    static const struct hy_scram_verifier v = {.iterations = HY_SCRAM_ITERATIONS_MAX,
                                               .salt_n = HY_SCRAM_SALT_MAX};
    struct hy_str challenge = hy_scram_challenge(
        &x, &v, HY_STR("0123456789012345678901234567890123456789012345678901234567890123"),
        is_plus ? HY_STR("what the session is") : HY_STR(""));
    require(challenge.n < HY_SCRAM_CHALLENGE_MAX && !memchr(challenge.p, '\0', challenge.n));
    require(hy_scram_client_final(&x, rest, &last) != HY_OK);
    return 0;
}
