#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

#include "hayauma/io/listen.h"

static uint16_t port_of(int fd)
{
    struct hy_sockaddr at;
    socklen_t n = sizeof at;
    cr_assert_eq(getsockname(fd, &at.sa, &n), 0);
    return hy_sockaddr_port(&at);
}

Test(listen, a_socket_takes_connections_without_waiting_for_them)
{
    struct hy_sockaddr at;
    struct hy_diag diag = {""};
    int fd = -1;
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1:0"), 0, &at), HY_OK);
    cr_assert_eq(hy_listen(&at, &diag, &fd), HY_OK, "%s", diag.text);
    cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(accept(fd, NULL, NULL), -1);
    hy_sockaddr_set_port(&at, port_of(fd));
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(client, &at.sa, hy_sockaddr_len(&at)), 0);
    int served = accept(fd, NULL, NULL);
    cr_assert_geq(served, 0);
    close(served);
    close(client);
    close(fd);
}

Test(listen, a_port_that_is_taken_is_told_and_leaves_nothing_open)
{
    struct hy_sockaddr at;
    struct hy_diag diag = {""};
    int fd = -1, second = -7;
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1:0"), 0, &at), HY_OK);
    cr_assert_eq(hy_listen(&at, &diag, &fd), HY_OK, "%s", diag.text);
    hy_sockaddr_set_port(&at, port_of(fd));
    int next = dup(fd);
    close(next);
    cr_assert_eq(hy_listen(&at, &diag, &second), HY_EBUSY);
    cr_assert_eq(second, -7);
    cr_assert(strncmp(diag.text, "cannot listen on 127.0.0.1:", 27) == 0, "%s", diag.text);
    int after = dup(fd);
    cr_assert_eq(after, next, "a descriptor was left open");
    close(after);
    close(fd);
}
