/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/key-management, also /api/api-keys: API keys of an organisation. */
#ifndef ZCA_SERVER_API_KEYS_H
#define ZCA_SERVER_API_KEYS_H

#include "server/route.h"

zca_route_handler zca_api_keys;

#endif
