/* SPDX-License-Identifier: Apache-2.0 */
/* What a keystore is to core/keystore.c: one row of functions. */
#ifndef ZCA_CORE_KEYSTORE_BACKEND_H
#define ZCA_CORE_KEYSTORE_BACKEND_H

#include "core/keystore.h"

/* Whose key: names are valid, label is "authority/name". Borrowed. */
struct zca_keystore_slot {
    struct zca_library *library;
    enum zca_keystore_kind kind;
    const char *authority;
    const char *name;
    const char *label;
};

struct zca_keystore_visit {
    bool (*visit)(void *argument, const char *name);
    void *argument;
};

struct zca_keystore_backend {
    struct zca_key *(*load)(const struct zca_keystore_slot *slot, struct zca_error *err);
    struct zca_key *(*previous)(const struct zca_keystore_slot *slot, struct zca_error *err);
    bool (*show)(const struct zca_keystore_slot *slot, struct zca_buffer *out_public,
                 struct zca_error *err);
    char *(*path)(const struct zca_keystore_slot *slot, struct zca_error *err);
    bool (*record)(const struct zca_keystore_slot *slot, struct zca_buffer *out_record,
                   struct zca_error *err);
    bool (*store)(const struct zca_keystore_slot *slot, struct zca_key *key, bool only_new,
                  struct zca_error *err);
    bool (*names)(const struct zca_keystore_slot *slot, const struct zca_keystore_visit *visit,
                  struct zca_error *err);
};

extern const struct zca_keystore_backend zca_keystore_memory;    /* keystore_memory.c */
extern const struct zca_keystore_backend zca_keystore_directory; /* keystore_directory.c */

#endif
