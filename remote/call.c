/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is sent at most twice: again only after 401, when credentials could be renewed; the
 * authority did nothing then. Waiting and retrying is core/enrol.c's work.
 */
#include "remote/call.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/client.h"
#include "remote/url.h"

/* What a status means where neither the dialect nor the answer says more; the first row that fits. */
static const struct {
    long first, last;
    enum zca_reason reason;
} statuses[] = {
    {401, 401, ZCA_ERR_AUTH        },
    {403, 403, ZCA_ERR_FORBIDDEN   },
    {404, 404, ZCA_ERR_NOT_FOUND   },
    {405, 405, ZCA_ERR_UNSUPPORTED },
    {408, 408, ZCA_ERR_UNAVAILABLE },
    {409, 409, ZCA_ERR_CONFLICT    },
    {429, 429, ZCA_ERR_RATE_LIMITED},
    {400, 499, ZCA_ERR_INVALID     },
    {501, 501, ZCA_ERR_UNSUPPORTED },
    {500, 599, ZCA_ERR_UNAVAILABLE },
};

/* A request while it is being sent, and its answer. */
struct exchange {
    struct zca_client *client;
    const struct zca_call *call;
    struct zca_buffer path;
    struct zca_buffer body;
    struct zca_http_response response;
};

static void exchange_clear(struct exchange *exchange)
{
    zca_buffer_clear(&exchange->path);
    zca_buffer_clear(&exchange->body);
    zca_http_response_clear(&exchange->response);
}

ZCA_DEFINE_AUTO_CLEAR(exchange, struct exchange, exchange_clear);

/* ---- sending ---- */

static bool format_path(const struct zca_call *call, struct zca_buffer *out_path,
                        struct zca_error *err)
{
    const char *path = call->endpoint->path;
    const char *id = strstr(path, "%s");
    if (!id) {
        return zca_buffer_append_text(out_path, path, err);
    }
    return zca_buffer_append(out_path, zca_span_of(path, (size_t)(id - path)), err) &&
           zca_url_encode(call->id, out_path, err) &&
           zca_buffer_append_text(out_path, id + strlen("%s"), err);
}

static bool prepare(struct exchange *exchange, struct zca_error *err)
{
    const struct zca_call *call = exchange->call;
    exchange->body.secret = true;
    exchange->response.body.secret = call->endpoint->secret;
    return format_path(call, &exchange->path, err) &&
           (!call->body || zca_json_format(call->body, &exchange->body, err));
}

static bool send_once(struct exchange *exchange, struct zca_error *err)
{
    struct zca_client *client = exchange->client;
    const struct zca_endpoint *endpoint = exchange->call->endpoint;
    zca_auto(zca_buffer) struct zca_buffer credential = ZCA_SECRET_BUFFER;
    if (!endpoint->anonymous && !zca_auth_format_line(client, &credential, err)) {
        return false;
    }
    zca_http_response_clear(&exchange->response);
    struct zca_http_request request = {
        .method = endpoint->method,
        .path = (const char *)exchange->path.data,
        .body = zca_buffer_span(&exchange->body),
        .credential = zca_buffer_span(&credential),
        .fresh = endpoint->repeat == ZCA_REPEAT_NEVER,
        .deadline_ms = client->deadline_ms,
    };
    if (!zca_http_perform(client->http, &request, &exchange->response, err)) {
        return zca_error_context(err, "authority '%s'", client->authority);
    }
    client->date_s = exchange->response.date_s;
    return true;
}

static bool send(struct exchange *exchange, struct zca_error *err)
{
    struct zca_client *client = exchange->client;
    if (!prepare(exchange, err) || !send_once(exchange, err)) {
        return false;
    }
    if (exchange->response.status != 401 || exchange->call->endpoint->anonymous ||
        !zca_auth_can_renew(client)) {
        return true;
    }
    return zca_auth_renew(client, err) && send_once(exchange, err);
}

/* ---- errors ---- */

/* Follows a dotted path; NULL when it leads nowhere. */
static const struct zca_json *follow(const struct zca_json *json, const char *path)
{
    while (json && path && *path != '\0') {
        size_t len = strcspn(path, ".");
        zca_auto(text) char *key = strndup(path, len);
        json = key ? zca_json_get(json, key) : NULL;
        path += len + (path[len] == '.');
    }
    return json;
}

static const char *follow_text(const struct zca_json *json, const char *path)
{
    const char *text = path ? zca_json_text_value(follow(json, path)) : NULL;
    return text ? text : "";
}

static enum zca_reason reason_by_status(long status)
{
    for (size_t i = 0; i < ZCA_COUNT(statuses); i++) {
        if (status >= statuses[i].first && status <= statuses[i].last) {
            return statuses[i].reason;
        }
    }
    return ZCA_ERR_PROTOCOL;
}

static enum zca_reason find_reason(const struct zca_dialect *dialect, const char *code, long status)
{
    for (size_t i = 0; i < dialect->num_errors; i++) {
        const struct zca_error_row *row = &dialect->errors[i];
        if ((!row->code || strcmp(row->code, code) == 0) &&
            (row->http == 0 || row->http == status)) {
            return row->reason;
        }
    }
    return reason_by_status(status);
}

