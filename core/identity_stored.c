/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an identity lies on this host: its key, its certificates, and the request that its key
 * signed last. Never the network, never a wait.
 */
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/certificate.h"
#include "core/identity.h"
#include "core/keystore.h"

struct zca_key *zca_identity_key(struct zca_identity *identity, struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_library_enter(library);
    return zca_keystore_load(library, zca_identity_get_keystore(identity),
                             zca_identity_get_authority_name(identity),
                             zca_identity_get_name(identity), err);
}

static bool is_key_of(const struct zca_key *key, struct zca_span public_key)
{
    return zca_span_equal(zca_key_get_public(key), public_key);
}

struct zca_key *zca_identity_key_of(struct zca_identity *identity, struct zca_span public_key,
                                    struct zca_error *err)
{
    zca_auto(zca_key) struct zca_key *present = zca_identity_key(identity, err);
    if (!present || is_key_of(present, public_key)) {
        return zca_steal(present);
    }
    zca_auto(zca_key) struct zca_key *previous = zca_keystore_previous(
        zca_identity_get_library(identity), zca_identity_get_keystore(identity),
        zca_identity_get_authority_name(identity), zca_identity_get_name(identity), NULL);
    if (!previous || !is_key_of(previous, public_key)) {
        (void)zca_error_set(
            err, ZCA_ERR_CONFLICT,
            "the key of '%s' was replaced: write the file anew with 'zca export %s'",
            zca_identity_get_uri(identity), zca_identity_get_name(identity));
        return NULL; /* as the error says */
    }
    return zca_steal(previous);
}

bool zca_identity_certificates(struct zca_identity *identity, STACK_OF(X509) * *out_certificates,
                               struct zca_error *err)
{
    zca_library_enter(zca_identity_get_library(identity));
    return zca_certificate_load(zca_identity_get_library(identity),
                                zca_identity_get_authority_name(identity),
                                zca_identity_get_name(identity), out_certificates, err);
}

/* ---- captured requests ---- */

static bool is_own_request(struct zca_identity *identity, struct zca_span der,
                           struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(zca_identity_get_library(identity), err);
    zca_auto(X509_REQ) X509_REQ *request =
        context ? zca_pem_parse_request(context, der, err) : NULL;
    zca_auto(zca_key) struct zca_key *key = request ? zca_identity_key(identity, err) : NULL;
    if (!key) {
        return false;
    }
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &spki);
    bool own = len > 0 && zca_span_equal(zca_span_of(spki, (size_t)len), zca_key_get_public(key));
    OPENSSL_free(spki);
    return own ||
           zca_error_set(err, ZCA_ERR_INVALID, "the request is for another key than that of '%s'",
                         zca_identity_get_uri(identity));
}

bool zca_identity_capture(struct zca_identity *identity, struct zca_span der, struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_library_enter(library);
    zca_auto(text) char *path = zca_identity_order_path(identity, ".csr", err);
    return path && is_own_request(identity, der, err) &&
           zca_library_prepare(library, ZCA_PLACE_ORDERS, zca_identity_get_authority_name(identity),
                               err) &&
           zca_file_store(path, 0600, der, err);
}
