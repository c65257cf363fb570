/* SPDX-License-Identifier: Apache-2.0 */
/* Fills requests, runs them, formats answers, and logs one line for each: never headers or bodies. */
#include "server/exchange.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/response.h"

#define REQUEST_ID_BYTES 16u

static bool make_request_id(struct zca_exchange *exchange, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    if (!zca_random(NULL, REQUEST_ID_BYTES, &bytes, err) ||
        !zca_hex_encode(zca_buffer_span(&bytes), '\0', &text, err)) {
        return false;
    }
    memcpy(exchange->request.request_id, text.data, text.len); /* 32 of 33, zero-initialised */
    return true;
}

/* The job: on a worker thread. */
static void run_exchange(struct zca_job *job)
{
    struct zca_exchange *exchange = (struct zca_exchange *)job;
    zca_route_run(exchange->server, exchange->match.route, &exchange->request, &exchange->response);
}

struct zca_exchange *zca_exchange_new(struct zca_server *server, struct zca_connection *connection,
                                      const char *remote_address, struct zca_error *err)
{
    zca_auto(zca_exchange) struct zca_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "starting a request"); /* always false */
        return NULL;
    }
    exchange->job.run = run_exchange;
    exchange->server = server;
    exchange->connection = connection;
    exchange->body.limit = ZCA_HTTP_BODY_LIMIT;
    exchange->match.style = &zca_response_style;
    exchange->request.remote_address = remote_address;
    exchange->started_ms = zca_clock_monotonic_ms();
    if (!make_request_id(exchange, err)) {
        return NULL;
    }
    return zca_steal(exchange);
}

void zca_exchange_free(struct zca_exchange *exchange)
{
    if (!exchange) {
        return;
    }
    zca_route_release(&exchange->request);
    zca_response_clear(&exchange->response);
    zca_http_head_clear(&exchange->head);
    if (exchange->body.data) {
        OPENSSL_cleanse(exchange->body.data, exchange->body.len); /* may hold a password */
    }
    zca_buffer_clear(&exchange->body);
    free(exchange->segments);
    free(exchange);
}

static void fill_request(struct zca_exchange *exchange)
{
    const struct zca_http_head *head = &exchange->head;
    struct zca_http_request *request = &exchange->request;
    request->method = head->method;
    request->path = head->path;
    request->query = head->query;
    request->authorization = head->fields[ZCA_HTTP_AUTHORIZATION];
    request->api_key = head->fields[ZCA_HTTP_API_KEY];
    request->body = zca_buffer_span(&exchange->body);
}

bool zca_exchange_prepare(struct zca_exchange *exchange)
{
    exchange->match = zca_route_find(exchange->head.method, exchange->head.path);
    if (!exchange->match.route) {
        bool known = exchange->match.methods != 0;
        zca_exchange_refuse(exchange, known ? 405 : 404,
                            known ? "This path does not have that method" : "No such path");
        return false;
    }
    exchange->segments = strdup(exchange->head.path);
    if (!exchange->segments) {
        zca_exchange_refuse(exchange, 503, "The server is out of memory");
        return false;
    }
    fill_request(exchange);
    exchange->job.heavy = (exchange->match.route->flags & (ZCA_ROUTE_SLOW | ZCA_ROUTE_HEAVY)) != 0;
    zca_route_split(exchange->match.route->path, exchange->segments,
                    exchange->request.path_argument);
    return true;
}

void zca_exchange_refuse(struct zca_exchange *exchange, int status, const char *message)
{
    exchange->match.style->error(&exchange->response, status, zca_response_code(status), message);
}

static void log_exchange(const struct zca_exchange *exchange)
{
    const struct zca_http_head *head = &exchange->head;
    const struct zca_principal *principal = &exchange->request.principal;
    bool anonymous = principal->user_id[0] == '\0';
    zca_log(ZCA_LOG_INFO, "%s %s %d in %lld ms, user %s, request %s, from %s",
            head->method ? head->method : "-", head->path ? head->path : "-",
            exchange->response.status, (long long)(zca_clock_monotonic_ms() - exchange->started_ms),
            anonymous ? "-" : principal->user_id, exchange->request.request_id,
            exchange->request.remote_address);
}

/* RFC 9110, 9.3.2: the head is that of the answer to GET, and nothing follows it. */
static bool has_body(const struct zca_exchange *exchange)
{
    return !exchange->head.method || strcmp(exchange->head.method, "HEAD") != 0;
}

bool zca_exchange_format(struct zca_exchange *exchange, bool keep_alive,
                         struct zca_buffer *out_wire, struct zca_error *err)
{
    const struct zca_response_head head = {
        .request_id = exchange->request.request_id,
        .allow = exchange->response.status == 405 ? exchange->match.methods : 0,
        .keep_alive = keep_alive,
    };
    log_exchange(exchange);
    return zca_response_format_head(&exchange->response, &head, out_wire, err) &&
           (!has_body(exchange) ||
            zca_buffer_append(out_wire, zca_buffer_span(&exchange->response.body), err));
}
