/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/base/check.h"

static unsigned num_unlinks;

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

/* The linker puts this in front of the call. */
int __wrap_unlink(const char *path)
{
    num_unlinks++;
    return __real_unlink(path);
}

static void store_text(const char *path, const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_file_store(path, 0600, zca_span_text(text), &err), err);
}

static void check_contents(const char *path, const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    check_ok(zca_file_load(path, 1000, &bytes, NULL, &err), err);
    check_text(bytes, text);
}

static size_t count_entries(const char *path)
{
    size_t num_entries = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory)) {
        num_entries++;
    }
    closedir(directory);
    return num_entries - 2; /* . and .. */
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void file_stored_is_loaded(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    struct stat status = {.st_size = 0};
    store_text(path, "hello");
    check_ok(zca_buffer_append_text(&bytes, "replaced", &err), err);
    check_ok(zca_file_load(path, 5, &bytes, &status, &err), err);
    check_text(bytes, "hello");
    assert_int_equal(status.st_size, 5);
    assert_int_equal(bytes.data[5], 0);
}

static void empty_file_is_loaded(void **state)
{
    zca_auto(text) char *path = check_path(state, "f");
    store_text(path, "");
    check_contents(path, "");
}

static void file_load_keeps_the_secret_mark(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    store_text(path, "token");
    check_ok(zca_file_load(path, 10, &bytes, NULL, &err), err);
    assert_true(bytes.secret);
    check_text(bytes, "token");
}

static void file_load_past_the_limit_is_refused_and_changes_nothing(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    store_text(path, "hello");
    check_ok(zca_buffer_append_text(&bytes, "old", &err), err);
    check_refused(zca_file_load(path, 4, &bytes, NULL, &err), err, ZCA_ERR_INVALID);
    check_text(bytes, "old");
}

/* Files of /proc say they are empty: they grow while they are read. */
static void file_that_grows_is_loaded_within_the_limit(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    check_ok(zca_file_load("/proc/self/status", 100000, &bytes, NULL, &err), err);
    assert_true(bytes.len > 100);
    size_t len = bytes.len;
    check_refused(zca_file_load("/proc/self/status", 100, &bytes, NULL, &err), err,
                  ZCA_ERR_INVALID);
    assert_int_equal(bytes.len, len);
}

static void file_load_of_nothing_is_not_found(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    check_refused(zca_file_load(path, 4, &bytes, NULL, &err), err, ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, path));
}

static void file_load_of_a_directory_or_fifo_is_refused_at_once(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "fifo");
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    assert_int_equal(mkfifo(path, 0600), 0);
    check_refused(zca_file_load(path, 4, &bytes, NULL, &err), err, ZCA_ERR_INVALID);
    check_refused(zca_file_load(*state, 4, &bytes, NULL, &err), err, ZCA_ERR_INVALID);
}

static void file_store_replaces_and_leaves_no_temporary(void **state)
{
    zca_auto(text) char *path = check_path(state, "f");
    store_text(path, "first");
    store_text(path, "second");
    check_contents(path, "second");
    assert_int_equal(count_entries(*state), 1);
}

/* A rename leaves nothing beside the file. */
static void file_store_has_nothing_to_delete(void **state)
{
    zca_auto(text) char *path = check_path(state, "f");
    num_unlinks = 0;
    store_text(path, "first");
    store_text(path, "second");
    assert_int_equal(num_unlinks, 0);
}

static void file_store_sets_the_mode_whatever_the_umask(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    mode_t before = umask(0077);
    check_ok(zca_file_store(path, 0644, zca_span_text("a"), &err), err);
    umask(before);
    assert_int_equal(mode_of(path), 0644);
    check_ok(zca_file_store(path, 0600, zca_span_text("a"), &err), err);
    assert_int_equal(mode_of(path), 0600);
}

static void file_store_keeps_the_owner(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    if (geteuid() != 0) {
        skip(); /* giving files away is for root */
    }
    store_text(path, "a");
    assert_int_equal(chown(path, 65534, 65534), 0);
    check_ok(zca_file_store(path, 0640, zca_span_text("b"), &err), err);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, 65534);
    assert_int_equal(status.st_gid, 65534);
}

static void file_store_in_no_directory_is_not_found(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "none/f");
    check_refused(zca_file_store(path, 0600, zca_span_text("a"), &err), err, ZCA_ERR_NOT_FOUND);
}

static void file_store_over_a_directory_fails_and_cleans_up(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "d");
    assert_int_equal(mkdir(path, 0700), 0);
    check_refused(zca_file_store(path, 0600, zca_span_text("a"), &err), err, ZCA_ERR_SYSTEM);
    assert_int_equal(count_entries(*state), 1);
}

static void file_store_without_slash_uses_the_working_directory(void **state)
{
    zca_auto(text) char *path = check_path(state, "plain");
    int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chdir(*state), 0);
    store_text("plain", "x");
    assert_int_equal(fchdir(before), 0);
    close(before);
    check_contents(path, "x");
}

static void file_store_soon_replaces_whatever_the_length(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    check_ok(zca_file_store_soon(path, 0600, zca_span_text("the longer one"), &err), err);
    check_ok(zca_file_store_soon(path, 0600, zca_span_text("second"), &err), err);
    check_contents(path, "second");
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(count_entries(*state), 1);
}

