/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals secrets at rest with AES-256-GCM (NIST SP 800-38D). The key comes from a file, a systemd
 * credential or a passphrase (scrypt, RFC 7914). Each secret is bound to its purpose, so that
 * sealed secrets cannot be exchanged for one another.
 */
#ifndef ZCA_SERVER_SEAL_H
#define ZCA_SERVER_SEAL_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/state.h"

struct zca_seal;

/**
 * zca_seal_open gets the sealing key and checks it against what the ledger was sealed with.
 *
 * options  which source; without one the file sealing-key is made, but only for a fresh ledger.
 * err      ZCA_ERR_SEALED when the key is missing, malformed, or not the one of this ledger;
 *          ZCA_ERR_SYSTEM, ZCA_ERR_CRYPTO, ZCA_ERR_MEMORY, ZCA_ERR_UNAVAILABLE.
 *
 * Returns a new object, immutable and safe from several threads, or NULL.
 */
ZCA_NODISCARD struct zca_seal *zca_seal_open(struct zca_ledger *ledger,
                                             const struct zca_state_options *options,
                                             struct zca_error *err);
void zca_seal_free(struct zca_seal *seal);
ZCA_DEFINE_AUTO(zca_seal, struct zca_seal, zca_seal_free);

/** zca_seal_close_secret appends version, nonce, ciphertext and tag of `secret`.
 * purpose  what it is and whose, the same again for opening. */
ZCA_NODISCARD bool zca_seal_close_secret(const struct zca_seal *seal, const char *purpose,
                                         struct zca_span secret, struct zca_buffer *out_sealed,
                                         struct zca_error *err);

/** zca_seal_open_secret appends the secret to a buffer marked secret; unchanged on failure.
 * err ZCA_ERR_SEALED: another key, another purpose, or damaged. */
ZCA_NODISCARD bool zca_seal_open_secret(const struct zca_seal *seal, const char *purpose,
                                        struct zca_span sealed, struct zca_buffer *out_secret,
                                        struct zca_error *err);

#endif
