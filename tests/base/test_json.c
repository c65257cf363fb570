/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json.h"
#include "tests/base/check.h"

static struct zca_json *parse(const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_json *json = zca_json_parse(zca_span_text(text), &err);
    check_ok(json != NULL, err);
    return json;
}

static void check_format(const struct zca_json *json, const char *wanted)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_json_format(json, &text, &err), err);
    check_text(text, wanted);
}

static void json_is_formatted_as_it_was_parsed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"b\":1,\"a\":[true,false,null,-7,1.5,\"x\\\"\\\\\"],\"c\":{\"d\":{}}}",
        "\"text\"",
        "9223372036854775807",
        "null",
    };
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        zca_auto(zca_json) struct zca_json *json = parse(texts[i]);
        check_format(json, texts[i]);
    }
}

static void json_parse_of_wrong_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    "{",           "{\"a\":1}x",      "{\"a\":1,\"a\":2}", "[1,]", "{'a':1}",
        "nul", "\"\\u0000\"", "\"\xFF\"",        "\"\\ud800\"",       "01",   "9223372036854775808",
        "NaN", "[1] [2]",     "{\"\\u0000\":1}",
    };
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct zca_json *json = zca_json_parse(zca_span_text(texts[i]), &err);
        check_refused(json != NULL, err, ZCA_ERR_PROTOCOL);
    }
}

static void json_parse_never_quotes_the_text(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    assert_null(zca_json_parse(zca_span_text("{\n\"token\": \"s3cret\" oops}"), &err));
    assert_null(strstr(err.message, "s3cret"));
    assert_null(strstr(err.message, "oops"));
    assert_non_null(strstr(err.message, "line 2"));
}

static void json_depth_is_bounded(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    char text[67] = {0};
    memset(text, '[', 32);
    memset(text + 32, ']', 32);
    zca_auto(zca_json) struct zca_json *json = parse(text);
    assert_true(zca_json_is_array(json));
    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    check_refused(zca_json_parse(zca_span_text(text), &err) != NULL, err, ZCA_ERR_PROTOCOL);
    assert_non_null(strstr(err.message, "32 levels"));
}

static void json_depth_ignores_brackets_in_texts(void **state)
{
    (void)state;
    zca_auto(zca_json) struct zca_json *json =
        parse("[\"[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"]");
    assert_int_equal(zca_json_length(json), 1);
}

static void json_getters_read_their_own_type(void **state)
{
    (void)state;
    zca_auto(zca_json) struct zca_json *json =
        parse("{\"t\":\"x\",\"i\":7,\"b\":true,\"n\":null,\"o\":{},\"a\":[1,\"two\"]}");
    int64_t integer = 0;
    bool boolean = false;
    assert_string_equal(zca_json_text(json, "t"), "x");
    assert_true(zca_json_integer(json, "i", &integer));
    assert_int_equal(integer, 7);
    assert_true(zca_json_boolean(json, "b", &boolean));
    assert_true(boolean);
    assert_true(zca_json_is_null(zca_json_get(json, "n")));
    assert_true(zca_json_is_object(zca_json_get(json, "o")));
    assert_true(zca_json_is_array(zca_json_get(json, "a")));
    assert_true(zca_json_is_text(zca_json_get(json, "t")));
    assert_string_equal(zca_json_text_value(zca_json_at(zca_json_get(json, "a"), 1)), "two");
    assert_int_equal(zca_json_length(zca_json_get(json, "a")), 2);
}

static void json_getters_of_absent_or_other_values_give_nothing(void **state)
{
    (void)state;
    zca_auto(zca_json) struct zca_json *json = parse("{\"t\":\"x\",\"i\":7,\"r\":1.0}");
    int64_t integer = 42;
    bool boolean = true;
    assert_null(zca_json_get(json, "none"));
    assert_null(zca_json_get(NULL, "none"));
    assert_null(zca_json_at(json, 0));
    assert_null(zca_json_text(json, "i"));
    assert_null(zca_json_text_value(NULL));
    assert_false(zca_json_integer(json, "t", &integer));
    assert_false(zca_json_integer(json, "r", &integer));
    assert_false(zca_json_boolean(json, "i", &boolean));
    assert_int_equal(integer, 42);
    assert_true(boolean);
    assert_int_equal(zca_json_length(json), 0);
    assert_false(zca_json_is_object(NULL));
    assert_true(zca_json_is_null(NULL));
    assert_false(zca_json_is_text(zca_json_get(json, "i")));
}

