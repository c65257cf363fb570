/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as raw values. One table names the values of each key family, so making, importing and
 * handing out a key are each one loop. Private values never leave secret memory except into
 * OSSL_PARAMs, whose private part is secure memory too.
 */
#include "core/key.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/lock.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/key_value.h"

struct zca_key {
    _Atomic unsigned references;
    struct zca_library *library; /* borrowed: outlives its keys */
    const struct zca_key_type *type;
    enum zca_key_origin origin;
    struct zca_buffer public_key; /* DER SubjectPublicKeyInfo */
    struct zca_buffer values[ZCA_KEY_MAX_VALUES];
    pthread_mutex_t mutex; /* over pkey */
    EVP_PKEY *pkey;
};

/* name, is_private, is_number */
static const struct zca_key_family families[] = {
    {"EC",      {{OSSL_PKEY_PARAM_PUB_KEY, false, false}, {OSSL_PKEY_PARAM_PRIV_KEY, true, true}}, 2},
    {"RSA",
     {{OSSL_PKEY_PARAM_RSA_N, false, true},
      {OSSL_PKEY_PARAM_RSA_E, false, true},
      {OSSL_PKEY_PARAM_RSA_D, true, true},
      {OSSL_PKEY_PARAM_RSA_FACTOR1, true, true},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, true, true},
      {OSSL_PKEY_PARAM_RSA_EXPONENT1, true, true},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, true, true},
      {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, true, true}},
     8                                                                                              },
    {"ED25519",
     {{OSSL_PKEY_PARAM_PUB_KEY, false, false}, {OSSL_PKEY_PARAM_PRIV_KEY, true, false}},
     2                                                                                              },
};

const struct zca_key_family *zca_key_family_of(const struct zca_key_type *type)
{
    for (size_t i = 0; i < ZCA_COUNT(families); i++) {
        if (strcmp(families[i].keymgmt, type->keymgmt) == 0) {
            return &families[i];
        }
    }
    return NULL;
}

/* ---- life ---- */

struct zca_key *zca_key_from_values(struct zca_library *library, const struct zca_key_type *type,
                                    enum zca_key_origin origin, struct zca_buffer *values,
                                    struct zca_span public_key, struct zca_error *err)
{
    zca_auto(zca_key) struct zca_key *key = calloc(1, sizeof(*key));
    if (!key) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    key->references = 1;
    key->library = library;
    key->type = type;
    key->origin = origin;
    (void)pthread_mutex_init(&key->mutex, NULL); /* cannot fail with default attributes */
    for (size_t i = 0; i < ZCA_KEY_MAX_VALUES; i++) {
        zca_buffer_move(&key->values[i], &values[i]);
    }
    if (!zca_buffer_append(&key->public_key, public_key, err)) {
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
    for (size_t i = 0; i < ZCA_KEY_MAX_VALUES; i++) {
        zca_buffer_clear(&key->values[i]);
    }
    zca_buffer_clear(&key->public_key);
    EVP_PKEY_free(key->pkey);
    (void)pthread_mutex_destroy(&key->mutex); /* nobody holds it any more */
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

struct zca_span zca_key_value(const struct zca_key *key, size_t index)
{
    return zca_buffer_span(&key->values[index]);
}

/* ---- from OpenSSL's parameters ---- */

static bool copy_value(const OSSL_PARAM *params, const struct zca_key_value_row *row,
                       struct zca_buffer *out_value, struct zca_error *err)
{
    out_value->secret = row->is_private;
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, row->name);
    if (!param) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the key has no value '%s'", row->name);
    }
    if (!row->is_number) {
        return zca_buffer_append(out_value, zca_span_of(param->data, param->data_size), err);
    }
    zca_auto(BIGNUM) BIGNUM *number = row->is_private ? BN_secure_new() : BN_new();
    if (!number || OSSL_PARAM_get_BN(param, &number) != 1) {
        return zca_error_set_crypto(err, "reading the key's value '%s'", row->name);
    }
    if (!zca_buffer_resize(out_value, (size_t)BN_num_bytes(number), err)) {
        return false;
    }
    return BN_bn2bin(number, out_value->data) >= 0;
}

static void clear_values(struct zca_buffer (*values)[ZCA_KEY_MAX_VALUES])
{
    for (size_t i = 0; i < ZCA_KEY_MAX_VALUES; i++) {
        zca_buffer_clear(&(*values)[i]);
    }
}

typedef struct zca_buffer value_array[ZCA_KEY_MAX_VALUES];
ZCA_DEFINE_AUTO_CLEAR(values, value_array, clear_values);

