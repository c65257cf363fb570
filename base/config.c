/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration: NCONF reads the text, the rows of the section kinds check it, and every
 * value is kept ready for its getter. Nothing refers to NCONF afterwards.
 */
#include "base/config.h"

#include <assert.h>
#include <string.h>

#include <openssl/conf.h>

#include "base/config_line.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/option.h"

static const size_t max_file = 1 << 20;

struct section {
    const struct zca_section_kind *kind;
    char *heading;            /* "identity web", as it stands in the brackets */
    const char *name;         /* "web", inside heading; NULL for an unnamed kind */
    struct zca_value *values; /* one for each option of the kind */
};

struct zca_config {
    const struct zca_section_kind *kinds;
    size_t num_kinds;
    struct section *defaults; /* one for each kind: what is read when a section is absent */
    struct section *sections; /* in file order */
    size_t num_sections;
    const char ***names; /* one list for each kind, into sections */
};

/* A text being read. */
struct reading {
    const char *text;
    const char *origin;
    CONF *conf;
};

/* ---- sections ---- */

static void section_clear(struct section *section)
{
    for (size_t i = 0; section->values && i < section->kind->num_options; i++) {
        zca_value_clear(&section->values[i]);
    }
    free(section->values);
    free(section->heading);
    *section = (struct section){.kind = NULL};
}

ZCA_DEFINE_AUTO_CLEAR(section, struct section, section_clear);

/* Fills a section with the defaults of its kind. */
static bool section_init(struct section *section, const struct zca_section_kind *kind,
                         struct zca_error *err)
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

static const struct zca_section_kind *find_kind(const struct zca_config *config, const char *kind)
{
    for (size_t i = 0; i < config->num_kinds; i++) {
        if (strcmp(config->kinds[i].kind, kind) == 0) {
            return &config->kinds[i];
        }
    }
    return NULL;
}

static struct section *find_section(const struct zca_config *config, const char *kind,
                                    const char *name)
{
    for (size_t i = 0; i < config->num_sections; i++) {
        struct section *section = &config->sections[i];
        bool same_name =
            name && section->name ? strcmp(section->name, name) == 0 : !name && !section->name;
        if (same_name && strcmp(section->kind->kind, kind) == 0) {
            return section;
        }
    }
    return NULL;
}

/* ---- messages ---- */

/* Collects the names of something, NULL-terminated, for zca_nearest. */
static const char *nearest_option(const struct zca_section_kind *kind, const char *word)
{
    const char **names = calloc(kind->num_options + 1, sizeof(*names));
    for (size_t i = 0; names && i < kind->num_options; i++) {
        names[i] = kind->options[i].name;
    }
    const char *nearest = names ? zca_nearest(word, names) : NULL;
    free(names);
    return nearest;
}

static const char *nearest_kind(const struct zca_config *config, const char *word)
{
    const char **names = calloc(config->num_kinds + 1, sizeof(*names));
    for (size_t i = 0; names && i < config->num_kinds; i++) {
        names[i] = config->kinds[i].kind;
    }
    const char *nearest = names ? zca_nearest(word, names) : NULL;
    free(names);
    return nearest;
}

/* Puts "file:12: [identity web]: " in front of the message. */
static bool locate(const struct reading *reading, const char *heading, const char *option,
                   struct zca_error *err)
{
    long line = zca_config_line_find(reading->text, heading, option);
    if (line == 0) {
        return zca_error_context(err, "%s: [%s]", reading->origin, heading);
    }
    return zca_error_context(err, "%s:%ld: [%s]", reading->origin, line, heading);
}

/* ---- from NCONF to sections ---- */

static bool set_option(struct section *section, const char *name, const char *value,
                       struct zca_error *err)
{
    const struct zca_section_kind *kind = section->kind;
    for (size_t i = 0; i < kind->num_options; i++) {
        if (strcmp(kind->options[i].name, name) == 0) {
            return zca_value_parse(&kind->options[i], value, &section->values[i], err) ||
                   zca_error_context(err, "option '%s'", name);
        }
    }
    const char *nearest = nearest_option(kind, name);
    return nearest ? zca_error_set(err, ZCA_ERR_CONFIG, "unknown option '%s', did you mean '%s'",
                                   name, nearest)
                   : zca_error_set(err, ZCA_ERR_CONFIG, "unknown option '%s'", name);
}

