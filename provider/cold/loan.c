/* SPDX-License-Identifier: Apache-2.0 */
/* From a key of core, a public key or a reference to key data. Imports raw values: no PKCS #8. */
#include "provider/cold/loan.h"

#include "base/openssl_auto.h"
#include "core/authority.h"
#include "core/identity.h"
#include "core/keystore.h"
#include "provider/cold/error.h"
#include "provider/cold/overlay.h"
#include "provider/cold/reference.h"

/* The algorithm of a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), read without decoding the key. */
static int spki_algorithm(struct zca_span der)
{
    const unsigned char *at = der.data;
    const unsigned char *end = der.data + der.len;
    for (size_t depth = 0; depth < 2; depth++) { /* SEQUENCE { SEQUENCE { OID ... */
        long len = 0;
        int tag = 0;
        int class = 0;
        int flags = ASN1_get_object(&at, &len, &tag, &class, end - at);
        if ((flags & 0x80) != 0 || tag != V_ASN1_SEQUENCE) {
            return NID_undef;
        }
    }
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, end - at);
    int nid = object ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    return nid;
}

static int loan_algorithm(const struct zca_loan *loan)
{
    if (loan->key) {
        return zca_key_get_type(loan->key)->nid;
    }
    if (loan->public_key) {
        return EVP_PKEY_get_base_id(loan->public_key);
    }
    return spki_algorithm(zca_buffer_span(&loan->reference->public_key));
}

static bool kind_by_nid(int nid, enum zca_kind *out_kind)
{
    for (size_t i = 0; i < ZCA_NUM_KINDS; i++) {
        if (zca_kinds[i].nid == nid) {
            *out_kind = (enum zca_kind)i;
            return true;
        }
    }
    return false;
}

bool zca_loan_kind(const struct zca_loan *loan, enum zca_kind *out_kind, struct zca_error *err)
{
    int nid = loan_algorithm(loan);
    if (!kind_by_nid(nid, out_kind)) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED, "the key of '%s' is of type '%s'", loan->uri,
                             nid == NID_undef ? "unknown" : OBJ_nid2sn(nid));
    }
    return true;
}

static OSSL_PARAM *public_params(EVP_PKEY *key, const char *uri, struct zca_error *err)
{
    OSSL_PARAM *params = NULL;
    if (!key || EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params) <= 0) {
        (void)zca_error_set_crypto(err, "reading the public key of '%s'", uri);
        return NULL; /* as the error says */
    }
    return params;
}

static bool import(struct zca_keydata *keydata, int selection, const OSSL_PARAM *params,
                   const char *uri, struct zca_error *err)
{
    if (!params) {
        return false;
    }
    if (!ZCA_KEYMGMT(import, IMPORT, zca_keydata_functions(keydata))(keydata->inner, selection,
                                                                     params)) {
        return zca_error_set_crypto(err, "importing the key of '%s'", uri);
    }
    return true;
}

static bool fill_local(struct zca_keydata *keydata, const struct zca_key *key, const char *uri,
                       struct zca_error *err)
{
    enum zca_kind kind = ZCA_NUM_KINDS;
    if (!kind_by_nid(zca_key_get_type(key)->nid, &kind) || kind != keydata->kind) {
        return zca_error_set(err, ZCA_ERR_CONFLICT,
                             "the key of '%s' is now of type %s; write its reference anew", uri,
                             zca_key_get_type(key)->name);
    }
    return import(keydata, EVP_PKEY_KEYPAIR, zca_key_params(key, true), uri, err);
}

static bool fill_remote(struct zca_keydata *keydata, EVP_PKEY *public_key, const char *uri,
                        struct zca_error *err)
{
    zca_auto(OSSL_PARAM) OSSL_PARAM *params = public_params(public_key, uri, err);
    return import(keydata, EVP_PKEY_PUBLIC_KEY, params, uri, err);
}

/* ---- references ---- */

