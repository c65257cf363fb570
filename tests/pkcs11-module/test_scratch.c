/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch token in one process: initialising, PINs, what a login opens. */
#include <pthread.h>
#include <string.h>

#include "tests/pkcs11-module/stored.h"

#define PIN(text) (CK_UTF8CHAR *)(text), strlen(text)

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *pin)
{
    return C_Login(session, user, PIN(pin));
}

static void check_label(const char *wanted)
{
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot_info;
    CK_SLOT_ID slot = bed_slot(wanted); /* fails without such a token */
    assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
    assert_int_equal(C_GetSlotInfo(slot, &slot_info), CKR_OK);
    assert_memory_equal(slot_info.slotDescription, wanted, strlen(wanted));
    assert_int_equal(info.ulMinPinLen, 4);
    assert_int_equal(info.ulMaxPinLen, 255);
}

static bool has(CK_FLAGS flags)
{
    return (stored_flags() & flags) == flags;
}

/* ---- initialising ---- */

static void new_token_has_no_pins_and_stores_nothing(void **state)
{
    bed_start(*state);
    check_label("zca scratch");
    assert_true(has(CKF_LOGIN_REQUIRED | CKF_RNG));
    assert_int_equal(stored_flags() & (CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED), 0);
    CK_SESSION_HANDLE session = stored_session(CKF_RW_SESSION);

    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_USER_PIN_NOT_INITIALIZED);
    assert_int_equal(login(session, CKU_SO, BED_SO_PIN), CKR_PIN_INCORRECT);
    assert_int_equal(stored_data(session, "x", false), 0);
    assert_int_equal(stored_count(session, NULL), 0);
}

static void init_token_names_it(void **state)
{
    bed_start(*state);

    assert_int_equal(stored_init(BED_SO_PIN, "mine"), CKR_OK);

    check_label("mine");
    assert_true(has(CKF_TOKEN_INITIALIZED));
    assert_false(has(CKF_USER_PIN_INITIALIZED));
    assert_int_equal(login(stored_session(CKF_RW_SESSION), CKU_USER, BED_PIN),
                     CKR_USER_PIN_NOT_INITIALIZED);
}

static void init_token_again_needs_the_so_pin_and_erases(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_not_equal(stored_data(session, "old", false), 0);
    assert_int_equal(stored_init(BED_SO_PIN, "x"), CKR_SESSION_EXISTS);
    assert_int_equal(C_CloseSession(session), CKR_OK);

    assert_int_equal(stored_init("wrong", "x"), CKR_PIN_INCORRECT);
    assert_true(has(CKF_SO_PIN_COUNT_LOW));
    check_label("scratch");
    assert_int_equal(stored_count(stored_session(0), "old"), 1);
    assert_int_equal(C_CloseAllSessions(bed_slot("scratch")), CKR_OK);

    assert_int_equal(stored_init(BED_SO_PIN, "anew"), CKR_OK);
    check_label("anew");
    assert_false(has(CKF_USER_PIN_INITIALIZED));
    assert_int_equal(stored_count(stored_session(0), NULL), 0);
}

static void pins_of_wrong_length_are_refused(void **state)
{
    char longest[257];
    memset(longest, '1', sizeof(longest));
    longest[256] = '\0';
    bed_start(*state);

    assert_int_equal(stored_init("123", "x"), CKR_PIN_LEN_RANGE);
    assert_int_equal(stored_init(longest, "x"), CKR_PIN_LEN_RANGE);
    longest[255] = '\0';
    assert_int_equal(stored_init(longest, "x"), CKR_OK);
    CK_SESSION_HANDLE session = stored_session(CKF_RW_SESSION);
    assert_int_equal(login(session, CKU_SO, longest), CKR_OK);
    assert_int_equal(C_InitPIN(session, PIN("123")), CKR_PIN_LEN_RANGE);
    assert_int_equal(C_InitPIN(session, PIN("1234")), CKR_OK);
    assert_int_equal(C_SetPIN(session, PIN(longest), PIN("abc")), CKR_PIN_LEN_RANGE);
}

