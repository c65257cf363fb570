/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A built-in provider (provider(7)) beside another one that is initialised, but not active any more. Its argument is the other
 * one's, so that the other one's functions fit without a wrapper; what belongs to it is found by that argument.
 */
#include "base/view.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>

#include "base/auto.h"

#define PROVIDER "zca-view"
#define MAX_OPERATIONS OSSL_OP__HIGHEST
/* At a time: one for each library, and zca-remote's. All writable data of zca-core.so is in one page with this: each process maps it. */
#define MAX_VIEWS 224

/* ---- what is seen ---- */

/* Each name has a space around it. */
static const struct seen {
    int operation;
    const char *property; /* text that the properties must hold */
    const char *names;    /* first names of algorithms */
} seen[] = {

#define KEYS " EC RSA ED25519 ED448 RSA-PSS "
    {OSSL_OP_DIGEST,      "",                                  " SHA1 SHA2-224 SHA2-256 SHA2-384 SHA2-512 " },
    {OSSL_OP_DIGEST,      "",                                  " SHAKE-256 "                                }, /* for Ed448 */
    {OSSL_OP_CIPHER,      "",                                  " AES-256-GCM AES-128-GCM ChaCha20-Poly1305 "},
    {OSSL_OP_CIPHER,      "",                                  " AES-256-CBC AES-128-CBC DES-EDE3-CBC "     },
    {OSSL_OP_CIPHER,      "",                                  " AES-256-CTR AES-256-ECB "                  },
    {OSSL_OP_MAC,         "",                                  " HMAC "                                     },
    {OSSL_OP_KDF,         "",                                  " HKDF TLS13-KDF TLS1-PRF PBKDF2 SCRYPT "    },
    {OSSL_OP_RAND,        "",                                  " CTR-DRBG SEED-SRC "                        },
    {OSSL_OP_KEYMGMT,     "",                                  KEYS                                         },
    {OSSL_OP_KEYMGMT,     "",                                  " X25519 X448 DH HMAC HKDF TLS1-PRF "        },
    {OSSL_OP_KEYEXCH,     "",                                  " ECDH X25519 X448 DH HKDF TLS1-PRF "        },
    {OSSL_OP_SIGNATURE,   "",                                  " ECDSA RSA ED25519 ED448 HMAC "             },
    {OSSL_OP_ASYM_CIPHER, "",                                  " RSA "                                      },
    {OSSL_OP_DECODER,     "input=pem",                         " DER "                                      },
    {OSSL_OP_DECODER,     "structure=EncryptedPrivateKeyInfo", " DER "                                      },
    {OSSL_OP_DECODER,     "structure=SubjectPublicKeyInfo",    " DER " KEYS                                 },
    {OSSL_OP_DECODER,     "structure=PrivateKeyInfo",          KEYS                                         },
    {OSSL_OP_DECODER,     "structure=type-specific",           " EC RSA "                                   },
    {OSSL_OP_ENCODER,     "structure=SubjectPublicKeyInfo",    KEYS                                         },
    {OSSL_OP_ENCODER,     "structure=EncryptedPrivateKeyInfo", KEYS                                         },
    {OSSL_OP_ENCODER,     "structure=PrivateKeyInfo",          KEYS                                         },
    {OSSL_OP_ENCODER,     "structure=type-specific",           " EC RSA "                                   },
#undef KEYS
};

static bool is_listed(const char *names, const OSSL_ALGORITHM *row)
{
    size_t len = strcspn(row->algorithm_names, ":");
    for (const char *at = names; *at; at++) {
        if (*at == ' ' && strncasecmp(at + 1, row->algorithm_names, len) == 0 &&
            at[len + 1] == ' ') {
            return true;
        }
    }
    return false;
}

static bool is_seen(int operation, const OSSL_ALGORITHM *row)
{
    for (size_t i = 0; i < ZCA_COUNT(seen); i++) {
        if (seen[i].operation == operation && is_listed(seen[i].names, row) &&
            strstr(row->property_definition, seen[i].property)) {
            return true;
        }
    }
    return false;
}

/* ---- views, found by the crypto provider's argument ---- */

struct view {
    OSSL_PROVIDER *crypto;
    OSSL_FUNC_provider_free_fn *release; /* ends our reference to it; NULL: there is none */
    OSSL_ALGORITHM *lists[MAX_OPERATIONS + 1];
};

/* libcrypto hands back the argument and nothing else. No lock, because a fork could find it held. A slot is taken with
 * `argument`, and is read for that argument only while its provider is loaded. */
