/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates on disk: certs/AUTHORITY/NAME.pem, leaf first. A warm look costs one stat.
 * The file before the last store stays as NAME.pem.previous.
 */
#include "core/certificate.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/openssl_auto.h"
#include "base/pem.h"

static const size_t max_file = 256 * 1024;
static const size_t max_entries = 64; /* more identities than this are read each time */

/* ---- the cache, a part of the library ---- */

/* Complete when it is linked, and never changed: another one takes its place. */
struct entry {
    char *path;
    struct stat status; /* of the file when it was read; zeros: it is read the next time */
    struct zca_chain *chain;
    _Atomic(struct entry *) next;
};

struct cache {
    pthread_mutex_t mutex;
    _Atomic(struct entry *) entries;
    size_t num_entries;
};

static void entry_free(struct entry *entry)
{
    if (entry) {
        free(entry->path);
        zca_chain_free(entry->chain);
        free(entry);
    }
}

ZCA_DEFINE_AUTO(entry, struct entry, entry_free);

static struct entry *entry_new(const char *path, const struct stat *status, struct zca_chain *chain)
{
    zca_auto(entry) struct entry *entry = calloc(1, sizeof(*entry));
    if (entry) {
        entry->path = strdup(path);
        entry->status = *status;
        entry->chain = zca_chain_ref(chain);
    }
    return entry && entry->path ? zca_steal(entry) : NULL;
}

static void *cache_new(void)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    if (cache && pthread_mutex_init(&cache->mutex, NULL) != 0) {
        free(cache);
        return NULL;
    }
    return cache;
}

static void cache_free(void *part)
{
    struct cache *cache = part;
    struct entry *entry = cache->entries;
    while (entry) {
        struct entry *next = entry->next;
        entry_free(entry);
        entry = next;
    }
    (void)pthread_mutex_destroy(&cache->mutex); /* nobody holds it any more */
    free(cache);
}

static void cache_forked(void *part)
{
    struct cache *cache = part;
    (void)pthread_mutex_init(&cache->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions cache_functions = {cache_new, cache_free, cache_forked};

static struct cache *open_cache(struct zca_library *library, struct zca_error *err)
{
    return zca_library_part(library, ZCA_PART_CERTIFICATES, &cache_functions, err);
}

/* The link that leads to it, or the last one, which leads nowhere. */
static _Atomic(struct entry *) *find_link(struct cache *cache, const char *path)
{
    _Atomic(struct entry *) *link = &cache->entries;
    for (struct entry *entry = *link; entry && strcmp(entry->path, path) != 0; entry = *link) {
        link = &entry->next;
    }
    return link;
}

static struct zca_chain *look_up(struct cache *cache, const char *path, const struct stat *status)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    const struct entry *entry = *find_link(cache, path);
    return entry && zca_file_same(&entry->status, status) ? zca_chain_ref(entry->chain) : NULL;
}

/* Keeps what was read. Not keeping it, for want of memory, only costs the next reader time. One store links the entry:
 * a child that is forked before or after it finds a whole one. */
static void remember(struct cache *cache, const char *path, const struct stat *status,
                     struct zca_chain *chain)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    _Atomic(struct entry *) *link = find_link(cache, path);
    struct entry *old = *link;
    bool has_place = old || cache->num_entries < max_entries;
    struct entry *entry = has_place ? entry_new(path, status, chain) : NULL;
    if (entry) {
        struct entry *after = old ? old->next : NULL;
        atomic_init(&entry->next, after);
        atomic_store(link, entry);
        cache->num_entries += old ? 0 : 1;
        entry_free(old);
    }
}

/* What was stored, when the file still holds it: its certificates need not be decoded again. */
static struct zca_chain *prefer_known(struct cache *cache, const char *path,
                                      struct zca_chain *found)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&cache->mutex);
    const struct entry *entry = *find_link(cache, path);
    if (!entry || !zca_chain_same(entry->chain, found)) {
        return found;
    }
    zca_chain_free(found);
    return zca_chain_ref(entry->chain);
}

