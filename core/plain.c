/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A built-in provider (provider(7)) whose algorithms are those of another provider, but for the functions that make a
 * context: they pass on the other provider's own. The first name of a key management is what OpenSSL looks up among its
 * numbers (EVP_KEYMGMT_get0_name); it finds none for ours, and asks no ENGINE.
 */
#include "core/plain.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/openssl_auto.h"
#include "core/crypto.h"

#define PROVIDER "zca-plain"
#define PROPERTY "provider=" PROVIDER

enum row {
    KEYS_EC,
    KEYS_RSA,
    KEYS_ED25519,
    SIGNATURE_EC,
    SIGNATURE_RSA,
    SIGNATURE_ED25519,
    EXCHANGE_EC,
    CIPHER_RSA,
    NUM_ROWS
};

/* The provider's own argument. */
struct plain {
    void *inner; /* that of the other provider */
    struct zca_functions functions[NUM_ROWS];
    OSSL_DISPATCH tables[NUM_ROWS][ZCA_NUM_FUNCTIONS + 1];
    OSSL_ALGORITHM
    algorithms[NUM_ROWS + NUM_ROWS]; /* one list for each operation, ended by an empty row */
};

/* ---- what makes contexts ---- */

#define KEYS(word, ROW)                                                                            \
    static void *new_##word(void *provctx)                                                         \
    {                                                                                              \
        const struct plain *plain = provctx;                                                       \
        return ZCA_KEYMGMT(new, NEW, &plain->functions[ROW])(plain->inner);                        \
    }                                                                                              \
    static void *gen_init_##word(void *provctx, int selection, const OSSL_PARAM params[])          \
    {                                                                                              \
        const struct plain *plain = provctx;                                                       \
        return ZCA_KEYMGMT(gen_init, GEN_INIT, &plain->functions[ROW])(plain->inner, selection,    \
                                                                       params);                    \
    }

#define SIGNATURE(word, ROW)                                                                       \
    static void *signature_##word(void *provctx, const char *properties)                           \
    {                                                                                              \
        const struct plain *plain = provctx;                                                       \
        return OSSL_FUNC_signature_newctx(                                                         \
            &plain->functions[ROW].entry[OSSL_FUNC_SIGNATURE_NEWCTX])(plain->inner, properties);   \
    }

KEYS(ec, KEYS_EC)
KEYS(rsa, KEYS_RSA)
KEYS(ed25519, KEYS_ED25519)
SIGNATURE(ec, SIGNATURE_EC)
SIGNATURE(rsa, SIGNATURE_RSA)
SIGNATURE(ed25519, SIGNATURE_ED25519)

static void *exchange_ec(void *provctx)
{
    const struct plain *plain = provctx;
    return OSSL_FUNC_keyexch_newctx(&plain->functions[EXCHANGE_EC].entry[OSSL_FUNC_KEYEXCH_NEWCTX])(
        plain->inner);
}

static void *cipher_rsa(void *provctx)
{
    const struct plain *plain = provctx;
    return OSSL_FUNC_asym_cipher_newctx(
        &plain->functions[CIPHER_RSA].entry[OSSL_FUNC_ASYM_CIPHER_NEWCTX])(plain->inner);
}

static const struct {
    int operation;
    const char *names; /* the other provider's, ours in front of a key management's */
    const char *name;  /* one of them */
    int make;          /* number of the function that makes a context or key data */
    void (*maker)(void);
    void (*generator)(void); /* key managements: gen_init */
} rows[NUM_ROWS] = {

#define FUNCTION(name) ((void (*)(void))(name))
    [KEYS_EC] = {OSSL_OP_KEYMGMT,     "ZCA-PLAIN-EC:EC:id-ecPublicKey:1.2.840.10045.2.1",     "EC",
                 OSSL_FUNC_KEYMGMT_NEW,                                                                                              FUNCTION(new_ec),            FUNCTION(gen_init_ec)     },
    [KEYS_RSA] = {OSSL_OP_KEYMGMT,     "ZCA-PLAIN-RSA:RSA:rsaEncryption:1.2.840.113549.1.1.1", "RSA",
                 OSSL_FUNC_KEYMGMT_NEW,                                                                                              FUNCTION(new_rsa),           FUNCTION(gen_init_rsa)    },
    [KEYS_ED25519] = {OSSL_OP_KEYMGMT,     "ZCA-PLAIN-ED25519:ED25519:1.3.101.112",                "ED25519",
                 OSSL_FUNC_KEYMGMT_NEW,                                                                                              FUNCTION(new_ed25519),       FUNCTION(gen_init_ed25519)},
    [SIGNATURE_EC] = {OSSL_OP_SIGNATURE,   "ECDSA",                                                "ECDSA",   OSSL_FUNC_SIGNATURE_NEWCTX,
                 FUNCTION(signature_ec),                                                                                                                          NULL                      },
    [SIGNATURE_RSA] = {OSSL_OP_SIGNATURE,   "RSA:rsaEncryption:1.2.840.113549.1.1.1",               "RSA",
                 OSSL_FUNC_SIGNATURE_NEWCTX,                                                                                         FUNCTION(signature_rsa),     NULL                      },
    [SIGNATURE_ED25519] = {OSSL_OP_SIGNATURE,   "ED25519:1.3.101.112",                                  "ED25519",
                 OSSL_FUNC_SIGNATURE_NEWCTX,                                                                                         FUNCTION(signature_ed25519), NULL                      },
    [EXCHANGE_EC] = {OSSL_OP_KEYEXCH,     "ECDH",                                                 "ECDH",    OSSL_FUNC_KEYEXCH_NEWCTX,
                 FUNCTION(exchange_ec),                                                                                                                           NULL                      },
    [CIPHER_RSA] = {OSSL_OP_ASYM_CIPHER, "RSA:rsaEncryption:1.2.840.113549.1.1.1",               "RSA",
                 OSSL_FUNC_ASYM_CIPHER_NEWCTX,                                                                                       FUNCTION(cipher_rsa),        NULL                      },
#undef FUNCTION
};

