/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process shares, made part by part on first need. After a fork the child starts with a
 * fresh lock: the parent's may have been held by a thread that does not exist any more.
 */
#include "core/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/provider.h>

#include "base/file.h"
#include "base/gate.h"
#include "base/lock.h"
#include "base/secure_memory.h"
#include "base/view.h"
#include "core/place.h"

#ifndef ZCA_PKGLIBDIR
#define ZCA_PKGLIBDIR "/usr/lib/zca"
#endif

struct part {
    void *object;
    const struct zca_part_functions *functions;
};

struct zca_library {
    pthread_mutex_t mutex; /* over everything below that is made late */
    _Atomic pid_t pid;     /* of the process that last entered */
    char *config_file;
    char *config_text;             /* counts in place of the file's; NULL: none */
    bool is_named;                 /* somebody named that file, so it must exist */
    struct zca_setting *overrides; /* name NULL ends */
    OSSL_LIB_CTX *(*context_new)(void *argument);
    void *context_argument;
    bool keeps_from_engines;
    OSSL_PROVIDER *(*crypto_find)(void *argument, const char *name);
    void *crypto_argument;

    struct zca_config *config;
    struct zca_error config_error; /* remembered, so that a broken file is read once */
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *loaded; /* in `context` */
    OSSL_PROVIDER *crypto; /* whose functions are used: the application's, or `loaded` */
    const struct zca_remote *remote;
    struct zca_place_roots roots;
    struct part parts[ZCA_NUM_PARTS];
};

/* Set while the thread is inside a network operation. */
static _Thread_local bool is_in_network;

/* ---- life ---- */

static bool copy_overrides(struct zca_library *library, const struct zca_setting *overrides)
{
    size_t num = 0;
    while (overrides && overrides[num].name) {
        num++;
    }
    library->overrides = calloc(num + 1, sizeof(*library->overrides));
    for (size_t i = 0; library->overrides && i < num; i++) {
        library->overrides[i].name = strdup(overrides[i].name);
        if (!library->overrides[i].name) {
            return false; /* ends the list */
        }
        library->overrides[i].value = strdup(overrides[i].value);
        if (!library->overrides[i].value) {
            return false;
        }
    }
    return library->overrides;
}

static void free_overrides(struct zca_setting *overrides)
{
    for (size_t i = 0; overrides && overrides[i].name; i++) {
        free((char *)overrides[i].name);
        free((char *)overrides[i].value);
    }
    free(overrides);
}

