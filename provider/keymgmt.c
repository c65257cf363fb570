/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key management (provider-keymgmt(7)): forwards to the default provider's, and adds what makes a
 * key ours: it is loaded by reference, and a private part with a URI does not leave.
 * Export of such a part is refused without an error: libcrypto tries it before each signature.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "provider/enter.h"
#include "provider/generation.h"

static OSSL_FUNC_keymgmt_new_fn keymgmt_new_ec, keymgmt_new_rsa, keymgmt_new_ed25519;
static OSSL_FUNC_keymgmt_free_fn keymgmt_free;
static OSSL_FUNC_keymgmt_load_fn keymgmt_load_ec, keymgmt_load_rsa, keymgmt_load_ed25519;
static OSSL_FUNC_keymgmt_get_params_fn keymgmt_get_params;
static OSSL_FUNC_keymgmt_gettable_params_fn keymgmt_gettable_params_ec, keymgmt_gettable_params_rsa,
    keymgmt_gettable_params_ed25519;
static OSSL_FUNC_keymgmt_set_params_fn keymgmt_set_params;
static OSSL_FUNC_keymgmt_settable_params_fn keymgmt_settable_params_ec,
    keymgmt_settable_params_ed25519;
static OSSL_FUNC_keymgmt_query_operation_name_fn keymgmt_query_operation_name_ec,
    keymgmt_query_operation_name_rsa, keymgmt_query_operation_name_ed25519;
static OSSL_FUNC_keymgmt_has_fn keymgmt_has;
static OSSL_FUNC_keymgmt_validate_fn keymgmt_validate;
static OSSL_FUNC_keymgmt_match_fn keymgmt_match;
static OSSL_FUNC_keymgmt_import_fn keymgmt_import;
static OSSL_FUNC_keymgmt_import_types_fn keymgmt_types_ec, keymgmt_types_rsa, keymgmt_types_ed25519;
static OSSL_FUNC_keymgmt_export_fn keymgmt_export;
static OSSL_FUNC_keymgmt_dup_fn keymgmt_dup;

/* ---- new, load, free ---- */

static void *keymgmt_new_ec(void *provider)
{
    return zca_keydata_new(provider, ZCA_KIND_EC);
}

static void *keymgmt_new_rsa(void *provider)
{
    return zca_keydata_new(provider, ZCA_KIND_RSA);
}

static void *keymgmt_new_ed25519(void *provider)
{
    return zca_keydata_new(provider, ZCA_KIND_ED25519);
}

static void *load(enum zca_kind kind, const void *reference, size_t reference_size)
{
    const struct zca_loan_head *head = reference;
    if (!head || reference_size < sizeof(*head) || head->magic != ZCA_LOAN_MAGIC) {
        return NULL;
    }
    const struct zca_cold *cold = head->provider->open_cold(head->provider);
    return cold ? cold->key_load(kind, reference, reference_size) : NULL;
}

static void *keymgmt_load_ec(const void *reference, size_t reference_size)
{
    return load(ZCA_KIND_EC, reference, reference_size);
}

static void *keymgmt_load_rsa(const void *reference, size_t reference_size)
{
    return load(ZCA_KIND_RSA, reference, reference_size);
}

static void *keymgmt_load_ed25519(const void *reference, size_t reference_size)
{
    return load(ZCA_KIND_ED25519, reference, reference_size);
}

static void keymgmt_free(void *keydata)
{
    zca_keydata_free(keydata);
}

static void *dup_inner(const struct zca_keydata *source, int selection)
{
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(source->provider);
    OSSL_FUNC_keymgmt_dup_fn *inner_dup = ZCA_KEYMGMT(dup, DUP, zca_keydata_functions(source));
    return inner_dup ? inner_dup(source->inner, selection) : NULL;
}

static struct zca_keydata *copy_inner(const struct zca_keydata *source, int selection)
{
    return zca_keydata_new_inner(source->provider, source->kind, dup_inner(source, selection));
}

/* The private value of an identity's key stands once, however many copies of its object there are; of an object
 * that was changed (own_inner) the copies are whole. */
