/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single flight by flock(2): it excludes threads as well as processes, because each entry opens
 * the file anew. The file stays; removing it would let two holders in.
 * Waiting for the lock is the one wait outside core/enrol.c: nothing is repeated, nobody asked.
 */
#include "core/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static const long first_pause_ms = 1;
static const long longest_pause_ms = 20;

struct zca_flight {
    int fd;
    pid_t owner;
};

static void pause_for(long pause_ms)
{
    struct timespec pause = {.tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL); /* a signal only makes the next look earlier */
}

/* 1 taken, 0 held by another, -1 failed */
static int try_lock(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 1;
    }
    return errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

static bool wait_for_lock(int fd, const char *path, long timeout_ms, struct zca_error *err)
{
    int64_t deadline_ms = zca_clock_monotonic_ms() + timeout_ms;
    long pause_ms = first_pause_ms;
    for (;;) {
        int taken = try_lock(fd);
        if (taken != 0) {
            return taken > 0 || zca_error_set_errno(err, "locking '%s'", path);
        }
        int64_t left_ms = deadline_ms - zca_clock_monotonic_ms();
        if (left_ms <= 0) {
            return zca_error_set(err, ZCA_ERR_BUSY, "another process holds the lock '%s'", path);
        }
        pause_for(left_ms < pause_ms ? (long)left_ms : pause_ms);
        pause_ms = pause_ms * 2 < longest_pause_ms ? pause_ms * 2 : longest_pause_ms;
    }
}

struct zca_flight *zca_flight_enter(struct zca_library *library, const char *authority,
                                    const char *name, long timeout_ms, struct zca_error *err)
{
    return zca_flight_enter_at(library, ZCA_PLACE_ORDERS, authority, name, timeout_ms, err);
}

struct zca_flight *zca_flight_enter_at(struct zca_library *library, enum zca_place place,
                                       const char *directory, const char *name, long timeout_ms,
                                       struct zca_error *err)
{
    zca_auto(text) char *path = NULL;
    if (!zca_library_prepare(library, place, directory, err)) {
        return NULL;
    }
    path = zca_library_path(library, place, directory, name, ".lock", err);
    if (!path) {
        return NULL;
    }
    zca_auto(zca_flight) struct zca_flight *flight = malloc(sizeof(*flight));
    if (!flight) {
        zca_error_set(err, ZCA_ERR_MEMORY, "locking '%s'", path);
        return NULL;
    }
    flight->owner = getpid();
    flight->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (flight->fd < 0) {
        zca_error_set_errno(err, "opening '%s'", path);
        return NULL;
    }
    return wait_for_lock(flight->fd, path, timeout_ms, err) ? zca_steal(flight) : NULL;
}

void zca_flight_leave(struct zca_flight *flight)
{
    if (!flight) {
        return;
    }
    if (flight->fd >= 0) {
        /* A forked child shares the lock: it must not give away what its parent holds. The
         * parent unlocks in so many words, because a child may still have the file open. */
        if (flight->owner == getpid()) {
            (void)flock(flight->fd, LOCK_UN); /* close does the same if this fails */
        }
        (void)close(flight->fd); /* nothing was written */
    }
    free(flight);
}
