/* SPDX-License-Identifier: Apache-2.0 */
/* What libssl and the tools ask beside signing: probes and size queries, which must need no file and no network. The
 * state directory is gone, and the authority cannot be reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

static const unsigned char message[] = "what a server signs";

static EVP_PKEY *key;
static EVP_PKEY *ca_key;

static int setup(void **state)
{
    int failed = fixture_setup(state);
    if (failed) {
        return failed;
    }
    key = context_key(context, "zca://web");
    ca_key = context_ca_key(context, key);
    zca_auto(text) char *directory = check_path(state, "state");
    zca_auto(text) char *elsewhere = check_path(state, "elsewhere");
    return rename(directory, elsewhere);
}

static int teardown(void **state)
{
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return fixture_teardown(state);
}

static void check_no_errors(void)
{
    assert_int_equal(ERR_peek_error(), 0);
}

static EVP_MD_CTX *begin(EVP_PKEY *with)
{
    EVP_MD_CTX *operation = EVP_MD_CTX_new();
    assert_true(EVP_DigestSignInit_ex(operation, NULL, "SHA256", context, NULL, with, NULL));
    return operation;
}

static void ask_for_size(EVP_PKEY *with)
{
    EVP_MD_CTX *operation = begin(with);
    size_t len = 0;
    assert_true(EVP_DigestSign(operation, NULL, &len, message, sizeof(message)));
    assert_int_equal(len, EVP_PKEY_get_size(with));
    EVP_MD_CTX_free(operation);
    operation = begin(with);
    assert_true(EVP_DigestSignUpdate(operation, message, sizeof(message)));
    assert_true(EVP_DigestSignFinal(operation, NULL, &len));
    EVP_MD_CTX *copy = EVP_MD_CTX_new(); /* as openssl dgst does */
    assert_true(EVP_MD_CTX_copy_ex(copy, operation));
    EVP_MD_CTX_free(copy);
    EVP_MD_CTX_free(operation);
    check_no_errors();
}

static void sizes_are_known_without_signing(void **state)
{
    (void)state;
    ask_for_size(key);
    ask_for_size(ca_key);
}

static void a_probe_costs_nothing(void **state)
{
    (void)state;
    EVP_MD_CTX_free(begin(key));
    EVP_MD_CTX_free(begin(ca_key));
    check_no_errors();
}

static void tls_takes_a_key_without_asking(void **state)
{
    (void)state;
    SSL_CTX *tls = SSL_CTX_new_ex(context, NULL, TLS_server_method());
    assert_non_null(tls);
    assert_true(SSL_CTX_use_PrivateKey(tls, key));
    SSL_CTX_free(tls);
    tls = SSL_CTX_new_ex(context, NULL, TLS_client_method());
    assert_true(SSL_CTX_use_PrivateKey(tls, ca_key));
    SSL_CTX_free(tls);
    check_no_errors();
}

static void a_loaded_key_signs_without_its_file(void **state)
{
    (void)state;
    unsigned char signature[512];
    size_t len = sizeof(signature);
    assert_true(context_sign(context, key, signature, &len));
    check_no_errors();
}

/* Only the signature itself goes to the authority. */
static void the_signature_of_a_ca_asks_it(void **state)
{
    (void)state;
    unsigned char signature[512];
    size_t len = sizeof(signature);
    assert_false(context_sign(context, ca_key, signature, &len));
    assert_string_not_equal(context_last_reason(), "");
}

/* An authority records what it signs: nobody asks it for what there is no room for. */
static void a_short_buffer_is_refused_before_a_ca_is_asked(void **state)
{
    (void)state;
    unsigned char signature[16];
    size_t len = sizeof(signature);
    ERR_clear_error();
    assert_false(context_sign(context, ca_key, signature, &len));
    const char *text = NULL;
    int flags = 0;
    (void)ERR_peek_last_error_data(&text, &flags); /* which one is told by the text */
    assert_non_null(strstr(text, "bytes"));
    ERR_clear_error();
}

/* A signature context keeps its key, and a key its provider's objects, whatever order they are freed in. */
static void a_key_may_go_before_its_operation(void **state)
{
    (void)state;
    EVP_PKEY *copy = EVP_PKEY_dup(key);
    EVP_MD_CTX *operation = begin(copy);
    EVP_PKEY_free(copy);
    unsigned char signature[512];
    size_t len = sizeof(signature);
    assert_true(EVP_DigestSign(operation, signature, &len, message, sizeof(message)));
    EVP_MD_CTX_free(operation);
    check_no_errors();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_known_without_signing),
        cmocka_unit_test(a_probe_costs_nothing),
        cmocka_unit_test(tls_takes_a_key_without_asking),
        cmocka_unit_test(a_loaded_key_signs_without_its_file),
        cmocka_unit_test(the_signature_of_a_ca_asks_it),
        cmocka_unit_test(a_short_buffer_is_refused_before_a_ca_is_asked),
        cmocka_unit_test(a_key_may_go_before_its_operation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
