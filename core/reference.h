/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key reference: what stands in a PEM file in place of a private key (design.md 4).
 * DER SEQUENCE { version INTEGER (1), uri UTF8String, SubjectPublicKeyInfo,
 * [0] IMPLICIT sealed OCTET STRING OPTIONAL } under the label below.
 */
#ifndef ZCA_CORE_REFERENCE_H
#define ZCA_CORE_REFERENCE_H

#include "base/buffer.h"
#include "base/error.h"

#define ZCA_REFERENCE_LABEL "ZCA PRIVATE KEY"

struct zca_reference {
    char *uri;                    /* canonical, without query */
    struct zca_buffer public_key; /* DER SubjectPublicKeyInfo */
    struct zca_buffer sealed;     /* empty: the key is looked up by URI */
};

/** zca_reference_parse reads the DER, nothing behind it, at most 16 KB. The URI is checked, the public key
 * is not looked at. out_reference is the caller's, zero-initialised. err ZCA_ERR_INVALID. */
ZCA_NODISCARD bool zca_reference_parse(struct zca_span der, struct zca_reference *out_reference,
                                       struct zca_error *err);

/** zca_reference_format appends the DER. err ZCA_ERR_INVALID when the URI is not canonical or there is no
 * public key. */
ZCA_NODISCARD bool zca_reference_format(const struct zca_reference *reference,
                                        struct zca_buffer *out_der, struct zca_error *err);

void zca_reference_clear(struct zca_reference *reference);
ZCA_DEFINE_AUTO_CLEAR(zca_reference, struct zca_reference, zca_reference_clear);

#endif
