/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM (RFC 7468) in and out, by OpenSSL: certificates with their chain, requests, CRLs.
 * Text before blocks, CRLF and several blocks are accepted; output has LF and a final newline.
 */
#ifndef ZCA_BASE_PEM_H
#define ZCA_BASE_PEM_H

#include <openssl/x509.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

/** zca_pem_parse_certificates returns the certificates of `text` in their order, at least one and at
 * most 16. Blocks of other types are skipped. libctx may be NULL. err ZCA_ERR_INVALID.
 * Caller frees with zca_x509_stack_free (base/openssl_auto.h). */
ZCA_NODISCARD STACK_OF(X509) *
    zca_pem_parse_certificates(OSSL_LIB_CTX *libctx, struct zca_span text, struct zca_error *err);

/** zca_der_parse_certificate returns the certificate of exactly this DER. err ZCA_ERR_INVALID. */
ZCA_NODISCARD X509 *zca_der_parse_certificate(OSSL_LIB_CTX *libctx, struct zca_span der,
                                              struct zca_error *err);

/** zca_pem_parse_request returns the one request of `text`: label CERTIFICATE REQUEST or NEW
 * CERTIFICATE REQUEST, or bare DER. Nothing may follow the DER. The signature is not checked. */
ZCA_NODISCARD X509_REQ *zca_pem_parse_request(OSSL_LIB_CTX *libctx, struct zca_span text,
                                              struct zca_error *err);

/** zca_pem_parse_crl returns the one CRL of `text`, PEM or DER. */
ZCA_NODISCARD X509_CRL *zca_pem_parse_crl(OSSL_LIB_CTX *libctx, struct zca_span text,
                                          struct zca_error *err);

/** zca_der_is_sequence tells whether `bytes` is one SEQUENCE by its outermost tag and length, with
 * nothing behind it. The contents are not looked at. */
bool zca_der_is_sequence(struct zca_span bytes);

/** zca_pem_format appends DER as a PEM block with `label`. Secret when the buffer is. */
ZCA_NODISCARD bool zca_pem_format(const char *label, struct zca_span der,
                                  struct zca_buffer *out_text, struct zca_error *err);

/** zca_pem_format_certificate and _certificates append CERTIFICATE blocks. */
ZCA_NODISCARD bool zca_pem_format_certificate(const X509 *certificate, struct zca_buffer *out_text,
                                              struct zca_error *err);
ZCA_NODISCARD bool zca_pem_format_certificates(const STACK_OF(X509) * certificates,
                                               struct zca_buffer *out_text, struct zca_error *err);

/** zca_der_certificate appends the DER of a certificate; zca_der_request that of a request. */
ZCA_NODISCARD bool zca_der_certificate(const X509 *certificate, struct zca_buffer *out_der,
                                       struct zca_error *err);
ZCA_NODISCARD bool zca_der_request(const X509_REQ *request, struct zca_buffer *out_der,
                                   struct zca_error *err);

/** zca_fingerprint appends the SHA-256 of `der` as upper-case hexadecimal with colons. */
ZCA_NODISCARD bool zca_fingerprint(OSSL_LIB_CTX *libctx, struct zca_span der,
                                   struct zca_buffer *out_text, struct zca_error *err);

/** zca_serial_format appends a serial number as lower-case hexadecimal, at least `min_digits` long
 * with leading zeros (32 for QuickZTNA's 16 bytes). */
ZCA_NODISCARD bool zca_serial_format(const ASN1_INTEGER *serial, size_t min_digits,
                                     struct zca_buffer *out_text, struct zca_error *err);

#endif
