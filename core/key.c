/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as objects of the crypto provider's key management (provider-keymgmt(7)). Private values pass through
 * wiped secret memory on their way in and out; what stays is the provider's one copy.
 */
#include "core/key.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/gate.h"
#include "base/openssl_auto.h"
#include "base/secure_memory.h"
#include "core/crypto.h"
#include "core/key_value.h"

struct zca_key {
    _Atomic unsigned references;
    struct zca_library *library; /* borrowed: outlives its keys */
    const struct zca_key_type *type;
    enum zca_key_origin origin;
    struct zca_buffer public_key; /* DER SubjectPublicKeyInfo */
    const struct zca_functions *functions;
    void *inner;
    struct zca_key_watch watch;
};

/* ---- life ---- */

/* Takes `inner`, also on failure. */
static struct zca_key *key_around(struct zca_library *library, const struct zca_key_type *type,
                                  const struct zca_functions *functions, void *inner,
                                  struct zca_error *err)
{
    struct zca_key *key = inner ? calloc(1, sizeof(*key)) : NULL;
    if (!key) {
        ZCA_KEYMGMT(free, FREE, functions)(inner);
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* NULL tells */
        return NULL;
    }
    key->references = 1;
    key->library = library;
    key->type = type;
    key->functions = functions;
    key->inner = inner;
    return key;
}

/* The functions that make a key of the type. */
static const struct zca_functions *find_functions(struct zca_library *library,
                                                  const struct zca_key_type *type,
                                                  void **out_provctx, struct zca_error *err)
{
    const struct zca_functions *functions =
        zca_crypto_keymgmt(library, type->keymgmt, out_provctx, err);
    if (functions && !zca_secure_memory_has_room()) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY,
                            "the memory for private values is full: more secure-memory in [zca] "
                            "of %s",
                            zca_library_config_file(library));
        return NULL; /* as the error says */
    }
    return functions;
}

/* An empty key of the type, to import into. */
static struct zca_key *key_new(struct zca_library *library, const struct zca_key_type *type,
                               struct zca_error *err)
{
    void *provctx = NULL;
    const struct zca_functions *functions = find_functions(library, type, &provctx, err);
    return functions ? key_around(library, type, functions,
                                  ZCA_KEYMGMT(new, NEW, functions)(provctx), err)
                     : NULL;
}

/* What the import has put into ordinary memory is wiped with it; the copy is in secure memory. */
static bool move_to_secure_memory(struct zca_key *key)
{
    OSSL_FUNC_keymgmt_dup_fn *dup = ZCA_KEYMGMT(dup, DUP, key->functions);
    void *copy = dup ? dup(key->inner, OSSL_KEYMGMT_SELECT_ALL) : NULL;
    if (copy) {
        ZCA_KEYMGMT(free, FREE, key->functions)(key->inner);
        key->inner = copy;
    }
    return copy;
}

static bool import(const OSSL_PARAM params[], struct zca_key *key, struct zca_error *err)
{
    bool imported =
        ZCA_KEYMGMT(import, IMPORT, key->functions)(key->inner, OSSL_KEYMGMT_SELECT_ALL, params);
    bool is_open = zca_key_family_of(key->type)->import_is_open;
    return (imported && (!is_open || move_to_secure_memory(key))) ||
           zca_error_set_crypto(err, "making a key object of type '%s'", key->type->name);
}

struct zca_key *zca_key_from_values(struct zca_library *library, const struct zca_key_type *type,
                                    enum zca_key_origin origin, const struct zca_key_values *values,
                                    struct zca_span public_key, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    OSSL_PARAM params[ZCA_KEY_MAX_VALUES + 2];
    zca_auto(zca_key) struct zca_key *key = key_new(library, type, err);
    zca_key_values_lend(type, values, params);
    if (!key || !import(params, key, err) ||
        !zca_buffer_append(&key->public_key, public_key, err)) {
        return NULL;
    }
    key->origin = origin;
    return zca_steal(key);
}

