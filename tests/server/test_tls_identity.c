/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own TLS root and certificates, in a directory that each test has to itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/tls_identity.h"

static const char *const files[] = {ZCA_TLS_ROOT_FILE, ZCA_TLS_ROOT_KEY_FILE};

static char *path_of(const char *directory, const char *name)
{
    char *path = zca_path_join(directory, name, "", NULL);
    assert_non_null(path);
    return path;
}

static int make_directory(void **state)
{
    char *directory = strdup("/tmp/zca-test-tls-XXXXXX");
    *state = directory;
    return directory && mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(files); i++) {
        zca_auto(text) char *path = path_of(*state, files[i]);
        (void)unlink(path); /* may not have been made */
    }
    int rc = rmdir(*state);
    free(*state);
    return rc;
}

static X509 *load_root(const char *directory)
{
    zca_auto(text) char *path = path_of(directory, ZCA_TLS_ROOT_FILE);
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    assert_true(zca_file_load(path, 65536, &pem, NULL, NULL));
    zca_auto(X509_STACK) STACK_OF(X509) *all =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&pem), NULL);
    assert_int_equal(sk_X509_num(all), 1);
    return sk_X509_shift(all);
}

static X509 *make_leaf(const char *directory, const char *const *names)
{
    EVP_PKEY *key = NULL;
    X509 *leaf = NULL;
    struct zca_error err = {0};
    if (!zca_tls_identity_make(directory, names, &key, &leaf, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(X509_check_private_key(leaf, key), 1);
    EVP_PKEY_free(key);
    return leaf;
}

static enum zca_reason failure_of(const char *directory, const char *const *names)
{
    EVP_PKEY *key = NULL;
    X509 *leaf = NULL;
    struct zca_error err = {0};
    assert_false(zca_tls_identity_make(directory, names, &key, &leaf, &err));
    assert_null(key);
    assert_null(leaf);
    return err.reason;
}

static void leaf_verifies_for_servers_only(void **state)
{
    zca_auto(X509) X509 *leaf = make_leaf(*state, NULL);
    zca_auto(X509) X509 *root = load_root(*state);
    zca_auto(X509_STORE) X509_STORE *store = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(store, root), 1);

    static const struct {
        int purpose;
        int verified;
    } expectations[] = {
        {X509_PURPOSE_SSL_SERVER, 1},
        {X509_PURPOSE_SSL_CLIENT, 0},
    };

    for (size_t i = 0; i < ZCA_COUNT(expectations); i++) {
        zca_auto(X509_STORE_CTX) X509_STORE_CTX *context = X509_STORE_CTX_new();
        assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
        assert_int_equal(X509_STORE_CTX_set_purpose(context, expectations[i].purpose), 1);
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
        assert_int_equal(X509_verify_cert(context), expectations[i].verified);
    }
}

static void leaf_has_local_and_given_names(void **state)
{
    static const char *const names[] = {"ca.example", "192.0.2.7", "2001:db8::7", NULL};
    zca_auto(X509) X509 *leaf = make_leaf(*state, names);

    assert_int_equal(X509_check_host(leaf, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "ca.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "other.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "192.0.2.7", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "2001:db8::7", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "192.0.2.8", 0), 0);
}

static void name_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"a,DNS:b", "a b", "", "a/b", "a\nb"};
    for (size_t i = 0; i < ZCA_COUNT(bad); i++) {
        const char *const names[] = {bad[i], NULL};
        assert_int_equal(failure_of(*state, names), ZCA_ERR_CONFIG);
    }
}

static void root_is_made_once_and_leaves_each_time(void **state)
{
    zca_auto(X509) X509 *first = make_leaf(*state, NULL);
    zca_auto(X509) X509 *root = load_root(*state);
    zca_auto(X509) X509 *second = make_leaf(*state, NULL);
    zca_auto(X509) X509 *same_root = load_root(*state);

    assert_int_equal(X509_cmp(root, same_root), 0);
    assert_int_not_equal(X509_cmp(first, second), 0);
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(second)), 0);
    assert_int_equal(X509_verify(second, X509_get0_pubkey(root)), 1);
    assert_int_not_equal(EVP_PKEY_eq(X509_get0_pubkey(first), X509_get0_pubkey(second)), 1);
}

