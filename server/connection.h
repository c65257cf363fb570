/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: TLS, then one request at a time, each phase under an absolute deadline. Seen by
 * connection.c, which walks it through its phases, and connections.c, which keeps the set.
 */
#ifndef ZCA_SERVER_CONNECTION_H
#define ZCA_SERVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "server/exchange.h"
#include "server/limit.h"
#include "server/options.h"
#include "server/server.h"
#include "server/worker.h"

/* Those that may give way come first, in the order in which they do. */
enum zca_phase {
    ZCA_PHASE_IDLE,
    ZCA_PHASE_HANDSHAKE,
    ZCA_PHASE_HEAD,
    ZCA_PHASE_BODY,
    ZCA_PHASE_RUNNING,
    ZCA_PHASE_WRITING,
    ZCA_PHASE_LINGERING,
    ZCA_NUM_PHASES
};

struct zca_phase_row {
    bool timed;
    enum zca_server_option timeout; /* ZCA_SERVER_NUM_OPTIONS: `fixed_s` */
    long fixed_s;
    bool may_give_way; /* for a new connection, and when the server stops */
};

extern const struct zca_phase_row zca_phase_rows[ZCA_NUM_PHASES];

struct zca_connection {
    TAILQ_ENTRY(zca_connection) neighbours; /* in its phase */
    struct zca_connections *owner;
    enum zca_phase phase;
    struct bufferevent *stream; /* NULL: the peer is gone while the request runs */
    struct event *deadline;
    struct zca_client_address client;
    char *address;
    struct zca_exchange *exchange; /* NULL between requests */
    size_t searched;               /* bytes of input without the end of a head */
    bool keep_alive;               /* after the answer that is being written */
    bool unread;                   /* the client may still be sending what nobody will read */
};

TAILQ_HEAD(zca_connection_queue, zca_connection);

struct zca_connections {
    struct zca_server *server;
    struct event_base *base;
    struct zca_workers *workers;
    struct zca_limiter *limiter;
    SSL_CTX *tls;
    struct timeval timeouts[ZCA_NUM_PHASES];
    struct zca_connection_queue phases[ZCA_NUM_PHASES]; /* each in the order of entering it */
    size_t num_connections;
    size_t max_connections;
    bool stopping;
    void (*drained)(void *argument);
    void *drained_argument;
};

/** zca_connection_start puts a new connection, which is in the queue of its phase, on `fd`, which it
 * owns when this succeeds. */
ZCA_NODISCARD bool zca_connection_start(struct zca_connection *connection, evutil_socket_t fd);

/** zca_connection_close lets go of the peer. The object is gone after it, unless its request runs. */
void zca_connection_close(struct zca_connection *connection);

/** zca_connection_finish answers with the exchange that a worker has given back. */
void zca_connection_finish(struct zca_connection *connection);

/** zca_connection_destroy removes and releases a connection whose exchange no worker has. */
void zca_connection_destroy(struct zca_connection *connection);

#endif