static bool check_required(const struct reading *reading, const struct section *section,
                           struct zca_error *err)
{
    for (size_t i = 0; i < section->kind->num_options; i++) {
        const struct zca_option *option = &section->kind->options[i];
        if ((option->flags & ZCA_OPTION_REQUIRED) != 0 && !section->values[i].text) {
            (void)zca_error_set(err, ZCA_ERR_CONFIG, "option '%s' is required", option->name);
            return locate(reading, section->heading, NULL, err);
        }
    }
    return true;
}

/* Splits "identity web" at its blanks: kind and name. */
static bool parse_heading(const struct zca_config *config, const char *heading,
                          struct section *section, struct zca_error *err)
{
    static const char *const blanks = " \t";
    size_t kind_len = strcspn(heading, blanks);
    zca_auto(text) char *kind = strndup(heading, kind_len);
    section->heading = strdup(heading);
    if (!kind || !section->heading) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    }
    section->kind = find_kind(config, kind);
    if (!section->kind) {
        const char *nearest = nearest_kind(config, kind);
        return nearest ? zca_error_set(err, ZCA_ERR_CONFIG, "unknown section, did you mean '%s'",
                                       nearest)
                       : zca_error_set(err, ZCA_ERR_CONFIG, "unknown section");
    }
    const char *name = section->heading + kind_len + strspn(heading + kind_len, blanks);
    section->name = section->kind->named ? name : NULL;
    if (section->kind->named && (*name == '\0' || name[strcspn(name, blanks)] != '\0')) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "the section needs one name: [%s NAME]", kind);
    }
    return section->kind->named || *name == '\0' ||
           zca_error_set(err, ZCA_ERR_CONFIG, "the section takes no name: [%s]", kind);
}

static bool fill_section(const struct reading *reading, struct section *section,
                         struct zca_error *err)
{
    STACK_OF(CONF_VALUE) *lines = NCONF_get_section(reading->conf, section->heading);
    for (int i = 0; i < sk_CONF_VALUE_num(lines); i++) {
        const CONF_VALUE *line = sk_CONF_VALUE_value(lines, i);
        if (!set_option(section, line->name, line->value, err)) {
            return locate(reading, section->heading, line->name, err);
        }
    }
    return check_required(reading, section, err);
}

