/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the server is up, for load balancers and people. */
#ifndef ZCA_SERVER_API_HEALTH_H
#define ZCA_SERVER_API_HEALTH_H

#include "server/route.h"

/** zca_health_routes is GET /api/health: open to all, without a look at the ledger. */
extern const struct zca_route_table zca_health_routes;

#endif
