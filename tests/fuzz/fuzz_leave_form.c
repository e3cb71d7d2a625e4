/* Any bytes as what is posted to the page behind "unsubscribe": nothing is asked for, or a wish
 * within its limits. */
#include <stdlib.h>

#include "leave_form.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_str body = hy_str_make(data, n);
    struct leave_form f;
    if (!leave_form_read(body, &f))
        return 0;
    must(f.kind == HY_WISH_LEAVE || f.kind == HY_WISH_RETURN || f.kind == HY_WISH_CHOOSE);
    must(!f.is_one_click || f.kind == HY_WISH_LEAVE);
    must(f.language.n == 0 ||
         (f.language.n == 2 && f.language.p >= body.p && f.language.p + 2 <= body.p + body.n));
    must(f.n_lists <= HY_WISH_LISTS_MAX);
    for (size_t i = 0; i < f.n_lists; i++)
        must(f.lists[i].no > 0);
    return 0;
}
