/* SPDX-License-Identifier: Apache-2.0 */
/* Several library contexts from one openssl.cnf, as curl 8.12 makes them beside the process's own: each has a
 * provider object of its own, and the end of one is nothing to the others. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/conf.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"

static const char configuration[] = "openssl_conf = init\n"
                                    "[init]\n"
                                    "providers = providers\n"
                                    "%s"
                                    "[providers]\n"
                                    "%s = %s_section\n"
                                    "%s = %s_section\n"
                                    "[default_section]\n"
                                    "activate = 1\n"
                                    "[zca_section]\n"
                                    "activate = 1\n"
                                    "module = %s/zca.so\n"
                                    "[preference]\n"
                                    "default_properties = ?provider=zca\n";

/* The orders that administrators write. */
static const struct order {
    const char *first, *second, *preference;
} orders[] = {
    {"default", "zca",     ""                          },
    {"zca",     "default", ""                          },
    {"default", "zca",     "alg_section = preference\n"},
    {"zca",     "default", "alg_section = preference\n"},
};

static char *write_configuration(void **state, const struct order *order)
{
    char *path = check_path(state, "openssl.cnf");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, configuration, order->preference, order->first, order->first,
                        order->second, order->second, getenv("ZCA_MODULES")) > 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static OSSL_LIB_CTX *load_context(const char *path)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    assert_non_null(context);
    assert_true(OSSL_LIB_CTX_load_config(context, path));
    return context;
}

static void sign_with(OSSL_LIB_CTX *context, EVP_PKEY *key)
{
    unsigned char signature[512];
    size_t len = sizeof(signature);
    assert_true(context_sign(context, key, signature, &len));
}

/* ---- freed in either order ---- */

static void free_in_order(const char *path, size_t first)
{
    OSSL_LIB_CTX *contexts[2] = {load_context(path), load_context(path)};
    EVP_PKEY *keys[2] = {context_key(contexts[0], "zca://web"),
                         context_key(contexts[1], "zca://web")};
    assert_int_equal(EVP_PKEY_eq(keys[0], keys[1]), 1);
    for (size_t i = 0; i < 2; i++) {
        sign_with(contexts[i], keys[i]);
    }
    EVP_PKEY_free(keys[first]);
    OSSL_LIB_CTX_free(contexts[first]);
    sign_with(contexts[1 - first], keys[1 - first]);
    EVP_PKEY *again = context_key(contexts[1 - first], "zca://web");
    sign_with(contexts[1 - first], again);
    EVP_PKEY_free(again);
    EVP_PKEY_free(keys[1 - first]);
    OSSL_LIB_CTX_free(contexts[1 - first]);
}

static void contexts_of_one_configuration_are_freed_in_either_order(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(orders); i++) {
        zca_auto(text) char *path = write_configuration(state, &orders[i]);
        free_in_order(path, 0);
        free_in_order(path, 1);
    }
}

/* The process's own context stays until exit: nobody frees its key's provider before. */
static void the_process_context_goes_on(void **state)
{
    zca_auto(text) char *path = write_configuration(state, &orders[0]);
    assert_true(OSSL_LIB_CTX_load_config(NULL, path));
    EVP_PKEY *key = context_key(NULL, "zca://web");
    free_in_order(path, 0);
    sign_with(NULL, key);
    free_in_order(path, 1);
    sign_with(NULL, key);
    EVP_PKEY_free(key);
}

/* A signature that has begun holds its key, whatever else ends. */
static void a_context_ends_while_another_signs(void **state)
{
    zca_auto(text) char *path = write_configuration(state, &orders[1]);
    OSSL_LIB_CTX *going = load_context(path);
    OSSL_LIB_CTX *staying = load_context(path);
    EVP_PKEY *key = context_key(staying, "zca://web");
    EVP_PKEY_free(context_key(going, "zca://web"));
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    assert_true(EVP_DigestSignInit_ex(operation, NULL, "SHA256", staying, NULL, key, NULL));
    assert_true(EVP_DigestSignUpdate(operation, "abc", 3));
    OSSL_LIB_CTX_free(going);
    EVP_PKEY_free(key);
    unsigned char signature[512];
    size_t len = sizeof(signature);
    assert_true(EVP_DigestSignFinal(operation, signature, &len));
    EVP_MD_CTX_free(operation);
    OSSL_LIB_CTX_free(staying);
}

/* ---- threads that make and free contexts ---- */

#define NUM_THREADS 4
#define NUM_ROUNDS 5

