/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/pkcs11-module/bed.h"

static CK_SESSION_HANDLE start(struct scene *scene)
{
    bed_start(scene);
    return bed_open("web", 0);
}

static void random_bytes_differ(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    static uint8_t first[100000], second[100000];
    assert_int_equal(C_GenerateRandom(session, first, sizeof(first)), CKR_OK);
    assert_int_equal(C_GenerateRandom(session, second, sizeof(second)), CKR_OK);
    assert_memory_not_equal(first, second, 32);
    assert_memory_not_equal(first + sizeof(first) - 32, second + sizeof(second) - 32, 32);
    assert_int_equal(C_GenerateRandom(session, first, 0), CKR_OK);
    assert_int_equal(C_GenerateRandom(session, NULL, 0), CKR_OK);
}

static void random_refuses_bad_arguments(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    uint8_t byte = 0;
    assert_int_equal(C_GenerateRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateRandom(session, &byte, (CK_ULONG)-1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateRandom(99999, &byte, 1), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_SeedRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SeedRandom(session, &byte, (CK_ULONG)-1), CKR_ARGUMENTS_BAD);
}

/* The same seed twice does not make the same numbers: it is added. */
static void seed_is_taken_and_added(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    uint8_t seed[] = "the same", first[32], second[32];
    assert_int_equal(C_SeedRandom(session, seed, sizeof(seed)), CKR_OK);
    assert_int_equal(C_GenerateRandom(session, first, sizeof(first)), CKR_OK);
    assert_int_equal(C_SeedRandom(session, seed, sizeof(seed)), CKR_OK);
    assert_int_equal(C_GenerateRandom(session, second, sizeof(second)), CKR_OK);
    assert_memory_not_equal(first, second, sizeof(first));
}

/* Random numbers and a signature's nonce, whose r tells. */
struct drawn {
    uint8_t bytes[32], signature[64];
};

static CK_RV draw(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, struct drawn *out)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA_SHA256};
    CK_ULONG len = sizeof(out->signature);
    CK_RV rv = C_GenerateRandom(session, out->bytes, sizeof(out->bytes));
    rv = rv ? rv : C_SignInit(session, &mechanism, key);
    return rv ? rv : C_Sign(session, out->bytes, 1, out->signature, &len);
}

static void child_draws_other_numbers(void **state)
{
    CK_SESSION_HANDLE session = start(*state);
    CK_OBJECT_HANDLE public_key, private_key;
    struct drawn before, here, there;
    int ends[2], status = 0;
    bed_generate(session, CKM_EC_KEY_PAIR_GEN, false, &public_key, &private_key);
    assert_int_equal(draw(session, private_key, &before),
                     CKR_OK); /* generators and contexts are warm */
    assert_int_equal(pipe(ends), 0);

    pid_t child = fork();
    if (child == 0) {
        bool is_good = draw(session, private_key, &there) == CKR_OK &&
                       write(ends[1], &there, sizeof(there)) == sizeof(there);
        _exit(is_good ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(draw(session, private_key, &here), CKR_OK);
    assert_int_equal(read(ends[0], &there, sizeof(there)), sizeof(there));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    assert_memory_not_equal(here.bytes, there.bytes, sizeof(here.bytes));
    assert_memory_not_equal(here.signature, there.signature, 32);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(random_bytes_differ),
        ROW(random_refuses_bad_arguments),
        ROW(seed_is_taken_and_added),
        ROW(child_draws_other_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
