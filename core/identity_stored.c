/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an identity lies on this host: its key, its certificates, and the request that its key
 * signed last. Never the network, never a wait.
 */
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/tbs.h"
#include "core/certificate.h"
#include "core/identity.h"
#include "core/keyring.h"
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

/* Keys of files are known by all of what seals them: the same bytes are the same key. */
static bool sealed_label(struct zca_identity *identity, struct zca_span sealed,
                         struct zca_buffer *out_label, struct zca_error *err)
{
    return zca_buffer_format(out_label, err, "%s/%s ", zca_identity_get_authority_name(identity),
                             zca_identity_get_name(identity)) &&
           zca_base64_encode(sealed, false, out_label, err);
}

static struct zca_key *open_sealed(struct zca_identity *identity, struct zca_span sealed,
                                   struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(zca_buffer) struct zca_buffer label = {0};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    if (!zca_buffer_format(&label, err, "%s/%s", zca_identity_get_authority_name(identity),
                           zca_identity_get_name(identity)) ||
        !zca_sealing_key_load(library, zca_identity_get_keystore(identity), false, &sealing_key,
                              err)) {
        return NULL;
    }
    return zca_key_unseal(library, (const char *)label.data, zca_buffer_span(&sealing_key), sealed,
                          err);
}

struct zca_key *zca_identity_key_sealed(struct zca_identity *identity, struct zca_span sealed,
                                        struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(zca_buffer) struct zca_buffer label = {0};
    if (!sealed_label(identity, sealed, &label, err)) {
        return NULL;
    }
    const char *text = (const char *)label.data;
    struct zca_key *in_use = zca_keyring_find(library, text, NULL);
    if (in_use) {
        return in_use;
    }
    struct zca_key *key = open_sealed(identity, sealed, err);
    if (key) {
        zca_keyring_put(library, text, NULL, key);
    }
    return key;
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

/* The request was signed a moment ago: it is told apart from others by its public key alone. */
static bool is_own_request(struct zca_identity *identity, struct zca_span der,
                           struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer theirs = {0};
    zca_auto(zca_buffer) struct zca_buffer ours = {0};
    if (!zca_tbs_request_public(der, &theirs, err) ||
        !zca_keystore_public(zca_identity_get_library(identity),
                             zca_identity_get_keystore(identity),
                             zca_identity_get_authority_name(identity),
                             zca_identity_get_name(identity), &ours, err)) {
        return false;
    }
    return zca_span_equal(zca_buffer_span(&theirs), zca_buffer_span(&ours)) ||
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
           zca_file_store_soon(path, 0600, der, err); /* docs/decisions/0009 */
}