struct zca_key *zca_key_ref(struct zca_key *key)
{
    (void)atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

struct zca_key *zca_key_ref_alive(struct zca_key *key)
{
    unsigned references = atomic_load(&key->references);
    while (references != 0) {
        if (atomic_compare_exchange_weak(&key->references, &references, references + 1)) {
            return key;
        }
    }
    return NULL;
}

void zca_key_free(struct zca_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    zca_auto(gate) int inside = zca_gate_pass();
    if (key->watch.gone) {
        key->watch.gone(key->watch.argument, key);
    }
    ZCA_KEYMGMT(free, FREE, key->functions)(key->inner);
    zca_buffer_clear(&key->public_key);
    free(key);
}

void zca_key_set_watch(struct zca_key *key, const struct zca_key_watch *watch)
{
    key->watch = *watch;
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

void *zca_key_get_inner(const struct zca_key *key)
{
    return key->inner;
}

bool zca_key_values_of(const struct zca_key *key, struct zca_key_values *out_values,
                       struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    return zca_key_values_read(key->functions, key->inner, key->type, out_values, err);
}

/* ---- as OpenSSL's object ---- */

struct conversion {
    OSSL_LIB_CTX *context;
    const char *keymgmt;
    int selection;
    EVP_PKEY *pkey;
};

static int make_pkey(const OSSL_PARAM params[], void *argument)
{
    struct conversion *conversion = argument;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *import =
        zca_key_family_context(conversion->context, conversion->keymgmt);
    /* EVP_PKEY_fromdata takes a pointer that it does not write through */
    return import && EVP_PKEY_fromdata_init(import) == 1 &&
           EVP_PKEY_fromdata(import, &conversion->pkey, conversion->selection,
                             (OSSL_PARAM *)(uintptr_t)params) == 1;
}

static EVP_PKEY *convert(const struct zca_key *key, int selection, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    struct conversion conversion = {.context = zca_library_context(key->library, err),
                                    .keymgmt = key->type->keymgmt,
                                    .selection = selection};
    if (!conversion.context) {
        return NULL;
    }
    if (!ZCA_KEYMGMT(export, EXPORT, key->functions)(key->inner, selection, make_pkey,
                                                     &conversion)) {
        EVP_PKEY_free(conversion.pkey);
        (void)zca_error_set_crypto(err, "making a key object of type '%s'", key->type->name);
        return NULL;
    }
    return conversion.pkey;
}

EVP_PKEY *zca_key_pkey(const struct zca_key *key, struct zca_error *err)
{
    return convert(key, EVP_PKEY_KEYPAIR, err);
}

static bool fill_public(struct zca_key *key, struct zca_error *err)
{
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = convert(key, EVP_PKEY_PUBLIC_KEY, err);
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

/* ---- made here ---- */

/* RSA key generation tells its progress without asking whether somebody listens. */
static int ignore_progress(const OSSL_PARAM params[], void *argument)
{
    (void)params;   /* nobody waits for it */
    (void)argument; /* as above */
    return 1;
}

static void *generate(const struct zca_functions *functions, void *provctx,
                      const struct zca_key_type *type)
{
    size_t bits = (size_t)type->bits;
    OSSL_PARAM params[] = {type->group
                               ? OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                                  (char *)(uintptr_t)type->group, 0)
                               : OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits),
                           OSSL_PARAM_construct_end()};
    void *generation =
        ZCA_KEYMGMT(gen_init, GEN_INIT, functions)(provctx, OSSL_KEYMGMT_SELECT_KEYPAIR, params);
    void *inner =
        generation ? ZCA_KEYMGMT(gen, GEN, functions)(generation, ignore_progress, NULL) : NULL;
    if (generation) {
        ZCA_KEYMGMT(gen_cleanup, GEN_CLEANUP, functions)(generation);
    }
    return inner;
}

struct zca_key *zca_key_generate(struct zca_library *library, const struct zca_key_type *type,
                                 struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    void *provctx = NULL;
    const struct zca_functions *functions = find_functions(library, type, &provctx, err);
    void *inner = functions ? generate(functions, provctx, type) : NULL;
    if (!inner) {
        if (functions) {
            (void)zca_error_set_crypto(err, "making a key of type '%s'", type->name);
        }
        return NULL; /* as the error says */
    }
    zca_auto(zca_key) struct zca_key *key = key_around(library, type, functions, inner, err);
    return key && fill_public(key, err) ? zca_steal(key) : NULL;
}

/* ---- made elsewhere ---- */

struct intake {
    struct zca_key *key;
    struct zca_error *err;
};

static int take_in(const OSSL_PARAM params[], void *argument)
{
    const struct intake *intake = argument;
    return import(params, intake->key, intake->err);
}

static struct zca_key *key_from_pkey(struct zca_library *library, EVP_PKEY *pkey,
                                     struct zca_error *err)
{
    const struct zca_key_type *type = zca_key_type_of(pkey);
    if (!type) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                            "keys of type '%s' with %d bits are not used here",
                            EVP_PKEY_get0_type_name(pkey), EVP_PKEY_get_bits(pkey));
        return NULL;
    }
    zca_auto(zca_key) struct zca_key *key = key_new(library, type, err);
    struct intake intake = {key, err};
    if (!key || EVP_PKEY_export(pkey, EVP_PKEY_KEYPAIR, take_in, &intake) != 1 ||
        !fill_public(key, err)) {
        return NULL;
    }
    key->origin = ZCA_KEY_MADE_BY_AUTHORITY;
    return zca_steal(key);
}

/* Do the values make one key? An authority may have sent halves of two. */
static bool check_pair(const struct zca_key *key, struct zca_error *err)
{
    OSSL_FUNC_keymgmt_validate_fn *validate = ZCA_KEYMGMT(validate, VALIDATE, key->functions);
    return (validate &&
            validate(key->inner, OSSL_KEYMGMT_SELECT_KEYPAIR, OSSL_KEYMGMT_VALIDATE_FULL_CHECK)) ||
           zca_error_set(err, ZCA_ERR_INVALID, "private and public part are not of one key");
}

/* The public point in the form that everybody expects (SEC 1, 2.3.3). */
static bool uncompress(EVP_PKEY *pkey)
{
    return EVP_PKEY_is_a(pkey, "EC") != 1 ||
           EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                          OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1;
}

struct zca_key *zca_key_import_pkcs8(struct zca_library *library, struct zca_span der,
                                     struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
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
    zca_auto(zca_key) struct zca_key *key = key_from_pkey(library, pkey, err);
    return key && check_pair(key, err) ? zca_steal(key) : NULL;
}

/* ---- use ---- */

bool zca_key_export_plain(struct zca_key *key, struct zca_buffer *out_der, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = zca_key_pkey(key, err);
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
