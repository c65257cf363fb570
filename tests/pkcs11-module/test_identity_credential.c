/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11-module/token.h"
#include "tests/base/scan.h"
#include "tests/core/home.h"
#include "tests/pkcs11-module/bed.h"

/* The fake authority logs seven characters of it. */
#define CREDENTIAL "token-1.of-which-the-log-has-the-beginning-only-4711"

static CK_RV log_in(CK_SESSION_HANDLE session, const char *credential)
{
    return C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)credential, strlen(credential));
}

static CK_SESSION_HANDLE start_with(struct scene *scene, const char *lines, const char *plan)
{
    bed_configure(scene, lines, "plain",
                  "[identity web]\npin = credential\n[identity mail]\n"
                  "[identity eager]\npin = credential\nissue = on-login\n");
    scene_plan(scene, plan);
    assert_int_equal(bed_initialise(scene), CKR_OK);
    return bed_open("web", 0);
}

static CK_SESSION_HANDLE start(struct scene *scene, const char *plan)
{
    return start_with(scene, "", plan);
}

static void check_look(CK_SESSION_HANDLE session, CK_RV wanted_rv, CK_ULONG wanted_count)
{
    CK_ULONG count = 0;
    assert_int_equal(bed_look(session, CKO_CERTIFICATE, &count), wanted_rv);
    assert_int_equal(count, wanted_count);
}

/* ---- C_Login ---- */

static void login_shows_the_credential_to_the_authority(void **state)
{
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "");
    check_look(session, CKR_OK, 0);
    assert_int_equal(scene_count(scene, "submit"), 0);
    assert_int_equal(log_in(session, CREDENTIAL), CKR_OK);
    assert_int_equal(scene_count(scene, "whoami"), 1);
    assert_int_equal(scene_count(scene, "as token-1"), 1);
    assert_int_equal(log_in(session, CREDENTIAL), CKR_USER_ALREADY_LOGGED_IN);
    check_look(session, CKR_OK, 1);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_int_equal(scene_count(scene, "as token-1"), 2);
}

static void login_may_request_the_certificate(void **state)
{
    struct scene *scene = *state;
    (void)start(scene, "");
    assert_int_equal(log_in(bed_open("eager", 0), CREDENTIAL), CKR_OK);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_int_equal(scene_count(scene, "as token-1"), 2);
}

static void what_the_authority_says_is_the_outcome_of_login(void **state)
{
    static const struct {
        const char *plan, *credential;
        CK_RV rv;
    } rows[] = {
        {"whoami: unauthorised\n", CREDENTIAL,  CKR_PIN_INCORRECT    },
        {"whoami: unauthorised\n", "old-token", CKR_PIN_EXPIRED      },
        {"whoami: ok\n",           "",          CKR_PIN_INCORRECT    },
        {"whoami: unavailable\n",  CREDENTIAL,  CKR_DEVICE_ERROR     },
        {"whoami: html\n",         CREDENTIAL,  CKR_DEVICE_ERROR     },
        {"whoami: rate\n",         CREDENTIAL,  CKR_DEVICE_ERROR     },
        {"whoami: refuse\n",       CREDENTIAL,  CKR_FUNCTION_REJECTED},
    };
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "");
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        scene_plan(scene, rows[i].plan);
        assert_int_equal(log_in(session, rows[i].credential), rows[i].rv);
        check_look(session, CKR_OK, 0);
    }
    assert_int_equal(C_Logout(session), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void nobody_but_the_user_logs_in(void **state)
{
    static CK_UTF8CHAR pin[] = CREDENTIAL;
    struct scene *scene = *state;
    (void)C_CloseSession(start(scene, "")); /* which is read-only */
    CK_SESSION_HANDLE session = bed_open("web", CKF_RW_SESSION);
    assert_int_equal(C_Login(session, CKU_SO, pin, sizeof(pin) - 1), CKR_USER_TYPE_INVALID);
    assert_int_equal(scene_count(scene, "whoami"), 0);
}

static void credential_without_a_network_is_not_taken(void **state)
{
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start_with(scene, "remote = off\n", "");
    assert_int_equal(log_in(session, CREDENTIAL), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(C_Logout(session), CKR_USER_NOT_LOGGED_IN);
}

/* ---- afterwards ---- */

static void credential_that_was_good_is_not_asked_about_again(void **state)
{
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "whoami: ok unavailable\n");
    assert_int_equal(log_in(session, CREDENTIAL), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(log_in(session, CREDENTIAL), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(scene_count(scene, "whoami"), 1);
    assert_int_equal(log_in(session, "token-2"), CKR_DEVICE_ERROR);
}

static void expired_credential_is_asked_about_again(void **state)
{
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "whoami: ok unauthorised\n");
    assert_int_equal(log_in(session, "old-token"),
                     CKR_OK); /* by the authority's clock it is good */
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(log_in(session, "old-token"), CKR_PIN_EXPIRED);
}

static void refusal_at_use_asks_for_another_login(void **state)
{
    struct scene *scene = *state;
    CK_SESSION_HANDLE session =
        start(scene, "submit: unauthorised ok\nwhoami: ok unauthorised ok\n");
    assert_int_equal(log_in(session, CREDENTIAL), CKR_OK);
    check_look(session, CKR_USER_NOT_LOGGED_IN, 0);
    check_look(session, CKR_OK, 0); /* a pause */
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(log_in(session, CREDENTIAL), CKR_PIN_INCORRECT);
    assert_int_equal(log_in(session, "token-2"), CKR_OK);
    check_look(session, CKR_OK, 1); /* it is over */
    assert_int_equal(scene_count(scene, "submit"), 2);
    assert_int_equal(scene_count(scene, "as token-2"), 2);
}

/* A search that began while the user was logged in, which another thread has ended. */
static void search_without_its_user_asks_nobody(void **state)
{
    struct scene *scene = *state;
    const struct zca_search search = {.has_class = true, .class = CKO_CERTIFICATE, .is_open = true};
    (void)start(scene, "");
    struct zca_token *token = zca_token_of_slot(zca_module_get(), bed_slot("web"));
    zca_module_inside();
    CK_RV rv = token->kind->search(token, &search);
    zca_module_outside();
    assert_int_equal(rv, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void credential_is_of_its_token_alone(void **state)
{
    CK_ULONG count = 0;
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "");
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    const CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof(class)};
    CK_OBJECT_HANDLE handle = 0;
    assert_int_equal(log_in(session, CREDENTIAL), CKR_OK);
    assert_int_equal(bed_find(bed_open("mail", 0), &attribute, 1, &handle, 1),
                     2); /* and the CA's */
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_int_equal(scene_count(scene, "open"), 1); /* it used the connection of the login */
    assert_int_equal(scene_count(scene, "as token-1"), 1);
    assert_int_equal(bed_look(session, CKO_PRIVATE_KEY, &count), CKR_OK);
    assert_int_equal(count, 1);
}

/* ---- what is kept ---- */

/* Logs in with a credential that only the module keeps. Sanitizers, which keep more, are run without a secure heap. */
static void log_in_once(CK_SESSION_HANDLE session, struct scan_pattern *out_pattern)
{
    char credential[] = "token-?.0000000000000000000000000000000000000000";
    memcpy(credential, "token-1", 7);
    for (size_t i = 8; i < sizeof(credential) - 1; i++) {
        credential[i] = (char)('a' + (i * 7 + 3) % 23);
    }
    scan_remember(zca_span_text(credential + 8), out_pattern);
    assert_int_equal(log_in(session, credential), CKR_OK);
    OPENSSL_cleanse(credential, sizeof(credential));
    if (!CRYPTO_secure_malloc_initialized()) {
        skip();
    }
}

static void credential_stands_once_and_in_locked_memory(void **state)
{
    struct scan_pattern pattern;
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "");
    log_in_once(session, &pattern);
    check_look(session, CKR_OK, 1);
    struct scan_result found = scan_memory(&pattern);
    assert_int_equal(found.copies, 1);
    assert_int_equal(found.locked, 1);
    assert_int_equal(found.dumped, 0);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(scan_memory(&pattern).copies, 0);
}

static void credential_ends_with_the_last_session(void **state)
{
    struct scan_pattern pattern;
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "");
    log_in_once(session, &pattern);
    CK_SESSION_HANDLE other = bed_open("web", 0);
    assert_int_equal(C_CloseSession(session), CKR_OK);
    assert_int_equal(scan_memory(&pattern).copies, 1);
    assert_int_equal(C_CloseSession(other), CKR_OK);
    assert_int_equal(scan_memory(&pattern).copies, 0);
}

