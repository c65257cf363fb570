/* SPDX-License-Identifier: Apache-2.0 */
/* Sections: from headings and options to checked values. */
#include "base/config_section.h"

#include <stdlib.h>
#include <string.h>

/* Says that `word` is unknown, with the nearest of `names`, which is released. */
static bool refuse_word(const char *what, const char *word, const char **names,
                        struct zca_error *err)
{
    const char *nearest = names ? zca_nearest(word, names) : NULL;
    free(names);
    return nearest ? zca_error_set(err, ZCA_ERR_CONFIG, "unknown %s '%s', did you mean '%s'", what,
                                   word, nearest)
                   : zca_error_set(err, ZCA_ERR_CONFIG, "unknown %s '%s'", what, word);
}

static bool refuse_kind(const char *kind, const struct zca_section_kind *kinds, size_t num_kinds,
                        struct zca_error *err)
{
    const char **names = calloc(num_kinds + 1, sizeof(*names));
    for (size_t i = 0; names && i < num_kinds; i++) {
        names[i] = kinds[i].kind;
    }
    return refuse_word("section", kind, names, err);
}

static bool refuse_option(const char *option, const struct zca_section_kind *kind,
                          struct zca_error *err)
{
    const char **names = calloc(kind->num_options + 1, sizeof(*names));
    for (size_t i = 0; names && i < kind->num_options; i++) {
        names[i] = kind->options[i].name;
    }
    return refuse_word("option", option, names, err);
}

static const struct zca_section_kind *
find_kind(const char *kind, const struct zca_section_kind *kinds, size_t num_kinds)
{
    for (size_t i = 0; i < num_kinds; i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* Names become file names and stand in logs: NCONF would let "\\n" through as a line feed. */
static bool is_word(const char *text)
{
    const char *c = text;
    while ((unsigned char)*c > 0x20 && *c != 0x7F) {
        c++;
    }
    return c != text && *c == '\0';
}

bool zca_config_section_parse(struct zca_config_section *section, const char *heading,
                              const struct zca_section_kind *kinds, size_t num_kinds,
                              struct zca_error *err)
{
    static const char *const blanks = " \t";
    size_t kind_len = strcspn(heading, blanks);
    zca_auto(text) char *kind = strndup(heading, kind_len);
    section->heading = strdup(heading);
    if (!kind || !section->heading) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    }
    const struct zca_section_kind *row = find_kind(kind, kinds, num_kinds);
    if (!row) {
        return refuse_kind(kind, kinds, num_kinds, err);
    }
    const char *name = section->heading + kind_len + strspn(heading + kind_len, blanks);
    if (row->named && !is_word(name)) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "the section needs one name: [%s NAME]", kind);
    }
    if (!row->named && *name != '\0') {
        return zca_error_set(err, ZCA_ERR_CONFIG, "the section takes no name: [%s]", kind);
    }
    section->kind = row;
    section->name = row->named ? name : NULL;
    return true;
}

bool zca_config_section_init(struct zca_config_section *section,
                             const struct zca_section_kind *kind, struct zca_error *err)
{
    section->kind = kind;
    section->values = calloc(kind->num_options + 1, sizeof(*section->values));
    if (!section->values) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    }
    for (size_t i = 0; i < kind->num_options; i++) {
        const struct zca_option *option = &kind->options[i];
        if (!zca_value_parse(option, option->default_value, &section->values[i], err)) {
            return zca_error_context(err, "default of option '%s'", option->name);
        }
    }
    return true;
}

bool zca_config_section_set(struct zca_config_section *section, const char *option,
                            const char *value, struct zca_error *err)
{
    const struct zca_section_kind *kind = section->kind;
    for (size_t i = 0; i < kind->num_options; i++) {
        if (strcmp(kind->options[i].name, option) == 0) {
            return zca_value_parse(&kind->options[i], value, &section->values[i], err) ||
                   zca_error_context(err, "option '%s'", option);
        }
    }
    return refuse_option(option, kind, err);
}

bool zca_config_section_check_required(const struct zca_config_section *section,
                                       struct zca_error *err)
{
    for (size_t i = 0; i < section->kind->num_options; i++) {
        const struct zca_option *option = &section->kind->options[i];
        if ((option->flags & ZCA_OPTION_REQUIRED) != 0 && !section->values[i].text) {
            return zca_error_set(err, ZCA_ERR_CONFIG, "option '%s' is required", option->name);
        }
    }
    return true;
}

void zca_config_section_clear(struct zca_config_section *section)
{
    for (size_t i = 0; section->values && i < section->kind->num_options; i++) {
        zca_value_clear(&section->values[i]);
    }
    free(section->values);
    free(section->heading);
    *section = (struct zca_config_section){.kind = NULL};
}
