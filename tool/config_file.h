/* SPDX-License-Identifier: Apache-2.0 */
/* zca.conf as a file that commands may add to. */
#ifndef ZCA_TOOL_CONFIG_FILE_H
#define ZCA_TOOL_CONFIG_FILE_H

#include "base/config.h"
#include "base/error.h"

/* One option to be set. value NULL: left as it is. */
struct zca_config_change {
    const char *heading; /* "authority corp" */
    const char *name;
    const char *value;
};

/**
 * zca_config_file_path returns the file to read and change: `named` (--config), $ZCA_CONFIG, the file that
 * exists, or where a new one belongs: /etc/zca/zca.conf for root, else the user's own. Caller frees.
 */
ZCA_NODISCARD char *zca_config_file_path(const char *named, struct zca_error *err);

/** zca_config_file_read reads and checks the file; one that is not there is empty. Caller frees. */
ZCA_NODISCARD struct zca_config *zca_config_file_read(const char *path, struct zca_error *err);

/**
 * zca_config_file_change sets options in the file, which need not exist, and keeps all other bytes. The new
 * text is checked as a whole before it replaces the file atomically; mode and owner stay.
 *
 * err   ZCA_ERR_CONFIG: the new text would be wrong, the file is unchanged; file errors.
 */
ZCA_NODISCARD bool zca_config_file_change(const char *path, const struct zca_config_change *changes,
                                          size_t num_changes, struct zca_error *err);

#endif
