/* Findings as lines of JSON, and the mails of an mbox. */
#include <stdio.h>

#include "hayauma/base/json_put.h"
#include "hayauma/bounce/report.h"

enum { RULE_PLACE_MAX = 4200 }; /* a path and a line */

static void put_text(struct hy_buf *out, const char *key, struct hy_str value)
{
    hy_buf_printf(out, ",\"%s\":", key);
    if (value.n)
        hy_json_put_str(out, value);
    else
        hy_buf_add_lit(out, "null");
}

static void put_flag(struct hy_buf *out, const char *key, bool value)
{
    hy_buf_printf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void put_finding(struct hy_buf *out, struct hy_str file, const struct hy_bounce_report *r,
                        const struct hy_bounce_finding *f)
{
    char status[16];
    hy_buf_add_lit(out, "{\"file\":");
    hy_json_put_str(out, file);
    put_flag(out, "is_bounce", r->is_bounce);
    put_text(out, "kind", hy_str_of(hy_bounce_kind_name(r->kind)));
    put_text(out, "recipient", f->recipient);
    put_text(out, "action", f->action);
    if (f->code)
        hy_buf_printf(out, ",\"reply_code\":%u", f->code);
    else
        hy_buf_add_lit(out, ",\"reply_code\":null");
    put_text(out, "status",
             f->status.class ? hy_str_of(hy_enhanced_format(f->status, status)) : HY_STR(""));
    put_text(out, "reason", hy_str_of(hy_bounce_reason_name(f->class.reason)));
    put_flag(out, "hard", f->class.is_hard);
    put_flag(out, "suppress", f->class.is_suppress);
    put_text(out, "diagnostic", f->diagnostic);
    put_text(out, "reporting_mta", r->reporting_mta);
    put_text(out, "original_message_id", r->original_message_id);
    put_text(out, "feedback_type", r->feedback_type);
}

void hy_bounce_put_json(struct hy_buf *out, struct hy_str file, const struct hy_bounce_report *r,
                        const struct hy_bounce_finding *f)
{
    put_finding(out, file, r, f);
    hy_buf_add_lit(out, "}\n");
}

void hy_bounce_put_why(struct hy_buf *out, const struct hy_bounce_rule *rule,
                       const struct hy_bounce_words *seen)
{
    char place[RULE_PLACE_MAX] = "", room[HY_BOUNCE_SUBJECT_MAX + 24];
    if (rule)
        snprintf(place, sizeof place, "%s:%u", rule->file, rule->line);
    put_text(out, "rule", hy_str_of(place));
    put_text(out, "seen", hy_bounce_subject(seen, room));
}

void hy_bounce_put_explained(struct hy_buf *out, struct hy_str file,
                             const struct hy_bounce_report *r, const struct hy_bounce_finding *f)
{
    const struct hy_bounce_words seen = {f->code, f->status, f->told_by};
    put_finding(out, file, r, f);
    hy_bounce_put_why(out, f->class.rule, &seen);
    hy_buf_add_lit(out, "}\n");
}

/* "From someone Thu Apr 29 23:34:45 2015" behind an empty line. */
static bool is_envelope(struct hy_str s)
{
    static const char *const days[] = {" Mon ", " Tue ", " Wed ", " Thu ",
                                       " Fri ", " Sat ", " Sun "};
    struct hy_str line = hy_str_slice(s, 0, hy_str_find(s, '\n', 0));
    if (!hy_str_starts(line, HY_STR("From ")) || line.n > 400)
        return false;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        if (hy_str_find_str(line, hy_str_of(days[i]), 5) != SIZE_MAX)
            return true;
    return false;
}

bool hy_bounce_next_mail(struct hy_str *rest, struct hy_str *ret_mail)
{
    if (rest->n == 0)
        return false;
    size_t end = rest->n;
    if (is_envelope(*rest)) {
        for (size_t at = 0; (at = hy_str_find_str(*rest, HY_STR("\nFrom "), at)) != SIZE_MAX;
             at++) {
            bool is_behind_empty =
                at > 0 && (rest->p[at - 1] == '\n' ||
                           (at > 1 && rest->p[at - 1] == '\r' && rest->p[at - 2] == '\n'));
            if (is_behind_empty && is_envelope(hy_str_slice(*rest, at + 1, rest->n))) {
                end = at + 1;
                break;
            }
        }
    }
    *ret_mail = hy_str_slice(*rest, 0, end);
    *rest = hy_str_slice(*rest, end, rest->n);
    return true;
}
