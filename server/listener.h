/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, from text like "127.0.0.1:8443" or "[::1]:0". */
#ifndef ZCA_SERVER_LISTENER_H
#define ZCA_SERVER_LISTENER_H

#include <event2/event.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/connections.h"

struct zca_listener;

/**
 * zca_listener_open binds `address` and gives what it accepts to `connections`.
 *
 * address       IPv4:PORT or [IPv6]:PORT, numeric; port 0 takes a free one.
 * connections   borrowed, must outlive the listener.
 * err           ZCA_ERR_CONFIG for bad text, ZCA_ERR_SYSTEM with the reason of bind.
 */
ZCA_NODISCARD struct zca_listener *zca_listener_open(struct event_base *base, const char *address,
                                                     struct zca_connections *connections,
                                                     struct zca_error *err);

/** zca_listener_close stops accepting; NULL is fine. */
void zca_listener_close(struct zca_listener *listener);
ZCA_DEFINE_AUTO(zca_listener, struct zca_listener, zca_listener_close);

/** zca_listener_url returns "https://ADDRESS:PORT" with the port that was bound; an address that stands
 * for all is given as the loopback address. Borrowed. zca_listener_port returns the port alone. */
const char *zca_listener_url(const struct zca_listener *listener);
unsigned zca_listener_port(const struct zca_listener *listener);

#endif
