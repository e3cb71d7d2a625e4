#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "hayauma/config/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hy_config *parse(const char *text)
{
    struct hy_problems p = {0};
    struct hy_config *c = NULL;
    int err = hy_config_parse("/etc/x/c.yaml", hy_str_of(text), &p, &c);
    expect_problems(&p, "");
    cr_assert_eq(err, 0);
    hy_problems_free(&p);
    return c;
}

Test(config, an_empty_file_gives_working_defaults)
{
    static const char *const empty[] = {"", "# nothing\n", "---\n", "store:\nlog:\n",
                                        "\xef\xbb\xbf"};
    for (size_t i = 0; i < COUNT(empty); i++) {
        struct hy_config *c = parse(empty[i]);
        cr_expect_str_eq(c->paths.data_dir, "/var/lib/hayauma");
        cr_expect_str_eq(c->control.socket, "/run/hayauma/control.sock");
        cr_expect_eq(c->delivery.smtp_port, 25);
        cr_expect_eq(c->delivery.workers, 0u);
        cr_expect_eq(c->delivery.sources.n, 1u);
        cr_expect_eq(hy_sockaddr_family(&c->delivery.sources.items[0].bind), AF_UNSPEC);
        cr_expect_str_eq(c->delivery.sources.items[0].ehlo, c->node.hostname);
        cr_expect(c->node.hostname[0] != 0);
        cr_expect_eq(c->control.mode, 0660u);
        cr_expect_str_eq(c->tracking.base_url, "");
        cr_expect_eq(c->store.commit_interval_us, 50000);
        hy_config_unref(c);
    }
}

Test(config, values_of_every_type_arrive)
{
    struct hy_config *c = parse("node: {id: 7, hostname: MX.Example.jp}\n"
                                "paths:\n  data_dir: data\n  run_dir: /tmp\n  shaping: \"\"\n"
                                "store: {log_retention: forever, min_free: 0, map_max: 2TiB}\n"
                                "dns:\n  servers: 127.0.0.1:5300\n  family: ipv6-only\n"
                                "  hosts_as_self: [MX2.example.jp]\n  allow_local: yes\n"
                                "delivery:\n  workers: 3\n  smtp_port: 2525\n  in_doubt: hold\n"
                                "  sources:\n    - {name: six, address: \"2001:db8::1\"}\n"
                                "    - {address: 192.0.2.1, ehlo: out.example.jp}\n"
                                "control: {mode: \"0600\"}\n");
    cr_expect_eq(c->node.id, 7u);
    cr_expect_str_eq(c->node.hostname, "mx.example.jp");
    cr_expect_str_eq(c->paths.data_dir, "/etc/x/data");
    cr_expect_eq(c->paths.shaping.n, 0u);
    cr_expect_eq(c->store.log_retention_us, 0);
    cr_expect_eq(c->store.map_max_bytes, 2ULL << 40);
    cr_expect_eq(c->dns.servers.n, 1u);
    cr_expect_eq(hy_sockaddr_port(&c->dns.servers.items[0]), 5300);
    cr_expect_eq(c->dns.family, HY_MX_IPV6_ONLY);
    cr_expect(c->dns.allow_local);
    cr_expect_str_eq(c->dns.hosts_as_self.items[0], "mx2.example.jp");
    cr_expect_eq(c->delivery.in_doubt, HY_IN_DOUBT_HOLD);
    cr_expect_eq(c->delivery.smtp_port, 2525);
    cr_expect_eq(c->delivery.sources.n, 2u);
    cr_expect_str_eq(c->delivery.sources.items[0].name, "six");
    cr_expect_str_eq(c->delivery.sources.items[0].ehlo, "mx.example.jp");
    cr_expect_str_eq(c->delivery.sources.items[1].name, "192.0.2.1");
    cr_expect_str_eq(c->delivery.sources.items[1].ehlo, "out.example.jp");
    cr_expect_eq(c->control.mode, 0600u);
    hy_config_unref(c);
}

