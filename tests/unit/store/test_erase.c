#include "hayauma/store/erase.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "erase.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/merge.h"
#include "hayauma/store/once.h"
#include "hayauma/store/operator.h"
#include "hayauma/store/suppress.h"
#include "spools.h"

TestSuite(erase, .init = case_open, .fini = case_close);

#define PERSON "natsume.soseki@example.jp"
#define OTHER  "mori.ogai@example.jp"

static bool stands_in_store(const char *word)
{
    char command[300];
    snprintf(command, sizeof command, "grep -aiq '%s' %s/store/data.mdb", word, dir.path);
    int rc = system(command); // NOLINT: words and a path of our own
    cr_assert(rc == 0 || rc == 256, "grep answered %d", rc);
    return rc == 0;
}

static hy_list_no make_list(void)
{
    hy_list_no no = 0;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_list_create(&t, HY_STR("people"), 1, &no), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return no;
}

static hy_lead_no make_lead(const char *address)
{
    const struct hy_lead_edit_attr attrs[] = {{HY_STR("name"), hy_str_of(address)},
                                              {HY_STR("kana"), HY_STR("かな")}};
    const struct hy_lead_edit_label tag = {HY_LABEL_TAG, false, HY_STR("vip")};
    const struct hy_lead_edit_list list = {.name = HY_STR("people"), .is_confirmed = true};
    char id[64];
    snprintf(id, sizeof id, "crm:%s", address);
    const struct hy_lead_edit_identity ext = {.identity = {HY_IDENTITY_EXTERNAL, hy_str_of(id)}};
    const struct hy_lead_edit e = {.mode = HY_LEAD_EDIT_NEW,
                                   .address = hy_str_of(address),
                                   .attrs = attrs,
                                   .n_attrs = 2,
                                   .labels = &tag,
                                   .n_labels = 1,
                                   .identities = &ext,
                                   .n_identities = 1,
                                   .lists = &list,
                                   .n_lists = 1,
                                   .by = HY_STR("test")};
    struct hy_lead_edit_result r;
    struct hy_diag diag = {""};
    struct hy_txn t = case_write();
    cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return r.lead;
}

/* A campaign to the list, its rows made. */
static hy_id queue_campaign(hy_list_no list, const char *name)
{
    struct hy_campaign c = {.name = hy_str_of(name), .n_lists = 1, .lists = {list}};
    struct hy_list_audience audience = {.lists = {{list}, 1}};
    struct hy_audience a;
    struct hy_enqueue_job job;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_campaign_create(&t, &c, HY_STR("bundle")), 0);
    cr_assert_eq(hy_campaign_move(&t, c.id, HY_CAMPAIGN_QUEUEING), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_list_set_audience(&audience, &a);
    cr_assert_eq(hy_enqueue_job_init(&job, c.id, a), 0);
    cr_assert_eq(run_request(env, &job.req), 0);
    hy_enqueue_job_free(&job);
    return c.id;
}

static struct hy_queue_row row_of(hy_id campaign, hy_lead_no lead)
{
    struct hy_queue_row row;
    struct hy_str address;
    hy_domain_no domain = 0;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_address(&t, lead, &address, &domain), 0);
    cr_assert_eq(hy_queue_find(&t, campaign, domain, lead, &row), 0);
    hy_txn_end(&t);
    return row;
}

static void settle_saying(const struct hy_rcpt_ref *ref, enum hy_rcpt_state state, const char *text)
{
    struct hy_settle s = settle_of(ref, state, state == HY_RCPT_DEFERRED ? UINT32_MAX - 9 : 0);
    s.attempt.outcome.text = hy_str_of(text);
    s.attempt.outcome.from_server = true;
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
}

