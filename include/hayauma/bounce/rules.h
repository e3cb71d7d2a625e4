/* Rules that tell the reason of a refusal from its words, and the class of one reply: the same for
 * a reply heard while sending and for one quoted in a bounce. Pure. */
#pragma once
#include "hayauma/bounce/reason.h"
#include "hayauma/model/outcome.h"

enum {
    HY_BOUNCE_RULES_MAX = 1000,   /* patterns of one set */
    HY_BOUNCE_PATTERN_MAX = 2000, /* bytes of one */
    HY_BOUNCE_SUBJECT_MAX = 2048, /* bytes of a refusal that are looked at */
};

/* What a rule may say besides the reason; AUTO leaves it to reason and code. */
enum hy_bounce_say { HY_BOUNCE_AUTO = 0, HY_BOUNCE_NO = 1, HY_BOUNCE_YES = 2 };

/* One pattern as written. */
struct hy_bounce_rule {
    const char *pattern; /* PCRE2, UTF-8; letters match in either case unless it says (?-i) */
    enum hy_bounce_reason reason;
    enum hy_bounce_say hard, retry;
    const char *provider; /* whose words they are: "gmail", "postfix"; "any" */
    const char *source;   /* where they are documented; "" = not said */
    const char *file;     /* where the rule stands */
    uint32_t line;
};

/* A set in order, compiled; not changed once it is in use, and then free for any thread. */
struct hy_bounce_rules;
HY_MUST_USE int hy_bounce_rules_new(struct hy_bounce_rules **ret); /* HY_ENOMEM */
/* Appends one; what it points to must outlive the set. HY_EPARSE: the pattern is none, or could run
 * wild (noted, with the place in it); HY_EINVAL: it matches every refusal (noted); HY_ELIMIT,
 * HY_ENOMEM. */
HY_MUST_USE int hy_bounce_rules_add(struct hy_bounce_rules *set, const struct hy_bounce_rule *rule,
                                    struct hy_diag *diag);
size_t hy_bounce_rules_count(const struct hy_bounce_rules *set);
/* The rule at `i` < count. */
const struct hy_bounce_rule *hy_bounce_rules_at(const struct hy_bounce_rules *set, size_t i);
void hy_bounce_rules_free(struct hy_bounce_rules *set);

/* A refusal. */
struct hy_bounce_words {
    uint16_t code;             /* of SMTP; 0 = not known */
    struct hy_enhanced status; /* class 0 = not known */
    struct hy_str text;        /* any bytes; past HY_BOUNCE_SUBJECT_MAX they are not looked at */
};
/* What the patterns see: "550 5.1.1 <@>: user unknown". Code and status first, 000 and 0.0.0 when
 * not known; then the words, with white space, repeated codes of further lines and what stands for
 * an address ("@") made plain. `out` holds HY_BOUNCE_SUBJECT_MAX + 24 bytes. */
struct hy_str hy_bounce_subject(const struct hy_bounce_words *w,
                                char out[HY_BOUNCE_SUBJECT_MAX + 24]);
/* The first rule whose pattern is found in the subject; NULL when none is. One that needs more than
 * its share of steps does not match. `set` may be NULL. */
const struct hy_bounce_rule *hy_bounce_rules_match(const struct hy_bounce_rules *set,
                                                   struct hy_str subject);

struct hy_bounce_class {
    enum hy_bounce_reason reason;
    bool is_hard;                      /* the address is dead */
    bool is_suppress;                  /* nothing more should go there */
    bool may_retry;                    /* the same message may be taken later */
    const struct hy_bounce_rule *rule; /* that said so; NULL = code and status did */
};
/* By the words, else by the status (RFC 3463), else by the code. A bare 550 stays undefined: it
 * does not tell a dead address from a refused sender. */
struct hy_bounce_class hy_bounce_classify(const struct hy_bounce_rules *set,
                                          const struct hy_bounce_words *w);

/* Reads code and status at the front of words such as "550-5.1.1 No such user"; when `anywhere` is
 * set, else the first of a refusal within them. What is not there stays untouched. */
void hy_bounce_read_codes(struct hy_str text, bool anywhere, uint16_t *code,
                          struct hy_enhanced *status);