static void credential_ends_with_finalize(void **state)
{
    struct scan_pattern pattern;
    struct scene *scene = *state;
    log_in_once(start(scene, ""), &pattern);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(scan_memory(&pattern).copies, 0);
}

/* ---- children ---- */

static pid_t fork_child(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    return pid;
}

static void child_that_adopts_goes_on_with_the_login(void **state)
{
    CK_ULONG count = 0;
    struct scan_pattern pattern;
    struct scene *scene = *state;
    CK_SESSION_HANDLE session = start(scene, "");
    log_in_once(session, &pattern);
    pid_t pid = fork_child();
    if (pid == 0) {
        bool is_good = bed_look(session, CKO_CERTIFICATE, &count) == CKR_OK && count == 1;
        is_good = is_good && bed_initialise(scene) == CKR_OK; /* it begins anew */
        home_leave(is_good && scan_memory(&pattern).copies == 0);
    }
    home_join(pid);
    assert_int_equal(scene_count(scene, "as token-1"), 2);
    assert_int_equal(scan_memory(&pattern).copies, 1); /* the parent's stays */
}

static void child_that_is_strict_has_nothing(void **state)
{
    struct scan_pattern pattern;
    struct scene *scene = *state;
    log_in_once(start_with(scene, "pkcs11-fork = strict\n", ""), &pattern);
    pid_t pid = fork_child();
    if (pid == 0) {
        home_leave(scan_memory(&pattern).copies == 0);
    }
    home_join(pid);
    assert_int_equal(scan_memory(&pattern).copies, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(login_shows_the_credential_to_the_authority),
        CASE(login_may_request_the_certificate),
        CASE(what_the_authority_says_is_the_outcome_of_login),
        CASE(nobody_but_the_user_logs_in),
        CASE(credential_without_a_network_is_not_taken),
        CASE(credential_that_was_good_is_not_asked_about_again),
        CASE(expired_credential_is_asked_about_again),
        CASE(refusal_at_use_asks_for_another_login),
        CASE(search_without_its_user_asks_nobody),
        CASE(credential_is_of_its_token_alone),
        CASE(credential_stands_once_and_in_locked_memory),
        CASE(credential_ends_with_the_last_session),
        CASE(credential_ends_with_finalize),
        CASE(child_that_adopts_goes_on_with_the_login),
        CASE(child_that_is_strict_has_nothing),
    };
    return cmocka_run_group_tests_name("pkcs11-module/identity_credential", tests, NULL, NULL);
}
