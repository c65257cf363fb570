/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission.h"

#include "base/clock.h"
#include "server/options.h"
#include "server/response.h"

/* Which routes count against which limit. */
static const struct limit_row {
    unsigned flag;
    enum zca_server_option burst;
    long period_s;
} limit_rows[] = {
    {ZCA_ROUTE_SLOW,  ZCA_SERVER_LOGIN_LIMIT, 300},
    {ZCA_ROUTE_ENROL, ZCA_SERVER_ENROL_LIMIT, 600},
};

bool zca_admission_admit(struct zca_limiter *limiter, struct zca_exchange *exchange,
                         struct zca_client_address client)
{
    for (size_t i = 0; i < ZCA_COUNT(limit_rows); i++) {
        if ((exchange->match.route->flags & limit_rows[i].flag) == 0) {
            continue;
        }
        long wait_s = zca_limiter_admit(limiter, i, client, zca_clock_monotonic_ms());
        if (wait_s > 0) {
            zca_response_rate_limited(&exchange->response, exchange->match.style, wait_s);
            return false;
        }
    }
    return true;
}

struct zca_limiter *zca_admission_limiter(const struct zca_server *server, struct zca_error *err)
{
    struct zca_limit_rule rules[ZCA_COUNT(limit_rows)];
    for (size_t i = 0; i < ZCA_COUNT(limit_rows); i++) {
        rules[i].burst = zca_server_number(server, limit_rows[i].burst);
        rules[i].period_s = limit_rows[i].period_s;
    }
    return zca_limiter_new(rules, ZCA_COUNT(rules),
                           zca_server_number(server, ZCA_SERVER_MAX_PER_ADDRESS), err);
}
