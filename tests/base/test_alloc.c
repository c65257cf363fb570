/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every unit with its n-th allocation failing, for each n there is: it either works all the same or
 * fails with a reason; nothing leaks, nothing is left in a temporary file or an output.
 */
#include <dirent.h>
#include <string.h>

#include <openssl/err.h>

#include "base/config.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "base/tbs.h"
#include "tests/base/alloc.h"
#include "tests/base/check.h"
#include "tests/base/sample.h"

/* What the scenarios work on; made before memory becomes scarce. */
static struct {
    struct zca_buffer certificate_pem;
    struct zca_buffer request_der;
    struct zca_buffer tbs;
    char *directory;
} inputs;

static bool use_buffer(struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer public = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer secret = ZCA_SECRET_BUFFER;
    bool ok = true;
    for (int i = 0; ok && i < 30; i++) {
        size_t before = public.len;
        ok = zca_buffer_format(&public, err, "%d", 1000000 + i);
        assert_true(ok || public.len == before);
    }
    return ok && zca_buffer_append(&secret, zca_buffer_span(&public), err) &&
           zca_random(NULL, 100, &secret, err);
}

static bool use_encoding(struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    return zca_base64_encode(zca_span_text("some bytes to be encoded"), true, &text, err) &&
           zca_base64_decode(zca_buffer_span(&text), &bytes, err) &&
           zca_hex_encode(zca_buffer_span(&bytes), ':', &text, err) &&
           zca_hex_decode(zca_span_text("00:11:22"), &bytes, err);
}

static bool use_file(struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    zca_auto(text) char *path = zca_path_join(inputs.directory, "a", ".b", err);
    return path && zca_directory_make(inputs.directory, 0700, err) &&
           zca_file_store(path, 0600, zca_span_text("text"), err) &&
           zca_file_load(path, 100, &bytes, NULL, err) && zca_file_remove(path, err);
}

static const char *const choices[] = {"one", "two", NULL};

static const struct zca_option options[] = {
    {.name = "text",   .type = ZCA_OPTION_TEXT,   .default_value = "x"  },
    {.name = "path",   .type = ZCA_OPTION_PATH,   .default_value = "~/x"},
    {.name = "list",   .type = ZCA_OPTION_LIST,   .default_value = "a b"},
    {.name = "choice", .type = ZCA_OPTION_CHOICE, .choices = choices    },
};

static const struct zca_section_kind kinds[] = {
    {.kind = "main", .options = options, .num_options = ZCA_COUNT(options)},
    { .kind = "peer", .named = true, .options = options, .num_options = ZCA_COUNT(options)},
};

static bool use_config(struct zca_error *err)
{
    static const char text[] = "[main]\ntext = y\nchoice = two\n[peer a]\nlist = b c d\n[peer b]\n";
    zca_auto(zca_config) struct zca_config *config =
        zca_config_parse(text, "t", kinds, ZCA_COUNT(kinds), err);
    return config && zca_config_override(config, "main", "path", "/y", err);
}

static bool use_wrong_config(struct zca_error *err)
{
    zca_auto(zca_config) struct zca_config *config =
        zca_config_parse("[main]\ntxet = y\n", "t", kinds, ZCA_COUNT(kinds), err);
    assert_null(config);
    assert_true(err->reason == ZCA_ERR_CONFIG || err->reason == ZCA_ERR_MEMORY);
    return err->reason == ZCA_ERR_CONFIG;
}

struct answer {
    char *name;
    struct zca_buffer token;
};

static const struct zca_json_field fields[] = {
    {"a.name",  ZCA_JSON_TEXT,   offsetof(struct answer, name),  true},
    {"a.token", ZCA_JSON_SECRET, offsetof(struct answer, token), true},
};

static bool read_json(struct zca_error *err)
{
    struct answer answer = {.name = NULL};
    zca_auto(zca_json) struct zca_json *json = zca_json_parse(
        zca_span_text("{\"a\":{\"name\":\"n\",\"token\":\"t\",\"list\":[1,2,3]}}"), err);
    bool ok = json && zca_json_read_fields(json, fields, ZCA_COUNT(fields), &answer, err);
    zca_json_clear_fields(fields, ZCA_COUNT(fields), &answer);
    return ok;
}

static bool build_json(struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *json = zca_json_new_object();
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    struct zca_json *list = zca_json_new_array();
    zca_json_set_text(json, "text", "value");
    zca_json_set_integer(json, "number", 7);
    zca_json_append_text(list, "a");
    zca_json_append_text(list, "b");
    zca_json_take(json, "list", list);
    zca_json_set_boolean(json, "flag", true);
    if (!zca_json_format(json, &text, err)) {
        return false;
    }
    check_text(text, "{\"text\":\"value\",\"number\":7,\"list\":[\"a\",\"b\"],\"flag\":true}");
    return true;
}

