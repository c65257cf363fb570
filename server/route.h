/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a handler sees it, the answer it fills, and the row that leads to it.
 * Every route names the role it needs; the dispatcher authenticates and authorises before
 * the handler runs. Handlers run on worker threads and may block on the ledger.
 */
#ifndef ZCA_SERVER_ROUTE_H
#define ZCA_SERVER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

struct zca_server; /* everything that lives as long as the process: server/server.h */

/* Roles are ordered: a route's role admits every role above it. */
enum zca_role {
    ZCA_ROLE_NONE,    /* not authenticated; as a route's role: open to all */
    ZCA_ROLE_AUDITOR, /* reads */
    ZCA_ROLE_MEMBER,  /* reads, and what members may do */
    ZCA_ROLE_ADMIN,
    ZCA_ROLE_OWNER
};

/* Sizes with the NUL: a UUID's text (RFC 4122, 3); the longest mailbox (RFC 5321, 4.5.3.1.3). */
#define ZCA_UUID_SIZE 37
#define ZCA_EMAIL_SIZE 255

/* Who is asking. Filled by zca_account_authenticate; owns its text. */
struct zca_principal {
    char user_id[ZCA_UUID_SIZE]; /* "" when not authenticated */
    char email[ZCA_EMAIL_SIZE];
    char api_key_id[ZCA_UUID_SIZE]; /* "" unless an API key was used */
    unsigned scopes;                /* of the API key; all bits for a logged-in user */
};

struct zca_http_request {
    const char *method;        /* "POST" */
    const char *path;          /* decoded, without query, starts with '/' */
    const char *query;         /* raw, without '?'; "" if none */
    const char *authorization; /* header values, NULL when absent */
    const char *api_key;
    struct zca_span body;
    struct zca_json *json; /* the parsed body, NULL when the route has no JSON */
    const char *remote_address;
    char request_id[33]; /* for logs and answers */
    struct zca_principal principal;
    const char *path_argument[4]; /* what '*' matched in the route's path, decoded */
};

struct zca_http_response {
    int status;
    const char *content_type; /* static storage; NULL: application/json */
    struct zca_buffer body;   /* wiped when `secret` is set in it */
    long retry_after_s;       /* 0: no header */
};

/** A handler fills `response` and returns; it cannot fail. Errors are answers too. */
typedef void zca_route_handler(struct zca_server *server, struct zca_http_request *request,
                               struct zca_http_response *response);

/* How a family of routes speaks: its own envelope for errors that never reach a handler. */
struct zca_route_style {
    void (*error)(struct zca_http_response *response, int status, const char *code,
                  const char *message);
};

#define ZCA_ROUTE_JSON 1u  /* body must be a JSON object */
#define ZCA_ROUTE_SLOW 2u  /* counts against the limit for password work, by address */
#define ZCA_ROUTE_ENROL 4u /* counts against the limit for machine registration, by address */
#define ZCA_ROUTE_HEAVY 8u /* big or slow, though not limited by address: runs as a heavy job */

struct zca_route {
    const char *method;
    const char *path; /* "/api/db/(star)": '*' matches one segment */
    /* Least role the principal needs in ANY of its organisations; handlers that take an org_id check
     * the role there with zca_account_role. With ZCA_ROLE_NONE bad credentials count as none. */
    enum zca_role role;
    unsigned flags;
    zca_route_handler *handler;
    const struct zca_route_style *style;
};

/* A table of routes; one per dialect, in server/api/. server/routes.c lists the tables. A path is
 * answered by the first row that matches it and the method. */
struct zca_route_table {
    const struct zca_route *routes;
    size_t num_routes;
};

#endif
