/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "core/keystore.h"
#include "tests/core/home.h"

static const enum zca_keystore_kind kinds[] = {ZCA_KEYSTORE_MEMORY, ZCA_KEYSTORE_RUNTIME,
                                               ZCA_KEYSTORE_FILE};

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

static bool same_public(const struct zca_key *left, const struct zca_key *right)
{
    return zca_span_equal(zca_key_get_public(left), zca_key_get_public(right));
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

/* ---- what every keystore does ---- */

static void keystore_returns_what_was_stored(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_key) struct zca_key *key = generate(library);
        check_ok(zca_keystore_store(library, kinds[i], "corp", "web", key, &err), err);
        zca_auto(zca_key) struct zca_key *found =
            zca_keystore_load(library, kinds[i], "corp", "web", &err);
        check_ok(found, err);
        assert_true(same_public(found, key));
    }
}

static void keystores_do_not_mix(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_key *stored[ZCA_COUNT(kinds)];
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        stored[i] = generate(library);
        check_ok(zca_keystore_store(library, kinds[i], "corp", "web", stored[i], &err), err);
    }
    for (size_t i = 0; i < 2 * ZCA_COUNT(kinds); i++) {
        size_t kind = i % ZCA_COUNT(kinds);
        zca_auto(zca_key) struct zca_key *found =
            zca_keystore_load(library, kinds[kind], "corp", "web", &err);
        check_ok(found, err);
        assert_true(same_public(found, stored[kind]));
    }
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        zca_key_free(stored[i]);
    }
}

static void keystore_without_key_says_not_found(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        check_refused(zca_keystore_load(library, kinds[i], "corp", "web", &err), err,
                      ZCA_ERR_NOT_FOUND);
    }
}

static void keystore_store_new_never_replaces(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_key) struct zca_key *key = generate(library);
        zca_auto(zca_key) struct zca_key *other = generate(library);
        check_ok(zca_keystore_store_new(library, kinds[i], "corp", "web", key, &err), err);
        check_refused(zca_keystore_store_new(library, kinds[i], "corp", "web", other, &err), err,
                      ZCA_ERR_CONFLICT);
        zca_auto(zca_key) struct zca_key *found =
            zca_keystore_load(library, kinds[i], "corp", "web", &err);
        assert_true(found && same_public(found, key));
    }
}

static void keystore_refuses_names_that_are_no_file_names(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    char longest[130];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0'; /* 129 characters */
    const char *const names[] = {"",        ".",           "..",    "../x",      "a/b",
                                 ".hidden", "a b",         "a\nb",  "a\\b",      longest,
                                 "caf\xc3", "/etc/passwd", "x%2fy", "$(reboot)", "a;b"};
    zca_auto(zca_key) struct zca_key *key = generate(library);
    for (size_t i = 0; i < ZCA_COUNT(names) * ZCA_COUNT(kinds); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        const char *name = names[i / ZCA_COUNT(kinds)];
        enum zca_keystore_kind kind = kinds[i % ZCA_COUNT(kinds)];
        check_refused(zca_keystore_store(library, kind, "corp", name, key, &err), err,
                      ZCA_ERR_INVALID);
        check_refused(zca_keystore_store(library, kind, name, "web", key, &err), err,
                      ZCA_ERR_INVALID);
        check_refused(zca_keystore_load(library, kind, "corp", name, &err), err, ZCA_ERR_INVALID);
    }
}

struct found {
    unsigned web, mail, other;
    unsigned stop_after;
};

static bool note(void *argument, const char *name)
{
    struct found *found = argument;
    found->web += strcmp(name, "web") == 0;
    found->mail += strcmp(name, "mail") == 0;
    found->other += strcmp(name, "web") != 0 && strcmp(name, "mail") != 0;
    return found->stop_after == 0 || found->web + found->mail < found->stop_after;
}

static void keystore_names_lists_the_keys_of_one_authority(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(library);
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct found none = {0};
        check_ok(zca_keystore_names(library, kinds[i], "corp", note, &none, &err), err);
        assert_int_equal(none.web + none.mail + none.other, 0);
        check_ok(zca_keystore_store(library, kinds[i], "corp", "web", key, &err), err);
        check_ok(zca_keystore_store(library, kinds[i], "corp", "web", key, &err), err);
        check_ok(zca_keystore_store(library, kinds[i], "corp", "mail", key, &err), err);
        check_ok(zca_keystore_store(library, kinds[i], "corporate", "third", key, &err), err);
        struct found found = {0};
        check_ok(zca_keystore_names(library, kinds[i], "corp", note, &found, &err), err);
        assert_int_equal(found.web, 1);
        assert_int_equal(found.mail, 1);
        assert_int_equal(found.other, 0);
        struct found first = {.stop_after = 1};
        check_ok(zca_keystore_names(library, kinds[i], "corp", note, &first, &err), err);
        assert_int_equal(first.web + first.mail, 1);
    }
}

