/* Bytes of the blaster in and out, plain or through TLS: one system call each where the socket has
 * room. TLS works with the buffers that OpenSSL keeps for each connection, one record and one write
 * for up to 16 KiB, and reads whatever the socket has at once. */
#include "blaster_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool wire_address(char *text, struct sockaddr_in *ret)
{
    char *colon = strrchr(text, ':');
    if (!colon)
        return false;
    *colon = 0;
    *ret = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    return inet_pton(AF_INET, text, &ret->sin_addr) == 1 && ret->sin_port != 0;
}

bool wire_connect(struct wire *w, const struct sockaddr_in *to)
{
    int one = 1;
    *w = (struct wire){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (w->fd < 0 || connect(w->fd, (const struct sockaddr *)to, sizeof *to) != 0)
        return false;
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fcntl(w->fd, F_SETFL, O_NONBLOCK) == 0;
}

void wire_close(struct wire *w)
{
    SSL_free(w->ssl);
    close(w->fd);
}

/* As the plain calls say it. */
static ssize_t outcome(struct wire *w, int ret)
{
    if (ret > 0)
        return ret;
    int why = SSL_get_error(w->ssl, ret);
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    ERR_clear_error();
    return -1;
}

ssize_t wire_send(struct wire *w, const char *p, size_t n)
{
    if (!w->ssl)
        return send(w->fd, p, n, MSG_NOSIGNAL);
    return outcome(w, SSL_write(w->ssl, p, (int)n));
}

ssize_t wire_recv(struct wire *w, char *p, size_t n)
{
    if (!w->ssl)
        return recv(w->fd, p, n, 0);
    return outcome(w, SSL_read(w->ssl, p, (int)n));
}

bool wire_has_more(const struct wire *w)
{
    return w->ssl && SSL_has_pending(w->ssl);
}

SSL_CTX *wire_tls(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(ctx, 1);
    return ctx;
}

bool wire_start_tls(struct wire *w, SSL_CTX *ctx)
{
    w->ssl = SSL_new(ctx);
    if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1)
        return false;
    SSL_set_connect_state(w->ssl);
    return true;
}

int wire_shake(struct wire *w)
{
    int ret = SSL_do_handshake(w->ssl);
    if (ret == 1)
        return 1;
    return outcome(w, ret) < 0 && errno == EAGAIN ? 0 : -1;
}
