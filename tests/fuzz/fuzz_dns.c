/* Answers of DNS servers: the first byte chooses the type, the rest is the packet. */
#include <stdlib.h>

#include "../../src/dns/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_MX, DNS_A, DNS_AAAA, DNS_TXT, DNS_TLSA};
    static struct dns_answer a;
    if (size < 1)
        return 0;
    enum dns_type type = types[data[0] % 5];
    if (dns_parse(data + 1, size - 1, HY_STR("q.test"), type, &a))
        return 0;
    if (a.n_records > DNS_RECORDS_MAX || (a.alias.n && a.n_records))
        abort();
    for (size_t i = 0; type == DNS_MX && i < a.n_records; i++)
        if (strlen(a.records[i].host.text) != a.records[i].host.n)
            abort();
    for (size_t i = 0; (type == DNS_TXT || type == DNS_TLSA) && i < a.n_records; i++)
        if (a.records[i].data + a.records[i].n_data > size - 1 || a.records[i].n_data == 0)
            abort();
    return 0;
}
