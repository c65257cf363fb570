/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session has begun: find apart, one operation of each sort. Contexts of OpenSSL are kept from one operation to
 * the next, because making them costs as much as 7 % of a P-256 signature.
 */
#ifndef ZCA_PKCS11_MODULE_OPERATION_H
#define ZCA_PKCS11_MODULE_OPERATION_H

#include <openssl/evp.h>

#include "base/buffer.h"
#include "pkcs11-module/mechanism.h"
#include "pkcs11-module/object.h"

enum zca_operation_sort {
    ZCA_OPERATION_DIGEST,
    ZCA_OPERATION_SIGN,
    ZCA_OPERATION_VERIFY,
    ZCA_OPERATION_ENCRYPT,
    ZCA_OPERATION_DECRYPT,
    ZCA_OPERATION_MESSAGE_SIGN,
    ZCA_NUM_OPERATIONS
};

/* The parameters of a mechanism, checked and in OpenSSL's words. Zero: none. */
struct zca_parameters {
    const char *digest;      /* PSS, OAEP: the hash; else NULL */
    const char *mask_digest; /* of MGF1 */
    size_t salt_len;
    uint8_t label[256]; /* OAEP */
    size_t label_len;
};

struct zca_operation {
    const struct zca_mechanism *mechanism; /* NULL: none is active */
    struct zca_parameters parameters;
    struct zca_object *key;    /* a reference */
    bool is_multipart;         /* C_...Update was called: no one-shot any more */
    EVP_MD_CTX *digest;        /* with a mechanism that hashes first */
    struct zca_buffer message; /* collected: keys that sign whole messages; bounded */

    /* kept behind the end, for the next that uses the same key in the same way */
    EVP_PKEY_CTX *context;
    struct zca_object *context_key; /* a reference */
    const struct zca_mechanism *context_mechanism;
    struct zca_parameters context_parameters;
};

/** zca_operation_end ends the operation; contexts stay. zca_operation_clear releases everything. */
void zca_operation_end(struct zca_operation *operation);
void zca_operation_clear(struct zca_operation *operation);

/** zca_parameters_read checks a mechanism's parameter, whose memory is the application's.
 * CKR_MECHANISM_PARAM_INVALID; CKR_ARGUMENTS_BAD for NULL with a length. */
ZCA_NODISCARD CK_RV zca_parameters_read(const struct zca_mechanism *mechanism,
                                        const CK_MECHANISM *given, CK_ULONG key_bits,
                                        struct zca_parameters *out_parameters);

#endif
