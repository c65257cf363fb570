/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of an authority. The private key has no EVP_PKEY and claims nothing about its past: it is elsewhere. Its
 * mechanisms are those that hash here or there, so that the CA sees what it signs.
 */
#include "pkcs11-module/issuer.h"

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "pkcs11-module/batch.h"
#include "pkcs11-module/create.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/material.h"

/* More than there are in the table. */
#define MAX_MECHANISMS 16u

struct making {
    struct zca_token *token;
    const struct zca_issuer *issuer;
    OSSL_LIB_CTX *context;
    struct zca_batch *batch;
};

/* ---- values ---- */

struct flag {
    CK_ATTRIBUTE_TYPE type;
    bool value;
};

static const struct flag object_flags[] = {
    {CKA_TOKEN,       true },
    {CKA_PRIVATE,     false},
    {CKA_MODIFIABLE,  false},
    {CKA_DESTROYABLE, false},
};

static const struct flag private_flags[] = {
    {CKA_SIGN,              true },
    {CKA_SENSITIVE,         true },
    {CKA_EXTRACTABLE,       false},
    {CKA_COPYABLE,          false},
    {CKA_LOCAL,             false},
    {CKA_ALWAYS_SENSITIVE,  false},
    {CKA_NEVER_EXTRACTABLE, false},
};

static const struct flag public_flags[] = {
    {CKA_VERIFY, true },
    {CKA_LOCAL,  false},
};

static CK_RV set_flags(struct zca_values *values, const struct flag *flags, size_t num_flags)
{
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && i < num_flags; i++) {
        rv = zca_values_set_boolean(values, flags[i].type, flags[i].value);
    }
    return rv;
}

/* What every object has: what the table gives, and its label. */
static CK_RV new_values(CK_OBJECT_CLASS class, const char *label, struct zca_values **out_values)
{
    const struct zca_template none = {0};
    CK_RV rv = zca_values_from_template(class, &none, ZCA_ORIGIN_LOAD, out_values);
    if (rv == CKR_OK) {
        rv = set_flags(*out_values, object_flags, ZCA_COUNT(object_flags));
    }
    return rv == CKR_OK ? zca_values_set_text(*out_values, CKA_LABEL, label) : rv;
}

static CK_RV copy_value(const struct zca_values *from, struct zca_values *to,
                        CK_ATTRIBUTE_TYPE type)
{
    struct zca_span value = {0};
    return zca_values_find(from, type, &value) ? zca_values_set(to, type, value) : CKR_DEVICE_ERROR;
}

/* ---- certificates ---- */

static CK_RV certificate_values(const struct making *making, X509 *certificate, const char *label,
                                struct zca_values **out_values)
{
    CK_RV rv = new_values(CKO_CERTIFICATE, label, out_values);
    if (rv == CKR_OK) {
        rv = zca_values_set_number(*out_values, CKA_CERTIFICATE_CATEGORY,
                                   CK_CERTIFICATE_CATEGORY_AUTHORITY);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(*out_values, CKA_TRUSTED, making->issuer->is_trusted);
    }
    if (rv == CKR_OK) {
        rv = zca_material_certificate(making->context, certificate, *out_values);
    }
    return rv == CKR_OK ? zca_material_identify(making->context, *out_values) : rv;
}

/* The issuing CA is called as the authority is, those above it as they call themselves. */
static void read_label(const struct making *making, int index, char *label, size_t size)
{
    X509 *certificate = sk_X509_value(making->issuer->certificates, index);
    if (index == 0) {
        (void)snprintf(label, size, "%s", making->issuer->name); /* cut, if ever */
        return;
    }
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, label,
                                    (int)size); /* none: an empty label */
}

static CK_RV make_certificate(const struct making *making, int index)
{
    char label[256] = ""; /* longer than a common name may be (RFC 5280, A.1) */
    zca_auto(zca_values) struct zca_values *values = NULL;
    read_label(making, index, label, sizeof(label));
    CK_RV rv = certificate_values(making, sk_X509_value(making->issuer->certificates, index), label,
                                  &values);
    return rv == CKR_OK ? zca_batch_add(making->batch, zca_steal(values), NULL) : rv;
}

/* ---- keys ---- */

