/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a key by family. One table names them, so reading them out of OpenSSL, sealing and
 * handing them back is one loop each. OpenSSL writes private values straight into secret memory.
 */
#include "core/key_value.h"

#include <string.h>

#include <openssl/core_names.h>

static size_t scalar_max(const struct zca_key_type *type)
{
    return (size_t)(type->bits + 7) / 8;
}

/* The uncompressed form (SEC 1, 2.3.3). */
static size_t point_max(const struct zca_key_type *type)
{
    return 1 + 2 * scalar_max(type);
}

/* key management; values: name, is_private, is_number, max; how many; import_is_open */
static const struct zca_key_family families[] = {
    {
     "EC", {{OSSL_PKEY_PARAM_PRIV_KEY, true, true, scalar_max},
         {OSSL_PKEY_PARAM_PUB_KEY, false, false, point_max}},
     2,     false,
     },
    {
     "RSA",    {{OSSL_PKEY_PARAM_RSA_D, true, true, scalar_max},
         {OSSL_PKEY_PARAM_RSA_FACTOR1, true, true, scalar_max},
         {OSSL_PKEY_PARAM_RSA_FACTOR2, true, true, scalar_max},
         {OSSL_PKEY_PARAM_RSA_EXPONENT1, true, true, scalar_max},
         {OSSL_PKEY_PARAM_RSA_EXPONENT2, true, true, scalar_max},
         {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, true, true, scalar_max},
         {OSSL_PKEY_PARAM_RSA_N, false, true, scalar_max},
         {OSSL_PKEY_PARAM_RSA_E, false, true, scalar_max}},
     8, false,
     },
    {
     "ED25519",    {{OSSL_PKEY_PARAM_PRIV_KEY, true, false, scalar_max},
         {OSSL_PKEY_PARAM_PUB_KEY, false, false, scalar_max}},
     2,     true,
     },
};

const struct zca_key_family *zca_key_family_of(const struct zca_key_type *type)
{
    for (size_t i = 0; i < ZCA_COUNT(families); i++) {
        if (strcmp(families[i].keymgmt, type->keymgmt) == 0) {
            return &families[i];
        }
    }
    return NULL;
}

void zca_key_values_clear(struct zca_key_values *values)
{
    zca_buffer_clear(&values->secret);
    zca_buffer_clear(&values->open);
    memset(values->lens, 0, sizeof(values->lens));
}

/* ---- byte order ---- */

static bool host_is_little_endian(void)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* The length of a number in host order without its leading zeros, at least one byte. */
static size_t significant(const uint8_t *number, size_t len)
{
    while (len > 1 && number[len - 1] == 0) {
        len--;
    }
    return len;
}

static void reverse(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t byte = bytes[i];
        bytes[i] = bytes[len - 1 - i];
        bytes[len - 1 - i] = byte;
    }
}

void zca_key_values_flip(const struct zca_key_type *type, struct zca_key_values *values)
{
    const struct zca_key_family *family = zca_key_family_of(type);
    uint8_t *secret = values->secret.data;
    uint8_t *open = values->open.data;
    for (size_t i = 0; host_is_little_endian() && i < family->num_rows; i++) {
        uint8_t **next = family->rows[i].is_private ? &secret : &open;
        if (family->rows[i].is_number) {
            reverse(*next, values->lens[i]);
        }
        *next += values->lens[i];
    }
}

/* ---- reading ---- */

struct source {
    const struct zca_functions *functions;
    void *inner;
    const struct zca_key_type *type;
};

/* One value, behind those that `out_bytes` holds. */
static bool read_value(const struct zca_key_value_row *row, const struct source *source,
                       struct zca_buffer *out_bytes, size_t *out_len, struct zca_error *err)
{
    const struct zca_key_type *type = source->type;
    size_t before = out_bytes->len;
    size_t max = row->max(type);
    if (!zca_buffer_resize(out_bytes, before + max, err)) {
        return false;
    }
    OSSL_PARAM params[] = {
        {.key = row->name,
         .data_type = row->is_number ? OSSL_PARAM_UNSIGNED_INTEGER : OSSL_PARAM_OCTET_STRING,
         .data = out_bytes->data + before,
         .data_size = max,
         .return_size = OSSL_PARAM_UNMODIFIED},
        OSSL_PARAM_END
    };
    if (!ZCA_KEYMGMT(get_params, GET_PARAMS, source->functions)(source->inner, params) ||
        !OSSL_PARAM_modified(params)) {
        return zca_error_set_crypto(err, "reading the value '%s' of a key", row->name);
    }
    size_t len = params[0].return_size;
    if (row->is_number && !type->group && host_is_little_endian()) {
        len = significant(out_bytes->data + before, len); /* a scalar keeps its length */
    }
    *out_len = len;
    return zca_buffer_resize(out_bytes, before + len, err);
}

bool zca_key_values_read(const struct zca_functions *functions, void *inner,
                         const struct zca_key_type *type, struct zca_key_values *out_values,
                         struct zca_error *err)
{
    const struct zca_key_family *family = zca_key_family_of(type);
    struct source source = {functions, inner, type};
    out_values->secret.secret = true;
    for (size_t i = 0; i < family->num_rows; i++) {
        const struct zca_key_value_row *row = &family->rows[i];
        struct zca_buffer *bytes = row->is_private ? &out_values->secret : &out_values->open;
        if (!read_value(row, &source, bytes, &out_values->lens[i], err)) {
            return false;
        }
    }
    return true;
}

bool zca_key_values_fit(const struct zca_key_type *type, const struct zca_key_values *values)
{
    const struct zca_key_family *family = zca_key_family_of(type);
    size_t secret = 0;
    size_t open = 0;
    for (size_t i = 0; i < family->num_rows; i++) {
        const struct zca_key_value_row *row = &family->rows[i];
        if (values->lens[i] == 0 || values->lens[i] > row->max(type)) {
            return false;
        }
        *(row->is_private ? &secret : &open) += values->lens[i];
    }
    return secret == values->secret.len && open == values->open.len;
}

/* ---- lending ---- */

void zca_key_values_lend(const struct zca_key_type *type, const struct zca_key_values *values,
                         OSSL_PARAM out_params[ZCA_KEY_MAX_VALUES + 2])
{
    const struct zca_key_family *family = zca_key_family_of(type);
    uint8_t *secret = values->secret.data;
    uint8_t *open = values->open.data;
    OSSL_PARAM *param = out_params;
    if (type->group) { /* OpenSSL does not write through it */
        *param++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                    (char *)(uintptr_t)type->group, 0);
    }
    for (size_t i = 0; i < family->num_rows; i++) {
        const struct zca_key_value_row *row = &family->rows[i];
        uint8_t **next = row->is_private ? &secret : &open;
        *param++ = row->is_number
                       ? OSSL_PARAM_construct_BN(row->name, *next, values->lens[i])
                       : OSSL_PARAM_construct_octet_string(row->name, *next, values->lens[i]);
        *next += values->lens[i];
    }
    *param = OSSL_PARAM_construct_end();
}
