/* What is posted to the page behind "unsubscribe": a form of the page, or of a mail service (RFC
 * 8058). Pure: bytes in, a wish out. */
#pragma once
#include "hayauma/store/wish.h"

struct leave_form {
    enum hy_wish_kind kind;
    bool is_one_click;      /* a mail service's */
    struct hy_str language; /* "en", "ja", a view of the body; empty: it stays */
    struct hy_wish_list lists[HY_WISH_LISTS_MAX]; /* that the page showed */
    size_t n_lists;
};
/* False: nothing is asked for; *ret is untouched. */
bool leave_form_read(struct hy_str body, struct leave_form *ret);