/* What the authority says goes to people, unless it repeats something that must stay secret. */
static bool may_be_shown(const struct exchange *exchange, const char *text)
{
    struct zca_span secret = exchange->call->secret;
    return *text != '\0' && !strstr(text, "PRIVATE KEY") &&
           !zca_auth_is_in(exchange->client->auth, text) &&
           (secret.len == 0 || !memmem(text, strlen(text), secret.data, secret.len));
}

static void set_code(const struct exchange *exchange, const char *code, struct zca_error *err)
{
    long status = exchange->response.status;
    bool shown = may_be_shown(exchange, code);
    err->http_status = status;
    err->retry_after_s = exchange->response.retry_after_s;
    if (shown) {
        (void)snprintf(err->code, sizeof(err->code), "%s", code); /* cut when absurdly long */
    } else {
        (void)snprintf(err->code, sizeof(err->code), "%ld", status); /* always fits */
    }
    for (char *c = err->code; *c != '\0'; c++) {
        *c = iscntrl((unsigned char)*c) ? '?' : *c; /* it could forge a line of a log */
    }
}

static void explain_refusal(const struct zca_client *client, struct zca_error *failure)
{
    if (zca_auth_is_given(client->auth)) {
        (void)zca_error_context(failure, "the credential that was given is refused"); /* false */
    } else {
        (void)zca_error_context(failure, "credentials refused, run 'zca login %s'",
                                client->authority); /* false */
    }
}

/* Always returns false. */
static bool report(const struct exchange *exchange, const struct zca_json *answer,
                   struct zca_error *err)
{
    const struct zca_client *client = exchange->client;
    const struct zca_envelope *envelope = &client->dialect->envelope;
    const char *code = follow_text(answer, envelope->code);
    const char *message = follow_text(answer, envelope->message);
    long status = exchange->response.status;
    struct zca_error failure = {0};
    enum zca_reason reason = find_reason(client->dialect, code, status);
    if (may_be_shown(exchange, message)) {
        (void)zca_error_set(&failure, reason, "authority '%s' answers: %s", client->authority,
                            message); /* false below */
    } else {
        (void)zca_error_set(&failure, reason, "authority '%s' answers %s with HTTP status %ld",
                            client->authority, (const char *)exchange->path.data,
                            status); /* false below */
    }
    set_code(exchange, code, &failure);
    if (reason == ZCA_ERR_AUTH && !exchange->call->endpoint->anonymous) {
        explain_refusal(client, &failure);
    }
    if (err) {
        *err = failure;
    }
    return false;
}

static bool report_nonsense(const struct exchange *exchange, const char *what,
                            struct zca_error *err)
{
    const char *content_type = exchange->response.content_type;
    (void)zca_error_set(err, ZCA_ERR_PROTOCOL, "authority '%s' answers %s with %s%s%s",
                        exchange->client->authority, (const char *)exchange->path.data, what,
                        *content_type != '\0' ? ", of type " : "", content_type); /* false below */
    if (err) {
        err->http_status = exchange->response.status;
    }
    return false;
}

/* ---- answers ---- */

static bool is_success(const struct exchange *exchange)
{
    return exchange->response.status >= 200 && exchange->response.status < 300;
}

/* The answer as an object; NULL where it is none. err: only ZCA_ERR_MEMORY counts. */
static struct zca_json *parse(const struct exchange *exchange, struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *json =
        zca_json_parse(zca_buffer_span(&exchange->response.body), err);
    return zca_json_is_object(json) ? zca_steal(json) : NULL;
}

static bool says_success(const struct zca_envelope *envelope, const struct zca_json *answer)
{
    bool value = false;
    return !envelope->success || (zca_json_boolean(answer, envelope->success, &value) && value);
}

bool zca_call_json(struct zca_client *client, const struct zca_call *call,
                   struct zca_json **out_data, struct zca_error *err)
{
    const struct zca_envelope *envelope = &client->dialect->envelope;
    zca_auto(exchange) struct exchange exchange = {.client = client, .call = call};
    if (!send(&exchange, err)) {
        return false;
    }
    struct zca_error failure = {0};
    zca_auto(zca_json) struct zca_json *answer = parse(&exchange, &failure);
    if (failure.reason == ZCA_ERR_MEMORY) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "%s", failure.message);
    }
    if (!is_success(&exchange)) {
        return report(&exchange, answer, err);
    }
    if (!answer) {
        return report_nonsense(&exchange, "something that is no JSON object", err);
    }
    if (!says_success(envelope, answer)) {
        return follow(answer, envelope->code)
                   ? report(&exchange, answer, err)
                   : report_nonsense(&exchange, "neither success nor an error", err);
    }
    const struct zca_json *data = follow(answer, envelope->data);
    *out_data = zca_json_is_null(data) ? NULL : zca_json_ref(data);
    return true;
}

bool zca_call_bytes(struct zca_client *client, const struct zca_call *call,
                    struct zca_buffer *out_body, struct zca_error *err)
{
    zca_auto(exchange) struct exchange exchange = {.client = client, .call = call};
    if (!send(&exchange, err)) {
        return false;
    }
    if (!is_success(&exchange)) {
        zca_auto(zca_json) struct zca_json *answer = parse(&exchange, NULL);
        return report(&exchange, answer, err);
    }
    if (exchange.response.body.len == 0) {
        return report_nonsense(&exchange, "nothing", err);
    }
    zca_buffer_move(out_body, &exchange.response.body);
    return true;
}
