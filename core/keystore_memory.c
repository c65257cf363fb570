/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that live and die with the process. They are kept as sealed as those on disk, under a sealing key
 * made for this process, so that the private value of a key in use stands once, in the key itself.
 */
#include <pthread.h>
#include <string.h>

#include "base/gate.h"
#include "base/lock.h"
#include "core/keyring.h"
#include "core/keystore_backend.h"

static const size_t sealing_key_len = 32;

struct entry {
    char *label;
    struct zca_buffer record;
    struct entry *next;
};

struct memory {
    pthread_mutex_t mutex;
    struct zca_buffer sealing_key; /* empty before the first key */
    struct entry *entries;
};

static void entry_free(struct entry *entry)
{
    if (entry) {
        zca_buffer_clear(&entry->record);
        free(entry->label);
        free(entry);
    }
}

ZCA_DEFINE_AUTO(entry, struct entry, entry_free);

static void *memory_new(void)
{
    struct memory *memory = calloc(1, sizeof(*memory));
    if (memory) {
        memory->sealing_key.secret = true;
        (void)pthread_mutex_init(&memory->mutex, NULL); /* cannot fail with default attributes */
    }
    return memory;
}

static void memory_free(void *part)
{
    zca_auto(gate) int inside = zca_gate_pass();
    struct memory *memory = part;
    while (memory->entries) {
        struct entry *entry = memory->entries;
        memory->entries = entry->next;
        entry_free(entry);
    }
    zca_buffer_clear(&memory->sealing_key);
    (void)pthread_mutex_destroy(&memory->mutex); /* nobody holds it any more */
    free(memory);
}

static void memory_forked(void *part)
{
    struct memory *memory = part;
    (void)pthread_mutex_init(&memory->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions memory_functions = {memory_new, memory_free, memory_forked};

static struct memory *open_memory(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    return zca_library_part(slot->library, ZCA_PART_MEMORY, &memory_functions, err);
}

static struct entry **find_link(struct memory *memory, const char *label)
{
    struct entry **link = &memory->entries;
    while (*link && strcmp((*link)->label, label) != 0) {
        link = &(*link)->next;
    }
    return link;
}

/* ---- one key ---- */

/* Copies what is sealed; the lock is not held while it is opened. */
static bool copy_sealed(struct memory *memory, const struct zca_keystore_slot *slot,
                        struct zca_buffer *out_record, struct zca_buffer *out_sealing_key,
                        struct zca_error *err)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    const struct entry *entry = *find_link(memory, slot->label);
    if (!entry) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND, "there is no key for '%s' in this process",
                             slot->label);
    }
    return zca_buffer_append(out_record, zca_buffer_span(&entry->record), err) &&
           zca_buffer_append(out_sealing_key, zca_buffer_span(&memory->sealing_key), err);
}

/* A key that was replaced while it was opened must not be found any more; whoever replaces one drops what is known
 * after that (memory_store), so one of the two sees it. */
static void drop_if_replaced(struct memory *memory, const struct zca_keystore_slot *slot,
                             struct zca_span record)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    const struct entry *entry = *find_link(memory, slot->label);
    if (!entry || !zca_span_equal(zca_buffer_span(&entry->record), record)) {
        zca_keyring_drop(slot->library, slot->label);
    }
}

static struct zca_key *memory_load(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(zca_buffer) struct zca_buffer record = {0};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    struct zca_key *in_use = zca_keyring_find(slot->library, slot->label, NULL);
    if (in_use) {
        return in_use;
    }
    struct memory *memory = open_memory(slot, err);
    if (!memory || !copy_sealed(memory, slot, &record, &sealing_key, err)) {
        return NULL;
    }
    struct zca_key *key = zca_key_unseal(slot->library, slot->label, zca_buffer_span(&sealing_key),
                                         zca_buffer_span(&record), err);
    if (key) {
        zca_keyring_put(slot->library, slot->label, NULL, key);
        drop_if_replaced(memory, slot, zca_buffer_span(&record));
    }
    return key;
}

static struct zca_key *memory_previous(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    (void)zca_error_set(err, ZCA_ERR_NOT_FOUND, "the key of '%s' before this one was not kept",
                        slot->label);
    return NULL;
}

static char *memory_path(const struct zca_keystore_slot *slot, struct zca_error *err)
{
    (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED, "'%s' is in memory, not in a file", slot->label);
    return NULL;
}

