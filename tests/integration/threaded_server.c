/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS server with threads that gets everything by URI while it shakes hands: for each name that a client asks for
 * (RFC 6066, 3) key and certificate of zca://NAME, and then a certificate signed by the key of zca:///.
 * threaded_server PORT NUMBER: serves that many connections and ends by return from main.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/store.h>

#include "base/openssl_auto.h"

#define NUM_THREADS 8

ZCA_DEFINE_AUTO(SSL, SSL, SSL_free);

static SSL_CTX *tls;
static int listening;
static atomic_int left; /* connections to serve */
static atomic_int failed;

/* The first object of a kind behind a URI, or NULL. */
static OSSL_STORE_INFO *load(const char *uri, int kind)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    OSSL_STORE_INFO *info = store && OSSL_STORE_expect(store, kind) ? OSSL_STORE_load(store) : NULL;
    OSSL_STORE_close(store);
    return info;
}

static EVP_PKEY *load_key(const char *uri)
{
    OSSL_STORE_INFO *info = load(uri, OSSL_STORE_INFO_PKEY);
    EVP_PKEY *key = info ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
    OSSL_STORE_INFO_free(info);
    return key;
}

static X509 *load_certificate(const char *uri)
{
    OSSL_STORE_INFO *info = load(uri, OSSL_STORE_INFO_CERT);
    X509 *certificate = info ? OSSL_STORE_INFO_get1_CERT(info) : NULL;
    OSSL_STORE_INFO_free(info);
    return certificate;
}

static int choose_identity(SSL *connection, int *alert, void *argument)
{
    char uri[300];
    const char *name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    (void)argument;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    if (!name || snprintf(uri, sizeof(uri), "zca://%s", name) >= (int)sizeof(uri)) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    zca_auto(X509) X509 *certificate = load_certificate(uri);
    zca_auto(EVP_PKEY) EVP_PKEY *key = load_key(uri);
    bool chosen = certificate && key && SSL_use_certificate(connection, certificate) == 1 &&
                  SSL_use_PrivateKey(connection, key) == 1;
    return chosen ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A certificate of the connection's own key, signed at the authority. */
static X509 *issue(const SSL *connection)
{
    uint64_t serial = 0;
    zca_auto(X509) X509 *certificate = X509_new();
    zca_auto(X509) X509 *issuer = load_certificate("zca:///");
    zca_auto(EVP_PKEY) EVP_PKEY *signer = load_key("zca:///");
    X509 *own = SSL_get_certificate(connection);
    bool ok = certificate && issuer && signer && own &&
              RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) &&
              X509_set_subject_name(certificate, X509_get_subject_name(own)) &&
              X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), 0) &&
              X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) &&
              X509_set_pubkey(certificate, X509_get0_pubkey(own)) &&
              X509_sign(certificate, signer, EVP_sha256()) > 0 &&
              X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    return ok ? zca_steal(certificate) : NULL;
}

/* Any request is answered with that certificate. */
static bool answer(SSL *connection)
{
    static const char head[] = "HTTP/1.0 200 ok\r\n\r\n";
    char request[4096];
    char *pem = NULL;
    int len = SSL_read(connection, request, sizeof(request));
    zca_auto(X509) X509 *certificate = len > 0 ? issue(connection) : NULL;
    zca_auto(BIO) BIO *memory = BIO_new(BIO_s_mem());
    if (!certificate || !memory || !PEM_write_bio_X509(memory, certificate)) {
        return false;
    }
    len = (int)BIO_get_mem_data(memory, &pem);
    return SSL_write(connection, head, (int)strlen(head)) > 0 &&
           SSL_write(connection, pem, len) == len && SSL_shutdown(connection) >= 0;
}

static void serve(int socket)
{
    zca_auto(SSL) SSL *connection = SSL_new(tls);
    bool served = connection && SSL_set_fd(connection, socket) && SSL_accept(connection) == 1 &&
                  answer(connection);
    if (!served) {
        ERR_print_errors_fp(stderr);
        atomic_fetch_add(&failed, 1);
    }
}

static void *accept_some(void *argument)
{
    while (atomic_fetch_sub(&left, 1) > 0) {
        int socket = accept(listening, NULL, NULL);
        if (socket < 0) {
            atomic_fetch_add(&failed, 1);
            continue;
        }
        serve(socket);
        (void)close(socket); /* all has been sent */
    }
    return argument;
}

static bool listen_at(const char *port)
{
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return listening >= 0 &&
           setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
           bind(listening, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(listening, 64) == 0;
}

int main(int argc, char **argv)
{
    pthread_t threads[NUM_THREADS];
    tls = argc == 3 ? SSL_CTX_new(TLS_server_method()) : NULL;
    if (!tls || !listen_at(argv[1])) {
        fprintf(stderr, "usage: threaded_server PORT NUMBER, or the port is in use\n");
        return 2;
    }
    SSL_CTX_set_tlsext_servername_callback(tls, choose_identity);
    atomic_store(&left, (int)strtol(argv[2], NULL, 10));
    for (size_t i = 0; i < NUM_THREADS; i++) {
        if (pthread_create(&threads[i], NULL, accept_some, NULL) != 0) {
            return 2;
        }
    }
    for (size_t i = 0; i < NUM_THREADS; i++) {
        (void)pthread_join(threads[i], NULL); /* the result says nothing */
    }
    SSL_CTX_free(tls);
    (void)close(listening); /* as above */
    return atomic_load(&failed) == 0 ? 0 : 1;
}
