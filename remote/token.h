/* SPDX-License-Identifier: Apache-2.0 */
/* The token file: read, checked, written atomically, locked between processes. */
#ifndef ZCA_REMOTE_TOKEN_H
#define ZCA_REMOTE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

/* Zero-initialised: none. Both texts are secret. */
struct zca_tokens {
    struct zca_buffer access;
    struct zca_buffer refresh; /* empty if none */
    int64_t expires_at_s;      /* of `access`; 0: unknown */
};

void zca_tokens_clear(struct zca_tokens *tokens);
ZCA_DEFINE_AUTO_CLEAR(zca_tokens, struct zca_tokens, zca_tokens_clear);

/** zca_tokens_move gives the tokens of `source` to `target`, which is cleared first. */
void zca_tokens_move(struct zca_tokens *target, struct zca_tokens *source);

/**
 * zca_tokens_load reads a token file; what `out_tokens` held is cleared on success.
 *
 * err   ZCA_ERR_NOT_FOUND, ZCA_ERR_CONFIG (not a token file, or others may read it), ZCA_ERR_SYSTEM.
 */
ZCA_NODISCARD bool zca_tokens_load(const char *path, struct zca_tokens *out_tokens,
                                   struct zca_error *err);

/** zca_tokens_store writes the file, mode 0600, and its directory, mode 0700, where it is missing.
 * An unknown expiry is read from the access token itself, where it is a JWT.
 * err ZCA_ERR_PROTOCOL when a text cannot be a token; file errors. */
ZCA_NODISCARD bool zca_tokens_store(const char *path, struct zca_tokens *tokens,
                                    struct zca_error *err);

/** zca_token_is_valid tells whether `text` can stand in a header: visible ASCII, not empty. */
bool zca_token_is_valid(struct zca_span text);

/** zca_token_expiry returns when a token that is a JWT says that it expires (RFC 7519, 4.1.4), in seconds, unverified: it
 * only tells when to ask for a new one. 0: it does not tell. */
int64_t zca_token_expiry(const struct zca_buffer *token);

/** zca_token_check_mode refuses a file that everybody may read. err ZCA_ERR_CONFIG. */
ZCA_NODISCARD bool zca_token_check_mode(const char *path, const struct stat *status,
                                        struct zca_error *err);

/* Zero-initialised: not held. */
struct zca_token_lock {
    bool held;
    int fd;
};

/**
 * zca_token_lock takes the lock of a token file: flock on PATH.lock, released by the kernel when its
 * holder dies.
 *
 * deadline_ms   by zca_clock_monotonic_ms.
 * out_lock      zero-initialised; zca_token_unlock releases.
 * err           ZCA_ERR_BUSY at the deadline; ZCA_ERR_SYSTEM when new tokens could not be written
 *               either: then a refresh token must not be used up.
 */
ZCA_NODISCARD bool zca_token_lock(const char *path, int64_t deadline_ms,
                                  struct zca_token_lock *out_lock, struct zca_error *err);
void zca_token_unlock(struct zca_token_lock *lock);
ZCA_DEFINE_AUTO_CLEAR(zca_token_lock, struct zca_token_lock, zca_token_unlock);

#endif
