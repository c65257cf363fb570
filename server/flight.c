/* SPDX-License-Identifier: Apache-2.0 */
/* A list through the stacks of the threads under way. */
#include "server/flight.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/lock.h"

#define PATIENCE_S 10

struct zca_flight {
    pthread_mutex_t mutex;
    pthread_cond_t left;
    struct zca_flight_seat *seats;
};

struct zca_flight *zca_flight_new(struct zca_error *err)
{
    struct zca_flight *flight = calloc(1, sizeof(*flight));
    pthread_condattr_t attributes;
    if (!flight || pthread_condattr_init(&attributes) != 0) {
        free(flight);
        zca_error_set(err, ZCA_ERR_MEMORY, "preparing for requests");
        return NULL;
    }
    /* Known values and fresh objects: none of these can fail. */
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&flight->left, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&flight->mutex, NULL);
    return flight;
}

void zca_flight_free(struct zca_flight *flight)
{
    if (flight) {
        (void)pthread_cond_destroy(&flight->left); /* nobody waits any more */
        (void)pthread_mutex_destroy(&flight->mutex);
        free(flight);
    }
}

static bool is_taken(const struct zca_flight *flight, const char *org_id, const char *request_id)
{
    for (const struct zca_flight_seat *seat = flight->seats; seat; seat = seat->next) {
        if (strcmp(seat->org_id, org_id) == 0 && strcmp(seat->request_id, request_id) == 0) {
            return true;
        }
    }
    return false;
}

bool zca_flight_enter(struct zca_flight *flight, const char *org_id, const char *request_id,
                      struct zca_flight_seat *out_seat, struct zca_error *err)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_MONOTONIC, &deadline); /* the clock exists */
    deadline.tv_sec += PATIENCE_S;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&flight->mutex);
    int rc = 0;
    while (is_taken(flight, org_id, request_id) && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&flight->left, &flight->mutex, &deadline);
    }
    if (is_taken(flight, org_id, request_id)) {
        return zca_error_set(err, ZCA_ERR_UNAVAILABLE, "request '%s' is still under way",
                             request_id);
    }
    *out_seat = (struct zca_flight_seat){
        .flight = flight, .org_id = org_id, .request_id = request_id, .next = flight->seats};
    flight->seats = out_seat;
    return true;
}

void zca_flight_leave(struct zca_flight_seat *seat)
{
    if (!seat->flight) {
        return;
    }
    struct zca_flight *flight = seat->flight;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&flight->mutex);
    struct zca_flight_seat **link = &flight->seats;
    while (*link != seat) {
        link = &(*link)->next;
    }
    *link = seat->next;
    seat->flight = NULL;
    (void)pthread_cond_broadcast(&flight->left); /* fails only for our own mistakes */
}
