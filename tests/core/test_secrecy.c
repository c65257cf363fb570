/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a private value stands in this process's writable memory. What is looked for is kept
 * with every bit turned, so that the test itself holds no copy.
 */
#include <stdio.h>
#include <string.h>

#include "core/key_value.h"
#include "core/keystore.h"
#include "tests/core/home.h"

struct pattern {
    uint8_t turned[64];
    size_t len;
};

static bool stands_at(const uint8_t *at, const struct pattern *pattern)
{
    size_t i = 0;
    while (i < pattern->len && (at[i] ^ pattern->turned[i]) == 0xff) {
        i++;
    }
    return i == pattern->len;
}

static bool stands_reversed_at(const uint8_t *at, const struct pattern *pattern)
{
    size_t i = 0;
    while (i < pattern->len && (at[i] ^ pattern->turned[pattern->len - 1 - i]) == 0xff) {
        i++;
    }
    return i == pattern->len;
}

__attribute__((no_sanitize("address"))) static unsigned
count_between(const uint8_t *start, const uint8_t *end, const struct pattern *pattern)
{
    unsigned count = 0;
    for (const uint8_t *at = start; at + pattern->len <= end; at++) {
        count += stands_at(at, pattern) || stands_reversed_at(at, pattern);
    }
    return count;
}

static unsigned count_copies(const struct pattern *pattern)
{
    unsigned count = 0;
    zca_auto(text) char *line = NULL;
    size_t capacity = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (getline(&line, &capacity, maps) > 0) {
        unsigned long start = 0;
        unsigned long end = 0;
        char modes[5];
        assert_int_equal(sscanf(line, "%lx-%lx %4s", &start, &end, modes), 3);
        if (strncmp(modes, "rw", 2) == 0 && !strstr(line, "[vvar")) {
            count += count_between((const uint8_t *)start, (const uint8_t *)end, pattern);
        }
    }
    (void)fclose(maps); /* read only */
    return count;
}

/* The first private value: the scalar, the seed, or d. */
static void remember(const struct zca_key *key, struct pattern *out_pattern)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
    check_ok(zca_key_values_of(key, &values, &err), err);
    out_pattern->len =
        values.lens[0] < sizeof(out_pattern->turned) ? values.lens[0] : sizeof(out_pattern->turned);
    for (size_t i = 0; i < out_pattern->len; i++) {
        out_pattern->turned[i] = values.secret.data[i] ^ 0xff;
    }
}

static const char *const types[] = {"P-256", "RSA-2048", "Ed25519"};

static void private_value_of_a_loaded_key_stands_once(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct pattern pattern;
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
        struct pattern pattern;
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
    struct pattern pattern = {.len = 32};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key =
        zca_key_generate(library, zca_key_type_find("P-256"), &err);
    check_ok(key, err);
    check_ok(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", "web", key, &err), err);
    zca_key_free(zca_keystore_load(library, ZCA_KEYSTORE_FILE, "corp", "web", &err));
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, false, &sealing_key, &err), err);
    for (size_t i = 0; i < 32; i++) {
        pattern.turned[i] = sealing_key.data[i] ^ 0xff;
    }
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
