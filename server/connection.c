/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a connection is a walk through the phases below. A request is read whole, handed to a
 * worker, and answered before the next one is looked at: bytes that come early wait, up to a limit.
 */
#include "server/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "base/log.h"
#include "server/admission.h"

#define LINGER_S 2 /* for a refused client to read the answer before the reset */

const struct zca_phase_row zca_phase_rows[ZCA_NUM_PHASES] = {
    [ZCA_PHASE_HANDSHAKE] = {true,  ZCA_SERVER_HEADER_TIMEOUT, 0,        true },
    [ZCA_PHASE_IDLE] = {true,  ZCA_SERVER_IDLE_TIMEOUT,   0,        true },
    [ZCA_PHASE_HEAD] = {true,  ZCA_SERVER_HEADER_TIMEOUT, 0,        true },
    [ZCA_PHASE_BODY] = {true,  ZCA_SERVER_BODY_TIMEOUT,   0,        false},
    [ZCA_PHASE_RUNNING] = {false, ZCA_SERVER_NUM_OPTIONS,    0,        false},
    [ZCA_PHASE_WRITING] = {true,  ZCA_SERVER_WRITE_TIMEOUT,  0,        false},
    [ZCA_PHASE_LINGERING] = {true,  ZCA_SERVER_NUM_OPTIONS,    LINGER_S, false},
};

/* ---- phases ---- */

static void enter_phase(struct zca_connection *connection, enum zca_phase phase)
{
    struct zca_connections *owner = connection->owner;
    TAILQ_REMOVE(&owner->phases[connection->phase], connection, neighbours);
    TAILQ_INSERT_TAIL(&owner->phases[phase], connection, neighbours);
    connection->phase = phase;
    int rc = zca_phase_rows[phase].timed ? event_add(connection->deadline, &owner->timeouts[phase])
                                         : event_del(connection->deadline);
    if (rc != 0) {
        zca_log(ZCA_LOG_ERROR, "a connection's deadline could not be set");
    }
}

void zca_connection_destroy(struct zca_connection *connection)
{
    struct zca_connections *owner = connection->owner;
    TAILQ_REMOVE(&owner->phases[connection->phase], connection, neighbours);
    owner->num_connections--;
    zca_limiter_leave(owner->limiter, connection->client);
    zca_exchange_free(connection->exchange);
    if (connection->stream) {
        bufferevent_free(connection->stream);
    }
    if (connection->deadline) {
        event_free(connection->deadline);
    }
    free(connection->address);
    free(connection);
    if (owner->stopping && owner->num_connections == 0) {
        owner->drained(owner->drained_argument);
    }
}

/* Lets go of the peer; the rest goes when the worker has given the exchange back. */
void zca_connection_close(struct zca_connection *connection)
{
    if (connection->phase != ZCA_PHASE_RUNNING) {
        zca_connection_destroy(connection);
        return;
    }
    if (connection->stream) {
        bufferevent_free(connection->stream);
        connection->stream = NULL;
    }
}

/* ---- answering ---- */

static void release_wire(const void *data, size_t len, void *argument)
{
    struct zca_buffer *wire = argument;
    (void)data; /* it is what `wire` holds */
    (void)len;
    OPENSSL_cleanse(wire->data, wire->len);
    zca_buffer_clear(wire);
    free(wire);
}

/* One block of memory for head and body, so that they leave in one TLS record, wiped once sent. */
static bool write_answer(struct zca_connection *connection)
{
    struct zca_buffer *wire = calloc(1, sizeof *wire);
    if (!wire) {
        return false;
    }
    bool good = zca_exchange_format(connection->exchange, connection->keep_alive, wire, NULL);
    good = good && evbuffer_add_reference(bufferevent_get_output(connection->stream), wire->data,
                                          wire->len, release_wire, wire) == 0;
    if (!good) {
        release_wire(NULL, 0, wire);
    }
    return good;
}

static void answer(struct zca_connection *connection)
{
    connection->keep_alive = connection->keep_alive && !connection->owner->stopping;
    bool written = write_answer(connection);
    zca_exchange_free(connection->exchange);
    connection->exchange = NULL;
    enter_phase(connection, ZCA_PHASE_WRITING);
    if (!written) {
        zca_connection_close(connection);
    }
}

