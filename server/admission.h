/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests an address may make, and how often: the routes that count against a limit. */
#ifndef ZCA_SERVER_ADMISSION_H
#define ZCA_SERVER_ADMISSION_H

#include "server/exchange.h"
#include "server/limit.h"
#include "server/server.h"

/** zca_admission_limiter makes a limiter with the limits that the server's options set. err ZCA_ERR_MEMORY. */
ZCA_NODISCARD struct zca_limiter *zca_admission_limiter(const struct zca_server *server,
                                                        struct zca_error *err);

/** zca_admission_admit counts a prepared exchange against the limits its route names. When it is over
 * one, the answer is written and the result false. */
ZCA_NODISCARD bool zca_admission_admit(struct zca_limiter *limiter, struct zca_exchange *exchange,
                                       struct zca_client_address client);

#endif
