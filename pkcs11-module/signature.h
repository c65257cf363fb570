/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two forms of an ECDSA signature: PKCS#11 has r and s, each as long as the order of the curve (current mechanisms,
 * 2.3.1); everybody else has Ecdsa-Sig-Value (RFC 3279, 2.2.3).
 */
#ifndef ZCA_PKCS11_MODULE_SIGNATURE_H
#define ZCA_PKCS11_MODULE_SIGNATURE_H

#include "base/buffer.h"

/** Bytes of r or s with P-521, and of the longest signature in DER. */
#define ZCA_MAX_ECDSA_HALF 66u
#define ZCA_MAX_ECDSA_DER (3 + 2 * (2 + 1 + ZCA_MAX_ECDSA_HALF))

/** zca_signature_from_der writes r and s to `out_raw`, `raw_len` / 2 bytes each. False: not such a signature, or longer. */
ZCA_NODISCARD bool zca_signature_from_der(struct zca_span der, uint8_t *out_raw, size_t raw_len);

/** zca_signature_to_der writes the DER of r and s, and returns its length. raw: at most 2 * ZCA_MAX_ECDSA_HALF bytes. */
size_t zca_signature_to_der(struct zca_span raw, uint8_t out_der[ZCA_MAX_ECDSA_DER]);

#endif
