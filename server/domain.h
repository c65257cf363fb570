/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the server that knows what a CA is, seen from the part that runs the process:
 * ledger, authority keys and accounts are opened before the first request and closed after the last.
 */
#ifndef ZCA_SERVER_DOMAIN_H
#define ZCA_SERVER_DOMAIN_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/server.h"

/** zca_domain_open opens the ledger in the state directory, the authority keys and the accounts, for
 * `serve` and for administrative commands beside a running server. Members of `server` are filled. */
ZCA_NODISCARD bool zca_domain_open(struct zca_server *server, struct zca_error *err);

/** zca_domain_close finishes what is under way and closes; also after a failed or missing open. */
void zca_domain_close(struct zca_server *server);

#endif
