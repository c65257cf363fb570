/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/health -> {"success":true,"data":{"status":"ok","version":"..."},"error":null} */
#include "server/api/health.h"

#include "server/response.h"

static void answer_health(struct zca_server *server, struct zca_http_request *request,
                          struct zca_http_response *response)
{
    (void)server; /* a handler's signature; nothing of it is asked for */
    (void)request;
    zca_auto(zca_json) struct zca_json *data = zca_json_new_object();
    zca_json_set_text(data, "status", "ok");
    zca_json_set_text(data, "version", ZCA_VERSION);
    zca_response_success(response, 200, zca_steal(data));
}

static const struct zca_route routes[] = {
    {
     .method = "GET",
     .path = "/api/health",
     .role = ZCA_ROLE_NONE,
     .handler = answer_health,
     .style = &zca_response_style,
     },
};

const struct zca_route_table zca_health_routes = {routes, ZCA_COUNT(routes)};
