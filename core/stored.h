/* SPDX-License-Identifier: Apache-2.0 */
/* What an identity has stored, and whether it serves or the authority must be asked. */
#ifndef ZCA_CORE_STORED_H
#define ZCA_CORE_STORED_H

#include "core/chain.h"
#include "core/identity.h"

/**
 * zca_stored_serves tells whether the stored certificate is valid now, matches the key, and answers what
 * was asked: the request of ?csr=, or no captured request is left. No network.
 *
 * older   a certificate that does not serve any more; NULL: any may.
 */
bool zca_stored_serves(struct zca_identity *identity, const struct zca_chain *older);

/**
 * zca_stored_stands tells whether the stored chain still leads to a CA certificate that counts here: option issuer, else the
 * pinned ones. False after a CA was replaced and the new one was pinned. True where nothing can be compared: no
 * certificate, no CA certificate. No network.
 */
bool zca_stored_stands(struct zca_identity *identity);

/** zca_stored_has_captured tells whether a captured request waits for its answer. */
bool zca_stored_has_captured(struct zca_identity *identity);

#endif
