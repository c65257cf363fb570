/* SPDX-License-Identifier: Apache-2.0 */
/* A few slots, taken over in turn. Whether a CRL is still good is not known here: server/crl.c. */
#include "server/crl_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "server/route.h"

#define NUM_SLOTS 8u /* CAs with downloads at the same time; a CRL may have megabytes */

struct slot {
    char authority_id[ZCA_UUID_SIZE]; /* "": free */
    int64_t number;
    struct zca_buffer pem;
};

struct zca_crl_cache {
    pthread_mutex_t mutex;
    struct slot slots[NUM_SLOTS];
    size_t next; /* to be taken over */
};

struct zca_crl_cache *zca_crl_cache_new(struct zca_error *err)
{
    struct zca_crl_cache *cache = calloc(1, sizeof(*cache));
    if (!cache) {
        zca_error_set(err, ZCA_ERR_MEMORY, "preparing for CRLs");
        return NULL;
    }
    (void)pthread_mutex_init(&cache->mutex, NULL); /* a default mutex: cannot fail */
    return cache;
}

void zca_crl_cache_free(struct zca_crl_cache *cache)
{
    if (!cache) {
        return;
    }
    for (size_t i = 0; i < NUM_SLOTS; i++) {
        zca_buffer_clear(&cache->slots[i].pem);
    }
    (void)pthread_mutex_destroy(&cache->mutex); /* nobody holds it */
    free(cache);
}

static struct slot *find_slot(struct zca_crl_cache *cache, const char *authority_id)
{
    for (size_t i = 0; i < NUM_SLOTS; i++) {
        if (strcmp(cache->slots[i].authority_id, authority_id) == 0) {
            return &cache->slots[i];
        }
    }
    return NULL;
}

bool zca_crl_cache_find(struct zca_crl_cache *cache, const char *authority_id, int64_t number,
                        struct zca_buffer *out_pem, bool *out_found, struct zca_error *err)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    const struct slot *slot = find_slot(cache, authority_id);
    *out_found = slot && slot->number == number;
    return !*out_found || zca_buffer_append(out_pem, zca_buffer_span(&slot->pem), err);
}

void zca_crl_cache_keep(struct zca_crl_cache *cache, const char *authority_id, int64_t number,
                        struct zca_span pem)
{
    zca_auto(zca_buffer) struct zca_buffer copy = {0};
    if (strlen(authority_id) >= ZCA_UUID_SIZE || !zca_buffer_append(&copy, pem, NULL)) {
        return;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    struct slot *slot = find_slot(cache, authority_id);
    if (!slot) {
        slot = &cache->slots[cache->next];
        cache->next = (cache->next + 1) % NUM_SLOTS;
    } else if (slot->number > number) {
        return; /* another thread was faster with a newer one */
    }
    zca_buffer_clear(&slot->pem);
    memcpy(slot->authority_id, authority_id, strlen(authority_id) + 1);
    slot->number = number;
    zca_buffer_move(&slot->pem, &copy);
}
