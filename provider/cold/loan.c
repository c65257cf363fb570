/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a key of core, a public key or a reference to key data. A local key is not copied: key data shares
 * the object that core has of it.
 */
#include "provider/cold/loan.h"

#include "base/openssl_auto.h"
#include "core/authority.h"
#include "core/identity.h"
#include "core/keystore.h"
#include "provider/cold/decode.h"
#include "provider/cold/error.h"
#include "provider/cold/overlay.h"

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

/* The key of an identity, shared with whoever else in this process uses it. */
static struct zca_keydata *local_key(struct zca_provider *provider, enum zca_kind kind,
                                     struct zca_key *key, const char *uri, struct zca_error *err)
{
    enum zca_kind found = ZCA_NUM_KINDS;
    if (!kind_by_nid(zca_key_get_type(key)->nid, &found) || found != kind) {
        (void)zca_error_set(err, ZCA_ERR_CONFLICT,
                            "the key of '%s' is now of type %s; write its reference anew", uri,
                            zca_key_get_type(key)->name);
        return NULL; /* as the error says */
    }
    struct zca_keydata *keydata =
        zca_keydata_new_shared(provider, kind, key, zca_key_get_inner(key));
    if (!keydata) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* as above */
    }
    return keydata;
}

static struct zca_keydata *remote_key(struct zca_provider *provider, enum zca_kind kind,
                                      EVP_PKEY *public_key, const char *uri, struct zca_error *err)
{
    zca_auto(OSSL_PARAM) OSSL_PARAM *params = public_params(public_key, uri, err);
    zca_auto(zca_keydata) struct zca_keydata *keydata =
        params ? zca_keydata_new(provider, kind) : NULL;
    if (params && !keydata) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED, "the crypto provider has no %s keys",
                            zca_kinds[kind].keymgmt); /* NULL tells */
    }
    if (!keydata) {
        return NULL;
    }
    if (!ZCA_KEYMGMT(import, IMPORT, zca_keydata_functions(keydata))(keydata->inner,
                                                                     EVP_PKEY_PUBLIC_KEY, params)) {
        (void)zca_error_set_crypto(err, "importing the key of '%s'", uri); /* as above */
        return NULL;
    }
    return zca_steal(keydata);
}

/* ---- references ---- */

static struct zca_keydata *referred_local_key(struct zca_provider *provider, enum zca_kind kind,
                                              const struct zca_uri *uri,
                                              const struct zca_reference *reference,
                                              struct zca_error *err)
{
    zca_auto(zca_identity) struct zca_identity *identity =
        zca_identity_open(provider->library, uri, err);
    if (!identity) {
        return NULL;
    }
    zca_auto(zca_key) struct zca_key *key =
        reference->sealed.len != 0
            ? zca_identity_key_sealed(identity, zca_buffer_span(&reference->sealed), err)
            : zca_identity_key_of(identity, zca_buffer_span(&reference->public_key), err);
    return key ? local_key(provider, kind, key, reference->uri, err) : NULL;
}

/* The reference of a CA key holds all that is needed: no network, no file. */
static struct zca_keydata *referred_remote_key(struct zca_provider *provider, enum zca_kind kind,
                                               const struct zca_uri *uri,
                                               const struct zca_reference *reference,
                                               struct zca_error *err)
{
    const unsigned char *der = reference->public_key.data;
    OSSL_LIB_CTX *context = zca_library_context(provider->library, err);
    zca_auto(zca_authority) struct zca_authority *authority =
        context ? zca_authority_open(provider->library, uri->authority, err) : NULL;
    if (!authority) {
        return NULL;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *public_key =
        d2i_PUBKEY_ex(NULL, &der, (long)reference->public_key.len, context, NULL);
    return remote_key(provider, kind, public_key, reference->uri, err);
}

static bool set_names(struct zca_keydata *keydata, const char *uri, const char *authority,
                      struct zca_error *err)
{
    keydata->uri = OPENSSL_strdup(uri);
    keydata->authority = authority ? OPENSSL_strdup(authority) : NULL;
    return (keydata->uri && (!authority || keydata->authority)) ||
           zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
}

static struct zca_keydata *from_reference(struct zca_provider *provider, enum zca_kind kind,
                                          const struct zca_reference *reference,
                                          struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(reference->uri, err);
    if (!uri) {
        return NULL;
    }
    if (!uri->name && !uri->authority) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "'%s' names no identity and no authority",
                            reference->uri);
        return NULL; /* as the error says */
    }
    zca_auto(zca_keydata) struct zca_keydata *keydata =
        uri->name ? referred_local_key(provider, kind, uri, reference, err)
                  : referred_remote_key(provider, kind, uri, reference, err);
    const char *authority = uri->name ? NULL : uri->authority;
    return keydata && set_names(keydata, reference->uri, authority, err) ? zca_steal(keydata)
                                                                         : NULL;
}

static struct zca_keydata *from_loan(const struct zca_loan *loan, enum zca_kind kind,
                                     struct zca_error *err)
{
    struct zca_provider *provider = loan->head.provider;
    if (loan->reference) {
        struct zca_keydata *referred = from_reference(provider, kind, loan->reference, err);
        if (!referred) {
            (void)zca_error_context(err, "opening the key reference '%s'", loan->uri);
        }
        return referred; /* NULL tells */
    }
    zca_auto(zca_keydata) struct zca_keydata *keydata =
        loan->key ? local_key(provider, kind, loan->key, loan->uri, err)
                  : remote_key(provider, kind, loan->public_key, loan->uri, err);
    return keydata && set_names(keydata, loan->uri, loan->authority, err) ? zca_steal(keydata)
                                                                          : NULL;
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
    struct zca_keydata *keydata =
        zca_overlay_ensure(provider, &err) ? from_loan(loan, kind, &err) : NULL;
    if (!keydata && !zca_decode_fail(&err)) {
        (void)ZCA_FAIL(provider, &err); /* NULL says the same */
    }
    return keydata;
}
