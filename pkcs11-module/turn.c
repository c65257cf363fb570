/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flag and a condition, never a lock across the network. The mutex is taken for a few stores; who holds it does not enter
 * the gate, so threads inside and outside may both wait for it.
 */
#include "pkcs11-module/turn.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"
#include "core/backoff.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/module.h"

static const struct zca_backoff pace = {
    .floor_ms = 1000,
    .first_ms = 2000,
    .cap_ms = 5 * 60 * 1000,
};

struct zca_turn {
    struct zca_library *library;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool is_busy;
    uint64_t num_runs; /* that have ended */
    CK_RV last_rv;
    unsigned num_failures; /* in a row; pending counts, too */
    int64_t next_ms;       /* monotonic; 0: at any time */
    int64_t next_at_ms;    /* the same on the wall clock */
    struct zca_error last;
};

static void prepare_locks(struct zca_turn *turn)
{
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(&turn->mutex, NULL); /* these cannot fail on Linux */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&turn->ended, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct zca_turn *zca_turn_new(struct zca_library *library)
{
    struct zca_turn *turn = calloc(1, sizeof(*turn));
    if (turn) {
        turn->library = library;
        prepare_locks(turn);
    }
    return turn;
}

void zca_turn_free(struct zca_turn *turn)
{
    if (turn) {
        (void)pthread_cond_destroy(&turn->ended); /* nobody waits any more */
        (void)pthread_mutex_destroy(&turn->mutex);
        free(turn);
    }
}

void zca_turn_after_fork(struct zca_turn *turn)
{
    prepare_locks(turn);
    turn->is_busy = false;
}

/* ---- before the work ---- */

static struct timespec moment_after(long timeout_ms)
{
    int64_t at_ms = zca_clock_monotonic_ms() + timeout_ms;
    return (struct timespec){.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};
}

static bool is_paused(const struct zca_turn *turn)
{
    return turn->next_ms != 0 && zca_clock_monotonic_ms() < turn->next_ms;
}

/* With the mutex. */
static CK_RV wait_for_other(struct zca_turn *turn, long timeout_ms)
{
    const struct timespec until = moment_after(timeout_ms);
    uint64_t before = turn->num_runs;
    int rc = 0;
    while (turn->num_runs == before && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&turn->ended, &turn->mutex, &until);
    }
    return turn->num_runs == before ? CKR_DEVICE_ERROR : turn->last_rv;
}

/* True: the work is ours. */
static bool begin(struct zca_turn *turn, long timeout_ms, CK_RV *out_rv)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&turn->mutex);
    *out_rv = CKR_OK;
    if (turn->is_busy) {
        *out_rv = timeout_ms > 0 ? wait_for_other(turn, timeout_ms) : CKR_OK;
        return false;
    }
    if (is_paused(turn)) {
        return false;
    }
    turn->is_busy = true;
    return true;
}

/* ---- behind it ---- */

/* With the mutex. */
static void note_failure(struct zca_turn *turn, const struct zca_error *err, uint32_t random)
{
    turn->num_failures += turn->num_failures < UINT32_MAX;
    int64_t delay_ms = zca_backoff_delay_ms(&pace, turn->num_failures, err->retry_after_s, random);
    turn->next_ms = zca_clock_monotonic_ms() + delay_ms;
    turn->next_at_ms = zca_clock_now_ms() + delay_ms;
    turn->last = *err;
}

/* With the mutex. */
static void note_success(struct zca_turn *turn)
{
    turn->num_failures = 0;
    turn->next_ms = 0;
    turn->next_at_ms = 0;
    turn->last = (struct zca_error){.reason = ZCA_ERR_NONE};
}

static CK_RV end(struct zca_turn *turn, bool is_done, const struct zca_error *err)
{
    bool is_failure = !is_done && err->reason != ZCA_ERR_PENDING;
    uint32_t random = is_done ? 0 : zca_backoff_random(turn->library);
    CK_RV rv = is_failure ? zca_pkcs11_fail(turn->library, err) : CKR_OK;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&turn->mutex);
    if (is_done) {
        note_success(turn);
    } else {
        note_failure(turn, err, random);
    }
    turn->last_rv = rv;
    turn->num_runs++;
    turn->is_busy = false;
    (void)pthread_cond_broadcast(&turn->ended); /* cannot fail */
    return rv;
}

/* ---- public ---- */

CK_RV zca_turn_run(struct zca_turn *turn, const struct zca_turn_work *work)
{
    CK_RV rv = CKR_OK;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_module_outside();
    if (begin(turn, work->timeout_ms, &rv)) {
        bool is_done = work->run(work->argument, &err);
        rv = end(turn, is_done, &err);
    }
    zca_module_inside();
    return rv;
}

bool zca_turn_may_run(struct zca_turn *turn)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&turn->mutex);
    return !is_paused(turn);
}

void zca_turn_resume(struct zca_turn *turn)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&turn->mutex);
    turn->next_ms = 0;
    turn->next_at_ms = 0;
}

void zca_turn_status(struct zca_turn *turn, struct zca_turn_status *out_status)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&turn->mutex);
    *out_status = (struct zca_turn_status){
        .is_pending = turn->last.reason == ZCA_ERR_PENDING,
        .last = turn->last,
        .next_at_ms = is_paused(turn) ? turn->next_at_ms : 0,
    };
}
