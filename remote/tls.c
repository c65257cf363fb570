/* SPDX-License-Identifier: Apache-2.0 */
/* Reads certificate and key for each new connection: files may be renewed meanwhile. */
#include "remote/tls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/openssl_auto.h"

/* More than any key needs. */
static const size_t max_key_file = 64UL * 1024;

static int no_passphrase(char *passphrase, int size, int writing, void *context)
{
    (void)passphrase;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *load_key(OSSL_LIB_CTX *context, const char *path, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = ZCA_SECRET_BUFFER;
    if (!zca_file_load(path, max_key_file, &pem, NULL, err)) {
        return NULL;
    }
    zca_auto(BIO) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key = NULL;
    if (bio) {
        key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, NULL, context, NULL);
    }
    if (!key) {
        (void)zca_error_set(err, ZCA_ERR_CONFIG, "'%s' holds no plain private key in PEM",
                            path); /* NULL tells */
    }
    return key;
}

static bool copy_text(char **out_copy, const char *text, struct zca_error *err)
{
    *out_copy = strdup(text);
    return *out_copy || zca_error_set(err, ZCA_ERR_MEMORY, "copying a setting");
}

bool zca_tls_identity_set(struct zca_tls_identity *identity, const char *certificate_file,
                          const char *key_file, struct zca_error *err)
{
    if (!certificate_file || *certificate_file == '\0') {
        return true;
    }
    bool is_apart = key_file && *key_file != '\0'; /* one file may hold both */
    return copy_text(&identity->certificate_file, certificate_file, err) &&
           copy_text(&identity->key_file, is_apart ? key_file : certificate_file, err);
}

void zca_tls_identity_clear(struct zca_tls_identity *identity)
{
    free(identity->certificate_file);
    free(identity->key_file);
    *identity = (struct zca_tls_identity){NULL, NULL};
}

bool zca_tls_use_identity(SSL_CTX *tls, OSSL_LIB_CTX *context,
                          const struct zca_tls_identity *identity, struct zca_error *err)
{
    if (!identity->certificate_file) {
        return true;
    }
    SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(tls, identity->certificate_file) != 1) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "'%s' cannot be read as certificates in PEM",
                             identity->certificate_file);
    }
    zca_auto(EVP_PKEY) EVP_PKEY *key = load_key(context, identity->key_file, err);
    if (!key) {
        return false;
    }
    if (SSL_CTX_use_PrivateKey(tls, key) != 1) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "the key in '%s' is not that of '%s'",
                             identity->key_file, identity->certificate_file);
    }
    return true;
}

/* Changes nothing about the decision. */
static int note_error(int ok, X509_STORE_CTX *verification)
{
    SSL *connection =
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    int *out_error = connection ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)) : NULL;
    if (ok != 1 && out_error) {
        *out_error = X509_STORE_CTX_get_error(verification);
    }
    return ok;
}

void zca_tls_watch(SSL_CTX *tls, int *out_error)
{
    if (SSL_CTX_set_app_data(tls, out_error) == 1) {
        SSL_CTX_set_verify(tls, SSL_CTX_get_verify_mode(tls), note_error);
    }
}
