/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/provider/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "tests/base/check.h"

static const char configuration[] = "[zca]\n"
                                    "state-dir = %s/state\n"
                                    "runtime-dir = %s/run\n"
                                    "keystore = file\n"
                                    "log = none\n"
                                    "remote = off\n"
                                    "[authority corp]\n"
                                    "url = https://127.0.0.1:1\n"
                                    "dialect = orgca\n"
                                    "[identity rsa]\n"
                                    "key-type = RSA-2048\n"
                                    "[identity ed]\n"
                                    "key-type = Ed25519\n";

/* The providers of a context, to be unloaded with it. */
struct loaded {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *standard, *zca;
};

static struct loaded loaded[64];

int context_setup(void **state)
{
    if (check_setup_directory(state) != 0) {
        return -1;
    }
    const char *directory = *state;
    zca_auto(text) char *path = NULL;
    assert_true(asprintf(&path, "%s/zca.conf", directory) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, configuration, directory, directory) > 0);
    assert_int_equal(fclose(file), 0);
    return setenv("ZCA_CONFIG", path, 1);
}

int context_teardown(void **state)
{
    return check_teardown_directory(state);
}

OSSL_LIB_CTX *context_new(void)
{
    struct loaded *slot = loaded;
    while (slot->context) {
        slot++;
        assert_true(slot < loaded + ZCA_COUNT(loaded));
    }
    slot->context = OSSL_LIB_CTX_new();
    assert_non_null(slot->context);
    assert_true(OSSL_PROVIDER_set_default_search_path(slot->context, getenv("ZCA_MODULES")));
    slot->standard = OSSL_PROVIDER_load(slot->context, "default");
    slot->zca = OSSL_PROVIDER_load(slot->context, "zca");
    if (!slot->standard || !slot->zca) {
        ERR_print_errors_fp(stderr);
        fail_msg("no provider in '%s'", getenv("ZCA_MODULES"));
    }
    return slot->context;
}

void context_free(OSSL_LIB_CTX *context)
{
    for (struct loaded *slot = loaded; slot < loaded + ZCA_COUNT(loaded); slot++) {
        if (slot->context == context) {
            assert_true(OSSL_PROVIDER_unload(slot->zca));
            assert_true(OSSL_PROVIDER_unload(slot->standard));
            OSSL_LIB_CTX_free(context);
            *slot = (struct loaded){0};
            return;
        }
    }
}

EVP_PKEY *context_key(OSSL_LIB_CTX *context, const char *uri)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, context, NULL, NULL, NULL, NULL, NULL, NULL);
    assert_non_null(store);
    assert_true(OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY));
    OSSL_STORE_INFO *info = OSSL_STORE_load(store);
    if (!info) {
        ERR_print_errors_fp(stderr);
        fail_msg("no key behind '%s'", uri);
    }
    EVP_PKEY *key = OSSL_STORE_INFO_get1_PKEY(info);
    OSSL_STORE_INFO_free(info);
    assert_true(OSSL_STORE_eof(store));
    (void)OSSL_STORE_close(store); /* nothing can fail */
    assert_non_null(key);
    return key;
}

/* SEQUENCE { INTEGER 1, UTF8String "zca://corp/", SubjectPublicKeyInfo } (core/reference.h) */
EVP_PKEY *context_ca_key(OSSL_LIB_CTX *context, EVP_PKEY *key)
{
    static const unsigned char start[] = {0x02, 0x01, 0x01, 0x0C, 0x0B, 'z', 'c', 'a',
                                          ':',  '/',  '/',  'c',  'o',  'r', 'p', '/'};
    unsigned char der[1024] = {0x30, 0x82};
    unsigned char *at = der + 4 + sizeof(start);
    int public_len = i2d_PUBKEY(key, NULL);
    assert_true(public_len > 0 && (size_t)public_len < sizeof(der) - 4 - sizeof(start));
    size_t len = sizeof(start) + (size_t)public_len;
    der[2] = (unsigned char)(len >> 8);
    der[3] = (unsigned char)len;
    memcpy(der + 4, start, sizeof(start));
    assert_int_equal(i2d_PUBKEY(key, &at), public_len);
    BIO *pem = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio(pem, "ZCA PRIVATE KEY", "", der, (long)(len + 4)) > 0);
    EVP_PKEY *ca_key = PEM_read_bio_PrivateKey_ex(pem, NULL, NULL, NULL, context, NULL);
    BIO_free(pem);
    assert_non_null(ca_key);
    return ca_key;
}

bool context_sign(OSSL_LIB_CTX *context, EVP_PKEY *key, unsigned char *signature, size_t *len)
{
    static const unsigned char message[] = "what a server signs";
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    bool ok = operation &&
              EVP_DigestSignInit_ex(operation, NULL, "SHA256", context, NULL, key, NULL) == 1 &&
              EVP_DigestSign(operation, signature, len, message, sizeof(message)) == 1;
    EVP_MD_CTX_free(operation);
    return ok;
}

EVP_PKEY *context_public(OSSL_LIB_CTX *context, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    assert_true(len > 0);
    const unsigned char *at = der;
    EVP_PKEY *copy = d2i_PUBKEY_ex(NULL, &at, len, context, "provider=default");
    OPENSSL_free(der);
    assert_non_null(copy);
    return copy;
}

const char *context_last_reason(void)
{
    const char *text = "";
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
        const char *library = ERR_lib_error_string(code);
        if (library && strcmp(library, "zca") == 0) {
            text = ERR_reason_error_string(code);
        }
    }
    return text ? text : "";
}
