/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/error.h"
#include "provider/provider.h"
#include "tests/base/check.h"

static void each_reason_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < ZCA_NUM_REASONS; i++) {
        assert_int_equal(zca_reason_items[i].id, i + 1);
        const char *text = zca_reason_items[i].ptr;
        assert_true(strlen(text) > 7);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(text, (const char *)zca_reason_items[j].ptr);
        }
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
        cmocka_unit_test(each_reason_has_a_text_of_its_own),
        cmocka_unit_test(the_table_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
