/* The bounce rules that a command goes by. */
#pragma once
#include "cli.h"
#include "hayauma/config/bounces.h"
#include "hayauma/config/config.h"

/* --rules FILE, --explain. */
extern const struct cli_option cli_bounce_options[];

/* Those the configuration names, or the shipped ones where there is none; what --rules names is
 * asked first. CLI_OK and *ret_bounces is new; else what is wrong was told on c->err. */
int cli_load_bounces(struct cli *c, struct hy_bounces **ret_bounces);
/* The files of the configuration alone, NULL-terminated, in an array that lives as long as
 * `*ret_config` (which may be NULL). */
enum { CLI_BOUNCE_FILES_MAX = HY_BOUNCES_FILES_MAX };
size_t cli_bounce_files(const struct cli *c, struct hy_config **ret_config,
                        const char *files[CLI_BOUNCE_FILES_MAX]);
