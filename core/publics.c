/* SPDX-License-Identifier: Apache-2.0 */
/* Places by number of the file's inode; a file that comes takes the place of another. */
#include "core/publics.h"

#include <pthread.h>
#include <string.h>

#include "base/file.h"
#include "base/lock.h"

struct place {
    struct stat status;
    size_t len;              /* 0: free */
    uint8_t public_key[576]; /* RSA-4096 takes 550; what is longer is not kept */
};

struct publics {
    pthread_mutex_t mutex;
    struct place places[8];
};

static void *publics_new(void)
{
    struct publics *publics = calloc(1, sizeof(*publics));
    if (publics) {
        (void)pthread_mutex_init(&publics->mutex, NULL); /* cannot fail with default attributes */
    }
    return publics;
}

static void publics_free(void *part)
{
    struct publics *publics = part;
    (void)pthread_mutex_destroy(&publics->mutex); /* nobody holds it any more */
    free(publics);
}

/* A thread of the parent may have been at it. */
static void publics_forked(void *part)
{
    struct publics *publics = part;
    memset(publics->places, 0, sizeof(publics->places));
    (void)pthread_mutex_init(&publics->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions publics_functions = {publics_new, publics_free,
                                                            publics_forked};

static struct publics *open_publics(struct zca_library *library)
{
    return zca_library_part(library, ZCA_PART_PUBLICS, &publics_functions, NULL);
}

static struct place *place_of(struct publics *publics, const struct stat *status)
{
    return &publics->places[status->st_ino % ZCA_COUNT(publics->places)];
}

bool zca_publics_find(struct zca_library *library, const struct stat *status,
                      struct zca_buffer *out_public)
{
    struct publics *publics = open_publics(library);
    if (!publics) {
        return false;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&publics->mutex);
    const struct place *place = place_of(publics, status);
    return place->len > 0 && zca_file_same(&place->status, status) &&
           zca_buffer_append(out_public, zca_span_of(place->public_key, place->len), NULL);
}

void zca_publics_keep(struct zca_library *library, const struct stat *status,
                      struct zca_span public_key)
{
    struct publics *publics = open_publics(library);
    if (publics && public_key.len <= sizeof(publics->places[0].public_key)) {
        zca_auto(lock) pthread_mutex_t *held = zca_lock(&publics->mutex);
        struct place *place = place_of(publics, status);
        place->status = *status;
        place->len = public_key.len;
        memcpy(place->public_key, public_key.data, public_key.len);
    }
}
