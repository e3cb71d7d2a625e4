/* Texts of configuration values made into numbers and names, and back. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/shape/limits.h"

/* Each notes what was expected and returns HY_EINVAL for a text that is no such value. */
HY_MUST_USE int value_bool(struct hy_str s, struct hy_diag *diag, bool *ret);
HY_MUST_USE int value_int(struct hy_str s, struct hy_diag *diag, uint64_t *ret);
/* "64MiB", "10kB", "4096": bytes. */
HY_MUST_USE int value_size(struct hy_str s, struct hy_diag *diag, uint64_t *ret);
/* "250ms", "30s", "5m", "1h30m", "4d", "2w", "0". */
HY_MUST_USE int value_duration(struct hy_str s, struct hy_diag *diag, hy_us *ret);
/* "100/s", "5000/h", "10/5m". */
HY_MUST_USE int value_rate(struct hy_str s, struct hy_diag *diag, struct hy_rate *ret);
/* "20%". */
HY_MUST_USE int value_percent(struct hy_str s, struct hy_diag *diag, uint32_t *ret);
/* "0.3%" in hundredths of a percent: 30. */
HY_MUST_USE int value_share(struct hy_str s, struct hy_diag *diag, uint32_t *ret);
/* "0660": octal permission bits. */
HY_MUST_USE int value_mode(struct hy_str s, struct hy_diag *diag, uint32_t *ret);
/* "2026-12-01T09:00:00+09:00": RFC 3339; the seconds may be left out. */
HY_MUST_USE int value_time(struct hy_str s, struct hy_diag *diag, hy_wall_ms *ret);
/* A host name made of lower-case A-labels; `wildcard` also lets one "*." stand before it. */
HY_MUST_USE int value_hostname(struct hy_str s, bool wildcard, struct hy_diag *diag,
                               struct hy_buf *out);

/* The shortest text that reads back as the same value. */
void value_put_size(uint64_t v, struct hy_buf *out);
void value_put_duration(hy_us v, struct hy_buf *out);
void value_put_rate(struct hy_rate v, struct hy_buf *out);
