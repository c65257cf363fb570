/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json.h"
#include "tests/base/check.h"

struct answer {
    char *name;
    char *inner;
    struct zca_buffer token;
    int64_t number;
    bool flag;
};

static const struct zca_json_field fields[] = {
    {"name",       ZCA_JSON_TEXT,    offsetof(struct answer, name),   true },
    {"a.b.inner",  ZCA_JSON_TEXT,    offsetof(struct answer, inner),  false},
    {"data.token", ZCA_JSON_SECRET,  offsetof(struct answer, token),  false},
    {"number",     ZCA_JSON_INTEGER, offsetof(struct answer, number), false},
    {"flag",       ZCA_JSON_BOOLEAN, offsetof(struct answer, flag),   false},
};

static void answer_clear(struct answer *answer)
{
    zca_json_clear_fields(fields, ZCA_COUNT(fields), answer);
}

ZCA_DEFINE_AUTO_CLEAR(answer, struct answer, answer_clear);

static struct zca_json *parse(const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_json *json = zca_json_parse(zca_span_text(text), &err);
    check_ok(json != NULL, err);
    return json;
}

static void json_fields_fill_the_struct(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_json) struct zca_json *json =
        parse("{\"name\":\"n\",\"a\":{\"b\":{\"inner\":\"i\"}},\"data\":{\"token\":\"s3cret\"},"
              "\"number\":-5,\"flag\":true,\"more\":[]}");
    zca_auto(answer) struct answer answer = {.name = NULL};
    check_ok(zca_json_read_fields(json, fields, ZCA_COUNT(fields), &answer, &err), err);
    assert_string_equal(answer.name, "n");
    assert_string_equal(answer.inner, "i");
    check_text(answer.token, "s3cret");
    assert_true(answer.token.secret);
    assert_int_equal(answer.number, -5);
    assert_true(answer.flag);
}

static void json_secret_is_wiped_where_it_was_parsed(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_json) struct zca_json *json =
        parse("{\"name\":\"n\",\"data\":{\"token\":\"s3cret\"}}");
    const char *original = zca_json_text(zca_json_get(json, "data"), "token");
    zca_auto(answer) struct answer answer = {.name = NULL};
    check_ok(zca_json_read_fields(json, fields, ZCA_COUNT(fields), &answer, &err), err);
    assert_memory_equal(original, "\0\0\0\0\0\0", 6);
}

static void json_optional_fields_that_are_absent_or_null_stay(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_json) struct zca_json *json = parse("{\"name\":\"n\",\"number\":null,\"a\":7}");
    zca_auto(answer) struct answer answer = {.number = 11, .flag = true};
    check_ok(zca_json_read_fields(json, fields, ZCA_COUNT(fields), &answer, &err), err);
    assert_int_equal(answer.number, 11);
    assert_true(answer.flag);
    assert_null(answer.inner);
    assert_null(answer.token.data);
}

static void json_required_field_that_is_absent_or_null_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "{\"name\":null}", "[]", "7"};
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_json) struct zca_json *json = parse(texts[i]);
        zca_auto(answer) struct answer answer = {.name = NULL};
        check_refused(zca_json_read_fields(json, fields, ZCA_COUNT(fields), &answer, &err), err,
                      ZCA_ERR_PROTOCOL);
    }
}

static void json_field_of_another_type_is_refused_and_all_is_cleared(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"name\":1}",
        "{\"name\":\"n\",\"data\":{\"token\":[]}}",
        "{\"name\":\"n\",\"data\":{\"token\":\"t\"},\"number\":\"5\"}",
        "{\"name\":\"n\",\"data\":{\"token\":\"t\"},\"number\":5.5}",
        "{\"name\":\"n\",\"data\":{\"token\":\"t\"},\"number\":5,\"flag\":1}",
    };
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_json) struct zca_json *json = parse(texts[i]);
        struct answer answer = {.name = NULL};
        check_refused(zca_json_read_fields(json, fields, ZCA_COUNT(fields), &answer, &err), err,
                      ZCA_ERR_PROTOCOL);
        assert_non_null(strstr(err.message, " is not "));
        assert_null(answer.name);
        assert_null(answer.token.data);
        assert_int_equal(answer.number, 0);
    }
}

static void json_fields_read_twice_do_not_leak(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_json) struct zca_json *first =
        parse("{\"name\":\"a\",\"data\":{\"token\":\"x\"}}");
    zca_auto(zca_json) struct zca_json *second =
        parse("{\"name\":\"b\",\"data\":{\"token\":\"y\"}}");
    zca_auto(answer) struct answer answer = {.name = NULL};
    check_ok(zca_json_read_fields(first, fields, ZCA_COUNT(fields), &answer, &err), err);
    check_ok(zca_json_read_fields(second, fields, ZCA_COUNT(fields), &answer, &err), err);
    assert_string_equal(answer.name, "b");
    check_text(answer.token, "y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_fields_fill_the_struct),
        cmocka_unit_test(json_secret_is_wiped_where_it_was_parsed),
        cmocka_unit_test(json_optional_fields_that_are_absent_or_null_stay),
        cmocka_unit_test(json_required_field_that_is_absent_or_null_is_refused),
        cmocka_unit_test(json_field_of_another_type_is_refused_and_all_is_cleared),
        cmocka_unit_test(json_fields_read_twice_do_not_leak),
    };
    return cmocka_run_group_tests_name("base/json_field", tests, NULL, NULL);
}
