/* SPDX-License-Identifier: Apache-2.0 */
/* Reads option values by the type of their row. */
#include "base/option.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/buffer.h"

static const char *const separators = ", \t\r\n";

typedef bool parse_value(const struct zca_option *option, const char *text, struct zca_value *value,
                         struct zca_error *err);

/* Says what the value should have been, and what it is unless that is secret. */
static bool refuse(const struct zca_option *option, const char *text, const char *wanted,
                   struct zca_error *err)
{
    if ((option->flags & ZCA_OPTION_SECRET) != 0) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "the value is not %s", wanted);
    }
    return zca_error_set(err, ZCA_ERR_CONFIG, "'%.40s' is not %s", text, wanted);
}

static bool copy_text(const char *text, struct zca_value *value, struct zca_error *err)
{
    value->text = strdup(text);
    return value->text || zca_error_set(err, ZCA_ERR_MEMORY, "copying an option");
}

static bool parse_text(const struct zca_option *option, const char *text, struct zca_value *value,
                       struct zca_error *err)
{
    (void)option;
    return copy_text(text, value, err);
}

/* A default below the home directory is unset where there is none: services run without. */
static bool parse_path(const struct zca_option *option, const char *text, struct zca_value *value,
                       struct zca_error *err)
{
    if (*text == '\0') {
        return true;
    }
    if (*text == '/') {
        return copy_text(text, value, err);
    }
    if (strncmp(text, "~/", 2) != 0) {
        return refuse(option, text, "an absolute path", err);
    }
    const char *home = secure_getenv("HOME");
    if (!home || *home != '/') {
        return text == option->default_value ||
               zca_error_set(err, ZCA_ERR_CONFIG, "'%.40s' needs HOME in the environment", text);
    }
    if (asprintf(&value->text, "%s%s", home, text + 1) < 0) {
        value->text = NULL; /* undefined after a failure */
        return zca_error_set(err, ZCA_ERR_MEMORY, "expanding a path");
    }
    return true;
}

static bool check_range(const struct zca_option *option, const char *text, long number,
                        struct zca_error *err)
{
    bool any = option->min == 0 && option->max == 0;
    if (any || (number >= option->min && number <= option->max)) {
        return true;
    }
    return zca_error_set(err, ZCA_ERR_CONFIG, "'%.40s' is not within %ld and %ld", text,
                         option->min, option->max);
}

/* Reads a decimal number; what follows it is left to the caller. */
static bool take_long(const char *text, long *out_number, const char **out_end)
{
    char *end = NULL;
    bool starts =
        isdigit((unsigned char)*text) || (*text == '-' && isdigit((unsigned char)text[1]));
    errno = 0;
    *out_number = strtol(text, &end, 10);
    *out_end = end;
    return starts && errno == 0;
}

static bool parse_integer(const struct zca_option *option, const char *text,
                          struct zca_value *value, struct zca_error *err)
{
    const char *end = NULL;
    if (!take_long(text, &value->number, &end) || *end != '\0') {
        return refuse(option, text, "a number", err);
    }
    return check_range(option, text, value->number, err) && copy_text(text, value, err);
}

struct unit_row {
    const char *suffix;
    long seconds;
};

static const struct unit_row units[] = {
    {"",  1    },
    {"s", 1    },
    {"m", 60   },
    {"h", 3600 },
    {"d", 86400},
};

static bool parse_seconds(const struct zca_option *option, const char *text,
                          struct zca_value *value, struct zca_error *err)
{
    static const char *const wanted = "a time such as 30s, 10m, 12h or 90d";
    const char *end = NULL;
    if (!take_long(text, &value->number, &end)) {
        return refuse(option, text, wanted, err);
    }
    for (size_t i = 0; i < ZCA_COUNT(units); i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            return (!__builtin_mul_overflow(value->number, units[i].seconds, &value->number) ||
                    refuse(option, text, wanted, err)) &&
                   check_range(option, text, value->number, err) && copy_text(text, value, err);
        }
    }
    return refuse(option, text, wanted, err);
}

static bool parse_boolean(const struct zca_option *option, const char *text,
                          struct zca_value *value, struct zca_error *err)
{
    value->number = strcasecmp(text, "yes") == 0;
    if (value->number == 0 && strcasecmp(text, "no") != 0) {
        return refuse(option, text, "yes or no", err);
    }
    return copy_text(text, value, err);
}

/* "one of a, b, c" in new memory. */
static bool list_choices(const struct zca_option *option, struct zca_buffer *out_text,
                         struct zca_error *err)
{
    const char *before = "one of ";
    for (size_t i = 0; option->choices[i]; i++) {
        if (!zca_buffer_format(out_text, err, "%s%s", before, option->choices[i])) {
            return false;
        }
        before = ", ";
    }
    return true;
}

static bool parse_choice(const struct zca_option *option, const char *text, struct zca_value *value,
                         struct zca_error *err)
{
    for (size_t i = 0; option->choices[i]; i++) {
        if (strcasecmp(text, option->choices[i]) == 0) {
            value->number = (long)i;
            return copy_text(option->choices[i], value, err);
        }
    }
    zca_auto(zca_buffer) struct zca_buffer wanted = {.data = NULL};
    return list_choices(option, &wanted, err) &&
           refuse(option, text, (const char *)wanted.data, err);
}

static size_t count_words(const char *text)
{
    size_t num_words = 0;
    for (text += strspn(text, separators); *text != '\0'; text += strspn(text, separators)) {
        text += strcspn(text, separators);
        num_words++;
    }
    return num_words;
}

static bool parse_list(const struct zca_option *option, const char *text, struct zca_value *value,
                       struct zca_error *err)
{
    (void)option;
    size_t num_words = count_words(text);
    value->words = calloc(num_words + 1, sizeof(*value->words));
    if (!value->words) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "copying an option");
    }
    const char *cursor = text;
    for (size_t i = 0; i < num_words; i++) {
        cursor += strspn(cursor, separators);
        size_t len = strcspn(cursor, separators);
        value->words[i] = strndup(cursor, len);
        if (!value->words[i]) {
            return zca_error_set(err, ZCA_ERR_MEMORY, "copying an option");
        }
        cursor += len;
    }
    return copy_text(text, value, err);
}

static parse_value *const parsers[] = {
    [ZCA_OPTION_TEXT] = parse_text,       [ZCA_OPTION_PATH] = parse_path,
    [ZCA_OPTION_INTEGER] = parse_integer, [ZCA_OPTION_SECONDS] = parse_seconds,
    [ZCA_OPTION_BOOLEAN] = parse_boolean, [ZCA_OPTION_CHOICE] = parse_choice,
    [ZCA_OPTION_LIST] = parse_list,
};

bool zca_value_parse(const struct zca_option *option, const char *text, struct zca_value *out_value,
                     struct zca_error *err)
{
    zca_auto(zca_value) struct zca_value value = {.text = NULL};
    if (text && !parsers[option->type](option, text, &value, err)) {
        return false;
    }
    struct zca_value old = *out_value;
    *out_value = value;
    value = old; /* cleared at the end of the block */
    return true;
}

static void free_text(char *text)
{
    if (text) {
        OPENSSL_cleanse(text, strlen(text));
        free(text);
    }
}

void zca_value_clear(struct zca_value *value)
{
    for (char **word = value->words; word && *word; word++) {
        free_text(*word);
    }
    free(value->words);
    free_text(value->text);
    *value = (struct zca_value){.text = NULL};
}
