/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places follow the XDG base directories for users and the file hierarchy standard for root.
 * The environment is read with secure_getenv: a set-user-id program is not led astray.
 */
#include "core/place.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static const struct {
    bool is_runtime;
    const char *directory;
    mode_t mode;
} places[ZCA_NUM_PLACES] = {
  /* in the order of enum zca_place */
    {false, "keys",        0700},
    {true,  "keys",        0700},
    {false, "certs",       0755},
    {false, "orders",      0700},
    {false, "authorities", 0755},
    {false, "tokens",      0700},
};

static const size_t max_name = 128;

bool zca_name_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@*+";
    size_t len = strnlen(name, max_name + 1);
    return len > 0 && len <= max_name && name[0] != '.' && strspn(name, allowed) == len;
}

/* The home directory of the user as the system knows it, in new memory, or NULL. */
static char *find_home(void)
{
    const char *home = secure_getenv("HOME");
    if (home && home[0] == '/') {
        return strdup(home);
    }
    const size_t max_entry = 64 * 1024; /* more than any entry of passwd(5) */
    zca_auto(text) char *buffer = malloc(max_entry);
    struct passwd entry;
    struct passwd *user = NULL;
    bool found = buffer && getpwuid_r(geteuid(), &entry, buffer, max_entry, &user) == 0 && user;
    return found && entry.pw_dir[0] == '/' ? strdup(entry.pw_dir) : NULL;
}

/* "DIRECTORY/rest", where DIRECTORY is an environment variable, or `fallback` below the home directory. */
static char *user_path(const char *variable, const char *fallback, const char *rest,
                       struct zca_error *err)
{
    const char *directory = secure_getenv(variable);
    if (directory && directory[0] == '/') {
        return zca_path_join(directory, rest, "", err);
    }
    zca_auto(text) char *home = find_home();
    if (!home) {
        (void)zca_error_set(
            err, ZCA_ERR_CONFIG,
            "no home directory: set HOME, or state-dir and runtime-dir in zca.conf");
        return NULL;
    }
    zca_auto(text) char *below = zca_path_join(home, fallback, "", err);
    return below ? zca_path_join(below, rest, "", err) : NULL;
}

bool zca_place_config_file(char **out_path, bool *out_is_named, struct zca_error *err)
{
    const char *named = secure_getenv("ZCA_CONFIG");
    *out_is_named = named && *named;
    zca_auto(text) char *path = NULL;
    if (*out_is_named) {
        path = strdup(named);
    } else if (geteuid() != 0) {
        path = user_path("XDG_CONFIG_HOME", ".config", "zca/zca.conf", NULL); /* or /etc */
    }
    if (!*out_is_named && (!path || access(path, F_OK) != 0)) {
        free(path);
        path = strdup("/etc/zca/zca.conf");
    }
    if (!path) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    *out_path = zca_steal(path);
    return true;
}

bool zca_place_new_config_file(char **out_path, struct zca_error *err)
{
    zca_auto(text) char *path = NULL;
    bool is_named = false;
    if (!zca_place_config_file(&path, &is_named, err)) {
        return false;
    }
    if (!is_named && geteuid() != 0 && access(path, F_OK) != 0) {
        free(path);
        path = user_path("XDG_CONFIG_HOME", ".config", "zca/zca.conf", err);
    }
    *out_path = zca_steal(path);
    return *out_path;
}

static char *find_root(const struct zca_config *config, enum zca_library_option option,
                       const char *roots_path, const char *variable, const char *fallback,
                       struct zca_error *err)
{
    const char *configured = zca_config_get_text(config, "zca", NULL, &zca_library_options[option]);
    if (configured || geteuid() == 0) {
        char *path = strdup(configured ? configured : roots_path);
        if (!path) {
            (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        }
        return path;
    }
    return user_path(variable, fallback, "zca", err);
}

bool zca_place_find_roots(const struct zca_config *config, struct zca_place_roots *out_roots,
                          struct zca_error *err)
{
    struct zca_place_roots roots = {0};
    roots.state = find_root(config, ZCA_LIBRARY_STATE_DIR, "/var/lib/zca", "XDG_STATE_HOME",
                            ".local/state", err);
    roots.runtime = find_root(config, ZCA_LIBRARY_RUNTIME_DIR, "/run/zca", "XDG_RUNTIME_DIR",
                              ".local/state/run", err);
    if (!roots.state || !roots.runtime) {
        zca_place_roots_clear(&roots);
        return false;
    }
    *out_roots = roots;
    return true;
}

void zca_place_roots_clear(struct zca_place_roots *roots)
{
    free(roots->state);
    free(roots->runtime);
    *roots = (struct zca_place_roots){0};
}

static bool check_authority(const char *authority, struct zca_error *err)
{
    return zca_name_valid(authority) ||
           zca_error_set(err, ZCA_ERR_INVALID, "'%s' is no valid name of an authority", authority);
}

char *zca_place_directory(const struct zca_place_roots *roots, enum zca_place place,
                          const char *authority, struct zca_error *err)
{
    if (!check_authority(authority, err)) {
        return NULL;
    }
    const char *root = places[place].is_runtime ? roots->runtime : roots->state;
    zca_auto(text) char *directory = zca_path_join(root, places[place].directory, "", err);
    return directory ? zca_path_join(directory, authority, "", err) : NULL;
}

char *zca_place_path(const struct zca_place_roots *roots, enum zca_place place,
                     const char *authority, const char *name, const char *suffix,
                     struct zca_error *err)
{
    if (!zca_name_valid(name)) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "'%s' is no valid name", name);
        return NULL;
    }
    if (!check_authority(authority, err)) {
        return NULL;
    }
    char *path = NULL;
    const char *root = places[place].is_runtime ? roots->runtime : roots->state;
    if (asprintf(&path, "%s/%s/%s/%s%s", root, places[place].directory, authority, name, suffix) <
        0) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    return path;
}

bool zca_place_make(const struct zca_place_roots *roots, enum zca_place place,
                    const char *authority, struct zca_error *err)
{
    zca_auto(text) char *directory = zca_place_directory(roots, place, authority, err);
    const char *root = places[place].is_runtime ? roots->runtime : roots->state;
    mode_t root_mode = places[place].is_runtime ? 0700 : 0755;
    return directory && zca_directory_make(root, root_mode, err) &&
           zca_directory_make(directory, places[place].mode, err);
}
