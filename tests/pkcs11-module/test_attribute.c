/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pkcs11-module/attribute.h"
#include "tests/base/check.h"

static void attribute_rows_are_sorted(void **state)
{
    (void)state;
    size_t num_rows = 0;
    const struct zca_attribute_row *rows = zca_attribute_rows(&num_rows);

    for (size_t i = 1; i < num_rows; i++) {
        assert_true(rows[i - 1].type <= rows[i].type);
    }
}

static void attribute_rows_of_a_type_share_no_class(void **state)
{
    (void)state;
    size_t num_rows = 0;
    const struct zca_attribute_row *rows = zca_attribute_rows(&num_rows);

    for (size_t i = 1; i < num_rows; i++) {
        bool is_same = rows[i - 1].type == rows[i].type;
        assert_false(is_same && (rows[i - 1].classes & rows[i].classes) != 0);
        assert_int_not_equal(rows[i].classes & ZCA_CLASS_ANY, 0);
    }
}

static void attribute_each_row_is_found(void **state)
{
    (void)state;
    size_t num_rows = 0;
    const struct zca_attribute_row *rows = zca_attribute_rows(&num_rows);

    for (size_t i = 0; i < num_rows; i++) {
        assert_ptr_equal(zca_attribute_of(rows[i].type, rows[i].classes), &rows[i]);
        assert_int_equal(zca_attribute_find(rows[i].type)->type, rows[i].type);
        assert_int_equal(strncmp(rows[i].name, "CKA_", 4), 0);
    }
}

static void attribute_of_another_class_is_not_found(void **state)
{
    (void)state;
    assert_null(zca_attribute_of(CKA_EC_POINT, ZCA_CLASS_PRIVATE));
    assert_null(zca_attribute_of(CKA_MODULUS, ZCA_CLASS_CERTIFICATE));
    assert_null(zca_attribute_find(999));
    assert_null(zca_attribute_find(CK_UNAVAILABLE_INFORMATION));
}

static void attribute_secrets_are_never_ours_to_tell(void **state)
{
    static const CK_ATTRIBUTE_TYPE secrets[] = {
        CKA_VALUE,      CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
        CKA_EXPONENT_1, CKA_EXPONENT_2,       CKA_COEFFICIENT};
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(secrets); i++) {
        const struct zca_attribute_row *row = zca_attribute_of(secrets[i], ZCA_CLASS_PRIVATE);
        assert_true(row && (row->flags & ZCA_ATTRIBUTE_SECRET) != 0);
    }
}

static void attribute_class_bits(void **state)
{
    (void)state;
    assert_int_equal(zca_class_bit(CKO_PRIVATE_KEY), ZCA_CLASS_PRIVATE);
    assert_int_equal(zca_class_bit(CKO_NSS_TRUST), ZCA_CLASS_TRUST);
    assert_int_equal(zca_class_bit(CKO_HW_FEATURE), 0);
}

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *bytes;
    CK_ULONG len;
    bool fits;
} forms[] = {
    {CKA_TOKEN,              "\1",                 1,                 true },
    {CKA_TOKEN,              "\1\0\0\0",           4,                 false},
    {CKA_TOKEN,              "",                   0,                 false},
    {CKA_KEY_TYPE,           "\0\0\0\0\0\0\0",     8,                 true },
    {CKA_KEY_TYPE,           "\0\0\0",             4,                 false},
    {CKA_ID,                 "",                   0,                 true },
    {CKA_LABEL,              "k\xc3\xbcrzel",      7,                 true },
    {CKA_LABEL,              "k\xfcrzel",          6,                 false},
    {CKA_LABEL,              "k\xc3",              2,                 false},
    {CKA_LABEL,              "\xf0\x9f\x94\x91",   4,                 true },
    {CKA_START_DATE,         "20261128",           8,                 true },
    {CKA_START_DATE,         "",                   0,                 true },
    {CKA_START_DATE,         "2026112x",           8,                 false},
    {CKA_START_DATE,         "2026",               4,                 false},
    {CKA_MODULUS,            "",                   0,                 false},
    {CKA_ALLOWED_MECHANISMS, "\0\0\0\0\0\0\0",     8,                 true },
    {CKA_ALLOWED_MECHANISMS, "\0\0\0\0\0\0\0\0\0", 9,                 false},
    {CKA_ID,                 "",                   ZCA_MAX_VALUE + 1, false},
};

static void attribute_values_have_a_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(forms); i++) {
        const CK_ATTRIBUTE value = {forms[i].type, (void *)forms[i].bytes, forms[i].len};
        assert_int_equal(zca_attribute_value_fits(zca_attribute_find(forms[i].type), &value),
                         forms[i].fits);
    }
}

static void attribute_without_bytes_has_no_length(void **state)
{
    (void)state;
    const CK_ATTRIBUTE value = {CKA_ID, NULL, 1};
    assert_false(zca_attribute_value_fits(zca_attribute_find(CKA_ID), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attribute_rows_are_sorted),
        cmocka_unit_test(attribute_rows_of_a_type_share_no_class),
        cmocka_unit_test(attribute_each_row_is_found),
        cmocka_unit_test(attribute_of_another_class_is_not_found),
        cmocka_unit_test(attribute_secrets_are_never_ours_to_tell),
        cmocka_unit_test(attribute_class_bits),
        cmocka_unit_test(attribute_values_have_a_form),
        cmocka_unit_test(attribute_without_bytes_has_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
