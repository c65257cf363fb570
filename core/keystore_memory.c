/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that live and die with the process: the ring's entries without a file. */
#include <string.h>

#include "core/keyring.h"
#include "core/keystore_backend.h"

static struct zca_key *memory_load(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    struct zca_key *key = zca_keyring_find(slot->library, slot->label, NULL);
    if (!key) {
        (void)zca_error_set(err, ZCA_ERR_NOT_FOUND, "there is no key for '%s' in this process",
                            slot->label);
    }
    return key;
}

static struct zca_key *memory_previous(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    (void)zca_error_set(err, ZCA_ERR_NOT_FOUND, "the key of '%s' before this one was not kept",
                        slot->label);
    return NULL;
}

static bool memory_show(const struct zca_keystore_slot *slot, struct zca_buffer *out_public,
                        struct zca_error *err)
{
    zca_auto(zca_key) struct zca_key *key = memory_load(slot, err);
    return key && zca_buffer_append(out_public, zca_key_get_public(key), err);
}

static bool memory_record(const struct zca_keystore_slot *slot, struct zca_buffer *out_record,
                          struct zca_error *err)
{
    (void)out_record; /* there is none */
    return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                         "the key of '%s' lives in memory: it is not sealed", slot->label);
}

static bool memory_store(const struct zca_keystore_slot *slot, struct zca_key *key, bool only_new,
                         struct zca_error *err)
{
    return zca_keyring_put(slot->library, slot->label, NULL, key, only_new, err);
}

static bool memory_remove(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    (void)err; /* cannot fail */
    zca_keyring_drop(slot->library, slot->label, false);
    return true;
}

static bool memory_names(const struct zca_keystore_slot *slot,
                         const struct zca_keystore_visit *visit, struct zca_error *err)
{
    zca_auto(keyring_labels) char **labels = zca_keyring_labels(slot->library, err);
    size_t len = strlen(slot->authority);
    bool go_on = true;
    for (char **label = labels; label && *label && go_on; label++) {
        bool is_ours = strncmp(*label, slot->authority, len) == 0 && (*label)[len] == '/';
        go_on = !is_ours || visit->visit(visit->argument, *label + len + 1);
    }
    return labels;
}

const struct zca_keystore_backend zca_keystore_memory = {
    .load = memory_load,
    .previous = memory_previous,
    .show = memory_show,
    .record = memory_record,
    .store = memory_store,
    .remove = memory_remove,
    .names = memory_names,
};
