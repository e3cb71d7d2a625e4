/* A report on a message that the maildrop had and nobody takes: to its sender, with the header as
 * it stood in the file, whatever is wrong with the rest. */
#include "maildrop_tell.h"

#include <stdlib.h>

#include "hayauma/mail/address.h"

enum { LINE_MAX_BYTES = 990 };

/* Lines up to the first empty one, ended as mail has them; what cannot stand in a header becomes
 * '?'. */
static void put_header(struct hy_buf *out, struct hy_str message)
{
    struct hy_str line;
    while (out->len < HY_DSN_HEADER_MAX && hy_str_split(&message, '\n', &line)) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            break;
        for (size_t i = 0; i < line.n && i < LINE_MAX_BYTES; i++) {
            bool is_good = (unsigned char)line.p[i] >= ' ' || line.p[i] == '\t';
            hy_buf_add_c(out, is_good ? line.p[i] : '?');
        }
        hy_buf_add_lit(out, "\r\n");
    }
    if (out->len)
        hy_buf_add_lit(out, "\r\n");
}

static bool wishes_it(const struct hy_drop_rcpt *r)
{
    return r->notify == 0 || (r->notify & HY_DSN_FAILURE && !(r->notify & HY_DSN_NEVER));
}

/* How many of them are told of: as many as a report holds. */
static size_t take_rcpts(const struct hy_drop_rcpt *rcpts, size_t n,
                         const struct maildrop_refusal *refusal, struct hy_dsn_rcpt *out)
{
    size_t taken = 0;
    for (size_t i = 0; i < n && taken < HY_DSN_RCPTS_MAX; i++)
        if (wishes_it(&rcpts[i]))
            out[taken++] = (struct hy_dsn_rcpt){.action = HY_DSN_FAILED,
                                                .address = rcpts[i].address,
                                                .orcpt = rcpts[i].orcpt,
                                                .status = refusal->status,
                                                .words = hy_str_of(refusal->why)};
    return taken;
}

static struct hy_str field_of(struct hy_str header, struct hy_str name)
{
    struct hy_header_field f;
    return hy_header_find(header, name, &f) ? hy_str_trim(f.value) : (struct hy_str){0};
}

int maildrop_tell(const struct hy_config *c, struct hy_deliver *deliver, struct hy_str bytes,
                  const struct maildrop_refusal *refusal, struct hy_drop_rcpt *rcpts,
                  struct dsn_letter *ret)
{
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_drop drop;
    struct hy_address sender;
    enum hy_address_reason why;
    if (hy_drop_read(bytes, &drop, rcpts) != HY_OK || drop.sender.n == 0 ||
        hy_address_parse(drop.sender, &rules, &sender, &why) != HY_OK)
        return HY_ENOTFOUND;
    struct hy_buf header = HY_BUF_INIT(2 * HY_DSN_HEADER_MAX);
    struct hy_dsn_rcpt *told = calloc(HY_DSN_RCPTS_MAX, sizeof *told);
    size_t n = told ? take_rcpts(rcpts, drop.n_rcpts, refusal, told) : 0;
    int err = told ? n ? HY_OK : HY_ENOTFOUND : HY_ENOMEM;
    put_header(&header, drop.message);
    if (err == HY_OK) {
        struct hy_dsn d = {
            .to = hy_address_wire(&sender),
            .arrival = hy_clock_wall_ms(),
            .envid = drop.envid,
            .message_id = field_of(hy_buf_str(&header), HY_STR("Message-ID")),
            .header = hy_buf_str(&header),
            .rcpts = told,
            .n_rcpts = n,
        };
        err = header.err ? header.err
                         : dsn_letter_write(c, deliver, 0, hy_address_domain(&sender), &d, ret);
    }
    hy_buf_free(&header);
    free(told);
    return err;
}
