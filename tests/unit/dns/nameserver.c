#include "nameserver.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hayauma/base/rand.h"

int dead_port(struct hy_sockaddr *ret_addr)
{
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1"), 0, ret_addr), 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t n = sizeof *ret_addr;
    cr_assert(bind(fd, &ret_addr->sa, hy_sockaddr_len(ret_addr)) == 0);
    cr_assert(getsockname(fd, &ret_addr->sa, &n) == 0);
    return fd;
}

static bool can_bind(const struct hy_sockaddr *addr, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    bool good = bind(fd, &addr->sa, hy_sockaddr_len(addr)) == 0;
    close(fd);
    return good;
}

/* A port free for UDP and TCP, below those that the system gives to outgoing connections: one of
 * them would take it before the name server does. */
static void choose_port(struct hy_sockaddr *ret_addr)
{
    struct hy_rng rng;
    uint64_t seed;
    cr_assert_eq(hy_rand_bytes(&seed, sizeof seed), 0);
    hy_rng_seed(&rng, seed);
    for (int i = 0; i < 1000; i++) {
        uint16_t port = (uint16_t)(20000 + hy_rng_below(&rng, 12000));
        cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1"), port, ret_addr), 0);
        if (can_bind(ret_addr, SOCK_STREAM) && can_bind(ret_addr, SOCK_DGRAM))
            return;
    }
    cr_assert_fail("no free port");
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* Asks for the SOA of "test." until an answer comes. */
static bool answers(const struct hy_sockaddr *address)
{
    static const unsigned char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                            "\x04test\x00\x00\x06\x00\x01";
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unsigned char answer[512];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool good = connect(fd, &address->sa, hy_sockaddr_len(address)) == 0 &&
                send(fd, question, sizeof question - 1, 0) > 0 && poll(&p, 1, 50) > 0 &&
                recv(fd, answer, sizeof answer, 0) > 12 && (answer[3] & 15) == 0;
    close(fd);
    return good;
}

static void run_nsd(const char *dir)
{
    char conf[128];
    snprintf(conf, sizeof conf, "%s/nsd.conf", dir);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the test may crash; the server must not stay */
    execl("/usr/sbin/nsd", "nsd", "-d", "-c", conf, (char *)NULL);
    _exit(127);
}

void nameserver_start(struct nameserver *ns, const char *zone)
{
    if (access("/usr/sbin/nsd", X_OK) != 0)
        cr_skip_test("nsd is not installed");
    snprintf(ns->dir, sizeof ns->dir, "/tmp/hayauma-nsd-XXXXXX");
    cr_assert(mkdtemp(ns->dir));
    choose_port(&ns->address);
    char conf[2048];
    snprintf(conf, sizeof conf,
             "server:\n ip-address: 127.0.0.1@%u\n username: \"\"\n chroot: \"\"\n"
             " zonesdir: \"%s\"\n database: \"\"\n pidfile: \"\"\n xfrdfile: \"\"\n"
             " zonelistfile: \"%s/zone.list\"\n logfile: \"%s/nsd.log\"\n server-count: 1\n"
             " rrl-ratelimit: 0\n"
             "remote-control:\n control-enable: no\n"
             "zone:\n name: \"test\"\n zonefile: \"test.zone\"\n"
             "zone:\n name: \"broken\"\n zonefile: \"nothing.zone\"\n",
             hy_sockaddr_port(&ns->address), ns->dir, ns->dir, ns->dir);
    write_file(ns->dir, "nsd.conf", conf);
    write_file(ns->dir, "test.zone", zone);
    fflush(NULL);
    ns->pid = fork();
    if (ns->pid == 0)
        run_nsd(ns->dir);
    for (int i = 0; i < 1500; i++) {
        if (answers(&ns->address))
            return;
        usleep(20000);
    }
    char command[128];
    snprintf(command, sizeof command, "cat %s/nsd.log >&2", ns->dir);
    cr_assert(system(command) == 0);
    cr_assert_fail("nsd does not answer");
}

void nameserver_stop(struct nameserver *ns)
{
    kill(ns->pid, SIGTERM);
    waitpid(ns->pid, NULL, 0);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", ns->dir);
    cr_assert(system(command) == 0);
}
