/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
#include "tests/base/check.h"

static const char *const stores[] = {"memory", "runtime", "file", NULL};

enum { SIZE, STORE, LOG, SLOW, NUM_MAIN };

static const struct zca_option main_options[] = {
    [SIZE] =
        {.name = "size",    .type = ZCA_OPTION_INTEGER, .default_value = "10", .min = 1, .max = 99},
    [STORE] = {.name = "store",
                .type = ZCA_OPTION_CHOICE,
                .default_value = "file",
                .choices = stores},
    [LOG] = {.name = "log-file",   .type = ZCA_OPTION_PATH,                     .default_value = "~/log"},
    [SLOW] = {.name = "slow", .type = ZCA_OPTION_BOOLEAN                          },
};

enum { URL, TTL, NAMES, PIN, NUM_PEER };

static const struct zca_option peer_options[] = {
    [URL] = {.name = "url",           .type = ZCA_OPTION_TEXT, .flags = ZCA_OPTION_REQUIRED},
    [TTL] = {.name = "ttl",
             .type = ZCA_OPTION_SECONDS,
             .default_value = "1h",
             .min = 60,
             .max = 864000},
    [NAMES] = {.name = "names",           .type = ZCA_OPTION_LIST,                                  .default_value = "a b"                                               },
    [PIN] = {.name = "pin", .type = ZCA_OPTION_INTEGER,.flags = ZCA_OPTION_SECRET},
};

static const struct zca_section_kind kinds[] = {
    {.kind = "main", .options = main_options, .num_options = NUM_MAIN},
    { .kind = "peer", .named = true, .options = peer_options, .num_options = NUM_PEER},
};

static struct zca_config *parse(const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_config *config = zca_config_parse(text, "t.conf", kinds, ZCA_COUNT(kinds), &err);
    check_ok(config != NULL, err);
    return config;
}

static void check_message(const char *text, const char *wanted)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_config *config = zca_config_parse(text, "t.conf", kinds, ZCA_COUNT(kinds), &err);
    check_refused(config != NULL, err, ZCA_ERR_CONFIG);
    assert_string_equal(err.message, wanted);
}

static void config_reads_every_type(void **state)
{
    (void)state;
    zca_auto(zca_config) struct zca_config *config =
        parse("# comment\n[main]\nsize = 42\nstore = Memory\nlog-file = /var/log/x\nslow = YES\n"
              "[ peer  one ]\nurl = https://h:1/a?b=c # comment\nttl = 2d\nnames = x, y\tz,,\n");
    assert_int_equal(zca_config_get_number(config, "main", NULL, &main_options[SIZE]), 42);
    assert_int_equal(zca_config_get_choice(config, "main", NULL, &main_options[STORE]), 0);
    assert_string_equal(zca_config_get_text(config, "main", NULL, &main_options[STORE]), "memory");
    assert_string_equal(zca_config_get_text(config, "main", NULL, &main_options[LOG]),
                        "/var/log/x");
    assert_true(zca_config_get_boolean(config, "main", NULL, &main_options[SLOW]));
    assert_string_equal(zca_config_get_text(config, "peer", "one", &peer_options[URL]),
                        "https://h:1/a?b=c");
    assert_int_equal(zca_config_get_number(config, "peer", "one", &peer_options[TTL]), 172800);
    const char *const *names = zca_config_get_list(config, "peer", "one", &peer_options[NAMES]);
    assert_string_equal(names[0], "x");
    assert_string_equal(names[1], "y");
    assert_string_equal(names[2], "z");
    assert_null(names[3]);
}

static void config_gives_defaults_for_what_is_absent(void **state)
{
    (void)state;
    zca_auto(zca_config) struct zca_config *config = parse("[peer one]\nurl = u\n");
    assert_int_equal(zca_config_get_number(config, "main", NULL, &main_options[SIZE]), 10);
    assert_int_equal(zca_config_get_choice(config, "main", NULL, &main_options[STORE]), 2);
    assert_false(zca_config_get_boolean(config, "main", NULL, &main_options[SLOW]));
    assert_null(zca_config_get_text(config, "main", NULL, &main_options[SLOW]));
    assert_int_equal(zca_config_get_number(config, "peer", "one", &peer_options[TTL]), 3600);
    assert_int_equal(zca_config_get_number(config, "peer", "none", &peer_options[TTL]), 3600);
    assert_null(zca_config_get_text(config, "peer", "none", &peer_options[URL]));
    assert_string_equal(zca_config_get_list(config, "peer", "none", &peer_options[NAMES])[1], "b");
    assert_null(zca_config_get_list(config, "main", NULL, &main_options[SLOW])[0]);
}

