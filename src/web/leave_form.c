/* What is posted to the page behind "unsubscribe". */
#include "leave_form.h"

/* Our words are letters and digits, so nothing is decoded. */
static bool is_said(struct hy_str body, struct hy_str name, struct hy_str *ret_value)
{
    struct hy_str pair;
    while (body.n && hy_str_split(&body, '&', &pair)) {
        size_t at = hy_str_find(pair, '=', 0);
        if (at != SIZE_MAX && hy_str_eq(hy_str_slice(pair, 0, at), name)) {
            *ret_value = hy_str_slice(pair, at + 1, pair.n);
            return true;
        }
    }
    return false;
}

static bool read_number(struct hy_str s, uint32_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.n && i < 11; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (s.n == 0 || s.n > 10 || n == 0 || n > UINT32_MAX)
        return false;
    *ret = (uint32_t)n;
    return true;
}

static bool has_word(struct hy_str text, struct hy_str word)
{
    for (size_t i = 0; i + word.n <= text.n; i++)
        if (hy_str_ieq(hy_str_slice(text, i, i + word.n), word))
            return true;
    return false;
}

/* RFC 8058: as a form of either kind. */
static bool is_one_click(struct hy_str body)
{
    return has_word(body, HY_STR("List-Unsubscribe")) && has_word(body, HY_STR("One-Click"));
}

static size_t read_lists(struct hy_str body, struct hy_wish_list lists[HY_WISH_LISTS_MAX])
{
    struct hy_str pair, rest = body;
    uint32_t no;
    size_t n = 0;
    while (rest.n && n < HY_WISH_LISTS_MAX && hy_str_split(&rest, '&', &pair))
        if (hy_str_starts(pair, HY_STR("shown=")) &&
            read_number(hy_str_slice(pair, 6, pair.n), &no))
            lists[n++] = (struct hy_wish_list){.no = no};
    for (rest = body; rest.n && hy_str_split(&rest, '&', &pair);) {
        if (!hy_str_starts(pair, HY_STR("list=")) ||
            !read_number(hy_str_slice(pair, 5, pair.n), &no))
            continue;
        for (size_t i = 0; i < n; i++)
            lists[i].is_wanted |= lists[i].no == no;
    }
    return n;
}

bool leave_form_read(struct hy_str body, struct leave_form *ret)
{
    struct hy_str action = HY_STR(""), language = HY_STR("");
    bool has_action = is_said(body, HY_STR("action"), &action);
    if (!has_action && !is_one_click(body))
        return false;
    *ret = (struct leave_form){.kind = hy_str_eq(action, HY_STR("save"))     ? HY_WISH_CHOOSE
                                       : hy_str_eq(action, HY_STR("return")) ? HY_WISH_RETURN
                                                                             : HY_WISH_LEAVE,
                               .is_one_click = !has_action};
    (void)is_said(body, HY_STR("language"), &language);
    if (hy_str_eq(language, HY_STR("en")) || hy_str_eq(language, HY_STR("ja")))
        ret->language = language;
    ret->n_lists = read_lists(body, ret->lists);
    return true;
}
