#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/attr_type.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/opt_in.h"
#include "spools.h"

TestSuite(lead_edit, .init = case_open, .fini = case_close);

static struct hy_diag diag;

static int edit(const struct hy_lead_edit *e, struct hy_lead_edit_result *ret)
{
    struct hy_txn t;
    diag.text[0] = 0;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    int err = hy_lead_edit(&t, e, ret, &diag);
    cr_assert(err == HY_OK || t.writes == 0, "an edit that failed wrote something");
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    return err;
}

static hy_list_no make_list(const char *name, enum hy_list_opt_in opt_in)
{
    const struct hy_list_rules rules = {.opt_in = opt_in, .confirm_s = 60};
    struct hy_txn t;
    hy_list_no no = 0;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_list_create(&t, hy_str_of(name), 5, &no), HY_OK);
    cr_assert_eq(hy_list_set_rules(&t, no, &rules), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    return no;
}

static int join_label(void *ctx, const struct hy_label *l)
{
    char *out = ctx;
    sprintf(out + strlen(out), "%c:%.*s;", l->kind == HY_LABEL_TAG ? 't' : 'g',
            HY_STR_ARG(l->name));
    return 0;
}

/* "taro@x.test name=Taro; t:vip; [news]" of a lead; "" when there is none. */
static const char *told(hy_lead_no no, char out[1024])
{
    struct hy_lead_attr attrs[16];
    struct hy_lead_view v;
    struct hy_list_view l = {0};
    struct hy_txn t;
    out[0] = 0;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    if (hy_lead_read(&t, no, attrs, 16, &v) == HY_OK) {
        size_t n = (size_t)sprintf(out, "%.*s ", HY_STR_ARG(v.address));
        for (size_t i = 0; i < v.n_attrs; i++) {
            struct hy_str name;
            cr_assert_eq(hy_attr_name(&t, v.attrs[i].no, &name), HY_OK);
            n += (size_t)sprintf(out + n, "%.*s=%.*s;", HY_STR_ARG(name),
                                 HY_STR_ARG(v.attrs[i].value));
        }
        cr_assert_eq(hy_lead_labels(&t, no, join_label, out), HY_OK);
        while (hy_list_next(&t, l.no, &l) == HY_OK) {
            bool has = false;
            cr_assert_eq(hy_list_has(&t, l.no, v.domain_no, no, &has), HY_OK);
            if (has)
                sprintf(out + strlen(out), "[%.*s]", HY_STR_ARG(l.name));
        }
    }
    hy_txn_end(&t);
    return out;
}

/* What the newest change says, and of how many leads. */
static uint8_t newest_change(uint32_t *ret_n)
{
    struct hy_lead_change c = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    while (hy_lead_change_next(&t, c.id, &c, NULL) == HY_OK)
        ;
    hy_txn_end(&t);
    *ret_n = c.n;
    return c.what;
}

Test(lead_edit, makes_a_lead_with_all_it_has_and_finds_it_again)
{
    (void)make_list("news", HY_LIST_OPT_IN_SINGLE);
    const struct hy_lead_edit_attr attrs[] = {{HY_STR("name"), HY_STR("Taro")},
                                              {HY_STR("language"), HY_STR("ja")}};
    const struct hy_lead_edit_label labels[] = {{HY_LABEL_TAG, false, HY_STR("vip")},
                                                {HY_LABEL_GROUP, false, HY_STR("Osaka")}};
    const struct hy_lead_edit_identity ids[] = {{{HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}, false}};
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}};
    struct hy_lead_edit e = {
        .address = HY_STR("Taro@x.test"),
        .attrs = attrs,
        .n_attrs = 2,
        .labels = labels,
        .n_labels = 2,
        .identities = ids,
        .n_identities = 1,
        .lists = lists,
        .n_lists = 1,
        .by = HY_STR("api shop"),
    };
    struct hy_lead_edit_result r;
    char text[1024];
    uint32_t n = 0;
    cr_assert_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    cr_expect_eq(r.lead, 1);
    cr_expect(r.is_new);
    cr_expect_str_eq(told(1, text), "Taro@x.test name=Taro;language=ja;t:vip;g:Osaka;[news]");
    cr_expect_eq(newest_change(&n), HY_LEAD_CREATED | HY_LEAD_ATTRIBUTES | HY_LEAD_ADDRESSES |
                                        HY_LEAD_TAGS | HY_LEAD_GROUPS | HY_LEAD_LISTS);
    cr_expect_eq(n, 1);

    e.address = (struct hy_str){0}; /* now by its id alone */
    cr_assert_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    cr_expect_eq(r.lead, 1);
    cr_expect_not(r.is_new);
    cr_expect_eq(r.what, 0, "nothing changed, but %x", r.what);
    cr_expect_eq(store_entries(env, HY_TABLE_LEAD_CHANGES), 1);

    struct hy_txn t;
    struct hy_activity a;
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = 1};
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_activity_prev_of(&t, &who, 0, &a), HY_OK);
    cr_expect_eq(a.kind, HY_ACTIVITY_LIST_JOINED);
    cr_expect(hy_str_eq(a.text, HY_STR("news")));
    cr_expect(hy_str_eq(a.source, HY_STR("api shop")));
    cr_expect_eq(hy_activity_prev_of(&t, &who, a.id, &a), HY_ENOTFOUND);
    hy_txn_end(&t);
    cr_expect_eq(store_problems(env), 0);
}

