/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record before signature: the exact content is durable in the ledger before the CA key signs it.
 * Everything that is signed passes through here.
 */
#ifndef ZCA_SERVER_SIGNING_H
#define ZCA_SERVER_SIGNING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/algorithm.h"
#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/authority.h"
#include "server/ledger.h"

/* What is to be signed; everything borrowed. */
struct zca_signing {
    const struct zca_authority *authority;
    const struct zca_signature_algorithm *algorithm;
    const char *kind; /* as in struct zca_intent */
    const char *profile;
    const char *requester;
    const char *request_id;         /* NULL: none */
    struct zca_span request_sha256; /* with request_id */
    struct zca_span serial;         /* magnitude; empty: none */
    struct zca_span tbs;
    int64_t now_ms;
};

/**
 * zca_signing_run stores the intent, waits until it is durable, and signs.
 *
 * out_intent     its id in the ledger.
 * out_signature  appended.
 * err            ZCA_ERR_CONFLICT when serial or request id exist; then nothing was signed.
 */
ZCA_NODISCARD bool zca_signing_run(struct zca_ledger *ledger, const struct zca_signing *signing,
                                   int64_t *out_intent, struct zca_buffer *out_signature,
                                   struct zca_error *err);

/** zca_signing_complete appends the DER of the finished structure. */
ZCA_NODISCARD bool zca_signing_complete(const struct zca_signing *signing,
                                        struct zca_span signature, struct zca_buffer *out_der,
                                        struct zca_error *err);

/** zca_algorithm_encode appends the DER of a row's AlgorithmIdentifier (RFC 5758, 3.2; RSA: NULL
 * parameters, RFC 4055, 5). */
ZCA_NODISCARD bool zca_algorithm_encode(const struct zca_signature_algorithm *algorithm,
                                        struct zca_buffer *out_der, struct zca_error *err);

#endif
