#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/mail/relay.h"

static struct hy_relay_input input(struct hy_str message)
{
    return (struct hy_relay_input){
        .message = message,
        .helo = HY_STR("app.example.net"),
        .client = HY_STR("192.0.2.1"),
        .host = HY_STR("mx.example.net"),
        .protocol = HY_STR("ESMTPSA"),
        .id = HY_STR("abc123"),
        .recipient = HY_STR("bob@example.org"),
        .message_id = HY_STR("token"),
        .now = 1763775000000, /* 2025-11-22 01:30:00 UTC */
    };
}

static int edit(const struct hy_relay_input *in, struct hy_buf *out, struct hy_relay_output *ret,
                enum hy_relay_fault *fault)
{
    *fault = HY_RELAY_GOOD;
    hy_buf_reset(out);
    return hy_relay_edit(in, out, ret, fault);
}

#define RECEIVED                                                                                   \
    "Received: from app.example.net (192.0.2.1)\r\n"                                               \
    "\tby mx.example.net (hayauma) with ESMTPSA id abc123\r\n"                                     \
    "\tfor <bob@example.org>;\r\n"                                                                 \
    "\tSat, 22 Nov 2025 01:30:00 +0000\r\n"
#define DATE "Date: Sat, 22 Nov 2025 01:30:00 +0000\r\n"
#define MID  "Message-ID: <token@mx.example.net>\r\n"

Test(relay, fields_that_are_missing_come_and_those_that_must_not_travel_go)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"From: a@example.net\r\n\r\nHi\r\n",
         RECEIVED "From: a@example.net\r\n" DATE MID "\r\nHi\r\n"},
        {"From: a@example.net\r\nDate: x\r\nMessage-ID: <1@y>\r\n\r\n",
         RECEIVED "From: a@example.net\r\nDate: x\r\nMessage-ID: <1@y>\r\n\r\n"},
        {"from: a@example.net\r\nBCC: secret@example.org,\r\n more@example.org\r\nResent-Bcc: "
         "x@y\r\nReturn-Path: <z@y>\r\ndate: x\r\nmessage-id: <1@y>\r\nSubject: a\r\n b\r\n\r\n",
         RECEIVED "from: a@example.net\r\ndate: x\r\nmessage-id: <1@y>\r\nSubject: a\r\n "
                  "b\r\n\r\n"},
        /* an empty Message-ID is none */
        {"From: a@example.net\r\nDate: x\r\nMessage-ID: \r\n\r\n",
         RECEIVED "From: a@example.net\r\nDate: x\r\n" MID "\r\n"},
        /* the first line that is no field begins the body */
        {"From: a@example.net\r\nDate: x\r\nMessage-ID: <1@y>\r\nno field\r\n: y\r\n",
         RECEIVED "From: a@example.net\r\nDate: x\r\nMessage-ID: <1@y>\r\n\r\nno field\r\n: y\r\n"},
        /* no body at all */
        {"From: a@example.net\r\nDate: x\r\nMessage-ID: <1@y>\r\n",
         RECEIVED "From: a@example.net\r\nDate: x\r\nMessage-ID: <1@y>\r\n\r\n"},
    };
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_relay_input in = input(hy_str_of(cases[i].in));
        struct hy_relay_output o;
        enum hy_relay_fault fault;
        cr_assert_eq(edit(&in, &out, &o, &fault), HY_OK, "case %zu: %s", i,
                     hy_relay_fault_text(fault));
        cr_assert_str_eq(hy_buf_cstr(&out), cases[i].out, "case %zu", i);
        cr_assert_eq(memcmp(out.data + o.header_bytes - 4, "\r\n\r\n", 4), 0, "case %zu", i);
        cr_assert_str_eq(o.from_domain, "example.net");
    }
    hy_buf_free(&out);
}

