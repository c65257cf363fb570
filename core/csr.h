/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests (RFC 2986): made from an identity's settings, or checked as given. */
#ifndef ZCA_CORE_CSR_H
#define ZCA_CORE_CSR_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/key.h"

/* The names asked for. Borrowed. */
struct zca_csr_names {
    const char *common_name;
    const char *const *dns_names;    /* NULL-terminated or NULL */
    const char *const *ip_addresses; /* NULL-terminated or NULL */
};

/** zca_csr_alternative_names returns the DNS names and addresses of `names`, possibly none. err
 * ZCA_ERR_INVALID for what is not a host name or an address. Caller frees. */
ZCA_NODISCARD GENERAL_NAMES *zca_csr_alternative_names(const struct zca_csr_names *names,
                                                       struct zca_error *err);

/** zca_csr_new makes and signs a request: subject CN, SAN with the names (RFC 5280, 4.2.1.6). It is for sending: its
 * public key is algorithm and bits, and X509_REQ_get0_pubkey finds none until it is decoded. */
ZCA_NODISCARD X509_REQ *zca_csr_new(struct zca_library *library, struct zca_key *key,
                                    const struct zca_csr_names *names, struct zca_error *err);

/** zca_csr_renewal makes a request for the same subject, alternative names and extended key usage as
 * `certificate`, with `key`. */
ZCA_NODISCARD X509_REQ *zca_csr_renewal(struct zca_library *library, struct zca_key *key,
                                        const X509 *certificate, struct zca_error *err);

/** zca_csr_load reads a request file (PEM or DER, at most 64 KB) and verifies its self-signature. */
ZCA_NODISCARD X509_REQ *zca_csr_load(struct zca_library *library, const char *path,
                                     struct zca_error *err);

#endif
