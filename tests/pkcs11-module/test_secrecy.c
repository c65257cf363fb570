/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions keep the key that they used last; what becomes of it when the key is not there any more. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "core/flight.h"
#include "tests/base/scan.h"
#include "tests/pkcs11-module/imported.h"
#include "tests/pkcs11-module/stored.h"

/* A number that nothing else in memory has. */
static const char digits[] = "4b1d5a7c93e8f20617b4c5d6a8e9f01b2c3d4e5f60718293a4b5c6d7e8f90a1b";

/* How a key is imported. */
struct kept {
    bool is_token, is_readable;
};

static CK_OBJECT_HANDLE import(CK_SESSION_HANDLE session, struct kept kept,
                               struct scan_pattern *out_pattern)
{
    static CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static char label[] = {'k', 'e', 'y'};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL is_token = kept.is_token ? CK_TRUE : CK_FALSE;
    CK_BBOOL is_readable = kept.is_readable ? CK_TRUE : CK_FALSE;
    CK_BBOOL is_sensitive = kept.is_readable ? CK_FALSE : CK_TRUE;
    CK_OBJECT_HANDLE handle = 0;
    zca_auto(zca_buffer) struct zca_buffer value = ZCA_SECRET_BUFFER;
    imported_bytes(digits, &value);
    scan_remember(zca_buffer_span(&value), out_pattern);
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,       &class,        sizeof(class)       },
        {CKA_KEY_TYPE,    &type,         sizeof(type)        },
        {CKA_TOKEN,       &is_token,     sizeof(is_token)    },
        {CKA_SENSITIVE,   &is_sensitive, sizeof(is_sensitive)},
        {CKA_EXTRACTABLE, &is_readable,  sizeof(is_readable) },
        {CKA_LABEL,       label,         sizeof(label)       },
        {CKA_SIGN,        &yes,          sizeof(yes)         },
        {CKA_EC_PARAMS,   curve,         sizeof(curve)       },
        {CKA_VALUE,       value.data,    value.len           },
    };
    assert_int_equal(C_CreateObject(session, attributes, ZCA_COUNT(attributes), &handle), CKR_OK);
    return handle;
}

static void begin(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    assert_int_equal(C_SignInit(session, &ecdsa, key), CKR_OK);
}

static void end(CK_SESSION_HANDLE session)
{
    CK_BYTE digest[32] = {1};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(C_Sign(session, digest, sizeof(digest), signature, &len), CKR_OK);
}

static void sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    begin(session, key);
    end(session);
}

struct used {
    CK_SESSION_HANDLE owner, other; /* both have signed with `key` */
    CK_OBJECT_HANDLE key;
    struct scan_pattern pattern;
};

/* Sanitizers, which keep more, are run without a secure heap: nothing is counted there. */
static void check_copies(const struct used *used, size_t wanted)
{
    if (CRYPTO_secure_malloc_initialized()) {
        assert_int_equal(scan_memory(&used->pattern).copies, wanted);
    }
}

static struct used use_of(void **state, bool is_token)
{
    struct used used = {0};
    bed_start(*state);
    used.owner = bed_scratch();
    used.other = bed_open("scratch", 0);
    used.key = import(used.owner, (struct kept){.is_token = is_token}, &used.pattern);
    sign(used.owner, used.key);
    sign(used.other, used.key);
    check_copies(&used, 1);
    return used;
}

static struct used use(void **state)
{
    return use_of(state, false);
}

static void destroyed_key_leaves_no_copy(void **state)
{
    struct used used = use(state);
    assert_int_equal(C_DestroyObject(used.owner, used.key), CKR_OK);
    check_copies(&used, 0);
}

static void key_destroyed_by_another_session_leaves_no_copy(void **state)
{
    struct used used = use(state);
    CK_SESSION_HANDLE third = bed_open("scratch", CKF_RW_SESSION);
    assert_int_equal(C_DestroyObject(third, used.key), CKR_OK);
    check_copies(&used, 0);
}

static void key_of_a_closed_session_leaves_no_copy(void **state)
{
    struct used used = use(state);
    assert_int_equal(C_CloseSession(used.owner), CKR_OK);
    check_copies(&used, 0);
}

