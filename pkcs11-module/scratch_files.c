/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a sorted list. */
#include "pkcs11-module/scratch_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void zca_scratch_file_free(struct zca_scratch_file *file)
{
    if (file) {
        zca_buffer_clear(&file->material);
        free(file);
    }
}

void zca_scratch_files_clear(struct zca_scratch_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        zca_scratch_file_free(files->array[i]);
    }
    free(files->array);
    *files = (struct zca_scratch_files){0};
}

bool zca_scratch_name_valid(const char *name)
{
    size_t len = strspn(name, "0123456789abcdef-");
    return len > 0 && len < ZCA_SCRATCH_NAME_SIZE && name[len] == '\0';
}

static bool make_room(struct zca_scratch_files *files, struct zca_error *err)
{
    if (files->count < files->capacity) {
        return true;
    }
    size_t capacity = files->capacity == 0 ? 16 : files->capacity * 2;
    struct zca_scratch_file **array =
        realloc(files->array, capacity * sizeof(struct zca_scratch_file *));
    if (!array) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    files->array = array;
    files->capacity = capacity;
    return true;
}

/* ---- the directory ---- */

static void close_directory(DIR *directory)
{
    if (directory) {
        (void)closedir(directory); /* it was only read */
    }
}

ZCA_DEFINE_AUTO(DIR, DIR, close_directory);

static bool append(struct zca_scratch_files *files, int directory, const char *name,
                   struct zca_error *err)
{
    struct stat status;
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) {
        return true; /* removed meanwhile, or not ours */
    }
    zca_auto(zca_scratch_file) struct zca_scratch_file *file = calloc(1, sizeof(*file));
    if (!file || !make_room(files, err)) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    memcpy(file->name, name, strlen(name) + 1);
    file->status = status;
    files->array[files->count++] = zca_steal(file);
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct zca_scratch_file *const *first = left;
    const struct zca_scratch_file *const *second = right;
    return strcmp((*first)->name, (*second)->name);
}

bool zca_scratch_files_list(const char *directory, struct zca_scratch_files *out_files,
                            struct zca_error *err)
{
    zca_auto(DIR) DIR *opened = opendir(directory);
    if (!opened) {
        return errno == ENOENT || zca_error_set_errno(err, "token '%s'", directory);
    }
    bool ok = true;
    errno = 0;
    for (struct dirent *entry = readdir(opened); ok && entry; entry = readdir(opened)) {
        if (zca_scratch_name_valid(entry->d_name)) {
            ok = append(out_files, dirfd(opened), entry->d_name, err);
        }
        errno = 0;
    }
    if (ok && errno != 0) {
        return zca_error_set_errno(err, "token '%s'", directory);
    }
    if (out_files->count != 0) {
        qsort(out_files->array, out_files->count, sizeof(*out_files->array), compare);
    }
    return ok;
}

/* "NAME.XXXXXX" (base/file.c), NAME being an object's or the token's. */
static bool is_leftover(const char *name)
{
    const size_t suffix_len = 7;
    char stem[ZCA_SCRATCH_NAME_SIZE];
    const char *dot = strchr(name, '.');
    size_t len = dot ? (size_t)(dot - name) : sizeof(stem);
    if (len >= sizeof(stem) || strlen(dot) != suffix_len) {
        return false;
    }
    memcpy(stem, name, len);
    stem[len] = '\0';
    return strcmp(stem, "token") == 0 || zca_scratch_name_valid(stem);
}

bool zca_scratch_leftovers_remove(const char *directory, struct zca_error *err)
{
    zca_auto(DIR) DIR *opened = opendir(directory);
    if (!opened) {
        return errno == ENOENT || zca_error_set_errno(err, "token '%s'", directory);
    }
    for (struct dirent *entry = readdir(opened); entry; entry = readdir(opened)) {
        if (is_leftover(entry->d_name) && unlinkat(dirfd(opened), entry->d_name, 0) != 0) {
            return zca_error_set_errno(err, "removing '%s/%s'", directory, entry->d_name);
        }
    }
    return true;
}

/* ---- entries ---- */

/* Where the name is, or would be. */
static size_t place_of(const struct zca_scratch_files *files, const char *name)
{
    size_t low = 0;
    size_t high = files->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(files->array[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct zca_scratch_files *files, size_t place, const char *name)
{
    return place < files->count && strcmp(files->array[place]->name, name) == 0;
}

struct zca_scratch_file *zca_scratch_files_find(const struct zca_scratch_files *files,
                                                const char *name)
{
    size_t place = place_of(files, name);
    return is_at(files, place, name) ? files->array[place] : NULL;
}

bool zca_scratch_files_add(struct zca_scratch_files *files, struct zca_scratch_file *file,
                           struct zca_error *err)
{
    if (!make_room(files, err)) {
        return false;
    }
    size_t place = place_of(files, file->name);
    memmove(&files->array[place + 1], &files->array[place],
            (files->count - place) * sizeof(*files->array));
    files->array[place] = file;
    files->count++;
    return true;
}

void zca_scratch_files_drop(struct zca_scratch_files *files, const char *name)
{
    size_t place = place_of(files, name);
    if (is_at(files, place, name)) {
        zca_scratch_file_free(files->array[place]);
        files->count--;
        memmove(&files->array[place], &files->array[place + 1],
                (files->count - place) * sizeof(*files->array));
    }
}
