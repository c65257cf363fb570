/* SPDX-License-Identifier: Apache-2.0 */
/* How often a private value stands in this process's writable memory. */
#include "core/key_value.h"
#include "core/keystore.h"
#include "tests/base/scan.h"
#include "tests/core/home.h"

/* The first private value: the scalar, the seed, or d. */
static void remember(const struct zca_key *key, struct scan_pattern *out_pattern)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
    check_ok(zca_key_values_of(key, &values, &err), err);
    scan_remember(zca_span_of(values.secret.data, values.lens[0]), out_pattern);
}

static unsigned count_copies(const struct scan_pattern *pattern)
{
    return scan_memory(pattern).copies;
}

static const char *const types[] = {"P-256", "RSA-2048", "Ed25519"};

static void private_value_of_a_loaded_key_stands_once(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct scan_pattern pattern;
        zca_auto(zca_library) struct zca_library *library = home_library(state, "");
        struct zca_key *key = zca_key_generate(library, zca_key_type_find(types[i]), &err);
        check_ok(key, err);
        check_ok(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", types[i], key, &err), err);
        remember(key, &pattern);
        zca_key_free(key);
        unsigned before = count_copies(&pattern);
        zca_auto(zca_key) struct zca_key *loaded =
            zca_keystore_load(library, ZCA_KEYSTORE_FILE, "corp", types[i], &err);
        check_ok(loaded, err);
        assert_int_equal(count_copies(&pattern), before + 1);
        zca_auto(zca_key) struct zca_key *again =
            zca_keystore_load(library, ZCA_KEYSTORE_FILE, "corp", types[i], &err);
        check_ok(again, err);
        assert_int_equal(count_copies(&pattern), before + 1);
    }
}

static void private_value_of_a_freed_key_is_gone(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct scan_pattern pattern;
        zca_auto(zca_library) struct zca_library *library = home_library(state, "");
        struct zca_key *key = zca_key_generate(library, zca_key_type_find(types[i]), &err);
        check_ok(key && zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", types[i], key, &err),
                 err);
        remember(key, &pattern);
        zca_key_free(key);
        assert_int_equal(count_copies(&pattern), 0);
        key = zca_keystore_load(library, ZCA_KEYSTORE_FILE, "corp", types[i], &err);
        check_ok(key, err);
        zca_key_free(key);
        zca_library_free(zca_steal(library));
        assert_int_equal(count_copies(&pattern), 0);
    }
}

static void sealing_key_is_gone_after_use(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct scan_pattern pattern;
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key =
        zca_key_generate(library, zca_key_type_find("P-256"), &err);
    check_ok(key, err);
    check_ok(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", "web", key, &err), err);
    zca_key_free(zca_keystore_load(library, ZCA_KEYSTORE_FILE, "corp", "web", &err));
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, false, &sealing_key, &err), err);
    scan_remember(zca_buffer_span(&sealing_key), &pattern);
    zca_buffer_clear(&sealing_key);
    assert_int_equal(count_copies(&pattern), 0);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(private_value_of_a_loaded_key_stands_once),
        CASE(private_value_of_a_freed_key_is_gone),
        CASE(sealing_key_is_gone_after_use),
    };
    return cmocka_run_group_tests_name("core/secrecy", tests, NULL, NULL);
}
