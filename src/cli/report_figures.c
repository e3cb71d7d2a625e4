/* The figures of a campaign's report, as all its forms tell them. */
#include <stdlib.h>

#include "hayauma/bounce/reason.h"
#include "report_view.h"

static int by_number(const void *a, const void *b)
{
    int64_t x = ((const struct report_reason *)a)->n, y = ((const struct report_reason *)b)->n;
    return x < y ? 1 : x > y ? -1 : 0;
}

size_t report_reasons(const json_t *by_name, struct report_reason ret[REPORT_REASONS_MAX])
{
    _Static_assert(HY_BOUNCE_REASONS <= (int)REPORT_REASONS_MAX, "all of them");
    size_t n = 0;
    for (int i = 0; i < HY_BOUNCE_REASONS; i++) {
        const char *name = hy_bounce_reason_name((enum hy_bounce_reason)i);
        if (cli_int(by_name, name))
            ret[n++] = (struct report_reason){name, cli_int(by_name, name)};
    }
    qsort(ret, n, sizeof *ret, by_number);
    return n;
}

const char *report_reason_label(const struct cli *c, const char *name)
{
    const struct {
        const char *name, *label;
    } labels[] = {
        {"user-unknown", _(c, "no such recipient")},
        {"domain-error", _(c, "the domain takes no mail")},
        {"suspended", _(c, "the account is suspended")},
        {"mailbox-full", _(c, "the mailbox is full")},
        {"too-big", _(c, "the mail is too big")},
        {"rejected-content", _(c, "refused for its content")},
        {"rejected-policy", _(c, "refused by a policy")},
        {"rejected-auth", _(c, "refused: SPF, DKIM or DMARC")},
        {"blocked", _(c, "the sender is blocked")},
        {"rate-limited", _(c, "too much mail at once")},
        {"network", _(c, "the server was out of reach")},
        {"expired", _(c, "given up after its time")},
        {"system", _(c, "a fault of the server")},
        {"undefined", _(c, "for another reason")},
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcmp(labels[i].name, name) == 0)
            return labels[i].label;
    return name;
}

size_t report_figures(const struct cli *c, const json_t *r, struct report_figure *ret)
{
    const json_t *people = json_object_get(r, "people");
    int64_t queued = cli_int(r, "queued"), sent = cli_int(r, "sent");
    int64_t delivered = cli_int(r, "delivered"), opened = cli_int(people, "opened");
    const char *of_queued = _(c, "of queued"), *of_sent = _(c, "of sent");
    const char *of_delivered = _(c, "of delivered"), *of_opened = _(c, "of those who opened");
    const json_t *score = json_object_get(r, "score");
    const int64_t points = (int64_t)json_number_value(json_object_get(score, "points"));
    const struct report_figure all[] = {
        {"queued", _(c, "queued"), queued, 0, "", false},
        {"sent", _(c, "sent"), sent, queued, of_queued, false},
        {"delivered", _(c, "delivered"), delivered, sent, of_sent, false},
        {"bounced", _(c, "bounced"), cli_int(r, "bounced"), sent, of_sent, false},
        {"expired", _(c, "expired"), cli_int(r, "expired"), sent, of_sent, false},
        {"suppressed", _(c, "suppressed"), cli_int(r, "suppressed"), queued, of_queued, false},
        {"cancelled", _(c, "cancelled"), cli_int(r, "cancelled"), queued, of_queued, false},
        {"late_bounces", _(c, "came back later"), cli_int(r, "late_bounces"), delivered,
         of_delivered, false},
        {"opened", _(c, "people who opened"), opened, delivered, of_delivered, false},
        {"opens_human", _(c, "opens by people"), cli_int(r, "opens_human"), 0, "", true},
        {"opens_unknown", _(c, "opens not known whose"), cli_int(r, "opens_unknown"), 0, "", true},
        {"opens_machine", _(c, "opens by machines"), cli_int(r, "opens_machine"), 0, "", true},
        {"clicked", _(c, "people who clicked"), cli_int(people, "clicked"), delivered, of_delivered,
         false},
        {"click_to_open", _(c, "click-to-open"), cli_int(people, "clicked"), opened, of_opened,
         true},
        {"clicks_human", _(c, "clicks by people"), cli_int(r, "clicks_human"), 0, "", true},
        {"clicks_unknown", _(c, "clicks not known whose"), cli_int(r, "clicks_unknown"), 0, "",
         true},
        {"clicks_machine", _(c, "clicks by machines"), cli_int(r, "clicks_machine"), 0, "", true},
        {"unsubscribes", _(c, "unsubscribes"), cli_int(r, "unsubscribes"), delivered, of_delivered,
         false},
        {"complaints", _(c, "complaints"), cli_int(r, "complaints"), delivered, of_delivered,
         false},
        {"replies", _(c, "answered"), cli_int(r, "replies"), delivered, of_delivered, false},
        {"score_leads", _(c, "people who got points"), cli_int(score, "leads"), delivered,
         of_delivered, false},
        {"score_points", _(c, "points they got"), points, 0, "", true},
        {"auto_replies", _(c, "automatic replies"), cli_int(r, "auto_replies"), delivered,
         of_delivered, false},
    };
    _Static_assert(sizeof all / sizeof *all <= REPORT_FIGURES_MAX, "room");
    memcpy(ret, all, sizeof all);
    return sizeof all / sizeof *all;
}
