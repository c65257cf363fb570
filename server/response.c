/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes and response heads. Every answer says that it must not be stored or sniffed. */
#include "server/response.h"

#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "base/clock.h"

static const struct status_row {
    int status;
    const char *phrase; /* RFC 9110, 15; RFC 6585 for 429 and 431 */
    const char *code;
} statuses[] = {
    {200, "OK",                              "OK"                   },
    {201, "Created",                         "CREATED"              },
    {202, "Accepted",                        "ACCEPTED"             },
    {204, "No Content",                      "NO_CONTENT"           },
    {304, "Not Modified",                    "NOT_MODIFIED"         },
    {400, "Bad Request",                     "BAD_REQUEST"          },
    {401, "Unauthorized",                    "UNAUTHORIZED"         },
    {403, "Forbidden",                       "FORBIDDEN"            },
    {404, "Not Found",                       "NOT_FOUND"            },
    {405, "Method Not Allowed",              "METHOD_NOT_ALLOWED"   },
    {408, "Request Timeout",                 "REQUEST_TIMEOUT"      },
    {409, "Conflict",                        "CONFLICT"             },
    {410, "Gone",                            "GONE"                 },
    {411, "Length Required",                 "LENGTH_REQUIRED"      },
    {412, "Precondition Failed",             "PRECONDITION_FAILED"  },
    {413, "Content Too Large",               "CONTENT_TOO_LARGE"    },
    {414, "URI Too Long",                    "URI_TOO_LONG"         },
    {415, "Unsupported Media Type",          "UNSUPPORTED_TYPE"     },
    {417, "Expectation Failed",              "EXPECTATION_FAILED"   },
    {422, "Unprocessable Content",           "UNPROCESSABLE_CONTENT"},
    {429, "Too Many Requests",               "RATE_LIMITED"         },
    {431, "Request Header Fields Too Large", "HEADERS_TOO_LARGE"    },
    {500, "Internal Server Error",           "INTERNAL_ERROR"       },
    {501, "Not Implemented",                 "NOT_IMPLEMENTED"      },
    {503, "Service Unavailable",             "SERVICE_UNAVAILABLE"  },
    {505, "HTTP Version Not Supported",      "VERSION_NOT_SUPPORTED"},
};

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static const struct status_row *find_status(int status)
{
    static const struct status_row unknown = {0, "Unknown", "ERROR"};
    for (size_t i = 0; i < ZCA_COUNT(statuses); i++) {
        if (statuses[i].status == status) {
            return &statuses[i];
        }
    }
    return &unknown;
}

/* Replaces the body by `envelope`, which is taken. */
static void fill(struct zca_http_response *response, int status, struct zca_json *envelope)
{
    zca_auto(zca_json) struct zca_json *owned = envelope;
    zca_buffer_clear(&response->body);
    response->status = status;
    response->content_type = NULL;
    if (!zca_json_format(owned, &response->body, NULL)) {
        zca_buffer_clear(&response->body); /* an answer without a body, which its length says */
        response->status = 500;
    }
}

void zca_response_success(struct zca_http_response *response, int status, struct zca_json *data)
{
    struct zca_json *envelope = zca_json_new_object();
    zca_json_set_boolean(envelope, "success", true);
    if (data) {
        zca_json_take(envelope, "data", data);
    } else {
        zca_json_set_null(envelope, "data");
    }
    zca_json_set_null(envelope, "error");
    fill(response, status, envelope);
}

void zca_response_error(struct zca_http_response *response, int status, const char *code,
                        const char *message)
{
    struct zca_json *error = zca_json_new_object();
    zca_json_set_text(error, "code", code);
    zca_json_set_text(error, "message", message);
    struct zca_json *envelope = zca_json_new_object();
    zca_json_set_boolean(envelope, "success", false);
    zca_json_set_null(envelope, "data");
    zca_json_take(envelope, "error", error);
    fill(response, status, envelope);
}

void zca_response_rate_limited(struct zca_http_response *response,
                               const struct zca_route_style *style, long retry_after_s)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    bool good =
        zca_buffer_format(&text, NULL, "Too many requests. Retry after %lds.", retry_after_s);
    style->error(response, 429, "RATE_LIMITED", good ? (char *)text.data : "Too many requests");
    response->retry_after_s = retry_after_s;
}

const struct zca_route_style zca_response_style = {zca_response_error};

const char *zca_response_code(int status)
{
    return find_status(status)->code;
}

unsigned zca_response_method_bit(const char *method)
{
    for (unsigned i = 0; i < ZCA_COUNT(methods); i++) {
        if (strcmp(methods[i], method) == 0) {
            return 1u << i;
        }
    }
    return 0;
}

static bool format_allow(unsigned allow, struct zca_buffer *out_text, struct zca_error *err)
{
    const char *before = "Allow: ";
    for (unsigned i = 0; i < ZCA_COUNT(methods); i++) {
        if ((allow & 1u << i) == 0) {
            continue;
        }
        if (!zca_buffer_format(out_text, err, "%s%s", before, methods[i])) {
            return false;
        }
        before = ", ";
    }
    return zca_buffer_append_text(out_text, "\r\n", err);
}

/* RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool format_date(struct zca_buffer *out_text, struct zca_error *err)
{
    char text[sizeof "Sun, 06 Nov 1994 08:49:37 GMT"];
    time_t now = (time_t)zca_clock_now_s();
    struct tm parts;
    if (!gmtime_r(&now, &parts) ||
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0) {
        return true; /* a clock beyond the year 9999: without Date, as for servers without a clock */
    }
    return zca_buffer_format(out_text, err, "Date: %s\r\n", text);
}

bool zca_response_format_head(const struct zca_http_response *response,
                              const struct zca_response_head *head, struct zca_buffer *out_text,
                              struct zca_error *err)
{
    const char *type = response->content_type ? response->content_type : "application/json";
    bool good = zca_buffer_format(
        out_text, err,
        "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n",
        response->status, find_status(response->status)->phrase, response->body.len);
    good = good && format_date(out_text, err);
    if (good && response->body.len > 0) {
        good = zca_buffer_format(out_text, err, "Content-Type: %s\r\n", type);
    }
    if (good && head->request_id) {
        good = zca_buffer_format(out_text, err, "X-Request-Id: %s\r\n", head->request_id);
    }
    if (good && head->allow != 0) {
        good = format_allow(head->allow, out_text, err);
    }
    if (good && response->status == 401) {
        good = zca_buffer_append_text(out_text, "WWW-Authenticate: Bearer\r\n", err);
    }
    if (good && response->retry_after_s > 0) {
        good = zca_buffer_format(out_text, err, "Retry-After: %ld\r\n", response->retry_after_s);
    }
    return good && zca_buffer_format(out_text, err, "Connection: %s\r\n\r\n",
                                     head->keep_alive ? "keep-alive" : "close");
}

void zca_response_clear(struct zca_http_response *response)
{
    if (response->body.data) {
        OPENSSL_cleanse(response->body.data, response->body.len);
    }
    zca_buffer_clear(&response->body);
    *response = (struct zca_http_response){0};
}
