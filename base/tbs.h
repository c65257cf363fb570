/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be signed remotely: the to-be-signed structures of RFC 5280, RFC 6960 and RFC 2986,
 * told apart and parsed whole by OpenSSL. Client and server use the same reading, so neither
 * can be shown something the other does not see.
 */
#ifndef ZCA_BASE_TBS_H
#define ZCA_BASE_TBS_H

#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

enum zca_tbs_kind {
    ZCA_TBS_UNKNOWN,
    ZCA_TBS_CERTIFICATE, /* TBSCertificate, RFC 5280, 4.1 */
    ZCA_TBS_CRL,         /* TBSCertList, RFC 5280, 5.1 */
    ZCA_TBS_OCSP,        /* ResponseData, RFC 6960, 4.2.1 */
    ZCA_TBS_REQUEST      /* CertificationRequestInfo, RFC 2986, 4.1 */
};

/** zca_tbs_classify tells what `tbs` is. It parses the whole structure, accepts nothing behind it, and
 * requires that encoding it again gives the same bytes. Cheap for what is not a SEQUENCE. No provider
 * is asked: public keys are read as algorithm and bits, so a provider may call it while signing. */
enum zca_tbs_kind zca_tbs_classify(struct zca_span tbs);

/** zca_tbs_is_request tells whether zca_tbs_classify would find a request; it looks for nothing else. */
bool zca_tbs_is_request(struct zca_span tbs);

/** zca_tbs_kind_name returns "certificate", "crl", "ocsp", "request", "unknown": the wire names. */
const char *zca_tbs_kind_name(enum zca_tbs_kind kind);

/** zca_tbs_kind_find is the inverse; ZCA_TBS_UNKNOWN for other names. */
enum zca_tbs_kind zca_tbs_kind_find(const char *name);

/** zca_tbs_complete appends the DER of SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING signature }: the
 * finished Certificate, CertificateList or CertificationRequest.
 *
 * algorithm   DER of the AlgorithmIdentifier. */
ZCA_NODISCARD bool zca_tbs_complete(struct zca_span tbs, struct zca_span algorithm,
                                    struct zca_span signature, struct zca_buffer *out_der,
                                    struct zca_error *err);

/** zca_tbs_certificate returns the TBSCertificate as an X509 whose signature is empty, for inspection
 * with the X509_get functions. libctx, NULL for the default one, is where OpenSSL decodes its public
 * key. NULL with ZCA_ERR_INVALID when it is not one. */
ZCA_NODISCARD X509 *zca_tbs_certificate(OSSL_LIB_CTX *libctx, struct zca_span tbs,
                                        struct zca_error *err);

/** zca_tbs_crl does the same for a TBSCertList. */
ZCA_NODISCARD X509_CRL *zca_tbs_crl(OSSL_LIB_CTX *libctx, struct zca_span tbs,
                                    struct zca_error *err);

/** zca_tbs_request_public appends the SubjectPublicKeyInfo of a finished CertificationRequest (RFC 2986, 4.2).
 * No provider is asked, and no signature is checked. err ZCA_ERR_INVALID. */
ZCA_NODISCARD bool zca_tbs_request_public(struct zca_span request, struct zca_buffer *out_public,
                                          struct zca_error *err);

#endif
