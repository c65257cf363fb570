/* SPDX-License-Identifier: Apache-2.0 */
/* Remote keys: collects, asks core/authority.c, hands out. What may be signed is decided there. */
#include "provider/cold/remote_signature.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "core/authority.h"
#include "provider/cold/error.h"

struct zca_remote_signature {
    char *digest; /* NULL: none */
    struct zca_buffer tbs;
};

/* A CRL with a million entries has 35 MB. */
#define TBS_LIMIT ((size_t)64 * 1024 * 1024)

struct zca_remote_signature *zca_remote_signature_new(const struct zca_keydata *keydata,
                                                      const char *digest)
{
    struct zca_remote_signature *remote = OPENSSL_zalloc(sizeof(*remote));
    if (remote) {
        remote->tbs.limit = TBS_LIMIT;
        remote->digest = digest ? OPENSSL_strdup(digest) : NULL;
    }
    if (!remote || (digest && !remote->digest)) {
        struct zca_error err = {0};
        (void)zca_error_set(&err, ZCA_ERR_MEMORY, "out of memory"); /* reported next */
        (void)ZCA_FAIL(keydata->provider, &err);
        zca_remote_signature_free(remote);
        return NULL;
    }
    return remote;
}

struct zca_remote_signature *zca_remote_signature_dup(const struct zca_keydata *keydata,
                                                      const struct zca_remote_signature *remote)
{
    zca_auto(zca_remote_signature) struct zca_remote_signature *copy =
        zca_remote_signature_new(keydata, remote->digest);
    if (!copy || !zca_remote_signature_update(keydata, copy, zca_buffer_span(&remote->tbs))) {
        return NULL;
    }
    return zca_steal(copy);
}

void zca_remote_signature_free(struct zca_remote_signature *remote)
{
    if (remote) {
        zca_buffer_clear(&remote->tbs);
        OPENSSL_free(remote->digest);
        OPENSSL_free(remote);
    }
}

int zca_remote_signature_update(const struct zca_keydata *keydata,
                                struct zca_remote_signature *remote, struct zca_span bytes)
{
    struct zca_error err = {0};
    if (!zca_buffer_append(&remote->tbs, bytes, &err)) {
        return ZCA_FAIL(keydata->provider, &err);
    }
    return 1;
}

static int tell_size(const struct zca_keydata *keydata, size_t *out_len)
{
    int max_size = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_MAX_SIZE, &max_size),
                           OSSL_PARAM_construct_end()};
    if (!ZCA_KEYMGMT(get_params, GET_PARAMS, zca_keydata_functions(keydata))(keydata->inner,
                                                                             params)) {
        return 0;
    }
    *out_len = (size_t)max_size;
    return max_size > 0;
}

static bool check_room(const struct zca_keydata *keydata, size_t needed, size_t size,
                       struct zca_error *err)
{
    return needed <= size ||
           zca_error_set(err, ZCA_ERR_INVALID, "the signature of '%s' needs %zu bytes",
                         keydata->uri, needed);
}

static bool sign(const struct zca_keydata *keydata, const char *digest, struct zca_span tbs,
                 struct zca_buffer *out_signature, struct zca_error *err)
{
    struct zca_library *library = keydata->provider->library;
    zca_library_enter(library);
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(library, keydata->authority, err);
    return authority && zca_authority_sign(authority, digest, tbs, out_signature, err);
}

int zca_remote_signature_sign(const struct zca_keydata *keydata,
                              const struct zca_remote_signature *remote, const struct zca_span *tbs,
                              unsigned char *signature, size_t *signature_len, size_t size)
{
    if (!signature) {
        return tell_size(keydata, signature_len);
    }
    struct zca_error err = {0};
    zca_auto(errno) int saved_errno = errno;
    zca_auto(zca_buffer) struct zca_buffer result = {0};
    struct zca_span bytes = tbs ? *tbs : zca_buffer_span(&remote->tbs);
    size_t max = 0;
    (void)tell_size(keydata, &max);              /* of a key with a size */
    if (!check_room(keydata, max, size, &err) || /* the authority records what it signs */
        !sign(keydata, remote->digest, bytes, &result, &err) ||
        !check_room(keydata, result.len, size, &err)) {
        return ZCA_FAIL(keydata->provider, &err);
    }
    memcpy(signature, result.data, result.len);
    *signature_len = result.len;
    return 1;
}

static bool is_pkcs1(const OSSL_PARAM *mode)
{
    int number = 0;
    const char *name = NULL;
    if (mode->data_type == OSSL_PARAM_INTEGER) {
        return OSSL_PARAM_get_int(mode, &number) && number == RSA_PKCS1_PADDING;
    }
    return OSSL_PARAM_get_utf8_string_ptr(mode, &name) && name &&
           strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0;
}

int zca_remote_signature_allows(const struct zca_keydata *keydata, const OSSL_PARAM *params)
{
    const OSSL_PARAM *mode =
        params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) : NULL;
    if (!mode || is_pkcs1(mode)) {
        return 1;
    }
    struct zca_error err = {0};
    (void)zca_error_set(&err, ZCA_ERR_UNSUPPORTED,
                        "'%s' signs with PKCS #1 v1.5 padding only; leave out rsa_padding_mode",
                        keydata->uri); /* reported next */
    return ZCA_FAIL(keydata->provider, &err);
}
