/* SPDX-License-Identifier: Apache-2.0 */
/* A symbolic link is followed, so that the file it names is changed and not the link replaced. */
#include "tool/config_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "core/options.h"
#include "core/place.h"
#include "tool/section.h"

static const size_t max_file = 1 << 20;

char *zca_config_file_path(const char *named, struct zca_error *err)
{
    char *path = named ? strdup(named) : NULL;
    if (named && !path) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "finding zca.conf"); /* NULL tells */
    }
    if (!named && !zca_place_new_config_file(&path, err)) {
        return NULL;
    }
    return path;
}

static bool load_text(const char *path, struct zca_buffer *out_text, struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (zca_file_load(path, max_file, out_text, NULL, &failure)) {
        return out_text->len == 0 || !memchr(out_text->data, 0, out_text->len) ||
               zca_error_set(err, ZCA_ERR_CONFIG, "%s: the file contains NUL bytes", path);
    }
    return failure.reason == ZCA_ERR_NOT_FOUND ||
           zca_error_set(err, failure.reason, "%s", failure.message);
}

static const char *text_of(const struct zca_buffer *buffer)
{
    return buffer->len > 0 ? (const char *)buffer->data : "";
}

static struct zca_config *parse(const char *path, const struct zca_buffer *text,
                                struct zca_error *err)
{
    return zca_config_parse(text_of(text), path, zca_section_kinds, ZCA_COUNT(zca_section_kinds),
                            err);
}

struct zca_config *zca_config_file_read(const char *path, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    return load_text(path, &text, err) ? parse(path, &text, err) : NULL;
}

static bool apply(const struct zca_config_change *changes, size_t num_changes,
                  struct zca_buffer *text, struct zca_error *err)
{
    for (size_t i = 0; i < num_changes; i++) {
        const struct zca_config_change *change = &changes[i];
        zca_auto(zca_buffer) struct zca_buffer changed = ZCA_SECRET_BUFFER;
        if (!change->value) {
            continue;
        }
        if (!zca_section_set(text_of(text), change->heading, change->name, change->value, &changed,
                             err)) {
            return false;
        }
        zca_buffer_move(text, &changed);
    }
    return true;
}

static bool store_text(const char *path, const struct zca_buffer *text, struct zca_error *err)
{
    struct stat status = {.st_mode = 0644};
    zca_auto(text) char *real = realpath(path, NULL);
    const char *target = real ? real : path;
    zca_auto(text) char *directory = strndup(target, (size_t)(strrchr(target, '/') - target));
    if (!directory) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing '%s'", target);
    }
    if (real && stat(real, &status) != 0) {
        return zca_error_set_errno(err, "reading the mode of '%s'", real);
    }
    return (*directory == '\0' || zca_directory_make(directory, 0755, err)) &&
           zca_file_store(target, status.st_mode & 07777, zca_buffer_span(text), err);
}

static char *absolute_path(const char *path, struct zca_error *err)
{
    if (*path == '/') {
        char *copy = strdup(path);
        if (!copy) {
            (void)zca_error_set(err, ZCA_ERR_MEMORY, "finding '%s'", path); /* NULL tells */
        }
        return copy;
    }
    zca_auto(text) char *here = realpath(".", NULL);
    char *absolute = here ? zca_path_join(here, path, "", err) : NULL;
    if (!absolute) {
        (void)zca_error_set(err, ZCA_ERR_SYSTEM, "finding the directory of '%s'", path);
    }
    return absolute;
}

/* ---- lock ---- */

/* The directory of the file itself: it is there before the file, and nothing is left behind. */
static char *directory_of(const char *path, struct zca_error *err)
{
    zca_auto(text) char *real = realpath(path, NULL);
    zca_auto(text) char *absolute = real ? NULL : absolute_path(path, err);
    const char *target = real ? real : absolute;
    size_t len = target ? (size_t)(strrchr(target, '/') - target) : 0;
    char *directory = target ? strndup(target, len > 0 ? len : 1) : NULL;
    if (target && !directory) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "locking '%s'", path); /* NULL tells */
    }
    return directory;
}

bool zca_config_lock_open(const char *path, struct zca_config_lock *out_lock, struct zca_error *err)
{
    zca_auto(text) char *directory = directory_of(path, err);
    if (!directory || !zca_directory_make(directory, 0755, err)) {
        return false;
    }
    out_lock->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out_lock->fd < 0) {
        return zca_error_set_errno(err, "locking '%s'", directory);
    }
    (void)flock(out_lock->fd, LOCK_EX); /* fails where there are no locks */
    return true;
}

void zca_config_lock_close(struct zca_config_lock *lock)
{
    if (lock->fd >= 0) {
        (void)close(lock->fd); /* nothing was written */
    }
    lock->fd = -1;
}

/* ---- changes ---- */

bool zca_config_file_preview(const char *path, const struct zca_config_change *changes,
                             size_t num_changes, struct zca_buffer *out_text, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    if (!load_text(path, &text, err) || !apply(changes, num_changes, &text, err)) {
        return zca_error_context(err, "changing '%s'", path);
    }
    zca_auto(zca_config) struct zca_config *checked = parse(path, &text, err);
    return checked ? zca_buffer_append(out_text, zca_buffer_span(&text), err)
                   : zca_error_context(err, "changing '%s'", path);
}

static bool is_there(const char *path, const struct zca_buffer *text)
{
    zca_auto(zca_buffer) struct zca_buffer found = ZCA_SECRET_BUFFER;
    return zca_file_load(path, max_file, &found, NULL, NULL) &&
           zca_span_equal(zca_buffer_span(&found), zca_buffer_span(text));
}

bool zca_config_file_change(const char *path, const struct zca_config_change *changes,
                            size_t num_changes, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    zca_auto(text) char *absolute = absolute_path(path, err);
    return absolute && zca_config_file_preview(absolute, changes, num_changes, &text, err) &&
           (is_there(absolute, &text) || store_text(absolute, &text, err));
}
