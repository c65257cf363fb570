/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs no authority, with its n-th allocation failing, for each n there is: it works all the
 * same or fails with a reason, and nothing leaks.
 */
#include <string.h>

#include "core/identity.h"
#include "core/keystore.h"
#include "core/pkcs11_uri.h"
#include "core/reference.h"
#include "tests/base/alloc.h"
#include "tests/core/home.h"

/* What the scenarios work on; made before memory becomes scarce. */
static struct {
    void *directory;
    char *config_file;
    struct zca_library *library;
    struct zca_key *key;
} inputs;

static const uint8_t sealing_bytes[32] = "0123456789abcdef0123456789abcdef";

static struct zca_span sealing_key(void)
{
    return zca_span_of(sealing_bytes, sizeof(sealing_bytes));
}

static bool use_uri(struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(
        "zca:authority=corp;id=%77eb;serial=0a;type=cert?csr=/tmp/x&ttl=1h&pin-source=y", err);
    zca_auto(text) char *text = uri ? zca_uri_format(uri, err) : NULL;
    return text;
}

static bool use_wrong_uri(struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse("zca://corp/web?oflline=yes", err);
    assert_null(uri);
    return err->reason == ZCA_ERR_INVALID;
}

static bool use_pkcs11_uri(struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri =
        zca_pkcs11_uri_parse("pkcs11:token=corp;object=%77eb;type=cert", err);
    return uri;
}

static bool use_reference(struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_reference) struct zca_reference reference = {.uri = strdup("zca://corp/web")};
    zca_auto(zca_reference) struct zca_reference again = {.uri = NULL};
    if (!reference.uri) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    return zca_buffer_append(&reference.public_key, zca_key_get_public(inputs.key), err) &&
           zca_buffer_append(&reference.sealed, sealing_key(), err) &&
           zca_reference_format(&reference, &der, err) &&
           zca_reference_parse(zca_buffer_span(&der), &again, err);
}

static bool use_library(struct zca_error *err)
{
    static const struct zca_setting overrides[] = {
        {"key-type", "P-384"},
        {NULL,       NULL   }
    };
    const struct zca_library_settings settings = {.config_file = inputs.config_file,
                                                  .overrides = overrides};
    zca_auto(zca_library) struct zca_library *library = zca_library_new(&settings, err);
    if (!library || !zca_library_config(library, err) || !zca_library_state_dir(library, err)) {
        return false;
    }
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_CERTS, "corp", "web", ".pem", err);
    zca_auto(text) char *directory = zca_library_directory(library, ZCA_PLACE_KEYS, "corp", err);
    return path && directory && zca_library_prepare(library, ZCA_PLACE_ORDERS, "corp", err);
}

static bool use_record(struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer public_key = {.len = 0};
    if (!zca_key_seal(inputs.key, "corp/web", sealing_key(), &record, err)) {
        return false;
    }
    zca_auto(zca_key) struct zca_key *key =
        zca_key_unseal(inputs.library, "corp/web", sealing_key(), zca_buffer_span(&record), err);
    return key && zca_key_record_public(zca_buffer_span(&record), &public_key, err);
}

static bool note(void *argument, const char *name)
{
    *(unsigned *)argument += strcmp(name, "web") == 0;
    return true;
}

static bool use_keystore(enum zca_keystore_kind kind, struct zca_error *err)
{
    unsigned found = 0;
    zca_auto(zca_buffer) struct zca_buffer of_record = {.len = 0}; /* nobody has the key */
    zca_auto(zca_buffer) struct zca_buffer public_key = {.len = 0};
    if (!zca_keystore_store(inputs.library, kind, "corp", "web", inputs.key, err) ||
        !zca_keystore_public(inputs.library, kind, "corp", "web", &of_record, err)) {
        return false;
    }
    zca_auto(zca_key) struct zca_key *key =
        zca_keystore_load(inputs.library, kind, "corp", "web", err);
    return key && zca_keystore_public(inputs.library, kind, "corp", "web", &public_key, err) &&
           zca_keystore_names(inputs.library, kind, "corp", note, &found, err);
}

static bool use_memory_keystore(struct zca_error *err)
{
    return use_keystore(ZCA_KEYSTORE_MEMORY, err);
}

static bool use_file_keystore(struct zca_error *err)
{
    return use_keystore(ZCA_KEYSTORE_FILE, err);
}

static bool use_identity(struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse("zca://www.example.com?csr=/tmp/x", err);
    zca_auto(zca_identity) struct zca_identity *identity =
        uri ? zca_identity_open(inputs.library, uri, err) : NULL;
    if (!identity) {
        return false;
    }
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(identity, err);
    assert_null(key);
    return err->reason == ZCA_ERR_NOT_FOUND;
}

struct scenario_row {
    const char *name;
    alloc_scenario *run;
};

static struct scenario_row scenarios[] = {
    {"uri",             use_uri            },
    {"wrong uri",       use_wrong_uri      },
    {"pkcs11 uri",      use_pkcs11_uri     },
    {"reference",       use_reference      },
    {"library",         use_library        },
    {"record",          use_record         },
    {"memory keystore", use_memory_keystore},
    {"file keystore",   use_file_keystore  },
    {"identity",        use_identity       },
};

static void survives_one_failed_allocation(void **state)
{
    const struct scenario_row *row = *state;
    alloc_check(row->run, false);
}

static void survives_the_end_of_memory(void **state)
{
    const struct scenario_row *row = *state;
    alloc_check(row->run, true);
}

static int make_inputs(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)state; /* a state of the group would take the place of the tests' own */
    if (check_setup_directory(&inputs.directory) != 0) {
        return -1;
    }
    inputs.library = home_library(&inputs.directory, HOME_AUTHORITIES);
    inputs.config_file = check_path(&inputs.directory, "zca.conf");
    inputs.key = zca_key_generate(inputs.library, zca_key_type_find("P-256"), &err);
    check_ok(inputs.key, err);
    return 0;
}

static int drop_inputs(void **state)
{
    (void)state;
    zca_key_free(inputs.key);
    zca_library_free(inputs.library);
    free(inputs.config_file);
    return check_teardown_directory(&inputs.directory);
}

int main(void)
{
    struct CMUnitTest tests[2 * ZCA_COUNT(scenarios)];
    for (size_t i = 0; i < ZCA_COUNT(scenarios); i++) {
        const struct CMUnitTest one = {
            .name = scenarios[i].name,
            .test_func = survives_one_failed_allocation,
            .initial_state = &scenarios[i],
        };
        tests[2 * i] = one;
        tests[2 * i + 1] = one;
        tests[2 * i + 1].test_func = survives_the_end_of_memory;
    }
    return cmocka_run_group_tests_name("core/alloc", tests, make_inputs, drop_inputs);
}