Test(relay, what_cannot_be_sent_is_refused_with_the_reason)
{
    static char long_line[2000], many[1500 * 6 + 100], hops[60 * 16 + 100];
    snprintf(long_line, sizeof long_line, "From: a@b.c\r\n\r\n%0999d\r\n", 1);
    size_t at = (size_t)snprintf(many, sizeof many, "From: a@b.c\r\n");
    for (int i = 0; i < 1001; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "X: 1\r\n");
    at = (size_t)snprintf(hops, sizeof hops, "From: a@b.c\r\n");
    for (int i = 0; i < 51; i++)
        at += (size_t)snprintf(hops + at, sizeof hops - at, "Received: x\r\n");
    const struct {
        struct hy_str in;
        enum hy_relay_fault want;
    } cases[] = {
        {HY_STR(""), HY_RELAY_EMPTY},
        {HY_STR("From: a@b.c\r\n\r\nx\ny\r\n"), HY_RELAY_BARE_LF},
        {HY_STR("From: a@b.c\n\nx\n"), HY_RELAY_BARE_LF},
        {HY_STR("From: a@b.c\r\n\r\nx\ry\r\n"), HY_RELAY_BARE_CR},
        {HY_STR("From: a@b.c\r\n\r\nx\r\r\n"), HY_RELAY_BARE_CR},
        {HY_STR("From: a@b.c\r\n\r\nx\0y\r\n"), HY_RELAY_NUL},
        {HY_STR("From: a\0@b.c\r\n\r\n"), HY_RELAY_NUL},
        {hy_str_of(long_line), HY_RELAY_LONG_LINE},
        {hy_str_of(many), HY_RELAY_LONG_HEADER},
        {hy_str_of(hops), HY_RELAY_LOOP},
        {HY_STR("Subject: x\r\n\r\n"), HY_RELAY_NO_FROM},
        {HY_STR("no header at all\r\n"), HY_RELAY_NO_FROM},
        {HY_STR("\r\nFrom: a@b.c\r\n"), HY_RELAY_NO_FROM},
        {HY_STR("From: a@b.c\r\nFrom: a@b.c\r\n\r\n"), HY_RELAY_TWO_FROM},
        {HY_STR("From: a@b.c, d@e.f\r\n\r\n"), HY_RELAY_TWO_FROM},
        {HY_STR("From: <a@b.c> <d@e.f>\r\n\r\n"), HY_RELAY_TWO_FROM},
        {HY_STR("From: nobody\r\n\r\n"), HY_RELAY_BAD_FROM},
        {HY_STR("From:\r\n\r\n"), HY_RELAY_BAD_FROM},
        {HY_STR("From: \"open <a@b.c>\r\n\r\n"), HY_RELAY_BAD_FROM},
        {HY_STR("From: a@b.c\r\nSubject: x\r\nsubject: y\r\n\r\n"), HY_RELAY_TWICE},
        {HY_STR("From: a@b.c\r\nDate: x\r\nDate: y\r\n\r\n"), HY_RELAY_TWICE},
    };
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_relay_input in = input(cases[i].in);
        struct hy_relay_output o;
        enum hy_relay_fault fault;
        cr_assert_eq(edit(&in, &out, &o, &fault), HY_EINVAL, "case %zu", i);
        cr_assert_eq(fault, cases[i].want, "case %zu: got %s", i, hy_relay_fault_text(fault));
    }
    hy_buf_free(&out);
}

