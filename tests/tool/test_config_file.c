/* SPDX-License-Identifier: Apache-2.0 */
/* zca.conf is changed whole or not at all, behind links, with its mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "core/options.h"
#include "tool/config_file.h"

struct fixture {
    char directory[sizeof("/tmp/zca-test-config.XXXXXX")];
    char *path;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    memcpy(fixture->directory, "/tmp/zca-test-config.XXXXXX", sizeof(fixture->directory));
    assert_non_null(mkdtemp(fixture->directory));
    fixture->path = zca_path_join(fixture->directory, "zca.conf", "", NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    zca_auto(text) char *link = zca_path_join(fixture->directory, "link.conf", "", NULL);
    (void)unlink(link);
    (void)unlink(fixture->path);
    (void)rmdir(fixture->directory);
    free(fixture->path);
    free(fixture);
    return 0;
}

static const struct zca_config_change good[] = {
    {"zca",         "default-authority", "a"          },
    {"authority a", "url",               "https://a.b"},
    {"authority a", "dialect",           "orgca"      },
    {"authority a", "machine",           NULL         },
};

static void assert_content(const char *path, const char *wanted)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    assert_true(zca_file_load(path, 4096, &text, NULL, NULL));
    assert_string_equal((const char *)text.data, wanted);
}

static void missing_file_is_made(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct stat status;
    assert_true(zca_config_file_change(fixture->path, good, ZCA_COUNT(good), &err));
    assert_content(fixture->path, "[zca]\ndefault-authority = a\n\n"
                                  "[authority a]\nurl = https://a.b\ndialect = orgca\n");
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
}

static void mode_stays(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct stat status;
    assert_true(zca_file_store(fixture->path, 0600, zca_span_text("# mine\n"), &err));
    assert_true(zca_config_file_change(fixture->path, good, ZCA_COUNT(good), &err));
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void link_is_followed(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct stat status;
    zca_auto(text) char *link = zca_path_join(fixture->directory, "link.conf", "", NULL);
    assert_true(zca_file_store(fixture->path, 0644, zca_span_text("# mine\n"), &err));
    assert_int_equal(symlink("zca.conf", link), 0);
    assert_true(zca_config_file_change(link, good, 1, &err));
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_content(fixture->path, "# mine\n\n[zca]\ndefault-authority = a\n");
}

static void wrong_result_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    const struct zca_config_change bad = {"zca", "keystore", "nowhere"};
    assert_true(zca_file_store(fixture->path, 0644, zca_span_text("# mine\n"), &err));
    assert_false(zca_config_file_change(fixture->path, &bad, 1, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFIG);
    assert_content(fixture->path, "# mine\n");
}

static void preview_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    assert_true(zca_config_file_preview(fixture->path, good, 1, &text, &err));
    assert_string_equal((const char *)text.data, "[zca]\ndefault-authority = a\n");
    assert_int_not_equal(access(fixture->path, F_OK), 0);
}

static void what_stands_there_is_not_written(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct stat before;
    struct stat after;
    assert_true(zca_config_file_change(fixture->path, good, ZCA_COUNT(good), &err));
    assert_int_equal(stat(fixture->path, &before), 0);
    assert_true(zca_config_file_change(fixture->path, good, ZCA_COUNT(good), &err));
    assert_int_equal(stat(fixture->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void lock_keeps_others_waiting(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_config_lock lock = {.fd = -1};
    int status = 0;
    assert_true(zca_config_lock_open(fixture->path, &lock, &err));
    pid_t child = fork();
    if (child == 0) {
        struct zca_config_lock own = {.fd = -1};
        (void)close(lock.fd); /* the parent's lock is the parent's alone */
        _exit(zca_config_lock_open(fixture->path, &own, &err) ? 0 : 1);
    }
    (void)usleep(100 * 1000);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    zca_config_lock_close(&lock);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void broken_file_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    assert_true(zca_file_store(fixture->path, 0644, zca_span_text("[zca\nx\n"), &err));
    assert_false(zca_config_file_change(fixture->path, good, ZCA_COUNT(good), &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFIG);
    assert_content(fixture->path, "[zca\nx\n");
}

static void missing_file_reads_as_empty(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_config) struct zca_config *config = zca_config_file_read(fixture->path, &err);
    assert_non_null(config);
    assert_null(zca_config_names(config, "authority")[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(missing_file_is_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mode_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(link_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_result_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(preview_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_stands_there_is_not_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lock_keeps_others_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_file_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_file_reads_as_empty, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
