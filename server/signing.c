/* SPDX-License-Identifier: Apache-2.0 */
/* One commit, then one signature. */
#include "server/signing.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/tbs.h"
#include "server/identifier.h"

ZCA_DEFINE_AUTO(X509_ALGOR, X509_ALGOR, X509_ALGOR_free);

bool zca_algorithm_encode(const struct zca_signature_algorithm *algorithm,
                          struct zca_buffer *out_der, struct zca_error *err)
{
    zca_auto(X509_ALGOR) X509_ALGOR *value = X509_ALGOR_new();
    int parameters = algorithm->key_nid == EVP_PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF;
    uint8_t *der = NULL;
    if (!value || X509_ALGOR_set0(value, OBJ_nid2obj(algorithm->nid), parameters, NULL) != 1) {
        return zca_error_set_crypto(err, "naming a signature algorithm");
    }
    int len = i2d_X509_ALGOR(value, &der);
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a signature algorithm");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

/* A buffer that borrows: it is only read, and never cleared. */
static struct zca_buffer borrow(struct zca_span bytes)
{
    return (struct zca_buffer){.data = (uint8_t *)(uintptr_t)bytes.data, .len = bytes.len};
}

bool zca_signing_run(struct zca_ledger *ledger, const struct zca_signing *signing,
                     int64_t *out_intent, struct zca_buffer *out_signature, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!zca_token_hash(signing->tbs, &hash, err)) {
        return false;
    }
    struct zca_intent intent = {
        .org_id = (char *)(uintptr_t)zca_authority_org_id(signing->authority),
        .authority_id = (char *)(uintptr_t)zca_authority_id(signing->authority),
        .kind = (char *)(uintptr_t)signing->kind,
        .serial = borrow(zca_serial_trim(signing->serial)),
        .tbs_sha256 = hash,
        .request_sha256 = borrow(signing->request_sha256),
        .requester = (char *)(uintptr_t)signing->requester,
        .profile = (char *)(uintptr_t)signing->profile,
        .request_id = (char *)(uintptr_t)signing->request_id,
        .created_at = signing->now_ms};
    if (!zca_ledger_intent_insert(ledger, &intent, err)) {
        return false;
    }
    *out_intent = intent.id;
    return zca_authority_sign(signing->authority, &intent, signing->algorithm, signing->tbs,
                              out_signature, err);
}

bool zca_signing_complete(const struct zca_signing *signing, struct zca_span signature,
                          struct zca_buffer *out_der, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer algorithm = {0};
    return zca_algorithm_encode(signing->algorithm, &algorithm, err) &&
           zca_tbs_complete(signing->tbs, zca_buffer_span(&algorithm), signature, out_der, err);
}
