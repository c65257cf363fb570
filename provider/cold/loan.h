/* SPDX-License-Identifier: Apache-2.0 */
/* A key on its way from the store or the decoder to the key management, which makes it real. */
#ifndef ZCA_PROVIDER_COLD_LOAN_H
#define ZCA_PROVIDER_COLD_LOAN_H

#include <openssl/evp.h>

#include "core/key.h"
#include "core/reference.h"
#include "provider/cold.h"

/* All borrowed for the length of the callback that passes it. Exactly one of key, public_key and
 * reference is set. */
struct zca_loan {
    struct zca_loan_head head;
    const char *uri;
    const char *authority;                 /* with public_key: whose remote key it is */
    struct zca_key *key;                   /* a local key */
    EVP_PKEY *public_key;                  /* the public half of a remote key */
    const struct zca_reference *reference; /* from a PEM file: looked up or unsealed by the load */
};

/** zca_loan_kind returns the kind of key that waits in `loan`, without I/O. err ZCA_ERR_UNSUPPORTED. */
ZCA_NODISCARD bool zca_loan_kind(const struct zca_loan *loan, enum zca_kind *out_kind,
                                 struct zca_error *err);

/** zca_loan_of begins a loan; the caller sets the other members. */
static inline struct zca_loan zca_loan_of(struct zca_provider *provider)
{
    return (struct zca_loan){
        .head = {.magic = ZCA_LOAN_MAGIC, .provider = provider}
    };
}

/** zca_loan_take makes key data of a kind from a loan; NULL after ZCA_FAIL, or quietly when `reference`
 * is not one of ours. */
struct zca_keydata *zca_loan_take(enum zca_kind kind, const void *reference, size_t reference_size);

#endif
