/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C_GenerateKeyPair (PKCS#11 3.0, 5.18.2). Both objects share one key of OpenSSL, and a session keeps what it generates
 * with: an application that makes a key for each connection pays for the key and little else.
 */
#include <openssl/rsa.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "base/secure_memory.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/create.h"
#include "pkcs11-module/curve.h"
#include "pkcs11-module/material.h"

/* FIPS 186-4, B.3.1: an odd number between 2^16 and 2^256. */
#define MAX_EXPONENT_BITS 256
#define LEAST_EXPONENT 65537u

/* One call: what was asked for, and what has been made of it. */
struct pair {
    struct zca_session *session;
    const struct zca_mechanism *mechanism;
    struct zca_template public_template, private_template;

    const struct zca_curve *curve; /* or, for RSA: */
    unsigned bits;
    BIGNUM *exponent;

    struct zca_values *public_values, *private_values;
    EVP_PKEY *key;
    struct zca_object *public_object, *private_object; /* references */
};

static void pair_clear(struct pair *pair)
{
    BN_free(pair->exponent);
    zca_values_free(pair->public_values);
    zca_values_free(pair->private_values);
    EVP_PKEY_free(pair->key);
    zca_object_free(pair->public_object);
    zca_object_free(pair->private_object);
}

ZCA_DEFINE_AUTO_CLEAR(pair, struct pair, pair_clear);

/* ---- what is asked for ---- */

static CK_RV plan_curve(struct pair *pair)
{
    const CK_ATTRIBUTE *params = zca_template_find(&pair->public_template, CKA_EC_PARAMS);
    if (!params) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    pair->curve = zca_curve_of_params(zca_span_of(params->pValue, params->ulValueLen));
    bool is_ours = pair->curve && pair->curve->key_type == pair->mechanism->key_type;
    return is_ours ? CKR_OK : CKR_CURVE_NOT_SUPPORTED;
}

static CK_RV plan_exponent(struct pair *pair)
{
    const CK_ATTRIBUTE *given = zca_template_find(&pair->public_template, CKA_PUBLIC_EXPONENT);
    pair->exponent = BN_new();
    if (!pair->exponent || BN_set_word(pair->exponent, LEAST_EXPONENT) != 1) {
        return CKR_HOST_MEMORY;
    }
    if (!given) {
        return CKR_OK;
    }
    BIGNUM *least = pair->exponent;
    pair->exponent = BN_bin2bn(given->pValue, (int)given->ulValueLen, NULL);
    bool is_good = pair->exponent && BN_is_odd(pair->exponent) &&
                   BN_num_bits(pair->exponent) <= MAX_EXPONENT_BITS &&
                   BN_cmp(pair->exponent, least) >= 0;
    BN_free(least);
    return is_good ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV plan_rsa(struct pair *pair)
{
    CK_ULONG bits = zca_template_get_number(&pair->public_template, CKA_MODULUS_BITS, 0);
    if (!zca_template_find(&pair->public_template, CKA_MODULUS_BITS)) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    if (bits < pair->mechanism->min || bits > pair->mechanism->max) {
        return CKR_KEY_SIZE_RANGE;
    }
    pair->bits = (unsigned)bits;
    return plan_exponent(pair);
}

/* ---- the key ---- */

static CK_RV open_generator(struct zca_session *session, const struct zca_curve *curve)
{
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(session->token, &rv);
    if (!context) {
        return rv;
    }
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *generator =
        zca_key_family_context(context, curve->keymgmt);
    if (!generator || EVP_PKEY_keygen_init(generator) != 1) {
        return CKR_FUNCTION_FAILED;
    }
    if (curve->key_type == CKK_EC && EVP_PKEY_CTX_set_group_name(generator, curve->group) != 1) {
        return CKR_FUNCTION_FAILED;
    }
    EVP_PKEY_CTX_free(session->generator);
    session->generator = zca_steal(generator);
    session->generator_group = curve->group;
    return CKR_OK;
}

static CK_RV make_on_curve(struct pair *pair)
{
    CK_RV rv = CKR_OK;
    struct zca_session *session = pair->session;
    if (session->generator_group != pair->curve->group) {
        rv = open_generator(session, pair->curve);
    }
    if (rv == CKR_OK && EVP_PKEY_generate(session->generator, &pair->key) != 1) {
        rv = CKR_FUNCTION_FAILED;
    }
    return rv;
}

static CK_RV make_rsa(struct pair *pair)
{
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(pair->session->token, &rv);
    if (!context) {
        return rv;
    }
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *generator = zca_key_family_context(context, "RSA");
    bool is_made = generator && EVP_PKEY_keygen_init(generator) == 1 &&
                   EVP_PKEY_CTX_set_rsa_keygen_bits(generator, (int)pair->bits) == 1 &&
                   EVP_PKEY_CTX_set1_rsa_keygen_pubexp(generator, pair->exponent) == 1 &&
                   EVP_PKEY_generate(generator, &pair->key) == 1;
    return is_made ? CKR_OK : CKR_FUNCTION_FAILED;
}

static const struct sort {
    CK_KEY_TYPE key_type;
    CK_RV (*plan)(struct pair *pair);
    CK_RV (*make)(struct pair *pair);
} sorts[] = {
    {CKK_RSA,        plan_rsa,   make_rsa     },
    {CKK_EC,         plan_curve, make_on_curve},
    {CKK_EC_EDWARDS, plan_curve, make_on_curve},
};

static const struct sort *sort_of(const struct zca_mechanism *mechanism)
{
    for (size_t i = 0; i < ZCA_COUNT(sorts); i++) {
        if (sorts[i].key_type == mechanism->key_type) {
            return &sorts[i];
        }
    }
    return NULL;
}

/* ---- a pair of objects of an application ---- */

/* What both objects say of the key: read from it once. */
static CK_RV share_values(const struct zca_values *public_values, struct zca_values *private_values)
{
    static const CK_ATTRIBUTE_TYPE shared[] = {CKA_KEY_TYPE, CKA_MODULUS, CKA_PUBLIC_EXPONENT,
                                               CKA_EC_PARAMS, CKA_PUBLIC_KEY_INFO};
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && i < ZCA_COUNT(shared); i++) {
        struct zca_span value;
        if (zca_values_find(public_values, shared[i], &value)) {
            rv = zca_values_set(private_values, shared[i], value);
        }
    }
    return rv;
}

/* The point of a key on a curve takes half as long to tell as the key to make, and few ask for it: later
 * (zca_object_describe), unless the objects are stored. */
static CK_RV describe_key(const struct pair *pair)
{
    bool is_stored = zca_values_get_boolean(pair->public_values, CKA_TOKEN, false) ||
                     zca_values_get_boolean(pair->private_values, CKA_TOKEN, false);
    return pair->curve && !is_stored
               ? zca_values_set_number(pair->public_values, CKA_KEY_TYPE, pair->curve->key_type)
               : zca_material_describe(pair->key, CKO_PUBLIC_KEY, pair->public_values);
}

static CK_RV describe(const struct pair *pair)
{
    CK_MECHANISM_TYPE mechanism = pair->mechanism->type;
    CK_RV rv = describe_key(pair);
    if (rv == CKR_OK) {
        rv = share_values(pair->public_values, pair->private_values);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_number(pair->public_values, CKA_KEY_GEN_MECHANISM, mechanism);
    }
    return rv == CKR_OK
               ? zca_values_set_number(pair->private_values, CKA_KEY_GEN_MECHANISM, mechanism)
               : rv;
}

static CK_RV make_key(struct pair *pair, const struct sort *sort)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_library_secure_memory(pair->session->token->library);
    if (!zca_secure_memory_has_room()) {
        return CKR_DEVICE_MEMORY;
    }
    CK_RV rv = sort->make(pair);
    return rv == CKR_OK ? describe(pair) : rv;
}

