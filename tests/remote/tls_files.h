/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates for TLS tests, made on the spot in a library context of their own. */
#ifndef ZCA_TESTS_REMOTE_TLS_FILES_H
#define ZCA_TESTS_REMOTE_TLS_FILES_H

#include <openssl/ssl.h>

struct tls_files {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *provider;
    char *ca;           /* ca.pem: the CA of all the others */
    char *other_ca;     /* other-ca.pem: another CA of the same name */
    char *client;       /* client.pem: certificate of a client */
    char *client_key;   /* client.key */
    char *locked_key;   /* locked.key: the same with a passphrase */
    char *other_key;    /* other.key: a key of nobody */
    SSL_CTX *server;    /* for 127.0.0.1 */
    SSL_CTX *elsewhere; /* for ca.example.org */
    SSL_CTX *old;       /* like server, but TLS 1.1 at most */
    SSL_CTX *mutual;    /* like server, and wants a certificate of the CA */
};

/** tls_files_new writes the files into `directory`; tls_files_free leaves them there. */
struct tls_files *tls_files_new(const char *directory);
void tls_files_free(struct tls_files *files);

#endif
