/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests under way, by name: a second request of the same name waits for the first, and then
 * finds its result in the ledger.
 */
#ifndef ZCA_SERVER_FLIGHT_H
#define ZCA_SERVER_FLIGHT_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/state.h"

/* A request under way; on the stack of its thread. */
struct zca_flight_seat {
    struct zca_flight *flight; /* NULL: not entered */
    const char *org_id;
    const char *request_id;
    struct zca_flight_seat *next;
};

ZCA_NODISCARD struct zca_flight *zca_flight_new(struct zca_error *err);
void zca_flight_free(struct zca_flight *flight);
ZCA_DEFINE_AUTO(zca_flight, struct zca_flight, zca_flight_free);

/** zca_flight_enter waits until no other thread has entered with the same two names; they are
 * borrowed until zca_flight_leave. err ZCA_ERR_UNAVAILABLE after ten seconds. */
ZCA_NODISCARD bool zca_flight_enter(struct zca_flight *flight, const char *org_id,
                                    const char *request_id, struct zca_flight_seat *out_seat,
                                    struct zca_error *err);

/** zca_flight_leave lets the next one in; a seat that was not entered is fine. */
void zca_flight_leave(struct zca_flight_seat *seat);
ZCA_DEFINE_AUTO_CLEAR(zca_flight_seat, struct zca_flight_seat, zca_flight_leave);

#endif
