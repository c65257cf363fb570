/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds dispatch tables (provider-base(7), OSSL_PROVIDER_query_operation) and keeps those of key
 * managements and of AES-256-GCM. A table is published once and never changed, so readers take no lock.
 */
#include "core/crypto.h"

#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/openssl_auto.h"

static const char *const families[] = {"EC", "RSA", "ED25519"};

struct tables {
    void *provctx;
    struct zca_functions keymgmt[ZCA_COUNT(families)];
    struct zca_functions aes_256_gcm;
};

struct crypto {
    _Atomic(struct tables *) tables; /* NULL until the first need */
};

/* ---- finding ---- */

/* "EC:id-ecPublicKey:1.2.840.10045.2.1" has the name "EC". */
static bool has_name(const char *names, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = names; at; at = strchr(at, ':')) {
        at += *at == ':';
        if (strncasecmp(at, name, len) == 0 && (at[len] == ':' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static void copy_functions(const OSSL_DISPATCH *from, struct zca_functions *to)
{
    for (; from->function_id != 0; from++) {
        if (from->function_id < ZCA_NUM_FUNCTIONS) {
            to->entry[from->function_id] = *from;
        }
    }
}

bool zca_crypto_find(OSSL_PROVIDER *crypto, int operation, const char *name, const char *property,
                     struct zca_functions *out_functions)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *row = OSSL_PROVIDER_query_operation(crypto, operation, &no_cache);
    for (; row && row->algorithm_names; row++) {
        if (has_name(row->algorithm_names, name) && strstr(row->property_definition, property)) {
            copy_functions(row->implementation, out_functions);
            return true;
        }
    }
    return false;
}

/* ---- the kept tables ---- */

static void *crypto_new(void)
{
    return calloc(1, sizeof(struct crypto));
}

static void crypto_free(void *part)
{
    struct crypto *crypto = part;
    free(atomic_load(&crypto->tables));
    free(crypto);
}

static void crypto_forked(void *part)
{
    (void)part; /* no lock */
}

static const struct zca_part_functions crypto_functions = {crypto_new, crypto_free, crypto_forked};

/* An absent algorithm is reported when it is needed. */
static struct tables *find_tables(struct zca_library *library, struct zca_error *err)
{
    OSSL_PROVIDER *provider = zca_library_crypto(library, err);
    struct tables *tables = provider ? calloc(1, sizeof(*tables)) : NULL;
    if (!tables) {
        if (provider) {
            (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* NULL tells */
        }
        return NULL;
    }
    zca_library_secure_memory(library); /* before anybody has a function that makes a key */
    tables->provctx = OSSL_PROVIDER_get0_provider_ctx(provider);
    for (size_t i = 0; i < ZCA_COUNT(families); i++) {
        (void)zca_crypto_find(provider, OSSL_OP_KEYMGMT, families[i], "", &tables->keymgmt[i]);
    }
    (void)zca_crypto_find(provider, OSSL_OP_CIPHER, "AES-256-GCM", "", &tables->aes_256_gcm);
    return tables;
}

static const struct tables *get_tables(struct zca_library *library, struct zca_error *err)
{
    struct crypto *crypto = zca_library_part(library, ZCA_PART_CRYPTO, &crypto_functions, err);
    struct tables *kept = crypto ? atomic_load(&crypto->tables) : NULL;
    if (!crypto || kept) {
        return kept;
    }
    struct tables *fresh = find_tables(library, err);
    if (fresh && !atomic_compare_exchange_strong(&crypto->tables, &kept, fresh)) {
        free(fresh); /* another thread was first */
        return kept;
    }
    return fresh;
}

const struct zca_functions *zca_crypto_keymgmt(struct zca_library *library, const char *family,
                                               void **out_provctx, struct zca_error *err)
{
    const struct tables *tables = get_tables(library, err);
    for (size_t i = 0; tables && i < ZCA_COUNT(families); i++) {
        if (strcmp(families[i], family) == 0 && ZCA_KEYMGMT(new, NEW, &tables->keymgmt[i])) {
            *out_provctx = tables->provctx;
            return &tables->keymgmt[i];
        }
    }
    if (tables) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED, "the crypto provider has no %s keys", family);
    }
    return NULL;
}

/* ---- AES-256-GCM ---- */

struct run {
    const struct zca_functions *functions;
    void *context;
    bool encrypt;
};

static bool use_tag(const struct run *run, uint8_t *tag)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, ZCA_GCM_TAG_LEN),
        OSSL_PARAM_construct_end()};
    return run->encrypt
               ? ZCA_SYMMETRIC(get_ctx_params, GET_CTX_PARAMS, run->functions)(run->context, params)
               : ZCA_SYMMETRIC(set_ctx_params, SET_CTX_PARAMS, run->functions)(run->context,
                                                                               params);
}

