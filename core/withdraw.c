/* SPDX-License-Identifier: Apache-2.0 */
/* All that enrolment would go on from: the captured request, the order, the failure. */
#include "core/withdraw.h"

#include "core/captured.h"
#include "core/failure.h"
#include "core/flight.h"
#include "core/order.h"

/* An order for `request` to which no answer is known. */
static bool is_open(const struct zca_order *order, struct zca_span request)
{
    return (order->state == ZCA_ORDER_SUBMITTING || order->state == ZCA_ORDER_ACCEPTED) &&
           zca_span_equal(zca_buffer_span(&order->csr), request);
}

bool zca_request_withdraw(struct zca_identity *identity, struct zca_span request,
                          struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    const char *authority = zca_identity_get_authority_name(identity);
    const char *name = zca_identity_get_name(identity);
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    zca_auto(zca_flight) struct zca_flight *flight =
        zca_flight_enter(library, authority, name, zca_identity_get_wait_ms(identity), err);
    if (!flight || !zca_order_load(library, authority, name, &order, err) ||
        !zca_captured_drop_known(identity, request, err)) {
        return false;
    }
    zca_failure_forget(identity);
    if (!is_open(&order, request)) {
        return true;
    }
    zca_order_clear(&order);
    return zca_order_store(library, authority, name, &order, err);
}
