/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To-be-signed structures of arbitrary bytes. What is classified can be completed, is no longer of
 * its kind with a byte more or less, and reads the same through OpenSSL's own types.
 */
#include <string.h>

#include <openssl/err.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "base/tbs.h"
#include "tests/fuzz/demand.h"

/* OpenSSL's own type accepts less (it reads extensions): what it takes it must give back. */
static void check_certificate(struct zca_span tbs)
{
    unsigned char *der = NULL;
    zca_auto(X509) X509 *certificate = zca_tbs_certificate(NULL, tbs, NULL);
    if (certificate) {
        int len = i2d_re_X509_tbs(certificate, &der);
        demand(len >= 0 && zca_span_equal(zca_span_of(der, (size_t)len), tbs));
        OPENSSL_free(der);
    }
}

static void check_crl(struct zca_span tbs)
{
    unsigned char *der = NULL;
    zca_auto(X509_CRL) X509_CRL *crl = zca_tbs_crl(NULL, tbs, NULL);
    if (crl) {
        int len = i2d_re_X509_CRL_tbs(crl, &der);
        demand(len >= 0 && zca_span_equal(zca_span_of(der, (size_t)len), tbs));
        OPENSSL_free(der);
    }
}

/* AlgorithmIdentifier ecdsa-with-SHA256 (RFC 5758, 3.2) */
static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

/* As a signed request is kept: finished, read by the same reader, which gives the signed bytes back. */
static void check_request(struct zca_span tbs)
{
    unsigned char *again = NULL;
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    demand(zca_tbs_complete(tbs, zca_span_of(ecdsa_sha256, sizeof(ecdsa_sha256)),
                            zca_span_of("x", 1), &der, NULL));
    zca_auto(X509_REQ) X509_REQ *request = zca_pem_parse_request(NULL, zca_buffer_span(&der), NULL);
    if (request) {
        int len = i2d_re_X509_REQ_tbs(request, &again);
        demand(len >= 0 && zca_span_equal(zca_span_of(again, (size_t)len), tbs));
        OPENSSL_free(again);
    }
}

static void check_ocsp(struct zca_span tbs)
{
    unsigned char *again = NULL;
    const unsigned char *cursor = tbs.data;
    OCSP_RESPDATA *data = d2i_OCSP_RESPDATA(NULL, &cursor, (long)tbs.len);
    if (data) {
        int len = i2d_OCSP_RESPDATA(data, &again);
        demand(len >= 0 && zca_span_equal(zca_span_of(again, (size_t)len), tbs));
        OPENSSL_free(again);
    }
    OCSP_RESPDATA_free(data);
    ERR_clear_error(); /* it may accept less */
}

static const struct {
    enum zca_tbs_kind kind;
    void (*check)(struct zca_span tbs);
} checks[] = {
    {ZCA_TBS_CERTIFICATE, check_certificate},
    {ZCA_TBS_CRL,         check_crl        },
    {ZCA_TBS_OCSP,        check_ocsp       },
    {ZCA_TBS_REQUEST,     check_request    },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_span tbs = zca_span_of(data, len);
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    enum zca_tbs_kind kind = zca_tbs_classify(tbs);
    demand(zca_tbs_is_request(tbs) == (kind == ZCA_TBS_REQUEST));
    demand(ERR_peek_error() == 0);
    if (kind == ZCA_TBS_UNKNOWN) {
        return 0;
    }
    demand(zca_tbs_kind_find(zca_tbs_kind_name(kind)) == kind);
    demand(zca_tbs_classify(zca_span_of(data, len - 1)) == ZCA_TBS_UNKNOWN);
    demand(zca_tbs_complete(tbs, zca_span_of("\x30\x00", 2), zca_span_of("x", 1), &der, NULL));
    demand(zca_der_is_sequence(zca_buffer_span(&der)));
    demand(zca_tbs_classify(zca_buffer_span(&der)) == ZCA_TBS_UNKNOWN);
    for (size_t i = 0; i < ZCA_COUNT(checks); i++) {
        if (checks[i].kind == kind) {
            checks[i].check(tbs);
        }
    }
    demand(ERR_peek_error() == 0);
    return 0;
}