Test(lead_edit, takes_away_what_it_is_told_to)
{
    (void)make_list("news", HY_LIST_OPT_IN_SINGLE);
    const struct hy_lead_edit_attr attrs[] = {{HY_STR("name"), HY_STR("Taro")},
                                              {HY_STR("age"), HY_STR("30")}},
                                   gone[] = {{HY_STR("name"), {0}}, {HY_STR("unheard"), {0}}};
    const struct hy_lead_edit_label labels[] = {{HY_LABEL_TAG, false, HY_STR("vip")}},
                                    off[] = {{HY_LABEL_TAG, true, HY_STR("vip")},
                                             {HY_LABEL_TAG, true, HY_STR("never")}};
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}},
                                   left[] = {{.name = HY_STR("news"), .is_left = true}};
    struct hy_lead_edit e = {
        .address = HY_STR("taro@x.test"),
        .attrs = attrs,
        .n_attrs = 2,
        .labels = labels,
        .n_labels = 1,
        .lists = lists,
        .n_lists = 1,
    };
    struct hy_lead_edit_result r;
    char text[1024];
    cr_assert_eq(edit(&e, &r), HY_OK);
    e.attrs = gone;
    e.labels = off;
    e.n_labels = 2;
    e.lists = left;
    cr_assert_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    cr_expect_eq(r.what, HY_LEAD_ATTRIBUTES | HY_LEAD_TAGS | HY_LEAD_LISTS);
    cr_expect_str_eq(told(1, text), "taro@x.test age=30;");

    struct hy_txn t;
    hy_attr_no no = 0;
    uint64_t members = 1;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_expect_eq(hy_attr_find(&t, HY_STR("unheard"), &no), HY_ENOTFOUND);
    cr_assert_eq(
        hy_lead_set_count(&t, (struct hy_lead_set){.kind = HY_LEAD_SET_TAG, .no = 1}, &members),
        HY_OK);
    cr_expect_eq(members, 0);
    hy_txn_end(&t);
    cr_expect_eq(store_problems(env), 0);
}

