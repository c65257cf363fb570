/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens zca-core.so: beside this module (a build directory), else where it is installed. It stays for
 * the life of the process. Its failures are the only ones reported from this half: to syslog, too,
 * because what zca.conf says about the log is known behind it.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/error.h"
#include "provider/cold.h"
#include "provider/cold/error.h"

#define NAME "zca-core.so"

static void raise_error(const struct zca_provider *provider, const char *format, ...)
    ZCA_PRINTF(2, 3);

static void raise_error(const struct zca_provider *provider, const char *format, ...)
{
    const struct zca_upcalls *upcalls = &provider->upcalls;
    va_list arguments;
    if (!upcalls->new_error || !upcalls->vset_error) {
        return;
    }
    va_start(arguments, format);
    upcalls->new_error(provider->handle);
    if (upcalls->set_error_debug) {
        upcalls->set_error_debug(provider->handle, __FILE_NAME__, __LINE__, __func__);
    }
    upcalls->vset_error(provider->handle, ZCA_ERR_CONFIG, format, arguments);
    va_end(arguments);
}

static void fail(const struct zca_provider *provider, const char *text)
{
    raise_error(provider, "%s", text);
    syslog(LOG_DAEMON | LOG_ERR, "zca: CONFIG: %s", text);
}

/* New memory, or NULL. */
static char *beside_us(void)
{
    Dl_info info = {0};
    const char *slash = dladdr(&zca_kinds, &info) != 0 ? strrchr(info.dli_fname, '/') : NULL;
    char *path = NULL;
    if (!slash ||
        asprintf(&path, "%.*s/" NAME, (int)(slash - info.dli_fname), info.dli_fname) < 0) {
        return NULL;
    }
    return path;
}

static const struct zca_cold *open_table(const struct zca_provider *provider, const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        const char *reason = dlerror();
        fail(provider, reason ? reason : path); /* names the file */
        return NULL;
    }
    const struct zca_cold *(*get_table)(void) = NULL;
    *(void **)&get_table = dlsym(handle, "zca_cold_table"); /* dlopen(3): the portable way */
    const struct zca_cold *table = get_table ? get_table() : NULL;
    if (!table || table->abi != ZCA_COLD_ABI || strcmp(table->version, ZCA_VERSION) != 0) {
        zca_auto(text) char *text = NULL;
        int len = asprintf(&text, "'%s' is of another version of zca", path);
        fail(provider, len < 0 ? path : text);
        return NULL;
    }
    return table;
}

static const struct zca_cold *find_table(const struct zca_provider *provider)
{
    zca_auto(text) char *near = beside_us();
    bool use_near = near && access(near, R_OK) == 0;
    return open_table(provider, use_near ? near : ZCA_PKGLIBDIR "/" NAME);
}

const struct zca_cold *zca_provider_open_cold(struct zca_provider *provider)
{
    const struct zca_cold *cold = atomic_load_explicit(&provider->cold, memory_order_acquire);
    if (cold) {
        return cold;
    }
    zca_auto(errno) int saved_errno = errno;
    cold = find_table(provider); /* threads that come together find the same */
    if (cold && !cold->begin(provider)) {
        fail(provider, "out of memory");
        return NULL;
    }
    if (cold) {
        atomic_store_explicit(&provider->cold, cold, memory_order_release);
    }
    return cold;
}
