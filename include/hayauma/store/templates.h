/* Templates that applications keep here and name in their calls: each tenant's own, each with its
 * last versions. A message is rendered when it is taken, so that one that was taken keeps its text
 * whatever becomes of the template. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/store/env.h"

enum {
    HY_TEMPLATE_NAME_MAX = 64,         /* bytes: letters, digits, and . _ - behind the first */
    HY_TEMPLATE_TEXT_MAX = 1 << 20,    /* bytes of its text, and of its HTML */
    HY_TEMPLATE_SUBJECT_MAX = 4096,    /* bytes */
    HY_TEMPLATE_BY_MAX = 64,           /* bytes of who; longer ones are cut */
    HY_TEMPLATE_VERSIONS = 10,         /* kept of each */
    HY_TEMPLATES_MAX = 1000,           /* of a tenant */
    HY_TEMPLATES_BYTES_MAX = 64 << 20, /* of all versions of all its templates */
    HY_TEMPLATE_BYTES_MAX = 2 * HY_TEMPLATE_TEXT_MAX + HY_TEMPLATE_SUBJECT_MAX + 256,
};

struct hy_stored_template {
    struct hy_str name;
    uint32_t version;                  /* 1.. */
    uint32_t oldest;                   /* version that is there still */
    hy_wall_ms created;                /* the template */
    hy_wall_ms changed;                /* this version */
    uint64_t bytes;                    /* of this version as it is stored */
    struct hy_str by;                  /* who put this version, for people */
    struct hy_str subject, text, html; /* empty where they are not asked for */
};

bool hy_template_name_is_good(struct hy_str name);

enum hy_template_did { HY_TEMPLATE_MADE = 1, HY_TEMPLATE_CHANGED, HY_TEMPLATE_SAME };
/* Puts `name`, `by`, `subject`, `text` and `html` as the next version, and drops the oldest of too
 * many; what is the newest already stays that. Sets version, oldest, created, changed, bytes.
 * HY_EINVAL: the name, or neither text nor HTML; HY_ELIMIT: something is larger than its maximum;
 * HY_EQUOTA: the tenant has too many, or they are too large together. The writer's transaction. */
HY_MUST_USE int hy_template_put(struct hy_txn *t, uint32_t tenant, struct hy_stored_template *m,
                                enum hy_template_did *ret_did);
/* With all its versions. HY_ENOTFOUND. The writer's transaction. */
HY_MUST_USE int hy_template_del(struct hy_txn *t, uint32_t tenant, struct hy_str name);

/* A version (0: the newest) with its texts, which are views into `out` as `name` is one of the
 * caller's. HY_ENOTFOUND; HY_ELIMIT and HY_ENOMEM of `out`. Any transaction. */
HY_MUST_USE int hy_template_get(struct hy_txn *t, uint32_t tenant, struct hy_str name,
                                uint32_t version, struct hy_buf *out,
                                struct hy_stored_template *ret);
/* The first template with a name behind `after`, at its newest version, without its texts. Views.
 * HY_ENOTFOUND. */
HY_MUST_USE int hy_template_next(struct hy_txn *t, uint32_t tenant, struct hy_str after,
                                 struct hy_stored_template *ret);

struct hy_templates_used {
    uint32_t n;
    uint64_t bytes;
};
HY_MUST_USE int hy_templates_used(struct hy_txn *t, uint32_t tenant, struct hy_templates_used *ret);