static bool append_public(EVP_PKEY *pkey, struct zca_buffer *out_der, struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a public key");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

/* Borrows `pkey`, which belongs to the library's context. */
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
    zca_auto(OSSL_PARAM) OSSL_PARAM *params = NULL;
    if (EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params) != 1) {
        (void)zca_error_set_crypto(err, "reading the values of a key");
        return NULL;
    }
    zca_auto(values) value_array values = {{0}};
    const struct zca_key_family *family = zca_key_family_of(type);
    for (size_t i = 0; i < family->num_rows; i++) {
        if (!copy_value(params, &family->rows[i], &values[i], err)) {
            return NULL;
        }
    }
    zca_auto(zca_buffer) struct zca_buffer public_key = {0};
    if (!append_public(pkey, &public_key, err)) {
        return NULL;
    }
    return zca_key_from_values(library, type, origin, values, zca_buffer_span(&public_key), err);
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
    if (!pkey || cursor != der.data + der.len) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "the bytes are no private key");
        return NULL;
    }
    return key_from_pkey(library, pkey, ZCA_KEY_MADE_BY_AUTHORITY, err);
}

static EVP_PKEY *pkey_from_params(struct zca_library *library, const struct zca_key_type *type,
                                  OSSL_PARAM *params, struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context) {
        return NULL;
    }
    EVP_PKEY *pkey = NULL;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *import =
        EVP_PKEY_CTX_new_from_name(context, type->keymgmt, NULL);
    if (!import || EVP_PKEY_fromdata_init(import) != 1 ||
        EVP_PKEY_fromdata(import, &pkey, EVP_PKEY_KEYPAIR, params) != 1) {
        (void)zca_error_set_crypto(err, "making a key object of type '%s'", type->name);
        return NULL;
    }
    return pkey;
}

struct zca_key *zca_key_from_params(struct zca_library *library, const struct zca_key_type *type,
                                    const OSSL_PARAM *params, struct zca_error *err)
{
    zca_auto(OSSL_PARAM) OSSL_PARAM *copy = OSSL_PARAM_dup(params);
    if (!copy) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = pkey_from_params(library, type, copy, err);
    return pkey ? key_from_pkey(library, pkey, ZCA_KEY_MADE_HERE, err) : NULL;
}

/* ---- to OpenSSL's parameters ---- */

static bool push_number(OSSL_PARAM_BLD *builder, const struct zca_key *key,
                        const struct zca_key_value_row *row, struct zca_span value,
                        BIGNUM **out_number)
{
    BIGNUM *number = row->is_private ? BN_secure_new() : BN_new();
    *out_number = number; /* the builder keeps a pointer until to_param */
    if (!number || !BN_bin2bn(value.data, (int)value.len, number)) {
        return false;
    }
    if (row->is_private && key->type->group) { /* a scalar has the length of the order */
        return OSSL_PARAM_BLD_push_BN_pad(builder, row->name, number,
                                          (size_t)(key->type->bits + 7) / 8) == 1;
    }
    return OSSL_PARAM_BLD_push_BN(builder, row->name, number) == 1;
}

static OSSL_PARAM *build_params(OSSL_PARAM_BLD *builder, const struct zca_key *key,
                                bool with_private)
{
    const struct zca_key_family *family = zca_key_family_of(key->type);
    BIGNUM *numbers[ZCA_KEY_MAX_VALUES] = {NULL};
    bool ok =
        !key->type->group || OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
                                                             key->type->group, 0) == 1;
    for (size_t i = 0; ok && i < family->num_rows; i++) {
        const struct zca_key_value_row *row = &family->rows[i];
        struct zca_span value = zca_key_value(key, i);
        if (row->is_private && !with_private) {
            break; /* public values come first */
        }
        ok = row->is_number
                 ? push_number(builder, key, row, value, &numbers[i])
                 : OSSL_PARAM_BLD_push_octet_string(builder, row->name, value.data, value.len) == 1;
    }
    OSSL_PARAM *params = ok ? OSSL_PARAM_BLD_to_param(builder) : NULL;
    for (size_t i = 0; i < ZCA_KEY_MAX_VALUES; i++) {
        BN_clear_free(numbers[i]);
    }
    return params;
}

OSSL_PARAM *zca_key_params(const struct zca_key *key, bool with_private, struct zca_error *err)
{
    zca_auto(OSSL_PARAM_BLD) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = builder ? build_params(builder, key, with_private) : NULL;
    if (!params) {
        (void)zca_error_set_crypto(err, "preparing the values of a key");
    }
    return params;
}

EVP_PKEY *zca_key_pkey(struct zca_key *key, struct zca_error *err)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&key->mutex);
    if (!key->pkey) {
        zca_auto(OSSL_PARAM) OSSL_PARAM *params = zca_key_params(key, true, err);
        key->pkey = params ? pkey_from_params(key->library, key->type, params, err) : NULL;
    }
    return key->pkey;
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