Test(config, a_dump_reads_back_as_the_same_configuration)
{
    struct hy_config *c = parse(
        "node: {id: 7, hostname: mx.example.jp}\n"
        "dns: {servers: [127.0.0.1:5300, \"[::1]:53\"]}\n"
        "bounce: {unsubscribe_mailto: \"a'b@example.jp\"}\n"
        "dkim: {oversign: [Cc], expire: 7d}\n"
        "delivery:\n  sources:\n    - {name: \"a \\\"b\\\" c\", address: "
        "\"2001:db8::1\", ehlo: x.example}\n"
        "    - {name: b, address: 192.0.2.2, address6: \"::2\", weight: 9, warmup: "
        "w,\n       warmup_start: \"2026-12-01T09:00:00+09:00\"}\n"
        "  warmup_plans: [{name: w, days: [5, 9], overflow: false, "
        "providers: {gmail: \"1, 2\"}}]\n"
        "  pool: b\n  pools:\n    - {name: p, sources: {b: 3, \"a \\\"b\\\" "
        "c\": \"\"}}\n"
        "tenants:\n  - {name: shop, number: 7, from_domains: [\"*.x.test\", \"*\"], rate: 5/s, "
        "max_message_size: 2MiB,\n     weight: 3, pool: p, contact: a@x.test}\n"
        "  - {name: default, number: 0, installation_keys: true}\n");
    const struct hy_tenant *shop = hy_tenant_by_name(&c->tenants, HY_STR("shop"));
    cr_assert_not_null(shop);
    cr_expect_eq(shop->quota.size_bytes, 2u << 20);
    cr_expect_eq(shop->quota.per_day, 0u);
    cr_expect_eq(hy_tenant_by_number(&c->tenants, 0)->weight, 10u);
    struct hy_buf text = HY_BUF_INIT(1 << 20), again = HY_BUF_INIT(1 << 20);
    hy_config_dump(c, &text);
    struct hy_config *d = parse(hy_buf_cstr(&text));
    hy_config_dump(d, &again);
    cr_expect_str_eq(hy_buf_cstr(&again), hy_buf_cstr(&text));
    struct hy_buf keys = HY_BUF_INIT(4096);
    hy_config_restart_keys(c, d, &keys);
    cr_expect_str_eq(hy_buf_cstr(&keys), "");
    hy_buf_free(&keys);
    hy_buf_free(&text);
    hy_buf_free(&again);
    hy_config_unref(c);
    hy_config_unref(d);
}

Test(config, a_reload_names_the_changes_that_must_wait_for_a_restart)
{
    struct hy_config *a = parse("log: {level: info}\n");
    struct hy_config *b = parse("log: {level: debug}\nnode: {id: 3}\n"
                                "delivery: {workers: 2, sources: [{address: 192.0.2.1}]}\n"
                                "dns: {servers: [127.0.0.1]}\n");
    struct hy_buf keys = HY_BUF_INIT(4096);
    hy_config_restart_keys(a, b, &keys);
    cr_expect_str_eq(hy_buf_cstr(&keys), "node.id, dns.servers, delivery.workers");
    hy_buf_free(&keys);
    hy_config_unref(a);
    hy_config_unref(b);
}

Test(config, the_socket_is_found_even_in_a_file_with_mistakes)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"control: {socket: /a/b.sock}\nnonsense: [1\n", "/run/hayauma/control.sock"},
        {"control: {socket: /a/b.sock}\nnonsense: 1\n", "/a/b.sock"},
        {"paths: {run_dir: /r}\n", "/r/control.sock"},
        {"paths: {run_dir: /r}\ncontrol: {socket: \"\"}\n", "/r/control.sock"},
        {"control: {socket: b.sock}\n", "/tmp/b.sock"},
        {"", "/run/hayauma/control.sock"},
    };
    char path[] = "/tmp/hayauma-test-XXXXXX", got[108];
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(pwrite(fd, cases[i].in, strlen(cases[i].in), 0), (ssize_t)strlen(cases[i].in));
        hy_config_socket(path, got);
        cr_expect_str_eq(got, cases[i].want, "%s: got %s", cases[i].in, got);
    }
    close(fd);
    unlink(path);
    hy_config_socket("/nonexistent/c.yaml", got);
    cr_expect_str_eq(got, "/run/hayauma/control.sock");
}

Test(config, a_snapshot_lives_as_long_as_somebody_holds_it)
{
    struct hy_config *c = parse(""), *held = hy_config_ref(c);
    hy_config_unref(c);
    cr_expect_str_eq(held->paths.data_dir, "/var/lib/hayauma");
    hy_config_unref(held);
    hy_config_unref(NULL);
}

Test(config, too_many_faults_are_counted_but_not_kept)
{
    struct hy_buf text = HY_BUF_INIT(1 << 20);
    for (int i = 0; i < 150; i++)
        hy_buf_printf(&text, "k%d: 1\n", i);
    struct hy_problems p = {0};
    struct hy_config *c = NULL;
    cr_expect_eq(hy_config_parse("c.yaml", hy_buf_str(&text), &p, &c), HY_EINVAL);
    cr_expect_eq(p.n, (size_t)HY_PROBLEMS_MAX);
    cr_expect_eq(p.n_errors, 150u);
    cr_expect_eq(p.n_dropped, 50u);
    hy_problems_free(&p);
    hy_buf_free(&text);
}

Test(config, deep_nesting_and_huge_files_are_refused_quickly)
{
    struct hy_buf text = HY_BUF_INIT(8 << 20);
    struct hy_problems p = {0};
    struct hy_config *c = NULL;
    hy_buf_add_lit(&text, "log: ");
    for (int i = 0; i < 100000; i++)
        hy_buf_add_c(&text, '[');
    cr_expect_eq(hy_config_parse("c.yaml", hy_buf_str(&text), &p, &c), HY_EINVAL);
    expect_problems(&p, "c.yaml:1:21: error: nested too deeply\n");
    hy_problems_free(&p);

    hy_buf_reset(&text);
    hy_buf_add_lit(&text, "x: [");
    for (int i = 0; i < 300000; i++)
        hy_buf_add_lit(&text, "1,");
    hy_buf_add_lit(&text, "]\n");
    cr_expect_eq(hy_config_parse("c.yaml", hy_buf_str(&text), &p, &c), HY_EINVAL);
    cr_expect_eq(p.n, 1u);
    cr_expect_str_eq(p.items[0].text, "the file holds too many values to be a configuration");
    hy_problems_free(&p);

    for (int i = 0; i < 100000; i++)
        hy_buf_add_lit(&text, "# a comment that makes it larger than a file may be\n");
    cr_expect_eq(hy_config_parse("c.yaml", hy_buf_str(&text), &p, &c), HY_EINVAL);
    expect_problems(&p, "c.yaml: error: the file is larger than 4 MiB\n");
    hy_problems_free(&p);
    hy_buf_free(&text);
}

