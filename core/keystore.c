/* SPDX-License-Identifier: Apache-2.0 */
/* The keystores by kind. `runtime` and `file` are the same code at two places. */
#include "core/keystore.h"

#include <stdio.h>

#include "core/keystore_backend.h"

static const struct zca_keystore_backend *const backends[] = {
    [ZCA_KEYSTORE_MEMORY] = &zca_keystore_memory,
    [ZCA_KEYSTORE_RUNTIME] = &zca_keystore_directory,
    [ZCA_KEYSTORE_FILE] = &zca_keystore_directory,
};

/* "authority/name" in new memory. */
static char *make_label(const char *authority, const char *name, struct zca_error *err)
{
    char *label = NULL;
    if (!zca_name_valid(authority) || !zca_name_valid(name)) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "'%s/%s' is no valid name of an identity",
                            authority, name);
        return NULL;
    }
    if (asprintf(&label, "%s/%s", authority, name) < 0) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    return label;
}

struct zca_key *zca_keystore_load(struct zca_library *library, enum zca_keystore_kind kind,
                                  const char *authority, const char *name, struct zca_error *err)
{
    zca_auto(text) char *label = make_label(authority, name, err);
    struct zca_keystore_slot slot = {library, kind, authority, name, label};
    return label ? backends[kind]->load(&slot, err) : NULL;
}

struct zca_key *zca_keystore_previous(struct zca_library *library, enum zca_keystore_kind kind,
                                      const char *authority, const char *name,
                                      struct zca_error *err)
{
    zca_auto(text) char *label = make_label(authority, name, err);
    struct zca_keystore_slot slot = {library, kind, authority, name, label};
    return label ? backends[kind]->previous(&slot, err) : NULL;
}

bool zca_keystore_public(struct zca_library *library, enum zca_keystore_kind kind,
                         const char *authority, const char *name, struct zca_buffer *out_public,
                         struct zca_error *err)
{
    zca_auto(text) char *label = make_label(authority, name, err);
    struct zca_keystore_slot slot = {library, kind, authority, name, label};
    return label && backends[kind]->show(&slot, out_public, err);
}

char *zca_keystore_path(struct zca_library *library, enum zca_keystore_kind kind,
                        const char *authority, const char *name, struct zca_error *err)
{
    zca_auto(text) char *label = make_label(authority, name, err);
    struct zca_keystore_slot slot = {library, kind, authority, name, label};
    return label ? backends[kind]->path(&slot, err) : NULL;
}

bool zca_keystore_record(struct zca_library *library, enum zca_keystore_kind kind,
                         const char *authority, const char *name, struct zca_buffer *out_record,
                         struct zca_error *err)
{
    zca_auto(text) char *label = make_label(authority, name, err);
    struct zca_keystore_slot slot = {library, kind, authority, name, label};
    return label && backends[kind]->record(&slot, out_record, err);
}

static bool store(const struct zca_keystore_slot *slot, struct zca_key *key, bool only_new,
                  struct zca_error *err)
{
    zca_auto(text) char *label = make_label(slot->authority, slot->name, err);
    struct zca_keystore_slot labelled = *slot;
    labelled.label = label;
    return label && backends[slot->kind]->store(&labelled, key, only_new, err);
}

bool zca_keystore_store(struct zca_library *library, enum zca_keystore_kind kind,
                        const char *authority, const char *name, struct zca_key *key,
                        struct zca_error *err)
{
    struct zca_keystore_slot slot = {library, kind, authority, name, NULL};
    return store(&slot, key, false, err);
}

bool zca_keystore_store_new(struct zca_library *library, enum zca_keystore_kind kind,
                            const char *authority, const char *name, struct zca_key *key,
                            struct zca_error *err)
{
    struct zca_keystore_slot slot = {library, kind, authority, name, NULL};
    return store(&slot, key, true, err);
}

bool zca_keystore_names(struct zca_library *library, enum zca_keystore_kind kind,
                        const char *authority, bool (*visit)(void *argument, const char *name),
                        void *argument, struct zca_error *err)
{
    struct zca_keystore_slot slot = {library, kind, authority, "", ""};
    struct zca_keystore_visit each = {visit, argument};
    return backends[kind]->names(&slot, &each, err);
}
