/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One byte for the family, then its values, each behind its length in four bytes; numbers in the host's order, as
 * OpenSSL's parameters have them. OpenSSL writes private values straight into secret memory and reads them there.
 */
#include "pkcs11-module/scratch_material.h"

#include <string.h>

#include <openssl/core_names.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "base/secure_memory.h"

#define MAX_VALUES 8u
#define LEN_BYTES 4u

struct value_row {
    const char *name;
    unsigned type; /* OSSL_PARAM_... */
};

static const struct family {
    const char *name;
    uint8_t mark;
    struct value_row rows[MAX_VALUES];
    size_t num_rows;
    size_t num_public;   /* the first ones; the next is there when the key has a private part */
    bool import_is_open; /* OpenSSL 3.0 imports it into ordinary memory, but copies it well */
} families[] = {
    {.name = "EC",
     .mark = 1,
     .rows = {{OSSL_PKEY_PARAM_GROUP_NAME, OSSL_PARAM_UTF8_STRING},
              {OSSL_PKEY_PARAM_PUB_KEY, OSSL_PARAM_OCTET_STRING},
              {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PARAM_UNSIGNED_INTEGER}},
     .num_rows = 3,
     .num_public = 2         },
    {                 .name = "RSA",
     .mark = 2,
     .rows = {{OSSL_PKEY_PARAM_RSA_N, OSSL_PARAM_UNSIGNED_INTEGER},
              {OSSL_PKEY_PARAM_RSA_E, OSSL_PARAM_UNSIGNED_INTEGER},
              {OSSL_PKEY_PARAM_RSA_D, OSSL_PARAM_UNSIGNED_INTEGER},
              {OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PARAM_UNSIGNED_INTEGER},
              {OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PARAM_UNSIGNED_INTEGER},
              {OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PARAM_UNSIGNED_INTEGER},
              {OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PARAM_UNSIGNED_INTEGER},
              {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PARAM_UNSIGNED_INTEGER}},
     .num_rows = 8,
     .num_public = 2       },
    { .name = "ED25519",
     .mark = 3,
     .rows = {{OSSL_PKEY_PARAM_PUB_KEY, OSSL_PARAM_OCTET_STRING},
              {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PARAM_OCTET_STRING}},
     .num_rows = 2,
     .num_public = 1,
     .import_is_open = true},
};

/* ---- writing ---- */

static const struct family *family_of(const EVP_PKEY *key)
{
    for (size_t i = 0; i < ZCA_COUNT(families); i++) {
        if (EVP_PKEY_is_a(key, families[i].name) == 1) {
            return &families[i];
        }
    }
    return NULL;
}

static bool append_value(struct zca_span value, struct zca_buffer *out_material,
                         struct zca_error *err)
{
    const uint8_t len[LEN_BYTES] = {(uint8_t)(value.len >> 24), (uint8_t)(value.len >> 16),
                                    (uint8_t)(value.len >> 8), (uint8_t)value.len};
    return zca_buffer_append(out_material, zca_span_of(len, sizeof(len)), err) &&
           zca_buffer_append(out_material, value, err);
}

/* Numbers come padded to the room that they were given. */
static struct zca_span value_of(const OSSL_PARAM *param)
{
    const bool is_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    if (!OSSL_PARAM_modified(param)) {
        return zca_span_of(param->data, 0);
    }
    struct zca_span value = zca_span_of(param->data, param->return_size);
    bool is_number = param->data_type == OSSL_PARAM_UNSIGNED_INTEGER;
    while (is_number && is_little && value.len > 1 && value.data[value.len - 1] == 0) {
        value.len--;
    }
    return value;
}

/* Fills `params` with the first rows' values, which lie in `values`. */
static bool read_values(EVP_PKEY *key, const struct family *family, size_t num_rows,
                        struct zca_buffer *values, OSSL_PARAM *params, struct zca_error *err)
{
    size_t room = (size_t)EVP_PKEY_get_bits(key) / 4 + 64; /* a point, or the name of a curve */
    if (!zca_buffer_resize(values, room * num_rows, err)) {
        return false;
    }
    for (size_t i = 0; i < num_rows; i++) {
        const struct value_row *row = &family->rows[i];
        params[i] = (OSSL_PARAM){row->name, row->type, values->data + i * room, room,
                                 OSSL_PARAM_UNMODIFIED};
    }
    params[num_rows] = OSSL_PARAM_construct_end();
    return EVP_PKEY_get_params(key, params) == 1 ||
           zca_error_set_crypto(err, "reading the values of a key");
}