static bool begin(const struct run *run, const struct zca_gcm *gcm)
{
    OSSL_FUNC_cipher_encrypt_init_fn *init =
        run->encrypt ? ZCA_SYMMETRIC(encrypt_init, ENCRYPT_INIT, run->functions)
                     : ZCA_SYMMETRIC(decrypt_init, DECRYPT_INIT, run->functions);
    return init(run->context, gcm->key.data, gcm->key.len, gcm->nonce.data, gcm->nonce.len, NULL);
}

/* `tag` is written or checked. */
static bool cipher(const struct run *run, const struct zca_gcm *gcm, struct zca_span input,
                   uint8_t *output, uint8_t *tag)
{
    OSSL_FUNC_cipher_update_fn *update = ZCA_SYMMETRIC(update, UPDATE, run->functions);
    struct zca_span more = gcm->additional;
    size_t len = 0;
    size_t rest = 0;
    return begin(run, gcm) && update(run->context, NULL, &len, more.len, more.data, more.len) &&
           update(run->context, output, &len, input.len, input.data, input.len) &&
           (run->encrypt || use_tag(run, tag)) &&
           ZCA_SYMMETRIC(final, FINAL, run->functions)(run->context, output + len, &rest,
                                                       input.len - len) &&
           (!run->encrypt || use_tag(run, tag)) && len + rest == input.len;
}

/* A nonce or key of another length than the cipher's own would need parameters. */
static bool run_cipher(struct zca_library *library, bool encrypt, const struct zca_gcm *gcm,
                       struct zca_span input, uint8_t *output, uint8_t *tag)
{
    const struct tables *tables = get_tables(library, NULL);
    const struct zca_functions *functions = tables ? &tables->aes_256_gcm : NULL;
    OSSL_FUNC_cipher_newctx_fn *make = functions ? ZCA_SYMMETRIC(newctx, NEWCTX, functions) : NULL;
    struct run run = {functions, make ? make(tables->provctx) : NULL, encrypt};
    if (!run.context) {
        return false;
    }
    bool done = cipher(&run, gcm, input, output, tag);
    ZCA_SYMMETRIC(freectx, FREECTX, functions)(run.context);
    return done;
}

bool zca_gcm_seal(struct zca_library *library, const struct zca_gcm *gcm, struct zca_span plain,
                  uint8_t *output)
{
    return run_cipher(library, true, gcm, plain, output, output + plain.len);
}

bool zca_gcm_open(struct zca_library *library, const struct zca_gcm *gcm, struct zca_span sealed,
                  uint8_t *output)
{
    uint8_t tag[ZCA_GCM_TAG_LEN];
    if (sealed.len < sizeof(tag)) {
        return false;
    }
    size_t len = sealed.len - sizeof(tag);
    memcpy(tag, sealed.data + len, sizeof(tag));
    bool opened = run_cipher(library, false, gcm, zca_span_of(sealed.data, len), output, tag);
    if (!opened) {
        OPENSSL_cleanse(output, len); /* it is decrypted before the tag is checked */
    }
    return opened;
}
