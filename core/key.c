/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as raw values, lent out as OSSL_PARAMs that point at them: a private value exists once,
 * in secret memory, until a key management makes its own copy.
 */
#include "core/key.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/openssl_auto.h"
#include "core/key_value.h"

struct zca_key {
    _Atomic unsigned references;
    struct zca_library *library; /* borrowed: outlives its keys */
    const struct zca_key_type *type;
    enum zca_key_origin origin;
    struct zca_buffer public_key; /* DER SubjectPublicKeyInfo */
    struct zca_key_values values;
    OSSL_PARAM params[ZCA_KEY_MAX_VALUES + 2]; /* private values, group, public values, end */
    size_t num_private;
    _Atomic(EVP_PKEY *) pkey; /* NULL until somebody needs it */
};

/* ---- life ---- */

static void lend_values(struct zca_key *key)
{
    const struct zca_key_family *family = zca_key_family_of(key->type);
    uint8_t *secret = key->values.secret.data;
    uint8_t *open = key->values.open.data;
    OSSL_PARAM *param = key->params;
    bool has_group = !key->type->group;
    for (size_t i = 0; i < family->num_rows; i++) {
        const struct zca_key_value_row *row = &family->rows[i];
        uint8_t **next = row->is_private ? &secret : &open;
        if (!row->is_private && !has_group) {
            has_group = true; /* OpenSSL does not write through it */
            *param++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                        (char *)key->type->group, 0);
        }
        *param++ = row->is_number
                       ? OSSL_PARAM_construct_BN(row->name, *next, key->values.lens[i])
                       : OSSL_PARAM_construct_octet_string(row->name, *next, key->values.lens[i]);
        *next += key->values.lens[i];
        key->num_private += row->is_private ? 1 : 0;
    }
    *param = OSSL_PARAM_construct_end();
}

static struct zca_key *make_key(struct zca_library *library, const struct zca_key_type *type,
                                enum zca_key_origin origin, struct zca_key_values *values,
                                struct zca_error *err)
{
    struct zca_key *key = calloc(1, sizeof(*key));
    if (!key) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    key->references = 1;
    key->library = library;
    key->type = type;
    key->origin = origin;
    zca_buffer_move(&key->values.secret, &values->secret);
    zca_buffer_move(&key->values.open, &values->open);
    memcpy(key->values.lens, values->lens, sizeof(values->lens));
    lend_values(key);
    return key;
}

struct zca_key *zca_key_from_values(struct zca_library *library, const struct zca_key_type *type,
                                    enum zca_key_origin origin, struct zca_key_values *values,
                                    struct zca_span public_key, struct zca_error *err)
{
    zca_auto(zca_key) struct zca_key *key = make_key(library, type, origin, values, err);
    if (!key || !zca_buffer_append(&key->public_key, public_key, err)) {
        return NULL;
    }
    return zca_steal(key);
}

struct zca_key *zca_key_ref(struct zca_key *key)
{
    (void)atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void zca_key_free(struct zca_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    EVP_PKEY_free(atomic_load(&key->pkey));
    zca_key_values_clear(&key->values);
    zca_buffer_clear(&key->public_key);
    free(key);
}

const struct zca_key_type *zca_key_get_type(const struct zca_key *key)
{
    return key->type;
}

enum zca_key_origin zca_key_get_origin(const struct zca_key *key)
{
    return key->origin;
}

struct zca_library *zca_key_get_library(const struct zca_key *key)
{
    return key->library;
}

struct zca_span zca_key_get_public(const struct zca_key *key)
{
    return zca_buffer_span(&key->public_key);
}

const struct zca_key_values *zca_key_get_values(const struct zca_key *key)
{
    return &key->values;
}

const OSSL_PARAM *zca_key_params(const struct zca_key *key, bool with_private)
{
    return with_private ? key->params : key->params + key->num_private;
}

/* ---- as OpenSSL's object ---- */

static EVP_PKEY *new_pkey(const struct zca_key *key, struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(key->library, err);
    if (!context) {
        return NULL;
    }
    EVP_PKEY *pkey = NULL;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *import =
        EVP_PKEY_CTX_new_from_name(context, key->type->keymgmt, NULL);
    /* EVP_PKEY_fromdata takes a pointer that it does not write through */
    if (!import || EVP_PKEY_fromdata_init(import) != 1 ||
        EVP_PKEY_fromdata(import, &pkey, EVP_PKEY_KEYPAIR, (OSSL_PARAM *)key->params) != 1) {
        (void)zca_error_set_crypto(err, "making a key object of type '%s'", key->type->name);
        return NULL;
    }
    return pkey;
}

/* Two threads may make one each: the first to be kept serves both. */
EVP_PKEY *zca_key_pkey(struct zca_key *key, struct zca_error *err)
{
    EVP_PKEY *kept = atomic_load_explicit(&key->pkey, memory_order_acquire);
    if (kept) {
        return kept;
    }
    EVP_PKEY *pkey = new_pkey(key, err);
    if (pkey && !atomic_compare_exchange_strong(&key->pkey, &kept, pkey)) {
        EVP_PKEY_free(pkey);
        return kept;
    }
    return pkey;
}

static bool fill_public(struct zca_key *key, struct zca_error *err)
{
    EVP_PKEY *pkey = zca_key_pkey(key, err);
    if (!pkey) {
        return false;
    }
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a public key");
    }
    bool ok = zca_buffer_append(&key->public_key, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

/* ---- made here or elsewhere ---- */

/* Borrows `pkey`. What is kept is built anew from its values, so it has the usual encoding. */
static struct zca_key *key_from_pkey(struct zca_library *library, EVP_PKEY *pkey,
                                     enum zca_key_origin origin, struct zca_error *err)
{
    const struct zca_key_type *type = zca_key_type_of(pkey);
    if (!type) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                            "keys of type '%s' with %d bits are not used here",
                            EVP_PKEY_get0_type_name(pkey), EVP_PKEY_get_bits(pkey));
        return NULL;
    }
    zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
    if (!zca_key_values_read(pkey, type, &values, err)) {
        return NULL;
    }
    zca_auto(zca_key) struct zca_key *key = make_key(library, type, origin, &values, err);
    if (!key || !fill_public(key, err)) {
        return NULL;
    }
    return zca_steal(key);
}

