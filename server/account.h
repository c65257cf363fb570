/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asking, and what they may do. The dispatcher asks before any handler runs.
 */
#ifndef ZCA_SERVER_ACCOUNT_H
#define ZCA_SERVER_ACCOUNT_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/route.h"
#include "server/server.h"

/**
 * zca_account_authenticate finds the principal behind a request's bearer token or API key.
 *
 * request        its headers and client certificate; nothing else is looked at.
 * out_principal  written on success; without any credentials: user_id "" (and true). Released with
 *                zca_account_forget, which the dispatcher calls after the handler.
 * err            ZCA_ERR_AUTH for credentials that are not, or no longer, good;
 *                ZCA_ERR_RATE_LIMITED for an API key over its rate; ZCA_ERR_UNAVAILABLE.
 *
 * Safe from several threads.
 */
ZCA_NODISCARD bool zca_account_authenticate(struct zca_server *server,
                                            const struct zca_http_request *request,
                                            struct zca_principal *out_principal,
                                            struct zca_error *err);

/** zca_account_forget releases what zca_account_authenticate put into a principal. */
void zca_account_forget(struct zca_principal *principal);

/** zca_account_highest_role returns the highest role the principal has in any organisation;
 * ZCA_ROLE_NONE when it has none or is not authenticated. Safe from several threads. */
enum zca_role zca_account_highest_role(struct zca_server *server,
                                       const struct zca_principal *principal);

/* What a first start made: an organisation and its owner. */
struct zca_bootstrap {
    bool created; /* false: there were accounts already; the rest is then NULL */
    char *org_id;
    char *email;
    char *password_file; /* absolute path, mode 0600; the password is nowhere else */
};

void zca_bootstrap_clear(struct zca_bootstrap *bootstrap);
ZCA_DEFINE_AUTO_CLEAR(zca_bootstrap, struct zca_bootstrap, zca_bootstrap_clear);

/**
 * zca_account_bootstrap makes an organisation and an owner with a random password when the ledger
 * holds no account at all, so that a new server can be used without a further command.
 *
 * out_bootstrap  zero-initialised; the caller clears it.
 */
ZCA_NODISCARD bool zca_account_bootstrap(struct zca_server *server,
                                         struct zca_bootstrap *out_bootstrap,
                                         struct zca_error *err);

#endif
