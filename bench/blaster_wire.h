/* The blaster's connections: a socket, with TLS on it from wire_start_tls on. */
#pragma once
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

struct wire {
    int fd;
    SSL *ssl; /* NULL: plain */
};

/* "ADDR:PORT" of IPv4; false when it is none. `text` is cut up. */
bool wire_address(char *text, struct sockaddr_in *ret);
/* Opens it and waits until it is open; false with errno. */
bool wire_connect(struct wire *w, const struct sockaddr_in *to);
void wire_close(struct wire *w);
/* Without waiting: the bytes that went or came, 0 when the peer has closed it, -1 with errno;
 * EAGAIN means not now. What wire_send did not take is offered again as it was. */
ssize_t wire_send(struct wire *w, const char *p, size_t n);
ssize_t wire_recv(struct wire *w, char *p, size_t n);
/* Something that came is still to be received, though the socket may be empty. */
bool wire_has_more(const struct wire *w);

/* For all connections, any certificate will do; NULL when OpenSSL refuses. */
SSL_CTX *wire_tls(void);
bool wire_start_tls(struct wire *w, SSL_CTX *ctx);
/* 1 when the handshake is done, 0 when the peer is waited for, -1 when it failed. */
int wire_shake(struct wire *w);
