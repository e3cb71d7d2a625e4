#include "hayauma/receive/intake.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "../../../src/receive/intake.h"

static struct hy_token_keys keys;
static struct hy_bounce_reader *reader;

static void open_all(void)
{
    keys = (struct hy_token_keys){0};
    cr_assert_eq(hy_token_keys_add(&keys, 0, HY_STR("0123456789abcdef")), HY_OK);
    cr_assert_eq(hy_bounce_reader_new(NULL, &reader), HY_OK);
}
static void close_all(void)
{
    hy_bounce_reader_free(reader);
}
TestSuite(intake, .init = open_all, .fini = close_all);

static const char *token(enum hy_token_kind kind, hy_id campaign, hy_lead_no lead, char *room)
{
    struct hy_token_stem stem;
    hy_token_stem_init(&stem, &keys, kind, campaign);
    room[hy_token_write(&stem, lead, 0, room)] = '\0';
    return room;
}

/* Reads a mail; the caller frees m->arena. */
static void read_mail(const char *text, const char *to, struct hy_intake_mail *m)
{
    *m = (struct hy_intake_mail){.content = hy_str_of(text),
                                 .arena = HY_ARENA_INIT(INTAKE_ARENA_MAX)};
    m->to[0] = hy_str_of(to);
    m->n_to = 1;
    cr_assert_eq(intake_read(reader, &keys, m), HY_OK);
}

static const char bounce[] =
    "Return-Path: <>\nReceived: from a\n\tby b\nDelivered-To: x\nFrom: MAILER-DAEMON@mx.example\n"
    "To: someone\nSubject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    "--b\nContent-Type: text/plain\n\nsorry\n"
    "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
    "Final-Recipient: rfc822; taro@example.jp\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--b--\n";

Test(intake, reads_a_bounce_into_what_is_noted)
{
    struct hy_intake_mail m;
    char room[HY_TOKEN_TEXT_MAX + 1], to[100];
    snprintf(to, sizeof to, "b+%s@bounce.example", token(HY_TOKEN_RETURN, 7, 9, room));
    read_mail(bounce, to, &m);
    const struct hy_returned *r = &m.job.mail;
    cr_assert_eq(r->campaign, 7);
    cr_assert_eq(r->lead, 9);
    cr_assert_eq(r->n, 1);
    cr_assert_eq(r->items[0].kind, HY_ACTIVITY_LATE_BOUNCE);
    cr_assert(r->items[0].is_hard && !r->items[0].is_soft);
    cr_assert_eq(r->items[0].code, 550);
    cr_assert(hy_str_eq(r->source, HY_STR("mx.example")));
    cr_assert(
        hy_str_eq(r->items[0].meta, HY_STR("{\"reply_code\":550,\"status\":\"5.1.1\",\"recipient\":"
                                           "\"taro@example.jp\"}")),
        "got %.*s", HY_STR_ARG(r->items[0].meta));
    hy_arena_free(&m.arena);
}

Test(intake, the_envelope_beats_headers_and_headers_a_message_id)
{
    struct hy_intake_mail m;
    char of_envelope[HY_TOKEN_TEXT_MAX + 1], of_header[HY_TOKEN_TEXT_MAX + 1],
        of_id[HY_TOKEN_TEXT_MAX + 1], to[100], text[2000];
    token(HY_TOKEN_RETURN, 1, 1, of_envelope);
    token(HY_TOKEN_RETURN, 2, 2, of_header);
    token(HY_TOKEN_MESSAGE, 3, 3, of_id);
    snprintf(to, sizeof to, "b+%s@bounce.example", of_envelope);
    snprintf(text, sizeof text,
             "In-Reply-To: <%s@mx.example>\nFrom: a@b.example\nSubject: Re: hello\n"
             "Delivered-To: b+%s@bounce.example\n\nhi\n",
             of_id, of_header);
    read_mail(text, to, &m);
    cr_assert_eq(m.job.mail.campaign, 1);
    hy_arena_free(&m.arena);
    read_mail(text, "", &m);
    cr_assert_eq(m.job.mail.campaign, 2);
    hy_arena_free(&m.arena);
    *strstr(text, "Delivered") = 'X';
    read_mail(text, "", &m);
    cr_assert_eq(m.job.mail.campaign, 3);
    cr_assert_eq(m.job.mail.items[0].kind, HY_ACTIVITY_REPLY);
    cr_assert(hy_str_eq(m.job.mail.items[0].address, HY_STR("a@b.example")));
    cr_assert(hy_str_eq(m.job.mail.items[0].text, HY_STR("Re: hello")));
    hy_arena_free(&m.arena);
}

