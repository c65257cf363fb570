/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/buffer.h"
#include "tests/base/check.h"

static void span_of_text_has_no_nul_and_null_is_empty(void **state)
{
    (void)state;
    assert_int_equal(zca_span_text("abc").len, 3);
    assert_int_equal(zca_span_text(NULL).len, 0);
}

static void span_equal_compares_length_and_bytes(void **state)
{
    (void)state;
    assert_true(zca_span_equal(zca_span_text("abc"), zca_span_text("abc")));
    assert_false(zca_span_equal(zca_span_text("abc"), zca_span_text("abd")));
    assert_false(zca_span_equal(zca_span_text("abc"), zca_span_text("ab")));
    assert_true(zca_span_equal(zca_span_text(NULL), zca_span_text("")));
}

static void buffer_append_grows_and_keeps_a_nul(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer buffer = {.data = NULL};
    for (size_t i = 0; i < 1000; i++) {
        check_ok(zca_buffer_append_text(&buffer, "0123456789", &err), err);
        assert_int_equal(buffer.len, 10 * (i + 1));
        assert_int_equal(buffer.data[buffer.len], 0);
    }
    assert_memory_equal(buffer.data + 9990, "0123456789", 11);
}

static void buffer_append_of_nothing_makes_an_empty_text(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer buffer = {.data = NULL};
    check_ok(zca_buffer_append(&buffer, zca_span_of(NULL, 0), &err), err);
    assert_string_equal((const char *)buffer.data, "");
}

static void buffer_at_its_limit_refuses_and_is_unchanged(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer buffer = {.limit = 4};
    check_ok(zca_buffer_append_text(&buffer, "abcd", &err), err);
    check_refused(zca_buffer_append_text(&buffer, "e", &err), err, ZCA_ERR_INVALID);
    check_refused(zca_buffer_format(&buffer, &err, "%d", 7), err, ZCA_ERR_INVALID);
    check_refused(zca_buffer_resize(&buffer, 5, &err), err, ZCA_ERR_INVALID);
    check_text(buffer, "abcd");
}

static void buffer_append_of_an_impossible_length_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer buffer = {.data = NULL};
    check_ok(zca_buffer_append_text(&buffer, "a", &err), err);
    check_refused(zca_buffer_resize(&buffer, SIZE_MAX, &err), err, ZCA_ERR_INVALID);
    check_text(buffer, "a");
}

static void buffer_format_appends(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer buffer = {.data = NULL};
    check_ok(zca_buffer_append_text(&buffer, "a", &err), err);
    check_ok(zca_buffer_format(&buffer, &err, "-%s-%0100d", "b", 1), err);
    assert_int_equal(buffer.len, 104);
    assert_memory_equal(buffer.data, "a-b-0000", 8);
    assert_int_equal(buffer.data[103], '1');
}

static void buffer_resize_gives_zeros_even_where_text_was(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer buffer = {.data = NULL};
    check_ok(zca_buffer_append_text(&buffer, "abcdef", &err), err);
    check_ok(zca_buffer_resize(&buffer, 2, &err), err);
    check_ok(zca_buffer_resize(&buffer, 6, &err), err);
    assert_memory_equal(buffer.data, "ab\0\0\0\0", 7);
}

static void secret_buffer_wipes_what_is_cut(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer buffer = ZCA_SECRET_BUFFER;
    check_ok(zca_buffer_append_text(&buffer, "password", &err), err);
    check_ok(zca_buffer_resize(&buffer, 1, &err), err);
    assert_memory_equal(buffer.data, "p\0\0\0\0\0\0\0", 8);
}

static void secret_buffer_lives_in_the_secure_heap(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    assert_int_equal(CRYPTO_secure_malloc_init(4096, 16), 1);
    struct zca_buffer buffer = ZCA_SECRET_BUFFER;
    check_ok(zca_buffer_append_text(&buffer, "password", &err), err);
    assert_int_equal(CRYPTO_secure_allocated(buffer.data), 1);
    zca_buffer_clear(&buffer);
    assert_int_equal(CRYPTO_secure_malloc_done(), 1);
}

static void secret_buffer_that_does_not_fit_there_works_too(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    assert_int_equal(CRYPTO_secure_malloc_init(4096, 16), 1);
    struct zca_buffer buffer = ZCA_SECRET_BUFFER;
    ERR_clear_error();
    check_ok(zca_buffer_resize(&buffer, 100000, &err), err);
    assert_int_equal(CRYPTO_secure_allocated(buffer.data), 0);
    assert_int_equal(ERR_peek_error(), 0);
    zca_buffer_clear(&buffer);
    assert_int_equal(CRYPTO_secure_malloc_done(), 1);
}

static void buffer_move_hands_over_and_clears_the_target(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer source = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer target = {.limit = 2};
    check_ok(zca_buffer_append_text(&source, "abc", &err), err);
    check_ok(zca_buffer_append_text(&target, "x", &err), err);
    zca_buffer_move(&target, &source);
    check_text(target, "abc");
    assert_true(target.secret);
    assert_int_equal(target.limit, 2);
    assert_null(source.data);
    assert_int_equal(source.len, 0);
}

static void buffer_clear_keeps_limit_and_mark(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_buffer buffer = {.limit = 9, .secret = true};
    check_ok(zca_buffer_append_text(&buffer, "abc", &err), err);
    zca_buffer_clear(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.len, 0);
    assert_int_equal(buffer.limit, 9);
    assert_true(buffer.secret);
    zca_buffer_clear(&buffer);
}

static void random_appends_and_differs(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer first = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer second = ZCA_SECRET_BUFFER;
    check_ok(zca_random(NULL, 16, &first, &err), err);
    check_ok(zca_random(NULL, 16, &first, &err), err);
    check_ok(zca_random(NULL, 32, &second, &err), err);
    assert_int_equal(first.len, 32);
    assert_memory_not_equal(first.data, first.data + 16, 16);
    assert_memory_not_equal(first.data, second.data, 32);
    check_ok(zca_random(NULL, 0, &first, &err), err);
    assert_int_equal(first.len, 32);
}

static void random_past_the_limit_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.limit = 8};
    check_refused(zca_random(NULL, 9, &bytes, &err), err, ZCA_ERR_INVALID);
    assert_int_equal(bytes.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_of_text_has_no_nul_and_null_is_empty),
        cmocka_unit_test(span_equal_compares_length_and_bytes),
        cmocka_unit_test(buffer_append_grows_and_keeps_a_nul),
        cmocka_unit_test(buffer_append_of_nothing_makes_an_empty_text),
        cmocka_unit_test(buffer_at_its_limit_refuses_and_is_unchanged),
        cmocka_unit_test(buffer_append_of_an_impossible_length_is_refused),
        cmocka_unit_test(buffer_format_appends),
        cmocka_unit_test(buffer_resize_gives_zeros_even_where_text_was),
        cmocka_unit_test(secret_buffer_wipes_what_is_cut),
        cmocka_unit_test(secret_buffer_lives_in_the_secure_heap),
        cmocka_unit_test(secret_buffer_that_does_not_fit_there_works_too),
        cmocka_unit_test(buffer_move_hands_over_and_clears_the_target),
        cmocka_unit_test(buffer_clear_keeps_limit_and_mark),
        cmocka_unit_test(random_appends_and_differs),
        cmocka_unit_test(random_past_the_limit_is_refused),
    };
    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