static CK_RV key_values(const struct making *making, CK_OBJECT_CLASS class, X509 *certificate,
                        struct zca_values **out_values)
{
    unsigned char *subject = NULL;
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (!key) {
        return CKR_DEVICE_ERROR;
    }
    CK_RV rv = new_values(class, making->issuer->name, out_values);
    if (rv == CKR_OK) {
        rv = zca_material_describe(key, class, *out_values);
    }
    if (rv == CKR_OK) {
        rv = zca_material_identify(making->context, *out_values);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    int len = i2d_X509_NAME(X509_get_subject_name(certificate), &subject);
    rv = len > 0 ? zca_values_set(*out_values, CKA_SUBJECT, zca_span_of(subject, (size_t)len))
                 : CKR_HOST_MEMORY;
    OPENSSL_free(subject);
    return rv;
}

static CK_RV make_public_key(const struct making *making)
{
    zca_auto(zca_values) struct zca_values *values = NULL;
    X509 *certificate = sk_X509_value(making->issuer->certificates, 0);
    CK_RV rv = key_values(making, CKO_PUBLIC_KEY, certificate, &values);
    if (rv == CKR_OK) {
        rv = set_flags(values, public_flags, ZCA_COUNT(public_flags));
    }
    return rv == CKR_OK
               ? zca_batch_add(making->batch, zca_steal(values), X509_get_pubkey(certificate))
               : rv;
}

/* Those that name their hash and that an authority makes: it is told the hash, and no more. */
static size_t list_mechanisms(CK_KEY_TYPE key_type, CK_MECHANISM_TYPE out_types[MAX_MECHANISMS])
{
    size_t count = 0;
    size_t cursor = 0;
    const struct zca_mechanism *row = zca_mechanism_next(ZCA_ON_AUTHORITY, &cursor);
    for (; row && count < MAX_MECHANISMS; row = zca_mechanism_next(ZCA_ON_AUTHORITY, &cursor)) {
        bool fits = row->key_type == key_type && row->digest && (row->flags & CKF_SIGN) != 0 &&
                    row->padding != ZCA_PADDING_PSS;
        if (fits) {
            out_types[count++] = row->type;
        }
    }
    return count;
}

static CK_RV make_private_key(const struct making *making)
{
    CK_MECHANISM_TYPE types[MAX_MECHANISMS];
    zca_auto(zca_values) struct zca_values *values = NULL;
    CK_RV rv = key_values(making, CKO_PRIVATE_KEY, sk_X509_value(making->issuer->certificates, 0),
                          &values);
    if (rv != CKR_OK) {
        return rv;
    }
    size_t num_types = list_mechanisms(
        zca_values_get_number(values, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION), types);
    if (num_types == 0) { /* a key that nobody here can use */
        return CKR_OK;
    }
    rv = set_flags(values, private_flags, ZCA_COUNT(private_flags));
    if (rv == CKR_OK) {
        rv = zca_values_set(values, CKA_ALLOWED_MECHANISMS,
                            zca_span_of(types, num_types * sizeof(*types)));
    }
    return rv == CKR_OK ? zca_batch_add(making->batch, zca_steal(values), NULL) : rv;
}

/* ---- trust, as NSS asks for it: by issuer and serial number ---- */

static const CK_ATTRIBUTE_TYPE trusted_uses[] = {
    CKA_TRUST_SERVER_AUTH,
    CKA_TRUST_CLIENT_AUTH,
    CKA_TRUST_CODE_SIGNING,
    CKA_TRUST_EMAIL_PROTECTION,
};

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *digest;
} trust_hashes[] = {
    {CKA_CERT_SHA1_HASH, "SHA1"},
    {CKA_CERT_MD5_HASH,  "MD5" },
};

/* A crypto provider that has no MD5 leaves it out; NSS compares SHA-1. */
static CK_RV set_hashes(OSSL_LIB_CTX *context, struct zca_span der, struct zca_values *values)
{
    CK_RV rv = CKR_OK;
    zca_auto(error_mark) int mark = ERR_set_mark();
    for (size_t i = 0; rv == CKR_OK && i < ZCA_COUNT(trust_hashes); i++) {
        uint8_t hash[EVP_MAX_MD_SIZE];
        size_t len = 0;
        if (EVP_Q_digest(context, trust_hashes[i].digest, NULL, der.data, der.len, hash, &len) ==
            1) {
            rv = zca_values_set(values, trust_hashes[i].type, zca_span_of(hash, len));
        }
    }
    return rv;
}