static void *keymgmt_dup(const void *from, int selection)
{
    const struct zca_keydata *source = from;
    bool is_shared = source->is_shared && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
    zca_auto(zca_keydata) struct zca_keydata *copy =
        is_shared
            ? zca_keydata_new_shared(source->provider, source->kind, source->key, source->inner)
            : copy_inner(source, selection);
    if (!copy || !source->uri || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0) {
        return zca_steal(copy); /* parameters or a public key only: a fresh, anonymous key */
    }
    copy->uri = OPENSSL_strdup(source->uri);
    copy->authority = source->authority ? OPENSSL_strdup(source->authority) : NULL;
    if (!copy->uri || (source->authority && !copy->authority)) {
        return NULL;
    }
    return zca_steal(copy);
}

/* ---- parameters ---- */

/* Private values have names of their own: "priv", "d", "rsa-factor1" ... (EVP_PKEY-EC(7), EVP_PKEY-RSA(7)). */
static bool asks_private(const OSSL_PARAM *params)
{
    for (; params && params->key; params++) {
        bool is_private = strcmp(params->key, OSSL_PKEY_PARAM_PRIV_KEY) == 0 ||
                          strcmp(params->key, OSSL_PKEY_PARAM_RSA_D) == 0 ||
                          strncmp(params->key, "rsa-", 4) == 0;
        if (is_private) {
            return true;
        }
    }
    return false;
}

static int keymgmt_get_params(void *key, OSSL_PARAM params[])
{
    const struct zca_keydata *keydata = key;
    if (keydata->uri && asks_private(params)) {
        return 0;
    }
    return ZCA_KEYMGMT(get_params, GET_PARAMS, zca_keydata_functions(keydata))(keydata->inner,
                                                                               params);
}

static const OSSL_PARAM *gettable_params(struct zca_provider *provider, enum zca_kind kind)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    OSSL_FUNC_keymgmt_gettable_params_fn *inner =
        overlay ? ZCA_KEYMGMT(gettable_params, GETTABLE_PARAMS, &overlay->keymgmt[kind]) : NULL;
    return inner ? inner(overlay->provctx) : NULL;
}

static const OSSL_PARAM *keymgmt_gettable_params_ec(void *provider)
{
    return gettable_params(provider, ZCA_KIND_EC);
}

static const OSSL_PARAM *keymgmt_gettable_params_rsa(void *provider)
{
    return gettable_params(provider, ZCA_KIND_RSA);
}

static const OSSL_PARAM *keymgmt_gettable_params_ed25519(void *provider)
{
    return gettable_params(provider, ZCA_KIND_ED25519);
}

/* Others have the shared object, too, and core: who changes one gets a copy. Its key stays for as long as
 * contexts made before may use it. */
static bool own_inner(struct zca_keydata *keydata)
{
    void *inner = keydata->is_shared ? dup_inner(keydata, OSSL_KEYMGMT_SELECT_ALL) : NULL;
    if (inner) {
        keydata->inner = inner;
        keydata->is_shared = false;
    }
    return !keydata->is_shared;
}

/* TLS puts a peer's point into a fresh key; a key with a URI keeps its own. The rest says how to encode. */
static int keymgmt_set_params(void *key, const OSSL_PARAM params[])
{
    struct zca_keydata *keydata = key;
    OSSL_FUNC_keymgmt_set_params_fn *inner =
        ZCA_KEYMGMT(set_params, SET_PARAMS, zca_keydata_functions(keydata));
    if (keydata->uri && OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY)) {
        return 0;
    }
    return !inner || (own_inner(keydata) && inner(keydata->inner, params));
}

static const OSSL_PARAM *settable_params(struct zca_provider *provider, enum zca_kind kind)
{
    const struct zca_overlay *overlay = zca_overlay_get(provider);
    OSSL_FUNC_keymgmt_settable_params_fn *inner =
        overlay ? ZCA_KEYMGMT(settable_params, SETTABLE_PARAMS, &overlay->keymgmt[kind]) : NULL;
    return inner ? inner(overlay->provctx) : NULL;
}

