/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/register-machine, by auth key. */
#ifndef ZCA_SERVER_API_REGISTER_H
#define ZCA_SERVER_API_REGISTER_H

#include "server/route.h"

zca_route_handler zca_api_register_machine;

#endif