Test(config, a_file_that_cannot_be_read_is_said_so)
{
    struct hy_problems p = {0};
    struct hy_config *c = NULL;
    cr_expect_eq(hy_config_load("/nonexistent/c.yaml", &p, &c), HY_EIO);
    expect_problems(&p,
                    "/nonexistent/c.yaml: error: cannot be opened: No such file or directory\n");
    hy_problems_free(&p);
    cr_expect_eq(hy_config_load("/tmp", &p, &c), HY_EIO);
    expect_problems(&p, "/tmp: error: this is not a file\n");
    hy_problems_free(&p);
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    char *text = calloc(1, 1 << 20);
    cr_assert(text && fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

/* tools/gen-config-docs writes both files anew. */
Test(config, the_shipped_file_is_the_schema_written_out)
{
    struct hy_buf want = HY_BUF_INIT(1 << 20);
    char *got = slurp(HY_SOURCE_ROOT "/conf/hayauma.yaml");
    cr_assert_eq(hy_config_dump_defaults(&want), 0);
    cr_expect_str_eq(got, hy_buf_cstr(&want));
    struct hy_config *c = parse(got), *d = NULL;
    cr_assert_eq(hy_config_defaults(&d), 0);
    struct hy_buf a = HY_BUF_INIT(1 << 20), b = HY_BUF_INIT(1 << 20);
    hy_config_dump(c, &a);
    hy_config_dump(d, &b);
    cr_expect_str_eq(strchr(hy_buf_cstr(&a), '\n'), strchr(hy_buf_cstr(&b), '\n'));
    hy_buf_free(&a);
    hy_buf_free(&b);
    hy_buf_free(&want);
    hy_config_unref(c);
    hy_config_unref(d);
    free(got);
}

Test(config, the_manual_page_holds_every_key_as_the_schema_has_it)
{
    struct hy_buf want = HY_BUF_INIT(1 << 20);
    char *got = slurp(HY_SOURCE_ROOT "/docs/man/hayauma.yaml.5");
    hy_config_dump_man(&want);
    cr_expect(strstr(got, hy_buf_cstr(&want)) != NULL, "run tools/gen-config-docs");
    hy_buf_free(&want);
    free(got);
}

Test(secret, a_shared_secret_is_read_only_when_others_cannot)
{
    char path[] = "/tmp/hayauma-test-secret-XXXXXX";
    uint8_t secret[HY_SECRET_BYTES] = {0};
    struct hy_diag diag = {0};
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    const char *hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    cr_assert_eq(write(fd, hex, strlen(hex)), (ssize_t)strlen(hex));
    cr_expect_eq(hy_secret_load(path, secret, &diag), 0, "%s", diag.text);
    cr_expect(secret[0] == 0 && secret[31] == 31);
    cr_assert_eq(fchmod(fd, 0640), 0);
    cr_expect_eq(hy_secret_load(path, secret, NULL), HY_EAUTH);
    cr_assert_eq(fchmod(fd, 0600), 0);
    cr_assert_eq(ftruncate(fd, 10), 0);
    cr_expect_eq(hy_secret_load(path, secret, NULL), HY_ECORRUPT);
    close(fd);
    unlink(path);
    cr_expect_eq(hy_secret_load(path, secret, NULL), HY_ENOTFOUND);
}

Test(config, pools_know_their_sources_and_weights)
{
    struct hy_config *c =
        parse("delivery:\n  sources:\n    - {name: a, address: 192.0.2.1, weight: 4}\n"
              "    - {name: b, address: 192.0.2.2, address6: \"2001:db8::2\"}\n"
              "  pool: b\n  pools:\n    - name: p\n      sources: {b: 3, a: \"\"}\n");
    const struct hy_config_pool *p = &c->delivery.pools.items[0];
    cr_assert_eq(c->delivery.pools.n, 1u);
    cr_assert_eq(p->members.n, 2u);
    cr_expect(p->indices[0] == 1 && p->weights[0] == 3);
    cr_expect(p->indices[1] == 0 && p->weights[1] == 4, "its own weight");
    cr_expect_eq(hy_sockaddr_family(&c->delivery.sources.items[0].bind6), AF_UNSPEC);
    cr_expect_eq(hy_sockaddr_family(&c->delivery.sources.items[1].bind6), AF_INET6);
    cr_expect(hy_config_has_pool(c, HY_STR("p")) && hy_config_has_pool(c, HY_STR("a")));
    cr_expect_not(hy_config_has_pool(c, HY_STR("c")));
    hy_config_unref(c);
}
