/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "base/error.h"
#include "tests/base/check.h"

static void error_set_fills_reason_and_message(void **state)
{
    (void)state;
    struct zca_error err = {.http_status = 404, .retry_after_s = 3, .code = "X"};
    assert_false(zca_error_set(&err, ZCA_ERR_POLICY, "asking '%s' for %d", "corp", 7));
    assert_int_equal(err.reason, ZCA_ERR_POLICY);
    assert_string_equal(err.message, "asking 'corp' for 7");
    assert_int_equal(err.http_status, 0);
    assert_int_equal(err.retry_after_s, 0);
    assert_string_equal(err.code, "");
}

static void error_set_accepts_null(void **state)
{
    (void)state;
    assert_false(zca_error_set(NULL, ZCA_ERR_POLICY, "nobody cares"));
    assert_false(zca_error_set_errno(NULL, "nobody cares"));
    assert_false(zca_error_set_crypto(NULL, "nobody cares"));
    assert_false(zca_error_context(NULL, "nobody cares"));
    zca_error_clear(NULL);
}

static void error_set_may_quote_its_own_message(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_SYSTEM, .message = "inner"};
    zca_error_set(&err, ZCA_ERR_CONFIG, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
}

static void error_message_that_does_not_fit_ends_in_dots(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_error_set(&err, ZCA_ERR_INVALID, "%0300d", 0);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_string_equal(err.message + sizeof(err.message) - 5, "0...");
}

static void error_message_that_just_fits_is_whole(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_error_set(&err, ZCA_ERR_INVALID, "%0*d", (int)sizeof(err.message) - 1, 0);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_null(strchr(err.message, '.'));
}

static void error_message_is_never_cut_inside_a_character(void **state)
{
    (void)state;
    for (int before = 200; before < 256; before++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_error_set(&err, ZCA_ERR_INVALID, "%0*d\xE2\x82\xAC\xE2\x82\xAC%050d", before, 0, 0);
        const char *tail = err.message + strlen(err.message) - 3;
        assert_string_equal(tail, "...");
        assert_true((unsigned char)tail[-1] != 0xE2);
        assert_false((unsigned char)tail[-1] == 0x82 && (unsigned char)tail[-2] == 0xE2);
    }
}

static void error_message_has_no_control_characters(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_error_set(&err, ZCA_ERR_INVALID, "%s", "a\nb\033[1m\x7F\xC3\xA4");
    assert_string_equal(err.message, "a?b?[1m?\xC3\xA4");
    zca_error_context(&err, "in\t%d", 1);
    assert_string_equal(err.message, "in?1: a?b?[1m?\xC3\xA4");
}

static void error_set_errno_maps_and_keeps_errno(void **state)
{
    (void)state;

    static const struct {
        int number;
        enum zca_reason reason;
    } rows[] = {
        {ENOMEM, ZCA_ERR_MEMORY   },
        {ENOENT, ZCA_ERR_NOT_FOUND},
        {EACCES, ZCA_ERR_SYSTEM   },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        errno = rows[i].number;
        assert_false(zca_error_set_errno(&err, "opening '%s'", "f"));
        assert_int_equal(errno, rows[i].number);
        assert_int_equal(err.reason, rows[i].reason);
        assert_memory_equal(err.message, "opening 'f': ", 13);
        assert_non_null(strstr(err.message, strerror(rows[i].number)));
    }
}

static void error_set_crypto_appends_newest_entry_and_leaves_queue(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    ERR_clear_error();
    ERR_raise(ERR_LIB_ASN1, ERR_R_MALLOC_FAILURE);
    ERR_raise_data(ERR_LIB_X509, ERR_R_PASSED_INVALID_ARGUMENT, "the %s", "details");
    assert_false(zca_error_set_crypto(&err, "reading"));
    assert_int_equal(err.reason, ZCA_ERR_CRYPTO);
    assert_non_null(strstr(err.message, "reading: "));
    assert_non_null(strstr(err.message, "invalid argument"));
    assert_non_null(strstr(err.message, ": the details"));
    assert_int_equal(ERR_GET_LIB(ERR_get_error()), ERR_LIB_ASN1);
    assert_int_equal(ERR_GET_LIB(ERR_get_error()), ERR_LIB_X509);
    assert_int_equal(ERR_get_error(), 0);
}

static void error_set_crypto_without_entry_has_the_message_only(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    ERR_clear_error();
    zca_error_set_crypto(&err, "reading");
    assert_string_equal(err.message, "reading");
}

static void error_context_is_put_in_front(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_error_set(&err, ZCA_ERR_AUTH, "no token");
    err.http_status = 401;
    assert_false(zca_error_context(&err, "enrolling '%s'", "web"));
    assert_string_equal(err.message, "enrolling 'web': no token");
    assert_int_equal(err.reason, ZCA_ERR_AUTH);
    assert_int_equal(err.http_status, 401);
}

static void error_context_without_error_changes_nothing(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    assert_false(zca_error_context(&err, "enrolling"));
    assert_string_equal(err.message, "");
}

static void error_clear_empties(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_AUTH, .code = "C", .message = "m"};
    zca_error_clear(&err);
    assert_int_equal(err.reason, ZCA_ERR_NONE);
    assert_string_equal(err.message, "");
    assert_string_equal(err.code, "");
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ZCA_NUM_REASONS; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(zca_reason_name((enum zca_reason)i),
                                    zca_reason_name((enum zca_reason)j));
        }
    }
    assert_string_equal(zca_reason_name(ZCA_ERR_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(zca_reason_name(ZCA_NUM_REASONS), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_set_fills_reason_and_message),
        cmocka_unit_test(error_set_accepts_null),
        cmocka_unit_test(error_set_may_quote_its_own_message),
        cmocka_unit_test(error_message_that_does_not_fit_ends_in_dots),
        cmocka_unit_test(error_message_that_just_fits_is_whole),
        cmocka_unit_test(error_message_is_never_cut_inside_a_character),
        cmocka_unit_test(error_message_has_no_control_characters),
        cmocka_unit_test(error_set_errno_maps_and_keeps_errno),
        cmocka_unit_test(error_set_crypto_appends_newest_entry_and_leaves_queue),
        cmocka_unit_test(error_set_crypto_without_entry_has_the_message_only),
        cmocka_unit_test(error_context_is_put_in_front),
        cmocka_unit_test(error_context_without_error_changes_nothing),
        cmocka_unit_test(error_clear_empties),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
