/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/keystore.h"
#include "tests/core/home.h"

static struct zca_key *generate(struct zca_library *library)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_key *key = zca_key_generate(library, zca_key_type_find("P-256"), &err);
    check_ok(key, err);
    return key;
}

static void store(struct zca_library *library, const char *name, struct zca_key *key)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", name, key, &err), err);
}

static struct zca_key *load(struct zca_library *library, const char *name, struct zca_error *err)
{
    return zca_keystore_load(library, ZCA_KEYSTORE_FILE, "corp", name, err);
}

static mode_t mode_of(void **state, const char *name)
{
    struct stat status;
    zca_auto(text) char *path = check_path(state, name);
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void set_mode(void **state, const char *name, mode_t mode)
{
    zca_auto(text) char *path = check_path(state, name);
    assert_int_equal(chmod(path, mode), 0);
}

static void sealing_key_lost_or_wrong_is_refused(void **state)
{
    static const uint8_t wrong[32] = {1};
    zca_auto(zca_library) struct zca_library *writer = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(writer);
    store(writer, "web", key);
    const struct zca_span contents[] = {zca_span_of(wrong, 32), zca_span_of(wrong, 31),
                                        zca_span_of(wrong, 0)};
    for (size_t i = 0; i < ZCA_COUNT(contents); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_library) struct zca_library *library = home_library(state, "");
        home_write(state, "state/sealing.key", 0600, contents[i]);
        check_refused(load(library, "web", &err), err, ZCA_ERR_SEALED);
    }
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(text) char *path = check_path(state, "state/sealing.key");
    assert_int_equal(unlink(path), 0);
    check_refused(load(library, "web", &err), err, ZCA_ERR_SEALED);
    assert_non_null(strstr(err.message, "sealing.key"));
    assert_int_equal(access(path, F_OK), -1); /* reading makes none */
}

static void lost_sealing_key_is_not_made_anew_beside_keys(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *writer = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(writer);
    store(writer, "web", key);
    zca_auto(text) char *path = check_path(state, "state/sealing.key");
    assert_int_equal(unlink(path), 0);
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *other = generate(library);
    check_refused(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", "other", other, &err), err,
                  ZCA_ERR_SEALED);
    assert_non_null(strstr(err.message, "restore it"));
    assert_int_equal(access(path, F_OK), -1);
}

static void lost_sealing_key_is_not_made_anew_beside_tokens(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_ok(zca_library_prepare(library, ZCA_PLACE_TOKENS, "scratch", &err), err);
    home_write(state, "state/tokens/scratch/token", 0600, zca_span_text("sealed"));
    check_refused(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, true, &sealing_key, &err), err,
                  ZCA_ERR_SEALED);
    assert_non_null(strstr(err.message, "tokens"));
}

static void sealing_key_open_to_others_is_refused(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = generate(library);
    store(library, "web", key);
    set_mode(state, "state/sealing.key", 0640);
    check_refused(load(library, "web", &err), err, ZCA_ERR_SEALED);
    assert_non_null(strstr(err.message, "chmod 600"));
}

static void sealing_key_of_the_configuration_is_used_and_never_made(void **state)
{
    static const uint8_t bytes[33] = {2};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *option = NULL;
    assert_true(asprintf(&option, "sealing-key = %s/own.key\n", (char *)*state) > 0);
    zca_auto(zca_library) struct zca_library *library = home_library(state, option);
    zca_auto(zca_key) struct zca_key *key = generate(library);
    check_refused(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", "web", key, &err), err,
                  ZCA_ERR_SEALED);
    assert_non_null(strstr(err.message, "own.key"));
    home_write(state, "own.key", 0600, zca_span_of(bytes, 33));
    check_refused(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", "web", key, &err), err,
                  ZCA_ERR_SEALED);
    home_write(state, "own.key", 0600, zca_span_of(bytes, 32));
    store(library, "web", key);
    zca_auto(zca_key) struct zca_key *found = load(library, "web", &err);
    check_ok(found, err);
    zca_auto(text) char *other = check_path(state, "state/sealing.key");
    assert_int_equal(access(other, F_OK), -1);
}

