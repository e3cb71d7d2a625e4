/* bounces: how many mails that came back one core reads a second, from memory.
 *
 * usage: bounces SECONDS FILE... */
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/bounce/report.h"
#include "hayauma/config/bounces.h"

enum { MAIL_MAX = 4 << 20, FILES_MAX = 10000 };

static struct hy_buf mails[FILES_MAX];

static int slurp(const char *path, struct hy_buf *out)
{
    FILE *f = fopen(path, "re");
    *out = HY_BUF_INIT(MAIL_MAX);
    size_t n = 1;
    while (f && n > 0 && hy_buf_reserve(out, 65536) == HY_OK) {
        n = fread(out->data + out->len, 1, 65536, f);
        out->len += n;
    }
    if (f)
        fclose(f);
    return f ? out->err : HY_EIO;
}

static int by_value(const void *a, const void *b)
{
    hy_us x = *(const hy_us *)a, y = *(const hy_us *)b;
    return (x > y) - (x < y);
}

/* CPU time of one round over all mails. */
static hy_us round_of(struct hy_bounce_reader *r, size_t n, size_t *ret_recipients)
{
    hy_us start = hy_clock_cpu_us();
    *ret_recipients = 0;
    for (size_t i = 0; i < n; i++) {
        struct hy_bounce_report report;
        if (hy_bounce_read(r, hy_buf_str(&mails[i]), &report) != HY_OK)
            exit(1);
        *ret_recipients += report.n;
    }
    return hy_clock_cpu_us() - start;
}

int main(int argc, char **argv)
{
    const char *presets = HY_BOUNCES_PRESETS;
    struct hy_problems problems = {0};
    struct hy_bounces *rules;
    struct hy_bounce_reader *reader;
    size_t n = 0, bytes = 0, recipients, rounds = 0;
    static hy_us times[100000];
    if (argc < 3 || hy_bounces_load(&presets, 1, &problems, &rules) != HY_OK ||
        hy_bounce_reader_new(hy_bounces_rules(rules), &reader) != HY_OK) {
        fprintf(stderr, "usage: bounces SECONDS FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc && n < FILES_MAX; i++)
        if (slurp(argv[i], &mails[n]) == HY_OK)
            bytes += mails[n++].len;
    hy_us until = (hy_us)(atof(argv[1]) * (double)HY_US_PER_SEC), spent = 0;
    (void)round_of(reader, n, &recipients);
    while (spent < until && rounds < sizeof times / sizeof *times) {
        times[rounds] = round_of(reader, n, &recipients);
        spent += times[rounds++];
    }
    qsort(times, rounds, sizeof times[0], by_value);
    double us = (double)times[rounds / 2] / (double)n;
    printf("%zu mails, %.0f bytes each, %zu recipients: %.1f us of CPU a mail, %.0f a second and "
           "core\n",
           n, (double)bytes / (double)n, recipients, us, 1e6 / us);
    for (size_t i = 0; i < n; i++)
        hy_buf_free(&mails[i]);
    hy_bounce_reader_free(reader);
    hy_bounces_free(rules);
    return 0;
}
