/* SPDX-License-Identifier: Apache-2.0 */
/* Does what is stored serve? The cheap questions come first. */
#include "core/stored.h"

#include "base/openssl_auto.h"
#include "core/captured.h"
#include "core/certificate.h"
#include "core/receipt.h"
#include "core/verify.h"

/* Is the stored certificate the answer to the request that ?csr= names? */
static bool answers_file(struct zca_identity *identity, const char *path)
{
    struct zca_library *library = zca_identity_get_library(identity);
    struct zca_authority *authority = zca_identity_get_authority(identity);
    zca_auto(X509_STACK) STACK_OF(X509) *chain = NULL;
    zca_auto(X509_STACK) STACK_OF(X509) *anchors = NULL;
    zca_auto(X509_REQ) X509_REQ *csr = zca_csr_load(library, path, NULL);
    return csr && zca_authority_certificates(authority, true, &anchors, NULL) &&
           zca_certificate_load(library, zca_identity_get_authority_name(identity),
                                zca_identity_get_name(identity), &chain, NULL) &&
           zca_receipt_answers(library, chain, csr, anchors);
}

bool zca_stored_has_captured(struct zca_identity *identity)
{
    zca_auto(zca_buffer) struct zca_buffer captured = {.len = 0};
    return zca_captured_load(identity, &captured, NULL) && captured.len > 0;
}

bool zca_stored_serves(struct zca_identity *identity, const struct zca_chain *older)
{
    const char *path = zca_identity_get_csr_file(identity);
    zca_auto(zca_chain) struct zca_chain *chain = zca_certificate_load_chain(
        zca_identity_get_library(identity), zca_identity_get_authority_name(identity),
        zca_identity_get_name(identity), NULL);
    if (!chain || !zca_chain_valid_now(chain) ||
        (older && zca_span_equal(zca_chain_get_der(older, 0), zca_chain_get_der(chain, 0)))) {
        return false;
    }
    if (path) {
        return answers_file(identity, path);
    }
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(identity, NULL);
    return key && zca_chain_matches(chain, key) && !zca_stored_has_captured(identity);
}

bool zca_stored_stands(struct zca_identity *identity)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(X509_STACK) STACK_OF(X509) *anchors = NULL;
    zca_auto(X509_STACK) STACK_OF(X509) *chain = NULL;
    return !zca_authority_certificates(zca_identity_get_authority(identity), true, &anchors,
                                       NULL) ||
           !zca_certificate_load(library, zca_identity_get_authority_name(identity),
                                 zca_identity_get_name(identity), &chain, NULL) ||
           zca_verify_chain(library, chain, anchors, &failure) || failure.reason != ZCA_ERR_VERIFY;
}
