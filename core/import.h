/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate that came by another way than an order: checked as an authority's answer is, then stored. */
#ifndef ZCA_CORE_IMPORT_H
#define ZCA_CORE_IMPORT_H

#include "core/identity.h"

/**
 * zca_import makes `der` the identity's certificate. It must be for the identity's key, come from the authority's CA, and
 * hold the names that would be asked for (core/wanted.h); the one before it becomes the previous generation. Takes the
 * identity's lock; uses the network only where the CA is not pinned yet.
 *
 * der   one X.509 certificate; issuers are taken from the CA's.
 * err   ZCA_ERR_VERIFY, ZCA_ERR_EXPIRED: it is not what is wanted; ZCA_ERR_INVALID: no certificate; ZCA_ERR_CONFLICT while
 *       an order is open; ZCA_ERR_BUSY; those of zca_authority_certificates; file errors.
 */
ZCA_NODISCARD bool zca_import(struct zca_identity *identity, struct zca_span der,
                              struct zca_error *err);

#endif
