/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates, requests, CRLs and OCSP answers made by OpenSSL, for tests to read. */
#ifndef ZCA_TESTS_BASE_SAMPLE_H
#define ZCA_TESTS_BASE_SAMPLE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buffer.h"

/** sample_key returns a new key of a type of base/algorithm.c; the test fails when it cannot be made. */
EVP_PKEY *sample_key(const char *type);

/** sample_certificate returns a certificate of `key`, signed by itself, with two extensions and the
 * subject "O=Example, CN=<name>". */
X509 *sample_certificate(EVP_PKEY *key, const char *name);

/** sample_request returns a signed request with a subjectAltName. */
X509_REQ *sample_request(EVP_PKEY *key, const char *name);

/** sample_crl returns a CRL with one entry and a number. */
X509_CRL *sample_crl(EVP_PKEY *key, const X509 *issuer);

/** sample_ocsp_tbs appends the ResponseData of an answer about `certificate`, its own issuer. */
void sample_ocsp_tbs(EVP_PKEY *key, X509 *certificate, struct zca_buffer *out_tbs);

#endif
