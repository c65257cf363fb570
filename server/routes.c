/* SPDX-License-Identifier: Apache-2.0 */
/* The list of route tables, and what happens to every request before its handler. */
#include "server/routes.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/account.h"
#include "server/api/health.h"
#include "server/api/quickztna.h"
#include "server/response.h"

static const struct zca_route_table *const tables[] = {
    &zca_health_routes,
    &zca_quickztna_routes,
};

/* What a failed authentication is answered with; anything else is an internal error. */
static const struct denial {
    enum zca_reason reason;
    int status;
    const char *code;
    const char *message;
} denials[] = {
    {ZCA_ERR_AUTH,        401, "UNAUTHORIZED",        "Invalid or expired token"    },
    {ZCA_ERR_UNAVAILABLE, 503, "SERVICE_UNAVAILABLE", "The server cannot answer now"},
};

static size_t segment_length(const char *path)
{
    return strcspn(path, "/");
}

bool zca_route_matches(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t pattern_len = segment_length(pattern);
        size_t path_len = segment_length(path);
        bool any = pattern_len == 1 && *pattern == '*' && path_len > 0;
        if (!any && (pattern_len != path_len || memcmp(pattern, path, path_len) != 0)) {
            return false;
        }
        pattern += pattern_len;
        path += path_len;
    }
    return *pattern == '\0' && *path == '\0';
}

void zca_route_split(const char *pattern, char *path,
                     const char *out_arguments[ZCA_ROUTE_ARGUMENTS])
{
    size_t num_arguments = 0;
    while (*pattern == '/') {
        pattern++;
        char *segment = path + 1;
        path = segment + segment_length(segment);
        if (*pattern == '*' && num_arguments < ZCA_ROUTE_ARGUMENTS) {
            out_arguments[num_arguments++] = segment;
        }
        pattern += segment_length(pattern);
        if (*pattern == '/') {
            segment[path - segment] = '\0';
        }
    }
}

struct zca_route_match zca_route_find(const char *method, const char *path)
{
    struct zca_route_match match = {.style = &zca_response_style};
    for (size_t i = 0; i < ZCA_COUNT(tables); i++) {
        for (size_t j = 0; j < tables[i]->num_routes; j++) {
            const struct zca_route *route = &tables[i]->routes[j];
            if (!zca_route_matches(route->path, path)) {
                continue;
            }
            match.style = route->style;
            match.methods |= zca_response_method_bit(route->method);
            if (strcmp(route->method, method) == 0) {
                match.route = route;
                return match;
            }
        }
    }
    return match;
}

static void answer_denial(const struct zca_route *route, const struct zca_error *err,
                          struct zca_http_response *response)
{
    if (err->reason == ZCA_ERR_RATE_LIMITED) {
        zca_response_rate_limited(response, route->style, err->retry_after_s);
        return;
    }
    for (size_t i = 0; i < ZCA_COUNT(denials); i++) {
        if (denials[i].reason == err->reason) {
            route->style->error(response, denials[i].status, denials[i].code, denials[i].message);
            response->retry_after_s = err->retry_after_s;
            return;
        }
    }
    zca_log_failure(err);
    route->style->error(response, 500, "INTERNAL_ERROR", "Internal error");
}

/* Fills request->principal; false when the answer is written already. */
static bool admit(struct zca_server *server, const struct zca_route *route,
                  struct zca_http_request *request, struct zca_http_response *response)
{
    struct zca_error err = {0};
    bool open = route->role == ZCA_ROLE_NONE;
    if (!zca_account_authenticate(server, request, &request->principal, &err)) {
        if (open && err.reason == ZCA_ERR_AUTH) {
            return true;
        }
        answer_denial(route, &err, response);
        return false;
    }
    if (open) {
        return true;
    }
    if (request->principal.user_id[0] == '\0') {
        route->style->error(response, 401, "UNAUTHORIZED", "Invalid or expired token");
        return false;
    }
    if (zca_account_highest_role(server, &request->principal) < route->role) {
        route->style->error(response, 403, "FORBIDDEN", "Your role does not allow this");
        return false;
    }
    return true;
}

static bool parse_json(const struct zca_route *route, struct zca_http_request *request,
                       struct zca_http_response *response)
{
    struct zca_error err = {0};
    request->json = zca_json_parse(request->body, &err);
    if (!request->json || !zca_json_is_object(request->json)) {
        route->style->error(response, 400, "INVALID_JSON", "Request body must be valid JSON");
        return false;
    }
    return true;
}

void zca_route_run(struct zca_server *server, const struct zca_route *route,
                   struct zca_http_request *request, struct zca_http_response *response)
{
    if (!admit(server, route, request, response)) {
        return;
    }
    if ((route->flags & ZCA_ROUTE_JSON) != 0 && !parse_json(route, request, response)) {
        return;
    }
    route->handler(server, request, response);
}

void zca_route_release(struct zca_http_request *request)
{
    zca_json_free(request->json);
    request->json = NULL;
    zca_account_forget(&request->principal);
}
