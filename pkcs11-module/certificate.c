/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates as attributes (PKCS#11 3.0, 4.6.3). */
#include <string.h>

#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "pkcs11-module/material.h"

/* The first bytes of a SHA-1 digest are CKA_CHECK_VALUE. */
#define CHECK_VALUE_LEN 3u

static CK_RV set_absent(struct zca_values *values, CK_ATTRIBUTE_TYPE type, struct zca_span value)
{
    struct zca_span ignored;
    return zca_values_find(values, type, &ignored) ? CKR_OK : zca_values_set(values, type, value);
}

static CK_RV set_absent_number(struct zca_values *values, CK_ATTRIBUTE_TYPE type, CK_ULONG number)
{
    return set_absent(values, type, zca_span_of(&number, sizeof(number)));
}

/* der   what OpenSSL's i2d_ function made, and len its result; released here. */
static CK_RV set_encoded(struct zca_values *values, CK_ATTRIBUTE_TYPE type, unsigned char *der,
                         int len)
{
    CK_RV rv = len > 0 ? set_absent(values, type, zca_span_of(der, (size_t)len)) : CKR_HOST_MEMORY;
    OPENSSL_free(der);
    return rv;
}

static CK_RV set_names(const X509 *certificate, struct zca_values *values)
{
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(certificate), &der);
    CK_RV rv = set_encoded(values, CKA_SUBJECT, der, len);
    if (rv == CKR_OK) {
        der = NULL;
        len = i2d_X509_NAME(X509_get_issuer_name(certificate), &der);
        rv = set_encoded(values, CKA_ISSUER, der, len);
    }
    if (rv == CKR_OK) {
        der = NULL;
        len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
        rv = set_encoded(values, CKA_SERIAL_NUMBER, der, len);
    }
    return rv;
}

static CK_RV set_key(const X509 *certificate, struct zca_values *values)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    return set_encoded(values, CKA_PUBLIC_KEY_INFO, der, len);
}

static CK_RV set_date(const ASN1_TIME *time, CK_ATTRIBUTE_TYPE type, struct zca_values *values)
{
    char text[64] = ""; /* any tm fits */
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1 ||
        strftime(text, sizeof(text), "%Y%m%d", &parts) != sizeof(CK_DATE)) {
        return CKR_OK; /* a year that CK_DATE cannot hold: the certificate has it, the attribute not */
    }
    return set_absent(values, type, zca_span_text(text));
}

/* SHA-1 may be forbidden here; then there is no check value. */
static CK_RV set_check_value(OSSL_LIB_CTX *context, struct zca_span der, struct zca_values *values)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    zca_auto(error_mark) int mark = ERR_set_mark();
    if (EVP_Q_digest(context, "SHA1", NULL, der.data, der.len, digest, &len) != 1) {
        return CKR_OK;
    }
    return set_absent(values, CKA_CHECK_VALUE, zca_span_of(digest, CHECK_VALUE_LEN));
}

static CK_RV set_category(X509 *certificate, struct zca_values *values)
{
    bool is_authority = X509_check_ca(certificate) == 1;
    CK_RV rv = set_absent_number(values, CKA_CERTIFICATE_CATEGORY,
                                 is_authority ? CK_CERTIFICATE_CATEGORY_AUTHORITY : 0);
    return rv == CKR_OK ? set_absent_number(values, CKA_CERTIFICATE_TYPE, CKC_X_509) : rv;
}

static CK_RV describe(OSSL_LIB_CTX *context, X509 *certificate, struct zca_span der,
                      struct zca_values *values)
{
    CK_RV rv = set_absent(values, CKA_VALUE, der);
    if (rv == CKR_OK) {
        rv = set_names(certificate, values);
    }
    if (rv == CKR_OK) {
        rv = set_key(certificate, values);
    }
    if (rv == CKR_OK) {
        rv = set_date(X509_get0_notBefore(certificate), CKA_START_DATE, values);
    }
    if (rv == CKR_OK) {
        rv = set_date(X509_get0_notAfter(certificate), CKA_END_DATE, values);
    }
    if (rv == CKR_OK) {
        rv = set_check_value(context, der, values);
    }
    return rv == CKR_OK ? set_category(certificate, values) : rv;
}

CK_RV zca_material_certificate(OSSL_LIB_CTX *context, X509 *certificate, struct zca_values *values)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    return zca_der_certificate(certificate, &der, NULL)
               ? describe(context, certificate, zca_buffer_span(&der), values)
               : CKR_HOST_MEMORY;
}
