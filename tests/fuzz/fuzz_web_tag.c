/* Any bytes as a batch of the web tag: limits hold, nothing points outside; and as a table or file
 * of companies, asked for an address that the bytes choose. */
#include "hayauma/track/beacon.h"
#include "hayauma/track/company.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void read_batch(struct hy_str text)
{
    const hy_wall_ms now = 1795348800000;
    struct hy_beacon b;
    if (hy_beacon_read(text, now, &b) != HY_OK)
        return;
    require(b.n <= HY_BEACON_EVENTS_MAX);
    for (size_t i = 0; i < b.n; i++) {
        const struct hy_activity *a = &b.events[i].activity;
        require(a->at <= now && a->at >= now - HY_BEACON_AGE_MAX_MS);
        require(a->text.n <= HY_BEACON_NAME_MAX && a->url.n <= HY_ACTIVITY_URL_MAX);
        (void)hy_page_matches(a->text, a->url);
    }
    hy_beacon_end(&b);
}

static void read_companies(struct hy_str text)
{
    struct hy_diag diag = {""};
    struct hy_companies *c;
    struct hy_company found;
    uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};
    if (hy_companies_read(text, NULL, 0, "fuzz", &diag, &c) != HY_OK)
        return;
    for (size_t i = 0; i + 4 <= text.n && i < 64; i += 4) {
        memcpy(ip + 12, text.p + i, 4);
        if (hy_companies_find(c, ip, &found) == HY_OK)
            require(found.name.n > 0 && found.name.n <= HY_COMPANY_NAME_MAX &&
                    found.domain.n <= HY_COMPANY_NAME_MAX);
    }
    hy_companies_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_str text = hy_str_make(data, size);
    read_batch(text);
    read_companies(text);
    return 0;
}
