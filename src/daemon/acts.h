/* The log of operators' acts. */
#pragma once
#include <jansson.h>
#include <sys/types.h>

struct hy_daemon;

/* What the system calls a user; "" when it knows none. May ask a directory over the network. */
void user_name(uid_t uid, char *out, size_t cap);

/* Writes an act: `what` ("campaign.pause"), who, and details (taken over), without waiting for the
 * commit; a failure is told in the daemon's log. Any thread. */
void act_log(struct hy_daemon *d, const char *what, uid_t uid, json_t *details);
/* The same for the main thread, which does not wait for the user's name either. `what` is a literal
 * or lives as long as the daemon. */
void act_log_apart(struct hy_daemon *d, const char *what, uid_t uid, json_t *details);
/* Its line: {"act", "uid", "user", and the details, which are taken over}; to be freed, NULL
 * without memory. For who stores it in a transaction of its own. */
char *act_line(const char *what, uid_t uid, const char *user, json_t *details);
/* null for "". */
json_t *user_json(const char *name);
