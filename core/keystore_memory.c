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

static bool memory_store(const struct zca_keystore_slot *slot, struct zca_key *key, bool only_new,
                         struct zca_error *err)
{
    return zca_keyring_put(slot->library, slot->label, NULL, key, only_new, err);
}

static bool memory_remove(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    (void)err; /* cannot fail */
    zca_keyring_drop(slot->library, slot->label);
    return true;
}

struct walk {
    const struct zca_keystore_slot *slot;
    const struct zca_keystore_visit *visit;
};

static bool visit_label(void *argument, const char *label)
{
    const struct walk *walk = argument;
    size_t len = strlen(walk->slot->authority);
    bool is_ours = strncmp(label, walk->slot->authority, len) == 0 && label[len] == '/';
    return !is_ours || walk->visit->visit(walk->visit->argument, label + len + 1);
}

static bool memory_names(const struct zca_keystore_slot *slot,
                         const struct zca_keystore_visit *visit, struct zca_error *err)
{
    (void)err; /* cannot fail */
    struct walk walk = {slot, visit};
    zca_keyring_visit(slot->library, visit_label, &walk);
    return true;
}

const struct zca_keystore_backend zca_keystore_memory = {
    .load = memory_load,
    .store = memory_store,
    .remove = memory_remove,
    .names = memory_names,
};