struct zca_library *zca_library_new(const struct zca_library_settings *settings,
                                    struct zca_error *err)
{
    struct zca_library *library = calloc(1, sizeof(*library));
    if (!library || pthread_mutex_init(&library->mutex, NULL) != 0) {
        free(library);
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    library->pid = getpid();
    library->context_new = settings->context_new;
    library->context_argument = settings->context_argument;
    library->keeps_from_engines = settings->keeps_from_engines;
    library->crypto_find = settings->crypto_find;
    library->crypto_argument = settings->crypto_argument;
    library->config_file = settings->config_file ? strdup(settings->config_file) : NULL;
    library->config_text = settings->config_text ? strdup(settings->config_text) : NULL;
    library->is_named = settings->config_file;
    if ((settings->config_file && !library->config_file) ||
        (settings->config_text && !library->config_text) ||
        !copy_overrides(library, settings->overrides)) {
        zca_library_free(library);
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    return library;
}

void zca_library_free(struct zca_library *library)
{
    if (!library) {
        return;
    }
    for (size_t i = 0; i < ZCA_NUM_PARTS; i++) {
        if (library->parts[i].object) {
            library->parts[i].functions->free(library->parts[i].object);
        }
    }
    /* nothing can be done about a failure */
    if (library->loaded) {
        (void)OSSL_PROVIDER_unload(library->loaded);
    }
    OSSL_LIB_CTX_free(library->context);
    zca_config_free(library->config);
    free_overrides(library->overrides);
    zca_place_roots_clear(&library->roots);
    free(library->config_file);
    free(library->config_text);
    (void)pthread_mutex_destroy(&library->mutex); /* nobody holds it any more */
    free(library);
}

/* The threads that held the locks are the parent's and will not release them here. */
static void renew_locks(struct zca_library *library)
{
    (void)pthread_mutex_init(&library->mutex, NULL); /* cannot fail with default attributes */
    for (size_t i = 0; i < ZCA_NUM_PARTS; i++) {
        if (library->parts[i].object) {
            library->parts[i].functions->forked(library->parts[i].object);
        }
    }
}

/* `pid` is negative while a thread of that process renews the locks and the others wait for it. */
void zca_library_enter(struct zca_library *library)
{
    pid_t now = getpid();
    pid_t then = atomic_load_explicit(&library->pid, memory_order_acquire);
    while (then != now) {
        if (then == -now) {
            (void)sched_yield(); /* cannot fail */
            then = atomic_load_explicit(&library->pid, memory_order_acquire);
        } else if (atomic_compare_exchange_strong(&library->pid, &then, -now)) {
            renew_locks(library);
            atomic_store_explicit(&library->pid, now, memory_order_release);
            then = now;
        }
    }
}

/* ---- configuration ---- */

static bool find_config_file(struct zca_library *library, struct zca_error *err)
{
    return library->config_file ||
           zca_place_config_file(&library->config_file, &library->is_named, err);
}

static struct zca_config *load_config(struct zca_library *library, struct zca_error *err)
{
    struct zca_error load_error = {0};
    if (library->config_text) {
        return zca_config_parse(library->config_text, library->config_file, zca_section_kinds,
                                ZCA_COUNT(zca_section_kinds), err);
    }
    struct zca_config *config = zca_config_load(library->config_file, zca_section_kinds,
                                                ZCA_COUNT(zca_section_kinds), &load_error);
    bool is_missing = !config && load_error.reason == ZCA_ERR_NOT_FOUND;
    if (is_missing && !library->is_named) {
        return zca_config_empty(zca_section_kinds, ZCA_COUNT(zca_section_kinds), err);
    }
    if (is_missing) {
        (void)zca_error_set(err, ZCA_ERR_CONFIG,
                            "there is no configuration '%s': 'zca login --url URL' writes one",
                            library->config_file);
    } else if (!config && err) {
        *err = load_error;
    }
    return config;
}

static struct zca_config *read_config(struct zca_library *library, struct zca_error *err)
{
    zca_auto(zca_config) struct zca_config *config =
        find_config_file(library, err) ? load_config(library, err) : NULL;
    if (!config) {
        (void)zca_error_context(err, "reading zca's configuration");
        return NULL;
    }
    for (size_t i = 0; library->overrides[i].name; i++) {
        const char *name = library->overrides[i].name;
        if (!zca_config_override(config, "zca", name, library->overrides[i].value, err)) {
            (void)zca_error_context(err, "parameter 'zca-%s'", name); /* NULL tells */
            return NULL;
        }
    }
    return zca_steal(config);
}

/* With the lock held. */
static const struct zca_config *locked_config(struct zca_library *library, struct zca_error *err)
{
    if (!library->config && library->config_error.reason == ZCA_ERR_NONE) {
        library->config = read_config(library, &library->config_error);
    }
    if (!library->config && err) {
        *err = library->config_error;
    }
    return library->config;
}

/* The gate is before the lock, for everybody: the file is read into secret memory. */
const struct zca_config *zca_library_config(struct zca_library *library, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&library->mutex);
    return locked_config(library, err);
}

/* Before the lock: then locked_config reads no file, which would enter the gate. A failure is remembered. */
static void need_config(struct zca_library *library)
{
    const struct zca_config *config = zca_library_config(library, NULL);
    (void)config; /* locked_config tells */
}

const char *zca_library_config_file(struct zca_library *library)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&library->mutex);
    return find_config_file(library, NULL) ? library->config_file : "zca.conf";
}