/* ---- files ---- */

static void key_files_are_closed_to_others(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    mode_t before = umask(0);
    zca_auto(zca_key) struct zca_key *key = generate(library);
    store(library, "web", key);
    (void)umask(before); /* cannot fail */
    assert_int_equal(mode_of(state, "state/keys"), 0700);
    assert_int_equal(mode_of(state, "state/keys/corp"), 0700);
    assert_int_equal(mode_of(state, "state/keys/corp/web.key"), 0600);
    assert_int_equal(mode_of(state, "state/sealing.key"), 0600);
    assert_int_equal(mode_of(state, "state"), 0755);
}

static void key_file_open_to_others_is_refused(void **state)
{
    static const mode_t modes[] = {0644, 0640, 0604, 0620, 0602, 0610, 0777};
    zca_auto(zca_library) struct zca_library *writer = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(writer);
    store(writer, "web", key);
    for (size_t i = 0; i < ZCA_COUNT(modes); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_library) struct zca_library *library = home_library(state, "");
        set_mode(state, "state/keys/corp/web.key", modes[i]);
        check_refused(load(library, "web", &err), err, ZCA_ERR_SYSTEM);
        assert_non_null(strstr(err.message, "web.key"));
        assert_non_null(strstr(err.message, "chmod 600"));
        set_mode(state, "state/keys/corp/web.key", 0600);
        zca_auto(zca_key) struct zca_key *found = load(library, "web", &err);
        check_ok(found, err);
    }
}

static void key_file_that_becomes_open_is_refused_though_it_was_read(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = generate(library);
    store(library, "web", key);
    zca_auto(zca_key) struct zca_key *found = load(library, "web", &err);
    check_ok(found, err);
    set_mode(state, "state/keys/corp/web.key", 0644);
    check_refused(load(library, "web", &err), err, ZCA_ERR_SYSTEM);
}

static void key_directory_open_to_others_is_refused(void **state)
{
    zca_auto(zca_library) struct zca_library *writer = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(writer);
    store(writer, "web", key);
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    set_mode(state, "state/keys/corp", 0755);
    check_refused(load(library, "web", &err), err, ZCA_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "chmod 700"));
    check_refused(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", "mail", key, &err), err,
                  ZCA_ERR_SYSTEM);
}

static void key_is_read_again_when_its_file_changes(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = generate(library);
    zca_auto(zca_key) struct zca_key *newer = generate(library);
    store(library, "web", key);
    zca_auto(zca_key) struct zca_key *first = load(library, "web", &err);
    zca_auto(zca_key) struct zca_key *second = load(library, "web", &err);
    assert_ptr_equal(first, second); /* kept */
    zca_auto(zca_library) struct zca_library *another = home_library(state, "");
    store(another, "web", newer);
    zca_auto(zca_key) struct zca_key *third = load(library, "web", &err);
    assert_true(third && same_public(third, newer));
    assert_true(same_public(first, key)); /* who has the old one keeps it */
}

/* Read by a library that holds no key: it keeps public halves of its own. */
static void public_half_is_read_again_when_its_file_changes(void **state)
{
    zca_auto(zca_library) struct zca_library *writer = home_library(state, "");
    zca_auto(zca_library) struct zca_library *reader = home_library(state, "");
    for (int i = 0; i < 40; i++) { /* more than are kept */
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_key) struct zca_key *key = generate(writer);
        const char *name = i % 2 == 0 ? "web" : "mail";
        store(writer, name, key);
        for (int again = 0; again < 2; again++) {
            zca_auto(zca_buffer) struct zca_buffer shown = {0};
            check_ok(zca_keystore_public(reader, ZCA_KEYSTORE_FILE, "corp", name, &shown, &err),
                     err);
            assert_true(zca_span_equal(zca_buffer_span(&shown), zca_key_get_public(key)));
        }
    }
}

static void store_keeps_the_previous_generation(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    zca_auto(zca_key) struct zca_key *key = generate(library);
    store(library, "web", key);
    zca_auto(zca_buffer) struct zca_buffer before = home_read(state, "state/keys/corp/web.key");
    store(library, "web", key);
    zca_auto(zca_buffer) struct zca_buffer previous =
        home_read(state, "state/keys/corp/web.key.previous");
    zca_auto(zca_buffer) struct zca_buffer now = home_read(state, "state/keys/corp/web.key");
    assert_true(zca_span_equal(zca_buffer_span(&before), zca_buffer_span(&previous)));
    assert_false(zca_span_equal(zca_buffer_span(&before), zca_buffer_span(&now)));
}

