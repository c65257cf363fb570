/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of an identity. All are made first, without the lock; then those of the generation before step back and the new
 * ones are added, under the lock, so that a search finds one generation or the other.
 */
#include "pkcs11-module/generation.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/certificate.h"
#include "core/keystore.h"
#include "core/renew.h"
#include "pkcs11-module/batch.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/material.h"
#include "pkcs11-module/rules.h"
#include "pkcs11-module/session.h"

void zca_generation_clear(struct zca_generation *generation)
{
    zca_buffer_clear(&generation->public_key);
    zca_chain_free(generation->chain);
    *generation = (struct zca_generation){0};
}

/* ---- reading ---- */

bool zca_generation_place_find(struct zca_identity *identity,
                               struct zca_generation_place *out_place, struct zca_error *err)
{
    struct zca_error in_memory = {0};
    struct zca_library *library = zca_identity_get_library(identity);
    const char *authority = zca_identity_get_authority_name(identity);
    const char *name = zca_identity_get_name(identity);
    out_place->key = zca_keystore_path(library, zca_identity_get_keystore(identity), authority,
                                       name, &in_memory);
    if (!out_place->key && in_memory.reason != ZCA_ERR_UNSUPPORTED) {
        return zca_error_set(err, in_memory.reason, "%s", in_memory.message);
    }
    out_place->certificate =
        zca_library_path(library, ZCA_PLACE_CERTS, authority, name, ".pem", err);
    return out_place->certificate;
}

void zca_generation_place_clear(struct zca_generation_place *place)
{
    free(place->key);
    free(place->certificate);
    *place = (struct zca_generation_place){0};
}

/* What is not there, or not to be seen, is all zero. */
static struct stat look_at(const char *path)
{
    struct stat status = {0};
    if (stat(path, &status) != 0) {
        return (struct stat){0};
    }
    return status;
}

bool zca_generation_is_current(const struct zca_generation_place *place,
                               const struct zca_generation *known)
{
    if (!place->key || known->public_key.len == 0) {
        return false;
    }
    const struct stat key = look_at(place->key);
    const struct stat certificate = look_at(place->certificate);
    return zca_file_same(&key, &known->key_status) &&
           zca_file_same(&certificate, &known->certificate_status);
}

/* The statuses first: a file that is replaced after that is read again next time. */
bool zca_generation_read(struct zca_identity *identity, const struct zca_generation_place *place,
                         struct zca_generation *out_generation, struct zca_error *err)
{
    struct zca_error missing = {0};
    zca_auto(zca_generation) struct zca_generation found = {0};
    found.key_status = place->key ? look_at(place->key) : (struct stat){0};
    found.certificate_status = look_at(place->certificate);
    bool has_key =
        zca_keystore_public(zca_identity_get_library(identity), zca_identity_get_keystore(identity),
                            zca_identity_get_authority_name(identity),
                            zca_identity_get_name(identity), &found.public_key, &missing);
    if (!has_key && missing.reason != ZCA_ERR_NOT_FOUND) {
        if (err) {
            *err = missing;
        }
        return false;
    }
    found.chain = zca_certificate_load_chain(zca_identity_get_library(identity),
                                             zca_identity_get_authority_name(identity),
                                             zca_identity_get_name(identity), NULL);
    if (found.chain && has_key &&
        !zca_span_equal(zca_chain_get_public(found.chain), zca_buffer_span(&found.public_key))) {
        zca_chain_free(found.chain);
        found.chain = NULL;
    }
    *out_generation = found;
    found = (struct zca_generation){0};
    return true;
}

/* The cache of core hands out the same chain as long as the file is the same; bytes settle the rest. */
static bool same_chain(const struct zca_chain *left, const struct zca_chain *right)
{
    if (left == right || !left || !right) {
        return left == right;
    }
    return zca_span_equal(zca_chain_get_der(left, 0), zca_chain_get_der(right, 0));
}

