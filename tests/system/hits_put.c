/* Notes what people and machines did, in a store that no daemon has open, as the lines of standard
 * input say: KIND CAMPAIGN_NAME LEAD LINK AT_MS META USER_AGENT, tabs between. Usage: hits_put
 * DATA_DIR < lines */
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int err, const char *what)
{
    if (err == HY_OK)
        return;
    fprintf(stderr, "hits_put: %s: %s\n", what, hy_err_text(err));
    exit(1);
}

static void put(struct hy_txn *t, char *line)
{
    struct hy_str rest = hy_str_of(line), f[7];
    for (size_t i = 0; i < 7; i++)
        if (!hy_str_split(&rest, '\t', &f[i]))
            must(HY_EPARSE, line);
    struct hy_activity a = {.meta = f[5], .agent = f[6]};
    uint64_t lead = 0, link = 0, at = 0;
    must(hy_activity_kind_find(f[0], &a.kind), line);
    must(hy_campaign_find(t, f[1], &a.campaign), line);
    must(hy_str_to_u64(f[2], UINT32_MAX, &lead), line);
    must(hy_str_to_u64(f[3], UINT32_MAX, &link), line);
    must(hy_str_to_u64(f[4], INT64_MAX, &at), line);
    a.lead = (hy_lead_no)lead;
    a.link = (uint32_t)link;
    a.at = (hy_wall_ms)at;
    if (a.kind >= HY_ACTIVITY_PAGE_VIEW)
        a.campaign = 0; /* what happens elsewhere is of no mail */
    if (a.at > t->now)
        t->now = a.at; /* what happens later is noted later */
    must(hy_activity_put(t, &a), line);
}

int main(int argc, char **argv)
{
    struct hy_env *env;
    struct hy_diag diag = {""};
    struct hy_txn t;
    char line[4096];
    if (argc != 2)
        return 64;
    const struct hy_env_options o = {.data_dir = argv[1], .mode = HY_ENV_OWNER};
    must(hy_env_open(&o, &env, &diag), diag.text);
    must(hy_txn_write(env, &t), "transaction");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        put(&t, line);
    }
    must(hy_txn_commit(&t), "commit");
    hy_env_close(env);
    return 0;
}
