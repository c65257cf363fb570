/* SPDX-License-Identifier: Apache-2.0 */
/* PEM and DER of arbitrary bytes: what is read is written and read again. */
#include <openssl/err.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "tests/fuzz/demand.h"

static void check_certificates(struct zca_span text)
{
    zca_auto(zca_buffer) struct zca_buffer written = {.data = NULL};
    zca_auto(X509_STACK) STACK_OF(X509) *first = zca_pem_parse_certificates(NULL, text, NULL);
    if (!first) {
        return;
    }
    demand(zca_pem_format_certificates(first, &written, NULL));
    zca_auto(X509_STACK) STACK_OF(X509) *second =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&written), NULL);
    demand(sk_X509_num(first) == sk_X509_num(second) && sk_X509_num(first) <= 16);
}

static void check_request(struct zca_span text)
{
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    zca_auto(X509_REQ) X509_REQ *first = zca_pem_parse_request(NULL, text, NULL);
    if (first) {
        demand(zca_der_request(first, &der, NULL));
        zca_auto(X509_REQ) X509_REQ *second =
            zca_pem_parse_request(NULL, zca_buffer_span(&der), NULL);
        demand(second);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_span text = zca_span_of(data, len);
    check_certificates(text);
    check_request(text);
    zca_auto(X509_CRL) X509_CRL *crl = zca_pem_parse_crl(NULL, text, NULL);
    demand(ERR_peek_error() == 0);
    return 0;
}
