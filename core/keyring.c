/* SPDX-License-Identifier: Apache-2.0 */
/* A short list under one lock: a process holds few identities, and a hit costs less than a stat. */
#include "core/keyring.h"

#include <pthread.h>
#include <string.h>

#include "base/lock.h"

struct entry {
    char *label;
    bool has_file;
    struct stat status;
    struct zca_key *key;
    struct entry *next;
};

struct ring {
    pthread_mutex_t mutex;
    struct entry *entries;
};

static void entry_free(struct entry *entry)
{
    zca_key_free(entry->key);
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
    return is_current ? zca_key_ref(entry->key) : NULL;
}

bool zca_keyring_put(struct zca_library *library, const char *label, const struct stat *status,
                     struct zca_key *key, bool only_new, struct zca_error *err)
{
    struct ring *ring = open_ring(library, err);
    if (!ring) {
        return false;
    }
    struct entry *entry = calloc(1, sizeof(*entry));
    char *copy = entry ? strdup(label) : NULL;
    if (!copy) {
        free(entry);
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    *entry = (struct entry){.label = copy, .has_file = status, .key = zca_key_ref(key)};
    if (status) {
        entry->status = *status;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    struct entry **link = find_link(ring, label, status);
    struct entry *old = *link;
    if (old && only_new) {
        entry_free(entry);
        return zca_error_set(err, ZCA_ERR_CONFLICT, "there is a key for '%s' already", label);
    }
    entry->next = old ? old->next : NULL;
    *link = entry;
    if (old) {
        entry_free(old);
    }
    return true;
}

void zca_keyring_drop(struct zca_library *library, const char *label, bool has_file)
{
    struct ring *ring = open_ring(library, NULL);
    if (!ring) {
        return;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    struct entry **link = find_link(ring, label, has_file);
    struct entry *old = *link;
    if (old) {
        *link = old->next;
        entry_free(old);
    }
}

/* NULL when there is no memory. */
static char **copy_labels(const struct ring *ring)
{
    size_t num = 0;
    for (const struct entry *entry = ring->entries; entry; entry = entry->next) {
        num++;
    }
    zca_auto(keyring_labels) char **labels = calloc(num + 1, sizeof(*labels));
    size_t used = 0;
    for (const struct entry *entry = ring->entries; labels && entry; entry = entry->next) {
        if (entry->has_file) {
            continue;
        }
        labels[used] = strdup(entry->label);
        if (!labels[used++]) {
            return NULL;
        }
    }
    return zca_steal(labels);
}

char **zca_keyring_labels(struct zca_library *library, struct zca_error *err)
{
    struct ring *ring = open_ring(library, err);
    if (!ring) {
        return NULL;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&ring->mutex);
    char **labels = copy_labels(ring);
    if (!labels) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    return labels;
}

void zca_keyring_labels_free(char **labels)
{
    for (char **label = labels; label && *label; label++) {
        free(*label);
    }
    free(labels);
}
