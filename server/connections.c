/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in, and who gives way. */
#include "server/connections.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admission.h"
#include "server/connection.h"

/* Closes the connection that has waited longest; false when none waits. */
static bool give_way(struct zca_connections *connections)
{
    for (size_t i = 0; i < ZCA_NUM_PHASES; i++) {
        struct zca_connection *longest = TAILQ_FIRST(&connections->phases[i]);
        if (zca_phase_rows[i].may_give_way && longest) {
            zca_connection_close(longest);
            return true;
        }
    }
    return false;
}

static char *format_address(const struct sockaddr *address, socklen_t address_len)
{
    char text[INET6_ADDRSTRLEN];
    int rc = getnameinfo(address, address_len, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    return strdup(rc == 0 ? text : "unknown");
}

/* Nobody gives way to a client that is refused: its address is looked at first. */
static struct zca_connection *enter(struct zca_connections *connections,
                                    struct zca_client_address client)
{
    if (!zca_limiter_enter(connections->limiter, client)) {
        return NULL;
    }
    bool room =
        connections->num_connections < connections->max_connections || give_way(connections);
    struct zca_connection *connection = room ? calloc(1, sizeof *connection) : NULL;
    if (!connection) {
        zca_limiter_leave(connections->limiter, client);
    }
    return connection;
}

void zca_connections_accept(struct zca_connections *connections, evutil_socket_t fd,
                            const struct sockaddr *address, socklen_t address_len)
{
    struct zca_client_address client = zca_client_address_of(address);
    struct zca_connection *connection = enter(connections, client);
    if (!connection) {
        (void)close(fd); /* refused without a word; nothing was written to it */
        return;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* slower without, not wrong */
    connection->owner = connections;
    connection->client = client;
    connection->phase = ZCA_PHASE_HANDSHAKE;
    TAILQ_INSERT_TAIL(&connections->phases[ZCA_PHASE_HANDSHAKE], connection, neighbours);
    connections->num_connections++;
    connection->address = format_address(address, address_len);
    if (!connection->address || !zca_connection_start(connection, fd)) {
        if (!connection->stream) {
            (void)close(fd); /* as above */
        }
        zca_connection_destroy(connection);
    }
}

void zca_connections_finish(struct zca_connections *connections, struct zca_job *jobs)
{
    (void)connections; /* each exchange knows its connection */
    while (jobs) {
        struct zca_exchange *exchange = (struct zca_exchange *)jobs;
        struct zca_connection *connection = exchange->connection;
        jobs = jobs->next;
        zca_connection_finish(connection);
    }
}

void zca_connections_stop(struct zca_connections *connections, void (*drained)(void *argument),
                          void *argument)
{
    connections->stopping = true;
    connections->drained = drained;
    connections->drained_argument = argument;
    if (connections->num_connections == 0) {
        drained(argument);
        return;
    }
    while (give_way(connections)) {
    }
}

struct zca_connections *zca_connections_new(struct zca_server *server, struct event_base *base,
                                            struct zca_workers *workers, SSL_CTX *tls,
                                            size_t max_connections, struct zca_error *err)
{
    struct zca_connections *connections = calloc(1, sizeof *connections);
    struct zca_limiter *limiter = zca_admission_limiter(server, err);
    if (!connections || !limiter) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "making the set of connections"); /* false */
        SSL_CTX_free(tls);
        free(connections);
        zca_limiter_free(limiter);
        return NULL;
    }
    connections->server = server;
    connections->base = base;
    connections->workers = workers;
    connections->limiter = limiter;
    connections->tls = tls;
    connections->max_connections = max_connections;
    for (size_t i = 0; i < ZCA_NUM_PHASES; i++) {
        TAILQ_INIT(&connections->phases[i]);
        connections->timeouts[i].tv_sec = zca_phase_rows[i].timeout < ZCA_SERVER_NUM_OPTIONS
                                              ? zca_server_number(server, zca_phase_rows[i].timeout)
                                              : zca_phase_rows[i].fixed_s;
    }
    return connections;
}

void zca_connections_set_tls(struct zca_connections *connections, SSL_CTX *tls)
{
    SSL_CTX_free(connections->tls);
    connections->tls = tls;
}

void zca_connections_free(struct zca_connections *connections)
{
    if (!connections) {
        return;
    }
    connections->stopping = false;
    for (size_t i = 0; i < ZCA_NUM_PHASES; i++) {
        while (!TAILQ_EMPTY(&connections->phases[i])) {
            zca_connection_destroy(TAILQ_FIRST(&connections->phases[i]));
        }
    }
    SSL_CTX_free(connections->tls);
    zca_limiter_free(connections->limiter);
    free(connections);
}
