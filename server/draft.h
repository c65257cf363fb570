/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate before its signature: fields, extensions, and the bytes to be signed. For issue*.c. */
#ifndef ZCA_SERVER_DRAFT_H
#define ZCA_SERVER_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/algorithm.h"
#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/profile.h"

struct zca_draft {
    enum zca_profile_kind profile;
    struct zca_profile_input input;
    const X509_NAME *issuer;  /* borrowed */
    const X509_NAME *subject; /* borrowed */
    int64_t not_before_s;
    int64_t not_after_s;
    struct zca_buffer serial; /* 16 bytes, made by zca_draft_finish */
    X509 *certificate;
    struct zca_buffer tbs; /* made by zca_draft_finish */
};

/** zca_draft_start gives a zero-initialised draft its empty certificate. err ZCA_ERR_MEMORY. */
ZCA_NODISCARD bool zca_draft_start(struct zca_draft *draft, struct zca_error *err);
void zca_draft_clear(struct zca_draft *draft);
ZCA_DEFINE_AUTO_CLEAR(zca_draft, struct zca_draft, zca_draft_clear);

/** zca_draft_copy_key copies a public key that was checked; zca_draft_set_key takes that of a P-256
 * key of ours. Neither decodes it once more, which would cost more than a signature. */
ZCA_NODISCARD bool zca_draft_copy_key(struct zca_draft *draft, const X509_PUBKEY *from,
                                      struct zca_error *err);
ZCA_NODISCARD bool zca_draft_set_key(struct zca_draft *draft, const EVP_PKEY *key,
                                     struct zca_error *err);

/** zca_draft_set_validity lets the certificate live ttl_s seconds, both ends included, from a little
 * before now_ms, within the life of `ca`. err code INVALID_VALIDITY when that is over. */
ZCA_NODISCARD bool zca_draft_set_validity(struct zca_draft *draft, const X509 *ca, int64_t now_ms,
                                          int64_t ttl_s, struct zca_error *err);

/** zca_draft_finish fills everything but the public key and encodes what is to be signed. */
ZCA_NODISCARD bool zca_draft_finish(struct zca_draft *draft,
                                    const struct zca_signature_algorithm *algorithm,
                                    struct zca_error *err);

#endif