static struct zca_key *unseal(struct zca_identity *identity, const struct zca_reference *reference,
                              struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(text) char *label = NULL;
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    if (asprintf(&label, "%s/%s", zca_authority_get_name(zca_identity_get_authority(identity)),
                 zca_identity_get_name(identity)) < 0) {
        label = NULL; /* undefined after a failure */
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL; /* as the error says */
    }
    if (!zca_sealing_key_load(library, zca_identity_get_keystore(identity), false, &sealing_key,
                              err)) {
        return NULL;
    }
    return zca_key_unseal(library, label, zca_buffer_span(&sealing_key),
                          zca_buffer_span(&reference->sealed), err);
}

static bool fill_from_identity(struct zca_keydata *keydata, const struct zca_uri *uri,
                               const struct zca_reference *reference, struct zca_error *err)
{
    zca_auto(zca_identity) struct zca_identity *identity =
        zca_identity_open(keydata->provider->library, uri, err);
    if (!identity) {
        return false;
    }
    zca_auto(zca_key) struct zca_key *key =
        reference->sealed.len != 0
            ? unseal(identity, reference, err)
            : zca_identity_key_of(identity, zca_buffer_span(&reference->public_key), err);
    return key && fill_local(keydata, key, reference->uri, err);
}

/* The reference of a CA key holds all that is needed: no network, no file. */
static bool fill_from_authority(struct zca_keydata *keydata, const struct zca_uri *uri,
                                const struct zca_reference *reference, const char **out_authority,
                                struct zca_error *err)
{
    const unsigned char *der = reference->public_key.data;
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(keydata->provider->library, uri->authority, err);
    if (!authority) {
        return false;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *public_key =
        d2i_PUBKEY_ex(NULL, &der, (long)reference->public_key.len, keydata->overlay->context, NULL);
    *out_authority = uri->authority;
    return fill_remote(keydata, public_key, reference->uri, err);
}

static bool set_names(struct zca_keydata *keydata, const char *uri, const char *authority,
                      struct zca_error *err)
{
    keydata->uri = OPENSSL_strdup(uri);
    keydata->authority = authority ? OPENSSL_strdup(authority) : NULL;
    return (keydata->uri && (!authority || keydata->authority)) ||
           zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
}

static bool fill_from_reference(struct zca_keydata *keydata, const struct zca_reference *reference,
                                struct zca_error *err)
{
    const char *authority = NULL;
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(reference->uri, err);
    if (!uri) {
        return false;
    }
    bool filled = uri->name ? fill_from_identity(keydata, uri, reference, err)
                            : fill_from_authority(keydata, uri, reference, &authority, err);
    return filled && set_names(keydata, reference->uri, authority, err);
}

static bool fill(struct zca_keydata *keydata, const struct zca_loan *loan, struct zca_error *err)
{
    if (loan->reference) {
        return fill_from_reference(keydata, loan->reference, err) ||
               zca_error_context(err, "opening the key reference '%s'", loan->uri);
    }
    bool filled = loan->key ? fill_local(keydata, loan->key, loan->uri, err)
                            : fill_remote(keydata, loan->public_key, loan->uri, err);
    return filled && set_names(keydata, loan->uri, loan->authority, err);
}

struct zca_keydata *zca_loan_take(enum zca_kind kind, const void *reference, size_t reference_size)
{
    const struct zca_loan *loan = reference;
    if (reference_size != sizeof(*loan)) {
        return NULL;
    }
    struct zca_provider *provider = loan->head.provider;
    zca_auto(errno) int saved_errno = errno;
    struct zca_error err = {0};
    zca_library_enter(provider->library);
    bool usable = zca_overlay_ensure(provider, &err);
    zca_auto(zca_keydata) struct zca_keydata *keydata =
        usable ? zca_keydata_new(provider, kind) : NULL;
    if (usable && !keydata) {
        (void)zca_error_set(&err, ZCA_ERR_UNSUPPORTED, "the crypto provider has no %s keys",
                            zca_kinds[kind].keymgmt); /* reported next */
    }
    if (!keydata || !fill(keydata, loan, &err)) {
        if (!zca_reference_failed(&err)) {
            (void)ZCA_FAIL(provider, &err); /* NULL says the same */
        }
        return NULL;
    }
    return zca_steal(keydata);
}
