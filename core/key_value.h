/* SPDX-License-Identifier: Apache-2.0 */
/* The raw values of a key, in the order and under the names of OpenSSL's key managements. For core/key.c
 * and core/key_record.c only. */
#ifndef ZCA_CORE_KEY_VALUE_H
#define ZCA_CORE_KEY_VALUE_H

#include "core/key.h"

/* RSA has the most: n, e, d, two factors, two exponents, one coefficient. */
#define ZCA_KEY_MAX_VALUES 8

struct zca_key_value_row {
    const char *name; /* OSSL_PKEY_PARAM_... */
    bool is_private;
    bool is_number; /* a big number, kept as big-endian bytes; else an octet string */
};

struct zca_key_family {
    const char *keymgmt;                               /* as in struct zca_key_type */
    struct zca_key_value_row rows[ZCA_KEY_MAX_VALUES]; /* public values first */
    size_t num_rows;
};

/** zca_key_family_of returns the rows for a key type; every type of base/algorithm.c has them. */
const struct zca_key_family *zca_key_family_of(const struct zca_key_type *type);

/** zca_key_value returns one value; borrowed. */
struct zca_span zca_key_value(const struct zca_key *key, size_t index);

/**
 * zca_key_from_values makes a key. The buffers are moved out of `values`, which has the family's order;
 * public_key is the DER SubjectPublicKeyInfo, copied.
 */
ZCA_NODISCARD struct zca_key *
zca_key_from_values(struct zca_library *library, const struct zca_key_type *type,
                    enum zca_key_origin origin, struct zca_buffer *values,
                    struct zca_span public_key, struct zca_error *err);

#endif
