/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch token between processes: what is kept, who sees what when, files that are not as they were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/pkcs11-module/stored.h"

static const struct {
    CK_MECHANISM_TYPE generation, signing;
    const char *label;
} pairs[] = {
    {CKM_EC_KEY_PAIR_GEN,         CKM_ECDSA,           "ec"     },
    {CKM_RSA_PKCS_KEY_PAIR_GEN,   CKM_SHA256_RSA_PKCS, "rsa"    },
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA,           "ed25519"},
};

static void prepare(struct scene *scene)
{
    bed_configure(scene, "scratch-token = yes\n", "plain", "");
}

/* ---- steps of other processes ---- */

static bool init_step(const void *argument)
{
    (void)argument;
    CK_SESSION_HANDLE session = 0;
    return stored_init(BED_SO_PIN, "scratch") == CKR_OK &&
           (session = stored_session(CKF_RW_SESSION)) != 0 &&
           C_Login(session, CKU_SO, (CK_UTF8CHAR *)BED_SO_PIN, strlen(BED_SO_PIN)) == CKR_OK &&
           C_InitPIN(session, (CK_UTF8CHAR *)BED_PIN, strlen(BED_PIN)) == CKR_OK;
}

static bool make_pairs_step(const void *argument)
{
    const bool *is_private = argument;
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    bool ok = session != 0;
    for (size_t i = 0; ok && i < ZCA_COUNT(pairs); i++) {
        ok = stored_pair(session, pairs[i].generation, pairs[i].label, *is_private);
    }
    return ok;
}

static bool use_pairs(CK_SESSION_HANDLE session)
{
    bool ok = session != 0;
    for (size_t i = 0; ok && i < ZCA_COUNT(pairs); i++) {
        ok = stored_pair_works(session, pairs[i].signing, pairs[i].label);
    }
    return ok;
}

static bool use_pairs_logged_in_step(const void *argument)
{
    (void)argument;
    return use_pairs(stored_login(BED_PIN));
}

static bool use_pairs_step(const void *argument)
{
    (void)argument;
    return use_pairs(stored_session(0));
}

static bool add_step(const void *argument)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    return session != 0 && stored_data(session, argument, true) != 0;
}

static bool add_open_step(const void *argument)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    return session != 0 && stored_data(session, argument, false) != 0;
}

static bool rename_step(const void *argument)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE object = stored_find(session, CKO_DATA, argument);
    return object != 0 && stored_set_label(session, object, "renamed") == CKR_OK;
}

static bool destroy_step(const void *argument)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE object = stored_find(session, CKO_DATA, argument);
    return object != 0 && C_DestroyObject(session, object) == CKR_OK;
}

/* ---- what is kept ---- */

static void private_keys_outlive_a_process(void **state)
{
    bool is_private = true;
    prepare(*state);
    assert_true(stored_process(*state, init_step, NULL));
    assert_true(stored_process(*state, make_pairs_step, &is_private));
    assert_true(stored_process(*state, use_pairs_logged_in_step, NULL));
    assert_false(stored_process(*state, use_pairs_step, NULL)); /* without login there are none */
}

static void keys_that_are_not_private_need_no_login(void **state)
{
    bool is_private = false;
    prepare(*state);
    assert_true(stored_process(*state, init_step, NULL));
    assert_true(stored_process(*state, make_pairs_step, &is_private));
    assert_true(stored_process(*state, use_pairs_step, NULL));
}

/* ---- who sees what ---- */

static void work_of_another_process_is_seen(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_OBJECT_HANDLE kept = stored_data(session, "kept", true);
    assert_true(stored_process(*state, add_step, "new"));
    assert_int_equal(stored_count(session, NULL), 2);
    CK_OBJECT_HANDLE seen = stored_find(session, CKO_DATA, "new");

    assert_true(stored_process(*state, rename_step, "new"));
    assert_int_equal(stored_count(session, "new"), 0);
    assert_int_equal(stored_find(session, CKO_DATA, "renamed"), seen);

    assert_true(stored_process(*state, destroy_step, "renamed"));
    assert_int_equal(stored_count(session, NULL), 1);
    assert_int_equal(stored_find(session, CKO_DATA, "kept"), kept);
}

