#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/web/leads.h"

static struct hy_arena arena;
static json_t *body;

static void open_arena(void)
{
    arena = HY_ARENA_INIT(16 << 20);
}

static void close_arena(void)
{
    json_decref(body);
    body = NULL;
    hy_arena_free(&arena);
}

TestSuite(lead_edit_read, .init = open_arena, .fini = close_arena);

static int read_edit(const char *text, struct hy_lead_edit *e, char field[64], struct hy_diag *diag)
{
    json_decref(body);
    body = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    cr_assert(body, "%s", text);
    diag->text[0] = 0;
    return hy_lead_edit_read(body, &arena, e, field, diag);
}

Test(lead_edit_read, takes_all_that_an_edit_may_have)
{
    struct hy_lead_edit e;
    struct hy_diag diag = {""};
    char field[64];
    cr_assert_eq(
        read_edit("{\"lead\":7,\"address\":\"a@x.test\",\"ids\":[\"ext:crm:7\",\"b@x.test\"],"
                  "\"remove_ids\":[\"phone:0312345678\"],\"attributes\":{\"n\":-12.50,\"i\":41,"
                  "\"yes\":true,\"t\":\"x\",\"gone\":null},\"tags\":[\"vip\"],"
                  "\"remove_groups\":[\"g\"],\"lists\":[\"news\",{\"name\":\"shop\","
                  "\"confirmed\":true}],\"leave_lists\":[\"old\"],\"mode\":\"change\","
                  "\"fill\":true,\"ip\":\"192.0.2.7\",\"url\":\"u\",\"proof\":{\"a\":1}}",
                  &e, field, &diag),
        HY_OK, "%s %s", field, diag.text);
    cr_expect_eq(e.lead, 7);
    cr_expect(hy_str_eq(e.address, HY_STR("a@x.test")));
    cr_assert_eq(e.n_identities, 3);
    cr_expect_eq(e.identities[0].identity.kind, HY_IDENTITY_EXTERNAL);
    cr_expect(hy_str_eq(e.identities[0].identity.value, HY_STR("crm:7")));
    cr_expect_eq(e.identities[1].identity.kind, HY_IDENTITY_ADDRESS);
    cr_expect(e.identities[2].is_removed);
    static const char *const values[] = {"-12.5", "41", "true", "x", ""};
    cr_assert_eq(e.n_attrs, 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect(hy_str_eq(e.attrs[i].value, hy_str_of(values[i])), "got %.*s, want %s",
                  HY_STR_ARG(e.attrs[i].value), values[i]);
    cr_assert_eq(e.n_labels, 2);
    cr_expect_eq(e.labels[1].kind, HY_LABEL_GROUP);
    cr_expect(e.labels[1].is_removed);
    cr_assert_eq(e.n_lists, 3);
    cr_expect_not(e.lists[0].is_confirmed);
    cr_expect(e.lists[1].is_confirmed);
    cr_expect(e.lists[2].is_left);
    cr_expect_eq(e.mode, HY_LEAD_EDIT_CHANGE);
    cr_expect(e.is_filling);
    cr_expect_eq(e.ip[10], 0xff);
    cr_expect_eq(e.ip[15], 7);
    cr_expect(hy_str_eq(e.proof, HY_STR("{\"a\":1}")));
}

Test(lead_edit_read, says_where_it_is_wrong)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"[]", ""},
        {"{\"nonsense\":1}", "nonsense"},
        {"{\"lead\":0}", "lead"},
        {"{\"lead\":4294967296}", "lead"},
        {"{\"address\":7}", "address"},
        {"{\"address\":\"a\\u0000b\"}", "address"},
        {"{\"ids\":\"ext:crm:7\"}", "ids"},
        {"{\"ids\":[\"ext:crm:7\",\"nobody\"]}", "ids[1]"},
        {"{\"attributes\":[]}", "attributes"},
        {"{\"attributes\":{\"x\":{}}}", "attributes.x"},
        {"{\"attributes\":{\"x\":1e300}}", "attributes.x"},
        {"{\"tags\":[1]}", "tags[0]"},
        {"{\"lists\":[{\"name\":\"n\",\"sure\":true}]}", "lists[0]"},
        {"{\"lists\":[{}]}", "lists[0]"},
        {"{\"leave_lists\":[{\"name\":\"n\"}]}", "leave_lists[0]"},
        {"{\"mode\":\"perhaps\"}", "mode"},
        {"{\"fill\":1}", "fill"},
        {"{\"ip\":\"1.2.3\"}", "ip"},
        {"{\"proof\":[]}", "proof"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_lead_edit e;
        struct hy_diag diag = {""};
        char field[64];
        cr_expect_eq(read_edit(cases[i].text, &e, field, &diag), HY_EINVAL, "%s", cases[i].text);
        cr_expect_str_eq(field, cases[i].field, "%s: got %s", cases[i].text, field);
        cr_expect(diag.text[0] != 0, "%s", cases[i].text);
    }
}

Test(lead_edit_read, takes_no_more_than_an_edit_may_have)
{
    char *text = malloc(1 << 20);
    struct hy_lead_edit e;
    struct hy_diag diag = {""};
    char field[64];
    cr_assert(text);
    for (int n = HY_LEAD_EDIT_MAX; n <= HY_LEAD_EDIT_MAX + 1; n++) {
        size_t at = (size_t)sprintf(text, "{\"tags\":[\"first\"");
        for (int i = 1; i < n; i++)
            at += (size_t)sprintf(text + at, ",\"t%d\"", i);
        strcpy(text + at, "]}");
        cr_expect_eq(read_edit(text, &e, field, &diag), n <= HY_LEAD_EDIT_MAX ? HY_OK : HY_EINVAL);
    }
    cr_expect_str_eq(field, "tags");
    cr_assert_eq(read_edit("{\"tags\":[\"a\"],\"remove_tags\":[\"b\"],\"groups\":[\"c\"]}", &e,
                           field, &diag),
                 HY_OK);
    cr_expect_eq(e.n_labels, 3);
    free(text);
}