static bool memory_show(const struct zca_keystore_slot *slot, struct zca_buffer *out_public,
                        struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(zca_buffer) struct zca_buffer record = {0};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    struct memory *memory = open_memory(slot, err);
    return memory && copy_sealed(memory, slot, &record, &sealing_key, err) &&
           zca_key_record_public(zca_buffer_span(&record), out_public, err);
}

/* The sealing key is made for the first key that is stored; of two that are made at a time one is kept. */
static bool need_sealing_key(struct memory *memory, struct zca_library *library,
                             struct zca_buffer *out_sealing_key, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer fresh = ZCA_SECRET_BUFFER;
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context || !zca_random(context, sealing_key_len, &fresh, err)) {
        return false;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    if (memory->sealing_key.len == 0) {
        zca_buffer_move(&memory->sealing_key, &fresh);
    }
    return zca_buffer_append(out_sealing_key, zca_buffer_span(&memory->sealing_key), err);
}

static struct entry *seal(struct memory *memory, const struct zca_keystore_slot *slot,
                          struct zca_key *key, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(entry) struct entry *entry = calloc(1, sizeof(*entry));
    if (entry) {
        entry->label = strdup(slot->label);
    }
    if (!entry || !entry->label) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* NULL tells */
        return NULL;
    }
    bool sealed =
        need_sealing_key(memory, slot->library, &sealing_key, err) &&
        zca_key_seal(key, slot->label, zca_buffer_span(&sealing_key), &entry->record, err);
    return sealed ? zca_steal(entry) : NULL;
}

static bool keep(struct memory *memory, const struct zca_keystore_slot *slot, struct zca_key *key,
                 bool only_new, struct zca_error *err)
{
    zca_auto(entry) struct entry *entry = seal(memory, slot, key, err);
    if (!entry) {
        return false;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    struct entry **link = find_link(memory, slot->label);
    struct entry *old = *link;
    if (old && only_new) {
        return zca_error_set(err, ZCA_ERR_CONFLICT, "there is a key for '%s' already", slot->label);
    }
    entry->next = old ? old->next : NULL;
    *link = zca_steal(entry);
    entry_free(old);
    return true;
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
    zca_auto(gate) int inside = zca_gate_pass();
    struct memory *memory = open_memory(slot, err);
    if (!memory || !keep(memory, slot, key, only_new, err)) {
        return false;
    }
    zca_keyring_drop(slot->library, slot->label); /* the one before */
    return true;
}

/* ---- names ---- */

static void names_free(char **names)
{
    for (char **name = names; name && *name; name++) {
        free(*name);
    }
    free(names);
}

ZCA_DEFINE_AUTO(names, char *, names_free);

/* The names of an authority's keys, NULL-terminated: visitors may use the keystore. */
static char **copy_names(struct memory *memory, const char *authority, struct zca_error *err)
{
    size_t len = strlen(authority);
    size_t num = 0;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&memory->mutex);
    for (const struct entry *entry = memory->entries; entry; entry = entry->next) {
        num++;
    }
    zca_auto(names) char **names = calloc(num + 1, sizeof(*names));
    size_t used = 0;
    for (const struct entry *entry = memory->entries; names && entry; entry = entry->next) {
        if (strncmp(entry->label, authority, len) != 0 || entry->label[len] != '/') {
            continue;
        }
        names[used] = strdup(entry->label + len + 1);
        if (!names[used++]) {
            names_free(zca_steal(names));
        }
    }
    if (!names) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* NULL tells */
    }
    return zca_steal(names);
}

static bool memory_names(const struct zca_keystore_slot *slot,
                         const struct zca_keystore_visit *visit, struct zca_error *err)
{
    struct memory *memory = open_memory(slot, err);
    zca_auto(names) char **names = memory ? copy_names(memory, slot->authority, err) : NULL;
    bool go_on = true;
    for (char **name = names; name && *name && go_on; name++) {
        go_on = visit->visit(visit->argument, *name);
    }
    return names;
}

const struct zca_keystore_backend zca_keystore_memory = {
    .load = memory_load,
    .previous = memory_previous,
    .show = memory_show,
    .path = memory_path,
    .record = memory_record,
    .store = memory_store,
    .names = memory_names,
};
