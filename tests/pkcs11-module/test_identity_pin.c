/* SPDX-License-Identifier: Apache-2.0 */
#include <grp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/pin.h"
#include "tests/core/home.h"
#include "tests/pkcs11-module/bed.h"

static const uid_t nobody = 65534;

static CK_RV log_in(CK_SESSION_HANDLE session, const char *pin)
{
    return C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

static void start(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bed_configure(scene, "", "plain", "[identity web]\npin = local\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
    scene_open(scene, "zca://corp/web");
    check_ok(zca_pin_set(scene->library, "corp", "web", zca_span_text("a secret"), &err), err);
    scene_close(scene);
}

/* A worker of a server: another user, who begins again as PKCS#11 2.40 asks for. */
static bool become_worker(struct scene *scene, CK_SLOT_ID slot, CK_SESSION_HANDLE *out_session)
{
    return setgroups(0, NULL) == 0 && setgid(nobody) == 0 && setuid(nobody) == 0 &&
           bed_initialise(scene) == CKR_OK &&
           C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, out_session) == CKR_OK;
}

static bool worker_logs_in_again(struct scene *scene, CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;
    return become_worker(scene, slot, &session) &&
           log_in(session, "a wrong one") == CKR_PIN_INCORRECT &&
           log_in(session, "a secret") == CKR_OK;
}

static bool worker_guesses(struct scene *scene, CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;
    bool is_good = become_worker(scene, slot, &session);
    for (unsigned i = 0; is_good && i < ZCA_PIN_MAX_FAILURES; i++) {
        is_good = log_in(session, "a wrong one") == CKR_PIN_INCORRECT;
    }
    return is_good && log_in(session, "a secret") == CKR_PIN_LOCKED;
}

static bool worker_has_the_third(struct scene *scene, CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;
    return become_worker(scene, slot, &session) &&
           log_in(session, "another") == CKR_PIN_INCORRECT && log_in(session, "a third") == CKR_OK;
}

static bool stranger_is_refused(struct scene *scene, CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;
    return become_worker(scene, slot, &session) &&
           log_in(session, "a secret") == CKR_FUNCTION_FAILED;
}

static void run_worker(struct scene *scene, bool (*work)(struct scene *, CK_SLOT_ID))
{
    CK_SLOT_ID slot = bed_slot("web");
    pid_t pid = fork();
    if (pid == 0) {
        home_leave(work(scene, slot));
    }
    home_join(pid);
}

static void worker_without_rights_is_remembered(void **state)
{
    struct scene *scene = *state;
    start(scene);
    if (getuid() != 0) {
        skip();
    }
    assert_int_equal(log_in(bed_open("web", 0), "a secret"), CKR_OK);
    run_worker(scene, worker_logs_in_again);
    run_worker(scene, worker_guesses);
}

static void worker_that_nobody_knows_is_refused(void **state)
{
    struct scene *scene = *state;
    start(scene);
    if (getuid() != 0) {
        skip();
    }
    assert_int_equal(log_in(bed_open("web", 0), "a wrong one"), CKR_PIN_INCORRECT);
    run_worker(scene, stranger_is_refused);
}

static void private_key_shows_itself_to_who_logged_in(void **state)
{
    CK_ULONG count = 0;
    struct scene *scene = *state;
    start(scene);
    CK_SESSION_HANDLE session = bed_open("web", 0);
    assert_int_equal(bed_look(session, CKO_PRIVATE_KEY, &count), CKR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(log_in(session, "a secret"), CKR_OK);
    assert_int_equal(log_in(session, "a secret"), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(bed_look(session, CKO_PRIVATE_KEY, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(bed_look(session, CKO_PRIVATE_KEY, &count), CKR_OK);
    assert_int_equal(count, 0);
}

static void pin_that_was_removed_opens_nothing(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct scene *scene = *state;
    start(scene);
    CK_SESSION_HANDLE session = bed_open("web", 0);
    assert_int_equal(log_in(session, "a secret"), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    scene_open(scene, "zca://corp/web");
    check_ok(zca_pin_remove(scene->library, "corp", "web", &err), err);
    scene_close(scene);
    assert_int_equal(log_in(session, "a secret"), CKR_USER_PIN_NOT_INITIALIZED);
}

/* ---- C_SetPIN ---- */

#define PIN(text) (CK_UTF8CHAR *)(uintptr_t)(text), strlen(text)

static void set_pin_changes_the_pin_for_all_processes(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct scene *scene = *state;
    start(scene);
    CK_SESSION_HANDLE session = bed_open("web", CKF_RW_SESSION);
    assert_int_equal(C_SetPIN(session, PIN("a secret"), PIN("another")), CKR_OK); /* nobody is in */
    assert_int_equal(log_in(session, "a secret"), CKR_PIN_INCORRECT);
    assert_int_equal(log_in(session, "another"), CKR_OK);
    assert_int_equal(C_SetPIN(session, PIN("another"), PIN("a third")), CKR_OK);
    scene_open(scene, "zca://corp/web");
    check_ok(zca_pin_check(scene->library, "corp", "web", zca_span_text("a third"), &err), err);
    scene_close(scene);
    assert_int_equal(C_Logout(session), CKR_OK);
}

static void set_pin_refuses_what_is_wrong(void **state)
{
    char longest[ZCA_PIN_MAX_LEN + 2];
    struct scene *scene = *state;
    start(scene);
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CK_SESSION_HANDLE session = bed_open("web", CKF_RW_SESSION);
    assert_int_equal(C_SetPIN(session, PIN("wrong"), PIN("another")), CKR_PIN_INCORRECT);
    assert_int_equal(C_SetPIN(session, PIN("a secret"), PIN("abc")), CKR_PIN_LEN_RANGE);
    assert_int_equal(C_SetPIN(session, PIN("a secret"), PIN(longest)), CKR_PIN_LEN_RANGE);
    assert_int_equal(C_SetPIN(session, NULL, 0, PIN("another")), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SetPIN(session, PIN("a secret"), NULL, 0), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SetPIN(bed_open("web", 0), PIN("a secret"), PIN("another")),
                     CKR_SESSION_READ_ONLY);
    assert_int_equal(log_in(session, "a secret"), CKR_OK);
}

static void set_pin_counts_guesses(void **state)
{
    struct scene *scene = *state;
    start(scene);
    CK_SESSION_HANDLE session = bed_open("web", CKF_RW_SESSION);
    for (unsigned i = 0; i < ZCA_PIN_MAX_FAILURES; i++) {
        assert_int_equal(C_SetPIN(session, PIN("wrong"), PIN("another")), CKR_PIN_INCORRECT);
    }
    assert_int_equal(C_SetPIN(session, PIN("a secret"), PIN("another")), CKR_PIN_LOCKED);
    assert_int_equal(log_in(session, "a secret"), CKR_PIN_LOCKED);
}

static void set_pin_changes_what_workers_are_remembered_by(void **state)
{
    struct scene *scene = *state;
    start(scene);
    if (getuid() != 0) {
        skip();
    }
    CK_SESSION_HANDLE session = bed_open("web", CKF_RW_SESSION);
    assert_int_equal(log_in(session, "a secret"), CKR_OK);
    assert_int_equal(C_SetPIN(session, PIN("a secret"), PIN("another")), CKR_OK);
    assert_int_equal(C_SetPIN(session, PIN("another"), PIN("a third")), CKR_OK);
    run_worker(scene, worker_has_the_third);
}

static void set_pin_is_refused_where_there_is_none_to_change(void **state)
{
    struct scene *scene = *state;
    bed_configure(
        scene, "", "plain",
        "[identity web]\n[identity mail]\npin = credential\n[identity new]\npin = local\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);

    static const struct {
        const char *label;
        CK_RV rv;
    } rows[] = {
        {"web",  CKR_TOKEN_WRITE_PROTECTED   },
        {"mail", CKR_TOKEN_WRITE_PROTECTED   },
        {"new",  CKR_USER_PIN_NOT_INITIALIZED},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        CK_SESSION_HANDLE session = bed_open(rows[i].label, CKF_RW_SESSION);
        assert_int_equal(C_SetPIN(session, PIN("a secret"), PIN("another")), rows[i].rv);
    }
    assert_int_equal(scene_count(scene, "whoami"), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(worker_without_rights_is_remembered),
        CASE(worker_that_nobody_knows_is_refused),
        CASE(private_key_shows_itself_to_who_logged_in),
        CASE(pin_that_was_removed_opens_nothing),
        CASE(set_pin_changes_the_pin_for_all_processes),
        CASE(set_pin_refuses_what_is_wrong),
        CASE(set_pin_counts_guesses),
        CASE(set_pin_changes_what_workers_are_remembered_by),
        CASE(set_pin_is_refused_where_there_is_none_to_change),
    };
    return cmocka_run_group_tests_name("pkcs11-module/identity_pin", tests, NULL, NULL);
}
