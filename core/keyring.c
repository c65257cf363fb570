/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short list under one lock: a process holds few identities. Entries do not own their keys: a key tells
 * of its end, and one whose last reference was just given back is not found any more.
 */
#include "core/keyring.h"

#include <pthread.h>
#include <string.h>

#include "base/lock.h"

struct entry {
    char *label;
    bool has_file;
    struct stat status;
    struct zca_key *key; /* not owned */
    struct entry *next;
};

struct ring {
    pthread_mutex_t mutex;
    struct entry *entries;
};

static void entry_free(struct entry *entry)
{
    free(entry->label);
    free(entry);
}

static void *ring_new(void)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (ring) {
        (void)pthread_mutex_init(&ring->mutex, NULL); /* cannot fail with default attributes */
    }
    return ring;
}

static void ring_free(void *part)
{
    struct ring *ring = part;
    while (ring->entries) {
        struct entry *entry = ring->entries;
        ring->entries = entry->next;
        entry_free(entry);
    }
    (void)pthread_mutex_destroy(&ring->mutex); /* nobody holds it any more */
    free(ring);
}

static void ring_forked(void *part)
{
    struct ring *ring = part;
    (void)pthread_mutex_init(&ring->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions ring_functions = {ring_new, ring_free, ring_forked};

static struct ring *open_ring(struct zca_library *library, struct zca_error *err)
{
    return zca_library_part(library, ZCA_PART_KEYS, &ring_functions, err);
}

static struct entry **find_link(struct ring *ring, const char *label, bool has_file)
{
    struct entry **link = &ring->entries;
    while (*link && ((*link)->has_file != has_file || strcmp((*link)->label, label) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

static bool same_time(const struct timespec *left, const struct timespec *right)
{
    return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

static bool same_file(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
           left->st_size == right->st_size && same_time(&left->st_mtim, &right->st_mtim) &&
           same_time(&left->st_ctim, &right->st_ctim);
}

struct zca_key *zca_keyring_find(struct zca_library *library, const char *label,
                                 const struct stat *status)
{
    struct ring *ring = open_ring(library, NULL);
    if (!ring) {
        return NULL;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    struct entry *entry = *find_link(ring, label, status);
    bool is_current = entry && (!status || same_file(&entry->status, status));
    return is_current ? zca_key_ref_alive(entry->key) : NULL;
}

static void remove_entry(struct entry **link)
{
    struct entry *old = *link;
    *link = old->next;
    entry_free(old);
}

/* What the ring knows of a key goes with it. */
static void forget(void *argument, const struct zca_key *key)
{
    struct ring *ring = argument;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    struct entry **link = &ring->entries;
    while (*link) {
        if ((*link)->key == key) {
            remove_entry(link);
        } else {
            link = &(*link)->next;
        }
    }
}

void zca_keyring_put(struct zca_library *library, const char *label, const struct stat *status,
                     struct zca_key *key)
{
    struct ring *ring = open_ring(library, NULL);
    struct entry *entry = ring ? calloc(1, sizeof(*entry)) : NULL;
    char *copy = entry ? strdup(label) : NULL;
    if (!copy) {
        free(entry);
        return;
    }
    *entry = (struct entry){.label = copy, .has_file = status, .key = key};
    if (status) {
        entry->status = *status;
    }
    zca_key_set_watch(key, &(struct zca_key_watch){.gone = forget, .argument = ring});
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    struct entry **link = find_link(ring, label, status);
    if (*link) {
        remove_entry(link);
    }
    entry->next = ring->entries;
    ring->entries = entry;
}

void zca_keyring_drop(struct zca_library *library, const char *label, bool has_file)
{
    struct ring *ring = open_ring(library, NULL);
    if (!ring) {
        return;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    struct entry **link = find_link(ring, label, has_file);
    if (*link) {
        remove_entry(link);
    }
}
