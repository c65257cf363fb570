/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider object: one for each OpenSSL library context that loads zca.so. Nothing but what
 * OSSL_provider_init was given is in it before a key or a URI is used.
 */
#ifndef ZCA_PROVIDER_PROVIDER_H
#define ZCA_PROVIDER_PROVIDER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

struct zca_cold;
struct zca_library;
struct zca_overlay;

/* The functions of libcrypto that we call back; NULL where an application has none. */
struct zca_upcalls {
    OSSL_FUNC_core_get_params_fn *get_params;
    OSSL_FUNC_core_get_libctx_fn *get_libctx;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_set_error_debug_fn *set_error_debug;
    OSSL_FUNC_core_vset_error_fn *vset_error;
    OSSL_FUNC_provider_up_ref_fn *provider_up_ref;
    OSSL_FUNC_provider_free_fn *provider_free;
    OSSL_FUNC_BIO_gets_fn *bio_gets;
    OSSL_FUNC_BIO_write_ex_fn *bio_write_ex;
};

struct zca_provider {
    const OSSL_CORE_HANDLE *handle;
    const OSSL_DISPATCH *core; /* as given to OSSL_provider_init */
    struct zca_upcalls upcalls;
    /* opens zca-core.so on first need; NULL after reporting why not. Here, so that both halves reach it. */
    const struct zca_cold *(*open_cold)(struct zca_provider *provider);
    /* No lock, because a fork could find it held: each comes to be by one exchange, and who is late drops his. */
    _Atomic(const struct zca_cold *) cold; /* NULL until open_cold */
    _Atomic(struct zca_overlay *) overlay; /* NULL until the first key is used */
    _Atomic(struct zca_library *) library; /* set before `cold` */
    bool uris_only;          /* keys come by URI alone: no references, no generation */
    OSSL_PROVIDER *borrowed; /* the application's, counted; NULL: none */
    atomic_bool log_open;
};

/** The operations, one table a file: `query_operation` returns them. */
extern const OSSL_ALGORITHM zca_keymgmt_algorithms[];
extern const OSSL_ALGORITHM zca_signature_algorithms[];
extern const OSSL_ALGORITHM zca_exchange_algorithms[];
extern const OSSL_ALGORITHM zca_cipher_algorithms[];
extern const OSSL_ALGORITHM zca_decoder_algorithms[];
extern const OSSL_ALGORITHM zca_encoder_algorithms[];

/** zca_store_algorithms returns that table for the schemes that the provider's parameters give us. */
const OSSL_ALGORITHM *zca_store_algorithms(const struct zca_provider *provider);

/** zca_reason_items is what OpenSSL prints for our reasons, ended by a zero row. */
extern const OSSL_ITEM zca_reason_items[];

/** zca_provider_open_cold is `open_cold` of every provider object. Thread-safe. */
const struct zca_cold *zca_provider_open_cold(struct zca_provider *provider);

/** zca_capability_get hands the TLS groups of our EC key management to `callback`: libssl takes a group
 * only from the provider that also manages its keys. */
int zca_capability_get(void *provider, const char *capability, OSSL_CALLBACK *callback,
                       void *argument);

#endif
