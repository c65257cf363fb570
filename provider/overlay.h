/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default provider's own functions, which do all arithmetic with local keys. They come from
 * a default (or fips) provider in a private library context, obtained on the first use of a key.
 */
#ifndef ZCA_PROVIDER_OVERLAY_H
#define ZCA_PROVIDER_OVERLAY_H

#include <stddef.h>

#include <openssl/core_dispatch.h>

#include "provider/provider.h"

/* The kinds of key we manage. */
enum zca_kind { ZCA_KIND_EC, ZCA_KIND_RSA, ZCA_KIND_ED25519, ZCA_NUM_KINDS };

/* More than the largest function number of the operations below (core_dispatch.h). */
#define ZCA_NUM_FUNCTIONS 64

/* One algorithm's dispatch table, indexed by function number; absent functions are NULL. */
struct zca_functions {
    OSSL_DISPATCH entry[ZCA_NUM_FUNCTIONS];
};

struct zca_overlay {
    OSSL_LIB_CTX *context; /* borrowed from the library */
    void *provctx;         /* the default provider's context, first argument of its functions */
    struct zca_functions keymgmt[ZCA_NUM_KINDS];
    struct zca_functions signature[ZCA_NUM_KINDS];
    struct zca_functions exchange; /* ECDH */
};

/** The typed function of a table, NULL when the provider has none: ZCA_KEYMGMT(has, HAS, table) is an
 * OSSL_FUNC_keymgmt_has_fn pointer. */
#define ZCA_KEYMGMT(name, NUMBER, table)                                                           \
    OSSL_FUNC_keymgmt_##name(&(table)->entry[OSSL_FUNC_KEYMGMT_##NUMBER])
#define ZCA_SIGNATURE(name, NUMBER, table)                                                         \
    OSSL_FUNC_signature_##name(&(table)->entry[OSSL_FUNC_SIGNATURE_##NUMBER])
#define ZCA_EXCHANGE(name, NUMBER, table)                                                          \
    OSSL_FUNC_keyexch_##name(&(table)->entry[OSSL_FUNC_KEYEXCH_##NUMBER])
#define ZCA_ENCODER(name, NUMBER, table)                                                           \
    OSSL_FUNC_encoder_##name(&(table)->entry[OSSL_FUNC_ENCODER_##NUMBER])

/** zca_overlay_get returns the functions, found on first use; borrowed, constant afterwards.
 * NULL after ZCA_FAIL. Thread-safe. */
ZCA_NODISCARD const struct zca_overlay *zca_overlay_get(struct zca_provider *provider);

/** zca_overlay_encoder copies the functions of an encoder ("EC", properties with "output=pem" and
 * `structure`) to `out_functions`; false when there is none. Not kept: encoding is rare. */
ZCA_NODISCARD bool zca_overlay_encoder(struct zca_provider *provider, enum zca_kind kind,
                                       const char *structure, struct zca_functions *out_functions);

/** zca_overlay_free releases the tables; the context belongs to the library. */
void zca_overlay_free(struct zca_overlay *overlay);
ZCA_DEFINE_AUTO(zca_overlay, struct zca_overlay, zca_overlay_free);

/** zca_kind_name returns "EC", "RSA", "ED25519": the key management's name. */
const char *zca_kind_name(enum zca_kind kind);

/** zca_kind_operation returns the name of a kind's algorithm for an operation (OSSL_OP_SIGNATURE,
 * OSSL_OP_KEYEXCH, OSSL_OP_KEYMGMT), or NULL. */
const char *zca_kind_operation(enum zca_kind kind, int operation);

/** zca_kind_by_nid returns the kind of an EVP_PKEY_... number; false when there is none. */
ZCA_NODISCARD bool zca_kind_by_nid(int nid, enum zca_kind *out_kind);

#endif
