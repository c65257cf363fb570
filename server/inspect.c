/* SPDX-License-Identifier: Apache-2.0 */
/* Which inspection is for which kind, and what they share. */
#include "server/inspect.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "server/refusal.h"
#include "server/signing.h"

#define TOLERANCE_S (5 * 60)

static const struct {
    enum zca_tbs_kind kind;
    bool (*inspect)(const struct zca_inspection *, struct zca_inspected *, struct zca_error *);
} inspections[] = {
    {ZCA_TBS_CERTIFICATE, zca_inspect_certificate},
    {ZCA_TBS_CRL,         zca_inspect_crl        },
    {ZCA_TBS_OCSP,        zca_inspect_ocsp       },
    {ZCA_TBS_REQUEST,     zca_inspect_request    },
};

void zca_inspected_clear(struct zca_inspected *inspected)
{
    zca_buffer_clear(&inspected->serial);
    free(inspected->title);
    *inspected = (struct zca_inspected){0};
}

bool zca_inspect(const struct zca_inspection *inspection, enum zca_tbs_kind kind,
                 struct zca_inspected *out_inspected, struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(inspections); i++) {
        if (inspections[i].kind != kind) {
            continue;
        }
        zca_auto(zca_inspected) struct zca_inspected inspected = {.crl_number = -1};
        if (!inspections[i].inspect(inspection, &inspected, err)) {
            return false;
        }
        *out_inspected = inspected;
        inspected = (struct zca_inspected){0};
        return true;
    }
    return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, NULL);
}

bool zca_inspect_algorithm(const struct zca_inspection *inspection, const X509_ALGOR *inside,
                           struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer wanted = {0};
    if (!zca_algorithm_encode(inspection->algorithm, &wanted, err)) {
        return false;
    }
    uint8_t *der = NULL;
    int len = i2d_X509_ALGOR(inside, &der);
    bool same = len > 0 && zca_span_equal(zca_span_of(der, (size_t)len), zca_buffer_span(&wanted));
    OPENSSL_free(der);
    return same ? true
                : zca_refuse(err, ZCA_REFUSE_WEAK_DIGEST,
                             "The signature algorithm inside must be %s",
                             inspection->algorithm->name);
}

static bool same_name(const X509_NAME *left, const X509_NAME *right)
{
    const uint8_t *left_der = NULL;
    const uint8_t *right_der = NULL;
    size_t left_len = 0;
    size_t right_len = 0;
    return X509_NAME_get0_der(left, &left_der, &left_len) == 1 &&
           X509_NAME_get0_der(right, &right_der, &right_len) == 1 && left_len == right_len &&
           memcmp(left_der, right_der, left_len) == 0;
}

bool zca_inspect_issuer(const struct zca_inspection *inspection, const X509_NAME *name,
                        struct zca_error *err)
{
    X509 *ca = zca_authority_certificate(inspection->authority);
    return same_name(name, X509_get_subject_name(ca))
               ? true
               : zca_refuse(err, ZCA_REFUSE_WRONG_ISSUER, NULL);
}

bool zca_inspect_key_id(const struct zca_inspection *inspection, const AUTHORITY_KEYID *id,
                        struct zca_error *err)
{
    X509 *ca = zca_authority_certificate(inspection->authority);
    if (!id || X509_check_akid(ca, id) == X509_V_OK) {
        return true;
    }
    return zca_refuse(err, ZCA_REFUSE_WRONG_ISSUER,
                      "The authority key identifier is not this CA's");
}

bool zca_inspect_recent(const struct zca_inspection *inspection, int64_t time_s, const char *what,
                        struct zca_error *err)
{
    int64_t now_s = inspection->now_ms / 1000;
    return time_s >= now_s - TOLERANCE_S && time_s <= now_s + TOLERANCE_S
               ? true
               : zca_refuse(err, ZCA_REFUSE_VALIDITY, "%s is not within five minutes of now", what);
}

bool zca_inspect_open(const struct zca_inspection *inspection, struct zca_buffer *out_der,
                      struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer algorithm = {0};
    return zca_algorithm_encode(inspection->algorithm, &algorithm, err) &&
           zca_tbs_complete(inspection->tbs, zca_buffer_span(&algorithm), zca_span_of(NULL, 0),
                            out_der, err);
}