static void *come_and_go(void *argument)
{
    const char *path = argument;
    for (size_t i = 0; i < NUM_ROUNDS; i++) {
        OSSL_LIB_CTX *context = load_context(path);
        EVP_PKEY *key = context_key(context, i % 2 == 0 ? "zca://web" : "zca://ed");
        if (i % 2 == 0) {
            sign_with(context, key);
        }
        EVP_PKEY_free(key);
        OSSL_LIB_CTX_free(context);
    }
    return NULL;
}

static void contexts_come_and_go_in_threads(void **state)
{
    zca_auto(text) char *path = write_configuration(state, &orders[0]);
    OSSL_LIB_CTX *staying = load_context(path);
    EVP_PKEY *key = context_key(staying, "zca://web");
    EVP_PKEY_free(context_key(staying, "zca://ed")); /* made before the crowd */
    pthread_t threads[NUM_THREADS];
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, path), 0);
    }
    for (size_t i = 0; i < 200; i++) {
        sign_with(staying, key);
    }
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    sign_with(staying, key);
    EVP_PKEY_free(key);
    OSSL_LIB_CTX_free(staying);
}

/* ---- TLS from one context to the other ---- */

static X509 *self_signed(OSSL_LIB_CTX *context, EVP_PKEY *key, const char *subject)
{
    X509 *certificate = X509_new_ex(context, NULL);
    assert_non_null(certificate);
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_true(X509_set_version(certificate, X509_VERSION_3) &&
                ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject,
                                           -1, -1, 0) &&
                X509_set_issuer_name(certificate, name) &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -60) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) &&
                X509_set_pubkey(certificate, key) && X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

/* An end of a connection that shows `certificate` and wants one of its peer. */
static SSL *new_end(OSSL_LIB_CTX *context, const SSL_METHOD *method, X509 *certificate,
                    EVP_PKEY *key, int version)
{
    SSL_CTX *tls = SSL_CTX_new_ex(context, NULL, method);
    assert_non_null(tls);
    assert_true(SSL_CTX_use_certificate(tls, certificate) && SSL_CTX_use_PrivateKey(tls, key) &&
                SSL_CTX_set_min_proto_version(tls, version) &&
                SSL_CTX_set_max_proto_version(tls, version));
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL *end = SSL_new(tls);
    assert_non_null(end);
    SSL_CTX_free(tls);
    return end;
}

static void connect_ends(SSL *server, SSL *client)
{
    BIO *near = NULL;
    BIO *far = NULL;
    assert_true(BIO_new_bio_pair(&near, 0, &far, 0));
    SSL_set_bio(server, near, near);
    SSL_set_bio(client, far, far);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    bool done = false;
    for (size_t i = 0; !done && i < 20; i++) {
        bool client_done = SSL_do_handshake(client) == 1;
        done = SSL_do_handshake(server) == 1 && client_done;
    }
    assert_true(done);
}

static void shake_hands(const char *path, int version)
{
    OSSL_LIB_CTX *contexts[2] = {load_context(path), load_context(path)};
    EVP_PKEY *keys[2] = {context_key(contexts[0], "zca://web"),
                         context_key(contexts[1], "zca://web")};
    X509 *certificates[2] = {self_signed(contexts[0], keys[0], "server"),
                             self_signed(contexts[1], keys[1], "client")};
    SSL *server = new_end(contexts[0], TLS_server_method(), certificates[0], keys[0], version);
    SSL *client = new_end(contexts[1], TLS_client_method(), certificates[1], keys[1], version);
    assert_true(
        X509_STORE_add_cert(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(server)), certificates[1]));
    assert_true(
        X509_STORE_add_cert(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(client)), certificates[0]));
    connect_ends(server, client);
    SSL_free(client);
    SSL_free(server);
    for (size_t i = 0; i < 2; i++) {
        X509_free(certificates[i]);
        EVP_PKEY_free(keys[i]);
        OSSL_LIB_CTX_free(contexts[i]);
    }
}

static void contexts_shake_hands_in_every_order(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(orders); i++) {
        zca_auto(text) char *path = write_configuration(state, &orders[i]);
        shake_hands(path, TLS1_2_VERSION);
        shake_hands(path, TLS1_3_VERSION);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contexts_of_one_configuration_are_freed_in_either_order),
        cmocka_unit_test(the_process_context_goes_on),
        cmocka_unit_test(a_context_ends_while_another_signs),
        cmocka_unit_test(contexts_come_and_go_in_threads),
        cmocka_unit_test(contexts_shake_hands_in_every_order),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
