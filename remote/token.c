/* SPDX-License-Identifier: Apache-2.0 */
/* The token file. Its lock is a file of its own, because the token file is replaced by renaming. */
#include "remote/token.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

static const size_t max_token_file = 64UL * 1024; /* bytes; JWTs with many claims are long */
static const int lock_interval_ms = 20;

void zca_tokens_clear(struct zca_tokens *tokens)
{
    zca_buffer_clear(&tokens->access);
    zca_buffer_clear(&tokens->refresh);
    tokens->expires_at_s = 0;
}

void zca_tokens_move(struct zca_tokens *target, struct zca_tokens *source)
{
    zca_buffer_move(&target->access, &source->access);
    zca_buffer_move(&target->refresh, &source->refresh);
    target->expires_at_s = source->expires_at_s;
    source->expires_at_s = 0;
}

bool zca_token_is_valid(struct zca_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return text.len > 0;
}

bool zca_token_check_mode(const char *path, const struct stat *status, struct zca_error *err)
{
    if ((status->st_mode & S_IRWXO) != 0) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "'%s' is open to everybody: run 'chmod 600 %s'",
                             path, path);
    }
    return true;
}

/* ---- expiry ---- */

int64_t zca_token_expiry(const struct zca_buffer *token)
{
    const char *text = (const char *)token->data;
    const char *start = text ? strchr(text, '.') : NULL;
    const char *end = start ? strchr(start + 1, '.') : NULL;
    zca_auto(zca_buffer) struct zca_buffer claims = ZCA_SECRET_BUFFER;
    int64_t expires_at_s = 0;
    if (!end ||
        !zca_base64_decode(zca_span_of(start + 1, (size_t)(end - start - 1)), &claims, NULL)) {
        return 0;
    }
    zca_auto(zca_json) struct zca_json *json = zca_json_parse(zca_buffer_span(&claims), NULL);
    return json && zca_json_integer(json, "exp", &expires_at_s) ? expires_at_s : 0;
}

/* Seconds, or RFC 3339, or what the token says. */
static int64_t find_expiry(const struct zca_json *file, const struct zca_buffer *access)
{
    int64_t expires_at = 0;
    const char *text = zca_json_text(file, "expires_at");
    if (zca_json_integer(file, "expires_at", &expires_at)) {
        return expires_at;
    }
    if (text && zca_clock_parse(text, &expires_at, NULL)) {
        return expires_at / 1000;
    }
    return zca_token_expiry(access);
}

/* ---- the file ---- */

static const struct zca_json_field token_fields[] = {
    {.name = "access_token",
     .type = ZCA_JSON_SECRET,
     .offset = offsetof(struct zca_tokens, access),
     .required = true},
    {.name = "refresh_token",
     .type = ZCA_JSON_SECRET,
     .offset = offsetof(struct zca_tokens,              refresh)         },
};

bool zca_tokens_load(const char *path, struct zca_tokens *out_tokens, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
    struct stat status;
    if (!zca_file_load(path, max_token_file, &bytes, &status, err) ||
        !zca_token_check_mode(path, &status, err)) {
        return false;
    }
    zca_auto(zca_tokens) struct zca_tokens tokens = {0};
    zca_auto(zca_json) struct zca_json *json = zca_json_parse(zca_buffer_span(&bytes), NULL);
    if (!json ||
        !zca_json_read_fields(json, token_fields, ZCA_COUNT(token_fields), &tokens, NULL) ||
        !zca_token_is_valid(zca_buffer_span(&tokens.access))) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "'%s' is not a token file", path);
    }
    tokens.expires_at_s = find_expiry(json, &tokens.access);
    zca_tokens_move(out_tokens, &tokens);
    return true;
}

static bool make_directory(const char *path, struct zca_error *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) {
        return true;
    }
    zca_auto(text) char *directory = strndup(path, (size_t)(slash - path));
    if (!directory) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing '%s'", path);
    }
    return zca_directory_make(directory, S_IRWXU, err);
}

bool zca_tokens_store(const char *path, struct zca_tokens *tokens, struct zca_error *err)
{
    struct zca_span access = zca_buffer_span(&tokens->access);
    struct zca_span refresh = zca_buffer_span(&tokens->refresh);
    if (!zca_token_is_valid(access) || (refresh.len > 0 && !zca_token_is_valid(refresh))) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL,
                             "the authority gave a token with odd characters");
    }
    if (tokens->expires_at_s == 0) {
        tokens->expires_at_s = zca_token_expiry(&tokens->access);
    }
    zca_auto(zca_json) struct zca_json *json = zca_json_new_object();
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    zca_json_set_span(json, "access_token", access);
    zca_json_set_span(json, "refresh_token", refresh);
    if (tokens->expires_at_s != 0) {
        zca_json_set_integer(json, "expires_at", tokens->expires_at_s);
    }
    return zca_json_format(json, &text, err) && zca_buffer_append_text(&text, "\n", err) &&
           make_directory(path, err) &&
           zca_file_store(path, S_IRUSR | S_IWUSR, zca_buffer_span(&text), err);
}

/* ---- the lock ---- */

/* A refresh token that is used up without writing its successor logs everybody out. */
static bool check_writable(const char *path, struct zca_error *err)
{
    const char *slash = strrchr(path, '/');
    zca_auto(text) char *directory =
        slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
    if (!directory || faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) != 0) {
        return zca_error_set_errno(err, "replacing '%s'", path);
    }
    return true;
}

/* Root must not lock out the owner of the token file. */
static void give_to_owner(int fd, const char *path)
{
    struct stat status;
    if (geteuid() == 0 && stat(path, &status) == 0 &&
        fchown(fd, status.st_uid, status.st_gid) != 0) {
        errno = 0; /* the owner will say so */
    }
}

static int open_lock(const char *path, struct zca_error *err)
{
    zca_auto(text) char *name = NULL;
    if (asprintf(&name, "%s.lock", path) < 0) {
        name = NULL; /* undefined after a failure */
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "locking '%s'", path); /* -1 tells */
        return -1;
    }
    int fd = open(name, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        (void)zca_error_set_errno(err, "opening '%s'", name); /* -1 tells */
    } else {
        give_to_owner(fd, path);
    }
    return fd;
}

/* flock has no deadline of its own: a stopped process must not stop us. */
static bool wait_for_lock(int fd, const char *path, int64_t deadline_ms, struct zca_error *err)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return zca_error_set_errno(err, "locking '%s.lock'", path);
        }
        if (zca_clock_monotonic_ms() >= deadline_ms) {
            return zca_error_set(err, ZCA_ERR_BUSY, "another process holds '%s.lock'", path);
        }
        (void)poll(NULL, 0, lock_interval_ms); /* a signal only makes it shorter */
    }
    return true;
}

bool zca_token_lock(const char *path, int64_t deadline_ms, struct zca_token_lock *out_lock,
                    struct zca_error *err)
{
    if (!make_directory(path, err) || !check_writable(path, err)) {
        return false;
    }
    int fd = open_lock(path, err);
    if (fd < 0) {
        return false;
    }
    if (!wait_for_lock(fd, path, deadline_ms, err)) {
        (void)close(fd); /* held nothing */
        return false;
    }
    *out_lock = (struct zca_token_lock){.held = true, .fd = fd};
    return true;
}

void zca_token_unlock(struct zca_token_lock *lock)
{
    if (lock->held) {
        (void)flock(lock->fd, LOCK_UN); /* also for a child that a fork gave the descriptor to */
        (void)close(lock->fd);          /* nothing was written */
        lock->held = false;
    }
}
