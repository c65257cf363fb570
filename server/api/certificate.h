/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/issue-certificate. */
#ifndef ZCA_SERVER_API_CERTIFICATE_H
#define ZCA_SERVER_API_CERTIFICATE_H

#include "server/route.h"

zca_route_handler zca_api_certificate;

#endif