bool zca_scratch_material_write(EVP_PKEY *key, bool public_only, struct zca_buffer *out_material,
                                struct zca_error *err)
{
    const struct family *family = family_of(key);
    zca_auto(zca_buffer) struct zca_buffer values = ZCA_SECRET_BUFFER;
    OSSL_PARAM params[MAX_VALUES + 1];
    if (!family) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED, "a scratch token keeps no such key");
    }
    size_t num_rows = public_only ? family->num_public : family->num_rows;
    bool ok = read_values(key, family, num_rows, &values, params, err) &&
              zca_buffer_append(out_material, zca_span_of(&family->mark, 1), err);
    for (size_t i = 0; ok && i < num_rows; i++) {
        ok = append_value(value_of(&params[i]), out_material, err);
    }
    return ok;
}

/* ---- reading ---- */

static const struct family *family_marked(struct zca_span material)
{
    for (size_t i = 0; material.len != 0 && i < ZCA_COUNT(families); i++) {
        if (families[i].mark == material.data[0]) {
            return &families[i];
        }
    }
    return NULL;
}

static bool take_value(struct zca_span *rest, struct zca_span *out_value)
{
    if (rest->len < LEN_BYTES) {
        return false;
    }
    const uint8_t *at = rest->data;
    size_t len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (len > rest->len - LEN_BYTES) {
        return false;
    }
    *out_value = zca_span_of(at + LEN_BYTES, len);
    *rest = zca_span_of(at + LEN_BYTES + len, rest->len - LEN_BYTES - len);
    return true;
}

/* How many values are there, by what they are of. */
struct found {
    size_t num_public, num_private, num_factors; /* of RSA, behind the private value */
};

/* The public part always, the private one as a whole or without its factors. */
static bool is_whole(const struct family *family, const struct found *found)
{
    size_t num_factors = family->num_rows - family->num_public - 1;
    return found->num_public == family->num_public &&
           (found->num_factors == 0 ||
            (found->num_private == 1 && found->num_factors == num_factors));
}

/* Lends all values that are there to `out_params`. */
static bool lend(const struct family *family, struct zca_span material, OSSL_PARAM *out_params,
                 bool *out_is_private)
{
    struct zca_span rest = zca_span_of(material.data + 1, material.len - 1);
    struct found found = {0};
    size_t num_params = 0;
    for (size_t i = 0; i < family->num_rows && rest.len != 0; i++) {
        struct zca_span value;
        if (!take_value(&rest, &value)) {
            return false;
        }
        if (value.len != 0) {
            out_params[num_params++] =
                (OSSL_PARAM){family->rows[i].name, family->rows[i].type,
                             (void *)(uintptr_t)value.data, value.len, OSSL_PARAM_UNMODIFIED};
            found.num_public += i < family->num_public;
            found.num_private += i == family->num_public;
            found.num_factors += i > family->num_public;
        }
    }
    out_params[num_params] = OSSL_PARAM_construct_end();
    *out_is_private = found.num_private != 0;
    return rest.len == 0 && is_whole(family, &found);
}

/* What the import has put into ordinary memory is wiped with it; the copy is in secure memory. */
static EVP_PKEY *move_to_secure_memory(EVP_PKEY *imported)
{
    EVP_PKEY *copy = EVP_PKEY_dup(imported);
    EVP_PKEY_free(imported);
    return copy;
}

static EVP_PKEY *import(OSSL_LIB_CTX *context, const struct family *family, int selection,
                        OSSL_PARAM params[])
{
    EVP_PKEY *key = NULL;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *importer = zca_key_family_context(context, family->name);
    if (!importer || EVP_PKEY_fromdata_init(importer) != 1 ||
        EVP_PKEY_fromdata(importer, &key, selection, params) != 1) {
        return NULL;
    }
    return family->import_is_open && selection == EVP_PKEY_KEYPAIR ? move_to_secure_memory(key)
                                                                   : key;
}

EVP_PKEY *zca_scratch_material_read(OSSL_LIB_CTX *context, struct zca_span material,
                                    struct zca_error *err)
{
    OSSL_PARAM params[MAX_VALUES + 1];
    bool is_private = false;
    const struct family *family = family_marked(material);
    if (!family || !lend(family, material, params, &is_private)) {
        (void)zca_error_set(err, ZCA_ERR_SEALED, "the key is damaged"); /* NULL tells */
        return NULL;
    }
    if (is_private && !zca_secure_memory_has_room()) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY,
                            "the memory for private values is full: more secure-memory in [zca]");
        return NULL; /* as the error says */
    }
    EVP_PKEY *key =
        import(context, family, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
    if (!key) {
        (void)zca_error_set_crypto(err, "making a key of type '%s'", family->name); /* as above */
    }
    return key;
}
