/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/base/sample.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "tests/base/check.h"

EVP_PKEY *sample_key(const char *type)
{
    const struct zca_key_type *row = zca_key_type_find(type);
    assert_non_null(row);
    EVP_PKEY *key = NULL;
    if (row->group) {
        key = EVP_EC_gen(row->group);
    } else if (row->nid == EVP_PKEY_RSA) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)row->bits);
    } else {
        key = EVP_PKEY_Q_keygen(NULL, NULL, row->keymgmt);
    }
    assert_non_null(key);
    return key;
}

static const EVP_MD *digest_for(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") == 1 ? NULL : EVP_sha256();
}

static void set_name(X509_NAME *name, const char *common_name)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                                (const unsigned char *)"Example", -1, -1, 0),
                     1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
}

static X509_EXTENSION *make_extension(int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    return extension;
}

X509 *sample_certificate(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new();
    zca_auto(X509_EXTENSION) X509_EXTENSION *constraints =
        make_extension(NID_basic_constraints, "critical,CA:TRUE");
    zca_auto(X509_EXTENSION) X509_EXTENSION *names =
        make_extension(NID_subject_alt_name, "DNS:www.example.org,IP:192.0.2.1");
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0x1234), 1);
    set_name(X509_get_subject_name(certificate), name);
    set_name(X509_get_issuer_name(certificate), name);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_int_equal(X509_add_ext(certificate, constraints, -1), 1);
    assert_int_equal(X509_add_ext(certificate, names, -1), 1);
    assert_true(X509_sign(certificate, key, digest_for(key)) > 0);
    return certificate;
}

X509_REQ *sample_request(EVP_PKEY *key, const char *name)
{
    X509_REQ *request = X509_REQ_new();
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    assert_non_null(extensions);
    assert_true(sk_X509_EXTENSION_push(
                    extensions, make_extension(NID_subject_alt_name, "DNS:www.example.org")) > 0);
    assert_int_equal(X509_REQ_set_version(request, X509_REQ_VERSION_1), 1);
    set_name(X509_REQ_get_subject_name(request), name);
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    assert_int_equal(X509_REQ_add_extensions(request, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    assert_true(X509_REQ_sign(request, key, digest_for(key)) > 0);
    return request;
}

X509_CRL *sample_crl(EVP_PKEY *key, const X509 *issuer)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, 1773750896);
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *number = ASN1_INTEGER_new();
    assert_int_equal(ASN1_INTEGER_set(number, 77), 1);
    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, now), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, now), 1);
    assert_int_equal(X509_REVOKED_set_serialNumber(entry, number), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, now), 1);
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
    ASN1_TIME_free(now);
    assert_true(X509_CRL_sign(crl, key, digest_for(key)) > 0);
    return crl;
}

void sample_ocsp_tbs(EVP_PKEY *key, X509 *certificate, struct zca_buffer *out_tbs)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    OCSP_BASICRESP *answer = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha256(), certificate, certificate);
    ASN1_TIME *now = ASN1_TIME_set(NULL, 1773750896);
    assert_non_null(OCSP_basic_add1_status(answer, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, now, now));
    assert_int_equal(OCSP_basic_add1_nonce(answer, NULL, 16), 1);
    assert_int_equal(OCSP_basic_sign(answer, certificate, key, digest_for(key), NULL, 0), 1);
    unsigned char *der = NULL;
    int len = i2d_OCSP_RESPDATA((OCSP_RESPDATA *)(uintptr_t)OCSP_resp_get0_respdata(answer), &der);
    assert_true(len > 0);
    check_ok(zca_buffer_append(out_tbs, zca_span_of(der, (size_t)len), &err), err);
    OPENSSL_free(der);
    ASN1_TIME_free(now);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(answer);
}