Test(lead_edit, refuses_before_it_writes)
{
    struct hy_txn t;
    hy_attr_no no;
    struct hy_lead_edit_result r;
    const struct hy_lead_edit_identity crm[] = {{{HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}, false}},
                                       bad_id[] = {{{HY_IDENTITY_EXTERNAL, HY_STR("7")}, false}};
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_attr_intern(&t, HY_STR("age"), &no), HY_OK);
    cr_assert_eq(hy_attr_type_set(&t, no, HY_ATTR_NUMBER), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_assert_eq(edit(&(struct hy_lead_edit){.address = HY_STR("a@x.test")}, &r), HY_OK);
    cr_assert_eq(edit(&(struct hy_lead_edit){.identities = crm, .n_identities = 1}, &r), HY_OK);

    const struct hy_lead_edit_attr old[] = {{HY_STR("age"), HY_STR("old")}},
                                   no_name[] = {{HY_STR("a b"), HY_STR("1")}},
                                   no_text[] = {{HY_STR("name"), HY_STR("\xff")}};
    const struct hy_lead_edit_label blank[] = {{HY_LABEL_TAG, false, HY_STR(" vip")}};
    const struct hy_lead_edit_list unknown[] = {{.name = HY_STR("nobody's")}};
    const struct {
        struct hy_lead_edit e;
        int want;
        const char *says;
    } cases[] = {
        {{.n_attrs = 0}, HY_EINVAL, "needs an address"},
        {{.lead = 99}, HY_ENOTFOUND, "no lead 99"},
        {{.address = HY_STR("a@")}, HY_EPARSE, "address: "},
        {{.address = HY_STR("a@x.test"), .mode = HY_LEAD_EDIT_NEW}, HY_EEXIST, "lead 1"},
        {{.address = HY_STR("b@x.test"), .mode = HY_LEAD_EDIT_CHANGE}, HY_ENOTFOUND, "no such"},
        {{.address = HY_STR("a@x.test"), .identities = crm, .n_identities = 1},
         HY_EEXIST,
         "ext:crm:7 is of lead 2, the rest names lead 1"},
        {{.identities = bad_id, .n_identities = 1}, HY_EPARSE, "SYSTEM:ID"},
        {{.address = HY_STR("b@x.test"), .attrs = old, .n_attrs = 1},
         HY_EPARSE,
         "attribute age: \"old\" is not a number"},
        {{.address = HY_STR("b@x.test"), .attrs = no_name, .n_attrs = 1}, HY_EINVAL, "its name"},
        {{.address = HY_STR("b@x.test"), .attrs = no_text, .n_attrs = 1}, HY_EINVAL, "name: no"},
        {{.address = HY_STR("b@x.test"), .labels = blank, .n_labels = 1}, HY_EINVAL, "blanks"},
        {{.address = HY_STR("b@x.test"), .lists = unknown, .n_lists = 1},
         HY_ENOTFOUND,
         "list nobody's"},
        {{.address = HY_STR("b@x.test"), .n_attrs = HY_LEAD_EDIT_MAX + 1}, HY_ELIMIT, "more than"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(edit(&cases[i].e, &r), cases[i].want, "case %zu: %s", i, diag.text);
        cr_expect(strstr(diag.text, cases[i].says), "case %zu: got %s, want %s", i, diag.text,
                  cases[i].says);
    }
    cr_expect_eq(store_entries(env, HY_TABLE_LEADS), 2);
}

Test(lead_edit, a_lead_without_an_address_may_get_one_and_keeps_its_lists)
{
    (void)make_list("news", HY_LIST_OPT_IN_SINGLE);
    const struct hy_lead_edit_identity crm[] = {{{HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}, false}};
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}};
    struct hy_lead_edit e = {.identities = crm, .n_identities = 1, .lists = lists, .n_lists = 1};
    struct hy_lead_edit_result r;
    char text[1024];
    cr_assert_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    cr_expect_str_eq(told(1, text), " [news]");
    cr_expect_eq(store_problems(env), 0);

    struct hy_list_set set = {.lists = {1}, .n = 1};
    struct hy_txn t;
    hy_domain_no domain = 0;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_expect_eq(hy_list_set_next_domain(&t, &set, 0, &domain), HY_ENOTFOUND, "no mail for it");
    hy_txn_end(&t);

    e.address = HY_STR("taro@x.test");
    cr_assert_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    cr_expect_eq(r.lead, 1);
    cr_expect_eq(r.what, HY_LEAD_ADDRESSES);
    cr_expect_str_eq(told(1, text), "taro@x.test [news]");
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_expect_eq(hy_list_set_next_domain(&t, &set, 0, &domain), HY_OK);
    hy_txn_end(&t);
    cr_expect_eq(store_problems(env), 0);
}

Test(lead_edit, a_new_address_leaves_the_old_one_a_further_one)
{
    (void)make_list("news", HY_LIST_OPT_IN_SINGLE);
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}};
    struct hy_lead_edit_result r;
    struct hy_txn t;
    char text[1024];
    hy_lead_no no = 0;
    cr_assert_eq(
        edit(&(struct hy_lead_edit){.address = HY_STR("old@x.test"), .lists = lists, .n_lists = 1},
             &r),
        HY_OK);
    cr_assert_eq(edit(&(struct hy_lead_edit){.lead = 1, .address = HY_STR("new@y.test")}, &r),
                 HY_OK, "%s", diag.text);
    cr_expect_str_eq(told(1, text), "new@y.test [news]");
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_expect_eq(hy_lead_find(&t, HY_STR("OLD@x.test"), &no), HY_OK);
    cr_expect_eq(no, 1);
    cr_expect_eq(hy_lead_find(&t, HY_STR("new@y.test"), &no), HY_OK);
    hy_txn_end(&t);

    /* back to the old one, and in another spelling */
    cr_assert_eq(edit(&(struct hy_lead_edit){.lead = 1, .address = HY_STR("old@x.test")}, &r),
                 HY_OK, "%s", diag.text);
    cr_assert_eq(edit(&(struct hy_lead_edit){.lead = 1, .address = HY_STR("Old@x.test")}, &r),
                 HY_OK, "%s", diag.text);
    cr_expect_str_eq(told(1, text), "Old@x.test [news]");
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_expect_eq(hy_lead_find(&t, HY_STR("new@y.test"), &no), HY_OK);
    cr_expect_eq(no, 1);
    hy_txn_end(&t);
    cr_expect_eq(store_entries(env, HY_TABLE_IDENTITIES), 2, "one further address, both ways");
    cr_expect_eq(store_problems(env), 0);
}

