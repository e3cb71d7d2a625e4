/* What happened to a lead, in a few words: for its timeline and for explain. */
#include "moment.h"

#include <math.h>

const char *cli_moment_what(const struct cli *c, const char *kind, const char *state,
                            char room[CLI_MOMENT_MAX])
{
    if (!state[0])
        return cli_text(c, kind);
    if (strcmp(kind, "mail") == 0)
        return cli_text(c, state);
    snprintf(room, CLI_MOMENT_MAX, "%.60s %.60s", kind, state);
    return cli_text(c, room);
}

const char *cli_moment_text(const struct cli *c, const json_t *o)
{
    const char *text = cli_str(o, "text");
    return strcmp(cli_str(o, "kind"), "sales") == 0 ? cli_text(c, text) : text;
}

static void put(struct hy_buf *out, const char *text)
{
    struct hy_str s = hy_str_of(text);
    if (s.n && out->len)
        hy_buf_add_lit(out, "  ");
    cli_put_cell(out, s, SIZE_MAX, false);
}

void cli_moment_order(const json_t *o, struct hy_buf *out)
{
    const json_t *amount = json_object_get(o, "amount");
    double sum = json_number_value(amount);
    char number[32], text[64];
    put(out, cli_str(o, "order"));
    if (!json_is_number(amount) || fabs(sum) >= 1e15)
        return;
    if (floor(sum) == sum)
        cli_number((int64_t)sum, number);
    else
        snprintf(number, sizeof number, "%.2f", sum);
    snprintf(text, sizeof text, "%s %.8s", number, cli_str(o, "currency"));
    put(out, text);
}
