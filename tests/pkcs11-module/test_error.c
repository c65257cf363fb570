/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "pkcs11-module/error.h"
#include "pkcs11-module/rv_name.h"
#include "tests/pkcs11-module/bed.h"

static void every_reason_has_a_code_that_has_a_name(void **state)
{
    (void)state;
    for (int reason = ZCA_ERR_NONE + 1; reason < ZCA_NUM_REASONS; reason++) {
        CK_RV rv = zca_pkcs11_rv((enum zca_reason)reason);
        assert_non_null(zca_rv_name(rv));
        assert_int_not_equal(rv,
                             CKR_GENERAL_ERROR); /* these make applications give up the module */
        assert_int_not_equal(rv, CKR_DEVICE_REMOVED);
        assert_int_not_equal(rv, CKR_TOKEN_NOT_PRESENT);
        assert_int_equal(rv == CKR_OK, reason == ZCA_ERR_PENDING);
    }
    assert_int_equal(zca_pkcs11_rv(ZCA_ERR_NONE), CKR_GENERAL_ERROR);
    assert_int_equal(zca_pkcs11_rv((enum zca_reason)1000), CKR_GENERAL_ERROR);
}

static void names_are_those_of_the_standard(void **state)
{
    (void)state;
    assert_string_equal(zca_rv_name(CKR_OK), "CKR_OK");
    assert_string_equal(zca_rv_name(CKR_FUNCTION_REJECTED), "CKR_FUNCTION_REJECTED");
    assert_null(zca_rv_name(CKR_VENDOR_DEFINED | 1));
}

static void failure_is_one_line_of_the_configured_log(void **state)
{
    struct scene *scene = *state;
    zca_auto(text) char *more = NULL;
    zca_auto(zca_buffer) struct zca_buffer log = {0};
    struct zca_error err = {.reason = ZCA_ERR_QUARANTINED,
                            .http_status = 403,
                            .code = "MACHINE_QUARANTINED",
                            .message = "enrolling\n'web'"};
    assert_true(asprintf(&more,
                         "[zca]\nlog = %s/log.txt\nlog-level = error\n[authority corp]\n"
                         "url = https://127.0.0.1:1\ndialect = plain\n",
                         scene->directory) > 0);
    scene_write(scene, "zca.conf", more);
    scene_open(scene, "zca://corp/web");
    assert_int_equal(zca_pkcs11_fail(scene->library, &err), CKR_FUNCTION_REJECTED);
    zca_pkcs11_warn(scene->library, &err); /* below the level */
    scene_read(scene, "log.txt", &log);
    const char *text = (const char *)log.data;
    assert_ptr_equal(strchr(text, '\n'), text + log.len - 1);
    assert_non_null(strstr(text, "QUARANTINED"));
    assert_non_null(strstr(text, "403"));
    assert_non_null(strstr(text, "MACHINE_QUARANTINED"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_code_that_has_a_name),
        cmocka_unit_test(names_are_those_of_the_standard),
        CASE(failure_is_one_line_of_the_configured_log),
    };
    return cmocka_run_group_tests_name("pkcs11-module/error", tests, NULL, NULL);
}
