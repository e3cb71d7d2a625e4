/* The names of activities. */
#include "hayauma/model/activity.h"

static const char *const names[HY_ACTIVITY_KINDS] = {
    [HY_ACTIVITY_ACCEPTED] = "accepted",
    [HY_ACTIVITY_DELIVERED] = "delivered",
    [HY_ACTIVITY_DEFERRED] = "deferred",
    [HY_ACTIVITY_BOUNCED] = "bounced",
    [HY_ACTIVITY_EXPIRED] = "expired",
    [HY_ACTIVITY_SUPPRESSED] = "suppressed",
    [HY_ACTIVITY_CANCELLED] = "cancelled",
    [HY_ACTIVITY_HELD] = "held",
    [HY_ACTIVITY_LATE_BOUNCE] = "late-bounce",
    [HY_ACTIVITY_COMPLAINT] = "complaint",
    [HY_ACTIVITY_UNSUBSCRIBE] = "unsubscribe",
    [HY_ACTIVITY_REPLY] = "reply",
    [HY_ACTIVITY_AUTO_REPLY] = "auto-reply",
    [HY_ACTIVITY_DELAY_NOTICE] = "delay-notice",
    [HY_ACTIVITY_RESUBSCRIBE] = "resubscribe",
    [HY_ACTIVITY_OPEN] = "open",
    [HY_ACTIVITY_CLICK] = "click",
    [HY_ACTIVITY_VERDICT] = "verdict",
    [HY_ACTIVITY_PAGE_VIEW] = "page-view",
    [HY_ACTIVITY_KEY_PAGE] = "key-page",
    [HY_ACTIVITY_DOWNLOAD] = "download",
    [HY_ACTIVITY_VIDEO] = "video",
    [HY_ACTIVITY_FORM_POST] = "form-post",
    [HY_ACTIVITY_SCROLL] = "scroll",
    [HY_ACTIVITY_IDENTIFY] = "identify",
    [HY_ACTIVITY_ORDER] = "order",
    [HY_ACTIVITY_CART] = "cart",
    [HY_ACTIVITY_OFFLINE] = "offline",
    [HY_ACTIVITY_SALES] = "sales",
    [HY_ACTIVITY_LIST_JOINED] = "list-joined",
    [HY_ACTIVITY_LIST_LEFT] = "list-left",
    [HY_ACTIVITY_CONSENT] = "consent",
    [HY_ACTIVITY_SEGMENT_ENTERED] = "segment-entered",
    [HY_ACTIVITY_SEGMENT_LEFT] = "segment-left",
    [HY_ACTIVITY_SCORE_REACHED] = "score-reached",
    [HY_ACTIVITY_SCORE_LEFT] = "score-left",
    [HY_ACTIVITY_MERGED] = "merged",
    [HY_ACTIVITY_CUSTOM] = "custom",
};

const char *hy_activity_kind_name(enum hy_activity_kind k)
{
    return (size_t)k < HY_ACTIVITY_KINDS && names[k] ? names[k] : "?";
}

int hy_activity_kind_find(struct hy_str name, enum hy_activity_kind *ret)
{
    for (size_t i = 0; i < HY_ACTIVITY_KINDS; i++)
        if (names[i] && hy_str_eq(name, hy_str_of(names[i]))) {
            *ret = (enum hy_activity_kind)i;
            return HY_OK;
        }
    return HY_ENOTFOUND;
}
