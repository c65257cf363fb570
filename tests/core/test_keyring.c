/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/keyring.h"
#include "tests/core/home.h"

static struct zca_key *generate(struct zca_library *library)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_key *key = zca_key_generate(library, zca_key_type_find("P-256"), &err);
    check_ok(key, err);
    return key;
}

static const struct stat file = {
    .st_dev = 1,
    .st_ino = 2,
    .st_size = 3,
    .st_mtim = {4, 5},
    .st_ctim = {6, 7},
};

static bool finds(struct zca_library *library, const struct stat *status)
{
    zca_auto(zca_key) struct zca_key *key = zca_keyring_find(library, "corp/web", status);
    return key;
}

static void keyring_finds_a_key_while_its_file_is_the_same(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(library);
    zca_keyring_put(library, "corp/web", &file, key);
    struct stat others[] = {file, file, file, file, file, file, file};
    others[0].st_dev++;
    others[1].st_ino++;
    others[2].st_size++;
    others[3].st_mtim.tv_sec++;
    others[4].st_mtim.tv_nsec++;
    others[5].st_ctim.tv_sec++;
    others[6].st_ctim.tv_nsec++;
    assert_true(finds(library, &file));
    for (size_t i = 0; i < ZCA_COUNT(others); i++) {
        assert_false(finds(library, &others[i]));
    }
    assert_false(finds(library, NULL));
}

static void keyring_keeps_keys_with_and_without_file_apart(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(library);
    zca_auto(zca_key) struct zca_key *other = generate(library);
    zca_keyring_put(library, "corp/web", NULL, key);
    zca_keyring_put(library, "corp/web", &file, other);
    zca_keyring_drop(library, "corp/web");
    zca_keyring_drop(library, "corp/web");
    assert_false(finds(library, NULL));
    assert_true(finds(library, &file));
}

static void keyring_finds_the_key_that_was_put_last(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_key *first = generate(library);
    zca_auto(zca_key) struct zca_key *second = generate(library);
    zca_keyring_put(library, "corp/web", &file, first);
    zca_keyring_put(library, "corp/web", &file, second);
    zca_key_free(first);
    zca_auto(zca_key) struct zca_key *found = zca_keyring_find(library, "corp/web", &file);
    assert_ptr_equal(found, second);
}

static void keyring_does_not_keep_a_key_alive(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_key *key = generate(library);
    zca_auto(zca_key) struct zca_key *newer = generate(library);
    zca_keyring_put(library, "corp/web", &file, key);
    zca_key_free(key);
    assert_false(finds(library, &file));
    zca_keyring_put(library, "corp/web", &file, newer);
    assert_true(finds(library, &file));
}

static void keyring_finds_each_of_many(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_key *keys[3000] = {NULL};
    char label[32];
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        keys[i] = generate(library);
        (void)snprintf(label, sizeof(label), "corp/%zu", i);
        zca_keyring_put(library, label, &file, keys[i]);
    }
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        (void)snprintf(label, sizeof(label), "corp/%zu", i);
        zca_auto(zca_key) struct zca_key *found = zca_keyring_find(library, label, &file);
        assert_ptr_equal(found, keys[i]);
    }
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        zca_key_free(keys[i]);
    }
}

struct hammer {
    struct zca_library *library;
    const char *label;
    _Atomic bool stop;
};

static void *find_again_and_again(void *argument)
{
    struct hammer *hammer = argument;
    while (!hammer->stop) {
        zca_auto(zca_key) struct zca_key *key =
            zca_keyring_find(hammer->library, hammer->label, NULL);
        assert_true(!key || zca_key_get_public(key).len != 0);
    }
    return NULL;
}

/* Whoever finds a key has it, however soon its last other owner lets go. */
static void keyring_finds_a_whole_key_or_none(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct hammer hammer = {.library = library, .label = "corp/web"};
    pthread_t threads[2];
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, find_again_and_again, &hammer), 0);
    }
    for (size_t i = 0; i < 2000; i++) {
        struct zca_key *key = generate(library);
        zca_keyring_put(library, "corp/web", NULL, key);
        zca_key_free(key);
    }
    hammer.stop = true;
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_false(finds(library, NULL));
}

/* A thread of the parent often holds the ring's lock when the child is made; alarm(2) ends a child
 * that waits for it. */
static void keyring_works_in_the_child_of_a_busy_process(void **state)
{
    check_skip_where_forks_hang();
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(library);
    zca_keyring_put(library, "corp/web", NULL, key);
    struct hammer hammer = {.library = library, .label = "corp/web"};
    pthread_t threads[2];
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, find_again_and_again, &hammer), 0);
    }
    for (size_t i = 0; i < 200; i++) {
        int pid = fork();
        if (pid == 0) {
            alarm(30);
            zca_library_enter(library);
            home_leave(finds(library, NULL));
        }
        home_join(pid);
    }
    hammer.stop = true;
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

/* The operations of OpenSSL that free a key do not enter the library. */
static void keyring_lets_a_child_of_a_busy_process_free_a_key(void **state)
{
    check_skip_where_forks_hang();
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_key *key = generate(library);
    zca_keyring_put(library, "corp/web", NULL, key);
    struct hammer hammer = {.library = library, .label = "corp/none"};
    pthread_t threads[2];
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, find_again_and_again, &hammer), 0);
    }
    for (size_t i = 0; i < 200; i++) {
        int pid = fork();
        if (pid == 0) {
            alarm(30);
            zca_key_free(key);
            home_leave(true);
        }
        home_join(pid);
    }
    hammer.stop = true;
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    zca_key_free(key);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(keyring_finds_a_key_while_its_file_is_the_same),
        CASE(keyring_keeps_keys_with_and_without_file_apart),
        CASE(keyring_finds_the_key_that_was_put_last),
        CASE(keyring_finds_each_of_many),
        CASE(keyring_does_not_keep_a_key_alive),
        CASE(keyring_finds_a_whole_key_or_none),
        CASE(keyring_works_in_the_child_of_a_busy_process),
        CASE(keyring_lets_a_child_of_a_busy_process_free_a_key),
    };
    return cmocka_run_group_tests_name("core/keyring", tests, NULL, NULL);
}
