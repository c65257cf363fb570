/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads in the module, in each other's way. */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/pkcs11-module/bed.h"

#define NUM_THREADS 8
#define NUM_ROUNDS 200

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
static CK_BYTE digest[32] = {1};
static CK_SLOT_ID web;
static atomic_uint num_odd;

static CK_RV find_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out_key)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof(class)};
    CK_ULONG count = 0;
    CK_RV rv = C_FindObjectsInit(session, &attribute, 1);
    rv = rv ? rv : C_FindObjects(session, out_key, 1, &count);
    return rv ? rv : C_FindObjectsFinal(session);
}

static CK_RV use_session(void)
{
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    CK_RV rv = C_OpenSession(web, CKF_SERIAL_SESSION, NULL, NULL, &session);
    rv = rv ? rv : find_key(session, &key);
    rv = rv ? rv : C_SignInit(session, &ecdsa, key);
    rv = rv ? rv : C_Sign(session, digest, sizeof(digest), signature, &len);
    return rv ? rv : C_CloseSession(session);
}

/* What a thread may hear when another ends the module. */
static bool is_end(CK_RV rv)
{
    return rv == CKR_CRYPTOKI_NOT_INITIALIZED || rv == CKR_SESSION_HANDLE_INVALID ||
           rv == CKR_OPERATION_NOT_INITIALIZED;
}

static void *use_until_the_end(void *may_end)
{
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && i < NUM_ROUNDS; i++) {
        rv = use_session();
    }
    if (rv != CKR_OK && !(may_end && is_end(rv))) {
        (void)atomic_fetch_add(&num_odd, 1);
    }
    return NULL;
}

static void run(void *(*work)(void *argument), void *argument, bool ends)
{
    pthread_t threads[NUM_THREADS];
    atomic_store(&num_odd, 0);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, argument), 0);
    }
    if (ends) {
        assert_int_equal(use_session(), CKR_OK);
        assert_int_equal(C_Finalize(NULL), CKR_OK);
    }
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&num_odd), 0);
}

static void threads_have_sessions_of_their_own(void **state)
{
    bed_start(*state);
    web = bed_slot("web");

    run(use_until_the_end, NULL, false);
}

static void threads_survive_the_end_of_the_module(void **state)
{
    bed_start(*state);
    web = bed_slot("web");

    run(use_until_the_end, &web, true);

    assert_int_equal(bed_initialise(*state), CKR_OK);
    assert_int_equal(use_session(), CKR_OK);
}

struct shared {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
};

/* Two threads take each other's operations: any answer but a crash is good, if it is one of these. */
static void *use_one_session(void *argument)
{
    const struct shared *shared = argument;
    for (size_t i = 0; i < NUM_ROUNDS; i++) {
        CK_BYTE signature[64];
        CK_ULONG len = sizeof(signature);
        CK_RV begun = C_SignInit(shared->session, &ecdsa, shared->key);
        CK_RV done = C_Sign(shared->session, digest, sizeof(digest), signature, &len);
        if ((begun != CKR_OK && begun != CKR_OPERATION_ACTIVE) ||
            (done != CKR_OK && done != CKR_OPERATION_NOT_INITIALIZED)) {
            (void)atomic_fetch_add(&num_odd, 1);
        }
    }
    return NULL;
}

static void threads_share_a_session(void **state)
{
    bed_start(*state);
    struct shared shared = {.session = bed_open("web", 0)};
    shared.key = bed_object(shared.session, CKO_PRIVATE_KEY);

    run(use_one_session, &shared, false);
}

static atomic_ulong latest; /* a key of one of the threads */

static CK_RV make_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE out_pair[2])
{
    static CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM generation = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE parameters = {CKA_EC_PARAMS, curve, sizeof(curve)};
    return C_GenerateKeyPair(session, &generation, &parameters, 1, NULL, 0, &out_pair[0],
                             &out_pair[1]);
}

/* The key may go at any time: before the operation begins, or in the midst of it. */
static bool use_latest(CK_SESSION_HANDLE session)
{
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    CK_RV rv = C_SignInit(session, &ecdsa, atomic_load(&latest));
    return rv == CKR_KEY_HANDLE_INVALID ||
           (rv == CKR_OK && C_Sign(session, digest, sizeof(digest), signature, &len) == CKR_OK);
}

/* Every other session is closed with its keys. */
static bool make_and_use_keys(bool is_closed_with_keys)
{
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE pair[2] = {0};
    bool is_good = C_OpenSession(web, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK &&
                   make_key(session, pair) == CKR_OK;
    atomic_store(&latest, pair[1]);
    for (size_t i = 0; is_good && i < 4; i++) {
        is_good = use_latest(session);
    }
    if (is_good && !is_closed_with_keys) {
        is_good = C_DestroyObject(session, pair[0]) == CKR_OK &&
                  C_DestroyObject(session, pair[1]) == CKR_OK && use_latest(session);
    }
    return is_good && C_CloseSession(session) == CKR_OK;
}

static void *use_each_others_keys(void *unused)
{
    for (size_t i = 0; i < NUM_ROUNDS; i++) {
        if (!make_and_use_keys(i % 2 == 0)) {
            (void)atomic_fetch_add(&num_odd, 1);
        }
    }
    return unused;
}

static void threads_destroy_keys_that_others_use(void **state)
{
    bed_start(*state);
    web = bed_slot("web");
    (void)bed_open("web", 0); /* which stays */

    run(use_each_others_keys, NULL, false);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(threads_have_sessions_of_their_own),
        CASE(threads_survive_the_end_of_the_module),
        CASE(threads_share_a_session),
        CASE(threads_destroy_keys_that_others_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
