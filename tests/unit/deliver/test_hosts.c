#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

#include "hosts.h"

/* Host i of n has `preference[i]` and the address 192.0.2.(i + 1), or none when it is 0. */
struct answer {
    struct hy_sockaddr addr[8];
    struct hy_mx_host host[8];
    struct hy_mx mx;
};

static struct hy_sockaddr ip(const char *text)
{
    struct hy_sockaddr a = {0};
    if (strchr(text, ':')) {
        a.in6.sin6_family = AF_INET6;
        cr_assert_eq(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
    } else {
        a.in4.sin_family = AF_INET;
        cr_assert_eq(inet_pton(AF_INET, text, &a.in4.sin_addr), 1);
    }
    return a;
}

static void answer_make(struct answer *a, const uint16_t *preferences, size_t n)
{
    *a = (struct answer){0};
    for (size_t i = 0; i < n; i++) {
        char text[32];
        snprintf(text, sizeof text, "192.0.2.%zu", i + 1);
        a->addr[i] = ip(text);
        a->host[i] = (struct hy_mx_host){
            .preference = preferences[i], .n_addresses = 1, .addresses = &a->addr[i]};
    }
    a->mx.hosts = a->host;
    a->mx.n_hosts = n;
}

/* Number of the chosen host, -1 = none. */
static int chosen(struct answer *a, const struct host_notes *notes, uint32_t turn, hy_us now)
{
    const struct hy_sockaddr *addr = NULL;
    const struct hy_mx_host *h = host_choose(&a->mx, NULL, notes, AF_UNSPEC, turn, now, &addr);
    if (!h)
        return -1;
    cr_assert_eq(addr, h->addresses, "an address of that host");
    return (int)(h - a->host);
}

Test(hosts, of_the_best_preference_are_taken_in_turn_and_the_next_only_when_none_is_usable)
{
    static const uint16_t preferences[] = {10, 10, 20, 30};
    static const struct {
        const char *name;
        unsigned unusable; /* bit i: host i */
        uint32_t turn;
        int want;
    } cases[] = {
        {"first turn", 0, 0, 0},
        {"second turn", 0, 1, 1},
        {"third turn begins anew", 0, 2, 0},
        {"the other of equal preference", 1 << 0, 0, 1},
        {"it is nobody's turn but the usable one's", 1 << 1, 1, 0},
        {"the second preference", 1 << 0 | 1 << 1, 1, 2},
        {"the last one", 7, 5, 3},
        {"none", 15, 0, -1},
    };
    struct answer a;
    answer_make(&a, preferences, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host_notes notes = {0};
        for (int k = 0; k < 4; k++) {
            if (cases[i].unusable >> k & 1)
                cr_assert_eq(host_note(&notes, HOST_UNUSABLE, &a.addr[k], 100), HY_OK);
        }
        int got = chosen(&a, &notes, cases[i].turn, 50);
        cr_assert_eq(got, cases[i].want, "%s: got %d, want %d", cases[i].name, got, cases[i].want);
        host_notes_free(&notes);
    }
}

Test(hosts, are_usable_again_when_the_time_is_over_or_the_fault_is_forgotten)
{
    static const uint16_t one[] = {0};
    struct answer a;
    struct host_notes notes = {0};
    answer_make(&a, one, 1);
    cr_assert_eq(host_note(&notes, HOST_UNUSABLE, &a.addr[0], 100), HY_OK);
    cr_assert_eq(chosen(&a, &notes, 0, 99), -1);
    cr_assert(host_notes_any(&notes, 99));
    cr_assert_eq(chosen(&a, &notes, 0, 100), 0);
    cr_assert(!host_notes_any(&notes, 100));
    cr_assert_eq(host_note(&notes, HOST_UNUSABLE, &a.addr[0], 300), HY_OK);
    cr_assert_eq(notes.n, 1, "the same note");
    cr_assert_eq(chosen(&a, &notes, 0, 200), -1);
    host_notes_forget(&notes, HOST_UNUSABLE);
    cr_assert_eq(chosen(&a, &notes, 0, 200), 0);
    host_notes_free(&notes);
}

Test(hosts, with_broken_tls_or_without_ehlo_are_used_all_the_same)
{
    static const uint16_t one[] = {0};
    struct answer a;
    struct host_notes notes = {0};
    answer_make(&a, one, 1);
    cr_assert_eq(host_note(&notes, HOST_BROKEN_TLS, &a.addr[0], 100), HY_OK);
    cr_assert_eq(host_note(&notes, HOST_NO_EHLO, &a.addr[0], 100), HY_OK);
    cr_assert_eq(chosen(&a, &notes, 0, 50), 0);
    cr_assert(host_is_noted(&notes, HOST_BROKEN_TLS, &a.addr[0], 50));
    cr_assert(host_is_noted(&notes, HOST_NO_EHLO, &a.addr[0], 50));
    host_notes_forget(&notes, HOST_UNUSABLE);
    cr_assert(host_is_noted(&notes, HOST_BROKEN_TLS, &a.addr[0], 50), "another fault stays");
    host_notes_free(&notes);
}

Test(hosts, only_addresses_of_the_family_of_the_source_are_tried)
{
    struct hy_sockaddr both[2] = {ip("2001:db8::1"), ip("192.0.2.1")};
    struct hy_mx_host host = {.n_addresses = 2, .addresses = both};
    struct hy_mx mx = {.n_hosts = 1, .hosts = &host};
    struct host_notes none = {0};
    const struct hy_sockaddr *addr = NULL;
    static const struct {
        int family, want;
    } cases[] = {{AF_UNSPEC, 0}, {AF_INET6, 0}, {AF_INET, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(host_choose(&mx, NULL, &none, cases[i].family, 0, 0, &addr), &host);
        cr_assert_eq(addr, &both[cases[i].want], "family %d", cases[i].family);
    }
    host.n_addresses = 1;
    cr_assert_null(host_choose(&mx, NULL, &none, AF_INET, 0, 0, &addr));
}

Test(hosts, turns_go_over_all_addresses_of_equal_preference_hosts_before_addresses)
{
    struct hy_sockaddr first[3] = {ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3")};
    struct hy_sockaddr second[2] = {ip("198.51.100.1"), ip("2001:db8::1")};
    struct hy_mx_host hosts[2] = {{.n_addresses = 3, .addresses = first},
                                  {.n_addresses = 2, .addresses = second}};
    struct hy_mx mx = {.n_hosts = 2, .hosts = hosts};
    struct host_notes notes = {0};
    const struct hy_sockaddr *want[] = {&first[0], &second[0], &first[1], &first[2]};
    for (uint32_t turn = 0; turn < 8; turn++) {
        const struct hy_sockaddr *addr = NULL;
        cr_assert_not_null(host_choose(&mx, NULL, &notes, AF_UNSPEC, turn, 50, &addr));
        cr_assert_eq(addr, want[turn % 4], "turn %u, of the family that comes first", turn);
    }
    cr_assert_eq(host_note(&notes, HOST_UNUSABLE, &first[1], 100), HY_OK);
    const struct hy_sockaddr *addr = NULL;
    cr_assert_eq(host_choose(&mx, NULL, &notes, AF_UNSPEC, 2, 50, &addr), &hosts[0]);
    cr_assert_eq(addr, &first[2], "those that are left share its turns");
    host_notes_free(&notes);
}

Test(hosts, notes_are_bounded_and_the_one_that_ends_first_makes_room)
{
    struct host_notes notes = {0};
    for (int i = 0; i <= HOST_NOTES_MAX; i++) {
        char text[32];
        snprintf(text, sizeof text, "192.0.2.%d", i + 1);
        struct hy_sockaddr a = ip(text);
        hy_us until = i == 3 ? 10 : 100 + i;
        cr_assert_eq(host_note(&notes, HOST_UNUSABLE, &a, until), HY_OK);
    }
    cr_assert_eq(notes.n, HOST_NOTES_MAX);
    struct hy_sockaddr fourth = ip("192.0.2.4"), last = ip("192.0.2.33"), first = ip("192.0.2.1");
    cr_assert(!host_is_noted(&notes, HOST_UNUSABLE, &fourth, 5));
    cr_assert(host_is_noted(&notes, HOST_UNUSABLE, &last, 5));
    cr_assert(host_is_noted(&notes, HOST_UNUSABLE, &first, 5));
    host_notes_free(&notes);
}