static void file_store_soon_keeps_the_owner(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    if (geteuid() != 0) {
        skip(); /* giving files away is for root */
    }
    store_text(path, "a");
    assert_int_equal(chown(path, 65534, 65534), 0);
    check_ok(zca_file_store_soon(path, 0600, zca_span_text("b"), &err), err);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, 65534);
    assert_int_equal(status.st_gid, 65534);
}

static void file_store_soon_replaces_what_it_may_not_write(void **state)
{
    zca_auto(text) char *path = check_path(state, "f");
    if (geteuid() != 0) {
        skip(); /* a file of somebody else's is for root to make */
    }
    store_text(path, "root's");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chown(*state, 65534, 65534), 0);
    pid_t child = fork();
    if (child == 0) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        bool ok = setgid(65534) == 0 && setuid(65534) == 0 &&
                  zca_file_store_soon(path, 0600, zca_span_text("theirs"), &err);
        if (ok) { /* exec: a leak checker would count what the parent holds */
            (void)execl("/bin/true", "true", (char *)NULL);
        }
        _exit(1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    check_contents(path, "theirs");
    assert_int_equal(count_entries(*state), 1);
}

static void file_store_soon_that_cannot_be_written_leaves_no_part(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    const struct rlimit small = {.rlim_cur = 2, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool stored = zca_file_store_soon(path, 0600, zca_span_text("three"), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    check_refused(stored, err, ZCA_ERR_SYSTEM);
    assert_int_equal(count_entries(*state), 0);
}

static void file_store_soon_over_a_directory_fails(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "d");
    assert_int_equal(mkdir(path, 0700), 0);
    check_refused(zca_file_store_soon(path, 0600, zca_span_text("a"), &err), err, ZCA_ERR_SYSTEM);
    assert_int_equal(count_entries(*state), 1);
}

static void file_store_new_never_replaces(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    check_ok(zca_file_store_new(path, 0640, zca_span_text("first"), &err), err);
    check_refused(zca_file_store_new(path, 0640, zca_span_text("second"), &err), err,
                  ZCA_ERR_CONFLICT);
    check_contents(path, "first");
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(count_entries(*state), 1);
}

static void file_remove_removes_once_and_succeeds_twice(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    store_text(path, "a");
    check_ok(zca_file_remove(path, &err), err);
    assert_int_equal(access(path, F_OK), -1);
    check_ok(zca_file_remove(path, &err), err);
}

static void file_remove_of_a_directory_is_refused(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_refused(zca_file_remove(*state, &err), err, ZCA_ERR_SYSTEM);
}

static void directory_make_creates_parents_with_the_mode(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *parent = check_path(state, "a");
    zca_auto(text) char *path = check_path(state, "a/b/c/");
    check_ok(zca_directory_make(path, 0700, &err), err);
    check_ok(zca_directory_make(path, 0755, &err), err);
    assert_int_equal(mode_of(parent), 0700);
    assert_int_equal(mode_of(path), 0700);
}

static void directory_make_is_not_changed_by_umask(void **state)
{
    struct stat status;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "open/below");
    mode_t before = umask(077);
    bool ok = zca_directory_make(path, 0755, &err);
    (void)umask(before);
    check_ok(ok, err);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0755);
}

static void directory_make_over_a_file_is_a_conflict(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "f");
    zca_auto(text) char *below = check_path(state, "f/d");
    store_text(path, "a");
    check_refused(zca_directory_make(path, 0700, &err), err, ZCA_ERR_CONFLICT);
    check_refused(zca_directory_make(below, 0700, &err), err, ZCA_ERR_CONFLICT);
    check_refused(zca_directory_make("", 0700, &err), err, ZCA_ERR_NOT_FOUND);
}

static void path_join_puts_one_slash(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *plain = zca_path_join("/a", "b", NULL, &err);
    zca_auto(text) char *slashed = zca_path_join("/a/", "b", ".key", &err);
    assert_string_equal(plain, "/a/b");
    assert_string_equal(slashed, "/a/b.key");
}

#define in_directory(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_directory(file_stored_is_loaded),
        in_directory(empty_file_is_loaded),
        in_directory(file_load_keeps_the_secret_mark),
        in_directory(file_load_past_the_limit_is_refused_and_changes_nothing),
        in_directory(file_that_grows_is_loaded_within_the_limit),
        in_directory(file_load_of_nothing_is_not_found),
        in_directory(file_load_of_a_directory_or_fifo_is_refused_at_once),
        in_directory(file_store_replaces_and_leaves_no_temporary),
        in_directory(file_store_has_nothing_to_delete),
        in_directory(file_store_sets_the_mode_whatever_the_umask),
        in_directory(file_store_keeps_the_owner),
        in_directory(file_store_in_no_directory_is_not_found),
        in_directory(file_store_over_a_directory_fails_and_cleans_up),
        in_directory(file_store_without_slash_uses_the_working_directory),
        in_directory(file_store_soon_replaces_whatever_the_length),
        in_directory(file_store_soon_keeps_the_owner),
        in_directory(file_store_soon_replaces_what_it_may_not_write),
        in_directory(file_store_soon_that_cannot_be_written_leaves_no_part),
        in_directory(file_store_soon_over_a_directory_fails),
        in_directory(file_store_new_never_replaces),
        in_directory(file_remove_removes_once_and_succeeds_twice),
        in_directory(file_remove_of_a_directory_is_refused),
        in_directory(directory_make_creates_parents_with_the_mode),
        in_directory(directory_make_is_not_changed_by_umask),
        in_directory(directory_make_over_a_file_is_a_conflict),
        cmocka_unit_test(path_join_puts_one_slash),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