Test(relay, the_address_of_from_is_read_as_people_write_it)
{
    static const struct {
        const char *value, *address, *domain;
    } cases[] = {
        {"a@Example.NET", "a@example.net", "example.net"},
        {"Bob <bob@example.net>", "bob@example.net", "example.net"},
        {"\"Bob, Inc <x@evil.example>\" <bob@example.net>", "bob@example.net", "example.net"},
        {"Bob (of <x@evil.example>) <bob@example.net>", "bob@example.net", "example.net"},
        {"bob@example.net (x@evil.example)", "bob@example.net", "example.net"},
        {"=?utf-8?q?B=C3=B6b?= <bob@b\xc3\xbc"
         "cher.example>",
         "bob@xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"\"a\\\"b\" <bob@example.net>", "bob@example.net", "example.net"},
        {"Bob\r\n <bob@example.net>", "bob@example.net", "example.net"},
    };
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[500];
        snprintf(text, sizeof text, "From: %s\r\n\r\nx\r\n", cases[i].value);
        struct hy_relay_input in = input(hy_str_of(text));
        struct hy_relay_output o;
        enum hy_relay_fault fault;
        cr_assert_eq(edit(&in, &out, &o, &fault), HY_OK, "case %zu: %s", i,
                     hy_relay_fault_text(fault));
        cr_assert_str_eq(o.from, cases[i].address, "case %zu: %s", i, o.from);
        cr_assert_str_eq(o.from_domain, cases[i].domain, "case %zu", i);
    }
    hy_buf_free(&out);
}

Test(relay, a_local_file_gets_its_line_ends_repaired)
{
    struct hy_relay_input in = input(HY_STR("From root Sat Nov 22\nFrom: a@example.net\nDate: x\n"
                                            "Message-ID: <1@y>\n\nHi\n.x\r\nend"));
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    struct hy_relay_output o;
    enum hy_relay_fault fault;
    in.repair_line_ends = true;
    cr_assert_eq(edit(&in, &out, &o, &fault), HY_OK);
    cr_assert_str_eq(hy_buf_cstr(&out), RECEIVED "From: a@example.net\r\nDate: x\r\nMessage-ID: "
                                                 "<1@y>\r\n\r\nHi\r\n.x\r\nend\r\n");
    cr_assert_not(o.has_no_dot_line);
    hy_buf_free(&out);
}

Test(relay, what_a_stranger_says_cannot_leave_the_received_field)
{
    struct hy_relay_input in = input(HY_STR("From: a@example.net\r\n\r\n"));
    in.helo = HY_STR("x)\r\nBcc: evil@example.org (");
    in.client = HY_STR("1.2.3.4\r\n");
    in.recipient = HY_STR("\"a\r\nX: y\"@example.org");
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    struct hy_relay_output o;
    enum hy_relay_fault fault;
    cr_assert_eq(edit(&in, &out, &o, &fault), HY_OK);
    cr_assert(hy_str_starts(hy_buf_str(&out),
                            HY_STR("Received: from x?"
                                   "?"
                                   "?Bcc:?evil@example.org?"
                                   "? (1.2.3.4?"
                                   "?)\r\n"
                                   "\tby mx.example.net (hayauma) with ESMTPSA id abc123;\r\n")),
              "%s", hy_buf_cstr(&out));
    hy_buf_free(&out);
}

Test(relay, facts_of_the_bytes_are_told)
{
    static const struct {
        const char *in;
        bool has_8bit, has_utf8_header, has_no_dot_line;
    } cases[] = {
        {"From: a@b.c\r\n\r\nplain\r\n", false, false, true},
        {"From: a@b.c\r\n\r\n\xc3\xa4\r\n", true, false, true},
        {"From: a@b.c\r\nSubject: \xc3\xa4\r\n\r\nx\r\n.\r\n", true, true, false},
        {"From: a@b.c\r\nSubject: \x83\r\n\r\nx\r\n", true, false, true},
    };
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_relay_input in = input(hy_str_of(cases[i].in));
        struct hy_relay_output o;
        enum hy_relay_fault fault;
        cr_assert_eq(edit(&in, &out, &o, &fault), HY_OK);
        cr_assert_eq(o.has_8bit, cases[i].has_8bit, "case %zu", i);
        cr_assert_eq(o.has_utf8_header, cases[i].has_utf8_header, "case %zu", i);
        cr_assert_eq(o.has_no_dot_line, cases[i].has_no_dot_line, "case %zu", i);
    }
    hy_buf_free(&out);
}