static void key_is_ours_alone_and_root_is_for_all(void **state)
{
    static const mode_t modes[] = {0644, 0600};
    zca_auto(X509) X509 *leaf = make_leaf(*state, NULL);
    for (size_t i = 0; i < ZCA_COUNT(files); i++) {
        zca_auto(text) char *path = path_of(*state, files[i]);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, modes[i]);
    }
}

static void lost_root_is_made_anew_from_its_key(void **state)
{
    zca_auto(X509) X509 *leaf = make_leaf(*state, NULL);
    zca_auto(X509) X509 *root = load_root(*state);
    zca_auto(text) char *path = path_of(*state, ZCA_TLS_ROOT_FILE);
    assert_int_equal(unlink(path), 0);

    zca_auto(X509) X509 *later = make_leaf(*state, NULL);
    zca_auto(X509) X509 *new_root = load_root(*state);

    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(root), X509_get0_pubkey(new_root)), 1);
}

static void root_of_another_key_is_refused(void **state)
{
    zca_auto(X509) X509 *leaf = make_leaf(*state, NULL);
    zca_auto(text) char *path = path_of(*state, ZCA_TLS_ROOT_KEY_FILE);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(failure_of(*state, NULL), ZCA_ERR_INVALID);
}

static void expired_root_is_refused(void **state)
{
    zca_auto(X509) X509 *leaf = make_leaf(*state, NULL);
    zca_auto(X509) X509 *root = load_root(*state);
    zca_auto(text) char *key_path = path_of(*state, ZCA_TLS_ROOT_KEY_FILE);
    zca_auto(text) char *root_path = path_of(*state, ZCA_TLS_ROOT_FILE);
    zca_auto(EVP_PKEY) EVP_PKEY *key = zca_tls_key_load(key_path, NULL);
    assert_non_null(key);
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(root), -60));
    assert_true(X509_sign(root, key, EVP_sha256()) > 0);
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    assert_true(zca_pem_format_certificate(root, &pem, NULL));
    assert_true(zca_file_store(root_path, 0644, zca_buffer_span(&pem), NULL));

    assert_int_equal(failure_of(*state, NULL), ZCA_ERR_EXPIRED);
}

static void leaf_does_not_outlive_its_root(void **state)
{
    zca_auto(X509) X509 *first = make_leaf(*state, NULL);
    zca_auto(X509) X509 *root = load_root(*state);
    zca_auto(text) char *key_path = path_of(*state, ZCA_TLS_ROOT_KEY_FILE);
    zca_auto(text) char *root_path = path_of(*state, ZCA_TLS_ROOT_FILE);
    zca_auto(EVP_PKEY) EVP_PKEY *key = zca_tls_key_load(key_path, NULL);
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(root), 3600));
    assert_true(X509_sign(root, key, EVP_sha256()) > 0);
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    assert_true(zca_pem_format_certificate(root, &pem, NULL));
    assert_true(zca_file_store(root_path, 0644, zca_buffer_span(&pem), NULL));

    zca_auto(X509) X509 *leaf = make_leaf(*state, NULL);

    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(leaf), X509_get0_notAfter(root)), 0);
}

static void key_with_passphrase_is_refused_without_asking(void **state)
{
    zca_auto(text) char *path = path_of(*state, ZCA_TLS_ROOT_KEY_FILE);
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(BIO) BIO *bio = BIO_new_file(path, "w");
    assert_non_null(bio);
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
    assert_int_equal(BIO_flush(bio), 1);
    struct zca_error err = {0};

    assert_null(zca_tls_key_load(path, &err));
    assert_int_equal(err.reason, ZCA_ERR_CRYPTO);
    assert_int_equal(failure_of(*state, NULL), ZCA_ERR_CRYPTO);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(leaf_verifies_for_servers_only),
        IN_DIRECTORY(leaf_has_local_and_given_names),
        IN_DIRECTORY(name_that_is_none_is_refused),
        IN_DIRECTORY(root_is_made_once_and_leaves_each_time),
        IN_DIRECTORY(key_is_ours_alone_and_root_is_for_all),
        IN_DIRECTORY(lost_root_is_made_anew_from_its_key),
        IN_DIRECTORY(root_of_another_key_is_refused),
        IN_DIRECTORY(expired_root_is_refused),
        IN_DIRECTORY(leaf_does_not_outlive_its_root),
        IN_DIRECTORY(key_with_passphrase_is_refused_without_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
