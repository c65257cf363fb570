/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the org CA keeps between requests: the ledger, the sealing key, the token key, the
 * authorities in use, and a clock that never goes back. One object a process; the server and the
 * administration commands open the same one over the same files, at the same time if need be.
 */
#ifndef ZCA_SERVER_STATE_H
#define ZCA_SERVER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/auto.h"
#include "base/error.h"

struct zca_state;
struct zca_ledger;
struct zca_seal;
struct zca_token_key;
struct zca_authority_cache;
struct zca_flight;
struct zca_crl_cache;
struct zca_rate;

struct zca_state_options {
    const char *directory;       /* holds ledger.db, sealing-key and initial-password; mode 0700 */
    const char *passphrase_file; /* NULL: none. Its first line makes the sealing key */
    const char *key_file;        /* NULL: none. The sealing key: 32 bytes, raw or as hexadecimal
                                    digits. Without either, directory/sealing-key is made once */
};

/**
 * zca_state_open opens, or makes, everything the org CA keeps.
 *
 * options   borrowed for the call.
 * err       ZCA_ERR_SYSTEM, ZCA_ERR_SEALED (wrong passphrase or key), ZCA_ERR_CONFLICT (the ledger
 *           is of a newer version), ZCA_ERR_CRYPTO, ZCA_ERR_MEMORY.
 *
 * Returns a new object, safe from several threads, or NULL.
 */
ZCA_NODISCARD struct zca_state *zca_state_open(const struct zca_state_options *options,
                                               struct zca_error *err);

/** zca_state_close waits for writes that were submitted and releases everything. NULL is fine. */
void zca_state_close(struct zca_state *state);
ZCA_DEFINE_AUTO(zca_state, struct zca_state, zca_state_close);

/* The parts, borrowed for the life of the state. */
struct zca_ledger *zca_state_ledger(struct zca_state *state);
const struct zca_seal *zca_state_seal(const struct zca_state *state);
struct zca_token_key *zca_state_token_key(struct zca_state *state);
struct zca_authority_cache *zca_state_authorities(struct zca_state *state);
struct zca_flight *zca_state_flight(struct zca_state *state);
struct zca_crl_cache *zca_state_crls(struct zca_state *state);
struct zca_rate *zca_state_rate(struct zca_state *state);
OSSL_LIB_CTX *zca_state_request_context(const struct zca_state *state); /* server/public_key.h */
const char *zca_state_directory(const struct zca_state *state);

/**
 * zca_state_now gives the time that goes into certificates and records, in milliseconds.
 * It is the wall clock, but never earlier than it was before, in this process or, by the newest
 * record of the ledger, in any other.
 *
 * err   ZCA_ERR_UNAVAILABLE, code CLOCK_WENT_BACK, when the wall clock is more than five minutes
 *       behind what was seen: nothing is issued until it is right again.
 */
ZCA_NODISCARD bool zca_state_now(struct zca_state *state, int64_t *out_now_ms,
                                 struct zca_error *err);

#endif
