/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer, on the way from a connection to a worker and back. Whoever has it
 * owns it: the connection, then the pool, then the connection again.
 */
#ifndef ZCA_SERVER_EXCHANGE_H
#define ZCA_SERVER_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "server/http_head.h"
#include "server/route.h"
#include "server/routes.h"
#include "server/server.h"
#include "server/worker.h"

struct zca_connection;

struct zca_exchange {
    struct zca_job job; /* first, so that a finished job is its exchange */
    struct zca_server *server;
    struct zca_connection *connection; /* borrowed; outlives the exchange */
    struct zca_http_head head;         /* empty when the request could not be read */
    struct zca_buffer body;
    struct zca_route_match match;
    char *segments; /* the path, cut into its arguments */
    struct zca_http_request request;
    struct zca_http_response response;
    int64_t started_ms; /* monotonic */
};

/** zca_exchange_new starts an exchange with a new request id.
 * remote_address  borrowed, lives as long as the connection. */
ZCA_NODISCARD struct zca_exchange *zca_exchange_new(struct zca_server *server,
                                                    struct zca_connection *connection,
                                                    const char *remote_address,
                                                    struct zca_error *err);

/** zca_exchange_free releases an exchange and wipes what may be secret in it; NULL is fine. */
void zca_exchange_free(struct zca_exchange *exchange);
ZCA_DEFINE_AUTO(zca_exchange, struct zca_exchange, zca_exchange_free);

/**
 * zca_exchange_prepare looks up the route of a complete request and fills what its handler sees.
 *
 * Returns true when the job may be given to a worker, false when `response` holds the answer already:
 * 404, 405, or 503 without memory.
 */
ZCA_NODISCARD bool zca_exchange_prepare(struct zca_exchange *exchange);

/** zca_exchange_refuse answers with an error in the style of the route, if one is known by now. */
void zca_exchange_refuse(struct zca_exchange *exchange, int status, const char *message);

/** zca_exchange_format appends the whole response, head and, unless it answers HEAD, body, and writes
 * the line of the log. */
ZCA_NODISCARD bool zca_exchange_format(struct zca_exchange *exchange, bool keep_alive,
                                       struct zca_buffer *out_wire, struct zca_error *err);

#endif
