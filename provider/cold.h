/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What zca.so asks zca-core.so for. Every process that loads zca.so pays for each symbol it refers
 * to (docs/decisions/0004): what is not needed to sign with a loaded key stands behind this table,
 * which is opened on the first use of a key or a URI.
 */
#ifndef ZCA_PROVIDER_COLD_H
#define ZCA_PROVIDER_COLD_H

#include <openssl/core_dispatch.h>

#include "base/buffer.h"
#include "provider/keydata.h"

/* Both halves are of one build. The size tells a table with another row when nobody counts this up. */
#define ZCA_COLD_ABI (2u << 16 | (unsigned)sizeof(struct zca_cold))

/* What a generation can be told besides: the URI of the identity whose key it shall be. */
#define ZCA_PARAM_URI "zca-uri"

struct zca_remote_signature;
struct zca_new_key;
struct zca_store;

/* What a key of ours is asked for and does not do. */
enum zca_refusal { ZCA_REFUSE_EXPORT, ZCA_REFUSE_DECRYPT, ZCA_REFUSE_DERIVE };

/* How a key is to be written; all borrowed. */
struct zca_writing {
    const char *form;         /* "output=pem,structure=PrivateKeyInfo", as encoders are described */
    const OSSL_PARAM *params; /* its cipher; NULL: none */
    OSSL_CORE_BIO *out;
    int selection;
    OSSL_PASSPHRASE_CALLBACK *passphrase;
    void *passphrase_argument;
};

/* A finished signature, for CSR capture; all borrowed. */
struct zca_signed {
    const unsigned char *tbs;
    size_t tbs_len;
    const unsigned char *signature;
    size_t signature_len;
    OSSL_FUNC_signature_get_ctx_params_fn *get_params; /* give the AlgorithmIdentifier */
    void *context;
};

/*
 * A key on its way from the store or the decoder to the key management begins with this. The whole
 * (cold/loan.h) is larger than a pointer, so that the default provider, to which libcrypto offers it when a
 * PEM file is read, turns it down.
 */
struct zca_loan_head {
    uint64_t magic;
    struct zca_provider *provider;
};

#define ZCA_LOAN_MAGIC UINT64_C(0x7a63612d6c6f616e) /* "zca-loan" */

/* All functions report their own failures to OpenSSL and to the log; int is 1 or 0. */
struct zca_cold {
    unsigned abi;
    const char *version; /* ZCA_VERSION */

    /* Reads the provider's parameters and makes provider->library; free undoes it. */
    bool (*begin)(struct zca_provider *provider);
    void (*end)(struct zca_provider *provider);
    /* Within OSSL_provider_init, when zca-keep-sealing-key is given there: cold/early.h. */
    void (*load_early)(struct zca_provider *provider);
    const struct zca_overlay *(*overlay_get)(struct zca_provider *provider);

    /* As zca_gate_enter and zca_gate_leave of base/gate.h. */
    void (*gate_enter)(void);
    void (*gate_leave)(void);

    /* As zca_key_ref and zca_key_free of core/key.h. */
    struct zca_key *(*identity_key_ref)(struct zca_key *key);
    void (*identity_key_free)(struct zca_key *key);

    /* keymgmt_load: NULL, quietly, when `reference` is not one of ours. */
    struct zca_keydata *(*key_load)(enum zca_kind kind, const void *reference, size_t size);

    /* The rest of a PEM block whose first line was ours. */
    int (*key_decode)(struct zca_provider *provider, OSSL_CORE_BIO *bio, OSSL_CALLBACK *callback,
                      void *argument);
    /* A key with a URI as its reference, an anonymous one as the default provider writes it. */
    int (*key_encode)(const struct zca_keydata *keydata, OSSL_CORE_BIO *out);
    int (*key_encode_plain)(const struct zca_keydata *keydata, const struct zca_writing *writing);
    /* As text: the public part of a key with a URI. */
    int (*key_encode_text)(const struct zca_keydata *keydata, const struct zca_writing *writing);
    /* Reports why not; returns 0. */
    int (*refuse)(const struct zca_keydata *keydata, enum zca_refusal refusal);

    /* Generation: what a tool says about the key, made on first use; whether it named it; and if so, the key. */
    int (*new_key_set)(struct zca_new_key **new_key, const OSSL_PARAM *params);
    bool (*new_key_named)(const struct zca_new_key *new_key);
    struct zca_keydata *(*new_key_make)(struct zca_provider *provider, enum zca_kind kind,
                                        const struct zca_new_key *new_key,
                                        const struct zca_keydata *template);
    void (*new_key_free)(struct zca_new_key *new_key);

    /* CSR capture, when `finished` is a request. */
    void (*capture)(const struct zca_keydata *keydata, const struct zca_signed *finished);

    /* Signing with a key at an authority. */
    struct zca_remote_signature *(*remote_new)(const struct zca_keydata *keydata,
                                               const char *digest);
    struct zca_remote_signature *(*remote_dup)(const struct zca_keydata *keydata,
                                               const struct zca_remote_signature *remote);
    void (*remote_free)(struct zca_remote_signature *remote);
    int (*remote_update)(const struct zca_keydata *keydata, struct zca_remote_signature *remote,
                         struct zca_span data);
    int (*remote_sign)(const struct zca_keydata *keydata, const struct zca_remote_signature *remote,
                       const struct zca_span *tbs, unsigned char *signature, size_t *signature_len,
                       size_t size);
    int (*remote_allows)(const struct zca_keydata *keydata, const OSSL_PARAM *params);

    /* The store, function by function as in provider-storemgmt(7). */
    struct zca_store *(*store_open)(struct zca_provider *provider, const char *uri);
    int (*store_set_params)(struct zca_store *store, const OSSL_PARAM *params);
    int (*store_load)(struct zca_store *store, OSSL_CALLBACK *callback, void *argument);
    int (*store_eof)(const struct zca_store *store);
    void (*store_close)(struct zca_store *store);
};

/** zca_keydata_refuse reports what a key does not do. Returns 0. The key came out of zca-core.so: it is open. */
static inline int zca_keydata_refuse(const struct zca_keydata *keydata, enum zca_refusal refusal)
{
    return atomic_load(&keydata->provider->cold)->refuse(keydata, refusal);
}

/** zca_cold_table is the one function that zca-core.so exports; returns its table. */
const struct zca_cold *zca_cold_table(void);

#endif
