/* Writing the mail that carries a TLS report. */
#include "tls_mail.h"

#include <stdio.h>

#include "daemon.h"
#include "tls_report.h"

enum { SECONDS_OF_DAY = 86400, TEXT_MAX = 2048, NAME_MAX_BYTES = 640 };

int tls_mail_send(struct hy_daemon *d, const struct tls_mail *r, struct system_mail *m,
                  struct hy_diag *diag)
{
    const struct hy_config *c = d->config;
    char id[TLS_REPORT_ID_MAX], subject[TEXT_MAX], text[TEXT_MAX], name[NAME_MAX_BYTES];
    const char *us = c->node.hostname;
    unsigned long begin = (unsigned long)r->day * SECONDS_OF_DAY;
    tls_report_id(c, r->day, r->domain, id);
    snprintf(subject, sizeof subject, "Report Domain: %.*s Submitter: %s Report-ID: <%s>",
             HY_STR_ARG(r->domain), us, id);
    snprintf(name, sizeof name, "%s!%.*s!%lu!%lu!001.json.gz", us, HY_STR_ARG(r->domain), begin,
             begin + SECONDS_OF_DAY - 1);
    snprintf(text, sizeof text,
             "This is a report by %s on the TLS connections to the mail servers of\n%.*s during "
             "one day (RFC 8460). The file is for programs; it says when, and how\nmany sessions "
             "went well and failed.\n\nQuestions: %s\n",
             us, HY_STR_ARG(r->domain), c->tls.contact[0] ? c->tls.contact : c->tls.report_from);
    const struct hy_notice n = {
        .from = {.name = hy_str_of(c->tls.organization), .address = hy_str_of(c->tls.report_from)},
        .to = {.address = r->to},
        .subject = hy_str_of(subject),
        .date = hy_clock_wall_ms(),
        .id = hy_str_of(id),
        .n_fields = 3,
        .fields = {{HY_STR("TLS-Report-Domain"), r->domain},
                   {HY_STR("TLS-Report-Submitter"), hy_str_of(us)},
                   {HY_STR("TLS-Required"), HY_STR("No")}},
        .text = hy_str_of(text),
        .report_type = HY_STR("tlsrpt"),
        .file_type = HY_STR("application/tlsrpt+gzip"),
        .file_name = hy_str_of(name),
        .file = r->packed,
    };
    m->is_tls_optional = true; /* RFC 8460 3: nor when the TLS that it tells of fails */
    return system_mail_send(d, &n, m, diag);
}