/* Leaves tracks of a lead wherever the store has room for them. */
static hy_id leave_tracks(hy_lead_no lead, const char *address, hy_id campaign)
{
    char said[200], line[1000];
    struct hy_queue_row row = row_of(campaign, lead);
    snprintf(said, sizeof said, "450 <%s>: try later", address);
    settle_saying(&row.ref, HY_RCPT_DEFERRED, said);
    struct hy_txn t = case_write();
    struct hy_activity activities[] = {
        {.kind = HY_ACTIVITY_CLICK, .lead = lead, .url = HY_STR("https://example.jp/?e=x")},
        {.kind = HY_ACTIVITY_COMPLAINT, .address = hy_str_of(address)},
        {.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = lead + 100, .url = hy_str_of(address)},
    };
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(hy_activity_put(&t, &activities[i]), 0);
    snprintf(line, sizeof line, "{\"command\":\"suppress.add\",\"addresses\":[\"%s\"]}", address);
    hy_id act;
    cr_assert_eq(hy_act_append(&t, hy_str_of(line), &act), 0);
    const struct hy_once once = {.key = hy_str_of(address), .request = {1}};
    cr_assert_eq(hy_once_put(&t, &once, hy_str_of(line)), 0);
    struct hy_consent consent = {.lead = lead,
                                 .what = HY_CONSENT_GIVEN,
                                 .how = HY_CONSENT_PAPER,
                                 .purpose = HY_STR("marketing"),
                                 .source = hy_str_of(address),
                                 .text = HY_STR("words of ours")};
    cr_assert_eq(hy_consent_put(&t, &consent), 0);
    char room[8];
    hy_put_be64(room, lead + 100);
    const struct hy_identity own = {HY_IDENTITY_VISITOR, hy_str_make(room, 8)};
    cr_assert_eq(hy_identity_put(&t, &own, lead), 0);
    struct hy_suppress_entry e = {
        .key = {.scope = HY_SUPPRESS_LIST, .no = 77, .reason = HY_SUPPRESS_UNSUBSCRIBE},
        .what = hy_str_of(address),
        .source = hy_str_of(said)};
    cr_assert_eq(hy_suppress_put(&t, &e, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return campaign;
}

static hy_id message_to(const char *first, const char *second)
{
    struct hy_spool_rcpt rcpts[2] = {spool_to(first), spool_to(second ? second : "")};
    struct hy_spool_message m = spool_message_to(rcpts, second ? 2 : 1);
    char content[6000], meta[200];
    int n = snprintf(content, sizeof content, "From: a@example.net\r\nTo: %s%s%s\r\n\r\n", first,
                     second ? ", " : "", second ? second : "");
    m.header_bytes = (uint32_t)n;
    for (size_t at = (size_t)n; at < 5800; at += 40) /* over the border of pieces */
        n = (int)at + snprintf(content + at, 60, "%-38.38s\r\n", first);
    snprintf(meta, sizeof meta, "{\"to\":\"%s\"}", first);
    m.content = hy_str_make(content, (size_t)n);
    m.meta = hy_str_of(meta);
    spool_put_ok(env, &m);
    return m.id;
}

static struct hy_erasure erase(hy_lead_no lead)
{
    struct hy_erase_job j;
    struct hy_erasure e;
    struct hy_txn t;
    hy_erase_job_init(&j, lead, HY_STR("uid 0"));
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_erasure_get(&t, lead, &e), 0);
    e.by = HY_STR("");
    hy_txn_end(&t);
    return e;
}

Test(erase, nothing_names_the_person_and_all_else_stays)
{
    hy_list_no list = make_list();
    hy_lead_no person = make_lead(PERSON), other = make_lead(OTHER);
    hy_id campaign = queue_campaign(list, "spring");
    leave_tracks(person, PERSON, campaign);
    leave_tracks(other, OTHER, campaign);
    message_to(PERSON, NULL);
    message_to("Natsume.Soseki@example.jp", OTHER); /* in another case of letters */
    cr_assert(stands_in_store("natsume.soseki"));
    struct hy_erasure e = erase(person);
    cr_expect_gt(e.finished, 0);
    cr_expect_eq(e.cancelled, 3, "a row of a campaign and two of messages: %lu", e.cancelled);
    cr_expect_eq(e.messages, 2);
    cr_expect_eq(e.attempts, 1);
    cr_expect_not(stands_in_store("natsume"), "it is in the file");
    cr_expect(stands_in_store("mori.ogai"), "the other is not");
    cr_expect_eq(store_problems(env), 0);
    struct hy_txn t;
    hy_lead_no found = 0;
    uint64_t n = 1;
    struct hy_erase_names names = {.n = 0};
    cr_assert_eq(hy_erase_names_add(&names, HY_STR(PERSON)), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_lead_find(&t, HY_STR(PERSON), &found), HY_ENOTFOUND);
    cr_expect_eq(hy_lead_find(&t, HY_STR(OTHER), &found), 0);
    cr_expect_eq(hy_erase_left(&t, &names, &n), 0);
    cr_expect_eq(n, 0);
    hy_erase_names_free(&names);
    const struct hy_suppress_ask ask = {0};
    struct hy_suppress_entry entry;
    cr_expect_eq(hy_suppress_find(&t, HY_STR(PERSON), &ask, &entry), 0);
    cr_expect(entry.is_hashed && entry.key.reason == HY_SUPPRESS_ERASED && entry.what.n == 0);
    struct hy_campaign_progress p;
    cr_assert_eq(hy_campaign_progress(&t, campaign, &p), 0);
    cr_expect_eq(p.ledger.by_state[HY_RCPT_CANCELLED], 1, "the row is a number still");
    cr_expect_eq(p.ledger.queued, 2);
    struct hy_consent c;
    cr_expect_eq(hy_consent_next_of(&t, person, 0, &c), HY_ENOTFOUND);
    cr_expect_eq(hy_consent_next_of(&t, other, 0, &c), 0);
    hy_txn_end(&t);
    cr_expect_eq(row_of(campaign, other).state, HY_RCPT_DEFERRED);
}

Test(erase, a_job_that_was_killed_at_any_slice_goes_on)
{
    for (unsigned killed_at = 0; killed_at < 40; killed_at += 3) {
        hy_list_no list = make_list();
        hy_lead_no person = make_lead(PERSON), open = 0;
        leave_tracks(person, PERSON, queue_campaign(list, "spring"));
        message_to(PERSON, OTHER);
        struct hy_erase_job j;
        hy_erase_job_init(&j, person, HY_STR("uid 0"));
        int err = HY_EMORE;
        for (unsigned i = 0; i < killed_at && err == HY_EMORE; i++) {
            struct hy_txn t = case_write();
            t.yield_at = 1;
            err = j.req.apply(&j.req, &t);
            cr_assert_eq(hy_txn_commit(&t), 0);
        }
        hy_env_close(env);
        env = store_open(&dir);
        struct hy_txn t;
        cr_assert_eq(hy_txn_read(env, &t), 0);
        int found = hy_erasure_next_open(&t, 0, &open);
        hy_txn_end(&t);
        cr_expect_eq(found, killed_at == 0 || err == 0 ? HY_ENOTFOUND : 0, "%u", killed_at);
        (void)erase(person);
        cr_expect_not(stands_in_store("natsume"), "killed at %u", killed_at);
        cr_expect_eq(store_problems(env), 0, "killed at %u", killed_at);
        case_close();
        case_open();
    }
}

/* Whose pass went over the file: as the records of erasures say it. */
static unsigned passes(void)
{
    enum { PAGE_AT = 4 + 5 * 8 };
    struct hy_cursor c;
    struct hy_txn t;
    unsigned n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_ERASURES, &c), 0);
    for (int err = hy_cursor_first(&c); !err; err = hy_cursor_next(&c))
        n += hy_get_le64(c.value.p + PAGE_AT) != 0;
    hy_cursor_close(&c);
    hy_txn_end(&t);
    return n;
}