static void json_is_built_in_order(void **state)
{
    (void)state;
    zca_auto(zca_json) struct zca_json *json = zca_json_new_object();
    struct zca_json *array = zca_json_new_array();
    zca_json_set_text(json, "z", "1");
    zca_json_set_span(json, "a", zca_span_of("12345", 2));
    zca_json_set_integer(json, "i", INT64_MIN);
    zca_json_set_boolean(json, "t", true);
    zca_json_set_null(json, "n");
    zca_json_set_text(json, "m", NULL);
    zca_json_append_text(array, "x");
    zca_json_take(array, NULL, zca_json_new_object());
    zca_json_take(json, "l", array);
    check_format(json, "{\"z\":\"1\",\"a\":\"12\",\"i\":-9223372036854775808,\"t\":true,\"n\":null,"
                       "\"m\":null,\"l\":[\"x\",{}]}");
}

static void json_with_a_wrong_text_cannot_be_formatted(void **state)
{
    (void)state;
    static const struct zca_span wrong[] = {
        {(const uint8_t *)"\xFF", 1},
        {(const uint8_t *)"a\0b", 3},
    };
    for (size_t i = 0; i < ZCA_COUNT(wrong); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_json) struct zca_json *json = zca_json_new_object();
        zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
        zca_json_set_text(json, "a", "fine");
        zca_json_set_span(json, "b", wrong[i]);
        zca_json_set_text(json, "c", "fine");
        check_refused(zca_json_format(json, &text, &err), err, ZCA_ERR_INVALID);
        assert_int_equal(text.len, 0);
    }
}

static void json_that_takes_a_spoilt_value_is_spoilt(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_json) struct zca_json *json = zca_json_new_array();
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    struct zca_json *inner = zca_json_new_object();
    zca_json_set_text(inner, "b", "\xFF");
    zca_json_take(json, NULL, inner);
    check_refused(zca_json_format(json, &text, &err), err, ZCA_ERR_INVALID);
}

static void json_that_takes_nothing_lacks_memory(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_json) struct zca_json *json = zca_json_new_object();
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    zca_json_take(json, "a", NULL);
    check_refused(zca_json_format(json, &text, &err), err, ZCA_ERR_MEMORY);
    check_refused(zca_json_format(NULL, &text, &err), err, ZCA_ERR_MEMORY);
}

static void json_building_into_nothing_is_harmless(void **state)
{
    (void)state;
    zca_json_set_text(NULL, "a", "b");
    zca_json_set_integer(NULL, "a", 1);
    zca_json_take(NULL, "a", zca_json_new_object());
    zca_json_append_text(NULL, "b");
    zca_json_free(NULL);
}

static void json_past_the_limit_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_json) struct zca_json *json = parse("[1,2,3]");
    zca_auto(zca_buffer) struct zca_buffer text = {.limit = 6};
    check_refused(zca_json_format(json, &text, &err), err, ZCA_ERR_INVALID);
    assert_int_equal(text.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_formatted_as_it_was_parsed),
        cmocka_unit_test(json_parse_of_wrong_text_is_refused),
        cmocka_unit_test(json_parse_never_quotes_the_text),
        cmocka_unit_test(json_depth_is_bounded),
        cmocka_unit_test(json_depth_ignores_brackets_in_texts),
        cmocka_unit_test(json_getters_read_their_own_type),
        cmocka_unit_test(json_getters_of_absent_or_other_values_give_nothing),
        cmocka_unit_test(json_is_built_in_order),
        cmocka_unit_test(json_with_a_wrong_text_cannot_be_formatted),
        cmocka_unit_test(json_that_takes_a_spoilt_value_is_spoilt),
        cmocka_unit_test(json_that_takes_nothing_lacks_memory),
        cmocka_unit_test(json_building_into_nothing_is_harmless),
        cmocka_unit_test(json_past_the_limit_is_refused),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
