/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/ca/(organisation)/crl.pem: for everybody, as CRLs are. */
#ifndef ZCA_SERVER_API_CRL_H
#define ZCA_SERVER_API_CRL_H

#include "server/route.h"

zca_route_handler zca_api_crl;

#endif
