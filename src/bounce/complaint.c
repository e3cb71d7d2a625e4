/* Who complained, and of what. */
#include "complaint.h"

#include "hayauma/mail/header.h"

static bool is_blacked_out(struct hy_str address)
{
    return address.n == 0 || bounce_has(address, "redacted") ||
           bounce_has(address, "undisclosed") || hy_str_find(address, '*', 0) != SIZE_MAX ||
           bounce_has(address, "xxxx") || bounce_has(address, "@invalid");
}

/* The first field of that name with an address that can be read. */
static struct hy_str readable(struct hy_arena *a, struct hy_str headers, const char *name)
{
    struct hy_header_field f;
    for (unsigned i = 0; i < 64 && hy_header_find(headers, hy_str_of(name), &f); i++) {
        struct hy_str found = bounce_address_of(bounce_line(a, f.value, 1000));
        if (!is_blacked_out(found))
            return found;
        size_t behind = (size_t)(f.whole.p + f.whole.n - headers.p);
        headers = hy_str_slice(headers, behind, headers.n);
    }
    return HY_STR("");
}

static struct hy_str who(const struct bounce_mail *mail, struct hy_arena *a)
{
    static const char *const of_report[] = {"Original-Rcpt-To", "Removal-Recipient"};
    static const char *const of_mail[] = {"X-HmXmrOriginalRecipient", "To", "X-Original-To",
                                          "Delivered-To"};
    struct hy_str found = {0};
    for (size_t i = 0; i < sizeof of_report / sizeof *of_report && found.n == 0; i++)
        found = readable(a, mail->feedback, of_report[i]);
    for (size_t i = 0; i < sizeof of_mail / sizeof *of_mail && found.n == 0; i++)
        found = readable(a, mail->original, of_mail[i]);
    return found;
}

/* Forms without a feedback-report: Hotmail's JMRP encloses the mail and has a set subject; some
 * report failed authentication in plain text. */
static struct hy_str type_by_words(const struct bounce_mail *mail, const struct bounce_signs *s,
                                   struct hy_arena *a)
{
    static const char *const complaint[] = {"complaint about message from",
                                            "email abuse report",
                                            "abuse report for",
                                            "spam complaint",
                                            "email feedback report",
                                            "abuse complaint",
                                            NULL};
    static const char *const failure[] = {"dmarc forensic report",
                                          "dmarc failure report",
                                          "dmarc forensic",
                                          "failed the published dmarc policy",
                                          "authentication failure report",
                                          NULL};
    struct hy_str text = bounce_lower(a, hy_str_slice(mail->text, 0, 2000));
    if (bounce_holds_any(s->subject, failure) || bounce_holds_any(text, failure))
        return HY_STR("auth-failure");
    if (bounce_holds_any(s->subject, complaint) ||
        (!s->is_from_mailer && bounce_holds(text, "this is an email abuse report")) ||
        hy_str_find_str(mail->original, HY_STR("X-HmXmrOriginalRecipient"), 0) != SIZE_MAX)
        return HY_STR("abuse");
    return HY_STR("");
}

bool bounce_read_complaint(const struct bounce_mail *mail, const struct bounce_signs *signs,
                           struct hy_arena *a, struct bounce_complaint *ret)
{
    struct bounce_complaint c = {0};
    if (mail->feedback.n) {
        struct hy_str report = hy_str_trim(mail->feedback);
        c.type = bounce_field(a, report, "Feedback-Type");
        c.agent = bounce_field(a, report, "User-Agent");
        if (c.type.n == 0)
            c.type = HY_STR("other");
    } else {
        c.type = type_by_words(mail, signs, a);
    }
    if (c.type.n == 0)
        return false;
    c.recipient = who(mail, a);
    *ret = c;
    return true;
}

bool bounce_complaint_suppresses(struct hy_str type)
{
    static const char *const not [] = {"auth-failure", "not-spam", "virus", "dmarc"};
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        if (hy_str_istarts(type, hy_str_of(not [i])))
            return false;
    return true;
}
