/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind the store. Nothing is done before the first load, because what the caller
 * expects arrives after open. After a failure the end is reached: tools loop until eof.
 */
#include "provider/cold/store.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/store.h>

#include "base/openssl_auto.h"
#include "core/library.h"
#include "core/pkcs11_uri.h"
#include "provider/cold/error.h"
#include "provider/cold/loan.h"
#include "provider/cold/object.h"

struct zca_store {
    struct zca_provider *provider;
    struct zca_uri *uri; /* NULL: it could not be read, for this reason */
    struct zca_error uri_error;
    int expected;
    X509_NAME *subject;
    bool searched;
    struct zca_objects objects;
    size_t next;
};

/* A bad URI is reported by the load: after a failed open OpenSSL looks for other schemes, and says so. */
struct zca_store *zca_store_open(struct zca_provider *provider, const char *text)
{
    zca_auto(errno) int saved_errno = errno;
    struct zca_store *store = OPENSSL_zalloc(sizeof(*store));
    if (store) {
        store->provider = provider;
        store->uri = zca_pkcs11_uri_is(text) ? zca_pkcs11_uri_parse(text, &store->uri_error)
                                             : zca_uri_parse(text, &store->uri_error);
    }
    return store;
}

void zca_store_close(struct zca_store *store)
{
    zca_objects_clear(&store->objects);
    zca_uri_free(store->uri);
    X509_NAME_free(store->subject);
    OPENSSL_free(store);
}

static int set_subject(struct zca_store *store, const OSSL_PARAM *param)
{
    const void *der = NULL;
    size_t der_len = 0;
    if (!OSSL_PARAM_get_octet_string_ptr(param, &der, &der_len) || der_len > 65536) {
        return 0;
    }
    const unsigned char *at = der;
    X509_NAME_free(store->subject);
    store->subject = d2i_X509_NAME(NULL, &at, (long)der_len);
    return store->subject ? 1 : 0;
}

int zca_store_set_params(struct zca_store *store, const OSSL_PARAM *params)
{
    const OSSL_PARAM *expect = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
    const OSSL_PARAM *subject = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_SUBJECT);
    return (!expect || OSSL_PARAM_get_int(expect, &store->expected)) &&
           (!subject || set_subject(store, subject));
}

/* ---- handing out ---- */

/* A DER value, by its type. */
static int give_value(int type, const char *structure, const unsigned char *der, int der_len,
                      OSSL_CALLBACK *callback, void *argument)
{
    /* libcrypto reads these, it does not write */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, (void *)(uintptr_t)der,
                                          der_len < 0 ? 0 : (size_t)der_len),
        structure ? OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE,
                                                     (char *)(uintptr_t)structure, 0)
                  : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end()};
    return der_len > 0 && callback(params, argument);
}

static int give_private(const struct zca_store *store, const struct zca_object *object,
                        OSSL_CALLBACK *callback, void *argument)
{
    struct zca_loan loan = zca_loan_of(store->provider);
    loan.key = object->key;
    loan.public_key = object->certificate ? X509_get0_pubkey(object->certificate) : NULL;
    loan.uri = store->objects.uri;
    loan.authority = store->objects.authority;
    enum zca_kind kind = ZCA_KIND_EC;
    struct zca_error err = {0};
    if (!zca_loan_kind(&loan, &kind, &err)) {
        return ZCA_FAIL(store->provider, &err);
    }
    int type = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
                                         (char *)(uintptr_t)zca_kinds[kind].keymgmt, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &loan, sizeof(loan)),
        OSSL_PARAM_construct_end()};
    return callback(params, argument);
}

static int give_public(const struct zca_object *object, OSSL_CALLBACK *callback, void *argument)
{
    struct zca_span der = {0};
    unsigned char *copy = NULL;
    if (object->key) {
        der = zca_key_get_public(object->key);
    } else {
        int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(object->certificate), &copy);
        der = zca_span_of(copy, len > 0 ? (size_t)len : 0);
    }
    int given = give_value(OSSL_OBJECT_PKEY, "SubjectPublicKeyInfo", der.data, (int)der.len,
                           callback, argument);
    OPENSSL_free(copy);
    return given;
}

static int give_certificate(const struct zca_object *object, OSSL_CALLBACK *callback,
                            void *argument)
{
    if (object->chain) {
        struct zca_span bytes = zca_chain_get_der(object->chain, object->index);
        return give_value(OSSL_OBJECT_CERT, NULL, bytes.data, (int)bytes.len, callback, argument);
    }
    unsigned char *der = NULL;
    int len = i2d_X509(object->certificate, &der);
    int given = give_value(OSSL_OBJECT_CERT, NULL, der, len, callback, argument);
    OPENSSL_free(der);
    return given;
}

static int give_crl(const struct zca_object *object, OSSL_CALLBACK *callback, void *argument)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(object->crl, &der);
    int given = give_value(OSSL_OBJECT_CRL, NULL, der, len, callback, argument);
    OPENSSL_free(der);
    return given;
}

static int give(const struct zca_store *store, const struct zca_object *object,
                OSSL_CALLBACK *callback, void *argument)
{
    switch (object->type) {
    case ZCA_OBJECT_PRIVATE:
        return give_private(store, object, callback, argument);
    case ZCA_OBJECT_PUBLIC:
        return give_public(object, callback, argument);
    case ZCA_OBJECT_CERTIFICATE:
        return give_certificate(object, callback, argument);
    case ZCA_OBJECT_CRL:
        return give_crl(object, callback, argument);
    }
    return 0;
}

static int search(struct zca_store *store)
{
    struct zca_error err = {0};
    struct zca_object_query query = {
        .uri = store->uri, .expected = store->expected, .subject = store->subject};
    store->searched = true;
    if (!store->uri) {
        return ZCA_FAIL(store->provider, &store->uri_error);
    }
    zca_library_enter(store->provider->library);
    if (!zca_objects_find(store->provider->library, &query, &store->objects, &err)) {
        zca_objects_clear(&store->objects);
        return ZCA_FAIL(store->provider, &err);
    }
    return 1;
}

int zca_store_load(struct zca_store *store, OSSL_CALLBACK *callback, void *argument)
{
    zca_auto(errno) int saved_errno = errno;
    if (!store->searched && !search(store)) {
        return 0;
    }
    if (store->next >= store->objects.count) {
        return 0; /* nothing of the kind: the end, without an error */
    }
    return give(store, &store->objects.items[store->next++], callback, argument);
}

/* Parameters are never there: s_server looks for DH parameters behind its certificate's URI. */
int zca_store_eof(const struct zca_store *store)
{
    return (store->uri && store->expected == OSSL_STORE_INFO_PARAMS) ||
           (store->searched && store->next >= store->objects.count);
}
