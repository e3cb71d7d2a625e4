/* The attempt log: one line for each settled attempt, in a file of JSON lines, on stderr, or in the
 * journal with fields of its own. docs/logs.md describes them. Main thread, but for the thread that
 * writes. */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/meter.h"
#include "hayauma/deliver/notes.h"
#include "hayauma/mail/token.h"

struct attempt_log;
struct hy_deliver;

struct attempt_log_options {
    struct hy_deliver *deliver; /* outlives it */
    const struct hy_token_keys *tokens;
    const char *hostname; /* right side of Message-IDs; copied */
    const char *to;       /* "off", "journal", "stderr", a path; copied */
    hy_count *lines;      /* counted here */
};

/* Starts it, or changes where it writes and opens its file anew; NULL in *log: it does not run. A
 * file that cannot be opened is an error in the log, and the old place goes on when there is one.
 */
void attempt_log_apply(struct attempt_log **log, const struct attempt_log_options *o);
/* The file anew, for log rotation; nothing else changes. */
void attempt_log_reopen(struct attempt_log *log);
/* Writes what is there and ends. When the workers have ended. NULL is fine. */
void attempt_log_close(struct attempt_log *log);
/* One line of JSON with its newline; pure, for the thread and for tests. `message_id` may be empty.
 */
void attempt_line_json(const struct hy_attempt_note *n, struct hy_str message_id,
                       struct hy_buf *out);