static void object_that_another_process_destroyed_is_gone(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_OBJECT_HANDLE object = stored_data(session, "short", true);
    assert_true(stored_process(*state, destroy_step, "short"));
    assert_int_equal(stored_set_label(session, object, "long"), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(C_DestroyObject(session, object), CKR_OBJECT_HANDLE_INVALID);
}

static bool init_anew_step(const void *argument)
{
    (void)argument;
    return stored_init(BED_SO_PIN, "anew") == CKR_OK;
}

static void token_initialised_by_another_process_is_another(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    assert_int_not_equal(stored_data(session, "old", true), 0);
    assert_int_not_equal(stored_data(session, "open", false), 0);

    assert_true(stored_process(*state, init_anew_step, NULL));

    assert_int_equal(stored_count(session, NULL), 0);
    CK_SESSION_INFO info;
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
    assert_int_equal(C_Login(session, CKU_USER, (CK_UTF8CHAR *)BED_PIN, strlen(BED_PIN)),
                     CKR_USER_PIN_NOT_INITIALIZED);
    assert_int_equal(bed_slot("anew"), info.slotID);
}

enum { WRITERS = 4, OBJECTS = 10 };

static bool add_many_step(const void *argument)
{
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    bool ok = session != 0;
    for (int i = 0; ok && i < OBJECTS; i++) {
        ok = stored_data(session, argument, i % 2 == 0) != 0;
    }
    return ok;
}

static void processes_write_at_once(void **state)
{
    struct scene *scene = *state;
    pid_t children[WRITERS];
    prepare(scene);
    assert_true(stored_process(scene, init_step, NULL));
    for (size_t i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(bed_initialise(scene) == CKR_OK && add_many_step("x") ? 0 : 1);
        }
    }
    for (size_t i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(bed_initialise(scene), CKR_OK);
    assert_int_equal(stored_count(stored_login(BED_PIN), "x"), WRITERS * OBJECTS);
}

static bool failed_login_step(const void *argument)
{
    (void)argument;
    CK_SESSION_HANDLE session = stored_session(0);
    return C_Login(session, CKU_USER, (CK_UTF8CHAR *)"wrong", 5) == CKR_PIN_INCORRECT;
}

static void wrong_pins_of_all_processes_count(void **state)
{
    struct scene *scene = *state;
    prepare(scene);
    assert_true(stored_process(scene, init_step, NULL));
    for (int i = 0; i < 10; i++) {
        assert_true(stored_process(scene, failed_login_step, NULL));
    }
    assert_int_equal(bed_initialise(scene), CKR_OK);
    assert_int_not_equal(stored_flags() & CKF_USER_PIN_LOCKED, 0);
    assert_int_equal(C_Login(stored_session(0), CKU_USER, (CK_UTF8CHAR *)BED_PIN, strlen(BED_PIN)),
                     CKR_PIN_LOCKED);
}

/* ---- fork ---- */

/* The child goes on with what it inherited: no C_Initialize. */
static bool inherited(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE data)
{
    return stored_set_label(session, data, "child's") == CKR_OK && use_pairs(session) &&
           stored_data(session, "of the child", true) != 0;
}

static void parent_and_child_go_on(void **state)
{
    bool is_private = true;
    int status = 0;
    prepare(*state);
    assert_true(stored_process(*state, init_step, NULL));
    assert_true(stored_process(*state, make_pairs_step, &is_private));
    assert_int_equal(bed_initialise(*state), CKR_OK);
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE data = stored_data(session, "parent's", true);

    pid_t child = fork();
    if (child == 0) {
        _exit(inherited(session, data) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    assert_true(use_pairs(session));
    assert_int_equal(stored_count(session, "of the child"), 1);
    assert_int_equal(stored_find(session, CKO_DATA, "child's"), data);
}

/* A server's worker runs as nobody: it can reach no file, but it has what its parent read. */
static bool unprivileged(CK_SESSION_HANDLE session)
{
    return setgid(65534) == 0 && setuid(65534) == 0 && use_pairs(session) &&
           stored_data(session, "x", true) == 0;
}

static void child_without_rights_uses_what_was_read(void **state)
{
    bool is_private = true;
    int status = 0;
    if (geteuid() != 0) {
        skip();
    }
    prepare(*state);
    assert_true(stored_process(*state, init_step, NULL));
    assert_true(stored_process(*state, make_pairs_step, &is_private));
    assert_int_equal(bed_initialise(*state), CKR_OK);
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    assert_int_not_equal(stored_count(session, NULL), 0);

    pid_t child = fork();
    if (child == 0) {
        _exit(unprivileged(session) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- files ---- */

/* Runs a shell command in the token's directory. */
static void change_files(const struct scene *scene, const char *command)
{
    zca_auto(text) char *line = NULL;
    assert_true(asprintf(&line, "cd '%s/state/tokens/scratch' && %s", scene->directory, command) >
                0);
    assert_int_equal(system(line), 0);
}

static bool count_step(const void *argument)
{
    const size_t *wanted = argument;
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    return session != 0 && stored_count(session, NULL) == *wanted;
}

static void store_two(struct scene *scene)
{
    prepare(scene);
    assert_true(stored_process(scene, init_step, NULL));
    assert_true(stored_process(scene, add_step, "labelled-so"));
    assert_true(stored_process(scene, add_open_step, "named-thus"));
}

static void files_are_closed_and_tell_nothing(void **state)
{
    store_two(*state);
    change_files(*state, "! grep -q -e labelled-so -e named-thus *");
    change_files(*state, "test \"$(stat -c %a . * | sort -u | tr '\\n' ' ')\" = '600 700 '");
}

static void damaged_file_is_left_out(void **state)
{
    size_t one = 1;
    store_two(*state);
    change_files(*state, "f=$(ls | grep -v token | head -n 1); "
                         "printf x | dd of=$f bs=1 seek=90 conv=notrunc status=none");
    assert_true(stored_process(*state, count_step, &one));
    change_files(*state, ": > $(ls | grep -v token | head -n 1)");
    assert_true(stored_process(*state, count_step, &one));
}

static bool make_readable_secret_step(const void *argument)
{
    (void)argument;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,       &class,                     sizeof(class)},
        {CKA_KEY_TYPE,    &type,                      sizeof(type) },
        {CKA_TOKEN,       &yes,                       sizeof(yes)  },
        {CKA_SENSITIVE,   &no,                        sizeof(no)   },
        {CKA_EXTRACTABLE, &yes,                       sizeof(yes)  },
        {CKA_LABEL,       (void *)"readable",         8            },
        {CKA_VALUE,       (void *)"sixteen bytes it", 16           },
    };
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    return C_CreateObject(session, attributes, ZCA_COUNT(attributes), &object) == CKR_OK;
}

static CK_RV read_secret(CK_SESSION_HANDLE session)
{
    uint8_t value[16];
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof(value)};
    return C_GetAttributeValue(session, stored_find(session, CKO_SECRET_KEY, "readable"),
                               &attribute, 1);
}

static bool read_secret_step(const void *argument)
{
    (void)argument;
    return read_secret(stored_login(BED_PIN)) == CKR_OK;
}

/* Only what is told of it is good. */
static bool use_damaged_pair_step(const void *argument)
{
    (void)argument;
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_MECHANISM derive = {CKM_ECDH1_DERIVE, NULL, 0};
    CK_OBJECT_HANDLE copy = 0;
    CK_OBJECT_HANDLE derived = 0;
    CK_SESSION_HANDLE session = stored_login(BED_PIN);
    CK_OBJECT_HANDLE key = stored_find(session, CKO_PRIVATE_KEY, "ec");
    return key != 0 && stored_set_label(session, key, "ec") == CKR_OK &&
           C_SignInit(session, &ecdsa, key) == CKR_DEVICE_ERROR &&
           C_SignInit(session, &ecdsa, key) == CKR_DEVICE_ERROR &&
           C_DeriveKey(session, &derive, key, NULL, 0, &derived) == CKR_DEVICE_ERROR &&
           C_CopyObject(session, key, NULL, 0, &copy) == CKR_DEVICE_ERROR &&
           read_secret(session) == CKR_DEVICE_ERROR;
}

static void key_that_cannot_be_opened_is_the_tokens_fault(void **state)
{
    bool is_private = true;
    zca_auto(zca_buffer) struct zca_buffer log = {0};
    struct scene *scene = *state;
    zca_auto(text) char *line = NULL;
    assert_true(asprintf(&line, "scratch-token = yes\nlog = %s/log\n", scene->directory) > 0);
    bed_configure(scene, line, "plain", "");
    assert_true(stored_process(scene, init_step, NULL));
    assert_true(stored_process(scene, make_pairs_step, &is_private));
    assert_true(stored_process(scene, make_readable_secret_step, NULL));
    assert_true(stored_process(scene, read_secret_step, NULL));
    change_files(scene,
                 "for f in $(ls | grep -v token); do truncate -s -1 $f; printf '\\0' >>$f; done");
    assert_true(stored_process(scene, use_damaged_pair_step, NULL));
    scene_read(scene, "log", &log);
    assert_non_null(strstr((const char *)log.data, "SEALED: object '"));
    assert_non_null(strstr((const char *)log.data, "it was sealed with another key, or changed"));
}

static void exchanged_and_renamed_files_are_refused(void **state)
{
    size_t none = 0;
    size_t one = 1;
    store_two(*state);
    change_files(*state, "set -- $(ls | grep -v token); mv $1 x; mv $2 $1; mv x $2");
    assert_true(stored_process(*state, count_step, &none));
    change_files(*state, "set -- $(ls | grep -v token); mv $1 x; mv $2 $1; mv x 00ff");
    assert_true(stored_process(*state, count_step, &one)); /* one has its name again */
}

static void foreign_files_are_left_alone(void **state)
{
    size_t two = 2;
    store_two(*state);
    change_files(*state, "f=$(ls | grep -v token | head -n 1); cp $f $f.XbYcZd; mkdir 0; "
                         "ln -s /etc/passwd 1; : > README");
    assert_true(stored_process(*state, count_step, &two));
}

static void initialising_removes_what_crashes_left(void **state)
{
    store_two(*state);
    change_files(*state,
                 "f=$(ls | grep -v token | head -n 1); cp $f $f.XbYcZd; cp token token.a1B2c3");
    assert_true(stored_process(*state, init_anew_step, NULL));
    change_files(*state, "test \"$(ls | tr '\\n' ' ')\" = 'token token.lock '");
}

static bool cannot_open_step(const void *argument)
{
    (void)argument;
    CK_SESSION_HANDLE session = stored_session(0);
    CK_RV rv = C_Login(session, CKU_USER, (CK_UTF8CHAR *)BED_PIN, strlen(BED_PIN));
    return rv != CKR_OK && rv != CKR_PIN_INCORRECT &&
           (stored_flags() & CKF_USER_PIN_COUNT_LOW) == 0;
}

static void lost_sealing_key_is_no_wrong_pin(void **state)
{
    size_t two = 2;
    store_two(*state);
    change_files(*state, "mv ../../sealing.key ../../kept");
    assert_true(stored_process(*state, cannot_open_step, NULL));
    assert_false(stored_process(*state, init_anew_step, NULL)); /* a new one would hide the loss */
    change_files(*state, "mv ../../kept ../../sealing.key");
    assert_true(stored_process(*state, count_step, &two));
}

static bool not_initialised_step(const void *argument)
{
    (void)argument;
    return (stored_flags() & CKF_TOKEN_INITIALIZED) == 0 &&
           stored_count(stored_session(0), NULL) == 0;
}

static void removed_directory_is_a_new_token(void **state)
{
    store_two(*state);
    change_files(*state, "rm -r ../../tokens");
    assert_true(stored_process(*state, not_initialised_step, NULL));
    assert_true(stored_process(*state, init_step, NULL));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(private_keys_outlive_a_process),
        CASE(keys_that_are_not_private_need_no_login),
        CASE(work_of_another_process_is_seen),
        CASE(object_that_another_process_destroyed_is_gone),
        CASE(token_initialised_by_another_process_is_another),
        CASE(processes_write_at_once),
        CASE(wrong_pins_of_all_processes_count),
        CASE(parent_and_child_go_on),
        CASE(child_without_rights_uses_what_was_read),
        CASE(files_are_closed_and_tell_nothing),
        CASE(damaged_file_is_left_out),
        CASE(key_that_cannot_be_opened_is_the_tokens_fault),
        CASE(exchanged_and_renamed_files_are_refused),
        CASE(foreign_files_are_left_alone),
        CASE(initialising_removes_what_crashes_left),
        CASE(lost_sealing_key_is_no_wrong_pin),
        CASE(removed_directory_is_a_new_token),
    };
    return cmocka_run_group_tests_name("pkcs11/scratch process", tests, NULL, NULL);
}
