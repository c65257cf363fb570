/* SPDX-License-Identifier: Apache-2.0 */
/* One section of a configuration: its kind, its name and a value for every option. Used by
 * base/config.c only. */
#ifndef ZCA_BASE_CONFIG_SECTION_H
#define ZCA_BASE_CONFIG_SECTION_H

#include <stdbool.h>

#include "base/config.h"
#include "base/error.h"
#include "base/option.h"

/* Zero-initialised is an empty section of no kind. */
struct zca_config_section {
    const struct zca_section_kind *kind;
    char *heading;            /* "identity web", as it stands in the brackets; NULL: defaults */
    const char *name;         /* "web", inside heading; NULL for an unnamed kind */
    long line;                /* of the heading; 0: in an included file */
    struct zca_value *values; /* one for each option of the kind */
};

/** zca_config_section_parse reads what stands in brackets, "identity web", into kind, heading and name.
 * err  ZCA_ERR_CONFIG: no such kind, a name too many or too few; ZCA_ERR_MEMORY. */
ZCA_NODISCARD bool zca_config_section_parse(struct zca_config_section *section, const char *heading,
                                            const struct zca_section_kind *kinds, size_t num_kinds,
                                            struct zca_error *err);

/** zca_config_section_init gives every option of `kind` its default.
 * err  ZCA_ERR_MEMORY; ZCA_ERR_CONFIG when a row has a wrong default. */
ZCA_NODISCARD bool zca_config_section_init(struct zca_config_section *section,
                                           const struct zca_section_kind *kind,
                                           struct zca_error *err);

/** zca_config_section_set sets one option. err ZCA_ERR_CONFIG names the option, and the nearest one when
 * there is none of this name. The section is unchanged on failure. */
ZCA_NODISCARD bool zca_config_section_set(struct zca_config_section *section, const char *option,
                                          const char *value, struct zca_error *err);

/** zca_config_section_check_required tells whether every required option is set. err ZCA_ERR_CONFIG. */
ZCA_NODISCARD bool zca_config_section_check_required(const struct zca_config_section *section,
                                                     struct zca_error *err);

/** zca_config_section_clear releases the values and leaves an empty section. */
void zca_config_section_clear(struct zca_config_section *section);

ZCA_DEFINE_AUTO_CLEAR(zca_config_section, struct zca_config_section, zca_config_section_clear);

#endif
