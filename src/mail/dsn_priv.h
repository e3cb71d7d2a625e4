/* The parts of a delivery status notification. */
#pragma once
#include "hayauma/mail/dsn.h"

/* dsn_words.c */
/* The most telling action of its recipients: failed before delayed before relayed. */
enum hy_dsn_action hy_dsn_worst(const struct hy_dsn *d);
void hy_dsn_subject(const struct hy_dsn *d, bool is_japanese, struct hy_buf *out);
/* For people, in UTF-8; lines end in \n. */
void hy_dsn_words(const struct hy_dsn *d, bool is_japanese, struct hy_buf *out);

/* dsn_status.c: the body of the message/delivery-status part, ASCII, CRLF line ends. */
void hy_dsn_status(const struct hy_dsn *d, struct hy_buf *out);
/* The status that is reported: its own, or a general one. */
struct hy_enhanced hy_dsn_status_of(const struct hy_dsn_rcpt *r);