static void sealing_key_of_systemd_is_preferred_to_our_own(void **state)
{
    static const uint8_t bytes[32] = {3};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer own = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer credential = {.len = 0};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, true, &own, &err), err);
    assert_int_equal(own.len, 32);
    assert_true(own.secret);
    home_write(state, "zca-sealing-key", 0440, zca_span_of(bytes, 32));
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", *state, 1), 0);
    bool ok = zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, false, &credential, &err);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    check_ok(ok, err);
    assert_memory_equal(credential.data, bytes, 32);
}

static void sealing_keys_of_file_and_runtime_differ(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer file = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer runtime = {.len = 0};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, true, &file, &err), err);
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_RUNTIME, true, &runtime, &err), err);
    assert_memory_not_equal(file.data, runtime.data, 32);
    assert_int_equal(mode_of(state, "run"), 0700);
}

static void sealing_key_out_of_reach_is_remembered_when_asked(void **state)
{
    static const uint8_t other[32] = {4};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer first = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer second = {.len = 0};
    zca_auto(zca_library) struct zca_library *library =
        home_library(state, "keep-sealing-key = yes\n");
    zca_auto(text) char *path = check_path(state, "state/sealing.key");
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, true, &first, &err), err);
    assert_int_equal(unlink(path), 0);
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, false, &second, &err), err);
    assert_memory_equal(first.data, second.data, 32);
    assert_true(second.secret);
    home_write(state, "state/sealing.key", 0600, zca_span_of(other, 32));
    check_ok(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, false, &second, &err), err);
    assert_memory_equal(second.data, other, 32); /* a file within reach decides */
    home_write(state, "state/sealing.key", 0644, zca_span_of(other, 32));
    check_refused(zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, false, &second, &err), err,
                  ZCA_ERR_SEALED);
}

/* The file in which a child writes which key it got. */
static const char *seen_by(size_t child)
{
    static char name[32];
    (void)snprintf(name, sizeof(name), "seen-%zu", child);
    return name;
}

static void processes_make_one_sealing_key(void **state)
{
    enum { NUM = 32 };

    int pids[NUM];
    for (size_t i = 0; i < NUM; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct zca_buffer key = {.len = 0};
            struct zca_library *library = home_library(state, "");
            bool ok = zca_sealing_key_load(library, ZCA_KEYSTORE_FILE, true, &key, NULL);
            home_write(state, seen_by(i), 0600, zca_buffer_span(&key));
            home_leave(ok);
        }
    }
    for (size_t i = 0; i < NUM; i++) {
        home_join(pids[i]);
    }
    zca_auto(zca_buffer) struct zca_buffer bytes = home_read(state, "state/sealing.key");
    assert_int_equal(bytes.len, 32);
    for (size_t i = 0; i < NUM; i++) {
        zca_auto(zca_buffer) struct zca_buffer seen = home_read(state, seen_by(i));
        assert_true(zca_span_equal(zca_buffer_span(&seen), zca_buffer_span(&bytes)));
    }
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sealing_key_lost_or_wrong_is_refused),
        CASE(lost_sealing_key_is_not_made_anew_beside_keys),
        CASE(lost_sealing_key_is_not_made_anew_beside_tokens),
        CASE(sealing_key_open_to_others_is_refused),
        CASE(sealing_key_of_the_configuration_is_used_and_never_made),
        CASE(sealing_key_of_systemd_is_preferred_to_our_own),
        CASE(sealing_keys_of_file_and_runtime_differ),
        CASE(sealing_key_out_of_reach_is_remembered_when_asked),
        CASE(processes_make_one_sealing_key),
    };
    return cmocka_run_group_tests_name("core/sealing", tests, NULL, NULL);
}