static CK_RV make_objects(struct pair *pair)
{
    EVP_PKEY *second = EVP_PKEY_up_ref(pair->key) == 1 ? pair->key : NULL;
    pair->public_object = zca_object_new(zca_steal(pair->public_values), second);
    pair->private_object = zca_object_new(zca_steal(pair->private_values), zca_steal(pair->key));
    return second && pair->public_object && pair->private_object ? CKR_OK : CKR_HOST_MEMORY;
}

/* Both or none. */
static CK_RV show_objects(struct pair *pair)
{
    CK_RV rv = zca_object_show(pair->session, zca_object_ref(pair->public_object));
    if (rv != CKR_OK) {
        zca_object_free(pair->public_object);
        return rv;
    }
    rv = zca_object_show(pair->session, zca_object_ref(pair->private_object));
    if (rv == CKR_OK) {
        return CKR_OK;
    }
    zca_object_free(pair->private_object);
    CK_RV undone = zca_object_hide(pair->session, pair->public_object);
    return undone == CKR_OK || undone == CKR_OBJECT_HANDLE_INVALID ? rv : undone;
}

static CK_RV generate_objects(struct pair *pair, const struct sort *sort)
{
    CK_RV rv = zca_object_may_show(pair->session, pair->public_values);
    if (rv == CKR_OK) {
        rv = zca_object_may_show(pair->session, pair->private_values);
    }
    if (rv == CKR_OK) {
        rv = make_key(pair, sort);
    }
    if (rv == CKR_OK) {
        rv = make_objects(pair);
    }
    return rv == CKR_OK ? show_objects(pair) : rv;
}

