/*
 * Listening sockets. Every worker has its own socket on each address (SO_REUSEPORT), so that the kernel
 * spreads new connections and no accept lock exists.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/bug.h"
#include "base/ip.h"
#include "conf/config.h"

#include <stdbool.h>
#include <stddef.h>

enum { LISTEN_TEXT_LEN = 128 };

/*
 * Opens `n` non-blocking sockets on one address and writes them to `fds_r`; with port 0 all share the port
 * that the kernel gives to the first. Errors: false, nothing stays open, and `why` names the address and the
 * reason. Thread: control.
 */
MUST_CHECK bool listen_open(const struct config_address *address, size_t n, int *fds_r, char *why,
                            size_t why_len);

/*
 * From now on the kernel drops every SYN for this socket as if the network had lost it. Handshakes that have
 * begun still end and can be accepted; other clients try again a second later, and find the next process that
 * listens here, or nobody. So a socket can be closed without resetting what waits in its queue: deafen it,
 * give the handshakes their time, accept what is there, close. On a unix socket it does nothing. Thread: any.
 */
void listen_deafen(int fd);

/* The address a socket is bound to, as text with the port ("127.0.0.1:8080", "[::1]:80", "unix:/path"),
 * NUL-ended. */
void listen_text(int fd, char text_r[static LISTEN_TEXT_LEN]);

/* The address without its port; false when it is not an IP address. */
MUST_CHECK bool listen_addr_ip(const struct sockaddr *addr, struct ip *ip_r);

/* Its port, 0 when it has none. */
uint16_t listen_addr_port(const struct sockaddr *addr);

/* An address as text without (ip) or with (ip:port) its port, NUL-ended. `with_port` has no meaning for unix
 * sockets. */
void listen_addr_text(const struct sockaddr *addr, bool with_port, char text_r[static LISTEN_TEXT_LEN]);

#endif