static bool has_heading(const struct zca_config *config, const char *heading)
{
    for (size_t i = 0; i < config->num_sections; i++) {
        if (strcmp(config->sections[i].heading, heading) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds the section that NCONF knows by `heading`. */
static bool add_section(struct zca_config *config, const struct reading *reading,
                        const char *heading, struct zca_error *err)
{
    zca_auto(section) struct section section = {.kind = NULL};
    if (!parse_heading(config, heading, &section, err)) {
        return locate(reading, heading, NULL, err);
    }
    if (find_section(config, section.kind->kind, section.name)) {
        (void)zca_error_set(err, ZCA_ERR_CONFIG, "the section stands there twice");
        return locate(reading, heading, NULL, err);
    }
    if (!section_init(&section, section.kind, err) || !fill_section(reading, &section, err)) {
        return false;
    }
    config->sections[config->num_sections++] = section;
    section = (struct section){.kind = NULL};
    return true;
}

/* Options in front of the first heading are OpenSSL's "default" section. */
static bool check_default_section(const struct reading *reading, struct zca_error *err)
{
    STACK_OF(CONF_VALUE) *lines = NCONF_get_section(reading->conf, "default");
    if (sk_CONF_VALUE_num(lines) <= 0) {
        return true;
    }
    return zca_error_set(err, ZCA_ERR_CONFIG, "%s: option '%s' stands before the first section",
                         reading->origin, sk_CONF_VALUE_value(lines, 0)->name);
}

/* Adds the sections of this text in their order. NCONF would merge two with one heading. */
static bool add_own_sections(struct zca_config *config, const struct reading *reading,
                             struct zca_error *err)
{
    struct zca_config_line line = {.text = reading->text};
    while (zca_config_line_next(&line)) {
        const char *start = (const char *)line.section.data;
        zca_auto(text) char *heading = line.heading ? strndup(start, line.section.len) : NULL;
        if (line.heading && !heading) {
            return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
        }
        if (heading && has_heading(config, heading)) {
            return zca_error_set(err, ZCA_ERR_CONFIG, "%s:%ld: [%s] stands there twice",
                                 reading->origin, line.number, heading);
        }
        bool known = heading && NCONF_get_section(reading->conf, heading);
        if (known && !add_section(config, reading, heading, err)) {
            return false;
        }
    }
    return true;
}

/* Adds those that are left: they stand in included files. */
static bool add_included_sections(struct zca_config *config, const struct reading *reading,
                                  const STACK_OF(OPENSSL_CSTRING) * headings, struct zca_error *err)
{
    for (int i = 0; i < sk_OPENSSL_CSTRING_num(headings); i++) {
        const char *heading = sk_OPENSSL_CSTRING_value(headings, i);
        bool done = strcmp(heading, "default") == 0 || has_heading(config, heading);
        if (!done && !add_section(config, reading, heading, err)) {
            return false;
        }
    }
    return true;
}

static bool add_sections(struct zca_config *config, const struct reading *reading,
                         struct zca_error *err)
{
    STACK_OF(OPENSSL_CSTRING) *headings = NCONF_get_section_names(reading->conf);
    size_t num_headings = headings ? (size_t)sk_OPENSSL_CSTRING_num(headings) : 0;
    config->sections = calloc(num_headings + 1, sizeof(*config->sections));
    bool ok = headings && config->sections
                  ? add_own_sections(config, reading, err) &&
                        add_included_sections(config, reading, headings, err)
                  : zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    sk_OPENSSL_CSTRING_free(headings);
    return ok;
}

/* Replaces the lists of names by those of the present sections. */
static bool list_names(struct zca_config *config, struct zca_error *err)
{
    for (size_t i = 0; i < config->num_kinds; i++) {
        size_t num_names = 0;
        free(config->names[i]);
        config->names[i] = calloc(config->num_sections + 1, sizeof(*config->names[i]));
        if (!config->names[i]) {
            return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
        }
        for (size_t j = 0; j < config->num_sections; j++) {
            if (config->sections[j].kind == &config->kinds[i] && config->sections[j].name) {
                config->names[i][num_names++] = config->sections[j].name;
            }
        }
    }
    return true;
}

/* NCONF's own message may quote the text, which may hold a secret: only its reason is used. */
static bool read_text(struct reading *reading, struct zca_error *err)
{
    zca_auto(BIO) BIO *bio = BIO_new_mem_buf(reading->text, -1);
    long line = -1;
    if (!bio || !reading->conf) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    }
    if (NCONF_load_bio(reading->conf, bio, &line) > 0) {
        return check_default_section(reading, err);
    }
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    return zca_error_set(err, ZCA_ERR_CONFIG, "%s:%ld: %s", reading->origin, line,
                         why ? why : "syntax error");
}

/* ---- public ---- */

struct zca_config *zca_config_empty(const struct zca_section_kind *kinds, size_t num_kinds,
                                    struct zca_error *err)
{
    zca_auto(zca_config) struct zca_config *config = calloc(1, sizeof(*config));
    struct section *defaults = calloc(num_kinds + 1, sizeof(*defaults));
    const char ***names = calloc(num_kinds + 1, sizeof(*names));
    if (!config || !defaults || !names) {
        free(defaults);
        free(names);
        zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
        return NULL;
    }
    *config = (struct zca_config){.kinds = kinds, .defaults = defaults, .names = names};
    for (size_t i = 0; i < num_kinds; i++) {
        config->num_kinds = i + 1; /* as many as zca_config_free has to look at */
        if (!section_init(&defaults[i], &kinds[i], err)) {
            return NULL;
        }
    }
    return list_names(config, err) ? zca_steal(config) : NULL;
}

struct zca_config *zca_config_parse(const char *text, const char *origin,
                                    const struct zca_section_kind *kinds, size_t num_kinds,
                                    struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    struct reading reading = {.text = text, .origin = origin, .conf = NCONF_new(NULL)};
    struct zca_config *config = zca_config_empty(kinds, num_kinds, err);
    bool ok = config && read_text(&reading, err) && add_sections(config, &reading, err) &&
              list_names(config, err);
    NCONF_free(reading.conf);
    if (!ok) {
        zca_config_free(config);
        return NULL;
    }
    return config;
}

struct zca_config *zca_config_load(const char *path, const struct zca_section_kind *kinds,
                                   size_t num_kinds, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    if (!zca_file_load(path, max_file, &text, NULL, err)) {
        zca_error_context(err, "configuration");
        return NULL;
    }
    if (text.len > 0 && memchr(text.data, 0, text.len)) {
        zca_error_set(err, ZCA_ERR_CONFIG, "%s: the file contains NUL bytes", path);
        return NULL;
    }
    return zca_config_parse((const char *)text.data, path, kinds, num_kinds, err);
}

void zca_config_free(struct zca_config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->num_kinds; i++) {
        section_clear(&config->defaults[i]);
        free(config->names[i]);
    }
    for (size_t i = 0; i < config->num_sections; i++) {
        section_clear(&config->sections[i]);
    }
    free(config->defaults);
    free(config->sections);
    free(config->names);
    free(config);
}

/* The section, or the defaults of its kind; the kinds are the program's own: one is always there. */
static struct section *get_section(const struct zca_config *config, const char *kind,
                                   const char *name)
{
    struct section *section = find_section(config, kind, name);
    const struct zca_section_kind *row = find_kind(config, kind);
    assert(row);
    return section ? section : &config->defaults[row - config->kinds];
}

bool zca_config_override(struct zca_config *config, const char *kind, const char *option,
                         const char *value, struct zca_error *err)
{
    return set_option(get_section(config, kind, NULL), option, value, err) ||
           zca_error_context(err, "[%s]", kind);
}

bool zca_config_has(const struct zca_config *config, const char *kind, const char *name)
{
    return find_section(config, kind, name) != NULL;
}

const char *const *zca_config_names(const struct zca_config *config, const char *kind)
{
    const struct zca_section_kind *row = find_kind(config, kind);
    assert(row);
    return config->names[row - config->kinds];
}

static const struct zca_value *get_value(const struct zca_config *config, const char *kind,
                                         const char *name, const struct zca_option *option)
{
    const struct section *section = get_section(config, kind, name);
    ptrdiff_t index = option - section->kind->options;
    assert(index >= 0 && (size_t)index < section->kind->num_options);
    return &section->values[index];
}

const char *zca_config_get_text(const struct zca_config *config, const char *kind, const char *name,
                                const struct zca_option *option)
{
    return get_value(config, kind, name, option)->text;
}

long zca_config_get_number(const struct zca_config *config, const char *kind, const char *name,
                           const struct zca_option *option)
{
    return get_value(config, kind, name, option)->number;
}

bool zca_config_get_boolean(const struct zca_config *config, const char *kind, const char *name,
                            const struct zca_option *option)
{
    return get_value(config, kind, name, option)->number != 0;
}

size_t zca_config_get_choice(const struct zca_config *config, const char *kind, const char *name,
                             const struct zca_option *option)
{
    return (size_t)get_value(config, kind, name, option)->number;
}

const char *const *zca_config_get_list(const struct zca_config *config, const char *kind,
                                       const char *name, const struct zca_option *option)
{
    static const char *const none[] = {NULL};
    const struct zca_value *value = get_value(config, kind, name, option);
    return value->words ? (const char *const *)value->words : none;
}