/* A key that could not sign was tried. */
static void secret_key_leaves_no_copy(void **state)
{
    static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    static CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    struct used used = use(state);
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_OBJECT_HANDLE secret = 0;
    assert_int_equal(C_DestroyObject(used.owner, used.key), CKR_OK);
    {
        zca_auto(zca_buffer) struct zca_buffer value = ZCA_SECRET_BUFFER;
        imported_bytes(digits, &value);
        CK_ATTRIBUTE attributes[] = {
            {CKA_CLASS,    &class,     sizeof(class)},
            {CKA_KEY_TYPE, &type,      sizeof(type) },
            {CKA_VALUE,    value.data, value.len    },
        };
        assert_int_equal(C_CreateObject(used.owner, attributes, 3, &secret), CKR_OK);
    }
    assert_int_equal(C_SignInit(used.other, &ecdsa, secret), CKR_KEY_TYPE_INCONSISTENT);
    check_copies(&used, 1);
    assert_int_equal(C_DestroyObject(used.owner, secret), CKR_OK);
    check_copies(&used, 0);
}

static bool destroy(const void *unused)
{
    (void)unused;
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE key = stored_find(session, CKO_PRIVATE_KEY, "key");
    return key != 0 && C_DestroyObject(session, key) == CKR_OK;
}

static void key_destroyed_by_another_process_leaves_no_copy(void **state)
{
    struct used used = use_of(state, true);
    assert_true(stored_process(*state, destroy, NULL));
    assert_int_equal(stored_count(used.owner, "key"), 0);
    check_copies(&used, 0);
}

static bool erase(const void *unused)
{
    (void)unused;
    return stored_init(BED_SO_PIN, "scratch") == CKR_OK;
}

static void token_erased_by_another_process_leaves_no_copy(void **state)
{
    struct used used = use_of(state, true);
    assert_true(stored_process(*state, erase, NULL));
    assert_true((stored_flags() & CKF_USER_PIN_INITIALIZED) == 0);
    check_copies(&used, 0);
}

static void logout_leaves_no_copy(void **state)
{
    struct used used = use(state);
    assert_int_equal(C_Logout(used.other), CKR_OK);
    check_copies(&used, 0);
}

static void sessions_sign_with_other_keys_afterwards(void **state)
{
    struct used used = use(state);
    CK_OBJECT_HANDLE pair[2] = {0};
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    assert_int_equal(C_DestroyObject(used.owner, used.key), CKR_OK);
    assert_int_equal(C_SignInit(used.other, &ecdsa, used.key), CKR_KEY_HANDLE_INVALID);
    bed_generate(used.owner, CKM_EC_KEY_PAIR_GEN, false, &pair[0], &pair[1]);
    sign(used.owner, pair[1]);
    sign(used.other, pair[1]);
}

/* ---- what the scratch token keeps sealed ---- */

/* Attributes of a key, as listings ask for them: private ones, too. */
static void ask(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_BYTE value[128];

    static const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_RV rv;
    } rows[] = {
        {CKA_LABEL,           CKR_OK                 },
        {CKA_EC_PARAMS,       CKR_OK                 },
        {CKA_PUBLIC_KEY_INFO, CKR_OK                 },
        {CKA_VALUE,           CKR_ATTRIBUTE_SENSITIVE},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        CK_ATTRIBUTE attribute = {rows[i].type, value, sizeof(value)};
        assert_int_equal(C_GetAttributeValue(session, key, &attribute, 1), rows[i].rv);
    }
}

static void key_that_is_looked_at_stays_sealed(void **state)
{
    CK_ULONG size = 0;
    struct used used = use_of(state, true);
    assert_int_equal(C_Logout(used.owner), CKR_OK);
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE key = stored_find(session, CKO_PRIVATE_KEY, "key");
    check_copies(&used, 0);
    ask(session, key);
    assert_int_equal(C_GetObjectSize(session, key, &size), CKR_OK);
    assert_int_equal(stored_set_label(session, key, "other"), CKR_OK);
    check_copies(&used, 0);
    sign(session, key);
    check_copies(&used, 1);
}

struct piece {
    struct piece *next;
};

/* All of the secure heap, down to its smallest pieces. */
static struct piece *fill(void)
{
    struct piece *last = NULL;
    for (size_t len = 1 << 16; len >= sizeof(struct piece); len /= 2) {
        for (struct piece *piece = OPENSSL_secure_malloc(len); piece;
             piece = OPENSSL_secure_malloc(len)) {
            piece->next = last;
            last = piece;
        }
    }
    return last;
}

