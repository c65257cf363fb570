/* SPDX-License-Identifier: Apache-2.0 */
/* What an authority handed over, held against what was wanted. */
#ifndef ZCA_CORE_RECEIPT_H
#define ZCA_CORE_RECEIPT_H

#include <openssl/x509.h>

#include "core/identity.h"
#include "core/wanted.h"
#include "remote/remote.h"

/**
 * zca_receipt_check verifies what was issued (core/verify.h). A key that the authority made is taken out of
 * `issued`, which is wiped, into `wanted`; one that came although ours was to be certified is refused.
 *
 * out_path   the certificates to store, leaf first. Caller frees the stack.
 * err        ZCA_ERR_VERIFY, ZCA_ERR_EXPIRED; ZCA_ERR_UNSUPPORTED for an unwanted key.
 */
ZCA_NODISCARD bool zca_receipt_check(struct zca_identity *identity, const STACK_OF(X509) * anchors,
                                     struct zca_issued *issued, struct zca_wanted *wanted,
                                     STACK_OF(X509) * *out_path, struct zca_error *err);

/** zca_receipt_answers tells whether a stored chain is a good answer to a request. */
bool zca_receipt_answers(struct zca_library *library, STACK_OF(X509) * chain, X509_REQ *csr,
                         const STACK_OF(X509) * anchors);

#endif