/* ---- the private context ---- */

/* With the lock held. */
static const char *locked_crypto_name(struct zca_library *library, struct zca_error *err)
{
    const struct zca_config *config = locked_config(library, err);
    return config ? zca_config_get_text(config, "zca", NULL,
                                        &zca_library_options[ZCA_LIBRARY_CRYPTO_PROVIDER])
                  : NULL;
}

static bool make_context(struct zca_library *library, struct zca_error *err)
{
    const char *name = locked_crypto_name(library, err);
    if (!name) {
        return false;
    }
    OSSL_LIB_CTX *context =
        library->context_new ? library->context_new(library->context_argument) : OSSL_LIB_CTX_new();
    if (!context) {
        return zca_error_set_crypto(err, "making a private library context");
    }
    library->loaded = zca_view_load(context, name, library->keeps_from_engines, err);
    if (!library->loaded) {
        OSSL_LIB_CTX_free(context);
        return false;
    }
    library->context = context;
    return true;
}

/* With the lock held. */
static bool need_context(struct zca_library *library, struct zca_error *err)
{
    return library->context || make_context(library, err);
}

OSSL_LIB_CTX *zca_library_context(struct zca_library *library, struct zca_error *err)
{
    need_config(library);
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&library->mutex);
    return need_context(library, err) ? library->context : NULL;
}

OSSL_PROVIDER *zca_library_crypto(struct zca_library *library, struct zca_error *err)
{
    need_config(library);
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&library->mutex);
    const char *name = library->crypto ? NULL : locked_crypto_name(library, err);
    if (name && library->crypto_find) {
        library->crypto = library->crypto_find(library->crypto_argument, name);
    }
    if (name && !library->crypto && need_context(library, err)) {
        library->crypto = library->loaded;
    }
    return library->crypto;
}

void zca_library_secure_memory(struct zca_library *library)
{
    const struct zca_config *config = zca_library_config(library, NULL);
    long kib = config ? zca_config_get_number(config, "zca", NULL,
                                              &zca_library_options[ZCA_LIBRARY_SECURE_MEMORY])
                      : 0;
    zca_secure_memory_open((size_t)kib);
}

/* ---- zca-remote.so ---- */

/* The file this code is in. A program started by PATH knows itself as a bare name. */
static char *own_path(void)
{
    Dl_info info;
    if (dladdr(zca_section_kinds, &info) == 0) {
        return NULL;
    }
    return realpath(strchr(info.dli_fname, '/') ? info.dli_fname : "/proc/self/exe", NULL);
}

/* "../remote/zca-remote.so" beside the directory of this object: a build directory. */
static char *beside_us(void)
{
    zca_auto(text) char *own = own_path();
    char *slash = own ? strrchr(own, '/') : NULL;
    char *path = NULL;
    if (!slash || asprintf(&path, "%.*s/../remote/zca-remote.so", (int)(slash - own), own) < 0) {
        return NULL;
    }
    return path;
}

static const struct zca_remote *load_remote(const char *path, struct zca_error *err)
{
    /* our own symbols are bound at once, by a flag of the file; what libcurl's libraries want of each other, when used */
    void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        const char *reason = dlerror();
        (void)zca_error_set(err, ZCA_ERR_CONFIG, "opening '%s': %s", path,
                            reason ? reason : "unknown reason");
        return NULL;
    }
    const struct zca_remote *(*table)(void) = NULL;
    *(void **)&table = dlsym(handle, "zca_remote_table");
    const struct zca_remote *remote = table ? table() : NULL;
    if (!remote || remote->abi != ZCA_REMOTE_ABI) {
        (void)zca_error_set(err, ZCA_ERR_CONFIG,
                            "'%s' is of another version of zca (interface %u, expected %u)", path,
                            remote ? remote->abi : 0, ZCA_REMOTE_ABI);
        return NULL;
    }
    return remote;
}

