/* Bounce rules for the commands that read mail and replies without the daemon. */
#include "bounce_rules.h"
#include "retell.h"

#include <unistd.h>

const struct cli_option cli_bounce_options[] = {
    {"rules",
     "FILE",
     CLI_FILE,
     NULL,
     {"rules of your own, asked before the others", "ほかより先に調べる自分のルール"}},
    {"explain",
     NULL,
     CLI_TEXT,
     NULL,
     {"add the rule that decided and the line that patterns saw",
      "判定したルールと、パターンに渡した行を加える"}},
    {0}};

size_t cli_bounce_files(const struct cli *c, struct hy_config **ret_config,
                        const char *files[CLI_BOUNCE_FILES_MAX])
{
    struct hy_problems p = {0};
    size_t n = 0;
    *ret_config = NULL;
    if (hy_config_load(cli_config_path(c), &p, ret_config) == HY_OK) {
        const struct hy_strings *of_config = &(*ret_config)->paths.bounces;
        for (; n < of_config->n && n < CLI_BOUNCE_FILES_MAX - 1; n++)
            files[n] = of_config->items[n];
    } else {
        files[n++] = HY_BOUNCES_PRESETS;
        if (access("/etc/hayauma/bounces.yaml", R_OK) == 0)
            files[n++] = "/etc/hayauma/bounces.yaml";
    }
    hy_problems_free(&p);
    return n;
}

int cli_load_bounces(struct cli *c, struct hy_bounces **ret_bounces)
{
    const char *files[CLI_BOUNCE_FILES_MAX], *own = cli_option(c, "rules");
    struct hy_config *config;
    struct hy_problems p = {0};
    size_t n = cli_bounce_files(c, &config, files);
    if (own)
        files[n++] = own;
    int err = hy_bounces_load(files, n, &p, ret_bounces);
    cli_print_problems(c, &p);
    hy_problems_free(&p);
    hy_config_unref(config);
    if (err == HY_EINVAL)
        return CLI_FAILED; /* told */
    return err == HY_OK ? CLI_OK : cli_fail(c, err, NULL, NULL);
}
