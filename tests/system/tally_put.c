/* Puts counts of TLS sessions into a store that no daemon has open, as if they were of a day that
 * is over: tally_put DATA_DIR DAYS_AGO GOOD BAD DOMAIN... */
#include "hayauma/store/env.h"
#include "hayauma/store/tlsrpt.h"

#include <stdio.h>
#include <stdlib.h>

static void must(int err, const char *what)
{
    if (err == HY_OK)
        return;
    fprintf(stderr, "tally_put: %s: %s\n", what, hy_err_text(err));
    exit(1);
}

static void put(struct hy_env *env, struct hy_tally *tallies, size_t n)
{
    struct hy_txn t;
    struct hy_tally_add add;
    hy_tally_add_init(&add);
    add.tallies = tallies;
    add.n = n;
    must(hy_txn_write(env, &t), "transaction");
    must(add.req.apply(&add.req, &t), "counts");
    must(hy_txn_commit(&t), "commit");
}

int main(int argc, char **argv)
{
    struct hy_env *env;
    struct hy_diag diag = {""};
    if (argc < 6)
        return 64;
    struct hy_env_options o = {.data_dir = argv[1], .mode = HY_ENV_OWNER};
    uint32_t day = (uint32_t)(hy_clock_wall_ms() / 86400000) - (uint32_t)atoi(argv[2]);
    must(hy_env_open(&o, &env, &diag), diag.text);
    for (int i = 5; i < argc; i++) {
        struct hy_tally tallies[2] = {
            {.day = day,
             .domain = hy_str_of(argv[i]),
             .policy = HY_TLSRPT_STS,
             .policy_text =
                 HY_STR("version: STSv1\nmode: testing\nmx: mx.example.test\nmax_age: 9"),
             .result = HY_TLSRPT_SUCCESS,
             .mx_host = HY_STR(""),
             .reason = HY_STR(""),
             .count = (uint64_t)atoi(argv[3])},
        };
        tallies[1] = tallies[0];
        tallies[1].result = HY_TLSRPT_CERTIFICATE_EXPIRED;
        tallies[1].mx_host = HY_STR("mx.example.test");
        tallies[1].count = (uint64_t)atoi(argv[4]);
        put(env, tallies, 2);
    }
    hy_env_close(env);
    return 0;
}
