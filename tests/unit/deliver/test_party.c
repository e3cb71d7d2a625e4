#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "lane.h"
#include "party.h"

enum { N = 5 };

static const char message[] = "Subject: hi\r\n\r\nhello\r\n";

/* A party of N whose first has the message, and a connection that takes it. */
struct scene {
    struct delivery *d[N];
    struct party *p;
    struct hy_list on_wire; /* of the session */
    struct hy_smtp_settings settings;
    struct hy_smtp_client c;
    struct delivery *left[N]; /* by result, in their order, with */
    struct hy_outcome outcome[N];
    bool told[N]; /* whether the window heard it */
    size_t n_left;
    bool is_over;
};

static struct delivery *recipient(int i)
{
    struct delivery *d = calloc(1, sizeof *d);
    cr_assert_not_null(d);
    hy_list_init(&d->link);
    snprintf(d->address, sizeof d->address, "r%d@dest.example", i);
    snprintf(d->return_path, sizeof d->return_path, "app@out.example");
    d->bytes = HY_BUF_INIT(1000);
    d->signature = HY_BUF_INIT(1000);
    return d;
}

static bool has_message(const struct delivery *d)
{
    return d->is_pressed && hy_str_eq(hy_buf_str(&d->bytes), HY_STR(message));
}

static void set_up(struct scene *s)
{
    *s = (struct scene){0};
    hy_list_init(&s->on_wire);
    for (int i = 0; i < N; i++)
        s->d[i] = recipient(i);
    cr_assert_eq(party_found(s->d[0]), HY_OK);
    s->p = s->d[0]->party;
    for (int i = 1; i < N; i++)
        party_join(s->p, s->d[i]);
    hy_buf_add_str(&s->d[0]->bytes, HY_STR(message));
    s->d[0]->is_pressed = true;
    s->d[0]->size_bytes = sizeof message - 1;
    cr_assert_eq(party_size(s->d[0]), (uint32_t)N);
}

static void tear_down(struct scene *s)
{
    for (int i = 0; i < N; i++) {
        hy_buf_free(&s->d[i]->bytes);
        hy_buf_free(&s->d[i]->signature);
        free(s->d[i]);
    }
}

static void take_events(struct scene *s)
{
    struct hy_smtp_event ev;
    while (hy_smtp_client_next_event(&s->c, &ev)) {
        if (ev.kind != HY_SMTP_EVENT_RESULT)
            continue;
        cr_assert_eq(party_of(&ev), s->p);
        uint32_t taken = party_accepted(s->p, ev.recipient);
        struct delivery *d = party_take(s->p, ev.recipient);
        cr_expect_null(d->party);
        s->told[s->n_left] = party_tells(s->p, &ev.outcome, ev.is_last);
        s->outcome[s->n_left] = ev.outcome;
        s->left[s->n_left++] = d;
        cr_expect_eq(hy_list_empty(&d->link), !ev.is_last, "the last has the place of all");
        hy_list_remove(&d->link);
        cr_expect_eq(hy_list_empty(&s->on_wire), ev.is_last);
        if (!ev.is_last) {
            const struct delivery *first = hy_container_of(s->on_wire.next, struct delivery, link);
            cr_expect(first == s->p->members[s->p->first] && has_message(first));
        }
        if (ev.outcome.kind == HY_OUTCOME_RETURNED) {
            cr_expect_eq(taken, ev.outcome.code == 452 ? 1u : 0u);
            party_keep_back(s->p, d);
        }
        s->is_over |= ev.is_last;
    }
}

static void hear(struct scene *s)
{
    struct iovec iov[8];
    for (int k; (k = hy_smtp_client_output(&s->c, iov, 8)) > 0;) {
        size_t all = 0;
        for (int i = 0; i < k; i++)
            all += iov[i].iov_len;
        hy_smtp_client_wrote(&s->c, all, 0);
        take_events(s);
    }
}

/* Line by line, so that what is due is written in between. */
static void say(struct scene *s, const char *text)
{
    while (*text) {
        size_t n = (size_t)(strchr(text, '\n') + 1 - text);
        text += hy_smtp_client_input(&s->c, text, n, 0);
        take_events(s);
        hear(s);
    }
}

