/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration: NCONF reads the text, the rows of the section kinds check it, and every
 * value is kept ready for its getter. Nothing refers to NCONF afterwards.
 */
#include "base/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/conf.h>

#include "base/config_line.h"
#include "base/config_section.h"
#include "base/file.h"
#include "base/openssl_auto.h"

static const size_t max_file = 1 << 20;

struct zca_config {
    const struct zca_section_kind *kinds;
    size_t num_kinds;
    struct zca_config_section
        *defaults; /* one for each kind: what is read when a section is absent */
    struct zca_config_section **sections; /* owned, in file order */
    size_t num_sections;
    struct zca_config_section **index; /* the first num_indexed of them, by kind and name */
    size_t num_indexed;
    const char ***names; /* one list for each kind, into sections */
};

/* A text being read. */
struct reading {
    const char *text;
    const char *origin;
    CONF *conf;
};

/* ---- the index ---- */

static int compare_sections(const void *left_item, const void *right_item)
{
    const struct zca_config_section *left = *(struct zca_config_section *const *)left_item;
    const struct zca_config_section *right = *(struct zca_config_section *const *)right_item;
    int order = (left->kind > right->kind) - (left->kind < right->kind);
    return order == 0 && left->name ? strcmp(left->name, right->name) : order;
}

static bool make_index(struct zca_config *config, struct zca_error *err)
{
    free(config->index);
    config->index = calloc(config->num_sections + 1, sizeof(*config->index));
    if (!config->index) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    }
    for (size_t i = 0; i < config->num_sections; i++) {
        config->index[i] = config->sections[i];
    }
    config->num_indexed = config->num_sections;
    qsort(config->index, config->num_indexed, sizeof(*config->index), compare_sections);
    return true;
}

static struct zca_config_section *
find_section(const struct zca_config *config, const struct zca_section_kind *kind, const char *name)
{
    struct zca_config_section wanted = {.kind = kind, .name = name};
    struct zca_config_section *key = &wanted;
    if (kind->named != (name != NULL)) {
        return NULL;
    }
    struct zca_config_section **found =
        bsearch(&key, config->index, config->num_indexed, sizeof(*config->index), compare_sections);
    return found ? *found : NULL;
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
            const struct zca_config_section *section = config->sections[j];
            if (section->kind == &config->kinds[i] && section->name) {
                config->names[i][num_names++] = section->name;
            }
        }
    }
    return true;
}

/* ---- from NCONF to sections ---- */

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

static bool fill_section(const struct reading *reading, struct zca_config_section *section,
                         struct zca_error *err)
{
    STACK_OF(CONF_VALUE) *lines = NCONF_get_section(reading->conf, section->heading);
    for (int i = 0; i < sk_CONF_VALUE_num(lines); i++) {
        const CONF_VALUE *line = sk_CONF_VALUE_value(lines, i);
        if (!zca_config_section_set(section, line->name, line->value, err)) {
            return locate(reading, section->heading, line->name, err);
        }
    }
    return zca_config_section_check_required(section, err) ||
           locate(reading, section->heading, NULL, err);
}

/* Makes room for one more section: twice as much at each power of two. */
static bool grow_sections(struct zca_config *config, struct zca_error *err)
{
    size_t num = config->num_sections;
    if ((num & (num - 1)) != 0) {
        return true;
    }
    struct zca_config_section **grown =
        reallocarray(config->sections, num != 0 ? 2 * num : 1, sizeof(*grown));
    if (!grown) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    }
    config->sections = grown;
    return true;
}

/* Adds a section whose heading was parsed, with what NCONF knows of it. */
static bool add_section(struct zca_config *config, const struct reading *reading,
                        struct zca_config_section *section, struct zca_error *err)
{
    if (!zca_config_section_init(section, section->kind, err) ||
        !fill_section(reading, section, err) || !grow_sections(config, err)) {
        return false;
    }
    struct zca_config_section *added = malloc(sizeof(*added));
    if (!added) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    }
    *added = *section;
    *section = (struct zca_config_section){.kind = NULL};
    config->sections[config->num_sections++] = added;
    return true;
}

static bool parse_heading(const struct zca_config *config, const struct reading *reading,
                          const char *heading, struct zca_config_section *section,
                          struct zca_error *err)
{
    return zca_config_section_parse(section, heading, config->kinds, config->num_kinds, err) ||
           locate(reading, heading, NULL, err);
}

/* Adds the sections of this text in their order. */
static bool add_own_sections(struct zca_config *config, const struct reading *reading,
                             struct zca_error *err)
{
    struct zca_config_line line = {.text = reading->text};
    while (zca_config_line_next(&line)) {
        const char *start = (const char *)line.section.data;
        zca_auto(zca_config_section) struct zca_config_section section = {.line = line.number};
        zca_auto(text) char *heading = line.heading ? strndup(start, line.section.len) : NULL;
        if (line.heading && !heading) {
            return zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
        }
        bool known = heading && NCONF_get_section(reading->conf, heading);
        if (known && (!parse_heading(config, reading, heading, &section, err) ||
                      !add_section(config, reading, &section, err))) {
            return false;
        }
    }
    return make_index(config, err);
}