/* ---- the key pair of an identity ---- */

static CK_RV check_own(const struct pair *pair)
{
    if (!pair->session->is_rw) {
        return CKR_SESSION_READ_ONLY;
    }
    bool is_possible = zca_values_get_boolean(pair->public_values, CKA_TOKEN, false) &&
                       zca_values_get_boolean(pair->private_values, CKA_PRIVATE, false) &&
                       zca_values_get_boolean(pair->private_values, CKA_SENSITIVE, false) &&
                       !zca_values_get_boolean(pair->private_values, CKA_EXTRACTABLE, true);
    if (!is_possible) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    struct zca_token *token = pair->session->token;
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return zca_token_is_open(token) ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

/* An identity names its objects itself; what the application calls them comes on top, where it can be kept. */
static CK_RV name_own(struct zca_session *session, struct zca_object *object,
                      const struct zca_template *template)
{
    static const CK_ATTRIBUTE_TYPE names[] = {CKA_ID, CKA_LABEL, CKA_SUBJECT};
    CK_ATTRIBUTE given[ZCA_COUNT(names)];
    struct zca_template chosen = {.attributes = given};
    for (size_t i = 0; i < ZCA_COUNT(names); i++) {
        const CK_ATTRIBUTE *name = zca_template_find(template, names[i]);
        if (name) {
            given[chosen.count++] = *name;
        }
    }
    bool can_keep = chosen.count != 0 && session->token->kind->change;
    return can_keep ? zca_object_change(session, object, &chosen) : CKR_OK;
}

static CK_RV generate_own(struct pair *pair)
{
    struct zca_token *token = pair->session->token;
    const char *keymgmt = pair->curve ? pair->curve->keymgmt : "RSA";
    const char *group = pair->curve && pair->curve->key_type == CKK_EC ? pair->curve->group : NULL;
    const struct zca_key_type *type = zca_key_type_by(keymgmt, group, (int)pair->bits);
    CK_RV rv = type ? check_own(pair) : CKR_KEY_SIZE_RANGE;
    if (rv == CKR_OK) {
        rv = token->kind->generate(token, type->name, &pair->public_object, &pair->private_object);
    }
    if (rv == CKR_OK) {
        rv = name_own(pair->session, pair->public_object, &pair->public_template);
    }
    return rv == CKR_OK ? name_own(pair->session, pair->private_object, &pair->private_template)
                        : rv;
}

/* ---- the call ---- */

static bool has_key_type(const struct zca_template *template, CK_KEY_TYPE key_type)
{
    return zca_template_get_number(template, CKA_KEY_TYPE, key_type) == key_type;
}

static CK_RV read_templates(struct pair *pair)
{
    CK_KEY_TYPE key_type = pair->mechanism->key_type;
    if (!has_key_type(&pair->public_template, key_type) ||
        !has_key_type(&pair->private_template, key_type)) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    CK_RV rv = zca_values_from_template(CKO_PUBLIC_KEY, &pair->public_template, ZCA_ORIGIN_GENERATE,
                                        &pair->public_values);
    return rv == CKR_OK ? zca_values_from_template(CKO_PRIVATE_KEY, &pair->private_template,
                                                   ZCA_ORIGIN_GENERATE, &pair->private_values)
                        : rv;
}

static CK_RV find_sort(struct pair *pair, const CK_MECHANISM *mechanism,
                       const struct sort **out_sort)
{
    pair->mechanism = zca_mechanism_find(mechanism->mechanism, pair->session->token->places);
    if (!pair->mechanism || (pair->mechanism->flags & CKF_GENERATE_KEY_PAIR) == 0) {
        return CKR_MECHANISM_INVALID;
    }
    *out_sort = sort_of(pair->mechanism);
    if (!*out_sort) {
        return CKR_MECHANISM_INVALID;
    }
    return mechanism->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV generate_pair(struct pair *pair, const CK_MECHANISM *mechanism)
{
    const struct sort *sort = NULL;
    CK_RV rv = find_sort(pair, mechanism, &sort);
    if (rv == CKR_OK) {
        rv = read_templates(pair);
    }
    if (rv == CKR_OK) {
        rv = sort->plan(pair);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    bool is_own = pair->session->token->kind->generate &&
                  zca_values_get_boolean(pair->private_values, CKA_TOKEN, false);
    return is_own ? generate_own(pair) : generate_objects(pair, sort);
}

/* The arguments of the function, which are more than we would have. */
struct arguments {
    const CK_MECHANISM *mechanism;
    const CK_ATTRIBUTE *public_attributes, *private_attributes;
    CK_ULONG public_count, private_count;
    CK_OBJECT_HANDLE *out_public, *out_private;
};

static CK_RV generate(struct zca_session *session, const struct arguments *arguments)
{
    zca_auto(pair) struct pair pair = {.session = session};
    if (!arguments->mechanism || !arguments->out_public || !arguments->out_private) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_RV rv = zca_template_check(arguments->public_attributes, arguments->public_count,
                                  &pair.public_template);
    if (rv == CKR_OK) {
        rv = zca_template_check(arguments->private_attributes, arguments->private_count,
                                &pair.private_template);
    }
    if (rv == CKR_OK) {
        rv = generate_pair(&pair, arguments->mechanism);
    }
    if (rv == CKR_OK) {
        *arguments->out_public = pair.public_object->handle;
        *arguments->out_private = pair.private_object->handle;
    }
    return rv;
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                        CK_ATTRIBUTE *public_attributes, CK_ULONG public_count,
                        CK_ATTRIBUTE *private_attributes, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_GenerateKeyPair", session);
    const struct arguments arguments = {
        .mechanism = mechanism,
        .public_attributes = public_attributes,
        .private_attributes = private_attributes,
        .public_count = public_count,
        .private_count = private_count,
        .out_public = public_key,
        .out_private = private_key,
    };
    return call.rv ? call.rv : zca_call_end(&call, generate(call.session, &arguments));
}
