/* SPDX-License-Identifier: Apache-2.0 */
/* Children of a process that uses the module: what they may go on with, and that nobody waits for ever. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/pkcs11-module/bed.h"

#define NUM_THREADS 4
#define NUM_CHILDREN 300
#define TIMEOUT_S 30
#define NOBODY 65534

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
static CK_BYTE digest[32] = {1};

struct keys {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
};

static CK_RV sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE out_signature[64])
{
    CK_ULONG len = 64;
    CK_RV rv = C_SignInit(session, &ecdsa, key);
    return rv ? rv : C_Sign(session, digest, sizeof(digest), out_signature, &len);
}

static struct keys start(struct scene *scene)
{
    bed_start(scene);
    struct keys keys = {.session = bed_open("web", 0)};
    keys.key = bed_object(keys.session, CKO_PRIVATE_KEY);
    return keys;
}

/* In a child: no assertion of cmocka, which would go on with the parent's tests. */
static CK_RV find_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out_key)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof(class)};
    CK_ULONG count = 0;
    CK_RV rv = C_FindObjectsInit(session, &attribute, 1);
    rv = rv ? rv : C_FindObjects(session, out_key, 1, &count);
    rv = rv ? rv : C_FindObjectsFinal(session);
    return rv || count == 1 ? rv : CKR_KEY_HANDLE_INVALID;
}

static CK_RV sign_anew(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE signature[64];
    CK_RV rv = C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
    rv = rv ? rv : find_key(session, &key);
    rv = rv ? rv : sign(session, key, signature);
    return rv ? rv : C_CloseSession(session);
}