/* ---- PINs ---- */

static void init_pin_is_for_the_so(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();

    assert_int_equal(C_InitPIN(session, PIN("5678")), CKR_USER_NOT_LOGGED_IN);

    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(C_InitPIN(session, PIN("5678")), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);
}

static void new_user_pin_of_the_so_opens_the_old_objects(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_not_equal(stored_data(session, "kept", true), 0);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_SO, BED_SO_PIN), CKR_OK);
    assert_int_equal(stored_count(session, NULL), 0); /* private ones are not the SO's */

    assert_int_equal(C_InitPIN(session, PIN("another")), CKR_OK);

    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_USER, "another"), CKR_OK);
    assert_int_equal(stored_count(session, "kept"), 1);
}

static void set_pin_changes_the_pin_of_who_is_logged_in(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();

    assert_int_equal(C_SetPIN(session, PIN("wrong"), PIN("user")), CKR_PIN_INCORRECT);
    assert_int_equal(C_SetPIN(session, PIN(BED_PIN), PIN("user")), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(C_SetPIN(session, PIN("user"), PIN("again")), CKR_OK); /* nobody: the user's */
    assert_int_equal(login(session, CKU_SO, BED_SO_PIN), CKR_OK);
    assert_int_equal(C_SetPIN(session, PIN("again"), PIN("officer")), CKR_PIN_INCORRECT);
    assert_int_equal(C_SetPIN(session, PIN(BED_SO_PIN), PIN("officer")), CKR_OK);

    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_SO, BED_SO_PIN), CKR_PIN_INCORRECT);
    assert_int_equal(login(session, CKU_SO, "officer"), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, "again"), CKR_OK);
}

static void ten_wrong_pins_lock(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_false(has(CKF_USER_PIN_COUNT_LOW));

    for (int i = 1; i <= 10; i++) {
        assert_int_equal(login(session, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
        assert_true(has(CKF_USER_PIN_COUNT_LOW));
        assert_int_equal(has(CKF_USER_PIN_FINAL_TRY), i == 9);
        assert_int_equal(has(CKF_USER_PIN_LOCKED), i == 10);
    }

    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_PIN_LOCKED);
    assert_int_equal(C_SetPIN(session, PIN(BED_PIN), PIN("other")), CKR_PIN_LOCKED);
    assert_int_equal(login(session, CKU_SO, BED_SO_PIN), CKR_OK);
    assert_int_equal(C_InitPIN(session, PIN(BED_PIN)), CKR_OK); /* the SO unlocks */
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);
}

static void right_pin_forgets_wrong_ones(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_equal(C_Logout(session), CKR_OK);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(login(session, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
    }
    assert_true(has(CKF_USER_PIN_FINAL_TRY));

    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);

    assert_int_equal(stored_flags() & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY), 0);
}

static void so_pin_locks_too(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_equal(C_Logout(session), CKR_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(login(session, CKU_SO, "wrong"), CKR_PIN_INCORRECT);
    }
    assert_int_equal(login(session, CKU_SO, BED_SO_PIN), CKR_PIN_LOCKED);
    assert_true(has(CKF_SO_PIN_LOCKED));
    assert_int_equal(C_CloseSession(session), CKR_OK);
    assert_int_equal(stored_init(BED_SO_PIN, "x"), CKR_PIN_LOCKED);
}

/* ---- private objects ---- */

static void private_objects_are_there_while_somebody_is_logged_in(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_ATTRIBUTE attribute = {.type = CKA_LABEL};
    CK_OBJECT_HANDLE secret = stored_data(session, "secret", true);
    CK_OBJECT_HANDLE open = stored_data(session, "open", false);
    assert_int_not_equal(secret, 0);
    assert_int_equal(stored_count(session, NULL), 2);

    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(stored_count(session, NULL), 1);
    assert_int_equal(C_GetAttributeValue(session, secret, &attribute, 1),
                     CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(stored_data(session, "x", true), 0);

    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);
    assert_int_equal(stored_count(session, NULL), 2);
    assert_int_equal(C_GetAttributeValue(session, secret, &attribute, 1),
                     CKR_OBJECT_HANDLE_INVALID); /* it is another one now */
    assert_int_equal(C_GetAttributeValue(session, open, &attribute, 1), CKR_OK);
}

