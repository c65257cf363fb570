/* SPDX-License-Identifier: Apache-2.0 */
/* Where files lie: the configuration file, the state and runtime directories and what is below. */
#ifndef ZCA_CORE_PLACE_H
#define ZCA_CORE_PLACE_H

#include "base/config.h"
#include "core/library.h"

/* Zero-initialised is "not found yet". Owned. */
struct zca_place_roots {
    char *state;
    char *runtime;
};

/**
 * zca_place_config_file finds the path of zca.conf: $ZCA_CONFIG, the user's file when it exists,
 * /etc/zca/zca.conf.
 *
 * out_is_named   true: somebody named this file, so it must exist.
 * Caller frees out_path.
 */
ZCA_NODISCARD bool zca_place_config_file(char **out_path, bool *out_is_named,
                                         struct zca_error *err);

/** zca_place_new_config_file is zca_place_config_file, but when no file exists it finds where a new one
 * belongs: the user's own unless the user is root. Caller frees out_path. */
ZCA_NODISCARD bool zca_place_new_config_file(char **out_path, struct zca_error *err);

/** zca_place_find_roots fills both members from the configuration or the defaults of the user. */
ZCA_NODISCARD bool zca_place_find_roots(const struct zca_config *config,
                                        struct zca_place_roots *out_roots, struct zca_error *err);

void zca_place_roots_clear(struct zca_place_roots *roots);

/** zca_place_directory is zca_library_directory below given roots. */
ZCA_NODISCARD char *zca_place_directory(const struct zca_place_roots *roots, enum zca_place place,
                                        const char *authority, struct zca_error *err);

/** zca_place_path is zca_library_path below given roots. */
ZCA_NODISCARD char *zca_place_path(const struct zca_place_roots *roots, enum zca_place place,
                                   const char *authority, const char *name, const char *suffix,
                                   struct zca_error *err);

/** zca_place_make is zca_library_prepare below given roots. */
ZCA_NODISCARD bool zca_place_make(const struct zca_place_roots *roots, enum zca_place place,
                                  const char *authority, struct zca_error *err);

#endif
