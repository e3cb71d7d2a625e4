/* What the lines of an EHLO reply offer. */
#include "capability.h"

static const struct {
    struct hy_str keyword;
    enum hy_smtp_capability cap;
} keywords[] = {
    {{"PIPELINING", 10}, HY_SMTP_CAP_PIPELINING},        /* RFC 2920 */
    {{"SIZE", 4}, HY_SMTP_CAP_SIZE},                     /* RFC 1870 */
    {{"8BITMIME", 8}, HY_SMTP_CAP_8BITMIME},             /* RFC 6152 */
    {{"SMTPUTF8", 8}, HY_SMTP_CAP_SMTPUTF8},             /* RFC 6531 */
    {{"ENHANCEDSTATUSCODES", 19}, HY_SMTP_CAP_ENHANCED}, /* RFC 2034 */
    {{"CHUNKING", 8}, HY_SMTP_CAP_CHUNKING},             /* RFC 3030 */
    {{"STARTTLS", 8}, HY_SMTP_CAP_STARTTLS},             /* RFC 3207 */
    {{"DSN", 3}, HY_SMTP_CAP_DSN},                       /* RFC 3461 */
    {{"REQUIRETLS", 10}, HY_SMTP_CAP_REQUIRETLS},        /* RFC 8689 */
};

/* size-param = [ 1*20DIGIT ]; "0" and none: no fixed maximum (RFC 1870 4). A number that is none,
 * or beyond what we can count, is no limit either. */
static uint64_t size_limit(struct hy_str param)
{
    uint64_t v = 0;
    if (hy_str_to_u64(param, UINT64_MAX, &v) != HY_OK)
        return 0;
    return v;
}

void hy_smtp_capability_line(struct hy_smtp_capabilities *caps, struct hy_str line)
{
    struct hy_str rest = hy_str_trim(line), keyword = {0}, param = {0};
    hy_str_split(&rest, ' ', &keyword);
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (!hy_str_ieq(keyword, keywords[i].keyword))
            continue;
        caps->set |= keywords[i].cap;
        if (keywords[i].cap == HY_SMTP_CAP_SIZE && hy_str_split(&rest, ' ', &param))
            caps->size_limit = size_limit(param);
        return;
    }
}