static bool use_pem(struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&inputs.certificate_pem), err);
    zca_auto(X509_REQ) X509_REQ *request =
        certificates ? zca_pem_parse_request(NULL, zca_buffer_span(&inputs.request_der), err)
                     : NULL;
    return certificates && request && zca_pem_format_certificates(certificates, &text, err) &&
           zca_serial_format(X509_get0_serialNumber(sk_X509_value(certificates, 0)), 32, &text,
                             err);
}

/* Without memory nothing is recognised: a refusal, never another kind. */
static bool use_tbs(struct zca_error *err)
{
    enum zca_tbs_kind kind = zca_tbs_classify(zca_buffer_span(&inputs.tbs));
    assert_true(kind == ZCA_TBS_CERTIFICATE || kind == ZCA_TBS_UNKNOWN);
    if (kind == ZCA_TBS_UNKNOWN) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "not recognised");
    }
    zca_auto(X509) X509 *certificate = zca_tbs_certificate(NULL, zca_buffer_span(&inputs.tbs), err);
    return certificate != NULL;
}

struct scenario_row {
    const char *name;
    alloc_scenario *run;
};

static struct scenario_row scenarios[] = {
    {"buffer",       use_buffer      },
    {"encoding",     use_encoding    },
    {"file",         use_file        },
    {"config",       use_config      },
    {"wrong config", use_wrong_config},
    {"json reader",  read_json       },
    {"json builder", build_json      },
    {"pem",          use_pem         },
    {"tbs",          use_tbs         },
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

/* Logging cannot fail: it is enough that it comes back. */
static void log_survives_the_end_of_memory(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = zca_path_join(inputs.directory, "log", NULL, &err);
    check_ok(zca_log_open("test", path, ZCA_LOG_INFO, &err), err);
    alloc_arm(1, true);
    zca_log(ZCA_LOG_INFO, "a line of %0300d", 7);
    assert_true(alloc_disarm());
    check_ok(zca_log_open("test", "none", ZCA_LOG_INFO, &err), err);
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_file_load(path, 1000, &text, NULL, &err), err);
    assert_non_null(strstr((const char *)text.data, "out of memory while writing the log\n"));
}

/* The scenario "file" may leave its own file, never one with a temporary name. */
static void no_temporary_file_is_left(void **state)
{
    (void)state;
    DIR *directory = opendir(inputs.directory);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        assert_null(strstr(entry->d_name, ".b."));
    }
    closedir(directory);
}

static int make_inputs(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    unsigned char *der = NULL;
    zca_auto(EVP_PKEY) EVP_PKEY *key = sample_key("P-256");
    zca_auto(X509) X509 *certificate = sample_certificate(key, "web");
    zca_auto(X509_REQ) X509_REQ *request = sample_request(key, "web");
    int len = i2d_re_X509_tbs(certificate, &der);
    check_ok(zca_buffer_append(&inputs.tbs, zca_span_of(der, (size_t)len), &err), err);
    OPENSSL_free(der);
    check_ok(zca_pem_format_certificate(certificate, &inputs.certificate_pem, &err), err);
    check_ok(zca_der_request(request, &inputs.request_der, &err), err);
    (void)state; /* a state of the group would take the place of the tests' own */
    return check_setup_directory((void **)&inputs.directory);
}

static int drop_inputs(void **state)
{
    zca_buffer_clear(&inputs.tbs);
    zca_buffer_clear(&inputs.certificate_pem);
    zca_buffer_clear(&inputs.request_der);
    (void)state;
    return check_teardown_directory((void **)&inputs.directory);
}

int main(void)
{
    struct CMUnitTest tests[2 * ZCA_COUNT(scenarios) + 2];
    size_t num_tests = 0;
    for (size_t i = 0; i < ZCA_COUNT(scenarios); i++) {
        const struct CMUnitTest one = {
            .name = scenarios[i].name,
            .test_func = survives_one_failed_allocation,
            .initial_state = &scenarios[i],
        };
        tests[num_tests] = one;
        tests[num_tests + 1] = one;
        tests[num_tests + 1].test_func = survives_the_end_of_memory;
        num_tests += 2;
    }
    const struct CMUnitTest last[] = {
        cmocka_unit_test(log_survives_the_end_of_memory),
        cmocka_unit_test(no_temporary_file_is_left),
    };
    tests[num_tests++] = last[0];
    tests[num_tests++] = last[1];
    return cmocka_run_group_tests_name("base/alloc", tests, make_inputs, drop_inputs);
}