Test(lead_edit, of_a_list_with_double_opt_in_asks_first)
{
    hy_list_no news = make_list("news", HY_LIST_OPT_IN_DOUBLE);
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}},
                                   sure[] = {{.name = HY_STR("news"), .is_confirmed = true}};
    const struct hy_lead_edit_identity crm[] = {{{HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}, false}};
    struct hy_lead_edit_result r;
    struct hy_opt_in o;
    struct hy_txn t;
    char text[1024];
    cr_expect_eq(edit(
                     &(struct hy_lead_edit){
                         .identities = crm, .n_identities = 1, .lists = lists, .n_lists = 1},
                     &r),
                 HY_EINVAL);
    cr_expect(strstr(diag.text, "has no address"), "%s", diag.text);
    cr_assert_eq(edit(&(struct hy_lead_edit){.address = HY_STR("a@x.test"),
                                             .lists = lists,
                                             .n_lists = 1,
                                             .by = HY_STR("form /news")},
                      &r),
                 HY_OK);
    cr_expect_eq(r.pending, 1);
    cr_expect_str_eq(told(1, text), "a@x.test ");
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_opt_in_get(&t, news, 1, &o), HY_OK);
    cr_expect(hy_str_eq(o.by, HY_STR("form /news")));
    hy_txn_end(&t);

    cr_assert_eq(
        edit(&(struct hy_lead_edit){.address = HY_STR("b@x.test"), .lists = sure, .n_lists = 1},
             &r),
        HY_OK);
    cr_expect_str_eq(told(2, text), "b@x.test [news]");
}

Test(lead_edit,
     what_is_deleted_leaves_nothing_in_the_tables_of_leads_and_its_number_is_never_reused)
{
    (void)make_list("news", HY_LIST_OPT_IN_SINGLE);
    (void)make_list("asks", HY_LIST_OPT_IN_DOUBLE);
    const struct hy_lead_edit_attr attrs[] = {{HY_STR("name"), HY_STR("Taro")}};
    const struct hy_lead_edit_label labels[] = {{HY_LABEL_TAG, false, HY_STR("vip")},
                                                {HY_LABEL_GROUP, false, HY_STR("g")}};
    const struct hy_lead_edit_identity ids[] = {{{HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}, false}};
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}, {.name = HY_STR("asks")}};
    const struct hy_lead_edit e = {
        .address = HY_STR("taro@x.test"),
        .attrs = attrs,
        .n_attrs = 1,
        .labels = labels,
        .n_labels = 2,
        .identities = ids,
        .n_identities = 1,
        .lists = lists,
        .n_lists = 2,
    };
    struct hy_lead_edit_result r;
    struct hy_txn t;
    cr_assert_eq(edit(&(struct hy_lead_edit){.address = HY_STR("a@x.test")}, &r), HY_OK);
    cr_assert_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    cr_expect_eq(r.lead, 2);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(hy_lead_delete(&t, 2), HY_OK);
    cr_expect_eq(hy_lead_delete(&t, 2), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    static const enum hy_table empty[] = {HY_TABLE_IDENTITIES, HY_TABLE_LEAD_LABELS,
                                          HY_TABLE_LIST_PENDING, HY_TABLE_LIST_LEADS};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        cr_expect_eq(store_entries(env, empty[i]), 0, "%s", hy_table_name(empty[i]));
    cr_expect_eq(store_entries(env, HY_TABLE_LEADS), 1);
    cr_assert_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    cr_expect_eq(r.lead, 3);
    cr_expect_eq(store_problems(env), 0);
}