static const OSSL_PARAM *keymgmt_settable_params_ec(void *provider)
{
    return settable_params(provider, ZCA_KIND_EC);
}

static const OSSL_PARAM *keymgmt_settable_params_ed25519(void *provider)
{
    return settable_params(provider, ZCA_KIND_ED25519);
}

static const char *operation_name(enum zca_kind kind, int operation)
{
    switch (operation) {
    case OSSL_OP_SIGNATURE:
        return zca_kinds[kind].signature.ours;
    case OSSL_OP_KEYEXCH:
        return zca_kinds[kind].exchange.ours;
    case OSSL_OP_ASYM_CIPHER:
        return zca_kinds[kind].cipher.ours;
    default:
        return zca_kinds[kind].keymgmt;
    }
}

static const char *keymgmt_query_operation_name_ec(int operation)
{
    return operation_name(ZCA_KIND_EC, operation);
}

static const char *keymgmt_query_operation_name_rsa(int operation)
{
    return operation_name(ZCA_KIND_RSA, operation);
}

static const char *keymgmt_query_operation_name_ed25519(int operation)
{
    return operation_name(ZCA_KIND_ED25519, operation);
}

/* ---- questions ---- */

static int keymgmt_has(const void *key, int selection)
{
    const struct zca_keydata *keydata = key;
    if (!keydata) {
        return 0;
    }
    if (keydata->authority) {
        selection &= ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY; /* it is at the authority */
    }
    return ZCA_KEYMGMT(has, HAS, zca_keydata_functions(keydata))(keydata->inner, selection);
}

static int keymgmt_validate(const void *key, int selection, int check_type)
{
    const struct zca_keydata *keydata = key;
    if (keydata->authority) {
        selection &= ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
    }
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(keydata->provider);
    return ZCA_KEYMGMT(validate, VALIDATE, zca_keydata_functions(keydata))(keydata->inner,
                                                                           selection, check_type);
}

static int keymgmt_match(const void *left, const void *right, int selection)
{
    const struct zca_keydata *left_key = left;
    const struct zca_keydata *right_key = right;
    if (left_key->kind != right_key->kind) {
        return 0;
    }
    if (left_key->authority || right_key->authority) {
        selection &= ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
    }
    return ZCA_KEYMGMT(match, MATCH, zca_keydata_functions(left_key))(left_key->inner,
                                                                      right_key->inner, selection);
}

/* ---- import and export ---- */

/* Into a key that was just made: those of URIs come otherwise. */
static int keymgmt_import(void *key, int selection, const OSSL_PARAM params[])
{
    const struct zca_keydata *keydata = key;
    if (keydata->uri) {
        return 0;
    }
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(keydata->provider);
    return ZCA_KEYMGMT(import, IMPORT, zca_keydata_functions(keydata))(keydata->inner, selection,
                                                                       params);
}

struct exporting {
    const struct zca_cold *cold;
    OSSL_CALLBACK *callback;
    void *argument;
};

/* The receiver is another provider, or the application. */
static int hand_over(const OSSL_PARAM params[], void *argument)
{
    const struct exporting *exporting = argument;
    exporting->cold->gate_leave();
    int taken = exporting->callback(params, exporting->argument);
    exporting->cold->gate_enter();
    return taken;
}

static int keymgmt_export(void *key, int selection, OSSL_CALLBACK *callback, void *argument)
{
    const struct zca_keydata *keydata = key;
    if (keydata->uri && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) {
        return 0;
    }
    zca_auto(entered) const struct zca_cold *inside = zca_provider_enter(keydata->provider);
    struct exporting exporting = {inside, callback, argument};
    return ZCA_KEYMGMT(export, EXPORT, zca_keydata_functions(keydata))(keydata->inner, selection,
                                                                       hand_over, &exporting);
}

/* These are asked without a provider, so they cannot be forwarded. They are for information: import
 * and export themselves are the default provider's. */
static const OSSL_PARAM *keymgmt_types_ec(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_PRIV_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    return selection != 0 ? types : NULL;
}

