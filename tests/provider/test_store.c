/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

static OSSL_STORE_CTX *open_store(const char *uri, int expected)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, context, NULL, NULL, NULL, NULL, NULL, NULL);
    assert_non_null(store);
    assert_true(OSSL_STORE_expect(store, expected));
    return store;
}

static void a_missing_private_key_is_made_once(void **state)
{
    (void)state;
    EVP_PKEY *first = context_key(context, "zca://made");
    EVP_PKEY *second = context_key(context, "zca://corp/made");
    assert_int_equal(EVP_PKEY_eq(first, second), 1);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
}

static void the_type_of_a_key_is_configured(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://rsa");
    assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_RSA);
    EVP_PKEY_free(key);
    key = context_key(context, "zca://ed");
    assert_true(EVP_PKEY_is_a(key, "ED25519"));
    EVP_PKEY_free(key);
}

static void a_public_key_is_handed_out_by_value(void **state)
{
    (void)state;
    EVP_PKEY *key = context_key(context, "zca://web");
    OSSL_STORE_CTX *store = open_store("zca://web", OSSL_STORE_INFO_PUBKEY);
    OSSL_STORE_INFO *info = OSSL_STORE_load(store);
    assert_non_null(info);
    EVP_PKEY *public = OSSL_STORE_INFO_get1_PUBKEY(info);
    assert_int_equal(EVP_PKEY_eq(key, public), 1);
    assert_true(OSSL_STORE_eof(store));
    EVP_PKEY_free(public);
    EVP_PKEY_free(key);
    OSSL_STORE_INFO_free(info);
    (void)OSSL_STORE_close(store); /* nothing can fail */
}

static void parameters_are_never_there(void **state)
{
    (void)state;
    OSSL_STORE_CTX *store = open_store("zca://web", OSSL_STORE_INFO_PARAMS);
    assert_true(OSSL_STORE_eof(store));
    assert_null(OSSL_STORE_load(store));
    (void)OSSL_STORE_close(store); /* nothing can fail */
}

static void check_failure(const char *uri, int expected, const char *reason)
{
    ERR_clear_error();
    OSSL_STORE_CTX *store = open_store(uri, expected);
    assert_false(OSSL_STORE_eof(store));
    errno = ERANGE;
    assert_null(OSSL_STORE_load(store));
    assert_int_equal(errno, ERANGE);
    assert_true(OSSL_STORE_eof(store)); /* tools loop until the end */
    assert_string_equal(context_last_reason(), reason);
    (void)OSSL_STORE_close(store); /* nothing can fail */
}

static void failures_have_a_reason_and_an_end(void **state)
{
    (void)state;
    check_failure("zca://missing", OSSL_STORE_INFO_PUBKEY, "there is no such object");
    check_failure("zca://missing", 0, "there is no such object");
    check_failure("zca://nowhere/web", OSSL_STORE_INFO_PKEY, "there is no such object");
    check_failure("zca://web?typ=cert", OSSL_STORE_INFO_CERT, "the input is not valid");
    check_failure("zca://web/", 0, "there is no such object"); /* an authority */
    check_failure("zca://corp/", OSSL_STORE_INFO_CERT,
                  "this authority, key or build cannot do that"); /* remote = off */
}

static void a_uri_that_cannot_hold_what_is_expected_is_empty(void **state)
{
    (void)state;
    EVP_PKEY_free(context_key(context, "zca://web"));
    ERR_clear_error();
    OSSL_STORE_CTX *store = open_store("zca://web?type=private", OSSL_STORE_INFO_CERT);
    assert_null(OSSL_STORE_load(store));
    assert_true(OSSL_STORE_eof(store));
    assert_string_equal(context_last_reason(), "");
    (void)OSSL_STORE_close(store); /* nothing can fail */
}

static void without_expectation_nothing_is_made(void **state)
{
    (void)state;
    check_failure("zca://not-made", 0, "there is no such object");
    check_failure("zca://not-made", OSSL_STORE_INFO_PUBKEY, "there is no such object");
}

static void a_search_by_subject_finds_no_key(void **state)
{
    (void)state;
    EVP_PKEY_free(context_key(context, "zca://web"));
    X509_NAME *name = X509_NAME_new();
    assert_true(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (unsigned char *)"web", -1, -1, 0));
    OSSL_STORE_SEARCH *search = OSSL_STORE_SEARCH_by_name(name);
    OSSL_STORE_CTX *store =
        OSSL_STORE_open_ex("zca://web", context, NULL, NULL, NULL, NULL, NULL, NULL);
    assert_true(OSSL_STORE_find(store, search));
    ERR_clear_error();
    assert_null(OSSL_STORE_load(store));
    assert_true(OSSL_STORE_eof(store));
    assert_string_equal(context_last_reason(), "");
    (void)OSSL_STORE_close(store); /* nothing can fail */
    OSSL_STORE_SEARCH_free(search);
    X509_NAME_free(name);
}

