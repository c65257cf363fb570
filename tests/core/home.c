/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/home.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

void home_write(void **state, const char *name, mode_t mode, struct zca_span bytes)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, name);
    check_ok(zca_file_store(path, mode, bytes, &err), err);
}

struct zca_buffer home_read(void **state, const char *name)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_buffer bytes = {.len = 0};
    zca_auto(text) char *path = check_path(state, name);
    check_ok(zca_file_load(path, 1024 * 1024, &bytes, NULL, &err), err);
    return bytes;
}

struct zca_library *home_library(void **state, const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "zca.conf");
    zca_auto(zca_buffer) struct zca_buffer config = {.len = 0};
    const char *directory = *state;
    check_ok(zca_buffer_format(&config, &err,
                               "[zca]\nstate-dir = %s/state\nruntime-dir = %s/run\n%s", directory,
                               directory, text),
             err);
    home_write(state, "zca.conf", 0600, zca_buffer_span(&config));
    struct zca_library_settings settings = {.config_file = path};
    struct zca_library *library = zca_library_new(&settings, &err);
    check_ok(library, err);
    return library;
}

_Noreturn void home_leave(bool ok)
{
    if (ok) {
        (void)execl("/bin/true", "true", NULL); /* a failure shows as one */
    }
    _exit(1);
}

void home_join(int pid)
{
    int status = 0;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
