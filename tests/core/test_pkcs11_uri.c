/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/pkcs11_uri.h"
#include "tests/base/check.h"

static void pkcs11_uri_names_an_identity(void **state)
{
    (void)state;

    static const struct {
        const char *text, *canonical;
        enum zca_uri_type type;
    } rows[] = {
        {"pkcs11:object=web",                         "zca://web",             ZCA_URI_ANY    },
        {"pkcs11:token=corp;object=web",              "zca://corp/web",        ZCA_URI_ANY    },
        {"pkcs11:token=corp;object=web;type=private", "zca://corp/web",        ZCA_URI_PRIVATE},
        {"pkcs11:type=cert;object=web;token=corp",    "zca://corp/web",        ZCA_URI_CERT   },
        {"pkcs11:object=web;type=public",             "zca://web",             ZCA_URI_PUBLIC },
        {"pkcs11:object=w%65b.example.org",           "zca://web.example.org", ZCA_URI_ANY    },
        {"PKCS11:object=web",                         "zca://web",             ZCA_URI_ANY    },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        assert_true(zca_pkcs11_uri_is(rows[i].text));
        zca_auto(zca_uri) struct zca_uri *uri = zca_pkcs11_uri_parse(rows[i].text, &err);
        check_ok(uri, err);
        zca_auto(text) char *canonical = zca_uri_format(uri, &err);
        assert_string_equal(canonical, rows[i].canonical);
        assert_int_equal(uri->type, rows[i].type);
        assert_int_equal(uri->wait_s, -1);
    }
}

static void pkcs11_uri_is_told_by_its_scheme(void **state)
{
    (void)state;
    assert_false(zca_pkcs11_uri_is("zca://pkcs11:"));
    assert_false(zca_pkcs11_uri_is("pkcs11"));
    assert_false(zca_pkcs11_uri_is("pkcs11x:object=web"));
    assert_false(zca_pkcs11_uri_is(""));
}

static void pkcs11_uri_that_is_wrong_is_refused(void **state)
{
    (void)state;

    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"zca://web",                               "is no pkcs11 URI"            },
        {"pkcs11",                                  "is no pkcs11 URI"            },
        {"pkcs11:",                                 "names nothing"               },
        {"pkcs11:token=corp",                       "names nothing"               },
        {"pkcs11:token=corp;type=cert",             "names nothing"               },
        {"pkcs11:object=",                          "'object' in URI has no value"},
        {"pkcs11:object=../web",                    "object in URI is no valid"   },
        {"pkcs11:token=a%2fb;object=web",           "token in URI is no valid"    },
        {"pkcs11:object=web;object=web",            "given twice"                 },
        {"pkcs11:token=corp;object=web;token=corp", "given twice"                 },
        {"pkcs11:object=web;type=cert;type=cert",   "given twice"                 },
        {"pkcs11:object=web;type=ca",               "private, public and cert"    },
        {"pkcs11:object=web;type=secret-key",       "private, public and cert"    },
        {"pkcs11:objekt=web",                       "did you mean 'object'"       },
        {"pkcs11:tokn=corp;object=web",             "did you mean 'token'"        },
        {"pkcs11:object=web;slot-id=3",             "unknown attribute 'slot-id'" },
        {"pkcs11:token=a%01;object=web",            "control character"           },
        {"pkcs11:object=web;id=web",                "unknown attribute 'id'"      },
        {"pkcs11:object=w\xc3\xa9"
         "b",                              "object in URI is no valid"   },
        {"pkcs11:object=web?",                      "no query"                    },
        {"pkcs11:object=web?pin-value=geheim",      "no query"                    },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct zca_uri *uri = zca_pkcs11_uri_parse(rows[i].text, &err);
        if (uri) {
            fail_msg("'%s' was read", rows[i].text);
        }
        check_refused(uri, err, ZCA_ERR_INVALID);
        if (!strstr(err.message, rows[i].wanted)) {
            fail_msg("'%s': %s", rows[i].text, err.message);
        }
    }
}

static void pkcs11_uri_error_hides_a_pin(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_refused(zca_pkcs11_uri_parse("pkcs11:object=web?pin-value=geheim", &err), err,
                  ZCA_ERR_INVALID);
    assert_non_null(strstr(err.message, "pkcs11:object=web"));
    assert_null(strstr(err.message, "geheim"));
}

static void pkcs11_uri_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[2050];
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    memset(text, 'x', sizeof(text));
    memcpy(text, "pkcs11:object=", 14);
    text[2049] = '\0';
    check_refused(zca_pkcs11_uri_parse(text, &err), err, ZCA_ERR_INVALID);
    assert_non_null(strstr(err.message, "longer than 2048"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pkcs11_uri_names_an_identity),
        cmocka_unit_test(pkcs11_uri_is_told_by_its_scheme),
        cmocka_unit_test(pkcs11_uri_that_is_wrong_is_refused),
        cmocka_unit_test(pkcs11_uri_error_hides_a_pin),
        cmocka_unit_test(pkcs11_uri_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests_name("core/pkcs11_uri", tests, NULL, NULL);
}
