/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object of a token: values, and for keys the key itself. Counted: an operation keeps the key it began with,
 * whatever becomes of the object. Handles count up and are never used again in a process.
 */
#ifndef ZCA_PKCS11_MODULE_OBJECT_H
#define ZCA_PKCS11_MODULE_OBJECT_H

#include <stdatomic.h>

#include <openssl/evp.h>

#include "base/auto.h"
#include "pkcs11-module/cryptoki.h"
#include "pkcs11-module/values.h"

struct zca_object {
    CK_OBJECT_HANDLE handle;
    atomic_uint references;
    CK_OBJECT_CLASS class;
    CK_SESSION_HANDLE owner; /* the session that it dies with; 0: a token object */
    bool is_private;         /* CKA_PRIVATE: seen after C_Login only */
    bool
        is_hidden; /* its handle is good, but no search finds it: replaced by one of the same CKA_ID */
    bool is_superseded;        /* an older generation: found only by CKA_ID or CKA_UNIQUE_ID */
    struct zca_values *values; /* replaced as a whole, under the module's lock */
    unsigned changes;          /* how often they were replaced */
    EVP_PKEY *key;             /* of the private context; NULL: no key, or one that is elsewhere */
    struct zca_buffer secret;  /* CKO_SECRET_KEY: its value; a secret buffer */
    char *file;                /* where a scratch token keeps it; NULL */
    bool is_sealed;            /* its key is still in that file (token.h, open) */
    struct zca_object *next_of_id; /* zca_objects' own */
};

/**
 * zca_object_new makes an object with one reference and a fresh handle.
 *
 * values   taken, NULL: empty. CKA_CLASS, CKA_TOKEN and CKA_PRIVATE of the object are what they say.
 * key      taken; NULL: none.
 * Returns NULL when out of memory, and has then released what it took.
 */
ZCA_NODISCARD struct zca_object *zca_object_new(struct zca_values *values, EVP_PKEY *key);
struct zca_object *zca_object_ref(struct zca_object *object);

/** zca_object_is_key tells whether it is a key of any class; NULL is none. */
bool zca_object_is_key(const struct zca_object *object);
void zca_object_free(struct zca_object *object);
ZCA_DEFINE_AUTO(zca_object, struct zca_object, zca_object_free);

#endif
