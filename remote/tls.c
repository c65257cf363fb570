/* SPDX-License-Identifier: Apache-2.0 */
/* Reads certificate and key for each new connection: files may be renewed meanwhile. */
#include "remote/tls.h"

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

bool zca_tls_use_certificate(SSL_CTX *tls, OSSL_LIB_CTX *context, const char *certificate_file,
                             const char *key_file, struct zca_error *err)
{
    SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(tls, certificate_file) != 1) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "'%s' cannot be read as certificates in PEM",
                             certificate_file);
    }
    zca_auto(EVP_PKEY) EVP_PKEY *key = load_key(context, key_file, err);
    if (!key) {
        return false;
    }
    if (SSL_CTX_use_PrivateKey(tls, key) != 1) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "the key in '%s' is not that of '%s'", key_file,
                             certificate_file);
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
