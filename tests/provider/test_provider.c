/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "tests/base/check.h"
#include "tests/provider/context.h"

static void provider_tells_name_version_and_status(void **state)
{
    (void)state;
    OSSL_LIB_CTX *context = context_new();
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(context, "zca");
    const char *name = NULL;
    const char *version = NULL;
    int status = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_NAME, (char **)&name, 0),
        OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_VERSION, (char **)&version, 0),
        OSSL_PARAM_construct_int(OSSL_PROV_PARAM_STATUS, &status), OSSL_PARAM_construct_end()};
    assert_true(OSSL_PROVIDER_get_params(provider, params));
    assert_string_equal(name, "zca provider");
    assert_string_equal(version, ZCA_VERSION);
    assert_int_equal(status, 1);
    assert_true(OSSL_PROVIDER_unload(provider));
    context_free(context);
}

static void provider_alone_brings_the_default_provider(void **state)
{
    (void)state;
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    assert_true(OSSL_PROVIDER_set_default_search_path(context, getenv("ZCA_MODULES")));
    OSSL_PROVIDER *zca = OSSL_PROVIDER_load(context, "zca");
    assert_non_null(zca);
    EVP_MD *digest = EVP_MD_fetch(context, "SHA256", NULL);
    assert_non_null(digest);
    EVP_MD_free(digest);
    assert_true(OSSL_PROVIDER_unload(zca));
    OSSL_LIB_CTX_free(context);
}

static void many_contexts_live_side_by_side(void **state)
{
    (void)state;
    OSSL_LIB_CTX *contexts[8] = {0};
    for (size_t i = 0; i < ZCA_COUNT(contexts); i++) {
        contexts[i] = context_new();
        EVP_PKEY_free(context_key(contexts[i], "zca://web"));
    }
    for (size_t i = 0; i < ZCA_COUNT(contexts); i++) {
        context_free(contexts[i]);
    }
}

static void a_context_may_come_and_go_without_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        context_free(context_new());
    }
}

struct groups {
    size_t count;
    bool p256;
};

static int count_group(const OSSL_PARAM params[], void *argument)
{
    struct groups *groups = argument;
    const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_ID);
    unsigned number = 0;
    assert_true(OSSL_PARAM_get_uint(id, &number));
    groups->p256 = groups->p256 || number == 23;
    groups->count++;
    return 1;
}

static void provider_announces_tls_groups(void **state)
{
    (void)state;
    OSSL_LIB_CTX *context = context_new();
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(context, "zca");
    struct groups groups = {0};
    assert_true(OSSL_PROVIDER_get_capabilities(provider, "TLS-GROUP", count_group, &groups));
    assert_int_equal(groups.count, 6);
    assert_true(groups.p256);
    assert_false(OSSL_PROVIDER_get_capabilities(provider, "OTHER", count_group, &groups));
    assert_true(OSSL_PROVIDER_unload(provider));
    context_free(context);
}

static bool offers_signatures(OSSL_LIB_CTX *context)
{
    EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(context, "ZCA-ECDSA", NULL);
    bool found = signature;
    EVP_SIGNATURE_free(signature);
    return found;
}

/* A process without one does not pay for them. What it fetched before does not hide ours from our keys. */
static void operations_are_shown_when_there_is_a_key(void **state)
{
    (void)state;
    OSSL_LIB_CTX *context = context_new();
    EVP_SIGNATURE *other = EVP_SIGNATURE_fetch(context, "ECDSA", NULL);
    assert_non_null(other);
    assert_false(offers_signatures(context));
    EVP_PKEY *key = context_key(context, "zca://web");
    assert_true(offers_signatures(context));
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    unsigned char bytes[128];
    size_t len = sizeof(bytes);
    assert_true(EVP_DigestSignInit_ex(sign, NULL, "SHA256", context, NULL, key, NULL) > 0);
    assert_true(EVP_DigestSign(sign, bytes, &len, (const unsigned char *)"abc", 3) > 0);
    EVP_MD_CTX_free(sign);
    EVP_PKEY_free(key);
    EVP_SIGNATURE_free(other);
    context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(provider_tells_name_version_and_status),
        cmocka_unit_test(provider_alone_brings_the_default_provider),
        cmocka_unit_test(many_contexts_live_side_by_side),
        cmocka_unit_test(a_context_may_come_and_go_without_use),
        cmocka_unit_test(provider_announces_tls_groups),
        cmocka_unit_test(operations_are_shown_when_there_is_a_key),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
