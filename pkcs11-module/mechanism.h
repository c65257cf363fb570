/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanism table: what can be done with which key on which kind of token (PKCS#11 3.0 current mechanisms, 2). */
#ifndef ZCA_PKCS11_MODULE_MECHANISM_H
#define ZCA_PKCS11_MODULE_MECHANISM_H

#include <stdbool.h>

#include "base/auto.h"
#include "pkcs11-module/cryptoki.h"

enum zca_padding { ZCA_PADDING_NONE, ZCA_PADDING_PKCS1, ZCA_PADDING_PSS, ZCA_PADDING_OAEP };

/* On which tokens. */
#define ZCA_ON_LOCAL 0x1u     /* identity and scratch tokens */
#define ZCA_ON_AUTHORITY 0x2u /* the CA sees what it signs: whole structures, hashed there */
#define ZCA_ON_LEGACY 0x4u    /* local, and only with option legacy-mechanisms */

struct zca_mechanism {
    CK_MECHANISM_TYPE type;
    const char *name;     /* "CKM_ECDSA_SHA256" */
    CK_KEY_TYPE key_type; /* CK_UNAVAILABLE_INFORMATION: no key */
    const char
        *digest; /* OpenSSL's name of what hashes the data first; NULL: the data is used as it is */
    enum zca_padding padding;
    CK_FLAGS flags;    /* CKF_SIGN, CKF_VERIFY, ..., CKF_EC_F_P ... */
    CK_ULONG min, max; /* bits of the key */
    unsigned places;   /* ZCA_ON_... */
};

/** zca_mechanism_find returns the row when the mechanism exists in these places, else NULL. */
const struct zca_mechanism *zca_mechanism_find(CK_MECHANISM_TYPE type, unsigned places);

/** zca_mechanism_next walks the rows of these places: NULL behind the last. `cursor` begins as 0. */
const struct zca_mechanism *zca_mechanism_next(unsigned places, size_t *cursor);

#endif
