/* SPDX-License-Identifier: Apache-2.0 */
/* A few files, the last ones that were read: a host has few authorities. */
#include "core/anchor.h"

#include <pthread.h>
#include <string.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/openssl_auto.h"
#include "base/pem.h"

struct entry {
    char *path; /* NULL: free */
    struct stat status;
    STACK_OF(X509) * certificates;
};

struct cache {
    pthread_mutex_t mutex;
    struct entry entries[8];
    size_t next; /* to be replaced */
};

static void entry_clear(struct entry *entry)
{
    free(entry->path);
    zca_x509_stack_free(entry->certificates);
    *entry = (struct entry){.path = NULL};
}

static void *cache_new(void)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    if (cache) {
        (void)pthread_mutex_init(&cache->mutex, NULL); /* cannot fail with default attributes */
    }
    return cache;
}

static void cache_free(void *part)
{
    struct cache *cache = part;
    for (size_t i = 0; i < ZCA_COUNT(cache->entries); i++) {
        entry_clear(&cache->entries[i]);
    }
    (void)pthread_mutex_destroy(&cache->mutex); /* nobody holds it any more */
    free(cache);
}

/* A thread of the parent may have been at it: what it kept is left alone, not freed. */
static void cache_forked(void *part)
{
    struct cache *cache = part;
    memset(cache->entries, 0, sizeof(cache->entries));
    (void)pthread_mutex_init(&cache->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions cache_functions = {cache_new, cache_free, cache_forked};

static struct entry *find_entry(struct cache *cache, const char *path)
{
    for (size_t i = 0; i < ZCA_COUNT(cache->entries); i++) {
        struct entry *entry = &cache->entries[i];
        if (entry->path && strcmp(entry->path, path) == 0) {
            return entry;
        }
    }
    return NULL;
}

STACK_OF(X509) *
    zca_anchors_find(struct zca_library *library, const char *path, const struct stat *status)
{
    struct cache *cache = zca_library_part(library, ZCA_PART_ANCHORS, &cache_functions, NULL);
    if (!cache) {
        return NULL;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    const struct entry *entry = find_entry(cache, path);
    return entry && zca_file_same(&entry->status, status) ? X509_chain_up_ref(entry->certificates)
                                                          : NULL;
}

void zca_anchors_keep(struct zca_library *library, const char *path, const struct stat *status,
                      const STACK_OF(X509) * certificates)
{
    struct cache *cache = zca_library_part(library, ZCA_PART_ANCHORS, &cache_functions, NULL);
    STACK_OF(X509) *borrowed = (STACK_OF(X509) *)(uintptr_t)certificates; /* only counted */
    struct entry fresh = {.status = *status};
    fresh.path = cache ? strdup(path) : NULL;
    fresh.certificates = fresh.path ? X509_chain_up_ref(borrowed) : NULL;
    if (!fresh.certificates) {
        entry_clear(&fresh);
        return;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    struct entry *entry = find_entry(cache, path);
    if (!entry) {
        entry = &cache->entries[cache->next];
        cache->next = (cache->next + 1) % ZCA_COUNT(cache->entries);
    }
    entry_clear(entry);
    *entry = fresh;
}

X509 *zca_anchor_decode(struct zca_library *library, const STACK_OF(X509) * anchors,
                        struct zca_span der, struct zca_error *err)
{
    for (int i = 0; i < sk_X509_num(anchors); i++) {
        zca_auto(zca_buffer) struct zca_buffer known = {.len = 0};
        X509 *anchor = sk_X509_value(anchors, i);
        if (zca_der_certificate(anchor, &known, NULL) &&
            zca_span_equal(zca_buffer_span(&known), der) && X509_up_ref(anchor) == 1) {
            return anchor;
        }
    }
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    return context ? zca_der_parse_certificate(context, der, err) : NULL;
}
