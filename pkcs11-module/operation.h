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

struct zca_session;

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
    size_t digest_len;       /* its bytes */
    const char *mask_digest; /* of MGF1 */
    size_t salt_len;
    uint8_t label[256]; /* OAEP */
    size_t label_len;
};

struct zca_operation {
    const struct zca_mechanism *mechanism; /* NULL: none is active */
    enum zca_operation_sort sort;
    struct zca_parameters parameters;
    struct zca_object *key; /* a reference, kept behind the end; NULL with ZCA_OPERATION_DIGEST */
    size_t output_len;      /* bytes of a signature, a ciphertext or a digest */
    size_t input_min, input_max; /* bytes that are taken, where nothing is hashed */
    bool hashes;                 /* here and first: data goes to `digest`, else to `message` */
    bool is_multipart;           /* C_...Update or Final was called: no one-shot any more */
    bool is_one_shot;            /* the reverse */
    EVP_MD_CTX *digest;          /* kept, too */
    const char *digest_name;     /* what `digest` is for; the table's, so the pointer tells */
    struct zca_buffer message;   /* collected: keys that sign whole messages; bounded */

    /* kept, too, for the next that uses the same key in the same way */
    EVP_PKEY_CTX *context; /* of `key` */
    const struct zca_mechanism *context_mechanism;
    struct zca_parameters context_parameters;
};

/**
 * zca_operation_begin does what C_SignInit and its like have in common: finds the mechanism and the key, checks that the
 * one may be used with the other, and the mechanism's parameter. Without `given` it cancels (PKCS#11 3.0, 5.13.1).
 *
 * sort   not ZCA_OPERATION_DIGEST.
 *
 * CKR_OPERATION_ACTIVE (which goes on), CKR_MECHANISM_INVALID, CKR_KEY_HANDLE_INVALID, what zca_operation_check_key and
 * zca_parameters_read say.
 */
ZCA_NODISCARD CK_RV zca_operation_begin(struct zca_session *session, enum zca_operation_sort sort,
                                        const CK_MECHANISM *given, CK_OBJECT_HANDLE key);

/** zca_operation_cancel is what a NULL mechanism asks for: CKR_ARGUMENTS_BAD when nothing is active. */
ZCA_NODISCARD CK_RV zca_operation_cancel(struct zca_operation *operation);

/**
 * zca_operation_check_key tells whether a key may be used so, and stores its size. Takes the module's lock.
 *
 * class        that the key must have.
 * permission   CKA_SIGN, CKA_DERIVE, ...
 *
 * CKR_KEY_HANDLE_INVALID (not a key), CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_SIZE_RANGE,
 * CKR_MECHANISM_INVALID (not among CKA_ALLOWED_MECHANISMS).
 */
ZCA_NODISCARD CK_RV zca_operation_check_key(struct zca_session *session,
                                            const struct zca_object *object, CK_OBJECT_CLASS class,
                                            CK_ATTRIBUTE_TYPE permission,
                                            const struct zca_mechanism *mechanism,
                                            CK_ULONG *out_bits);

/** zca_operation_use notes that the operation is used in one call or in parts. CKR_OPERATION_NOT_INITIALIZED;
 * CKR_OPERATION_ACTIVE after a call of the other kind. */
ZCA_NODISCARD CK_RV zca_operation_use(struct zca_operation *operation, bool is_multipart);

/** zca_operation_room checks where an application wants `needed` bytes, and stores this number in `len`.
 * CKR_OK with output NULL: only the length was asked for. CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL. */
ZCA_NODISCARD CK_RV zca_operation_room(const CK_BYTE *output, CK_ULONG *len, size_t needed);

/** zca_operation_leave returns rv, and ends the operation unless it goes on: after CKR_BUFFER_TOO_SMALL, or after
 * success when `goes_on`. */
CK_RV zca_operation_leave(struct zca_operation *operation, CK_RV rv, bool goes_on);

/** zca_input_check makes a span of an application's bytes. CKR_ARGUMENTS_BAD; CKR_DATA_LEN_RANGE from 4 GiB. */
ZCA_NODISCARD CK_RV zca_input_check(const CK_BYTE *data, CK_ULONG len, struct zca_span *out_input);

/** zca_operation_start_hash makes `digest` ready for data, if the operation hashes. */
ZCA_NODISCARD CK_RV zca_operation_start_hash(struct zca_session *session,
                                             struct zca_operation *operation);

/** zca_operation_update takes a part of the data. CKR_DATA_LEN_RANGE beyond what can be collected. */
ZCA_NODISCARD CK_RV zca_operation_update(struct zca_session *session,
                                         struct zca_operation *operation, struct zca_span part);

/**
 * zca_operation_input stores what goes to the key: the digest of the data, or the data.
 *
 * all      all data of a one-shot operation; NULL: what zca_operation_update took.
 * digest   memory for a digest.
 * CKR_DATA_LEN_RANGE.
 */
ZCA_NODISCARD CK_RV zca_operation_input(struct zca_session *session,
                                        struct zca_operation *operation, const struct zca_span *all,
                                        uint8_t digest[EVP_MAX_MD_SIZE],
                                        struct zca_span *out_input);

/** zca_operation_context makes `context` ready for the key and mechanism of the operation. */
ZCA_NODISCARD CK_RV zca_operation_context(struct zca_session *session,
                                          struct zca_operation *operation);

/** zca_operation_fail logs that OpenSSL failed at `doing` ("signing") and returns a CK_RV for it. The context is not used
 * again. */
CK_RV zca_operation_fail(struct zca_session *session, struct zca_operation *operation,
                         const char *doing);

/** zca_operation_end ends the operation; key and contexts stay. zca_operation_clear releases everything. */
void zca_operation_end(struct zca_operation *operation);
void zca_operation_clear(struct zca_operation *operation);

/** zca_operation_drop_context releases what is kept of the last operation: after a failure in it. zca_operation_forget does,
 * and releases the key, of an operation that has ended. */
void zca_operation_drop_context(struct zca_operation *operation);
void zca_operation_forget(struct zca_operation *operation);

/** zca_parameters_read checks a mechanism's parameter, whose memory is the application's.
 * CKR_MECHANISM_PARAM_INVALID; CKR_MECHANISM_INVALID for a hash that is not offered here; CKR_ARGUMENTS_BAD for NULL with
 * a length. */
ZCA_NODISCARD CK_RV zca_parameters_read(const struct zca_mechanism *mechanism,
                                        const CK_MECHANISM *given, CK_ULONG key_bits,
                                        struct zca_parameters *out_parameters);

#endif
