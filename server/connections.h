/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of open connections, bounded in all and for one address. All functions run on the thread of
 * the event loop.
 */
#ifndef ZCA_SERVER_CONNECTIONS_H
#define ZCA_SERVER_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/server.h"
#include "server/worker.h"

struct zca_connections;

/**
 * zca_connections_new makes an empty set of connections.
 *
 * server, base, workers  borrowed, must outlive the set.
 * tls                    taken.
 * max_connections        at once; past it the connection that waits longest gives way.
 */
ZCA_NODISCARD struct zca_connections *
zca_connections_new(struct zca_server *server, struct event_base *base, struct zca_workers *workers,
                    SSL_CTX *tls, size_t max_connections, struct zca_error *err);

/** zca_connections_free closes what is open. No exchange may be with the workers any more. */
void zca_connections_free(struct zca_connections *connections);
ZCA_DEFINE_AUTO(zca_connections, struct zca_connections, zca_connections_free);

/** zca_connections_set_tls uses `tls`, which is taken, for connections accepted from now on. */
void zca_connections_set_tls(struct zca_connections *connections, SSL_CTX *tls);

/** zca_connections_accept takes a new non-blocking socket; it is closed at once past the limits. */
void zca_connections_accept(struct zca_connections *connections, evutil_socket_t fd,
                            const struct sockaddr *address, socklen_t address_len);

/** zca_connections_finish sends the answers of jobs that zca_workers_take returned. */
void zca_connections_finish(struct zca_connections *connections, struct zca_job *jobs);

/** zca_connections_stop closes connections that wait for a request and lets the others finish theirs;
 * `drained` is called, perhaps at once, when none is left. */
void zca_connections_stop(struct zca_connections *connections, void (*drained)(void *argument),
                          void *argument);

#endif
