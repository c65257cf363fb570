/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as whole values: read with a limit, written beside, synced and renamed, so that a
 * reader sees the old file or the new one and a crash loses neither.
 */
#ifndef ZCA_BASE_FILE_H
#define ZCA_BASE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/**
 * zca_file_load reads a whole regular file.
 *
 * limit      bytes, below SIZE_MAX; a larger file is ZCA_ERR_INVALID.
 * out_bytes  replaced on success; keep its secret mark set for keys and tokens.
 * out_stat   device, inode, size and time of what was read; may be NULL.
 * err        ZCA_ERR_NOT_FOUND, ZCA_ERR_SYSTEM, ZCA_ERR_INVALID, ZCA_ERR_MEMORY.
 */
ZCA_NODISCARD bool zca_file_load(const char *path, size_t limit, struct zca_buffer *out_bytes,
                                 struct stat *out_stat, struct zca_error *err);

/**
 * zca_file_store writes `bytes` to `path` atomically and durably: a temporary file in the same
 * directory (O_CLOEXEC | O_EXCL), fsync, rename, fsync of the directory. On failure the previous
 * file is untouched and the temporary file is gone.
 *
 * mode   of the new file, not changed by umask. An existing file's owner is kept when permitted.
 */
ZCA_NODISCARD bool zca_file_store(const char *path, mode_t mode, struct zca_span bytes,
                                  struct zca_error *err);

/** zca_file_same tells whether two statuses are of the same contents, as far as one can tell without reading: device, inode,
 * size, times of change. */
bool zca_file_same(const struct stat *left, const struct stat *right);

/** zca_file_store_soon writes over a file without waiting for the disk, and not at one stroke: a reader in that
 * moment, and the next one after the end of this process in that moment, may find a part of the new bytes; a loss of
 * power may leave none. For what can be made again and shows its damage. After a failure there is no file.
 *
 * mode   of a new file, less the umask; one that may be written keeps its mode and owner, another is replaced.
 */
ZCA_NODISCARD bool zca_file_store_soon(const char *path, mode_t mode, struct zca_span bytes,
                                       struct zca_error *err);

/** zca_file_store_new is zca_file_store that never replaces: an existing file is ZCA_ERR_CONFLICT.
 * (A link of the temporary name decides the race.) */
ZCA_NODISCARD bool zca_file_store_new(const char *path, mode_t mode, struct zca_span bytes,
                                      struct zca_error *err);

/** zca_file_keep_previous makes "PATH.previous" a second name of the file at `path`, replacing an older
 * one: before a store that shall leave the old contents reachable. No file there is success. */
ZCA_NODISCARD bool zca_file_keep_previous(const char *path, struct zca_error *err);

/** zca_file_remove deletes a file durably; a file that is not there is success, and then nothing is synced: one that
 * zca_file_remove_soon has deleted may still be back. */
ZCA_NODISCARD bool zca_file_remove(const char *path, struct zca_error *err);

/** zca_file_remove_soon deletes a file without waiting for the disk: after a loss of power it may be back. */
ZCA_NODISCARD bool zca_file_remove_soon(const char *path, struct zca_error *err);

/** zca_directory_make creates `path` and missing parents with `mode`, not changed by umask; existing ones
 * are left alone. */
ZCA_NODISCARD bool zca_directory_make(const char *path, mode_t mode, struct zca_error *err);

/** zca_path_join returns "directory/name" + suffix in new memory, or NULL with ZCA_ERR_MEMORY. */
ZCA_NODISCARD char *zca_path_join(const char *directory, const char *name, const char *suffix,
                                  struct zca_error *err);

#endif
