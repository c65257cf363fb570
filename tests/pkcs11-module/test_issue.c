/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "core/pin.h"
#include "tests/pkcs11-module/bed.h"

static void start(struct scene *scene, const char *dialect, const char *sections, const char *plan)
{
    bed_configure(scene, "", dialect, sections);
    scene_plan(scene, plan);
    assert_int_equal(bed_initialise(scene), CKR_OK);
}

/* Nobody has called the fake authority: not so much as opened a client. (The new configuration has closed the connection of
 * the test before.) */
static void check_silence(const struct scene *scene)
{
    zca_auto(zca_buffer) struct zca_buffer log = {0};
    if (scene_exists(scene, "fake/log")) {
        scene_read(scene, "fake/log", &log);
        assert_string_equal((const char *)log.data, "close\n");
    }
}

static void check_look(CK_SESSION_HANDLE session, CK_RV wanted_rv, CK_ULONG wanted_count)
{
    CK_ULONG count = 0;
    assert_int_equal(bed_look(session, CKO_CERTIFICATE, &count), wanted_rv);
    assert_int_equal(count, wanted_count);
}

static void log_in(CK_SESSION_HANDLE session, const char *pin, CK_RV wanted)
{
    assert_int_equal(C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin)),
                     wanted);
}

static void set_pin(struct scene *scene, const char *pin)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    scene_open(scene, "zca://corp/web");
    check_ok(zca_pin_set(scene->library, "corp", "web", zca_span_text(pin), &err), err);
    scene_close(scene);
}

/* ---- when a certificate is requested ---- */

static void search_for_certificates_issues_one(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\n", "submit: ok\n");
    CK_SESSION_HANDLE session = bed_open("web", 0);
    check_look(session, CKR_OK, 1);
    check_look(session, CKR_OK, 1);
    assert_int_equal(scene_count(scene, "submit"), 1);
}

