/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/reference.h"
#include "tests/base/check.h"

/* An Ed25519 key (RFC 8410, 10.1). */
static const uint8_t spki[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21,
                               0x00, 0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41,
                               0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50, 0x86, 0xaa, 0x30,
                               0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1};

static struct zca_buffer format(const char *uri, struct zca_span public_key, const char *sealed)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_buffer der = {.len = 0};
    zca_auto(zca_reference) struct zca_reference reference = {.uri = strdup(uri)};
    check_ok(zca_buffer_append(&reference.public_key, public_key, &err) &&
                 zca_buffer_append(&reference.sealed, zca_span_text(sealed), &err) &&
                 zca_reference_format(&reference, &der, &err),
             err);
    return der;
}

static struct zca_span the_key(void)
{
    return zca_span_of(spki, sizeof(spki));
}

static void reference_is_read_back(void **state)
{
    (void)state;
    static const char *const uris[] = {"zca://web", "zca://corp/web", "zca://corp/", "zca:///"};
    static const char *const sealed[] = {"", "sealed"};
    for (size_t i = 0; i < ZCA_COUNT(uris) * ZCA_COUNT(sealed); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        const char *uri = uris[i / ZCA_COUNT(sealed)];
        const char *secret = sealed[i % ZCA_COUNT(sealed)];
        zca_auto(zca_buffer) struct zca_buffer der = format(uri, the_key(), secret);
        zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
        check_ok(zca_reference_parse(zca_buffer_span(&der), &reference, &err), err);
        assert_string_equal(reference.uri, uri);
        assert_true(zca_span_equal(zca_buffer_span(&reference.public_key), the_key()));
        check_text(reference.sealed, secret);
    }
}

/* SEQUENCE { INTEGER 1, UTF8String "zca://web", SEQUENCE {...}, [0] "x" } */
static void reference_has_the_documented_encoding(void **state)
{
    (void)state;
    static const uint8_t start[] = {0x30, 0x3d, 0x02, 0x01, 0x01, 0x0c, 0x09, 'z', 'c',
                                    'a',  ':',  '/',  '/',  'w',  'e',  'b',  0x30};
    static const uint8_t end[] = {0x80, 0x01, 'x'};
    zca_auto(zca_buffer) struct zca_buffer der = format("zca://web", the_key(), "x");
    assert_int_equal(der.len, sizeof(start) - 1 + sizeof(spki) + sizeof(end));
    assert_memory_equal(der.data, start, sizeof(start));
    assert_memory_equal(der.data + der.len - sizeof(end), end, sizeof(end));
}

static void reference_cut_or_with_more_behind_is_refused(void **state)
{
    (void)state;
    zca_auto(zca_buffer) struct zca_buffer der = format("zca://web", the_key(), "x");
    for (size_t len = 0; len <= der.len + 1; len++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
        bool ok = zca_reference_parse(zca_span_of(der.data, len), &reference, &err);
        if (len == der.len) {
            check_ok(ok, err);
        } else {
            check_refused(ok, err, ZCA_ERR_INVALID);
            assert_null(reference.uri);
        }
    }
}

static void reference_of_another_version_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = format("zca://web", the_key(), "");
    zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
    der.data[4] = 2;
    check_refused(zca_reference_parse(zca_buffer_span(&der), &reference, &err), err,
                  ZCA_ERR_INVALID);
}

static void reference_with_a_uri_that_asks_for_more_is_refused(void **state)
{
    (void)state;
    /* all as long as "zca://web?offline=yes", which is put in their place */
    static const char *const uris[] = {"zca://web?offline=yes", "ZCA://web-offline-yes",
                                       "zca:id=web;type=cert;", "zca://web;type=cert;;",
                                       "file:/etc/shadow.....", "zca://../../../../web",
                                       "zca://%77eb-offline-y"};
    for (size_t i = 0; i < ZCA_COUNT(uris); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer der = format("zca://web-offline-yes", the_key(), "");
        zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
        assert_int_equal(strlen(uris[i]), 21);
        memcpy(der.data + 7, uris[i], 21);
        check_refused(zca_reference_parse(zca_buffer_span(&der), &reference, &err), err,
                      ZCA_ERR_INVALID);
    }
}

static void reference_with_a_nul_in_its_uri_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = format("zca://web", the_key(), "");
    zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
    der.data[15] = '\0';
    check_refused(zca_reference_parse(zca_buffer_span(&der), &reference, &err), err,
                  ZCA_ERR_INVALID);
}

static void reference_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *sealed = calloc(1, 17 * 1024);
    assert_non_null(sealed);
    memset(sealed, 'x', 17 * 1024 - 1);
    zca_auto(zca_buffer) struct zca_buffer der = format("zca://web", the_key(), sealed);
    zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
    check_refused(zca_reference_parse(zca_buffer_span(&der), &reference, &err), err,
                  ZCA_ERR_INVALID);
}

static void reference_format_needs_a_name_and_a_key(void **state)
{
    (void)state;

    static const struct {
        const char *uri;
        struct zca_span public_key;
    } rows[] = {
        {"zca://web?csr=x", {spki, sizeof(spki)}    },
        {"web",             {spki, sizeof(spki)}    },
        {"zca://web",       {spki, 0}               },
        {"zca://web",       {spki, sizeof(spki) - 1}},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
        zca_auto(zca_reference) struct zca_reference reference = {.uri = strdup(rows[i].uri)};
        check_ok(zca_buffer_append(&reference.public_key, rows[i].public_key, &err), err);
        check_refused(zca_reference_format(&reference, &der, &err), err, ZCA_ERR_INVALID);
        assert_int_equal(der.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_is_read_back),
        cmocka_unit_test(reference_has_the_documented_encoding),
        cmocka_unit_test(reference_cut_or_with_more_behind_is_refused),
        cmocka_unit_test(reference_of_another_version_is_refused),
        cmocka_unit_test(reference_with_a_uri_that_asks_for_more_is_refused),
        cmocka_unit_test(reference_with_a_nul_in_its_uri_is_refused),
        cmocka_unit_test(reference_that_is_too_long_is_refused),
        cmocka_unit_test(reference_format_needs_a_name_and_a_key),
    };
    return cmocka_run_group_tests_name("core/reference", tests, NULL, NULL);
}
