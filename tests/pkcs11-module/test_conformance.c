/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PKCS#11 demands of any token, on the scratch token: initialising, sessions, logins, objects, searches, copies. The
 * order of the cases is that of the standard (PKCS#11 3.0, 5).
 */
#include <string.h>

#include "tests/pkcs11-module/stored.h"

#define PIN(text) (CK_UTF8CHAR *)(text), strlen(text)

/* Handles that nobody was ever given. */
enum { NO_SLOT = 88888, NO_SESSION = 99999, NO_OBJECT = 77777 };

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;

/* ---- C_Initialize, C_Finalize ---- */

static void before_initialising_nothing_works(void **state)
{
    (void)state;
    CK_ULONG count = 0;
    CK_INFO info;
    CK_SESSION_HANDLE session = 0;
    CK_MECHANISM mechanism = {.mechanism = CKM_SHA256};
    assert_int_equal(C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session),
                     CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_DigestInit(0, &mechanism), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_EncryptInit(0, NULL, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_CreateObject(0, NULL, 0, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_WrapKey(0, NULL, 0, 0, NULL, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void initialise_and_finalise_take_turns(void **state)
{
    bed_start(*state);
    assert_int_equal(bed_initialise(*state), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_int_equal(C_Finalize(state), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(bed_initialise(*state), CKR_OK);
}

static CK_RV make_mutex(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}

static void initialise_with_some_of_the_mutex_functions_is_refused(void **state)
{
    (void)state;
    CK_C_INITIALIZE_ARGS arguments = {.CreateMutex = make_mutex};
    assert_int_equal(C_Initialize(&arguments), CKR_ARGUMENTS_BAD);
    arguments = (CK_C_INITIALIZE_ARGS){.pReserved = (void *)1};
    assert_int_equal(C_Initialize(&arguments), CKR_ARGUMENTS_BAD);
}

static void finalise_ends_sessions(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_SESSION_INFO info;
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(bed_initialise(*state), CKR_OK);
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
    session = stored_session(0);
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION); /* and logins */
}

static void information_stays_the_same(void **state)
{
    CK_INFO first;
    CK_INFO second;
    bed_start(*state);
    assert_int_equal(C_GetInfo(&first), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(bed_initialise(*state), CKR_OK);
    assert_int_equal(C_GetInfo(&second), CKR_OK);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
}

/* ---- slots, tokens, mechanisms ---- */

static void slot_list_says_how_much_room_it_needs(void **state)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 0;
    bed_start(*state);
    assert_int_equal(C_GetSlotList(CK_FALSE, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    assert_true(count >= 2 && count <= ZCA_COUNT(slots));
    CK_ULONG small = count - 1;
    assert_int_equal(C_GetSlotList(CK_FALSE, slots, &small), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(small, count);
    assert_int_equal(C_GetSlotList(CK_TRUE, slots, &small), CKR_OK);
}

static void unknown_slots_are_refused(void **state)
{
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_MECHANISM_INFO mechanism;
    CK_SESSION_HANDLE session = 0;
    CK_ULONG count = 0;
    bed_start(*state);
    assert_int_equal(C_GetSlotInfo(NO_SLOT, &slot), CKR_SLOT_ID_INVALID);
    assert_int_equal(C_GetTokenInfo(NO_SLOT, &token), CKR_SLOT_ID_INVALID);
    assert_int_equal(C_GetMechanismList(NO_SLOT, NULL, &count), CKR_SLOT_ID_INVALID);
    assert_int_equal(C_GetMechanismInfo(NO_SLOT, CKM_ECDSA, &mechanism), CKR_SLOT_ID_INVALID);
    assert_int_equal(C_InitToken(NO_SLOT, PIN(BED_SO_PIN), token.label), CKR_SLOT_ID_INVALID);
    assert_int_equal(C_OpenSession(NO_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &session),
                     CKR_SLOT_ID_INVALID);
    assert_int_equal(C_CloseAllSessions(NO_SLOT), CKR_SLOT_ID_INVALID);
}

static void mechanisms_of_the_list_have_information(void **state)
{
    CK_MECHANISM_TYPE mechanisms[128];
    CK_ULONG count = ZCA_COUNT(mechanisms);
    CK_MECHANISM_INFO info;
    bed_start(*state);
    CK_SLOT_ID slot = bed_slot("zca scratch");
    assert_int_equal(C_GetMechanismList(slot, mechanisms, &count), CKR_OK);
    assert_true(count > 10);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_int_equal(C_GetMechanismInfo(slot, mechanisms[i], &info), CKR_OK);
        assert_true(info.ulMinKeySize <= info.ulMaxKeySize);
        assert_int_not_equal(info.flags, 0);
    }
    assert_int_equal(C_GetMechanismInfo(slot, CKM_DES_CBC, &info), CKR_MECHANISM_INVALID);
    count = 1;
    assert_int_equal(C_GetMechanismList(slot, mechanisms, &count), CKR_BUFFER_TOO_SMALL);
}

/* ---- sessions ---- */

static void session_must_be_serial(void **state)
{
    CK_SESSION_HANDLE session = 0;
    bed_start(*state);
    CK_SLOT_ID slot = bed_slot("zca scratch");
    assert_int_equal(C_OpenSession(slot, CKF_RW_SESSION, NULL, NULL, &session),
                     CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
}

static void closed_sessions_are_gone(void **state)
{
    CK_SESSION_INFO info;
    CK_TOKEN_INFO token;
    bed_start(*state);
    CK_SESSION_HANDLE first = stored_session(0);
    CK_SESSION_HANDLE second = stored_session(CKF_RW_SESSION);
    assert_int_not_equal(first, second);
    assert_int_equal(C_GetTokenInfo(bed_slot("zca scratch"), &token), CKR_OK);
    assert_int_equal(token.ulSessionCount, 2);
    assert_int_equal(token.ulRwSessionCount, 1);

    assert_int_equal(C_CloseSession(first), CKR_OK);
    assert_int_equal(C_CloseSession(first), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_GetSessionInfo(first, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_GetSessionInfo(NO_SESSION, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_GetSessionInfo(second, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CloseAllSessions(bed_slot("zca scratch")), CKR_OK);
    assert_int_equal(C_GetSessionInfo(second, &info), CKR_SESSION_HANDLE_INVALID);
}

static void parallel_functions_are_of_the_past(void **state)
{
    bed_start(*state);
    assert_int_equal(C_GetFunctionStatus(NO_SESSION), CKR_FUNCTION_NOT_PARALLEL);
    assert_int_equal(C_CancelFunction(stored_session(0)), CKR_FUNCTION_NOT_PARALLEL);
}

/* ---- logins ---- */

enum step { LOGIN_USER, LOGIN_SO, WRONG_PIN, LOGOUT, OPEN_RO, OPEN_RW, CLOSE_RO };

/* One story: the second session is opened and closed beside a R/W session that stays. */
static const struct {
    enum step step;
    CK_RV rv;
    CK_STATE rw, ro; /* afterwards; ro 0: there is no such session */
} logins[] = {
    {LOGOUT,     CKR_USER_NOT_LOGGED_IN,             CKS_RW_PUBLIC_SESSION, 0                    },
    {WRONG_PIN,  CKR_PIN_INCORRECT,                  CKS_RW_PUBLIC_SESSION, 0                    },
    {OPEN_RO,    CKR_OK,                             CKS_RW_PUBLIC_SESSION, CKS_RO_PUBLIC_SESSION},
    {LOGIN_SO,   CKR_SESSION_READ_ONLY_EXISTS,       CKS_RW_PUBLIC_SESSION, CKS_RO_PUBLIC_SESSION},
    {LOGIN_USER, CKR_OK,                             CKS_RW_USER_FUNCTIONS, CKS_RO_USER_FUNCTIONS},
    {LOGIN_USER, CKR_USER_ALREADY_LOGGED_IN,         CKS_RW_USER_FUNCTIONS, CKS_RO_USER_FUNCTIONS},
    {LOGIN_SO,   CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKS_RW_USER_FUNCTIONS, CKS_RO_USER_FUNCTIONS},
    {CLOSE_RO,   CKR_OK,                             CKS_RW_USER_FUNCTIONS, 0                    },
    {LOGOUT,     CKR_OK,                             CKS_RW_PUBLIC_SESSION, 0                    },
    {LOGIN_SO,   CKR_OK,                             CKS_RW_SO_FUNCTIONS,   0                    },
    {LOGIN_SO,   CKR_USER_ALREADY_LOGGED_IN,         CKS_RW_SO_FUNCTIONS,   0                    },
    {LOGIN_USER, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKS_RW_SO_FUNCTIONS,   0                    },
    {OPEN_RO,    CKR_SESSION_READ_WRITE_SO_EXISTS,   CKS_RW_SO_FUNCTIONS,   0                    },
    {LOGOUT,     CKR_OK,                             CKS_RW_PUBLIC_SESSION, 0                    },
    {OPEN_RO,    CKR_OK,                             CKS_RW_PUBLIC_SESSION, CKS_RO_PUBLIC_SESSION},
};

struct sessions {
    CK_SESSION_HANDLE rw, ro;
};

static CK_RV take(struct sessions *sessions, enum step step)
{
    CK_SLOT_ID slot = bed_slot("scratch");
    switch (step) {
    case LOGIN_USER:
        return C_Login(sessions->rw, CKU_USER, PIN(BED_PIN));
    case LOGIN_SO:
        return C_Login(sessions->rw, CKU_SO, PIN(BED_SO_PIN));
    case WRONG_PIN:
        return C_Login(sessions->rw, CKU_USER, PIN("4321"));
    case LOGOUT:
        return C_Logout(sessions->rw);
    case OPEN_RO:
        return C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &sessions->ro);
    case OPEN_RW:
        return C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &sessions->rw);
    default:
        return C_CloseSession(sessions->ro);
    }
}

static void check_state(CK_SESSION_HANDLE session, CK_STATE wanted)
{
    CK_SESSION_INFO info;
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, wanted);
}

static void logins_follow_the_states_of_the_standard(void **state)
{
    bed_start(*state);
    struct sessions sessions = {.rw = bed_scratch()};
    assert_int_equal(C_Logout(sessions.rw), CKR_OK);
    for (size_t i = 0; i < ZCA_COUNT(logins); i++) {
        CK_RV rv = take(&sessions, logins[i].step);
        if (rv != logins[i].rv) {
            fail_msg("step %zu: 0x%lx", i, rv);
        }
        check_state(sessions.rw, logins[i].rw);
        if (logins[i].ro != 0) {
            check_state(sessions.ro, logins[i].ro);
        }
    }
}

static void last_session_takes_the_login_with_it(void **state)
{
    bed_start(*state);
    struct sessions sessions = {.rw = bed_scratch()};
    assert_int_equal(take(&sessions, OPEN_RO), CKR_OK);
    assert_int_equal(C_CloseSession(sessions.rw), CKR_OK);
    check_state(sessions.ro, CKS_RO_USER_FUNCTIONS);
    assert_int_equal(C_CloseSession(sessions.ro), CKR_OK);
    assert_int_equal(take(&sessions, OPEN_RW), CKR_OK);
    check_state(sessions.rw, CKS_RW_PUBLIC_SESSION);
}

static void wrong_users_and_pins_are_refused(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(C_Login(session, 17, PIN(BED_PIN)), CKR_USER_TYPE_INVALID);
    assert_int_equal(C_Login(session, CKU_USER, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Login(session, CKU_CONTEXT_SPECIFIC, PIN(BED_PIN)),
                     CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_Login(NO_SESSION, CKU_USER, PIN(BED_PIN)), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_Logout(NO_SESSION), CKR_SESSION_HANDLE_INVALID);
}

/* ---- who may make which object ---- */

/* PKCS#11 3.0, 4.4: rows are sessions, columns public and private session objects, public and private token objects. */
static const struct {
    CK_FLAGS session;
    CK_USER_TYPE user; /* CK_UNAVAILABLE_INFORMATION: nobody */
    CK_RV rv[2][2];    /* by CKA_TOKEN, by CKA_PRIVATE */
} makers[] = {
    {0,
     CK_UNAVAILABLE_INFORMATION, {{CKR_OK, CKR_USER_NOT_LOGGED_IN}, {CKR_SESSION_READ_ONLY, CKR_SESSION_READ_ONLY}}},
    {CKF_RW_SESSION,
     CK_UNAVAILABLE_INFORMATION, {{CKR_OK, CKR_USER_NOT_LOGGED_IN}, {CKR_OK, CKR_USER_NOT_LOGGED_IN}}              },
    {0,              CKU_USER,   {{CKR_OK, CKR_OK}, {CKR_SESSION_READ_ONLY, CKR_SESSION_READ_ONLY}}                },
    {CKF_RW_SESSION, CKU_USER,   {{CKR_OK, CKR_OK}, {CKR_OK, CKR_OK}}                                              },
    {CKF_RW_SESSION, CKU_SO,     {{CKR_OK, CKR_USER_NOT_LOGGED_IN}, {CKR_OK, CKR_USER_NOT_LOGGED_IN}}              },
};

static CK_RV make(CK_SESSION_HANDLE session, bool is_token, bool is_private)
{
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,   &data_class,             sizeof(data_class)},
        {CKA_TOKEN,   is_token ? &yes : &no,   sizeof(yes)       },
        {CKA_PRIVATE, is_private ? &yes : &no, sizeof(yes)       },
    };
    return C_CreateObject(session, attributes, ZCA_COUNT(attributes), &object);
}

static void log_in_as(CK_SESSION_HANDLE session, CK_USER_TYPE user)
{
    const char *pin = user == CKU_SO ? BED_SO_PIN : BED_PIN;
    if (user != CK_UNAVAILABLE_INFORMATION) {
        assert_int_equal(C_Login(session, user, PIN(pin)), CKR_OK);
    }
}

static void objects_are_made_by_who_may(void **state)
{
    bed_start(*state);
    assert_int_equal(C_CloseSession(bed_scratch()), CKR_OK);
    for (size_t i = 0; i < ZCA_COUNT(makers); i++) {
        CK_SESSION_HANDLE session = stored_session(makers[i].session);
        log_in_as(session, makers[i].user);
        for (int j = 0; j < 4; j++) {
            CK_RV rv = make(session, j / 2, j % 2);
            if (rv != makers[i].rv[j / 2][j % 2]) {
                fail_msg("session %zu, object %d: 0x%lx", i, j, rv);
            }
        }
        assert_int_equal(C_CloseSession(session), CKR_OK);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(before_initialising_nothing_works),
        CASE(initialise_and_finalise_take_turns),
        CASE(initialise_with_some_of_the_mutex_functions_is_refused),
        CASE(finalise_ends_sessions),
        CASE(information_stays_the_same),
        CASE(slot_list_says_how_much_room_it_needs),
        CASE(unknown_slots_are_refused),
        CASE(mechanisms_of_the_list_have_information),
        CASE(session_must_be_serial),
        CASE(closed_sessions_are_gone),
        CASE(parallel_functions_are_of_the_past),
        CASE(logins_follow_the_states_of_the_standard),
        CASE(last_session_takes_the_login_with_it),
        CASE(wrong_users_and_pins_are_refused),
        CASE(objects_are_made_by_who_may),
    };
    return cmocka_run_group_tests_name("pkcs11/conformance", tests, NULL, NULL);
}