static void release(struct piece *last)
{
    while (last) {
        struct piece *next = last->next;
        OPENSSL_secure_free(last);
        last = next;
    }
}

/* Using it and being told its value fail alike. */
static void key_without_memory_for_it_says_so(void **state)
{
    struct scan_pattern pattern;
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_BYTE value[32];
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof(value)};
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    if (!CRYPTO_secure_malloc_initialized()) {
        skip(); /* then there is memory enough */
    }
    (void)import(session, (struct kept){.is_token = true, .is_readable = true}, &pattern);
    assert_int_equal(C_Logout(session), CKR_OK);
    session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE key = stored_find(session, CKO_PRIVATE_KEY, "key");
    struct piece *all = fill();
    CK_RV told = C_GetAttributeValue(session, key, &attribute, 1);
    CK_RV used = C_SignInit(session, &ecdsa, key);
    release(all);
    assert_int_equal(told, CKR_HOST_MEMORY);
    assert_int_equal(used, CKR_HOST_MEMORY);
    attribute.ulValueLen = sizeof(value);
    assert_int_equal(C_GetAttributeValue(session, key, &attribute, 1), CKR_OK);
}

/* ---- while a session is used ---- */

/* The operation that goes on has the key to its end. */
static void operation_that_goes_on_ends_with_its_key(void **state)
{
    struct used used = use(state);
    begin(used.other, used.key);
    assert_int_equal(C_DestroyObject(used.owner, used.key), CKR_OK);
    check_copies(&used, 1);
    end(used.other);
    check_copies(&used, 0);
}

static void operation_that_goes_on_ends_with_the_key_of_a_closed_session(void **state)
{
    struct used used = use(state);
    begin(used.other, used.key);
    assert_int_equal(C_CloseSession(used.owner), CKR_OK);
    check_copies(&used, 1);
    assert_int_equal(C_SessionCancel(used.other, CKF_SIGN), CKR_OK);
    check_copies(&used, 0);
}

static void operation_that_goes_on_ends_with_its_key_after_logout(void **state)
{
    struct used used = use(state);
    begin(used.other, used.key);
    assert_int_equal(C_Logout(used.owner), CKR_OK);
    end(used.other);
    check_copies(&used, 0);
}

static void *store(void *argument)
{
    const struct used *used = argument;
    return stored_data(used->owner, "data", false) != 0 ? argument : NULL;
}

/* A thread is in the session: it waits for its turn to write. */
static void thread_that_leaves_a_session_leaves_no_copy(void **state)
{
    const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
    struct used used = use(state);
    struct scene *scene = *state;
    pthread_t thread;
    void *outcome = NULL;
    scene_open(scene, "zca://corp/web");
    struct zca_flight *turn =
        zca_flight_enter_at(scene->library, ZCA_PLACE_TOKENS, "scratch", "token", 0, NULL);
    assert_non_null(turn);
    assert_int_equal(pthread_create(&thread, NULL, store, &used), 0);
    (void)nanosleep(&pause, NULL); /* it waits, or has nothing to leave yet */
    assert_int_equal(C_DestroyObject(used.other, used.key), CKR_OK);
    zca_flight_leave(turn);
    assert_int_equal(pthread_join(thread, &outcome), 0);
    assert_non_null(outcome);
    check_copies(&used, 0);
}

#define BED(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED(destroyed_key_leaves_no_copy),
        BED(key_destroyed_by_another_session_leaves_no_copy),
        BED(key_of_a_closed_session_leaves_no_copy),
        BED(secret_key_leaves_no_copy),
        BED(key_destroyed_by_another_process_leaves_no_copy),
        BED(token_erased_by_another_process_leaves_no_copy),
        BED(logout_leaves_no_copy),
        BED(sessions_sign_with_other_keys_afterwards),
        BED(key_that_is_looked_at_stays_sealed),
        BED(key_without_memory_for_it_says_so),
        BED(operation_that_goes_on_ends_with_its_key),
        BED(operation_that_goes_on_ends_with_the_key_of_a_closed_session),
        BED(operation_that_goes_on_ends_with_its_key_after_logout),
        BED(thread_that_leaves_a_session_leaves_no_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
