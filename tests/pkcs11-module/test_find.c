/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pkcs11-module/bed.h"

static void find_private_key_makes_it_without_network(void **state)
{
    struct scene *scene = *state;
    bed_start(scene);
    CK_SESSION_HANDLE session = bed_open("web", 0);

    CK_OBJECT_HANDLE key = bed_object(session, CKO_PRIVATE_KEY);

    assert_int_not_equal(key, 0);
    assert_true(scene_exists(scene, "state/keys/corp/web.key"));
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void find_certificate_requests_it_once(void **state)
{
    struct scene *scene = *state;
    bed_start(scene);
    CK_SESSION_HANDLE session = bed_open("web", 0);
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    char label[] = "web";
    const CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_LABEL, label,  3            },
    };
    CK_OBJECT_HANDLE leaf = 0;

    assert_int_equal(bed_find(session, attributes, 2, &leaf, 1), 1);
    assert_int_equal(bed_find(session, attributes, 2, &leaf, 1), 1);

    assert_int_equal(scene_count(scene, "submit"), 1);
}

static void find_everything_requests_nothing(void **state)
{
    struct scene *scene = *state;
    bed_start(scene);
    CK_SESSION_HANDLE session = bed_open("web", 0);

    (void)bed_find(session, NULL, 0, NULL, 0); /* profiles and the status */

    assert_int_equal(scene_count(scene, "submit"), 0);
    assert_false(scene_exists(scene, "state/keys/corp/web.key"));
}

static void find_by_unique_id_meets_one_object(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_open("web", 0);
    zca_auto(zca_buffer) struct zca_buffer unique_id = {0};
    CK_OBJECT_HANDLE key = bed_object(session, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE found = 0;
    bed_value(session, key, CKA_UNIQUE_ID, &unique_id);
    const CK_ATTRIBUTE attributes[] = {
        {CKA_UNIQUE_ID, unique_id.data, unique_id.len}
    };

    assert_int_equal(bed_find(session, attributes, 1, &found, 1), 1);

    assert_int_equal(found, key);
    assert_int_not_equal(unique_id.len, 0);
}

static void find_twice_at_once_is_refused(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_open("web", 0);

    assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_OK);

    assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(find_private_key_makes_it_without_network, bed_setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(find_certificate_requests_it_once, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(find_everything_requests_nothing, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(find_by_unique_id_meets_one_object, bed_setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(find_twice_at_once_is_refused, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
