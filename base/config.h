/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration in OpenSSL's syntax (config(5)), read with its parser into its own object:
 * never into the library's. Options are rows; readers ask by row and never parse text.
 * Sections are "[kind]" or "[kind NAME]". Unknown sections and names are errors that suggest
 * the nearest known one.
 */
#ifndef ZCA_BASE_CONFIG_H
#define ZCA_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/error.h"

enum zca_option_type {
    ZCA_OPTION_TEXT,
    ZCA_OPTION_PATH,    /* absolute; "~/" is the home directory; an empty text unsets it */
    ZCA_OPTION_INTEGER, /* decimal, within [min, max] */
    ZCA_OPTION_SECONDS, /* a number with s, m, h or d; within [min, max] seconds */
    ZCA_OPTION_BOOLEAN, /* yes / no */
    ZCA_OPTION_CHOICE,  /* one of `choices` */
    ZCA_OPTION_LIST     /* words separated by commas or spaces; read with zca_config_list */
};

#define ZCA_OPTION_SECRET 1u   /* never printed or logged */
#define ZCA_OPTION_REQUIRED 2u /* a section without it is an error */

struct zca_option {
    const char *name;
    enum zca_option_type type;
    const char *default_value;  /* text as it would stand in the file; NULL: unset */
    long min, max;              /* for numbers; both 0: any */
    const char *const *choices; /* NULL-terminated; for ZCA_OPTION_CHOICE */
    unsigned flags;
    const char *help; /* one sentence for the manual */
};

struct zca_section_kind {
    const char *kind; /* "zca", "authority", "identity", "server" */
    bool named;       /* "[kind NAME]" */
    const struct zca_option *options;
    size_t num_options;
};

struct zca_config;

/**
 * zca_config_load reads and checks a whole file; zca_config_parse does so from memory.
 *
 * kinds, num_kinds  borrowed for the life of the object.
 * path / origin     named in messages.
 * err               ZCA_ERR_NOT_FOUND, ZCA_ERR_CONFIG with file, line or section, option and why.
 *
 * Returns a new object, immutable afterwards and safe from several threads, or NULL.
 */
ZCA_NODISCARD struct zca_config *zca_config_load(const char *path,
                                                 const struct zca_section_kind *kinds,
                                                 size_t num_kinds, struct zca_error *err);
ZCA_NODISCARD struct zca_config *zca_config_parse(const char *text, const char *origin,
                                                  const struct zca_section_kind *kinds,
                                                  size_t num_kinds, struct zca_error *err);

/** zca_config_empty returns a configuration in which every option has its default. */
ZCA_NODISCARD struct zca_config *zca_config_empty(const struct zca_section_kind *kinds,
                                                  size_t num_kinds, struct zca_error *err);

void zca_config_free(struct zca_config *config);
ZCA_DEFINE_AUTO(zca_config, struct zca_config, zca_config_free);

/** zca_config_override sets one option of an unnamed section over what the file says (a provider's
 * parameter, a command line option); checked like the file. Before the object is shared. */
ZCA_NODISCARD bool zca_config_override(struct zca_config *config, const char *kind,
                                       const char *option, const char *value,
                                       struct zca_error *err);

/** zca_config_has tells whether section "[kind NAME]" exists. name NULL for unnamed kinds. */
bool zca_config_has(const struct zca_config *config, const char *kind, const char *name);

/** zca_config_names returns the NAMEs of a named kind in file order, NULL-terminated, borrowed. */
const char *const *zca_config_names(const struct zca_config *config, const char *kind);

/**
 * The getters return the value of `option` in "[kind NAME]" (name NULL for unnamed kinds), or its
 * default when the section or the option is absent. They cannot fail: values were checked when read.
 * Text is borrowed from the configuration; NULL when unset without default. zca_config_get_text
 * takes options of any type. `option` must be an element of the kind's own table.
 * Unset without default, numbers are 0, booleans false, choices the first, lists empty.
 * zca_config_get_choice returns the index into `choices`.
 * zca_config_get_list returns words, NULL-terminated, borrowed.
 */
const char *zca_config_get_text(const struct zca_config *config, const char *kind, const char *name,
                                const struct zca_option *option);
long zca_config_get_number(const struct zca_config *config, const char *kind, const char *name,
                           const struct zca_option *option);
bool zca_config_get_boolean(const struct zca_config *config, const char *kind, const char *name,
                            const struct zca_option *option);
size_t zca_config_get_choice(const struct zca_config *config, const char *kind, const char *name,
                             const struct zca_option *option);
const char *const *zca_config_get_list(const struct zca_config *config, const char *kind,
                                       const char *name, const struct zca_option *option);

/** zca_nearest returns the member of the NULL-terminated `words` that resembles `word` most, or NULL
 * when none is near (for "did you mean"). */
const char *zca_nearest(const char *word, const char *const *words);

#endif
