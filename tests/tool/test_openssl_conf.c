/* SPDX-License-Identifier: Apache-2.0 */
/* What an openssl.cnf says about providers, and the ways in which it says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tool/openssl_conf.h"

/* Reads `text`; the caller clears out_conf. */
static bool read_text(const char *text, struct zca_openssl_conf *out_conf, struct zca_error *err)
{
    char path[] = "/tmp/zca-test-cnf.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(zca_file_store(path, 0600, zca_span_text(text), err));
    bool ok = zca_openssl_conf_read(path, out_conf, err);
    (void)unlink(path);
    return ok;
}

#define START "openssl_conf = i\n[i]\nproviders = p\n"

static void active_providers_are_found(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_true(read_text(START "[p]\ndefault = d\nzca = z\n[d]\nactivate = 1\n[z]\nactivate = 1\n"
                                "module = /m/zca.so\nzca-config = /c\n",
                          &conf, &err));
    assert_true(conf.is_reachable && conf.has_zca && conf.zca_activated && conf.default_activated);
    assert_string_equal(conf.zca_module, "/m/zca.so");
    assert_string_equal(conf.zca_config, "/c");
    assert_null(conf.stray_section);
}

static void identity_names_the_provider(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_true(read_text(START "[p]\nmine = z\n[z]\nidentity = zca\nactivate = 1\n", &conf, &err));
    assert_true(conf.has_zca && conf.zca_activated);
    assert_false(conf.default_activated);
}

static void named_is_not_activated(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_true(read_text(START "[p]\nzca = z\n[z]\nactivate = 0\n", &conf, &err));
    assert_true(conf.has_zca);
    assert_false(conf.zca_activated);
}

static void unreachable_section_is_stray(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_true(read_text("[i]\nopenssl_conf = i\nproviders = p\n[p]\nzca = z\n[z]\nactivate = 1\n",
                          &conf, &err));
    assert_false(conf.is_reachable || conf.has_zca);
    assert_string_equal(conf.stray_section, "p");
}

static void order_of_active_providers_is_seen(void **state)
{
    (void)state;

    static const struct {
        const char *list;
        bool zca_first;
    } rows[] = {
        {"default = d\nzca = z\n", false},
        {"zca = z\ndefault = d\n", true },
        {"zca = z\nlegacy = d\n",  false},
        {"zca = z\nfips = d\n",    true },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
        zca_auto(text) char *text = NULL;
        assert_true(asprintf(&text, START "[p]\n%s[d]\nactivate = 1\n[z]\nactivate = 1\n",
                             rows[i].list) > 0);
        assert_true(read_text(text, &conf, NULL));
        assert_int_equal(conf.zca_first, rows[i].zca_first);
    }
}

static void parameters_of_zca_are_read(void **state)
{
    (void)state;
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_true(read_text("openssl_conf = i\n[i]\nproviders = p\nalg_section = a\n"
                          "[a]\ndefault_properties = ?provider=zca\n[p]\nzca = z\n[z]\n"
                          "zca-log = none\nzca-keep-sealing-key = yes\n"
                          "zca-claim-pkcs11-scheme = yes\nzca-ensure-default = no\n"
                          "zca-uris-only = yes\nzca-remote = off\n"
                          "zca-state-dir = /s\nsoft_load = 1\nmodule = m\n",
                          &conf, NULL));
    assert_string_equal(conf.properties, "?provider=zca");
    assert_string_equal(conf.zca_log, "none");
    assert_true(conf.keeps_sealing_key && conf.claims_pkcs11 && conf.no_ensure);
    assert_true(conf.uris_only && conf.remote_off);
    assert_null(conf.zca_unknown);
}

static void parameter_that_nobody_reads_is_found(void **state)
{
    (void)state;

    static const struct {
        const char *line, *unknown, *nearest;
    } rows[] = {
        {"zca-log-levl = debug",  "zca-log-levl",     "log-level"},
        {"keystore = file",       "keystore",         "keystore" },
        {"zca-nothing-like = no", "zca-nothing-like", NULL       },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
        zca_auto(text) char *text = NULL;
        assert_true(asprintf(&text, START "[p]\nzca = z\n[z]\nactivate = 1\n%s\n", rows[i].line) >
                    0);
        assert_true(read_text(text, &conf, NULL));
        assert_string_equal(conf.zca_unknown, rows[i].unknown);
        assert_int_equal(!conf.zca_nearest, !rows[i].nearest);
        if (rows[i].nearest) {
            assert_string_equal(conf.zca_nearest, rows[i].nearest);
        }
    }
}

static void value_that_the_provider_refuses_is_found(void **state)
{
    (void)state;

    static const struct {
        const char *line, *text;
    } rows[] = {
        {"zca-keystore = nowhere", "option 'keystore': 'nowhere'"},
        {"zca-state-dir = here",   "option 'state-dir': 'here'"  },
        {"zca-config = here",      NULL                          },
        {"zca-log-level = debug",  NULL                          },
        {"activate = maybe",       NULL                          },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
        zca_auto(text) char *text = NULL;
        assert_true(asprintf(&text, START "[p]\nzca = z\n[z]\n%s\n", rows[i].line) > 0);
        assert_true(read_text(text, &conf, NULL));
        assert_int_equal(!conf.zca_invalid, !rows[i].text);
        assert_true(!rows[i].text || strstr(conf.zca_invalid, rows[i].text));
    }
}

static void other_provider_alone_is_seen(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_true(read_text(START "[p]\nlegacy = l\n[l]\nactivate = 1\n", &conf, &err));
    assert_true(conf.other_activated);
    assert_false(conf.default_activated || conf.has_zca);
}

static void broken_file_names_its_line(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_false(read_text("[a]\nno equals sign\n", &conf, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFIG);
    assert_non_null(strstr(err.message, "line 2"));
}

static void missing_file_is_not_found(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    assert_false(zca_openssl_conf_read("/nowhere/openssl.cnf", &conf, &err));
    assert_int_equal(err.reason, ZCA_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_providers_are_found),
        cmocka_unit_test(identity_names_the_provider),
        cmocka_unit_test(named_is_not_activated),
        cmocka_unit_test(unreachable_section_is_stray),
        cmocka_unit_test(order_of_active_providers_is_seen),
        cmocka_unit_test(parameters_of_zca_are_read),
        cmocka_unit_test(parameter_that_nobody_reads_is_found),
        cmocka_unit_test(value_that_the_provider_refuses_is_found),
        cmocka_unit_test(other_provider_alone_is_seen),
        cmocka_unit_test(broken_file_names_its_line),
        cmocka_unit_test(missing_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
