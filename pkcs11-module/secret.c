/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret keys. C_GenerateKey is for conformance suites, which need a secret key in tests of other things: its mechanisms
 * are there with option legacy-mechanisms only.
 */
#include "pkcs11-module/secret.h"

#include "pkcs11-module/call.h"
#include "pkcs11-module/create.h"
#include "pkcs11-module/error.h"

static bool is_any(size_t len)
{
    return len > 0 && len <= 1024;
}

static bool is_of_aes(size_t len)
{
    return len == 16 || len == 24 || len == 32;
}

static bool is_of_des(size_t len)
{
    return len == 8;
}

static bool is_of_des3(size_t len)
{
    return len == 24;
}

static const struct row {
    CK_KEY_TYPE type;
    size_t usual_len; /* 0: the template says it */
    bool has_parity;  /* FIPS 46-3: each byte has an odd number of ones */
    bool (*fits)(size_t len);
} rows[] = {
    {CKK_GENERIC_SECRET, 0,  false, is_any    },
    {CKK_AES,            0,  false, is_of_aes },
    {CKK_DES,            8,  true,  is_of_des },
    {CKK_DES3,           24, true,  is_of_des3},
};

static const struct row *find_row(CK_KEY_TYPE type)
{
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        if (rows[i].type == type) {
            return &rows[i];
        }
    }
    return NULL;
}

CK_RV zca_secret_fits(CK_KEY_TYPE type, size_t len)
{
    const struct row *row = find_row(type);
    if (!row) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    return row->fits(len) ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

CK_RV zca_secret_show(struct zca_session *session, struct zca_values *values,
                      struct zca_buffer *secret, CK_OBJECT_HANDLE *out_handle)
{
    zca_auto(zca_object) struct zca_object *object = zca_object_new(values, NULL);
    if (!object) {
        return CKR_HOST_MEMORY;
    }
    zca_buffer_move(&object->secret, secret);
    CK_OBJECT_HANDLE handle = object->handle;
    CK_RV rv = zca_object_show(session, object);
    if (rv == CKR_OK) {
        (void)zca_steal(object); /* the token's now */
        *out_handle = handle;
    }
    return rv;
}

/* ---- C_GenerateKey ---- */

static CK_RV plan_len(const struct row *row, const struct zca_template *template, size_t *out_len)
{
    const CK_ATTRIBUTE *given = zca_template_find(template, CKA_VALUE_LEN);
    if (!given && row->usual_len == 0) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    if (given && row->usual_len != 0) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    *out_len = given ? zca_template_get_number(template, CKA_VALUE_LEN, 0) : row->usual_len;
    return zca_secret_fits(row->type, *out_len);
}

static void set_parity(struct zca_buffer *secret)
{
    for (size_t i = 0; i < secret->len; i++) {
        uint8_t upper = secret->data[i] & 0xfe;
        secret->data[i] = (uint8_t)(upper | (__builtin_parity(upper) == 0 ? 1 : 0));
    }
}

static CK_RV make_secret(const struct zca_session *session, const struct row *row, size_t len,
                         struct zca_buffer *out_secret)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(session->token, &rv);
    if (context && !zca_random(context, len, out_secret, &err)) {
        return zca_pkcs11_fail(session->token->library, &err);
    }
    if (row->has_parity) {
        set_parity(out_secret);
    }
    return rv;
}

static CK_RV describe(const struct row *row, const struct zca_mechanism *mechanism, size_t len,
                      struct zca_values *values)
{
    bool is_sensitive = zca_values_get_boolean(values, CKA_SENSITIVE, true);
    bool is_extractable = zca_values_get_boolean(values, CKA_EXTRACTABLE, false);
    CK_RV rv = zca_values_set_number(values, CKA_KEY_TYPE, row->type);
    if (rv == CKR_OK && row->usual_len == 0) {
        rv = zca_values_set_number(values, CKA_VALUE_LEN, len);
    }
    rv = rv ? rv : zca_values_set_boolean(values, CKA_LOCAL, true);
    rv = rv ? rv : zca_values_set_number(values, CKA_KEY_GEN_MECHANISM, mechanism->type);
    rv = rv ? rv : zca_values_set_boolean(values, CKA_ALWAYS_SENSITIVE, is_sensitive);
    return rv ? rv : zca_values_set_boolean(values, CKA_NEVER_EXTRACTABLE, !is_extractable);
}

static CK_RV generate_key(struct zca_session *session, const struct zca_mechanism *mechanism,
                          const struct zca_template *template, CK_OBJECT_HANDLE *out_handle)
{
    size_t len = 0;
    const struct row *row = find_row(mechanism->key_type);
    zca_auto(zca_values) struct zca_values *values = NULL;
    zca_auto(zca_buffer) struct zca_buffer secret = ZCA_SECRET_BUFFER;
    if (!row || zca_template_get_number(template, CKA_KEY_TYPE, row->type) != row->type) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    CK_RV rv = plan_len(row, template, &len);
    rv = rv ? rv : zca_values_from_template(CKO_SECRET_KEY, template, ZCA_ORIGIN_GENERATE, &values);
    rv = rv ? rv : zca_object_may_show(session, values);
    rv = rv ? rv : make_secret(session, row, len, &secret);
    rv = rv ? rv : describe(row, mechanism, len, values);
    return rv ? rv : zca_secret_show(session, zca_steal(values), &secret, out_handle);
}

static CK_RV check_and_generate(struct zca_session *session, const CK_MECHANISM *given,
                                const CK_ATTRIBUTE *attributes, CK_ULONG count,
                                CK_OBJECT_HANDLE *out_handle)
{
    struct zca_template template;
    CK_RV rv =
        given && out_handle ? zca_template_check(attributes, count, &template) : CKR_ARGUMENTS_BAD;
    if (rv != CKR_OK) {
        return rv;
    }
    const struct zca_mechanism *mechanism =
        zca_mechanism_find(given->mechanism, session->token->places);
    if (!mechanism || (mechanism->flags & CKF_GENERATE) == 0) {
        return CKR_MECHANISM_INVALID;
    }
    return given->ulParameterLen == 0 ? generate_key(session, mechanism, &template, out_handle)
                                      : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *attributes,
                    CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_GenerateKey", session);
    return call.rv ? call.rv
                   : zca_call_end(&call, check_and_generate(call.session, mechanism, attributes,
                                                            count, key));
}
