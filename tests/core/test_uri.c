/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/uri.h"
#include "tests/base/check.h"

static const char *or_none(const char *text)
{
    return text ? text : "(none)";
}

static void uri_of_each_form_is_read(void **state)
{
    (void)state;

    static const struct {
        const char *text, *authority, *name;
        enum zca_uri_type type;
        const char *canonical;
    } rows[] = {
        {"zca://web",                           NULL,   "web",             ZCA_URI_ANY,     "zca://web"            },
        {"zca://corp/web",                      "corp", "web",             ZCA_URI_ANY,     "zca://corp/web"       },
        {"zca:///web",                          NULL,   "web",             ZCA_URI_ANY,     "zca://web"            },
        {"zca://corp/",                         "corp", NULL,              ZCA_URI_ANY,     "zca://corp/"          },
        {"zca:///",                             NULL,   NULL,              ZCA_URI_ANY,     "zca:///"              },
        {"ZCA://web",                           NULL,   "web",             ZCA_URI_ANY,     "zca://web"            },
        {"zca:authority=corp;id=web;type=cert", "corp", "web",             ZCA_URI_CERT,    "zca://corp/web"       },
        {"zca:id=web",                          NULL,   "web",             ZCA_URI_ANY,     "zca://web"            },
        {"zca:authority=corp;type=ca",          "corp", NULL,              ZCA_URI_CA,      "zca://corp/"          },
        {"zca:authority=corp;type=crl",         "corp", NULL,              ZCA_URI_CRL,     "zca://corp/"          },
        {"zca:type=ca",                         NULL,   NULL,              ZCA_URI_CA,      "zca:///"              },
        {"zca://corp/web;type=chain",           "corp", "web",             ZCA_URI_CHAIN,   "zca://corp/web"       },
        {"zca://web?type=private",              NULL,   "web",             ZCA_URI_PRIVATE, "zca://web"            },
        {"zca://web?type=public",               NULL,   "web",             ZCA_URI_PUBLIC,  "zca://web"            },
        {"zca://www.example.com",               NULL,   "www.example.com", ZCA_URI_ANY,     "zca://www.example.com"},
        {"zca://ann%40example.com",             NULL,   "ann@example.com", ZCA_URI_ANY,     "zca://ann@example.com"},
        {"zca://%2a.example.com",               NULL,   "*.example.com",   ZCA_URI_ANY,     "zca://*.example.com"  },
        {"zca://c%6frp/w%65b",                  "corp", "web",             ZCA_URI_ANY,     "zca://corp/web"       },
        {"zca://web?",                          NULL,   "web",             ZCA_URI_ANY,     "zca://web"            },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(rows[i].text, &err);
        check_ok(uri, err);
        assert_string_equal(or_none(uri->authority), or_none(rows[i].authority));
        assert_string_equal(or_none(uri->name), or_none(rows[i].name));
        assert_int_equal(uri->type, rows[i].type);
        zca_auto(text) char *canonical = zca_uri_format(uri, &err);
        assert_string_equal(or_none(canonical), rows[i].canonical);
    }
}

static void uri_without_query_asks_for_nothing(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse("zca://web", &err);
    check_ok(uri, err);
    assert_null(uri->csr_file);
    assert_null(uri->pin_source);
    assert_null(uri->serial);
    assert_int_equal(uri->ttl_s, 0);
    assert_int_equal(uri->wait_s, -1);
    assert_false(uri->offline);
}

static void uri_query_is_read(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(
        "zca://corp/web?csr=/tmp/a%20b/web.csr&ttl=7d&wait=90s&offline=yes&pin-source=env:PIN"
        "&type=cert",
        &err);
    check_ok(uri, err);
    assert_string_equal(uri->csr_file, "/tmp/a b/web.csr");
    assert_string_equal(uri->pin_source, "env:PIN");
    assert_int_equal(uri->ttl_s, 7 * 86400);
    assert_int_equal(uri->wait_s, 90);
    assert_true(uri->offline);
    assert_int_equal(uri->type, ZCA_URI_CERT);
}

static void uri_serial_is_hexadecimal(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse("zca:id=web;serial=0A:1b", &err);
    check_ok(uri, err);
    assert_string_equal(uri->serial, "0A:1b");
}

static void uri_durations_have_units(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        long ttl_s;
    } rows[] = {
        {"zca://web?ttl=60s",    60       },
        {"zca://web?ttl=90s",    90       },
        {"zca://web?ttl=15m",    900      },
        {"zca://web?ttl=24h",    86400    },
        {"zca://web?ttl=7d",     604800   },
        {"zca://web?ttl=24",     86400    }, /* hours, as in the products' APIs */
        {"zca://web?ttl=3650d",  315360000},
        {"zca://web?ttl=87600h", 315360000},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(rows[i].text, &err);
        check_ok(uri, err);
        assert_int_equal(uri->ttl_s, rows[i].ttl_s);
    }
}

