/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that no application should make, each in a process of its own: every function of the table in calls.c with each
 * argument wrong in each way that its kind can be, and in each state that it is not for. Contents of templates and of
 * mechanisms' parameters are in test_hostile_data.c.
 */
#include <stdio.h>
#include <string.h>

#include "tests/pkcs11-module/world.h"

#define SET(name, ...) static const CK_RV name[] = {__VA_ARGS__, CODES_END}

SET(fine, CKR_OK);
SET(bad_arguments, CKR_ARGUMENTS_BAD);
SET(bad_session, CKR_SESSION_HANDLE_INVALID);
SET(bad_slot, CKR_SLOT_ID_INVALID);
SET(bad_object, CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID);
SET(bad_length, CKR_DATA_LEN_RANGE, CKR_ARGUMENTS_BAD, CKR_PIN_LEN_RANGE);
SET(other_length, CKR_SIGNATURE_LEN_RANGE, CKR_ENCRYPTED_DATA_LEN_RANGE);
SET(other_pin, CKR_PIN_LEN_RANGE, CKR_PIN_INCORRECT);
SET(too_small, CKR_BUFFER_TOO_SMALL);
SET(bad_mechanism, CKR_MECHANISM_INVALID);
SET(bad_user, CKR_USER_TYPE_INVALID);
SET(no_operation, CKR_OPERATION_NOT_INITIALIZED);
SET(active, CKR_OPERATION_ACTIVE);
SET(parallel, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
SET(not_initialised, CKR_CRYPTOKI_NOT_INITIALIZED);
SET(logged_out, CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN, CKR_OK,
    CKR_NO_EVENT, CKR_PIN_INCORRECT, CKR_FUNCTION_NOT_SUPPORTED, CKR_FUNCTION_NOT_PARALLEL,
    CKR_OPERATION_NOT_INITIALIZED, CKR_USER_ALREADY_LOGGED_IN, CKR_SESSION_READ_ONLY,
    CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_SESSION_EXISTS);

static CK_ULONG zero;
static CK_ULONG one = 1;
static uint8_t few[8];
static CK_MECHANISM unknown = {0x5555, NULL, 0};
static CK_MECHANISM of_all_ones = {CK_UNAVAILABLE_INFORMATION, NULL, 0};
static CK_MECHANISM of_vendor = {CKM_VENDOR_DEFINED, few, sizeof(few)};
static CK_MECHANISM of_nothing = {CKM_AES_CBC, NULL, -1UL};
static CK_UTF8CHAR bad_utf8[32] = {0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf5};

#define LESS_THAN_NOTHING (-1UL)
#define TERA (1UL << 40)
#define OVERFLOW_ALL (1UL << 60)
#define NEGATIVE (1UL << 63)
#define OVERFLOW_ONE (-1UL / sizeof(CK_ATTRIBUTE) + 1)

#define NUMBER(kind, value, codes)                                                                 \
    {                                                                                              \
#value, KIND_##kind, KIND_##kind, {.number = value }, codes                                \
    }
#define NUMBERS(from, to, value, codes)                                                            \
    {                                                                                              \
#value, KIND_##from, KIND_##to, {.number = value }, codes                                  \
    }
#define POINTER(from, to, value, codes)                                                            \
    {                                                                                              \
#value, KIND_##from, KIND_##to, {.pointer = value }, codes                                 \
    }

/* How arguments of a kind are wrong, and what those functions answer that we have. */
static const struct damage {
    const char *name;
    enum kind first, last;
    union argument value;
    const CK_RV *codes;
} damages[] = {
    NUMBER(SESSION, 0, bad_session),
    NUMBER(SESSION, LESS_THAN_NOTHING, bad_session),
    NUMBER(SESSION, NEGATIVE, bad_session),
    NUMBER(SLOT, LESS_THAN_NOTHING, bad_slot),
    NUMBER(SLOT, TERA, bad_slot),
    NUMBERS(OBJECT, SECRET_KEY, 0, bad_object),
    NUMBERS(OBJECT, SECRET_KEY, LESS_THAN_NOTHING, bad_object),
    NUMBERS(OBJECT, SECRET_KEY, NEGATIVE, bad_object),
    POINTER(RESERVED, RESERVED, few, bad_arguments),
    POINTER(BYTES, SO_PIN, NULL, bad_arguments),
    NUMBERS(LEN, SO_PIN_LEN, LESS_THAN_NOTHING, bad_length),
    NUMBERS(LEN, SO_PIN_LEN, TERA, bad_length),
    NUMBERS(LEN, SO_PIN_LEN, OVERFLOW_ALL, bad_length),
    NUMBERS(LEN, SO_PIN_LEN, NEGATIVE, bad_length),
    NUMBERS(LEN_64, LEN_256, 0, other_length),
    NUMBERS(LEN_64, LEN_256, 1, other_length),
    NUMBERS(PIN_LEN, SO_PIN_LEN, 0, other_pin),
    POINTER(LABEL, LABEL, NULL, bad_arguments),
    POINTER(LABEL, LABEL, bad_utf8, other_pin),
    POINTER(OUT, OUT, NULL, fine),
    POINTER(OUT_LEN, OUT_LEN, NULL, bad_arguments),
    POINTER(OUT_LEN, OUT_LEN, &zero, too_small),
    POINTER(OUT_LEN, OUT_LEN, &one, too_small),
    NUMBER(RANDOM_LEN, LESS_THAN_NOTHING, bad_arguments),
    NUMBER(RANDOM_LEN, TERA, bad_arguments),
    POINTER(INFO, INFO, NULL, bad_arguments),
    POINTER(LIST, LIST, NULL, fine),
    POINTER(LIST_COUNT, LIST_COUNT, NULL, bad_arguments),
    POINTER(LIST_COUNT, LIST_COUNT, &zero, too_small),
    POINTER(LIST_COUNT, LIST_COUNT, &one, too_small),
    POINTER(HANDLE_OUT, HANDLE_OUT, NULL, bad_arguments),
    POINTER(MECHANISM, SECRET, NULL, bad_arguments),
    POINTER(MECHANISM, SECRET, &unknown, bad_mechanism),
    POINTER(MECHANISM, SECRET, &of_all_ones, bad_mechanism),
    POINTER(MECHANISM, SECRET, &of_vendor, bad_mechanism),
    POINTER(MECHANISM, SECRET, &of_nothing, bad_mechanism),
    NUMBER(TYPE, LESS_THAN_NOTHING, bad_mechanism),
    NUMBER(TYPE, CKM_AES_CBC, bad_mechanism),
    POINTER(NEW_DATA, SECRET_PART, NULL, bad_arguments),
    NUMBER(COUNT, LESS_THAN_NOTHING, bad_arguments),
    NUMBER(COUNT, OVERFLOW_ALL, bad_arguments),
    NUMBER(COUNT, OVERFLOW_ONE, bad_arguments),
    NUMBER(COUNT, NEGATIVE, bad_arguments),
    NUMBER(COUNT, 1UL << 20, bad_arguments),
    NUMBER(USER, LESS_THAN_NOTHING, bad_user),
    NUMBER(USER, 3, bad_user),
    NUMBER(USER, CKU_CONTEXT_SPECIFIC, no_operation),
    NUMBER(SESSION_FLAGS, 0, parallel),
    NUMBER(SESSION_FLAGS, ~(CK_FLAGS)CKF_SERIAL_SESSION, parallel),
};

/* Where a kind means something else to a function. */
static const struct exception {
    const char *function;
    enum kind kind;
    const char *damage; /* NULL: all */
    const CK_RV *codes;
} exceptions[] = {
    {"C_FindObjects",     KIND_COUNT,      NULL,   fine         }, /* room for more than there is */
    {"C_FindObjects",     KIND_LIST,       "NULL", bad_arguments},
    {"C_SignMessageNext", KIND_OUT,        "NULL", fine         },
    {"C_SignMessageNext", KIND_LIST_COUNT, "NULL", fine         }, /* not the last part */
    {"C_GenerateRandom",  KIND_OUT,        "NULL", bad_arguments},
};

/* ---- one call ---- */

struct attempt {
    const struct world *world;
    const struct call_row *row;
    enum before before;
    const struct call_row *previous; /* another function with good arguments; NULL: none */
    union argument arguments[CALL_MAX_ARGUMENTS];
};

/* An error ends an operation, so that the next can begin (but the one which says that the buffer was too small). */
static bool ends_operation(const struct attempt *attempt, CK_RV rv)
{
    enum before before = attempt->before;
    return rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL && rv != CKR_SESSION_HANDLE_INVALID &&
           attempt->row->outcome != CKR_FUNCTION_NOT_SUPPORTED && before == attempt->row->before &&
           before >= BEFORE_DIGEST && before <= BEFORE_DECRYPT;
}

static CK_RV try(const void *argument)
{
    const struct attempt *attempt = argument;
    CK_RV rv = world_prepare(attempt->world, attempt->before);
    if (rv != CKR_OK) {
        return rv;
    }
    if (attempt->previous) {
        union argument arguments[CALL_MAX_ARGUMENTS];
        world_arguments(attempt->world, attempt->previous, arguments);
        (void)attempt->previous->call(arguments); /* whatever it says */
    }
    rv = attempt->row->call(attempt->arguments);
    if (ends_operation(attempt, rv) && world_prepare(attempt->world, attempt->before) != CKR_OK) {
        return CKR_OPERATION_ACTIVE; /* expected nowhere that this is done */
    }
    return rv;
}

static void expect(struct world *world, const struct attempt *attempt, const char *what,
                   const CK_RV *codes)
{
    zca_auto(text) char *name = NULL;
    assert_true(asprintf(&name, "%s: %s", attempt->row->name, what) > 0);
    world_expect(world, name, try, attempt, codes);
}

static struct attempt good_attempt(const struct world *world, const struct call_row *row)
{
    struct attempt attempt = {.world = world, .row = row, .before = row->before};
    world_arguments(world, row, attempt.arguments);
    return attempt;
}

/* ---- wrong arguments ---- */

static const CK_RV *codes_of(const struct call_row *row, const struct damage *damage,
                             enum kind kind)
{
    for (size_t i = 0; i < ZCA_COUNT(exceptions); i++) {
        const struct exception *exception = &exceptions[i];
        if (exception->kind == kind && strcmp(exception->function, row->name) == 0 &&
            (!exception->damage || strcmp(exception->damage, damage->name) == 0)) {
            return exception->codes;
        }
    }
    return damage->codes;
}

static void damage_argument(struct world *world, const struct call_row *row, size_t place)
{
    enum kind kind = row->kinds[place];
    const CK_RV refused[] = {row->outcome, CODES_END};
    bool is_refused = row->outcome == CKR_FUNCTION_NOT_SUPPORTED && kind != KIND_SESSION;
    for (size_t i = 0; i < ZCA_COUNT(damages); i++) {
        const struct damage *damage = &damages[i];
        if (kind < damage->first || kind > damage->last) {
            continue;
        }
        struct attempt attempt = good_attempt(world, row);
        attempt.arguments[place] = damage->value;
        zca_auto(text) char *what = NULL;
        assert_true(asprintf(&what, "argument %zu is %s", place + 1, damage->name) > 0);
        expect(world, &attempt, what, is_refused ? refused : codes_of(row, damage, kind));
    }
}

static void function_with_a_wrong_argument_says_so(void **state)
{
    size_t num_rows;
    const struct call_row *rows = call_rows(&num_rows);
    for (size_t i = 0; i < num_rows; i++) {
        for (size_t place = 0; place < rows[i].num_kinds; place++) {
            damage_argument(*state, &rows[i], place);
        }
    }
    world_check(*state, 900);
}

static void function_with_good_arguments_works_in_a_child(void **state)
{
    size_t num_rows;
    const struct call_row *rows = call_rows(&num_rows);
    for (size_t i = 0; i < num_rows; i++) {
        const CK_RV codes[] = {rows[i].outcome, CODES_END};
        struct attempt attempt = good_attempt(*state, &rows[i]);
        expect(*state, &attempt, "good arguments", codes);
    }
    world_check(*state, 104);
}

/* Handles that were good once, or are somebody else's. */
static void function_with_a_stale_handle_says_so(void **state)
{
    struct world *world = *state;
    size_t num_rows;
    const struct call_row *rows = call_rows(&num_rows);
    for (size_t i = 0; i < num_rows; i++) {
        const CK_RV refused[] = {rows[i].outcome, CODES_END};
        bool is_refused = rows[i].outcome == CKR_FUNCTION_NOT_SUPPORTED;
        for (size_t place = 0; place < rows[i].num_kinds; place++) {
            struct attempt attempt = good_attempt(world, &rows[i]);
            if (rows[i].kinds[place] == KIND_SESSION) {
                attempt.arguments[place].number = world->closed;
                expect(world, &attempt, "a closed session", bad_session);
            } else if (rows[i].kinds[place] >= KIND_OBJECT &&
                       rows[i].kinds[place] <= KIND_SECRET_KEY) {
                attempt.arguments[place].number = world->gone;
                expect(world, &attempt, "an object that is gone",
                       is_refused ? refused : bad_object);
            }
        }
    }
    world_check(world, 100);
}

/* ---- wrong states ---- */

/* The functions that need no C_Initialize, and how they answer. */
static CK_RV answer_outside(const struct call_row *row)
{
    static const char *const names[] = {"C_Initialize", "C_GetFunctionList", "C_GetInterfaceList",
                                        "C_GetInterface"};
    for (size_t i = 0; i < ZCA_COUNT(names); i++) {
        if (strcmp(names[i], row->name) == 0) {
            return CKR_OK;
        }
    }
    return CKR_CRYPTOKI_NOT_INITIALIZED;
}

static void expect_outside(struct world *world, enum before before, const char *what)
{
    size_t num_rows;
    const struct call_row *rows = call_rows(&num_rows);
    for (size_t i = 0; i < num_rows; i++) {
        const CK_RV codes[] = {answer_outside(&rows[i]), CODES_END};
        struct attempt attempt = good_attempt(world, &rows[i]);
        attempt.before = before;
        expect(world, &attempt, what, codes);
    }
}

static void function_before_initialisation_says_so(void **state)
{
    expect_outside(*state, BEFORE_NOTHING, "before C_Initialize");
    world_check(*state, 104);
}

static void function_after_finalisation_says_so(void **state)
{
    expect_outside(*state, BEFORE_FINALIZE, "after C_Finalize");
    world_check(*state, 104);
}

static void function_without_its_operation_says_so(void **state)
{
    size_t num_rows;
    const struct call_row *rows = call_rows(&num_rows);
    for (size_t i = 0; i < num_rows; i++) {
        bool has_operation =
            rows[i].before >= BEFORE_DIGEST && rows[i].before <= BEFORE_MESSAGE_PART;
        bool is_refused = rows[i].outcome == CKR_FUNCTION_NOT_SUPPORTED;
        if (has_operation && !is_refused && strcmp(rows[i].name, "C_SessionCancel") != 0) {
            struct attempt attempt = good_attempt(*state, &rows[i]);
            attempt.before = BEFORE_NOTHING;
            expect(*state, &attempt, "without the operation", no_operation);
        }
    }
    world_check(*state, 15);
}

static void function_out_of_order_says_so(void **state)
{
    static const struct {
        enum before before;
        const char *previous, *function;
        const CK_RV *codes;
    } orders[] = {
        {BEFORE_NOTHING,      "C_DigestInit",       "C_DigestInit",       active         },
        {BEFORE_NOTHING,      "C_SignInit",         "C_SignInit",         active         },
        {BEFORE_NOTHING,      "C_VerifyInit",       "C_VerifyInit",       active         },
        {BEFORE_NOTHING,      "C_EncryptInit",      "C_EncryptInit",      active         },
        {BEFORE_NOTHING,      "C_DecryptInit",      "C_DecryptInit",      active         },
        {BEFORE_NOTHING,      "C_MessageSignInit",  "C_MessageSignInit",  active         },
        {BEFORE_NOTHING,      "C_FindObjectsInit",  "C_FindObjectsInit",  active         },
        {BEFORE_DIGEST,       "C_DigestUpdate",     "C_Digest",           active         },
        {BEFORE_SIGN,         "C_SignUpdate",       "C_Sign",             active         },
        {BEFORE_VERIFY,       "C_VerifyUpdate",     "C_Verify",           active         },
        {BEFORE_MESSAGE,      "C_SignMessageBegin", "C_SignMessage",      active         },
        {BEFORE_MESSAGE_PART, NULL,                 "C_SignMessageBegin", active         },
        {BEFORE_MESSAGE_PART, NULL,                 "C_MessageSignFinal", active         },
        {BEFORE_SIGN,         "C_Sign",             "C_Sign",             no_operation   },
        {BEFORE_SIGN,         "C_Sign",             "C_SignUpdate",       no_operation   },
        {BEFORE_SIGN,         "C_SignFinal",        "C_SignFinal",        no_operation   },
        {BEFORE_SIGN,         "C_Sign",             "C_SignFinal",        no_operation   },
        {BEFORE_VERIFY,       "C_Verify",           "C_Verify",           no_operation   },
        {BEFORE_VERIFY,       "C_Verify",           "C_VerifyFinal",      no_operation   },
        {BEFORE_DIGEST,       "C_DigestFinal",      "C_DigestFinal",      no_operation   },
        {BEFORE_DIGEST,       "C_Digest",           "C_DigestUpdate",     no_operation   },
        {BEFORE_ENCRYPT,      "C_Encrypt",          "C_Encrypt",          no_operation   },
        {BEFORE_DECRYPT,      "C_Decrypt",          "C_Decrypt",          no_operation   },
        {BEFORE_FIND,         "C_FindObjectsFinal", "C_FindObjects",      no_operation   },
        {BEFORE_SIGN,         NULL,                 "C_VerifyUpdate",     no_operation   },
        {BEFORE_ENCRYPT,      NULL,                 "C_Decrypt",          no_operation   },
        {BEFORE_NOTHING,      "C_CloseSession",     "C_CloseSession",     bad_session    },
        {BEFORE_SIGN,         "C_CloseAllSessions", "C_Sign",             bad_session    },
        {BEFORE_NOTHING,      "C_DestroyObject",    "C_DestroyObject",    bad_object     },
        {BEFORE_NOTHING,      "C_DestroyObject",    "C_GetObjectSize",    bad_object     },
        {BEFORE_NOTHING,      "C_Logout",           "C_SignInit",         bad_object     },
        {BEFORE_NOTHING,      "C_Finalize",         "C_Finalize",         not_initialised},
    };

    for (size_t i = 0; i < ZCA_COUNT(orders); i++) {
        zca_auto(text) char *what = NULL;
        struct attempt attempt = good_attempt(*state, call_find(orders[i].function));
        attempt.before = orders[i].before;
        attempt.previous = orders[i].previous ? call_find(orders[i].previous) : NULL;
        assert_true(asprintf(&what, "after %s",
                             attempt.previous ? attempt.previous->name : "another Init") > 0);
        expect(*state, &attempt, what, orders[i].codes);
    }
    world_check(*state, 30);
}

/* Nobody is logged in, or in another token's session: whatever they answer, they do. */
static void function_in_another_session_survives(void **state)
{
    struct world *world = *state;
    size_t num_rows;
    const struct call_row *rows = call_rows(&num_rows);
    CK_SESSION_HANDLE other = bed_open("web", 0);
    for (size_t i = 0; i < num_rows; i++) {
        struct attempt attempt = good_attempt(world, &rows[i]);
        attempt.before = BEFORE_LOGOUT;
        expect(world, &attempt, "logged out", logged_out);
        attempt.before = BEFORE_NOTHING;
        if (rows[i].kinds[0] == KIND_SESSION) {
            attempt.arguments[0].number = other;
            expect(world, &attempt, "in a session of another token", logged_out);
        }
    }
    world_check(world, 190);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(function_before_initialisation_says_so, world_setup_bare),
        CASE(function_after_finalisation_says_so, world_setup),
        CASE(function_with_good_arguments_works_in_a_child, world_setup),
        CASE(function_with_a_wrong_argument_says_so, world_setup),
        CASE(function_with_a_stale_handle_says_so, world_setup),
        CASE(function_without_its_operation_says_so, world_setup),
        CASE(function_out_of_order_says_so, world_setup),
        CASE(function_in_another_session_survives, world_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
