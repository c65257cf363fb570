/* SPDX-License-Identifier: Apache-2.0 */
/* Logins that wait, for an authority or for another process, and what happens meanwhile. */
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/flight.h"
#include "tests/base/scan.h"
#include "tests/core/home.h"
#include "tests/pkcs11-module/bed.h"

#define CREDENTIAL "token-1.of-which-the-log-has-the-beginning-only-4711"
#define OTHER "token-2.of-which-the-log-has-the-beginning-only-4712"

static const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};

struct login {
    CK_SESSION_HANDLE session;
    CK_USER_TYPE user;
    const char *pin;
    CK_RV rv;
    pthread_t thread;
};

static void *log_in(void *argument)
{
    struct login *login = argument;
    login->rv = C_Login(login->session, login->user, (CK_UTF8CHAR *)(uintptr_t)login->pin,
                        strlen(login->pin));
    return NULL;
}

static void begin(struct login *login)
{
    assert_int_equal(pthread_create(&login->thread, NULL, log_in, login), 0);
}

static CK_RV join(struct login *login)
{
    assert_int_equal(pthread_join(login->thread, NULL), 0);
    return login->rv;
}

static void check_nobody(const char *label)
{
    CK_SESSION_INFO info = {.state = CKS_RW_SO_FUNCTIONS};
    assert_int_equal(C_GetSessionInfo(bed_open(label, 0), &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
}

/* ---- until the authority has answered ---- */

/* Whoever logs in first waits for release(). */
static struct login start(struct scene *scene)
{
    bed_configure(scene, "", "plain", "[identity web]\npin = credential\n");
    scene_plan(scene, "whoami: held ok\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
    return (struct login){.session = bed_open("web", 0), .user = CKU_USER, .pin = CREDENTIAL};
}

static void begin_and_wait(struct scene *scene, struct login *login)
{
    begin(login);
    while (scene_count(scene, "whoami") == 0) {
        (void)nanosleep(&moment, NULL);
    }
}

static void release(const struct scene *scene)
{
    scene_write(scene, "fake/release", "");
}

static void login_of_a_session_that_was_closed_is_none(void **state)
{
    struct scene *scene = *state;
    struct login login = start(scene);
    begin_and_wait(scene, &login);
    assert_int_equal(C_CloseAllSessions(bed_slot("web")), CKR_OK);
    release(scene);
    assert_int_equal(join(&login), CKR_SESSION_HANDLE_INVALID);
    check_nobody("web");
}

static void login_of_a_session_that_was_closed_beside_others_is_none(void **state)
{
    struct scene *scene = *state;
    struct login login = start(scene);
    CK_SESSION_HANDLE other = bed_open("web", 0);
    begin_and_wait(scene, &login);
    assert_int_equal(C_CloseSession(login.session), CKR_OK);
    release(scene);
    assert_int_equal(join(&login), CKR_SESSION_HANDLE_INVALID);
    check_nobody("web");
    assert_int_equal(C_Logout(other), CKR_USER_NOT_LOGGED_IN);
}

static void login_beyond_the_end_of_the_module_is_none(void **state)
{
    struct scene *scene = *state;
    struct login login = start(scene);
    begin_and_wait(scene, &login);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    release(scene);
    assert_int_equal(join(&login), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(bed_initialise(scene), CKR_OK);
    check_nobody("web");
}

/* The credential is a literal of this file, so it is there once before anybody logs in. */
static void login_of_a_session_that_was_closed_leaves_no_copy(void **state)
{
    struct scan_pattern pattern;
    struct scene *scene = *state;
    struct login login = start(scene);
    if (!CRYPTO_secure_malloc_initialized()) {
        skip(); /* sanitizers, which keep more, are run without a secure heap */
    }
    scan_remember(zca_span_text(CREDENTIAL), &pattern);
    size_t before = scan_memory(&pattern).copies;
    begin_and_wait(scene, &login);
    assert_int_equal(C_CloseAllSessions(bed_slot("web")), CKR_OK);
    release(scene);
    assert_int_equal(join(&login), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(scan_memory(&pattern).copies, before);
}

static void credential_of_the_login_that_was_faster_stays(void **state)
{
    CK_ULONG count = 0;
    struct scene *scene = *state;
    struct login first = start(scene);
    struct login second = {.session = first.session, .user = CKU_USER, .pin = OTHER};
    begin_and_wait(scene, &first);
    begin(&second);
    assert_int_equal(join(&second), CKR_OK);
    release(scene);
    assert_int_equal(join(&first), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(bed_look(first.session, CKO_CERTIFICATE, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(scene_count(scene, "as token-1"), 1); /* its login */
    assert_int_equal(scene_count(scene, "as token-2"), 2);
}

/* A login has a session to itself no more than its child has. */
static void child_goes_on_with_what_was_begun_beside_a_login(void **state)
{
    struct scene *scene = *state;
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    CK_BYTE data[1] = {0};
    CK_BYTE digest[32];
    CK_ULONG len = sizeof(digest);
    struct login login = start(scene);
    assert_int_equal(C_DigestInit(login.session, &sha256), CKR_OK);
    begin_and_wait(scene, &login);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        home_leave(C_Digest(login.session, data, sizeof(data), digest, &len) == CKR_OK);
    }
    home_join(pid);
    release(scene);
    assert_int_equal(join(&login), CKR_OK);
    assert_int_equal(C_Digest(login.session, data, sizeof(data), digest, &len), CKR_OK);
}

/* ---- until another process has written ---- */

static void so_does_not_log_in_beside_a_session_that_only_reads(void **state)
{
    struct scene *scene = *state;
    bed_start(scene);
    (void)C_CloseSession(bed_scratch());
    struct login login = {
        .session = bed_open("scratch", CKF_RW_SESSION), .user = CKU_SO, .pin = BED_SO_PIN};
    scene_open(scene, "zca://corp/web");
    struct zca_flight *turn =
        zca_flight_enter_at(scene->library, ZCA_PLACE_TOKENS, "scratch", "token", 0, NULL);
    assert_non_null(turn);
    begin(&login);
    for (size_t i = 0; i < 20;
         i++) { /* until it waits; if it does not yet, it is refused at once */
        (void)nanosleep(&moment, NULL);
    }
    (void)bed_open("scratch", 0);
    zca_flight_leave(turn);
    assert_int_equal(join(&login), CKR_SESSION_READ_ONLY_EXISTS);
    check_nobody("scratch");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(login_of_a_session_that_was_closed_is_none),
        CASE(login_of_a_session_that_was_closed_beside_others_is_none),
        CASE(login_beyond_the_end_of_the_module_is_none),
        CASE(login_of_a_session_that_was_closed_leaves_no_copy),
        CASE(credential_of_the_login_that_was_faster_stays),
        CASE(child_goes_on_with_what_was_begun_beside_a_login),
        CASE(so_does_not_log_in_beside_a_session_that_only_reads),
    };
    return cmocka_run_group_tests_name("pkcs11-module/login", tests, NULL, NULL);
}
