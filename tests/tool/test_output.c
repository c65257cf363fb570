/* SPDX-License-Identifier: Apache-2.0 */
/* Times, tables, and what a terminal gets to see of foreign text. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tool/output.h"

/* Standard output goes to a file between these two. */
static char path[] = "/tmp/zca-test-output.XXXXXX";
static int saved = -1;

static void capture(void)
{
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)fflush(stdout);
    saved = dup(STDOUT_FILENO);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
    (void)close(fd);
}

static void assert_printed(const char *wanted)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    bool flushed = zca_tool_flush(&err);
    (void)dup2(saved, STDOUT_FILENO);
    (void)close(saved);
    assert_true(flushed);
    assert_true(zca_file_load(path, 4096, &text, NULL, &err));
    (void)unlink(path);
    assert_string_equal(text.len > 0 ? (const char *)text.data : "", wanted);
}

static void time_is_rfc3339(void **state)
{
    (void)state;
    char text[ZCA_RFC3339_SIZE];
    zca_tool_time(1776297600, text);
    assert_string_equal(text, "2026-04-16T00:00:00.000Z");
}

static void no_time_is_a_dash(void **state)
{
    (void)state;
    char text[ZCA_RFC3339_SIZE];
    zca_tool_time(0, text);
    assert_string_equal(text, "-");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    capture();
    zca_tool_say("name: %s", "a\x1b[31mb\nc\td\x7f\xc3\xa4");
    assert_printed("name: a?[31mb?c?d?\xc3\xa4\n");
}

static void table_has_columns_of_equal_width(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_table) struct zca_table table = {.num_columns = 3};
    const char *cells[] = {"NAME", "STATE", "X", "longer", "ok", NULL, "", "a\nb", "last"};
    for (size_t i = 0; i < ZCA_COUNT(cells); i++) {
        zca_table_add(&table, cells[i]);
    }
    capture();
    assert_true(zca_table_print(&table, &err));
    assert_printed("NAME    STATE  X\nlonger  ok     -\n-       a?b    last\n");
}

static void full_disk_is_told(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0 && dup2(full, STDOUT_FILENO) >= 0);
    zca_tool_say("lost");
    bool flushed = zca_tool_flush(&err);
    (void)dup2(kept, STDOUT_FILENO);
    (void)close(kept);
    (void)close(full);
    clearerr(stdout);
    assert_false(flushed);
    assert_int_equal(err.reason, ZCA_ERR_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_rfc3339),
        cmocka_unit_test(no_time_is_a_dash),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(table_has_columns_of_equal_width),
        cmocka_unit_test(full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
