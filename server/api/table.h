/* SPDX-License-Identifier: Apache-2.0 */
/* /api/db/TABLE: rows of an organisation, with filters; GET, POST, PATCH, DELETE. */
#ifndef ZCA_SERVER_API_TABLE_H
#define ZCA_SERVER_API_TABLE_H

#include "server/route.h"

zca_route_handler zca_api_table;

#endif
