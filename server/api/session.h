/* SPDX-License-Identifier: Apache-2.0 */
/* /api/auth: login, refresh, logout, me. */
#ifndef ZCA_SERVER_API_SESSION_H
#define ZCA_SERVER_API_SESSION_H

#include "server/route.h"

zca_route_handler zca_api_login;
zca_route_handler zca_api_refresh;
zca_route_handler zca_api_logout;
zca_route_handler zca_api_me;

#endif
