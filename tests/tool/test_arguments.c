/* SPDX-License-Identifier: Apache-2.0 */
/* Options in any place, values in both forms, and complaints that name the option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tool/arguments.h"

static const enum zca_tool_option rows[] = {ZCA_TOOL_PASSWORD_FILE, ZCA_TOOL_DNS, ZCA_TOOL_FORCE,
                                            ZCA_TOOL_TTL, ZCA_TOOL_END};

/* A command line in one string, split at blanks; its object or its error. */
struct parsed {
    char *line;
    char *argv[10];
    struct zca_arguments *arguments;
    struct zca_error err;
};

static void parsed_clear(struct parsed *parsed)
{
    zca_arguments_free(parsed->arguments);
    free(parsed->line);
}

ZCA_DEFINE_AUTO_CLEAR(parsed, struct parsed, parsed_clear);

static void parse(struct parsed *parsed, bool in_front, const char *line)
{
    int argc = 0;
    char *position = NULL;
    parsed->line = strdup(line);
    assert_non_null(parsed->line);
    for (char *word = strtok_r(parsed->line, " ", &position); word;
         word = strtok_r(NULL, " ", &position)) {
        assert_true(argc < 9);
        parsed->argv[argc++] = word;
    }
    parsed->arguments = zca_arguments_parse(rows, in_front, argc, parsed->argv, &parsed->err);
}

static void values_are_read_in_both_forms(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca --ttl 2h --password-file=f=g");
    assert_non_null(parsed.arguments);
    assert_string_equal(zca_arguments_text(parsed.arguments, ZCA_TOOL_TTL), "2h");
    assert_string_equal(zca_arguments_text(parsed.arguments, ZCA_TOOL_PASSWORD_FILE), "f=g");
    assert_false(zca_arguments_has(parsed.arguments, ZCA_TOOL_FORCE));
    assert_null(zca_arguments_text(parsed.arguments, ZCA_TOOL_DNS));
}

static void words_may_stand_between_options(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca a --force b --ttl 1h c");
    assert_non_null(parsed.arguments);
    assert_int_equal(zca_arguments_num_words(parsed.arguments), 3);
    assert_string_equal(zca_arguments_words(parsed.arguments)[1], "b");
    assert_null(zca_arguments_words(parsed.arguments)[3]);
    assert_true(zca_arguments_has(parsed.arguments, ZCA_TOOL_FORCE));
}

static void options_end_at_two_dashes(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca -- --force");
    assert_non_null(parsed.arguments);
    assert_int_equal(zca_arguments_num_words(parsed.arguments), 1);
    assert_false(zca_arguments_has(parsed.arguments, ZCA_TOOL_FORCE));
}

static void in_front_the_first_word_ends_them(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, true, "zca --force cert --unknown");
    assert_non_null(parsed.arguments);
    assert_int_equal(zca_arguments_num_words(parsed.arguments), 2);
}

static void repeated_values_are_a_list_and_the_last_one_counts(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca --dns a --dns=b --dns c");
    assert_non_null(parsed.arguments);
    const char *const *list = zca_arguments_list(parsed.arguments, ZCA_TOOL_DNS);
    assert_string_equal(list[0], "a");
    assert_string_equal(list[2], "c");
    assert_null(list[3]);
    assert_string_equal(zca_arguments_text(parsed.arguments, ZCA_TOOL_DNS), "c");
}

static void unknown_option_suggests_the_nearest(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca word --froce");
    assert_null(parsed.arguments);
    assert_int_equal(parsed.err.reason, ZCA_ERR_INVALID);
    assert_string_equal(parsed.err.message, "unknown option '--froce': did you mean '--force'?");
}

static void abbreviation_is_not_taken(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca --password x");
    assert_null(parsed.arguments);
    assert_string_equal(parsed.err.message, "unknown option '--password'");
}

static void abbreviation_with_a_value_is_not_repeated(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca --password=hunter2");
    assert_null(parsed.arguments);
    assert_string_equal(parsed.err.message, "unknown option '--password'");
}

static void missing_value_is_told(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca a --ttl");
    assert_null(parsed.arguments);
    assert_string_equal(parsed.err.message, "option '--ttl' needs a value");
}

static void unwanted_value_is_told(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca --force=yes");
    assert_null(parsed.arguments);
    assert_string_equal(parsed.err.message, "option '--force' takes no value");
}

static void short_options_are_unknown(void **state)
{
    (void)state;
    zca_auto(parsed) struct parsed parsed = {.line = NULL};
    parse(&parsed, false, "zca -f");
    assert_null(parsed.arguments);
    assert_int_equal(parsed.err.reason, ZCA_ERR_INVALID);
}

static void every_row_has_name_and_help(void **state)
{
    (void)state;
    for (size_t i = ZCA_TOOL_END + 1; i < ZCA_TOOL_NUM_OPTIONS; i++) {
        assert_non_null(zca_tool_options[i].name);
        assert_non_null(zca_tool_options[i].help);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_in_both_forms),
        cmocka_unit_test(words_may_stand_between_options),
        cmocka_unit_test(options_end_at_two_dashes),
        cmocka_unit_test(in_front_the_first_word_ends_them),
        cmocka_unit_test(repeated_values_are_a_list_and_the_last_one_counts),
        cmocka_unit_test(unknown_option_suggests_the_nearest),
        cmocka_unit_test(abbreviation_is_not_taken),
        cmocka_unit_test(abbreviation_with_a_value_is_not_repeated),
        cmocka_unit_test(missing_value_is_told),
        cmocka_unit_test(unwanted_value_is_told),
        cmocka_unit_test(short_options_are_unknown),
        cmocka_unit_test(every_row_has_name_and_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
