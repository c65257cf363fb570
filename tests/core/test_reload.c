/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "core/reload.h"
#include "tests/base/check.h"

static bool run(const char *command, struct zca_error *err)
{
    return zca_reload_run(command, "zca://corp/web", 10000, err);
}

/* A script that writes what it sees. */
static char *write_script(void **state, const char *body)
{
    zca_auto(text) char *path = check_path(state, "script");
    zca_auto(text) char *text = NULL;
    char *command = NULL;
    assert_true(asprintf(&text, "#!/bin/sh\ncd '%s' || exit 1\n%s\n", (char *)*state, body) > 0);
    assert_true(zca_file_store(path, 0700, zca_span_text(text), NULL));
    assert_true(asprintf(&command, "%s one $(two) ;three", path) > 0);
    return command;
}

static void check_file(void **state, const char *name, const char *wanted)
{
    zca_auto(zca_buffer) struct zca_buffer found = {.len = 0};
    zca_auto(text) char *path = check_path(state, name);
    assert_true(zca_file_load(path, 10000, &found, NULL, NULL));
    check_text(found, wanted);
}

static void command_is_split_at_spaces_without_a_shell(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *command = write_script(state, "printf '%s|' \"$@\" > arguments");
    check_ok(run(command, &err), err);
    check_file(state, "arguments", "one|$(two)|;three|");
}

static void environment_is_small(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *command = write_script(state, "env | grep -v 'PWD=\\|^_=' | sort > seen");
    assert_int_equal(setenv("SECRET", "token", 1), 0);
    check_ok(run(command, &err), err);
    check_file(state, "seen",
               "LANG=C\n"
               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
               "ZCA_IDENTITY=zca://corp/web\n");
}

static void standard_input_is_empty(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *command = write_script(state, "wc -c > count");
    check_ok(run(command, &err), err);
    check_file(state, "count", "0\n");
}

static void program_is_found_in_the_systems_directories(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    check_ok(run("true", &err), err);
    check_refused(run("zca-no-such-program", &err), err, ZCA_ERR_NOT_FOUND);
    check_refused(run("/nonexistent/program", &err), err, ZCA_ERR_NOT_FOUND);
}

static void failures_are_told(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_refused(run("false", &err), err, ZCA_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "status 1"));
    check_refused(run("  ", &err), err, ZCA_ERR_CONFIG);
    zca_auto(text) char *command = write_script(state, "kill -TERM $$");
    check_refused(run(command, &err), err, ZCA_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "signal 15"));
}

static void check_finds_the_program_and_runs_nothing(void **state)
{
    (void)state;

    static const struct {
        const char *command;
        enum zca_reason reason;
    } rows[] = {
        {"false now",        ZCA_ERR_NONE     },
        {"/bin/false",       ZCA_ERR_NONE     },
        {"zca-no-such now",  ZCA_ERR_NOT_FOUND},
        {"/nowhere/program", ZCA_ERR_NOT_FOUND},
        {"  ",               ZCA_ERR_CONFIG   },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        assert_int_equal(zca_reload_check(rows[i].command, &err), rows[i].reason == ZCA_ERR_NONE);
        assert_int_equal(err.reason, rows[i].reason);
    }
}

static void slow_command_is_killed_with_its_children(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *command = write_script(state, "sleep 60 & echo $! > child; wait");
    zca_auto(zca_buffer) struct zca_buffer child = {.len = 0};
    zca_auto(text) char *path = check_path(state, "child");
    bool loaded = false;
    for (int timeout_ms = 250; !loaded && timeout_ms < 10000; timeout_ms *= 2) {
        int64_t start_ms = zca_clock_monotonic_ms();
        check_refused(zca_reload_run(command, "zca://corp/web", timeout_ms, &err), err,
                      ZCA_ERR_SYSTEM);
        assert_non_null(strstr(err.message, "killed"));
        assert_true(zca_clock_monotonic_ms() - start_ms < 30000);
        /* a busy machine may need longer to write it */
        loaded = zca_file_load(path, 100, &child, NULL, NULL) && child.len > 0;
    }
    assert_true(loaded);
    pid_t pid = (pid_t)strtol((char *)child.data, NULL, 10);
    bool gone = false;
    for (int i = 0; i < 1000 && !gone; i++) { /* it has to die, its new parent to reap it */
        (void)usleep(i > 0 ? 10000 : 0);      /* an interruption only shortens it */
        gone = kill(pid, 0) != 0 && errno == ESRCH;
        zca_auto(text) char *stat_path = NULL;
        zca_auto(zca_buffer) struct zca_buffer status = {.len = 0};
        assert_true(asprintf(&stat_path, "/proc/%d/stat", pid) > 0);
        gone = gone || !zca_file_load(stat_path, 4096, &status, NULL, NULL) ||
               strstr((char *)status.data, ") Z ");
    }
    assert_true(gone);
}

#define PLACE(name)                                                                                \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        PLACE(command_is_split_at_spaces_without_a_shell),
        PLACE(environment_is_small),
        PLACE(standard_input_is_empty),
        cmocka_unit_test(check_finds_the_program_and_runs_nothing),
        PLACE(program_is_found_in_the_systems_directories),
        PLACE(failures_are_told),
        PLACE(slow_command_is_killed_with_its_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