struct zca_key *zca_key_generate(struct zca_library *library, const struct zca_key_type *type,
                                 struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context) {
        return NULL;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = NULL;
    if (type->group) {
        pkey = EVP_PKEY_Q_keygen(context, NULL, type->keymgmt, type->group);
    } else {
        pkey = EVP_PKEY_Q_keygen(context, NULL, type->keymgmt, (size_t)type->bits);
    }
    if (!pkey) {
        (void)zca_error_set_crypto(err, "making a key of type '%s'", type->name);
        return NULL;
    }
    return key_from_pkey(library, pkey, ZCA_KEY_MADE_HERE, err);
}

/* Do the values make one key? An authority may have sent halves of two. */
static bool check_pair(struct zca_key *key, struct zca_error *err)
{
    EVP_PKEY *pkey = zca_key_pkey(key, err);
    OSSL_LIB_CTX *context = zca_library_context(key->library, err);
    if (!pkey || !context) {
        return false;
    }
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(context, pkey, NULL);
    return (check && EVP_PKEY_pairwise_check(check) == 1) ||
           zca_error_set(err, ZCA_ERR_INVALID, "private and public part are not of one key");
}

/* The public point in the form that the table expects (SEC 1, 2.3.3). */
static bool uncompress(EVP_PKEY *pkey)
{
    return EVP_PKEY_is_a(pkey, "EC") != 1 ||
           EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                          OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1;
}

struct zca_key *zca_key_import_pkcs8(struct zca_library *library, struct zca_span der,
                                     struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context) {
        return NULL;
    }
    const unsigned char *cursor = der.data;
    zca_auto(EVP_PKEY) EVP_PKEY *pkey =
        der.len <= LONG_MAX ? d2i_AutoPrivateKey_ex(NULL, &cursor, (long)der.len, context, NULL)
                            : NULL;
    if (!pkey || cursor != der.data + der.len || !uncompress(pkey)) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "the bytes are no private key");
        return NULL;
    }
    zca_auto(zca_key) struct zca_key *key =
        key_from_pkey(library, pkey, ZCA_KEY_MADE_BY_AUTHORITY, err);
    return key && check_pair(key, err) ? zca_steal(key) : NULL;
}

/* ---- use ---- */

bool zca_key_sign(struct zca_key *key, const char *digest, struct zca_span tbs,
                  struct zca_buffer *out_signature, struct zca_error *err)
{
    EVP_PKEY *pkey = zca_key_pkey(key, err);
    OSSL_LIB_CTX *context = zca_library_context(key->library, err);
    if (!pkey || !context) {
        return false;
    }
    const char *name = digest ? digest : key->type->digest;
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *sign = EVP_MD_CTX_new();
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    if (!sign || EVP_DigestSignInit_ex(sign, NULL, name, context, NULL, pkey, NULL) != 1) {
        return zca_error_set_crypto(err, "preparing a signature");
    }
    if (!zca_buffer_resize(&signature, len, err)) {
        return false;
    }
    if (EVP_DigestSign(sign, signature.data, &len, tbs.data, tbs.len) != 1) {
        return zca_error_set_crypto(err, "signing");
    }
    if (!zca_buffer_resize(&signature, len, err)) {
        return false;
    }
    zca_buffer_move(out_signature, &signature);
    return true;
}

bool zca_key_matches(const struct zca_key *key, const X509 *certificate)
{
    const X509_PUBKEY *public_key = X509_get_X509_PUBKEY(certificate);
    unsigned char *der = NULL;
    int len = public_key ? i2d_X509_PUBKEY(public_key, &der) : -1;
    if (len <= 0) {
        return false;
    }
    bool equal = zca_span_equal(zca_span_of(der, (size_t)len), zca_key_get_public(key));
    OPENSSL_free(der);
    return equal;
}

bool zca_key_export_plain(struct zca_key *key, struct zca_buffer *out_der, struct zca_error *err)
{
    EVP_PKEY *pkey = zca_key_pkey(key, err);
    if (!pkey) {
        return false;
    }
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    unsigned char *der = NULL;
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a private key");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_clear_free(der, (size_t)len);
    return ok;
}