static void config_lists_names_in_file_order(void **state)
{
    (void)state;
    zca_auto(zca_config) struct zca_config *config =
        parse("[peer zeta]\nurl=1\n[main]\n[peer corp/web.example]\nurl=2\n[peer alpha]\nurl=3\n");
    const char *const *names = zca_config_names(config, "peer");
    assert_string_equal(names[0], "zeta");
    assert_string_equal(names[1], "corp/web.example");
    assert_string_equal(names[2], "alpha");
    assert_null(names[3]);
    assert_null(zca_config_names(config, "main")[0]);
    assert_true(zca_config_has(config, "main", NULL));
    assert_true(zca_config_has(config, "peer", "alpha"));
    assert_false(zca_config_has(config, "peer", "beta"));
    assert_false(zca_config_has(config, "peer", NULL));
}

static void config_of_many_sections_finds_each(void **state)
{
    (void)state;
    static const int num_peers = 500;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    for (int i = 0; i < num_peers; i++) {
        check_ok(zca_buffer_format(&text, &err, "[peer p%d]\nurl = u%d\n", i, i), err);
    }
    zca_auto(zca_config) struct zca_config *config = parse((const char *)text.data);
    for (int i = 0; i < num_peers; i++) {
        const char *name = zca_config_names(config, "peer")[i];
        assert_int_equal(strtol(name + 1, NULL, 10), i);
        assert_string_equal(zca_config_get_text(config, "peer", name, &peer_options[URL]) + 1,
                            name + 1);
    }
    assert_null(zca_config_names(config, "peer")[num_peers]);
}

static void config_refuses_twins_wherever_they_are(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "more.conf");
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_message("[peer a]\nurl=1\n[peer  a]\nurl=2\n", "t.conf:3: [peer  a] stands there twice");
    check_ok(zca_file_store(path, 0600, zca_span_text("[peer\ta]\nurl=1\n"), &err), err);
    check_ok(zca_buffer_format(&text, &err, "[peer a]\nurl=1\n.include %s\n", path), err);
    assert_null(zca_config_parse((const char *)text.data, "t", kinds, ZCA_COUNT(kinds), &err));
    assert_non_null(strstr(err.message, "stands there twice"));
}

static void config_empty_has_only_defaults(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_config) struct zca_config *config =
        zca_config_empty(kinds, ZCA_COUNT(kinds), &err);
    check_ok(config != NULL, err);
    assert_false(zca_config_has(config, "main", NULL));
    assert_int_equal(zca_config_get_number(config, "main", NULL, &main_options[SIZE]), 10);
    assert_null(zca_config_names(config, "peer")[0]);
}

static void config_error_names_file_line_section_option_and_nearest(void **state)
{
    (void)state;
    check_message("\n[main]\n\nsze = 5\n",
                  "t.conf:4: [main]: unknown option 'sze', did you mean 'size'");
    check_message("[main]\nfrobnicate = 5\n", "t.conf:2: [main]: unknown option 'frobnicate'");
    check_message("[peeer x]\n",
                  "t.conf:1: [peeer x]: unknown section 'peeer', did you mean 'peer'");
    check_message("[identity x]\n", "t.conf:1: [identity x]: unknown section 'identity'");
    check_message("[peer]\n", "t.conf:1: [peer]: the section needs one name: [peer NAME]");
    check_message("[peer a b]\n", "t.conf:1: [peer a b]: the section needs one name: [peer NAME]");
    check_message("[peer a\\nb]\n", "t.conf: [peer a?b]: the section needs one name: [peer NAME]");
    check_message("[main x]\n", "t.conf:1: [main x]: the section takes no name: [main]");
    check_message("[peer a]\n", "t.conf:1: [peer a]: option 'url' is required");
    check_message("[main]\n[peer a]\nurl=b\n[main]\n", "t.conf:4: [main] stands there twice");
    check_message("size = 5\n", "t.conf: option 'size' stands before the first section");
}

