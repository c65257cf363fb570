/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An array sorted by handle, which is the order of creation, and a hash table by CKA_ID whose chains run through the
 * objects themselves.
 */
#include "pkcs11-module/objects.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64u

/* Handles stand here so that finding an object does not touch others, whose references other threads count. */
struct entry {
    CK_OBJECT_HANDLE handle;
    struct zca_object *object;
};

struct zca_objects {
    struct entry *by_age; /* oldest first; handles only grow, so it is sorted by handle */
    size_t count, capacity;
    struct zca_object **by_id; /* chains through next_of_id, newest first */
    size_t num_buckets;        /* a power of two */
};

struct zca_objects *zca_objects_new(void)
{
    struct zca_objects *objects = calloc(1, sizeof(*objects));
    if (!objects) {
        return NULL;
    }
    objects->num_buckets = FIRST_BUCKETS;
    objects->by_id = calloc(FIRST_BUCKETS, sizeof(struct zca_object *));
    if (!objects->by_id) {
        free(objects);
        return NULL;
    }
    return objects;
}

void zca_objects_free(struct zca_objects *objects)
{
    if (!objects) {
        return;
    }
    for (size_t i = 0; i < objects->count; i++) {
        zca_object_free(objects->by_age[i].object);
    }
    free(objects->by_age);
    free(objects->by_id);
    free(objects);
}

/* ---- by CKA_ID ---- */

/* FNV-1a; applications choose ids, but only their own sessions suffer from a bad choice */
static uint32_t hash_of(struct zca_span id)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < id.len; i++) {
        hash = (hash ^ id.data[i]) * 16777619u;
    }
    return hash;
}

static struct zca_span id_of(const struct zca_object *object)
{
    struct zca_span id = {0};
    (void)zca_values_find(object->values, CKA_ID, &id); /* none: empty */
    return id;
}

static struct zca_object **bucket_of(const struct zca_objects *objects, struct zca_span id)
{
    return &objects->by_id[hash_of(id) & (objects->num_buckets - 1)];
}

/* Newest first, wherever the object comes in again after a change. */
static void link_id(struct zca_objects *objects, struct zca_object *object)
{
    struct zca_object **place = bucket_of(objects, id_of(object));
    while (*place && (*place)->handle > object->handle) {
        place = &(*place)->next_of_id;
    }
    object->next_of_id = *place;
    *place = object;
}

static void unlink_id(struct zca_objects *objects, struct zca_object *object)
{
    struct zca_object **place = bucket_of(objects, id_of(object));
    while (*place && *place != object) {
        place = &(*place)->next_of_id;
    }
    if (*place) {
        *place = object->next_of_id;
    }
    object->next_of_id = NULL;
}

/* Without memory for more buckets the chains grow instead. */
static void grow_buckets(struct zca_objects *objects)
{
    struct zca_object **buckets = calloc(objects->num_buckets * 2, sizeof(*buckets));
    if (!buckets) {
        return;
    }
    free(objects->by_id);
    objects->by_id = buckets;
    objects->num_buckets *= 2;
    for (size_t i = 0; i < objects->count; i++) {
        link_id(objects, objects->by_age[i].object);
    }
}

/* ---- by handle ---- */

static size_t place_of(const struct zca_objects *objects, CK_OBJECT_HANDLE handle)
{
    size_t low = 0;
    size_t high = objects->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (objects->by_age[middle].handle < handle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct zca_objects *objects, size_t place, CK_OBJECT_HANDLE handle)
{
    return place < objects->count && objects->by_age[place].handle == handle;
}

CK_RV zca_objects_reserve(struct zca_objects *objects, size_t count)
{
    size_t needed = objects->count + count;
    if (needed <= objects->capacity) {
        return CKR_OK;
    }
    size_t capacity = objects->capacity == 0 ? 16 : objects->capacity * 2;
    capacity = capacity < needed ? needed : capacity;
    struct entry *array = realloc(objects->by_age, capacity * sizeof(*array));
    if (!array) {
        return CKR_HOST_MEMORY;
    }
    objects->by_age = array;
    objects->capacity = capacity;
    return CKR_OK;
}

CK_RV zca_objects_add(struct zca_objects *objects, struct zca_object *object)
{
    CK_RV rv = zca_objects_reserve(objects, 1);
    if (rv != CKR_OK) {
        return rv;
    }
    size_t place = place_of(objects, object->handle); /* the end, but for races of creation */
    memmove(&objects->by_age[place + 1], &objects->by_age[place],
            (objects->count - place) * sizeof(*objects->by_age));
    objects->by_age[place] = (struct entry){object->handle, object};
    objects->count++;
    link_id(objects, object);
    if (objects->count > objects->num_buckets) {
        grow_buckets(objects);
    }
    return CKR_OK;
}

struct zca_object *zca_objects_take(struct zca_objects *objects, CK_OBJECT_HANDLE handle)
{
    size_t place = place_of(objects, handle);
    if (!is_at(objects, place, handle)) {
        return NULL;
    }
    struct zca_object *object = objects->by_age[place].object;
    unlink_id(objects, object);
    objects->count--;
    memmove(&objects->by_age[place], &objects->by_age[place + 1],
            (objects->count - place) * sizeof(*objects->by_age));
    return object;
}

struct zca_object *zca_objects_find(const struct zca_objects *objects, CK_OBJECT_HANDLE handle)
{
    size_t place = place_of(objects, handle);
    return is_at(objects, place, handle) ? objects->by_age[place].object : NULL;
}

void zca_objects_replace_values(struct zca_objects *objects, struct zca_object *object,
                                struct zca_values *values)
{
    unlink_id(objects, object);
    zca_values_free(object->values);
    object->values = values;
    object->changes++;
    link_id(objects, object);
}

void zca_objects_visit(const struct zca_objects *objects, const struct zca_span *id,
                       bool (*visit)(void *argument, struct zca_object *object), void *argument)
{
    if (!id) {
        for (size_t i = objects->count; i > 0 && visit(argument, objects->by_age[i - 1].object);
             i--) {
        }
        return;
    }
    struct zca_object *object = *bucket_of(objects, *id);
    while (object && (!zca_span_equal(id_of(object), *id) || visit(argument, object))) {
        object = object->next_of_id;
    }
}

size_t zca_objects_get_count(const struct zca_objects *objects)
{
    return objects->count;
}