static bool same_key(const struct zca_generation *left, const struct zca_generation *right)
{
    return zca_span_equal(zca_buffer_span(&left->public_key), zca_buffer_span(&right->public_key));
}

bool zca_generation_same(const struct zca_generation *left, const struct zca_generation *right)
{
    return same_key(left, right) && same_chain(left->chain, right->chain);
}

/* ---- making objects ---- */

struct key_row {
    CK_ATTRIBUTE_TYPE type;
    bool of_private, of_public; /* has it */
    bool value;
};

/* Beside the fallbacks of the attribute table. */
static const struct key_row key_rows[] = {
    {CKA_TOKEN,       true,  true,  true },
    {CKA_MODIFIABLE,  true,  true,  true },
    {CKA_DESTROYABLE, true,  true,  false},
    {CKA_SENSITIVE,   true,  false, true },
    {CKA_EXTRACTABLE, true,  false, false},
    {CKA_SIGN,        true,  false, true },
    {CKA_VERIFY,      false, true,  true },
};

/* What only some keys can: EC derives, RSA decrypts. */
static CK_RV set_uses(struct zca_values *values, const struct zca_key *key, bool is_private)
{
    bool is_rsa = zca_key_get_type(key)->nid == EVP_PKEY_RSA;
    bool is_ec = zca_key_get_type(key)->nid == EVP_PKEY_EC;
    CK_RV rv = zca_values_set_boolean(values, is_private ? CKA_DECRYPT : CKA_ENCRYPT, is_rsa);
    return rv == CKR_OK ? zca_values_set_boolean(values, CKA_DERIVE, is_ec && is_private) : rv;
}

static CK_RV set_history(struct zca_values *values, const struct zca_key *key, bool is_private)
{
    bool is_ours = zca_key_get_origin(key) == ZCA_KEY_MADE_HERE;
    CK_RV rv = zca_values_set_boolean(values, CKA_LOCAL, is_ours);
    if (rv == CKR_OK && is_private) {
        rv = zca_values_set_boolean(values, CKA_ALWAYS_SENSITIVE, is_ours);
    }
    return rv == CKR_OK && is_private
               ? zca_values_set_boolean(values, CKA_NEVER_EXTRACTABLE, is_ours)
               : rv;
}

static CK_RV set_rows(struct zca_values *values, bool is_private)
{
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && i < ZCA_COUNT(key_rows); i++) {
        if (is_private ? key_rows[i].of_private : key_rows[i].of_public) {
            rv = zca_values_set_boolean(values, key_rows[i].type, key_rows[i].value);
        }
    }
    return rv;
}

/* The values that every object has: what the table gives, and its label. */
static CK_RV new_values(CK_OBJECT_CLASS class, const char *label, struct zca_values **out_values)
{
    const struct zca_template none = {0};
    CK_RV rv = zca_values_from_template(class, &none, ZCA_ORIGIN_LOAD, out_values);
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(*out_values, CKA_TOKEN, true);
    }
    return rv == CKR_OK ? zca_values_set_text(*out_values, CKA_LABEL, label) : rv;
}

struct making {
    struct zca_token *token;
    struct zca_identity *identity;
    OSSL_LIB_CTX *context;
    bool is_private;
    struct zca_batch *batch;
};