static void records_that_change_places_are_refused(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *web = generate(library);
    zca_auto(zca_key) struct zca_key *mail = generate(library);
    store(library, "web", web);
    store(library, "mail", mail);
    zca_auto(zca_buffer) struct zca_buffer record = home_read(state, "state/keys/corp/mail.key");
    home_write(state, "state/keys/corp/web.key", 0600, zca_buffer_span(&record));
    check_refused(load(library, "web", &err), err, ZCA_ERR_SEALED);
    assert_non_null(strstr(err.message, "web.key"));
    zca_auto(zca_key) struct zca_key *unharmed = load(library, "mail", &err);
    check_ok(unharmed, err);
}

static void record_is_the_file(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    zca_auto(zca_key) struct zca_key *key = generate(library);
    check_refused(zca_keystore_record(library, ZCA_KEYSTORE_FILE, "corp", "web", &record, &err),
                  err, ZCA_ERR_NOT_FOUND);
    store(library, "web", key);
    check_ok(zca_keystore_record(library, ZCA_KEYSTORE_FILE, "corp", "web", &record, &err), err);
    zca_auto(zca_buffer) struct zca_buffer file = home_read(state, "state/keys/corp/web.key");
    assert_true(zca_span_equal(zca_buffer_span(&record), zca_buffer_span(&file)));
    check_refused(zca_keystore_record(library, ZCA_KEYSTORE_MEMORY, "corp", "web", &record, &err),
                  err, ZCA_ERR_UNSUPPORTED);
}

static void key_file_that_is_none_is_refused(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer huge = {.len = 0};
    zca_auto(zca_key) struct zca_key *key = generate(library);
    store(library, "web", key);
    home_write(state, "state/keys/corp/web.key", 0600, zca_span_of(NULL, 0));
    check_refused(load(library, "web", &err), err, ZCA_ERR_SEALED);
    check_ok(zca_buffer_resize(&huge, 17 * 1024, &err), err);
    home_write(state, "state/keys/corp/web.key", 0600, zca_buffer_span(&huge));
    check_refused(load(library, "web", &err), err, ZCA_ERR_INVALID);
    zca_auto(text) char *path = check_path(state, "state/keys/corp/fifo.key");
    assert_int_equal(mkfifo(path, 0600), 0);
    check_refused(load(library, "fifo", &err), err, ZCA_ERR_INVALID);
}

/* ---- many at once ---- */

struct hammer {
    struct zca_library *library;
    _Atomic bool stop;
    _Atomic bool failed;
};

static void *load_again_and_again(void *argument)
{
    struct hammer *hammer = argument;
    while (!hammer->stop) {
        struct zca_key *key = load(hammer->library, "web", NULL);
        hammer->failed = hammer->failed || !key;
        zca_key_free(key);
    }
    return NULL;
}

static void threads_load_while_another_stores(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct hammer hammer = {.library = library};
    pthread_t threads[3];
    zca_auto(zca_key) struct zca_key *key = generate(library);
    store(library, "web", key);
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, load_again_and_again, &hammer), 0);
    }
    for (size_t i = 0; i < 30; i++) {
        store(library, "web", key);
    }
    hammer.stop = true;
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_false(hammer.failed);
}

/* The child finds locks that a thread of its parent held; alarm(2) ends it when it waits for them. */
static void child_of_a_busy_process_loads(void **state)
{
    check_skip_where_forks_hang();
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct hammer hammer = {.library = library};
    pthread_t threads[3];
    zca_auto(zca_key) struct zca_key *key = generate(library);
    store(library, "web", key);
    zca_key_free(load(library, "web", NULL));
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, load_again_and_again, &hammer), 0);
    }
    int pids[100];
    for (size_t i = 0; i < ZCA_COUNT(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            alarm(30);
            zca_library_enter(library);
            home_leave(load(library, "web", NULL));
        }
        home_join(pids[i]);
    }
    hammer.stop = true;
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_false(hammer.failed);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(keystore_returns_what_was_stored),
        CASE(keystores_do_not_mix),
        CASE(keystore_without_key_says_not_found),
        CASE(keystore_store_new_never_replaces),
        CASE(keystore_refuses_names_that_are_no_file_names),
        CASE(keystore_names_lists_the_keys_of_one_authority),
        CASE(key_files_are_closed_to_others),
        CASE(key_file_open_to_others_is_refused),
        CASE(key_file_that_becomes_open_is_refused_though_it_was_read),
        CASE(key_directory_open_to_others_is_refused),
        CASE(key_is_read_again_when_its_file_changes),
        CASE(public_half_is_read_again_when_its_file_changes),
        CASE(store_keeps_the_previous_generation),
        CASE(records_that_change_places_are_refused),
        CASE(record_is_the_file),
        CASE(key_file_that_is_none_is_refused),
        CASE(threads_load_while_another_stores),
        CASE(child_of_a_busy_process_loads),
    };
    return cmocka_run_group_tests_name("core/keystore", tests, NULL, NULL);
}
