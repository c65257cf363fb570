/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/keystore.h"
#include "core/pin.h"
#include "tests/core/home.h"

static const char right_pin[] = "correct horse";

static bool set(struct zca_library *library, const char *name, const char *pin,
                struct zca_error *err)
{
    return zca_pin_set(library, "corp", name, zca_span_text(pin), err);
}

static bool check_pin(struct zca_library *library, const char *name, const char *pin,
                      struct zca_error *err)
{
    return zca_pin_check(library, "corp", name, zca_span_text(pin), err);
}

static unsigned failures(struct zca_library *library, const char *name)
{
    struct zca_pin_status status = {.is_set = false};
    zca_pin_status(library, "corp", name, &status);
    return status.is_set ? status.num_failures : 99;
}

static struct zca_library *library_with_pin(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library *library = home_library(state, "");
    check_ok(set(library, "web", right_pin, &err), err);
    return library;
}

/* ---- right and wrong ---- */

static void pin_check_tells_right_from_wrong(void **state)
{
    static const char *const wrong[] = {"correct hors", "correct horsf", "correct horse ", "x", ""};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(check_pin(library, "web", right_pin, &err), err);
    for (size_t i = 0; i < ZCA_COUNT(wrong); i++) {
        check_refused(check_pin(library, "web", wrong[i], &err), err, ZCA_ERR_AUTH);
    }
    check_ok(check_pin(library, "web", right_pin, &err), err);
}

static void pin_with_any_bytes_is_compared_whole(void **state)
{
    static const uint8_t pin[] = {'a', 0, 'b', 0xff, '\n'};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_ok(zca_pin_set(library, "corp", "web", zca_span_of(pin, sizeof(pin)), &err), err);
    check_ok(zca_pin_check(library, "corp", "web", zca_span_of(pin, sizeof(pin)), &err), err);
    check_refused(zca_pin_check(library, "corp", "web", zca_span_of(pin, 4), &err), err,
                  ZCA_ERR_AUTH);
}

static void pin_that_is_not_set_is_not_found(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_pin_status status = {.is_set = true};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_NOT_FOUND);
    zca_pin_status(library, "corp", "web", &status);
    assert_false(status.is_set);
}

static void pin_of_a_wrong_length_is_not_set(void **state)
{
    char text[ZCA_PIN_MAX_LEN + 2];
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    memset(text, 'x', sizeof(text));
    check_refused(zca_pin_set(library, "corp", "web", zca_span_of(text, ZCA_PIN_MIN_LEN - 1), &err),
                  err, ZCA_ERR_INVALID);
    check_refused(zca_pin_set(library, "corp", "web", zca_span_of(text, ZCA_PIN_MAX_LEN + 1), &err),
                  err, ZCA_ERR_INVALID);
    check_ok(zca_pin_set(library, "corp", "web", zca_span_of(text, ZCA_PIN_MAX_LEN), &err), err);
    check_ok(zca_pin_check(library, "corp", "web", zca_span_of(text, ZCA_PIN_MAX_LEN), &err), err);
    check_refused(
        zca_pin_check(library, "corp", "web", zca_span_of(text, ZCA_PIN_MAX_LEN + 1), &err), err,
        ZCA_ERR_AUTH);
}

static void pin_remove_removes(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    check_ok(zca_pin_remove(library, "corp", "web", &err), err);
    check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_NOT_FOUND);
    check_ok(zca_pin_remove(library, "corp", "web", &err), err);
}

/* ---- counting ---- */

static void wrong_pins_are_counted_and_a_right_one_sets_the_count_back(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    for (unsigned i = 1; i <= 3; i++) {
        check_refused(check_pin(library, "web", "wrong", &err), err, ZCA_ERR_AUTH);
        assert_int_equal(failures(library, "web"), i);
    }
    check_refused(check_pin(library, "web", "", &err), err, ZCA_ERR_AUTH);
    assert_int_equal(failures(library, "web"), 3);
    check_ok(check_pin(library, "web", right_pin, &err), err);
    assert_int_equal(failures(library, "web"), 0);
}

static void tenth_wrong_pin_locks_until_a_new_one_is_set(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    for (unsigned i = 0; i < ZCA_PIN_MAX_FAILURES; i++) {
        check_refused(check_pin(library, "web", "wrong", &err), err, ZCA_ERR_AUTH);
    }
    check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_FORBIDDEN);
    assert_int_equal(failures(library, "web"), ZCA_PIN_MAX_FAILURES);
    check_ok(set(library, "web", "another", &err), err);
    check_ok(check_pin(library, "web", "another", &err), err);
    check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_AUTH);
}

struct guesses {
    struct zca_library *library;
    atomic_uint num_wrong;
};

static void *guess(void *argument)
{
    struct guesses *guesses = argument;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    for (int i = 0; i < 3; i++) {
        bool ok = check_pin(guesses->library, "web", "wrong", &err);
        guesses->num_wrong += !ok && err.reason == ZCA_ERR_AUTH;
    }
    return NULL;
}

static void simultaneous_guesses_are_no_more_than_ten(void **state)
{
    pthread_t threads[6];
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    struct guesses guesses = {.library = library};
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, guess, &guesses), 0);
    }
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(guesses.num_wrong, ZCA_PIN_MAX_FAILURES);
}

/* ---- the file ---- */

static void pin_file_is_private_and_differs_each_time(void **state)
{
    struct stat status;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    zca_auto(text) char *path = check_path(state, "state/tokens/corp/web.pin");
    zca_auto(text) char *directory = check_path(state, "state/tokens/corp");
    zca_auto(zca_buffer) struct zca_buffer first = home_read(state, "state/tokens/corp/web.pin");
    check_ok(set(library, "web", right_pin, &err), err);
    zca_auto(zca_buffer) struct zca_buffer second = home_read(state, "state/tokens/corp/web.pin");
    assert_false(zca_span_equal(zca_buffer_span(&first), zca_buffer_span(&second)));
    assert_null(memmem(second.data, second.len, right_pin, strlen(right_pin)));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
}