Test(erase, many_people_are_erased_with_one_pass_over_the_file_whenever_it_is_killed)
{
    enum { PEOPLE = 12 };
    struct hy_erase_job j;
    hy_lead_no people[PEOPLE], open = 0;
    char address[64];
    unsigned slices = 0;
    int err = HY_EMORE;
    (void)make_list();
    (void)make_lead(OTHER);
    for (int i = 0; i < PEOPLE; i++) {
        snprintf(address, sizeof address, "person%d@erased.test", i);
        people[i] = make_lead(address);
    }
    for (int i = 0; i < PEOPLE; i++) {
        hy_erase_job_init(&j, people[i], HY_STR("uid 0"));
        j.only_begins = true;
        cr_assert_eq(run_request(env, &j.req), 0);
    }
    cr_expect(stands_in_store("@erased.test"));
    for (; err == HY_EMORE && slices < 10000; slices++) {
        struct hy_txn t = case_write();
        t.yield_at = 1;
        hy_erase_job_init(&j, 0, HY_STR("uid 0")); /* as at a start */
        err = j.req.apply(&j.req, &t);
        cr_assert(err == 0 || err == HY_EMORE, "%d", err);
        if (slices % 3 == 2) {
            hy_txn_end(&t);
            err = HY_EMORE;
        } else {
            cr_assert_eq(hy_txn_commit(&t), 0);
        }
    }
    cr_expect_eq(err, 0);
    cr_expect_eq(passes(), 1);
    cr_expect_not(stands_in_store("@erased.test"));
    cr_expect(stands_in_store(OTHER));
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_erasure_next_open(&t, 0, &open), HY_ENOTFOUND);
    for (int i = 0; i < PEOPLE; i++) {
        struct hy_erasure told;
        cr_assert_eq(hy_erasure_get(&t, people[i], &told), 0);
        cr_expect_neq(told.finished, 0);
    }
    hy_txn_end(&t);
    cr_expect_eq(case_problems(), 0);
}

