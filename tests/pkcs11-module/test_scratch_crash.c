/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers of the scratch token are killed before each step that changes a file. The next process must find a token that it
 * can use, as it was before or as it should have become.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/crash.h"
#include "tests/pkcs11-module/stored.h"

static const int most_steps = 40;

#define OTHER_PIN "other"

#define PIN(text) (CK_UTF8CHAR *)(text), strlen(text)

/* ---- what is killed ---- */

static bool create(void)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    return session != 0 && stored_data(session, "second", true) != 0;
}

static bool rename_first(void)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE object = stored_find(session, CKO_DATA, "first");
    return object != 0 && stored_set_label(session, object, "renamed") == CKR_OK;
}

static bool destroy(void)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE object = stored_find(session, CKO_DATA, "first");
    return object != 0 && C_DestroyObject(session, object) == CKR_OK;
}

static bool set_pin(void)
{
    CK_SESSION_HANDLE session = stored_session(CKF_RW_SESSION);
    return C_SetPIN(session, PIN(BED_PIN), PIN(OTHER_PIN)) == CKR_OK;
}

static bool init_pin(void)
{
    CK_SESSION_HANDLE session = stored_session(CKF_RW_SESSION);
    return C_Login(session, CKU_SO, PIN(BED_SO_PIN)) == CKR_OK &&
           C_InitPIN(session, PIN(OTHER_PIN)) == CKR_OK;
}

static bool fail_to_log_in(void)
{
    return C_Login(stored_session(0), CKU_USER, PIN("wrong")) == CKR_PIN_INCORRECT;
}

static bool init_again(void)
{
    return stored_init(BED_SO_PIN, "anew") == CKR_OK;
}

/* What may be there afterwards: a user who can log in, and how many objects. */
static const struct operation {
    const char *name;
    bool (*run)(void);
    size_t least, most; /* objects */
    bool erases;        /* then the user may be gone, too */
    int steps;          /* at least so many can be interrupted */
} operations[] = {
    {"create",       create,         1, 2, false, 4},
    {"rename",       rename_first,   1, 1, false, 3},
    {"destroy",      destroy,        0, 1, false, 2},
    {"set PIN",      set_pin,        1, 1, false, 3},
    {"init PIN",     init_pin,       1, 1, false, 3},
    {"wrong PIN",    fail_to_log_in, 1, 1, false, 3},
    {"init a token", init_again,     0, 1, true,  5},
};

struct crash {
    const struct operation *operation;
    int at;
};

/* ---- children ---- */

static int run_child(struct scene *scene, int (*step)(const struct crash *),
                     const struct crash *crash)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(bed_initialise(scene) == CKR_OK ? step(crash) : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int prepare_step(const struct crash *crash)
{
    (void)crash;
    CK_SESSION_HANDLE session = 0;
    bool ok = stored_init(BED_SO_PIN, "scratch") == CKR_OK &&
              (session = stored_session(CKF_RW_SESSION)) != 0 &&
              C_Login(session, CKU_SO, PIN(BED_SO_PIN)) == CKR_OK &&
              C_InitPIN(session, PIN(BED_PIN)) == CKR_OK && C_Logout(session) == CKR_OK &&
              C_Login(session, CKU_USER, PIN(BED_PIN)) == CKR_OK &&
              stored_data(session, "first", true) != 0;
    return ok ? 0 : 1;
}

static int crash_step(const struct crash *crash)
{
    crash_after(crash->at);
    return crash->operation->run() ? 0 : 1;
}

static bool user_is_there(const struct operation *operation)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    if (session == 0) {
        session = stored_login(OTHER_PIN);
    }
    size_t count = session != 0 ? stored_count(session, NULL) : 0;
    return session != 0 && count >= operation->least && count <= operation->most &&
           stored_data(session, "written afterwards", true) != 0;
}

static bool so_is_there(void)
{
    CK_SESSION_HANDLE session = stored_session(CKF_RW_SESSION);
    return C_Login(session, CKU_SO, PIN(BED_SO_PIN)) == CKR_OK &&
           C_InitPIN(session, PIN(BED_PIN)) == CKR_OK && C_Logout(session) == CKR_OK &&
           C_Login(session, CKU_USER, PIN(BED_PIN)) == CKR_OK &&
           stored_data(session, "written by the next", true) != 0;
}

static int check_step(const struct crash *crash)
{
    CK_SESSION_HANDLE session = 0;
    if ((stored_flags() & CKF_TOKEN_INITIALIZED) == 0) {
        return 2;
    }
    bool has_user = (stored_flags() & CKF_USER_PIN_INITIALIZED) != 0;
    if (has_user && !user_is_there(crash->operation)) {
        return 3;
    }
    if (!has_user && !crash->operation->erases) {
        return 4;
    }
    session = stored_session(CKF_RW_SESSION);
    (void)C_Logout(session); /* when the user is logged in */
    return so_is_there() ? 0 : 5;
}

/* ---- the test ---- */

static void shell(const struct scene *scene, const char *command)
{
    zca_auto(text) char *line = NULL;
    assert_true(asprintf(&line, "cd '%s' && %s", scene->directory, command) > 0);
    assert_int_equal(system(line), 0);
}

static void kill_at_each_step(struct scene *scene, const struct operation *operation)
{
    for (int at = 1; at <= most_steps; at++) {
        struct crash crash = {operation, at};
        shell(scene, "rm -rf state && cp -a kept state");
        int status = run_child(scene, crash_step, &crash);
        int checked = run_child(scene, check_step, &crash);
        if (checked != 0) {
            fail_msg("%s, killed at step %d: %d", operation->name, at, checked);
        }
        if (status == 0) {
            print_message("%s: killed at %d steps\n", operation->name, at - 1);
            assert_true(at > operation->steps);
            return;
        }
        assert_int_equal(status, CRASHED);
    }
    fail_msg("%s: more than %d steps", operation->name, most_steps);
}

static void token_survives_a_crash_at_each_step(void **state)
{
    struct scene *scene = *state;
    bed_configure(scene, "scratch-token = yes\n", "plain", "");
    assert_int_equal(run_child(scene, prepare_step, NULL), 0);
    shell(scene, "cp -a state kept");
    for (size_t i = 0; i < ZCA_COUNT(operations); i++) {
        kill_at_each_step(scene, &operations[i]);
    }
}

static int init_step(const struct crash *crash)
{
    crash_after(crash->at);
    return stored_init(BED_SO_PIN, "scratch") == CKR_OK ? 0 : 1;
}

/* The first one makes the host's sealing key, too. */
static void first_init_can_be_repeated(void **state)
{
    struct scene *scene = *state;
    int status = CRASHED;
    bed_configure(scene, "scratch-token = yes\n", "plain", "");
    for (int at = 1; status != 0; at++) {
        struct crash crash = {.at = at};
        struct crash no_crash = {.at = 0};
        shell(scene, "rm -rf state");
        status = run_child(scene, init_step, &crash);
        assert_true(status == 0 || status == CRASHED);
        assert_int_equal(run_child(scene, init_step, &no_crash), 0);
        assert_true(at < most_steps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(token_survives_a_crash_at_each_step, bed_setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(first_init_can_be_repeated, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests_name("pkcs11/scratch crash", tests, NULL, NULL);
}
