/* Every table of the store, in one list: docs/storage.md describes their keys and values. A table
 * is never renamed or reused; add new ones at the end of their group. */
#pragma once

/* X(symbol, name on disk) */
#define HY_TABLES(X)                                                                               \
    X(META, "meta")                     /* format version, node, secret, marks */                  \
    X(CAMPAIGNS, "campaigns")           /* campaign id -> record */                                \
    X(CAMPAIGN_NAMES, "campaign_names") /* name -> campaign id */                                  \
    X(LEDGERS, "ledgers")               /* campaign id -> ledger and enqueue cursor */             \
    X(BUNDLES, "bundles")               /* campaign id, chunk no -> template bundle bytes */       \
    X(QUEUE, "queue")                   /* campaign id, domain no, block no -> packed rows */      \
    X(DUE, "due")                       /* due second, campaign id, domain no, block no -> */      \
    X(ATTEMPTS, "attempts")             /* attempt id -> attempt */                                \
    X(LEADS, "leads")                   /* lead tables: src/store/lead*.c, list*.c ... */          \
    X(LEAD_ADDRESSES, "lead_addresses")                                                            \
    X(LISTS, "lists")                                                                              \
    X(LIST_NAMES, "list_names")                                                                    \
    X(LIST_LEADS, "list_leads")                                                                    \
    X(DOMAINS, "domains")                                                                          \
    X(DOMAIN_NAMES, "domain_names")                                                                \
    X(ATTRS, "attrs")                                                                              \
    X(STS, "sts")                       /* domain -> MTA-STS policy */                             \
    X(TLS_TALLIES, "tls_tallies")       /* day, domain, kind of session -> count */                \
    X(DAILY, "daily")                   /* what is counted -> messages by the hour, for days */    \
    X(ORDERS, "orders")                 /* number -> an operator's order to lanes */               \
    X(ACTS, "acts")                     /* act id -> what an operator did */                       \
    X(SPOOLS, "spools")                 /* spool id -> where it is; spools: src/store/spool*.c */  \
    X(SPOOL_BLOCKS, "spool_blocks")     /* spool id, block no -> packed rows, recipients */        \
    X(SPOOL_MESSAGES, "spool_messages") /* message id -> record */                                 \
    X(SPOOL_CONTENTS, "spool_contents") /* message id, piece no -> bytes of the message */         \
    X(SPOOL_INDEX, "spool_index")       /* hash of an address or Message-ID -> block */            \
    X(WARMUP, "warmup")                 /* source, provider -> where its warm-up stands */         \
    X(WINDOWS, "windows")               /* number of a worker -> what its windows learned */       \
    X(ACTIVITIES, "activities")         /* activity id -> activity */                              \
    X(ACTIVITY_INDEX, "activity_index") /* lead, message or address, activity id -> */             \
    X(ACTIVITY_COUNTS, "activity_counts")   /* campaign, kind, reason, domain -> count */          \
    X(CAMPAIGN_TALLIES, "campaign_tallies") /* campaign, hour or link -> hits by who; when */      \
    X(LOG_READERS, "log_readers")           /* name -> how far it has read the logs */             \
    X(RETURNED, "returned")                 /* week, hash of a mail that came back -> */           \
    X(SUPPRESSIONS, "suppressions") /* hash of an address -> entries, history, soft bounces */     \
    X(SUPPRESS_EXPIRY, "suppress_expiry") /* second, key of an entry -> */                         \
    X(DSN_DUE, "dsn_due")                 /* second, message id -> its sender is to be told */     \
    X(ONCE, "once")                       /* hash of a key -> answer of a call; time -> */         \
    X(MAILDROP, "maildrop") /* name of a file that was taken from there -> message */              \
    X(TENANTS, "tenants")   /* number -> what it has handed in */                                  \
    X(ENDINGS, "endings")   /* id of the last -> rows of a block that were over without attempt */ \
    X(TEMPLATES, "templates")           /* tenant, name, version, piece -> stored template */      \
    X(TENANT_REPORTS, "tenant_reports") /* number -> how far its contact was told */               \
    X(LEAD_SETS, "lead_sets")           /* kind, number, what, block -> its members */             \
    X(CONSENTS, "consents")             /* lead, id -> who agreed to what, and how */              \
    X(CONSENT_TEXTS, "consent_texts")   /* hash -> the words that people saw */                    \
    X(SCORES, "scores")                 /* lead -> sums of its points, where it is over */         \
    X(SCORE_LEDGER, "score_ledger")     /* lead, rule, moment, activity -> points given */         \
    X(SCORE_NAMES, "score_names")       /* rules, groups, thresholds: name -> number, and back */  \
    X(SCORE_DUE, "score_due")           /* second, lead -> its score is to be looked at */         \
    X(IDENTITIES, "identities")         /* what a lead is known by -> lead, and back */            \
    X(LEAD_CHANGES, "lead_changes")     /* id -> what changed of which leads */                    \
    X(ATTR_TYPES, "attr_types")         /* attribute -> what its values are */                     \
    X(LABELS, "labels")                 /* number of a tag or group -> name, and back */           \
    X(LEAD_LABELS, "lead_labels")       /* lead, kind, number of a tag or group -> */              \
    X(LIST_PENDING, "list_pending")     /* list, lead -> who has still to confirm */               \
    X(SEGMENTS, "segments")             /* number -> segment */                                    \
    X(SEGMENT_NAMES, "segment_names")   /* name -> number */                                       \
    X(LEAD_ALIASES, "lead_aliases")     /* lead -> what it was merged into, and back */            \
    X(ERASURES, "erasures")             /* lead -> how far its erasure is, or that it is gone */   \
    X(HANDOFFS, "handoffs")             /* second, id -> a lead to be handed over to sales */      \
    X(COMMERCE, "commerce")             /* order -> as it stands; lead, when, order -> */          \
    X(COMPANIES, "companies")           /* companies: src/store/company*.c */                      \
    X(CARTS, "carts")                   /* cart -> as it stands; lead, cart; when, open cart -> */ \
    X(PRODUCTS, "products")             /* SKU -> product of a shop */

enum hy_table {
#define X(symbol, name) HY_TABLE_##symbol,
    HY_TABLES(X)
#undef X
        HY_TABLE_COUNT
};
