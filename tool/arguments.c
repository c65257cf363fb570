/* SPDX-License-Identifier: Apache-2.0 */
/* getopt_long's table is made from the rows, and its complaints are replaced by better ones. */
#include "tool/arguments.h"

#include <getopt.h>
#include <string.h>

#include "base/config.h"

#define FIRST_OPTION 256 /* beyond what getopt_long returns by itself */

struct zca_arguments {
    const char **lists[ZCA_TOOL_NUM_OPTIONS]; /* NULL-terminated; NULL: not given */
    char **words;                             /* the tail of argv */
    size_t num_words;
};

void zca_arguments_free(struct zca_arguments *arguments)
{
    for (size_t i = 0; arguments && i < ZCA_TOOL_NUM_OPTIONS; i++) {
        free(arguments->lists[i]);
    }
    free(arguments);
}

/* ---- complaints ---- */

static bool report_unknown(const enum zca_tool_option *options, const char *word,
                           struct zca_error *err)
{
    const char *names[ZCA_TOOL_NUM_OPTIONS + 1] = {NULL};
    for (size_t i = 0; options[i] != ZCA_TOOL_END; i++) {
        names[i] = zca_tool_options[options[i]].name;
    }
    zca_auto(text) char *name = strndup(word, strcspn(word, "="));
    const char *nearest = name ? zca_nearest(name + strspn(name, "-"), names) : NULL;
    if (nearest) {
        return zca_error_set(err, ZCA_ERR_INVALID, "unknown option '%s': did you mean '--%s'?",
                             name, nearest);
    }
    return zca_error_set(err, ZCA_ERR_INVALID, "unknown option '%s'", name ? name : word);
}

static bool report(const enum zca_tool_option *options, int result, const char *word,
                   struct zca_error *err)
{
    if (result == ':') {
        return zca_error_set(err, ZCA_ERR_INVALID, "option '%s' needs a value", word);
    }
    if (optopt >= FIRST_OPTION) {
        return zca_error_set(err, ZCA_ERR_INVALID, "option '--%s' takes no value",
                             zca_tool_options[optopt - FIRST_OPTION].name);
    }
    return report_unknown(options, word, err);
}

/* ---- reading ---- */

static bool add_value(struct zca_arguments *arguments, enum zca_tool_option option,
                      const char *value, size_t most, struct zca_error *err)
{
    const char ***list = &arguments->lists[option];
    if (!*list) {
        *list = calloc(most + 1, sizeof(**list));
    }
    if (!*list) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the command line");
    }
    size_t num = 0;
    while ((*list)[num]) {
        num++;
    }
    (*list)[num] = value ? value : "";
    return true;
}

/* The word that getopt_long has just read, with its value behind it or in it. */
static const char *word_before(char *const *behind, const char *value)
{
    return behind[-1] == value ? behind[-2] : behind[-1];
}

/* getopt_long takes "--pass" for "--password-file"; we do not: names on a command line stay true. */
static bool is_written_out(const char *word, const char *name)
{
    size_t len = strlen(name);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0 &&
           (word[2 + len] == '\0' || word[2 + len] == '=');
}

static void fill_table(const enum zca_tool_option *options, struct option *out_table)
{
    for (size_t i = 0; options[i] != ZCA_TOOL_END; i++) {
        const struct zca_tool_option_row *row = &zca_tool_options[options[i]];
        out_table[i] = (struct option){
            .name = row->name,
            .has_arg = row->value ? required_argument : no_argument,
            .val = FIRST_OPTION + (int)options[i],
        };
    }
}

struct zca_arguments *zca_arguments_parse(const enum zca_tool_option *options, bool in_front,
                                          int argc, char **argv, struct zca_error *err)
{
    struct option table[ZCA_TOOL_NUM_OPTIONS + 1] = {
        {NULL, 0, NULL, 0}
    };
    zca_auto(zca_arguments) struct zca_arguments *arguments = calloc(1, sizeof(*arguments));
    if (!arguments) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "reading the command line"); /* NULL tells */
        return NULL;
    }
    fill_table(options, table);
    optind = 0; /* glibc: start anew */
    opterr = 0;
    for (;;) {
        int at = optind > 0 ? optind : 1;
        int result = getopt_long(argc, argv, in_front ? "+:" : ":", table, NULL);
        if (result == -1) {
            break;
        }
        if (result < FIRST_OPTION) {
            /* words may have been moved: getopt_long has just gone past the culprit */
            const char *word = argv[optind > at ? optind - 1 : at];
            (void)report(options, result, word, err); /* NULL tells */
            return NULL;
        }
        enum zca_tool_option option = (enum zca_tool_option)(result - FIRST_OPTION);
        const char *word = word_before(argv + optind, optarg);
        if (!is_written_out(word, zca_tool_options[option].name)) {
            (void)report_unknown(options, word, err); /* NULL tells */
            return NULL;
        }
        if (!add_value(arguments, option, optarg, (size_t)argc, err)) {
            return NULL;
        }
    }
    arguments->words = argv + optind;
    arguments->num_words = (size_t)(argc - optind);
    return zca_steal(arguments);
}

/* ---- access ---- */

bool zca_arguments_has(const struct zca_arguments *arguments, enum zca_tool_option option)
{
    return arguments->lists[option];
}

const char *zca_arguments_text(const struct zca_arguments *arguments, enum zca_tool_option option)
{
    const char *const *list = arguments->lists[option];
    while (list && list[0] && list[1]) {
        list++;
    }
    return list ? list[0] : NULL;
}

const char *const *zca_arguments_list(const struct zca_arguments *arguments,
                                      enum zca_tool_option option)
{
    return arguments->lists[option];
}

char *const *zca_arguments_words(const struct zca_arguments *arguments)
{
    return arguments->words;
}

size_t zca_arguments_num_words(const struct zca_arguments *arguments)
{
    return arguments->num_words;
}
