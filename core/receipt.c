/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of an answer as a whole: whose key it is for, then everything in core/verify.c. */
#include "core/receipt.h"

#include "base/openssl_auto.h"
#include "core/anchor.h"
#include "core/chain.h"
#include "core/verify.h"

/* The authority's key, when it makes the keys. */
static bool take_key(struct zca_identity *identity, struct zca_issued *issued,
                     struct zca_wanted *wanted, struct zca_error *err)
{
    const struct zca_authority *authority = zca_identity_get_authority(identity);
    bool got_key = issued->private_key.len > 0;
    if (wanted->csr && got_key) {
        zca_buffer_clear(&issued->private_key);
        return zca_error_set(
            err, ZCA_ERR_UNSUPPORTED,
            "authority '%s' (%s) made a key of its own instead of certifying ours: "
            "it does not support CSR",
            zca_authority_get_name(authority), zca_authority_get_dialect(authority));
    }
    if (wanted->csr) {
        return true;
    }
    if (!got_key) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "a certificate came without its key");
    }
    zca_key_free(wanted->key);
    wanted->key = zca_key_import_pkcs8(zca_identity_get_library(identity),
                                       zca_buffer_span(&issued->private_key), err);
    zca_buffer_clear(&issued->private_key); /* wiped: the key object has the only copy */
    wanted->new_key = true;
    return wanted->key != NULL;
}

static bool read_public(X509_REQ *csr, struct zca_buffer *out_der, struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(csr), &der);
    if (len <= 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading a request's key");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

static bool expected_key(const struct zca_wanted *wanted, struct zca_buffer *out_der,
                         struct zca_error *err)
{
    return wanted->key ? zca_buffer_append(out_der, zca_key_get_public(wanted->key), err)
                       : read_public(wanted->csr, out_der, err);
}

static STACK_OF(X509) * parse_chain(struct zca_library *library, const struct zca_issued *issued,
                                    const STACK_OF(X509) * anchors, struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_chain) struct zca_chain *parsed =
        zca_chain_parse(zca_buffer_span(&issued->certificates), &failure);
    STACK_OF(X509) *chain =
        parsed ? zca_chain_certificates(parsed, library, anchors, &failure) : NULL;
    if (!chain) {
        bool theirs = failure.reason == ZCA_ERR_INVALID;
        zca_error_set(err, theirs ? ZCA_ERR_VERIFY : failure.reason, "%s", failure.message);
    }
    return chain;
}

static bool check(struct zca_identity *identity, const STACK_OF(X509) * anchors,
                  struct zca_issued *issued, struct zca_wanted *wanted, STACK_OF(X509) * *out_path,
                  struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(zca_buffer) struct zca_buffer public_key = {.len = 0};
    zca_auto(X509_STACK) STACK_OF(X509) *chain = parse_chain(library, issued, anchors, err);
    if (!chain || !take_key(identity, issued, wanted, err) ||
        !expected_key(wanted, &public_key, err)) {
        return false;
    }
    struct zca_csr_names names = zca_wanted_names(wanted);
    struct zca_expectation expectation = {
        .public_key = zca_buffer_span(&public_key),
        .request = wanted->csr,
        .names = &names,
        .names_may_shrink = !wanted->csr, /* who makes keys writes a CN and no more */
        .anchors = anchors,
        .ttl_s = zca_identity_get_ttl_s(identity),
    };
    return zca_verify_issued(library, chain, &expectation, out_path, err);
}

bool zca_receipt_check(struct zca_identity *identity, const STACK_OF(X509) * anchors,
                       struct zca_issued *issued, struct zca_wanted *wanted,
                       STACK_OF(X509) * *out_path, struct zca_error *err)
{
    return check(identity, anchors, issued, wanted, out_path, err) ||
           zca_error_context(err, "the answer of authority '%s' is not used",
                             zca_authority_get_name(zca_identity_get_authority(identity)));
}

bool zca_receipt_answers(struct zca_library *library, STACK_OF(X509) * chain, X509_REQ *csr,
                         const STACK_OF(X509) * anchors)
{
    zca_auto(zca_buffer) struct zca_buffer public_key = {.len = 0};
    if (!read_public(csr, &public_key, NULL)) {
        return false;
    }
    struct zca_expectation expectation = {
        .public_key = zca_buffer_span(&public_key),
        .request = csr,
        .anchors = anchors,
    };
    return zca_verify_issued(library, chain, &expectation, NULL, NULL);
}
