#include <criterion/criterion.h>

#include "address.h"

Test(address, nothing_that_breaks_out_of_its_command_passes)
{
    static const struct {
        const char *in;
        enum hy_smtp_address want;
    } cases[] = {
        {"", HY_SMTP_ADDRESS_ASCII},
        {"a@b.example", HY_SMTP_ADDRESS_ASCII},
        {"a+b=c@b.example", HY_SMTP_ADDRESS_ASCII},
        {"\"a..b\"@b.example", HY_SMTP_ADDRESS_ASCII},
        {"\"a b>c\"@b.example", HY_SMTP_ADDRESS_ASCII},
        {"\"a\\\"b\"@b.example", HY_SMTP_ADDRESS_ASCII},
        {"\"a\\\\\"@b.example", HY_SMTP_ADDRESS_ASCII},
        {"a@[IPv6:2001:db8::1]", HY_SMTP_ADDRESS_ASCII},
        {"\xe7\x9f\xb3@b.example", HY_SMTP_ADDRESS_UTF8},
        {"\"\xe7\x9f\xb3 x\"@b.example", HY_SMTP_ADDRESS_UTF8},
        {"\xff@b.example", HY_SMTP_ADDRESS_BAD},
        {"a b@b.example", HY_SMTP_ADDRESS_BAD},
        {"a>@b.example", HY_SMTP_ADDRESS_BAD},
        {"<a@b.example", HY_SMTP_ADDRESS_BAD},
        {"a@b.example> SIZE=1", HY_SMTP_ADDRESS_BAD},
        {"a@b.example\r\nRSET", HY_SMTP_ADDRESS_BAD},
        {"\"a\r\n\"@b.example", HY_SMTP_ADDRESS_BAD},
        {"\"a\\\n\"@b.example", HY_SMTP_ADDRESS_BAD},
        {"a\x7f@b.example", HY_SMTP_ADDRESS_BAD},
        {"\"a@b.example", HY_SMTP_ADDRESS_BAD},
        {"\"a\\\"@b.example", HY_SMTP_ADDRESS_BAD},
        {"\"a\\", HY_SMTP_ADDRESS_BAD},
        {"\"a\\\"> x\"@b.example", HY_SMTP_ADDRESS_ASCII},
        {"\"a\\\\\"> x\"@b.example", HY_SMTP_ADDRESS_BAD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_smtp_address_check(hy_str_of(cases[i].in)), cases[i].want, "%s",
                     cases[i].in);
    cr_assert_eq(hy_smtp_address_check(HY_STR("a\0b@c.example")), HY_SMTP_ADDRESS_BAD);
}