/* Answers what could not be read to its end; nothing that follows can be trusted. */
static void refuse(struct zca_connection *connection, int status, const char *message)
{
    connection->keep_alive = false;
    connection->unread = true;
    zca_exchange_refuse(connection->exchange, status, message);
    answer(connection);
}

static void drain_input(struct zca_connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    (void)evbuffer_drain(input, evbuffer_get_length(input)); /* as in remove_input */
}

/* Waits a little for the client to read the answer: closing with unread input would reset it. */
static void linger(struct zca_connection *connection)
{
    SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    (void)SSL_shutdown(ssl); /* the close_notify that ends the answer; failure ends it as well */
    (void)shutdown(bufferevent_getfd(connection->stream), SHUT_WR); /* as above */
    drain_input(connection);
    enter_phase(connection, ZCA_PHASE_LINGERING);
}

/* ---- reading ---- */

/* Lets so many bytes wait to be looked at: a head's, or those of the body that is announced. */
static void limit_input(struct zca_connection *connection, size_t len)
{
    size_t limit = len > ZCA_HTTP_HEAD_LIMIT ? len : ZCA_HTTP_HEAD_LIMIT;
    bufferevent_setwatermark(connection->stream, EV_READ, 0, limit);
}

/* Gives a complete request to the workers, or answers it at once. */
static void submit(struct zca_connection *connection)
{
    struct zca_exchange *exchange = connection->exchange;
    if (!zca_exchange_prepare(exchange) ||
        !zca_admission_admit(connection->owner->limiter, exchange, connection->client)) {
        answer(connection);
        return;
    }
    enter_phase(connection, ZCA_PHASE_RUNNING);
    if (!zca_workers_submit(connection->owner->workers, &exchange->job)) {
        zca_exchange_refuse(exchange, 503, "The server is busy");
        exchange->response.retry_after_s = 1;
        answer(connection);
    }
}

/* Removes what was read, wiped: it may hold a password or a token. */
static void remove_input(struct zca_connection *connection, uint8_t *bytes, size_t len)
{
    OPENSSL_cleanse(bytes, len);
    /* cannot fail: nothing else holds this buffer */
    (void)evbuffer_drain(bufferevent_get_input(connection->stream), len);
}

static void read_body(struct zca_connection *connection)
{
    struct zca_exchange *exchange = connection->exchange;
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    size_t len = exchange->head.content_length;
    if (evbuffer_get_length(input) < len) {
        return;
    }
    uint8_t *bytes = len > 0 ? evbuffer_pullup(input, (ev_ssize_t)len) : NULL;
    if (len > 0 && (!bytes || !zca_buffer_append(&exchange->body, zca_span_of(bytes, len), NULL))) {
        zca_connection_close(connection);
        return;
    }
    remove_input(connection, bytes, len);
    limit_input(connection, 0);
    submit(connection);
}

/* Length of the head in `input`, its empty line included; 0 when it is not complete. A line feed
 * without carriage return counts as a line end here: it is refused by the parser, at once. */
static size_t find_head(struct zca_span input, size_t from)
{
    const uint8_t *end = input.data + input.len;
    const uint8_t *feed = memchr(input.data + from, '\n', input.len - from);
    while (feed && feed + 1 < end) {
        const uint8_t *next = feed + 1;
        if (*next == '\r' && next + 1 < end) {
            next++;
        }
        if (*next == '\n') {
            return (size_t)(next + 1 - input.data);
        }
        feed = memchr(feed + 1, '\n', (size_t)(end - feed - 1));
    }
    return 0;
}

static void take_head(struct zca_connection *connection, uint8_t *bytes, size_t len)
{
    struct zca_error err = {0};
    struct zca_exchange *exchange = connection->exchange;
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    bool good = zca_http_head_parse(zca_span_of(bytes, len), &exchange->head, &err);
    remove_input(connection, bytes, len);
    connection->searched = 0;
    if (!good) {
        refuse(connection, (int)err.http_status, err.message);
        return;
    }
    connection->keep_alive = exchange->head.keep_alive;
    limit_input(connection, exchange->head.content_length);
    enter_phase(connection, ZCA_PHASE_BODY);
    bool waits = exchange->head.expect_continue && evbuffer_get_length(input) == 0 &&
                 exchange->head.content_length > 0;
    if (waits) {
        /* a client that does not get it sends the body a little later */
        (void)evbuffer_add_printf(bufferevent_get_output(connection->stream),
                                  "HTTP/1.1 100 Continue\r\n\r\n");
    }
    read_body(connection);
}

