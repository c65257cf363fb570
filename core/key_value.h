/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw values of a key, as OpenSSL's key managements know them. For core/key.c, core/key_value.c
 * and core/key_record.c only.
 */
#ifndef ZCA_CORE_KEY_VALUE_H
#define ZCA_CORE_KEY_VALUE_H

#include <openssl/params.h>

#include "core/crypto.h"
#include "core/key.h"

/* RSA has the most: n, e, d, two factors, two exponents, one coefficient. */
#define ZCA_KEY_MAX_VALUES 8

struct zca_key_value_row {
    const char *name; /* OSSL_PKEY_PARAM_... */
    bool is_private;
    bool is_number;                                 /* else an octet string */
    size_t (*max)(const struct zca_key_type *type); /* bytes */
};

struct zca_key_family {
    const char *keymgmt;                               /* as in struct zca_key_type */
    struct zca_key_value_row rows[ZCA_KEY_MAX_VALUES]; /* private values first */
    size_t num_rows;
    bool
        import_is_open; /* OpenSSL 3.0 imports such private values into ordinary memory, but copies them well */
};

/* All values, one behind the other in the family's order, numbers in the byte order of the host:
 * OSSL_PARAMs point straight at them, so a private value exists once. */
struct zca_key_values {
    struct zca_buffer secret;
    struct zca_buffer open;
    size_t lens[ZCA_KEY_MAX_VALUES];
};

/** zca_key_family_of returns the rows for a key type; every type of base/algorithm.c has them. */
const struct zca_key_family *zca_key_family_of(const struct zca_key_type *type);

/** zca_key_values_read copies the values of a crypto provider's key `inner`. out_values is empty before; on
 * failure it holds what was read, and the caller clears it as always. */
ZCA_NODISCARD bool zca_key_values_read(const struct zca_functions *functions, void *inner,
                                       const struct zca_key_type *type,
                                       struct zca_key_values *out_values, struct zca_error *err);

/** zca_key_values_lend fills `out_params` for a key management's import: private values, group, public values,
 * under the names of EVP_PKEY-EC(7), EVP_PKEY-RSA(7). They point into `values` and `type`. */
void zca_key_values_lend(const struct zca_key_type *type, const struct zca_key_values *values,
                         OSSL_PARAM out_params[ZCA_KEY_MAX_VALUES + 2]);

/** zca_key_values_fit tells whether the lengths add up to the buffers, and none is empty or too long. */
bool zca_key_values_fit(const struct zca_key_type *type, const struct zca_key_values *values);

/** zca_key_values_flip turns numbers from the host's byte order to big-endian, or back. */
void zca_key_values_flip(const struct zca_key_type *type, struct zca_key_values *values);

void zca_key_values_clear(struct zca_key_values *values);
ZCA_DEFINE_AUTO_CLEAR(zca_key_values, struct zca_key_values, zca_key_values_clear);

/** zca_key_values_of copies the values of a key; otherwise as zca_key_values_read. */
ZCA_NODISCARD bool zca_key_values_of(const struct zca_key *key, struct zca_key_values *out_values,
                                     struct zca_error *err);

/**
 * zca_key_from_values makes a key; the crypto provider makes its own copy.
 *
 * values       borrowed; they fit (zca_key_values_fit). The caller wipes them.
 * public_key   DER SubjectPublicKeyInfo, copied.
 */
ZCA_NODISCARD struct zca_key *
zca_key_from_values(struct zca_library *library, const struct zca_key_type *type,
                    enum zca_key_origin origin, const struct zca_key_values *values,
                    struct zca_span public_key, struct zca_error *err);

#endif
