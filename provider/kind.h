/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of key we manage, with the names their algorithms have in OpenSSL. */
#ifndef ZCA_PROVIDER_KIND_H
#define ZCA_PROVIDER_KIND_H

enum zca_kind { ZCA_KIND_EC, ZCA_KIND_RSA, ZCA_KIND_ED25519, ZCA_NUM_KINDS };

/* An operation; both NULL: there is none. */
struct zca_kind_operation {
    const char *theirs; /* as the crypto provider calls it */
    const char *ours;   /* as we do: see zca_signature_algorithms */
};

struct zca_kind_row {
    const char *keymgmt;
    int nid; /* EVP_PKEY_... */
    struct zca_kind_operation signature, exchange, cipher;
};

extern const struct zca_kind_row zca_kinds[ZCA_NUM_KINDS];

#endif
