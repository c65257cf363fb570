/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as whole values. A store writes a temporary file beside the target, so that the
 * rename stays within one file system; an interrupted store leaves "NAME.XXXXXX" behind.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t max_previous = 1024 * 1024;

static void close_descriptor(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* what matters was synced before */
    }
}

ZCA_DEFINE_AUTO_CLEAR(descriptor, int, close_descriptor);

/* ---- load ---- */

/* Grows `bytes`, full so far, within its limit. */
static bool grow(struct zca_buffer *bytes, const char *path, struct zca_error *err)
{
    size_t len = bytes->len + bytes->len / 2 + 1;
    if (bytes->len == bytes->limit) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is larger than %zu bytes", path,
                             bytes->limit - 1);
    }
    len = len < bytes->limit ? len : bytes->limit;
    return zca_buffer_resize(bytes, len, err) || zca_error_context(err, "reading '%s'", path);
}

/* The buffer is one byte longer than the file was: it fills only when the file grew. `size` is what it was; 0 for files
 * that do not know, such as those of /proc, which are read to their end. */
static bool read_whole(int fd, const char *path, size_t size, struct zca_buffer *bytes,
                       struct zca_error *err)
{
    size_t filled = 0;
    for (;;) {
        if (filled == bytes->len && !grow(bytes, path, err)) {
            return false;
        }
        ssize_t got = read(fd, bytes->data + filled, bytes->len - filled);
        if (got == 0) {
            return zca_buffer_resize(bytes, filled, err);
        }
        if (got < 0 && errno != EINTR) {
            return zca_error_set_errno(err, "reading '%s'", path);
        }
        filled += got > 0 ? (size_t)got : 0;
        if (size != 0 && filled == size) {
            return zca_buffer_resize(bytes, filled, err);
        }
    }
}

bool zca_file_load(const char *path, size_t limit, struct zca_buffer *out_bytes,
                   struct stat *out_stat, struct zca_error *err)
{
    /* O_NONBLOCK: opening a FIFO must not wait for its writer */
    zca_auto(descriptor) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return zca_error_set_errno(err, "opening '%s'", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is not a regular file", path);
    }
    if (status.st_size < 0 || (size_t)status.st_size > limit) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is larger than %zu bytes", path, limit);
    }
    zca_auto(zca_buffer) struct zca_buffer bytes = {
        .limit = limit + 1,
        .secret = out_bytes->secret,
    };
    if (!zca_buffer_resize(&bytes, (size_t)status.st_size + 1, err)) {
        return zca_error_context(err, "reading '%s'", path);
    }
    if (!read_whole(fd, path, (size_t)status.st_size, &bytes, err)) {
        return false;
    }
    zca_buffer_move(out_bytes, &bytes);
    if (out_stat) {
        *out_stat = status;
    }
    return true;
}

/* ---- store ---- */

/* A file being written beside its target; gone when cleared. */
struct temporary {
    char *path; /* NULL: it has none, or not any more */
    int fd;
};

static void temporary_clear(struct temporary *temporary)
{
    if (temporary->fd >= 0 && temporary->path) {
        (void)unlink(temporary->path); /* what is left beside the target does no harm */
    }
    close_descriptor(&temporary->fd);
    free(temporary->path);
}

ZCA_DEFINE_AUTO_CLEAR(temporary, struct temporary, temporary_clear);

static bool temporary_open(struct temporary *temporary, const char *path, struct zca_error *err)
{
    if (asprintf(&temporary->path, "%s.XXXXXX", path) < 0) {
        temporary->path = NULL; /* undefined after a failure */
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing '%s'", path);
    }
    temporary->fd = mkostemp(temporary->path, O_CLOEXEC);
    return temporary->fd >= 0 || zca_error_set_errno(err, "creating a file beside '%s'", path);
}

