/* Which outcomes are signals of pace. */
#include "hayauma/shape/signal.h"

static bool has_word(struct hy_str text, const char *const *words, size_t n)
{
    for (size_t w = 0; w < n; w++) {
        struct hy_str word = hy_str_of(words[w]);
        for (size_t i = 0; i + word.n <= text.n; i++) {
            if (hy_ascii_lower(text.p[i]) == word.p[0] &&
                hy_str_ieq(hy_str_slice(text, i, i + word.n), word))
                return true;
        }
    }
    return false;
}
#define HAS(text, words) has_word(text, words, sizeof(words) / sizeof *(words))

bool hy_signal_is_greylisting(struct hy_str text)
{
    static const char *const words[] = {"greylist",  "graylist",  "grey-list", "gray-list",
                                        "grey list", "gray list", "postgrey"};
    return HAS(text, words);
}

/* What providers write when they mean our pace. A false hit costs a little speed, a miss costs
 * deferrals until the share of them speaks. */
static bool speaks_of_connections(struct hy_str text)
{
    static const char *const words[] = {"many connection",      "many concurrent",
                                        "many simultaneous",    "concurrent connection",
                                        "connection limit",     "connections from your",
                                        "simultaneous connect", "max connections"};
    return HAS(text, words);
}

static bool speaks_of_rate(struct hy_str text)
{
    static const char *const words[] = {
        " rate",    "ratelimit",  "too many m", "too much mail", "too fast",  "too quickly",
        "throttl",  "slow down",  "limit",      "quota",         "frequen",   "unusual",
        "per hour", "per minute", "per day",    "volume",        "back off",  "daily",
        "velocity", "in a short", "too often",  "complaint",     "reputation"};
    return HAS(text, words);
}

/* Where a server greylists: at a recipient, or, when it wants to see the message first, behind it.
 * "4.7.1 Try again later" is all that the default of some says. */
static bool may_be_greylisting(const struct hy_outcome *o)
{
    return o->phase == HY_PHASE_RCPT ||
           ((o->phase == HY_PHASE_BODY || o->phase == HY_PHASE_DOT) && o->code != 421);
}

/* 4.7.28: a flood, by IANA's list; from 500 on the details are Exchange Online's for an address. */
static bool is_status_of_rate(struct hy_enhanced e)
{
    return e.subject == 7 && (e.detail == 28 || e.detail >= 500);
}

static enum hy_signal policy_signal(const struct hy_outcome *o)
{
    if (speaks_of_connections(o->text))
        return HY_SIGNAL_CONNECTIONS;
    bool is_told = speaks_of_rate(o->text) || is_status_of_rate(o->enhanced);
    return !is_told && may_be_greylisting(o) ? HY_SIGNAL_VAGUE : HY_SIGNAL_RATE;
}

static enum hy_signal signal_of_reply(const struct hy_outcome *o)
{
    if (hy_signal_is_greylisting(o->text))
        return HY_SIGNAL_NONE;
    switch (o->enhanced.subject) {
    case 7:
        return policy_signal(o);
    case 1:
    case 2:
    case 5:
    case 6:
        return o->code == 421 ? policy_signal(o) : HY_SIGNAL_NONE;
    case 3:
    case 4:
        if (speaks_of_connections(o->text))
            return HY_SIGNAL_CONNECTIONS;
        if (o->from_server && speaks_of_rate(o->text))
            return HY_SIGNAL_RATE;
        return HY_SIGNAL_LOAD;
    default:
        if (speaks_of_connections(o->text))
            return HY_SIGNAL_CONNECTIONS;
        if (speaks_of_rate(o->text))
            return HY_SIGNAL_RATE;
        return o->phase == HY_PHASE_RCPT ? HY_SIGNAL_VAGUE : HY_SIGNAL_LOAD;
    }
}

enum hy_signal hy_signal_of(const struct hy_outcome *o)
{
    if (o->kind == HY_OUTCOME_DELIVERED)
        return HY_SIGNAL_GOOD;
    if (o->kind != HY_OUTCOME_DEFERRED || o->phase == HY_PHASE_RENDER ||
        o->phase == HY_PHASE_POLICY || o->phase == HY_PHASE_DNS)
        return HY_SIGNAL_NONE;
    if (o->code / 100 == 4)
        return signal_of_reply(o);
    return o->code == 0 && o->spoils >= HY_SPOILS_STREAM ? HY_SIGNAL_LOST : HY_SIGNAL_NONE;
}

const char *hy_signal_name(enum hy_signal s)
{
    static const char *const names[] = {"none",  "good", "connections", "rate",
                                        "vague", "load", "lost"};
    return s <= HY_SIGNAL_LOST ? names[s] : "?";
}
