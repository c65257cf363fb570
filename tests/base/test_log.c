/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "tests/base/check.h"

static void open_log(const char *path, enum zca_log_level level)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_log_open("zca-test", path, level, &err), err);
}

/* Returns what stands in the file and stops writing to it. */
static struct zca_buffer read_log(const char *path)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_buffer text = {.data = NULL};
    open_log("none", ZCA_LOG_ERROR);
    check_ok(zca_file_load(path, 100000, &text, NULL, &err), err);
    return text;
}

static void log_writes_one_line_an_event(void **state)
{
    zca_auto(text) char *path = check_path(state, "log");
    open_log(path, ZCA_LOG_INFO);
    zca_log(ZCA_LOG_INFO, "enrol '%s'", "web");
    zca_log(ZCA_LOG_ERROR, "no");
    zca_auto(zca_buffer) struct zca_buffer text = read_log(path);
    const char *line = (const char *)text.data;
    assert_int_equal(line[10], 'T');
    assert_non_null(strstr(line, "Z zca-test["));
    assert_non_null(strstr(line, "]: info: enrol 'web'\n"));
    assert_non_null(strstr(line, "]: error: no\n"));
}

static void log_below_the_level_writes_nothing(void **state)
{
    zca_auto(text) char *path = check_path(state, "log");
    open_log(path, ZCA_LOG_WARNING);
    assert_true(zca_log_enabled(ZCA_LOG_WARNING));
    assert_false(zca_log_enabled(ZCA_LOG_INFO));
    zca_log(ZCA_LOG_INFO, "x");
    zca_auto(zca_buffer) struct zca_buffer text = read_log(path);
    assert_int_equal(text.len, 0);
    assert_false(zca_log_enabled(ZCA_LOG_ERROR));
}

static void log_cannot_be_made_to_forge_a_line(void **state)
{
    zca_auto(text) char *path = check_path(state, "log");
    open_log(path, ZCA_LOG_INFO);
    zca_log(ZCA_LOG_INFO, "%s", "a\nb\rc\033[1m\x7F");
    zca_auto(zca_buffer) struct zca_buffer text = read_log(path);
    assert_non_null(strstr((const char *)text.data, "info: a?b?c?[1m?\n"));
}

static void log_keeps_errno(void **state)
{
    (void)state;
    open_log("/dev/full", ZCA_LOG_INFO);
    errno = EPIPE;
    zca_log(ZCA_LOG_INFO, "x");
    assert_int_equal(errno, EPIPE);
    open_log("none", ZCA_LOG_ERROR);
}

static void log_failure_has_reason_status_and_code(void **state)
{
    zca_auto(text) char *path = check_path(state, "log");
    struct zca_error err = {
        .reason = ZCA_ERR_QUARANTINED,
        .http_status = 403,
        .code = "MACHINE_QUARANTINED",
        .message = "issuing",
    };
    open_log(path, ZCA_LOG_ERROR);
    zca_log_failure(&err);
    zca_error_set(&err, ZCA_ERR_SYSTEM, "opening");
    zca_log_failure(&err);
    zca_auto(zca_buffer) struct zca_buffer text = read_log(path);
    assert_non_null(strstr((const char *)text.data,
                           "error: QUARANTINED: issuing (HTTP 403, MACHINE_QUARANTINED)\n"));
    assert_non_null(strstr((const char *)text.data, "error: SYSTEM: opening\n"));
}

static void log_file_is_appended_to_and_not_for_others(void **state)
{
    zca_auto(text) char *path = check_path(state, "log");
    struct stat status;
    open_log(path, ZCA_LOG_INFO);
    zca_log(ZCA_LOG_INFO, "first");
    open_log(path, ZCA_LOG_INFO);
    zca_log(ZCA_LOG_INFO, "second");
    zca_auto(zca_buffer) struct zca_buffer text = read_log(path);
    assert_non_null(strstr((const char *)text.data, "first\n"));
    assert_non_null(strstr((const char *)text.data, "second\n"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0027, 0);
}

static void log_to_standard_error_has_no_time(void **state)
{
    zca_auto(text) char *path = check_path(state, "stderr");
    int before = dup(STDERR_FILENO);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(before >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    open_log("stderr", ZCA_LOG_INFO);
    zca_log(ZCA_LOG_WARNING, "soon");
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    close(fd);
    zca_auto(zca_buffer) struct zca_buffer text = read_log(path);
    check_text(text, "zca-test: warning: soon\n");
}

static void log_open_of_a_wrong_target_is_refused_and_changes_nothing(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "log");
    zca_auto(text) char *absent = check_path(state, "none/log");
    open_log(path, ZCA_LOG_INFO);
    check_refused(zca_log_open("zca", "sysolg", ZCA_LOG_INFO, &err), err, ZCA_ERR_CONFIG);
    check_refused(zca_log_open("zca", absent, ZCA_LOG_INFO, &err), err, ZCA_ERR_NOT_FOUND);
    zca_log(ZCA_LOG_INFO, "still here");
    zca_auto(zca_buffer) struct zca_buffer text = read_log(path);
    assert_non_null(strstr((const char *)text.data, "still here\n"));
}

/* Another thread may be about to write to the descriptor that it has read a moment ago. */
static void log_open_again_never_gives_the_descriptor_away(void **state)
{
    zca_auto(text) char *first = check_path(state, "first");
    zca_auto(text) char *second = check_path(state, "second");
    open_log(first, ZCA_LOG_INFO);
    int before = dup(STDIN_FILENO);
    open_log(second, ZCA_LOG_INFO);
    int after = dup(STDIN_FILENO);
    assert_true(before >= 0);
    assert_int_equal(after,
                     before + 1); /* nothing became free below, nothing was left open above */
    assert_int_equal(close(before), 0);
    assert_int_equal(close(after), 0);
    zca_log(ZCA_LOG_INFO, "here");
    zca_auto(zca_buffer) struct zca_buffer text = read_log(second);
    assert_non_null(strstr((const char *)text.data, "here\n"));
    zca_auto(zca_buffer) struct zca_buffer old = read_log(first);
    assert_int_equal(old.len, 0);
}

static void log_to_syslog_does_not_fail(void **state)
{
    (void)state;
    open_log("syslog", ZCA_LOG_INFO);
    zca_log(ZCA_LOG_INFO, "from the unit tests");
    open_log("none", ZCA_LOG_ERROR);
}

#define in_directory(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_directory(log_writes_one_line_an_event),
        in_directory(log_below_the_level_writes_nothing),
        in_directory(log_cannot_be_made_to_forge_a_line),
        cmocka_unit_test(log_keeps_errno),
        in_directory(log_failure_has_reason_status_and_code),
        in_directory(log_file_is_appended_to_and_not_for_others),
        in_directory(log_to_standard_error_has_no_time),
        in_directory(log_open_of_a_wrong_target_is_refused_and_changes_nothing),
        in_directory(log_open_again_never_gives_the_descriptor_away),
        cmocka_unit_test(log_to_syslog_does_not_fail),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
