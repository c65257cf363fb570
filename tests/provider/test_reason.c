/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "provider/provider.h"
#include "tests/base/check.h"

static void each_reason_has_the_text_of_base(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < ZCA_NUM_REASONS; i++) {
        assert_int_equal(zca_reason_items[i].id, i + 1);
        assert_string_equal((const char *)zca_reason_items[i].ptr,
                            zca_reason_text((enum zca_reason)(i + 1)));
    }
}

static void the_table_ends(void **state)
{
    (void)state;
    assert_int_equal(zca_reason_items[ZCA_NUM_REASONS - 1].id, 0);
    assert_null(zca_reason_items[ZCA_NUM_REASONS - 1].ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_the_text_of_base),
        cmocka_unit_test(the_table_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
