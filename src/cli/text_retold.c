/* What the reader of configurations and the daemon say, in Japanese: the tables by what they are
 * about. They are looked through in this order ("there is no @ in the address" before "there is no
 * %s %s"); in a table, longer formats stand before those that would fit, too. */
#include "retell.h"

cli_words *const cli_retold[] = {
    cli_retold_rows,     cli_retold_values,   cli_retold_config,   cli_retold_shaping,
    cli_retold_daemon,   cli_retold_access,   cli_retold_segment,  cli_retold_lead,
    cli_retold_commerce, cli_retold_campaign, cli_retold_operator, NULL,
};