static CK_RV make_key(const struct making *making, const struct zca_key *key, EVP_PKEY *pkey,
                      bool is_private)
{
    CK_OBJECT_CLASS class = is_private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
    zca_auto(zca_values) struct zca_values *values = NULL;
    CK_RV rv = new_values(class, zca_identity_get_name(making->identity), &values);
    if (rv == CKR_OK) {
        rv = set_rows(values, is_private);
    }
    if (rv == CKR_OK) {
        rv = set_uses(values, key, is_private);
    }
    if (rv == CKR_OK) {
        rv = set_history(values, key, is_private);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(values, CKA_PRIVATE, is_private && making->is_private);
    }
    if (rv == CKR_OK) {
        rv = zca_material_describe(pkey, class, values);
    }
    if (rv == CKR_OK) {
        rv = zca_material_identify(making->context, values);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    return EVP_PKEY_up_ref(pkey) == 1 ? zca_batch_add(making->batch, zca_steal(values), pkey)
                                      : CKR_HOST_MEMORY;
}

/* Core's key is given back at once: the objects' is then the only copy of the private value. */
static CK_RV make_key_pair(const struct making *making, struct zca_span public_key)
{
    struct zca_error err = {0};
    zca_auto(zca_key) struct zca_key *key = zca_identity_key_of(making->identity, public_key, &err);
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = key ? zca_key_pkey(key, &err) : NULL;
    if (!pkey) {
        return zca_pkcs11_fail(making->token->library, &err);
    }
    CK_RV rv = make_key(making, key, pkey, true);
    return rv == CKR_OK ? make_key(making, key, pkey, false) : rv;
}

static CK_RV make_certificate(const struct making *making, X509 *certificate, const char *label,
                              CK_ULONG category)
{
    zca_auto(zca_values) struct zca_values *values = NULL;
    CK_RV rv = new_values(CKO_CERTIFICATE, label, &values);
    if (rv == CKR_OK) {
        rv = zca_values_set_number(values, CKA_CERTIFICATE_CATEGORY, category);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(values, CKA_DESTROYABLE, false);
    }
    if (rv == CKR_OK) {
        rv = zca_material_certificate(making->context, certificate, values);
    }
    if (rv == CKR_OK) {
        rv = zca_material_identify(making->context, values);
    }
    return rv == CKR_OK ? zca_batch_add(making->batch, zca_steal(values), NULL) : rv;
}

static CK_RV make_issuer(const struct making *making, X509 *certificate)
{
    char label[256] = ""; /* longer than a common name may be (RFC 5280, A.1) */
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, label,
                                    sizeof(label)); /* none: an empty label */
    return make_certificate(making, certificate, label, CK_CERTIFICATE_CATEGORY_AUTHORITY);
}

static bool is_in_chain(const STACK_OF(X509) * chain, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (X509_cmp(sk_X509_value(chain, i), certificate) == 0) {
            return true;
        }
    }
    return false;
}

/* The leaf, its issuers, and the issuers behind the chain, up to the root, as they are pinned. */
static CK_RV make_chain(const struct making *making, struct zca_generation *fresh)
{
    const char *name = zca_identity_get_name(making->identity);
    zca_auto(X509_STACK) STACK_OF(X509) *pinned = NULL;
    if (!zca_authority_certificates(zca_identity_get_authority(making->identity), true, &pinned,
                                    NULL)) {
        pinned = NULL; /* none is pinned yet */
    }
    zca_auto(X509_STACK) STACK_OF(X509) *chain =
        zca_chain_certificates(fresh->chain, making->token->library, pinned, NULL);
    if (!chain) {
        return CKR_DEVICE_ERROR;
    }
    fresh->due_s = zca_renew_due_s(sk_X509_value(chain, 0), name);
    CK_RV rv =
        make_certificate(making, sk_X509_value(chain, 0), name, CK_CERTIFICATE_CATEGORY_TOKEN_USER);
    for (int i = 1; rv == CKR_OK && i < sk_X509_num(chain); i++) {
        rv = make_issuer(making, sk_X509_value(chain, i));
    }
    for (int i = 0; rv == CKR_OK && i < sk_X509_num(pinned); i++) {
        if (!is_in_chain(chain, sk_X509_value(pinned, i))) {
            rv = make_issuer(making, sk_X509_value(pinned, i));
        }
    }
    return rv;
}

/* ---- the switch ---- */

struct stepping_back {
    bool keys_stay;
};

/* Of the generation that is left, and of no application. The keys of a renewed key stay as they are, and its old leaf is
 * not found any more, because it has the CKA_ID of the new one. */
