/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: how requests prove who sends them, and how tokens are renewed once for all
 * processes. The token file is JSON {access_token, refresh_token, expires_at}, mode 0600;
 * expires_at (seconds) may be absent, as in the file of the product's own client.
 */
#ifndef ZCA_REMOTE_AUTH_H
#define ZCA_REMOTE_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "remote/dialect.h"
#include "remote/remote.h"

struct zca_auth; /* one thread at a time, like the client it belongs to */

/**
 * zca_auth_open selects the scheme: an API key where a file for one is configured, else the dialect's.
 * No file is read before the first request.
 *
 * settings   token_file, api_key_file, certificate_file; copied.
 * err        ZCA_ERR_UNSUPPORTED, ZCA_ERR_MEMORY.
 */
ZCA_NODISCARD struct zca_auth *zca_auth_open(const struct zca_client_settings *settings,
                                             enum zca_auth_scheme scheme, struct zca_error *err);

/** zca_auth_close wipes and releases. NULL is fine. */
void zca_auth_close(struct zca_auth *auth);
ZCA_DEFINE_AUTO(zca_auth, struct zca_auth, zca_auth_close);

/** zca_auth_give is the table's client_authorise; zca_auth_is_given tells whether a credential is in force that way. */
ZCA_NODISCARD bool zca_auth_give(struct zca_client *client, struct zca_span credential,
                                 int64_t *out_expires_at_s, struct zca_error *err);
bool zca_auth_is_given(const struct zca_auth *auth);

/**
 * zca_auth_format_line appends the header line that authenticates a request; nothing where a client
 * certificate is all there is. Tokens about to expire are renewed first.
 *
 * out_line   must be secret.
 * err        ZCA_ERR_AUTH (not logged in), ZCA_ERR_CONFIG, ZCA_ERR_SYSTEM name the file; those of
 *            zca_auth_renew.
 */
ZCA_NODISCARD bool zca_auth_format_line(struct zca_client *client, struct zca_buffer *out_line,
                                        struct zca_error *err);

/** zca_auth_can_renew tells whether a refused request is worth renewing credentials and repeating:
 * at most once in an operation, and only where the scheme and the token file allow it. */
bool zca_auth_can_renew(const struct zca_client *client);

/**
 * zca_auth_renew gets new tokens: those another process has stored meanwhile, else by the dialect's
 * refresh, under a lock that all processes share (TOKENFILE.lock), because a refresh token works once.
 *
 * err   ZCA_ERR_AUTH (log in again), ZCA_ERR_BUSY (lock), ZCA_ERR_SYSTEM; those of the request.
 */
ZCA_NODISCARD bool zca_auth_renew(struct zca_client *client, struct zca_error *err);

/**
 * zca_auth_login has the dialect log in, and zca_auth_logout log out, under the same lock.
 * Logging out with tokens that the authority refuses already is success; the token file goes away.
 *
 * err   ZCA_ERR_CONFIG (no token file configured); those of zca_auth_renew and of the request.
 */
ZCA_NODISCARD bool zca_auth_login(struct zca_client *client, const struct zca_login *login,
                                  struct zca_error *err);
ZCA_NODISCARD bool zca_auth_logout(struct zca_client *client, struct zca_error *err);

/**
 * zca_auth_store keeps tokens that the authority has just given to the dialect's login or refresh, in
 * the token file too. The lock is held by the functions above.
 *
 * access, refresh   secret, moved. An empty `refresh` is fine.
 * expires_at_s      0: unknown; then the token itself is asked, where it is a JWT (RFC 7519).
 * err               ZCA_ERR_PROTOCOL (not a token), file errors.
 */
ZCA_NODISCARD bool zca_auth_store(struct zca_client *client, struct zca_buffer *access,
                                  struct zca_buffer *refresh, int64_t expires_at_s,
                                  struct zca_error *err);

/** zca_auth_get_refresh returns the refresh token, borrowed, secret; empty if there is none. */
struct zca_span zca_auth_get_refresh(const struct zca_auth *auth);

/** zca_auth_get_expiry returns when the access token, or what was given, expires, in seconds; 0 when unknown. */
int64_t zca_auth_get_expiry(const struct zca_auth *auth);

/** zca_auth_is_in tells whether `text` contains one of our credentials: then it must not be shown. */
bool zca_auth_is_in(const struct zca_auth *auth, const char *text);

#endif
