/* SPDX-License-Identifier: Apache-2.0 */
/* zca config: the configuration in force, and the rows behind it for the manual and its checks. */
#include <string.h>

#include "tool/command.h"
#include "tool/output.h"

static const char *const type_names[] = {
    [ZCA_OPTION_TEXT] = "text",       [ZCA_OPTION_PATH] = "path",
    [ZCA_OPTION_INTEGER] = "integer", [ZCA_OPTION_SECONDS] = "seconds",
    [ZCA_OPTION_BOOLEAN] = "boolean", [ZCA_OPTION_CHOICE] = "choice",
    [ZCA_OPTION_LIST] = "list",
};

/* ---- what is in force ---- */

static void say_section(const struct zca_config *config, const struct zca_section_kind *kind,
                        const char *name)
{
    zca_tool_say("[%s%s%s]", kind->kind, name ? " " : "", name ? name : "");
    for (size_t i = 0; i < kind->num_options; i++) {
        const struct zca_option *option = &kind->options[i];
        const char *value = zca_config_get_text(config, kind->kind, name, option);
        if (!value || *value == '\0') {
            zca_tool_say("# %s is unset", option->name);
        } else {
            bool secret = (option->flags & ZCA_OPTION_SECRET) != 0;
            zca_tool_say("%s = %s", option->name, secret ? "(not shown)" : value);
        }
    }
}

static bool say_config(struct zca_library *library, struct zca_error *err)
{
    const struct zca_config *config = zca_library_config(library, err);
    if (!config) {
        return false;
    }
    zca_tool_say("# in force, from %s and the defaults", zca_library_config_file(library));
    for (size_t i = 0; i < ZCA_COUNT(zca_section_kinds); i++) {
        const struct zca_section_kind *kind = &zca_section_kinds[i];
        if (!kind->named) {
            say_section(config, kind, NULL);
        }
        const char *const *name = kind->named ? zca_config_names(config, kind->kind) : NULL;
        for (; name && *name; name++) {
            zca_tool_say("%s", "");
            say_section(config, kind, *name);
        }
    }
    return true;
}

/* ---- the rows ---- */

static const char *default_of(const struct zca_option *option)
{
    bool required = (option->flags & ZCA_OPTION_REQUIRED) != 0;
    const char *without = required ? "required" : "unset";
    return option->default_value ? option->default_value : without;
}

/* "|" between choices; "" for other types. */
static bool format_choices(const struct zca_option *option, struct zca_buffer *out_text,
                           struct zca_error *err)
{
    for (size_t i = 0; option->choices && option->choices[i]; i++) {
        if (!zca_buffer_format(out_text, err, "%s%s", i > 0 ? "|" : "", option->choices[i])) {
            return false;
        }
    }
    return true;
}

static const char *text_of(const struct zca_buffer *buffer)
{
    return buffer->len > 0 ? (const char *)buffer->data : "";
}

/* Fields are separated by '|' surrounded by spaces: a line passes zca_tool_say, which takes no tabs. */
static bool say_row(const struct zca_section_kind *kind, const struct zca_option *option,
                    struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer choices = {.len = 0};
    if (!format_choices(option, &choices, err)) {
        return false;
    }
    bool has_choices = choices.len > 0;
    zca_tool_say("%s | %s | %s%s%s | %s | %s", kind->kind, option->name, type_names[option->type],
                 has_choices ? " " : "", text_of(&choices), default_of(option), option->help);
    return true;
}

/* mdoc(7), as it stands in zca.conf(5). */
static bool say_manual(const struct zca_section_kind *kind, const struct zca_option *option,
                       struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer choices = {.len = 0};
    if (!format_choices(option, &choices, err)) {
        return false;
    }
    if (option == kind->options) {
        zca_tool_say(".Ss Section [%s%s]", kind->kind, kind->named ? " NAME" : "");
        zca_tool_say(".Bl -tag -width Ds");
    }
    zca_tool_say(".It Ic %s No = Ar %s", option->name,
                 choices.len > 0 ? text_of(&choices) : type_names[option->type]);
    zca_tool_say("%s", option->help);
    if (option->default_value) {
        zca_tool_say("Default: %s.", option->default_value);
    }
    if (option == &kind->options[kind->num_options - 1]) {
        zca_tool_say(".El");
    }
    return true;
}

static bool for_each_row(bool (*say)(const struct zca_section_kind *, const struct zca_option *,
                                     struct zca_error *),
                         struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(zca_section_kinds); i++) {
        const struct zca_section_kind *kind = &zca_section_kinds[i];
        for (size_t j = 0; j < kind->num_options; j++) {
            if (!say(kind, &kind->options[j], err)) {
                return false;
            }
        }
    }
    return true;
}

bool zca_tool_config(struct zca_tool *tool, struct zca_error *err)
{
    if (zca_arguments_has(tool->arguments, ZCA_TOOL_PRINT_OPTIONS)) {
        return for_each_row(say_row, err);
    }
    if (zca_arguments_has(tool->arguments, ZCA_TOOL_MAN)) {
        return for_each_row(say_manual, err);
    }
    return say_config(tool->library, err);
}
