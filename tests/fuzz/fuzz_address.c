/* Any bytes as an address: what is accepted must be safe on the wire and read back as itself. */
#include <stdlib.h>

#include "hayauma/mail/address.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    const struct hy_address_rules rules = {data[0] & 1, data[0] & 2};
    struct hy_str in = hy_str_make(data + 1, n - 1);
    struct hy_address a, again;
    enum hy_address_reason why = HY_ADDRESS_OK;
    char suggestion[HY_DOMAIN_MAX + 1];
    if (hy_address_parse(in, &rules, &a, &why)) {
        must(why > HY_ADDRESS_OK && why < HY_ADDRESS_REASONS);
        (void)!hy_address_suggest(in, suggestion);
        return 0;
    }
    must(a.n <= HY_ADDRESS_MAX && a.at <= HY_LOCAL_MAX && a.wire[a.at] == '@' && !a.wire[a.n]);
    for (size_t i = 0; i < a.n; i++)
        must((unsigned char)a.wire[i] >= 32 && a.wire[i] != 127);
    struct hy_str domain = hy_address_domain(&a);
    must(domain.n && domain.n <= HY_DOMAIN_MAX && hy_str_is_ascii(domain));
    must(hy_str_is_utf8(hy_address_wire(&a)));
    must(a.needs_smtputf8 == !hy_str_is_ascii(hy_address_wire(&a)));

    must(hy_address_parse(hy_address_wire(&a), &rules, &again, &why) == HY_OK);
    must(hy_str_eq(hy_address_wire(&a), hy_address_wire(&again)));
    must(hy_str_eq(hy_address_key(&a), hy_address_key(&again)));
    char key[HY_ADDRESS_KEY_MAX];
    size_t key_n = 0;
    must(hy_address_wire_key(hy_address_wire(&a), key, &key_n) == HY_OK);
    must(hy_str_eq(hy_str_make(key, key_n), hy_address_key(&a)));
    (void)!hy_address_suggest(domain, suggestion);
    return 0;
}