static void last_session_logs_out(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_not_equal(stored_data(session, "secret", true), 0);
    assert_int_equal(C_CloseSession(session), CKR_OK);
    session = stored_session(CKF_RW_SESSION);
    assert_int_equal(stored_count(session, NULL), 0);
    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);
    assert_int_equal(stored_count(session, "secret"), 1);
}

static void changed_and_destroyed_objects_stay_so(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_OBJECT_HANDLE first = stored_data(session, "first", true);
    CK_OBJECT_HANDLE second = stored_data(session, "second", false);
    assert_int_equal(stored_set_label(session, first, "renamed"), CKR_OK);
    assert_int_equal(C_DestroyObject(session, second), CKR_OK);

    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);

    assert_int_equal(stored_count(session, NULL), 1);
    assert_int_equal(stored_count(session, "renamed"), 1);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 8 };

static void *work(void *argument)
{
    const char *label = argument;
    bool ok = true;
    CK_SESSION_HANDLE session = stored_session(CKF_RW_SESSION);
    for (int i = 0; ok && i < ROUNDS; i++) {
        CK_OBJECT_HANDLE object = stored_data(session, label, true);
        ok = object != 0 && stored_find(session, CKO_DATA, label) == object &&
             stored_set_label(session, object, "renamed") == CKR_OK &&
             stored_count(session, label) == 0 && stored_pair_works(session, CKM_ECDSA, "shared") &&
             C_DestroyObject(session, object) == CKR_OK;
    }
    return ok ? argument : NULL;
}

static void threads_store_and_find_at_once(void **state)
{
    char labels[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_true(stored_pair(session, CKM_EC_KEY_PAIR_GEN, "shared", true));
    assert_int_equal(C_Logout(session), CKR_OK); /* so that the key is read by one of them */
    assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, labels[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(stored_count(session, NULL), 2);
}

static void *find_only(void *argument)
{
    CK_SESSION_HANDLE session = stored_session(0);
    size_t most = 0;
    for (int i = 0; i < 200; i++) {
        size_t count = stored_count(session, "secret");
        most = count > most ? count : most;
    }
    return most <= 1 ? argument : NULL; /* there is one, or none that is seen */
}

static void search_beside_logins_sees_each_object_once(void **state)
{
    pthread_t thread;
    void *result = NULL;
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_not_equal(stored_data(session, "secret", true), 0);
    assert_int_equal(pthread_create(&thread, NULL, find_only, *state), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(C_Logout(session), CKR_OK);
        assert_int_equal(login(session, CKU_USER, BED_PIN), CKR_OK);
    }
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    assert_int_equal(stored_count(session, "secret"), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(new_token_has_no_pins_and_stores_nothing),
        CASE(init_token_names_it),
        CASE(init_token_again_needs_the_so_pin_and_erases),
        CASE(pins_of_wrong_length_are_refused),
        CASE(init_pin_is_for_the_so),
        CASE(new_user_pin_of_the_so_opens_the_old_objects),
        CASE(set_pin_changes_the_pin_of_who_is_logged_in),
        CASE(ten_wrong_pins_lock),
        CASE(right_pin_forgets_wrong_ones),
        CASE(so_pin_locks_too),
        CASE(private_objects_are_there_while_somebody_is_logged_in),
        CASE(last_session_logs_out),
        CASE(changed_and_destroyed_objects_stay_so),
        CASE(threads_store_and_find_at_once),
        CASE(search_beside_logins_sees_each_object_once),
    };
    return cmocka_run_group_tests_name("pkcs11/scratch", tests, NULL, NULL);
}
