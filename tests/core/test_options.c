/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/algorithm.h"
#include "core/options.h"
#include "tests/base/check.h"

static void options_have_name_help_and_a_place_of_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(zca_section_kinds); i++) {
        const struct zca_section_kind *kind = &zca_section_kinds[i];
        for (size_t j = 0; j < kind->num_options; j++) {
            const struct zca_option *option = &kind->options[j];
            assert_non_null(option->name);
            assert_non_null(option->help);
            assert_int_equal(option->help[strlen(option->help) - 1], '.');
            assert_int_equal(option->type == ZCA_OPTION_CHOICE, option->choices != NULL);
            for (size_t k = 0; k < j; k++) {
                assert_string_not_equal(option->name, kind->options[k].name);
            }
        }
    }
}

/* Every default passes its own row's check. */
static void options_defaults_are_valid(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_config) struct zca_config *config =
        zca_config_empty(zca_section_kinds, ZCA_COUNT(zca_section_kinds), &err);
    check_ok(config, err);
    for (size_t i = 0; i < ZCA_NUM_LIBRARY_OPTIONS; i++) {
        const struct zca_option *option = &zca_library_options[i];
        if (option->default_value) {
            check_ok(zca_config_override(config, "zca", option->name, option->default_value, &err),
                     err);
        }
    }
}

static size_t choice(const char *option_name, const char *value, enum zca_library_option option)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_config) struct zca_config *config =
        zca_config_empty(zca_section_kinds, ZCA_COUNT(zca_section_kinds), &err);
    check_ok(config && zca_config_override(config, "zca", option_name, value, &err), err);
    return zca_config_get_choice(config, "zca", NULL, &zca_library_options[option]);
}

static void options_choices_are_in_the_order_of_their_enums(void **state)
{
    (void)state;
    assert_int_equal(choice("keystore", "memory", ZCA_LIBRARY_KEYSTORE), ZCA_KEYSTORE_MEMORY);
    assert_int_equal(choice("keystore", "runtime", ZCA_LIBRARY_KEYSTORE), ZCA_KEYSTORE_RUNTIME);
    assert_int_equal(choice("keystore", "file", ZCA_LIBRARY_KEYSTORE), ZCA_KEYSTORE_FILE);
    assert_int_equal(choice("auto-enrol", "no", ZCA_LIBRARY_AUTO_ENROL), ZCA_AUTO_ENROL_NO);
    assert_int_equal(choice("auto-enrol", "csr", ZCA_LIBRARY_AUTO_ENROL), ZCA_AUTO_ENROL_CSR);
    assert_int_equal(choice("auto-enrol", "load", ZCA_LIBRARY_AUTO_ENROL), ZCA_AUTO_ENROL_LOAD);
    assert_int_equal(choice("remote", "auto", ZCA_LIBRARY_REMOTE), ZCA_REMOTE_AUTO);
    assert_int_equal(choice("remote", "off", ZCA_LIBRARY_REMOTE), ZCA_REMOTE_OFF);
}

static void options_of_identities_fall_back_to_the_same_choices(void **state)
{
    (void)state;
    assert_ptr_equal(zca_identity_options[ZCA_IDENTITY_KEYSTORE].choices,
                     zca_library_options[ZCA_LIBRARY_KEYSTORE].choices);
    assert_ptr_equal(zca_identity_options[ZCA_IDENTITY_AUTO_ENROL].choices,
                     zca_library_options[ZCA_LIBRARY_AUTO_ENROL].choices);
    assert_ptr_equal(zca_identity_options[ZCA_IDENTITY_KEY_TYPE].choices, zca_key_type_names);
    assert_null(zca_identity_options[ZCA_IDENTITY_KEYSTORE].default_value);
    assert_null(zca_identity_options[ZCA_IDENTITY_AUTO_ENROL].default_value);
    assert_null(zca_identity_options[ZCA_IDENTITY_KEY_TYPE].default_value);
    assert_null(zca_identity_options[ZCA_IDENTITY_PLAIN_KEY].default_value);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[zca]\nremote-timeout = 0s\n",
        "[zca]\nremote-timeout = 11m\n",
        "[zca]\nkeystore = disk\n",
        "[zca]\nstate-dir = relative\n",
        "[zca]\nblind-sign = perhaps\n",
        "[authority corp]\nurl = https://ca.example\n",
        "[authority corp]\ndialect = orgca\n",
        "[identity web]\nttl = 1s\n",
        "[identity web]\nkey-type = RSA-1024\n",
    };
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        check_refused(zca_config_parse(texts[i], "zca.conf", zca_section_kinds,
                                       ZCA_COUNT(zca_section_kinds), &err),
                      err, ZCA_ERR_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_have_name_help_and_a_place_of_their_own),
        cmocka_unit_test(options_defaults_are_valid),
        cmocka_unit_test(options_choices_are_in_the_order_of_their_enums),
        cmocka_unit_test(options_of_identities_fall_back_to_the_same_choices),
        cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests_name("core/options", tests, NULL, NULL);
}