/* Runs a step in a child, which must return CKR_OK in time; what it writes goes to the pipe. */
static void in_child(CK_RV (*step)(const struct keys *keys, int out), const struct keys *keys,
                     void *out_bytes, size_t len)
{
    int ends[2], status = -1;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(TIMEOUT_S); /* never fails */
        _exit(step(keys, ends[1]) == CKR_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    if (len != 0) {
        assert_int_equal(read(ends[0], out_bytes, len), len);
    }
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static CK_RV write_signature_and_random(const struct keys *keys, int out)
{
    CK_BYTE made[96];
    CK_RV rv = sign(keys->session, keys->key, made);
    rv = rv ? rv : C_GenerateRandom(keys->session, made + 64, 32);
    return rv || write(out, made, sizeof(made)) == sizeof(made) ? rv : CKR_DEVICE_ERROR;
}

static void fork_child_uses_handles_with_other_random_numbers(void **state)
{
    struct keys keys = start(*state);
    CK_BYTE parent[96], child[96], second[96];
    assert_int_equal(sign(keys.session, keys.key, parent), CKR_OK); /* what a child inherits */

    in_child(write_signature_and_random, &keys, child, sizeof(child));
    in_child(write_signature_and_random, &keys, second, sizeof(second));

    assert_int_equal(sign(keys.session, keys.key, parent), CKR_OK);
    assert_int_equal(C_GenerateRandom(keys.session, parent + 64, 32), CKR_OK);
    assert_memory_not_equal(child, parent, 32); /* r: the nonce's */
    assert_memory_not_equal(child, second, 32);
    assert_memory_not_equal(child + 64, parent + 64, 32);
    assert_memory_not_equal(child + 64, second + 64, 32);
}

static CK_SLOT_ID web; /* of the token `web`: children cannot ask bed.h */

static CK_RV initialise_resets(const struct keys *keys, int out)
{
    CK_INFO before, after;
    CK_SESSION_INFO info;
    (void)out;
    CK_RV rv = C_GetInfo(&before);
    rv = rv ? rv : C_Initialize(NULL) == CKR_OK ? CKR_OK : CKR_FUNCTION_FAILED;
    rv = rv ? rv : C_GetInfo(&after);
    if (rv != CKR_OK || memcmp(&before, &after, sizeof(before)) != 0 ||
        C_GetSessionInfo(keys->session, &info) != CKR_SESSION_HANDLE_INVALID ||
        C_Initialize(NULL) != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        return CKR_FUNCTION_FAILED;
    }
    return CKR_OK;
}

static CK_RV begin_again(const struct scene *scene)
{
    CK_RV rv = C_Finalize(NULL);
    return rv ? rv : bed_initialise((struct scene *)scene);
}

static const struct scene *place; /* of the test: for children */

static CK_RV finalise_keeps_keys(const struct keys *keys, int out)
{
    (void)keys;
    (void)out;
    CK_RV rv = begin_again(place);
    return rv ? rv : sign_anew(web);
}

static void fork_child_begins_anew(void **state)
{
    struct keys keys = start(*state);
    web = bed_slot("web");
    place = *state;

    in_child(initialise_resets, &keys, NULL, 0);
    in_child(finalise_keeps_keys, &keys, NULL, 0);

    CK_BYTE signature[64];
    assert_int_equal(sign(keys.session, keys.key, signature), CKR_OK); /* the parent's is its own */
    assert_int_equal(begin_again(place), CKR_OK);
    assert_int_equal(sign_anew(web), CKR_OK);
}

static CK_RV nobody_goes_on(const struct keys *keys, int out)
{
    CK_BYTE signature[64];
    (void)out;
    if (geteuid() == 0 && setuid(NOBODY) != 0) {
        return CKR_FUNCTION_FAILED;
    }
    CK_RV rv = sign(keys->session, keys->key, signature);
    rv = rv ? rv : begin_again(place);
    return rv ? rv : sign_anew(web);
}

static void fork_child_without_rights_goes_on(void **state)
{
    struct keys keys = start(*state);
    web = bed_slot("web");
    place = *state;

    in_child(nobody_goes_on, &keys, NULL, 0);
}

static CK_RV strict_waits(const struct keys *keys, int out)
{
    CK_INFO info;
    CK_BYTE signature[64];
    (void)out;
    if (C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED ||
        sign(keys->session, keys->key, signature) != CKR_CRYPTOKI_NOT_INITIALIZED) {
        return CKR_FUNCTION_FAILED;
    }
    CK_RV rv = bed_initialise((struct scene *)place);
    return rv ? rv : sign_anew(web);
}

static void fork_strict_child_must_initialise(void **state)
{
    struct scene *scene = *state;
    bed_configure(scene, "pkcs11-fork = strict\n", "plain", "[identity web]\n");
    scene_plan(scene, "submit: ok\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
    struct keys keys = {.session = bed_open("web", 0)};
    keys.key = bed_object(keys.session, CKO_PRIVATE_KEY);
    web = bed_slot("web");
    place = scene;

    in_child(strict_waits, &keys, NULL, 0);
}

/* ---- children of a busy process ---- */

static atomic_bool is_over;
static atomic_uint num_failures;

static void *be_busy(void *unused)
{
    while (!atomic_load(&is_over)) {
        if (sign_anew(web) != CKR_OK) {
            (void)atomic_fetch_add(&num_failures, 1);
        }
    }
    return unused;
}

static CK_RV sign_and_search(const struct keys *keys, int out)
{
    CK_BYTE signature[64];
    (void)out;
    CK_RV rv = sign(keys->session, keys->key, signature);
    return rv ? rv : sign_anew(web);
}

static void fork_of_a_busy_process_never_hangs(void **state)
{
    check_skip_where_forks_hang();
    pthread_t threads[NUM_THREADS];
    struct keys keys = start(*state);
    web = bed_slot("web");
    atomic_store(&is_over, false);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, be_busy, NULL), 0);
    }

    for (size_t i = 0; i < NUM_CHILDREN; i++) {
        in_child(sign_and_search, &keys, NULL, 0);
    }

    atomic_store(&is_over, true);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&num_failures), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(fork_child_uses_handles_with_other_random_numbers),
        CASE(fork_child_begins_anew),
        CASE(fork_child_without_rights_goes_on),
        CASE(fork_strict_child_must_initialise),
        CASE(fork_of_a_busy_process_never_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
