/* SPDX-License-Identifier: Apache-2.0 */
/* Single flight: one process or thread at a time works for an identity. A file lock, released by the
 * kernel when its holder dies. */
#ifndef ZCA_CORE_FLIGHT_H
#define ZCA_CORE_FLIGHT_H

#include "core/library.h"

struct zca_flight;

/** zca_flight_enter waits at most `timeout_ms` for the lock of authority/name. err ZCA_ERR_BUSY names
 * the file. Works between threads of a process as between processes. */
ZCA_NODISCARD struct zca_flight *zca_flight_enter(struct zca_library *library,
                                                  const char *authority, const char *name,
                                                  long timeout_ms, struct zca_error *err);

/** zca_flight_enter_at is zca_flight_enter with the lock "PLACE/directory/name.lock". */
ZCA_NODISCARD struct zca_flight *zca_flight_enter_at(struct zca_library *library,
                                                     enum zca_place place, const char *directory,
                                                     const char *name, long timeout_ms,
                                                     struct zca_error *err);
void zca_flight_leave(struct zca_flight *flight);
ZCA_DEFINE_AUTO(zca_flight, struct zca_flight, zca_flight_leave);

#endif
