/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where keys live. `memory`: this process only. `runtime`: sealed files on tmpfs, gone at reboot.
 * `file`: sealed files in the state directory. One file an identity, named by it; no index.
 */
#ifndef ZCA_CORE_KEYSTORE_H
#define ZCA_CORE_KEYSTORE_H

#include "core/key.h"
#include "core/library.h"

/** zca_keystore_load returns a new reference to the key of authority/name.
 * err ZCA_ERR_NOT_FOUND, ZCA_ERR_SEALED, ZCA_ERR_SYSTEM (names the file and its mode).
 * A key that is in use in this process and whose file has the same device, inode, size and times is not read
 * again. */
ZCA_NODISCARD struct zca_key *zca_keystore_load(struct zca_library *library,
                                                enum zca_keystore_kind kind, const char *authority,
                                                const char *name, struct zca_error *err);

/** zca_keystore_previous returns the key that was stored before the present one. err ZCA_ERR_NOT_FOUND. */
ZCA_NODISCARD struct zca_key *zca_keystore_previous(struct zca_library *library,
                                                    enum zca_keystore_kind kind,
                                                    const char *authority, const char *name,
                                                    struct zca_error *err);

/** zca_keystore_public appends the SubjectPublicKeyInfo of the key of authority/name without opening it:
 * cheap, but not authenticated. err as zca_keystore_load. */
ZCA_NODISCARD bool zca_keystore_public(struct zca_library *library, enum zca_keystore_kind kind,
                                       const char *authority, const char *name,
                                       struct zca_buffer *out_public, struct zca_error *err);

/** zca_keystore_path returns the path of the key's file in new memory, there or not: what looks at it with stat(2) need not read
 * it. err ZCA_ERR_UNSUPPORTED for keys in memory. */
ZCA_NODISCARD char *zca_keystore_path(struct zca_library *library, enum zca_keystore_kind kind,
                                      const char *authority, const char *name,
                                      struct zca_error *err);

/** zca_keystore_record appends the sealed record of the key of authority/name as it is stored.
 * err as zca_keystore_load; ZCA_ERR_UNSUPPORTED for keys in memory. */
ZCA_NODISCARD bool zca_keystore_record(struct zca_library *library, enum zca_keystore_kind kind,
                                       const char *authority, const char *name,
                                       struct zca_buffer *out_record, struct zca_error *err);

/** zca_keystore_store writes the key durably (sealed), replacing an older one, which is kept as the
 * previous generation ("NAME.key.previous") until the next. */
ZCA_NODISCARD bool zca_keystore_store(struct zca_library *library, enum zca_keystore_kind kind,
                                      const char *authority, const char *name, struct zca_key *key,
                                      struct zca_error *err);

/** zca_keystore_store_new stores only when there is no key yet; else ZCA_ERR_CONFLICT. */
ZCA_NODISCARD bool zca_keystore_store_new(struct zca_library *library, enum zca_keystore_kind kind,
                                          const char *authority, const char *name,
                                          struct zca_key *key, struct zca_error *err);

/** zca_keystore_names calls `visit` for each stored key of an authority, in no order; false stops. */
ZCA_NODISCARD bool zca_keystore_names(struct zca_library *library, enum zca_keystore_kind kind,
                                      const char *authority,
                                      bool (*visit)(void *argument, const char *name),
                                      void *argument, struct zca_error *err);

/**
 * zca_sealing_key_load fills `out_key` with the 32 bytes that seal the keys of `kind`: the file of
 * option sealing-key, $CREDENTIALS_DIRECTORY/zca-sealing-key, or a file beside the keys that is made
 * (0600, atomically, never replaced) when `create`. With option keep-sealing-key a process that
 * has read the file once and cannot reach it any more (chroot, other user) gets what it read, unless `create`.
 * err ZCA_ERR_SEALED names the file and why.
 */
ZCA_NODISCARD bool zca_sealing_key_load(struct zca_library *library, enum zca_keystore_kind kind,
                                        bool create, struct zca_buffer *out_key,
                                        struct zca_error *err);

#endif
