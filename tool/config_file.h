/* SPDX-License-Identifier: Apache-2.0 */
/* zca.conf as a file that commands may add to. */
#ifndef ZCA_TOOL_CONFIG_FILE_H
#define ZCA_TOOL_CONFIG_FILE_H

#include "base/auto.h"
#include "base/buffer.h"
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

/* Keeps other commands from changing a file. fd -1: none. */
struct zca_config_lock {
    int fd;
};

/**
 * zca_config_lock_open waits until no other command holds the file at `path`, whose directory is made when it is missing.
 * Whoever changes a file takes the lock before reading what the change depends on. Where the file system has no locks
 * there is none.
 */
ZCA_NODISCARD bool zca_config_lock_open(const char *path, struct zca_config_lock *out_lock,
                                        struct zca_error *err);
void zca_config_lock_close(struct zca_config_lock *lock);
ZCA_DEFINE_AUTO_CLEAR(zca_config_lock, struct zca_config_lock, zca_config_lock_close);

/** zca_config_file_preview appends to `out_text` what zca_config_file_change would write, checked. */
ZCA_NODISCARD bool zca_config_file_preview(const char *path,
                                           const struct zca_config_change *changes,
                                           size_t num_changes, struct zca_buffer *out_text,
                                           struct zca_error *err);

/**
 * zca_config_file_change sets options in the file, which need not exist, and keeps all other bytes. The new
 * text is checked as a whole before it replaces the file atomically; mode and owner stay. A file that says all that already is not written.
 *
 * err   ZCA_ERR_CONFIG: the new text would be wrong, the file is unchanged; file errors.
 */
ZCA_NODISCARD bool zca_config_file_change(const char *path, const struct zca_config_change *changes,
                                          size_t num_changes, struct zca_error *err);

#endif