static CK_RV set_trust(const struct making *making, const struct zca_values *certificate,
                       struct zca_values *values)
{
    struct zca_span der = {0};
    CK_RV rv = copy_value(certificate, values, CKA_ISSUER);
    if (rv == CKR_OK) {
        rv = copy_value(certificate, values, CKA_SERIAL_NUMBER);
    }
    for (size_t i = 0; rv == CKR_OK && i < ZCA_COUNT(trusted_uses); i++) {
        rv = zca_values_set_number(values, trusted_uses[i], CKT_NSS_TRUSTED_DELEGATOR);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(values, CKA_TRUST_STEP_UP_APPROVED, false);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    return zca_values_find(certificate, CKA_VALUE, &der) ? set_hashes(making->context, der, values)
                                                         : CKR_DEVICE_ERROR;
}

/* For the top of what is pinned: the root, or where the pinned chain ends. */
static CK_RV make_trust(const struct making *making)
{
    char label[256] = ""; /* as above */
    zca_auto(zca_values) struct zca_values *certificate = NULL;
    zca_auto(zca_values) struct zca_values *values = NULL;
    int top = sk_X509_num(making->issuer->certificates) - 1;
    read_label(making, top, label, sizeof(label));
    CK_RV rv = certificate_values(making, sk_X509_value(making->issuer->certificates, top), label,
                                  &certificate);
    if (rv == CKR_OK) {
        rv = new_values(CKO_NSS_TRUST, label, &values);
    }
    if (rv == CKR_OK) {
        rv = set_trust(making, certificate, values);
    }
    return rv == CKR_OK ? zca_batch_add(making->batch, zca_steal(values), NULL) : rv;
}

/* ---- the switch ---- */

static bool is_of_issuer(void *argument, struct zca_object *object)
{
    struct zca_object **found = argument;
    bool is_ours = object->owner == 0 && object->class != CKO_PROFILE;
    *found = is_ours ? object : NULL;
    return !is_ours;
}

/* Alone under the lock. */
static void drop_old(struct zca_token *token)
{
    struct zca_object *found = NULL;
    do {
        found = NULL;
        zca_objects_visit(token->objects, NULL, is_of_issuer, &found);
        zca_object_free(found ? zca_objects_take(token->objects, found->handle) : NULL);
    } while (found);
}

static CK_RV make_all(const struct making *making)
{
    CK_RV rv = CKR_OK;
    for (int i = 0; rv == CKR_OK && i < sk_X509_num(making->issuer->certificates); i++) {
        rv = make_certificate(making, i);
    }
    if (rv == CKR_OK) {
        rv = make_public_key(making);
    }
    if (rv == CKR_OK && making->issuer->can_sign) {
        rv = make_private_key(making);
    }
    return rv == CKR_OK && making->issuer->has_trust ? make_trust(making) : rv;
}

CK_RV zca_issuer_show(struct zca_token *token, const struct zca_issuer *issuer)
{
    CK_RV rv = CKR_OK;
    zca_auto(zca_batch) struct zca_batch batch = {.count = 0};
    struct making making = {.token = token, .issuer = issuer, .batch = &batch};
    making.context = zca_token_context(token, &rv);
    rv = rv == CKR_OK ? make_all(&making) : rv;
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    rv = zca_batch_prepare(&batch, token->objects);
    if (rv == CKR_OK) {
        drop_old(token);
        zca_batch_show(&batch, token->objects);
    }
    return rv;
}

static bool is_private_key(void *argument, struct zca_object *object)
{
    bool *found = argument;
    *found = object->owner == 0 && object->class == CKO_PRIVATE_KEY;
    return !*found;
}

CK_RV zca_issuer_show_key(struct zca_token *token, const struct zca_issuer *issuer)
{
    CK_RV rv = CKR_OK;
    bool is_there = false;
    zca_auto(zca_batch) struct zca_batch batch = {.count = 0};
    struct making making = {.token = token, .issuer = issuer, .batch = &batch};
    making.context = zca_token_context(token, &rv);
    rv = rv == CKR_OK ? make_private_key(&making) : rv;
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    zca_objects_visit(token->objects, NULL, is_private_key, &is_there);
    if (is_there) {
        return CKR_OK; /* another thread was faster */
    }
    rv = zca_batch_prepare(&batch, token->objects);
    if (rv == CKR_OK) {
        zca_batch_show(&batch, token->objects);
    }
    return rv;
}
