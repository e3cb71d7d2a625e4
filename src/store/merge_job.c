/* Merging as a request to the writer, and which leads people mean by it. */
#include <stdio.h>

#include "hayauma/base/list.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/merge.h"
#include "lead_priv.h"

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_merge_job *j = hy_container_of(r, struct hy_merge_job, req);
    j->diag.text[0] = '\0';
    return j->kept ? hy_lead_merge(t, j->kept, j->part, j->by, &j->did, &j->diag)
                   : hy_lead_unmerge(t, j->part, j->by, &j->did, &j->diag);
}

void hy_merge_job_init(struct hy_merge_job *j, hy_lead_no kept, hy_lead_no part, struct hy_str by)
{
    *j = (struct hy_merge_job){.req = {.class = HY_WRITE_ADMIN,
                                       .when = HY_WRITE_NOW,
                                       .on_full = HY_WRITE_FULL_FAIL,
                                       .apply = apply},
                               .kept = kept,
                               .part = part,
                               .by = by};
}

int hy_merge_find(struct hy_txn *t, struct hy_str text, hy_lead_no *ret, struct hy_diag *diag)
{
    struct lead_record r;
    uint64_t no = 0;
    int err;
    if (hy_str_to_u64(text, UINT32_MAX, &no) == 0) {
        err = no ? hy_lead_record_get(t, (hy_lead_no)no, &r) : HY_ENOTFOUND;
        if (!err)
            *ret = (hy_lead_no)no;
    } else {
        err = hy_lead_resolve(t, text, ret, diag);
    }
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no lead '%.*s'",
                                         HY_STR_ARG(hy_str_slice(text, 0, HY_ADDRESS_MAX)))
                               : err;
}

static bool is_same(struct hy_str a, struct hy_str b)
{
    char keys[2][HY_ADDRESS_KEY_MAX];
    size_t n[2];
    return a.n && b.n && hy_address_wire_key(a, keys[0], &n[0]) == 0 &&
           hy_address_wire_key(b, keys[1], &n[1]) == 0 &&
           hy_str_eq(hy_str_make(keys[0], n[0]), hy_str_make(keys[1], n[1]));
}

/* "it was merged of 5, 7 and 9". */
static int tell_parts(hy_lead_no kept, const hy_lead_no *parts, size_t n, struct hy_diag *diag)
{
    char list[160];
    size_t at = 0, shown = n < 10 ? n : 10;
    if (n < 2)
        return hy_fail(diag, HY_ENOTFOUND, "lead %u is no part of another, and has no parts", kept);
    for (size_t i = 1; i < shown; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%u", i > 1 ? ", " : "", parts[i]);
    if (shown < n)
        snprintf(list + at, sizeof list - at, " ...");
    return hy_fail(diag, HY_ENOTFOUND,
                   "lead %u is no part of another; name the part that is to be taken out by its "
                   "number: %s",
                   kept, list);
}

int hy_merge_find_part(struct hy_txn *t, struct hy_str text, hy_lead_no *ret, struct hy_diag *diag)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX], found = 0, kept = 0;
    size_t n = 0;
    int err = hy_merge_find(t, text, &found, diag);
    if (!err)
        err = hy_lead_kept(t, found, &kept);
    if (!err && kept == found)
        err = hy_lead_parts(t, kept, parts, &n);
    for (size_t i = 1; i < n && !err && found == kept; i++) {
        struct lead_record r;
        err = hy_lead_record_get(t, parts[i], &r);
        if (!err && is_same(r.address, text))
            found = parts[i];
    }
    if (!err && found == kept)
        return tell_parts(kept, parts, n, diag);
    if (!err)
        *ret = found;
    return err;
}
