/* SPDX-License-Identifier: Apache-2.0 */
#include "core/identity.h"
#include "tests/core/scene.h"

static void begin(struct scene *scene, const char *dialect)
{
    scene_configure(scene, dialect, "");
    scene_plan(scene, "");
    scene_open(scene, "zca://corp/web");
}

static struct zca_key *make(struct scene *scene, const char *type, struct zca_error *err)
{
    return zca_identity_make_key(scene->identity, zca_key_type_find(type), err);
}

static void made_key_has_the_chosen_type_and_is_stored(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain");
    zca_auto(zca_key) struct zca_key *key = make(scene, "P-384", &err);
    check_ok(key, err);
    assert_string_equal(zca_key_get_type(key)->name, "P-384");
    zca_auto(zca_key) struct zca_key *found = zca_identity_key(scene->identity, &err);
    check_ok(found, err);
    assert_true(zca_span_equal(zca_key_get_public(found), zca_key_get_public(key)));
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void present_key_is_not_replaced(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain");
    zca_auto(zca_key) struct zca_key *key = make(scene, "P-256", &err);
    check_ok(key, err);
    check_refused(make(scene, "P-256", &err), err, ZCA_ERR_CONFLICT);
    zca_auto(zca_key) struct zca_key *found = zca_identity_key(scene->identity, NULL);
    assert_true(zca_span_equal(zca_key_get_public(found), zca_key_get_public(key)));
}

static void damaged_key_is_not_replaced_either(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain");
    zca_key_free(make(scene, "P-256", &err));
    scene_write(scene, "state/keys/corp/web.key", "damaged");
    check_refused(make(scene, "P-256", &err), err, ZCA_ERR_SEALED);
}

static void authority_that_makes_keys_is_left_to_it(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "keygen");
    check_refused(make(scene, "P-256", &err), err, ZCA_ERR_UNSUPPORTED);
    assert_false(scene_exists(scene, "state/keys/corp/web.key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_key_has_the_chosen_type_and_is_stored, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(present_key_is_not_replaced, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(damaged_key_is_not_replaced_either, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(authority_that_makes_keys_is_left_to_it, scene_setup,
                                        scene_teardown),
    };
    return cmocka_run_group_tests_name("core/identity_load", tests, NULL, NULL);
}
