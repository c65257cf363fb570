/* SPDX-License-Identifier: Apache-2.0 */
/* What a URI stands for, as a list of objects for the store: which, in which order, at which cost. */
#ifndef ZCA_PROVIDER_COLD_OBJECT_H
#define ZCA_PROVIDER_COLD_OBJECT_H

#include <openssl/x509.h>

#include "core/chain.h"
#include "core/key.h"
#include "core/uri.h"

enum zca_object_type {
    ZCA_OBJECT_PRIVATE,     /* `key`, or for a remote key `certificate` */
    ZCA_OBJECT_PUBLIC,      /* of `key` or of `certificate` */
    ZCA_OBJECT_CERTIFICATE, /* `certificate`, or number `index` of `chain` */
    ZCA_OBJECT_CRL          /* `crl` */
};

struct zca_object {
    enum zca_object_type type;
    struct zca_key *key;
    X509 *certificate;
    X509_CRL *crl;
    struct zca_chain *chain; /* bytes: nobody decodes what is only handed on */
    size_t index;
};

struct zca_objects {
    struct zca_object *items;
    size_t count;
    char *uri;       /* canonical, with the authority */
    char *authority; /* name; NULL for an identity */
};

/* What the caller expects, from store and URI. */
struct zca_object_query {
    const struct zca_uri *uri;
    int expected;             /* OSSL_STORE_INFO_..., 0: anything */
    const X509_NAME *subject; /* of certificates, issuer of CRLs; NULL: any */
};

/**
 * zca_objects_find lists what `query` asks for.
 *
 * A private key that is expected and missing is made; a certificate that is expected and missing is
 * enrolled, as auto-enrol allows. With nothing expected, or with a subject, only what exists is listed,
 * without network: verifying servers search by subject in each handshake.
 *
 * out_objects  zero-initialised by the caller, who clears it. Empty when the URI cannot hold what is expected.
 * err          those of core/identity.h and core/authority.h.
 */
ZCA_NODISCARD bool zca_objects_find(struct zca_library *library,
                                    const struct zca_object_query *query,
                                    struct zca_objects *out_objects, struct zca_error *err);

void zca_objects_clear(struct zca_objects *objects);
ZCA_DEFINE_AUTO_CLEAR(zca_objects, struct zca_objects, zca_objects_clear);

#endif
