/* The frame of a message: multipart boundaries, part headers, files. */
#pragma once
#include "message_priv.h"

/* Fills the leads of m->parts, m->tail and m->boundary, and appends the top Content-* fields to
 * `header`. The parts' codings are set. HY_EINVAL with a note, HY_ENOMEM, HY_ELIMIT. */
HY_MUST_USE int hy_mime_build(struct hy_message *m, const struct hy_message_source *source,
                              const struct hy_message_options *options, struct hy_buf *header,
                              struct hy_diag *diag);
/* Appends a file as a part: its header, the empty line, base64 without the last line end. HY_EINVAL
 * (a type, cid or name that cannot stand there), HY_ELIMIT; noted. */
HY_MUST_USE int hy_mime_file_put(struct hy_buf *out, const struct hy_message_file *file,
                                 bool is_inline, struct hy_diag *diag);