static bool write_all(int fd, struct zca_span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = write(fd, bytes.data + done, bytes.len - done);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool same_time(const struct timespec *left, const struct timespec *right)
{
    return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

bool zca_file_same(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
           left->st_size == right->st_size && same_time(&left->st_mtim, &right->st_mtim) &&
           same_time(&left->st_ctim, &right->st_ctim);
}

/* The replaced file's owner stays when we may give files away; otherwise the new one is ours. */
static void keep_owner(int fd, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && fchown(fd, status.st_uid, status.st_gid) != 0) {
        errno = 0; /* not permitted: as documented */
    }
}

static bool temporary_fill(const struct temporary *temporary, const char *path, mode_t mode,
                           struct zca_span bytes, struct zca_error *err)
{
    keep_owner(temporary->fd, path);
    return (write_all(temporary->fd, bytes) && fchmod(temporary->fd, mode) == 0) ||
           zca_error_set_errno(err, "writing '%s'", path);
}

static bool temporary_sync(const struct temporary *temporary, const char *path,
                           struct zca_error *err)
{
    return fsync(temporary->fd) == 0 || zca_error_set_errno(err, "writing '%s'", path);
}

/* Opens the directory that holds `path`. */
static int open_parent(const char *path, struct zca_error *err)
{
    const char *slash = strrchr(path, '/');
    zca_auto(text) char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0) {
        (void)zca_error_set_errno(err, "opening the directory of '%s'", path); /* -1 tells */
    }
    return fd;
}

/* Some file systems cannot sync a directory and say EINVAL: they have nothing to lose. */
static bool sync_directory(int fd, const char *path, struct zca_error *err)
{
    if (fsync(fd) != 0 && errno != EINVAL) {
        return zca_error_set_errno(err, "syncing the directory of '%s'", path);
    }
    return true;
}

static bool publish_replacing(struct temporary *temporary, const char *path, struct zca_error *err)
{
    if (rename(temporary->path, path) != 0) {
        return zca_error_set_errno(err, "replacing '%s'", path);
    }
    free(zca_steal(temporary->path));
    return true;
}

static bool publish_new(struct temporary *temporary, const char *path, struct zca_error *err)
{
    if (link(temporary->path, path) == 0) {
        return true;
    }
    if (errno == EEXIST) {
        return zca_error_set(err, ZCA_ERR_CONFLICT, "'%s' exists already", path);
    }
    return zca_error_set_errno(err, "creating '%s'", path);
}

typedef bool publish_step(struct temporary *temporary, const char *path, struct zca_error *err);

static bool store(const char *path, mode_t mode, struct zca_span bytes, publish_step *publish,
                  struct zca_error *err)
{
    zca_auto(descriptor) int directory = open_parent(path, err);
    zca_auto(temporary) struct temporary temporary = {.fd = -1};
    return directory >= 0 && temporary_open(&temporary, path, err) &&
           temporary_fill(&temporary, path, mode, bytes, err) &&
           temporary_sync(&temporary, path, err) && publish(&temporary, path, err) &&
           sync_directory(directory, path, err);
}

bool zca_file_store(const char *path, mode_t mode, struct zca_span bytes, struct zca_error *err)
{
    return store(path, mode, bytes, publish_replacing, err);
}

/* Somebody else's file gives way, as it would to a rename. */
static int open_in_place(const char *path, mode_t mode)
{
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path, flags, mode);
    bool gave_way = fd < 0 && errno == EACCES && unlink(path) == 0;
    return gave_way ? open(path, flags, mode) : fd;
}

/* A file that was longer keeps nothing of it. To ask takes less than to cut. */
static bool cut(int fd, size_t len)
{
    struct stat status;
    return fstat(fd, &status) == 0 &&
           ((size_t)status.st_size == len || ftruncate(fd, (off_t)len) == 0);
}

/* In place: ext4 writes to the disk for a rename over a file, and at once; that takes longer than all else here. */
bool zca_file_store_soon(const char *path, mode_t mode, struct zca_span bytes,
                         struct zca_error *err)
{
    zca_auto(descriptor) int fd = open_in_place(path, mode);
    if (fd < 0) {
        return zca_error_set_errno(err, "opening '%s'", path);
    }
    if (!write_all(fd, bytes) || !cut(fd, bytes.len)) {
        (void)zca_error_set_errno(err, "writing '%s'", path);
        (void)unlink(path); /* a part of it is worth nothing */
        return false;
    }
    return true;
}

bool zca_file_store_new(const char *path, mode_t mode, struct zca_span bytes, struct zca_error *err)
{
    return store(path, mode, bytes, publish_new, err);
}