static const struct zca_remote *find_remote(const char *option, struct zca_error *err)
{
    if (option) {
        return load_remote(option, err);
    }
    zca_auto(text) char *near = beside_us();
    const char *installed = ZCA_PKGLIBDIR "/zca-remote.so";
    bool use_near = near && access(near, R_OK) == 0;
    return load_remote(use_near ? near : installed, err);
}

const struct zca_remote *zca_library_remote(struct zca_library *library, struct zca_error *err)
{
    if (is_in_network) {
        (void)zca_error_set(err, ZCA_ERR_BUSY, "zca was asked for help by its own connection");
        return NULL;
    }
    need_config(library);
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&library->mutex);
    const struct zca_config *config = locked_config(library, err);
    if (!config || library->remote) {
        return config ? library->remote : NULL;
    }
    if (zca_config_get_choice(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_REMOTE]) ==
        ZCA_REMOTE_OFF) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                            "the network is not to be used here (remote = off)");
        return NULL;
    }
    library->remote = find_remote(
        zca_config_get_text(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_REMOTE_LIBRARY]),
        err);
    return library->remote;
}

bool zca_library_network_begin(struct zca_library *library, struct zca_error *err)
{
    (void)library; /* one thread is in one network operation, whatever the library */
    if (is_in_network) {
        return zca_error_set(err, ZCA_ERR_BUSY, "zca was asked for help by its own connection");
    }
    is_in_network = true;
    return true;
}

void zca_library_network_end(struct zca_library *library)
{
    (void)library; /* as above */
    is_in_network = false;
}

/* ---- parts and places ---- */

void *zca_library_part(struct zca_library *library, enum zca_library_part part,
                       const struct zca_part_functions *functions, struct zca_error *err)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&library->mutex);
    struct part *found = &library->parts[part];
    if (!found->object) {
        found->functions = functions;
        found->object = functions->make();
    }
    if (!found->object) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    return found->object;
}

static const struct zca_place_roots *find_roots(struct zca_library *library, struct zca_error *err)
{
    need_config(library);
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&library->mutex);
    const struct zca_config *config = locked_config(library, err);
    if (!config || (!library->roots.state && !zca_place_find_roots(config, &library->roots, err))) {
        return NULL;
    }
    return &library->roots;
}

const char *zca_library_state_dir(struct zca_library *library, struct zca_error *err)
{
    const struct zca_place_roots *roots = find_roots(library, err);
    return roots ? roots->state : NULL;
}

char *zca_library_path(struct zca_library *library, enum zca_place place, const char *authority,
                       const char *name, const char *suffix, struct zca_error *err)
{
    const struct zca_place_roots *roots = find_roots(library, err);
    return roots ? zca_place_path(roots, place, authority, name, suffix, err) : NULL;
}

char *zca_library_directory(struct zca_library *library, enum zca_place place,
                            const char *authority, struct zca_error *err)
{
    const struct zca_place_roots *roots = find_roots(library, err);
    return roots ? zca_place_directory(roots, place, authority, err) : NULL;
}

char *zca_library_sealing_path(struct zca_library *library, bool is_runtime, bool make_directory,
                               struct zca_error *err)
{
    const struct zca_place_roots *roots = find_roots(library, err);
    if (!roots) {
        return NULL;
    }
    const char *root = is_runtime ? roots->runtime : roots->state;
    bool ok = !make_directory || zca_directory_make(root, is_runtime ? 0700 : 0755, err);
    return ok ? zca_path_join(root, "sealing.key", "", err) : NULL;
}

bool zca_library_prepare(struct zca_library *library, enum zca_place place, const char *authority,
                         struct zca_error *err)
{
    const struct zca_place_roots *roots = find_roots(library, err);
    return roots && zca_place_make(roots, place, authority, err);
}