static struct slot {
    _Atomic(const void *) argument;
    _Atomic(struct view *) view;
} slots[MAX_VIEWS];

/* NULL: a free one. */
static struct slot *find_slot(const void *argument)
{
    for (size_t i = 0; i < MAX_VIEWS; i++) {
        if (atomic_load(&slots[i].argument) == argument) {
            return &slots[i];
        }
    }
    return NULL;
}

static struct slot *take_slot(const void *argument)
{
    for (size_t i = 0; i < MAX_VIEWS; i++) {
        const void *nobody = NULL;
        if (atomic_compare_exchange_strong(&slots[i].argument, &nobody, argument)) {
            return &slots[i];
        }
    }
    return NULL;
}

static void view_free(struct view *view)
{
    if (!view) {
        return;
    }
    if (view->release) {
        (void)view->release((const OSSL_CORE_HANDLE *)view->crypto, 0); /* is true */
    }
    for (int i = 0; i <= MAX_OPERATIONS; i++) {
        free(view->lists[i]);
    }
    free(view);
}

ZCA_DEFINE_AUTO(view, struct view, view_free);

/* ---- the lists ---- */

static bool fill_list(struct view *view, int operation)
{
    int no_cache = 0;
    size_t count = 0;
    const OSSL_ALGORITHM *rows = OSSL_PROVIDER_query_operation(view->crypto, operation, &no_cache);
    for (const OSSL_ALGORITHM *row = rows; row && row->algorithm_names; row++) {
        count += is_seen(operation, row);
    }
    OSSL_ALGORITHM *to = count > 0 ? calloc(count + 1, sizeof(*to)) : NULL;
    view->lists[operation] = to;
    for (const OSSL_ALGORITHM *row = rows; to && row->algorithm_names; row++) {
        if (is_seen(operation, row)) {
            *to++ = *row;
        }
    }
    return count == 0 || to;
}

/* What OpenSSL 3 asks engines by is the number of a key management's first name: these have none. */
static const struct renamed {
    const char *first; /* of the crypto provider's */
    const char *names;
} renamed[] = {
    {"EC",      "ZCA-EC:EC:id-ecPublicKey:1.2.840.10045.2.1"          },
    {"RSA",     "ZCA-RSA:RSA:rsaEncryption:1.2.840.113549.1.1.1"      },
    {"RSA-PSS", "ZCA-RSA-PSS:RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10"},
    {"ED25519", "ZCA-ED25519:ED25519:1.3.101.112"                     },
};

static void use_own_names(OSSL_ALGORITHM *row)
{
    for (; row && row->algorithm_names; row++) {
        for (size_t i = 0; i < ZCA_COUNT(renamed); i++) {
            size_t len = strlen(renamed[i].first);
            if (strncmp(row->algorithm_names, renamed[i].first, len) == 0 &&
                row->algorithm_names[len] == ':') {
                row->algorithm_names = renamed[i].names;
                break;
            }
        }
    }
}

static struct view *view_new(OSSL_PROVIDER *crypto)
{
    zca_auto(view) struct view *view = calloc(1, sizeof(*view));
    if (!view) {
        return NULL;
    }
    view->crypto = crypto;
    for (size_t i = 0; i < ZCA_COUNT(seen); i++) {
        int operation = seen[i].operation;
        if (!view->lists[operation] && !fill_list(view, operation)) {
            return NULL;
        }
    }
    return zca_steal(view);
}

/* ---- the provider ---- */

static const OSSL_ALGORITHM *query_operation(void *argument, int operation, int *no_cache)
{
    const struct slot *slot = find_slot(argument);
    const struct view *view = slot ? atomic_load(&slot->view) : NULL;
    *no_cache = 0;
    return view && operation > 0 && operation <= MAX_OPERATIONS ? view->lists[operation] : NULL;
}

static int get_capabilities(void *argument, const char *capability, OSSL_CALLBACK *callback,
                            void *callback_argument)
{
    const struct slot *slot = find_slot(argument);
    const struct view *view = slot ? atomic_load(&slot->view) : NULL;
    return !view ||
           OSSL_PROVIDER_get_capabilities(view->crypto, capability, callback, callback_argument);
}

