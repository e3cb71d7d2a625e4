/* A lead taken out of the tables of leads. */
#include "hayauma/mail/address.h"
#include "hayauma/store/company.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/opt_in.h"
#include "lead_priv.h"

static int leave_lists(struct hy_txn *t, hy_lead_no lead, hy_domain_no domain)
{
    struct hy_list_view l = {0};
    int err;
    while ((err = hy_list_next(t, l.no, &l)) == 0) {
        err = hy_list_drop(t, l.no, domain, lead);
        if (!err || err == HY_ENOTFOUND)
            err = hy_opt_in_drop(t, l.no, lead);
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int copy_label(void *ctx, const struct hy_label *l)
{
    *(struct hy_label *)ctx = *l;
    return 1;
}

static int drop_labels(struct hy_txn *t, hy_lead_no lead)
{
    struct hy_label l;
    bool changed;
    int err;
    while ((err = hy_lead_labels(t, lead, copy_label, &l)) == 1) {
        err = hy_lead_unlabel(t, lead, l.kind, l.no, &changed);
        if (err)
            return err;
    }
    return err;
}

static int drop_address(struct hy_txn *t, hy_lead_no lead, struct hy_str address)
{
    char key[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    struct hy_hash_key k = hy_lead_hash_key(t->env);
    if (address.n == 0)
        return 0;
    if (hy_address_wire_key(address, key, &n) != 0)
        return HY_ECORRUPT;
    hy_lead_no kept = 0;
    int err = hy_lead_index_drop(t, hy_lead_hash(&k, hy_str_make(key, n)), lead);
    if (err != HY_ENOTFOUND)
        return err;
    err = hy_lead_kept(t, lead, &kept);
    return err ? err : kept == lead ? HY_ECORRUPT : 0; /* that of a part is the kept one's */
}

int hy_lead_delete(struct hy_txn *t, hy_lead_no lead)
{
    struct lead_record r;
    uint8_t key[4];
    int err = hy_lead_record_get(t, lead, &r);
    if (err)
        return err;
    hy_domain_no domain = r.domain;
    err = drop_address(t, lead, r.address);
    if (!err)
        err = leave_lists(t, lead, domain);
    if (!err)
        err = drop_labels(t, lead);
    if (!err)
        err = hy_company_follow(t, lead, 0);
    if (!err)
        err = hy_identity_move(t, lead, 0);
    if (!err)
        err = hy_lead_no_retire(t, lead);
    if (!err)
        err = hy_del(t, HY_TABLE_LEADS, lead_key(lead, key));
    return err ? hy_txn_fail(t, err) : 0;
}