/* ---- load ---- */

static struct zca_chain *read_chain(struct cache *cache, const char *path, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    struct stat status;
    if (!zca_file_load(path, max_file, &pem, &status, err)) {
        return NULL;
    }
    struct zca_chain *chain = zca_chain_parse(zca_buffer_span(&pem), err);
    if (!chain) {
        zca_error_context(err, "certificate file '%s'", path);
        return NULL;
    }
    chain = prefer_known(cache, path, chain);
    remember(cache, path, &status, chain);
    return chain;
}

struct zca_chain *zca_certificate_load_chain(struct zca_library *library, const char *authority,
                                             const char *name, struct zca_error *err)
{
    struct cache *cache = open_cache(library, err);
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_CERTS, authority, name, ".pem", err);
    struct stat status;
    if (!cache || !path) {
        return NULL;
    }
    if (stat(path, &status) != 0) {
        zca_error_set_errno(err, "certificate file '%s'", path);
        return NULL;
    }
    struct zca_chain *chain = look_up(cache, path, &status);
    return chain ? chain : read_chain(cache, path, err);
}

bool zca_certificate_load(struct zca_library *library, const char *authority, const char *name,
                          STACK_OF(X509) * *out_chain, struct zca_error *err)
{
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_certificate_load_chain(library, authority, name, err);
    STACK_OF(X509) *certificates = chain ? zca_chain_certificates(chain, library, NULL, err) : NULL;
    if (!certificates) {
        return false;
    }
    *out_chain = certificates;
    return true;
}

/* ---- store ---- */

bool zca_certificate_store(struct zca_library *library, const char *authority, const char *name,
                           struct zca_chain *chain, struct zca_error *err)
{
    const struct stat unread = {.st_ino = 0}; /* no file has this number: the next reader reads */
    struct cache *cache = open_cache(library, err);
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_CERTS, authority, name, ".pem", err);
    if (!cache || !path || !zca_chain_format(chain, &pem, err) ||
        !zca_library_prepare(library, ZCA_PLACE_CERTS, authority, err) ||
        !zca_file_keep_previous(path, err) ||
        !zca_file_store(path, 0644, zca_buffer_span(&pem), err)) {
        return false;
    }
    remember(cache, path, &unread, chain);
    return true;
}

/* ---- names ---- */

static void close_directory(DIR **directory)
{
    if (*directory) {
        (void)closedir(*directory); /* nothing was written */
    }
}

ZCA_DEFINE_AUTO_CLEAR(directory, DIR *, close_directory);

/* "NAME.pem" without its suffix, or NULL for other files. */
static char *name_of(const char *file)
{
    static const char suffix[] = ".pem";
    size_t len = strlen(file);
    size_t suffix_len = sizeof(suffix) - 1;
    if (len <= suffix_len || strcmp(file + len - suffix_len, suffix) != 0) {
        return NULL;
    }
    char *name = strndup(file, len - suffix_len);
    if (name && !zca_name_valid(name)) {
        free(name);
        return NULL;
    }
    return name;
}

bool zca_certificate_names(struct zca_library *library, const char *authority,
                           bool (*visit)(void *argument, const char *name), void *argument,
                           struct zca_error *err)
{
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_CERTS, authority, "any", "", err);
    if (!path) {
        return false;
    }
    *strrchr(path, '/') = '\0'; /* the directory of any name */
    zca_auto(directory) DIR *directory = opendir(path);
    if (!directory) {
        return errno == ENOENT || zca_error_set_errno(err, "listing '%s'", path);
    }
    bool go_on = true;
    for (struct dirent *file = readdir(directory); file && go_on; file = readdir(directory)) {
        zca_auto(text) char *name = name_of(file->d_name);
        go_on = !name || visit(argument, name);
    }
    return true;
}