Test(erase, its_number_is_not_given_again_and_an_import_mails_nothing)
{
    hy_list_no list = make_list();
    hy_lead_no person = make_lead(PERSON);
    (void)erase(person);
    hy_lead_no again = make_lead(PERSON);
    cr_expect_gt(again, person);
    hy_id campaign = queue_campaign(list, "spring");
    cr_expect_eq(row_of(campaign, again).state, HY_RCPT_SUPPRESSED);
}

Test(erase, what_comes_later_of_the_person_brings_no_name_back)
{
    hy_list_no list = make_list();
    hy_lead_no person = make_lead(PERSON);
    hy_id campaign = queue_campaign(list, "spring");
    struct hy_queue_row row = row_of(campaign, person);
    (void)erase(person);
    settle_saying(&row.ref, HY_RCPT_DELIVERED, "250 delivered to " PERSON);
    struct hy_txn t = case_write();
    struct hy_activity late[] = {
        {.kind = HY_ACTIVITY_LATE_BOUNCE,
         .lead = person,
         .campaign = campaign,
         .address = HY_STR(PERSON),
         .text = HY_STR("no " PERSON)},
        {.kind = HY_ACTIVITY_COMPLAINT, .address = HY_STR(PERSON), .text = HY_STR("it is me")}};
    cr_assert_eq(hy_activity_put(&t, &late[0]), 0);
    cr_assert_eq(hy_activity_put(&t, &late[1]), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_not(stands_in_store("natsume"));
    cr_expect_not(stands_in_store("it is me"));
    cr_assert_eq(hy_txn_read(env, &t), 0);
    struct hy_campaign_progress p;
    cr_assert_eq(hy_campaign_progress(&t, campaign, &p), 0);
    hy_txn_end(&t);
    cr_expect_eq(p.ledger.by_state[HY_RCPT_DELIVERED], 1, "it is counted as what it was");
    cr_expect_eq(store_problems(env), 0);
}

Test(erase, nobody_who_was_never_there_is_erased)
{
    struct hy_erase_job j;
    struct hy_erasure e;
    struct hy_txn t;
    hy_erase_job_init(&j, 99, HY_STR("uid 0"));
    cr_expect_eq(run_request(env, &j.req), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_erasure_get(&t, 99, &e), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(erase, an_address_is_masked_where_it_stands_as_a_whole)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"<taro@example.jp>", "<~~~~@example.jp>"},
        {"TARO@Example.JP.", "~~~~@Example.JP."},
        {"u=taro%40example.jp&x", "u=~~~~%40example.jp&x"},
        {"to%3Ataro%40example.jp", "to%3A~~~~%40example.jp"},
        {"b+taro=example.jp@b.test", "b+~~~~=example.jp@b.test"},
        {"taro@example.jp,taro@example.jp", "~~~~@example.jp,~~~~@example.jp"},
        {"otaro@example.jp", "otaro@example.jp"},
        {"o.taro@example.jp", "o.taro@example.jp"},
        {"x+taro@example.jp", "x+taro@example.jp"},
        {"taro@example.jp.test", "taro@example.jp.test"},
        {"taro@example.jpn", "taro@example.jpn"},
        {"taro", "taro"},
        {"@example.jp", "@example.jp"},
        {"", ""},
    };
    struct hy_erase_names names = {.n = 0};
    cr_assert_eq(hy_erase_names_add(&names, HY_STR("hanako@example.jp")), 0);
    cr_assert_eq(hy_erase_names_add(&names, HY_STR("taro@example.jp")), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        snprintf(text, sizeof text, "%s", cases[i].text);
        (void)hy_erase_mask(&names, text, strlen(text));
        cr_expect_str_eq(text, cases[i].want);
    }
    hy_erase_names_free(&names);
}