static void teardown(void *argument)
{
    struct slot *slot = find_slot(argument);
    struct view *view = slot ? atomic_exchange(&slot->view, NULL) : NULL;
    if (slot) {
        atomic_store(&slot->argument, NULL);
    }
    view_free(view);
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION,  (void (*)(void))query_operation },
    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))get_capabilities},
    {OSSL_FUNC_PROVIDER_TEARDOWN,         (void (*)(void))teardown        },
    {0,                                   NULL                            },
};

struct upcalls {
    OSSL_FUNC_core_get_libctx_fn *get_context;
    OSSL_FUNC_provider_up_ref_fn *hold;
    OSSL_FUNC_provider_free_fn *release;
};

static struct upcalls find_upcalls(const OSSL_DISPATCH *core)
{
    struct upcalls upcalls = {NULL, NULL, NULL};
    for (; core->function_id != 0; core++) {
        switch (core->function_id) {
        case OSSL_FUNC_CORE_GET_LIBCTX:
            upcalls.get_context = OSSL_FUNC_core_get_libctx(core);
            break;
        case OSSL_FUNC_PROVIDER_UP_REF:
            upcalls.hold = OSSL_FUNC_provider_up_ref(core);
            break;
        case OSSL_FUNC_PROVIDER_FREE:
            upcalls.release = OSSL_FUNC_provider_free(core);
            break;
        default:
            break;
        }
    }
    return upcalls;
}

static int take_provider(OSSL_PROVIDER *candidate, void *argument)
{
    OSSL_PROVIDER **found = argument;
    *found = candidate;
    return 0; /* there is one, and no other */
}

/* The crypto provider must stay initialised when it is not active any more; a core handle is a provider. */
static struct view *view_hold(const OSSL_CORE_HANDLE *handle, const struct upcalls *upcalls)
{
    OSSL_PROVIDER *crypto = NULL;
    if (upcalls->get_context && upcalls->hold && upcalls->release) {
        OPENSSL_CORE_CTX *context = upcalls->get_context(handle);
        (void)OSSL_PROVIDER_do_all((OSSL_LIB_CTX *)context, take_provider, &crypto); /* or none */
    }
    zca_auto(view) struct view *view = crypto ? view_new(crypto) : NULL;
    if (!view || upcalls->hold((const OSSL_CORE_HANDLE *)crypto, 0) <= 0) { /* the new count */
        return NULL;
    }
    view->release = upcalls->release;
    return zca_steal(view);
}

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, bool with_own_names,
                const OSSL_DISPATCH **out, void **out_argument)
{
    struct upcalls upcalls = find_upcalls(core);
    struct view *view = view_hold(handle, &upcalls);
    void *argument = view ? OSSL_PROVIDER_get0_provider_ctx(view->crypto) : NULL;
    struct slot *slot = argument ? take_slot(argument) : NULL;
    if (!slot) {
        view_free(view);
        return 0;
    }
    if (with_own_names) {
        use_own_names(view->lists[OSSL_OP_KEYMGMT]);
    }
    atomic_store(&slot->view, view);
    *out = provider_functions;
    *out_argument = argument;
    return 1;
}

static OSSL_provider_init_fn init_view;
static OSSL_provider_init_fn init_view_of_own_names;

static int init_view(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                     const OSSL_DISPATCH **out, void **out_argument)
{
    return init(handle, core, false, out, out_argument);
}

static int init_view_of_own_names(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                                  const OSSL_DISPATCH **out, void **out_argument)
{
    return init(handle, core, true, out, out_argument);
}

/* ---- public ---- */

OSSL_PROVIDER *zca_view_load(OSSL_LIB_CTX *context, const char *name, bool own_names,
                             struct zca_error *err)
{
    OSSL_PROVIDER *crypto = OSSL_PROVIDER_load(context, name);
    OSSL_PROVIDER *view = NULL;
    if (crypto && OSSL_PROVIDER_add_builtin(context, PROVIDER,
                                            own_names ? init_view_of_own_names : init_view) == 1) {
        view = OSSL_PROVIDER_load(context, PROVIDER);
    }
    if (!view && crypto && !find_slot(NULL)) {
        (void)zca_error_set(err, ZCA_ERR_CRYPTO, /* NULL tells */
                            "loading OpenSSL's provider '%s': the limit is %d contexts at a time",
                            name, MAX_VIEWS);
    } else if (!view) {
        (void)zca_error_set_crypto(err, "loading OpenSSL's provider '%s'", name); /* NULL tells */
    }
    if (crypto) {
        (void)OSSL_PROVIDER_unload(crypto); /* it is held by the view, or was of no use */
    }
    return view;
}