static void config_error_of_the_syntax_has_a_line(void **state)
{
    (void)state;
    check_message("[main]\nsize 5\n", "t.conf:2: missing equal sign");
    check_message("[main\n", "t.conf:1: missing close square bracket");
    check_message("[main]\nlog-file = $nothing\n",
                  "t.conf:2: variable has no value: $ starts a variable, \\$ is a dollar sign");
}

static void config_error_of_a_value_says_what_it_should_be(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"size = x",                    "option 'size': 'x' is not a number"                        },
        {"size = 5x",                   "option 'size': '5x' is not a number"                       },
        {"size =",                      "option 'size': '' is not a number"                         },
        {"size = \" 5\"",               "option 'size': ' 5' is not a number"                       },
        {"size = 0",                    "option 'size': '0' is not within 1 and 99"                 },
        {"size = 100",                  "option 'size': '100' is not within 1 and 99"               },
        {"size = 99999999999999999999", "option 'size': '99999999999999999999' is not a number"     },
        {"store = disk",                "option 'store': 'disk' is not one of memory, runtime, file"},
        {"log-file = x",                "option 'log-file': 'x' is not an absolute path"            },
        {"slow = true",                 "option 'slow': 'true' is not yes or no"                    },
    };
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
        zca_auto(zca_buffer) struct zca_buffer wanted = {.data = NULL};
        check_ok(zca_buffer_format(&text, &err, "[main]\n%s\n", rows[i][0]), err);
        check_ok(zca_buffer_format(&wanted, &err, "t.conf:2: [main]: %s", rows[i][1]), err);
        check_message((const char *)text.data, (const char *)wanted.data);
    }
}

static void config_never_quotes_a_secret(void **state)
{
    (void)state;
    check_message("[peer a]\nurl=b\npin = 12x4\n",
                  "t.conf:3: [peer a]: option 'pin': the value is not a number");
}

static void config_seconds_have_units(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        long seconds;
    } rows[] = {
        {"60",  60    },
        {"61s", 61    },
        {"2m",  120   },
        {"3h",  10800 },
        {"10d", 864000},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
        check_ok(zca_buffer_format(&text, &err, "[peer a]\nurl=u\nttl=%s\n", rows[i].text), err);
        zca_auto(zca_config) struct zca_config *config = parse((const char *)text.data);
        assert_int_equal(zca_config_get_number(config, "peer", "a", &peer_options[TTL]),
                         rows[i].seconds);
    }
    check_message("[peer a]\nurl=u\nttl=11d\n",
                  "t.conf:3: [peer a]: option 'ttl': '11d' is not within 60 and 864000");
    check_message("[peer a]\nurl=u\nttl=1w\n", "t.conf:3: [peer a]: option 'ttl': '1w' is not a "
                                               "time such as 30s, 10m, 12h or 90d");
    check_message("[peer a]\nurl=u\nttl=9223372036854775807d\n",
                  "t.conf:3: [peer a]: option 'ttl': '9223372036854775807d' is not a time such as "
                  "30s, 10m, 12h or 90d");
}

static void config_path_starts_at_the_home_directory(void **state)
{
    (void)state;
    zca_auto(text) char *before = strdup(getenv("HOME") ? getenv("HOME") : "/");
    assert_int_equal(setenv("HOME", "/home/x", 1), 0);
    zca_auto(zca_config) struct zca_config *absent = parse("");
    zca_auto(zca_config) struct zca_config *given = parse("[main]\nlog-file = ~/y\n");
    zca_auto(zca_config) struct zca_config *none = parse("[main]\nlog-file =\n");
    assert_string_equal(zca_config_get_text(absent, "main", NULL, &main_options[LOG]),
                        "/home/x/log");
    assert_string_equal(zca_config_get_text(given, "main", NULL, &main_options[LOG]), "/home/x/y");
    assert_null(zca_config_get_text(none, "main", NULL, &main_options[LOG]));
    assert_int_equal(setenv("HOME", before, 1), 0);
}

static void config_path_without_home_is_unset_or_refused(void **state)
{
    (void)state;
    zca_auto(text) char *before = strdup(getenv("HOME") ? getenv("HOME") : "/");
    assert_int_equal(unsetenv("HOME"), 0);
    zca_auto(zca_config) struct zca_config *config = parse("");
    assert_null(zca_config_get_text(config, "main", NULL, &main_options[LOG]));
    check_message("[main]\nlog-file = ~/y\n", "t.conf:2: [main]: option 'log-file': '~/y' needs "
                                              "HOME in the environment");
    assert_int_equal(setenv("HOME", before, 1), 0);
}

