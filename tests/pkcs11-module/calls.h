/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every function of PKCS#11 3.2 as a row: a test can call it with arguments from an array, good ones first, then one that
 * is bad. The kinds of arguments say which.
 */
#ifndef ZCA_TESTS_PKCS11_MODULE_CALLS_H
#define ZCA_TESTS_PKCS11_MODULE_CALLS_H

#include "pkcs11-module/cryptoki.h"

#define CALL_MAX_ARGUMENTS 10

/* What an argument is; pointers and numbers of one kind are damaged in the same ways. */
enum kind {
    KIND_NUMBER, /* anything goes */
    KIND_SESSION,
    KIND_SLOT,
    KIND_OBJECT,       /* of data */
    KIND_SIGN_KEY,     /* keys: for the mechanism beside it */
    KIND_VERIFY_KEY,   /* .. */
    KIND_ENCRYPT_KEY,  /* .. */
    KIND_DECRYPT_KEY,  /* .. */
    KIND_DERIVE_KEY,   /* .. */
    KIND_SECRET_KEY,   /* .. */
    KIND_MAY_BE_NULL,  /* a pointer that nobody needs */
    KIND_RESERVED,     /* a pointer that must be NULL */
    KIND_TEXT,         /* a C string */
    KIND_BYTES,        /* bytes to read, with their length next */
    KIND_SIGNATURE,    /* .. */
    KIND_CIPHERTEXT,   /* .. */
    KIND_PIN,          /* .. */
    KIND_SO_PIN,       /* .. */
    KIND_LEN,          /* their lengths */
    KIND_LEN_64,       /* .. */
    KIND_LEN_256,      /* .. */
    KIND_PIN_LEN,      /* .. */
    KIND_SO_PIN_LEN,   /* .. */
    KIND_NONE,         /* a length of nothing */
    KIND_LABEL,        /* of a token: 32 bytes */
    KIND_OUT,          /* bytes to write, with a length next */
    KIND_OUT_LEN,      /* .. */
    KIND_RANDOM_LEN,   /* of what is written whole */
    KIND_INFO,         /* a structure to write */
    KIND_LIST,         /* an array to write, with its count next */
    KIND_LIST_COUNT,   /* .. */
    KIND_HANDLE_OUT,   /* a handle to write */
    KIND_MECHANISM,    /* the first of mechanisms */
    KIND_RSA,          /* .. */
    KIND_DIGEST,       /* .. */
    KIND_DERIVE,       /* .. */
    KIND_PAIR,         /* .. */
    KIND_SECRET,       /* .. */
    KIND_TYPE,         /* of a mechanism */
    KIND_NEW_DATA,     /* the first of templates */
    KIND_NEW_LABEL,    /* .. */
    KIND_SEARCH,       /* .. */
    KIND_QUESTION,     /* .. */
    KIND_PUBLIC_PART,  /* .. */
    KIND_PRIVATE_PART, /* .. */
    KIND_SECRET_PART,  /* .. */
    KIND_COUNT,        /* of a template: one attribute */
    KIND_USER,
    KIND_SESSION_FLAGS,
    KIND_TRUTH,
    KIND_NOTIFY, /* NULL */
    KIND_DONT_BLOCK,
    NUM_KINDS
};

union argument {
    CK_ULONG number;
    void *pointer;
    CK_BBOOL truth;
    CK_NOTIFY notify;
};

/* What must have happened in the session before. */
enum before {
    BEFORE_NOTHING,
    BEFORE_DIGEST,
    BEFORE_SIGN,
    BEFORE_SIGN_PART,
    BEFORE_VERIFY,
    BEFORE_VERIFY_PART,
    BEFORE_ENCRYPT,
    BEFORE_DECRYPT,
    BEFORE_FIND,
    BEFORE_MESSAGE,
    BEFORE_MESSAGE_PART,
    BEFORE_SO,         /* the other user is logged in */
    BEFORE_LOGOUT,     /* nobody is */
    BEFORE_NO_SESSION, /* all are closed */
    BEFORE_FINALIZE,
    NUM_BEFORE
};

struct call_row {
    const char *name;
    enum before before;
    CK_RV outcome; /* with good arguments */
    CK_RV (*call)(const union argument *arguments);
    size_t num_kinds;
    enum kind kinds[CALL_MAX_ARGUMENTS];
};

/** call_rows returns the table. call_find returns a row; fails the test without one. */
const struct call_row *call_rows(size_t *out_num_rows);
const struct call_row *call_find(const char *name);

#endif