static void add_address(hy_lead_no lead, const char *address)
{
    const struct hy_identity i = {HY_IDENTITY_ADDRESS, hy_str_of(address)};
    struct hy_txn t = case_write();
    cr_assert_eq(hy_identity_put(&t, &i, lead), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(erase, a_person_with_as_many_addresses_as_it_may_have_is_erased)
{
    (void)make_list();
    hy_lead_no person = make_lead(PERSON);
    char address[64];
    for (int i = 0; i < 200; i++) {
        snprintf(address, sizeof address, "natsume%d@example.jp", i);
        add_address(person, address);
    }
    cr_assert(stands_in_store("natsume"));
    cr_expect_gt(erase(person).finished, 0);
    cr_expect_not(stands_in_store("natsume"));
    cr_expect_eq(store_problems(env), 0);
}

Test(erase, a_person_of_as_many_parts_as_there_may_be_is_erased)
{
    (void)make_list();
    hy_lead_no person = make_lead(PERSON);
    char address[64];
    for (int i = 1; i < HY_LEAD_PARTS_MAX; i++) {
        struct hy_merged did;
        struct hy_diag diag = {""};
        snprintf(address, sizeof address, "natsume%d@example.jp", i);
        hy_lead_no part = make_lead(address);
        struct hy_txn t = case_write();
        cr_assert_eq(hy_lead_merge(&t, person, part, HY_STR("test"), &did, &diag), 0, "%s",
                     diag.text);
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
    struct hy_erase_names names = {.n = 0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_erase_names(&t, person, &names), 0);
    hy_txn_end(&t);
    cr_expect_eq(names.n, HY_LEAD_PARTS_MAX, "each once: %zu", names.n);
    hy_erase_names_free(&names);
    cr_expect_gt(erase(person).finished, 0);
    cr_expect_not(stands_in_store("natsume"));
    cr_expect_eq(store_problems(env), 0);
}

static bool has(struct hy_txn *t, struct hy_lead_set s, hy_lead_no lead)
{
    bool is_in = false;
    cr_assert_eq(hy_lead_set_has(t, s, lead, &is_in), 0);
    return is_in;
}

Test(erase, leaves_sets_in_slices_and_counts_of_campaigns_alone)
{
    const struct hy_lead_set total = {.kind = HY_LEAD_SET_CAMPAIGN, .no = 7, .what = 1},
                             link = {.kind = HY_LEAD_SET_LINK, .no = 8};
    (void)make_list();
    hy_lead_no person = make_lead(PERSON), other = make_lead(OTHER);
    struct hy_txn t = case_write();
    for (uint64_t i = 0; i < 50; i++) {
        const struct hy_lead_set s = {.kind = HY_LEAD_SET_SEGMENT, .no = i + 1},
                                 due = {.kind = HY_LEAD_SET_DUE, .no = i + 1};
        cr_assert_eq(hy_lead_set_add(&t, s, person, NULL), 0);
        cr_assert_eq(hy_lead_set_add(&t, s, other, NULL), 0);
        cr_assert_eq(hy_lead_set_add(&t, due, person, NULL), 0);
    }
    cr_assert_eq(hy_lead_set_add(&t, total, person, NULL), 0);
    cr_assert_eq(hy_lead_set_add(&t, link, person, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    struct hy_erase_job j;
    unsigned slices = 0;
    hy_erase_job_init(&j, person, HY_STR("uid 0"));
    for (int err = HY_EMORE; err == HY_EMORE && slices < 10000; slices++) {
        t = case_write();
        t.yield_at = 1;
        err = j.req.apply(&j.req, &t);
        cr_assert(err == 0 || err == HY_EMORE, "%d", err);
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
    cr_expect_gt(slices, 100, "%u slices", slices);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (uint64_t i = 0; i < 50; i++) {
        const struct hy_lead_set s = {.kind = HY_LEAD_SET_SEGMENT, .no = i + 1},
                                 due = {.kind = HY_LEAD_SET_DUE, .no = i + 1};
        cr_expect_eq(has(&t, s, person) + has(&t, due, person), 0);
        cr_expect(has(&t, s, other));
    }
    cr_expect(has(&t, total, person) && has(&t, link, person), "they are counts");
    hy_txn_end(&t);
}