static char *append_suffix(const char *path, const char *suffix, struct zca_error *err)
{
    char *result = NULL;
    if (asprintf(&result, "%s%s", path, suffix) < 0) {
        zca_error_set(err, ZCA_ERR_MEMORY, "keeping '%s'", path);
        return NULL; /* undefined after a failure */
    }
    return result;
}

/* File systems without hard links get a copy. */
static bool copy_previous(const char *path, const char *previous, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    struct stat status;
    return zca_file_load(path, max_previous, &bytes, &status, err) &&
           zca_file_store(previous, status.st_mode & 0777, zca_buffer_span(&bytes), err);
}

static bool link_previous(const char *path, const char *beside, const char *previous,
                          struct zca_error *err)
{
    (void)unlink(beside); /* left by a crash, or not there */
    if (link(path, beside) != 0 && errno != EEXIST) {
        bool unable = errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK;
        if (unable) {
            return copy_previous(path, previous, err);
        }
        return errno == ENOENT || zca_error_set_errno(err, "keeping '%s'", path);
    }
    /* ENOENT: another writer of the same file did it for us */
    bool ok = rename(beside, previous) == 0 || errno == ENOENT ||
              zca_error_set_errno(err, "keeping '%s'", path);
    (void)unlink(beside); /* rename does nothing when both are names of one file */
    return ok;
}

bool zca_file_keep_previous(const char *path, struct zca_error *err)
{
    zca_auto(text) char *previous = append_suffix(path, ".previous", err);
    zca_auto(text) char *beside = append_suffix(path, ".previous.new", err);
    return previous && beside && link_previous(path, beside, previous, err);
}

bool zca_file_remove_soon(const char *path, struct zca_error *err)
{
    return unlink(path) == 0 || errno == ENOENT || zca_error_set_errno(err, "removing '%s'", path);
}

bool zca_file_remove(const char *path, struct zca_error *err)
{
    if (unlink(path) != 0) {
        return errno == ENOENT || zca_error_set_errno(err, "removing '%s'", path);
    }
    zca_auto(descriptor) int directory = open_parent(path, err);
    return directory >= 0 && sync_directory(directory, path, err);
}

/* ---- directories and paths ---- */

static bool make_one(const char *path, mode_t mode, struct zca_error *err)
{
    struct stat status;
    if (mkdir(path, mode) == 0) {
        return chmod(path, mode) == 0 || /* whatever the umask */
               zca_error_set_errno(err, "setting the mode of '%s'", path);
    }
    int mkdir_errno = errno; /* EROFS or EACCES may hide that the directory is there */
    if (stat(path, &status) == 0) {
        return S_ISDIR(status.st_mode) ||
               zca_error_set(err, ZCA_ERR_CONFLICT, "'%s' is not a directory", path);
    }
    errno = mkdir_errno;
    return zca_error_set_errno(err, "creating directory '%s'", path);
}

bool zca_directory_make(const char *path, mode_t mode, struct zca_error *err)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return true; /* as nearly always */
    }
    zca_auto(text) char *copy = strdup(path);
    if (!copy) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "creating directory '%s'", path);
    }
    for (char *slash = strchr(copy + (*copy == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_one(copy, mode, err)) {
            return false;
        }
        *slash = '/';
    }
    return make_one(copy, mode, err);
}

/* Without printf: a look-up joins eight paths. */
char *zca_path_join(const char *directory, const char *name, const char *suffix,
                    struct zca_error *err)
{
    size_t directory_len = strlen(directory);
    size_t name_len = strlen(name);
    size_t suffix_len = suffix ? strlen(suffix) : 0;
    bool needs_slash = directory_len == 0 || directory[directory_len - 1] != '/';
    char *path = malloc(directory_len + 1 + name_len + suffix_len + 1);
    if (!path) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "joining '%s' and '%s'", directory, name);
        return NULL;
    }
    char *end = mempcpy(path, directory, directory_len);
    if (needs_slash) {
        *end++ = '/';
    }
    end = mempcpy(end, name, name_len);
    end = mempcpy(end, suffix ? suffix : "", suffix_len);
    *end = '\0';
    return path;
}