static void pin_file_of_another_host_is_refused(void **state)
{
    static const uint8_t other[32] = {1};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    home_write(state, "state/sealing.key", 0600, zca_span_of(other, sizeof(other)));
    check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_SEALED);
    assert_int_equal(failures(library, "web"), 0);
}

static void pin_file_of_another_identity_is_refused(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    check_ok(set(library, "mail", "another", &err), err);
    zca_auto(zca_buffer) struct zca_buffer bytes = home_read(state, "state/tokens/corp/web.pin");
    home_write(state, "state/tokens/corp/mail.pin", 0600, zca_buffer_span(&bytes));
    check_refused(check_pin(library, "mail", right_pin, &err), err, ZCA_ERR_SEALED);
}

static void pin_file_with_any_byte_changed_is_refused(void **state)
{
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    zca_auto(zca_buffer) struct zca_buffer bytes = home_read(state, "state/tokens/corp/web.pin");
    for (size_t i = 0; i < bytes.len; i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        bytes.data[i] ^= 1;
        home_write(state, "state/tokens/corp/web.pin", 0600, zca_buffer_span(&bytes));
        check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_SEALED);
        bytes.data[i] ^= 1;
    }
}

static void pin_file_cut_short_is_refused(void **state)
{
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    zca_auto(zca_buffer) struct zca_buffer bytes = home_read(state, "state/tokens/corp/web.pin");
    for (size_t len = 0; len < bytes.len; len++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        home_write(state, "state/tokens/corp/web.pin", 0600, zca_span_of(bytes.data, len));
        check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_SEALED);
    }
}

static void right_pin_changes_no_file(void **state)
{
    struct stat before, after;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    zca_auto(text) char *path = check_path(state, "state/tokens/corp/web.pin");
    assert_int_equal(stat(path, &before), 0);
    check_ok(check_pin(library, "web", right_pin, &err), err);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

/* ---- changing it ---- */

static bool change(struct zca_library *library, const char *old_pin, const char *new_pin,
                   struct zca_error *err)
{
    return zca_pin_change(library, "corp", "web", zca_span_text(old_pin), zca_span_text(new_pin),
                          err);
}

static void pin_change_needs_the_old_one(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    check_refused(change(library, "wrong", "battery staple", &err), err, ZCA_ERR_AUTH);
    assert_int_equal(failures(library, "web"), 1);
    check_ok(check_pin(library, "web", right_pin, &err), err);
    check_ok(change(library, right_pin, "battery staple", &err), err);
    check_refused(check_pin(library, "web", right_pin, &err), err, ZCA_ERR_AUTH);
    check_ok(check_pin(library, "web", "battery staple", &err), err);
}

static void pin_change_to_a_wrong_length_costs_no_try(void **state)
{
    char longest[ZCA_PIN_MAX_LEN + 2];
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    check_refused(change(library, "wrong", "abc", &err), err, ZCA_ERR_INVALID);
    check_refused(change(library, "wrong", longest, &err), err, ZCA_ERR_INVALID);
    assert_int_equal(failures(library, "web"), 0);
    longest[sizeof(longest) - 2] = '\0';
    check_ok(change(library, right_pin, longest, &err), err);
    check_ok(check_pin(library, "web", longest, &err), err);
}

static void pin_change_does_not_unlock(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = library_with_pin(state);
    for (unsigned i = 0; i < ZCA_PIN_MAX_FAILURES; i++) {
        check_refused(change(library, "wrong", "battery staple", &err), err, ZCA_ERR_AUTH);
    }
    check_refused(change(library, right_pin, "battery staple", &err), err, ZCA_ERR_FORBIDDEN);
}

static void pin_change_without_a_pin_sets_none(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_refused(change(library, right_pin, "battery staple", &err), err, ZCA_ERR_NOT_FOUND);
    assert_int_equal(failures(library, "web"), 99);
}

static void names_that_leave_the_directory_are_refused(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_refused(set(library, "../web", right_pin, &err), err, ZCA_ERR_INVALID);
    check_refused(check_pin(library, "../web", right_pin, &err), err, ZCA_ERR_INVALID);
    check_refused(zca_pin_remove(library, "corp", "../web", &err), err, ZCA_ERR_INVALID);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pin_check_tells_right_from_wrong),
        CASE(pin_with_any_bytes_is_compared_whole),
        CASE(pin_that_is_not_set_is_not_found),
        CASE(pin_of_a_wrong_length_is_not_set),
        CASE(pin_remove_removes),
        CASE(wrong_pins_are_counted_and_a_right_one_sets_the_count_back),
        CASE(tenth_wrong_pin_locks_until_a_new_one_is_set),
        CASE(simultaneous_guesses_are_no_more_than_ten),
        CASE(pin_file_is_private_and_differs_each_time),
        CASE(pin_file_of_another_host_is_refused),
        CASE(pin_file_of_another_identity_is_refused),
        CASE(pin_file_with_any_byte_changed_is_refused),
        CASE(pin_file_cut_short_is_refused),
        CASE(right_pin_changes_no_file),
        CASE(pin_change_needs_the_old_one),
        CASE(pin_change_to_a_wrong_length_costs_no_try),
        CASE(pin_change_does_not_unlock),
        CASE(pin_change_without_a_pin_sets_none),
        CASE(names_that_leave_the_directory_are_refused),
    };
    return cmocka_run_group_tests_name("core/pin", tests, NULL, NULL);
}
