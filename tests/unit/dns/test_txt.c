#include <criterion/criterion.h>
#include <unistd.h>

#include "hayauma/dns/txt.h"
#include "nameserver.h"

static const char zone[] = "$ORIGIN test.\n$TTL 60\n"
                           "@ SOA ns hostmaster 1 60 60 60 60\n"
                           " NS ns\n"
                           "ns A 127.0.0.1\n"
                           "one TXT \"v=DKIM1; p=abc\"\n"
                           "cut TXT \"v=DKIM1; \" \"k=rsa; \" \"p=abc\"\n"
                           "alias CNAME cut\n"
                           "empty TXT \"\"\n"
                           "host A 192.0.2.1\n";

Test(txt, reads_records_joined_and_through_aliases)
{
    static const struct {
        const char *name;
        int err;
        const char *want;
    } cases[] = {
        {"one.test", HY_OK, "v=DKIM1; p=abc"},
        {"cut.test", HY_OK, "v=DKIM1; k=rsa; p=abc"},
        {"alias.test.", HY_OK, "v=DKIM1; k=rsa; p=abc"},
        {"empty.test", HY_OK, ""},
        {"host.test", HY_ENOTFOUND, ""},
        {"nothing.test", HY_ENOTFOUND, ""},
        {"x.broken", HY_ETIMEOUT, ""},
    };
    struct nameserver ns;
    nameserver_start(&ns, zone);
    struct hy_txt_settings s = {&ns.address, 1, 300, 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(4096);
        hy_buf_add_lit(&out, ">");
        int err = hy_txt_lookup(&s, cases[i].name, &out);
        cr_assert_eq(err, cases[i].err, "%s: got %s, want %s", cases[i].name, hy_err_name(err),
                     hy_err_name(cases[i].err));
        cr_assert_str_eq(hy_buf_cstr(&out) + 1, cases[i].want);
    }
    nameserver_stop(&ns);
}

Test(txt, gives_up_on_a_server_that_is_silent)
{
    struct hy_sockaddr dead;
    int fd = dead_port(&dead);
    struct hy_txt_settings s = {&dead, 1, 50, 2};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(4096);
    cr_assert_eq(hy_txt_lookup(&s, "a.test", &out), HY_ETIMEOUT);
    cr_assert_eq(out.len, 0);
    close(fd);
}

Test(txt, refuses_settings_out_of_range)
{
    struct hy_txt_settings s = {NULL, 0, 0, 1};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(4096);
    cr_assert_eq(hy_txt_lookup(&s, "a.test", &out), HY_EINVAL);
}
