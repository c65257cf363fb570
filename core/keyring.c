/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table under one lock. Each entry belongs to its key, which tells of its end; a key whose last
 * reference was just given back is not found any more. Whoever takes the lock is inside the gate: keys are given
 * back in children, too, by operations that do not enter the library before.
 */
#include "core/keyring.h"

#include <pthread.h>
#include <string.h>

#include "base/file.h"
#include "base/gate.h"
#include "base/lock.h"

/* Most processes have one key. A process that serves 10,000 names goes through ten labels to find one. */
#define FEW_BUCKETS 16u
#define MANY_BUCKETS 1024u

struct ring;

struct entry {
    struct ring *ring;
    char *label;
    bool has_file;
    struct stat status;
    struct zca_key *key; /* not owned */
    bool linked;         /* false: another key is known under the label now */
    struct entry *next;
};

struct ring {
    pthread_mutex_t mutex;
    struct entry *few[FEW_BUCKETS];
    struct entry **buckets; /* `few`, or MANY_BUCKETS of its own once an entry met another */
    size_t num_buckets;
};

static void entry_free(struct entry *entry)
{
    if (entry) {
        free(entry->label);
        free(entry);
    }
}

static void *ring_new(void)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (ring) {
        ring->buckets = ring->few;
        ring->num_buckets = FEW_BUCKETS;
        (void)pthread_mutex_init(&ring->mutex, NULL); /* cannot fail with default attributes */
    }
    return ring;
}

/* Keys do not outlive the library, and take their entries with them. */
static void ring_free(void *part)
{
    struct ring *ring = part;
    (void)pthread_mutex_destroy(&ring->mutex); /* nobody holds it any more */
    if (ring->buckets != ring->few) {
        free(ring->buckets);
    }
    free(ring);
}

static void ring_forked(void *part)
{
    struct ring *ring = part;
    (void)pthread_mutex_init(&ring->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions ring_functions = {ring_new, ring_free, ring_forked};

static struct ring *open_ring(struct zca_library *library)
{
    return zca_library_part(library, ZCA_PART_KEYS, &ring_functions, NULL);
}

/* FNV-1a: labels come from this host's configuration and disk. */
static struct entry **bucket_of(struct ring *ring, const char *label)
{
    uint32_t hash = 2166136261u;
    for (const char *at = label; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    }
    return &ring->buckets[hash % ring->num_buckets];
}

static struct entry **find_link(struct ring *ring, const char *label, bool has_file)
{
    struct entry **link = bucket_of(ring, label);
    while (*link && ((*link)->has_file != has_file || strcmp((*link)->label, label) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

static void unlink_entry(struct entry **link)
{
    struct entry *entry = *link;
    if (entry) {
        *link = entry->next;
        entry->linked = false;
    }
}

static void link_entry(struct ring *ring, struct entry *entry)
{
    struct entry **bucket = bucket_of(ring, entry->label);
    entry->linked = true;
    entry->next = *bucket;
    *bucket = entry;
}

/* From few buckets to many. Without memory for them the lists only become longer. */
static void spread(struct ring *ring)
{
    struct entry **many = calloc(MANY_BUCKETS, sizeof(struct entry *));
    if (!many) {
        return;
    }
    ring->buckets = many;
    ring->num_buckets = MANY_BUCKETS;
    for (size_t i = 0; i < FEW_BUCKETS; i++) {
        while (ring->few[i]) {
            struct entry *entry = ring->few[i];
            ring->few[i] = entry->next;
            link_entry(ring, entry);
        }
    }
}

struct zca_key *zca_keyring_find(struct zca_library *library, const char *label,
                                 const struct stat *status)
{
    zca_auto(gate) int inside = zca_gate_pass();
    struct ring *ring = open_ring(library);
    if (!ring) {
        return NULL;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    const struct entry *entry = *find_link(ring, label, status);
    bool is_current = entry && (!status || zca_file_same(&entry->status, status));
    return is_current ? zca_key_ref_alive(entry->key) : NULL;
}

/* The key goes, and with it what the ring knows of it. zca_key_free is inside the gate. */
static void forget(void *argument, const struct zca_key *key)
{
    struct entry *entry = argument;
    (void)key; /* the entry is its own */
    pthread_mutex_t *held = zca_lock(&entry->ring->mutex);
    if (entry->linked) {
        struct entry **link = bucket_of(entry->ring, entry->label);
        while (*link != entry) {
            link = &(*link)->next;
        }
        unlink_entry(link);
    }
    zca_auto_lock(&held);
    entry_free(entry);
}

static struct entry *entry_new(struct ring *ring, const char *label, const struct stat *status,
                               struct zca_key *key)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    char *copy = entry ? strdup(label) : NULL;
    if (!copy) {
        free(entry);
        return NULL;
    }
    *entry = (struct entry){.ring = ring, .label = copy, .has_file = status, .key = key};
    if (status) {
        entry->status = *status;
    }
    return entry;
}

void zca_keyring_put(struct zca_library *library, const char *label, const struct stat *status,
                     struct zca_key *key)
{
    zca_auto(gate) int inside = zca_gate_pass();
    struct ring *ring = open_ring(library);
    struct entry *entry = ring ? entry_new(ring, label, status, key) : NULL;
    if (!entry) {
        return;
    }
    zca_key_set_watch(key, &(struct zca_key_watch){.gone = forget, .argument = entry});
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    unlink_entry(find_link(ring, label, status));
    if (ring->buckets == ring->few && *bucket_of(ring, label)) {
        spread(ring);
    }
    link_entry(ring, entry);
}

void zca_keyring_drop(struct zca_library *library, const char *label)
{
    zca_auto(gate) int inside = zca_gate_pass();
    struct ring *ring = open_ring(library);
    if (ring) {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
        unlink_entry(find_link(ring, label, false));
    }
}
