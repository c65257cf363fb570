/* SPDX-License-Identifier: Apache-2.0 */
/* QuickZTNA's API: its routes, and how it wraps answers and errors. */
#ifndef ZCA_SERVER_API_QUICKZTNA_H
#define ZCA_SERVER_API_QUICKZTNA_H

#include "server/route.h"

/** zca_quickztna_routes are the paths below /api/. */
extern const struct zca_route_table zca_quickztna_routes;

/** zca_quickztna_style answers {"success":false,"data":null,"error":{"code":...,"message":...}}. */
extern const struct zca_route_style zca_quickztna_style;

#endif