static bool step_back(void *argument, struct zca_object *object)
{
    const struct stepping_back *how = argument;
    bool is_key = object->class == CKO_PRIVATE_KEY || object->class == CKO_PUBLIC_KEY;
    bool is_ours = object->owner == 0 && (is_key || object->class == CKO_CERTIFICATE);
    if (!is_ours || (is_key && how->keys_stay)) {
        return true;
    }
    if (is_key || !how->keys_stay) {
        object->is_superseded = true;
    } else if (!object->is_superseded) {
        object->is_hidden = true;
    }
    return true;
}

/* ---- what nobody can need any more ---- */

struct expired {
    char today[sizeof(CK_DATE)];
    struct zca_object *found;
};

static bool is_expired(void *argument, struct zca_object *object)
{
    struct expired *expired = argument;
    struct zca_span end = {0};
    bool is_old = object->is_superseded || object->is_hidden;
    if (is_old && zca_values_find(object->values, CKA_END_DATE, &end) &&
        end.len == sizeof(CK_DATE) && memcmp(end.data, expired->today, end.len) < 0) {
        expired->found = object;
        return false;
    }
    return true;
}

static bool is_key_of_old(void *argument, struct zca_object *object)
{
    struct expired *expired = argument;
    expired->found = object->is_superseded && object->class != CKO_CERTIFICATE ? object : NULL;
    return !expired->found;
}

static struct zca_object *take_found(struct zca_token *token, const struct expired *expired)
{
    return expired->found ? zca_objects_take(token->objects, expired->found->handle) : NULL;
}

static void drop_keys(struct zca_token *token, const struct zca_object *leaf)
{
    struct expired expired = {0};
    struct zca_span id = {0};
    if (!zca_values_find(leaf->values, CKA_ID, &id)) {
        return;
    }
    do {
        expired.found = NULL;
        zca_objects_visit(token->objects, &id, is_key_of_old, &expired);
        zca_object_free(take_found(token, &expired));
    } while (expired.found);
}

/* An old leaf goes the day after its end, and its keys with it. Alone under the lock. */
static void drop_expired(struct zca_token *token)
{
    struct expired expired = {0};
    char now[ZCA_RFC3339_SIZE];
    zca_clock_format(zca_clock_now_ms(), now);
    memcpy(expired.today, now, 4); /* YYYY-MM-DD as CK_DATE has it */
    memcpy(expired.today + 4, now + 5, 2);
    memcpy(expired.today + 6, now + 8, 2);
    do {
        expired.found = NULL;
        zca_objects_visit(token->objects, NULL, is_expired, &expired);
        zca_auto(zca_object) struct zca_object *leaf = take_found(token, &expired);
        if (leaf) {
            drop_keys(token, leaf);
        }
    } while (expired.found);
}

static CK_RV switch_to(struct zca_token *token, struct zca_batch *batch, bool keys_stay)
{
    struct stepping_back how = {.keys_stay = keys_stay};
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    CK_RV rv = zca_batch_prepare(batch, token->objects);
    if (rv == CKR_OK) {
        zca_objects_visit(token->objects, NULL, step_back, &how);
        drop_expired(token);
        zca_sessions_forget_keys(alone->sessions, token);
        zca_batch_show(batch, token->objects);
    }
    return rv;
}

CK_RV zca_generation_show(struct zca_token *token, struct zca_identity *identity, bool is_private,
                          const struct zca_generation *old, struct zca_generation *fresh)
{
    CK_RV rv = CKR_OK;
    zca_auto(zca_batch) struct zca_batch batch = {.count = 0};
    struct making making = {
        .token = token,
        .identity = identity,
        .is_private = is_private,
        .batch = &batch,
    };
    bool keys_stay = same_key(old, fresh);
    making.context = zca_token_context(token, &rv);
    fresh->due_s = INT64_MAX;
    if (rv == CKR_OK && !keys_stay && fresh->public_key.len != 0) {
        rv = make_key_pair(&making, zca_buffer_span(&fresh->public_key));
    }
    if (rv == CKR_OK && fresh->chain) {
        rv = make_chain(&making, fresh);
    }
    return rv == CKR_OK ? switch_to(token, &batch, keys_stay) : rv;
}
