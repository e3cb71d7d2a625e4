/* QUIT: the orderly end, asked for by the driver, by idleness, or after a refusal. */
#include "client_priv.h"

/* Does not wait long for the 221 (RFC 5321 3.8 asks for courtesy, not for patience). */
void hy_smtp_put_quit(struct hy_smtp_client *c)
{
    char *p = hy_smtp_room(c, 6);
    if (p)
        memcpy(p, "QUIT\r\n", 6);
    hy_smtp_move(c, HY_SMTP_ST_QUIT);
}

void hy_smtp_bow(struct hy_smtp_client *c, enum hy_smtp_closed how, const struct hy_outcome *o)
{
    c->end = *o;
    c->bye = (uint8_t)how;
    hy_smtp_put_quit(c);
}

void hy_smtp_client_quit(struct hy_smtp_client *c, hy_us now)
{
    if (c->fate || c->state >= HY_SMTP_ST_QUIT)
        return;
    c->now = now;
    c->want_quit = true;
    struct hy_outcome o = hy_smtp_returned(HY_SPOILS_STREAM, "the connection was ended by us");
    if (c->state == HY_SMTP_ST_SESSION)
        hy_smtp_pump(c);
    else
        hy_smtp_doom(c, HY_SMTP_CLOSED_QUIT, &o);
}
