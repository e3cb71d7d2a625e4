#include "case.h"

struct store_dir dir;
struct hy_env *env;

void case_open(void)
{
    dir = store_dir_make();
    env = store_open(&dir);
}

void case_close(void)
{
    hy_env_close(env);
    store_dir_remove(&dir);
}

size_t case_open_queued(struct people p, hy_id *ret_campaign, struct hy_queue_row *rows, size_t max)
{
    case_open();
    *ret_campaign = campaign_queue(env, "c", &p);
    return read_all_fresh(env, *ret_campaign, rows, max);
}