static void submit(struct scene *s)
{
    hy_smtp_settings_init(&s->settings);
    s->settings.ehlo_name = HY_STR("out.example");
    cr_assert_eq(hy_smtp_client_start(&s->c, &s->settings, 0), HY_OK);
    say(s, "220 mx\r\n250-mx\r\n250 PIPELINING\r\n");
    s->d[0]->smtp =
        (struct hy_smtp_message){.pieces = {hy_buf_str(&s->d[0]->bytes)}, .n_pieces = 1};
    const struct hy_smtp_message *m = party_envelope(s->d[0]);
    cr_assert(m->n_recipients == N && hy_str_eq(m->sender, HY_STR("app@out.example")));
    cr_assert_eq(hy_smtp_client_submit(&s->c, m, 0), HY_OK);
    hy_list_push(&s->on_wire, &s->d[0]->link);
    hear(s);
    say(s, "250 ok\r\n");
}

static struct delivery *finish(struct scene *s)
{
    cr_assert(s->is_over && s->n_left == N);
    return party_over(s->p);
}

Test(party, each_leaves_with_its_own_reply_and_the_next_one_has_the_message)
{
    struct scene s;
    set_up(&s);
    submit(&s);
    say(&s, "550 5.1.1 no r0\r\n250 ok\r\n450 4.2.1 busy r2\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    cr_assert_eq(s.n_left, 2u);
    cr_expect(s.left[0] == s.d[0] && s.outcome[0].kind == HY_OUTCOME_BOUNCED);
    cr_expect(s.left[1] == s.d[2] && s.outcome[1].kind == HY_OUTCOME_DEFERRED);
    cr_expect(!has_message(s.d[0]) && has_message(s.d[1]));
    say(&s, "250 2.0.0 ok\r\n");
    static const int order[] = {1, 3, 4};
    for (int i = 0; i < 3; i++)
        cr_expect(s.left[2 + i] == s.d[order[i]] && s.outcome[2 + i].kind == HY_OUTCOME_DELIVERED);
    cr_expect_eq(s.d[4]->size_bytes, sizeof message - 1, "known of all");
    cr_expect_null(finish(&s));
    tear_down(&s);
}

Test(party, those_who_are_too_many_are_a_party_again_with_the_message)
{
    struct scene s;
    set_up(&s);
    submit(&s);
    say(&s, "550 5.1.1 no r0\r\n250 ok\r\n452 4.5.3 too many\r\n452 4.5.3 too many\r\n"
            "452 4.5.3 too many\r\n354 go\r\n250 2.0.0 ok\r\n");
    struct delivery *again = finish(&s);
    cr_assert_eq(again, s.d[2]);
    cr_expect(party_size(again) == 3 && has_message(again));
    for (uint32_t i = 0; i < 3; i++)
        cr_expect(party_member(again, i) == s.d[2 + i] && s.d[2 + i]->party == again->party);
    struct hy_list all;
    hy_list_init(&all);
    party_scatter(again, &all);
    cr_expect_null(s.d[4]->party);
    tear_down(&s);
}

Test(party, a_connection_that_ends_before_its_turn_gives_all_of_it_back)
{
    struct scene s;
    set_up(&s);
    hy_smtp_settings_init(&s.settings);
    s.settings.ehlo_name = HY_STR("out.example");
    cr_assert_eq(hy_smtp_client_start(&s.c, &s.settings, 0), HY_OK);
    say(&s, "220 mx\r\n250 mx\r\n");
    s.d[0]->smtp = (struct hy_smtp_message){.pieces = {hy_buf_str(&s.d[0]->bytes)}, .n_pieces = 1};
    cr_assert_eq(hy_smtp_client_submit(&s.c, party_envelope(s.d[0]), 0), HY_OK);
    hy_list_push(&s.on_wire, &s.d[0]->link);
    hy_smtp_client_eof(&s.c, 0); /* MAIL is not written yet */
    take_events(&s);
    struct delivery *again = finish(&s);
    cr_assert_eq(again, s.d[0]);
    cr_expect(party_size(again) == N && has_message(again));
    struct hy_list all;
    hy_list_init(&all);
    party_scatter(again, &all);
    tear_down(&s);
}

Test(party, a_lost_connection_leaves_those_in_doubt_whom_the_server_took)
{
    struct scene s;
    set_up(&s);
    submit(&s);
    say(&s, "250 ok\r\n550 5.1.1 no r1\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    hy_smtp_client_eof(&s.c, 0);
    take_events(&s);
    cr_assert_eq(s.n_left, (size_t)N);
    cr_expect(!s.outcome[0].in_doubt && s.left[0] == s.d[1]);
    for (int i = 1; i < N; i++)
        cr_expect(s.outcome[i].in_doubt, "%s", s.left[i]->address);
    cr_expect_null(finish(&s));
    tear_down(&s);
}

Test(party, the_window_hears_one_result_of_a_transaction)
{
    static const struct {
        const char *name, *replies;
        size_t told; /* which result */
    } cases[] = {
        {"all taken", "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 4},
        {"mailboxes say nothing of our pace",
         "550 5.1.1 no\r\n450 4.2.1 busy\r\n450 4.7.1 greylisted\r\n250 ok\r\n250 ok\r\n354 go\r\n"
         "250 ok\r\n",
         4},
        {"too fast for one of them",
         "250 ok\r\n450 4.7.1 rate limit\r\n450 4.7.1 rate limit\r\n250 ok\r\n250 ok\r\n354 go\r\n"
         "250 ok\r\n",
         0},
        {"too fast for all",
         "450 4.7.1 rate limit\r\n450 4.7.1 rate limit\r\n450 4.7.1 rate limit\r\n"
         "450 4.7.1 rate limit\r\n450 4.7.1 rate limit\r\n554 5.5.1 nobody\r\n",
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene s;
        set_up(&s);
        submit(&s);
        say(&s, cases[i].replies);
        for (size_t k = 0; k < N; k++)
            cr_expect_eq(s.told[k], k == cases[i].told, "%s: result %zu", cases[i].name, k);
        cr_expect_null(finish(&s));
        tear_down(&s);
    }
}

Test(party, part_of_it_waits_for_a_message_of_its_own)
{
    struct scene s;
    set_up(&s);
    struct delivery *rest = party_part(s.p, 2);
    cr_assert_eq(rest, s.d[2]);
    cr_expect(party_size(s.d[0]) == 2 && party_size(rest) == 3 && rest->party != s.p);
    cr_expect(has_message(s.d[0]) && !has_message(rest));
    struct delivery *last = party_part(rest->party, 2);
    cr_expect(last == s.d[4] && !last->party && party_size(last) == 1);
    struct hy_list all;
    hy_list_init(&all);
    party_scatter(s.d[0], &all);
    party_scatter(rest, &all);
    party_scatter(last, &all);
    for (int i = 0; i < N; i++)
        cr_expect(hy_list_pop(&all) == &s.d[i]->link && !s.d[i]->party);
    cr_expect(hy_list_empty(&all));
    tear_down(&s);
}

Test(party, what_the_sender_wishes_to_be_told_is_said_of_each)
{
    struct scene s;
    set_up(&s);
    struct delivery_dsn one = {.dsn = {.envid = HY_STR("QQ314"), .ret = 2},
                               .rcpt = {.notify = 2, .orcpt = HY_STR("rfc822;a@b")}};
    s.d[3]->dsn = &one;
    const struct hy_smtp_message *m = party_envelope(s.d[0]);
    cr_assert_not_null(m->dsn);
    cr_expect(hy_str_eq(m->dsn->envid, HY_STR("QQ314")) && m->dsn->ret == 2);
    cr_expect_neq(m->dsn->envid.p, one.dsn.envid.p, "it may be gone before MAIL is written");
    cr_expect(m->dsn->rcpts[3].notify == 2 && m->dsn->rcpts[3].orcpt.n == 10);
    cr_expect(m->dsn->rcpts[0].notify == 0 && m->dsn->rcpts[0].orcpt.n == 0);
    s.d[3]->dsn = NULL;
    cr_expect_null(party_envelope(s.d[0])->dsn);
    struct hy_list all;
    hy_list_init(&all);
    party_scatter(s.d[0], &all);
    tear_down(&s);
}
