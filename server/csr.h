/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate request (RFC 2986), checked before anything of it is used. */
#ifndef ZCA_SERVER_CSR_H
#define ZCA_SERVER_CSR_H

#include <stdbool.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/policy.h"

struct zca_csr {
    X509_REQ *request; /* of a context that may have no algorithms: its key is */
    EVP_PKEY *key;
    GENERAL_NAMES *names;      /* NULL: none */
    EXTENDED_KEY_USAGE *usage; /* NULL: none */
    unsigned key_usage;        /* bits of X509v3 KU_*; 0: none */
    bool is_ca;                /* asks for a CA certificate */
};

/**
 * zca_csr_parse reads a request and checks it: size, form, key, own signature, extensions, names.
 *
 * context where the request is read: zca_public_key_context, or NULL for the default one.
 * text    PEM or DER, at most 16 KiB.
 * policy  of the organisation, for alternative names and usages; the subject is zca_subject_make's, which
 *         takes a part of it.
 * own     the CA's key, which is never certified.
 * err     codes INVALID_CSR, WEAK_KEY, WEAK_DIGEST, NAME_NOT_ALLOWED, USAGE_NOT_ALLOWED,
 *         CA_NOT_ALLOWED, EXTENSION_NOT_ALLOWED.
 */
ZCA_NODISCARD bool zca_csr_parse(OSSL_LIB_CTX *context, struct zca_span text,
                                 const struct zca_policy *policy, const EVP_PKEY *own,
                                 struct zca_csr *out_csr, struct zca_error *err);

void zca_csr_clear(struct zca_csr *csr);
ZCA_DEFINE_AUTO_CLEAR(zca_csr, struct zca_csr, zca_csr_clear);

#endif
