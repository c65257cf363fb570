/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From method and path to a row, and from a row to its handler: authenticate, authorise, parse, run.
 * Default deny: what no table names is not found, and a row's role is asked for before anything else.
 */
#ifndef ZCA_SERVER_ROUTES_H
#define ZCA_SERVER_ROUTES_H

#include <stdbool.h>

#include "server/route.h"
#include "server/server.h"

#define ZCA_ROUTE_ARGUMENTS 4u /* of zca_http_request.path_argument */

/* What a path leads to. */
struct zca_route_match {
    const struct zca_route *route;       /* NULL: no row has this path and method */
    const struct zca_route_style *style; /* of a row with this path, else the default one */
    unsigned methods;                    /* of all rows with this path; zca_response_method_bit */
};

/** zca_route_find looks `method` and `path` up in all tables. */
struct zca_route_match zca_route_find(const char *method, const char *path);

/** zca_route_matches tells whether `path` fits `pattern`, in which '*' stands for one segment that is
 * not empty. */
bool zca_route_matches(const char *pattern, const char *path);

/** zca_route_split cuts `path`, in place, into what the '*' of `pattern`, which it matches, stand for. */
void zca_route_split(const char *pattern, char *path,
                     const char *out_arguments[ZCA_ROUTE_ARGUMENTS]);

/**
 * zca_route_run answers a request on a worker thread.
 *
 * request    all but `json` and `principal` filled; both are released by zca_route_release, which
 *            the caller calls when it has written its log line.
 * response   zero-initialised; always filled.
 */
void zca_route_run(struct zca_server *server, const struct zca_route *route,
                   struct zca_http_request *request, struct zca_http_response *response);
void zca_route_release(struct zca_http_request *request);

#endif
