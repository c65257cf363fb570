/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client object, known to remote/ only: settings, connection, credentials, and the
 * operation in progress with its deadline.
 */
#ifndef ZCA_REMOTE_CLIENT_H
#define ZCA_REMOTE_CLIENT_H

#include "remote/auth.h"
#include "remote/dialect.h"
#include "remote/http.h"

struct zca_client {
    const struct zca_dialect *dialect;
    char *authority;
    char *organization; /* "" if none */
    char *machine;      /* "" if none */
    struct zca_http *http;
    struct zca_auth *auth;
    long timeout_ms;
    int64_t deadline_ms; /* of the operation in progress, by zca_clock_monotonic_ms */
    int64_t date_s;      /* the authority's clock in its last answer; 0: not told */
    bool renewed;        /* credentials were renewed in this operation: once is enough */
};

/** zca_client_open, _close and _forget are the table's functions of these names. */
ZCA_NODISCARD struct zca_client *zca_client_open(const struct zca_client_settings *settings,
                                                 struct zca_error *err);
void zca_client_close(struct zca_client *client);
void zca_client_forget(struct zca_client *client);
ZCA_DEFINE_AUTO(zca_client, struct zca_client, zca_client_close);

/**
 * zca_client_enter begins an operation of the table: its deadline runs from here.
 *
 * client     borrowed until the matching zca_client_leave.
 * offered    whether the dialect has the operation.
 * operation  what is attempted, for the message: "listing certificates".
 * err        ZCA_ERR_UNSUPPORTED; ZCA_ERR_BUSY when this thread is inside an operation already: a TLS
 *            connection to an authority must not need an authority.
 *
 * Returns `client` or NULL.
 */
ZCA_NODISCARD struct zca_client *zca_client_enter(struct zca_client *client, bool offered,
                                                  const char *operation, struct zca_error *err);

/** zca_client_leave ends the operation; NULL (not entered) is fine. */
void zca_client_leave(struct zca_client *client);
ZCA_DEFINE_AUTO(zca_operation, struct zca_client, zca_client_leave);

#endif
