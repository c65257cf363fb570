/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of a library's crypto provider (default or fips; zca_library_crypto), by number: what does the arithmetic with local keys. Called directly, because OpenSSL's own way to them builds
 * every algorithm of an operation on its first fetch (5.6 million instructions for one AES).
 */
#ifndef ZCA_CORE_CRYPTO_H
#define ZCA_CORE_CRYPTO_H

#include <stddef.h>

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#include "base/buffer.h"
#include "core/library.h"

/* More than the largest function number of the operations we use (core_dispatch.h). */
#define ZCA_NUM_FUNCTIONS 64

/* One algorithm's dispatch table, indexed by function number; absent functions are NULL. */
struct zca_functions {
    OSSL_DISPATCH entry[ZCA_NUM_FUNCTIONS];
};

/** The typed function of a table, NULL when the provider has none: ZCA_KEYMGMT(has, HAS, table) is an
 * OSSL_FUNC_keymgmt_has_fn pointer. */
#define ZCA_KEYMGMT(name, NUMBER, table)                                                           \
    OSSL_FUNC_keymgmt_##name(&(table)->entry[OSSL_FUNC_KEYMGMT_##NUMBER])
#define ZCA_SYMMETRIC(name, NUMBER, table)                                                         \
    OSSL_FUNC_cipher_##name(&(table)->entry[OSSL_FUNC_CIPHER_##NUMBER])

/**
 * zca_crypto_find copies the functions of one algorithm.
 *
 * operation      OSSL_OP_KEYMGMT, ...
 * name           one of the algorithm's names, any case.
 * property       text that the row's properties must hold; "": any.
 * out_functions  zeroed by the caller; stays empty when there is none: a fips provider may lack one.
 *
 * Returns whether there is one. The functions are good as long as the provider is loaded.
 */
bool zca_crypto_find(OSSL_PROVIDER *crypto, int operation, const char *name, const char *property,
                     struct zca_functions *out_functions);

/** zca_crypto_keymgmt returns the key management of a family ("EC", "RSA", "ED25519"), found once, and
 * in `out_provctx` its first argument; borrowed from the library. Thread-safe.
 * err ZCA_ERR_UNSUPPORTED when the crypto provider has none, those of zca_library_context. */
ZCA_NODISCARD const struct zca_functions *zca_crypto_keymgmt(struct zca_library *library,
                                                             const char *family, void **out_provctx,
                                                             struct zca_error *err);

/* One AES-256-GCM operation (NIST SP 800-38D); all borrowed. */
struct zca_gcm {
    struct zca_span key;        /* 32 bytes */
    struct zca_span nonce;      /* 12 bytes */
    struct zca_span additional; /* authenticated, not encrypted */
};

#define ZCA_GCM_TAG_LEN 16

/** zca_gcm_seal encrypts `plain` into `output`, which has room for it and the tag behind it.
 * zca_gcm_open decrypts `sealed`, tag last, into `output`, which has room for all but the tag; what was changed
 * or sealed otherwise is refused, and `output` is then wiped.
 * False, without an error of ours, on failure. */
ZCA_NODISCARD bool zca_gcm_seal(struct zca_library *library, const struct zca_gcm *gcm,
                                struct zca_span plain, uint8_t *output);
ZCA_NODISCARD bool zca_gcm_open(struct zca_library *library, const struct zca_gcm *gcm,
                                struct zca_span sealed, uint8_t *output);

#endif