Test(lead_edit, an_import_finds_a_lead_by_a_further_address_and_tells_of_its_changes)
{
    hy_list_no news = make_list("news", HY_LIST_OPT_IN_SINGLE);
    static const struct hy_str columns[] = {HY_STR("name")};
    static const struct {
        const char *address, *key;
    } rows[] = {{"further@y.test", "further@y.test"}, {"new@z.test", "new@z.test"}};
    const struct hy_lead_edit_identity ids[] = {
        {{HY_IDENTITY_ADDRESS, HY_STR("further@y.test")}, false}};
    struct hy_lead_edit_result r;
    struct hy_lead_upsert_result got;
    struct hy_lead_batch *b = NULL;
    struct hy_txn t;
    hy_label_no fair = 0;
    char text[1024];
    uint32_t n = 0;
    cr_assert_eq(edit(&(struct hy_lead_edit){.address = HY_STR("first@x.test"),
                                             .identities = ids,
                                             .n_identities = 1},
                      &r),
                 HY_OK);
    cr_assert_eq(hy_lead_batch_new(env, columns, 1, &b), HY_OK);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(hy_lead_batch_add(b, hy_str_of(rows[i].address), hy_str_of(rows[i].key),
                                       &(struct hy_lead_batch_attr){0, hy_str_of("Taro")}, 1),
                     HY_OK);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_label_intern(&t, HY_LABEL_TAG, HY_STR("fair"), &fair), HY_OK);
    cr_assert_eq(
        hy_lead_upsert(&t, b,
                       &(struct hy_lead_upsert){
                           .list = news, .tags = &fair, .n_tags = 1, .source = HY_STR("fair 2026")},
                       &got),
        HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_lead_batch_free(b);
    cr_expect_eq(got.added, 1);
    cr_expect_eq(got.updated, 1);
    cr_expect_eq(got.joined, 2);
    cr_expect_str_eq(told(1, text), "first@x.test name=Taro;t:fair;[news]");
    cr_expect_str_eq(told(2, text), "new@z.test name=Taro;source=fair 2026;t:fair;[news]");
    cr_expect_eq(newest_change(&n),
                 HY_LEAD_CREATED | HY_LEAD_ATTRIBUTES | HY_LEAD_LISTS | HY_LEAD_TAGS);
    cr_expect_eq(n, 1);
    cr_expect_eq(store_entries(env, HY_TABLE_LEAD_CHANGES), 3);
    cr_expect_eq(store_problems(env), 0);
}

static void fill_ids(hy_lead_no lead, size_t n)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (size_t i = 0; i < n; i++) {
        char id[32];
        snprintf(id, sizeof id, "crm:%zu", i);
        const struct hy_identity x = {HY_IDENTITY_EXTERNAL, hy_str_of(id)};
        cr_assert_eq(hy_identity_put(&t, &x, lead), HY_OK);
    }
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}

Test(lead_edit, that_brings_no_id_is_not_refused_for_too_many)
{
    const struct hy_lead_edit_attr attr = {HY_STR("name"), HY_STR("Taro")};
    const struct hy_lead_edit_identity has = {.identity = {HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}},
                                       new = {.identity = {HY_IDENTITY_EXTERNAL,
                                                           HY_STR("crm:new")}},
                                       gone = {.identity = {HY_IDENTITY_EXTERNAL, HY_STR("crm:8")},
                                               .is_removed = true},
                                       browser = {.identity = {HY_IDENTITY_VISITOR,
                                                               HY_STR("1234567890123")}};
    struct hy_lead_edit e = {.address = HY_STR("a@x.test")};
    struct hy_lead_edit_result r;
    cr_assert_eq(edit(&e, &r), HY_OK);
    fill_ids(r.lead, HY_IDENTITIES_MAX);
    e = (struct hy_lead_edit){.lead = r.lead, .attrs = &attr, .n_attrs = 1};
    cr_expect_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    e.n_identities = 1;
    e.identities = &has;
    cr_expect_eq(edit(&e, &r), HY_OK, "it has it: %s", diag.text);
    e.identities = &browser;
    cr_expect_eq(edit(&e, &r), HY_OK, "visitors have room of their own: %s", diag.text);
    e.identities = &new;
    cr_expect_eq(edit(&e, &r), HY_ELIMIT);
    cr_expect_str_eq(diag.text, "a lead has at most 1000 ids");
    e.n_identities = 0;
    e.address = HY_STR("b@x.test"); /* a@x.test would be one more */
    cr_expect_eq(edit(&e, &r), HY_ELIMIT);
    e.address = (struct hy_str){0};
    e.n_identities = 1;
    e.identities = &gone;
    cr_expect_eq(edit(&e, &r), HY_OK, "%s", diag.text);
    e.identities = &new;
    cr_expect_eq(edit(&e, &r), HY_OK, "%s", diag.text);
}