static const char *const wrong[] = {
    "",
    "zca",
    "zca:",
    "zca:?type=ca",
    "zca://",
    "zca://?type=ca",
    "zcax://web",
    "file:web",
    "web",
    "zca://a/b/c",
    "zca://../web",
    "zca://corp/..",
    "zca://corp/.hidden",
    "zca://corp/%2e%2e",
    "zca://corp/a%2fb",
    "zca://we b",
    "zca://web#part",
    "zca://user:secret@host/web",
    "zca://host:80/web",
    ("zca://w\xc3\xa9"
     "b"),
    "zca://web%",
    "zca://web%4",
    "zca://web%zz",
    "zca://web%00",
    "zca://web%0a",
    "zca://we\nb",
    "zca:id",
    "zca:id=",
    "zca:id=../x",
    "zca:id=a/b",
    "zca:id=web;id=web",
    "zca:id=web;;type=cert",
    "zca:authority=corp;authority=corp",
    "zca:type=cert;type=cert",
    "zca:serial=xyz",
    "zca://web;id=web",
    "zca://corp/web;authority=corp",
    "zca://web;type=ca?type=ca",
    "zca:type=nothing",
    "zca:offline=yes", /* a query parameter */
    "zca://web?id=web",
    "zca://web?ttl=",
    "zca://web?ttl=x",
    "zca://web?ttl=-1",
    "zca://web?ttl=0",
    "zca://web?ttl=0h",
    "zca://web?ttl=59s",
    "zca://web?ttl=%2b1",
    "zca://web?ttl=%201",
    "zca://web?ttl=1y",
    "zca://web?ttl=1ms",
    "zca://web?ttl=3651d",
    "zca://web?ttl=99999999999999999999",
    "zca://web?ttl=1h&ttl=1h",
    "zca://web?wait=601",
    "zca://web?wait=1&wait=1",
    "zca://web?offline=maybe",
    "zca://web?offline",
    "zca://web?&offline=yes",
    "zca://web?csr=a&csr=b",
    "zca://web?unknown=1",
};

static void uri_that_is_wrong_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(wrong); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct zca_uri *uri = zca_uri_parse(wrong[i], &err);
        if (uri) {
            fail_msg("'%s' was read", wrong[i]);
        }
        check_refused(uri, err, ZCA_ERR_INVALID);
    }
}

static void uri_error_suggests_the_nearest_name(void **state)
{
    (void)state;

    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"zca:autority=corp;id=web", "did you mean 'authority'" },
        {"zca:id=web;typ=cert",      "did you mean 'type'"      },
        {"zca://web?oflline=yes",    "did you mean 'offline'"   },
        {"zca://web?pin_source=x",   "did you mean 'pin-source'"},
        {"zca:completely=wrong",     "unknown attribute"        },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        check_refused(zca_uri_parse(rows[i].text, &err), err, ZCA_ERR_INVALID);
        assert_non_null(strstr(err.message, rows[i].wanted));
    }
}

static void uri_names_are_limited(void **state)
{
    (void)state;
    char text[] = "zca://"
                  "0123456789012345678901234567890123456789012345678901234567890123"
                  "0123456789012345678901234567890123456789012345678901234567890123x";
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_refused(zca_uri_parse(text, &err), err, ZCA_ERR_INVALID);
    text[sizeof(text) - 2] = '\0'; /* 128 characters */
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(text, &err);
    check_ok(uri, err);
    assert_int_equal(strlen(uri->name), 128);
}

static void uri_that_is_too_long_is_refused(void **state)
{
    (void)state;
    zca_auto(text) char *text = malloc(4096);
    assert_non_null(text);
    for (size_t len = 2047; len <= 2049; len++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        memset(text, 'x', len);
        memcpy(text, "zca://web?csr=", 14);
        text[len] = '\0';
        zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(text, &err);
        assert_int_equal(uri != NULL, len <= 2048);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uri_of_each_form_is_read),
        cmocka_unit_test(uri_without_query_asks_for_nothing),
        cmocka_unit_test(uri_query_is_read),
        cmocka_unit_test(uri_serial_is_hexadecimal),
        cmocka_unit_test(uri_durations_have_units),
        cmocka_unit_test(uri_that_is_wrong_is_refused),
        cmocka_unit_test(uri_error_suggests_the_nearest_name),
        cmocka_unit_test(uri_names_are_limited),
        cmocka_unit_test(uri_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests_name("core/uri", tests, NULL, NULL);
}
