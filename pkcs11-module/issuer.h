/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of an authority's token: CA certificates, the CA's keys, and what NSS wants to know about trust. */
#ifndef ZCA_PKCS11_MODULE_ISSUER_H
#define ZCA_PKCS11_MODULE_ISSUER_H

#include <openssl/x509.h>

#include "pkcs11-module/token.h"

struct zca_issuer {
    const char *name;                    /* the authority's; label of its keys */
    const STACK_OF(X509) * certificates; /* issuing CA first */
    bool is_trusted;                     /* the configuration names them: CKA_TRUSTED */
    bool has_trust;                      /* a CKO_NSS_TRUST object for the last one */
    bool can_sign; /* a CKO_PRIVATE_KEY that signs what the CA has inspected */
};

/** zca_issuer_show puts the objects of `issuer` in the place of those that are there. Takes the module's lock for the
 * switch only. */
ZCA_NODISCARD CK_RV zca_issuer_show(struct zca_token *token, const struct zca_issuer *issuer);

/** zca_issuer_show_key adds the private key alone; the other objects keep their handles. */
ZCA_NODISCARD CK_RV zca_issuer_show_key(struct zca_token *token, const struct zca_issuer *issuer);

#endif