/* ---- the scheme pkcs11 ---- */

/* A context whose openssl.cnf gives zca one more line. */
static OSSL_LIB_CTX *configured_context(const char *line)
{
    zca_auto(text) char *path = NULL;
    const char *directory = getenv("ZCA_CONFIG");
    assert_true(asprintf(&path, "%s.openssl", directory) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "openssl_conf = init\n[init]\nproviders = providers\n"
                        "[providers]\ndefault = default_provider\nzca = zca_provider\n"
                        "[default_provider]\nactivate = 1\n"
                        "[zca_provider]\nactivate = 1\n%s\n",
                        line) > 0);
    assert_int_equal(fclose(file), 0);
    OSSL_LIB_CTX *configured = OSSL_LIB_CTX_new();
    assert_true(OSSL_PROVIDER_set_default_search_path(configured, getenv("ZCA_MODULES")));
    assert_true(OSSL_LIB_CTX_load_config(configured, path));
    return configured;
}

static void pkcs11_uris_name_identities_when_wanted(void **state)
{
    (void)state;
    OSSL_LIB_CTX *wanted = configured_context("zca-claim-pkcs11-scheme = yes");
    EVP_PKEY *key = context_key(wanted, "pkcs11:token=corp;object=web;type=private");
    EVP_PKEY *same = context_key(wanted, "zca://corp/web");
    assert_int_equal(EVP_PKEY_eq(key, same), 1);
    EVP_PKEY_free(key);
    EVP_PKEY_free(same);
    OSSL_STORE_CTX *store =
        OSSL_STORE_open_ex("pkcs11:objekt=web", wanted, NULL, NULL, NULL, NULL, NULL, NULL);
    assert_non_null(store);
    assert_null(OSSL_STORE_load(store));
    assert_true(OSSL_STORE_eof(store));
    (void)OSSL_STORE_close(store); /* nothing can fail */
    assert_string_equal(context_last_reason(), "the input is not valid");
    OSSL_LIB_CTX_free(wanted);
}

static void pkcs11_uris_are_not_ours_by_themselves(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "zca-claim-pkcs11-scheme = no"};

    for (size_t i = 0; i < ZCA_COUNT(lines); i++) {
        OSSL_LIB_CTX *plain = configured_context(lines[i]);
        EVP_PKEY_free(context_key(plain, "zca://web"));
        assert_null(OSSL_STORE_LOADER_fetch(plain, "pkcs11", NULL));
        assert_null(
            OSSL_STORE_open_ex("pkcs11:object=web", plain, NULL, NULL, NULL, NULL, NULL, NULL));
        ERR_clear_error();
        OSSL_LIB_CTX_free(plain);
    }
}

static bool manages_keys(OSSL_LIB_CTX *configured)
{
    EVP_KEYMGMT *management = EVP_KEYMGMT_fetch(configured, "EC", "provider=zca");
    bool found = management;
    EVP_KEYMGMT_free(management);
    ERR_clear_error();
    return found;
}

static void keys_come_by_uri_alone_when_wanted(void **state)
{
    (void)state;
    OSSL_LIB_CTX *alone = configured_context("zca-uris-only = yes");
    OSSL_LIB_CTX *usual = configured_context("zca-uris-only = no");
    EVP_KEYMGMT *standard = EVP_KEYMGMT_fetch(alone, "EC", NULL); /* and kept there */
    assert_true(manages_keys(usual));
    assert_false(manages_keys(alone));
    EVP_PKEY *key = context_key(alone, "zca://corp/web");
    assert_true(manages_keys(alone));
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    unsigned char bytes[128];
    size_t len = sizeof(bytes);
    assert_true(EVP_DigestSignInit_ex(sign, NULL, "SHA256", alone, NULL, key, NULL) > 0);
    assert_true(EVP_DigestSign(sign, bytes, &len, (const unsigned char *)"abc", 3) > 0);
    EVP_MD_CTX_free(sign);
    EVP_PKEY_free(key);
    EVP_KEYMGMT_free(standard);
    OSSL_LIB_CTX_free(usual);
    OSSL_LIB_CTX_free(alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_private_key_is_made_once),
        cmocka_unit_test(the_type_of_a_key_is_configured),
        cmocka_unit_test(a_public_key_is_handed_out_by_value),
        cmocka_unit_test(parameters_are_never_there),
        cmocka_unit_test(failures_have_a_reason_and_an_end),
        cmocka_unit_test(a_uri_that_cannot_hold_what_is_expected_is_empty),
        cmocka_unit_test(without_expectation_nothing_is_made),
        cmocka_unit_test(a_search_by_subject_finds_no_key),
        cmocka_unit_test(pkcs11_uris_name_identities_when_wanted),
        cmocka_unit_test(pkcs11_uris_are_not_ours_by_themselves),
        cmocka_unit_test(keys_come_by_uri_alone_when_wanted),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
