/* The built-in limits. conf/shaping.yaml repeats them with comments; a test holds the two together.
 */
#include "hayauma/shape/limits.h"

#define SEC HY_US_PER_SEC

void hy_shape_limits_init(struct hy_shape_limits *l)
{
    *l = (struct hy_shape_limits){
        .connections = 20,
        .messages_per_connection = 0,
        .recipients_per_message = 50,
        .retry = {.first_us = 300 * SEC,
                  .longest_us = 4 * 3600 * SEC,
                  .jitter_percent = 10,
                  .expire_us = 3 * 86400 * SEC},
        .timeouts = {.connect_us = 30 * SEC,
                     .banner_us = 300 * SEC,
                     .ehlo_us = 300 * SEC,
                     .tls_us = 60 * SEC,
                     .mail_us = 300 * SEC,
                     .rcpt_us = 300 * SEC,
                     .data_us = 120 * SEC,
                     .block_us = 180 * SEC,
                     .dot_us = 600 * SEC,
                     .quit_us = 5 * SEC,
                     .idle_us = 5 * SEC},
        .adaptive = {.enabled = true, .start = 5, .floor = 1},
        .tls = HY_TLS_OPPORTUNISTIC,
        .use_mta_sts = true,
        .use_dane = true,
        .use_pipelining = true,
        .use_chunking = false,
    };
}
