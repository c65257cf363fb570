/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that are in use in this process, by "authority/name": whoever loads one of them again gets
 * the same object, so a private value stands once. The ring keeps no key alive.
 */
#ifndef ZCA_CORE_KEYRING_H
#define ZCA_CORE_KEYRING_H

#include <sys/stat.h>

#include "core/key.h"

/** zca_keyring_find returns a new reference to the key in use under `label`, or NULL.
 * status   what the key's file is now: a key from another file, or an older one, is not found. NULL: the
 *          key without a file. Thread-safe. */
ZCA_NODISCARD struct zca_key *zca_keyring_find(struct zca_library *library, const char *label,
                                               const struct stat *status);

/** zca_keyring_put makes `key` known under `label` as long as it lives, instead of another. status NULL: it has
 * no file. Without memory for that it is read again next time. Once for each key, before it is shared. */
void zca_keyring_put(struct zca_library *library, const char *label, const struct stat *status,
                     struct zca_key *key);

/** zca_keyring_drop forgets the key without a file under `label`. */
void zca_keyring_drop(struct zca_library *library, const char *label);

#endif
