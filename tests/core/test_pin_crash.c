/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever changes a PIN is killed before each step that changes a file: one of the two is right afterwards. */
#include <sys/wait.h>
#include <unistd.h>

#include "core/pin.h"
#include "tests/core/crash.h"
#include "tests/core/scene.h"

static const int most_steps = 20;

static int change_step(struct scene *scene, void *argument)
{
    const int *at = argument;
    crash_after(*at);
    return zca_pin_change(scene->library, "corp", "web", zca_span_text("old pin"),
                          zca_span_text("new pin"), NULL)
               ? 0
               : 1;
}

static bool is_right(struct scene *scene, const char *pin)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool is_right = zca_pin_check(scene->library, "corp", "web", zca_span_text(pin), &err);
    assert_true(is_right || err.reason == ZCA_ERR_AUTH);
    return is_right;
}

static void killed_change_leaves_one_of_the_two(void **state)
{
    int at = 1;
    int status = CRASHED;
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    scene_configure(scene, "plain", "");
    for (; status == CRASHED && at < most_steps; at++) {
        scene_open(scene, "zca://corp/web");
        check_ok(zca_pin_set(scene->library, "corp", "web", zca_span_text("old pin"), &err), err);
        scene_close(scene);
        status = scene_run(scene, "zca://corp/web", change_step, &at);
        scene_open(scene, "zca://corp/web");
        assert_true(is_right(scene, "old pin") != is_right(scene, "new pin"));
        scene_close(scene);
    }
    assert_int_equal(status, 0);
    assert_in_range(at, 4, most_steps); /* so many steps were interrupted */
    scene_open(scene, "zca://corp/web");
    assert_true(is_right(scene, "new pin"));
    scene_close(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_change_leaves_one_of_the_two, scene_setup,
                                        scene_teardown),
    };
    return cmocka_run_group_tests_name("core/pin crash", tests, NULL, NULL);
}
