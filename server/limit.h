/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much one client address may do: so many connections at once, and for some routes so many
 * requests in a period (GCRA). A fixed amount of memory, whatever the number of addresses.
 */
#ifndef ZCA_SERVER_LIMIT_H
#define ZCA_SERVER_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/error.h"

/* A client as limits see it: an IPv4 address, or the /64 of an IPv6 address. */
struct zca_client_address {
    uint64_t high, low;
    bool loopback;
};

/** zca_client_address_of reads a socket address; other families are one client of their own. */
struct zca_client_address zca_client_address_of(const struct sockaddr *address);

/* At most `burst` at once, and `burst` in each `period_s` in the long run; burst 0: no limit. */
struct zca_limit_rule {
    long burst;
    long period_s;
};

struct zca_limiter;

/**
 * zca_limiter_new makes a limiter for a number of rules.
 *
 * rules                    copied.
 * connections_per_address  at most this many open at once; loopback is exempt.
 */
ZCA_NODISCARD struct zca_limiter *zca_limiter_new(const struct zca_limit_rule *rules,
                                                  size_t num_rules, long connections_per_address,
                                                  struct zca_error *err);
void zca_limiter_free(struct zca_limiter *limiter);
ZCA_DEFINE_AUTO(zca_limiter, struct zca_limiter, zca_limiter_free);

/** zca_limiter_enter counts a new connection; false, and nothing counted, when there are too many.
 * zca_limiter_leave takes it back. One thread, as all functions here. */
ZCA_NODISCARD bool zca_limiter_enter(struct zca_limiter *limiter, struct zca_client_address client);
void zca_limiter_leave(struct zca_limiter *limiter, struct zca_client_address client);

/** zca_limiter_admit counts one request under rule number `rule` at time `now_ms` (monotonic).
 * Returns 0 when it may run, else the seconds after which the next one may; nothing is counted then. */
long zca_limiter_admit(struct zca_limiter *limiter, size_t rule, struct zca_client_address client,
                       int64_t now_ms);

#endif
