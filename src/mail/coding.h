/* Choosing how a part goes out, and making its pieces. */
#pragma once
#include "message_priv.h"

/* Settles part->coding from what is asked (transfer may be AUTO), then encodes the fixed text of
 * the part. HY_EUNSUPPORTED (7bit cannot hold it), HY_ENOMEM, HY_ELIMIT. */
HY_MUST_USE int hy_part_encode(struct hy_arena *arena, struct hy_part *part);
/* Quoted-printable or base64: the shorter one for this text. */
enum hy_transfer hy_transfer_shorter(struct hy_str text);
