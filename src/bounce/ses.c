/* Notices of Amazon SES: JSON in the text of a mail, or what SNS posts. */
#include <jansson.h>

#include "findings.h"

static struct hy_str copy(struct hy_arena *a, const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? bounce_line(a, hy_str_of(s), BOUNCE_DIAGNOSTIC_MAX) : HY_STR("");
}

static void add_recipients(const json_t *list, bool is_plain, struct bounce_items *items)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        struct bounce_item *it = bounce_item_add(items);
        if (!it)
            return;
        if (is_plain) {
            const char *s = json_string_value(one);
            it->final = bounce_address_of(bounce_line(items->arena, hy_str_of(s), 1000));
            continue;
        }
        it->final = bounce_address_of(copy(items->arena, one, "emailAddress"));
        it->action = copy(items->arena, one, "action");
        it->diagnostic = copy(items->arena, one, "diagnosticCode");
        if (hy_str_istarts(it->diagnostic, HY_STR("smtp;")))
            it->diagnostic = hy_str_trim(hy_str_slice(it->diagnostic, 5, it->diagnostic.n));
        uint16_t code = 0;
        hy_bounce_read_codes(copy(items->arena, one, "status"), false, &code, &it->status);
    }
}

static bool read_notice(const json_t *root, struct bounce_items *items,
                        enum hy_bounce_kind *ret_kind, struct hy_str *ret_feedback)
{
    const json_t *o;
    struct hy_str type = copy(items->arena, root, "notificationType");
    if (type.n == 0)
        type = copy(items->arena, root, "eventType");
    if (hy_str_ieq(type, HY_STR("Bounce")) && (o = json_object_get(root, "bounce"))) {
        *ret_kind = HY_BOUNCE_KIND_BOUNCE;
        items->reporting_mta =
            bounce_line(items->arena, copy(items->arena, o, "reportingMTA"), 300);
        add_recipients(json_object_get(o, "bouncedRecipients"), false, items);
        return true;
    }
    if (hy_str_ieq(type, HY_STR("Complaint")) && (o = json_object_get(root, "complaint"))) {
        *ret_kind = HY_BOUNCE_KIND_COMPLAINT;
        *ret_feedback = copy(items->arena, o, "complaintFeedbackType");
        add_recipients(json_object_get(o, "complainedRecipients"), false, items);
        return true;
    }
    if (hy_str_ieq(type, HY_STR("Delivery")) && (o = json_object_get(root, "delivery"))) {
        *ret_kind = HY_BOUNCE_KIND_OTHER;
        add_recipients(json_object_get(o, "recipients"), true, items);
        for (size_t i = 0; i < items->n; i++) {
            items->at[i].action = HY_STR("delivered");
            items->at[i].diagnostic = copy(items->arena, o, "smtpResponse");
        }
        return true;
    }
    return false;
}

bool bounce_read_ses(struct hy_str text, struct bounce_items *items, enum hy_bounce_kind *ret_kind,
                     struct hy_str *ret_feedback, struct hy_str *ret_message_id)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf one = HY_BUF_INIT(256 * 1024);
    text = hy_str_trim(text);
    if (text.n == 0 || text.p[0] != '{' || !bounce_has(hy_str_slice(text, 0, 65536), "type\""))
        return false;
    for (size_t i = 0; i < text.n; i++) /* mail was wrapped wherever a line grew long */
        if (text.p[i] != '\n')
            hy_buf_add_c(&one, text.p[i]);
    json_t *root = json_loadb(one.data, one.len, JSON_DISABLE_EOF_CHECK, NULL);
    if (root && json_is_string(json_object_get(root, "Message"))) { /* in SNS's envelope */
        json_t *inner = json_loads(json_string_value(json_object_get(root, "Message")), 0, NULL);
        json_decref(root);
        root = inner;
    }
    bool is_ses = root && read_notice(root, items, ret_kind, ret_feedback);
    if (is_ses) {
        const json_t *mail = json_object_get(root, "mail");
        *ret_message_id = copy(items->arena, json_object_get(mail, "commonHeaders"), "messageId");
        if (ret_message_id->n == 0)
            *ret_message_id = copy(items->arena, mail, "messageId");
    }
    json_decref(root);
    return is_ses;
}
