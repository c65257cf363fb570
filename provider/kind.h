/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of key we manage, with the names their algorithms have in OpenSSL. */
#ifndef ZCA_PROVIDER_KIND_H
#define ZCA_PROVIDER_KIND_H

enum zca_kind { ZCA_KIND_EC, ZCA_KIND_RSA, ZCA_KIND_ED25519, ZCA_NUM_KINDS };

struct zca_kind_row {
    const char *keymgmt;
    const char *signature;     /* as the crypto provider calls it */
    const char *own_signature; /* as we do: see zca_signature_algorithms */
    const char *exchange;      /* NULL: none */
    const char *cipher;        /* as above */
    int nid;                   /* EVP_PKEY_... */
};

extern const struct zca_kind_row zca_kinds[ZCA_NUM_KINDS];

#endif
