/* SPDX-License-Identifier: Apache-2.0 */
/* QuickZTNA's API: its routes. Answers have the default envelope of server/response.h. */
#ifndef ZCA_SERVER_API_QUICKZTNA_H
#define ZCA_SERVER_API_QUICKZTNA_H

#include "server/route.h"

/** zca_quickztna_routes are the paths below /api/. */
extern const struct zca_route_table zca_quickztna_routes;

#endif