Test(intake, the_same_mail_on_another_way_has_the_same_hash_and_another_has_not)
{
    struct hy_intake_mail m, again;
    char text[sizeof bounce + 200];
    read_mail(bounce, "", &m);
    snprintf(text, sizeof text, "From MAILER Thu Apr 29\r\nReceived: by c\r\n%s\n\n", bounce);
    read_mail(text, "", &again);
    cr_assert_arr_eq(m.job.mail.hash, again.job.mail.hash, HY_RETURNED_HASH_LEN);
    hy_arena_free(&again.arena);
    snprintf(text, sizeof text, "%s", bounce);
    *strstr(text, "taro") = 'k';
    read_mail(text, "", &again);
    cr_assert_arr_neq(m.job.mail.hash, again.job.mail.hash, HY_RETURNED_HASH_LEN);
    hy_arena_free(&again.arena);
    char room[HY_TOKEN_TEXT_MAX + 1];
    read_mail(bounce, token(HY_TOKEN_RETURN, 7, 9, room), &again);
    cr_assert_arr_neq(m.job.mail.hash, again.job.mail.hash, HY_RETURNED_HASH_LEN,
                      "the same words about another message");
    hy_arena_free(&again.arena);
    hy_arena_free(&m.arena);
}

Test(intake, news_of_success_is_no_activity)
{
    struct hy_intake_mail m;
    char text[sizeof bounce];
    snprintf(text, sizeof text, "%s", bounce);
    memcpy(strstr(text, "Action: failed"), "Action: relaye", 14);
    memcpy(strstr(text, "Status: 5"), "Status: 2", 9);
    read_mail(text, "", &m);
    cr_assert_eq(m.job.mail.n, 0);
    hy_arena_free(&m.arena);
}

Test(intake, takes_return_paths_with_our_token_and_listed_addresses_only)
{
    char room[HY_TOKEN_TEXT_MAX + 1], other[HY_TOKEN_TEXT_MAX + 1], address[200];
    const struct hy_str others[] = {HY_STR("fbl@bounce.example"), HY_STR("reply@shop.example")};
    struct hy_intake_addresses a = {.prefix = HY_STR("b"),
                                    .domain = HY_STR("bounce.example"),
                                    .others = others,
                                    .n_others = 2,
                                    .tokens = &keys};
    token(HY_TOKEN_RETURN, 7, 9, room);
    token(HY_TOKEN_MESSAGE, 7, 9, other);
    const struct {
        const char *format, *token;
        bool want;
    } cases[] = {
        {"b+%s@bounce.example", room, true},
        {"B+%s@BOUNCE.example", room, true},
        {"b+%s@elsewhere.example", room, false},
        {"c+%s@bounce.example", room, false},
        {"b%s@bounce.example", room, false},
        {"%s@bounce.example", room, false},
        {"b+%s@bounce.example", other, false},
        {"b+@bounce.example%s", "", false},
        {"FBL@bounce.example%s", "", true},
        {"reply@shop.example%s", "", true},
        {"info@bounce.example%s", "", false},
        {"postmaster@bounce.example%s", "", false},
        {"b+%sx@bounce.example", room, false},
        {"%s", "", false},
        {"@%s", "", false},
        {"b@bounce.example%s", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(address, sizeof address, cases[i].format, cases[i].token);
#pragma GCC diagnostic pop
        cr_expect_eq(hy_intake_accepts(&a, hy_str_of(address)), cases[i].want, "%s", address);
    }
    a.prefix = HY_STR("");
    snprintf(address, sizeof address, "%s@bounce.example", room);
    cr_expect(hy_intake_accepts(&a, hy_str_of(address)));
    room[4] = room[4] == 'a' ? 'b' : 'a';
    snprintf(address, sizeof address, "%s@bounce.example", room);
    cr_expect(!hy_intake_accepts(&a, hy_str_of(address)), "forged");
}
