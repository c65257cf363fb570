/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block is handed out twice: as `reference` for readers of PEM files, and as `data` (the block
 * again) for those that read through the file store, which hands data on to the readers of PEM.
 * The key itself is not opened here: whoever wants the certificate of a bundle reads past it.
 */
#include "provider/cold/reference.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/key.h"
#include "core/library.h"
#include "core/reference.h"
#include "provider/cold/decode.h"
#include "provider/cold/error.h"
#include "provider/cold/loan.h"

#define LINE_SIZE 128 /* PEM lines have 64 characters (RFC 7468, 3) */
#define BLOCK_LIMIT ((size_t)32 * 1024)

static const char begin_line[] = "-----BEGIN " ZCA_REFERENCE_LABEL "-----\n";
static const char end_line[] = "-----END " ZCA_REFERENCE_LABEL "-----";

/* ---- reading ---- */

/* Reads on from behind the first line: `out_text` is the block, `out_base64` its body in one line. Goes on to
 * the end also after a failure: libcrypto looks for the next block behind it. */
static bool read_block(const struct zca_provider *provider, OSSL_CORE_BIO *bio,
                       struct zca_buffer *out_text, struct zca_buffer *out_base64,
                       struct zca_error *err)
{
    char line[LINE_SIZE] = "";
    bool appended = zca_buffer_append_text(out_text, begin_line, err);
    while (provider->upcalls.bio_gets(bio, line, sizeof(line)) > 0) {
        appended = appended && zca_buffer_append_text(out_text, line, err);
        if (strncmp(line, end_line, sizeof(end_line) - 1) == 0) {
            return appended;
        }
        appended = appended &&
                   zca_buffer_append(out_base64, zca_span_of(line, strcspn(line, " \t\r\n")), err);
    }
    return appended && zca_error_set(err, ZCA_ERR_INVALID, "a key reference has no end line");
}

/* The file store, which wants data, turns it down with errors that mean nothing. */
static bool give_reference(const OSSL_PARAM params[], OSSL_CALLBACK *callback, void *argument)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    return callback(params, argument);
}

static bool hand_out(const struct zca_loan *loan, const struct zca_buffer *text,
                     OSSL_CALLBACK *callback, void *argument, struct zca_error *err)
{
    enum zca_kind kind = ZCA_KIND_EC;
    if (!zca_loan_kind(loan, &kind, err)) {
        return false;
    }
    /* libcrypto reads these, it does not write */
    int type = OSSL_OBJECT_PKEY;
    OSSL_PARAM by_reference[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
                                         (char *)(uintptr_t)zca_kinds[kind].keymgmt, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, (void *)(uintptr_t)loan,
                                          sizeof(*loan)),
        OSSL_PARAM_construct_end()};
    OSSL_PARAM as_data[] = {
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, text->data, text->len),
        OSSL_PARAM_construct_end()};
    return give_reference(by_reference, callback, argument) ||
           (!zca_decode_failed() && callback(as_data, argument));
}

static bool decode_block(struct zca_provider *provider, OSSL_CORE_BIO *bio, OSSL_CALLBACK *callback,
                         void *argument, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.limit = BLOCK_LIMIT};
    zca_auto(zca_buffer) struct zca_buffer base64 = {.limit = BLOCK_LIMIT};
    zca_auto(zca_buffer) struct zca_buffer der = {.limit = BLOCK_LIMIT};
    zca_auto(zca_reference) struct zca_reference reference = {0};
    if (!read_block(provider, bio, &text, &base64, err) ||
        !zca_base64_decode(zca_buffer_span(&base64), &der, err) ||
        !zca_reference_parse(zca_buffer_span(&der), &reference, err)) {
        return zca_error_context(err, "reading a PEM block '" ZCA_REFERENCE_LABEL "'");
    }
    struct zca_loan loan = zca_loan_of(provider);
    loan.uri = reference.uri;
    loan.reference = &reference;
    return hand_out(&loan, &text, callback, argument, err);
}

int zca_reference_decode(struct zca_provider *provider, OSSL_CORE_BIO *bio, OSSL_CALLBACK *callback,
                         void *argument)
{
    zca_auto(errno) int saved_errno = errno;
    struct zca_error err = {0};
    struct zca_decode decode = {.outer = NULL};
    zca_decode_begin(&decode);
    bool decoded = decode_block(provider, bio, callback, argument, &err);
    zca_decode_end(&decode);
    if (decode.failure.reason != ZCA_ERR_NONE) {
        err =
            decode.failure; /* also when the callback went on to other decoders, and so succeeded */
    } else if (decoded || err.reason == ZCA_ERR_NONE) {
        return decoded; /* a failure of the callback that is not ours */
    }
    if (decode.outer) {
        decode.outer->failure = err;
        return ZCA_RAISE(provider, &err);
    }
    return ZCA_FAIL(provider, &err);
}

/* ---- writing ---- */

/* Takes what the default provider exports and makes an EVP_PKEY of the private context from it. */
struct public_copy {
    const struct zca_keydata *keydata;
    OSSL_LIB_CTX *context;
    EVP_PKEY *key;
};

static int copy_public(const OSSL_PARAM params[], void *argument)
{
    struct public_copy *copy = argument;
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *context =
        zca_key_family_context(copy->context, zca_kinds[copy->keydata->kind].keymgmt);
    /* EVP_PKEY_fromdata takes a pointer it does not write through */
    return context && EVP_PKEY_fromdata_init(context) > 0 &&
           EVP_PKEY_fromdata(context, &copy->key, EVP_PKEY_PUBLIC_KEY,
                             (OSSL_PARAM *)(uintptr_t)params) > 0;
}

static bool encode_public(const struct zca_keydata *keydata, struct zca_buffer *out_der,
                          struct zca_error *err)
{
    if (keydata->key) {
        return zca_buffer_append(out_der, zca_key_get_public(keydata->key), err);
    }
    struct public_copy copy = {.keydata = keydata,
                               .context = zca_library_context(keydata->provider->library, err)};
    if (!copy.context) {
        return false;
    }
    int copied = ZCA_KEYMGMT(export, EXPORT, zca_keydata_functions(keydata))(
        keydata->inner, EVP_PKEY_PUBLIC_KEY, copy_public, &copy);
    zca_auto(EVP_PKEY) EVP_PKEY *key = copy.key;
    unsigned char *der = NULL;
    int len = copied ? i2d_PUBKEY(key, &der) : 0;
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding the public key of '%s'", keydata->uri);
    }
    bool appended = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return appended;
}

static bool format_reference(const struct zca_keydata *keydata, struct zca_buffer *out_text,
                             struct zca_error *err)
{
    zca_auto(zca_reference) struct zca_reference reference = {.uri = strdup(keydata->uri)};
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    if (!reference.uri) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    return encode_public(keydata, &reference.public_key, err) &&
           zca_reference_format(&reference, &der, err) &&
           zca_pem_format(ZCA_REFERENCE_LABEL, zca_buffer_span(&der), out_text, err);
}

int zca_reference_encode(const struct zca_keydata *keydata, OSSL_CORE_BIO *out)
{
    struct zca_provider *provider = keydata->provider;
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    size_t written = 0;
    zca_library_enter(provider->library);
    if (!format_reference(keydata, &text, &err)) {
        return ZCA_FAIL(provider, &err);
    }
    return provider->upcalls.bio_write_ex &&
           provider->upcalls.bio_write_ex(out, text.data, text.len, &written) &&
           written == text.len;
}
