/* What an outcome says about the pace we keep with a site: is it about us, or about a mailbox? */
#pragma once
#include "hayauma/model/outcome.h"

enum hy_signal {
    HY_SIGNAL_NONE = 0,    /* nothing: a bounce, greylisting, a full mailbox, a fault of ours */
    HY_SIGNAL_GOOD,        /* taken */
    HY_SIGNAL_CONNECTIONS, /* too many connections at once */
    HY_SIGNAL_RATE,        /* too much mail in a time, or told so by policy (4.7.x) */
    HY_SIGNAL_VAGUE, /* 4.7.x to a recipient or behind the content, or 450 to a recipient, without a
                        word why: greylisting, or not */
    HY_SIGNAL_LOAD,  /* the site has trouble of its own: 4.3.x, no space, shutting down */
    HY_SIGNAL_LOST,  /* the connection broke or timed out in a transaction */
};

/* Reads phase, code, RFC 3463 status and words of the reply. Never a signal, so that one recipient
 * does not slow down all: 4.1.x, 4.2.x, 4.5.x, 4.6.x (address, mailbox, too many recipients,
 * content), greylisting. A RETURNED outcome is NONE. Pure. */
enum hy_signal hy_signal_of(const struct hy_outcome *o);
const char *hy_signal_name(enum hy_signal s);

/* The words of a reply speak of greylisting. */
bool hy_signal_is_greylisting(struct hy_str text);