/* Adds those that are left: they stand in included files. */
static bool add_included_sections(struct zca_config *config, const struct reading *reading,
                                  const STACK_OF(OPENSSL_CSTRING) * headings, struct zca_error *err)
{
    for (int i = 0; i < sk_OPENSSL_CSTRING_num(headings); i++) {
        const char *heading = sk_OPENSSL_CSTRING_value(headings, i);
        zca_auto(zca_config_section) struct zca_config_section section = {.line = 0};
        if (strcmp(heading, "default") == 0) {
            continue;
        }
        if (!parse_heading(config, reading, heading, &section, err)) {
            return false;
        }
        const struct zca_config_section *same = find_section(config, section.kind, section.name);
        bool done = same && strcmp(same->heading, heading) == 0;
        if (!done && !add_section(config, reading, &section, err)) {
            return false;
        }
    }
    return make_index(config, err);
}

/* NCONF merges sections of one heading: a copy that somebody forgot to edit would go unseen. */
static bool refuse_twins(const struct zca_config *config, const struct reading *reading,
                         struct zca_error *err)
{
    for (size_t i = 1; i < config->num_indexed; i++) {
        const struct zca_config_section *left = config->index[i - 1];
        const struct zca_config_section *right = config->index[i];
        if (compare_sections(&left, &right) == 0) {
            return zca_error_set(
                err, ZCA_ERR_CONFIG, "%s:%ld: [%s] stands there twice", reading->origin,
                left->line > right->line ? left->line : right->line, right->heading);
        }
    }
    return true;
}

static bool add_sections(struct zca_config *config, const struct reading *reading,
                         struct zca_error *err)
{
    STACK_OF(OPENSSL_CSTRING) *headings = NCONF_get_section_names(reading->conf);
    bool ok = headings ? add_own_sections(config, reading, err) &&
                             add_included_sections(config, reading, headings, err) &&
                             refuse_twins(config, reading, err) && list_names(config, err)
                       : zca_error_set(err, ZCA_ERR_MEMORY, "reading the configuration");
    sk_OPENSSL_CSTRING_free(headings);
    return ok;
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
    unsigned long code = ERR_peek_last_error();
    const char *why = ERR_reason_error_string(code);
    bool is_dollar =
        ERR_GET_LIB(code) == ERR_LIB_CONF && ERR_GET_REASON(code) == CONF_R_VARIABLE_HAS_NO_VALUE;
    return zca_error_set(err, ZCA_ERR_CONFIG, "%s:%ld: %s%s", reading->origin, line,
                         why ? why : "syntax error",
                         is_dollar ? ": $ starts a variable, \\$ is a dollar sign" : "");
}

/* ---- public ---- */

struct zca_config *zca_config_empty(const struct zca_section_kind *kinds, size_t num_kinds,
                                    struct zca_error *err)
{
    zca_auto(zca_config) struct zca_config *config = calloc(1, sizeof(*config));
    struct zca_config_section *defaults = calloc(num_kinds + 1, sizeof(*defaults));
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
        if (!zca_config_section_init(&defaults[i], &kinds[i], err)) {
            return NULL;
        }
    }
    return make_index(config, err) && list_names(config, err) ? zca_steal(config) : NULL;
}

struct zca_config *zca_config_parse(const char *text, const char *origin,
                                    const struct zca_section_kind *kinds, size_t num_kinds,
                                    struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(zca_config) struct zca_config *config = zca_config_empty(kinds, num_kinds, err);
    if (!config) {
        return NULL;
    }
    struct reading reading = {.text = text, .origin = origin, .conf = NCONF_new(NULL)};
    bool ok = read_text(&reading, err) && add_sections(config, &reading, err);
    NCONF_free(reading.conf);
    return ok ? zca_steal(config) : NULL;
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
        zca_config_section_clear(&config->defaults[i]);
        free(config->names[i]);
    }
    for (size_t i = 0; i < config->num_sections; i++) {
        zca_config_section_clear(config->sections[i]);
        free(config->sections[i]);
    }
    free(config->defaults);
    free(config->sections);
    free(config->index);
    free(config->names);
    free(config);
}

/* The kinds are the program's own: the one asked for is there. */
static size_t get_kind(const struct zca_config *config, const char *kind)
{
    size_t i = 0;
    while (i < config->num_kinds && strcmp(config->kinds[i].kind, kind) != 0) {
        i++;
    }
    assert(i < config->num_kinds);
    return i;
}

/* The section, or the defaults of its kind. */
static struct zca_config_section *get_section(const struct zca_config *config, const char *kind,
                                              const char *name)
{
    size_t i = get_kind(config, kind);
    struct zca_config_section *section = find_section(config, &config->kinds[i], name);
    return section ? section : &config->defaults[i];
}

bool zca_config_override(struct zca_config *config, const char *kind, const char *option,
                         const char *value, struct zca_error *err)
{
    return zca_config_section_set(get_section(config, kind, NULL), option, value, err) ||
           zca_error_context(err, "[%s]", kind);
}

bool zca_config_has(const struct zca_config *config, const char *kind, const char *name)
{
    return find_section(config, &config->kinds[get_kind(config, kind)], name) != NULL;
}

const char *const *zca_config_names(const struct zca_config *config, const char *kind)
{
    return config->names[get_kind(config, kind)];
}

static const struct zca_value *get_value(const struct zca_config *config, const char *kind,
                                         const char *name, const struct zca_option *option)
{
    const struct zca_config_section *section = get_section(config, kind, name);
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
