/* SPDX-License-Identifier: Apache-2.0 */
/* The routes. Handlers are in a file for each noun. */
#include "server/api/quickztna.h"

#include "base/auto.h"
#include "server/api/certificate.h"
#include "server/api/crl.h"
#include "server/api/keys.h"
#include "server/api/register.h"
#include "server/api/session.h"
#include "server/api/table.h"
#include "server/response.h"

#define ROW(method_, path_, role_, flags_, handler_)                                               \
    {                                                                                              \
        .method = (method_), .path = (path_), .role = (role_), .flags = (flags_),                  \
        .handler = (handler_), .style = &zca_response_style                                        \
    }

/* Any user may ask who it is; any member, auditors included, may try an action. */
static const struct zca_route routes[] = {
    ROW("POST", "/api/auth/login", ZCA_ROLE_NONE, ZCA_ROUTE_JSON | ZCA_ROUTE_SLOW, zca_api_login),
    ROW("POST", "/api/auth/refresh", ZCA_ROLE_NONE, ZCA_ROUTE_JSON, zca_api_refresh),
    ROW("POST", "/api/auth/logout", ZCA_ROLE_NONE, ZCA_ROUTE_JSON, zca_api_logout),
    ROW("GET", "/api/auth/me", ZCA_ROLE_NONE, 0, zca_api_me),
    ROW("POST", "/api/issue-certificate", ZCA_ROLE_AUDITOR, ZCA_ROUTE_JSON, zca_api_certificate),
    ROW("GET", "/api/ca/*/crl.pem", ZCA_ROLE_NONE, ZCA_ROUTE_HEAVY, zca_api_crl),
    ROW("POST", "/api/key-management", ZCA_ROLE_AUDITOR, ZCA_ROUTE_JSON, zca_api_keys),
    ROW("POST", "/api/api-keys", ZCA_ROLE_AUDITOR, ZCA_ROUTE_JSON, zca_api_keys),
    ROW("GET", "/api/db/*", ZCA_ROLE_AUDITOR, 0, zca_api_table),
    ROW("POST", "/api/db/*", ZCA_ROLE_ADMIN, ZCA_ROUTE_JSON, zca_api_table),
    ROW("PATCH", "/api/db/*", ZCA_ROLE_ADMIN, ZCA_ROUTE_JSON, zca_api_table),
    ROW("DELETE", "/api/db/*", ZCA_ROLE_ADMIN, 0, zca_api_table),
    ROW("POST", "/api/register-machine", ZCA_ROLE_NONE, ZCA_ROUTE_JSON | ZCA_ROUTE_ENROL,
        zca_api_register_machine),
};

const struct zca_route_table zca_quickztna_routes = {routes, ZCA_COUNT(routes)};
