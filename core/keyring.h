/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in memory: the `memory` keystore, and the cache of keys read from files, which is valid as
 * long as the file's device, inode, size and times are those it was read with.
 */
#ifndef ZCA_CORE_KEYRING_H
#define ZCA_CORE_KEYRING_H

#include <sys/stat.h>

#include "core/key.h"

/** zca_keyring_find returns a new reference to the key under `label`, or NULL.
 * status   of the key's file now; NULL: the key without a file. The two do not meet. */
ZCA_NODISCARD struct zca_key *zca_keyring_find(struct zca_library *library, const char *label,
                                               const struct stat *status);

/** zca_keyring_put keeps a reference to `key` under `label`, replacing another. status NULL: no file.
 * err ZCA_ERR_MEMORY; with `only_new` ZCA_ERR_CONFLICT when there is one already. */
ZCA_NODISCARD bool zca_keyring_put(struct zca_library *library, const char *label,
                                   const struct stat *status, struct zca_key *key, bool only_new,
                                   struct zca_error *err);

/** zca_keyring_drop forgets the key under `label` with or without a file. */
void zca_keyring_drop(struct zca_library *library, const char *label, bool has_file);

/** zca_keyring_labels returns the labels of the keys without a file, NULL-terminated. Caller frees with
 * zca_keyring_labels_free. err ZCA_ERR_MEMORY. */
ZCA_NODISCARD char **zca_keyring_labels(struct zca_library *library, struct zca_error *err);
void zca_keyring_labels_free(char **labels);
ZCA_DEFINE_AUTO(keyring_labels, char *, zca_keyring_labels_free);

#endif