static void config_override_replaces_after_the_same_checks(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_config) struct zca_config *config = parse("[main]\nsize = 5\n");
    check_ok(zca_config_override(config, "main", "size", "6", &err), err);
    assert_int_equal(zca_config_get_number(config, "main", NULL, &main_options[SIZE]), 6);
    check_refused(zca_config_override(config, "main", "size", "600", &err), err, ZCA_ERR_CONFIG);
    check_refused(zca_config_override(config, "main", "sizes", "6", &err), err, ZCA_ERR_CONFIG);
    assert_string_equal(err.message, "[main]: unknown option 'sizes', did you mean 'size'");
    assert_int_equal(zca_config_get_number(config, "main", NULL, &main_options[SIZE]), 6);
}

static void config_override_works_without_a_section(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_config) struct zca_config *config = parse("");
    check_ok(zca_config_override(config, "main", "store", "runtime", &err), err);
    assert_int_equal(zca_config_get_choice(config, "main", NULL, &main_options[STORE]), 1);
}

static void config_load_reads_a_file_and_what_it_includes(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "main.conf");
    zca_auto(text) char *included = check_path(state, "more.conf");
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_buffer_format(&text, &err, "[peer a]\nurl = 1\n.include %s\n", included), err);
    check_ok(zca_file_store(path, 0600, zca_buffer_span(&text), &err), err);
    check_ok(zca_file_store(included, 0600, zca_span_text("[peer b]\nurl = 2\n"), &err), err);
    zca_auto(zca_config) struct zca_config *config =
        zca_config_load(path, kinds, ZCA_COUNT(kinds), &err);
    check_ok(config != NULL, err);
    assert_string_equal(zca_config_names(config, "peer")[0], "a");
    assert_string_equal(zca_config_get_text(config, "peer", "b", &peer_options[URL]), "2");
}

static void config_load_of_nothing_is_not_found(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "main.conf");
    check_refused(zca_config_load(path, kinds, ZCA_COUNT(kinds), &err) != NULL, err,
                  ZCA_ERR_NOT_FOUND);
}

static void config_load_of_a_file_with_nul_is_refused(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "main.conf");
    check_ok(zca_file_store(path, 0600, zca_span_of("[main]\n\0", 8), &err), err);
    check_refused(zca_config_load(path, kinds, ZCA_COUNT(kinds), &err) != NULL, err,
                  ZCA_ERR_CONFIG);
}

static void nearest_finds_what_resembles(void **state)
{
    (void)state;
    static const char *const words[] = {"keystore", "key-type", "url", "ttl", NULL};
    assert_string_equal(zca_nearest("keystor", words), "keystore");
    assert_string_equal(zca_nearest("KEY_TYPE", words), "key-type");
    assert_string_equal(zca_nearest("uri", words), "url");
    assert_string_equal(zca_nearest("ttl", words), "ttl");
    assert_null(zca_nearest("certificate", words));
    assert_null(zca_nearest("x", words));
    assert_null(zca_nearest("anything", words + 4));
}

#define in_directory(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_reads_every_type),
        cmocka_unit_test(config_gives_defaults_for_what_is_absent),
        cmocka_unit_test(config_lists_names_in_file_order),
        cmocka_unit_test(config_of_many_sections_finds_each),
        in_directory(config_refuses_twins_wherever_they_are),
        cmocka_unit_test(config_empty_has_only_defaults),
        cmocka_unit_test(config_error_names_file_line_section_option_and_nearest),
        cmocka_unit_test(config_error_of_the_syntax_has_a_line),
        cmocka_unit_test(config_error_of_a_value_says_what_it_should_be),
        cmocka_unit_test(config_never_quotes_a_secret),
        cmocka_unit_test(config_seconds_have_units),
        cmocka_unit_test(config_path_starts_at_the_home_directory),
        cmocka_unit_test(config_path_without_home_is_unset_or_refused),
        cmocka_unit_test(config_override_replaces_after_the_same_checks),
        cmocka_unit_test(config_override_works_without_a_section),
        in_directory(config_load_reads_a_file_and_what_it_includes),
        in_directory(config_load_of_nothing_is_not_found),
        in_directory(config_load_of_a_file_with_nul_is_refused),
        cmocka_unit_test(nearest_finds_what_resembles),
    };
    return cmocka_run_group_tests_name("base/config", tests, NULL, NULL);
}
