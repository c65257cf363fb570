/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attribute table: every attribute we know, what its value looks like, which objects have it, and who may
 * give or change it (PKCS#11 3.0, 4). Everything else about attributes follows from the rows.
 */
#ifndef ZCA_PKCS11_MODULE_ATTRIBUTE_H
#define ZCA_PKCS11_MODULE_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11-module/cryptoki.h"

enum zca_attribute_form {
    ZCA_FORM_BOOLEAN,   /* CK_BBOOL: exactly one byte, 0 or not */
    ZCA_FORM_NUMBER,    /* CK_ULONG, in the host's byte order */
    ZCA_FORM_BYTES,     /* any bytes, none too */
    ZCA_FORM_TEXT,      /* UTF-8, no NUL */
    ZCA_FORM_DATE,      /* CK_DATE, or empty */
    ZCA_FORM_INTEGER,   /* big-endian unsigned number */
    ZCA_FORM_MECHANISMS /* array of CK_MECHANISM_TYPE */
};

/* Object classes as bits. */
#define ZCA_CLASS_DATA 0x01u
#define ZCA_CLASS_CERTIFICATE 0x02u
#define ZCA_CLASS_PUBLIC 0x04u
#define ZCA_CLASS_PRIVATE 0x08u
#define ZCA_CLASS_SECRET 0x10u /* what C_DeriveKey makes */
#define ZCA_CLASS_PROFILE 0x20u
#define ZCA_CLASS_TRUST 0x40u /* CKO_NSS_TRUST */
#define ZCA_CLASS_KEYS (ZCA_CLASS_PUBLIC | ZCA_CLASS_PRIVATE | ZCA_CLASS_SECRET)
#define ZCA_CLASS_ANY 0x7fu

/* How a template comes to an object. */
enum zca_origin {
    ZCA_ORIGIN_CREATE,   /* C_CreateObject */
    ZCA_ORIGIN_GENERATE, /* C_GenerateKeyPair, C_DeriveKey */
    ZCA_ORIGIN_COPY,     /* C_CopyObject */
    ZCA_ORIGIN_CHANGE,   /* C_SetAttributeValue */
    ZCA_ORIGIN_LOAD,     /* ours: identity, authority, a stored object */
    ZCA_NUM_ORIGINS
};

#define ZCA_MAY(origin) (1u << (origin))
/* read from the key when asked, never kept beside it; not told when CKA_SENSITIVE or not CKA_EXTRACTABLE */
#define ZCA_ATTRIBUTE_SECRET 0x100u
#define ZCA_ATTRIBUTE_OF_KEY 0x200u   /* what it says comes from the key, not from a template */
#define ZCA_ATTRIBUTE_ONLY_ON 0x400u  /* one-way: CKA_SENSITIVE is changed to true only, */
#define ZCA_ATTRIBUTE_ONLY_OFF 0x800u /* CKA_EXTRACTABLE to false only */

struct zca_attribute_row {
    CK_ATTRIBUTE_TYPE type;
    const char *name; /* "CKA_LABEL" */
    enum zca_attribute_form form;
    unsigned classes; /* ZCA_CLASS_... */
    unsigned flags;   /* ZCA_MAY(origin) bits and ZCA_ATTRIBUTE_... */
    /* for an object made without it: -1 absent; BOOLEAN 0 or 1; NUMBER 0: CK_UNAVAILABLE_INFORMATION; others 0: empty */
    int fallback;
};

/** zca_attribute_find returns the first row of a type, or NULL for types that we do not know. */
const struct zca_attribute_row *zca_attribute_find(CK_ATTRIBUTE_TYPE type);

/** zca_attribute_of returns the row of a type for a class (ZCA_CLASS_...), or NULL when its objects have no such thing. */
const struct zca_attribute_row *zca_attribute_of(CK_ATTRIBUTE_TYPE type, unsigned class);

/** zca_attribute_rows returns all rows, sorted by type, for what walks them. A type has several rows where it is another
 * thing for other classes. */
const struct zca_attribute_row *zca_attribute_rows(size_t *out_num_rows);

/** zca_class_bit returns the ZCA_CLASS_ bit of a CKO_ number; 0 for classes that we have no objects of. */
unsigned zca_class_bit(CK_OBJECT_CLASS class);

/** zca_attribute_value_fits tells whether `value` has the row's form and a sane length (at most ZCA_MAX_VALUE). */
bool zca_attribute_value_fits(const struct zca_attribute_row *row, const CK_ATTRIBUTE *value);

/* No value of ours or of an application is longer. */
#define ZCA_MAX_VALUE (1024u * 1024u)

#endif