static void nothing_but_a_search_reaches_the_authority(void **state)
{
    struct scene *scene = *state;
    CK_ULONG count = 0;
    CK_MECHANISM_TYPE mechanisms[64];
    CK_ULONG num_mechanisms = ZCA_COUNT(mechanisms);
    start(scene, "signing", "[identity web]\n", "submit: ok\n");
    CK_SESSION_HANDLE session = bed_open("web", CKF_RW_SESSION);
    CK_SESSION_HANDLE other = bed_open("corp", 0);
    assert_int_equal(C_GetMechanismList(bed_slot("web"), mechanisms, &num_mechanisms), CKR_OK);
    assert_int_equal(bed_look(session, CKO_PRIVATE_KEY, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(bed_look(other, CKO_PRIVATE_KEY, &count), CKR_OK);
    assert_int_equal(C_CloseSession(session), CKR_OK);
    assert_int_equal(C_CloseSession(other), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    check_silence(scene);
}

static void search_for_anything_else_issues_nothing(void **state)
{
    static const CK_OBJECT_CLASS classes[] = {
        CKO_DATA,       CKO_PROFILE,    CKO_NSS_TRUST,  CKO_NSS_BUILTIN_ROOT_LIST,
        CKO_NSS_CRL,    CKO_HW_FEATURE, CKO_SECRET_KEY, CKO_PUBLIC_KEY,
        CKO_PRIVATE_KEY};
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\n", "submit: ok\n");
    static const char *const tokens[] = {"web", "corp"};
    for (size_t i = 0; i < ZCA_COUNT(tokens); i++) {
        CK_SESSION_HANDLE session = bed_open(tokens[i], 0);
        (void)bed_find(session, NULL, 0, NULL, 0);
        for (size_t j = 0; j < ZCA_COUNT(classes); j++) {
            const CK_ATTRIBUTE attribute = {CKA_CLASS, (void *)(uintptr_t)&classes[j],
                                            sizeof(classes[j])};
            (void)bed_find(session, &attribute, 1, NULL, 0);
        }
        const CK_ATTRIBUTE label = {CKA_LABEL, (void *)"web", 3};
        (void)bed_find(session, &label, 1, NULL, 0);
    }
    check_silence(scene);
}

static void issue_manual_issues_nothing(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\nissue = manual\n", "submit: ok\n");
    check_look(bed_open("web", 0), CKR_OK, 0);
    check_silence(scene);
}

static void auto_enrol_no_issues_nothing(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\nauto-enrol = no\n", "submit: ok\n");
    check_look(bed_open("web", 0), CKR_OK, 0);
    check_silence(scene);
}

static void remote_off_issues_nothing(void **state)
{
    struct scene *scene = *state;
    bed_configure(scene, "remote = off\n", "plain", "[identity web]\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
    check_look(bed_open("web", 0), CKR_OK, 0);
    check_look(bed_open("corp", 0), CKR_OK, 0);
    check_silence(scene);
}

static void pin_is_the_gate_of_on_demand(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\npin = local\n", "submit: ok\n");
    set_pin(scene, "a secret");
    CK_SESSION_HANDLE session = bed_open("web", 0);
    check_look(session, CKR_OK, 0);
    check_silence(scene);
    log_in(session, "a secret", CKR_OK);
    check_silence(scene);
    check_look(session, CKR_OK, 1);
    assert_int_equal(scene_count(scene, "submit"), 1);
}

static void on_login_issues_with_the_login(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\npin = local\nissue = on-login\n", "submit: ok\n");
    set_pin(scene, "a secret");
    CK_SESSION_HANDLE session = bed_open("web", 0);
    check_look(session, CKR_OK, 0);
    log_in(session, "a wrong one", CKR_PIN_INCORRECT);
    check_silence(scene);
    log_in(session, "a secret", CKR_OK);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_int_equal(C_Logout(session), CKR_OK);
    check_look(session, CKR_OK, 1);
}

static void login_without_a_pin_set_says_so(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\npin = local\n", "submit: ok\n");
    log_in(bed_open("web", 0), "a secret", CKR_USER_PIN_NOT_INITIALIZED);
}

static void tenth_wrong_pin_locks_the_token(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "[identity web]\npin = local\n", "submit: ok\n");
    set_pin(scene, "a secret");
    CK_SESSION_HANDLE session = bed_open("web", 0);
    for (unsigned i = 0; i < ZCA_PIN_MAX_FAILURES; i++) {
        log_in(session, "a wrong one", CKR_PIN_INCORRECT);
    }
    log_in(session, "a secret", CKR_PIN_LOCKED);
}

static void server_made_key_claims_nothing(void **state)
{
    static const CK_ATTRIBUTE_TYPE claims[] = {CKA_LOCAL, CKA_NEVER_EXTRACTABLE,
                                               CKA_ALWAYS_SENSITIVE};
    struct scene *scene = *state;
    start(scene, "keygen", "[identity web]\n", "submit: ok\n");
    CK_SESSION_HANDLE session = bed_open("web", 0);
    check_look(session, CKR_OK, 1);
    CK_OBJECT_HANDLE key = bed_object(session, CKO_PRIVATE_KEY);
    for (size_t i = 0; i < ZCA_COUNT(claims); i++) {
        zca_auto(zca_buffer) struct zca_buffer value = {0};
        bed_value(session, key, claims[i], &value);
        assert_int_equal(value.len, 1);
        assert_int_equal(value.data[0], CK_FALSE);
    }
}

/* ---- failures ---- */

static void failures_become_codes_once(void **state)
{
    static const struct {
        const char *word;
        CK_RV rv;
    } rows[] = {
        {"refuse",        CKR_FUNCTION_REJECTED   },
        {"unauthorised",  CKR_USER_NOT_LOGGED_IN  },
        {"html",          CKR_DEVICE_ERROR        },
        {"later",         CKR_DEVICE_ERROR        },
        {"gone",          CKR_TOKEN_NOT_RECOGNIZED},
        {"uninitialised", CKR_TOKEN_NOT_RECOGNIZED},
        {"other-key",     CKR_DEVICE_ERROR        },
        {"rogue",         CKR_DEVICE_ERROR        },
    };
    struct scene *scene = *state;
    char sections[256];
    char plan[64];
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) { /* an identity each: none has a past */
        (void)snprintf(sections, sizeof(sections),
                       "timeout = 1s\n[identity web]\nauthority = corp\nttl = %zu\n", 3600 + i);
        (void)snprintf(plan, sizeof(plan), "submit: %s\n", rows[i].word);
        start(scene, "plain", sections, plan);
        CK_SESSION_HANDLE session = bed_open("web", 0);
        check_look(session, rows[i].rv, 0);
        size_t asked = scene_count(scene, "submit");
        check_look(session, CKR_OK, 0); /* the pause */
        assert_int_equal(scene_count(scene, "submit"), asked);
        assert_int_equal(C_Finalize(NULL), CKR_OK);
    }
}

static void status_tells_the_failure(void **state)
{
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer json = {0};
    start(scene, "plain", "[identity web]\n", "submit: refuse\n");
    CK_SESSION_HANDLE session = bed_open("web", 0);
    check_look(session, CKR_FUNCTION_REJECTED, 0);
    bed_value(session, bed_object(session, CKO_DATA), CKA_VALUE, &json);
    assert_non_null(strstr((const char *)json.data, "\"state\":\"failed\""));
    assert_non_null(strstr((const char *)json.data, "fake authority: submit: refuse"));
    assert_non_null(strstr((const char *)json.data, "\"next_attempt\":\"20"));
}

static void pending_order_is_no_failure(void **state)
{
    const struct timespec pause = {.tv_sec = 2, .tv_nsec = 200 * 1000 * 1000};
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer json = {0};
    start(scene, "slow", "timeout = 1s\n[identity web]\n", "poll: pending\n");
    CK_SESSION_HANDLE session = bed_open("web", 0);
    check_look(session, CKR_OK, 0);
    bed_value(session, bed_object(session, CKO_DATA), CKA_VALUE, &json);
    assert_non_null(strstr((const char *)json.data, "\"state\":\"pending\""));
    assert_int_equal(scene_count(scene, "submit"), 1);
    scene_plan(scene, "poll: ok\n"); /* and a new log */
    (void)nanosleep(&pause, NULL);
    check_look(session, CKR_OK, 1);
    assert_int_equal(scene_count(scene, "submit"), 0); /* none but the first */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(search_for_certificates_issues_one),
        CASE(nothing_but_a_search_reaches_the_authority),
        CASE(search_for_anything_else_issues_nothing),
        CASE(issue_manual_issues_nothing),
        CASE(auto_enrol_no_issues_nothing),
        CASE(remote_off_issues_nothing),
        CASE(pin_is_the_gate_of_on_demand),
        CASE(on_login_issues_with_the_login),
        CASE(login_without_a_pin_set_says_so),
        CASE(tenth_wrong_pin_locks_the_token),
        CASE(server_made_key_claims_nothing),
        CASE(failures_become_codes_once),
        CASE(status_tells_the_failure),
        CASE(pending_order_is_no_failure),
    };
    return cmocka_run_group_tests_name("pkcs11-module/issue", tests, NULL, NULL);
}