static const OSSL_PARAM *keymgmt_types_rsa(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_D, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_FACTOR1, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_FACTOR2, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_EXPONENT1, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_EXPONENT2, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, NULL, 0),
        OSSL_PARAM_END,
    };
    return selection != 0 ? types : NULL;
}

static const OSSL_PARAM *keymgmt_types_ed25519(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    return selection != 0 ? types : NULL;
}

/* ---- dispatch ---- */

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_KEYMGMT_##NUMBER, (void (*)(void))(function)                                     \
    }

#define COMMON_ROWS                                                                                \
    ROW(FREE, keymgmt_free), ROW(GEN_SET_TEMPLATE, zca_generation_set_template),                   \
        ROW(GEN_SET_PARAMS, zca_generation_set_params), ROW(GEN, zca_generation_generate),         \
        ROW(GEN_CLEANUP, zca_generation_cleanup), ROW(GET_PARAMS, keymgmt_get_params),             \
        ROW(HAS, keymgmt_has), ROW(VALIDATE, keymgmt_validate), ROW(MATCH, keymgmt_match),         \
        ROW(IMPORT, keymgmt_import), ROW(EXPORT, keymgmt_export), ROW(DUP, keymgmt_dup)

static const OSSL_DISPATCH ec_functions[] = {
    ROW(NEW, keymgmt_new_ec),
    ROW(LOAD, keymgmt_load_ec),
    ROW(GEN_INIT, zca_generation_init_ec),
    ROW(GEN_SETTABLE_PARAMS, zca_generation_settable_params_ec),
    ROW(GETTABLE_PARAMS, keymgmt_gettable_params_ec),
    ROW(SET_PARAMS, keymgmt_set_params),
    ROW(SETTABLE_PARAMS, keymgmt_settable_params_ec),
    ROW(QUERY_OPERATION_NAME, keymgmt_query_operation_name_ec),
    ROW(IMPORT_TYPES, keymgmt_types_ec),
    ROW(EXPORT_TYPES, keymgmt_types_ec),
    COMMON_ROWS,
    {0, NULL},
};

static const OSSL_DISPATCH rsa_functions[] = {
    ROW(NEW, keymgmt_new_rsa),
    ROW(LOAD, keymgmt_load_rsa),
    ROW(GEN_INIT, zca_generation_init_rsa),
    ROW(GEN_SETTABLE_PARAMS, zca_generation_settable_params_rsa),
    ROW(GETTABLE_PARAMS, keymgmt_gettable_params_rsa),
    ROW(QUERY_OPERATION_NAME, keymgmt_query_operation_name_rsa),
    ROW(IMPORT_TYPES, keymgmt_types_rsa),
    ROW(EXPORT_TYPES, keymgmt_types_rsa),
    COMMON_ROWS,
    {0, NULL},
};

static const OSSL_DISPATCH ed25519_functions[] = {
    ROW(NEW, keymgmt_new_ed25519),
    ROW(LOAD, keymgmt_load_ed25519),
    ROW(GEN_INIT, zca_generation_init_ed25519),
    ROW(GEN_SETTABLE_PARAMS, zca_generation_settable_params_ed25519),
    ROW(GETTABLE_PARAMS, keymgmt_gettable_params_ed25519),
    ROW(SET_PARAMS, keymgmt_set_params),
    ROW(SETTABLE_PARAMS, keymgmt_settable_params_ed25519),
    ROW(QUERY_OPERATION_NAME, keymgmt_query_operation_name_ed25519),
    ROW(IMPORT_TYPES, keymgmt_types_ed25519),
    ROW(EXPORT_TYPES, keymgmt_types_ed25519),
    COMMON_ROWS,
    {0, NULL},
};

const OSSL_ALGORITHM zca_keymgmt_algorithms[] = {
    {"EC",      "provider=zca", ec_functions,      "zca EC keys"     },
    {"RSA",     "provider=zca", rsa_functions,     "zca RSA keys"    },
    {"ED25519", "provider=zca", ed25519_functions, "zca Ed25519 keys"},
    {NULL,      NULL,           NULL,              NULL              },
};
