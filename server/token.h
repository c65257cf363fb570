/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens: JSON Web Tokens (RFC 7519) signed with ES256 (RFC 7518, 3.4), good for an hour.
 * Refresh tokens: random, kept as SHA-256, good once within 30 days. Each use gives the next one of
 * the family; using a spent one ends the whole family.
 */
#ifndef ZCA_SERVER_TOKEN_H
#define ZCA_SERVER_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/route.h"
#include "server/seal.h"
#include "server/state.h"

#define ZCA_TOKEN_LIFETIME_S 3600
#define ZCA_REFRESH_LIFETIME_S (30 * 24 * 3600)

struct zca_token_claims {
    char user_id[ZCA_UUID_SIZE]; /* sub */
    char email[ZCA_EMAIL_SIZE];
    int64_t issued_at_s;
    int64_t expires_at_s;
};

/** zca_token_key_open gets the signing key from the ledger, or makes it. NULL with ZCA_ERR_SEALED,
 * ZCA_ERR_UNAVAILABLE, ZCA_ERR_CRYPTO. Safe from several threads. */
ZCA_NODISCARD struct zca_token_key *
zca_token_key_open(struct zca_ledger *ledger, const struct zca_seal *seal, struct zca_error *err);
void zca_token_key_free(struct zca_token_key *key);
ZCA_DEFINE_AUTO(zca_token_key, struct zca_token_key, zca_token_key_free);

/** zca_token_sign appends a token that ends `lifetime_s` after now_s. */
ZCA_NODISCARD bool zca_token_sign(const struct zca_token_key *key, const char *user_id,
                                  const char *email, int64_t now_s, int64_t lifetime_s,
                                  struct zca_buffer *out_text, struct zca_error *err);

/** zca_token_verify reads a token of ours: algorithm, signature and dates are checked.
 * What was checked once is remembered until it ends. err ZCA_ERR_AUTH; never says which check
 * failed. */
ZCA_NODISCARD bool zca_token_verify(struct zca_token_key *key, const char *text, int64_t now_s,
                                    struct zca_token_claims *out_claims, struct zca_error *err);

/** zca_refresh_token_start appends the first refresh token of a new family. */
ZCA_NODISCARD bool zca_refresh_token_start(struct zca_ledger *ledger, const char *user_id,
                                           int64_t now_ms, struct zca_buffer *out_text,
                                           struct zca_error *err);

/**
 * zca_refresh_token_rotate spends a refresh token and appends the next one.
 *
 * out_user_id  whose it is.
 * err          ZCA_ERR_AUTH with code INVALID_TOKEN: unknown, expired, or spent before; in the last
 *              case its whole family has been deleted.
 */
ZCA_NODISCARD bool zca_refresh_token_rotate(struct zca_ledger *ledger, const char *text,
                                            int64_t now_ms, char out_user_id[ZCA_UUID_SIZE],
                                            struct zca_buffer *out_text, struct zca_error *err);

/** zca_refresh_token_end deletes the family of a token; an unknown token is success. */
ZCA_NODISCARD bool zca_refresh_token_end(struct zca_ledger *ledger, const char *text,
                                         struct zca_error *err);

#endif
