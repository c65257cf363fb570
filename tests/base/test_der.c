/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/asn1.h>

#include "base/der.h"
#include "tests/base/check.h"

static void elements_are_taken_one_after_the_other(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x02, 0x01, 0x05, 0x80, 0x00, 0x04, 0x02, 0x06, 0x07};
    struct zca_span rest = zca_span_of(bytes, sizeof(bytes));
    struct zca_der_element element;
    assert_true(zca_der_take(&rest, &element));
    assert_int_equal(element.tag, V_ASN1_INTEGER);
    assert_true(zca_span_equal(element.whole, zca_span_of(bytes, 3)));
    assert_true(zca_span_equal(element.content, zca_span_of(bytes + 2, 1)));
    assert_true(zca_der_take(&rest, &element));
    assert_int_equal(element.tag, -1); /* [0] */
    assert_true(zca_der_take(&rest, &element));
    assert_int_equal(element.tag, V_ASN1_OCTET_STRING);
    assert_int_equal(element.content.len, 2);
    assert_int_equal(rest.len, 0);
    assert_false(zca_der_take(&rest, &element));
}

static void element_that_does_not_fit_is_not_taken(void **state)
{
    (void)state;

    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"\x04",                 1},
        {"\x04\x02\x06",         3},
        {"\x30\x80\x00\x00",     4}, /* without a length */
        {"\x04\x84\xff\xff\xff", 5},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_span rest = zca_span_of(rows[i].bytes, rows[i].len);
        struct zca_der_element element;
        assert_false(zca_der_take(&rest, &element));
        assert_int_equal(rest.len, rows[i].len);
    }
}

static void element_of_another_tag_stays(void **state)
{
    (void)state;
    struct zca_span rest = zca_span_of("\x02\x01\x05", 3);
    struct zca_der_element element = {.tag = -7};
    assert_false(zca_der_take_of(&rest, V_ASN1_OCTET_STRING, &element));
    assert_int_equal(rest.len, 3);
    assert_int_equal(element.tag, -7);
    assert_true(zca_der_take_of(&rest, V_ASN1_INTEGER, &element));
    assert_int_equal(element.content.data[0], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_taken_one_after_the_other),
        cmocka_unit_test(element_that_does_not_fit_is_not_taken),
        cmocka_unit_test(element_of_another_tag_stays),
    };
    return cmocka_run_group_tests_name("base/der", tests, NULL, NULL);
}
