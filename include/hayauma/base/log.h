/* The log: one line per event, safe against what strangers put into it. Engines do not log. */
#pragma once
#include "hayauma/base/err.h"

enum hy_log_level {
    HY_LOG_ERROR = 3,
    HY_LOG_WARNING = 4,
    HY_LOG_NOTICE = 5,
    HY_LOG_INFO = 6,
    HY_LOG_DEBUG = 7
};
enum hy_log_target {
    HY_LOG_TO_STDERR, /* text for people */
    HY_LOG_TO_JOURNAL,
    HY_LOG_TO_NOWHERE,
    HY_LOG_TO_JSON, /* {"time","level","component","message"} on stderr, a line each */
};

/* Once at boot, and again at a reload. Default: stderr, info. Main thread. */
void hy_log_setup(enum hy_log_target target, enum hy_log_level level);
enum hy_log_level hy_log_level(void);
/* Writes "component: text" when `level` is at or above the set one. Control characters and bytes
 * that are not UTF-8 come out as \xNN; a line is cut at 2000 bytes. Any thread. */
void hy_log(enum hy_log_level level, const char *component, const char *fmt, ...) HY_PRINTF(3, 4);