/* ---- the provider ---- */

static void make_table(struct plain *plain, size_t row)
{
    OSSL_DISPATCH *to = plain->tables[row];
    for (int id = 1; id < ZCA_NUM_FUNCTIONS; id++) {
        const OSSL_DISPATCH *from = &plain->functions[row].entry[id];
        if (!from->function) {
            continue;
        }
        *to = *from;
        if (id == rows[row].make) {
            to->function = rows[row].maker;
        } else if (rows[row].generator && id == OSSL_FUNC_KEYMGMT_GEN_INIT) {
            to->function = rows[row].generator;
        }
        to++;
    }
}

/* The list of an operation begins at twice its first row: each row leaves room for the end of a list. */
static OSSL_ALGORITHM *list_of(struct plain *plain, int operation)
{
    for (size_t i = 0; i < NUM_ROWS; i++) {
        if (rows[i].operation == operation) {
            return &plain->algorithms[2 * i];
        }
    }
    return NULL;
}

static const OSSL_ALGORITHM *query_operation(void *provctx, int operation, int *no_cache)
{
    *no_cache = 0;
    return list_of(provctx, operation);
}

static void teardown(void *provctx)
{
    free(provctx);
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation},
    {OSSL_FUNC_PROVIDER_TEARDOWN,        (void (*)(void))teardown       },
    {0,                                  NULL                           },
};

static int take_crypto(OSSL_PROVIDER *candidate, void *argument)
{
    OSSL_PROVIDER **found = argument;
    const char *name = OSSL_PROVIDER_get0_name(candidate);
    if (strcmp(name, "default") == 0 || strcmp(name, "fips") == 0) {
        *found = candidate;
    }
    return 1;
}

/* The other provider is loaded in our context, and nothing else is. */
static OSSL_PROVIDER *find_crypto(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core)
{
    OSSL_PROVIDER *found = NULL;
    for (; core->function_id != 0; core++) {
        if (core->function_id == OSSL_FUNC_CORE_GET_LIBCTX) {
            OPENSSL_CORE_CTX *context = OSSL_FUNC_core_get_libctx(core)(handle);
            (void)OSSL_PROVIDER_do_all((OSSL_LIB_CTX *)context, take_crypto, &found); /* or none */
        }
    }
    return found;
}

/* An algorithm that the other provider lacks is lacking here, too. */
static void fill(struct plain *plain, OSSL_PROVIDER *crypto)
{
    OSSL_ALGORITHM *to = NULL;
    for (size_t i = 0; i < NUM_ROWS; i++) {
        if (i == 0 || rows[i].operation != rows[i - 1].operation) {
            to = list_of(plain, rows[i].operation);
        }
        if (zca_crypto_find(crypto, rows[i].operation, rows[i].name, "", &plain->functions[i])) {
            make_table(plain, i);
            *to++ = (OSSL_ALGORITHM){rows[i].names, PROPERTY, plain->tables[i], PROVIDER};
        }
    }
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                         const OSSL_DISPATCH **out, void **provctx)
{
    OSSL_PROVIDER *crypto = find_crypto(handle, core);
    struct plain *plain = crypto ? calloc(1, sizeof(*plain)) : NULL;
    if (!plain) {
        return 0;
    }
    plain->inner = OSSL_PROVIDER_get0_provider_ctx(crypto);
    fill(plain, crypto);
    *out = provider_functions;
    *provctx = plain;
    return 1;
}

/* ---- public ---- */

OSSL_PROVIDER *zca_plain_add(OSSL_LIB_CTX *context, struct zca_error *err)
{
    OSSL_PROVIDER *added = NULL;
    if (OSSL_PROVIDER_add_builtin(context, PROVIDER, provider_init) == 1) {
        added = OSSL_PROVIDER_load(context, PROVIDER);
    }
    if (!added || EVP_set_default_properties(context, "?" PROPERTY) != 1) {
        (void)zca_error_set_crypto(err, "preparing a private library context"); /* NULL tells */
        if (added) {
            (void)OSSL_PROVIDER_unload(added); /* it has failed already */
        }
        return NULL;
    }
    return added;
}
