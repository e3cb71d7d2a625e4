/* The log: formats once, cleans what strangers wrote, writes one line with one system call. */
#include "hayauma/base/log.h"

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/json_put.h"
#include "hayauma/base/str.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2000 };

static _Atomic int log_target = HY_LOG_TO_STDERR;
static _Atomic int log_level = HY_LOG_INFO;

void hy_log_setup(enum hy_log_target target, enum hy_log_level level)
{
    atomic_store(&log_target, (int)target);
    atomic_store(&log_level, (int)level);
}

enum hy_log_level hy_log_level(void)
{
    return (enum hy_log_level)atomic_load(&log_level);
}

/* Copies printable text; everything else becomes \xNN. Returns the length written. */
static size_t clean(struct hy_str raw, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n;) {
        size_t from = i;
        uint32_t cp = hy_utf8_next(raw, &i);
        bool plain = cp != UINT32_MAX && cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0) &&
                     cp != 0x2028 && cp != 0x2029;
        for (size_t k = from; k < i; k++) {
            if (room - n < 6)
                return n;
            if (plain)
                out[n++] = raw.p[k];
            else
                n += (size_t)snprintf(out + n, 5, "\\x%02x", (unsigned char)raw.p[k]);
        }
    }
    return n;
}

static void write_json(const char *level, const char *component, struct hy_str text)
{
    struct hy_buf b = HY_BUF_INIT(LINE_MAX_BYTES * 6 + 256);
    char stamp[32];
    hy_buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"component\":\"%s\",\"message\":",
                  hy_wall_format(hy_clock_wall_ms(), stamp), level, component);
    hy_json_put_str(&b, text);
    hy_buf_add_lit(&b, "}\n");
    ssize_t written = b.err ? 0 : write(STDERR_FILENO, b.data, b.len);
    (void)written;
    hy_buf_free(&b);
}

void hy_log(enum hy_log_level level, const char *component, const char *fmt, ...)
{
    static const char *const names[] = {"", "", "", "error", "warning", "notice", "info", "debug"};
    int target = atomic_load_explicit(&log_target, memory_order_relaxed);
    if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed) ||
        target == HY_LOG_TO_NOWHERE)
        return;
    char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 128];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    size_t raw_n = (size_t)len < sizeof raw ? (size_t)len : sizeof raw - 1;

    size_t n = 0;
    char stamp[32];
    if (target == HY_LOG_TO_JSON) {
        write_json(names[level], component, hy_str_make(raw, raw_n));
        return;
    }
    if (target == HY_LOG_TO_STDERR)
        n = (size_t)snprintf(line, sizeof line,
                             "%s %s %s: ", hy_wall_format(hy_clock_wall_ms(), stamp), names[level],
                             component);
    n += clean(hy_str_make(raw, raw_n), line + n, LINE_MAX_BYTES - n);
    if (target == HY_LOG_TO_JOURNAL) {
        sd_journal_send("MESSAGE=%.*s", (int)n, line, "PRIORITY=%d", (int)level, "COMPONENT=%s",
                        component, "SYSLOG_IDENTIFIER=hayaumad", NULL);
        return;
    }
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* nothing can be done for a log that cannot be written */
}