static void read_head(struct zca_connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    size_t len = evbuffer_get_length(input);
    if (!connection->exchange) {
        connection->exchange =
            zca_exchange_new(connection->owner->server, connection, connection->address, NULL);
    }
    size_t looked_at = len < ZCA_HTTP_HEAD_LIMIT ? len : ZCA_HTTP_HEAD_LIMIT;
    uint8_t *bytes = evbuffer_pullup(input, (ev_ssize_t)looked_at);
    if (!connection->exchange || !bytes) {
        zca_connection_close(connection);
        return;
    }
    size_t head_len = find_head(zca_span_of(bytes, looked_at), connection->searched);
    if (head_len > 0) {
        take_head(connection, bytes, head_len);
        return;
    }
    connection->searched = looked_at > 2 ? looked_at - 2 : 0;
    if (looked_at == ZCA_HTTP_HEAD_LIMIT) {
        bool one_line = memchr(bytes, '\n', looked_at) == NULL;
        refuse(connection, one_line ? 414 : 431,
               one_line ? "request line too long" : "header block too large");
    }
}

static void start_head(struct zca_connection *connection)
{
    enter_phase(connection, ZCA_PHASE_HEAD);
    read_head(connection);
}

/* What each phase does with new input; the others do not read. */
static void (*const readers[ZCA_NUM_PHASES])(struct zca_connection *connection) = {
    [ZCA_PHASE_IDLE] = start_head,
    [ZCA_PHASE_HEAD] = read_head,
    [ZCA_PHASE_BODY] = read_body,
    [ZCA_PHASE_LINGERING] = drain_input,
};

/* ---- libevent's callbacks ---- */

static void on_input(struct bufferevent *stream, void *argument)
{
    struct zca_connection *connection = argument;
    if (readers[connection->phase] && evbuffer_get_length(bufferevent_get_input(stream)) > 0) {
        readers[connection->phase](connection);
    }
}

/* The output has been handed to the kernel. */
static void on_written(struct bufferevent *stream, void *argument)
{
    struct zca_connection *connection = argument;
    if (connection->phase != ZCA_PHASE_WRITING ||
        evbuffer_get_length(bufferevent_get_output(stream)) > 0) {
        return;
    }
    if (connection->unread) {
        linger(connection);
        return;
    }
    if (!connection->keep_alive) {
        zca_connection_close(connection);
        return;
    }
    enter_phase(connection, ZCA_PHASE_IDLE);
    on_input(stream, connection);
}

static void on_event(struct bufferevent *stream, short what, void *argument)
{
    struct zca_connection *connection = argument;
    (void)stream; /* it is the connection's */
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        enter_phase(connection, ZCA_PHASE_HEAD);
        return;
    }
    zca_connection_close(connection);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct zca_connection *connection = argument;
    (void)fd; /* a timer has none */
    (void)what;
    bool begun = connection->exchange &&
                 (connection->phase == ZCA_PHASE_HEAD || connection->phase == ZCA_PHASE_BODY);
    if (begun) {
        refuse(connection, 408, "The request took too long to arrive");
    } else {
        zca_connection_close(connection);
    }
}

bool zca_connection_start(struct zca_connection *connection, evutil_socket_t fd)
{
    struct zca_connections *owner = connection->owner;
    connection->deadline = evtimer_new(owner->base, on_deadline, connection);
    SSL *ssl = SSL_new(owner->tls);
    if (!connection->deadline || !ssl) {
        SSL_free(ssl);
        return false;
    }
    connection->stream =
        bufferevent_openssl_socket_new(owner->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (!connection->stream) {
        SSL_free(ssl);
        return false;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(connection->stream, 1);
    bufferevent_setcb(connection->stream, on_input, on_written, on_event, connection);
    limit_input(connection, 0);
    enter_phase(connection, ZCA_PHASE_HANDSHAKE);
    return bufferevent_enable(connection->stream, EV_READ) == 0;
}

void zca_connection_finish(struct zca_connection *connection)
{
    if (connection->stream) {
        answer(connection);
    } else {
        zca_connection_destroy(connection);
    }
}
