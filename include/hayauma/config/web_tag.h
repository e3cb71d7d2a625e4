/* What the configuration says of the web tag, in words: the HTML for pages, the notice for
 * visitors, and the table of companies. */
#pragma once
#include "hayauma/config/config.h"
#include "hayauma/track/company.h"

enum hy_notice_lang { HY_NOTICE_EN, HY_NOTICE_JA, HY_NOTICE_LANGS };

/* Appends the HTML for every page. HY_EINVAL with a note: there is no tracking.base_url. */
HY_MUST_USE int hy_web_snippet(const struct hy_config *c, struct hy_buf *out, struct hy_diag *diag);
/* Appends what is sent from visitors' browsers, to whom, what for, how long it is kept and how to
 * refuse: what Article 27-12 of Japan's Telecommunications Business Act asks for. As text, or as
 * headings and paragraphs of HTML. As above. */
HY_MUST_USE int hy_web_notice(const struct hy_config *c, enum hy_notice_lang lang, bool is_html,
                              struct hy_buf *out, struct hy_diag *diag);

/* The table of web_tag.companies with what it stands on; zeroed at first. */
struct hy_web_companies {
    struct hy_companies *table; /* NULL: none is named */
    struct hy_str *words;
    struct hy_buf file;
};
/* Reads it; what is wrong is noted. HY_EINVAL, HY_EIO, HY_ENOMEM ... To be freed in any case. */
HY_MUST_USE int hy_web_companies_load(const struct hy_config *c, struct hy_web_companies *ret,
                                      struct hy_diag *diag);
/* The same of tracking.privacy_relays: only whether an address is found says something. */
HY_MUST_USE int hy_privacy_relays_load(const struct hy_config *c, struct hy_web_companies *ret,
                                       struct hy_diag *diag);
void hy_web_companies_free(struct hy_web_companies *w);
