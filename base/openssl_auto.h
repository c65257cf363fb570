/* SPDX-License-Identifier: Apache-2.0 */
/* `zca_auto(TYPE)` for the OpenSSL types that more than one file owns for the length of a block. */
#ifndef ZCA_BASE_OPENSSL_AUTO_H
#define ZCA_BASE_OPENSSL_AUTO_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/auto.h"

static inline void zca_x509_stack_free(STACK_OF(X509) * certificates)
{
    sk_X509_pop_free(certificates, X509_free);
}

/* zca_auto(error_mark) int mark = ERR_set_mark(); drops the errors that the block leaves in the
 * thread's queue. With an empty queue setting fails and dropping empties it again. */
static inline void zca_error_mark_drop(const int *mark)
{
    (void)mark;
    (void)ERR_pop_to_mark(); /* as above */
}

ZCA_DEFINE_AUTO_CLEAR(error_mark, int, zca_error_mark_drop);
ZCA_DEFINE_AUTO(BIO, BIO, BIO_free_all);
ZCA_DEFINE_AUTO(BIGNUM, BIGNUM, BN_clear_free);
ZCA_DEFINE_AUTO(EVP_PKEY, EVP_PKEY, EVP_PKEY_free);
ZCA_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX, EVP_PKEY_CTX_free);
ZCA_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX, EVP_MD_CTX_free);
ZCA_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);
ZCA_DEFINE_AUTO(OSSL_PARAM, OSSL_PARAM, OSSL_PARAM_free);
ZCA_DEFINE_AUTO(OSSL_PARAM_BLD, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
ZCA_DEFINE_AUTO(X509, X509, X509_free);
ZCA_DEFINE_AUTO(X509_STACK, STACK_OF(X509), zca_x509_stack_free);
ZCA_DEFINE_AUTO(X509_REQ, X509_REQ, X509_REQ_free);
ZCA_DEFINE_AUTO(X509_CRL, X509_CRL, X509_CRL_free);
ZCA_DEFINE_AUTO(X509_NAME, X509_NAME, X509_NAME_free);
ZCA_DEFINE_AUTO(X509_STORE, X509_STORE, X509_STORE_free);
ZCA_DEFINE_AUTO(X509_STORE_CTX, X509_STORE_CTX, X509_STORE_CTX_free);
ZCA_DEFINE_AUTO(X509_EXTENSION, X509_EXTENSION, X509_EXTENSION_free);
ZCA_DEFINE_AUTO(GENERAL_NAMES, GENERAL_NAMES, GENERAL_NAMES_free);
ZCA_DEFINE_AUTO(ASN1_INTEGER, ASN1_INTEGER, ASN1_INTEGER_free);

#endif
